"""Floods of HTTP/2 frames that cost the receiver more than the sender: the gateway ends them, grows no more than a
little, and serves others meanwhile."""
import threading
import time

from dialogue import Failure
from frames import *
from proof import Proof
from topology import ipv4
from vitals import Peak, children, seconds_used

HOST = "h2.example"
GET = request(HOST)
SECONDS = 1
MEGABYTES = 6  # a worker may grow


def ask(stream, flags=END_HEADERS | END_STREAM, fields=GET):
    return frame(HEADERS, flags, stream, block(fields))


def _rapid_reset(number):
    return ask(2 * number + 1) + frame(RST_STREAM, 0, 2 * number + 1, b"\0\0\0\x08")


def _made_you_reset(number):
    return ask(2 * number + 1, END_HEADERS) + frame(WINDOW_UPDATE, 0, 2 * number + 1, b"\0\0\0\0")


def _bomb(number):
    """One large entry of the compression table, then 4000 references to it."""
    if number == 0:
        name = b"\x40\x01a" + b"\x7f\x81\x17" + b"v" * 3072
        return frame(HEADERS, END_HEADERS | END_STREAM, 1, block(GET) + name)
    return frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 1, block(GET) + b"\xbe" * 4000)


def _continuations(number):
    return ask(1, END_STREAM) if number == 0 else frame(CONTINUATION, 0, 1, block([("x", "y")]))


def _empty_continuations(number):
    return ask(1, END_STREAM) if number == 0 else frame(CONTINUATION, 0, 1)


def _empty_data(number):
    return ask(1, END_HEADERS, request(HOST, method="POST")) if number == 0 else frame(DATA, 0, 1)


def _windows(number):
    return ask(1, END_HEADERS, request(HOST, method="POST")) if number == 0 else frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\1")


def _toggle(number):
    """A hundred responses wait, and each settings frame changes the windows of all."""
    if number < 100:
        return (frame(SETTINGS, 0, 0, setting(4, 0)) if number == 0 else b"") + ask(2 * number + 1)
    return frame(SETTINGS, 0, 0, setting(4, 65535 * (number % 2)))


FLOODS = (
    ("rapid reset", _rapid_reset),
    ("resets that we are made to send", _made_you_reset),
    ("settings", lambda number: frame(SETTINGS, 0, 0, setting(3, number))),
    ("empty settings", lambda number: frame(SETTINGS)),
    ("pings", lambda number: frame(PING, 0, 0, b"12345678")),
    ("priorities", lambda number: frame(PRIORITY, 0, 1, b"\0\0\0\0\1")),
    ("windows closed and opened", _toggle),
    ("CONTINUATIONs", _continuations),
    ("empty CONTINUATIONs", _empty_continuations),
    ("empty DATA", _empty_data),
    ("windows opened by one byte", _windows),
    ("references to a large field", _bomb),
    ("unknown frames", lambda number: frame(0xbe, 0, 0, b"x")),
    ("requests that are malformed", lambda number: ask(2 * number + 1, fields=GET + [("X", "y")])),
)


class Flood(threading.Thread):
    def __init__(self, wire, make):
        super().__init__(daemon=True)
        self.wire, self.make, self.sent, self.ended = wire, make, 0, None

    def run(self):
        until, number = time.monotonic() + SECONDS, 0
        self.wire.send(PREFACE, frame(SETTINGS))
        reader = threading.Thread(target=self._read, daemon=True)
        reader.start()
        while time.monotonic() < until and self.ended is None:
            data = b"".join(self.make(number + i) for i in range(64))
            number += 64
            try:
                self.wire.peer.sendall(data)
            except OSError:
                break
            self.sent += len(data)
        reader.join(3)

    def _read(self):
        try:
            while got := self.wire.next(SECONDS):
                if got[0] == GOAWAY:
                    self.ended = int.from_bytes(got[3][4:8], "big")
        except TimeoutError:
            return
        self.ended = CALM if self.ended is None else self.ended


class Floods(Proof):
    intent = "Floods of HTTP/2 frames end by themselves or with the connection; memory stays flat, others are served"
    policy = """
rules:
  - { name: look, when: { path: "/*" }, do: inspect }
"""

    def prove(self):
        self._connect().send(PREFACE)  # the leaf is there
        wrong = []
        for name, make in FLOODS:
            workers = [pid for pid in children(self.gateway.pid)]
            used = sum(map(seconds_used, workers))
            flood = Flood(self._connect(), make)
            began = time.monotonic()
            with Peak(workers) as peak:
                flood.start()
                time.sleep(0.2)
                served = self._served()
                flood.join()
            grown = max(peak.peak[pid] - peak.before[pid] for pid in workers)
            taken = sum(map(seconds_used, workers)) - used
            self.measured(f"{name}: {'ended' if flood.ended is not None else 'went on'} after "
                          f"{time.monotonic() - began:.1f} s and {flood.sent >> 10} KB, {taken:.2f} s of CPU, {grown} KB")
            if served > 1:
                wrong.append(f"{name}: another client waited {served:.1f} s")
            if grown > MEGABYTES * 1024 and not self.sanitized:
                wrong.append(f"{name}: a worker grew by {grown} KB")
            if flood.ended is None and name not in ("unknown frames", "windows opened by one byte"):
                wrong.append(f"{name}: nothing ended it")
        if wrong:
            raise Failure("\n".join(wrong))

    def _connect(self):
        return connect(self.network.topology.device, (ipv4(13), 443), HOST, self._trust("gateway"))

    def _served(self):
        began = time.monotonic()
        wire = self._connect()
        wire.send(PREFACE, frame(SETTINGS), ask(1))
        if wire.outcome() != ("status", 200):
            return 99
        return time.monotonic() - began
