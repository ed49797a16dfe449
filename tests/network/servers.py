"""What stands in the server namespace: nginx with every kind of certificate, a DNS server that knows the
test network's names, and scripted origins."""
import json
import os
import shlex
import socket
import ssl
import struct
import subprocess
import threading
import time

from certificates import BAD
from dialogue import Dialogue, Failure
from topology import NAMES, inside, ipv4, ipv6

NGINX = """
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 512; }}
http {{
	log_format seen escape=json '{{"from":"$remote_addr","port":$remote_port,"to":"$server_addr",'
		'"scheme":"$scheme","site":"$server_name","sni":"$ssl_server_name","host":"$host",'
		'"method":"$request_method","uri":"$request_uri","status":$status,'
		'"added":"$http_x_added","agent":"$http_user_agent"}}';
	access_log {directory}/access.log seen;
	client_body_temp_path {directory}/body;
	proxy_temp_path {directory}/proxy;
	fastcgi_temp_path {directory}/fastcgi;
	uwsgi_temp_path {directory}/uwsgi;
	scgi_temp_path {directory}/scgi;
	types {{ text/plain txt; }}
	default_type text/plain;
	root {directory}/files;
	keepalive_timeout 60;
	ssl_protocols TLSv1.2 TLSv1.3;
{sites}
}}
"""

SITE = """
	server {{
		server_name {name};
		{listen}
		location / {{ return 200 "$server_name $scheme $request_method $request_uri from $remote_addr\\n"; }}
		location /large.txt {{ }}
		location /lists/ {{ }}
		location /secret {{ add_header X-Secret hidden; add_header X-Kept kept; return 200 "secret\\n"; }}
	}}
"""

TLS = "ssl_certificate {path}.pem; ssl_certificate_key {path}.key;"


def _certificate(name):
    kind = name.partition(".")[0]
    return kind if kind in BAD else "good"


def _site(name, host, certificates):
    listen = []
    h2 = " http2" if "h2" in name else ""
    if h2:
        listen.append(f"listen {ipv4(host)}:8000 http2;")
    for address in (ipv4(host), f"[{ipv6(host)}]"):
        if name != "secure.example.com":
            listen.append(f"listen {address}:80;")
        if name != "insecure.example.com":
            listen.append(f"listen {address}:443 ssl{h2};")
    listen.append(TLS.format(path=certificates.path(_certificate(name))))
    return SITE.format(name=name, listen="\n\t\t".join(listen))


class Nginx:
    """A real web server on every address that stands for one. See SITE for what it answers."""

    def __init__(self, topology, certificates, directory):
        os.makedirs(f"{directory}/files", exist_ok=True)
        with open(f"{directory}/files/large.txt", "w", encoding="ascii") as file:
            file.writelines(f"line {number:08d} of a large text\n" for number in range(131072))
        os.makedirs(f"{directory}/files/lists", exist_ok=True)
        with open(f"{directory}/files/lists/ads.txt", "w", encoding="ascii") as file:
            file.write("# one of the network's own\nads.example\nother.example\n")
        sites = "".join(_site(name, host, certificates) for name, host in NAMES.items() if host != 40)
        with open(f"{directory}/nginx.conf", "w", encoding="ascii") as file:
            file.write(NGINX.format(directory=directory, sites=sites))
        os.chmod(directory, 0o755)
        self._log = f"{directory}/access.log"
        self._process = subprocess.Popen(
            topology.command(topology.server, "nginx", "-p", directory, "-c", f"{directory}/nginx.conf"),
            stderr=subprocess.DEVNULL, start_new_session=True)
        self._read = 0
        self._wait(topology, directory)

    def _wait(self, topology, directory):
        with inside(topology.server):
            for _ in range(250):
                try:
                    socket.create_connection((ipv4(10), 443), 1).close()
                    return
                except OSError:
                    if self._process.poll() is not None:
                        break
                    time.sleep(0.02)
        raise Failure(f"nginx does not start; see {directory}/error.log")

    def seen(self):
        """The requests since the last forget()."""
        with open(self._log, encoding="utf-8") as file:
            file.seek(self._read)
            return [json.loads(line) for line in file if line.endswith("\n")]

    def forget(self):
        self._read = os.path.getsize(self._log)

    def close(self):
        self._process.terminate()
        self._process.wait()


class NameServer:
    """Answers A and AAAA questions for the names of the network; NXDOMAIN for all others."""

    def __init__(self, topology):
        with inside(topology.server):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind((ipv4(53), 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                question, sender = self._socket.recvfrom(1500)
                self._socket.sendto(self._answer(question), sender)
            except OSError:
                return

    @staticmethod
    def _answer(question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode("ascii").lower())
            at += question[at] + 1
        kind = struct.unpack_from("!H", question, at + 1)[0]
        host = NAMES.get(".".join(labels))
        data = {1: lambda: socket.inet_aton(ipv4(host)),
                28: lambda: socket.inet_pton(socket.AF_INET6, ipv6(host))}.get(kind)
        records = [data()] if host and data else []
        head = question[:2] + struct.pack("!HHHHH", 0x8180 if host else 0x8183, 1, len(records), 0, 0)
        body = question[12:at + 5]
        return head + body + b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(record)) + record for record in records)

    def close(self):
        self._socket.close()


class Origin:
    """A server that follows a script (see dialogue.py) with every client, and keeps what it saw."""

    def __init__(self, topology, certificates, settings):
        self.name = settings["at"]
        self._script = settings.get("script", [])
        self._context = None
        self._may_fail = settings.get("may-fail", False)
        if "tls" in settings:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            path = certificates.path(settings["tls"])
            self._context.load_cert_chain(f"{path}.pem", f"{path}.key")
        if "asks" in settings:
            self._context.load_verify_locations(certificates.path("root.pem"))
            self._context.verify_mode = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL}[settings["asks"]]
        self.connections = []
        host, _, port = self.name.rpartition(":")
        address = (host.strip("[]"), int(port))
        with inside(topology.server):
            self._listener = socket.create_server(
                address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, address = self._listener.accept()
            except OSError:
                return
            seen = {"at": self.name, "from": address[0], "port": address[1], "received": "",
                    "ended": None, "error": None}
            self.connections.append(seen)
            threading.Thread(target=self._talk, args=(peer, seen), daemon=True).start()

    def _talk(self, peer, seen):
        dialogue = Dialogue(peer, seen)
        try:
            if self._context:
                if not peer.recv(1, socket.MSG_PEEK):
                    self.connections.remove(seen)  # it only looked whether we would speak first
                    return
                dialogue.secure(self._context, server_side=True)
            for step in self._script:
                dialogue.act(step)
        except (Failure, OSError) as error:
            seen["error"] = None if self._may_fail else str(error)
        finally:
            dialogue.close()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Peer:
    """A real program that stands in the server namespace for the time of a case: a proxy, for instance."""

    def __init__(self, topology, directory, settings):
        for name, text in settings.get("files", {}).items():
            with open(f"{directory}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        self.name = settings["run"]
        self._process = subprocess.Popen(
            topology.command(topology.server, *shlex.split(settings["run"])), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd=directory)
        host, _, port = settings["at"].rpartition(":")
        with inside(topology.server):
            self._wait((host.strip("[]"), int(port)))

    def _wait(self, address):
        for _ in range(250):
            try:
                socket.create_connection(address, 1).close()
                return
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.02)
        raise Failure(f"{self.name} does not start")

    def close(self):
        self._process.terminate()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
