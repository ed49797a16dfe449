"""Datagrams that rules route: through a real SOCKS5 proxy (UDP ASSOCIATE of Dante), or to another server; IPv4 and IPv6."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time

from case import find_all, settle
from dialogue import Failure
from echo import Echo
from proof import Proof
from topology import inside

DANTE = """
logoutput: {directory}/danted.log
internal: 198.51.100.40 port = 1080
internal: 2001:db8:2::40 port = 1080
external: 198.51.100.40
external: 2001:db8:2::40
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: root
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
client pass {{ from: ::/0 to: ::/0 }}
socks pass {{
 from: 0.0.0.0/0 to: 0.0.0.0/0 command: connect udpassociate udpreply }}
socks pass {{ from: ::/0 to: ::/0 command: connect udpassociate udpreply }}
"""


class Datagrams(Proof):
    intent = "Datagrams go through a SOCKS5 proxy or to another server where a rule says so, and come back in the name of whom the device asked"
    policy = """
capture: { proxy: needed, tcp: [80, 443], udp: [53, 443, 7000-7009] }
upstreams:
  exit: { through: "socks5://198.51.100.40:1080" }
  six: { through: "socks5://[2001:db8:2::40]:1080" }
  streams: { through: "socks5://198.51.100.40:1081" }
  nobody: { through: "socks5://198.51.100.40:1082" }
rules:
  - { name: no ads, when: { host: ads.example }, do: block }
  - { name: through six, when: { port: [53, 7001], address: "2001:db8::/32" }, do: { route: six } }
  - { name: through, when: { port: [53, 7000] }, do: { route: exit } }
  - { name: elsewhere, when: { port: 7002, protocol: udp }, do: { route: { server: "198.51.100.12:7009" } } }
  - { name: by name, when: { port: 7003, protocol: udp }, do: { route: { server: "api.internal.example:7003" } } }
  - { name: streams alone, when: { port: 7004 }, do: { route: streams } }
  - { name: nobody there, when: { port: 7005 }, do: { route: nobody } }
  - { name: abroad, when: { host: good.example, protocol: quic }, do: { route: six } }
