"""Requests that two readers of one message may understand differently, and a reader so strict that there is only one way
to understand what it takes. Each holds /evil where a wrong reading finds a second request. Ideas from what is public
about HTTP desynchronisation; the vectors are our own."""
import re

EVIL = b"GET /evil HTTP/1.1\r\nHost: a.example\r\n\r\n"
HOST = b"Host: a.example\r\n"
ZERO = b"0\r\n\r\n"


def post(fields, body=b"", line=b"POST / HTTP/1.1", host=HOST):
    return line + b"\r\n" + host + fields + b"\r\n" + body


def _lengths():
    odd = [b"+5", b"-5", b"0x5", b"5.0", b"5e0", b"05", b"5 5", b"5,5", b"5, 5", b"5,6", b"5;", b"\"5\"", b"", b" ", b"5\x0b", b"\x0c5",
           b"5\0", b"\xb25", b"5_0", b"five", b"5\x85", b"\xef\xbc\x95", b"18446744073709551621", b"9223372036854775813",
           b"4294967301", b"100000000000000000000000000000005", b"5\t", b"\t5", b"5 ", b"NaN", b"0b101", b"0o5", b"5h", b"1'0", b"5\r"]
    for value in odd:
        yield b"length " + value, post(b"Content-Length: " + value + b"\r\n", b"hello" + EVIL)
    for a, b in ((b"5", b"5"), (b"5", b"0"), (b"0", b"5"), (b"5", b"05"), (b"0", b"44"), (b"5", b"")):
        yield b"lengths " + a + b" " + b, post(b"Content-Length: " + a + b"\r\nContent-Length: " + b + b"\r\n", b"hello" + EVIL)
    for name in (b"Content-Length ", b"Content-Length\t", b" Content-Length", b"\tContent-Length", b"Content-Length\0", b"Content_Length",
                 b"Content-Length\x0b", b"Content\x00-Length", b"Content-Len\xc4\xb1gth", b"X: y\nContent-Length", b"X: y\rContent-Length",
                 b"content-length:", b"Content-Length\xa0", b"\xc2\xa0Content-Length"):
        yield b"length by " + name, post(name + b": 5\r\n", b"hello" + EVIL)
    yield b"length folded", post(b"Content-Length:\r\n 5\r\n", b"hello" + EVIL)
    yield b"length folded behind", post(b"X: y\r\n Content-Length: 5\r\n", b"hello" + EVIL)


