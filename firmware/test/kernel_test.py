"""What needs a kernel with more than the tests' own has: nft's queue, VLANs, netem, flowtables. The guest's has it."""
import contextlib
import hashlib
import re

from box_test import refused, served
from machine import SPACE, Broken

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


def restart_gateway(box, first):
    """Once the command has been run."""
    pid = processes(box)["supervisor"]
    box.machine.shell(f"{first}; kill {pid}; while [ -e /proc/{pid} ]; do sleep 0.2; done\n"
                      "for _ in $(seq 120); do ! headgatectl status >/dev/null 2>&1 || exit 0; sleep 0.5; done; exit 1")


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


# Only what the packet door has let go on: it carries the second value in the bits of `capture: { mark }`.
FLOWTABLE = """modprobe -a nft_flow_offload nf_flow_table_inet 2>/dev/null
nft -f - <<'END'
table inet fast {
	flowtable quick { hook ingress priority 0; devices = { eth0, br-lan }; }
	chain forward {
		type filter hook forward priority 10;
		ip protocol tcp tcp sport 443 counter comment "slow"
		ct mark & 0x07000000 == 0x01000000 meta l4proto tcp flow add @quick
	}
}
END"""


def offloads(box):
    """An owner's flowtable carries what was let pass after its visit; what is blocked stays blocked."""
    with changed(box, NAMES_ONLY):
        box.machine.shell(FLOWTABLE)
        try:
            download(box, "https://good.example/large.txt", root=box.root)
            table = box.machine.shell("nft list table inet fast")
            slow = re.search(r"counter packets (\d+)", table)
            # The text is some three thousand segments; without the flowtable all of them are counted.
            if not slow or not 0 < int(slow[1]) < 200:
                raise Broken(table)
            box.expect(refused, "-4", "https://bank.example/", root=box.root)
        finally:
            box.machine.shell("nft delete table inet fast")
        return f"{slow[1]} packets went the long way"


def survives_bad_wire(box):
    """Delay, loss, duplicates and reordering on both sides harm no byte, passed or inspected."""
    tc = box.machine.bring("sbin/tc")
    faults = "netem delay 30ms 10ms loss 2% duplicate 1% reorder 25%"
    box.machine.bring_modules("sch_netem")
    box.machine.shell(f"{tc} qdisc replace dev eth0 root {faults} && "
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


# A device on VLAN 20 of a further port, in a namespace of the guest. busybox calls the other end of vbox veth0.
VLAN = SPACE + """ip link add vbox type veth && ip link set vbox up
sed -i 's|^  dns:|    br-iot: { ports: vbox.20, address: 192.0.3.1/24, guest: true }\\n  dns:|' /state/etc/headgate.yaml
box-apply
space /tmp/iot
ip link set veth0 netns $pid
busybox nsenter -t $pid -n sh -c 'ip link set veth0 up
ip link add link veth0 name vdev.20 type vlan id 20; ip link set vdev.20 up
ip address add 192.0.3.10/24 dev vdev.20; ip route add default via 192.0.3.1'"""


def sees_vlan(box):
    """Devices on a VLAN of a port are a network of their own: judged, and kept out of the house."""
    box.machine.bring_modules("veth")
    with changed(box, "{ " + VLAN + "\n} </dev/null >/tmp/vlan.log 2>&1"):
        def inside(command):
            return box.machine.shell(f"busybox nsenter -t $(cat /tmp/iot) -n timeout 20 {command} 2>&1", check=False)
        try:
            passed, page = (inside(f"wget -O - --header 'Host: {host}' http://198.51.100.10/")
                            for host in ("good.example", "ads.example"))
            house = inside("nc -w 5 192.0.2.1 22 </dev/null")
            if "from 198.51.100.1" not in passed or "403" not in page or "SSH" in house:
                raise Broken("\n".join([passed, page, house, box.machine.shell("cat /tmp/vlan.log; ip address")]))
        finally:
            box.machine.shell("kill $(cat /tmp/iot); ip link del vbox; ip link del br-iot")


KERNEL_TESTS = [door_down_open, door_down_closed, offloads, survives_bad_wire, sees_vlan]
