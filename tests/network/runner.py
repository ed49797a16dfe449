"""Runs cases side by side, each on a network of its own, and prints TAP."""
import itertools
import queue
import shutil
import sys
import threading
import time
import traceback

from certificates import Certificates
from dialogue import Failure
from network import Network
from topology import make_directory


class Runner:
    def __init__(self, cases, verbose):
        self._directory = make_directory()
        self._stopping = threading.Event()
        self._threads = []
        self._todo = queue.SimpleQueue()
        self._done = queue.SimpleQueue()
        self._networks = []
        self._verbose = verbose
        self._serial = itertools.count()
        for number, case in enumerate(cases, 1):
            self._todo.put((number, case))
        self._count = len(cases)

    def run(self, jobs):
        """Prints a line per case, in order; the number of failures."""
        certificates = Certificates(f"{self._directory}/certificates")
        for number in range(min(jobs, self._count)):
            network = Network(certificates, self._directory, number)
            self._networks.append(network)
            thread = threading.Thread(target=self._work, args=(network,), daemon=True)
            self._threads.append(thread)
            thread.start()
        print(f"1..{self._count}", flush=True)
        finished, failures = {}, 0
        for number in range(1, self._count + 1):
            while number not in finished:
                key, *result = self._done.get()
                finished[key] = result
            case, lines, seconds = finished[number]
            failures += bool(lines)
            self._tell(number, case, lines, seconds)
        return failures

    def _tell(self, number, case, lines, seconds):
        remark = f" # {seconds:.1f} s" if self._verbose else ""
        if case.missing:
            remark = f" # SKIP there is no {' and no '.join(case.missing)}"
        print(f"{'not ok' if lines else 'ok'} {number} - {case.name}: {case.intent}{remark}")
        for line in [*lines, *case.figures]:
            print("#   " + str(line).replace("\n", "\n#   "))
        sys.stdout.flush()

    def _work(self, network):
        is_open = False
        while not self._stopping.is_set():
            try:
                number, case = self._todo.get_nowait()
            except queue.Empty:
                return
            if case.missing:
                self._done.put((number, case, [], 0))
                continue
            started = time.monotonic()
            directory = f"{self._directory}/case-{next(self._serial)}"
            lines, clean = [], False
            try:
                if not is_open:
                    network.open()
                case.run(network, directory)
            except Failure as error:
                lines = [error, *case.diagnosis()]
            except Exception:  # the case is at fault, or the run; either way it has failed
                lines = [traceback.format_exc(), *case.diagnosis()]
            try:
                clean = case.finish(directory)
            except Exception:
                lines.append(traceback.format_exc())
            is_open = clean
            if not clean:
                network.close()
            self._done.put((number, case, lines, time.monotonic() - started))

    def close(self):
        """Takes the ground away under the cases that still run, and then what they made meanwhile."""
        self._stopping.set()
        for network in self._networks:
            network.close()
        deadline = time.monotonic() + 20
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))
        for network in self._networks:
            network.close()
        shutil.rmtree(self._directory, ignore_errors=True)
