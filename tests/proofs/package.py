"""The Debian package in the hands of its owner, on a Debian that a real systemd runs: docs/deploy/debian.md."""
import json
import os
import re
import signal
import subprocess

from case import is_sanitized, settle
from dialogue import Failure
from gateway import builds
from machine import Machine, missing
from proof import Proof
from visitors import Visitors

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
POLICY = """headgate: 1
lan: lan0
trust: [/etc/headgate/root.pem]
journal: { file: /var/log/headgate/journal.ndjson }
limits: { connections-per-device: 1000000 }
rules:
  - { name: no ads, when: { host: ads.example }, do: { block: page } }
  - { name: look, when: { host: shop.example }, do: inspect, log: exchanges }
"""
# Something for every process and every part of the kernel that Headgate knows how to use.
EVERYTHING = """headgate: 1
lan: lan0
trust: [/etc/headgate/root.pem]
journal: { file: /var/log/headgate/journal.ndjson }
capture: { proxy: needed, tcp: [80, 443], udp: [53, 443] }
console: { listen: 192.0.2.1:8090 }
lists:
  drop: { addresses: drop.txt }
  ads: { names: ads.txt, source: "https://good.example/lists/ads.txt", ca: /etc/headgate/root.pem }
rules:
  - { name: listed, when: { address: list drop }, do: block }
  - { name: kept, when: { address: 198.51.100.12 }, do: inspect, capture: [keylog, pcapng, har] }
  - { name: no ads, when: { host: list ads }, do: block }
"""
# A name that is passed by the kernel, one that a worker serves, one that it opens.
KINDS = {
    "passed": ("good.example", 80, False, 1),
    "passed TLS": ("good.example", 443, True, 1),
    "inspected": ("shop.example", 443, True, 1),
    "inspected, kept": ("shop.example", 443, True, 1000),
}
VISITS = 20  # of each kind before and after what must not be noticed
PATIENCE = 60  # seconds: systemctl and headgatectl are asked again and again, on a machine that others use, too
UNIT = "headgate.service"


class Package:
    """headgate.deb, and what a later version of it would be."""

    def __init__(self, directory):
        self._directory = directory
        self.first = f"{directory}/headgate.deb"
        subprocess.run([f"{TREE}/firmware/debian/deb", self.first], check=True, capture_output=True,
                       env={**os.environ, "BUILD": builds()}, cwd=TREE)

    def later(self, version, unit=""):
        """The same with another version, and a unit that ends with other words."""
        root, file = f"{self._directory}/later", f"{self._directory}/headgate-{version}.deb"
        subprocess.run(["rm", "-rf", root], check=True)
        subprocess.run(["dpkg-deb", "-R", self.first, root], check=True)
        _change(f"{root}/DEBIAN/control", r"(?m)^Version: .*", f"Version: {version}")
        _change(f"{root}/lib/systemd/system/{UNIT}", r"\Z", unit)
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", root, file], check=True, capture_output=True)
        return file


def page_commands():
    """The lines that docs/deploy/debian.md gives to an owner, for root."""
    with open(f"{TREE}/docs/deploy/debian.md", encoding="utf-8") as file:
        block = file.read().partition("```sh\n")[2].partition("```")[0]
    return [line.partition("#")[0].replace("sudo ", "").strip() for line in block.splitlines()]


def _change(path, pattern, text):
    with open(path, encoding="utf-8") as file:
        content = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub(pattern, text, content, count=1))


