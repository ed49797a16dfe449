"""No request means one thing to the gateway and another to a server: hundreds of ambiguous ones through the gateway to
a server that records every byte, and, where HEAVY is set, to nginx and Node and through other gateways beside it."""
import contextlib
import os
import selectors
import shutil
import socket
import subprocess
import threading
import time

import frames
import smuggling
from dialogue import Failure
from proof import Proof
from topology import inside, ipv4

HOST = "h2.example"
NODE = """
const http = require("http"), fs = require("fs");
http.createServer((q, a) => { q.resume(); q.on("end", () => { fs.appendFileSync(process.argv[2], "200 " + q.url + "\\n"); a.end(); }); })
	.listen(9103, "198.51.100.40");
"""
HAPROXY = """
global
	log stdout format raw daemon emerg
defaults
	mode http
	timeout connect 2s
	timeout client 2s
	timeout server 2s
frontend one
	bind 192.0.2.1:8101
	bind 192.0.2.1:8111 ssl crt {pem} alpn h2
	default_backend recorder
backend recorder
	server recorder 198.51.100.40:9105
"""
SQUID = """
http_port 192.0.2.1:8102 accel defaultsite=a.example no-vhost
cache_peer 198.51.100.40 parent 9106 0 no-query no-digest originserver name=recorder
http_access allow all
cache deny all
pid_filename {directory}/squid.pid
access_log none
cache_log {directory}/cache.log
coredump_dir {directory}
shutdown_lifetime 0 seconds
"""


class Recorder:
    """Keeps every byte, told by the port it came to; answers once when a head has come, and goes on listening."""

    def __init__(self, topology, *ports):
        self.seen = {port: [] for port in ports}
        self._doors = selectors.DefaultSelector()
        with inside(topology.server):
            for port in ports:
                self._doors.register(socket.create_server((ipv4(40), port), backlog=64), selectors.EVENT_READ, port)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            while True:
                for door, _ in self._doors.select(1):
                    peer, _ = door.fileobj.accept()
                    threading.Thread(target=self._listen, args=(peer, door.data), daemon=True).start()

    def _listen(self, peer, port):
        seen, answered = bytearray(), False
        self.seen[port].append(seen)
        with contextlib.suppress(OSError), contextlib.closing(peer):
            peer.settimeout(3)
            while data := peer.recv(65536):
                seen += data
                if not answered and b"\r\n\r\n" in seen:
                    answered = True
                    time.sleep(0.004)  # the rest of the request may be on its way
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def close(self):
        for door in list(self._doors.get_map().values()):
            door.fileobj.close()
        self._doors.close()


