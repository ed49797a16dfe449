"""Raw HTTP/2 frames, right or wrong, and what comes back. Field blocks may be given as bytes."""
import socket
import ssl
import struct

import hpack

from topology import inside

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED, PRIORITIZED, ACK = 1, 4, 8, 0x20, 1
NO_ERROR, PROTOCOL, INTERNAL, FLOW, SETTINGS_TIMEOUT, CLOSED, SIZE, REFUSED, CANCEL, COMPRESSION = range(10)
CALM = 0xB
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
ERRORS = {PROTOCOL: "PROTOCOL", INTERNAL: "INTERNAL", FLOW: "FLOW", CLOSED: "CLOSED", SIZE: "SIZE", REFUSED: "REFUSED",
          CANCEL: "CANCEL", COMPRESSION: "COMPRESSION", CALM: "CALM", NO_ERROR: "NO_ERROR"}


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    return struct.pack("!I", len(payload) if length is None else length)[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def block(fields):
    """A field block without use of any table, so that cases do not depend on each other."""
    out = b""
    for name, value in fields:
        name = name.encode("latin-1") if isinstance(name, str) else name
        value = value.encode("latin-1") if isinstance(value, str) else value
        out += b"\x00" + _string(name) + _string(value)
    return out


def _string(data):
    if len(data) < 127:
        return bytes([len(data)]) + data
    length, out = len(data) - 127, b"\x7f"
    while length >= 128:
        out, length = out + bytes([length % 128 + 128]), length // 128
    return out + bytes([length]) + data


def request(host, path="/", method="GET", more=()):
    return [(":method", method), (":scheme", "https"), (":authority", host), (":path", path), *more]


def setting(number, value):
    return struct.pack("!HI", number, value)


class Wire:
    """One connection; outcomes() reads until it is over or quiet."""

    def __init__(self, peer):
        self.peer = peer
        self.buffer = b""
        self.decoder = hpack.Decoder()
        self.decoder.max_allowed_table_size = 65536

    def send(self, *parts):
        try:
            self.peer.sendall(b"".join(parts))
        except OSError:
            pass  # what came before it is still to be read

    def next(self, timeout=3):
        """(kind, flags, stream, payload), or None when the connection is over; TimeoutError when nothing comes."""
        self.peer.settimeout(timeout)
        while True:
            if len(self.buffer) >= 9:
                length = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) >= 9 + length:
                    kind, flags, stream = struct.unpack("!BBI", self.buffer[3:9])
                    payload, self.buffer = self.buffer[9:9 + length], self.buffer[9 + length:]
                    return kind, flags, stream & 0x7fffffff, payload
            try:
                data = self.peer.recv(65536)
            except TimeoutError:
                raise
            except OSError:
                return None
            if not data:
                return None
            self.buffer += data

    def outcome(self, streams=True, timeout=3):
        """The first thing that settles a case: ("goaway", code), ("reset", code), ("status", n), ("pong",), ("closed",),
        ("quiet",)."""
        while True:
            try:
                got = self.next(timeout)
            except TimeoutError:
                return ("quiet",)
            if got is None:
                return ("closed",)
            kind, flags, _, payload = got
            if kind == GOAWAY:
                return ("goaway", struct.unpack("!I", payload[4:8])[0])
            if kind == RST_STREAM and streams:
                return ("reset", struct.unpack("!I", payload)[0])
            if kind == HEADERS and streams:
                return ("status", int(dict(self.decoder.decode(payload, raw=False)).get(":status", 0)))
            if kind == PING and flags & ACK:
                return ("pong",)


def connect(namespace, address, host, root):
    """A TLS connection that has agreed on h2, with nothing said yet."""
    context = ssl.create_default_context(cafile=root)
    context.set_alpn_protocols(["h2"])
    with inside(namespace):
        peer = socket.create_connection(address, 10)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Wire(context.wrap_socket(peer, server_hostname=host))
