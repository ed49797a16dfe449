"""D01. Large bodies: they arrive as they were sent, and take no memory."""
from dialogue import Failure
from proof import Proof
from vitals import Peak
from warehouse import Warehouse, digest_of, make_body

CURL = "-sS --fail --speed-limit 1 --speed-time 30"  # a stall is a failure, a busy machine is not
PATIENCE = 600

POLICY = """
capture: { tcp: [8080, 8443] }
rules:
  - { name: look, when: { host: shop.example }, do: inspect }
"""


class Bodies(Proof):
    intent = "200 MB arrive as they were sent: down and up, IPv4 and IPv6, TLS passed and inspected"
    policy = POLICY

    def prove(self):
        size = 20 if self.sanitized else 200
        self.body = make_body(f"{self.directory}/body", size)
        self.expected = digest_of(self.body)
        warehouse = Warehouse(self.network, self.body)
        try:
            for family in ("-4", "-6"):
                for host, trust in (("good.example", "server"), ("shop.example", "gateway")):
                    self._carry(family, f"https://{host}:{Warehouse.TLS}/body", self._trust(trust))
        finally:
            warehouse.close()
        verdicts = [line["verdict"] for line in self.gateway.journal() if line["type"] == "connection"]
        if sorted(verdicts) != ["inspect"] * 4 + ["pass"] * 4:
            raise Failure(f"the connections were {verdicts}")

    def _carry(self, family, url, trust):
        for way, command in (("down", f"curl {{}} {url} | sha256sum | cut -c1-64"),
                             ("up", f"curl {{}} -T body {url}")):
            options = f"{CURL} {family} --cacert {trust}"
            self._on_device(command.format(options), {"output": self.expected, "patience": PATIENCE})


class Memory(Proof):
    intent = "1 GB is inspected on its way down, 128 MB on their way up, and no worker grows by a megabyte"
    policy = POLICY
    LIMIT = 1024  # kilobytes

    def prove(self):
        self.body = make_body(f"{self.directory}/body", 20 if self.sanitized else 128)
        warehouse = Warehouse(self.network, self.body)
        try:
            self._down(1)
            self._up()
            for what, carry in (("down", lambda: self._down(8)), ("up", self._up)):
                with Peak(self.gateway.processes()["worker"]) as peak:
                    carry()
                self.measured(f"{what}: a worker grew by {peak.growth()} KB at most")
                if peak.growth() >= self.LIMIT and not self.sanitized:
                    raise Failure(f"{what}: a worker grew by {peak.growth()} KB: {peak.before} {peak.peak}")
        finally:
            warehouse.close()

    def _down(self, copies):
        self._on_device(
            f"curl {CURL} -4 --cacert {self._trust('gateway')} "
            f"https://shop.example:{Warehouse.TLS}/body?copies={copies} | sha256sum | cut -c1-64",
            {"output": digest_of(self.body, copies), "patience": PATIENCE})

    def _up(self):
        self._on_device(
            f"curl {CURL} -4 --cacert {self._trust('gateway')} -T body "
            f"https://shop.example:{Warehouse.TLS}/body", {"output": digest_of(self.body), "patience": PATIENCE})
