"""Servers that answer a ClientHello wrongly, by hand-made ServerHellos: each must be answered by an alert, hear not a
byte of the request, and leave one line in the journal. The ids are those of docs/tls.md; what is refused here cannot
be made to look strong to the client (C08)."""
import subprocess
import time

from dialogue import Failure
from forger import (DOWNGRADE_11, DOWNGRADE_12, Forger, HELLO_RETRY, RENEGOTIATION, VERSION_13, extension, record,
                    server_hello)
from proof import Proof
from topology import ipv4

HANDSHAKE = 22
FIRST_PORT = 8100
X25519, P384, P521 = 29, 24, 25


def plain(**fields):
    """A forger that answers with a ServerHello of TLS 1.2 with these fields."""
    return lambda hello, turn: record(HANDSHAKE, server_hello(hello, extensions=(RENEGOTIATION,), **fields))


def modern(*extensions, **fields):
    """One of TLS 1.3, with a key of the group the client wants unless extensions say otherwise."""
    def answer(hello, turn):
        share = extension(51, hello.shares()[0].to_bytes(2, "big") + b"\0\x20" + b"\x09" * 32)
        return record(HANDSHAKE, server_hello(hello, cipher=fields.pop("cipher", 0x1301),
                                              extensions=extensions or (VERSION_13, share), **fields))
    return answer


def retry(group):
    def answer(hello, turn):
        chosen = group(hello) if callable(group) else group
        return record(HANDSHAKE, server_hello(hello, cipher=0x1301, random=HELLO_RETRY, extensions=(
            VERSION_13, extension(51, chosen.to_bytes(2, "big")))))
    return answer


def sentinel(mark):
    return lambda hello, turn: record(HANDSHAKE, server_hello(hello, random=b"\x07" * 24 + mark,
                                                              extensions=(RENEGOTIATION,)))


def with_alpn(name):
    protocol = extension(16, (len(name) + 1).to_bytes(2, "big") + bytes([len(name)]) + name)
    return lambda hello, turn: record(HANDSHAKE, server_hello(hello, extensions=(RENEGOTIATION, protocol)))


def no_renegotiation_info(hello, turn):
    return record(HANDSHAKE, server_hello(hello))


OLD_CIPHERS = {
    "NULL": 0x0001, "anonymous DH": 0x0034, "export RC4": 0x0003, "RC4": 0x0005, "DES": 0x0009, "3DES": 0x000a,
    "static RSA with AES": 0x002f, "static RSA with GCM": 0x009c, "ECDHE with CBC": 0xc013, "ECDHE with CBC-SHA256": 0xc027,
    "ECDHE with RC4": 0xc011, "anonymous ECDH": 0xc018,
}
DH_CIPHERS = {"DHE with CBC": 0x0033, "DHE with GCM": 0x009e, "DHE with ChaCha20": 0xccaa, "static DH": 0x0031}

