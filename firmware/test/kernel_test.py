"""What needs a kernel with more than the tests' own has: nft's queue, netem. The guest's has it."""
import contextlib
import hashlib
import re

from box_test import refused, served
from machine import Broken

# Rules that only names decide: first packets visit the packet door, the kernel carries the rest.
NAMES_ONLY = "sed -i -e '/look inside/d' -e '/page/d' /state/etc/headgate.yaml && headgatectl reload"
LARGE = b"".join(b"line %08d of a large text\n" % number for number in range(131072))


@contextlib.contextmanager
def changed(box, command):
    """The policy, changed by a command in the machine, for a while."""
    box.machine.shell(f"cp /state/etc/headgate.yaml /tmp/kept && {command}")
    try:
        yield
    finally:
        box.machine.shell("cp /tmp/kept /state/etc/headgate.yaml && box-apply")


def download(box, url, **options):
    """Fetches the large text and looks at every byte of it."""
    wanted = hashlib.sha256(LARGE).hexdigest()
    box.expect(lambda code, http, body: code == 0 and http == "200" and hashlib.sha256(
        body[:len(LARGE)].encode()).hexdigest() == wanted, "-4", url, seconds=120, **options)


def processes(box):
    """Process ids by role; the supervisor is the parent of all."""
    told = re.findall(r'"process": *"(\w+)".*?"pid": *(\d+)', box.machine.shell("headgatectl --json status"))
    found = {role: pid for role, pid in told}
    found["supervisor"] = box.machine.shell(f"awk '{{ print $4 }}' /proc/{found['worker']}/stat").strip()
    return found


def door_down(box, when_down, judge):
    """With the packet door gone and nobody to bring it back, judge holds of a blocked name; then all is as before."""
    with changed(box, f"sed -i '1a when-down: {when_down}' /state/etc/headgate.yaml && {NAMES_ONLY}"):
        box.expect(refused, "-4", "https://bank.example/", root=box.root)
        pids = processes(box)
        box.machine.shell(f"kill -STOP {pids['supervisor']}; kill -9 {pids['packet']}")
        try:
            box.expect(judge, "-4", "https://bank.example/", root=box.root)
        finally:
            box.machine.shell(f"kill -CONT {pids['supervisor']}")
        box.expect(refused, "-4", "https://bank.example/", root=box.root)
        box.expect(served(), "-4", "https://good.example/", root=box.root)


def door_down_open(box):
    """nft's queue without the packet door: with `when-down: open` connections go on unseen, until the door is back."""
    door_down(box, "open", served())


def door_down_closed(box):
    """nft's queue without the packet door: with `when-down: closed` they are refused, until the door is back."""
    door_down(box, "closed", refused)


def survives_bad_wire(box):
    """Delay, loss, duplicates and reordering on both sides harm no byte, passed or inspected."""
    tc = box.machine.bring("sbin/tc")
    faults = "netem delay 30ms 10ms loss 2% duplicate 1% reorder 25%"
    box.machine.shell(f"modprobe sch_netem; {tc} qdisc replace dev eth0 root {faults} && "
                      f"{tc} qdisc replace dev eth1 root {faults}")
    try:
        download(box, "https://good.example/large.txt", root=box.root)
        download(box, "https://shop.example/large.txt", root=box.authority())
        lost = box.machine.shell(f"{tc} -s qdisc show dev eth1")
    finally:
        box.machine.shell(f"{tc} qdisc del dev eth0 root; {tc} qdisc del dev eth1 root")
    dropped = re.search(r"dropped (\d+)", lost)
    if not dropped or int(dropped[1]) == 0:
        raise Broken(f"nothing was lost: {lost}")
    return f"{dropped[1]} packets lost towards the device"


KERNEL_TESTS = [door_down_open, door_down_closed, survives_bad_wire]
