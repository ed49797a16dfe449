"""TLS by hand: one end of a connection that knows how to be right, with X25519 and AES-128-GCM in TLS 1.2 and 1.3, and
says whatever a test wants it to say instead. What stands on the other side is real. RFC 8446, 5246, 5288, 7627."""
import hashlib
import hmac
import os
import struct

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from forger import Hello, extension, record, vector

CHANGE_CIPHER, ALERT, HANDSHAKE, DATA, HEARTBEAT = 20, 21, 22, 23, 24
CLIENT_HELLO, SERVER_HELLO, TICKET, END_OF_EARLY_DATA, ENCRYPTED_EXTENSIONS = 1, 2, 4, 5, 8
CERTIFICATE, KEY_EXCHANGE, REQUEST, HELLO_DONE, VERIFY, CLIENT_KEY, FINISHED, KEY_UPDATE = 11, 12, 13, 14, 15, 16, 20, 24
ALERTS = {0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure",
          42: "bad_certificate",          47: "illegal_parameter", 50: "decode_error", 51: "decrypt_error", 70: "protocol_version",
          71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled",
          100: "no_renegotiation", 109: "missing_extension", 110: "unsupported_extension", 120: "no_application_protocol"}
TLS12, TLS13 = 0x0303, 0x0304
X25519, P256 = 29, 23
AES_13, AES_12 = 0x1301, 0xc02b


def message(kind, body):
    return bytes([kind]) + vector(3, body)


def numbers(*values):
    return b"".join(value.to_bytes(2, "big") for value in values)


def hash_of(data):
    return hashlib.sha256(data).digest()


def mac(key, data):
    return hmac.new(key, data, "sha256").digest()


def expand(secret, label, context, length):
    """HKDF-Expand-Label (RFC 8446 section 7.1), of at most one block."""
    info = struct.pack("!H", length) + vector(1, b"tls13 " + label) + vector(1, context)
    return mac(secret, info + b"\1")[:length]


def stretch(secret, label, seed, length):
    """The PRF of TLS 1.2 (RFC 5246 section 5)."""
    seed, out = label + seed, b""
    chain = seed
    while len(out) < length:
        chain = mac(secret, chain)
        out += mac(secret, chain + seed)
    return out[:length]


def public(key):
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


class Over(Exception):
    """The other end has ended the connection: the alert's name, "fin", "reset" or "silent"."""


class Keys:
    """Of one direction, from one change of keys to the next."""

    def __init__(self, key, iv, modern=True):
        self._cipher, self._iv, self._modern, self.number = AESGCM(key), iv, modern, 0

    @classmethod
    def of(cls, secret):
        return cls(expand(secret, b"key", b"", 16), expand(secret, b"iv", b"", 12))

    def _nonce(self):
        return (int.from_bytes(self._iv, "big") ^ self.number).to_bytes(12, "big")

    def seal(self, kind, data, padding=0):
        """A whole record."""
        if self._modern:
            inner = data + bytes([kind]) + b"\0" * padding
            head = struct.pack("!BHH", DATA, 0x0303, len(inner) + 16)
            sealed = self._cipher.encrypt(self._nonce(), inner, head)
        else:
            number = self.number.to_bytes(8, "big")
            head = struct.pack("!BHH", kind, 0x0303, len(data) + 24)
            sealed = number + self._cipher.encrypt(self._iv + number, data, number + struct.pack("!BHH", kind, 0x0303, len(data)))
        self.number += 1
        return head + sealed

    def open(self, kind, body):
        """(kind, data)"""
        if self._modern:
            inner = self._cipher.decrypt(self._nonce(), body, struct.pack("!BHH", kind, 0x0303, len(body))).rstrip(b"\0")
            kind, data = inner[-1], inner[:-1]
        else:
            about = self.number.to_bytes(8, "big") + struct.pack("!BHH", kind, 0x0303, len(body) - 24)
            data = self._cipher.decrypt(self._iv + body[:8], body[8:], about)
        self.number += 1
        return kind, data


