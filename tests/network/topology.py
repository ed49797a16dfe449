"""Two hosts and the gateway between them, each in a network namespace of its own:

    device                        gateway                         server
    ┌───────────────────┐  veth  ┌─────────────────────┐  veth   ┌──────────────────────┐
    │ eth0              ├────────┤ lan0           wan0 ├─────────┤ eth0                 │
    │ 02:00:00:00:00:10 │        │ 192.0.2.1           │         │ 198.51.100.10 … .53  │
    │ 192.0.2.10/24     │        │ 2001:db8:1::1       │         │ 2001:db8:2::10 … ::53│
    │ 2001:db8:1::10/64 │        │        198.51.100.1 │         └──────────────────────┘
    └───────────────────┘        │       2001:db8:2::1 │
                                 └─────────────────────┘
The names of the namespaces hold the process id of the run, so that runs do not meet; what a killed run
left behind is removed by the next.
"""
import contextlib
import ctypes
import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

CLONE_NEWNET = 0x40000000
PREFIX = "headgate-"
DEVICE = ("192.0.2.10", "2001:db8:1::10")
GATEWAY = ("192.0.2.1", "2001:db8:1::1")
DEVICE_MAC = "02:00:00:00:00:10"
LAN = "lan0"

# Every name that is known in the test network, by the last part of its server's address.
NAMES = {
    "good.example": 10, "www.good.example": 10, "other.example": 10, "ads.example": 10,
    "shop.example": 10, "bank.example": 10, "fallback.example": 10,
    "api.internal.example": 11, "static.internal.example": 12,
    "expired.example": 20, "not-yet-valid.example": 20, "self-signed.example": 20,
    "wrong-host.example": 20, "untrusted.example": 20,
    "h2.example": 13, "only-h2.example": 13,
    "secure.example.com": 30, "insecure.example.com": 31, "scripted.example": 40,
}
SERVERS = sorted(set(NAMES.values()) | {53})


def ipv4(host):
    return f"198.51.100.{host}"


def ipv6(host):
    return f"2001:db8:2::{host}"


_libc = ctypes.CDLL(None, use_errno=True)


