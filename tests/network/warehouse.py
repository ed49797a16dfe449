"""A server of large bodies that knows their SHA-256: GET /body?copies=N answers with N copies of a file, PUT answers
with the digest of what it was sent. HTTP and TLS, IPv4 and IPv6."""
import hashlib
import http.server
import os
import socket
import ssl
import threading
import time
import urllib.parse

from topology import inside, ipv4, ipv6

PIECE = 256 * 1024
MEBIBYTE = 1024 * 1024


def digest_of(path, copies=1):
    digest = hashlib.sha256()
    for _ in range(copies):
        with open(path, "rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
    return digest.hexdigest()


def make_body(path, mebibytes):
    """A file of random bytes, so that no two parts of it are alike."""
    with open(path, "wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(MEBIBYTE))
    return path


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        copies = int(query.get("copies", ["1"])[0])
        self.send_response(200)
        self.send_header("Content-Length", str(copies * os.path.getsize(self.server.body)))
        self.end_headers()
        for _ in range(copies):
            with open(self.server.body, "rb") as file:
                while piece := file.read(PIECE):
                    self.wfile.write(piece)

    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        digest = hashlib.sha256()
        until = time.monotonic() + self.server.warehouse.slow
        while left and (piece := self.rfile.read1(min(left, PIECE))):
            digest.update(piece)
            left -= len(piece)
            if time.monotonic() < until:
                time.sleep(0.05)
        answer = digest.hexdigest().encode("ascii")
        self.send_response(200 if left == 0 else 400)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # clients that leave are theirs to judge who ran them


class Warehouse:
    """Listens on the addresses of the host with this number, until close(). For so many seconds as `slow` says it
    takes what it is sent slowly."""

    PLAIN, TLS = 8080, 8443

    def __init__(self, network, body, host=10):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        path = network.certificates.path("good")
        context.load_cert_chain(f"{path}.pem", f"{path}.key")
        self.slow = 0
        self._servers = []
        for family, address in ((socket.AF_INET, ipv4(host)), (socket.AF_INET6, ipv6(host))):
            for port in (self.PLAIN, self.TLS):
                self._listen(network, family, (address, port), context if port == self.TLS else None).body = body

    def _listen(self, network, family, address, context):
        with inside(network.topology.server):
            listener = socket.create_server(address, family=family)
        if context:
            listener = context.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)
        server = _Server(address, _Handler, bind_and_activate=False)
        server.socket.close()
        server.socket = listener
        server.warehouse = self
        server.server_name, server.server_port = address
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._servers.append(server)
        return server

    def close(self):
        for server in self._servers:
            server.shutdown()
            server.server_close()
