"""A case: one small file of intent, policy, steps and what must be seen. The words are in README.md."""
import os
import re
import shutil
import signal
import string
import subprocess
import time

import yaml

import confinement
from device import Device, check_result
from dialogue import Failure
from gateway import builds, Gateway
from servers import Origin, Peer
from topology import DEVICE, DEVICE_MAC, LAN

KEYS = {"intent", "needs", "policy", "files", "origins", "peers", "steps", "journal", "journal-lines", "events",
        "server", "origin", "stderr", "ways"}
TALK = {"send", "receive", "receive-all", "silent", "finish", "ends", "reset", "close"}
SETTLE = 3  # seconds for the journal, the logs and the events to arrive

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def is_sanitized():
    """Under the sanitizers' eyes there is no sandbox, and memory and time say nothing."""
    with open(f"{builds()}/headgated", "rb") as file:
        return b"__asan_init" in file.read()


def has(need):
    """Whether a program is there, or the daemon has its sandbox."""
    return not is_sanitized() if need == "sandbox" else shutil.which(need)


def window(start, end):
    """A daily window from start to end hours from now, as a policy writes it."""
    return "-".join(time.strftime("%H:%M", time.localtime(time.time() + hours * 3600))
                    for hours in (start, end))


def difference(expected, actual, path=""):
    """Where actual does not hold what expected asks: a sentence, or None. Mappings may hold more, unless
    they say `exactly: true`; "*" is anything that is there; "~…" is a regular expression;
    { above: A, below: B } is a number."""
    if isinstance(expected, dict) and set(expected) == {"above", "below"}:
        if isinstance(actual, (int, float)) and expected["above"] < actual < expected["below"]:
            return None
        return f"{path} is {actual!r}, not between {expected['above']} and {expected['below']}"
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return f"{path or 'it'} is {actual!r}"
        if expected.get("exactly") and set(actual) != set(expected) - {"exactly"}:
            return f"{path} has {sorted(set(actual) ^ (set(expected) - {'exactly'}))} too much or too little"
        for key, value in expected.items():
            if key == "exactly":
                continue
            if key not in actual:
                return f"{path}.{key} is missing"
            found = difference(value, actual[key], f"{path}.{key}")
            if found:
                return found
        return None
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for number, (one, other) in enumerate(zip(expected, actual)):
            found = difference(one, other, f"{path}[{number}]")
            if found:
                return found
        return None
    if expected == "*":
        return None if actual is not None else f"{path} is null"
    if isinstance(expected, str) and expected.startswith("~") and isinstance(actual, str):
        return None if re.search(expected[1:], actual, re.DOTALL) else f"{path} is {actual!r}"
    return None if expected == actual else f"{path} is {actual!r}, not {expected!r}"


def find_all(what, expected, lines):
    """Each expected finds a line of its own, in any order."""
    left = list(lines)
    for one in expected:
        for line in left:
            if difference(one, line) is None:
                left.remove(line)
                break
        else:
            near = min((difference(one, line) for line in left), key=len, default="there is none")
            raise Failure(f"{what}: no line with {one}; nearest: {near}")


