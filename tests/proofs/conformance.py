"""HTTP/2 as the standard wants it (RFC 9113 sections 3 to 8, RFC 7541), frame by frame: what a client may not send is
answered by the right error, what a server may not send never reaches the client as an answer."""
import contextlib
import socket
import threading

import hyper
from dialogue import Failure
from frames import *
from proof import Proof
from topology import inside, ipv4

HOST = "h2.example"
GET = request(HOST)
POST = request(HOST, method="POST")
OPEN = frame(HEADERS, END_HEADERS, 1, block(POST))
ASK = frame(HEADERS, END_HEADERS | END_STREAM, 1, block(GET))
PONG = frame(PING, 0, 0, b"12345678")


def ask(fields, flags=END_HEADERS | END_STREAM, stream=1):
    return frame(HEADERS, flags, stream, fields if isinstance(fields, bytes) else block(fields))


def without(name):
    return [field for field in GET if field[0] != name]


# name, frames after the preface and the settings, what may come of it: "ok" (an answer or a pong), or error codes of
# the connection ("c") or of the stream ("s", which a connection's may replace; a malformed request may be answered 4xx).
CLIENT = (
    ("4.1 unknown frame type", frame(0xff, 0, 0, b"x" * 8) + PONG, "ok"),
    ("4.1 unknown flags", frame(PING, 0x16, 0, b"12345678"), "ok"),
    ("4.1 reserved bit", frame(PING, 0, 0x80000000, b"12345678"), "ok"),
    ("4.2 DATA too large", OPEN + frame(DATA, END_STREAM, 1, b"x" * 16385), "s", SIZE),
    ("4.2 HEADERS too large", frame(HEADERS, END_HEADERS | END_STREAM, 1, block(GET) + b"\0" * 16384), "c", SIZE),
    ("4.3 block that cannot be read", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\xff\xff\xff\xff"), "c", COMPRESSION),
    ("4.3 PRIORITY inside a block", frame(HEADERS, END_STREAM, 1, block(GET)) + frame(PRIORITY, 0, 1, b"\0\0\0\0\1"), "c", PROTOCOL),
    ("4.3 HEADERS of another stream inside a block", frame(HEADERS, END_STREAM, 1, block(GET)) + ask(GET, stream=3), "c", PROTOCOL),
    ("5.1 DATA on an idle stream", frame(DATA, END_STREAM, 1, b"x"), "c", PROTOCOL),
    ("5.1 RST_STREAM on an idle stream", frame(RST_STREAM, 0, 1, b"\0\0\0\x08"), "c", PROTOCOL),
    ("5.1 WINDOW_UPDATE on an idle stream", frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\x64"), "c", PROTOCOL),
    ("5.1 CONTINUATION on an idle stream", frame(CONTINUATION, END_HEADERS, 1, block(GET)), "c", PROTOCOL),
    ("5.1 DATA after END_STREAM", ASK + frame(DATA, END_STREAM, 1, b"x"), "s", CLOSED),
    ("5.1 HEADERS after END_STREAM", ASK + ASK, "s", CLOSED),
    ("5.1 CONTINUATION after END_STREAM", ASK + frame(CONTINUATION, END_HEADERS, 1, block(GET)), "c", CLOSED, PROTOCOL),
    ("5.1.1 even stream", ask(GET, stream=2), "c", PROTOCOL),
    # Trailers of a stream that we have reset look the same when they come late: passed over, as nghttp2 does.
    ("5.1.1 stream number going down", ask(GET, stream=5) + ask(GET, stream=3), "ok"),
    ("5.4.1 GOAWAY is sent before the end", frame(PING, 0, 3, b"12345678"), "c", PROTOCOL),
    ("5.5 unknown frame inside a block", frame(HEADERS, END_STREAM, 1, block(GET)) + frame(0xff, 0, 0, b"x"), "c", PROTOCOL),
    ("6.1 DATA on stream 0", frame(DATA, END_STREAM, 0, b"x"), "c", PROTOCOL),
    ("6.1 DATA with too much padding", OPEN + frame(DATA, PADDED | END_STREAM, 1, b"\x06Test"), "c", PROTOCOL),
    ("6.2 HEADERS on stream 0", ask(GET, stream=0), "c", PROTOCOL),
    ("6.2 HEADERS with too much padding", frame(HEADERS, PADDED | END_HEADERS | END_STREAM, 1, b"\xff" + block(GET)), "c", PROTOCOL),
    ("6.2 padded HEADERS", frame(HEADERS, PADDED | END_HEADERS | END_STREAM, 1, b"\x02" + block(GET) + b"\0\0"), "ok"),
    ("6.2 HEADERS with a priority", frame(HEADERS, PRIORITIZED | END_HEADERS | END_STREAM, 1, b"\0\0\0\0\x0f" + block(GET)), "ok"),
    ("6.3 PRIORITY", frame(PRIORITY, 0, 1, b"\0\0\0\0\1") + ask(GET), "ok"),
    ("6.3 PRIORITY on stream 0", frame(PRIORITY, 0, 0, b"\0\0\0\0\1"), "c", PROTOCOL),
    ("6.3 PRIORITY of another length", OPEN + frame(PRIORITY, 0, 1, b"\0\0\0\1"), "s", SIZE),
    ("6.4 RST_STREAM on stream 0", frame(RST_STREAM, 0, 0, b"\0\0\0\x08"), "c", PROTOCOL),
    ("6.4 RST_STREAM of another length", OPEN + frame(RST_STREAM, 0, 1, b"\0\0\x08"), "c", SIZE),
    ("6.5 SETTINGS ACK with payload", frame(SETTINGS, ACK, 0, setting(1, 0)), "c", SIZE),
    ("6.5 SETTINGS on a stream", frame(SETTINGS, 0, 1, setting(3, 100)), "c", PROTOCOL),
    ("6.5 SETTINGS of another length", frame(SETTINGS, 0, 0, b"\0\3\0"), "c", SIZE),
    ("6.5.2 ENABLE_PUSH 2", frame(SETTINGS, 0, 0, setting(2, 2)), "c", PROTOCOL),
    ("6.5.2 INITIAL_WINDOW_SIZE 2^31", frame(SETTINGS, 0, 0, setting(4, 1 << 31)), "c", FLOW),
    ("6.5.2 MAX_FRAME_SIZE 16383", frame(SETTINGS, 0, 0, setting(5, 16383)), "c", PROTOCOL),
    ("6.5.2 MAX_FRAME_SIZE 2^24", frame(SETTINGS, 0, 0, setting(5, 1 << 24)), "c", PROTOCOL),
    ("6.5.2 unknown setting", frame(SETTINGS, 0, 0, setting(0xff, 1)) + PONG, "ok"),
    ("6.5.3 the last value of a setting holds", frame(SETTINGS, 0, 0, setting(4, 100) + setting(4, 65535)) + ASK, "ok"),
    ("6.7 PING is answered", PONG, "ok"),
    ("6.7 PING on a stream", frame(PING, 0, 1, b"12345678"), "c", PROTOCOL),
    ("6.7 PING of another length", frame(PING, 0, 0, b"123456"), "c", SIZE),
    ("6.8 GOAWAY on a stream", frame(GOAWAY, 0, 1, b"\0" * 8), "c", PROTOCOL),
    ("6.9 WINDOW_UPDATE of 0", frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\0"), "c", PROTOCOL),
    ("6.9 WINDOW_UPDATE of 0 on a stream", OPEN + frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\0"), "s", PROTOCOL),
    ("6.9 WINDOW_UPDATE of another length", frame(WINDOW_UPDATE, 0, 0, b"\0\0\1"), "c", SIZE),
    ("6.9.1 the connection's window overflows", frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2, "c", FLOW),
    ("6.9.1 a stream's window overflows", OPEN + frame(WINDOW_UPDATE, 0, 1, b"\x7f\xff\xff\xff") * 2, "s", FLOW),
    ("6.9.2 windows overflow by settings", OPEN + frame(WINDOW_UPDATE, 0, 1, b"\x7f\xff\x00\x00") +
     frame(SETTINGS, 0, 0, setting(4, 0x7fffffff)), "c", FLOW),
    ("6.9.3 the window's last byte", frame(SETTINGS, 0, 0, setting(4, 1)) + ASK, "ok"),
    ("6.10 two CONTINUATIONs", frame(HEADERS, END_STREAM, 1, block(GET[:1])) + frame(CONTINUATION, 0, 1, block(GET[1:2])) +
     frame(CONTINUATION, END_HEADERS, 1, block(GET[2:])), "ok"),
    ("6.10 CONTINUATION after END_HEADERS", ASK + frame(CONTINUATION, END_HEADERS, 1, block([("a", "b")])), "c", PROTOCOL, CLOSED),
    ("6.10 CONTINUATION on stream 0", frame(HEADERS, END_STREAM, 1, block(GET)) + frame(CONTINUATION, END_HEADERS, 0, b""), "c", PROTOCOL),
    ("6.10 CONTINUATION of another stream", frame(HEADERS, END_STREAM, 1, block(GET)) + frame(CONTINUATION, END_HEADERS, 3, b""), "c", PROTOCOL),
    ("6.10 CONTINUATION after DATA", OPEN + frame(DATA, 0, 1, b"x") + frame(CONTINUATION, END_HEADERS, 1, b""), "c", PROTOCOL),
    ("8.1 second HEADERS without an end", OPEN + frame(HEADERS, END_HEADERS, 1, block([("a", "b")])), "s", PROTOCOL),
    ("8.2 upper case", ask(GET + [("X-Upper", "y")]), "s", PROTOCOL),
    ("8.2.1 byte in a name", ask(GET + [("x y", "z")]), "s", PROTOCOL),
    ("8.2.1 byte in a value", ask(GET + [("x", "y\r\nz")]), "s", PROTOCOL),
    ("8.2.1 white space round a value", ask(GET + [("x", " y ")]), "s", PROTOCOL),
    ("8.2.2 connection", ask(GET + [("connection", "keep-alive")]), "s", PROTOCOL),
    ("8.2.2 transfer-encoding", ask(POST + [("transfer-encoding", "chunked")]), "s", PROTOCOL),
    ("8.2.2 te", ask(GET + [("te", "trailers, deflate")]), "s", PROTOCOL),
    ("8.3 unknown pseudo field", ask(GET + [(":test", "x")]), "s", PROTOCOL),
    ("8.3 a response's pseudo field", ask([(":status", "200")] + GET), "s", PROTOCOL),
    ("8.3 pseudo field in trailers", OPEN + frame(HEADERS, END_HEADERS | END_STREAM, 1, block([(":method", "x")])), "s", PROTOCOL),
    ("8.3 pseudo field behind another", ask([("x", "y")] + GET), "s", PROTOCOL),
    ("8.3.1 empty :path", ask(without(":path") + [(":path", "")]), "s", PROTOCOL),
    ("8.3.1 no :method", ask(without(":method")), "s", PROTOCOL),
    ("8.3.1 no :scheme", ask(without(":scheme")), "s", PROTOCOL),
    ("8.3.1 no :path", ask(without(":path")), "s", PROTOCOL),
    ("8.3.1 :method twice", ask(GET[:1] + GET), "s", PROTOCOL),
    ("8.3.1 :scheme twice", ask(GET[1:2] + GET), "s", PROTOCOL),
    ("8.3.1 :path twice", ask(GET[3:] + GET), "s", PROTOCOL),
    ("8.1.1 Content-Length beyond one DATA", ask(POST + [("content-length", "2")], END_HEADERS) + frame(DATA, END_STREAM, 1, b"x"), "s", PROTOCOL),
    ("8.1.1 Content-Length short of two DATA", ask(POST + [("content-length", "1")], END_HEADERS) + frame(DATA, 0, 1, b"x") +
     frame(DATA, END_STREAM, 1, b"y"), "s", PROTOCOL),
    ("8.4 PUSH_PROMISE of a client", OPEN + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + block(GET)), "c", PROTOCOL),
    ("8.5 CONNECT", ask([(":method", "CONNECT"), (":authority", "h2.example:443")], END_HEADERS), "s", PROTOCOL),
    ("HPACK 2.3.3 index beyond the tables", ask(block(GET) + b"\xff\x80\x01"), "c", COMPRESSION),
    ("HPACK 6.1 index 0", ask(block(GET) + b"\x80"), "c", COMPRESSION),
    ("HPACK 6.3 table larger than allowed", ask(b"\x3f\xe2\xff\x03" + block(GET)), "c", COMPRESSION),
    ("HPACK 4.2 size update at the end", ask(block(GET) + b"\x20"), "c", COMPRESSION),
    ("HPACK 5.2 Huffman padding longer than 7 bits", ask(block(GET) + b"\x00\x01a\x82\x1f\xff"), "c", COMPRESSION),
    ("HPACK 5.2 Huffman padding of zeros", ask(block(GET) + b"\x00\x01a\x81\x18"), "c", COMPRESSION),
    ("HPACK 5.2 Huffman EOS", ask(block(GET) + b"\x00\x01a\x84\xff\xff\xff\xff"), "c", COMPRESSION),
    ("HPACK 5.1 integer without an end", ask(block(GET) + b"\x7f" + b"\xff" * 12), "c", COMPRESSION),
    ("HPACK 5.2 string longer than the block", ask(block(GET) + b"\x00\x7f\x10a"), "c", COMPRESSION),
)


def fine(outcome, expected):
    """Whether this is what may come of the case; the end of the connection always may, of an error."""
    what, codes = expected[0], expected[1:]
    if what == "ok":
        return outcome == ("pong",) or outcome[0] == "status"
    if outcome[0] == "closed" or (outcome[0] == "goaway" and outcome[1] in codes):
        return True
    if what == "c":
        return False
    return (outcome[0] == "reset" and outcome[1] in codes) or (outcome[0] == "status" and 400 <= outcome[1] < 500)


class Client(Proof):
    intent = "A client's frames that break HTTP/2's rules are answered as its standard says"
    policy = """
rules:
  - { name: look, when: { path: "/*" }, do: inspect }
"""

    def prove(self):
        wrong = []
        for name, sent, *expected in CLIENT:
            wire = connect(self.network.topology.device, (ipv4(13), 443), HOST, self._trust("gateway"))
            wire.send(PREFACE, frame(SETTINGS), sent)
            # An answer may come before the error that is asked for.
            outcome = wire.outcome(streams=expected[0] != "c")
            while outcome[0] == "status" and expected[0] == "s" and not fine(outcome, expected):
                outcome = wire.outcome()
            if not fine(outcome, expected):
                wrong.append(f"{name}: {outcome}")
            wire.peer.close()
        wrong += self._preface()
        self.measured(f"{len(CLIENT) + 1} cases, {len(wrong)} wrong")
        if wrong:
            raise Failure("\n".join(wrong))

    def _preface(self):
        wire = connect(self.network.topology.device, (ipv4(13), 443), HOST, self._trust("gateway"))
        wire.send(b"INVALID CONNECTION PREFACE\r\n\r\n")
        outcome = wire.outcome()
        return [] if outcome[0] in ("closed", "goaway") else [f"3.4 preface: {outcome}"]


STATUS = frame(HEADERS, END_HEADERS, 1, block([(":status", "200")]))


def reply(fields, flags=END_HEADERS | END_STREAM, stream=1):
    return frame(HEADERS, flags, stream, fields if isinstance(fields, bytes) else block(fields))


# name, what the server sends when it has been asked; the client must not get a whole 200.
SERVER = (
    ("4.2 DATA too large", STATUS + frame(DATA, END_STREAM, 1, b"x" * 16385)),
    ("4.3 block that cannot be read", reply(b"\xff\xff\xff\xff\xff\xff")),
    ("5.1 DATA before the head", frame(DATA, END_STREAM, 1, b"x")),
    ("5.1 a stream nobody opened", reply([(":status", "200")], stream=7)),
    ("5.1 a stream of the server's own", reply([(":status", "200")], stream=2)),
    ("6.1 DATA on stream 0", STATUS + frame(DATA, END_STREAM, 0, b"x")),
    ("6.1 DATA with too much padding", STATUS + frame(DATA, PADDED | END_STREAM, 1, b"\x06Test")),
    ("6.5 SETTINGS of another length", frame(SETTINGS, 0, 0, b"\0\3\0")),
    ("6.5.2 MAX_FRAME_SIZE 1", frame(SETTINGS, 0, 0, setting(5, 1))),
    ("6.7 PING on a stream", frame(PING, 0, 1, b"12345678")),
    ("6.9 WINDOW_UPDATE of 0", frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\0")),
    ("6.9.1 windows overflow", frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2),
    ("6.10 DATA inside a block", frame(HEADERS, 0, 1, block([(":status", "200")])) + frame(DATA, END_STREAM, 1, b"x")),
    ("8.4 PUSH_PROMISE that was switched off", frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + block(GET)) + STATUS),
    ("8.3.2 no :status", reply([("x", "y")])),
    ("8.3.2 :status twice", reply([(":status", "200"), (":status", "200")])),
    ("8.3.2 :status of letters", reply([(":status", "2xx")])),
    ("8.3.2 a request's pseudo field", reply([(":status", "200"), (":path", "/")])),
    ("8.3 pseudo field behind another", reply([("x", "y"), (":status", "200")])),
    ("8.2 upper case", reply([(":status", "200"), ("X-Upper", "y")])),
    ("8.2.1 bytes of a field", reply([(":status", "200"), ("x", "y\r\nz: a")])),
    ("8.2.2 connection", reply([(":status", "200"), ("connection", "close")])),
    ("8.2.2 transfer-encoding", reply([(":status", "200"), ("transfer-encoding", "chunked")])),
    ("8.6 a 101", reply([(":status", "101")], END_HEADERS) + STATUS + frame(DATA, END_STREAM, 1, b"x")),
    ("8.1.1 Content-Length beyond the DATA", reply([(":status", "200"), ("content-length", "2")], END_HEADERS) +
     frame(DATA, END_STREAM, 1, b"x")),
    ("8.1.1 Content-Length short of the DATA", reply([(":status", "200"), ("content-length", "1")], END_HEADERS) +
     frame(DATA, END_STREAM, 1, b"xy")),
    ("8.1.1 Content-Length twice", reply([(":status", "200"), ("content-length", "1"), ("content-length", "1")], END_HEADERS) +
     frame(DATA, END_STREAM, 1, b"x")),
    ("8.1 a second final head", STATUS + reply([(":status", "200")])),
    ("8.1 trailers without an end", STATUS + frame(HEADERS, END_HEADERS, 1, block([("a", "b")])) + frame(DATA, END_STREAM, 1, b"x")),
    ("7 an unknown error code", frame(RST_STREAM, 0, 1, b"\0\0\xff\xff")),
    ("a reset after the head", STATUS + frame(RST_STREAM, 0, 1, b"\0\0\0\2")),
    ("GOAWAY that leaves the request out", frame(GOAWAY, 0, 0, b"\0" * 8)),
    ("not HTTP/2 at all", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
    ("HPACK: index beyond the tables", reply(block([(":status", "200")]) + b"\xff\x80\x01")),
    ("HPACK: table larger than allowed", reply(b"\x3f\xe2\xff\x03" + block([(":status", "200")]))),
)


class Server(Proof):
    intent = "A server's frames that break HTTP/2's rules never make a whole answer for the client, of either version"
    policy = """
capture: { tcp: [443] }
upstreams:
  wrong: { server: "scripted.example:9002", tls: true }
rules:
  - { name: wrong, when: { path: "/wrong" }, do: { route: wrong } }
  - { name: look, when: { path: "/*" }, do: inspect }
"""

    def prove(self):
        self.says = b""
        context = hyper.server_context(self.network.certificates)
        context.set_alpn_protocols(["h2"])
        with inside(self.network.topology.server):
            listener = socket.create_server((ipv4(40), 9002))
        threading.Thread(target=self._accept, args=(listener, context), daemon=True).start()
        wrong = []
        try:
            for name, self.says in SERVER:
                for protocol in ("h2", "http/1.1"):
                    if (outcome := self._ask(protocol)) not in ("refused", "broken"):
                        wrong.append(f"{name}, to a client of {protocol}: {outcome}")
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # an accept() that waits would keep the port
            listener.close()
        self.measured(f"{2 * len(SERVER)} cases, {len(wrong)} wrong")
        if wrong:
            raise Failure("\n".join(wrong))

    def _accept(self, listener, context):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                threading.Thread(target=self._talk, args=(peer, context), daemon=True).start()

    def _talk(self, peer, context):
        with contextlib.suppress(OSError, TimeoutError), contextlib.closing(context.wrap_socket(peer, server_side=True)) as peer:
            wire = Wire(peer)
            wire.send(frame(SETTINGS))
            while len(wire.buffer) < len(PREFACE):
                wire.buffer += peer.recv(4096)
            wire.buffer = wire.buffer[len(PREFACE):]
            while (got := wire.next(5)) and got[0] != HEADERS:
                pass
            wire.send(self.says)
            while wire.next(1):
                pass

    def _ask(self, protocol):
        client = hyper.connect(self.network.topology.device, (ipv4(13), 443), HOST, self._trust("gateway"), [protocol])
        try:
            response = client.ask(hyper.Message(method="GET", path="/wrong", authority=HOST))
        except (hyper.Broken, OSError, ValueError):
            return "broken"
        return "refused" if response.status >= 500 else f"{response.status} {response.body!r}"
