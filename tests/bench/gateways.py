"""The ways from the device to the origin that are compared: Headgate, its peers, the reference limit,
plain kernel forwarding, and the direct cable past the gateway. Every program gets one worker, keeps
the client's address towards the origin where it can, verifies the origin where it can, writes no
connection log, and is alone on the path during its turn."""
import contextlib
import json
import os
import re
import subprocess
import time

import topology
from origin import NAME
from process import Role, wait_listening


def output(*words):
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


class Way:
    """Base of all ways. `mode` is pass, names (pass after reading the name), door (the same at the packet door) or inspect."""

    name = None
    program = None        # what must be installed; None: nothing
    packages = ()
    address = topology.ORIGIN
    rules = topology.TPROXY
    idle_requests = 1     # requests after which an idle inspected connection has both its legs
    remark = ""
    version_pattern = r"\d+\.\d+\.\d+\S*"
    version_words = ()
    ports = iter(range(20000, 30000))

    def __init__(self, bench, mode):
        self.bench = bench
        self.mode = mode
        self.http, self.https = next(self.ports), next(self.ports)
        self.directory = bench.directory_for(f"{self.name}-{mode}")
        self.role = None
        self.process = None

    @classmethod
    def version(cls):
        found = re.search(cls.version_pattern, output(*cls.version_words) if cls.version_words else "")
        return found.group(0) if found else ""

    def authority(self):
        """File of the root that the device must trust to speak TLS on this way."""
        return self.bench.certificates.file("peer.pem" if self.mode.startswith("inspect") else "root.pem")

    def file(self, name, text=None):
        path = os.path.join(self.directory, name)
        if text is not None:
            with open(path, "w") as file:
                file.write(text)
        return path

    def spawn(self, *words, **options):
        self.process = self.role.spawn(self.bench.topology.gateway.command(*words), **options)
        return self.process

    def launch(self):
        """Starts the program and returns when it listens. Nothing to do where there is none."""

    def start(self):
        self.role = Role(f"{self.name}-{self.mode}", self.bench.log)
        self.launch()

    def stop(self):
        if self.role:
            self.role.remove()
        self.role = None

    def complaint(self):
        """What the program itself reports as gone wrong since it was engaged."""
        return ""

    def alone(self, row):
        """(units, CPU seconds) of a way that does the row's work without network; None: it has one."""
        return None

    def engage(self):
        self.bench.topology.redirect(self.http, self.https, self.rules)

    def disengage(self):
        self.bench.topology.redirect_nothing()

    @contextlib.contextmanager
    def engaged(self):
        self.engage()
        try:
            yield
        finally:
            self.disengage()


class Direct(Way):
    name = "direct"
    address = topology.ORIGIN_DIRECT

    def authority(self):
        return self.bench.certificates.file("root.pem")

    def engage(self):
        pass

    def disengage(self):
        pass


class Kernel(Direct):
    """Forwarding. Without early demultiplexing, as befits a router: else the kernel drops what it
    should forward where a gateway's socket of the turn before is still in TIME-WAIT."""

    name = "kernel"
    address = topology.ORIGIN

    def engage(self):
        self.bench.topology.gateway.set("ipv4/tcp_early_demux", "0")

    def disengage(self):
        self.bench.topology.gateway.set("ipv4/tcp_early_demux", "1")


class LimTls(Direct):
    """libssl in memory: a client and a server handshake as an inspecting gateway does them."""

    name = "lim_tls"

    def complaint(self):
        """What the program itself reports as gone wrong since it was engaged."""
        return ""

    def alone(self, row):
        file = self.bench.certificates.file
        text = output(self.bench.program("lim_tls"), file("origin-chain.pem"), file("origin.key"),
                      file("root.pem"), NAME, str(row.connections))
        found = json.loads(text)
        return found["handshakes"], found["cpu"]


class LimSplice(Way):
    name = "lim_splice"

    def authority(self):
        return self.bench.certificates.file("root.pem")

    def launch(self):
        # One listener serves both ports: it asks the socket where it was going.
        self.https = self.http
        wait_listening(self.spawn(self.bench.program("lim_splice"), self.http), (self.http,))


