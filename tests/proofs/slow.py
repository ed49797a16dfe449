"""Devices and servers that are slow: what one side does not take, the other does not give, and nothing piles up."""
import hashlib
import socket
import ssl
import threading
import time

from device import resolve
from dialogue import Failure
from proof import Proof
from topology import inside
from vitals import Peak
from warehouse import PIECE, Warehouse, make_body

SECONDS = 4      # of slowness
SLEEP = 0.05
LIMIT = 1024     # kilobytes
KINDS = (("passed", "good.example", Warehouse.PLAIN, False), ("passed TLS", "good.example", Warehouse.TLS, True),
         ("read", "shop.example", Warehouse.PLAIN, False), ("inspected", "shop.example", Warehouse.TLS, True))


class Transfer(threading.Thread):
    """One body, down or up, first slowly, then as fast as it goes; digest is what arrived."""

    def __init__(self, peer, host, body, seconds):
        super().__init__(daemon=True)
        self.peer, self.host, self.body = peer, host, body
        self.digest = self.error = None
        self._until = time.monotonic() + seconds

    def run(self):
        try:
            self.digest = self.carry()
        except (OSError, ValueError) as error:
            self.error = repr(error)
        finally:
            self.peer.close()

    def pause(self):
        if time.monotonic() < self._until:
            time.sleep(SLEEP)
            return True
        return False


class Down(Transfer):
    def carry(self):
        self.peer.sendall(f"GET /body HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n\r\n".encode("ascii"))
        stream = self.peer.makefile("rb", buffering=8192)
        while stream.readline() != b"\r\n":
            pass
        digest = hashlib.sha256()
        while piece := stream.read(8192 if self.pause() else PIECE):
            digest.update(piece)
        return digest.hexdigest()


class Up(Transfer):
    """The server takes its time with the pieces, see Warehouse.slow."""

    def carry(self):
        self.peer.sendall(f"PUT /body HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n"
                          f"Content-Length: {len(self.body)}\r\n\r\n".encode("ascii"))
        # sendall() would have the timeout for all of it, and a busy machine needs more.
        for start in range(0, len(self.body), PIECE):
            self.peer.sendall(memoryview(self.body)[start:start + PIECE])
        return self.peer.makefile("rb").read()[-64:].decode("ascii")


class Slow(Proof):
    intent = "While devices read, or servers take, 50 MB slowly, passed and inspected, no worker grows by a megabyte"
    policy = """
capture: { tcp: [8080, 8443] }
rules:
  - { name: look, when: { host: shop.example }, do: inspect }
"""

    def prove(self):
        path = make_body(f"{self.directory}/body", 50)
        with open(path, "rb") as file:
            self.body = file.read()
        self.expected = hashlib.sha256(self.body).hexdigest()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for whose in ("server", "gateway"):
            self._context.load_verify_locations(self._trust(whose))
        self.warehouse = Warehouse(self.network, path)
        try:
            self._round(Down, "warm-up", 0)
            self._round(Up, "warm-up", 0)
            for way in (Down, Up):
                self.warehouse.slow = SECONDS if way is Up else 0
                with Peak(self.gateway.processes()["worker"]) as peak:
                    self._round(way, way.__name__, SECONDS)
                self.measured(f"{way.__name__}: a worker grew by {peak.growth()} KB at most")
                if peak.growth() >= LIMIT and not self.sanitized:
                    raise Failure(f"{way.__name__}: a worker grew by {peak.growth()} KB")
        finally:
            self.warehouse.close()

    def _round(self, way, name, seconds):
        transfers = {kind: way(self._open(host, port, tls), host, self.body, seconds)
                     for kind, host, port, tls in KINDS}
        for transfer in transfers.values():
            transfer.start()
        for kind, transfer in transfers.items():
            transfer.join()  # every call has its own timeout
            if transfer.digest != self.expected:
                raise Failure(f"{name}, {kind}: {transfer.error or transfer.digest or 'it did not end'}")

    def _open(self, host, port, tls):
        with inside(self.network.topology.device):
            peer = socket.socket()
        peer.settimeout(30)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        peer.connect(resolve(f"{host}:{port}", 4))
        return self._context.wrap_socket(peer, server_hostname=host) if tls else peer
