"""A thousand reloads."""
import contextlib
import os
import signal
import socket
import struct
import subprocess
import threading
import time

from case import settle
from dialogue import Failure
from echo import Echo
from gateway import builds
from proof import Proof
from topology import inside
from visitors import NAMED, Visitors, check_named
from vitals import descriptors, resident

POLICIES = ["""
rules:
  - { name: look, when: { host: shop.example }, do: inspect, log: exchanges }
  - { name: no ads, when: { host: ads.example }, do: { block: page } }
""", """
lists:
  ads: { names: ads.txt }
rules:
  - { name: no ads, when: { host: list ads }, do: { block: page } }
  - { name: more, when: { host: [other.example, "*.bank.example"], path: /x* }, do: { block: page } }
  - { name: look, when: { host: shop.example }, do: inspect, log: exchanges }
""", """
capture: { tcp: [80, 443, 8000-8010] }
rules:
  - { name: look, when: { host: shop.example, protocol: [http, tls] }, do: inspect, log: exchanges }
"""]
KINDS = {
    "kept": ("good.example", 80, False, 1000),
    "kept and read": ("shop.example", 80, False, 1000),
    "new": ("good.example", 80, False, 1),
    "new TLS": ("good.example", 443, True, 1),
    "new, inspected": ("shop.example", 443, True, 1),
    "kept, inspected": ("shop.example", 443, True, 200),
}
WARM_UP, RELOADS = 150, 1000
GROWTH = 512  # kilobytes


class Thousand(Proof):
    intent = "1,000 reloads under load: no request fails, no process grows, no descriptor is left open"
    policy = POLICIES[0]

    def prove(self):
        self._write("ads.txt", "ads.example\nwww.ads.example\n")
        count = RELOADS // 10 if self.sanitized else RELOADS
        self._round(WARM_UP)
        before = self._look()
        started = time.monotonic()
        visits = self._round(count)
        seconds = time.monotonic() - started
        self._compare(before, self._look())
        self.measured(f"{count} reloads in {seconds:.0f} s beside {len(visits)} requests")

    def _write(self, name, text):
        with open(f"{self.directory}/{name}", "w", encoding="ascii") as file:
            file.write(text)

    def _round(self, count):
        """Reloads with devices at work; what they did. When it ends they have left."""
        visitors = Visitors(self.network.topology, [self._trust("server"), self._trust("gateway")], KINDS, 0.002)
        try:
            for number in range(count):
                self._reload(number)
        finally:
            visitors.close()
        for visit in visitors.visits:
            if visit.error or visit.seconds > 5:
                raise Failure(f"during the reloads, at {time.time() - time.monotonic() + visit.start:.4f}: {visit}")
        kinds = {visit.kind for visit in visitors.visits}
        if kinds != set(KINDS):
            raise Failure(f"only {kinds} came")
        return visitors.visits

    def _reload(self, number):
        self.gateway.write_policy(POLICIES[number % len(POLICIES)])
        result = subprocess.run(
            [f"{builds()}/headgatectl", "--run-directory", self.gateway.run_directory, "reload"],
            capture_output=True, text=True, timeout=20)
        if result.returncode:
            raise Failure(f"reload {number}: {result.stdout}{result.stderr}")

    def _look(self):
        """role, pid → memory and descriptors, at rest: both workers under the first policy, without a connection."""
        self._reload(0)
        deadline = time.monotonic() + 5
        while "no connections" not in self.gateway.control("connections").stdout:
            if time.monotonic() > deadline:
                raise Failure(f"connections are left: {self.gateway.control('connections').stdout}")
            time.sleep(0.1)
        time.sleep(0.5)
        return {(role, pid): (resident(pid), descriptors(pid))
                for role, pids in self.gateway.processes().items() for pid in pids}

    def _compare(self, before, after):
        if set(before) != set(after):
            raise Failure(f"other processes: {before} {after}")
        for process, (memory, files) in before.items():
            now_memory, now_files = after[process]
            self.measured(f"{process[0]}: {now_memory - memory:+} KB of {memory}, {now_files - files:+} of {files} descriptors")
            if now_files != files or (now_memory - memory > GROWTH and not self.sanitized):
                raise Failure(f"{process}: {memory} KB and {files} descriptors became {now_memory} and {now_files}")


class Together(Proof):
    """Many a reload is the daemon's own, and nobody who asks for one knows of it."""

    intent = "Who asks for a reload while one is under way has the next one, with what the policy says by then"
    policy = POLICIES[0]

    def prove(self):
        supervisor = self.gateway.processes()["supervisor"][0]
        command = [f"{builds()}/headgatectl", "--run-directory", self.gateway.run_directory, "reload"]
        for number in range(5):
            os.kill(supervisor, signal.SIGSTOP)  # so that it hears both at once
            try:
                self.gateway.write_policy(POLICIES[2 * (number % 2)])
                both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
                settle(self._both_have_asked)
            finally:
                os.kill(supervisor, signal.SIGCONT)
            for one in both:
                said = one.communicate(timeout=30)[0]
                if one.returncode or "is in force" not in said:
                    raise Failure(f"reload {number}: {said}")

    def _both_have_asked(self):
        topology = self.network.topology
        text = subprocess.run(topology.command(topology.gateway, "ss", "-xlH"), capture_output=True, text=True, check=True).stdout
        if not any(line.split()[2] == "2" for line in text.splitlines() if f"{self.gateway.run_directory}/control " in line):
            raise Failure(f"not two wait at the control socket: {text}")


