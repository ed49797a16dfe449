"""HTTP as the tests see it: one message model, spoken by plain clients and servers of HTTP/1 and HTTP/2 that share no
code with the gateway. HTTP/2 is python3-h2."""
import contextlib
import dataclasses
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from topology import inside

HOP = {"connection", "keep-alive", "transfer-encoding", "te", "host", "trailer", "upgrade"}
BODYLESS = {204, 304}


@dataclasses.dataclass
class Message:
    """A request (method, path, authority) or a response (status, interim: status and fields of what came before)."""
    method: str = None
    path: str = None
    authority: str = None
    status: int = None
    fields: list = dataclasses.field(default_factory=list)
    body: bytes = b""
    trailers: list = dataclasses.field(default_factory=list)
    interim: list = dataclasses.field(default_factory=list)
    streamed: bool = False  # without Content-Length

    def plain(self):
        """What must arrive the same on any way: fields as a multiset, hop by hop ones left out. HTTP/2 may split
        Cookie (RFC 9113 section 8.2.3)."""
        def pairs(fields):
            kept = [(name.lower(), value) for name, value in fields
                    if name.lower() not in HOP and name.lower() != "cookie"
                    and (name.lower(), value) != ("content-length", "0")]
            cookie = "; ".join(value for name, value in fields if name.lower() == "cookie")
            return sorted(kept + ([("cookie", cookie)] if cookie else []))
        return (self.method, self.path, self.authority, self.status, pairs(self.fields), self.body,
                pairs(self.trailers), [(status, pairs(fields)) for status, fields in self.interim])


class Broken(Exception):
    """The other side did not keep to the protocol, or ended it."""


# -- HTTP/1

class Stream1:
    """Reads and writes HTTP/1 messages over a socket."""

    def __init__(self, peer):
        self.peer = peer
        self.file = peer.makefile("rb")

    def _line(self):
        line = self.file.readline(70000)
        if not line.endswith(b"\r\n"):
            raise Broken(f"no line: {line[:80]!r}")
        return line[:-2].decode("latin-1")

    def _fields(self):
        fields = []
        while line := self._line():
            name, colon, value = line.partition(":")
            if not colon:
                raise Broken(f"no field: {line!r}")
            fields.append((name, value.strip(" \t")))
        return fields

    def _body(self, message, request):
        said = dict((name.lower(), value) for name, value in message.fields)
        if said.get("transfer-encoding", "").lower() == "chunked":
            parts = []
            while size := int(self._line().partition(";")[0], 16):
                parts.append(self._exactly(size))
                self._line()
            message.body, message.streamed = b"".join(parts), True
            message.trailers = self._fields()
        elif "content-length" in said:
            message.body = self._exactly(int(said["content-length"]))
        elif not request:
            message.body = self.file.read()

    def _exactly(self, size):
        data = self.file.read(size)
        if len(data) != size:
            raise Broken("the body is cut short")
        return data

    def read_request(self):
        line = self.file.readline(70000)
        if not line:
            return None
        method, target, _ = line.decode("latin-1").rstrip("\r\n").split(" ")
        message = Message(method=method, path=target, fields=self._fields())
        message.authority = next((v for n, v in message.fields if n.lower() == "host"), None)
        self._body(message, True)
        return message

    def read_response(self, method):
        interim = []
        while True:
            status = int(self._line().split(" ", 2)[1])
            message = Message(status=status, fields=self._fields(), interim=interim)
            if status >= 200:
                break
            interim.append((status, message.fields))
        if method != "HEAD" and status not in BODYLESS:
            self._body(message, False)
        return message

    def _write(self, first, message, bodyless):
        head = [first] + [f"{name}: {value}" for name, value in message.fields]
        if message.streamed and not bodyless:
            head.append("Transfer-Encoding: chunked")
        self.peer.sendall(("\r\n".join(head) + "\r\n\r\n").encode("latin-1"))
        if bodyless:
            return
        if not message.streamed:
            self.peer.sendall(message.body)
            return
        for at in range(0, len(message.body), 7000):
            part = message.body[at:at + 7000]
            self.peer.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        last = "".join(f"{name}: {value}\r\n" for name, value in message.trailers)
        self.peer.sendall(f"0\r\n{last}\r\n".encode("latin-1"))

    def write_request(self, message):
        fields = [("Host", message.authority)] + message.fields
        self._write(f"{message.method} {message.path} HTTP/1.1", dataclasses.replace(message, fields=fields), False)

    def write_response(self, message, method):
        for status, fields in message.interim:
            self._write(f"HTTP/1.1 {status} Early", Message(fields=fields), True)
        self._write(f"HTTP/1.1 {message.status} Said", message, method == "HEAD" or message.status in BODYLESS)


def _bytes(fields):
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]


class Client1:
    """One exchange after the other."""

    def __init__(self, peer):
        self._stream = Stream1(peer)

    def ask(self, message):
        self._stream.write_request(message)
        return self._stream.read_response(message.method)


# -- HTTP/2

def _config(client_side):
    return h2.config.H2Configuration(client_side=client_side, header_encoding="latin-1", normalize_outbound_headers=False,
                                     validate_outbound_headers=False)


