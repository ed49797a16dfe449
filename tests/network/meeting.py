"""A device and a server that meet through the gateway, both played by one thread: for what one of them does while
the other is in the middle of something."""
import contextlib
import select
import socket
import ssl
import struct
import time

from dialogue import Failure
from topology import inside

PATIENCE = 5
PIECE = bytes(65536)


class End:
    """One end: a socket, in the clear or with TLS that goes step by step."""

    def __init__(self, peer):
        peer.settimeout(PATIENCE)
        self.peer = peer
        self._tls = None
        self._heard = b""

    def begin_tls(self, context, name=None):
        """name: as a client; its hello is sent at once."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, name is None, name)
        if name:
            self._step()

    def _step(self):
        """True when hands are shaken."""
        try:
            self._tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            return False
        finally:
            self.peer.sendall(self._outgoing.read())

    def shake_hands(self):
        while not self._step():
            self._receive()

    def _receive(self):
        data = self.peer.recv(65536)
        if not data:
            raise Failure(f"the end came after {self._heard[-200:]!r}")
        if self._tls:
            self._incoming.write(data)
        else:
            self._heard += data

    def say(self, data):
        if self._tls:
            self._tls.write(data)
            data = self._outgoing.read()
        self.peer.sendall(data)

    def hear(self, end):
        """Reads until something ends so."""
        while not self._heard.endswith(end):
            self._receive()
            with contextlib.suppress(ssl.SSLWantReadError):
                while self._tls:
                    self._heard += self._tls.read(65536)
        self._heard = b""

    def fill(self):
        """Says so much that it is held up, for nobody reads it."""
        self.peer.setblocking(False)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            try:
                self.say(PIECE)
                until = time.monotonic() + 0.3
            except (BlockingIOError, ssl.SSLWantWriteError):
                time.sleep(0.01)
        self.peer.settimeout(PATIENCE)

    def fin(self):
        self.peer.shutdown(socket.SHUT_WR)

    def goodbye(self):
        """TLS's own end."""
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()
        self.peer.sendall(self._outgoing.read())

    def reset(self):
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()

    def close(self):
        self.peer.close()


class Meeting:
    """The client's end, and the server's from expect() on. address: of the server, with a port that is theirs."""

    def __init__(self, topology, address):
        self._address = address
        with inside(topology.server):
            self._listener = socket.create_server(address)
        self._listener.settimeout(PATIENCE)
        with inside(topology.device):
            self.client = End(socket.socket())
        self.server = None

    def connect(self):
        self.client.peer.connect(self._address)
        self.name = self.client.peer.getsockname()

    def expect(self):
        self.server = End(self._listener.accept()[0])

    def outcome(self, seconds):
        """How each end that is still open hears that it is over: "fin", "reset", first the one and then the other,
        or "open" when it does not hear of it."""
        ends = {who: end.peer for who, end in (("client", self.client), ("server", self.server))
                if end and end.peer.fileno() >= 0}
        told = dict.fromkeys(ends, "open")
        until = time.monotonic() + seconds
        while "open" in told.values() and (left := until - time.monotonic()) > 0:
            for peer in select.select([ends[who] for who in ends if told[who] == "open"], [], [], left)[0]:
                who = next(who for who in ends if ends[who] is peer)
                try:
                    told[who] = "open" if peer.recv(1 << 20) else "fin"
                except OSError:
                    told[who] = "reset"
        time.sleep(0.1)
        return {who: "fin, reset" if told[who] == "fin" and ends[who].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                else told[who] for who in ends}

    def close(self):
        for one in (self.client, self.server, self._listener):
            if one:
                one.close()
