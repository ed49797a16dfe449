"""A server that refuses is told at once, whatever the gateway does with the connection: a reset, or a page that says 502."""
import contextlib
import socket
import ssl
import statistics
import time

from dialogue import Failure
from proof import Proof
from topology import inside, ipv4

TIMES = 20
MILLISECONDS = 50
SLACK = 20     # times what a refusal takes without us, for busy machines
CLOSED = 7999  # nobody listens there


class Late(Exception):
    """Between connecting and asking so much time went by that the gateway took the device for one that waits for the server to
    speak first, and found the server closed: a reset, as it should be, but not what was to be timed."""


class Refused(Proof):
    intent = f"A refused upstream is a reset or a 502 within {MILLISECONDS} ms, as the median of {TIMES}"
    policy = f"""
capture: {{ tcp: [80, 443, {CLOSED}] }}
upstreams:
  closed: {{ server: "198.51.100.40:{CLOSED}", tls: false }}
rules:
  - {{ name: away, when: {{ host: away.example }}, do: {{ route: closed }} }}
  - {{ name: look, when: {{ from: 192.0.2.10, port: {CLOSED}, protocol: [http, tls] }}, do: inspect }}
"""

    def prove(self):
        ways = {"passed": self._passed, "read": self._read, "routed": self._routed, "inspected": self._inspected}
        took = {name: [] for name in ("without us", *ways)}
        for _ in range(TIMES):
            took["without us"].append(self._timed(self._direct))
            for name, way in ways.items():
                with contextlib.suppress(Late):
                    took[name].append(self._timed(way))
        if min(map(len, took.values())) < TIMES / 2:
            raise Failure(f"of {TIMES} tries there are { {name: len(each) for name, each in took.items()} }")
        medians = {name: 1000 * statistics.median(each) for name, each in took.items()}
        self.measured("medians: " + ", ".join(f"{name} {each:.1f} ms" for name, each in medians.items()))
        slow = {name for name in ways if medians[name] > MILLISECONDS + SLACK * medians["without us"]}
        if slow:
            raise Failure(f"too slow: {', '.join(sorted(slow))}; {medians}")

    @staticmethod
    def _timed(way):
        began = time.monotonic()
        way()
        return time.monotonic() - began

    def _open(self, namespace, address):
        with inside(namespace):
            peer = socket.socket()
        peer.settimeout(10)
        peer.connect(address)
        return peer

    def _direct(self):
        """From the gateway's own namespace, which captures nothing."""
        with contextlib.suppress(ConnectionRefusedError):
            self._open(self.network.topology.gateway, (ipv4(40), CLOSED))
            raise Failure("somebody listens there")

    def _ask(self, port, data):
        with self._open(self.network.topology.device, (ipv4(40) if port == CLOSED else ipv4(10), port)) as peer:
            with contextlib.suppress(ConnectionError):
                peer.sendall(data)
                return peer.recv(4096)
        return b""

    def _passed(self):
        if self._ask(CLOSED, b"SSH-2.0-device\r\n"):
            raise Failure("a passed connection was answered")

    def _must_be_502(self, answer):
        if not answer:
            raise Late
        if not answer.startswith(b"HTTP/1.1 502"):
            raise Failure(f"{answer[:60]!r}")

    def _read(self):
        self._must_be_502(self._ask(CLOSED, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"))

    def _routed(self):
        self._must_be_502(self._ask(80, b"GET / HTTP/1.1\r\nHost: away.example\r\n\r\n"))

    def _inspected(self):
        context = ssl.create_default_context(cafile=self._trust("gateway"))
        with self._open(self.network.topology.device, (ipv4(40), CLOSED)) as peer:
            try:
                context.wrap_socket(peer, server_hostname="a.example")
            except (ConnectionError, ssl.SSLError):
                return
        raise Failure("an inspected connection was answered")
