"""The network of the benchmark, drawn first:

    device 198.18.1.2 ──veth── 198.18.1.1 lan [gateway] wan 198.18.2.1 ──veth── 198.18.2.2 server
       └─ 198.18.3.1 ─────────────────── direct, past the gateway ──────────────── 198.18.3.2 ─┘

Three network namespaces named after our process. Addresses are those of RFC 2544, MTU 1500. The
gateway tracks connections, as every home gateway does, whichever program is measured.
"""
import os
import re
import subprocess

ORIGIN = "198.18.2.2"
ORIGIN_DIRECT = "198.18.3.2"
PREFIX = "hgbench"
MARK = "0x100"
TABLE = "100"

TRACKING = """
table inet bench_tracking {
    chain forward { type filter hook forward priority 0; ct state invalid counter; }
    chain prerouting { type filter hook prerouting priority 0; ct state invalid counter; }
}
"""

# A SYN must not be given to a socket in TIME-WAIT: tproxy knows what to do with it, the socket not.
TPROXY = """
    chain capture {{
        type filter hook prerouting priority mangle - 1
        iifname {{ "lan", "wan" }} tcp flags & (syn | ack) != syn socket transparent 1 \
            meta mark set {mark} accept
        iifname "lan" ip daddr {origin} tcp dport 80 tproxy ip to :{http} meta mark set {mark} accept
        iifname "lan" ip daddr {origin} tcp dport 443 tproxy ip to :{https} meta mark set {mark} accept
    }}
"""

REDIRECT = """
    chain capture {{
        type nat hook prerouting priority dstnat
        iifname "lan" ip daddr {origin} tcp dport 80 redirect to :{http}
        iifname "lan" ip daddr {origin} tcp dport 443 redirect to :{https}
    }}
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def remove_stale_namespaces():
    """Removes namespaces that a run which was killed has left behind."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    for name, pid in re.findall(rf"^({PREFIX}-(\d+)-\w+)", listed, re.M):
        if not os.path.exists(f"/proc/{pid}"):
            subprocess.run(["ip", "netns", "delete", name])


class Namespace:
    def __init__(self, role):
        self.name = f"{PREFIX}-{os.getpid()}-{role}"
        ip("netns", "add", self.name)

    def command(self, *words):
        """The words that run a program inside, as the very process that is started."""
        return ["nsenter", f"--net=/run/netns/{self.name}", *map(str, words)]

    def run(self, *words, text=None):
        subprocess.run(self.command(*words), input=text, text=True, check=True)

    def set(self, name, value):
        self.run("sh", "-c", f"echo '{value}' >/proc/sys/net/{name}")

    def tcp_counters(self):
        text = subprocess.run(self.command("cat", "/proc/net/snmp", "/proc/net/netstat"),
                              capture_output=True, text=True, check=True).stdout
        lines, counters = text.splitlines(), {}
        for names, values in zip(lines[::2], lines[1::2]):
            if names.startswith("Tcp"):
                counters.update(zip(names.split()[1:], map(int, values.split()[1:])))
        return counters

    def address(self, interface, address):
        self.run("ip", "address", "add", address, "dev", interface)
        self.run("ip", "link", "set", interface, "up")

    def delete(self):
        subprocess.run(["ip", "netns", "delete", self.name])


class Topology:
    def __init__(self, stack, offload=True):
        self.device, self.gateway, self.server = (
            self.make(stack, role) for role in ("device", "gateway", "server"))
        self.join(self.device, "gate", self.gateway, "lan")
        self.join(self.gateway, "wan", self.server, "gate")
        self.join(self.device, "direct", self.server, "direct")
        self.number()
        self.tune()
        self.gateway.run("nft", "-f", "-", text=TRACKING)
        if not offload:
            self.forgo_offload()

    @staticmethod
    def make(stack, role):
        namespace = Namespace(role)
        stack.callback(namespace.delete)
        namespace.run("ip", "link", "set", "lo", "up")
        return namespace

    @staticmethod
    def join(left, left_name, right, right_name):
        ip("link", "add", left_name, "mtu", "1500", "netns", left.name, "type", "veth",
           "peer", "name", right_name, "mtu", "1500", "netns", right.name)

    def number(self):
        self.device.address("gate", "198.18.1.2/24")
        self.device.address("direct", "198.18.3.1/24")
        self.gateway.address("lan", "198.18.1.1/24")
        self.gateway.address("wan", "198.18.2.1/24")
        self.server.address("gate", ORIGIN + "/24")
        self.server.address("direct", ORIGIN_DIRECT + "/24")
        self.device.run("ip", "route", "add", "198.18.2.0/24", "via", "198.18.1.1")
        self.server.run("ip", "route", "add", "198.18.1.0/24", "via", "198.18.2.1")
        self.gateway.run("ip", "rule", "add", "fwmark", f"{MARK}/{MARK}", "lookup", TABLE)
        self.gateway.run("ip", "route", "add", "local", "default", "dev", "lo", "table", TABLE)

    def tune(self):
        """Thousands of short connections between two addresses need ports and short memories."""
        for namespace in (self.device, self.gateway, self.server):
            namespace.set("ipv4/tcp_tw_reuse", "1")
        # Apart, as a gateway that keeps the client's address shares its ports towards the origin. Headgate chooses
        # its own below those of the device (SOCKET_PORT_FIRST), the others follow what is set here.
        self.device.set("ipv4/ip_local_port_range", "33000 64999")
        self.gateway.set("ipv4/ip_local_port_range", "1100 32999")
        self.gateway.set("ipv4/ip_forward", "1")
        self.gateway.set("ipv4/conf/all/rp_filter", "0")
        self.gateway.set("ipv4/conf/default/rp_filter", "0")

    def forgo_offload(self):
        """Segments and checksums in software, as on a router's plain network card."""
        for namespace, names in ((self.device, ("gate", "direct")), (self.gateway, ("lan", "wan")),
                                 (self.server, ("gate", "direct"))):
            for name in names:
                namespace.run("ethtool", "-K", name, "tso", "off", "gso", "off", "gro", "off")

    def redirect(self, http, https, rules=TPROXY):
        """Sends what the device says to ports 80 and 443 of the origin to local ports."""
        body = rules.format(mark=MARK, origin=ORIGIN, http=http, https=https)
        self.gateway.run("nft", "-f", "-", text=f"table inet bench {{{body}}}\n")

    def redirect_nothing(self):
        self.gateway.run("nft", "delete", "table", "inet", "bench")