class Stream2:
    """An HTTP/2 connection: collects messages per stream and sends them whole, within the windows."""

    def __init__(self, peer, client_side):
        self.peer = peer
        self.h2 = h2.connection.H2Connection(_config(client_side))
        self.messages = {}
        self.resets = {}
        self.goaway = None
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        if data := self.h2.data_to_send():
            self.peer.sendall(data)

    def step(self):
        """Reads once; the streams that are complete now."""
        data = self.peer.recv(65536)
        if not data:
            raise Broken("the connection ended")
        try:
            events = self.h2.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            self.flush()
            raise Broken(repr(error)) from error
        done = [stream for event in events if (stream := self._take(event))]
        self.flush()
        return done

    def _take(self, event):
        stream = getattr(event, "stream_id", None)
        message = self.messages.setdefault(stream, Message(streamed=True)) if stream else None
        if isinstance(event, (h2.events.RequestReceived, h2.events.ResponseReceived)):
            self._head(message, event.headers)
        elif isinstance(event, h2.events.InformationalResponseReceived):
            fields = [(n, v) for n, v in event.headers if not n.startswith(":")]
            message.interim.append((int(dict(event.headers)[":status"]), fields))
        elif isinstance(event, h2.events.DataReceived):
            message.body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, h2.events.TrailersReceived):
            message.trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamReset):
            self.resets[stream] = event.error_code
            return stream
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = event.error_code
        return stream if isinstance(event, h2.events.StreamEnded) else None

    @staticmethod
    def _head(message, headers):
        pseudo = {name: value for name, value in headers if name.startswith(":")}
        message.method, message.path = pseudo.get(":method"), pseudo.get(":path")
        message.authority = pseudo.get(":authority")
        message.status = int(pseudo[":status"]) if ":status" in pseudo else None
        message.fields = [(name, value) for name, value in headers if not name.startswith(":")]
        message.streamed = "content-length" not in dict(message.fields)

    def send(self, stream, headers, message, bodyless=False):
        body = b"" if bodyless else message.body
        trailers = [] if bodyless else [(n.lower(), v) for n, v in message.trailers]
        fields = headers + [(name.lower(), value) for name, value in message.fields]
        self.h2.send_headers(stream, _bytes(fields), end_stream=not body and not trailers)
        self.flush()
        while body:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if not room:
                self.step()
                continue
            part, body = body[:room], body[room:]
            self.h2.send_data(stream, part, end_stream=not body and not trailers)
            self.flush()
        if trailers:
            self.h2.send_headers(stream, _bytes(trailers), end_stream=True)
            self.flush()


class Client2:
    def __init__(self, peer, scheme="https"):
        self.stream = Stream2(peer, True)
        self._scheme = scheme

    def start(self, message):
        stream = self.stream.h2.get_next_available_stream_id()
        self.stream.send(stream, [(":method", message.method), (":scheme", self._scheme),
                                  (":authority", message.authority), (":path", message.path)], message)
        return stream

    def wait(self, stream):
        while stream not in self.stream.messages or not self._is_done(stream):
            self._done.update(self.stream.step())
        if stream in self.stream.resets:
            raise Broken(f"reset with {self.stream.resets[stream]}")
        return self.stream.messages[stream]

    def _is_done(self, stream):
        return stream in self._done

    @property
    def _done(self):
        return self.__dict__.setdefault("done", set())

    def ask(self, message):
        return self.wait(self.start(message))


# -- an origin

class Origin:
    """Answers every request by answer(request) and keeps the requests: seen. protocols: what it offers by ALPN, first
    the one it prefers; without TLS the first alone is spoken."""

    def __init__(self, topology, address, answer, protocols, context=None):
        self.answer = answer
        self.seen = []
        self.connections = 0
        self._protocols = protocols
        self._context = context
        if context:
            context.set_alpn_protocols(protocols)
        with inside(topology.server):
            self._listener = socket.create_server(address, backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer):
        with contextlib.suppress(Broken, OSError, ValueError, h2.exceptions.ProtocolError), contextlib.closing(peer):
            protocol = self._protocols[0]
            if self._context:
                peer = self._context.wrap_socket(peer, server_side=True)
                protocol = peer.selected_alpn_protocol() or "http/1.1"
            (self._talk2 if protocol == "h2" else self._talk1)(peer)
            peer.close()

    def _talk1(self, peer):
        stream = Stream1(peer)
        while request := stream.read_request():
            self.seen.append(request)
            stream.write_response(self.answer(request), request.method)

    def _talk2(self, peer):
        stream = Stream2(peer, False)
        while True:
            for number in stream.step():
                if number in stream.resets:
                    continue
                request = stream.messages.pop(number)
                self.seen.append(request)
                self._answer2(stream, number, request)

    def _answer2(self, stream, number, request):
        answer = self.answer(request)
        for status, fields in answer.interim:
            stream.h2.send_headers(number, [(":status", str(status))] + [(n.lower(), v) for n, v in fields])
        stream.send(number, [(":status", str(answer.status))], answer,
                    request.method == "HEAD" or answer.status in BODYLESS)

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def server_context(certificates, name="good"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{certificates.path(name)}.pem", f"{certificates.path(name)}.key")
    return context


def connect(namespace, address, host, root, protocols):
    """A TLS connection from a namespace that offers these protocols; the client that speaks what was chosen."""
    context = ssl.create_default_context(cafile=root)
    context.set_alpn_protocols(protocols)
    with inside(namespace):
        peer = socket.create_connection(address, 10)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer = context.wrap_socket(peer, server_hostname=host)
    peer.settimeout(20)
    return Client2(peer) if peer.selected_alpn_protocol() == "h2" else Client1(peer)
