"""A thousand connections of each kind that are as slow as they are let: what they hold, what they cost, what others wait
meanwhile, and that they end when the limits say so. Run by `make bench`, or: tests/network/run -v tests/bench/slow.py"""
import asyncio
import collections
import contextlib
import resource
import socket
import ssl
import threading
import time

from dialogue import Failure
from proof import Proof
from topology import inside, ipv4
from vitals import nanoseconds_used, resident

COUNT = 1000
EVERY = 0.5       # seconds between two bytes
WATCHED = 3       # seconds in which nothing may end yet
PATIENCE = 60
HOST = "shop.example"
HEAD = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Slow: ".encode("ascii")
BODY = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n".encode("ascii")
READ = f"GET /endless HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode("ascii")

# name, TLS, what is said first, then again and again, how much is read each time, the reason in the journal
KINDS = (
    ("heads", False, HEAD, b"x", 65536, "hello-timeout"),
    ("bodies", False, BODY, b"1\r\nx\r\n", 65536, "request-timeout"),
    ("readers", False, READ, b"", 1, "slow-reader"),
    ("heads inside TLS", True, HEAD, b"x", 65536, "request-timeout"),
    ("bodies inside TLS", True, BODY, b"1\r\nx\r\n", 65536, "request-timeout"),
    ("readers inside TLS", True, READ, b"", 1, "slow-reader"),
)


class Server:
    """Takes everything; sends without end to who asks for it."""

    def __init__(self, network):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        path = network.certificates.path("good")
        context.load_cert_chain(f"{path}.pem", f"{path}.key")
        self._loop = asyncio.new_event_loop()
        with inside(network.topology.server):
            listeners = [socket.create_server((ipv4(10), port), backlog=COUNT) for port in (8080, 8443)]
        for listener, tls in zip(listeners, (None, context)):
            self._loop.run_until_complete(asyncio.start_server(self._serve, sock=listener, ssl=tls))
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    @staticmethod
    async def _serve(reader, writer):
        writer.transport.set_write_buffer_limits(high=4096)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET /endless"):
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while True:
                    writer.write(b"1000\r\n" + bytes(4096) + b"\r\n")
                    await writer.drain()
            if head.startswith(b"GET"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
            while await reader.read(65536):
                pass
        writer.close()

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)


class Slow(Proof):
    intent = f"{COUNT} slow connections of each kind: memory is bounded, others are served, the limits end them"
    policy = """
capture: { tcp: [80, 8080, 8443] }
limits: { request: 8 s, grace: 8 s, read-rate: 64 KiB, hello: 8 s, connections-per-device: 10000, handshakes-per-device: 10000 }
rules:
  - { name: look, when: { path: "/*" }, do: inspect, log: exchanges }
"""
    workers = 1
    descriptors = 8192

    def prove(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (16384, 16384))
        self._context = ssl.create_default_context(cafile=self._trust("gateway"))
        self._server = Server(self.network)
        with contextlib.closing(self._server):
            self._wait()  # everything is warm
            self._base = resident(self.gateway.processes()["worker"][0])
            self.measured(f"{'':20} KB each   CPU ms/s   another waits   all ended after")
            for kind in KINDS:
                self._crowd(*kind)

    def _open(self, port, tls=False):
        with inside(self.network.topology.device):
            peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.settimeout(PATIENCE)
        peer.connect((ipv4(10), port))
        return self._context.wrap_socket(peer, server_hostname=HOST) if tls else peer

    def _wait(self):
        """Seconds that a request takes."""
        began = time.monotonic()
        with self._open(80) as peer:
            peer.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode("ascii"))
            if not peer.recv(4096).startswith(b"HTTP/1.1 200"):
                raise Failure("another client is not served")
        return time.monotonic() - began

    def _crowd(self, name, tls, first, then, size, reason):
        worker, = self.gateway.processes()["worker"]
        known = self._reasons()
        began = time.monotonic()
        peers = [self._open(8443 if tls else 8080, tls) for _ in range(COUNT)]
        for peer in peers:
            peer.sendall(first)
            peer.setblocking(False)
        opened = time.monotonic() - began
        crowd = Crowd(peers, then, size)
        crowd.turn(time.monotonic() + 1)
        each = (resident(worker) - self._base) / COUNT
        used, start, waits = nanoseconds_used(worker), time.monotonic(), []
        while time.monotonic() < start + WATCHED:
            crowd.turn(time.monotonic() + EVERY)
            waits.append(self._wait())
        used = (nanoseconds_used(worker) - used) / 1e6 / (time.monotonic() - start)
        each = max(each, (resident(worker) - self._base) / COUNT)
        until = time.monotonic() + PATIENCE
        while (count := (self._reasons() - known)[reason]) < COUNT:
            if time.monotonic() > until:
                raise Failure(f"{name}: only {count} have ended")
            crowd.turn(time.monotonic() + EVERY)
        self.measured(f"{name:20} {each:7.1f} {used:10.1f} {1000 * max(waits):12.1f} ms {time.monotonic() - began - opened:12.1f} s")
        for peer in peers:
            peer.close()

    def _reasons(self):
        return collections.Counter(line["reason"] if line["type"] == "connection" else (line["error"] or {}).get("reason")
                                   for line in self.gateway.journal())


class Crowd:
    """Everybody says and reads a little, again and again."""

    def __init__(self, peers, then, size):
        self._peers, self._then, self._size = peers, then, size

    def turn(self, until):
        for peer in self._peers:
            with contextlib.suppress(OSError):
                if self._then:
                    peer.send(self._then)
            with contextlib.suppress(OSError):
                peer.recv(self._size)
        time.sleep(max(0, until - time.monotonic()))
