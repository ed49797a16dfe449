"""Other cables than the plain ones: a provider who wants a login (PPPoE) and delegates a prefix, and ports that are VLANs.
Provider and switch are namespaces of the guest itself, because the tests' own kernel knows neither PPP nor VLANs:

    device ─── eth1 [ box ] line.7 ═══ veth0.7 [ provider: pppoe-server, dnsmasq, dhcp6s ] eth0 ─── server
    device ─── eth1 [ switch ] veth0 ═══ trunk [ box ] ; the same trunk … [ switch ] eth0 ─── server
"""
import contextlib
import re
import socket
import subprocess
import time

from box_test import POLICY, READY, lacks, refused, served
from kernel_test import download, restart_gateway
from machine import SPACE, Broken
from topology import inside, ipv4

LOGIN = 'wan: { port: line.7, pppoe: { user: "0123@provider.example", password: \'%s\' } }'
SECRET = 'a "b\\c #d'
# In a file of pppd's, a backslash stands before both.
SECRETS = '"0123@provider.example" * "a \\"b\\\\c #d" *\n'

# A namespace of the guest: its first process, and what runs a command in it. /etc there is its own.
NAMESPACE = SPACE + """modprobe -qa 8021q pppoe bridge
ip link add %(cable)s type veth && ip link set %(cable)s up
mkdir -p /tmp/%(name)s && rm -rf /tmp/%(name)s/* && cp -a /etc /tmp/%(name)s/etc
space /tmp/%(name)s/pid -m
printf '#!/bin/sh\\nexec busybox nsenter -t %%s -n -m "$@"\\n' $pid >/tmp/%(name)s/in
chmod +x /tmp/%(name)s/in
/tmp/%(name)s/in mount -o bind /tmp/%(name)s/etc /etc
ip link set veth0 netns $pid
"""
# Everything in it goes, and its ports come back.
LEAVE = """ns=$(readlink /proc/$(cat /tmp/%(name)s/pid)/ns/net)
for each in /proc/[0-9]*; do
	[ "$(readlink $each/ns/net)" != "$ns" ] || kill -9 ${each#/proc/}
done
for _ in $(seq 50); do
	! ip link show eth0 >/dev/null 2>&1 || ! ip link show eth1 >/dev/null 2>&1 || break
	sleep 0.2
done
ip link del %(cable)s
cp /tmp/kept /state/etc/headgate.yaml
box-apply
"""

PROVIDER = """ip link set eth0 netns $pid
mkdir -p /tmp/provider/etc/ppp
cat >/tmp/provider/etc/ppp/chap-secrets </tmp/secrets
cat >/tmp/provider/options <<'END'
auth
require-chap
logfile /tmp/provider/pppd.log
debug
+ipv6
ms-dns 198.51.100.53
mtu 1492
mru 1492
END
cat >/tmp/provider/etc/ppp/ipv6-up <<'END'
#!/bin/sh
export PATH=/sbin:/usr/sbin:/bin:/usr/bin
ip -6 address add 2001:db8:64::1/64 dev $1
ip -6 route add 2001:db8:77::/56 dev $1
killall -q dhcp6s
kill $(cat /tmp/provider/ra.pid 2>/dev/null) 2>/dev/null
dnsmasq --conf-file=/dev/null --user=root --port=0 --interface=$1 --enable-ra --dhcp-range=2001:db8:64::,ra-only \\
	--dhcp-leasefile=/tmp/provider/leases --pid-file=/tmp/provider/ra.pid
cat >/tmp/provider/dhcp6s.conf <<OF
host box { duid 00:03:00:01:$(cat /sys/class/net/line.7/address); prefix 2001:db8:77::/56 600 1200; };
OF
DHCP6S -f -c /tmp/provider/dhcp6s.conf $1 >/tmp/provider/dhcp6s.log 2>&1 </dev/null &
END
sed -i "s|DHCP6S|$DHCP6S|" /tmp/provider/etc/ppp/ipv6-up
chmod +x /tmp/provider/etc/ppp/ipv6-up
/tmp/provider/in sh -c 'mount -t tmpfs lib /var/lib; mkdir /var/lib/dhcpv6; ip link set lo up; ip link set veth0 up
ip link add link veth0 name veth0.7 type vlan id 7; ip link set veth0.7 up
ip link set eth0 up; ip address add 198.51.100.1/24 dev eth0; ip address add 2001:db8:2::1/64 dev eth0
sysctl -q -w net.ipv4.ip_forward=1; sysctl -q -w net.ipv6.conf.all.forwarding=1'
/tmp/provider/in $SERVER -I veth0.7 -L 10.64.0.1 -R 10.64.0.2 -N 4 -O /tmp/provider/options \\
	-q /usr/sbin/pppd -Q /tmp/brought/pppoe
box-apply
"""

