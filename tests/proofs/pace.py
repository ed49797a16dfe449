"""Requests' bodies that trickle, in every framing, and responses that are hardly taken: `body-rate`, `read-rate` and
`grace` end them, and leave alone who only waits for somebody else."""
import contextlib
import socket
import threading
import time

from dialogue import Failure
from frames import *
from proof import Proof
from topology import inside, ipv4

HOST = "h2.example"
END = b"that is all"
PAUSE = 0.05
PATIENCE = 30  # seconds; far more than the limits below


class Server:
    """Takes a request up to END and answers; sends to who asks for /endless as much as it is let."""

    def __init__(self, topology):
        with inside(topology.server):
            self._listener = socket.create_server((ipv4(40), 9104), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    @staticmethod
    def _serve(peer):
        heard = b""
        with contextlib.suppress(OSError), contextlib.closing(peer):
            while b"\r\n\r\n" not in heard or (heard.startswith(b"POST") and END not in heard):
                data = peer.recv(65536)
                if not data:
                    return
                heard += data
            if not heard.startswith(b"GET /endless"):
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                peer.recv(1)
            peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                peer.sendall(b"1000\r\n" + bytes(4096) + b"\r\n")

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)  # who waits in accept() would keep it open
        self._listener.close()


class Pace(Proof):
    intent = "Bodies that trickle are refused, in any framing, and clients that hardly read are left; calls of gRPC may be silent"
    policy = """
limits: { grace: 1 s, body-rate: 1 KiB, read-rate: 1 MiB }
upstreams:
  pace: { server: "198.51.100.40:9104", tls: false }
rules:
  - { name: all, when: { path: "/*" }, do: { route: pace }, log: exchanges }
"""

    def prove(self):
        with contextlib.closing(Server(self.network.topology)):
            self._silent = self._call()
            tries = {"length": self._http1(b"Content-Length: 100000\r\n", b"x"),
                     "chunks": self._http1(b"Transfer-Encoding: chunked\r\n", b"1\r\nx\r\n"),
                     "frames with a length": self._http2([("content-length", "100000")]), "frames": self._http2([]),
                     "a good pace": self._decent, "a reader": self._reader, "a reader of frames": self._reader_http2}
            self._wrong = []
            threads = [threading.Thread(target=self._try, args=each) for each in tries.items()]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if self._wrong:
                raise Failure("\n".join(self._wrong))
            # It has been silent for as long as it took all others to be ended.
            self._silent.send(frame(DATA, END_STREAM, 1, END))
            if (outcome := self._silent.outcome(timeout=PATIENCE)) != ("status", 200):
                raise Failure(f"a silent call of gRPC: {outcome}")
        self._check_journal()

    def _try(self, name, carry):
        try:
            carry()
        except (OSError, Failure) as error:
            self._wrong.append(f"{name}: {error!r}")

    def _plain(self, buffer=None):
        with inside(self.network.topology.device):
            peer = socket.socket()
        if buffer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        peer.settimeout(PATIENCE)
        peer.connect((ipv4(13), 80))
        return peer

    def _wire(self, *parts):
        wire = connect(self.network.topology.device, (ipv4(13), 443), HOST, self._trust("gateway"))
        wire.send(PREFACE, frame(SETTINGS), *parts)
        return wire

    @staticmethod
    def _trickle(peer, piece, answer):
        """Sends pieces until something comes back."""
        until = time.monotonic() + PATIENCE
        peer.settimeout(PAUSE)
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                peer.sendall(piece)
            with contextlib.suppress(TimeoutError):
                return answer()
        raise Failure("nothing ended it")

    def _http1(self, fields, piece):
        def carry():
            with self._plain() as peer:
                peer.sendall(b"POST /slow HTTP/1.1\r\nHost: a.example\r\n" + fields + b"\r\n")
                answer = self._trickle(peer, piece, lambda: peer.recv(65536))
                if not answer.startswith(b"HTTP/1.1 408"):
                    raise Failure(f"{answer[:60]!r}")
        return carry

    def _http2(self, fields):
        def carry():
            wire = self._wire(frame(HEADERS, END_HEADERS, 1, block(request(HOST, "/slow", "POST", fields))))
            outcome = None
            until = time.monotonic() + PATIENCE
            while outcome in (None, ("quiet",)) and time.monotonic() < until:
                wire.send(frame(DATA, 0, 1, b"x"))
                outcome = wire.outcome(timeout=PAUSE)
            if outcome != ("status", 408):
                raise Failure(f"{outcome}")
        return carry

    def _call(self):
        fields = [("content-type", "application/grpc"), ("te", "trailers")]
        return self._wire(frame(HEADERS, END_HEADERS, 1, block(request(HOST, "/call", "POST", fields))), frame(DATA, 0, 1, b"x"))

    def _decent(self):
        """Ten times as fast as it must be, for longer than the grace."""
        with self._plain() as peer:
            peer.sendall(b"POST /decent HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n")
            until = time.monotonic() + 3
            while time.monotonic() < until:
                peer.sendall(b"800\r\n" + bytes(2048) + b"\r\n")
                time.sleep(PAUSE)
            peer.sendall(b"b\r\n" + END + b"\r\n0\r\n\r\n")
            answer = peer.recv(65536)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise Failure(f"{answer[:60]!r}")

    def _reader(self):
        with self._plain(4096) as peer:
            peer.sendall(b"GET /endless/1 HTTP/1.1\r\nHost: a.example\r\n\r\n")
            until = time.monotonic() + PATIENCE
            while ("/endless/1", "slow-reader") not in self._ended():
                if time.monotonic() > until:
                    raise Failure("nothing ended it")
                with contextlib.suppress(ConnectionError):
                    peer.recv(16)
                time.sleep(PAUSE)

    def _reader_http2(self):
        """Its window stays as it is."""
        wire = self._wire(frame(HEADERS, END_HEADERS | END_STREAM, 1, block(request(HOST, "/endless/2"))))
        wire.outcome(timeout=PATIENCE)
        while (outcome := wire.outcome(timeout=PATIENCE)) == ("status", 200):
            pass
        if outcome[0] not in ("reset", "goaway", "closed"):
            raise Failure(f"{outcome}")

    def _ended(self):
        return {(line["path"], (line["error"] or {}).get("reason")) for line in self.gateway.journal() if line["type"] == "exchange"}

    def _check_journal(self):
        wanted = {("/slow", "request-timeout"), ("/decent", None), ("/call", None), ("/endless/1", "slow-reader"),
                  ("/endless/2", "slow-reader")}
        until = time.monotonic() + PATIENCE
        while self._ended() != wanted:
            if time.monotonic() > until:
                raise Failure(f"the journal says {sorted(map(str, self._ended()))}")
            time.sleep(PAUSE)
