"""Devices that ask for pages without end, and remember how every single request went."""
import contextlib
import socket
import ssl
import threading
import time

from device import resolve
from dialogue import Failure
from topology import inside

PATIENCE = 5  # nobody should ever wait that long


class Visit:
    """One request: what kind, when it began and ended (monotonic), and what went wrong, if anything did."""

    def __init__(self, kind):
        self.kind = kind
        self.start = time.monotonic()
        self.end = None
        self.error = None
        self.issuer = None  # of the certificate that was shown
        self.port = None    # of the device
        self.kept = False   # on a connection that had served before

    @property
    def seconds(self):
        """So far, as long as it has no end."""
        return (self.end or time.monotonic()) - self.start

    def __str__(self):
        outcome = self.error or ("fine" if self.end else "still waiting")
        return f"{self.kind}{' (kept)' if self.kept else ''}: {outcome} after {self.seconds:.3f} s"


class Visitors:
    """kinds: name → (host, port, TLS or not, requests per connection). One thread each, pausing between the
    requests. Whose certificate is shown does not matter here: both roots are trusted, Visit.issuer tells."""

    def __init__(self, topology, roots, kinds, pause=0.01):
        self._topology = topology
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for root in roots:
            self._context.load_verify_locations(root)
        self._pause = pause
        self._ending = threading.Event()
        self.visits = []
        self._threads = [threading.Thread(target=self._live, args=(kind, *settings), daemon=True)
                         for kind, settings in kinds.items()]
        for thread in self._threads:
            thread.start()

    def _live(self, kind, host, port, tls, requests):
        address = resolve(f"{host}:{port}", 4)
        while not self._ending.is_set():
            self._connection(kind, host, address, tls, requests)

    def _connection(self, kind, host, address, tls, requests):
        peer = None
        for number in range(requests):
            visit = Visit(kind)
            visit.kept = number > 0
            visit.port = peer.getsockname()[1] if peer else None
            self.visits.append(visit)
            stays = False
            try:
                peer = peer or self.open(address, host if tls else None, visit)
                stays = ask(peer, host, last=number + 1 == requests)
            except OSError as error:
                visit.error = f"{type(error).__name__}: {error}"
            visit.end = time.monotonic()
            if self._ending.wait(self._pause) or not stays:
                break
        if peer:
            with contextlib.suppress(OSError):
                peer.close()

    def open(self, address, name, visit):
        with inside(self._topology.device):
            peer = socket.socket()
        peer.settimeout(PATIENCE)
        try:
            peer.connect(address)
            visit.port = peer.getsockname()[1]
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if name:
                peer = self._context.wrap_socket(peer, server_hostname=name)
                visit.issuer = dict(part[0] for part in peer.getpeercert()["issuer"])["commonName"]
        except OSError:
            peer.close()
            raise
        return peer

    def visit(self, host, port, tls):
        """One more visit, now, by the caller."""
        visit = Visit("single")
        try:
            peer = self.open(resolve(f"{host}:{port}", 4), host if tls else None, visit)
            with peer:
                ask(peer, host, last=True)
        except OSError as error:
            visit.error = f"{type(error).__name__}: {error}"
        visit.end = time.monotonic()
        return visit

    def keep(self, host, port):
        """A connection by TLS that has served one request and stays open; the caller's."""
        peer = self.open(resolve(f"{host}:{port}", 4), host, Visit("kept"))
        ask(peer, host, last=False)
        return peer

    def since(self, start, end=float("inf")):
        """The visits that began in that time."""
        return [visit for visit in list(self.visits) if start <= visit.start < end]

    def close(self):
        self._ending.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE)


NAMED = {"blocked": ("ads.example", 80, False, 1), "passed": ("good.example", 80, False, 1),
         "passed, TLS": ("good.example", 443, True, 1)}


def check_named(visits):
    """Of those of NAMED: who was to be blocked was, and nobody else."""
    if {visit.kind for visit in visits} != set(NAMED):
        raise Failure("some kinds did not come")
    for visit in visits:
        if bool(visit.error) != (visit.kind == "blocked"):
            raise Failure(f"one of {len(visits)}: {visit}")


def ask(peer, host, last):
    """One GET; raises OSError unless the answer is whole and 200. False: it is the connection's last."""
    peer.sendall(f"GET /visit HTTP/1.1\r\nHost: {host}\r\n{'Connection: close' if last else 'X-Stay: yes'}\r\n\r\n"
                 .encode("ascii"))
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _some(peer)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or -1)
    while len(body) < length:
        body += _some(peer)
    if not head.startswith(b"HTTP/1.1 200 ") or b"GET /visit from" not in body:
        raise OSError(f"the answer was {head[:60]!r} {body[:60]!r}")
    return not last and b"connection: close" not in head.lower()


def _some(peer):
    data = peer.recv(65536)
    if not data:
        raise ConnectionResetError("the answer ended before it was whole")
    return data
