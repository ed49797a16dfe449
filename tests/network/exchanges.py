"""200 exchanges that differ in what proxies get wrong: fields said twice, cookies, empty and long values, bytes beyond
ASCII, bodies of every framing, trailers, interim responses, answers without bodies."""
from hyper import Message

LONG = "v" * 8000
REQUEST_FIELDS = (
    [], [("Accept", "*/*"), ("User-Agent", "parity/1")], [("X-Twice", "1"), ("X-Twice", "2"), ("x-twice", "1")],
    [("Cookie", "a=1; b=2; c=3")], [("X-Empty", "")], [("X-Long", LONG)], [("X-Bytes", "caf\xe9 \xff")],
    [("Accept-Encoding", "gzip, br"), ("Range", "bytes=0-10")], [("Via", "1.1 other"), ("X-Forwarded-For", "192.0.2.1")],
    [("Authorization", "Bearer abc.def"), ("Cache-Control", "no-cache")], [("X-List", "a, b,c , d")],
    [(f"X-{number}", str(number)) for number in range(60)],
)
RESPONSE_FIELDS = (
    [], [("Server", "origin"), ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")],
    [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2"), ("Set-Cookie", "c=3; Secure")],
    [("Strict-Transport-Security", "max-age=1"), ("Content-Security-Policy", "default-src 'none'")],
    [("Alt-Svc", 'h3=":443"')], [("X-Empty", ""), ("X-Bytes", "caf\xe9")], [("X-Long", LONG)],
    [("Vary", "A"), ("Vary", "B"), ("ETag", '"x"'), ("Link", "<a>; rel=preload")],
)
BODIES = (b"", b"x", b"hello\r\n\r\n0\r\n\r\n", bytes(range(256)) * 40, b"z" * 150000)
PATHS = ("/", "/a/b;c?d=e&f", "/%2e%2e/%00?%0d%0a", "/~user/'()*,!?q=a?b=c", "/x" + "y" * 3000 + "?" + "z" * 3000)
STATUSES = (200, 201, 204, 206, 301, 304, 400, 404, 429, 500, 503)
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND")


def _framed(body, number, fields):
    """A body by length or streamed; streamed ones have trailers now and then."""
    streamed = number % 3 == 1
    fields = list(fields) if streamed or not body else [*fields, ("Content-Length", str(len(body)))]
    trailers = [("X-Checksum", str(len(body))), ("Grpc-Status", "0")] if streamed and number % 2 else []
    return {"body": body, "streamed": streamed, "fields": fields, "trailers": trailers}


def make_request(number, authority, prefix=""):
    method = METHODS[number % len(METHODS)]
    body = BODIES[number // 3 % len(BODIES)] if method in ("POST", "PUT", "PATCH") else b""
    framed = _framed(body, number, REQUEST_FIELDS[number % len(REQUEST_FIELDS)])
    if not body:
        framed["streamed"], framed["trailers"] = False, []
    framed["fields"] = [*framed["fields"], ("X-Number", str(number))]
    return Message(method=method, authority=authority, path=prefix + PATHS[number % len(PATHS)], **framed)


def make_response(number):
    status = STATUSES[number // 2 % len(STATUSES)] if number % 4 == 0 else 200
    body = b"" if status in (204, 304) else BODIES[number // 5 % len(BODIES)]
    framed = _framed(body, number // 2, RESPONSE_FIELDS[number % len(RESPONSE_FIELDS)])
    if status in (204, 304):
        framed["streamed"], framed["trailers"] = False, []
    elif not framed["streamed"] and not body:
        framed["fields"].append(("Content-Length", "0"))
    interim = [(103, [("Link", "</style.css>; rel=preload")])] if number % 7 == 3 else []
    return Message(status=status, interim=interim, **framed)


def answer(request):
    return make_response(int(dict((n.lower(), v) for n, v in request.fields)["x-number"]))


COUNT = 200