class End:
    """Owns the socket. What is said goes out sealed once there are keys for writing."""

    def __init__(self, peer, patience=5):
        self.peer = peer
        self.peer.settimeout(patience)
        self.reading = self.writing = None
        self.transcript = b""
        self._unread = b""
        self._messages = b""

    def send(self, *parts):
        try:
            self.peer.sendall(b"".join(parts))
        except OSError:
            pass  # what was said before is still to be read

    def seal(self, kind, data, padding=0):
        return self.writing.seal(kind, data, padding) if self.writing else record(kind, data)

    def say(self, kind, data, padding=0):
        self.send(self.seal(kind, data, padding))

    def tell(self, handshake):
        """A message that both ends count among their handshake."""
        self.transcript += handshake
        self.say(HANDSHAKE, handshake)

    def renew_writing(self):
        """As after a KeyUpdate (RFC 8446 section 7.2)."""
        self._ours_then = expand(self._ours_then, b"traffic upd", b"", 32)
        self.writing = Keys.of(self._ours_then)

    def renew_reading(self):
        self._theirs_then = expand(self._theirs_then, b"traffic upd", b"", 32)
        self.reading = Keys.of(self._theirs_then)

    def hear(self):
        """(kind, data) of the next record that is no alert and no ChangeCipherSpec of TLS 1.3."""
        while True:
            head = self._exactly(5)
            body = self._exactly(int.from_bytes(head[3:], "big"))
            kind, data = head[0], body
            if self.reading and kind != CHANGE_CIPHER:
                try:
                    kind, data = self.reading.open(kind, body)
                except InvalidTag:
                    pass  # an alert in the clear, before the other end had keys for it
            if kind == ALERT:
                raise Over(ALERTS.get(data[1], f"alert {data[1]}"))
            if kind != CHANGE_CIPHER:
                return kind, data

    def next(self, *kinds):
        """The next message of the handshake, which must be of one of these kinds."""
        while len(self._messages) < 4 or len(self._messages) < 4 + int.from_bytes(self._messages[1:4], "big"):
            kind, data = self.hear()
            if kind != HANDSHAKE:
                raise Over(f"a record of kind {kind}")
            self._messages += data
        length = 4 + int.from_bytes(self._messages[1:4], "big")
        got, self._messages = self._messages[:length], self._messages[length:]
        if got[0] not in kinds:
            raise Over(f"a message of kind {got[0]}")
        self.transcript += got
        return got

    def _exactly(self, length):
        while len(self._unread) < length:
            try:
                more = self.peer.recv(65536)
            except TimeoutError:
                raise Over("silent") from None
            except OSError:
                raise Over("reset") from None
            if not more:
                raise Over("fin")
            self._unread += more
        got, self._unread = self._unread[:length], self._unread[length:]
        return got


class ClientHello:
    """Its parts, to be changed before message() puts them together. extensions: [(number, data)]."""

    def __init__(self, host, version, share):
        name = host.encode("ascii")
        self.version, self.random, self.session, self.compressions = TLS12, os.urandom(32), os.urandom(32), b"\0"
        self.ciphers = [AES_13] if version == TLS13 else [AES_12]
        self.extensions = [(0, vector(2, b"\0" + vector(2, name))), (10, vector(2, numbers(X25519, P256))),
                           (13, vector(2, numbers(0x0403, 0x0804))), (23, b"")]
        if version == TLS13:
            self.extensions += [(43, b"\2\3\4"), (51, vector(2, numbers(X25519) + vector(2, share)))]
        else:
            self.extensions += [(11, b"\1\0"), (0xff01, b"\0")]

    def put(self, number, data):
        """In the place of the extension of this number, or behind all."""
        if number in dict(self.extensions):
            self.extensions = [(n, data if n == number else d) for n, d in self.extensions]
        else:
            self.extensions.append((number, data))

    def drop(self, *gone):
        self.extensions = [(n, d) for n, d in self.extensions if n not in gone]

    def message(self):
        body = numbers(self.version) + self.random + vector(1, self.session) + vector(2, numbers(*self.ciphers))
        body += vector(1, self.compressions) + vector(2, b"".join(extension(*one) for one in self.extensions))
        return message(CLIENT_HELLO, body)


def read_server_hello(got):
    """(random, cipher, extensions by number)"""
    at = 4 + 2 + 32
    at += 1 + got[at]
    cipher, at = int.from_bytes(got[at:at + 2], "big"), at + 3 + 2
    extensions = {}
    while at + 4 <= len(got):
        number, length = struct.unpack_from("!HH", got, at)
        extensions[number] = got[at + 4:at + 4 + length]
        at += 4 + length
    return got[6:38], cipher, extensions