def settle(function, seconds=SETTLE):
    """Repeats a check until it holds or so many seconds are over."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return function()
        except Failure:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.05)


class Case:
    """Loaded from a file; run() raises Failure with what went wrong."""

    _way = None

    @classmethod
    def load(cls, path):
        """The case of a file, or one for each of its `ways`."""
        with open(path, encoding="utf-8") as file:
            text = file.read()
        return [cls(path, text, way) for way in yaml.safe_load(text).get("ways", [None])]

    def __init__(self, path, text, way):
        self.name = os.path.splitext(os.path.basename(path))[0] + (f" ({way})" if way else "")
        self._text = text
        self._way = way
        content = yaml.safe_load(self._text)
        self.intent = str(content.get("intent", self.name)).strip()
        self.missing = [program for program in content.get("needs", []) if not has(program)]
        self.gateway = None
        self.figures = []  # what was measured, for people

    def _load(self, values):
        content = yaml.safe_load(string.Template(self._text).safe_substitute(values))
        unknown = set(content) - KEYS
        if unknown:
            raise Failure(f"unknown keys in the case: {', '.join(sorted(unknown))}")
        return content

    def run(self, network, directory):
        """network: topology, certificates, nginx."""
        self.network = network
        self.directory = directory
        self.gateway = Gateway(network.topology, network.certificates.path("root.pem"), directory)
        self.content = self._load({
            "LAN": LAN, "PROGRAMS": builds(), "DEVICE": DEVICE[0], "DEVICE6": DEVICE[1], "MAC": DEVICE_MAC,
            "WAY": self._way or "", "NOW": window(-1, 1), "LATER": window(2, 4), "DIRECTORY": directory, "TREE": TREE,
            "ROOT": network.certificates.path("root.pem"),
            "STRANGER": network.certificates.path("stranger.pem"),
            "CERTIFICATES": network.certificates.directory})
        self.device = Device(network.topology, self._trust, directory)
        self.origins = []
        self.peers = []
        network.nginx.forget()
        try:
            self._live()
        finally:
            self.device.close()
            for origin in self.origins + self.peers:
                origin.close()

    def _trust(self, whose):
        if whose == "gateway":
            if not os.path.exists(self.gateway.authority_file):
                self.gateway.export_authority()
            return self.gateway.authority_file
        return self.network.certificates.path("root.pem")

    def _live(self):
        self.origins = [Origin(self.network.topology, self.network.certificates, settings)
                        for settings in self.content.get("origins", [])]
        for settings in self.content.get("peers", []):
            self.peers.append(Peer(self.network.topology, self.directory, settings))
        for name, text in self.content.get("files", {}).items():
            with open(f"{self.gateway.directory}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        if "policy" in self.content:
            self.gateway.write_policy(self.content["policy"])
            self.gateway.start()
        if "events" in self.content:
            self.gateway.follow_events()
        self._do()
        self.device.close()
        self._check()
        if "policy" in self.content:
            self.gateway.stop()
            self.gateway.check_findings()

    # -- steps

    def _do(self):
        for step in self.content.get("steps", []):
            self._act(step)

    def _act(self, step):
        verb = next(iter(step))
        if verb in TALK:
            self.device.act(step)
        elif verb in ("curl", "connect"):
            getattr(self.device, verb)(step)
        else:
            word = "_" + verb.replace("-", "_")
            if not hasattr(self, word):
                raise Failure(f"unknown step: {verb}")
            getattr(self, word)(step[verb], step)

    def _wait(self, seconds, _step):
        time.sleep(seconds)

    def _on_device(self, command, step):
        self.device.run(command, self.network.topology.device, step)

    def _on_gateway(self, command, step):
        self.device.run(command, self.network.topology.gateway, step)

    def _on_server(self, command, step):
        self.device.run(command, self.network.topology.server, step)

    def _unplug(self, _argument, _step):
        self.network.topology.unplug()

    def _plug(self, _argument, _step):
        self.network.topology.plug()

    def _policy(self, text, _step):
        self.gateway.write_policy(text)

    def _stop(self, _argument, _step):
        self.gateway.stop()

    def _start_again(self, _argument, _step):
        self.gateway.start()

    def _headgatectl(self, arguments, step):
        deadline = time.monotonic() + step.get("within", 0)
        while True:
            try:
                self._headgatectl_once(arguments, step)
                return
            except Failure:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def _headgatectl_once(self, arguments, step):
        result = self.gateway.control(*(arguments.split() if isinstance(arguments, str) else arguments))
        check_result(f"headgatectl {arguments}", result, step)
        if "json" in step:
            found = difference(step["json"], yaml.safe_load(result.stdout))
            if found:
                raise Failure(f"headgatectl {arguments}: {found}")

    def _kill(self, role, step):
        pids = self.gateway.kill(role, getattr(signal, "SIG" + step.get("signal", "KILL")))
        for pid in pids if step.get("signal", "KILL") == "KILL" else []:
            self._wait_for_end(pid)

    @staticmethod
    def _wait_for_end(pid):
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                    if file.read().rpartition(")")[2].split()[0] == "Z":
                        return
            except (FileNotFoundError, ProcessLookupError):
                return
            time.sleep(0.01)
        raise Failure(f"process {pid} does not end")

    def _processes(self, expected, step):
        """processes: { worker: 2, signer: 1 }, with within."""
        deadline = time.monotonic() + step.get("within", 0)
        while True:
            found = dict.fromkeys(set(expected) - {"exactly"}, 0) | {role: len(pids) for role, pids in self.gateway.processes().items()}
            wrong = difference(expected, found)
            if not wrong:
                return
            if time.monotonic() >= deadline:
                raise Failure(f"processes: {wrong} in {found}")
            time.sleep(0.02)

    def _second_instance(self, patterns, step):
        """Starts another headgated on the same run directory; it must say so and end."""
        self.device.run(" ".join(self.gateway.program()), self.network.topology.gateway,
                        {"exit": step.get("exit", 1), "error": patterns})

    def _no_secret_in(self, role, _step):
        """The CA's private key is nowhere in the memory of the role's processes, and they cannot open it."""
        secret = self._secret()
        for pid in self.gateway.processes().get(role, []):
            if secret in _memory(pid):
                raise Failure(f"the CA key is in the memory of {role} {pid}")
        if secret not in b"".join(_memory(pid) for pid in self.gateway.processes().get("signer", [])):
            raise Failure("the CA key is not even found in the signer: the search is blind")

    def _no_secret_in_core(self, role, _step):
        """Nor is it in what root gets by gcore, in either order of its bytes: the pages that hold it are not dumped."""
        secret, core = self._secret(), self._core(role)
        if secret in core or secret[::-1] in core or b"PRIVATE KEY" in core:
            raise Failure(f"the CA key is in a core dump of {role}")

    def _core(self, role):
        """Of one of the role's processes. A worker that stands still for seconds is replaced meanwhile."""
        for _ in range(5):
            pid = self.gateway.processes()[role][0]
            done = subprocess.run(["gcore", "-o", f"{self.directory}/core", str(pid)], capture_output=True, text=True)
            path = f"{self.directory}/core.{pid}"
            if done.returncode == 0 and os.path.exists(path) and os.path.getsize(path) > 100000:
                break
        else:
            raise Failure(f"gcore makes no core of {role}: {done.stdout}{done.stderr}")
        with open(path, "rb") as file:
            core = file.read()
        os.unlink(path)
        return core

    def _secret(self):
        """The private number as the signer has it in memory: little-endian, as OpenSSL keeps it."""
        path = f"{self.gateway.state_directory}/authority/authority.key"
        text = self.network.openssl("pkey", "-in", path, "-noout", "-text")
        digits = re.search(r"priv:\s+([0-9a-f:\s]+?)pub:", text)[1]
        return bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits))[-32:][::-1]

    def _identity(self, expected, _step):
        """identity: { worker: { root: false, capabilities: [NET_RAW] } } of every process of a role."""
        for role, wanted in expected.items():
            pids = self.gateway.processes().get(role)
            if not pids:
                raise Failure(f"there is no {role}")
            for pid in pids:
                found = difference(wanted, _identity(pid))
                if found:
                    raise Failure(f"{role} {pid}: {found}")

    def _confined(self, roles, _step):
        """confined: [worker, signer]: each live process keeps every line of tests/confinement/ROLE.service."""
        for role in roles:
            pids = self.gateway.processes().get(role)
            if not pids:
                raise Failure(f"there is no {role}")
            for pid in pids:
                try:
                    confinement.hold(pid, f"{TREE}/tests/confinement/{role}.service")
                except confinement.Loose as error:
                    raise Failure(f"{role} {pid}: {error}") from None

    # -- what must be seen in the end

    def _check(self):
        settle(self._check_servers)
        if "journal" in self.content or "journal-lines" in self.content:
            settle(self._check_journal)
        if "events" in self.content:
            settle(self._check_events)
        if "stderr" in self.content:
            settle(self._check_stderr)

    def _check_stderr(self):
        for pattern in self.content["stderr"]:
            if not any(re.search(pattern.removeprefix("~"), line) for line in self.gateway.said()):
                raise Failure(f"stderr: no line with {pattern!r}")

    def _check_servers(self):
        seen = [vars(self.network)["nginx"].seen(), [c for o in self.origins for c in o.connections]]
        for what, lines in zip(("server", "origin"), seen):
            expected = self.content.get(what)
            if expected == "nothing":
                if lines:
                    raise Failure(f"{what} saw {lines}")
            elif expected:
                find_all(what, expected, lines)
        for connection in seen[1]:
            if connection["error"]:
                raise Failure(f"origin {connection['at']}: {connection['error']}")

    def _check_journal(self):
        lines = self.gateway.journal()
        find_all("journal", self.content.get("journal", []), lines)
        count = self.content.get("journal-lines", len(lines))
        if count != len(lines):
            raise Failure(f"the journal has {len(lines)} lines, not {count}")

    def _check_events(self):
        expected = [{"event": one} if isinstance(one, str) else one for one in self.content["events"]]
        events = [event for event in self.gateway.events if "event" in event]
        if [one["event"] for one in expected] != [event["event"] for event in events]:
            raise Failure("events were " + " ".join(event["event"] for event in events))
        for one, event in zip(expected, events):
            found = difference(one, event)
            if found:
                raise Failure(f"event {one['event']}: {found}")

    # -- for people

    def diagnosis(self):
        """What the gateway said and wrote: lines for a failed test."""
        lines = []
        if self.gateway:
            lines += [f"stderr: {line}" for line in self.gateway.findings() or self.gateway.said()[-25:]]
            try:
                lines += [f"journal: {line}" for line in self.gateway.journal()[-6:]]
            except (OSError, ValueError) as error:
                lines.append(f"journal: {error}")
            lines += [f"event: {event.get('event')}" for event in self.gateway.events]
        for origin in self.origins if hasattr(self, "origins") else []:
            lines += [f"origin: {connection}" for connection in origin.connections]
        return [line[:1500] for line in lines]

    def finish(self, directory):
        """True when the network may serve another case."""
        clean = self.gateway.destroy() if self.gateway else True
        shutil.rmtree(directory, ignore_errors=True)
        return clean


def _memory(pid):
    """Everything that a process can write to and may have kept."""
    content = []
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            area, rights = line.split()[:2]
            if not rights.startswith("rw") or "[v" in line:
                continue
            start, end = (int(part, 16) for part in area.split("-"))
            try:
                memory.seek(start)
                content.append(memory.read(end - start))
            except OSError:
                continue
    return b"".join(content)


CAPABILITIES = {5: "KILL", 10: "NET_BIND_SERVICE", 12: "NET_ADMIN", 13: "NET_RAW"}


def _identity(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    bits = int(status["CapPrm"], 16) | int(status["CapEff"], 16)
    return {
        "root": "0" in status["Uid"].split(),
        "capabilities": [CAPABILITIES.get(bit, str(bit)) for bit in range(64) if bits >> bit & 1],
        "bounded": int(status["CapBnd"], 16) == bits,
        "no-new-privileges": status["NoNewPrivs"] == "1",
        "filtered": status["Seccomp"] == "2",
        "groups": len(status["Groups"].split()),
    }
