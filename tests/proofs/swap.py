"""Lists that change under traffic. A million ranges with HEAVY=1, else twenty thousand."""
import os
import random
import time

import listed
from dialogue import Failure
from prober import Prober
from proof import Proof

RANGES = 1_000_000 if os.environ.get("HEAVY") else 20_000
SWAPS = 12
BLOCKED, ALLOWED = (listed.LISTED, 80), ("198.51.100.10", 80)


class Swap(Proof):
    """What all ways share."""

    def prove(self):
        self._write(0)
        self._reload()
        probers = [Prober(self.network.topology, address) for address in (BLOCKED, ALLOWED)]
        times = []
        for number in range(1, SWAPS + 1):
            self._write(number)
            began = time.monotonic()
            self._reload()
            times.append(time.monotonic() - began)
        for prober in probers:
            prober.close()
        blocked, allowed = probers
        self.measured(f"{SWAPS} swaps of {RANGES} ranges, median {sorted(times)[SWAPS // 2] * 1000:.0f} ms with reading "
                      f"them; {blocked.refused} blocked probes, {allowed.through} allowed ones")
        if blocked.through or blocked.other or not blocked.refused:
            raise Failure(f"blocked: {blocked.through} got through, {blocked.refused} refused, {blocked.other[:3]}")
        if allowed.refused or allowed.other or not allowed.through:
            raise Failure(f"allowed: {allowed.refused} refused, {allowed.through} got through, {allowed.other[:3]}")

    def _write(self, number):
        """Always the one address, and others that are new each time."""
        draw = random.Random(number)
        with open(f"{self.gateway.directory}/drop.txt.new", "w", encoding="ascii") as file:
            file.write(f"{BLOCKED[0]}\n")
            file.writelines(f"{draw.randrange(1, 190)}.{draw.randrange(256)}.{draw.randrange(256)}.0/24\n"
                            for _ in range(RANGES))
        os.rename(file.name, f"{self.gateway.directory}/drop.txt")

    def _reload(self):
        result = self.gateway.control("reload")
        if result.returncode:
            raise Failure(result.stderr)


class Bpf(Swap):
    intent = "A list that is changed over and over in the BPF program never lets a blocked address through, nor hinders another"
    policy = listed.policy("bpf")


class Nft(Swap):
    intent = "The same for sets of nft"
    policy = listed.policy("nft")
