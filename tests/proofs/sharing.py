"""Which connections to servers are handed on from one client to the next: with `source: own` those at rest that know
nothing of their client, with `source: keep` none."""
import contextlib
import re
import socket
import ssl
import subprocess
import threading

from dialogue import Failure
from proof import Proof
from topology import inside, ipv4

OTHER = "192.0.2.11"  # another device
POLICY = """
source: {source}
upstreams:
  plain: {{ server: "198.51.100.40:9104", tls: false }}
  secure: {{ server: "198.51.100.40:9105", tls: {{ verify: {{ ca: $ROOT, name: good.example }} }} }}
rules:
  - {{ name: secure, when: {{ host: a.example, path: /secure/* }}, do: {{ route: secure }} }}
  - {{ name: all, when: {{ path: "/*" }}, do: {{ route: plain }} }}
"""


class Server:
    """Answers each request with the number of its connection, and counts who comes from where."""

    def __init__(self, network):
        self.peers = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        path = network.certificates.path("good")
        context.load_cert_chain(f"{path}.pem", f"{path}.key")
        with inside(network.topology.server):
            self._listeners = [socket.create_server((ipv4(40), port), backlog=64) for port in (9104, 9105)]
        for listener, tls in zip(self._listeners, (None, context)):
            threading.Thread(target=self._accept, args=(listener, tls), daemon=True).start()

    def _accept(self, listener, tls):
        with contextlib.suppress(OSError):
            while True:
                peer, address = listener.accept()
                self.peers.append(address[0])
                threading.Thread(target=self._serve, args=(peer, tls, len(self.peers)), daemon=True).start()

    @staticmethod
    def _serve(peer, tls, number):
        with contextlib.suppress(OSError):
            peer = tls.wrap_socket(peer, server_side=True) if tls else peer
            with contextlib.closing(peer):
                heard = b""
                while data := peer.recv(65536):
                    heard += data
                    while b"\r\n\r\n" in heard:
                        head, heard = heard.split(b"\r\n\r\n", 1)
                        more = b"WWW-Authenticate: NTLM\r\n" if b"/asks" in head else b""
                        peer.sendall(b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%d" % (more, len(str(number)), number))

    def close(self):
        for listener in self._listeners:
            listener.shutdown(socket.SHUT_RDWR)  # who waits in accept() would keep it open
            listener.close()


class Sharing(Proof):
    """Each visit is a client connection of its own, whole before the next one begins."""

    intent = None
    source = None
    workers = 1

    def prove(self):
        device = self.network.topology.device
        subprocess.run(self.network.topology.command(device, "ip", "address", "add", f"{OTHER}/24", "dev", "eth0"), check=True)
        try:
            with contextlib.closing(Server(self.network)) as self.server:
                self.visits()
        finally:
            subprocess.run(self.network.topology.command(device, "ip", "address", "del", f"{OTHER}/24", "dev", "eth0"), check=True)

    def visit(self, path="/", method="GET", fields="", source="192.0.2.10"):
        """The number of the server connection that was asked."""
        with inside(self.network.topology.device):
            peer = socket.create_connection((ipv4(10), 80), 10, (source, 0))
        with contextlib.closing(peer):
            peer.sendall(f"{method} {path} HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n".encode("ascii"))
            stream = peer.makefile("rb")
            head = b"".join(iter(stream.readline, b"\r\n"))
            body = stream.read(int(re.search(rb"Content-Length: (\d+)", head)[1]))
        if not head.startswith(b"HTTP/1.1 200"):
            raise Failure(f"{path}: {head[:60]!r}")
        return int(body)

    def must_share(self, what, first, second):
        """Who is very late finds it gone, or not yet there: that may happen, but not always."""
        for _ in range(10):
            if first() == second():
                return
        raise Failure(f"{what}: it is never the same connection")

    @staticmethod
    def must_be(what, got, wanted):
        if got != wanted:
            raise Failure(f"{what}: {got}, and should be {wanted}")


class Own(Sharing):
    intent = "With `source: own` a connection at rest serves the next client, unless it may know its client, or the request not be repeated"
    policy = POLICY.format(source="own")

    def visits(self):
        self.must_share("another device", self.visit, lambda: self.visit(source=OTHER))
        first = self.visit()
        self.must_be("a request that may not be repeated", self.visit(method="POST", fields="Content-Length: 0\r\n") == first, False)
        bound = self.visit(fields="Authorization: Negotiate abc\r\n")
        self.must_be("after Negotiate", self.visit() == bound and bound != first, False)
        asked = self.visit("/asks")
        self.must_be("after a challenge of NTLM", self.visit() == asked, False)
        self.must_share("TLS after TLS", lambda: self.visit("/secure/1"), lambda: self.visit("/secure/2", source=OTHER))
        self.must_be("TLS or not", self.visit("/secure/3") == self.visit(), False)
        before = self.visit()
        if self.gateway.control("reload").returncode:
            raise Failure("no reload")
        self.must_be("under another policy", self.visit() == before, False)
        if not any(line["server"] and line["server"]["reused"] for line in self.gateway.journal()):
            raise Failure("the journal does not say that a server was reused")


class Keep(Sharing):
    intent = "With `source: keep` every client has connections of its own, and servers see whose they are"
    policy = POLICY.format(source="keep")

    def visits(self):
        self.must_be("two devices", [self.visit(), self.visit(source=OTHER), self.visit()], [1, 2, 3])
        self.must_be("they come from", self.server.peers, ["192.0.2.10", OTHER, "192.0.2.10"])
