"""Clients that make a connection hold as much as it can: responses that nobody takes, heads without end. The limit
`connection-memory` holds, it costs requests and not the connection, and who reads is not in its way."""
import contextlib
import time

import h2.events

import hyper
from dialogue import Failure
from frames import *
from proof import Proof
from topology import ipv4
from vitals import Peak

HOST = "scripted.example"
STREAMS = 100
ALLOWED = 1024     # kilobytes, as in the policy
MORE = 1024        # of the worker itself: what its allocator keeps, TLS, sockets
PATIENCE = 20


class Server(hyper.Origin):
    """48,000 bytes for who asks; silence for /silence."""

    def _talk2(self, peer):
        stream = hyper.Stream2(peer, False)
        while data := peer.recv(65536):
            for event in stream.h2.receive_data(data):
                if not isinstance(event, h2.events.RequestReceived) or dict(event.headers)[":path"] == "/silence":
                    continue
                stream.h2.send_headers(event.stream_id, [(":status", "200")])
                for last in (False, False, True):
                    stream.h2.send_data(event.stream_id, b"x" * 16000, end_stream=last)
            stream.flush()


def untaken(number):
    return frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 1, block(request(HOST, "/untaken")))


def long_head(number):
    fields = block(request(HOST, "/silence", more=[(f"x-{i}", "v" * 15000) for i in range(4)]))
    parts = [fields[at:at + 16384] for at in range(0, len(fields), 16384)]
    return b"".join(frame(CONTINUATION if at else HEADERS,
                          (END_HEADERS if at == len(parts) - 1 else 0) | (0 if at else END_STREAM), 2 * number + 1, part)
                    for at, part in enumerate(parts))


class Hoard(Proof):
    intent = "No connection holds more than its limit, whatever its client does not take or does not end"
    policy = """
limits: { connection-memory: 1 MiB }
rules:
  - { name: all, when: { path: "/*" }, do: inspect, log: exchanges }
"""
    workers = 1

    def prove(self):
        with contextlib.closing(Server(self.network.topology, (ipv4(40), 443), None, ["h2"],
                                       hyper.server_context(self.network.certificates))):
            self._read()  # the leaf is there
            self._hoard("responses that nobody takes", untaken)
            self._hoard("heads of 60 KB that nobody answers", long_head)

    def _hoard(self, name, make):
        worker, = self.gateway.processes()["worker"]
        refused = self._refused()
        with Peak([worker]) as peak:
            wire = connect(self.network.topology.device, (ipv4(40), 443), HOST, self._trust("gateway"))
            wire.send(PREFACE, frame(SETTINGS), *map(make, range(STREAMS)))
            self._await(lambda: self._refused() > refused, f"{name}: nothing was refused")
            wire.send(frame(PING, 0, 0, b"12345678"))
            if (outcome := wire.outcome(streams=False, timeout=PATIENCE)) != ("pong",):
                raise Failure(f"{name}: the connection is gone, {outcome}")
            self._read()
        wire.peer.close()
        self.measured(f"{name}: the worker grew by {peak.growth()} KB, {self._refused() - refused} of {STREAMS} requests were refused")
        if peak.growth() > ALLOWED + MORE and not self.sanitized:
            raise Failure(f"{name}: the worker grew by {peak.growth()} KB")

    def _refused(self):
        return sum((line.get("error") or {}).get("reason") == "connection-memory" for line in self.gateway.journal()
                   if line["type"] == "exchange")

    @staticmethod
    def _await(holds, what):
        until = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > until:
                raise Failure(what)
            time.sleep(0.05)

    def _read(self):
        """Another client, which takes what comes, has room for it."""
        client = hyper.connect(self.network.topology.device, (ipv4(40), 443), HOST, self._trust("gateway"), ["h2"])
        for _ in range(30):
            response = client.ask(hyper.Message(method="GET", path="/taken", authority=HOST))
            if response.status != 200 or len(response.body) != 48000:
                raise Failure(f"who reads got {response.status} and {len(response.body)} bytes")
        client.stream.peer.close()
