"""The packet door on real traffic: what passes is the server's own TCP and QUIC, what is blocked is refused at once."""
import contextlib
import json
import shutil
import socket
import struct
import subprocess
import threading
import time

from case import find_all, settle
from device import resolve
from dialogue import Failure
from proof import Proof
from topology import inside

NAMES_ONLY = """
capture: { proxy: needed, tcp: [80, 443], udp: [53, 443] }
rules:
  - { name: no ads, when: { host: ads.example }, do: block }
"""


class Wire:
    """Every TCP segment that comes by at a port of a namespace, with the time: (source port, header and payload as they
    are, but for the checksum)."""

    def __init__(self, namespace, port):
        with inside(namespace):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self._socket.bind((port, 0))
        self._socket.settimeout(0.2)
        self.segments = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError):
                frame = self._socket.recv(70000)
                segment = tcp_of(frame[14:], frame[12:14])
                if segment:
                    self.segments.append((time.monotonic(), segment))

    def close(self):
        time.sleep(0.1)
        self._ending.set()
        self._thread.join()
        self._socket.close()


def tcp_of(packet, kind):
    """The TCP segment in a packet, its checksum zeroed; None for anything else."""
    if kind == b"\x08\x00" and packet[9] == 6:
        length = struct.unpack(">H", packet[2:4])[0]
        segment = packet[(packet[0] & 15) * 4:length]
    elif kind == b"\x86\xdd" and packet[6] == 6:
        segment = packet[40:40 + struct.unpack(">H", packet[4:6])[0]]
    else:
        return None
    return segment[:16] + b"\0\0" + segment[18:]


class Untouched(Proof):
    intent = "What passes at the packet door has the server's own TCP from end to end; a blocked name is reset on both sides at once"
    policy = NAMES_ONLY

    def prove(self):
        checked = self.gateway.control("check", f"{self.gateway.directory}/headgate.yaml").stdout
        if "in a worker" in checked or "at the packet door" not in checked:
            raise Failure(f"check does not say that nothing is proxied: {checked}")
        for family in (4, 6):
            self._pass(family)
            self._block(family)
        self._count()

    def _count(self):
        """How often a connection visits."""
        before, connections = self._visits(), 50
        for _ in range(connections):
            subprocess.run(self.network.topology.command(self.network.topology.device, "curl", "-s", "-o", "/dev/null", "--cacert",
                                                         self.network.certificates.path("root.pem"), "https://good.example/"),
                           check=True)
        each = (self._visits() - before) / connections
        self.measured(f"{each:.2f} packets of a connection visit")
        if each > 2.2:
            raise Failure(f"{each} packets of a connection visit the packet door")

    def _visits(self):
        return json.loads(self.gateway.control("--json", "status").stdout.splitlines()[0])["totals"]["visits"]

    def _watch(self, host, family):
        topology = self.network.topology
        wires = [Wire(topology.device, "eth0"), Wire(topology.server, "eth0")]
        try:
            result = subprocess.run(topology.command(topology.device, "curl", "-s", f"-{family}", "--max-time", "3", "--cacert",
                                                     self.network.certificates.path("root.pem"), f"https://{host}/"),
                                    capture_output=True, check=False)
        finally:
            for wire in wires:
                wire.close()
        return result.returncode, [wire.segments for wire in wires]

    def _pass(self, family):
        status, (near, far) = self._watch("good.example", family)
        if status:
            raise Failure(f"IPv{family}: curl ends with {status}")
        here, there = ({segment for _, segment in side} for side in (near, far))
        if here != there or len(here) < 8:
            raise Failure(f"IPv{family}: {len(here ^ there)} of {len(here)} segments are not the same on both sides")
        self.measured(f"IPv{family}: {len(here)} segments the same on both sides")

    def _block(self, family):
        status, sides = self._watch("ads.example", family)
        if status != 35:
            raise Failure(f"IPv{family}: curl ends with {status}")
        for side, what in zip(sides, ("device", "server")):
            resets = [when for when, segment in side if segment[13] & 4]
            if not resets:
                raise Failure(f"IPv{family}: the {what} is not told")
        hello = [when for when, segment in sides[0] if len(segment) > 200]
        if any(len(segment) > 200 for _, segment in sides[1]):
            raise Failure(f"IPv{family}: the server has seen the hello")
        reset = min(when for when, segment in sides[0] if segment[13] & 4)
        self.measured(f"IPv{family}: reset {1000 * (reset - hello[0]):.1f} ms after the hello")


class Quic(Proof):
    intent = "QUIC of real clients: an allowed name passes, a blocked one is refused, an inspected one is sent back to TCP"
    policy = """
capture: { proxy: needed, tcp: [80, 443], udp: [53, 443] }
rules:
  - { name: no ads, when: { host: ads.example }, do: block }
  - { name: look, when: { host: shop.example }, do: inspect }
"""

    def __init__(self, file):
        super().__init__(file)
        self.missing = [one for one in ("gtlsclient", "gtlsserver") if not shutil.which(one)]

    def prove(self):
        topology, path = self.network.topology, self.network.certificates.path
        with subprocess.Popen(topology.command(topology.server, "gtlsserver", "-q", "*", "443", path("good.key"),
                                               path("good.pem")), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                time.sleep(0.3)
                self._ask_all()
            finally:
                server.kill()
        settle(lambda: find_all("journal", [
            {"host": "good.example", "protocol": "quic", "reason": "forwarded"},
            {"host": "good.example", "protocol": "quic", "reason": "forwarded"},
            {"host": "ads.example", "protocol": "quic", "reason": "blocked", "rule": "no ads"},
            {"host": "shop.example", "protocol": "quic", "reason": "over-tcp", "rule": "look"}], self.gateway.journal()))

    def _ask_all(self):
        for arguments, host, passes in ((["-v", "v1"], "good.example", True), (["-v", "v1"], "ads.example", False),
                                        (["-v", "0x0a1a2a3a", "--preferred-versions=v1"], "good.example", True), (["-v", "v1"], "shop.example", False)):
            said = self._ask(arguments, host)
            if (":status:" in said) != passes:
                raise Failure(f"{host} {arguments}: {said[-600:]}")

    def _ask(self, arguments, host):
        topology = self.network.topology
        result = subprocess.run(topology.command(topology.device, "timeout", "3", "gtlsclient", "--exit-on-all-streams-close",
                                                 *arguments, host, "443", f"https://{host}/"), capture_output=True, check=False,
                                text=True, errors="replace")
        return result.stdout + result.stderr
