"""SIGKILL to any process of the gateway while devices are at work."""
import os
import signal
import statistics
import time

from dialogue import Failure
from proof import Proof
from visitors import Visitors
from vitals import Lateness

POLICY = """
when-down: {down}
rules:
  - {{ name: look, when: {{ host: [shop.example, www.good.example, bank.example, fallback.example, other.example] }},
      do: inspect, log: exchanges }}
"""
KINDS = {
    "passed": ("good.example", 80, False, 1),
    "kept": ("good.example", 80, False, 50),
    "passed TLS": ("good.example", 443, True, 1),
    "read": ("shop.example", 80, False, 20),
    "inspected": ("shop.example", 443, True, 1),
    "inspected, kept": ("shop.example", 443, True, 20),
}
UNSEEN = ("www.good.example", "bank.example", "fallback.example", "other.example")  # no leaf is cached for them
BACK = 0.2
HANG = 1.25  # a SYN that meets a dying listener is lost; the device's kernel sends the next after one second


class Killed(Proof):
    def prove(self):
        self.lateness = Lateness()
        self.visitors = Visitors(self.network.topology, [self._trust("server"), self._trust("gateway")], KINDS)
        try:
            time.sleep(1)
            self._check_fine(self.visitors.since(0), "before anything was killed")
            self.fall()
        finally:
            self.visitors.close()
            self.lateness.close()

    def _check_fine(self, visits, when):
        """All of them went well."""
        bad = [visit for visit in visits if visit.end and visit.error]
        if bad or not visits:
            raise Failure(f"{when}: {len(bad)} of {len(visits)} failed: {bad[0] if bad else 'there were none'}")

    def _check_no_hang(self, start, when):
        time.sleep(HANG + 0.2)
        for visit in self.visitors.since(start - HANG):
            if visit.seconds > HANG + self.lateness.between(visit.start, time.monotonic()) and not self.sanitized:
                raise Failure(f"{when}: after {visit.start - start:.3f} s somebody waited: {visit}")

    def _median(self, what, seconds):
        middle = statistics.median(seconds)
        self.measured(f"{what}: {' '.join(f'{one * 1000:.0f}' for one in seconds)} ms")
        if middle > BACK and not self.sanitized:
            raise Failure(f"{what}: {middle:.3f} s")

    def _strike(self, role):
        """Sends SIGKILL; when."""
        pids = self.gateway.processes()[role] if role != "everything" else sum(self.gateway.processes().values(), [])
        now = time.monotonic()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return now

    def _recover(self, role, what, port, tls, hosts):
        """Kills all processes of a role and asks at once; how long that took, less what the machine was late."""
        seconds = []
        for host in hosts:
            now = self._strike(role)
            visit = self.visitors.visit(host, port, tls)
            if visit.error:
                raise Failure(f"after the {role} was killed: {visit}")
            seconds.append(visit.end - now - self.lateness.between(now, visit.end))
            time.sleep(0.5)
            self._check_no_hang(now, f"when the {role} was killed")
            self._check_fine(self.visitors.since(time.monotonic() - 0.5), f"half a second after the {role} was killed")
        self._median(what, seconds)

    def _await_end(self, now, seconds):
        while self.gateway.processes():
            if time.monotonic() > now + seconds:
                raise Failure(f"processes are left: {self.gateway.processes()}")
            time.sleep(0.05)

    def _again(self):
        self.gateway.start()
        time.sleep(0.7)
        now = time.monotonic()
        time.sleep(0.5)
        self._check_fine(self.visitors.since(now), "after the new start")
        if not any(visit.issuer and "Headgate" in visit.issuer for visit in self.visitors.since(now)):
            raise Failure("nothing is inspected after the new start")


class Open(Killed):
    intent = "SIGKILL under load: workers and signer are back in 200 ms, and with `when-down: open` all flows without us"
    policy = POLICY.format(down="open")

    def fall(self):
        self._recover("worker", "workers back", 80, False, ["good.example"] * 3)
        self._recover("signer", "signer back", 443, True, UNSEEN[:3])
        self._recover("recorder", "unhindered by the recorder", 80, False, ["shop.example"])
        for role in ("supervisor", "everything"):
            now = self._strike(role)
            self._await_end(now, 8)
            gone = time.monotonic()
            self._check_no_hang(now, f"when {role} was killed")
            self._check_fine(self.visitors.since(gone + 0.1), f"without the gateway, after {role} was killed")
            if any(visit.issuer and "Headgate" in visit.issuer for visit in self.visitors.since(gone)):
                raise Failure("somebody is still inspecting")
            self._again()
        self._stop_under_load()

    def _stop_under_load(self):
        now = time.monotonic()
        self.gateway.stop()
        self._check_no_hang(now, "when the gateway stopped")
        self._check_fine([visit for visit in self.visitors.since(now) if not visit.kept], "while the gateway stopped")
        self._again()


class Closed(Killed):
    intent = "SIGKILL under load: with `when-down: closed` everybody is refused at once when all processes are dead"
    policy = POLICY.format(down="closed")

    def fall(self):
        self._recover("worker", "workers back", 443, True, ["good.example"])
        for role in ("supervisor", "everything"):
            now = self._strike(role)
            self._await_end(now, 8)
            gone = time.monotonic()
            self._check_no_hang(now, f"when {role} was killed")
            self._check_refused(self.visitors.since(gone))
            self._again()
        self.gateway.stop()
        now = time.monotonic()
        time.sleep(0.5)
        self._check_fine(self.visitors.since(now), "after an orderly stop")
        self._again()

    def _check_refused(self, visits):
        visits = [visit for visit in visits if visit.end]
        for visit in visits:
            if not visit.error or "Refused" not in visit.error:
                raise Failure(f"not refused: {visit}")
        if len(visits) < 20:
            raise Failure(f"only {len(visits)} tried")
        slowest = max(visit.seconds for visit in visits)
        self.measured(f"{len(visits)} refused within {slowest * 1000:.0f} ms")