class Client(End):
    def __init__(self, peer, host, version=TLS13, **options):
        super().__init__(peer, **options)
        self.version, self._key = version, X25519PrivateKey.generate()
        self.share = public(self._key)
        self.hello = ClientHello(host, version, self.share)
        self.early = mac(b"\0" * 32, b"\0" * 32)  # another with a ticket

    def open(self):
        """Hello, and all that the server says to it: next would be our Finished."""
        self.send_hello()
        self.read_flight()

    def send_hello(self):
        self.tell(self.hello.message())

    def read_flight(self):
        got = self.next(SERVER_HELLO)
        self.server_random, self.cipher, self.answered = read_server_hello(got)
        if self.version == TLS13:
            self._read_modern()
        else:
            self._read_old()

    def _read_modern(self):
        if 41 not in self.answered:
            self.early = mac(b"\0" * 32, b"\0" * 32)
        shared = self._key.exchange(X25519PublicKey.from_public_bytes(self.answered[51][4:]))
        secret = mac(expand(self.early, b"derived", hash_of(b""), 32), shared)
        so_far = hash_of(self.transcript)
        self._ours = expand(secret, b"c hs traffic", so_far, 32)
        self.reading = Keys.of(expand(secret, b"s hs traffic", so_far, 32))
        self.next(ENCRYPTED_EXTENSIONS)
        while self.next(CERTIFICATE, VERIFY, FINISHED)[0] != FINISHED:
            pass
        self._master = mac(expand(secret, b"derived", hash_of(b""), 32), b"\0" * 32)
        so_far = hash_of(self.transcript)
        self._ours_then = expand(self._master, b"c ap traffic", so_far, 32)
        self._theirs_then = expand(self._master, b"s ap traffic", so_far, 32)
        self.writing, self.reading = Keys.of(self._ours), Keys.of(self._theirs_then)

    def _read_old(self):
        self.next(CERTIFICATE)
        exchange = self.next(KEY_EXCHANGE)
        self.next(HELLO_DONE)
        self._shared = self._key.exchange(X25519PublicKey.from_public_bytes(exchange[8:40]))

    def key_exchange(self, share=None):
        """ClientKeyExchange of TLS 1.2; from then on the keys can be made."""
        return message(CLIENT_KEY, vector(1, self.share if share is None else share))

    def make_keys(self):
        """Of TLS 1.2, over all that was said so far (RFC 7627)."""
        self._master = stretch(self._shared, b"extended master secret", hash_of(self.transcript), 48)
        block = stretch(self._master, b"key expansion", self.server_random + self.hello.random, 40)
        self._reading_then = Keys(block[16:32], block[36:40], modern=False)
        return Keys(block[:16], block[32:36], modern=False)

    def finished(self):
        """The right one, as a message."""
        so_far = hash_of(self.transcript)
        if self.version == TLS13:
            return message(FINISHED, mac(expand(self._ours, b"finished", b"", 32), so_far))
        return message(FINISHED, stretch(self._master, b"client finished", so_far, 12))

    def exchange(self):
        """All that comes before Finished in TLS 1.2, with the keys in force behind it."""
        self.tell(self.key_exchange())
        keys = self.make_keys()
        self.send(record(CHANGE_CIPHER, b"\1"))
        self.writing = keys

    def finish(self):
        """Finished and, in TLS 1.3, the keys of what follows."""
        if self.version == TLS13:
            self.tell(self.finished())
            self.use_last_keys()
            return
        self.exchange()
        self.tell(self.finished())
        while self._hear_change() != CHANGE_CIPHER:
            pass
        self.reading = self._reading_then
        self.next(FINISHED)

    def _hear_change(self):
        head = self._exactly(5)
        body = self._exactly(int.from_bytes(head[3:], "big"))
        if head[0] == ALERT:
            raise Over(ALERTS.get(body[1], f"alert {body[1]}"))
        if head[0] == HANDSHAKE:
            self.transcript += body  # a ticket
        return head[0]

    def use_last_keys(self):
        self._resumption = expand(self._master, b"res master", hash_of(self.transcript), 32)
        self.writing = Keys.of(self._ours_then)

    def take_ticket(self):
        """(ticket, secret, age to add) of the first NewSessionTicket."""
        body = self.next(TICKET)[4:]
        nonce, rest = body[9:9 + body[8]], body[9 + body[8]:]
        ticket = rest[2:2 + int.from_bytes(rest[:2], "big")]
        return ticket, expand(self._resumption, b"resumption", nonce, 32), int.from_bytes(body[4:8], "big")

    def offer(self, ticket, secret, add):
        """The ticket in our hello, its binder right (RFC 8446 section 4.2.11)."""
        self.early = mac(b"\0" * 32, secret)
        identity = vector(2, ticket) + ((add + 50) % (1 << 32)).to_bytes(4, "big")
        self.hello.put(45, b"\1\1")
        self.hello.put(41, vector(2, identity) + vector(2, vector(1, b"\0" * 32)))
        key = expand(expand(self.early, b"res binder", hash_of(b""), 32), b"finished", b"", 32)
        binder = mac(key, hash_of(self.hello.message()[:-35]))
        self.hello.put(41, vector(2, identity) + vector(2, vector(1, binder)))


