"""D07: exchanges that live: WebSockets, calls of gRPC, events, resets, and streams of which one is slow. Nothing waits for
an end that is still to come."""
import base64
import contextlib
import hashlib
import json
import time

import h2.events
import h2.settings

import hyper
from dialogue import Failure
from proof import Proof
from topology import ipv4

HOST = "scripted.example"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT = b"\x81\x02hi"
MASKED = b"\x81\x82\x01\x02\x03\x04ik"


class Live(hyper.Origin):
    """Streams stay open: every part of a request is answered as it comes, by its path."""

    def __init__(self, *arguments, tunnels=False, **options):
        self.tunnels = tunnels
        self.reset_codes = []
        super().__init__(*arguments, **options)

    def _talk1(self, peer):
        """The handshake of RFC 6455, then one text message for every frame."""
        stream = hyper.Stream1(peer)
        request = stream.read_request()
        self.seen.append(request)
        fields = {name.lower(): value for name, value in request.fields}
        accept = base64.b64encode(hashlib.sha1(fields["sec-websocket-key"].encode() + GUID).digest()).decode()
        peer.sendall(f"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        while stream.file.read(len(MASKED)):
            peer.sendall(TEXT)

    def _talk2(self, peer):
        stream = hyper.Stream2(peer, False)
        if self.tunnels:
            stream.h2.update_settings({h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1})
            stream.flush()
        paths = {}
        while data := peer.recv(65536):
            for event in stream.h2.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    paths[event.stream_id] = dict(event.headers)[":path"]
                    self.begin(stream, event.stream_id, paths[event.stream_id])
                elif isinstance(event, h2.events.DataReceived):
                    stream.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    # The frame that only ends the stream carries no message, so it gets no answer.
                    if event.data:
                        echo = TEXT if paths[event.stream_id] == "/chat" else event.data
                        stream.h2.send_data(event.stream_id, echo)
                elif isinstance(event, h2.events.StreamEnded) and paths[event.stream_id] == "/service/call":
                    stream.h2.send_headers(event.stream_id, [("grpc-status", "7"), ("grpc-message", "no")],
                                           end_stream=True)
                elif isinstance(event, h2.events.StreamReset):
                    self.reset_codes.append(int(event.error_code))
            stream.flush()

    @staticmethod
    def begin(stream, number, path):
        if path == "/reset":
            stream.h2.reset_stream(number, 0xB)
            return
        kind = {"/service/call": "application/grpc", "/events": "text/event-stream"}.get(path, "text/plain")
        stream.h2.send_headers(number, [(":status", "200"), ("content-type", kind)], end_stream=path == "/")
        if path == "/events":
            stream.h2.send_data(number, b"data: first\n\n")
        elif path == "/large":
            stream.h2.send_data(number, b"x" * 16000)
            for _ in range(3):
                stream.h2.send_data(number, b"x" * 16000)


class Exchanges(Proof):
    intent = "WebSockets, gRPC, events and resets pass as they come, over HTTP/2 on either leg, and are counted"
    policy = """
capture: { tcp: [443, 9002] }
rules:
  - { name: sockets, when: { host: scripted.example, protocol: websocket }, do: inspect, log: exchanges }
  - { name: look, when: { host: [scripted.example, good.example, h2.example], path: "/*" }, do: inspect, log: exchanges }
"""

    def prove(self):
        context = lambda: hyper.server_context(self.network.certificates)
        one = Live(self.network.topology, (ipv4(40), 443), None, ["h2", "http/1.1"], context())
        two = Live(self.network.topology, (ipv4(40), 9002), None, ["h2"], context(), tunnels=True)
        try:
            self._socket(443)
            self._socket(9002)
            self._call()
            self._events()
            self._resets(one)
            self._slow()
            self._misdirected()
        finally:
            one.close()
            two.close()
        self._journal()

    def _client(self, port=443, protocol="h2"):
        return hyper.connect(self.network.topology.device, (ipv4(40), port), HOST, self._trust("gateway"), [protocol])

    @staticmethod
    def _until(client, kind, stream):
        """Reads until an event of this kind on the stream has come; what came before it in bytes."""
        body, connection = b"", client.stream
        while True:
            data = connection.peer.recv(65536)
            if not data:
                raise Failure("the gateway ended the connection")
            for event in connection.h2.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    connection.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    if event.stream_id == stream:
                        body += event.data
                if isinstance(event, kind) and getattr(event, "stream_id", stream) == stream:
                    connection.flush()
                    return event, body
            connection.flush()

    def _open(self, client, path, fields=(), method="POST"):
        connection = client.stream
        stream = connection.h2.get_next_available_stream_id()
        connection.h2.send_headers(stream, [(":method", method), (":scheme", "https"), (":authority", HOST),
                                            (":path", path), *fields])
        connection.flush()
        return stream

    def _say(self, client, stream, data, end=False):
        client.stream.h2.send_data(stream, data, end_stream=end)
        client.stream.flush()

    def _socket(self, port):
        client = self._client(port)
        # The first stream brings the origin's settings to the gateway.
        self._until(client, h2.events.StreamEnded, self._open(client, "/", method="GET")) if port == 9002 else None
        stream = self._open(client, "/chat", [(":protocol", "websocket"), ("sec-websocket-version", "13")], "CONNECT")
        event, _ = self._until(client, h2.events.ResponseReceived, stream)
        if dict(event.headers)[":status"] != "200":
            raise Failure(f"WebSocket over HTTP/2, port {port}: {event.headers}")
        for _ in range(3):
            self._say(client, stream, MASKED)
            _, body = self._until(client, h2.events.DataReceived, stream)
            if body != TEXT:
                raise Failure(f"WebSocket, port {port}: {body!r}")
        self._say(client, stream, b"", True)
        client.stream.peer.close()

    def _call(self):
        client = self._client()
        stream = self._open(client, "/service/call", [("content-type", "application/grpc"), ("te", "trailers")])
        for number in range(5):
            message = b"\0\0\0\0\1%d" % number
            self._say(client, stream, message)
            _, body = self._until(client, h2.events.DataReceived, stream)
            if body != message:
                raise Failure(f"gRPC message {number}: {body!r}")
        self._say(client, stream, b"", True)
        event, _ = self._until(client, h2.events.TrailersReceived, stream)
        if dict(event.headers).get("grpc-status") != "7":
            raise Failure(f"gRPC trailers: {event.headers}")

    def _events(self):
        client = self._client()
        began = time.monotonic()
        _, body = self._until(client, h2.events.DataReceived, self._open(client, "/events", method="GET"))
        if body != b"data: first\n\n" or time.monotonic() - began > 2:
            raise Failure(f"the first event: {body!r} after {time.monotonic() - began:.1f} s")

    def _resets(self, origin):
        client = self._client()
        event, _ = self._until(client, h2.events.StreamReset, self._open(client, "/reset"))
        if event.error_code != 0xB:
            raise Failure(f"the server's reset came as {event.error_code}")
        stream = self._open(client, "/echo")
        self._until(client, h2.events.ResponseReceived, stream)
        client.stream.h2.reset_stream(stream, 0x7)
        client.stream.flush()
        with contextlib.suppress(TimeoutError):
            deadline = time.monotonic() + 3
            while not origin.reset_codes and time.monotonic() < deadline:
                time.sleep(0.02)
        if origin.reset_codes != [0x7]:
            raise Failure(f"the client's reset came as {origin.reset_codes}")

    def _slow(self):
        """A stream whose window is used up waits; the next one on the same connections does not."""
        client = self._client()
        connection = client.stream
        connection.h2.increment_flow_control_window(1 << 20)
        slow = self._open(client, "/large", method="GET")
        got = 0
        while got < 60000:
            data = connection.peer.recv(65536)
            got += sum(len(event.data) for event in connection.h2.receive_data(data)
                       if isinstance(event, h2.events.DataReceived))
        stream = self._open(client, "/echo")
        self._say(client, stream, b"quick")
        _, body = self._until(client, h2.events.DataReceived, stream)
        if body != b"quick":
            raise Failure(f"beside a slow stream: {body!r}")
        connection.h2.reset_stream(slow, 0x8)
        connection.flush()

    def _misdirected(self):
        """The test certificate is also good.example's, and nobody.example's it is not."""
        client = self._client()
        for host, status in (("good.example", "200"), ("nobody.example", "421")):
            stream = client.stream.h2.get_next_available_stream_id()
            client.stream.h2.send_headers(stream, [(":method", "GET"), (":scheme", "https"), (":authority", host),
                                                   (":path", "/")], end_stream=True)
            client.stream.flush()
            event, _ = self._until(client, h2.events.ResponseReceived, stream)
            if dict(event.headers)[":status"] != status:
                raise Failure(f"{host}: {event.headers}")

    def _journal(self):
        deadline = time.monotonic() + 3
        while True:
            with open(self.gateway.journal_file, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            exchanges = [line for line in lines if line["type"] == "exchange"]
            sockets = [line for line in exchanges if line["websocket"]]
            calls = [line["grpc_status"] for line in exchanges if line["path"] == "/service/call"]
            counted = [line["messages"] for line in sockets] == [{"from_client": 3, "from_server": 3}] * 2
            if counted and calls == [7] and all(line["rule"] == "sockets" for line in sockets):
                return
            if time.monotonic() > deadline:
                raise Failure(f"journal: sockets {[(line['messages'], line['rule']) for line in sockets]}, calls {calls}")
            time.sleep(0.05)