"""

    def __init__(self, file):
        super().__init__(file)
        self.missing = [one for one in ("danted", "microsocks", "dnsmasq", "dig", "gtlsserver") if not shutil.which(one)]

    def prove(self):
        topology = self.network.topology
        self.gateway.follow_events()
        with contextlib.ExitStack() as stack:
            for address, port in (("198.51.100.10", 7000), ("2001:db8:2::10", 7001), ("198.51.100.12", 7009), ("198.51.100.11", 7003)):
                stack.callback(Echo(topology.server, address, port).close)
            dante = self._run(stack, "danted", "-f", self._dante())
            self._run(stack, "microsocks", "-i", "198.51.100.40", "-p", "1081")
            self._run(stack, "/usr/sbin/dnsmasq", "-k", "--no-resolv", "--no-hosts", "--bind-interfaces", "--listen-address=198.51.100.11,2001:db8:2::11",
                      "--user=root", "--pid-file=", "--conf-file=/dev/null", "--address=/ads.example/good.example/198.51.100.10")
            self._run(stack, "gtlsserver", "-q", "*", "443", self.network.certificates.path("good.key"), self.network.certificates.path("good.pem"))
            settle(lambda: self._expect("through", "198.51.100.10", 7000, "198.51.100.40 hello"))
            self._expect("through six", "2001:db8:2::10", 7001, "2001:db8:2::40 hello")
            self._expect("elsewhere", "198.51.100.10", 7002, "192.0.2.10 hello")
            settle(lambda: self._expect("by name", "198.51.100.10", 7003, "192.0.2.10 hello"))
            self._refused("streams alone", 7004)
            self._refused("nobody there", 7005)
            self._large()
            settle(self._dns)
            self._quic()
            self._lost(dante)
        self.gateway.control("cut", "all")
        settle(self._check_journal)

    def _run(self, stack, *command):
        process = subprocess.Popen(self.network.topology.command(self.network.topology.server, *command),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        return process

    def _dante(self):
        path = f"{self.directory}/danted.conf"
        with open(path, "w", encoding="ascii") as file:
            file.write(DANTE.format(directory=self.directory))
        return path

    def _device(self, address, port):
        """A socket of the device that hears nobody but whom it asks."""
        with inside(self.network.topology.device):
            device = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
            device.connect((address, port))
        device.settimeout(3)
        return device

    def _expect(self, what, address, port, wanted):
        with self._device(address, port) as device:
            try:
                device.send(b"hello")
                said = device.recv(65536).decode()
            except OSError as error:
                said = str(error)
        if said != wanted:
            raise Failure(f"{what}: {said!r} in place of {wanted!r}")

    def _refused(self, what, port):
        with self._device("198.51.100.10", port) as device:
            begun = time.monotonic()
            with contextlib.suppress(ConnectionRefusedError):
                device.send(b"hello")
                raise Failure(f"{what}: the device hears {device.recv(100)!r}")
            self.measured(f"{what}: refused after {1000 * (time.monotonic() - begun):.1f} ms")

    def _large(self):
        """Whatever fits into a datagram, in fragments, there and back; many at a time."""
        with self._device("198.51.100.10", 7000) as device:
            for size in (0, 1, 1472, 9000, 60000):
                device.send(b"x" * size)
                if (got := len(device.recv(65536))) != size + len("198.51.100.40 "):
                    raise Failure(f"of {size} bytes come back {got}")

    def _dig(self, *question):
        topology = self.network.topology
        return subprocess.run(topology.command(topology.device, "dig", "+tries=2", "+time=1", *question), capture_output=True, text=True,
                              check=False).stdout

    def _dns(self):
        for server in ("198.51.100.11", "2001:db8:2::11"):
            if "198.51.100.10" not in (said := self._dig(f"@{server}", "good.example")):
                raise Failure(f"no answer of {server}: {said}")
            if "NXDOMAIN" not in (said := self._dig(f"@{server}", "ads.example")):
                raise Failure(f"{server} tells of ads: {said}")

    def _quic(self):
        topology = self.network.topology
        said = subprocess.run(topology.command(topology.device, "timeout", "10", "gtlsclient", "--exit-on-all-streams-close", "-v", "v1",
                                               "good.example", "443", "https://good.example/"), capture_output=True, check=False, text=True,
                              errors="replace")
        if ":status:" not in said.stdout + said.stderr:
            raise Failure(f"QUIC does not come through: {said.stderr[-600:]}")

    def _lost(self, dante):
        """The proxy ends: who goes through it hears of it."""
        with self._device("198.51.100.10", 7000) as device:
            device.send(b"hello")
            device.recv(100)
            with open(f"/proc/{dante.pid}/task/{dante.pid}/children", encoding="ascii") as file:
                children = [int(pid) for pid in file.read().split()]
            dante.kill()
            dante.wait()
            for pid in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            settle(lambda: self._hear_of_it(device))

    @staticmethod
    def _hear_of_it(device):
        try:
            device.send(b"hello")
            device.recv(100)
        except ConnectionRefusedError:
            return
        except TimeoutError:
            pass
        raise Failure("nobody tells the device that its proxy is gone")

    def _check_journal(self):
        find_all("journal", [
            {"type": "connection", "rule": "through", "verdict": "route", "upstream": "exit", "client": {"transport_protocol": "udp"},
             "server": {"address": ["198.51.100.10", 7000], "via": ["socks5", ["198.51.100.40", 1080]]}},
            {"rule": "through six", "server": {"via": ["socks5", ["2001:db8:2::40", 1080]]}},
            {"rule": "elsewhere", "server": {"address": ["198.51.100.12", 7009], "peername": ["198.51.100.12", 7009], "via": None}},
            {"rule": "by name", "server": {"address": ["api.internal.example", 7003]}},
            {"rule": "streams alone", "kind": "server"},
            {"rule": "nobody there", "reason": "connect-refused"},
            {"rule": "abroad", "host": "good.example", "protocol": "quic"},
            {"rule": "through", "reason": "proxy-refused"},
        ], self.gateway.journal())
        started = [event["connection"] for event in self.gateway.events if event.get("event") == "udp_start"]
        ended = [event["connection"] for event in self.gateway.events if event.get("event") == "udp_end"]
        if len(started) < 10 or set(started) != set(ended):
            raise Failure(f"udp_start {len(started)} times, udp_end {len(ended)} times")
