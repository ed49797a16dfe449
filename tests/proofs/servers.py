"""A43, B03, B06, B10, B12, B14, B16: servers that do everything right up to where they encrypt, and then something wrong. Those of forged.py
cannot encrypt; these are made by tests/network/handmade.py. Each must be left with the alert that RFC 8446 names; before
the handshake is done it hears not a byte of the request, and whatever it floods us with, others are served meanwhile."""
import concurrent.futures
import subprocess
import threading
import time

from dialogue import Failure
from forger import Listener
from proof import Proof
from topology import ipv4
from vitals import Peak, children, seconds_used

try:
    from handmade import *
    from handmade import Over, Server
except ImportError:  # without python3-cryptography nothing is said
    Server = None

FIRST_PORT = 8300
ENOUGH = 100000  # messages of a flood: an end that has not come by then does not come
SPENT = 2  # seconds of CPU that all floods together may cost


def extensions(*pairs):
    return message(ENCRYPTED_EXTENSIONS, vector(2, b"".join(extension(*pair) for pair in pairs)))


NONE = extensions() if Server else None


def encrypted(*pairs):
    def play(server):
        server.greet()
        server.tell(extensions(*pairs))
        finish(server)
    return play


def finish(server):
    for make in (server.certificate, server.verify, server.finished):
        server.tell(make())
    server.settle()


def chain(made):
    """Another Certificate than the right one."""
    def play(server):
        server.greet()
        server.tell(NONE)
        server.tell(made(server))
        server.tell(server.verify())
        server.tell(server.finished())
        server.settle()
    return play


def verified(made):
    """Another CertificateVerify."""
    def play(server):
        server.greet()
        server.tell(NONE)
        server.tell(server.certificate())
        made(server)
        server.tell(server.finished())
        server.settle()
    return play


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def in_place_of_finished(say):
    def play(server):
        server.greet()
        server.tell(NONE)
        server.tell(server.certificate())
        server.tell(server.verify())
        say(server)
    return play


def later(*records):
    def play(server):
        server.open()
        for kind, data in records:
            server.say(kind, data)
    return play


def flood(kind, make):
    """Until the gateway has had enough. It reads what comes, so that nobody waits for the other."""
    def play(server):
        server.open()
        threading.Thread(target=listen, args=(server,), daemon=True).start()
        while server.said < ENOUGH and not server.over:
            server.send(b"".join(make(server, kind) for _ in range(20)))
            server.said += 20
        raise Over(server.over or "endless")
    return play


def listen(server):
    try:
        while True:
            server.hear()
    except Over as over:
        server.over = str(over)


def with_new_keys(server, _):
    sealed = server.seal(HANDSHAKE, message(KEY_UPDATE, b"\0"))
    server.renew_writing()
    return sealed


def sealed(data):
    return lambda server, kind: server.seal(kind, data)


def letter_of_a_head(server, kind):
    begun, server.begun = server.begun, True
    return server.seal(kind, b"x" if begun else b"HTTP/1.1 200 OK\r\nX: ")


def alert(*names):
    return set(names)


UNEXPECTED, DECODE, ILLEGAL, DECRYPT = (alert(name) for name in ("unexpected_message", "decode_error", "illegal_parameter",
                                                                "decrypt_error"))
UNSUPPORTED, LEFT = alert("unsupported_extension"), {"close_notify", "fin", "reset"}
SOME_TICKET = b"\0\0\1\0" + b"\0" * 4 + b"\1n" + b"\0\4tick" + b"\0\0"

