"""Ports that a device and a worker in its name use towards the same server: while a socket of ours still waits out
its time (RFC 9293, 3.6.1), and while it lives."""
import contextlib
import socket
import struct

from case import settle
from dialogue import Failure
from proof import Proof
from topology import NAMES, inside, ipv4, run

PORT = 7000
DEVICE_PORTS = range(50000, 50004)
DEVICE, SERVER = "192.0.2.10", (ipv4(NAMES["good.example"]), PORT)
REQUEST = b"GET / HTTP/1.1\r\nHost: good.example\r\n\r\n"
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
CARRIED = f"capture: {{ proxy: always, tcp: [{PORT}] }}\n"
FORWARDED = f"""
capture: {{ proxy: needed, tcp: [{PORT}] }}
rules:
  - {{ name: elsewhere, when: {{ address: 203.0.113.99 }}, do: inspect }}
"""
WATCHED = f"""
capture: {{ proxy: needed, tcp: [{PORT}] }}
rules:
  - {{ name: no ads, when: {{ host: ads.example }}, do: block }}
"""
MASQUERADE = """
table ip uplink {
    chain postrouting {
        type nat hook postrouting priority srcnat
        oifname "wan0" masquerade
    }
}
"""


def take_over(gateway, policy):
    gateway.write_policy(policy)
    answer = gateway.control("reload")
    if answer.returncode:
        raise Failure(answer.stdout + answer.stderr)


class Ports(Proof):
    intent = "Ports that a carried connection has just left serve the next one, also where the kernel carries it now"
    policy = CARRIED

    def prove(self):
        with inside(self.network.topology.server), socket.create_server(SERVER) as server:
            for policy in (FORWARDED, WATCHED):
                for ends_first in ("server", "device"):
                    take_over(self.gateway, CARRIED)
                    port = self._visit(server, 0, ends_first)
                    settle(lambda: self._waits_out(port), 10)
                    take_over(self.gateway, policy)
                    self._visit(server, port, "device")
                    take_over(self.gateway, CARRIED)
                    self._visit(server, port if ends_first == "server" else 0, "device")

    def _visit(self, server, port, ends_first):
        """One request from that port of the device. The port of the gateway's socket that remembers it: the device's
        where we ended its side first, else the one that we spoke to the server from."""
        server.settimeout(10)
        with inside(self.network.topology.device), socket.socket() as device:
            device.settimeout(10)
            device.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            device.bind((DEVICE, port))
            device.connect(SERVER)
            own = device.getsockname()[1]
            device.sendall(REQUEST)
            peer, (_, seen) = server.accept()
            with peer:
                peer.settimeout(10)
                if peer.recv(1000) != REQUEST:
                    raise Failure("another request came")
                peer.sendall(ANSWER)
                if device.recv(1000) != ANSWER:
                    raise Failure("another answer came")
                first, second = (peer, device) if ends_first == "server" else (device, peer)
                first.shutdown(socket.SHUT_WR)
                if second.recv(1) or second.shutdown(socket.SHUT_WR) or first.recv(1):
                    raise Failure("something comes behind the end")
        return own if ends_first == "server" else seen

    def _waits_out(self, port):
        with inside(self.network.topology.gateway):
            waiting = run("ss", "-Htan", "state", "time-wait").stdout
        if not any(place.endswith(f":{port}") for place in waiting.split()):
            raise Failure(f"no socket of the gateway waits on port {port}:\n{waiting}")


class Living(Proof):
    intent = "A worker that speaks in a device's name leaves the device's ports to it, whoever carries what comes from them, NAT or not"
    policy = CARRIED

    def prove(self):
        with self._few_ports(), inside(self.network.topology.server), socket.create_server(SERVER) as server:
            server.settimeout(10)
            for policy in (CARRIED, FORWARDED, WATCHED):
                self._use_all_ports(server, policy)
            self._nft(MASQUERADE)
            try:
                self._use_all_ports(server, CARRIED)
            finally:
                self._nft("delete table ip uplink")

    @contextlib.contextmanager
    def _few_ports(self):
        """For the device and the gateway alike. Who uses the same namespaces next has all of them again."""
        topology, key = self.network.topology, "net.ipv4.ip_local_port_range"
        places = (topology.device, topology.gateway)
        before = [run("ip", "netns", "exec", place, "sysctl", "-n", key).stdout.strip() for place in places]
        for place in places:
            topology.set(place, f"{key}={DEVICE_PORTS[0]} {DEVICE_PORTS[-1]}")
        try:
            yield
        finally:
            for place, ports in zip(places, before):
                topology.set(place, f"{key}={ports}")

    def _nft(self, text):
        run("ip", "netns", "exec", self.network.topology.gateway, "nft", "-f", "-", input=text)

    def _use_all_ports(self, server, policy):
        """One connection through a worker, then as many as the device has ports left, while the first goes on."""
        take_over(self.gateway, CARRIED)
        with contextlib.ExitStack() as stack:
            first = self._open(stack, server)
            take_over(self.gateway, policy)
            for connection in [self._open(stack, server) for _ in DEVICE_PORTS[1:]] + [first]:
                self._speak(*connection)

    def _open(self, stack, server):
        with inside(self.network.topology.device):
            device = stack.enter_context(socket.create_connection(SERVER, 10))
        device.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        device.sendall(REQUEST)
        peer = stack.enter_context(server.accept()[0])
        peer.settimeout(10)
        if peer.recv(1000) != REQUEST:
            raise Failure("another request came")
        return device, peer

    @staticmethod
    def _speak(device, peer):
        peer.sendall(ANSWER)
        if device.recv(1000) != ANSWER:
            raise Failure("another answer came")
