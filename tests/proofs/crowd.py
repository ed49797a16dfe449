"""Very many connections, very many streams of one, and very few descriptors."""
import contextlib
import socket
import time

from device import resolve
from dialogue import Failure
from frames import DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, WINDOW_UPDATE, block, connect, frame, request
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


class Streams(Proof):
    intent = "10,000 streams over one connection, 100 at a time, leave nothing behind"
    policy = """
rules:
  - { name: look, when: { path: "/*" }, do: inspect }
"""
    HOST = "h2.example"
    COUNT, AT_A_TIME, WARM = 10000, 100, 2000
    KILOBYTES = 512  # a worker may grow while all but the first of them come

    def prove(self):
        pids = self.gateway.processes()["worker"]
        wire = connect(self.network.topology.device, (ipv4(13), 443), self.HOST, self._trust("gateway"))
        wire.send(PREFACE, frame(SETTINGS), frame(WINDOW_UPDATE, 0, 0, (1 << 30).to_bytes(4, "big")))
        asked = block(request(self.HOST))
        used, before = sum(map(seconds_used, pids)), None
        for first in range(0, self.COUNT, self.AT_A_TIME):
            wire.send(*(frame(HEADERS, END_HEADERS | END_STREAM, 2 * (first + i) + 1, asked) for i in range(self.AT_A_TIME)))
            self._take(wire, self.AT_A_TIME)
            if first + self.AT_A_TIME == self.WARM:
                before = sum(map(resident, pids))
        grown = sum(map(resident, pids)) - before
        each = (sum(map(seconds_used, pids)) - used) / self.COUNT
        self.measured(f"{each * 1e6:.0f} µs of the workers' CPU for each; they grew by {grown} KB")
        if grown > self.KILOBYTES and not self.sanitized:
            raise Failure(f"the workers grew by {grown} KB")

    @staticmethod
    def _take(wire, count):
        while count:
            got = wire.next(10)
            if got is None or got[0] not in (DATA, HEADERS, SETTINGS, WINDOW_UPDATE):
                raise Failure(f"instead of an answer came {got}")
            count -= got[0] in (DATA, HEADERS) and got[1] & END_STREAM
