"""The table of certificate chains (tests/unit/gallery_table.c) on real connections: what must be refused hears not a
byte, what is good is carried, and the journal gives the reason that the table gives."""
import concurrent.futures
import os
import socket
import ssl
import subprocess
import threading
import time

from dialogue import Failure
from gateway import builds
from proof import Proof
from topology import inside, ipv4

FIRST_PORT = 8200
AT_ONCE = 4


class Exhibit:
    """One server with one chain. heard: what came of a request."""

    def __init__(self, topology, directory, line):
        number, self.id, self.host, self.reason, self.shows = line.split("\t")
        self.port = FIRST_PORT + int(number)
        self.heard = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.set_ciphers("ALL:@SECLEVEL=0")
        self._context.load_cert_chain(f"{directory}/{number}.chain", f"{directory}/{number}.key")
        with inside(topology.server):
            self._listener = socket.create_server((ipv4(40), self.port))
        threading.Thread(target=self._serve, daemon=True).start()

    def __str__(self):
        return f"{self.id} {self.shows}"

    def _serve(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            try:
                peer.settimeout(10)
                with self._context.wrap_socket(peer, server_side=True) as tls:
                    self._answer(tls)
            except OSError:
                peer.close()

    def _answer(self, tls):
        data = b""
        while b"\r\n\r\n" not in data and (more := tls.recv(4096)):
            data += more
            self.heard.append(more)
        if data:
            tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngood")
            tls.settimeout(0)
            tls.unwrap()  # says so, and does not wait for an answer: there are clients that insist on a clean end

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Chains(Proof):
    intent = "Over real connections every chain of the table gets its verdict, and bad ones hear nothing"
    policy = """
capture: { tcp: [443, 8000-8999] }
trust: [$DIRECTORY/roots.pem]
rules:
  - { name: look, when: { host: [.com, .org, .uk, .io] }, do: inspect }
"""

    def _load(self, values):
        self._directory = f"{values['DIRECTORY']}/gallery"
        os.mkdir(self._directory)
        result = subprocess.run([f"{builds()}/tests/unit/verification_test", "--write", self._directory],
                                check=True, capture_output=True, text=True)
        self._lines = [line for line in result.stdout.splitlines() if line.split("\t")[2]]
        first = self._lines[0].split("\t")[0]
        os.rename(f"{self._directory}/{first}.trust", f"{values['DIRECTORY']}/roots.pem")
        return super()._load(values)

    def prove(self):
        self._trust("gateway")
        exhibits = [self._open(line) for line in self._lines]
        exhibits = [exhibit for exhibit in exhibits if exhibit]
        try:
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                wrong = [fault for faults in pool.map(self._try, exhibits) for fault in faults]
        finally:
            for exhibit in exhibits:
                exhibit.close()
        self.measured(f"{len(exhibits)} chains")
        if wrong:
            raise Failure("; ".join(wrong))
        if len(exhibits) < 100:
            raise Failure(f"only {len(exhibits)} chains")

    def _open(self, line):
        try:
            return Exhibit(self.network.topology, self._directory, line)
        except ssl.SSLError:
            return None  # this server's own OpenSSL will not load it

    def _try(self, exhibit):
        result = subprocess.run(self.network.topology.command(
            self.network.topology.device, "curl", "-4sS", "--max-time", "10", "--cacert", self._trust("gateway"),
            "--resolve", f"{exhibit.host}:{exhibit.port}:{ipv4(40)}", f"https://{exhibit.host}:{exhibit.port}/secret"),
            capture_output=True, text=True)
        good = exhibit.reason == "none"
        if good and (result.returncode or result.stdout != "good"):
            return [f"{exhibit}: refused ({result.stderr.strip()})"]
        if not good and result.returncode != 35:
            return [f"{exhibit}: curl ended with {result.returncode} {result.stderr.strip()}"]
        if not good and any(exhibit.heard):
            return [f"{exhibit}: it heard {exhibit.heard}"]
        return self._journal_faults(exhibit, "finished" if good else exhibit.reason)

    def _journal_faults(self, exhibit, reason):
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            reasons = [line["reason"] for line in self.gateway.journal()
                       if line["client"]["sockname"][1] == exhibit.port]
            if reasons:
                return [] if reasons == [reason] else [f"{exhibit}: the journal says {reasons}, not {reason}"]
            time.sleep(0.05)
        return [f"{exhibit}: the journal has no line"]
