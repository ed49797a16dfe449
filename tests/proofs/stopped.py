"""An orderly stop lets what is under way come to its end."""
import signal
import subprocess
import time

from dialogue import Failure
from proof import Proof
from warehouse import Warehouse, digest_of, make_body


class Drained(Proof):
    intent = "Transfers that are under way when the gateway is stopped still arrive whole, passed and inspected"
    policy = """
capture: { tcp: [8080, 8443] }
rules:
  - { name: look, when: { host: shop.example }, do: inspect }
"""
    URLS = (f"http://good.example:{Warehouse.PLAIN}/body", f"http://shop.example:{Warehouse.PLAIN}/body",
            f"https://shop.example:{Warehouse.TLS}/body")

    def prove(self):
        body = make_body(f"{self.directory}/body", 4)
        warehouse = Warehouse(self.network, body)
        try:
            downloads = [self._download(url) for url in self.URLS]
            time.sleep(1)
            self.gateway.kill("supervisor", signal.SIGTERM)
            for url, download in zip(self.URLS, downloads):
                output, error = download.communicate(timeout=20)
                if output.strip() != digest_of(body):
                    raise Failure(f"{url}: {error} {output}")
        finally:
            warehouse.close()

    def _download(self, url):
        command = f"curl -4 -sS --limit-rate 2M --cacert {self._trust('gateway')} {url} | sha256sum | cut -c1-64"
        return subprocess.Popen(self.network.topology.command(self.network.topology.device, "sh", "-c", command),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
