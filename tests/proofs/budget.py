"""Lists that do not fit the memory. The bound is that of a control group: kernel memory is charged to it, too."""
import contextlib
import os
import re
import subprocess

import listed
from case import is_sanitized
from dialogue import Failure
from proof import Proof

RANGES = 80_000  # take 14 MB as sets of nft, and 600 kB in the BPF program
GROUP_BYTES = 32 << 20


def mount_of_memory():
    """(where control groups with a memory controller are mounted, the file of their bound); None."""
    with open("/proc/mounts", encoding="ascii", errors="replace") as file:
        mounts = [line.split()[1:4] for line in file]
    for point, kind, options in mounts:
        if kind == "cgroup" and "memory" in options.split(","):
            return point, "memory.limit_in_bytes"
    for point, kind, _ in mounts:
        if kind == "cgroup2" and "memory" in open(f"{point}/cgroup.subtree_control", encoding="ascii").read().split():
            return point, "memory.max"
    return None


class Budget(Proof):
    """What both share."""

    policy = None

    def __init__(self, file):
        super().__init__(file)
        self.group = ""
        self.mount = mount_of_memory()
        if is_sanitized():
            self.missing = ["room for the shadow memory of a sanitizer"]
        elif not self.mount or not os.access(self.mount[0], os.W_OK):
            self.missing = ["a control group of memory"]

    def _load(self, values):
        loaded = super()._load(values)
        point, bound = self.mount
        self.group = f"{point}/headgate-test-{os.getpid()}-{type(self).__name__}"
        os.makedirs(self.group, exist_ok=True)
        with open(f"{self.group}/{bound}", "w", encoding="ascii") as file:
            file.write(str(GROUP_BYTES))
        self.gateway.group = self.group
        prefixes = "".join(f"{11 + i // 32768}.{i // 128 % 256}.{i % 128 * 2}.0/24\n" for i in range(RANGES))
        return {**loaded, "files": {"drop.txt": f"{listed.LISTED}\n" + prefixes}}

    def run(self, network, directory):
        try:
            super().run(network, directory)
        finally:
            with contextlib.suppress(OSError):
                os.rmdir(self.group)

    def prove(self):
        status = self.gateway.control("--json", "status").stdout
        way = re.search(r'"lists_in": ?"(\w+)"', status).group(1)
        said = "\n".join(self.gateway.said())
        self.judge(way, said)
        self.measured(f"{RANGES} ranges in {GROUP_BYTES >> 20} MB: {way}")
        asked = subprocess.run(self.network.topology.command(
            self.network.topology.device, "curl", "-s", "--max-time", "3", f"http://{listed.LISTED}/"),
            capture_output=True, check=False)
        if asked.returncode in (0, 28):
            raise Failure("the listed address was not refused")

    def judge(self, way, said):
        raise NotImplementedError


class TooLarge(Budget):
    intent = "Lists that would not fit the memory as sets of nft are a worker's, and the log says what they would take"
    policy = listed.policy("nft")

    def judge(self, way, said):
        found = re.search(r"(\d+) ranges of addresses would take (\d+) MB of kernel memory as nft sets, and a quarter of "
                          r"what is free is (\d+) MB: rules on lists are decided by workers.* needs 1 MB for them", said)
        if way != "daemon" or not found or int(found.group(2)) < int(found.group(3)):
            raise Failure(f"{way}: {said}")


class Small(Budget):
    intent = "The same lists fit as a BPF program"
    policy = listed.policy("bpf")

    def judge(self, way, said):
        if way != "bpf" or "would take" in said:
            raise Failure(f"{way}: {said}")
