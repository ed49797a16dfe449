"""A gateway that is a whole machine under QEMU, in the place of the gateway of tests/network:

    device                        gateway (QEMU)                      server
    eth0 192.0.2.10 ───── TAP ─── eth1 in br-lan   eth0 ─── TAP ───── eth0 198.51.100.10 … .53

Both TAPs are made in a namespace of their own and moved to the hosts once QEMU holds them, so nothing is ever
in the machine's own network. Emulated (TCG) everywhere: slow, and the same on every machine.
"""
import io
import lzma
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tarfile
import threading
import time

from topology import DEVICE, DEVICE_MAC, SERVERS, Topology, ipv4, ipv6, run

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MEGABYTE = 1 << 20
HEAVY = bool(os.environ.get("HEAVY"))  # as long as a release wants it, not as long as a change does
SHELL_SECONDS = 120
# A machine's own EFI, as Debian packages it for QEMU.
FIRMWARE = {"x64": "/usr/share/OVMF/OVMF_CODE_4M.fd", "aa64": "/usr/share/AAVMF/AAVMF_CODE.fd"}


# For scripts in the guest: network namespaces of its own, and what others are named after.
SPACE = """space() { # FILE [-m]: a network namespace (and one of mounts); the id of its first process goes into the file
	busybox unshare -n $2 sleep 100000 & pid=$!
	until [ "$(cat /proc/$pid/comm)" = sleep ]; do busybox sleep 0.1; done
	echo $pid >$1
}
"""


class Broken(Exception):
    """What was expected of the machine did not happen."""


def settings_of(target):
    """The words of firmware/targets/TARGET."""
    settings = {}
    with open(f"{ROOT}/firmware/targets/{target}", encoding="utf-8") as file:
        for line in file:
            match = re.match(r'(\w+)="?([^"\n]*)"?$', line)
            if match:
                settings[match[1]] = match[2]
    return settings


def command_line():
    """What every kernel is told."""
    with open(f"{ROOT}/firmware/command-line", encoding="utf-8") as file:
        return " ".join(line.strip() for line in file if not line.startswith("#"))


def module_of(path):
    """The name that the kernel calls a module's file by."""
    return os.path.basename(path).partition(".")[0].replace("-", "_")


