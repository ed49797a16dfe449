"""What /proc tells about processes: memory, descriptors, time used."""
import contextlib
import os
import re
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")


def resident(pid):
    """Kilobytes of VmRSS; 0 when there is no such process."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="utf-8") as file:
        found = re.search(r"VmRSS:\s+(\d+) kB", file.read())
        return int(found[1]) if found else 0
    return 0


def proportional(pid):
    """Kilobytes of its memory, what it shares counted by its part (PSS)."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def descriptors(pid):
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return 0


def sockets(pid):
    """How many of its descriptors are sockets."""
    count = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            count += os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:")
    return count


def seconds_used(pid):
    """Processor time so far."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def nanoseconds_used(pid):
    """The same to the nanosecond, of a process with one thread."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0])


def children(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]
    return []


class Peak:
    """The highest resident memory of each process while the block runs: peak[pid] in kilobytes."""

    def __init__(self, pids, every=0.02):
        self._pids = list(pids)
        self._every = every
        self._ended = threading.Event()
        self.peak = {}

    def _watch(self):
        while not self._ended.is_set():
            self._look()
            self._ended.wait(self._every)

    def _look(self):
        for pid in self._pids:
            self.peak[pid] = max(self.peak.get(pid, 0), resident(pid))

    def __enter__(self):
        self._look()
        self.before = dict(self.peak)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()
        self._look()

    def growth(self):
        """Kilobytes of the process that grew most."""
        return max(self.peak[pid] - self.before[pid] for pid in self._pids)


class Lateness:
    """How much later than asked this machine wakes us: what a bound on time must allow for."""

    STEP = 0.005

    def __init__(self):
        self._ended = threading.Event()
        self._late = []  # (when, seconds)
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while not self._ended.is_set():
            asked = time.monotonic() + self.STEP
            time.sleep(self.STEP)
            late = time.monotonic() - asked
            if late > self.STEP:
                self._late.append((asked, late))

    def between(self, start, end):
        """Seconds that were lost altogether."""
        return sum(late for when, late in list(self._late) if start <= when <= end)

    def close(self):
        self._ended.set()