# (id, what, answer, alerts that will do)
FORGERIES = [
    ("B01", "SSL 3.0", plain(version=0x0300), ["protocol_version"]),
    ("B01", "TLS 1.0", plain(version=0x0301), ["protocol_version"]),
    ("B01", "TLS 1.1", plain(version=0x0302), ["protocol_version"]),
    ("B01", "TLS 1.4", plain(version=0x0305), ["protocol_version"]),
    ("B01", "TLS 1.0 as supported version", modern(extension(43, b"\x03\x01")), ["protocol_version", "illegal_parameter"]),
    ("B02", "downgrade to TLS 1.2", sentinel(DOWNGRADE_12), ["illegal_parameter"]),
    ("B02", "downgrade to TLS 1.1", sentinel(DOWNGRADE_11), ["illegal_parameter"]),
    *[("B03", name, plain(cipher=cipher), ["illegal_parameter", "handshake_failure"])
      for name, cipher in OLD_CIPHERS.items()],
    ("B03", "CCM, not offered in TLS 1.3", modern(cipher=0x1304), ["illegal_parameter"]),
    *[("B04", name, plain(cipher=cipher), ["illegal_parameter", "handshake_failure"])
      for name, cipher in DH_CIPHERS.items()],
    ("B05", "DEFLATE", plain(compression=1), ["illegal_parameter"]),
    ("B05", "DEFLATE in TLS 1.3", modern(compression=1), ["illegal_parameter", "decode_error"]),
    ("B06", "no safe renegotiation", no_renegotiation_info, ["handshake_failure"]),
    ("B10", "a protocol nobody offered", with_alpn(b"spdy/3"), ["illegal_parameter", "unsupported_extension", "decode_error",
                                                              "no_application_protocol", "handshake_failure"]),
    ("B10", "half of one that was", with_alpn(b"http/1"), ["illegal_parameter", "unsupported_extension", "decode_error",
                                                          "no_application_protocol", "handshake_failure"]),
    ("B11", "asked again for a group not offered", retry(P521), ["illegal_parameter"]),
    ("B11", "asked again for the key already sent", retry(lambda hello: hello.shares()[0]), ["illegal_parameter"]),
    ("B11", "asked again twice", retry(P384), ["unexpected_message", "illegal_parameter"]),
    ("B11", "another session id than ours", modern(session=b"\x01" * 32), ["illegal_parameter"]),
    ("B12", "a key for early data that nobody sent", modern(VERSION_13, extension(42, b"")),
     ["illegal_parameter", "unsupported_extension", "missing_extension"]),
]


class Forged(Proof):
    intent = "No server talks us into old versions, weak ciphers, compression, wrong protocols or endless retries"
    policy = """
capture: { tcp: [443, 8000-8999] }
rules:
  - { name: look, when: { host: [scripted.example, good.example] }, do: inspect }
"""

    def prove(self):
        self._trust("gateway")
        forgers = [(FIRST_PORT + number, *forgery, Forger(self.network.topology, (ipv4(40), FIRST_PORT + number),
                                                          forgery[2]))
                   for number, forgery in enumerate(FORGERIES)]
        try:
            wrong = [fault for one in forgers for fault in self._try(*one)]
        finally:
            for *_, forger in forgers:
                forger.close()
        self.measured(f"{len(FORGERIES)} forgeries")
        if wrong:
            raise Failure("; ".join(wrong))
        self._good_connection()

    def _try(self, port, number, what, _answer, alerts, forger):
        """Yields what is wrong."""
        status, said = self._curl(f"https://scripted.example:{port}/secret")
        deadline = time.monotonic() + 3
        seen = None
        while time.monotonic() < deadline and not (seen and seen["alerts"]):
            time.sleep(0.01)
            # A client that is slow to speak has the server asked first whether it speaks: a connection without a hello.
            seen = next((one for one in forger.seen if one["hello"]), None)
        if not seen:
            yield f"{number} {what}: never asked ({said})"
            return
        if status != 35:
            yield f"{number} {what}: the client ended with {status}, not with a TLS failure ({said})"
        if not set(seen["alerts"]) & set(alerts):
            yield f"{number} {what}: alerts were {seen['alerts']}, not {alerts}"
        if seen["data"] or seen["hellos"] > 2:
            yield f"{number} {what}: it went on after {seen['hellos']} hellos, {len(seen['data'])} bytes"
        yield from (f"{number} {what}: {fault}" for fault in self._journal_faults(port))

    def _journal_faults(self, port):
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            reasons = [line["reason"] for line in self.gateway.journal() if line["client"]["sockname"][1] == port]
            if reasons:
                return [] if reasons == ["tls-server-failed"] else [f"the journal says {reasons}"]
            time.sleep(0.02)
        return ["the journal has no line"]

    def _curl(self, url):
        result = subprocess.run(self.network.topology.command(
            self.network.topology.device, "curl", "-4sS", "--max-time", "10", "--cacert", self._trust("gateway"), url),
            capture_output=True, text=True)
        return result.returncode, result.stderr.strip()

    def _good_connection(self):
        status, said = self._curl("https://good.example/after-all-that")
        if status:
            raise Failure(f"after all that a good connection fails: {said}")
