"""D03: what the gateway carries is what was sent: 200 exchanges straight to the origin and through the gateway, with every
pair of versions on the two legs."""
import exchanges
import hyper
from dialogue import Failure
from proof import Proof
from topology import ipv4

HOST = "scripted.example"


class Parity(Proof):
    intent = "200 exchanges arrive as they would without the gateway, HTTP/1 and HTTP/2 on either leg"
    policy = """
capture: { tcp: [443] }
upstreams:
  one: { server: "scripted.example:9001", tls: true }
  two: { server: "scripted.example:9002", tls: true }
rules:
  - { name: to one, when: { host: scripted.example, path: "/one/*" }, do: { route: one } }
  - { name: to two, when: { host: scripted.example, path: "/two/*" }, do: { route: two } }
  - { name: look, when: { host: scripted.example, path: "/*" }, do: inspect }
"""

    def prove(self):
        certificates = self.network.certificates
        make = lambda port, protocols: hyper.Origin(
            self.network.topology, (ipv4(40), port), exchanges.answer, protocols, hyper.server_context(certificates))
        self.servers = [make(443, ["h2", "http/1.1"]), make(9001, ["http/1.1"]), make(9002, ["h2"])]
        try:
            differing = []
            for name, protocol, origin, prefix in (
                    ("h1 to h1", "http/1.1", 0, ""), ("h2 to h2", "h2", 0, ""),
                    ("h1 to h2", "http/1.1", 2, "/two"), ("h2 to h1", "h2", 1, "/one")):
                differing += self._compare(name, protocol, self.servers[origin], prefix)
        finally:
            for origin in self.servers:
                origin.close()
        self.measured(f"{4 * exchanges.COUNT} exchanges, {len(differing)} differ")
        if differing:
            raise Failure("\n".join(differing[:10]))

    def _compare(self, name, protocol, origin, prefix):
        topology = self.network.topology
        straight = hyper.connect(topology.server, (ipv4(40), 443), HOST, self._trust("server"), [protocol])
        through = hyper.connect(topology.device, (ipv4(40), 443), HOST, self._trust("gateway"), [protocol])
        differing = []
        for number in range(exchanges.COUNT):
            request = exchanges.make_request(number, HOST, prefix)
            sides = []
            for client, at in ((straight, self.servers[0]), (through, origin)):
                at.seen.clear()
                try:
                    response = client.ask(request).plain()
                except (hyper.Broken, OSError) as error:
                    response = repr(error)
                # An upstream by name is asked for by its own name and port.
                arrived = at.seen[-1].plain() if at.seen else None
                sides.append((arrived and arrived[:2] + arrived[3:], response))
            if sides[0] != sides[1]:
                differing.append(f"{name}, exchange {number}: {_first(sides)}")
                if "(" in str(sides[1][1])[:20] and isinstance(sides[1][1], str):
                    through = hyper.connect(topology.device, (ipv4(40), 443), HOST, self._trust("gateway"), [protocol])
        return differing


def _first(sides):
    for what, a, b in (("request", sides[0][0], sides[1][0]), ("response", sides[0][1], sides[1][1])):
        if a != b:
            parts = [(x, y) for x, y in zip(a, b) if x != y] if isinstance(a, tuple) and isinstance(b, tuple) else [(a, b)]
            return f"{what}: straight {str(parts[0][0])[:300]} through {str(parts[0][1])[:300]}"
    return ""