# VLAN 10 is the internet, VLAN 20 the house; untagged at the plain ports, tagged on the trunk.
SWITCH = """ip link set eth1 nomaster
ip link set eth0 netns $pid
ip link set eth1 netns $pid
/tmp/switch/in sh -c 'ip link set veth0 up
for each in "10 eth0" "20 eth1"; do
	set -- $each
	ip link add name br$1 type bridge; ip link set br$1 up
	ip link add link veth0 name veth0.$1 type vlan id $1; ip link set veth0.$1 up; ip link set $2 up
	ip link set veth0.$1 master br$1; ip link set $2 master br$1
done'
ip link del br-lan
"""


def reached(box, seconds=90):
    """Waits until the box can be asked again."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return box.machine.shell("true", seconds=25)
        except (Broken, subprocess.TimeoutExpired):
            if time.monotonic() > deadline:
                raise


def detached(box, script):
    """Runs in the box, even while nobody can reach it, and waits until it has ended."""
    box.machine.feed("cat >/tmp/stage", script.encode())
    box.machine.shell("rm -f /tmp/staged; (sleep 1; sh /tmp/stage; echo done >/tmp/staged) </dev/null >/tmp/stage.log 2>&1 &")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        time.sleep(1)
        reached(box)
        if box.machine.shell("cat /tmp/staged 2>/dev/null", check=False).strip():
            return
    raise Broken(box.machine.shell("cat /tmp/stage.log"))


@contextlib.contextmanager
def rewired(box, name, cable, wiring, policy):
    """The guest with a namespace of its own between it and its cables, under another policy."""
    names = {"name": name, "cable": cable}
    box.machine.shell("cp /state/etc/headgate.yaml /tmp/kept")
    try:
        box.machine.feed("cat >/state/etc/headgate.yaml", policy.encode())
        box.machine.bring_modules("veth")
        detached(box, NAMESPACE % names + wiring)
        yield
    finally:
        try:
            detached(box, LEAVE % names)
        except (Broken, subprocess.TimeoutExpired):
            box.machine.power_cut()
            box.machine.await_console(READY, 240)


def with_wan(text):
    return re.sub(r"wan: \{.*?\}", lambda _: text, POLICY, count=1, flags=re.S)


def segment_size(box):
    """What the server may send at once on a connection that the kernel forwards."""
    with inside(box.topology.server):
        door = socket.create_server((ipv4(10), 9000))
    door.settimeout(30)
    with door:
        with inside(box.topology.device):
            device = socket.create_connection((ipv4(10), 9000), 30)
        with device, door.accept()[0] as server:
            return server.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)


def judged(box):
    """Pass, inspect, block by name and by lists: on whatever cable."""
    box.expect(served(), "-4", "https://good.example/", root=box.root)
    box.expect(served(), "-4", "https://shop.example/", root=box.authority())
    box.expect(served("403"), "-4", "http://ads.example/")
    box.expect(refused, "-4", "https://bank.example/", root=box.root)
    before = packets_of_list(box)
    box.expect(refused, "http://198.51.100.12:8080/")
    if packets_of_list(box) <= before:
        raise Broken("a listed address was not refused by the kernel")


def packets_of_list(box):
    return int(re.search(r'rule_hits_total\{rule="listed addresses",.*\} (\d+)', box.machine.shell("headgatectl metrics"))[1])


def own_address(box, network):
    """The address that the device has made itself, once it has one."""
    for _ in range(60):
        text = subprocess.run(["ip", "-n", box.topology.device, "-6", "address", "show", "dev", "eth0"],
                              capture_output=True, text=True, check=True).stdout
        found = re.search(rf"inet6 ({network}[0-9a-f:]*)/64", text)
        if found:
            return found[1]
        time.sleep(1)
    raise Broken(f"no address of {network} in\n{text}" + box.machine.shell(
        "ip -6 address; ip -6 route; cat /run/log/prefix /tmp/provider/dhcp6s.log /run/box/wan", check=False))


def await_router(box):
    """The device may know a router of the cabling before, and asks for that first."""
    for _ in range(30):
        if served()(*box.curl("-6", "http://good.example/", seconds=5)):
            return
        time.sleep(1)
    raise Broken("the device gets nothing by IPv6\n" + subprocess.run(
        ["ip", "-n", box.topology.device, "-6", "route", "show", "table", "all"], capture_output=True, text=True, check=True).stdout)


def await_login(box):
    for _ in range(60):
        if "10.64.0." in box.machine.shell("ip address show dev ppp0 2>/dev/null", check=False):
            return
        time.sleep(1)
    raise Broken(box.machine.shell("cat /run/log/login /tmp/stage.log; ps; ip link", check=False))


def logs_in(box):
    """A provider's login on a VLAN: rules hold, segments fit the line, and when the line dies it comes back."""
    if lacks(box, "/usr/sbin/pppd"):
        return "SKIP: this image is made without the part pppoe"
    server, dhcp = box.machine.bring("usr/sbin/pppoe-server"), box.machine.bring("usr/sbin/dhcp6s")
    box.machine.bring("usr/sbin/pppoe")
    box.machine.shell("modprobe pppoe")
    box.machine.bring_modules("ppp_async")  # pppoe-server's pppd sits at a terminal
    box.machine.feed("cat >/tmp/secrets", SECRETS.encode())
    since = len(box.machine.console)
    wiring = f"SERVER='{server}' DHCP6S='{dhcp}'\n{PROVIDER}"
    with rewired(box, "provider", "line", wiring, with_wan(LOGIN % "wrong")):
        try:
            box.machine.await_console(r"not logged in at the provider: .*uthentication", 60, since)
        except Broken as error:
            raise Broken(box.machine.shell("cat /run/log/login /tmp/stage.log /tmp/provider/pppd.log", check=False)) from error
        policy = with_wan(LOGIN % SECRET).replace('"2001:db8:1::1/64"', "auto")
        box.machine.feed("cat >/state/etc/headgate.yaml", policy.encode())
        box.machine.shell("box-apply")
        await_login(box)
        box.expect(lambda code, http, body: "from 10.64.0." in body, "-4", "http://good.example/")
        judged(box)
        size = segment_size(box)
        if not 1000 < size <= 1492 - 40:
            raise Broken(f"segments of {size} bytes do not fit the line")
        download(box, "https://good.example/large.txt", root=box.root)
        download(box, "https://shop.example/large.txt", root=box.authority())
        prefix = "" if lacks(box, "/usr/sbin/dhcpcd") else delegated(box)
        box.machine.shell("for pid in $(pidof pppd); do [ \"$(readlink /proc/$pid/ns/net)\" = \"$(readlink /proc/1/ns/net)\" ] || kill $pid; done")
        time.sleep(1)
        await_login(box)
        box.expect(served(), "-4", "https://good.example/", root=box.root)
        return f"segments of {size} bytes{prefix}"


