"""Very many connections, and very few descriptors."""
import contextlib
import socket
import time

from device import resolve
from dialogue import Failure
from proof import Proof
from topology import inside, ipv4
from vitals import resident, seconds_used

POLICY = """
capture: { tcp: [80, 7000] }
rules:
  - { name: look, when: { host: shop.example }, do: inspect }
  - { name: no ads, when: { host: ads.example }, do: { block: page } }
"""
CROWD = 2000
WATCHED, BUSY = 2, 0.2  # seconds of the clock, and of the processor


class Crowd(Proof):
    """Connections that say nothing, to a server that says nothing."""

    def prove(self):
        self.peers = []
        with inside(self.network.topology.server):
            listener = socket.create_server((ipv4(40), 7000), backlog=2 * CROWD)
        try:
            self.meet()
        finally:
            self._leave()
            listener.close()

    def _enter(self, count):
        address = resolve("scripted.example:7000", 4)
        with inside(self.network.topology.device):
            for _ in range(count):
                peer = socket.socket()
                peer.setblocking(False)
                peer.connect_ex(address)
                self.peers.append(peer)
                if len(self.peers) % 50 == 0:
                    time.sleep(0.01)  # a queue of connections has an end

    def _leave(self):
        for peer in self.peers:
            with contextlib.suppress(OSError):
                peer.close()
        self.peers = []

    def _workers(self):
        return self.gateway.processes()["worker"]

    def _check_calm(self, when):
        pids = self._workers()
        before = [seconds_used(pid) for pid in pids]
        time.sleep(WATCHED)
        used = [seconds_used(pid) - start for pid, start in zip(pids, before)]
        self.measured(f"{when}: the workers used {' and '.join(f'{one:.2f}' for one in used)} s of {WATCHED} s")
        if max(used) > BUSY and not self.sanitized:
            raise Failure(f"{when}: a worker used {max(used):.2f} s of the processor in {WATCHED} s")

    def _check_served(self):
        self.device.curl({"curl": "http://ads.example/", "status": 403, "within": 5})
        self.device.curl({"curl": "http://shop.example/", "status": 200, "within": 5})


class Idle(Crowd):
    intent = "2,000 idle connections cost no time, little memory, and everybody else is served"
    policy = POLICY
    EACH = 8  # kilobytes of worker memory

    def meet(self):
        pids = self._workers()
        self._check_served()
        before = sum(resident(pid) for pid in pids)
        self._enter(CROWD)
        time.sleep(1)
        live = self.gateway.control("connections").stdout.count("198.51.100.40:7000")
        if live != CROWD:
            raise Failure(f"{live} of {CROWD} are there")
        each = (sum(resident(pid) for pid in pids) - before) / CROWD
        self.measured(f"{each:.1f} KB of worker memory for each")
        if each > self.EACH and not self.sanitized:
            raise Failure(f"{each:.1f} KB for each connection")
        self._check_calm("with all of them")
        self._check_served()
        self._leave()
        time.sleep(1)
        if self._workers() != pids:
            raise Failure("a worker has been replaced")
        self._check_served()


class Throttled(Crowd):
    intent = "With 64 descriptors connections wait in line, nobody spins, and all goes on when there is room again"
    policy = POLICY
    descriptors = 64

    def meet(self):
        self._check_served()
        pids = self._workers()
        self._enter(CROWD)
        time.sleep(1)
        self._check_calm("with a long queue")
        self._leave()
        self._check_served()
        self._check_calm("afterwards")
        if self._workers() != pids:
            raise Failure("a worker has been replaced")
        if not any("new connections on lan0 wait" in line for line in self.gateway.said()):
            raise Failure("the operator was not told")