class Owner(Proof):
    """What all share: the machine, the package, a device with its visits."""

    policy = None

    def __init__(self, file):
        super().__init__(file)
        self.said = []
        self.missing = ["sandbox in sanitized builds"] if is_sanitized() else missing()

    def _load(self, values):
        return {}

    def run(self, network, directory):
        self.machine = Machine(network.topology.gateway, directory)
        try:
            super().run(network, directory)
        finally:
            self.machine.close()

    # -- what an owner does

    def _write(self, path, text):
        with open(self.machine.at(path), "w", encoding="utf-8") as file:
            file.write(text)

    def _lay(self, file):
        """A package where the machine has it."""
        name = f"/{os.path.basename(file)}"
        with open(file, "rb") as source, open(self.machine.at(name), "wb") as target:
            target.write(source.read())
        return name

    def _install(self, file):
        self.machine.do("dpkg", "-i", self._lay(file))

    def _edit(self):
        with open(self.network.certificates.path("root.pem"), encoding="ascii") as file:
            self._write("/etc/headgate/root.pem", file.read())
        self._write("/etc/headgate/headgate.yaml", POLICY)

    def _learn_authority(self):
        with open(self.gateway.authority_file, "w", encoding="ascii") as file:
            file.write(self.machine.do("headgatectl", "authority", "export"))

    # -- what must be so

    def _is(self, active, enabled):
        found = [self.machine.run("systemctl", word, UNIT).stdout.strip() for word in ("is-active", "is-enabled")]
        if found != [active, enabled]:
            raise Failure(f"the unit is {found}, not {[active, enabled]}: {self.machine.log(UNIT)[-5:]}")

    def _serves(self):
        self.device.curl({"curl": "http://good.example/", "status": 200})
        self.device.curl({"curl": "https://good.example/", "status": 200})
        self.device.curl({"curl": "-6 https://good.example/", "status": 200})
        self.device.curl({"curl": "http://ads.example/", "status": 403})
        self.device.curl({"curl": "https://shop.example/", "trust": "gateway", "status": 200})

    def _is_silent(self):
        """It has nothing to complain about."""
        for line in self.machine.log(UNIT):
            if re.match("headgated: (warning|error)", line):
                raise Failure(f"under systemd it says: {line}")

    def _has(self, *paths):
        for path in paths:
            if not os.path.lexists(self.machine.at(path)):
                raise Failure(f"there is no {path}")

    def _processes(self):
        """Process ids of each role, as the machine counts them."""
        found = {}
        for line in self.machine.do("headgatectl", "--json", "status").splitlines():
            told = json.loads(line)
            if "process" in told:
                found.setdefault(told["process"], []).append(told["pid"])
        return found

    def _kill(self, pid, number=signal.SIGKILL):
        self.machine.do("kill", f"-{int(number)}", str(pid))

    def _starts(self):
        """How often systemd had to start it again, and its main process."""
        return int(self.machine.show(UNIT, "NRestarts")), int(self.machine.show(UNIT, "MainPID"))

    def diagnosis(self):
        return [*super().diagnosis(), *self.said]


class Life(Owner):
    intent = "A Debian package from its installation to its purge, with systemd and apt: nothing starts by itself, no upgrade loses a request, nothing is left"

    def prove(self):
        package = Package(self.directory)
        self.machine.boot()
        before = self.network.topology.state()
        self._install_it(package, before)
        self._reload()
        self._kill_processes()
        self._upgrade(package)
        self._remove(before)

    def _install_it(self, package, before):
        self._lay(package.first)
        self._write("/etc/apt/apt.conf.d/99test", 'APT::Install-Recommends "0"; APT::Sandbox::User "root"; APT::Get::Assume-Yes "1";')
        build, install, edit, *start = page_commands()
        if not build.endswith("firmware/debian/deb headgate.deb") or "editor" not in edit:
            raise Failure("the page says other things than this test")
        self.machine.do("sh", "-c", install)
        self._is("inactive", "disabled")
        if self.network.topology.state() != before:
            raise Failure("installing changes the network")
        self._edit()
        for command in start:
            self.machine.do("sh", "-c", command)
        self._learn_authority()
        self._is("active", "enabled")
        self._serves()
        self._is_silent()

    def _reload(self):
        self._write("/etc/headgate/headgate.yaml", POLICY.replace("ads.example", "[ads.example, other.example]"))
        self.machine.do("systemctl", "reload", "headgate")
        self.device.curl({"curl": "http://other.example/", "status": 403})
        self._write("/etc/headgate/headgate.yaml", POLICY.replace("rules:", "rulez:"))
        if self.machine.run("systemctl", "reload", "headgate").returncode == 0:
            raise Failure("systemctl reload takes a policy that is wrong")
        self._is("active", "enabled")
        self.device.curl({"curl": "http://other.example/", "status": 403})
        self._write("/etc/headgate/headgate.yaml", POLICY)
        self.machine.do("systemctl", "restart", "headgate")
        self.device.curl({"curl": "http://other.example/", "status": 200})

    def _kill_processes(self):
        """A worker is the supervisor's to replace, the supervisor is systemd's: also one that stands still."""
        starts, main = self._starts()
        for role in ("worker", "signer"):
            pid = self._processes()[role][0]
            self._kill(pid)
            settle(lambda role=role, pid=pid: self._is_replaced(role, pid), PATIENCE)
        self._serves()
        if self._starts() != (starts, main):
            raise Failure("systemd has taken part")
        self._kill(main)
        settle(lambda: self._is_started_again(main), PATIENCE)
        self._serves()
        self._stand_still()

    def _stand_still(self):
        settle(lambda since=self._heard(): self._is_heard_again(since), PATIENCE)
        drop_in = "/etc/systemd/system/headgate.service.d"
        self.machine.do("mkdir", drop_in)
        self._write(f"{drop_in}/watchdog.conf", "[Service]\nWatchdogSec=3\n")
        self.machine.do("systemctl", "daemon-reload")
        self.machine.do("systemctl", "restart", "headgate")
        main = self._starts()[1]
        self._kill(main, signal.SIGSTOP)
        settle(lambda: self._is_started_again(main), PATIENCE)
        if not any("Watchdog timeout" in line for line in self.machine.log(UNIT)):
            raise Failure(f"started again, but not for standing still: {self.machine.log(UNIT)[-5:]}")
        self.machine.do("rm", "-r", drop_in)
        self.machine.do("systemctl", "daemon-reload")
        self.machine.do("systemctl", "restart", "headgate")
        self._serves()

    def _heard(self):
        """When systemd has last heard that it lives."""
        return self.machine.show(UNIT, "WatchdogTimestampMonotonic")

    def _is_heard_again(self, since):
        if self._heard() in ("0", since) or self.machine.show(UNIT, "WatchdogUSec") in ("0", "infinity"):
            raise Failure("systemd does not hear that it lives")

    def _is_replaced(self, role, pid):
        now = self._processes().get(role, [])
        if pid in now or not now:
            raise Failure(f"{role} {pid} became {now}")

    def _is_started_again(self, main):
        if self.machine.show(UNIT, "ActiveState") != "active" or self._starts()[1] in (0, main):
            raise Failure("it is not started again")

    def _upgrade(self, package):
        """To a later version, to one whose unit is another, back to the first."""
        starts = self._starts()
        later, other = package.later("9.0-1"), package.later("9.1-1", "\n# Another unit.\n")
        visitors = Visitors(self.network.topology, [self._trust("server"), self._trust("gateway")], KINDS, 0.02)
        try:
            self._visited(visitors)
            self._install(later)
            self._is_version("9.0-1")
            self._install(package.first)
            self._visited(visitors)
        finally:
            visitors.close()
        bad = [visit for visit in visitors.visits if visit.error]
        if bad:
            raise Failure(f"{len(bad)} of {len(visitors.visits)} requests failed: {bad[0]}")
        if self._starts() != starts:
            raise Failure("the upgrade was a restart")
        self.measured(f"an upgrade and a downgrade beside {len(visitors.visits)} requests")
        self._install(other)
        if self._starts()[1] == starts[1]:
            raise Failure("a unit that has changed is not heeded")
        self._is("active", "enabled")
        self._serves()

    def _is_version(self, version):
        found = self.machine.do("dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", "headgate")
        if found != f"{version} installed":
            raise Failure(f"installed: {found}")

    def _visited(self, visitors):
        """Every kind has been served some more."""
        count = len(visitors.visits)

        def enough():
            kinds = [visit.kind for visit in visitors.visits[count:] if visit.end]
            if min(kinds.count(kind) for kind in KINDS) < VISITS:
                raise Failure(f"only {len(kinds)} visits")

        settle(enough, PATIENCE)

    def _remove(self, before):
        self.machine.do("dpkg", "-r", "headgate")
        if self.machine.run("pgrep", "headgated").stdout:
            raise Failure("processes are left")
        for what, now in self.network.topology.state().items():
            if now != before[what]:
                raise Failure(f"{what} is not as before: {now}")
        self.device.curl({"curl": "http://ads.example/", "status": 200})
        self._has("/etc/headgate/headgate.yaml", "/var/lib/headgate/authority", "/var/log/headgate/journal.ndjson")
        self.machine.do("apt-get", "purge", "headgate")
        self._has_not("/etc/headgate/headgate.yaml", "/var/lib/headgate", "/var/log/headgate", "/run/headgate",
                      "/etc/systemd/system/multi-user.target.wants/headgate.service")

    def _has_not(self, *paths):
        for path in paths:
            if os.path.lexists(self.machine.at(path)):
                raise Failure(f"{path} is left")