class Server(End):
    """Of TLS 1.3. certificate and key are files of PEM, the key of P-256."""

    def __init__(self, peer, certificate, key, **options):
        super().__init__(peer, **options)
        with open(key, "rb") as file:
            self._sign = serialization.load_pem_private_key(file.read(), None)
        with open(certificate, "rb") as file:
            parts = file.read().split(b"-----BEGIN CERTIFICATE-----")[1:]
        self.chain = [x509.load_pem_x509_certificate(b"-----BEGIN CERTIFICATE-----" + part).public_bytes(
            serialization.Encoding.DER) for part in parts]
        self._key = X25519PrivateKey.generate()

    def greet(self):
        """ClientHello and ServerHello; what comes next goes out sealed."""
        hello = Hello(self.next(CLIENT_HELLO))
        data, shares = hello.extensions[51][2:], {}
        while data:
            group, length = struct.unpack_from("!HH", data)
            shares[group], data = data[4:4 + length], data[4 + length:]
        extensions = extension(43, numbers(TLS13)) + extension(51, numbers(X25519) + vector(2, public(self._key)))
        self.tell(message(SERVER_HELLO, numbers(TLS12) + os.urandom(32) + vector(1, hello.session) + numbers(AES_13) + b"\0"
                          + vector(2, extensions)))
        shared = self._key.exchange(X25519PublicKey.from_public_bytes(shares[X25519]))
        early = mac(b"\0" * 32, b"\0" * 32)
        self._secret = mac(expand(early, b"derived", hash_of(b""), 32), shared)
        so_far = hash_of(self.transcript)
        self._theirs = expand(self._secret, b"c hs traffic", so_far, 32)
        self._ours = expand(self._secret, b"s hs traffic", so_far, 32)
        self.reading, self.writing = Keys.of(self._theirs), Keys.of(self._ours)

    def certificate(self, chain=None):
        entries = b"".join(vector(3, one) + vector(2, b"") for one in (self.chain if chain is None else chain))
        return message(CERTIFICATE, b"\0" + vector(3, entries))

    def verify(self, scheme=0x0403, about=b"TLS 1.3, server CertificateVerify"):
        content = b" " * 64 + about + b"\0" + hash_of(self.transcript)
        return message(VERIFY, numbers(scheme) + vector(2, self._sign.sign(content, ec.ECDSA(hashes.SHA256()))))

    def finished(self):
        return message(FINISHED, mac(expand(self._ours, b"finished", b"", 32), hash_of(self.transcript)))

    def open(self):
        """The whole handshake, as it should be."""
        self.greet()
        self.tell(message(ENCRYPTED_EXTENSIONS, vector(2, b"")))
        self.tell(self.certificate())
        self.tell(self.verify())
        self.tell(self.finished())
        self.settle()

    def settle(self):
        """The client's Finished, and the keys of what follows."""
        master = mac(expand(self._secret, b"derived", hash_of(b""), 32), b"\0" * 32)
        so_far = hash_of(self.transcript)
        self._ours_then = expand(master, b"s ap traffic", so_far, 32)
        self._theirs_then = expand(master, b"c ap traffic", so_far, 32)
        self.writing = Keys.of(self._ours_then)
        self.next(FINISHED)
        self.reading = Keys.of(self._theirs_then)
