"""systemd-resolved as a device's resolver: over UDP, over TCP where an answer is long, over TLS where it can have it."""
import os
import socket
import subprocess
import time

import machine
from case import settle
from device import greets
from dialogue import Failure
from machine import Machine
from proof import Proof
from questions import unbound, zone
from topology import inside

SERVER = "198.51.100.11"
PATIENCE = 30
H2, H3, ECH = "026832", "026833", "0005004a"  # systemd 252 prints HTTPS records as they are
SHELL = ("198.51.100.13", 7000)


class Resolved(Proof):
    intent = "A device that asks by systemd-resolved: names are blocked, answered by us, stripped and learned; it does not hide its questions in TLS where a rule says no"
    policy = """
capture: { proxy: needed, tcp: [53, 80, 443, 853, 7000], udp: [53, 443] }
rules:
  - { name: no ads, when: { host: ads.example }, do: block }
  - { name: the page, when: { host: page.example }, do: block, dns: { answer: [192.0.2.80, "2001:db8:80::80"] } }
  - { name: no shell, when: { host: shell.example, port: 7000 }, do: block }
  - { name: in the open, when: { host: shop.example }, do: pass, dns: { strip: [ech, h3] } }
"""
    HIDING = "  - { name: no hidden questions, when: { port: 853 }, do: block }\n"

    def __init__(self, file):
        super().__init__(file)
        root = os.environ.get("DEBIAN") or "/"
        self.missing = machine.missing() + [
            path for path in (f"{root}/lib/systemd/systemd-resolved", "/usr/sbin/unbound") if not os.path.exists(path)]

    def run(self, network, directory):
        self.machine = Machine(network.topology.device, directory)
        try:
            super().run(network, directory)
        finally:
            self.machine.close()

    def prove(self):
        server = subprocess.Popen(self.network.topology.command(self.network.topology.server, *self._unbound()),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.machine.boot()
            self._resolve("no")
            settle(lambda: self._says("good.example", "198.51.100.10"), PATIENCE)
            self._names()
            self._learn()
            self._hide()
        finally:
            server.kill()
            server.wait()

    def _resolve(self, over_tls):
        """Sets systemd-resolved up, and starts it with nothing in its cache."""
        self.machine.do("mkdir", "-p", "/etc/systemd/resolved.conf.d")
        with open(self.machine.at("/etc/systemd/resolved.conf.d/test.conf"), "w", encoding="ascii") as file:
            file.write(f"[Resolve]\nDNS={SERVER}\nFallbackDNS=\nDomains=~.\nDNSSEC=no\nLLMNR=no\nMulticastDNS=no\n"
                       f"DNSOverTLS={over_tls}\n")
        self.machine.do("systemctl", "restart", "systemd-resolved")

    def _query(self, *arguments):
        return self.machine.run("resolvectl", "--cache=no", "--legend=yes", "query", *arguments)

    def _says(self, name, *wanted, kind=None, without=()):
        result = self._query(*([f"--type={kind}"] if kind else []), name)
        said = result.stdout + result.stderr
        if any(one not in said for one in wanted) or any(one in said for one in without):
            raise Failure(f"{name}: wanted {wanted}, not {without}: {said}")
        return said

    def _names(self):
        self._says("ads.example", "not found")
        self._says("page.example", "192.0.2.80", "2001:db8:80::80")
        self._says("good.example", H2, H3, ECH, kind="HTTPS")
        self._says("shop.example", H2, without=(H3, ECH), kind="HTTPS")
        if self._says("long.example", kind="TXT").count("long.example IN TXT") != 40:
            raise Failure("the long answer is not whole")

    def _learn(self):
        """What says no name has the one that the device has asked for."""
        for asked in (False, True):
            if asked:
                self._says("shell.example", SHELL[0])
            with inside(self.network.topology.server), socket.create_server(SHELL) as server:
                if greets(self.network.topology, server) == asked:
                    raise Failure(f"asked for: {asked}: the name does not decide")

    def _hide(self):
        """Inside TLS nobody sees a question; a device that may do without gives in at once."""
        self._resolve("opportunistic")
        settle(lambda: self._says("ads.example", "198.51.100.10", "encrypted transport: yes"), PATIENCE)
        self.gateway.put_in_force(self.policy + self.HIDING)
        self._resolve("opportunistic")
        began = time.monotonic()
        self._says("good.example", "198.51.100.10", "encrypted transport: no")
        self.measured(f"refused TLS on port 853, it asks without after {time.monotonic() - began:.2f} s")
        self._says("ads.example", "not found")

    def _unbound(self):
        hosts = {"good.example": "198.51.100.10", "ads.example": "198.51.100.10", "shop.example": "198.51.100.10",
                 "page.example": "198.51.100.10", "shell.example": SHELL[0]}
        certificate = self.network.certificates.path("good")
        return unbound(self.directory, [SERVER, f"{SERVER}@853"], zone(hosts.items()),
                       [f'tls-service-key: "{certificate}.key"', f'tls-service-pem: "{certificate}.pem"'])