def delegated(box):
    """The provider's prefix reaches the device, and the device the internet with it."""
    address = own_address(box, "2001:db8:77:")
    box.topology.ip(box.topology.device, "-6", "route", "del", "default", "via", "2001:db8:1::1")
    try:
        box.expect(lambda code, http, body: f"from {address}" in body, "-6", "--interface", address, "http://good.example/")
        box.expect(served("403"), "-6", "--interface", address, "http://ads.example/")
    finally:
        box.topology.ip(box.topology.device, "-6", "route", "append", "default", "via", "2001:db8:1::1")
    return f", IPv6 as {address}"


def on_a_stick(box):
    """One port, everything on VLANs of it: rules and lists hold."""
    policy = POLICY.replace("port: eth0", "port: trunk.10").replace("ports: eth1", "ports: trunk.20")
    with rewired(box, "switch", "trunk", SWITCH + "box-apply\n", policy):
        await_router(box)
        judged(box)
        box.expect(served("403"), "-6", "http://ads.example/")


# As on a Debian machine whose networks somebody else makes.
PLAIN = """ip link add link trunk name trunk.20 type vlan id 20; ip link set trunk.20 up
ip address add 192.0.2.1/24 dev trunk.20; ip address add 2001:db8:1::1/64 dev trunk.20
box-apply
nft insert rule inet box input iifname trunk.20 accept
nft insert rule inet box forward iifname trunk.20 accept
"""


def vlan_is_port(box):
    """A VLAN without a bridge is a port like any other: rules and lists hold there, too."""
    policy = re.sub(r"  lan:\n.*?\n", "", POLICY.replace("port: eth0", "port: trunk.10"), count=1, flags=re.S)
    with rewired(box, "switch", "trunk", SWITCH + PLAIN, policy + "lan: trunk.20\n"):
        await_router(box)
        for way in ("bpf", "nft"):
            # Which way is for a start to choose, not for a reload.
            restart_gateway(box, f"sed -i -e '/^lists-in/d' -e '1a lists-in: {way}' /state/etc/headgate.yaml")
            judged(box)
            box.expect(served("403"), "-6", "http://ads.example/")
            if not re.search(rf"lists in: *{way}", box.machine.shell("headgatectl status")):
                raise Broken(f"lists are not looked up by {way}")


UPLINK_TESTS = [logs_in, on_a_stick, vlan_is_port]
