"""A moment of a running machine, kept: its memory in a file, its disk as it lay then. The machine can be let go on
from there as often as somebody likes, each time onto a disk of its own, and held now and then while somebody copies
what a power cut would leave of that disk; that is what makes fifty power cuts cheap.

The disk of such a run is worse than a file: it is an overlay in QEMU's own format, whose tables reach the file
only when the guest asks for it. A SIGKILL loses what was written since, unless it lay on a block that had been
written and flushed before: lost and out of order, as on a real disk with a cache of its own.
"""
import json
import os
import signal
import socket
import subprocess
import time

from machine import Broken

BLOCK = 4096  # bytes, the smallest piece that is lost or kept
SECONDS = 120


class Moment:
    """Begins by stopping a machine that is running. end() gives it back, off, with the disk of the last run."""

    def __init__(self, machine):
        self.machine = machine
        self.base = machine.disk
        self.memory = f"{machine.directory}/memory"
        self.overlay = f"{machine.directory}/overlay"
        monitor = Monitor(machine.monitor)
        monitor.ask("migrate", uri=f"exec:cat >{self.memory}")
        deadline = time.monotonic() + SECONDS
        while (state := monitor.ask("query-migrate")["status"]) != "completed":
            if state in ("failed", "cancelled") or time.monotonic() > deadline:
                raise Broken(f"the machine's memory cannot be kept: {state}")
            time.sleep(0.1)
        monitor.close()
        machine.power_off()

    def go_on(self):
        """From here, on a new disk."""
        image(f"create -q -f qcow2 -F raw -o cluster_size={BLOCK} -b {self.base} {self.overlay}")
        self.machine.disk, self.machine.format = self.overlay, "qcow2"
        self.machine.power_on("-incoming", f"exec:cat {self.memory}")

    def hold(self, path):
        """Copies the disk as a power cut would leave it now: what QEMU has in its own memory is not on it."""
        pid = self.machine.process.pid
        os.kill(pid, signal.SIGSTOP)
        os.waitpid(pid, os.WUNTRACED)  # all of its threads
        try:
            subprocess.run(["cp", "--sparse=always", self.overlay, path], check=True)
        finally:
            os.kill(pid, signal.SIGCONT)

    def power_on_after(self, path):
        """The machine, off until now, with what hold() has copied in the place of its disk."""
        self.machine.disk, self.machine.format = path, "qcow2"
        self.machine.power_on()

    def end(self):
        self.machine.power_off()
        image(f"commit -q {self.overlay}")
        self.machine.disk, self.machine.format = self.base, "raw"
        os.unlink(self.memory)


def image(arguments):
    done = subprocess.run(["qemu-img", *arguments.split()], capture_output=True, text=True)
    if done.returncode:
        raise Broken(f"qemu-img {arguments}: {done.stderr}")


class Monitor:
    """QEMU's own control socket, one question at a time."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(SECONDS)
        self._socket.connect(path)
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._lines.readline()  # its greeting
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        for line in self._lines:
            answer = json.loads(line)
            if "error" in answer:
                raise Broken(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]
        raise Broken(f"{command}: QEMU has gone")

    def close(self):
        self._lines.close()
        self._socket.close()
