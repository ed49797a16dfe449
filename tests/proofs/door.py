"""The packet door on real traffic: what passes is the server's own TCP and QUIC, what is blocked is refused at once (C15: QUIC among it)."""
import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import threading
import time

from case import find_all, settle
from device import resolve
from dialogue import Failure
from proof import Proof
from topology import inside
from visitors import Visitors
from vitals import Lateness

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


def pss_of(pid):
    """Memory of a process in KB, its share of what is shared included."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def visits_of(gateway):
    """How many packets have visited the packet door."""
    return json.loads(gateway.control("--json", "status").stdout.splitlines()[0])["totals"]["visits"]


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
        self.measured(f"packet doors: {len(pids)}, with {' and '.join(str(pss_of(pid)) for pid in pids)} KB each (PSS)")

    def _count(self):
        """How often a connection visits."""
        before, connections = visits_of(self.gateway), 50
        for _ in range(connections):
            subprocess.run(self.network.topology.command(self.network.topology.device, "curl", "-s", "-o", "/dev/null", "--cacert",
                                                         self.network.certificates.path("root.pem"), "https://good.example/"),
                           check=True)
        each = (visits_of(self.gateway) - before) / connections
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
        topology.set(topology.gateway, "net.netfilter.nf_conntrack_acct=1", "net.netfilter.nf_conntrack_udp_timeout=1",
                     "net.netfilter.nf_conntrack_udp_timeout_stream=1")
        self.gateway.follow_events()
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
        deadline = time.monotonic() + 10
        while True:
            try:
                return self._check_events()
            except Failure:
                # Whoever reads the kernel's table makes it look for what is over.
                self.gateway.control("cut", "203.0.113.99")
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def _check_events(self):
        """The kernel lets go of datagrams some seconds after the last."""
        ended = [event for event in self.gateway.events if event.get("event") == "udp_end"]
        started = [event for event in self.gateway.events if event.get("event") == "udp_start"]
        if len(started) != 4 or {one["connection"] for one in started} != {one["connection"] for one in ended}:
            raise Failure(f"udp_start {len(started)} times, udp_end {len(ended)} times")
        for one in ended:
            if (one["host"] == "good.example") != (one["bytes"]["from_client"] > 1200 and one["bytes"]["to_client"] > 1200):
                raise Failure(f"{one['host']}: {one['bytes']}")

    def _ask_all(self):
        visits = []
        for arguments, host, passes in ((["-v", "v1"], "good.example", True), (["-v", "v1"], "ads.example", False),
                                        (["-v", "0x0a1a2a3a", "--preferred-versions=v1"], "good.example", True), (["-v", "v1"], "shop.example", False)):
            before = visits_of(self.gateway)
            said = self._ask(arguments, host)
            if (":status:" in said) != passes:
                raise Failure(f"{host} {arguments}: {said[-600:]}")
            # A refused client tries again from the same port, and hears the same.
            visits += [visits_of(self.gateway) - before] if passes else []
        self._judge_visits(visits, "ngtcp2")

    def _judge_visits(self, visits, client):
        median, most = statistics.median(visits), max(visits)
        self.measured(f"{client}: of {len(visits)} flows {median} packets visit in the median, {most} at most")
        if median > 2 or most > 4:
            raise Failure(f"packets of a flow that visit: {visits}")

    def _ask(self, arguments, host):
        topology = self.network.topology
        result = subprocess.run(topology.command(topology.device, "timeout", "1.5", "gtlsclient", "--exit-on-all-streams-close",
                                                 *arguments, host, "443", f"https://{host}/"), capture_output=True, check=False,
                                text=True, errors="replace")
        return result.stdout + result.stderr


def framed_question(number, name):
    """A question for the address of a name as it stands in a stream."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split("."))
    message = struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, 1, 1)
    return struct.pack(">H", len(message)) + message


