"""One end of a connection that says and expects what a script tells. Both the device's steps and the
scripted origins speak these words:

    send: TEXT          bytes; "\\r\\n" and "\\x00" as in a YAML double-quoted string (Latin-1); times: N
    receive: PATTERN    reads until the pattern has come: exact text, or a regular expression after "~"
    receive-all: PATTERN  reads to the end of the stream, then compares as `receive` does
    within: SECONDS     beside receive, receive-all, ends: the patience (5)
    silent: SECONDS     nothing comes meanwhile
    finish:             sends FIN (or close_notify and FIN) and goes on reading
    ends: fin | reset | any   the other end is at its end, in this way
    reset:              sends RST and is gone
    close:              closes in order
    echo:               returns everything until the other end finishes, then finishes
    serve: TEXT         answers every HTTP request with the text until the other end finishes
    wait: SECONDS
"""
import re
import socket
import ssl
import struct
import time

PATIENCE = 5


class Failure(Exception):
    """What was expected has not happened."""


def matches(pattern, text):
    """Exact text, or a regular expression anywhere in it after "~"."""
    if pattern.startswith("~"):
        return re.search(pattern[1:], text, re.DOTALL) is not None
    return pattern == text


class Dialogue:
    """Owns the socket. seen, a dict, receives "received" and "ended" as they happen."""

    def __init__(self, peer, seen=None):
        self._peer = peer
        self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._tls = None
        self._trickle = None
        self._unread = b""
        self.seen = seen if seen is not None else {"received": "", "ended": None}

    # -- TLS by hand, so that every byte of a hello can be a segment of its own

    def secure(self, context, server_side=False, name=None, trickle=None):
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side, name)
        self._trickle = trickle
        self._drive(self._tls.do_handshake, time.monotonic() + PATIENCE)

    def issuer(self):
        """Common name of who signed the certificate that was shown."""
        return dict(part[0] for part in self._tls.getpeercert()["issuer"])["commonName"]

    def _flush(self):
        data = self._outgoing.read()
        if self._trickle is None:
            self._peer.sendall(data)
            return
        for byte in data:
            self._peer.send(bytes([byte]))
            time.sleep(self._trickle)

    def _drive(self, function, deadline):
        while True:
            try:
                result = function()
                self._flush()
                return result
            except ssl.SSLWantReadError:
                self._flush()
                data = self._read_raw(deadline)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError as error:
                self._flush()
                raise Failure(f"TLS: {error.reason or error}") from error

    def _read_raw(self, deadline):
        self._peer.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            return self._peer.recv(65536)
        except socket.timeout as error:
            raise Failure("nothing came in time") from error

    def _read_tls(self):
        try:
            return self._tls.read(65536)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def _read(self, deadline):
        """Bytes, or b"" at the end; what ended it is in seen["ended"]."""
        try:
            data = self._drive(self._read_tls, deadline) if self._tls else self._read_raw(deadline)
        except (ConnectionResetError, BrokenPipeError):
            self.seen["ended"] = "reset"
            return b""
        if not data:
            self.seen["ended"] = "fin"
        self.seen["received"] += data.decode("latin-1")
        return data

    # -- the words of a script

    def act(self, step):
        verb, argument = next(iter(step.items()))
        getattr(self, "_" + verb.replace("-", "_"))(argument, step)

    def _send(self, text, step):
        data = text.encode("latin-1") * (step or {}).get("times", 1)
        try:
            if self._tls:
                self._tls.write(data)
                self._flush()
            else:
                self._peer.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            self.seen["ended"] = "reset"  # for `ends` to judge

    def _receive(self, pattern, step):
        deadline = time.monotonic() + step.get("within", PATIENCE)
        expression = pattern[1:] if pattern.startswith("~") else re.escape(pattern)
        compiled = re.compile(expression.encode("latin-1"), re.DOTALL)
        while not (found := compiled.search(self._unread)):
            try:
                data = self._read(deadline)
            except Failure as error:
                raise Failure(f"expected {pattern!r}, got {self._unread[:400]!r} and then nothing") from error
            if not data:
                raise Failure(f"expected {pattern!r}, got {self._unread[:400]!r} and {self.seen['ended']}")
            self._unread += data
        if not pattern.startswith("~") and found.start():
            raise Failure(f"expected {pattern!r}, got {self._unread[:400]!r}")
        self._unread = self._unread[found.end():]

    def _receive_all(self, pattern, step):
        self._ends("fin", step, keep=True)
        text, self._unread = self._unread.decode("latin-1"), b""
        if not matches(pattern, text):
            raise Failure(f"expected {pattern!r}, got {text[:400]!r}")

    def _silent(self, seconds, _step):
        if not self._unread:
            try:
                self._unread += self._read(time.monotonic() + seconds)
            except Failure:
                return
        raise Failure(f"expected silence, got {self._unread[:400]!r} {self.seen['ended'] or ''}")

    def _finish(self, _argument, _step):
        if self._tls:
            try:
                self._tls.unwrap()
            except ssl.SSLError:
                pass
            self._flush()
        try:
            self._peer.shutdown(socket.SHUT_WR)
        except OSError:
            if self.seen["ended"] != "reset":
                raise

    def _ends(self, how, step, keep=False):
        deadline = time.monotonic() + step.get("within", PATIENCE)
        while not self.seen["ended"]:
            data = self._read(deadline)
            if data and not keep:
                raise Failure(f"expected the end ({how}), got {data[:400]!r}")
            self._unread += data
        if how not in (self.seen["ended"], "any"):
            raise Failure(f"expected the end by {how}, it was {self.seen['ended']}")

    def _reset(self, _argument, _step):
        self._peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._peer.close()

    def _close(self, _argument, _step):
        self.close()

    def _echo(self, _argument, _step):
        data, self._unread = self._unread, b""
        while data or (data := self._read(time.monotonic() + 30)):
            self._send(data.decode("latin-1"), None)
            data = b""
        self._finish(None, None)

    def _serve(self, answer, _step):
        while self._serve_one():
            self._send(answer, None)

    def _serve_one(self):
        while b"\r\n\r\n" not in self._unread:
            data = self._read(time.monotonic() + 30)
            if not data:
                return False
            self._unread += data
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        while length and len(self._unread) < int(length[1]):
            data = self._read(time.monotonic() + 30)
            if not data:
                return False
            self._unread += data
        self._unread = self._unread[int(length[1]) if length else 0:]
        return True

    @staticmethod
    def _wait(seconds, _step):
        time.sleep(seconds)

    def close(self):
        self._peer.close()
