"""One topology with everything that serves in it."""
import os
import subprocess

from servers import NameServer, Nginx
from topology import Topology


class Network:
    """Certificates are shared by all networks of a run; the rest is its own."""

    def __init__(self, certificates, directory, number=0):
        self.certificates = certificates
        self.topology = Topology(number)
        self.nginx = None
        self._directory = f"{directory}/server-{number}"

    def open(self):
        os.makedirs(self._directory, exist_ok=True)
        self.topology.open()
        self.nginx = Nginx(self.topology, self.certificates, self._directory)
        self._names = NameServer(self.topology)

    def close(self):
        self.topology.close()

    @staticmethod
    def openssl(*arguments):
        return subprocess.run(["openssl", *arguments], check=True, capture_output=True, text=True).stdout