def _codings():
    odd = [b",chunked", b"chunked,", b"chunked, chunked", b"gzip, chunked", b"chunked, gzip", b"identity", b"chunked, identity",
           b"identity, chunked", b"chunked;q=1", b"\"chunked\"", b"'chunked'", b"xchunked", b"chunkedx", b"chunk", b"chu nked", b"chunked\x0b",
           b"\x0cchunked", b"chunked\0", b"\xef\xbd\x83hunked", b"chunked\x85", b"", b" ", b"chunked\xa0", b"chunked\r", b"\nchunked", b"[chunked]",
           b"chunked/1", b"chunked, ", b"trailers, chunked", b"cow", b"CHUNKED;", b"chunked\x01", b"x=chunked", b"(c)chunked", b"deflate",
           b"chunked\t\t,", b"chun\\ked", b"chunked,,", b"br,chunked", b"chunked chunked"]
    for value in odd:
        yield b"coding " + value, post(b"Transfer-Encoding: " + value + b"\r\n", ZERO + EVIL)
        yield b"coding beside length " + value, post(b"Content-Length: 5\r\nTransfer-Encoding: " + value + b"\r\n", ZERO + EVIL)
    for name in (b"Transfer-Encoding ", b"Transfer-Encoding\t", b" Transfer-Encoding", b"\tTransfer-Encoding", b"Transfer-Encoding\0",
                 b"Transfer_Encoding", b"Transfer-Encoding\x0b", b"X: y\nTransfer-Encoding", b"X: y\rTransfer-Encoding",
                 b"X: y\r\r\nTransfer-Encoding", b"Transfer-\xc4\xb1ncoding", b"Transfer-Encoding\xa0", b"\0Transfer-Encoding",
                 b"Transfer-Encoding:", b"\"Transfer-Encoding\"", b"Foo\r\nTransfer-Encoding", b"Transfer Encoding"):
        yield b"coding by " + name, post(b"Content-Length: 5\r\n" + name + b": chunked\r\n", ZERO + EVIL)
    for first, second in ((b"chunked", b"chunked"), (b"chunked", b"identity"), (b"identity", b"chunked"), (b"chunked", b"x"), (b"x", b"chunked")):
        yield b"codings " + first + b" " + second, post(b"Transfer-Encoding: " + first + b"\r\nTransfer-Encoding: " + second + b"\r\n", ZERO + EVIL)
    yield b"length first", post(b"Content-Length: 49\r\nTransfer-Encoding: chunked\r\n", ZERO + EVIL)
    yield b"coding first", post(b"Transfer-Encoding: chunked\r\nContent-Length: 49\r\n", ZERO + EVIL)
    yield b"coding folded", post(b"Transfer-Encoding:\r\n chunked\r\n", ZERO + EVIL)
    yield b"coding folded within", post(b"Transfer-Encoding: chu\r\n nked\r\n", ZERO + EVIL)
    yield b"coding in 1.0", post(b"Transfer-Encoding: chunked\r\n", ZERO + EVIL, b"POST / HTTP/1.0")
    yield b"coding on GET", post(b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", ZERO + EVIL, b"GET / HTTP/1.1")


def _chunks():
    bodies = [b"0x0\r\n\r\n", b"+0\r\n\r\n", b"-1\r\n\r\n", b" 0\r\n\r\n", b"0 \r\n\r\n", b"0\t\r\n\r\n", b"0\n\n", b"0\n\r\n", b"0\r\n\n", b"0\r\r", b"\r\n0\r\n\r\n",
              b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"5\r\nhello\r\r\n0\r\n\r\n", b"5;a\nhello\r\n0\r\n\r\n",
              b"5;\rhello\r\n0\r\n\r\n", b"5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n", b"5;a\x00\r\nhello\r\n0\r\n\r\n", b"g\r\n\r\n", b"0_0\r\n\r\n", b"0,0\r\n\r\n", b"0;\n\r\n\r\n",
              b"ffffffffffffffff0\r\n", b"10000000000000000\r\n", b"ffffffffffffffff\r\n", b"8000000000000000\r\n", b"00000000000000000000000000000000005\r\nhello\r\n0\r\n\r\n",
              b"5\r\nhello\r\n0\r\nX y\r\n\r\n", b"0\r\nX: y\n\r\n", b"0\r\n X: y\r\n\r\n", b"0\r\nX : y\r\n\r\n", b"0\r\n: y\r\n\r\n", b"0\r\nX: y\r\n folded\r\n\r\n",
              b"0\r\nContent-Length: 5\r\n\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\nHost: b.example\r\n\r\n", b"0\r\nX: \0\r\n\r\n", b"0\r\nX: y\rZ: a\r\n\r\n",
              b"\xef\xbc\x95\r\nhello\r\n0\r\n\r\n", b"5\x85hello\r\n0\r\n\r\n", b"5\r\nhello\r\n\r\n0\r\n\r\n", b"5\r\nhell\r\n0\r\n\r\n", b"4\r\nhello\r\n0\r\n\r\n", b"\n0\r\n\r\n",
              b"5 ; a\r\nhello\r\n0\r\n\r\n", b"5\x0c\r\nhello\r\n0\r\n\r\n", b"#5\r\nhello\r\n0\r\n\r\n", b"5h\r\nhello\r\n0\r\n\r\n", b"", b"2c", b"000000000\x00\r\n\r\n"]
    for body in bodies:
        yield b"chunks " + body, post(b"Transfer-Encoding: chunked\r\n", body + EVIL)


def _lines():
    for line in (b"POST / HTTP/1.2", b"POST / HTTP/2.0", b"POST / HTTP/0.9", b"POST / HTTP/1", b"POST / HTTP/11", b"POST / HTTP/1.10", b"POST / HTTP/01.1", b"POST / http/1.1",
                 b"POST / HTTP/1.1 ", b"POST  / HTTP/1.1", b"POST /  HTTP/1.1", b"POST\t/ HTTP/1.1", b"POST /\tHTTP/1.1", b"POST / HTTP/1.1\x0b", b"POST /", b"POST", b" POST / HTTP/1.1",
                 b"PO ST / HTTP/1.1", b"POST / / HTTP/1.1", b"POST / HTTP/1.1 HTTP/1.1", b"P\0ST / HTTP/1.1", b"(POST) / HTTP/1.1", b"POST / ICE/1.1", b"POST / RTSP/1.0",
                 b"POST /\0 HTTP/1.1", b"POST /\r HTTP/1.1", b"POST /\xff HTTP/1.1", b"POST /# HTTP/1.1", b"POST x HTTP/1.1", b"POST * HTTP/1.1", b"POST a.example HTTP/1.1",
                 b"CONNECT a.example:80 HTTP/1.1", b"POST ftp://a.example/ HTTP/1.1", b"POST http://b.example/ HTTP/1.1", b"POST http://a.example@b.example/ HTTP/1.1",
                 b"POST http:/a.example/ HTTP/1.1", b"POST http:///x HTTP/1.1", b"POST //b.example/ HTTP/1.1", b"PRI * HTTP/2.0", b"POST https://a.example:80/ HTTP/1.1"):
        yield b"line " + line, post(b"Content-Length: 0\r\n", EVIL, line)
    for host in (b"", HOST + HOST, HOST + b"Host: b.example\r\n", b"Host: b.example\r\n" + HOST, b"Host:\r\n", b"Host: a.example, b.example\r\n", b"Host: a.example b.example\r\n",
                 b"Host: a.example/b\r\n", b"Host: u@a.example\r\n", b"Host: a.example:x\r\n", b"Host: a.example:99999\r\n", b"Host : a.example\r\n", b" Host: a.example\r\n",
                 b"Host: a.example\r\n b.example\r\n", b"Host: a.example\0\r\n", b"Host: a\xc3\xa9.example\r\n", b"Host: [::1\r\n", b"Host: a.example#\r\n", b"Host: a..example\r\n",
                 b"Host: a.example\rHost: b.example\r\n", b"Host: a.example\nHost: b.example\r\n", b"Host\0: a.example\r\n"):
        yield b"host " + host, post(b"Content-Length: 0\r\n", EVIL, host=host)


def _fields():
    for field in (b"X: y\nZ: a", b"X: y\rZ: a", b"X: y\r\n folded", b"X: y\r\n\tfolded", b"X : y", b"X\t: y", b": y", b"X", b"X y", b"X\0: y", b"X: \0", b"X: \x01", b"X: \x7f",
                  b"\xff: y", b"X(: y", b"X\": y", b"X\r: y", b"X\n: y", b"X: y\r\r", b"X: y\x0b\r\nZ: a", b"X: y\r\n\r", b"X: y\n", b"\r: y", b"X: y\n\n", b"Expect: 100-continue\nX: y"):
        yield b"field " + field, post(field + b"\r\nContent-Length: 0\r\n", EVIL)
        yield b"last field " + field, post(b"Content-Length: 5\r\n" + field + b"\r\n", b"hello" + EVIL)
    for end in (b"\n\n", b"\r\n\n", b"\n\r\n", b"\r\r", b"\r\n\r", b"\r\n\r\r\n", b"\r\n \r\n", b"\r\n\0\r\n"):
        yield b"end of the head " + end, b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0" + end + EVIL
    for field in (b"Connection: Content-Length\r\nContent-Length: 5", b"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked", b"Connection: Host\r\nContent-Length: 5",
                  b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 5",
                  b"Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 5", b"Expect: 100-continue\r\nContent-Length: 5", b"Trailer: Content-Length\r\nContent-Length: 5",
                  b"X-HTTP-Method-Override: PUT\r\nContent-Length: 5", b"TE: chunked\r\nContent-Length: 5", b"Content-Length: 5\r\nContent-Encoding: chunked"):
        yield b"hop " + field, post(field + b"\r\n", b"hello")


def vectors():
    """(name, bytes) of HTTP/1 requests."""
    return [(name.decode("latin-1"), data) for make in (_lengths, _codings, _chunks, _lines, _fields) for name, data in make()]


def h2_vectors(host):
    """(name, fields, body): requests of HTTP/2 on their way to a server of HTTP/1."""
    good = [(":method", "POST"), (":scheme", "https"), (":authority", host), (":path", "/")]
    evil = "GET /evil HTTP/1.1\r\nHost: a.example\r\n\r\n"

    def with_(name, value):
        return [(n, value if n == name else v) for n, v in good]
    for name in (":method", ":path", ":authority", ":scheme"):
        for value in (" HTTP/1.1\r\nX: y", "\r\n\r\n" + evil, "\r\nTransfer-Encoding: chunked\r\n\r\n", "\nX: y", "\rX: y", "\0", " ", "\t", "\x7f", " /evil HTTP/1.1\r\nX: y"):
            base = dict(good)[name]
            yield f"{name} {value!r}", with_(name, base + value), b""
            yield f"{name} before {value!r}", with_(name, value + base), b""
    for name in ("x\r\ntransfer-encoding", "x: y\r\ntransfer-encoding", "x\n", "x\r", "x\0", "x ", " x", "x:", ":x", "transfer-encoding ", "transfer-encoding\t", "\ttransfer-encoding",
                 "Transfer-Encoding", "TRANSFER-ENCODING", "transfer-encoding:", "content-length ", "Content-Length", "x: y\r\n\r\n" + evil, "x(", "\xe9"):
        yield f"name {name!r}", good + [(name, "chunked")], ZERO + EVIL
    for value in ("y\r\ntransfer-encoding: chunked", "y\r\n\r\n" + evil, "y\ncontent-length: 0", "y\rcontent-length: 0", "y\0", "\r\n", "y\r\n", "y\n", " y", "y ", "\ty", "y\x7f", "y\x01"):
        yield f"value {value!r}", good + [("x", value)], ZERO + EVIL
    for field in (("transfer-encoding", "chunked"), ("transfer-encoding", "identity"), ("transfer-encoding", ""), ("connection", "close"), ("connection", "transfer-encoding"),
                  ("connection", "keep-alive, content-length"), ("keep-alive", "5"), ("proxy-connection", "close"), ("upgrade", "h2c"), ("upgrade", "websocket"), ("te", "chunked"),
                  ("te", "trailers, chunked"), ("host", "b.example"), ("http2-settings", "AAMAAABkAAQAAP__")):
        yield f"field {field}", good + [field], ZERO + EVIL
    for length in ("0", "4", "50", "44", "+45", "45 ", "0x2d", "45,45", "", "-1", "18446744073709551661"):
        yield f"length {length!r}", good + [("content-length", length)], ZERO + EVIL
    yield "two lengths", good + [("content-length", "45"), ("content-length", "0")], ZERO + EVIL
    yield "two equal lengths", good + [("content-length", "45"), ("content-length", "45")], ZERO + EVIL
    yield "length and coding", good + [("content-length", "0"), ("transfer-encoding", "chunked")], ZERO + EVIL
    yield "a body that looks like an end", good, ZERO + EVIL
    yield "two hosts", good + [("host", host), ("host", "b.example")], b""
    yield "absolute path", with_(":path", "http://b.example/"), b""
    yield "no slash", with_(":path", "evil"), b""
    yield "fragment", with_(":path", "/#/evil"), b""
    yield "user in authority", with_(":authority", "u@" + host), b""
    yield "CONNECT", [(":method", "CONNECT"), (":authority", host + ":80")], EVIL


# -- the strict reader

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
LINE = re.compile(rb"(" + TOKEN + rb") ([!-~]+) HTTP/1\.[01]\r\n")
FIELD = re.compile(rb"(" + TOKEN + rb"):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*\r\n")


def read_strictly(data):
    """(targets of the whole messages in data, None) or (them, what could be understood differently)."""
    targets = []
    while data:
        if not b"\r\n\r\n" in data:
            return targets, None  # a beginning: its sender gave up
        line = LINE.match(data)
        if not line:
            return targets, f"request line {data[:60]!r}"
        at, fields = line.end(), []
        while data[at:at + 2] != b"\r\n":
            field = FIELD.match(data, at)
            if not field:
                return targets, f"field {data[at:at + 60]!r}"
            fields.append((field[1].lower(), field[2]))
            at = field.end()
        end, fault = _end_of_body(data, at + 2, fields)
        if fault:
            return targets, fault
        if end is None:
            return targets, None
        targets.append(line[2].decode("latin-1"))
        data = data[end:]
    return targets, None


def _end_of_body(data, at, fields):
    lengths = [v for n, v in fields if n == b"content-length"]
    codings = [v for n, v in fields if n == b"transfer-encoding"]
    if len([n for n, _ in fields if n == b"host"]) != 1:
        return None, "not one Host"
    if len(lengths) + len(codings) > 1:
        return None, "framed twice"
    if lengths:
        if not re.fullmatch(rb"[0-9]{1,18}", lengths[0]):
            return None, f"Content-Length {lengths[0]!r}"
        end = at + int(lengths[0])
        return (end if end <= len(data) else None), None
    if not codings:
        return at, None
    if codings[0].lower() != b"chunked":
        return None, f"Transfer-Encoding {codings[0]!r}"
    while True:
        size = re.compile(rb"0*([0-9a-fA-F]{1,16})\r\n").match(data, at)
        if not size:
            return (None, None) if len(data) - at < 18 else (None, f"chunk {data[at:at + 40]!r}")
        at = size.end() + int(size[1], 16)
        if at > len(data):
            return None, None
        if not int(size[1], 16):
            while data[at:at + 2] != b"\r\n":
                field = FIELD.match(data, at)
                if not field:
                    return (None, None) if b"\r\n" not in data[at:] else (None, f"trailer {data[at:at + 60]!r}")
                at = field.end()
            return at + 2, None
        if data[at:at + 2] not in (b"\r\n", b"\r", b""):
            return None, f"end of a chunk {data[at:at + 10]!r}"
        at += 2
