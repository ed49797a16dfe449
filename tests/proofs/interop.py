"""Programs that nobody here wrote, on both sides of a gateway that inspects: curl, nghttp, h2load, Chromium and grpc-js
as clients; nginx, nghttpd, Node and Caddy as servers."""
import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time

from dialogue import Failure
from proof import Proof
from topology import inside, ipv4, ipv6

HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "interop")
NAME = "scripted.example"
CADDY = """
{{
	admin off
	auto_https off
	storage file_system {directory}/caddy
	servers {{
		protocols h1 h2
	}}
}}
https://scripted.example:9445 {{
	tls {pem} {key}
	root * {directory}/files
	file_server
}}
"""


class Programs(Proof):
    """What the proofs below have in common: programs in a namespace that end with the proof."""

    def prove(self):
        with contextlib.ExitStack() as self.stack:
            self._prove()

    def _start(self, *command, at=None, port=None, **options):
        with open(f"{self.directory}/{os.path.basename(command[0])}.log", "ab") as log:
            process = subprocess.Popen(self.network.topology.command(at or self.network.topology.server, *command), stdout=log,
                                       stderr=log, start_new_session=True, **options)
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)
        for _ in range(200):
            with contextlib.suppress(OSError), inside(self.network.topology.server):
                socket.create_connection((ipv4(40), port), 1).close()
                return
            time.sleep(0.05)
        raise Failure(f"{command[0]} does not listen")

    def _run(self, *command, **environment):
        result = subprocess.run(self.network.topology.command(self.network.topology.device, *command), capture_output=True,
                                text=True, timeout=90, env={**os.environ, **environment})
        return result.stdout + result.stderr

    def _good(self, ending):
        return self.network.certificates.path("good") + ending


