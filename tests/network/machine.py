"""A Debian of its own that boots a real systemd, in the place of a host of the test network: as the gateway,

    device ── lan0 [ gateway: systemd, dpkg, headgate.service ] wan0 ── server

or as the device. Its processes, mounts, host name and control groups are its own; its files are those of a root directory, and what it
changes of them is kept in memory and gone in the end. The root is the machine's that runs the test, or $DEBIAN, the
root of a fresh one.
"""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time

from dialogue import Failure

# Starts process 1 of the machine: $1 is the root below, $2 an empty directory, $3 the name of the control group.
BOOT = r"""
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 memory "$2"
cd "$2"
mkdir upper work root groups
mount -t cgroup2 groups groups
mkdir "groups/$3"
echo 0 >"groups/$3/cgroup.procs"
umount groups
exec unshare --cgroup --pid --uts --ipc --fork --kill-child sh -ec "$4" sh "$1" "$PWD"
"""

# In the namespaces: what a container's manager lays out (systemd.io/CONTAINER_INTERFACE). The settings of the kernel
# that are not the network's own are nobody's to change here, and nor is the clock.
LAY_OUT = r"""
mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" root "$2/root"
cd "$2/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
for each in abi debug dev fs kernel sunrpc user vm; do
	[ ! -d "proc/sys/$each" ] || { mount --bind "proc/sys/$each" "proc/sys/$each" && mount -o remount,bind,ro "proc/sys/$each"; }
done
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for each in null zero full random urandom tty; do
	: >"dev/$each"
	mount --bind "/dev/$each" "dev/$each"
done
: >dev/console
mount --bind /dev/null dev/console
head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >etc/machine-id
echo >>etc/machine-id
hostname machine
rm -f etc/resolv.conf etc/apt/apt.conf.d/20packagekit
mkdir old
pivot_root . old
cd /
umount -l old
rmdir old
exec env -i container=headgate-test PATH=/usr/sbin:/usr/bin:/sbin:/bin setpriv --bounding-set=-sys_time,-sys_module,-sys_boot,-sys_rawio \
	/lib/systemd/systemd --unit=basic.target --show-status=no --log-target=journal
"""

# What a container that runs the test may not do.
TRIAL = r"""
set -e
mount -t tmpfs memory "$2"
cd "$2"
mkdir upper work root groups
mount -t overlay -o "lowerdir=$1,upperdir=upper,workdir=work" root root
mount -t cgroup2 groups groups
mkdir "groups/$3"
rmdir "groups/$3"
"""

BOOT_SECONDS = 120


def missing():
    """What this machine lacks for it; a list of words."""
    root = os.environ.get("DEBIAN") or "/"
    lacking = [each for each in ("lib/systemd/systemd", "usr/bin/dpkg") if not os.path.exists(f"{root}/{each}")]
    with tempfile.TemporaryDirectory() as directory:
        trial = subprocess.run(["unshare", "--mount", "sh", "-c", TRIAL, "sh", root, directory, f"headgate-test-{os.getpid()}"],
                               capture_output=True, check=False)
    return lacking + ([] if trial.returncode == 0 else ["right to mount a root with control groups of its own"])


class Machine:
    """boot() to begin with, close() at the end, whatever happened; files are at the path that `at` says."""

    def __init__(self, namespace, directory):
        self._namespace = namespace
        self._directory = f"{directory}/machine"
        self._group = f"headgate-test-{os.getpid()}-{os.path.basename(directory)}"
        self._process = None
        self.pid = None  # of its process 1

    def boot(self):
        os.makedirs(self._directory)
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net=/run/netns/{self._namespace}", "unshare", "--mount",
             "sh", "-ec", BOOT, "sh", os.environ.get("DEBIAN") or "/", self._directory, self._group, LAY_OUT],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        deadline = time.monotonic() + BOOT_SECONDS
        while not self._is_up():
            if self._process.poll() is not None:
                raise Failure(f"no machine: {self._process.stdout.read()}")
            if time.monotonic() > deadline:
                raise Failure("systemd does not come up")
            time.sleep(0.05)

    def _is_up(self):
        """basic.target has been reached, and nothing waits any more."""
        children = f"/proc/{self._process.pid}/task/{self._process.pid}/children"
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(children, encoding="ascii") as file:
                self.pid = int(file.read().split()[0])
            if os.readlink(f"/proc/{self.pid}/exe").endswith("/systemd"):
                return self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")
        return False

    def at(self, path):
        """Where a file of the machine is to be found from here."""
        return f"/proc/{self.pid}/root{path}"

    def command(self, *command):
        return ["nsenter", "--target", str(self.pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
                f"--root=/proc/{self.pid}/root", f"--wd=/proc/{self.pid}/root", *command]

    def run(self, *command, patience=300, **options):
        """A subprocess.CompletedProcess, whatever the status."""
        return subprocess.run(self.command(*command), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                              check=False, timeout=patience, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                                                                  "DEBIAN_FRONTEND": "noninteractive"}, **options)

    def do(self, *command, patience=300):
        """What it says; Failure unless it succeeds."""
        result = self.run(*command, patience=patience)
        if result.returncode:
            raise Failure(f"{' '.join(command)}: status {result.returncode}: {result.stdout}{result.stderr}")
        return result.stdout

    def show(self, unit, name):
        """A property of a unit, as text."""
        return self.do("systemctl", "show", "--value", "--property", name, unit).strip()

    def log(self, unit):
        """What the unit has written into the machine's journal; a list of lines."""
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}").stdout.splitlines()

    def close(self):
        """With process 1 all others of its namespace end."""
        if not self._process:
            return
        if self._process.poll() is None:
            for pid in (self.pid, self._process.pid):
                with contextlib.suppress(OSError, TypeError):
                    os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._remove_groups()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _remove_groups(self):
        """Groups cannot be removed before the last process has gone, which takes a moment."""
        script = 'mount -t cgroup2 groups "$1" && for each in $(seq 50); do [ -d "$1/$2" ] || exit 0; ' \
                 'find "$1/$2" -depth -type d -exec rmdir {} + 2>/dev/null; sleep 0.1; done; exit 1'
        subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", self._directory, self._group], check=False)