HAPROXY_COMMON = """
global
    nbthread 1
    maxconn 4000
    ssl-server-verify required
defaults
    timeout connect 5s
    timeout client 600s
    timeout server 600s
    option splice-request
    option splice-response
    http-reuse never
"""
HAPROXY = {
    "pass": """
listen pass
    mode tcp
    bind 0.0.0.0:{http} transparent
    bind 0.0.0.0:{https} transparent
    source 0.0.0.0 usesrc clientip
    server origin 0.0.0.0:0
""",
    "names": """
listen http
    mode http
    bind 0.0.0.0:{http} transparent
    http-request deny if {{ hdr(host) -i never.example }}
    source 0.0.0.0 usesrc clientip
    server origin 0.0.0.0:0
listen names
    mode tcp
    bind 0.0.0.0:{https} transparent
    tcp-request inspect-delay 5s
    tcp-request content reject if {{ req.ssl_sni -i never.example }}
    tcp-request content accept if {{ req.ssl_hello_type 1 }}
    source 0.0.0.0 usesrc clientip
    server origin 0.0.0.0:0
""",
    "inspect": """
listen http
    mode http
    bind 0.0.0.0:{http} transparent
    source 0.0.0.0 usesrc clientip
    server origin 0.0.0.0:0
listen https
    mode http
    bind 0.0.0.0:{https} transparent ssl crt {forged} ca-sign-file {signer} generate-certificates
    source 0.0.0.0 usesrc clientip
    server origin 0.0.0.0:0 ssl verify required ca-file {root} sni ssl_fc_sni
""",
    "inspect-h2": """
listen http
    mode http
    bind 0.0.0.0:{http} transparent
    server origin 0.0.0.0:0
listen https
    mode http
    http-reuse safe
    bind 0.0.0.0:{https} transparent ssl crt {forged} ca-sign-file {signer} generate-certificates alpn h2,http/1.1
    server origin 0.0.0.0:0 ssl verify required ca-file {root} sni ssl_fc_sni alpn h2
""",
}


class Haproxy(Way):
    name = "haproxy"
    program = "haproxy"
    packages = ("haproxy",)
    version_words = ("haproxy", "-v")
    remark = "splices always (splice-auto hardly ever does here), http-reuse never; in HTTP/2 with its own address and " \
             "http-reuse safe, else it dials for nearly every request"

    def launch(self):
        certificates = self.bench.certificates
        text = (HAPROXY_COMMON + HAPROXY[self.mode]).format(
            http=self.http, https=self.https, forged=certificates.file("forged-with-key.pem"),
            signer=certificates.file("peer-with-key.pem"), root=certificates.file("root.pem"))
        process = self.spawn("haproxy", "-db", "-f", self.file("haproxy.cfg", text))
        wait_listening(process, (self.http, self.https))


class Nghttpx(Way):
    """Speaks HTTP/2 by the same library as Headgate."""

    name = "nghttpx"
    program = "nghttpx"
    packages = ("nghttp2-proxy",)
    version_words = ("nghttpx", "--version")
    rules = topology.REDIRECT
    remark = "NAT redirect instead of TPROXY, own address towards the origin, which is fixed, shares server connections"

    def launch(self):
        self.https = self.http
        file = self.bench.certificates.file
        process = self.spawn(
            "nghttpx", "--conf=/dev/null", "--workers=1", f"--frontend=0.0.0.0,{self.http}", "--errorlog-file=/dev/null",
            "--accesslog-file=/dev/null", f"--cacert={file('root.pem')}",
            f"--backend={topology.ORIGIN},443;;tls;proto=h2;sni={NAME}", file("forged.key"), file("forged.pem"))
        wait_listening(process, (self.http,))


class Sslsplit(Way):
    name = "sslsplit"
    program = "sslsplit"
    packages = ("sslsplit",)
    version_words = ("sslsplit", "-V")
    version_pattern = r"(?<=SSLsplit )\S+"
    idle_requests = 0  # it closes after a response, but has both legs after the handshake
    remark = "does not verify the origin, closes after each response, own address towards the origin, " \
             "as many threads as it likes"

    def launch(self):
        file = self.bench.certificates.file
        process = self.spawn(
            "sslsplit", "-k", file("peer.key"), "-c", file("peer.pem"), "-K", file("forged.key"),
            "-l", "/dev/null", "-e", "tproxy", "-u", "root", "http", "0.0.0.0", self.http, "https", "0.0.0.0", self.https)
        wait_listening(process, (self.http, self.https))


SQUID = """
workers 1
visible_hostname bench
pid_filename {directory}/pid
coredump_dir {directory}
cache_log {directory}/cache.log
access_log none
cache deny all
pinger_enable off
shutdown_lifetime 0 seconds
hosts_file {directory}/hosts
dns_nameservers 127.0.0.1
max_filedescriptors 16384
http_access allow all
http_port 127.0.0.1:{plain}
http_port {http} tproxy
https_port {https} tproxy ssl-bump tls-cert={signer} generate-host-certificates=on dynamic_cert_mem_cache_size=4MB
sslcrtd_program /usr/lib/squid/security_file_certgen -s {directory}/certificates -M 4MB
sslcrtd_children 1 startup=1
tls_outgoing_options cafile={root}
acl hello at_step SslBump1
ssl_bump peek hello
ssl_bump bump all
client_idle_pconn_timeout 10 minutes
server_idle_pconn_timeout 10 minutes
"""


