"""The packet door on real streams: what passes is the server's own TCP, what is blocked is refused at once, and what its own
death costs."""
import contextlib
import os
import signal
import socket
import struct
import subprocess
import threading
import time

from case import find_all, settle
from dialogue import Failure
from proof import Proof
from topology import inside
from visitors import Visitors
from vitals import Lateness, proportional


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
        if "nothing goes through a worker" not in checked or "at the packet door: first packets tell `host`" not in checked:
            raise Failure(f"check does not say that nothing is proxied: {checked}")
        for family in (4, 6):
            self._pass(family)
            self._block(family)
        self._count()
        self._weigh()

    def _weigh(self):
        pids = self.gateway.processes()["packet"]
        self.measured(f"packet doors: {len(pids)}, with {' and '.join(str(proportional(pid)) for pid in pids)} KB each (PSS)")

    def _count(self):
        """How often a connection visits."""
        before, connections = self.gateway.status()["totals"]["visits"], 50
        for _ in range(connections):
            subprocess.run(self.network.topology.command(self.network.topology.device, "curl", "-s", "-o", "/dev/null", "--cacert",
                                                         self.network.certificates.path("root.pem"), "https://good.example/"),
                           check=True)
        each = (self.gateway.status()["totals"]["visits"] - before) / connections
        self.measured(f"{each:.2f} packets of a connection visit")
        if each > 1.2:
            raise Failure(f"{each} packets of a connection visit the packet door")

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


class Deceived(Proof):
    intent = "A device that says two things about where its stream begins gets no further, whatever it says there"
    policy = NAMES_ONLY

    def prove(self):
        for family, device, server in ((4, "192.0.2.10", "198.51.100.10"), (6, "2001:db8:1::10", "2001:db8:2::10")):
            if (outcome := self._ask(device, server, None)) != "answered":
                raise Failure(f"IPv{family}: an honest device is {outcome}")
            if (outcome := self._ask(device, server, self._second_syn)) != "refused":
                raise Failure(f"IPv{family}: with two SYNs a device is {outcome}")
            if (outcome := self._ask(device, server, None)) != "answered":
                raise Failure(f"IPv{family}: afterwards an honest device is {outcome}")
            if (outcome := self._ask(device, server, self._fragment)) != "refused":
                raise Failure(f"IPv{family}: with a SYN in fragments a device is {outcome}")
        settle(lambda: find_all("journal", [{"reason": "contradiction"}] * 4, self.gateway.journal()))

    def _ask(self, device, server, deceive):
        """Asks over a connection; deceive(device, server, port, number) comes between its handshake and its first bytes."""
        wire = Wire(self.network.topology.device, "eth0")
        try:
            with inside(self.network.topology.device), socket.create_connection((server, 80), timeout=2) as peer:
                if deceive:
                    port = peer.getsockname()[1]
                    deceive(device, server, port, settle(lambda: sequence_of(wire.segments, port)))
                peer.sendall(b"GET /plain HTTP/1.1\r\nHost: good.example\r\nConnection: close\r\n\r\n")
                return "answered" if b"200 OK" in peer.recv(4096) else "left"
        except ConnectionError:
            return "refused"
        except TimeoutError:
            return "left alone"
        finally:
            wire.close()

    def _second_syn(self, device, server, port, number):
        """Where it would begin, the bytes that are meant for the packet door could lie."""
        send_raw(self.network.topology.device, device, server, struct.pack(">HHIIBBHHH", port, 80, number + 500, 0, 0x50, 2, 1024, 0, 0))

    def _fragment(self, device, server, port, number):
        send_raw(self.network.topology.device, device, server, struct.pack(">HHI", port, 80, number + 500), fragment=True)


def sequence_of(segments, port):
    """The number of the SYN from a port."""
    for _, segment in segments:
        if segment[13] & 18 == 2 and struct.unpack(">H", segment[:2])[0] == port:
            return struct.unpack(">I", segment[4:8])[0]
    raise Failure("no SYN was seen")


