"""Processes by role, and what a role costs: each role lives in its own control group where the
machine has cgroup v2, else its processes are found by session and summed from /proc."""
import ctypes
import os
import resource
import signal
import subprocess
import time

DESCRIPTORS = 65536
PR_SET_PDEATHSIG = 1
SETTLE_SECONDS = 0.05  # that the kernel takes to bury the dead
TICKS = os.sysconf("SC_CLK_TCK")


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def mount_of(kind, option=""):
    for line in read("/proc/mounts").splitlines():
        _, point, found, options = line.split()[:4]
        if found == kind and (not option or option in options.split(",")):
            return point
    return None


class Group:
    """A control group of the bench: CPU by cgroup v2, kernel memory by whichever version counts it."""

    def __init__(self, name):
        self.directory = self.make(mount_of("cgroup2"), name)
        self.memory = None
        if self.directory and not os.path.exists(f"{self.directory}/memory.stat"):
            self.memory = self.make(mount_of("cgroup", "memory"), name)

    @staticmethod
    def make(mount, name):
        directory = mount and f"{mount}/{name}"
        try:
            os.makedirs(directory or "", exist_ok=True)
            return directory
        except OSError:
            return None

    def join(self):
        for directory in filter(None, (self.directory, self.memory)):
            write(f"{directory}/cgroup.procs", "0")

    def cpu(self):
        counters = dict(line.split() for line in read(f"{self.directory}/cpu.stat").splitlines())
        return int(counters["usage_usec"]) / 1e6

    def kernel_bytes(self):
        """Slab and socket memory charged to the group, or None where nobody counts it."""
        counters = dict(line.split() for line in read(f"{self.directory}/memory.stat").splitlines())
        if counters:
            return int(counters.get("kernel", counters.get("slab", 0)))
        used = self.memory and read(f"{self.memory}/memory.kmem.usage_in_bytes")
        return int(used) if used else None

    def pids(self):
        return [int(pid) for pid in read(f"{self.directory}/cgroup.procs").split()]

    def remove(self):
        for directory in filter(None, (self.directory, self.memory)):
            try:
                os.rmdir(directory)
                os.rmdir(os.path.dirname(directory))  # the last one out; refused while others live
            except OSError:
                pass


def remove_stale_groups():
    """Ends what a run that was killed has left running, and removes its groups."""
    for mount in filter(None, (mount_of("cgroup2"), mount_of("cgroup", "memory"))):
        for name in os.listdir(mount):
            if not name.startswith("hgbench-") or os.path.exists("/proc/" + name[len("hgbench-"):]):
                continue
            for directory, _, _ in os.walk(f"{mount}/{name}", topdown=False):
                for pid in read(f"{directory}/cgroup.procs").split():
                    os.kill(int(pid), signal.SIGKILL)
                time.sleep(SETTLE_SECONDS)
                os.rmdir(directory)


class Role:
    """Some processes that are paid for together: the device, the server, or one gateway."""

    def __init__(self, name, log):
        self.log = log
        self.group = Group(f"hgbench-{os.getpid()}/{name}")
        self.sessions = []
        self.processes = []

    def spawn(self, words, **options):
        def enter():
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            limit = min(DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            if self.group.directory:
                self.group.join()

        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", self.log)
        options.setdefault("stderr", self.log)
        process = subprocess.Popen(words, start_new_session=True, preexec_fn=enter, **options)
        self.processes.append(process)
        self.sessions.append(process.pid)
        return process

    def pids(self):
        if self.group.directory:
            return self.group.pids()
        return [pid for pid, fields in processes() if int(fields[3]) in self.sessions]

    def cpu(self):
        """Seconds so far, of user and system together."""
        if self.group.directory:
            return self.group.cpu()
        return sum(sum(map(int, fields[11:15])) for _, fields in processes()
                   if int(fields[3]) in self.sessions) / TICKS

    def proportional_bytes(self):
        """PSS of all processes: shared pages count once."""
        total = 0
        for pid in self.pids():
            for line in read(f"/proc/{pid}/smaps_rollup").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total

    def kernel_bytes(self):
        return self.group.kernel_bytes() if self.group.directory else None

    def stop(self):
        """Asks every process that we started to end, then insists; helpers they left go with them."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + 5
        for process in self.processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []
        while self.kill_left() and time.monotonic() < deadline + 5:
            time.sleep(0.02)

    def kill_left(self):
        left = self.pids()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return left

    def remove(self):
        self.stop()
        self.group.remove()


def processes():
    """(pid, fields of /proc/PID/stat from the state on) of all that live."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        text = read(f"/proc/{pid}/stat")
        if text:
            yield int(pid), text.rpartition(")")[2].split()


def softirq_cpu():
    """Seconds of the kernel threads that finish network work nobody was charged for."""
    return sum(int(fields[11]) + int(fields[12]) for pid, fields in processes()
               if read(f"/proc/{pid}/comm").startswith("ksoftirqd")) / TICKS


def machine():
    """(busy, stolen, all) CPU seconds of the machine so far."""
    fields = [int(field) / TICKS for field in read("/proc/stat").split("\n")[0].split()[1:9]]
    user, nice, system, idle, wait, irq, softirq, steal = fields
    return user + nice + system + irq + softirq, steal, sum(fields)


def wait_listening(process, ports, seconds=10):
    """Returns when the process's namespace has listeners at all the ports; raises when it has not."""
    wanted = {f"{port:04X}" for port in ports}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        lines = (read(f"/proc/{process.pid}/net/tcp") + read(f"/proc/{process.pid}/net/tcp6")).split("\n")
        rows = [line.split() for line in lines if " 0A " in line]
        if wanted <= {row[1].rpartition(":")[2] for row in rows}:
            return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args} does not listen at {ports}; its log is in the work directory")
