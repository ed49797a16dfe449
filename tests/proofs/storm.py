"""Thousands of short connections of all kinds, with every pace, buffer, half-close and reset that chance brings. What
they do follows from their numbers: SEED=N RUNS=1 repeats one that failed."""
import os
import random
import subprocess
import time

from dialogue import Failure
from gateway import builds
from proof import Proof
from topology import ipv4
from vitals import sockets

RUNS = int(os.environ.get("RUNS") or 400)
AT_ONCE = 24
SECONDS = int(os.environ.get("SECONDS") or 20)  # a busy machine begins fewer


class Storm(Proof):
    intent = "Every byte arrives as it was sent and every end is told at once, whatever either side does meanwhile"
    policy = """
capture: { tcp: [7000, 7001, 7002, 7003, 7004] }
rules:
  - { name: look, when: { host: shop.example }, do: inspect }
"""

    def prove(self):
        workers = self.gateway.processes()["worker"]
        before = [sockets(pid) for pid in workers]
        first = int(os.environ.get("SEED") or random.randrange(1 << 22))
        result = subprocess.run(self._command(first), capture_output=True, text=True)
        *wrong, counts = result.stdout.splitlines() or ["it said nothing"]
        self.measured(f"from {first}: {counts}")
        if result.returncode:
            raise Failure("\n".join([*wrong, result.stderr]))
        self._check_quiet(workers, before)

    def _command(self, first):
        topology, certificate = self.network.topology, self.network.certificates.path("good")
        return [f"{builds()}/tests/storm/storm", f"/run/netns/{topology.device}", f"/run/netns/{topology.server}",
                ipv4(10), f"{certificate}.pem", f"{certificate}.key", str(first), str(RUNS), str(AT_ONCE), str(SECONDS)]

    def _check_quiet(self, workers, before):
        """Nothing of it is left in the workers, and they are the same."""
        deadline = time.monotonic() + 10
        while (after := [sockets(pid) for pid in workers]) != before:
            if time.monotonic() > deadline:
                raise Failure(f"the workers had {before} sockets, now {after}")
            time.sleep(0.1)
        if self.gateway.processes()["worker"] != workers:
            raise Failure("a worker has been replaced")
