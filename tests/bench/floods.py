"""What floods of HTTP/2 frames cost the gateway, beside the same number of bytes sent as decent requests over as many
connections. Run by `make bench`, or: tests/network/run -v tests/bench/floods.py"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../proofs"))

import floods
from dialogue import Failure
from floods import ask
from frames import *
from proof import Proof
from topology import ipv4
from vitals import Peak, nanoseconds_used

HOST = floods.HOST
CONNECTIONS = 10
MOST = 256 << 10   # bytes of one connection
PIECE = 4096
AT_A_TIME = 50     # decent requests that wait for their answers
LIMIT = 2          # times what is decent
PATIENCE = 20


class Cost(Proof):
    intent = f"CPU of the worker for a flood, at most {LIMIT} times that of the same bytes as decent requests"
    policy = """
limits: { connections-per-device: 1000000, handshakes-per-device: 1000000 }
rules:
  - { name: look, when: { path: "/*" }, do: inspect, log: none }
"""
    workers = 1

    def prove(self):
        self._decent(PIECE)  # the leaf is there, the allocator is warm
        self.measured(f"{'':36}   bytes  CPU ms  decent  ratio   grown")
        for name, make in floods.FLOODS:
            spent, count, grown = self._measure(lambda: self._flood(make))
            decent, sent, _ = self._measure(lambda: self._decent(count // CONNECTIONS))
            ratio = spent / (decent * count / sent)
            self.measured(f"{name:36} {count // CONNECTIONS:7} {spent / CONNECTIONS:7.2f} {decent / CONNECTIONS:7.2f} {ratio:6.2f} "
                          f"{grown:4} KB  {'met' if ratio <= LIMIT else 'MISSED'}")

    def _measure(self, work):
        """(CPU in milliseconds, bytes that were sent, growth in KB) of all connections together."""
        worker, = self.gateway.processes()["worker"]
        before = nanoseconds_used(worker)
        with Peak([worker]) as peak:
            sent = sum(work() for _ in range(CONNECTIONS))
            time.sleep(0.1)  # the last of them ends
        return (nanoseconds_used(worker) - before) / 1e6, sent, peak.growth()

    def _begin(self):
        wire = connect(self.network.topology.device, (ipv4(13), 443), HOST, self._trust("gateway"))
        wire.send(PREFACE, frame(SETTINGS), frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", 1 << 30)))
        return wire

    def _flood(self, make):
        """Until the gateway ends it, or there is no end; the bytes that it can have read."""
        wire, number, sent = self._begin(), 0, 0
        while sent < MOST:
            piece = b""
            while len(piece) < PIECE:
                piece, number = piece + make(number), number + 1
            wire.send(piece)
            sent += len(piece)
            # What is sent behind the end costs nothing, and must not count.
            if self._is_over(wire):
                break
        wire.peer.close()
        return sent

    @staticmethod
    def _is_over(wire):
        try:
            while got := wire.next(0.002):
                if got[0] == GOAWAY:
                    return True
        except TimeoutError:
            return False
        return True

    def _decent(self, size):
        """Requests, fifty at a time, that wait for their answers."""
        wire, number, sent = self._begin(), 0, 0
        while sent < size:
            some = range(number, number + min(AT_A_TIME, (size - sent) // len(ask(1)) + 1))
            pieces = [ask(2 * one + 1) for one in some]
            wire.peer.sendall(b"".join(pieces))
            number, sent = some.stop, sent + sum(map(len, pieces))
            answers = 0
            while answers < len(some):
                got = wire.next(PATIENCE)
                if not got or got[0] in (GOAWAY, RST_STREAM):
                    raise Failure(f"a decent request was answered with {got}")
                answers += bool(got[1] & END_STREAM and got[0] in (HEADERS, DATA))
        wire.peer.close()
        return sent
