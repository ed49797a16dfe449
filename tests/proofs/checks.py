"""Servers that are checked: one that dies is left alone before anybody asks it, and asked again once it is back."""
import contextlib
import socket
import threading
import time

from dialogue import Failure
from proof import Proof
from topology import inside, ipv4

PATIENCE = 30


class Server:
    """Answers every request with its name; /health as it is told."""

    def __init__(self, topology, name, port):
        self.name, self.health, self.asked, self.served = name, 200, 0, 0
        with inside(topology.server):
            self._listener = socket.create_server((ipv4(40), port), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, peer):
        heard = b""
        with contextlib.suppress(OSError), contextlib.closing(peer):
            while b"\r\n\r\n" not in heard:
                heard += (data := peer.recv(65536))
                if not data:
                    return
            checked = heard.startswith(b"GET /health ")
            self.asked, self.served = self.asked + checked, self.served + (not checked)
            peer.sendall(b"HTTP/1.1 %d x\r\nContent-Length: 1\r\nConnection: close\r\n\r\n%s"
                         % (self.health if checked else 200, self.name))

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)  # who waits in accept() would keep it open
        self._listener.close()


class Checks(Proof):
    intent = "A server that a check finds ill is left alone before anybody asks it, and asked again once it is well"
    policy = """
upstreams:
  several: { servers: ["198.51.100.40:9104", "198.51.100.40:9105"], tls: false, check: { path: /health, every: 1 s } }
  alone: { server: "198.51.100.40:9106", tls: false, check: { every: 1 s } }
rules:
  - { name: all, when: { path: "/*" }, do: { route: several } }
"""

    def prove(self):
        topology = self.network.topology
        with contextlib.closing(Server(topology, b"b", 9105)) as second:
            with contextlib.closing(Server(topology, b"a", 9104)) as first:
                self._await("both well", {"9104": "well", "9105": "well"}, lambda: first.asked and second.asked)
                self._must_be_served_by(b"a")
                first.health = 503
                self._await("the first one ill", {"9104": "left alone", "9105": "well"})
                served = first.served
                self._must_be_served_by(b"b")
                if first.served != served:
                    raise Failure("a server that is ill was asked")
                first.health = 302
                self._await("the first one well again", {"9104": "well"})
                self._must_be_served_by(b"a")
            self._await("the first one dead", {"9104": "left alone", "9106": "left alone"})
            self._must_be_served_by(b"b")
            with contextlib.closing(Server(topology, b"c", 9104)), contextlib.closing(Server(topology, b"d", 9106)):
                self._await("all back", {"9104": "well", "9106": "well"})
                self._must_be_served_by(b"c")
        said = "\n".join(self.gateway.said())
        for words in ('"several": 198.51.100.40:9104 is left alone until its check is content',
                      '"several": 198.51.100.40:9104 is well again, says its check'):
            if words not in said:
                raise Failure(f"the log does not say: {words}")

    def _states(self):
        return {name.rpartition(":")[2]: state for servers in self.gateway.status()["upstreams"].values() for name, state in servers.items()}

    def _await(self, what, wanted, also=lambda: True):
        until = time.monotonic() + PATIENCE
        while not (wanted.items() <= (states := self._states()).items() and also()):
            if time.monotonic() > until:
                raise Failure(f"{what}: the states are {states}")
            time.sleep(0.1)

    def _must_be_served_by(self, name):
        with inside(self.network.topology.device):
            peer = socket.create_connection((ipv4(10), 80), 10)
        with contextlib.closing(peer):
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
            answer = peer.makefile("rb").read()
        if not answer.endswith(name):
            raise Failure(f"served by {answer[-1:]}, and should be by {name}")