class Watched(Proof):
    """Where the kernel queues by a rule that no text can say, the table is put together in several steps."""

    intent = "A name that the packet door blocks stays blocked while the table is replaced, and nobody else is refused"
    policy = """
when-down: closed
capture: { proxy: needed, tcp: [80, 443] }
rules:
  - { name: no ads, when: { host: ads.example }, do: block }
"""
    RELOADS = 20

    def prove(self):
        visitors = Visitors(self.network.topology, [self._trust("server")], NAMED, 0.002)
        try:
            for number in range(self.RELOADS):
                self.gateway.write_policy(
                    f"{self.policy}  - {{ name: more, when: {{ host: x.example, port: {number + 1} }}, do: block }}\n")
                result = self.gateway.control("reload")
                if result.returncode:
                    raise Failure(f"reload {number}: {result.stdout}{result.stderr}")
        finally:
            visitors.close()
        check_named(visitors.visits)
        self.measured(f"{self.RELOADS} reloads beside {len(visitors.visits)} visits")


class Waiting(Proof):
    """The kernel drops whatever waits in a queue when a chain leaves its hook: a SYN would come again after a second, a
    datagram never."""

    intent = "What waits at the packet door while a reload replaces the table waits on, and arrives"
    policy = """
when-down: closed
capture: { proxy: needed, tcp: [80, 443], udp: [53, 443] }
rules:
  - { name: changes, when: { port: 7000 }, do: block }
  - { name: no ads, when: { host: ads.example }, do: block }
"""
    ROUNDS, TRIES, EACH = 3, 10, 8
    PATIENCE = 10  # seconds; what has not come by then is lost, however busy the machine is
    QUESTION = struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\4good\7example\0" + struct.pack("!HH", 1, 1)
    QUIC = b"\xc0\0\0\0\1\x08" + bytes(1194)  # the beginning of one, which leaves a name to be said

    def prove(self):
        done, tries = 0, 0
        with contextlib.closing(Echo(self.network.topology.server, "198.51.100.10", 443)):
            while done < self.ROUNDS:
                tries += 1
                if tries > self.TRIES:
                    raise Failure(f"only {done} of {tries} times the packet doors outlived a reload that they did not hear of")
                done += self._round(tries)
        self.measured(f"{done} times {3 * self.EACH} packets waited through a reload")

    def _round(self, number):
        """False when it tells nothing: a process that stands still for too long is replaced, and its queue goes with it."""
        pids = self.gateway.processes()["packet"]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            with contextlib.ExitStack() as stack:
                sockets = self._send(stack)
                settle(lambda: self._must_wait(len(sockets)), self.PATIENCE)
                reload = threading.Thread(target=self._reload, args=[number], daemon=True)
                reload.start()
                settle(lambda: self._must_be_loaded(number), self.PATIENCE)
                waiting = self._waiting()
                for pid in pids:
                    os.kill(pid, signal.SIGCONT)
                reload.join()
                if self.gateway.processes()["packet"] != pids:
                    return False
                if waiting < len(sockets):  # more: a SYN came again meanwhile
                    raise Failure(f"{len(sockets)} packets waited before the reload, {waiting} behind it")
                self._hear(sockets)
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        return True

    def _send(self, stack):
        """SYNs, questions of DNS and beginnings of QUIC."""
        sockets = []
        with inside(self.network.topology.device):
            for kind, address, words in ((socket.SOCK_STREAM, ("198.51.100.10", 80), b""),
                                         (socket.SOCK_DGRAM, ("198.51.100.53", 53), self.QUESTION),
                                         (socket.SOCK_DGRAM, ("198.51.100.10", 443), self.QUIC)):
                for _ in range(self.EACH):
                    one = stack.enter_context(socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK))
                    with contextlib.suppress(BlockingIOError):
                        one.connect(address)
                        one.send(words)
                    sockets.append(one)
        return sockets

    def _hear(self, sockets):
        for one in sockets:
            one.settimeout(self.PATIENCE)
            if one.type == socket.SOCK_STREAM:
                one.sendall(b"GET / HTTP/1.0\r\nHost: good.example\r\n\r\n")
            if not one.recv(4096):
                raise Failure(f"{one} has no answer")

    def _waiting(self):
        """How many packets the kernel holds for the packet doors."""
        said = self._on_gateway("cat", "/proc/net/netfilter/nfnetlink_queue")
        return sum(int(line.split()[2]) for line in said.splitlines())

    def _must_wait(self, count):
        if self._waiting() < count:
            raise Failure(f"{self._waiting()} packets wait, not {count}")

    def _must_be_loaded(self, number):
        said = self._on_gateway("nft", "list", "table", "inet", "headgate")
        if f"dport {7000 + number} " not in said:
            raise Failure(f"the table of reload {number} is not there")

    def _on_gateway(self, *command):
        topology = self.network.topology
        return subprocess.run(topology.command(topology.gateway, *command), capture_output=True, text=True, check=False).stdout

    def _reload(self, number):
        self.gateway.write_policy(self.policy.replace("port: 7000", f"port: {7000 + number}"))
        self.gateway.control("reload")