class Squid(Way):
    name = "squid"
    program = "squid"
    packages = ("squid-openssl",)
    version_words = ("squid", "-v")
    version_pattern = r"(?<=Version )\S+"
    remark = "forges with RSA-2048 leaf keys, reuses server connections as it likes"

    def launch(self):
        certificates = self.bench.certificates
        self.file("hosts", f"{topology.ORIGIN} {NAME}\n")
        text = SQUID.format(directory=self.directory, http=self.http, https=self.https,
                            plain=next(self.ports), signer=certificates.file("peer-with-key.pem"),
                            root=certificates.file("root.pem"))
        subprocess.run(["/usr/lib/squid/security_file_certgen", "-c",
                        "-s", self.directory + "/certificates", "-M", "4MB"], check=True, stdout=self.bench.log,
                       stderr=self.bench.log)
        subprocess.run(["chown", "-R", "proxy:", self.directory], check=True)
        process = self.spawn("squid", "-N", "-f", self.file("squid.conf", text))
        wait_listening(process, (self.http, self.https), 20)


class Mitmproxy(Way):
    name = "mitmproxy"
    program = "mitmdump"
    packages = ("mitmproxy",)
    version_words = ("mitmdump", "--version")
    rules = topology.REDIRECT
    remark = "NAT redirect instead of TPROXY, own address towards the origin"

    def launch(self):
        self.https = self.http
        certificates = self.bench.certificates
        with open(certificates.file("peer-with-key.pem")) as file:
            self.file("mitmproxy-ca.pem", file.read())
        root = certificates.file("root.pem")
        process = self.spawn(
            "mitmdump", "--quiet", "--mode", "transparent", "--listen-port", self.http, "--set",
            f"confdir={self.directory}", "--set", f"ssl_verify_upstream_trusted_ca={root}",
            "--set", "stream_large_bodies=1m")
        wait_listening(process, (self.http,), 30)


POLICY = """headgate: 1
lan: [lan]
capture:
  tcp: [80, 443]
  proxy: {proxy}
limits: {{ connections-per-device: 1000000, handshakes-per-device: 1000000 }}
source: keep
trust: [{root}]
authority:
  directory: {directory}/authority
rules:
"""
RULES = {
    # A rule that asks for a name keeps the kernel from deciding alone. It asks TLS alone: where a
    # rule wants to know the host of plain HTTP, every request is read, which is another row.
    "pass": """  - name: a name that never comes
    when: { protocol: tls, host: never.example }
    do: block
    log: none
  - name: the rest passes
    when: { port: [80, 443] }
    do: pass
    log: none
""",
    "inspect": """  - name: look into everything
    when: { port: [80, 443] }
    do: inspect
    log: none
""",
}
RULES["inspect-h2"] = RULES["inspect"]
RULES["names"] = RULES["door"] = RULES["pass"]
HAPROXY["door"] = HAPROXY["names"]


class Headgate(Way):
    """Sets up its own redirect, so it runs during its turns only."""

    name = "headgate"
    proxies = ("pass", "names", "inspect", "inspect-h2")  # modes in which workers carry what passes

    def start(self):
        self.role = Role(f"{self.name}-{self.mode}", self.bench.log)
        policy = POLICY.format(root=self.bench.certificates.file("root.pem"), directory=self.directory,
                               proxy="always" if self.mode in self.proxies else "needed")
        self.file("headgate.yaml", policy + RULES[self.mode])
        os.makedirs(self.directory + "/run", exist_ok=True)
        os.makedirs(self.directory + "/state", exist_ok=True)

    def engage(self):
        with open(self.file("headgated.log"), "w+") as log:
            process = self.spawn(
                self.bench.program("headgated"), "--config", self.file("headgate.yaml"),
                "--run-directory", self.directory + "/run", "--state-directory",
                self.directory + "/state", "--workers", 1, stderr=log)
        deadline = time.monotonic() + 10
        while not re.search(r"\bready\b", self.messages()):
            if process.poll() is not None or time.monotonic() > deadline:
                self.role.stop()
                raise RuntimeError("headgated did not become ready: " + self.messages()[-2000:].strip())
            time.sleep(0.01)

    def messages(self):
        with open(self.file("headgated.log")) as log:
            return log.read()

    def complaint(self):
        return "; ".join(re.findall(r"ended by signal \d+", self.messages()))

    def disengage(self):
        self.role.stop()

    def authority(self):
        if not self.mode.startswith("inspect"):
            return super().authority()
        exported = output(self.bench.program("headgatectl"), "--run-directory",
                          self.directory + "/run", "authority", "export")
        found = re.search(r"-----BEGIN CERT.*?END CERTIFICATE-----\n", exported, re.S)
        if not found:
            raise RuntimeError("headgatectl authority export: " + exported[-500:])
        return self.file("authority.pem", found.group(0))


class Proxying(Headgate):
    """The same, where it would not have to."""

    name = "proxying"
    proxies = Headgate.proxies + ("door",)


NOT_ASKED = "not asked for"
WAYS = {way.name: way for way in (Headgate, Proxying, Haproxy, Nghttpx, Sslsplit, Squid, Mitmproxy, LimSplice, LimTls,
                                  Kernel, Direct)}
