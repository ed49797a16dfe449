"""QUIC of real clients at the packet door (C15): an allowed name passes, a blocked one is refused, an inspected one is sent back
to TCP."""
import shutil
import statistics
import subprocess
import time

from browsing import Browsing
from case import find_all, settle
from dialogue import Failure
from proof import Proof


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
            before = self._visits()
            said = self._ask(arguments, host, 10 if passes else 1.5)
            if (":status:" in said) != passes:
                raise Failure(f"{host} {arguments}: {said[-600:]}")
            # A refused client tries again from the same port, and hears the same.
            visits += [self._visits() - before] if passes else []
        self._judge_visits(visits, "ngtcp2")

    def _visits(self):
        return self.gateway.status()["totals"]["visits"]

    def _judge_visits(self, visits, client):
        median, most = statistics.median(visits), max(visits)
        self.measured(f"{client}: of {len(visits)} flows {median} packets visit in the median, {most} at most")
        if median > 2 or most > 4:
            raise Failure(f"packets of a flow that visit: {visits}")

    def _ask(self, arguments, host, seconds):
        topology = self.network.topology
        result = subprocess.run(topology.command(topology.device, "timeout", str(seconds), "gtlsclient", "--exit-on-all-streams-close",
                                                 *arguments, host, "443", f"https://{host}/"), capture_output=True, check=False,
                                text=True, errors="replace")
        return result.stdout + result.stderr


class Browser(Browsing):
    intent = "Chromium speaks HTTP/3 with an allowed name, comes back over TCP where QUIC is refused, and sees an inspected host there"
    policy = """
capture: { proxy: needed, tcp: [80, 443], udp: [443] }
rules:
  - { name: no ads, when: { host: ads.example }, do: block }
"""

    def browse_all(self):
        before = self.gateway.status()["totals"]["visits"]
        self._see("HTTP/3.0", "--origin-to-force-quic-on=scripted.example:443", "https://scripted.example/long")
        self._journal({"protocol": "quic", "reason": "forwarded"})
        self._judge_visits(self.gateway.status()["totals"]["visits"] - before)
        # What came over TCP says "h3" (Alt-Svc), and Chromium tries it.
        self.change("{ name: no quic, when: { host: scripted.example, protocol: quic }, do: block }")
        self._see("spoken HTTP/1.1,spoken HTTP/1.1,spoken HTTP/1.1", "https://scripted.example/")
        self._journal({"protocol": "quic", "reason": "blocked", "rule": "no quic"})
        self.change("{ name: look, when: { host: scripted.example }, do: inspect }")
        self.trust_root(self._trust("gateway"))
        self._see("spoken HTTP/1.1,spoken HTTP/1.1,spoken HTTP/1.1", "https://scripted.example/")
        self._journal({"protocol": "quic", "reason": "over-tcp", "rule": "look"})
        self._journal({"protocol": "tls", "rule": "look", "verdict": "inspect"})

    def _judge_visits(self, visits):
        """Its hello takes two datagrams, for post-quantum keys are long; more come when the answer is late. What comes behind
        takes hundreds."""
        flows = [line for line in self.gateway.journal() if line.get("type") == "connection"]
        self.measured(f"Chromium: {visits} packets of {len(flows)} flows visit")
        if visits > 20 * len(flows):
            raise Failure(f"{visits} packets visit of {flows}")

    def _journal(self, line):
        settle(lambda: find_all("journal", [{"host": "scripted.example", **line}], self.gateway.journal()))

    def _see(self, wanted, *arguments):
        seen = self.browse(*arguments)
        if wanted not in seen:
            raise Failure(f"no {wanted!r} in {seen!r}")
