"""What the BPF program reads in packets as they really come in: sent from outside, seen with their mark behind the
program. A tag is taken off before the program sees the packet, whoever knows the VLAN; what stays tagged, or is PPPoE,
comes again at a port of its own, which the program looks after too: here one without any link header, as PPP's."""
import fcntl
import os
import socket
import struct
import subprocess
import time

from dialogue import Failure
from proof import Proof
from topology import LAN, inside

SO_MARK, SO_RCVMARK = 36, 75
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
IPV4, IPV6, VLAN, PPPOE = 0x0800, 0x86DD, 0x8100, 0x8864
LISTED, LISTED6, OTHER = "198.51.100.11", "2001:db8:2::11", "198.51.100.10"
LIST_BITS = 0x00FF0000
SECONDS = 5


def ipv4(source, destination):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 1, 0, 64, 17, 0, socket.inet_aton(source), socket.inet_aton(destination))
    words = sum(struct.unpack("!10H", head))
    check = ~((words & 0xFFFF) + (words >> 16)) & 0xFFFF
    return head[:10] + struct.pack("!H", check) + head[12:] + struct.pack("!HHHH", 9, 9, 8, 0)


def ipv6(source, destination):
    return struct.pack("!IHBB16s16sHHHH", 6 << 28, 8, 17, 64, socket.inet_pton(socket.AF_INET6, source),
                       socket.inet_pton(socket.AF_INET6, destination), 9, 9, 8, 0)


def knows_marks():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.setsockopt(socket.SOL_SOCKET, SO_RCVMARK, 1)
        except OSError:
            return False
    return True


class Watcher:
    """Sees what comes in by a port of the gateway, of one protocol, behind the program."""

    def __init__(self, namespace, port, protocol):
        with inside(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(protocol))
        self.socket.bind((port, protocol))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVMARK, 1)
        self.socket.settimeout(SECONDS)

    def mark_of(self, packet):
        """Of the packet that holds this one."""
        while True:
            seen, notes, _, _ = self.socket.recvmsg(2048, 64)
            if packet in seen:
                return next(struct.unpack("I", data)[0] for level, kind, data in notes
                            if (level, kind) == (socket.SOL_SOCKET, SO_MARK))


class Marks(Proof):
    intent = "The BPF program finds the address in whatever a packet is wrapped, once it is unwrapped; a fragment has one, too"
    policy = """
lists-in: bpf
lists: { drop: { addresses: drop.txt } }
rules:
  - { name: listed, when: { address: list drop }, do: block }
"""

    def __init__(self, file):
        super().__init__(file)
        if not knows_marks():
            self.missing = ["Linux 5.19"]
        elif not os.path.exists("/dev/net/tun"):
            self.missing = ["/dev/net/tun"]

    def _load(self, values):
        return {**super()._load(values), "files": {"drop.txt": f"{LISTED}\n{LISTED6}\n"}}

    def prove(self):
        topology = self.network.topology
        with inside(topology.device):
            self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self.wire.bind(("eth0", 0))
        listed, other = ipv4("192.0.2.77", LISTED), ipv4("192.0.2.77", OTHER)
        fragment = bytearray(listed)
        fragment[6:8] = struct.pack("!H", 185)
        listed6 = ipv6("2001:db8:1::77", LISTED6)
        for what, kinds, packet, protocol, expected in (
                ("IPv4", [IPV4], listed, IPV4, True),
                ("IPv4 that is not listed", [IPV4], other, IPV4, False),
                ("a later fragment", [IPV4], bytes(fragment), IPV4, True),
                ("IPv6", [IPV6], listed6, IPV6, True),
                ("one tag, for the port of VLAN 7", [VLAN, 7, IPV4], listed, IPV4, True),
                ("a tag of priority", [VLAN, 0xA000, IPV4], listed, IPV4, True),
                ("IPv6 behind a tag", [VLAN, 7, IPV6], listed6, IPV6, True),
                ("two tags: one is left", [0x88A8, 7, VLAN, 9, IPV4], listed, VLAN, False),
                ("PPPoE", [PPPOE, 0x1100, 1, len(listed) + 2, 0x21], listed, PPPOE, False)):
            watcher = Watcher(topology.gateway, LAN, protocol)
            self.wire.send(b"\xff" * 6 + b"\x02\0\0\0\0\x77" + b"".join(struct.pack("!H", kind) for kind in kinds) + packet)
            self._judge(what, watcher.mark_of(packet), expected)
        self._without_header(topology)

    def _without_header(self, topology):
        """A port that appears while the gateway runs, on the far side: the source is looked up."""
        with inside(topology.gateway):
            port = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(port, TUNSETIFF, struct.pack("16sH22x", b"ppp77", IFF_TUN | IFF_NO_PI))
        subprocess.run(topology.command(topology.gateway, "ip", "link", "set", "ppp77", "up"), check=True)
        watcher = Watcher(topology.gateway, "ppp77", IPV4)
        until = time.monotonic() + SECONDS
        packet, mark = ipv4(LISTED, "192.0.2.77"), 0
        while not mark & LIST_BITS and time.monotonic() < until:
            os.write(port, packet)
            mark = watcher.mark_of(packet)
        self._judge("a port without link headers", mark, True)
        other = ipv4(OTHER, "192.0.2.77")
        os.write(port, other)
        self._judge("the same, not listed", watcher.mark_of(other), False)
        os.close(port)

    def _judge(self, what, mark, expected):
        if bool(mark & LIST_BITS) != expected:
            raise Failure(f"{what}: mark {mark:#x}")
