"""A browser that would hide the name it asks for (RFC 9849), and a rule that has it show it."""
import base64
import contextlib
import os
import struct
import subprocess

from browsing import Browsing
from case import settle
from dialogue import Failure
from questions import unbound


class Ech(Browsing):
    """The keys are real, and nobody has their other half: a hello that is hidden by them gets no answer."""

    policy = """
capture: { proxy: needed, tcp: [80, 443], udp: [53, 443] }
rules:
  - { name: no ads, when: { host: ads.example }, do: block }
"""
    intent = "With real ECH keys from an HTTPS record Chromium hides the name it asks for; where a rule strips them they do not reach it, and the name is seen"

    def __init__(self, file):
        super().__init__(file)
        self.missing += [one for one in ("/usr/sbin/unbound",) if not os.path.exists(one)]

    def browse_all(self):
        with contextlib.ExitStack() as stack:
            self._resolve(stack)
            if "spoken" in self._ask():
                raise Failure("a hello that nobody can read was answered")
            settle(lambda: self._seen({"public.example"}))
            self.change("{ name: in the open, when: { host: scripted.example }, do: pass, dns: { strip: [ech] } }")
            if "spoken HTTP/1.1" not in (said := self._ask()):
                raise Failure(f"without keys Chromium sees {said!r}")
            settle(lambda: self._seen({"public.example", "scripted.example"}))

    def _ask(self):
        return self.browse("--enable-features=AsyncDns,UseDnsHttpsSvcb,EncryptedClientHello", "--disable-quic",
                           "https://scripted.example/said")

    def _seen(self, wanted):
        hosts = {line["host"] for line in self.gateway.journal() if line.get("protocol") == "tls"}
        if hosts != wanted:
            raise Failure(f"the names seen are {hosts}, not {wanted}")

    def _resolve(self, stack):
        """The device asks a nameserver alone, which has the keys."""
        topology = self.network.topology
        stack.enter_context(topology.nameserver(topology.device, "198.51.100.11"))
        command = unbound(self.directory, ["198.51.100.11"], [
            "scripted.example. A 198.51.100.40", f"scripted.example. HTTPS 1 . alpn=h2 ech={self._keys()}"])
        process = subprocess.Popen(topology.command(topology.server, *command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(process.wait)
        stack.callback(process.kill)
        settle(self._answers)

    def _answers(self):
        topology = self.network.topology
        said = subprocess.run(topology.command(topology.device, "dig", "+time=1", "+tries=1", "@198.51.100.11", "scripted.example", "HTTPS"),
                              capture_output=True, text=True, check=False).stdout
        if "ech=" not in said:
            raise Failure(f"no keys in {said}")

    @staticmethod
    def _keys():
        """An ECHConfigList (RFC 9849 section 4) with one X25519 key, HKDF-SHA256 and AES-128-GCM."""
        secret = subprocess.run(["openssl", "genpkey", "-algorithm", "X25519"], capture_output=True, check=True).stdout
        key = subprocess.run(["openssl", "pkey", "-pubout", "-outform", "DER"], input=secret, capture_output=True, check=True).stdout[-32:]
        name = b"public.example"
        contents = (b"\x07\x00\x20" + struct.pack(">H", len(key)) + key + struct.pack(">HHH", 4, 1, 1) + b"\x00" + bytes([len(name)]) + name + b"\x00\x00")
        config = b"\xfe\x0d" + struct.pack(">H", len(contents)) + contents
        return base64.b64encode(struct.pack(">H", len(config)) + config).decode("ascii")