# id, what is said, section of RFC 8446 or another, how, and what must come of it. BEFORE: the request is not sent.
BEFORE = (
    ("B12", "early data accepted that was not sent", "4.2.10", encrypted((42, b"")), UNSUPPORTED | ILLEGAL),
    ("B16", "a certificate compressed", "RFC 8879 4", chain(lambda server: message(25, b"\0\1\0\0\4\0\0\4abcd")), UNEXPECTED),
    ("B03", "an extension of the hello in the wrong message", "4.2", encrypted((43, b"\3\4")), ILLEGAL | UNSUPPORTED),
    ("B03", "an extension twice", "4.2", encrypted((10, vector(2, b"\0\x1d")), (10, vector(2, b"\0\x1d"))), ILLEGAL | DECODE),
    ("B10", "a protocol nobody offered", "4.3.1", encrypted((16, vector(2, vector(1, b"spdy/1")))),
     UNSUPPORTED | ILLEGAL | DECODE | alert("no_application_protocol")),
    ("B03", "no certificate", "4.4.2", chain(lambda server: server.certificate([])), DECODE | ILLEGAL),
    ("B03", "a certificate of rubbish", "4.4.2", chain(lambda server: server.certificate([b"rubbish"])),
     DECODE | alert("bad_certificate")),
    ("B03", "a certificate with a context", "4.4.2",
     chain(lambda server: message(CERTIFICATE, b"\1x" + server.certificate()[5:])), ILLEGAL | DECODE),
    ("B03", "a proof with one bit wrong", "4.4.3", verified(lambda server: server.tell(flip(server.verify(), 20))), DECRYPT | DECODE),
    ("B03", "a client's proof from a server", "4.4.3",
     verified(lambda server: server.tell(server.verify(about=b"TLS 1.3, client CertificateVerify"))), DECRYPT),
    ("B03", "a proof by SHA-1", "4.4.3", verified(lambda server: server.tell(server.verify(scheme=0x0203))), ILLEGAL),
    ("B03", "a proof by a key of another kind", "4.4.3", verified(lambda server: server.tell(server.verify(scheme=0x0804))), ILLEGAL),
    ("B03", "no proof", "4.4.3", verified(lambda server: None), UNEXPECTED),
    ("B03", "Finished with one bit wrong", "4.4.4",
     in_place_of_finished(lambda server: (server.say(HANDSHAKE, flip(server.finished(), 9)), server.hear())), DECRYPT),
    ("B03", "data in place of Finished", "2",
     in_place_of_finished(lambda server: (server.say(DATA, b"HTTP/1.1 200 OK\r\n\r\n"), server.hear())), UNEXPECTED),
    ("B14", "new keys in place of Finished", "4.6.3",
     in_place_of_finished(lambda server: (server.say(HANDSHAKE, message(KEY_UPDATE, b"\0")), server.hear())), UNEXPECTED),
) if Server else ()
AFTER = (
    ("B14", "new keys of a strange kind", "4.6.3", later((HANDSHAKE, message(KEY_UPDATE, b"\2"))), ILLEGAL),
    ("B06", "another handshake", "4.1.2", later((HANDSHAKE, message(0, b""))), UNEXPECTED),
    ("A43", "a certificate asked for afterwards", "4.6.2",
     later((HANDSHAKE, message(REQUEST, b"\1c" + vector(2, extension(13, vector(2, b"\4\3")))))), UNEXPECTED),
    ("B14", "a heartbeat", "5", later((HEARTBEAT, b"\1\x40\0x")), UNEXPECTED),
    ("B14", "records without data, without end", "5.1", flood(DATA, sealed(b"")), UNEXPECTED),
    ("B14", "warnings without end", "6", flood(ALERT, sealed(b"\1\x5a")), UNEXPECTED),
    ("B14", "new keys without end", "4.6.3", flood(HANDSHAKE, with_new_keys), LEFT),
    ("B14", "tickets without end", "4.6.1", flood(HANDSHAKE, sealed(message(TICKET, SOME_TICKET))), LEFT),
    ("B14", "a head without end, one byte a record", "RFC 9112 2.2", flood(DATA, letter_of_a_head), LEFT),
) if Server else ()


class Servers(Proof):
    intent = "Servers that encrypt, and then speak TLS wrongly or without end, are left; others are served meanwhile"
    policy = """
capture: { tcp: [443, 8000-8999] }
rules:
  - { name: look, when: { protocol: tls }, do: inspect }
"""

    def prove(self):
        if not Server:
            self.measured("no python3-cryptography")
            return
        self._trust("gateway")
        self._ask("https://good.example/")
        workers = children(self.gateway.pid)
        used = sum(map(seconds_used, workers))
        cases = [(FIRST_PORT + number, number < len(BEFORE), *case) for number, case in enumerate(BEFORE + AFTER)]
        with Peak(workers) as peak, concurrent.futures.ThreadPoolExecutor(8) as pool:
            wrong = [fault for fault in pool.map(lambda case: self._try(*case), cases) if fault]
        spent = sum(map(seconds_used, workers)) - used
        self.measured(f"{len(cases)} servers, {spent:.2f} s of CPU, "
                      f"{max(peak.peak[pid] - peak.before[pid] for pid in workers)} KB more at most")
        if spent > SPENT and not self.sanitized:
            wrong.append(f"they cost {spent:.2f} s of CPU")
        status = self._ask("https://good.example/after-all-that")
        if status:
            wrong.append(f"after all that a good connection ends with {status}")
        if wrong:
            raise Failure("\n".join(wrong))

    def _ask(self, url):
        return subprocess.run(self.network.topology.command(
            self.network.topology.device, "curl", "-4fsS", "--max-time", "20", "--cacert", self._trust("gateway"), url),
            capture_output=True).returncode

    def _try(self, port, before, number, what, section, play, expected):
        came, certificates = [], self.network.certificates
        heard = []

        def talk(peer):
            server = Server(peer, certificates.path("good.pem"), certificates.path("good.key"), patience=20)
            server.said, server.over, server.begun = 0, None, False
            try:
                play(server)
                while True:
                    heard.append(server.hear())
            except Over as over:
                came.append(str(over))

        listener = Listener(self.network.topology, (ipv4(40), port), talk)
        try:
            status = self._ask(f"https://scripted.example:{port}/secret")
        finally:
            listener.close()
        listener.wait(20)
        name = f"{number} {what} ({section if 'RFC' in section else 'RFC 8446 ' + section})"
        if not status:
            return f"{name}: the client is content"
        if before and any(kind == DATA for kind, _ in heard):
            return f"{name}: it heard the request"
        if not set(came) & expected:
            return f"{name}: {came}, not {' or '.join(sorted(expected))}"
        return None
