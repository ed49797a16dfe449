"""What a device on the LAN does: curl, raw connections, TLS as odd as a case wants it."""
import shlex
import socket
import ssl
import subprocess
import time

from dialogue import Dialogue, Failure, matches
from topology import NAMES, inside, ipv4, ipv6


def resolve(target, family):
    """("good.example:80", 4) → the socket address of that name in the test network."""
    host, _, port = target.rpartition(":")
    host = host.strip("[]")
    if host in NAMES:
        host = ipv4(NAMES[host]) if family == 4 else ipv6(NAMES[host])
    return host, int(port)


def check(what, expected, text):
    if expected is not None and not matches(str(expected), text):
        raise Failure(f"{what}: expected {expected!r}, got {text[:600]!r}")


class Device:
    """Holds the open connections of a case by name."""

    def __init__(self, topology, trust, directory):
        self._topology = topology
        self._trust = trust  # "server" or "gateway" → path of a root certificate
        self._directory = directory
        self._connections = {}

    # -- curl

    def curl(self, step):
        """curl: ARGUMENTS, with trust, status, body, headers, exit, error, within (retries until then)."""
        deadline = time.monotonic() + step.get("within", 0)
        while True:
            try:
                return self._curl_once(step)
            except Failure:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.05)

    def _curl_once(self, step):
        body, head = f"{self._directory}/body", f"{self._directory}/head"
        for path in (body, head):
            open(path, "wb").close()
        arguments = shlex.split(step["curl"])
        family = [] if {"-6", "-4", "--ipv6"} & set(arguments) else ["-4"]
        result = subprocess.run(
            self._topology.command(
                self._topology.device, "curl", "-sS", "--max-time", "15", *family,
                "--cacert", self._trust(step.get("trust", "server")), "-o", body, "-D", head, *arguments),
            capture_output=True, text=True)
        with open(body, encoding="latin-1", newline="") as file:
            text = file.read()
        with open(head, encoding="latin-1", newline="") as file:
            headers = file.read()
        expected = step.get("exit", 0)
        if result.returncode not in (expected if isinstance(expected, list) else [expected]):
            raise Failure(f"curl ended with {result.returncode}, not {expected}: "
                          f"{result.stderr.strip()} {headers[:200]!r} {text[:200]!r}")
        check("error of curl", step.get("error"), result.stderr)
        self._check_answer(step, headers, text)

    @staticmethod
    def _check_answer(step, headers, text):
        heads = [head for head in headers.split("\r\n\r\n") if head]
        statuses = [int(head.split(" ", 2)[1]) for head in heads]
        if "status" in step:
            expected = step["status"]
            actual = statuses if isinstance(expected, list) else (statuses or [None])[-1]
            if actual != expected:
                raise Failure(f"status: expected {expected}, got {actual}: {text[:300]!r}")
        for pattern in step.get("headers", []):
            check("headers", pattern, headers)
        for pattern in step.get("no-headers", []):
            if matches(pattern, headers):
                raise Failure(f"headers: {pattern!r} should not be in {headers!r}")
        check("body", step.get("body"), text.rstrip("\n"))
        if "size" in step and len(text) != step["size"]:
            raise Failure(f"size of the body: expected {step['size']}, got {len(text)}")

    # -- raw connections

    def connect(self, step):
        """connect: HOST:PORT, with as (a name), family (4), refused: within seconds, tls: NAME, trust,
        alpn, trickle (seconds between the single bytes of what is sent), fails (pattern of TLS)."""
        name = step.get("as", "it")
        address = resolve(step["connect"], step.get("family", 4))
        started = time.monotonic()
        with inside(self._topology.device):
            peer = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        peer.settimeout(step.get("refused", 10))
        ended = None
        try:
            peer.connect(address)
        except (ConnectionRefusedError, ConnectionResetError) as error:
            if "refused" in step and time.monotonic() - started <= step["refused"]:
                return
            if "refused" in step or isinstance(error, ConnectionRefusedError):
                raise Failure(f"{step['connect']}: {error} after {time.monotonic() - started:.2f} s") from error
            ended = "reset"  # so soon that connect() has seen it; for `ends` to judge
        except OSError as error:
            raise Failure(f"cannot connect to {step['connect']}: {error}") from error
        if "refused" in step and not ended:
            self._await_reset(peer, step, started)
            return
        dialogue = self._connections[name] = Dialogue(peer)
        dialogue.seen["ended"] = ended
        if "tls" in step:
            self._secure(dialogue, step)

    @staticmethod
    def _await_reset(peer, step, started):
        """A worker accepts before it can refuse."""
        with peer:
            try:
                peer.settimeout(max(started + step["refused"] - time.monotonic(), 0.01))
                said = peer.recv(1)
            except ConnectionResetError:
                return
            except TimeoutError:
                raise Failure(f"{step['connect']} is not refused") from None
        raise Failure(f"{step['connect']} is not refused, it {'says something' if said else 'ends'}")

    def _secure(self, dialogue, step):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self._trust(step.get("trust", "server")))
        if "alpn" in step:
            context.set_alpn_protocols(step["alpn"])
        try:
            dialogue.secure(context, name=step["tls"] or None, trickle=step.get("trickle"))
        except (Failure, ConnectionResetError) as error:
            if "fails" not in step:
                raise
            check("failure of TLS", step["fails"], str(error))
            return
        if "fails" in step:
            raise Failure("the TLS handshake should have failed")

    def act(self, step):
        name = step.get("at", "it")
        if name not in self._connections:
            raise Failure(f"there is no connection {name!r}")
        try:
            self._connections[name].act(step)
        except OSError as error:
            raise Failure(f"{step}: {error}") from error

    # -- any other program

    def run(self, command, namespace, step):
        """A command in a namespace, with exit, output, error, input, patience (60 s)."""
        result = subprocess.run(self._topology.command(namespace, "sh", "-c", command),
                                capture_output=True, text=True, errors="replace", timeout=step.get("patience", 60),
                                input=step.get("input", ""), cwd=self._directory)
        check_result(command, result, step)

    def close(self):
        for connection in self._connections.values():
            connection.close()


def check_result(command, result, step):
    expected = step.get("exit", 0)
    if result.returncode != expected:
        raise Failure(f"{command}: status {result.returncode}, not {expected}: {result.stdout}{result.stderr}")
    for key, text in (("output", result.stdout), ("error", result.stderr)):
        patterns = step.get(key, [])
        for pattern in patterns if isinstance(patterns, list) else [patterns]:
            check(f"{key} of {command}", pattern, text.rstrip("\n"))


def greets(topology, server):
    """True when the listening server hears the greeting of SSH from the device; False when it is reset. SSH tells no name."""
    with inside(topology.device), socket.create_connection(server.getsockname()) as device:
        peer, _ = server.accept()
        with peer:
            device.sendall(b"SSH-2.0-test\r\n")
            try:
                peer.settimeout(5)
                return peer.recv(100) == b"SSH-2.0-test\r\n"
            except ConnectionResetError:
                return False
