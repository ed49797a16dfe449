"""A thousand reloads."""
import subprocess
import time

from dialogue import Failure
from gateway import builds
from proof import Proof
from visitors import NAMED, Visitors, check_named
from vitals import descriptors, resident

POLICIES = ["""
rules:
  - { name: look, when: { host: shop.example }, do: inspect, log: exchanges }
  - { name: no ads, when: { host: ads.example }, do: { block: page } }
""", """
lists:
  ads: { names: ads.txt }
rules:
  - { name: no ads, when: { host: list ads }, do: { block: page } }
  - { name: more, when: { host: [other.example, "*.bank.example"], path: /x* }, do: { block: page } }
  - { name: look, when: { host: shop.example }, do: inspect, log: exchanges }
""", """
capture: { tcp: [80, 443, 8000-8010] }
rules:
  - { name: look, when: { host: shop.example, protocol: [http, tls] }, do: inspect, log: exchanges }
"""]
KINDS = {
    "kept": ("good.example", 80, False, 1000),
    "kept and read": ("shop.example", 80, False, 1000),
    "new": ("good.example", 80, False, 1),
    "new TLS": ("good.example", 443, True, 1),
    "new, inspected": ("shop.example", 443, True, 1),
    "kept, inspected": ("shop.example", 443, True, 200),
}
WARM_UP, RELOADS = 150, 1000
GROWTH = 512  # kilobytes


class Thousand(Proof):
    intent = "1,000 reloads under load: no request fails, no process grows, no descriptor is left open"
    policy = POLICIES[0]

    def prove(self):
        self._write("ads.txt", "ads.example\nwww.ads.example\n")
        count = RELOADS // 10 if self.sanitized else RELOADS
        self._round(WARM_UP)
        before = self._look()
        started = time.monotonic()
        visits = self._round(count)
        seconds = time.monotonic() - started
        self._compare(before, self._look())
        self.measured(f"{count} reloads in {seconds:.0f} s beside {len(visits)} requests")

    def _write(self, name, text):
        with open(f"{self.directory}/{name}", "w", encoding="ascii") as file:
            file.write(text)

    def _round(self, count):
        """Reloads with devices at work; what they did. When it ends they have left."""
        visitors = Visitors(self.network.topology, [self._trust("server"), self._trust("gateway")], KINDS, 0.002)
        try:
            for number in range(count):
                self._reload(number)
        finally:
            visitors.close()
        for visit in visitors.visits:
            if visit.error or visit.seconds > 5:
                raise Failure(f"during the reloads, at {time.time() - time.monotonic() + visit.start:.4f}: {visit}")
        kinds = {visit.kind for visit in visitors.visits}
        if kinds != set(KINDS):
            raise Failure(f"only {kinds} came")
        return visitors.visits

    def _reload(self, number):
        self.gateway.write_policy(POLICIES[number % len(POLICIES)])
        result = subprocess.run(
            [f"{builds()}/headgatectl", "--run-directory", self.gateway.run_directory, "reload"],
            capture_output=True, text=True, timeout=20)
        if result.returncode:
            raise Failure(f"reload {number}: {result.stdout}{result.stderr}")

    def _look(self):
        """role, pid → memory and descriptors, at rest: both workers under the first policy, without a connection."""
        self._reload(0)
        deadline = time.monotonic() + 5
        while "no connections" not in self.gateway.control("connections").stdout:
            if time.monotonic() > deadline:
                raise Failure(f"connections are left: {self.gateway.control('connections').stdout}")
            time.sleep(0.1)
        time.sleep(0.5)
        return {(role, pid): (resident(pid), descriptors(pid))
                for role, pids in self.gateway.processes().items() for pid in pids}

    def _compare(self, before, after):
        if set(before) != set(after):
            raise Failure(f"other processes: {before} {after}")
        for process, (memory, files) in before.items():
            now_memory, now_files = after[process]
            self.measured(f"{process[0]}: {now_memory - memory:+} KB of {memory}, {now_files - files:+} of {files} descriptors")
            if now_files != files or (now_memory - memory > GROWTH and not self.sanitized):
                raise Failure(f"{process}: {memory} KB and {files} descriptors became {now_memory} and {now_files}")


class Watched(Proof):
    """Where the kernel queues by a rule that no text can say, the table is put together in several steps."""

    intent = "A name that the packet door blocks stays blocked while the table is replaced, and nobody else is refused"
    policy = """
when-down: closed
capture: { proxy: needed, tcp: [80, 443] }
rules:
  - { name: no ads, when: { host: ads.example }, do: block }
"""
    RELOADS = 20

    def prove(self):
        visitors = Visitors(self.network.topology, [self._trust("server")], NAMED, 0.002)
        try:
            for number in range(self.RELOADS):
                self.gateway.write_policy(
                    f"{self.policy}  - {{ name: more, when: {{ host: x.example, port: {number + 1} }}, do: block }}\n")
                result = self.gateway.control("reload")
                if result.returncode:
                    raise Failure(f"reload {number}: {result.stdout}{result.stderr}")
        finally:
            visitors.close()
        check_named(visitors.visits)
        self.measured(f"{self.RELOADS} reloads beside {len(visitors.visits)} visits")
