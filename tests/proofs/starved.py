"""Memory that is missing, or a kernel that says no, costs one connection or one answer, never a process."""
import mmap
import os
import socket
import ssl
import struct
import subprocess
import time

from device import resolve
from dialogue import Failure
from gateway import builds
from proof import Proof
from topology import inside
from vitals import sockets

PATIENCE = 15
THOROUGH = bool(os.environ.get("HEAVY"))


def get(host, path="/", more=""):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode("ascii")


LAST = "Connection: close\r\n"
CHUNKS = (b"POST /chunks HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
          b"4\r\nhalf\r\n2\r\nok\r\n0\r\nTrailer: yes\r\n\r\n")

# name: host, port, TLS, what is said; and whether an answer of HTTP comes when nothing is missing
SCENES = {
    "passed": ("good.example", 80, False, get("good.example", more=LAST), True),
    "passed TLS": ("good.example", 443, True, get("good.example", more=LAST), True),
    "page": ("ads.example", 80, False, get("ads.example"), True),
    "alert": ("ads.example", 443, True, b"", False),
    "read": ("shop.example", 80, False, get("shop.example") + get("shop.example", more=LAST), True),
    "read in chunks": ("shop.example", 80, False, CHUNKS, True),
    "routed": ("shop.example", 80, False, get("shop.example", "/api", LAST), True),
    "redirected": ("shop.example", 80, False, get("shop.example", "/old", LAST), True),
    "inspected": ("shop.example", 443, True, get("shop.example") + get("shop.example", more=LAST), True),
}


ORDER = struct.Struct("=qqqq")     # tests/faults/starve.c: whose, what, which one, how many have failed
KINDS = ["allocation", "request"]  # of memory; of the kernel for a descriptor, an address, a connection
# command: who has a part in it. (A worker that cannot take a policy over keeps the reload waiting for ten seconds.)
COMMANDS = {"--json status": ["supervisor"], "--json rules": ["supervisor"],
            "--json connections": ["worker", "recorder"], "reload": ["supervisor"]}


class Starved(Proof):
    intent = "Whichever allocation fails, whatever the kernel refuses: every process lives, the next one is served"
    workers = 1
    policy = """
upstreams:
  api: { server: "api.internal.example:80" }
rules:
  - { name: no ads, when: { host: ads.example }, do: { block: page } }
  - { name: api, when: { host: shop.example, path: /api }, do: { route: api } }
  - { name: old, when: { host: shop.example, path: /old }, do: { redirect: "https://shop.example/new" } }
  - { name: look, when: { host: shop.example }, do: inspect }
"""

    def _load(self, values):
        content = super()._load(values)
        if self.sanitized:
            return content
        self._path = f"{self.directory}/order"
        with open(self._path, "wb") as file:
            file.write(bytes(ORDER.size))
        self.gateway.environment = {"LD_PRELOAD": f"{builds()}/tests/faults/starve.so", "STARVE": self._path}
        return content

    def prove(self):
        if self.sanitized:
            self.measured("a sanitizer has its own allocator")
            return
        self._processes = self.gateway.processes()
        self._worker, = self._processes["worker"]
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for whose in ("server", "gateway"):
            self._context.load_verify_locations(self._trust(whose))
        with open(self._path, "r+b") as file:
            self._order = mmap.mmap(file.fileno(), ORDER.size)
        for scene in SCENES:
            self._must_succeed(scene)
        before = sockets(self._worker)
        for scene in SCENES:
            for kind in KINDS:
                self._sweep("worker", scene, lambda scene=scene: self._visit(scene), kind)
        for command, roles in COMMANDS.items():
            for role in roles:
                self._sweep(role, command, lambda command=command: self._ask(command))
                if command != "reload":  # that is the table's as well, and another proof's
                    self._sweep(role, command, lambda command=command: self._ask(command), "request")
        for scene in SCENES:
            self._must_succeed(scene)
        self._check_nothing_stays(before)

    def _tell(self, pid, kind, left):
        self._order[:] = ORDER.pack(0, KINDS.index(kind), left, 0)
        self._order[:8] = struct.pack("=q", pid)

    def _failures(self):
        return ORDER.unpack(self._order[:])[3]

    def _sweep(self, role, what, act, kind="allocation"):
        number = 1
        while self._fails_at(role, kind, number, what, act):
            number += 1 if THOROUGH or number < 40 else 1 + number // 12
        self.measured(f"{role}, {what}: {number - 1} {kind}s")

    def _fails_at(self, role, kind, number, what, act):
        """True when there was such a call."""
        pid, = self._processes[role]
        self._tell(pid, kind, number)
        try:
            act()
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            raise Failure(f"{role}, {what}, {kind} {number}: it hangs") from error
        finally:
            time.sleep(0.005)  # the journal's line
            failed = self._failures()
            self._tell(0, kind, 0)
        if not os.path.exists(f"/proc/{pid}/fd/0"):
            raise Failure(f"{role}, {what}, {kind} {number}: it has gone")
        if number % 10 == 0:
            self._must_succeed("read")
        return failed

    def _ask(self, command):
        return self.gateway.control(*command.split(), timeout=PATIENCE)

    def _must_succeed(self, scene):
        answer = self._visit(scene)
        if SCENES[scene][4] != answer.startswith(b"HTTP/1.1 "):
            raise Failure(f"{scene}: {answer[:200]!r}")

    def _visit(self, scene):
        """Everything that was answered."""
        host, port, tls, request, _ = SCENES[scene]
        with inside(self.network.topology.device):
            peer = socket.socket()
        peer.settimeout(PATIENCE)
        answer = b""
        try:
            peer.connect(resolve(f"{host}:{port}", 4))
            if tls:
                peer = self._context.wrap_socket(peer, server_hostname=host)
            peer.sendall(request)
            while piece := peer.recv(65536):
                answer += piece
        except TimeoutError:
            raise
        except OSError:
            pass  # it may fail in every way but one
        finally:
            peer.close()
        return answer

    def _check_nothing_stays(self, before):
        deadline = time.monotonic() + 5
        while (after := sockets(self._worker)) > before:
            if time.monotonic() > deadline:
                raise Failure(f"the worker had {before} sockets, now {after}")
            time.sleep(0.1)
        if self.gateway.processes() != self._processes:
            raise Failure("a process has been replaced")
