"""TLS in the kernel (kTLS), which the tests' own kernel lacks: client and server in namespaces of the guest let its kernel
encrypt, and so would the gateway, if it did what its openssl.cnf says. /proc/net/tls_stat counts in each namespace."""
import contextlib
import hashlib
import re

from box_test import lacks, served
from kernel_test import LARGE, changed, restart_gateway
from machine import SPACE, Broken

SWITCHED_ON = """openssl_conf = all
[all]
ssl_conf = protocols
[protocols]
system_default = owner
[owner]
Options = KTLS
"""

# busybox calls the other end of a pair veth0. The box's firewall knows nothing of the further port.
CABLES = SPACE + """wired() { # NAME CABLE
	ip link add $2 type veth && ip link set $2 up
	space /tmp/ktls/$1
	ip link set veth0 netns $pid
}
within() { name=$1; shift; busybox nsenter -t $(cat /tmp/ktls/$name) -n "$@"; }
sed -i 's|^  dns:|    br-ktls: { ports: vclient, address: 192.0.3.1/24 }\\n  dns:|' /state/etc/headgate.yaml
wired client vclient
wired server vserver
box-apply
ip address add 203.0.113.1/24 dev vserver
for each in iifname oifname; do nft insert rule inet box forward $each vserver accept; done
within client sh -c 'ip link set veth0 up; ip address add 192.0.3.10/24 dev veth0; ip route add default via 192.0.3.1'
within server sh -c 'ip link set veth0 up; ip address add 203.0.113.10/24 dev veth0; ip route add default via 203.0.113.1'
"""
LEAVE = """kill -9 $(cat /tmp/ktls/client /tmp/ktls/server) $(pidof openssl)
for each in vclient vserver br-ktls; do ip link del $each; done
rm -rf /tmp/ktls
"""

# Init starts it again; the machine's openssl.cnf is the file above.
SWITCH = """sed '2i export OPENSSL_CONF=/tmp/ktls/openssl.cnf' /etc/init.d/headgate >/tmp/ktls/headgate
chmod +x /tmp/ktls/headgate
mount -o bind /tmp/ktls/headgate /etc/init.d/headgate"""


def counted(box, space=None):
    """Connections whose keys the kernel got: to send with, to receive with."""
    within = f"busybox nsenter -t $(cat /tmp/ktls/{space}) -n " if space else ""
    text = box.machine.shell(within + "cat /proc/net/tls_stat")
    return tuple(int(re.search(rf"Tls{way}Sw\s+(\d+)", text)[1]) for way in ("Tx", "Rx"))


def fetch(box, openssl, name, authority, version):
    """By OpenSSL's own tools, and every byte of it; for names of shop.example it is opened on the way. s_server waits
    half a second for a client that is late, and then resets."""
    said = ""
    for _ in range(3):
        box.machine.shell(
            f"cd /tmp/ktls; printf 'GET /large.txt HTTP/1.0\\r\\nHost: {name}\\r\\n\\r\\n' | "
            f"busybox nsenter -t $(cat client) -n timeout 90 env OPENSSL_CONF=/tmp/ktls/openssl.cnf {openssl} s_client -quiet "
            f"-verify_return_error -CAfile {authority} -servername {name} -verify_hostname {name} -connect 203.0.113.10:443 "
            f"{version} >answer 2>client.log", check=False)
        said = box.machine.shell("cd /tmp/ktls; sed '1,/^\r$/d' answer | sha256sum; tail -n 3 client.log server.log")
        if hashlib.sha256(LARGE).hexdigest() in said:
            return
    raise Broken(f"{name} {version}: {said}")


def lay_files(box, certificates):
    with contextlib.ExitStack() as stack:
        texts = {name: stack.enter_context(open(certificates.path(name), encoding="ascii")).read()
                 for name in ("good.pem", "good.key", "root.pem")}
    texts.update({"openssl.cnf": SWITCHED_ON, "large.txt": LARGE.decode(), "authority.pem": box.machine.shell("headgatectl authority export")})
    box.machine.shell("mkdir -p /tmp/ktls")
    for name, text in texts.items():
        box.machine.feed(f"cat >/tmp/ktls/{name}", text.encode())


def ktls_stays_theirs(box):
    """Where client and server let the kernel encrypt (kTLS), connections pass and are opened, and no key of ours gets there."""
    box.machine.bring_modules("veth", "tls", "ctr", "gcm", "ghash_generic")
    if lacks(box, "/proc/net/tls_stat"):
        return "SKIP: this kernel has no TLS"
    openssl = box.machine.bring("usr/bin/openssl")
    lay_files(box, box.certificates)
    with changed(box, "{ set -x; " + CABLES + "} </dev/null >/tmp/ktls.log 2>&1 || { cat /tmp/ktls.log; false; }"):
        try:
            restart_gateway(box, SWITCH)
            # Without -sendfile: with it, Linux 6.1 may keep records in the server's queue and never send them.
            box.machine.shell(
                f"cd /tmp/ktls; busybox nsenter -t $(cat server) -n env OPENSSL_CONF=/tmp/ktls/openssl.cnf {openssl} s_server "
                "-accept 203.0.113.10:443 -cert good.pem -key good.key -WWW -quiet </dev/null >server.log 2>&1 &")
            for version in ("-tls1_3", "-tls1_2"):
                fetch(box, openssl, "good.example", "root.pem", version)
                fetch(box, openssl, "shop.example", "authority.pem", version)
            box.expect(served(), "-4", "https://shop.example/", root=box.authority())
            client, server, ours = counted(box, "client"), counted(box, "server"), counted(box)
            if min(client[0], server[0]) < 4 or ours != (0, 0):
                raise Broken(f"keys in the kernel: client {client}, server {server}, ours {ours}: " + box.machine.shell("cat /tmp/ktls.log"))
        finally:
            box.machine.shell(LEAVE, check=False)
            restart_gateway(box, "umount /etc/init.d/headgate")
    return f"keys in the kernel: {client[0]} of the client's, {server[0]} of the server's, none of ours"


KTLS_TESTS = [ktls_stays_theirs]
