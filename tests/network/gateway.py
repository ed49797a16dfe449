"""The gateway under test: headgated in the gateway's namespace, from start to a clean end."""
import glob
import json
import os
import re
import signal
import subprocess
import threading
import time

from dialogue import Failure
from topology import LAN

READY_SECONDS = 20
STOP_SECONDS = 15

# What the sanitizers say when a build under their eyes has a fault.
FINDING = re.compile(r"ERROR: \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")

DEFAULTS = {
    "headgate": "headgate: 1",
    "lan": f"lan: [{LAN}]",
    "trust": "trust: [{trust}]",
    "journal": "journal: {{ file: {journal} }}",
    # One device of the tests stands for many.
    "limits": "limits: {{ connections-per-device: 1000000, handshakes-per-device: 1000000 }}",
    "capture": "capture: {{ proxy: always }}",
}


def builds():
    """Where the programs are: $BUILD, or build."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return os.path.join(root, os.environ.get("BUILD") or "build")


class Gateway:
    """One headgated with its directories. Policies are completed with DEFAULTS for keys they lack."""

    def __init__(self, topology, trust, directory):
        self.topology = topology
        self.directory = directory
        self.run_directory = f"{directory}/run"
        self.state_directory = f"{directory}/state"
        self.policy = f"{directory}/headgate.yaml"
        self.journal_file = f"{directory}/log/journal.ndjson"
        self.authority_file = f"{directory}/authority.pem"
        self._trust = trust
        self._process = None
        self.descriptors = None  # RLIMIT_NOFILE, or as it is
        self.group = None        # the control group to run in, a directory
        self.workers = 2
        self.environment = {}    # beside ours
        self.file = f"{builds()}/headgated"
        self.before = None
        self._said = []
        self._ready = threading.Event()
        self.events = []
        os.makedirs(directory)
        os.chmod(directory, 0o755)

    def write_policy(self, text):
        values = {"trust": self._trust, "journal": self.journal_file}
        missing = [line.format(**values) for key, line in DEFAULTS.items()
                   if not re.search(rf"^{key}:", text, re.MULTILINE)]
        # Most cases are about what a worker does; those about the kernel plan say `proxy: needed`.
        if "proxy:" not in text:
            text = re.sub(r"^capture: \{", "capture: { proxy: always,", text, flags=re.MULTILINE)
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write("\n".join(missing) + "\n" + text)

    def program(self):
        limit = ["prlimit", f"--nofile={self.descriptors}"] if self.descriptors else []
        return [*limit, self.file, "--config", self.policy, "--run-directory", self.run_directory,
                "--state-directory", self.state_directory, "--workers", str(self.workers)]

    def command(self):
        """ip netns exec would hide the control groups."""
        if not self.group:
            return self.topology.command(self.topology.gateway, *self.program())
        return ["setpriv", "--pdeathsig", "KILL", "sh", "-c", f'echo 0 >{self.group}/cgroup.procs && exec "$@"', "sh",
                "nsenter", f"--net=/run/netns/{self.topology.gateway}", *self.program()]

    def start(self):
        """Also again after everything was killed; what must be left in the end is what was there first."""
        self.before = self.before or self.topology.state()
        if self._process:
            self._process.wait(STOP_SECONDS)
            self._listener.join(STOP_SECONDS)  # it also says "ready" when it ends
        self._ready.clear()
        self._process = subprocess.Popen(
            self.command(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, errors="replace",
            cwd=self.directory, start_new_session=True, env={**os.environ, **self.environment})
        self._listener = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._listener.start()
        if not self._ready.wait(READY_SECONDS) or self._process.poll() is not None:
            raise Failure("headgated did not become ready")

    def _listen(self, process):
        for line in process.stderr:
            self._said.append(line.rstrip("\n"))
            if re.search(r"\bready\b", line):
                self._ready.set()
        self._ready.set()

    def said(self):
        return list(self._said)

    def findings(self):
        """The sanitizers' reports, from the first on."""
        said = self.said()
        first = next((at for at, line in enumerate(said) if FINDING.search(line)), len(said))
        return said[first:first + 60]

    def check_findings(self):
        """After the end of all processes."""
        self._listener.join(5)
        if self.findings():
            raise Failure("the sanitizers found something")

    def control(self, *arguments, timeout=20):
        """Runs headgatectl; a subprocess.CompletedProcess."""
        return subprocess.run(
            self.topology.command(self.topology.gateway, f"{builds()}/headgatectl", "--run-directory",
                                  self.run_directory, *arguments),
            capture_output=True, text=True, timeout=timeout, cwd=self.directory)

    def status(self):
        """What `headgatectl status` says of the whole; its totals, for one."""
        return json.loads(self.control("--json", "status").stdout.splitlines()[0])

    def put_in_force(self, policy):
        """Writes the policy anew and reloads."""
        self.write_policy(policy)
        result = self.control("reload")
        if result.returncode:
            raise Failure(f"the policy is not taken over: {result.stdout}{result.stderr}")

    def export_authority(self):
        """The CA certificate as the owner would give it to the devices."""
        result = self.control("authority", "export")
        if result.returncode or "BEGIN CERTIFICATE" not in result.stdout:
            raise Failure(f"headgatectl authority export: {result.stdout}{result.stderr}")
        with open(self.authority_file, "w", encoding="ascii") as file:
            file.write(result.stdout)
        return self.authority_file

    def journal(self):
        lines = []
        for path in sorted(glob.glob(self.journal_file + "*"), reverse=True):
            with open(path, encoding="utf-8") as file:
                lines += [json.loads(line) for line in file if line.endswith("\n")]
        return lines

    def follow_events(self):
        """Collects `headgatectl events` in self.events from now on."""
        process = subprocess.Popen(
            self.topology.command(self.topology.gateway, f"{builds()}/headgatectl", "--run-directory",
                                  self.run_directory, "--json", "events"),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)

        def follow():
            for line in process.stdout:
                self.events.append(json.loads(line))

        threading.Thread(target=follow, daemon=True).start()
        time.sleep(0.5)  # until the workers know that somebody listens

    # -- its processes

    @property
    def pid(self):
        return self._process.pid

    def _roles(self):
        """Role by process id, as the gateway itself tells; empty when nobody answers."""
        try:
            lines = self.control("--json", "status", timeout=5).stdout.splitlines()
        except subprocess.TimeoutExpired:
            return {}
        told = [json.loads(line) for line in lines if line.startswith("{")]
        return {line["pid"]: line["process"] for line in told if "process" in line}

    def processes(self):
        """Process ids by role: supervisor, worker, signer, recorder, fetcher; "other" when nobody tells."""
        roles = {self.pid: "supervisor", **self._roles()}
        found = {}
        for pid in self.topology.pids(self.topology.gateway):
            try:
                program = os.path.basename(os.readlink(f"/proc/{pid}/exe")).removesuffix(" (deleted)")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if program == "headgated":
                found.setdefault(roles.get(pid, "other"), []).append(pid)
            elif program == "headgate-fetch":
                found.setdefault("fetcher", []).append(pid)
        return found

    def kill(self, role, number):
        """Sends the signal to every process of the role, or to all of them ("everything"). One that is being replaced is awaited."""
        deadline = time.monotonic() + 3
        while True:
            processes = self.processes()
            pids = sum(processes.values(), []) if role == "everything" else processes.get(role)
            if pids:
                break
            if time.monotonic() > deadline:
                raise Failure(f"there is no {role} among {processes}")
            time.sleep(0.02)
        for pid in pids:
            os.kill(pid, number)
        return pids

    # -- the end

    def stop(self):
        """SIGTERM, then nothing may be left: no process, no table, rule or route."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired as error:
                raise Failure(f"headgated does not stop within {STOP_SECONDS} s") from error
        if self._process.returncode:
            raise Failure(f"headgated ended with status {self._process.returncode}")
        self.check_gone()

    def check_gone(self):
        deadline = time.monotonic() + 2
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        if left:
            raise Failure(f"processes are left behind: {left}")
        for what, now in self.topology.state().items():
            if now != self.before[what]:
                raise Failure(f"{what} is not as before:\n{now}")

    def destroy(self):
        """Whatever its state; the namespace may be used again afterwards. True when all was clean."""
        if self._process is None:
            return True
        clean = self._process.poll() == 0
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for pid in self.topology.pids(self.topology.gateway):
            clean = False
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return clean and self.topology.state() == self.before
