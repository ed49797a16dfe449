"""A server that is none: it reads a ClientHello and answers with a ServerHello made by hand, as old, weak or wrong
as a test wants it, and keeps what it gets for an answer. Nothing here can encrypt; a client that goes on has failed
already."""
import os
import socket
import struct
import threading
import time

from topology import inside

ALERTS = {10: "unexpected_message", 40: "handshake_failure", 47: "illegal_parameter", 50: "decode_error",
          51: "decrypt_error", 70: "protocol_version", 109: "missing_extension", 110: "unsupported_extension",
          120: "no_application_protocol"}
HELLO_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
DOWNGRADE_12 = b"DOWNGRD\x01"
DOWNGRADE_11 = b"DOWNGRD\x00"


def vector(width, data):
    return len(data).to_bytes(width, "big") + data


def extension(kind, data):
    return struct.pack("!H", kind) + vector(2, data)


def record(kind, data, version=0x0303):
    return struct.pack("!BH", kind, version) + vector(2, data)


class Hello:
    """What of a ClientHello an answer needs: session id, ciphers, extensions by number."""

    def __init__(self, message):
        at = 4 + 2 + 32
        self.version = struct.unpack_from("!H", message, 4)[0]
        self.session = message[at + 1:at + 1 + message[at]]
        at += 1 + message[at]
        length = struct.unpack_from("!H", message, at)[0]
        self.ciphers = [c[0] for c in struct.iter_unpack("!H", message[at + 2:at + 2 + length])]
        at += 2 + length
        at += 1 + message[at] + 2
        self.extensions = {}
        while at + 4 <= len(message):
            kind, length = struct.unpack_from("!HH", message, at)
            self.extensions[kind] = message[at + 4:at + 4 + length]
            at += 4 + length

    def shares(self):
        """The groups of which the client has sent a key."""
        data, groups = self.extensions.get(51, b"\0\0")[2:], []
        while data:
            group, length = struct.unpack_from("!HH", data)
            groups.append(group)
            data = data[4 + length:]
        return groups


def server_hello(hello, version=0x0303, cipher=0xc02f, compression=0, extensions=(), random=None, session=None):
    """As a handshake message; with a renegotiation_info unless extensions says otherwise."""
    body = struct.pack("!H", version) + (random or os.urandom(32)) + vector(1, hello.session if session is None else session)
    body += struct.pack("!HB", cipher, compression) + vector(2, b"".join(extensions))
    return b"\x02" + vector(3, body)


RENEGOTIATION = extension(0xff01, b"\0")
VERSION_13 = extension(43, b"\x03\x04")


class Listener:
    """At an address of the server's namespace. talk(peer) has the connection; the socket is closed behind it."""

    def __init__(self, topology, address, talk):
        self._talk, self._talks = talk, []
        with inside(topology.server):
            self._listener = socket.create_server(address)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            talk = threading.Thread(target=self._have, args=(peer,), daemon=True)
            self._talks.append(talk)
            talk.start()

    def _have(self, peer):
        with peer:
            self._talk(peer)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def wait(self, seconds):
        """Until all talks have ended. False when time was too short."""
        deadline = time.monotonic() + seconds
        for talk in list(self._talks):
            talk.join(max(0, deadline - time.monotonic()))
        return not any(talk.is_alive() for talk in self._talks)


class Forger(Listener):
    """Listens at an address of the server's namespace. answer(hello, turn) gives the bytes to send, or None."""

    def __init__(self, topology, address, answer):
        self.seen = []  # one per connection: {"alerts": [...], "hellos": n, "data": bytes of application records, "closed": seconds}
        self._answer = answer
        super().__init__(topology, address, self._hear)

    def _hear(self, peer):
        seen = {"alerts": [], "hellos": 0, "data": b"", "hello": None, "closed": None}
        self.seen.append(seen)
        peer.settimeout(10)
        answered = 0
        try:
            for kind, data in _records(peer):
                if kind == 21 and len(data) == 2:
                    seen["alerts"].append(ALERTS.get(data[1], str(data[1])))
                elif kind == 23:
                    seen["data"] += data
                elif kind == 22 and data[0] == 1:
                    seen["hello"] = Hello(data)
                    seen["hellos"] += 1
                    answer = self._answer(seen["hello"], seen["hellos"])
                    if answer is None:
                        return
                    peer.sendall(answer)
                    answered = time.monotonic()
        except OSError:
            pass
        if answered:
            seen["closed"] = time.monotonic() - answered


def _records(peer):
    while True:
        head = _exactly(peer, 5)
        if not head:
            return
        yield head[0], _exactly(peer, int.from_bytes(head[3:], "big"))


def _exactly(peer, length):
    data = b""
    while len(data) < length:
        more = peer.recv(length - len(data))
        if not more:
            return b""
        data += more
    return data
