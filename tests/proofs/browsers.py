"""C07: real browsers, and other TLS libraries, through an inspecting gateway. They load a page over HTTP/2 once they
have the gateway's certificate, and refuse before; where an origin's certificate fails and the rule says `mirror`, the
browser gives its own error; names under `never` are enforced by the browser even against a leaf that somebody made
with the authority's own key. Part of `make heavy`: browsers take their time."""
import base64
import os
import shutil
import subprocess
import time

from case import settle
from certificates import BAD
from dialogue import Failure
from firefox import Firefox
from proof import Proof
from topology import ipv4

CHROMIUM = ("chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
            "--disable-component-update --disable-sync --disable-dev-shm-usage --enable-logging=stderr --timeout=15000 "
            "--dump-dom").split()
# A mirrored certificate is signed by nobody's key, which NSS tells first; what else is wrong stands on the same page.
FIREFOX_SAYS = {"self-signed": "MOZILLA_PKIX_ERROR_SELF_SIGNED_CERT"}
FETCH = """
public class Fetch {
	public static void main(String[] words) throws Exception {
		System.out.print(new String(new java.net.URL(words[0]).openStream().readAllBytes()));
	}
}
"""


class Browsers(Proof):
    intent = "Chromium, Firefox and Java take our leaf with our root alone, give their own errors, and enforce `never`"
    policy = """
capture: { tcp: [443] }
authority: { never: [bank.example] }
rules:
  - { name: look, when: { host: [shop.example, h2.example] }, do: inspect, log: exchanges }
  - { name: mirrored, when: { host: [.example] }, do: inspect, on-invalid: mirror }
"""

    def prove(self):
        self._root = self._trust("gateway")
        self._home("friend")
        self._home("stranger", trusting=False)
        self._foxes = {}
        try:
            self._all()
        finally:
            for fox in self._foxes.values():
                fox.close()

    def _all(self):
        for name in ("chromium", "firefox-esr", "java"):
            if shutil.which(name):
                getattr(self, "_" + name.partition("-")[0])()
            else:
                self.measured(f"there is no {name}")

    def _path(self, name):
        return f"{self.gateway.directory}/{name}"

    def _home(self, name, trusting=True):
        database = self._path(f"{name}/.pki/nssdb")
        os.makedirs(database)
        self._certutil(database, trusting)

    def _certutil(self, database, trusting):
        subprocess.run(["certutil", "-d", f"sql:{database}", "-N", "--empty-password"], check=True, capture_output=True)
        if trusting:
            subprocess.run(["certutil", "-d", f"sql:{database}", "-A", "-t", "C,,", "-n", "Headgate", "-i", self._root],
                           check=True, capture_output=True)

    def _run(self, *words, home="friend", seconds=40):
        command = self.network.topology.command(self.network.topology.device, "env", f"HOME={self._path(home)}", *words)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
            return done.stdout + done.stderr
        except subprocess.TimeoutExpired as error:
            return str(error.output)

    def _seen(self, uri):
        def look():
            if not any(line["uri"] == uri for line in self.network.nginx.seen()):
                raise Failure(f"the server never saw {uri}")
        settle(look)

    def _not_seen(self, uri):
        if any(line["uri"] == uri for line in self.network.nginx.seen()):
            raise Failure(f"the server saw {uri}")

    def _spoke_http2(self, path):
        """On both legs: what the browser asked for, and what the server saw."""
        def look():
            lines = [line for line in self.gateway.journal() if line["type"] == "exchange" and line["path"] == path]
            if [line["version"] for line in lines] != ["HTTP/2"]:
                raise Failure(f"the journal has {lines} for {path}")
            ends = [line for line in self.gateway.journal()
                    if line["type"] == "connection" and line["connection"] == lines[0]["connection"]]
            if ends and (ends[0]["client"]["alpn"], ends[0]["server"]["alpn"]) != ("h2", "h2"):
                raise Failure(f"{path} came over {ends[0]['client']['alpn']} and {ends[0]['server']['alpn']}")
        settle(look)

    def _browse(self, url, home="friend"):
        return self._run(*CHROMIUM, f"--user-data-dir={self._path(home)}/profile", url, home=home)

    def _chromium(self):
        if "GET /chromium" not in self._browse("https://h2.example/chromium"):
            raise Failure("Chromium shows no page")
        self._spoke_http2("/chromium")
        if "ERR_CERT_AUTHORITY_INVALID" not in self._browse("https://shop.example/refused", home="stranger"):
            raise Failure("Chromium without our root gives no error")
        for kind in BAD:
            said = self._browse(f"https://{kind}.example/mirrored-{kind}")
            if "ERR_CERT_" not in said:
                raise Failure(f"Chromium gives no error of its own for {kind}: {said[-500:]}")
            self._not_seen(f"/mirrored-{kind}")
        self._forbidden_leaf()

    def _forbidden_leaf(self):
        """A leaf for a name under `never`, made with the authority's own key as a thief would."""
        authority, leaf = f"{self.gateway.state_directory}/authority/authority", self._path("thief")
        for words in (
                ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=bank.example",
                 "-addext", "subjectAltName=DNS:bank.example", "-keyout", f"{leaf}.key", "-out", f"{leaf}.csr"],
                ["x509", "-req", "-in", f"{leaf}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-days", "5",
                 "-copy_extensions", "copyall", "-set_serial", "77", "-out", f"{leaf}.pem"]):
            subprocess.run(["openssl", *words], check=True, capture_output=True)
        topology = self.network.topology
        server = subprocess.Popen(topology.command(topology.server, "openssl", "s_server", "-accept", f"{ipv4(40)}:8443",
                                                   "-cert", f"{leaf}.pem", "-key", f"{leaf}.key", "-www"),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self._refusals()
        finally:
            server.kill()

    def _refusals(self):
        resolve = f"bank.example:8443:{ipv4(40)}"
        said = self._run("curl", "-sS", "--retry", "3", "--retry-connrefused", "--cacert", self._root, "--resolve", resolve,
                         "https://bank.example:8443/")
        if "excluded subtree" not in said and "permitted" not in said:
            raise Failure(f"OpenSSL takes a leaf under `never`: {said[-300:]}")
        said = self._run(*CHROMIUM[:-1], f"--host-resolver-rules=MAP bank.example {ipv4(40)}",
                         f"--user-data-dir={self._path('friend')}/profile", "--dump-dom", "https://bank.example:8443/")
        if "ERR_CERT_" not in said:
            raise Failure(f"Chromium takes a leaf under `never`: {said[-300:]}")
        said = self._run("gnutls-cli", "--x509cafile", self._root, "--port", "8443", "--sni-hostname", "bank.example",
                         "--verify-hostname", "bank.example", ipv4(40))
        if "NOT trusted" not in said:
            raise Failure(f"GnuTLS takes a leaf under `never`: {said[-300:]}")

    def _firefox(self):
        if "GET /firefox" not in (self._visit("friend", "https://h2.example/firefox")[0] or ""):
            raise Failure("Firefox shows no page")
        self._spoke_http2("/firefox")
        _, error = self._visit("stranger", "https://h2.example/firefox-refused")
        self._shows(error, "SEC_ERROR_UNKNOWN_ISSUER", "our leaf without our root")
        for kind in BAD:
            _, error = self._visit("friend", f"https://{kind}.example/firefox-{kind}")
            self._shows(error, FIREFOX_SAYS.get(kind, "SEC_ERROR_UNKNOWN_ISSUER"), kind)
            self._not_seen(f"/firefox-{kind}")

    def _visit(self, home, url):
        """(the page's text, Firefox's own error in its place)"""
        if home not in self._foxes:
            profile = self._path(f"{home}/firefox")
            os.makedirs(profile)
            self._certutil(profile, home == "friend")
            self._foxes[home] = Firefox(self.network.topology, profile, self._path(home), 2828 + len(self._foxes))
        fox = self._foxes[home]
        text = fox.open(url)
        return text, None if text is not None else fox.error()

    @staticmethod
    def _shows(error, code, kind):
        """kind is one of BAD, or says what else is wrong."""
        now = time.time() * 1000
        if not error or not error["page"].startswith("about:certerror?e=nssBadCert") or error["code"] != code:
            raise Failure(f"Firefox shows no error of its own for {kind}, or another than {code}: {error}")
        if (error["until"] < now) != (kind == "expired") or (error["from"] > now) != (kind == "not-yet-valid"):
            raise Failure(f"Firefox shows other dates for {kind}: {error}")
        if (f"{kind}.example".encode() in base64.b64decode(error["shown"])) != (kind in BAD and kind != "wrong-host"):
            raise Failure(f"Firefox was shown another name for {kind}: {error}")

    def _java(self):
        store, source = self._path("java.p12"), self._path("Fetch.java")
        with open(source, "w", encoding="ascii") as file:
            file.write(FETCH)
        subprocess.run(["keytool", "-importcert", "-noprompt", "-alias", "headgate", "-file", self._root, "-keystore", store,
                        "-storepass", "changeit"], check=True, capture_output=True)
        trusting = [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"]
        said = self._run("java", *trusting, source, "https://shop.example/java")
        if "GET /java" not in said:
            raise Failure(f"Java shows no page: {said[-500:]}")
        if "PKIX" not in self._run("java", source, "https://shop.example/java-refused"):
            raise Failure("Java without our root gives no error")