class Sandbox(Owner):
    intent = "What the unit forbids, no part of the gateway needs: lists in the kernel, the packet door, the fetcher, the console, captures"

    def prove(self):
        package = Package(self.directory)
        self.machine.boot()
        self._install(package.first)
        self._edit()
        self._write("/etc/headgate/headgate.yaml", EVERYTHING)
        self._write("/etc/headgate/drop.txt", "198.51.100.11\n")
        self._write("/etc/headgate/ads.txt", "nobody.example\n")
        self._write("/etc/resolv.conf", "nameserver 198.51.100.53\n")
        self.machine.do("systemctl", "start", "headgate")
        self._learn_authority()
        self._use_everything()
        capture = json.loads(self.machine.do("headgatectl", "--json", "status").splitlines()[0])["capture"]
        if capture["lists_in"] != "bpf" or capture["packet_door"] == "none":
            raise Failure(f"the kernel is not used: {capture}")
        self._is_silent()

    def _use_everything(self):
        self.device.connect({"connect": "198.51.100.11:80", "refused": 5})
        self.device.curl({"curl": "http://192.0.2.1:8090/", "status": 200, "within": PATIENCE})
        self.device.curl({"curl": "http://ads.example/", "exit": [52, 56], "within": PATIENCE})
        self.device.curl({"curl": "https://good.example/", "status": 200})
        self.device.curl({"curl": "https://static.internal.example/", "trust": "gateway", "status": 200})
        for name in ("keys.log", "packets.pcapng", "requests.har"):
            settle(lambda name=name: self._has(f"/var/lib/headgate/traces/{name}"), PATIENCE)
        settle(lambda: self._has("/var/log/headgate/journal.ndjson"), PATIENCE)