class Smuggling(Proof):
    intent = "Of hundreds of ambiguous requests, of HTTP/1 and HTTP/2, no server sees one that the gateway did not mean"
    policy = """
capture: { tcp: [443, 9102, 9103, "10000-10999"] }
upstreams:
  recorder: { server: "198.51.100.40:9104", tls: false }
rules:
  - { name: down, when: { host: h2.example, path: "/*" }, do: { route: recorder } }
  - { name: look, when: { path: "/*" }, do: inspect }
"""

    def prove(self):
        self.vectors = smuggling.vectors()
        self.h2 = list(smuggling.h2_vectors(HOST))
        heavy = bool(os.environ.get("HEAVY"))
        with contextlib.ExitStack() as stack:
            self.stack = stack
            ways = [self._told_apart("Headgate", 10000),
                    self._recorded_h2("Headgate, HTTP/2 to 1", "device", (ipv4(13), 443), 9104)]
            if heavy:
                ways += self._others()
            threads = [threading.Thread(target=way) for way in ways]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if len(self.figures) < len(ways):
                raise Failure(f"of {len(ways)} ways only {len(self.figures)} came to an end")
        if len(self.vectors) + len(self.h2) < 350:
            raise Failure(f"only {len(self.vectors)} + {len(self.h2)} vectors")
        if self.wrong:
            raise Failure("\n".join(self.wrong[:20]))

    wrong = ()

    @staticmethod
    def _judge(sent, seen):
        """What is wrong with the bytes a server saw for one vector, or None."""
        for data in seen:
            targets, fault = smuggling.read_strictly(data)
            if fault or (fault := Smuggling._too_much(sent, targets)):
                return fault
        return None

    @staticmethod
    def _too_much(sent, targets):
        """Whether these are more requests than the sent bytes hold for a strict reader. One that a gateway has made
        unambiguous is fine."""
        meant = smuggling.read_strictly(sent)[0]
        if len(targets) > max(1, len(meant)) or sum("evil" in target for target in targets) > sum("evil" in one for one in meant):
            return f"it sees {targets}, meant was {meant}"
        return None

    def _tell(self, way, count, faults):
        self.measured(f"{way}: {count} vectors, {len(faults)} that a server may understand differently")
        if way.startswith("Headgate"):
            self.wrong = [*self.wrong, *(f"{way}, {fault}" for fault in faults)]

    def _send(self, namespace, address, data, patience=0.06):
        with contextlib.suppress(OSError), inside(namespace):
            peer = socket.create_connection(address, 2)
        with contextlib.suppress(OSError), contextlib.closing(peer):
            peer.settimeout(patience)
            peer.sendall(data)
            while peer.recv(65536):
                pass

    def _told_apart(self, way, first):
        """Every vector goes to a port of its own, so that what comes late is still known."""
        ports = range(first, first + len(self.vectors))
        origin = self.stack.enter_context(contextlib.closing(Recorder(self.network.topology, *ports)))

        def run():
            for port, (_, data) in zip(ports, self.vectors):
                self._send(self.network.topology.device, (ipv4(40), port), data)
            self._settle()
            if (came := sum(any(seen) for seen in origin.seen.values())) < 15:
                raise Failure(f"only {came} vectors came through at all")
            faults = [f"{name!r}: {fault}" for port, (name, data) in zip(ports, self.vectors)
                      if (fault := self._judge(data, map(bytes, origin.seen[port])))]
            self._tell(way, len(self.vectors), faults)
        return run

    def _settle(self):
        """Until the gateway has no connection left, but not for ever."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if not self.gateway.status()["totals"]["live"]:
                return
            time.sleep(0.1)

    def _recorded(self, way, host, port, recorder, patience=0.06):
        topology = self.network.topology
        origin = self.stack.enter_context(contextlib.closing(Recorder(topology, recorder)))

        def run():
            faults = []
            for name, data in self.vectors:
                origin.seen[recorder].clear()
                self._send(topology.device, (host, port), data, patience)
                if fault := self._judge(data, map(bytes, origin.seen[recorder])):
                    faults.append(f"{name!r}: {fault}")
            self._tell(way, len(self.vectors), faults)
        return run

    def _recorded_h2(self, way, side, address, recorder, root=None):
        topology = self.network.topology
        origin = self.stack.enter_context(contextlib.closing(Recorder(topology, recorder)))

        def run():
            faults = []
            for name, fields, body in self.h2:
                origin.seen[recorder].clear()
                with contextlib.suppress(OSError):
                    wire = frames.connect(getattr(topology, side), address, HOST, root or self._trust("gateway"))
                    end = frames.END_HEADERS | (0 if body else frames.END_STREAM)
                    wire.send(frames.PREFACE, frames.frame(frames.SETTINGS), frames.frame(frames.HEADERS, end, 1, frames.block(fields)),
                              frames.frame(frames.DATA, frames.END_STREAM, 1, body) if body else b"")
                    wire.outcome(timeout=0.3)
                    wire.peer.close()
                if fault := self._judge(b"", map(bytes, origin.seen[recorder])):
                    faults.append(f"{name!r}: {fault}")
            self._tell(way, len(self.h2), faults)
        return run

    # -- with HEAVY

    def _counted(self, way, port, log):
        """A real server's own list of requests: none may be /evil, and none may be more than was sent."""
        def run():
            faults = []
            for name, data in self.vectors:
                before = os.path.getsize(log)
                self._send(self.network.topology.device, (ipv4(40), port), data)
                time.sleep(0.01)
                with open(log, encoding="latin-1") as file:
                    file.seek(before)
                    seen = [line for line in file.read().split("\n") if line.startswith("200 ")]
                if fault := self._too_much(data, seen):
                    faults.append(f"{name!r}: {fault}")
            self._tell(way, len(self.vectors), faults)
        return run

    def _start(self, namespace, *command):
        process = subprocess.Popen(self.network.topology.command(namespace, *command), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)

    def _await(self, namespace, address):
        for _ in range(200):
            with contextlib.suppress(OSError), inside(namespace):
                socket.create_connection(address, 1).close()
                return True
            time.sleep(0.05)
        return False

    def _others(self):
        topology, directory, ways = self.network.topology, self.directory, []
        if shutil.which("nginx"):
            os.makedirs(f"{directory}/nginx", exist_ok=True)
            with open(f"{directory}/nginx.conf", "w", encoding="ascii") as file:
                file.write(f"daemon off; pid {directory}/nginx.pid; error_log /dev/null; events {{}} http {{ log_format uri '$status $request_uri';"
                           f"access_log {directory}/nginx.log uri; client_body_temp_path {directory}/nginx; proxy_temp_path {directory}/nginx/p;"
                           f"fastcgi_temp_path {directory}/nginx/f; uwsgi_temp_path {directory}/nginx/u; scgi_temp_path {directory}/nginx/s;"
                           f"server {{ listen 198.51.100.40:9102; location / {{ return 200 ok; }} }} }}")
            open(f"{directory}/nginx.log", "w", encoding="ascii").close()
            self._start(topology.server, "nginx", "-c", f"{directory}/nginx.conf")
            if self._await(topology.server, (ipv4(40), 9102)):
                ways.append(self._counted("Headgate, then nginx", 9102, f"{directory}/nginx.log"))
        if shutil.which("node"):
            with open(f"{directory}/node.js", "w", encoding="ascii") as file:
                file.write(NODE)
            open(f"{directory}/node.log", "w", encoding="ascii").close()
            self._start(topology.server, "node", f"{directory}/node.js", f"{directory}/node.log")
            if self._await(topology.server, (ipv4(40), 9103)):
                ways.append(self._counted("Headgate, then Node", 9103, f"{directory}/node.log"))
        if shutil.which("haproxy"):
            pem = f"{directory}/haproxy.pem"
            with open(pem, "w", encoding="ascii") as file:
                for end in (".pem", ".key"):
                    with open(self.network.certificates.path("good") + end, encoding="ascii") as part:
                        file.write(part.read())
            with open(f"{directory}/haproxy.cfg", "w", encoding="ascii") as file:
                file.write(HAPROXY.format(pem=pem))
            ways.append(self._recorded("HAProxy", "192.0.2.1", 8101, 9105))
            self._start(topology.gateway, "haproxy", "-f", f"{directory}/haproxy.cfg")
            self._await(topology.device, ("192.0.2.1", 8101))
        if shutil.which("squid"):
            with open(f"{directory}/squid.conf", "w", encoding="ascii") as file:
                file.write(SQUID.format(directory=directory))
            os.chmod(directory, 0o777)
            ways.append(self._recorded("Squid", "192.0.2.1", 8102, 9106))
            self._start(topology.gateway, "squid", "-N", "-f", f"{directory}/squid.conf")
            self._await(topology.device, ("192.0.2.1", 8102))
        if shutil.which("mitmdump"):
            ways.append(self._recorded("mitmproxy", "192.0.2.1", 8103, 9107, patience=0.25))
            self._start(topology.gateway, "mitmdump", "--quiet", "--mode", "reverse:http://198.51.100.40:9107", "--listen-host",
                        "192.0.2.1", "--listen-port", "8103", "--set", f"confdir={directory}/mitmproxy")
            self._await(topology.device, ("192.0.2.1", 8103))
        return ways
