"""E02, E03: a ClientHello in any segments and any records is read all the same. The unit tests do this a thousand times with the
parser alone; here the real thing is asked."""
import concurrent.futures
import random
import socket
import ssl
import time

from device import resolve
from dialogue import Dialogue, Failure
from proof import Proof
from topology import inside

# host → what its rule makes of it
HOSTS = {"ads.example": "blocked", "good.example": "passed", "shop.example": "inspected"}
ROUNDS, AT_ONCE = 40, 8
LONG = [f"{number:03d}-{'x' * 245}" for number in range(240)] + ["http/1.1"]  # protocols: a hello of 60 KB


class Splitter(Dialogue):
    """Takes the hello apart: records() and segments() give the sizes of the parts."""

    def split_hello(self, records, segments):
        self._records, self._segments = records, segments

    def _flush(self):
        if self._records is None:
            super()._flush()
            return
        hello = b"".join(contents(self._outgoing.read()))
        stream = b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part
                          for part in cut(hello, self._records))
        self._records = None
        for part in cut(stream, self._segments):
            self._peer.sendall(part)
            time.sleep(self._segments() % 3 / 1000)


def contents(stream):
    while stream:
        length = int.from_bytes(stream[3:5], "big")
        yield stream[5:5 + length]
        stream = stream[5 + length:]


def cut(data, size):
    """The data in parts whose sizes size() gives."""
    at = 0
    while at < len(data):
        end = at + size()
        yield data[at:end]
        at = end


class Splits(Proof):
    intent = "A ClientHello in random segments and records, or of 60 KB, is judged by the same rules"
    policy = """
rules:
  - { name: no ads, when: { host: ads.example }, do: { block: page } }
  - { name: look, when: { host: shop.example }, do: inspect }
"""

    def prove(self):
        seed = random.randrange(1 << 32)
        self._trust("gateway")
        tries = [self._random(random.Random(seed + number)) for number in range(ROUNDS)] + list(self._odd())
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = list(pool.map(self._ask, tries))
        wrong = [f"{host} was {outcome}: {what}" for (what, host, *_), outcome in zip(tries, outcomes)
                 if outcome != HOSTS[host]]
        self.measured(f"{len(tries)} hellos, seed {seed}")
        if wrong:
            raise Failure(f"seed {seed}: " + "; ".join(wrong[:5]))

    @staticmethod
    def _random(source):
        most = source.choice([3, 20, 100, 600])
        host = source.choice(sorted(HOSTS))
        return (f"records and segments up to {most}", host, lambda: source.randint(1, most),
                lambda: source.randint(1, most * 2), source.choice([[], ["http/1.1"]]))

    @staticmethod
    def _odd():
        for host in sorted(HOSTS):
            yield "records of one byte", host, lambda: 1, lambda: 4000, []
            yield "60 KB", host, lambda: 16384, lambda: 1400, LONG
            yield "60 KB in small records", host, lambda: 200, lambda: 1000, LONG

    def _ask(self, one):
        """What becomes of it: blocked, passed or inspected, or what went wrong."""
        _, host, records, segments, protocols = one
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for whose in ("server", "gateway"):
            context.load_verify_locations(self._trust(whose))
        if protocols:
            context.set_alpn_protocols(protocols)
        with inside(self.network.topology.device):
            peer = socket.create_connection(resolve(f"{host}:443", 4), 10)
        dialogue = Splitter(peer)
        dialogue.split_hello(records, segments)
        try:
            dialogue.secure(context, name=host)
            return self._visit(dialogue, host)
        except (Failure, OSError) as error:
            return "blocked" if "ACCESS_DENIED" in str(error).upper() else str(error)
        finally:
            dialogue.close()

    @staticmethod
    def _visit(dialogue, host):
        dialogue.act({"send": f"GET /split HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"})
        dialogue.act({"receive": f"~HTTP/1.1 200 .*{host} https GET /split"})
        return "inspected" if "Headgate" in dialogue.issuer() else "passed"
