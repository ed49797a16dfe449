"""The server that everything is fetched from: nginx with one worker, HTTP and HTTPS, and the
certificates of the whole bench. Its chain is root → intermediate → leaf, all P-256; it offers no
session resumption, so that every inspected connection pays for both full handshakes."""
import hashlib
import os
import subprocess

from process import wait_listening

NAME = "origin.bench.example"
SIZES = {"/small": 1024, "/large": 64 << 20}

CONFIGURATION = """
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 65536;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log error;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 600s;
    keepalive_requests 100000000;
    default_type application/octet-stream;
    open_file_cache max=10;
    server {{
        listen 80 backlog=4096;
        listen 443 ssl http2 backlog=4096;
        server_name {name};
        root {directory}/objects;
        ssl_certificate {directory}/origin-chain.pem;
        ssl_certificate_key {directory}/origin.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_ecdh_curve X25519:prime256v1;
        ssl_session_cache off;
        ssl_session_tickets off;
    }}
}}
"""

EXTENSIONS = """
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:{name}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


class Certificates:
    """Files in the directory: root.pem trusts the origin, peer.pem and peer.key are the authority
    that the peers forge with."""

    def __init__(self, directory):
        self.directory = directory
        self.extensions = os.path.join(directory, "extensions")
        with open(self.extensions, "w") as file:
            file.write(EXTENSIONS.format(name=NAME))
        self.issue("root", "authority")
        self.issue("peer", "authority")
        self.issue("intermediate", "authority", "root")
        self.issue("origin", "leaf", "intermediate")
        self.join("origin-chain.pem", "origin.pem", "intermediate.pem")
        self.issue("forged", "leaf", "peer")
        self.join("forged-with-key.pem", "forged.pem", "forged.key")
        self.join("peer-with-key.pem", "peer.pem", "peer.key")

    def file(self, name):
        return os.path.join(self.directory, name)

    def issue(self, name, section, issuer=None):
        key, request = self.file(name + ".key"), self.file(name + ".csr")
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        openssl("req", "-new", "-key", key, "-subj", f"/CN=bench {name}", "-out", request)
        signer = ["-CA", self.file(issuer + ".pem"), "-CAkey", self.file(issuer + ".key")] \
            if issuer else ["-signkey", key]
        openssl("x509", "-req", "-in", request, "-sha256", "-days", "30", "-out",
                self.file(name + ".pem"), "-extfile", self.extensions, "-extensions", section, *signer)

    def join(self, name, *parts):
        with open(self.file(name), "w") as whole:
            for part in parts:
                with open(self.file(part)) as file:
                    whole.write(file.read())


class Origin:
    def __init__(self, role, namespace, directory):
        self.digests = {path: self.make(directory, path, size) for path, size in SIZES.items()}
        configuration = os.path.join(directory, "nginx.conf")
        with open(configuration, "w") as file:
            file.write(CONFIGURATION.format(directory=directory, name=NAME))
        self.process = role.spawn(namespace.command("nginx", "-p", directory, "-c", configuration))
        wait_listening(self.process, (80, 443))

    @staticmethod
    def make(directory, path, size):
        """Writes an object of random bytes; returns its SHA-256."""
        os.makedirs(directory + "/objects", exist_ok=True)
        content = os.urandom(1 << 20) * (size >> 20) if size >= 1 << 20 else os.urandom(size)
        with open(directory + "/objects" + path, "wb") as file:
            file.write(content)
        return hashlib.sha256(content).hexdigest()