class Clients(Programs):
    intent = "curl, nghttp and h2load get whole bodies from nginx, nghttpd, Node and Caddy, in either version"
    policy = """
capture: { tcp: [443, 9443, 9444, 9445] }
rules:
  - { name: look, when: { path: "/*" }, do: inspect }
"""

    def _prove(self):
        files = f"{self.directory}/files"
        os.makedirs(files)
        with open(f"{files}/body", "wb") as file:
            file.write(os.urandom(5 << 20))
        with open(f"{files}/body", "rb") as file:
            self.digest = hashlib.sha256(file.read()).hexdigest()
        servers = self._servers(files)
        wrong = [fault for name, port in servers for fault in self._ask(name, port)]
        self.measured(f"servers: {', '.join(name for name, _ in servers)}")
        if wrong:
            raise Failure("\n".join(wrong))

    def _servers(self, files):
        servers = []
        if shutil.which("nghttpd"):
            self._start("nghttpd", "-d", files, "9443", self._good(".key"), self._good(".pem"), port=9443)
            servers.append(("nghttpd", 9443))
        if shutil.which("node"):
            script = (f"const f=require('fs');require('http2').createSecureServer({{key:f.readFileSync('{self._good('.key')}'),"
                      f"cert:f.readFileSync('{self._good('.pem')}'),allowHTTP1:true}},(q,a)=>{{q.resume();"
                      f"q.on('end',()=>f.createReadStream('{files}/body').pipe(a))}}).listen(9444)")
            self._start("node", "-e", script, port=9444)
            servers.append(("Node", 9444))
        if shutil.which("caddy"):
            with open(f"{self.directory}/Caddyfile", "w", encoding="ascii") as file:
                file.write(CADDY.format(directory=self.directory, pem=self._good(".pem"), key=self._good(".key")))
            self._start("caddy", "run", "--adapter", "caddyfile", "--config", f"{self.directory}/Caddyfile", port=9445)
            servers.append(("Caddy", 9445))
        if shutil.which("nginx"):
            os.makedirs(f"{self.directory}/nginx")
            temporary = "".join(f"{name}_temp_path {self.directory}/nginx/{name};" for name in
                                ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            with open(f"{self.directory}/nginx.conf", "w", encoding="ascii") as file:
                file.write(f"daemon off; user root; pid {self.directory}/nginx.pid; error_log stderr; events {{}} http {{ access_log off; {temporary}"
                           f"server {{ listen {ipv4(40)}:443 ssl http2; listen [{ipv6(40)}]:443 ssl http2; ssl_certificate {self._good('.pem')}; ssl_certificate_key {self._good('.key')};"
                           f"root {files}; client_max_body_size 0; }} }}")
            self._start("nginx", "-c", f"{self.directory}/nginx.conf", port=443)
            servers.append(("nginx", 443))
        return servers

    def _ask(self, server, port):
        url, root = f"https://{NAME}:{port}/body", self._trust("gateway")
        target = f"{self.directory}/got"
        for version in ("--http2",) if server == "nghttpd" else ("--http1.1", "--http2"):
            said = self._run("curl", "-sS", "--max-time", "20", "--cacert", root, version, "-o", target, "-w", "%{http_version} %{http_code}", url)
            with open(target, "rb") as file:
                if hashlib.sha256(file.read()).hexdigest() != self.digest:
                    yield f"curl {version}, {server}: {said}"
            expected = "1.1 200" if version == "--http1.1" else "2 200"
            if said != expected:
                yield f"curl {version}, {server}: said {said!r}"
        if shutil.which("nghttp"):
            said = self._run("nghttp", "-ns", url, SSL_CERT_FILE=root)
            if " 200 " not in said:
                yield f"nghttp, {server}: {said[-300:]}"
            said = self._run("h2load", "-n", "40", "-c", "4", "-m", "10", url)
            if "40 succeeded" not in said:
                yield f"h2load, {server}: {said[-600:]}"


class Browser(Programs):
    intent = "Chromium shows a page over HTTP/2 with a WebSocket, events, fifty requests at once and a download of 100 MB"
    policy = """
rules:
  - { name: look, when: { host: scripted.example }, do: inspect, log: exchanges }
"""

    def __init__(self, file):
        super().__init__(file)
        self.missing = [program for program in ("chromium", "certutil", "node") if not shutil.which(program)]

    def _prove(self):
        result, root = f"{self.directory}/result.json", self._trust("gateway")
        self._start("node", f"{HERE}/origin.js", self._good(".key"), self._good(".pem"), ipv4(40), "443", result, port=443)
        store = f"sql:{self.directory}/.pki/nssdb"
        os.makedirs(f"{self.directory}/.pki/nssdb")
        self._run("certutil", "-d", store, "-N", "--empty-password")
        self._run("certutil", "-d", store, "-A", "-t", "C,,", "-n", "Headgate", "-i", root)
        said = self._run("timeout", "60", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
                         f"--user-data-dir={self.directory}/browser", f"--host-resolver-rules=MAP {NAME} {ipv4(40)}", "--dump-dom", f"https://{NAME}/", HOME=self.directory)
        if not os.path.exists(result):
            raise Failure(f"the page told nothing: {said[-600:]}")
        with open(result, encoding="utf-8") as file:
            told = json.load(file)
        expected = {"page": "h2", "socket": "0,1,2", "events": "first", "many": True, "large": 100 << 20, "digest": told.get("expected")}
        if {key: told.get(key) for key in expected} != expected:
            raise Failure(f"the page tells {told}")
        self._journal()

    def _journal(self):
        deadline = time.monotonic() + 3
        while True:
            with open(self.gateway.journal_file, encoding="utf-8") as file:
                sockets = [line for line in map(json.loads, file) if line["type"] == "exchange" and line["websocket"]]
            if sockets and sockets[0]["messages"] == {"from_client": 3, "from_server": 3}:
                self.measured(f"the WebSocket went over {sockets[0]['version']}")
                return
            if time.monotonic() > deadline:
                raise Failure(f"the journal has {[line['messages'] for line in sockets]}")
            time.sleep(0.05)


class Calls(Programs):
    intent = "A bidirectional stream of grpc-js passes message by message, and its status is in the journal"
    policy = """
capture: { tcp: [9446] }
rules:
  - { name: look, when: { host: scripted.example }, do: inspect, log: exchanges }
"""

    def __init__(self, file):
        super().__init__(file)
        self.modules = os.path.join(os.environ.get("BUILD") or "build", "interop")
        self.missing = [program for program in ("node", "npm") if not shutil.which(program)]

    def _fetch(self):
        if not os.path.isdir(f"{self.modules}/node_modules/@grpc/grpc-js"):
            subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", self.modules, "@grpc/grpc-js@1"],
                           capture_output=True, timeout=120, check=False)
        if not os.path.isdir(f"{self.modules}/node_modules/@grpc/grpc-js"):
            raise Failure("npm cannot fetch @grpc/grpc-js")
        return os.path.abspath(f"{self.modules}/node_modules")

    def _prove(self):
        path, root = self._fetch(), self._trust("gateway")
        address = f"{ipv4(40)}:9446"
        self._start("node", f"{HERE}/grpc.js", "server", self._good(".key"), self._good(".pem"), address, port=9446,
                    env={**os.environ, "NODE_PATH": path})
        said = self._run("timeout", "30", "node", f"{HERE}/grpc.js", "client", root, f"{NAME}:9446", NODE_PATH=path)
        told = json.loads(said.strip().splitlines()[-1])
        if told != {"heard": [f"heard {number}" for number in range(10)], "code": 7, "details": "enough"}:
            raise Failure(f"the client tells {told}")
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            with open(self.gateway.journal_file, encoding="utf-8") as file:
                if any(line.get("grpc_status") == 7 for line in map(json.loads, file)):
                    return
            time.sleep(0.05)
        raise Failure("the journal has no grpc_status 7")
