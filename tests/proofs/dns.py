"""Questions of real programs and answers of real servers, by whichever way the gateway carries them."""
import contextlib
import shutil
import socket
import struct
import subprocess

from case import find_all, settle
from device import greets
from dialogue import Failure
from proof import Proof
from questions import framed_question, unbound, zone
from topology import inside


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
        self.gateway.put_in_force(self.policy + "  - { name: pages, when: { host: other.example }, do: { block: page } }\n")
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
        self.gateway.put_in_force(
            self.policy + '  - { name: far, when: { host: far.example }, do: { route: { server: "198.51.100.12:53" } } }\n')
        self._expect(self._dig(server, "good.example", "HTTPS"), "ech=", "h3,h2")
        self._expect(self._dig(server, "shop.example", "HTTPS"), "NOERROR", "h2", without=("ech=", "h3", "malformed"))
        self._learns("later.example", "198.51.100.12", lambda: self._dig(server, "later.example"))

    def _learns(self, name, address, ask):
        for asked in (False, True):
            if asked:
                self._expect(ask(), address)
            with inside(self.network.topology.server), socket.create_server((address, 7000)) as server:
                if greets(self.network.topology, server) == asked:
                    raise Failure(f"{name}, asked for: {asked}: the name does not decide")

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
        shells = [("shell.example", address) for address in self.SHELLS]
        return unbound(self.directory, ["198.51.100.11", "2001:db8:2::11"], zone([*hosts.items(), *shells]))

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
        totals = self.gateway.status()["totals"]
        if totals["dns_stripped"] != 1:
            raise Failure(f"{totals['dns_stripped']} answers were changed")

    def _nameless(self):
        """SSH has no name; after the device has asked for one, its addresses have it, whichever process saw the answer."""
        for asked in (False, True):
            if asked:
                self._expect(self._dig("198.51.100.11", "shell.example"), *self.SHELLS)
            for address in self.SHELLS:
                with inside(self.network.topology.server), socket.create_server((address, 7000)) as server:
                    if greets(self.network.topology, server) == asked:
                        raise Failure(f"{address}, asked for: {asked}: the name does not decide")