class MachineTopology(Topology):
    """Device and server as ever; between them two TAPs."""

    def open(self):
        for namespace in (self.device, self.gateway, self.server):
            run("ip", "netns", "add", namespace)
            self.set(namespace, "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
            self.ip(namespace, "link", "set", "lo", "up")
        for tap in ("tap-wan", "tap-lan"):
            self.ip(self.gateway, "tuntap", "add", tap, "mode", "tap")
            self.ip(self.gateway, "link", "set", tap, "up")

    def connect(self):
        """After QEMU has taken the TAPs: they go where the cables end."""
        self._move("tap-lan", self.device)
        self._move("tap-wan", self.server)
        self.ip(self.device, "link", "set", "eth0", "address", DEVICE_MAC)
        self.ip(self.device, "link", "set", "eth0", "up")
        self._address(self.device, "eth0", *(a + b for a, b in zip(DEVICE, ("/24", "/64"))))
        self._route(self.device, "192.0.2.1", "2001:db8:1::1")
        for host in SERVERS:
            self._address(self.server, "eth0", ipv4(host) + "/24", ipv6(host) + "/64")
        self._route(self.server, "198.51.100.1", "2001:db8:2::1")
        self._names()

    def _route(self, namespace, *gateways):
        """In the place of what a box that runs already has advertised."""
        for gateway in gateways:
            self.ip(namespace, "route", "replace", "default", "via", gateway)

    def _move(self, tap, namespace):
        self.ip(self.gateway, "link", "set", tap, "netns", namespace)
        self.ip(namespace, "link", "set", tap, "name", "eth0")
        self.ip(namespace, "link", "set", "eth0", "up")

    def disconnect(self):
        """Back before QEMU starts anew: a TAP is found by name in its namespace."""
        for namespace, tap in ((self.device, "tap-lan"), (self.server, "tap-wan")):
            self.ip(namespace, "link", "set", "eth0", "down")
            self.ip(namespace, "link", "set", "eth0", "name", tap)
            self.ip(namespace, "link", "set", tap, "netns", self.gateway)
            self.ip(self.gateway, "link", "set", tap, "up")


class Machine:
    """One box: a copy of the image's disk, and QEMU running it. Its console is a file and a list of lines."""

    def __init__(self, target, directory, topology, memory=None, efi=False):
        self.settings = settings_of(target)
        self.images = f"{ROOT}/build/firmware/{target}"
        self.directory = directory
        self.topology = topology
        self.efi = efi
        # The firmware of a real machine wants more for itself.
        self.memory = memory or ("320" if efi else self.settings["memory"])
        self.disk = f"{directory}/disk"
        self.format = "raw"
        self.monitor = f"{directory}/monitor"
        self.key = f"{directory}/id"
        self.process = None
        self.started = None
        self.console = ""
        subprocess.run(["cp", "--sparse=always", f"{self.images}/disk", self.disk], check=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)

    # ---- the owner's files on the boot partition ----

    def lay(self, files):
        """Puts text files on the boot partition, as an owner would with a card reader."""
        folders = {os.path.dirname(name) for name in files} - {""}
        for folder in sorted(folders):
            self._mtools("mmd", f"::/{folder}", check=False)
        for name, text in files.items():
            path = f"{self.directory}/laid"
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            self._mtools("mcopy", "-o", path, f"::/{name}")

    def lay_key(self):
        with open(f"{self.key}.pub", encoding="ascii") as file:
            self.lay({"authorized_keys": file.read()})

    def boot_files(self, folder):
        return self._mtools("mdir", "-b", f"::/{folder}").stdout.split()

    def copy_boot(self, folder):
        """All files of a new image's boot partition."""
        subprocess.run(["mcopy", "-s", "-n", "-i", f"{self.images}/disk@@{MEGABYTE}", "::/", folder], check=True,
                       env=dict(os.environ, MTOOLS_SKIP_CHECK="1"))

    def _mtools(self, command, *arguments, check=True):
        return subprocess.run([command, "-i", f"{self.disk}@@{MEGABYTE}", *arguments], check=check,
                              capture_output=True, text=True, env=dict(os.environ, MTOOLS_SKIP_CHECK="1"))

    # ---- power ----

    def power_on(self, *more):
        """With further options for QEMU."""
        console = f"{self.directory}/console"
        self._listener = socket.socket(socket.AF_UNIX)
        if os.path.exists(console):
            os.unlink(console)
        self._listener.bind(console)
        self._listener.listen(1)
        self.console = ""
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.topology.command(self.topology.gateway, *self._command(console), *more), start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=open(f"{self.directory}/qemu.log", "w", encoding="utf-8"))
        self._listener.settimeout(20)
        self._serial, _ = self._listener.accept()
        threading.Thread(target=self._listen, args=(self._serial,), daemon=True).start()
        self.topology.connect()

    def _command(self, console):
        command = [*shlex.split(self.settings["qemu"]), "-accel", "tcg", "-m", self.memory]
        command += shlex.split("-smp 1 -display none -nodefaults")
        command += ["-qmp", f"unix:{self.monitor},server=on,wait=off"]
        if self.efi:
            command += ["-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE[self.settings['efi']]}"]
        else:
            command += ["-kernel", self._kernel(), "-initrd", f"{self.images}/stage1", "-append",
                        f"console={self.settings['console']} {command_line()} {self.settings.get('options', '')}"]
        command += ["-drive", f"file={self.disk},format={self.format},if=none,id=disk",
                    "-device", "virtio-blk-pci,drive=disk,romfile=", "-serial", f"unix:{console}"]
        for number, tap in enumerate(("tap-wan", "tap-lan")):
            command += ["-netdev", f"tap,id=n{number},ifname={tap},script=no,downscript=no", "-device",
                        f"virtio-net-pci,netdev=n{number},mac=02:00:00:00:01:0{number},romfile="]
        return command

    def _kernel(self):
        """The kernel as QEMU takes it: what a board's loader would unpack, it is given unpacked."""
        path = f"{self.images}/linux"
        with open(path, "rb") as file:
            if file.read(3) != b"\x5d\0\0":
                return path
            file.seek(0)
            unpacked = f"{self.directory}/linux"
            with open(unpacked, "wb") as target:
                target.write(lzma.decompress(file.read()))
        return unpacked

    def _listen(self, serial):
        while True:
            try:
                data = serial.recv(65536)
            except OSError:
                return
            if not data:
                return
            self.console += data.decode("utf-8", "replace")

    def power_off(self):
        """Pulls the plug."""
        if not self.process:
            return
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        self._serial.close()
        self._listener.close()
        self.topology.disconnect()

    def power_cut(self):
        self.power_off()
        self.power_on()

    def await_console(self, pattern, seconds, since=0):
        """Waits for a line; returns the seconds since power came on."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if re.search(pattern, self.console[since:], re.M):
                return time.monotonic() - self.started
            if self.process.poll() is not None:
                raise Broken(f"QEMU has ended: {open(f'{self.directory}/qemu.log').read()}")
            time.sleep(0.05)
        raise Broken(f"no {pattern!r} on the console in {seconds} s; its end is:\n{self.console[-1500:]}")

    def processor_seconds(self):
        """What QEMU has computed since power came on: what an idle machine would take, whatever else this one does."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # ---- the owner's shell ----

    def _ssh(self, command):
        options = ["-i", self.key, "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={self.directory}/hosts",
                   "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "LogLevel=ERROR"]
        return self.topology.command(self.topology.device, "ssh", *options, "root@192.0.2.1", command)

    def shell(self, command, check=True, seconds=180):
        """Runs a command in the machine over SSH from the device; returns what it printed."""
        done = self._run(command, b"", seconds)
        if check and done.returncode:
            raise Broken(f"`{command}` in the machine: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def feed(self, command, data, seconds=300):
        """The same with standard input; returns what became of it."""
        return self._run(command, data, seconds)

    def _run(self, command, data, seconds):
        deadline = time.monotonic() + SHELL_SECONDS
        while True:
            done = subprocess.run(self._ssh(command), input=data, capture_output=True, timeout=seconds)
            done.stdout, done.stderr = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
            # A box that says ready may still be making its SSH key.
            if "Connection refused" not in done.stderr or time.monotonic() > deadline:
                return done
            time.sleep(0.5)

    def feeding(self, command, data):
        """The same without waiting for its end."""
        process = subprocess.Popen(self._ssh(command), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)

        def write():
            try:
                process.stdin.write(data)
                process.stdin.close()
            except OSError:
                pass
        threading.Thread(target=write, daemon=True).start()
        return process

    def bring(self, program):
        """Brings a program of Debian's that the image does not have, with its libraries; returns how to call it."""
        sysroot = f"{self.images}/sysroot"
        triplet = self.settings["triplet"]
        paths, todo = {}, [f"{sysroot}/{program}"]
        while todo:
            path = todo.pop()
            if os.path.basename(path) in paths:
                continue
            paths[os.path.basename(path)] = os.path.realpath(path)
            names = subprocess.run([f"{triplet}-readelf", "-d", path], capture_output=True, text=True, check=True).stdout
            for name in re.findall(r"\(NEEDED\).*\[(.*)\]", names):
                if not name.startswith(("libc.so", "ld")):  # those of the image are whole
                    todo += [found for folder in ("lib", "usr/lib")
                             if os.path.exists(found := f"{sysroot}/{folder}/{triplet}/{name}")][:1]
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as archive:
            for name, path in paths.items():
                archive.add(path, name)
        self._bring(data.getvalue())
        return f"env LD_LIBRARY_PATH=/tmp/brought /tmp/brought/{os.path.basename(program)}"

    def bring_modules(self, *names):
        """Loads modules of the kernel's package that only the tests want, and what they depend on."""
        tree = next(entry.path for entry in os.scandir(f"{self.images}/kernel/lib/modules"))
        with open(f"{tree}/modules.dep", encoding="ascii") as file:
            depends = {module_of(line.split(":")[0]): line.replace(":", "").split() for line in file}
        data, order = io.BytesIO(), []
        with tarfile.open(fileobj=data, mode="w") as archive:
            for name in names:
                for path in reversed(depends.get(name, [])):  # else it is built in
                    archive.add(f"{tree}/{path}", os.path.basename(path))
                    order.append(os.path.basename(path))
        if order:
            self._bring(data.getvalue())
            self.shell("cd /tmp/brought; for each in " + " ".join(order) + "; do "
                       "grep -q \"^$(echo ${each%.ko} | tr - _) \" /proc/modules || insmod $each || exit 1; rm -f $each; done")

    def _bring(self, archive):
        done = self.feed("mkdir -p /tmp/brought && tar -xf - -C /tmp/brought", archive)
        if done.returncode:
            raise Broken(done.stderr)

    def close(self):
        self.power_off()
        shutil.rmtree(self.directory, ignore_errors=True)