class Carried(Proof):
    intent = "Of what the kernel carries the journal says how much it was, where a rule asks for it"
    policy = """
capture: { proxy: needed, tcp: [80, 443, 7000], udp: [53, 443, 7000] }
rules:
  - { name: no ads, when: { host: ads.example }, do: block }
  - { name: counted, when: { host: good.example }, do: pass, log: connections }
  - { name: by port, when: { port: 7000 }, do: pass, log: connections }
"""
    SIZE = 1000000

    def prove(self):
        topology = self.network.topology
        topology.set(topology.gateway, "net.netfilter.nf_conntrack_acct=1", "net.netfilter.nf_conntrack_udp_timeout=1",
                     "net.netfilter.nf_conntrack_udp_timeout_stream=1", "net.netfilter.nf_conntrack_tcp_timeout_time_wait=1",
                     "net.netfilter.nf_conntrack_tcp_timeout_close=1")
        for family, address in ((socket.AF_INET, "198.51.100.40"), (socket.AF_INET6, "2001:db8:2::40")):
            self._stream(family, address)
            self._datagram(family, address)
        for host in ("good.example", "shop.example"):
            subprocess.run(topology.command(topology.device, "curl", "-s", "-o", "/dev/null", f"http://{host}/"), check=True)
        deadline = time.monotonic() + 15
        while True:
            try:
                return self._compare(self.gateway.journal())
            except Failure:
                # Whoever reads the kernel's table makes it look for what is over.
                self.gateway.control("cut", "203.0.113.99")
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def _stream(self, family, address):
        with inside(self.network.topology.server):
            server = socket.create_server((address, 7000), family=family)
        with server, inside(self.network.topology.device), socket.create_connection((address, 7000)) as device:
            device.sendall(b"give")
            peer, _ = server.accept()
            with peer:
                peer.recv(4)
                sender = threading.Thread(target=lambda: (peer.sendall(bytes(self.SIZE)), peer.shutdown(socket.SHUT_WR)))
                sender.start()
                while device.recv(65536):
                    pass
                sender.join()

    def _datagram(self, family, address):
        with inside(self.network.topology.server):
            server = socket.socket(family, socket.SOCK_DGRAM)
            server.bind((address, 7000))
        with server, inside(self.network.topology.device), socket.socket(family, socket.SOCK_DGRAM) as device:
            device.settimeout(2)
            device.sendto(b"x" * 100, (address, 7000))
            _, peer = server.recvfrom(1000)
            server.sendto(b"y" * 900, peer)
            device.recv(1000)

    def _compare(self, journal):
        lines = [line for line in journal if line.get("type") == "connection" and line["reason"] == "forwarded"]
        carried = {line["connection"]: line["bytes"] for line in journal if line.get("type") == "carried"}
        if len(carried) != len([line for line in journal if line.get("type") == "carried"]):
            raise Failure(f"one line too much: {carried}")
        for line in lines:
            found = carried.pop(line["connection"], None)
            least = {"tcp": (200, self.SIZE) if line["rule"] == "by port" else (200, 200), "udp": (128, 928)}[line["client"]["transport_protocol"]]
            if line["rule"] == "no rule matched":
                if found:
                    raise Failure(f"counted though nobody asked: {line}")
            elif not found or found["from_client"] < least[0] or not least[1] <= found["to_client"] < least[1] * 2 + 2000:
                raise Failure(f"{line['rule']}, {line['client']['transport_protocol']}: {found}")
        if carried or len(lines) != 6:
            raise Failure(f"{len(lines)} lines, and left: {carried}")


