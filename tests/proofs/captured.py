"""A capture is whole: who asked for one waits for the recorder, for a while, and nobody else does."""
import hashlib
import os
import signal
import struct

from case import settle
from dialogue import Failure
from proof import Proof
from warehouse import Warehouse, digest_of, make_body

SEGMENT, IPV4_HEADER, TCP_HEADER = 6, 20, 20
SYN, FIN = 2, 1
SERVERS = 1  # the interface
PATIENCE = 30  # one look at the whole capture takes seconds where others want the processor

POLICY = """
capture: { tcp: [443, 8080, 8443] }
traces: { directory: $DIRECTORY/traces, rotate: 2000MB }
rules:
  - { name: kept, when: { host: shop.example }, do: inspect, capture: [pcapng, keylog] }
  - { name: not kept, when: { host: good.example }, do: inspect }
"""


def blocks(path):
    """(kind, content) of each."""
    with open(path, "rb") as file:
        while head := file.read(8):
            kind, length = struct.unpack("=II", head)
            yield kind, file.read(length - 12)
            if struct.unpack("=I", file.read(4))[0] != length:
                raise Failure("a block's length is not the same at both ends")


class Stream:
    """One direction of one connection: what was said, in order, and whether anything is missing."""

    def __init__(self, first):
        self.next, self.length, self.holes, self.ended = first, 0, 0, False
        self._digest = hashlib.sha256()
        self._begun = False

    def add(self, number, flags, data):
        self.holes += number != self.next
        self.next = (number + len(data) + bool(flags & (SYN | FIN))) % (1 << 32)
        self.ended |= bool(flags & FIN)
        self.length += len(data)
        if not data:
            return
        if not self._begun:
            self._begun, data = True, data.partition(b"\r\n\r\n")[2]
        self._digest.update(data)

    def body(self):
        """SHA-256 of what follows the head, where it was in the clear."""
        return self._digest.hexdigest()


def streams(path):
    """{(interface, port at the speaker, port at the other): Stream}"""
    found = {}
    for kind, content in blocks(path):
        if kind != SEGMENT:
            continue
        interface, _, _, length = struct.unpack_from("=IIII", content)
        packet = memoryview(content)[20:20 + length]
        here, there, number = struct.unpack_from("!HHI", packet, IPV4_HEADER)
        stream = found.setdefault((interface, here, there), Stream(number))
        stream.add(number, packet[IPV4_HEADER + 13], bytes(packet[IPV4_HEADER + TCP_HEADER:]))
    return found


class Captured(Proof):
    intent = "50 MB at full speed are in the capture byte for byte, on both sides, in the clear and in TLS, also of several at once"
    policy = POLICY

    def prove(self):
        body = make_body(f"{self.directory}/body", 5 if self.sanitized else 50)
        expected = digest_of(body)
        warehouse = Warehouse(self.network, body)
        trust = self._trust("gateway")
        try:
            self._on_device(f"""
                for port in 8080 8443; do
                    scheme=http; [ $port = 8080 ] || scheme=https
                    curl -4sS --fail --cacert {trust} $scheme://shop.example:$port/body | sha256sum | cut -c1-64 &
                done; wait""", {"output": "\n".join([expected] * 2), "patience": 120})
        finally:
            warehouse.close()
        settle(lambda: self._whole(expected), PATIENCE)
        self.measured(f"{os.path.getsize(self._packets()) >> 20} MB of capture, {self._dropped()} records lost")
        if self._dropped():
            raise Failure(f"{self._dropped()} records were lost")

    def _packets(self):
        return f"{self.directory}/traces/packets.pcapng"

    def _whole(self, expected):
        found = streams(self._packets())
        if len(found) != 6 or not all(stream.ended for stream in found.values()):
            raise Failure(f"{len(found)} directions, {sum(s.ended for s in found.values())} of them ended")
        if any(stream.holes for stream in found.values()):
            raise Failure(f"holes: {[stream.holes for stream in found.values()]}")
        # Of plain HTTP the clients' side is there only where addresses alone decide.
        clear = [stream.body() for (side, here, _), stream in found.items() if here == 8080 and side == SERVERS]
        if clear != [expected]:
            raise Failure(f"{len(clear)} bodies, and not as they were received")
        sealed = [stream.length for (_, here, _), stream in found.items() if here == 8443]
        if len(sealed) != 2 or min(sealed) < os.path.getsize(f"{self.directory}/body"):
            raise Failure(f"of TLS there are {sealed} bytes")

    def _dropped(self):
        return dropped(self.gateway)


def dropped(gateway):
    return gateway.status()["totals"]["dropped_records"]


class Behind(Proof):
    intent = "A recorder that stands still holds up what is captured for a moment, and nothing else; what it missed is counted"
    policy = POLICY

    def prove(self):
        warehouse = Warehouse(self.network, make_body(f"{self.directory}/body", 20))
        trust = self._trust("gateway")
        self.gateway.kill("recorder", signal.SIGSTOP)
        try:
            self._on_device(f"""
                curl -4sS --fail -o /dev/null --cacert {trust} http://shop.example:8080/body & captured=$!
                for number in 1 2 3; do curl -4sS --fail --cacert {trust} https://good.example/beside; done
                wait $captured""", {"output": "~beside", "patience": 60})
        finally:
            self.gateway.kill("recorder", signal.SIGCONT)
            warehouse.close()
        settle(self._told, PATIENCE)

    def _told(self):
        if not dropped(self.gateway):
            raise Failure("nothing was lost: the recorder did not stand still")
        lines = [line for line in self.gateway.journal() if line["type"] == "connection"]
        if len(lines) != 4 or {line["reason"] for line in lines} != {"finished"}:
            raise Failure(f"the journal has {[(line['host'], line['reason']) for line in lines]}")