def send_raw(namespace, source, target, segment, fragment=False):
    """Sends a TCP header, or, without its checksum, the first fragment of one."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, target)
    if not fragment:
        summed = ends + struct.pack(">HH", 6, len(segment)) + segment
        total = sum(struct.unpack(f">{len(summed) // 2}H", summed))
        total = (total & 0xffff) + (total >> 16)
        segment = segment[:16] + struct.pack(">H", ~(total + (total >> 16)) & 0xffff) + segment[18:]
    if family == socket.AF_INET:
        packet = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 7, 0x2000 if fragment else 0, 64, 6, 0) + ends + segment
    elif fragment:
        packet = struct.pack(">IHBB", 6 << 28, 8 + len(segment), 44, 64) + ends + struct.pack(">BBHI", 6, 0, 1, 7) + segment
    else:
        packet = struct.pack(">IHBB", 6 << 28, len(segment), 6, 64) + ends + segment
    with inside(namespace), socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(packet, (target, 0))


class Killed(Proof):
    """Devices at work; the packet door's processes are killed again and again, all or one of them."""

    intent = None
    POLICY = """
capture: {{ proxy: needed, tcp: [80, 443], udp: [53, 443] }}
when-down: {down}
rules:
  - {{ name: no ads, when: {{ host: ads.example }}, do: block, log: none }}
"""
    KINDS = {"plain": ("good.example", 80, False, 1), "TLS": ("good.example", 443, True, 1), "kept": ("good.example", 80, False, 50)}
    BACK, RETRANSMITTED = 0.3, 1.3  # seconds; what waited in the queue is lost and sent again after one

    def prove(self):
        visitors = Visitors(self.network.topology, [self._trust("server")], self.KINDS)
        lateness = Lateness()
        self.struck = []
        try:
            for number in (None, 0, 1):
                # What one death has delayed is not hit by the next. A process that dies takes a while to let go of its queue.
                settle(lambda: self._must_serve_again(visitors), 20)
                time.sleep(self.RETRANSMITTED + 0.4)
                self.struck.append(time.monotonic())
                if number is None:
                    self._kill("packet", {})
                else:
                    os.kill(sorted(self.gateway.processes()["packet"])[number], signal.SIGKILL)
            time.sleep(2)
        finally:
            visitors.close()
            lateness.close()
        bad = [visit for visit in visitors.visits if visit.error]
        slow = max(visit.seconds - lateness.between(visit.start, visit.end or time.monotonic()) for visit in visitors.visits)
        self.measured(f"{len(visitors.visits)} visits, {len(bad)} refused, the slowest took {1000 * slow:.0f} ms")
        self.judge(bad)
        if slow > self.RETRANSMITTED and not self.sanitized:
            raise Failure(f"somebody waited {slow:.2f} s")

    def _must_serve_again(self, visitors):
        since = self.struck[-1] if self.struck else 0
        served = {visit.kind for visit in list(visitors.visits) if visit.start > since and visit.end and not visit.error and not visit.kept}
        if served != set(self.KINDS):
            raise Failure(f"after a death only {served} are served")

    def judge(self, bad):
        raise NotImplementedError


class KilledOpen(Killed):
    intent = "SIGKILL of the packet door under load: with `when-down: open` nobody notices"
    policy = Killed.POLICY.format(down="open")

    def judge(self, bad):
        if bad:
            raise Failure(f"{len(bad)} failed: {bad[0]}")


class KilledClosed(Killed):
    intent = "SIGKILL of the packet door under load: with `when-down: closed` new connections are refused at once until it is back"
    policy = Killed.POLICY.format(down="closed")

    def judge(self, bad):
        for visit in bad:
            if "reset" not in visit.error.lower() and "refused" not in visit.error.lower():
                raise Failure(f"not refused: {visit}")
            if not any(when - 0.1 <= visit.end <= when + self.BACK + 1 for when in self.struck):
                raise Failure(f"refused although the packet door was there: {visit}")
            if visit.kept:
                raise Failure(f"a connection that was let go on is refused: {visit}")