class Dns(Proof):
    intent = "Questions and answers of real resolvers: no such name, ech and h3 taken out, names for what has none"
    policy = """
capture: { proxy: needed, tcp: [53, 80, 443, 7000], udp: [53, 443] }
rules:
  - { name: no ads, when: { host: ads.example }, do: block }
  - { name: the page, when: { host: page.example }, do: block, dns: { answer: [192.0.2.80, "2001:db8:80::80"] } }
  - { name: our resolver, when: { host: public-resolvers }, do: block }
  - { name: no tracker, when: { host: tracker.example }, do: { block: drop } }
  - { name: no shell, when: { host: [shell.example, late.example, later.example], port: 7000 }, do: block }
  - { name: in the open, when: { host: shop.example }, do: pass, dns: { strip: [ech, h3] } }
"""
    SHELLS = ("198.51.100.20", "198.51.100.30", "198.51.100.31", "198.51.100.40", "198.51.100.53")
    ECH = "AEX+DQBBoQAgACBmb2/Bd29ybGQhIGEga2V5IGZvciBubyBvbmUgYXQgYWxsAAQAAQABABJwdWJsaWMtbmFtZS5leGFtcGxlAAA="

    def __init__(self, file):
        super().__init__(file)
        self.missing = [one for one in ("dig", "unbound", "dnsmasq") if not shutil.which(one) and not shutil.which(f"/usr/sbin/{one}")]

    def prove(self):
        self.gateway.follow_events()
        with contextlib.ExitStack() as stack:
            for command in (self._unbound(), self._dnsmasq()):
                process = subprocess.Popen(self.network.topology.command(self.network.topology.server, *command),
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                stack.callback(process.kill)
            for server in ("198.51.100.11", "198.51.100.12", "2001:db8:2::11"):
                self._wait(server)
                self._ask_all(server)
                self._ask_from_one_socket(server)
            self._change("198.51.100.11")
            self._nameless()
            self._at_home(stack)
            self._stream_at_door("198.51.100.11")
            self._over_worker("198.51.100.11")
            self._over_carriage("198.51.100.11")
        seen = {(event["event"], event["host"], event["rule"]) for event in self.gateway.events if "host" in event}
        for one in (("dns_request", "ads.example", "no ads"), ("dns_request", "good.example", "no rule matched"),
                    ("dns_response", "good.example", "no rule matched"), ("dns_response", "shop.example", "in the open")):
            if one not in seen:
                raise Failure(f"no event {one}")

    def _over_worker(self, server):
        """Where a rule needs workers, DNS over TCP comes through them: each question has its own answer."""
        self._add_rule("{ name: pages, when: { host: other.example }, do: { block: page } }")
        self._expect(self._dig(server, "+tcp", "good.example"), "NOERROR", "198.51.100.10")
        self._expect(self._dig(server, "+tcp", "ads.example"), "NXDOMAIN", "ANSWER: 0")
        self._expect(self._dig(server, "+tcp", "page.example"), "NOERROR", "192.0.2.80")
        self._expect(self._dig(server, "+tcp", "shop.example", "HTTPS"), "NOERROR", "h2", without=("ech=", "h3", "malformed"))
        self._expect(self._dig(server, "+tcp", "long.example", "TXT"), "ANSWER: 40")
        for size in (1, 7, 1000):
            said = self._stream(server, ["good.example", "ads.example", "tracker.example", "page.example", "good.example"], size, 4)
            if said != {0: 0, 1: 3, 3: 0, 4: 0}:
                raise Failure(f"questions in pieces of {size} bytes are answered by {said}")
        settle(lambda: find_all("journal", [{"host": "good.example", "protocol": "dns", "server": {"address": [server, 53]}}], self.gateway.journal()))
        self._learns("late.example", "198.51.100.13", lambda: self._dig(server, "+tcp", "late.example"))

    def _over_carriage(self, server):
        """Where a rule may route them, a worker carries questions and answers."""
        self._add_rule('{ name: far, when: { host: far.example }, do: { route: { server: "198.51.100.12:53" } } }')
        self._expect(self._dig(server, "good.example", "HTTPS"), "ech=", "h3,h2")
        self._expect(self._dig(server, "shop.example", "HTTPS"), "NOERROR", "h2", without=("ech=", "h3", "malformed"))
        self._learns("later.example", "198.51.100.12", lambda: self._dig(server, "later.example"))

    def _learns(self, name, address, ask):
        for asked in (False, True):
            if asked:
                self._expect(ask(), address)
            with inside(self.network.topology.server), socket.create_server((address, 7000)) as server:
                if self._speaks(server) == asked:
                    raise Failure(f"{name}, asked for: {asked}: the name does not decide")

    def _add_rule(self, rule):
        self.gateway.write_policy(f"{self.policy}  - {rule}\n")
        if self.gateway.control("reload").returncode:
            raise Failure("the policy is not taken over")

    def _stream_at_door(self, server):
        """The packet door follows a stream to its end: each question is judged, and what would be blocked ends it."""
        if self._stream(server, ["good.example"] * 60, 1000, 60) != dict.fromkeys(range(60), 0):
            raise Failure("not every question of a stream is answered")
        for names, size in ((["good.example", "ads.example"], 1000), (["good.example", "good.example", "ads.example"], 5)):
            said = self._stream(server, names, size, len(names))
            if said.get(len(names) - 1) != "reset":
                raise Failure(f"{names} in pieces of {size} bytes: {said}")

    def _stream(self, server, names, size, answers):
        """Asks for names over one connection, the questions one behind the other in pieces; result codes by number."""
        stream, said = b"".join(framed_question(number, name) for number, name in enumerate(names)), {}
        with inside(self.network.topology.device):
            peer = socket.create_connection((server, 53), timeout=3)
        with peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                for start in range(0, len(stream), size):
                    peer.sendall(stream[start:start + size])
                file = peer.makefile("rb")
                while len(said) < answers:
                    message = file.read(struct.unpack(">H", file.read(2))[0])
                    said[struct.unpack(">H", message[:2])[0]] = message[3] & 15
            except ConnectionError:
                said[len(names) - 1] = "reset"
        return said

    def _at_home(self, stack):
        """The gateway's own resolver, as in most homes; asked also by its link-local address."""
        topology = self.network.topology
        resolver = ("/usr/sbin/dnsmasq", "-k", "--no-resolv", "--no-hosts", "--bind-dynamic", "--interface=lan0", "--except-interface=lo",
                    "--user=root", "--pid-file=", "--conf-file=/dev/null", "--server=198.51.100.11")
        process = subprocess.Popen(topology.command(topology.gateway, *resolver), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(process.kill)
        near = subprocess.run(["ip", "-n", topology.gateway, "-6", "-o", "address", "show", "dev", "lan0", "scope", "link"],
                              capture_output=True, text=True, check=True).stdout.split()[3].partition("/")[0]
        for server in ("192.0.2.1", "2001:db8:1::1", f"{near}%eth0"):
            self._wait(server)
            self._expect(self._dig(server, "ads.example"), "NXDOMAIN", "ANSWER: 0")
            self._expect(self._dig(server, "good.example", "HTTPS"), "ech=", "h3")
            self._expect(self._dig(server, "shop.example", "HTTPS"), "NOERROR", "h2", without=("ech=", "h3", "malformed"))

    def _unbound(self):
        hosts = {"good.example": "198.51.100.10", "ads.example": "198.51.100.10", "shop.example": "198.51.100.10",
                 "tracker.example": "198.51.100.40", "late.example": "198.51.100.13", "later.example": "198.51.100.12"}
        lines = [f'local-data: "{host}. A {address}"' for host, address in hosts.items()]
        lines += [f'local-data: "shell.example. A {address}"' for address in self.SHELLS]
        lines += [f'local-data: "{host}. HTTPS 1 . alpn=h3,h2 ipv4hint=198.51.100.10 ech={self.ECH}"'
                  for host in ("good.example", "shop.example")]
        lines += [f"local-data: 'long.example. TXT \"{'x' * 200}{number}\"'" for number in range(40)]
        path = f"{self.directory}/unbound.conf"
        with open(path, "w", encoding="ascii") as file:
            file.write("server:\n" + "".join(f"  {line}\n" for line in [
                "interface: 198.51.100.11", "interface: 2001:db8:2::11", "access-control: 0.0.0.0/0 allow", "access-control: ::/0 allow",
                "do-daemonize: no", 'username: ""', 'chroot: ""', f'directory: "{self.directory}"', "use-syslog: no", 'pidfile: ""',
                "local-zone: example. static", *lines]))
        return "/usr/sbin/unbound", "-d", "-c", path

    @staticmethod
    def _dnsmasq():
        return ("/usr/sbin/dnsmasq", "-k", "--no-resolv", "--no-hosts", "--bind-interfaces", "--listen-address=198.51.100.12",
                "--user=root", "--pid-file=", "--conf-file=/dev/null", "--address=/ads.example/good.example/shop.example/198.51.100.10")

    def _dig(self, server, *question):
        topology = self.network.topology
        return subprocess.run(topology.command(topology.device, "dig", "+tries=1", "+time=1", f"@{server}", *question),
                              capture_output=True, text=True, check=False).stdout

    def _wait(self, server):
        settle(lambda: self._expect(self._dig(server, "good.example"), "NOERROR"))

    @staticmethod
    def _expect(said, *wanted, without=()):
        for one in wanted:
            if one not in said:
                raise Failure(f"no {one!r} in {said}")
        for one in without:
            if one in said:
                raise Failure(f"{one!r} in {said}")

    def _ask_all(self, server):
        self._expect(self._dig(server, "good.example"), "NOERROR", "198.51.100.10")
        self._expect(self._dig(server, "ads.example"), "NXDOMAIN", "ANSWER: 0")
        self._expect(self._dig(server, "ADS.example", "HTTPS", "+dnssec"), "NXDOMAIN", "do;")
        if ":" in server:
            self._expect(self._dig(server, "tracker.example"), "no servers could be reached")
        self._expect(self._dig(server, "+tcp", "good.example"), "NOERROR")
        self._expect(self._dig(server, "+tcp", "ads.example"), "reset")
        self._expect(self._dig(server, "page.example"), "NOERROR", "192.0.2.80", "60")
        self._expect(self._dig(server, "page.example", "AAAA", "+dnssec"), "NOERROR", "2001:db8:80::80")
        self._expect(self._dig(server, "page.example", "HTTPS"), "NOERROR", "ANSWER: 0")
        self._expect(self._dig(server, "+tcp", "page.example"), "reset")
        for host in ("use-application-dns.net", "security.cloudflare-dns.com", "_dns.resolver.arpa"):
            self._expect(self._dig(server, host), "NXDOMAIN")
        self._expect(self._dig(server, "+tcp", "shop.example", "HTTPS"), "reset")

    def _ask_from_one_socket(self, server):
        """As systemd-resolved does, which asks again when there is no such name."""
        with inside(self.network.topology.device), socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as device:
            device.settimeout(2)
            device.connect((server, 53))
            for number, (name, code) in enumerate([("ads.example", 3), ("ads.example", 3), ("good.example", 0), ("page.example", 0),
                                                   ("ads.example", 3)]):
                device.send(framed_question(number, name)[2:])
                answer = device.recv(4096)
                if (answer[3] & 15) != code or answer[:2] != struct.pack(">H", number):
                    raise Failure(f"{server}: question {number} from one socket, of {name}, is answered by {answer}")

    def _change(self, server):
        self._expect(self._dig(server, "good.example", "HTTPS"), "ech=", "h3,h2")
        said = self._dig(server, "shop.example", "HTTPS")
        self._expect(said, "NOERROR", "h2", "ipv4hint=198.51.100.10", without=("ech=", "h3", "malformed"))
        self._expect(self._dig(server, "long.example", "TXT"), "ANSWER: 40")
        for length in (0, 1, 11, 12, 200):
            with inside(self.network.topology.device), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.sendto(b"\xc0" * length, (server, 53))
        self._expect(self._dig(server, "good.example"), "NOERROR")
        totals = json.loads(self.gateway.control("--json", "status").stdout.splitlines()[0])["totals"]
        if totals["dns_stripped"] != 1:
            raise Failure(f"{totals['dns_stripped']} answers were changed")

    def _nameless(self):
        """SSH has no name; after the device has asked for one, its addresses have it, whichever process saw the answer."""
        for asked in (False, True):
            if asked:
                self._expect(self._dig("198.51.100.11", "shell.example"), *self.SHELLS)
            for address in self.SHELLS:
                with inside(self.network.topology.server), socket.create_server((address, 7000)) as server:
                    if self._speaks(server) == asked:
                        raise Failure(f"{address}, asked for: {asked}: the name does not decide")

    def _speaks(self, server):
        with inside(self.network.topology.device), socket.create_connection(server.getsockname()) as device:
            peer, _ = server.accept()
            with peer:
                device.settimeout(2)
                device.sendall(b"SSH-2.0-test\r\n")
                try:
                    peer.settimeout(1)
                    return peer.recv(100) == b"SSH-2.0-test\r\n"
                except ConnectionResetError:
                    return False


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


class Browser(Proof):
    intent = "Chromium speaks HTTP/3 with an allowed name, comes back over TCP where QUIC is refused, and sees an inspected host there"
    policy = """
capture: { proxy: needed, tcp: [80, 443], udp: [443] }
rules:
  - { name: no ads, when: { host: ads.example }, do: block }
"""
    CADDY = """{{
	admin off
	auto_https off
	servers {{
		protocols h1 h3
	}}
}}
scripted.example:443 {{
	bind 198.51.100.40 2001:db8:2::40
	tls {certificate} {key}
	handle /said {{
		respond "spoken {{http.request.proto}}"
	}}
	handle {{
		root * {directory}
		file_server
	}}
}}
"""
    PAGE = """<body><script>(async () => {
	let said = [];
	for (let i = 0; i < 3; i++) {
		said.push(await (await fetch("/said", { cache: "no-store" })).text());
		await new Promise(done => setTimeout(done, 200));
	}
	document.body.textContent = said.join();
})()</script></body>
"""

    def __init__(self, file):
        super().__init__(file)
        self.missing = [one for one in ("chromium", "caddy", "certutil") if not shutil.which(one)]
        self._profiles = 0

    def prove(self):
        path = f"{self.directory}/Caddyfile"
        with open(path, "w", encoding="ascii") as file:
            file.write(self.CADDY.format(certificate=self.network.certificates.path("good.pem"), key=self.network.certificates.path("good.key"),
                                         directory=f"{self.directory}/site"))
        os.makedirs(f"{self.directory}/site")
        with open(f"{self.directory}/site/index.html", "w", encoding="ascii") as file:
            file.write(self.PAGE)
        command = ["env", f"HOME={self.directory}", "caddy", "run", "--config", path, "--adapter", "caddyfile"]
        with subprocess.Popen(self.network.topology.command(self.network.topology.server, *command),
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as caddy:
            try:
                self._trust_root(self.network.certificates.path("root.pem"))
                time.sleep(1)
                self._browse_all()
            finally:
                caddy.kill()

    def _trust_root(self, root):
        store = f"{self.directory}/.pki/nssdb"
        subprocess.run(f"mkdir -p {store}; test -e {store}/cert9.db || certutil -d sql:{store} -N --empty-password; "
                       f"certutil -d sql:{store} -A -t C,, -n {os.path.basename(root)} -i {root}", shell=True, check=True, env={"HOME": self.directory, "PATH": "/usr/bin:/bin"})

    def _browse_all(self):
        before = visits_of(self.gateway)
        self._see("HTTP/3.0", "--origin-to-force-quic-on=scripted.example:443", "https://scripted.example/said")
        self._journal({"protocol": "quic", "reason": "forwarded"})
        self._judge_visits(visits_of(self.gateway) - before)
        # What came over TCP says "h3" (Alt-Svc), and Chromium tries it.
        self._change("{ name: no quic, when: { host: scripted.example, protocol: quic }, do: block }")
        self._see("spoken HTTP/1.1,spoken HTTP/1.1,spoken HTTP/1.1", "https://scripted.example/")
        self._journal({"protocol": "quic", "reason": "blocked", "rule": "no quic"})
        self._change("{ name: look, when: { host: scripted.example }, do: inspect }")
        self._trust_root(self._trust("gateway"))
        self._see("spoken HTTP/1.1,spoken HTTP/1.1,spoken HTTP/1.1", "https://scripted.example/")
        self._journal({"protocol": "quic", "reason": "over-tcp", "rule": "look"})
        self._journal({"protocol": "tls", "rule": "look", "verdict": "inspect"})

    def _judge_visits(self, visits):
        """Its hello takes two datagrams, for post-quantum keys are long; more come when the answer is late."""
        flows = [line for line in self.gateway.journal() if line.get("type") == "connection"]
        self.measured(f"Chromium: {visits} packets of {len(flows)} flows visit")
        if visits > 4 * len(flows):
            raise Failure(f"{visits} packets visit of {flows}")

    def _journal(self, line):
        settle(lambda: find_all("journal", [{"host": "scripted.example", **line}], self.gateway.journal()))

    def _change(self, rule):
        self.gateway.write_policy(self.policy + f"  - {rule}\n")
        if self.gateway.control("reload").returncode:
            raise Failure("the policy is not taken over")

    def _see(self, wanted, *arguments):
        self._profiles += 1
        seen = self._browse(f"profile-{self._profiles}", *arguments)
        if wanted not in seen:
            raise Failure(f"no {wanted!r} in {seen!r}")

    def _browse(self, profile, *arguments):
        topology = self.network.topology
        return subprocess.run(topology.command(
            topology.device, "env", f"HOME={self.directory}", "timeout", "30", "chromium", "--headless", "--no-sandbox", "--disable-gpu",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
            f"--user-data-dir={self.directory}/{profile}", "--virtual-time-budget=5000", "--dump-dom", *arguments),
                              capture_output=True, text=True, check=False).stdout


class Ech(Browser):
    """The keys are real, and nobody has their other half: a hello that is hidden by them gets no answer."""

    policy = Browser.policy.replace("udp: [443]", "udp: [53, 443]")
    intent = "With real ECH keys from an HTTPS record Chromium hides the name it asks for; where a rule strips them they do not reach it, and the name is seen"

    def __init__(self, file):
        super().__init__(file)
        self.missing += [one for one in ("/usr/sbin/unbound",) if not os.path.exists(one)]

    def _browse_all(self):
        with contextlib.ExitStack() as stack:
            self._resolve(stack)
            if "spoken" in self._ask():
                raise Failure("a hello that nobody can read was answered")
            settle(lambda: self._seen({"public.example"}))
            self._change("{ name: in the open, when: { host: scripted.example }, do: pass, dns: { strip: [ech] } }")
            if "spoken HTTP/1.1" not in (said := self._ask()):
                raise Failure(f"without keys Chromium sees {said!r}")
            settle(lambda: self._seen({"public.example", "scripted.example"}))

    def _ask(self):
        self._profiles += 1
        return self._browse(f"profile-{self._profiles}", "--enable-features=AsyncDns,UseDnsHttpsSvcb,EncryptedClientHello", "--disable-quic",
                            "https://scripted.example/said")

    def _seen(self, wanted):
        hosts = {line["host"] for line in self.gateway.journal() if line.get("protocol") == "tls"}
        if hosts != wanted:
            raise Failure(f"the names seen are {hosts}, not {wanted}")

    def _resolve(self, stack):
        """The device asks a nameserver alone, which has the keys."""
        topology = self.network.topology
        stack.enter_context(topology.nameserver(topology.device, "198.51.100.11"))
        path = f"{self.directory}/unbound.conf"
        with open(path, "w", encoding="ascii") as file:
            file.write("server:\n" + "".join(f"  {line}\n" for line in [
                "interface: 198.51.100.11", "access-control: 0.0.0.0/0 allow", "do-daemonize: no", 'username: ""', 'chroot: ""',
                f'directory: "{self.directory}"', "use-syslog: no", 'pidfile: ""', "local-zone: example. static",
                'local-data: "scripted.example. A 198.51.100.40"',
                f'local-data: "scripted.example. HTTPS 1 . alpn=h2 ech={self._keys()}"']))
        process = subprocess.Popen(topology.command(topology.server, "/usr/sbin/unbound", "-d", "-c", path),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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
