"""F07. The program on the disk takes over while devices are at work."""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import time

from case import settle
from dialogue import Failure
from gateway import builds
from prober import Prober
from proof import Proof
from topology import NAMES, inside, ipv4
from visitors import NAMED, Visitors, check_named
from vitals import descriptors
from warehouse import Warehouse, digest_of, make_body

POLICY = """
capture: { tcp: [80, 443, 8080, 8443] }
rules:
  - { name: look, when: { host: shop.example }, do: inspect, log: exchanges }
  - { name: no ads, when: { host: ads.example }, do: { block: page } }
"""
KINDS = {
    "passed": ("good.example", 80, False, 1),
    "kept": ("good.example", 80, False, 1000),
    "passed TLS": ("good.example", 443, True, 1),
    "read, kept": ("shop.example", 80, False, 1000),
    "inspected": ("shop.example", 443, True, 1),
    "inspected, kept": ("shop.example", 443, True, 1000),
}
RENEWALS = 4
MEBIBYTES, SECONDS = 32, 8  # of the long transfers: more than buffers hold, and longer than several programs live


class Renewed(Proof):
    """What all share: a program of its own, that can be exchanged."""

    policy = POLICY

    def _load(self, values):
        content = super()._load(values)
        self.file = f"{self.directory}/headgated"
        self._install(f"{builds()}/headgated")
        self.gateway.file = self.file
        return content

    def _install(self, source):
        """As a package does: the new file takes the place of the old one, which goes on running."""
        shutil.copy(source, f"{self.file}.new")
        os.rename(f"{self.file}.new", self.file)

    def _write_program(self, text):
        with open(f"{self.file}.new", "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(file.name, 0o755)
        os.rename(file.name, self.file)

    def _renew(self):
        began = time.monotonic()
        result = self.gateway.control("renew")
        if result.returncode or "has taken over" not in result.stdout:
            raise Failure(f"renew: {result.stdout}{result.stderr}")
        return time.monotonic() - began

    def _refused(self, *words):
        """It must not take over; the one that runs must go on."""
        result = self.gateway.control("renew")
        if result.returncode != 1 or not all(word in result.stderr for word in words):
            raise Failure(f"renew: {result.returncode} {result.stdout}{result.stderr}, not {words}")
        self._on_device(f"curl -sS -o page -w '%{{http_code}}' http://ads.example/", {"output": "403"})

    def _workers_of_before(self):
        return self.gateway.processes().get("retiring", [])

    def _all_gone(self):
        left = self._workers_of_before()
        if left:
            raise Failure(f"workers of before are left: {left}")


class Renewal(Renewed):
    intent = "The program is exchanged four times under load: no request fails, no transfer breaks, nothing is left"

    def prove(self):
        body = make_body(f"{self.directory}/body", MEBIBYTES)
        warehouse = Warehouse(self.network, body)
        self._renew()
        settle(self._all_gone, 10)
        pid, files = self.gateway.pid, descriptors(self.gateway.pid)
        transfers = [self._transfer(url, trust) for url, trust in (
            (f"http://good.example:{Warehouse.PLAIN}/body", "server"),
            (f"https://good.example:{Warehouse.TLS}/body", "server"),
            (f"https://shop.example:{Warehouse.TLS}/body", "gateway"))]
        visitors = Visitors(self.network.topology, [self._trust("server"), self._trust("gateway")], KINDS, 0.002)
        try:
            settle(self._transfers_run, 10)
            seconds = [self._renew_with_new_file()]
            if not self._workers_of_before():
                raise Failure(f"who carries the transfers? {self.gateway.processes()}")
            seconds += [self._renew_with_new_file() for _ in range(RENEWALS - 1)]
            self._check_transfers(transfers, digest_of(body))
        finally:
            visitors.close()
            warehouse.close()
        self._check_visits(visitors.visits)
        settle(self._all_gone, 10)
        if self.gateway.pid != pid or descriptors(pid) > files:
            raise Failure(f"{files} descriptors became {descriptors(pid)}")
        self.measured(f"{RENEWALS} programs after one another, {' '.join(f'{one * 1000:.0f}' for one in seconds)} ms each, "
                      f"beside {len(visitors.visits)} requests")

    def _renew_with_new_file(self):
        self._install(f"{builds()}/headgated")
        return self._renew()

    def _transfer(self, url, trust):
        return subprocess.Popen(
            self.network.topology.command(
                self.network.topology.device, "sh", "-c",
                f"curl -sS --fail -4 --limit-rate {MEBIBYTES * 1024 // SECONDS}k --cacert {self._trust(trust)} {url} | sha256sum"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.directory)

    def _transfers_run(self):
        said = self.gateway.control("--json", "connections").stdout.splitlines()
        ports = [json.loads(line).get("client", {}).get("sockname", [0, 0])[1] for line in said]
        if sorted(port for port in ports if port > 8000) != [8080, 8443, 8443]:
            raise Failure(f"the transfers have not begun: {ports}")

    def _check_transfers(self, transfers, digest):
        for transfer in transfers:
            said, _ = transfer.communicate(timeout=60)
            if digest not in said:
                raise Failure(f"{transfer.args[-1]}: {said}")

    def _check_visits(self, visits):
        bad = [visit for visit in visits if visit.error]
        if bad or {visit.kind for visit in visits} != set(KINDS):
            raise Failure(f"{len(bad)} of {len(visits)} failed: {bad[0] if bad else 'some kinds did not come'}")


class Refusals(Renewed):
    intent = "A program that cannot take over, or a policy that it cannot read, changes nothing; SIGUSR2 asks for the same"

    def prove(self):
        before = self.gateway.processes()
        self._write_program("#!/bin/sh\necho 'a library is missing' >&2\nexit 127\n")
        self._refused("a library is missing")
        self._write_program("no program at all")
        self._refused("Exec format error")
        os.unlink(self.file)
        self._refused("No such file")
        self._install(f"{builds()}/headgated")
        self.gateway.write_policy("rules:\n  - { name: x, do: fly }\n")
        self._refused("headgate.yaml:", "fly")
        self.gateway.write_policy(POLICY)
        if self.gateway.processes() != before:
            raise Failure(f"{before} became {self.gateway.processes()}")
        os.kill(self.gateway.pid, signal.SIGUSR2)
        settle(lambda: self._check_new(before), 10)

    def _check_new(self, before):
        now = self.gateway.processes()
        if set(now.get("worker", [])) & set(before["worker"]) or "retiring" in now or len(now.get("worker", [])) != 2:
            raise Failure(f"{before} became {now}")


class Obedience(Renewed):
    intent = "Workers of before still obey: what the owner cuts ends with them, and so does what a new rule blocks at once"

    def prove(self):
        for end in (self._cut, self._block):
            connection = self._hold()
            self._renew()
            if not self._workers_of_before():
                raise Failure("nobody holds the connection")
            said = self.gateway.control("connections").stdout
            if "of the program before are not listed" not in said:
                raise Failure(f"the connection is neither listed nor spoken of: {said}")
            end()
            if connection.recv(100):
                raise Failure("the connection goes on")
            connection.close()
            settle(self._all_gone, 10)

    def _hold(self):
        """A connection that carries a request to its end, and stays."""
        visitors = Visitors(self.network.topology, [self._trust("server")], {})
        return visitors.keep("good.example", 443)

    def _cut(self):
        self.gateway.control("cut", "all")

    def _block(self):
        self.gateway.write_policy("rules:\n  - { name: now, when: { host: good.example }, do: block, cut: true }\n")
        result = self.gateway.control("reload")
        if result.returncode:
            raise Failure(result.stderr)


class Kernel(Renewed):
    intent = "While programs take over, the kernel lets no listed or banned address through, and hinders no other"
    policy = """
capture: { proxy: needed }
lists: { drop: { addresses: drop.txt } }
rules:
  - { name: listed, when: { address: list drop }, do: block }
"""
    # Not the server of the other proofs: a busy one is still at what the probers have left there.
    LISTED, BANNED, ALLOWED = ("198.51.100.13", 80), ("198.51.100.12", 80), ("198.51.100.11", 80)

    def _load(self, values):
        with open(f"{self.directory}/drop.txt", "w", encoding="ascii") as file:
            file.write(f"{self.LISTED[0]}\n")
        return super()._load(values)

    def prove(self):
        if self.gateway.control("ban", self.BANNED[0]).returncode:
            raise Failure("no ban")
        probers = [Prober(self.network.topology, address) for address in (self.LISTED, self.BANNED, self.ALLOWED)]
        try:
            time.sleep(0.2)
            for _ in range(RENEWALS):
                self._renew()
        finally:
            for prober in probers:
                prober.close()
        self._check_probes(*probers)
        if self.BANNED[0] not in self.gateway.control("bans").stdout:
            raise Failure("the ban is gone")

    def _check_probes(self, *probers):
        *blocked, allowed = probers
        self.measured(f"probes: {' '.join(str(one.refused) for one in blocked)} refused, {allowed.through} let through")
        for one in blocked:
            if one.through or not one.refused:
                raise Failure(f"{one.address}: {one.through} got through, {one.refused} were refused")
        if allowed.refused or allowed.other or not allowed.through:
            raise Failure(f"allowed: {allowed.refused} refused, {allowed.other[:3]}")


class Names(Renewed):
    intent = "While programs take over, a name that is blocked stays blocked, and nobody else is refused"
    policy = """
when-down: closed
capture: { proxy: needed, tcp: [80, 443] }
rules:
  - { name: no ads, when: { host: ads.example }, do: block }
"""
    def prove(self):
        before = self.gateway.processes()
        names = Visitors(self.network.topology, [self._trust("server")], NAMED, 0.002)
        try:
            for _ in range(RENEWALS):
                self._renew()
        finally:
            names.close()
        check_named(names.visits)
        if set(before["packet"]) & set(self.gateway.processes()["packet"]):
            raise Failure("the packet door is still the old one")
        self.measured(f"{len(names.visits)} visits, the longest {max(one.seconds for one in names.visits) * 1000:.0f} ms")


class Learned(Renewed):
    intent = "A name that a device asked for under the program before still stands behind its address under the next"
    policy = """
capture: { proxy: needed, tcp: [80, 443, 7000], udp: [53] }
rules:
  - { name: no shells, when: { host: other.example, port: 7000 }, do: block }
"""
    ADDRESS = (ipv4(NAMES["other.example"]), 7000)
    QUESTION = struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\5other\7example\0" + struct.pack("!HH", 1, 1)

    def prove(self):
        with inside(self.network.topology.server), socket.create_server(self.ADDRESS) as server:
            self._must_get_through(server, True)
            self._ask()
            for _ in range(2):
                self._must_get_through(server, False)
                self._renew()
            self._must_get_through(server, False)

    def _ask(self):
        with inside(self.network.topology.device), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
            device.settimeout(10)
            device.connect((ipv4(53), 53))
            device.send(self.QUESTION)
            device.recv(1500)

    def _must_get_through(self, server, expected):
        """SSH says no name: only what DNS has taught can decide."""
        with inside(self.network.topology.device), socket.create_connection(self.ADDRESS, timeout=10) as device:
            peer, _ = server.accept()
            with peer:
                peer.settimeout(10)
                device.sendall(b"SSH-2.0-test\r\n")
                try:
                    through = peer.recv(100) == b"SSH-2.0-test\r\n"
                except ConnectionResetError:
                    through = False
        if through != expected:
            raise Failure(f"SSH {'gets through' if through else 'is refused'}: {self.gateway.control('status').stdout}")
