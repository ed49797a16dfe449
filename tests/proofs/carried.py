"""What the kernel has carried of a connection or a flow, as the journal has it."""
import socket
import subprocess
import threading
import time

from dialogue import Failure
from proof import Proof
from topology import inside


class Carried(Proof):
    intent = "Of what the kernel carries the journal says how much it was, where a rule asks for it"
    policy = """
capture: { proxy: needed, tcp: [80, 443, 7000], udp: [53, 443, 7000] }
rules:
  - { name: no ads, when: { host: ads.example }, do: block }
  - { name: counted, when: { host: good.example }, do: pass, log: connections }
  - { name: by port, when: { port: 7000 }, do: pass, log: connections }
"""
    SIZE = 1000000

    def prove(self):
        topology = self.network.topology
        topology.set(topology.gateway, "net.netfilter.nf_conntrack_acct=1", "net.netfilter.nf_conntrack_udp_timeout=1",
                     "net.netfilter.nf_conntrack_udp_timeout_stream=1", "net.netfilter.nf_conntrack_tcp_timeout_time_wait=1",
                     "net.netfilter.nf_conntrack_tcp_timeout_close=1")
        for family, address in ((socket.AF_INET, "198.51.100.40"), (socket.AF_INET6, "2001:db8:2::40")):
            self._stream(family, address)
            self._datagram(family, address)
        for host in ("good.example", "shop.example"):
            subprocess.run(topology.command(topology.device, "curl", "-s", "-o", "/dev/null", f"http://{host}/"), check=True)
        deadline = time.monotonic() + 15
        while True:
            try:
                return self._compare(self.gateway.journal())
            except Failure:
                # Whoever reads the kernel's table makes it look for what is over.
                self.gateway.control("cut", "203.0.113.99")
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def _stream(self, family, address):
        with inside(self.network.topology.server):
            server = socket.create_server((address, 7000), family=family)
        with server, inside(self.network.topology.device), socket.create_connection((address, 7000)) as device:
            device.sendall(b"give")
            peer, _ = server.accept()
            with peer:
                peer.recv(4)
                sender = threading.Thread(target=lambda: (peer.sendall(bytes(self.SIZE)), peer.shutdown(socket.SHUT_WR)))
                sender.start()
                while device.recv(65536):
                    pass
                sender.join()

    def _datagram(self, family, address):
        with inside(self.network.topology.server):
            server = socket.socket(family, socket.SOCK_DGRAM)
            server.bind((address, 7000))
        with server, inside(self.network.topology.device), socket.socket(family, socket.SOCK_DGRAM) as device:
            device.settimeout(2)
            device.sendto(b"x" * 100, (address, 7000))
            _, peer = server.recvfrom(1000)
            server.sendto(b"y" * 900, peer)
            device.recv(1000)

    def _compare(self, journal):
        lines = [line for line in journal if line.get("type") == "connection" and line["reason"] == "forwarded"]
        carried = {line["connection"]: line["bytes"] for line in journal if line.get("type") == "carried"}
        if len(carried) != len([line for line in journal if line.get("type") == "carried"]):
            raise Failure(f"one line too much: {carried}")
        for line in lines:
            found = carried.pop(line["connection"], None)
            least = {"tcp": (200, self.SIZE) if line["rule"] == "by port" else (200, 200), "udp": (128, 928)}[line["client"]["transport_protocol"]]
            if line["rule"] == "no rule matched":
                if found:
                    raise Failure(f"counted though nobody asked: {line}")
            elif not found or found["from_client"] < least[0] or not least[1] <= found["to_client"] < least[1] * 2 + 2000:
                raise Failure(f"{line['rule']}, {line['client']['transport_protocol']}: {found}")
        if carried or len(lines) != 6:
            raise Failure(f"{len(lines)} lines, and left: {carried}")