def _enter(path):
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.setns(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {path}")
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def inside(namespace):
    """Sockets that this thread makes meanwhile belong to the namespace."""
    _enter(f"/run/netns/{namespace}")
    try:
        yield
    finally:
        _enter("/proc/self/ns/net")  # of the main thread, which never moves


def run(*command, check=True, **options):
    return subprocess.run(command, check=check, capture_output=True, text=True, **options)


class Topology:
    """The three namespaces. close() is safe to call at any moment and more than once."""

    def __init__(self, number=0):
        base = f"{PREFIX}{os.getpid()}-{number}"
        self.device = f"{base}-device"
        self.gateway = f"{base}-gateway"
        self.server = f"{base}-server"

    def open(self):
        for namespace in (self.device, self.gateway, self.server):
            run("ip", "netns", "add", namespace)
            self.set(namespace, "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
            self.ip(namespace, "link", "set", "lo", "up")
        self._wire(self.device, "eth0", LAN)
        self._wire(self.server, "eth0", "wan0")
        self.set(self.gateway, "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                 "net.ipv4.ping_group_range=1 0", "net.ipv4.tcp_early_demux=0")
        self._address(self.gateway, "wan0", "198.51.100.1/24", "2001:db8:2::1/64")
        self._lan()
        for host in SERVERS:
            self._address(self.server, "eth0", ipv4(host) + "/24", ipv6(host) + "/64")
        self._route(self.server, "198.51.100.1", "2001:db8:2::1")
        self._names()

    def unplug(self):
        """The LAN port goes, as a network card does that is pulled out."""
        self.ip(self.gateway, "link", "delete", LAN)

    def plug(self):
        """A new LAN port of the same name, with another index."""
        self._wire(self.device, "eth0", LAN)
        self._lan()

    def _wire(self, namespace, port, gateway_port):
        self.ip(self.gateway, "link", "add", gateway_port, "type", "veth",
                "peer", "name", port, "netns", namespace)
        self.ip(self.gateway, "link", "set", gateway_port, "up")
        self.ip(namespace, "link", "set", port, "up")

    def _lan(self):
        self.ip(self.device, "link", "set", "eth0", "address", DEVICE_MAC)
        self._address(self.gateway, LAN, *(f"{address}/{width}" for address, width in zip(GATEWAY, (24, 64))))
        self._address(self.device, "eth0", *(a + b for a, b in zip(DEVICE, ("/24", "/64"))))
        self._route(self.device, *GATEWAY)

    def _address(self, namespace, port, *addresses):
        for address in addresses:
            self.ip(namespace, "address", "add", address, "dev", port,
                    *(["nodad"] if ":" in address else []))

    def _route(self, namespace, *gateways):
        for gateway in gateways:
            self.ip(namespace, "route", "add", "default", "via", gateway)

    def _names(self):
        """Device and servers know names from their hosts files, the gateway asks the server's DNS."""
        hosts = "127.0.0.1 localhost\n" + "".join(
            f"{ipv4(host)} {name}\n{ipv6(host)} {name}\n" for name, host in NAMES.items())
        self.write(self.device, "hosts", hosts)
        self.write(self.server, "hosts", hosts)
        self.write(self.gateway, "hosts", "127.0.0.1 localhost\n")
        self.write(self.gateway, "resolv.conf", f"nameserver {ipv4(53)}\n")

    def gateway_knows(self, names):
        """{name: address} for programs on the gateway that are to ask nobody."""
        self._file(self.gateway, "hosts", "127.0.0.1 localhost\n" + "".join(f"{at} {name}\n" for name, at in names.items()))

    @staticmethod
    def write(namespace, name, text):
        """A file of /etc, as programs that are run in a namespace see it."""
        directory = f"/etc/netns/{namespace}"
        os.makedirs(directory, exist_ok=True)
        with open(f"{directory}/{name}", "w", encoding="ascii") as file:
            file.write(text)

    @contextlib.contextmanager
    def nameserver(self, namespace, address):
        """Names are known from a nameserver alone, for a while."""
        hosts = f"/etc/netns/{namespace}/hosts"
        with open(hosts, encoding="ascii") as file:
            before = file.read()
        self.write(namespace, "hosts", "127.0.0.1 localhost\n")
        self.write(namespace, "resolv.conf", f"nameserver {address}\n")
        try:
            yield
        finally:
            self.write(namespace, "hosts", before)
            os.remove(f"/etc/netns/{namespace}/resolv.conf")

    @staticmethod
    def ip(namespace, *arguments):
        run("ip", "-n", namespace, *arguments)

    @staticmethod
    def set(namespace, *values):
        run("ip", "netns", "exec", namespace, "sysctl", "-q", *values)

    @staticmethod
    def command(namespace, *command):
        """The command as it is run in a namespace; it dies with the thread that starts it."""
        return ["setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", namespace, *command]

    def pids(self, namespace):
        return [int(pid) for pid in run("ip", "netns", "pids", namespace, check=False).stdout.split()]

    def state(self):
        """What a gateway that has stopped must have left as it was. A port that was plugged in anew has other
        link-local addresses and another place in the list."""
        return {
            "nftables": run("ip", "netns", "exec", self.gateway, "nft", "list", "ruleset").stdout,
            **{" ".join(what): "\n".join(sorted(line for line in run("ip", "-n", self.gateway, *what).stdout.splitlines()
                                                if "fe80:" not in line))
               for what in (("-4", "rule"), ("-6", "rule"), ("-4", "route", "show", "table", "all"),
                            ("-6", "route", "show", "table", "all"))},
        }

    def close(self):
        for namespace in (self.device, self.gateway, self.server):
            _remove(namespace)


def _remove(namespace):
    for _ in range(50):
        pids = run("ip", "netns", "pids", namespace, check=False).stdout.split()
        if str(os.getpid()) in pids:
            pids.remove(str(os.getpid()))
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        if not pids:
            break
        time.sleep(0.02)
    run("ip", "netns", "delete", namespace, check=False)
    shutil.rmtree(f"/etc/netns/{namespace}", ignore_errors=True)
    with contextlib.suppress(OSError):
        os.rmdir("/etc/netns")


def make_directory():
    """A directory for one run, which every account may enter."""
    directory = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")
    os.chmod(directory, 0o755)
    return directory


def sweep():
    """Removes the namespaces and directories of runs that were killed."""
    for directory in glob.glob(f"{tempfile.gettempdir()}/{PREFIX}*"):
        match = re.match(PREFIX + r"(\d+)-\w{8}$", os.path.basename(directory))
        if match and not os.path.exists(f"/proc/{match[1]}"):
            shutil.rmtree(directory, ignore_errors=True)
    listed = set(os.listdir("/run/netns") if os.path.isdir("/run/netns") else [])
    listed |= set(os.listdir("/etc/netns") if os.path.isdir("/etc/netns") else [])
    for name in sorted(listed):
        match = re.match(PREFIX + r"(\d+)-\d+-(device|gateway|server)$", name)
        if match and not os.path.exists(f"/proc/{match[1]}"):
            _remove(name)
