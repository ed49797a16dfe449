"""What a box must do, in the order of an owner's first day. Each function is a test: its first line is the
name, what it returns is told behind it."""
import contextlib
import gzip
import os
import re
import shutil
import subprocess
import time

from certificates import Certificates
from machine import HEAVY, ROOT, Broken, Machine, MachineTopology
from servers import NameServer, Nginx
from topology import make_directory

# The prompt of the console may stand before it, on the same line.
READY = r"(?:^|console\. )ready\r?$"
BOOT_SECONDS = 240  # beside other work; what an idle machine takes is told

POLICY = """
headgate: 1
box:
  name: testbox
  wan: { port: eth0, address: 198.51.100.1/24, router: 198.51.100.10,
         address6: "2001:db8:2::1/64", router6: "2001:db8:2::10" }
  lan:
    br-lan: { ports: eth1, address: 192.0.2.1/24, address6: "2001:db8:1::1/64" }
  dns: 198.51.100.53
trust: root.pem
journal: { file: /run/log/headgate/journal.ndjson, rotate: 1 MB, keep: 1 }
lists:
  listed: { names: lists/names.txt }
  bad: { addresses: lists/addresses.txt }
rules:
  - { name: no ads, when: { host: ads.example }, do: { block: page } }
  - { name: listed names, when: { host: list listed }, do: block }
  - { name: listed addresses, when: { address: list bad }, do: block }
  - { name: look inside, when: { host: shop.example }, do: inspect }
"""
MORE = "  - { name: now blocked, when: { host: other.example }, do: { block: page } }\n"


class Box:
    """The machine, the hosts beside it, and what the device does."""

    def __init__(self, target, memory, efi=False):
        self.target = target
        self.directory = make_directory()
        self.topology = MachineTopology()
        self.topology.open()
        self.machine = Machine(target, self.directory, self.topology, memory, efi)
        self.servers = []
        self.certificates = self.root = None
        self.seconds = self.computed = None  # from power on to ready: on the clock, and of QEMU's processor time
        self.first = None  # what became of the very first connections, made at once

    def open(self):
        self.certificates = Certificates(f"{self.directory}/certificates")
        self.root = self.certificates.path("root.pem")
        self.lay(self.machine)
        self.machine.power_on()
        self.servers = [Nginx(self.topology, self.certificates, f"{self.directory}/nginx"), NameServer(self.topology)]
        self.seconds = self.machine.await_console(READY, BOOT_SECONDS)
        self.computed = self.machine.processor_seconds()
        self.first = [self.curl("-4", f"http://{name}/")[:2] for name in ("good.example", "ads.example")]

    def lay(self, machine):
        """What the owner lays on the boot partition of a new box."""
        with open(self.root, encoding="ascii") as file:
            root = file.read()
        machine.lay({
            "headgate/headgate.yaml": POLICY, "headgate/root.pem": root,
            "headgate/lists/names.txt": "bank.example\n", "headgate/lists/addresses.txt": "198.51.100.12\n"})
        machine.lay_key()

    def curl(self, *arguments, seconds=20, root=None):
        """The device's curl: exit status, HTTP status, body."""
        command = ["curl", "-sS", "-m", str(seconds), "-w", "\\n%{http_code}", *arguments]
        if root:
            command += ["--cacert", root]
        done = subprocess.run(self.topology.command(self.topology.device, *command), capture_output=True,
                              text=True, timeout=seconds + 20)
        body, _, status = done.stdout.rpartition("\n")
        return done.returncode, status, body + done.stderr

    def expect(self, wanted, *arguments, **options):
        for _ in range(3):  # an emulated machine may be late once
            result = self.curl(*arguments, **options)
            if wanted(*result):
                return
            time.sleep(1)
        raise Broken(f"curl {' '.join(arguments)}: exit {result[0]}, status {result[1]}: {result[2][:600]}")

    def authority(self):
        text = self.machine.shell("headgatectl authority export")
        path = f"{self.directory}/authority.pem"
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def close(self):
        for server in self.servers:
            server.close()
        self.machine.close()
        self.topology.close()


def served(status="200"):
    return lambda code, http, body: code == 0 and http == status


def refused(code, _, body):
    return code not in (0, 28)


def lacks(box, path):
    return not box.machine.shell(f"ls {path} 2>/dev/null", check=False).strip()


def bytes_of_parts(box):
    """What the parts that this image was made with beyond those of its target may add."""
    with open(f"{box.machine.images}/root.root/usr/share/headgate/parts", encoding="ascii") as file:
        extra = set(file.read().split()) - set(box.machine.settings.get("parts", "").split())
    return sum(int(re.search(r"(?m)^bytes=(\d+)", open(f"{ROOT}/firmware/parts/{part}", encoding="ascii").read())[1])
               for part in extra)


def fits_flash(box):
    """The root, and all that lies in flash, are within their bounds."""
    sizes = {part: os.path.getsize(f"{box.machine.images}/{part}") for part in ("linux", "stage1", "root")}
    more = bytes_of_parts(box)
    most = int(box.machine.settings["root_bytes"]) + more
    flash = int(box.machine.settings.get("flash_bytes", "0")) and int(box.machine.settings["flash_bytes"]) + more or sum(sizes.values())
    if sizes["root"] > most or sum(sizes.values()) > flash:
        raise Broken(f"{sizes}: {most} bytes of root and {flash} in all are allowed")
    return f"root {sizes['root']} of {most} bytes, in all {sum(sizes.values())} of {flash}"


def starts(box):
    """It says ready on the console, and then what rules let through is served at once, what they block is not."""
    box.machine.await_console(READY, 1)
    if box.first != [(0, "200"), (0, "403")]:
        raise Broken(f"the first connections: {box.first}")
    return f"{box.seconds:.1f} s after power on, {box.computed:.1f} s of them computing"


def passes(box):
    """What no rule is about passes, over IPv4 masqueraded as the box."""
    box.expect(lambda code, http, body: http == "200" and "from 198.51.100.1" in body, "-4",
               "http://good.example/")
    box.expect(served(), "-4", "https://good.example/", root=box.root)


def passes_ipv6(box):
    """Over IPv6 servers see the address that the device made from the box's advertisement."""
    box.expect(lambda code, http, body: http == "200" and "from 2001:db8:1:" in body,
               "-6", "http://good.example/")


def blocks_by_name(box):
    """A blocked name gets its page."""
    box.expect(served("403"), "http://ads.example/")


def blocks_by_list(box):
    """A name of a list and an address of a list are refused."""
    box.expect(refused, "https://bank.example/", root=box.root)
    box.expect(refused, "http://198.51.100.12/")


def inspects(box):
    """TLS is opened with the box's own authority, and the server was verified."""
    box.expect(served(), "https://shop.example/", root=box.authority())
    box.expect(refused, "https://shop.example/", root=box.root)


def serves_names(box):
    """The box answers questions for names."""
    answer = box.machine.shell("nslookup good.example 127.0.0.1", check=False)
    if "198.51.100.10" not in answer:
        raise Broken(answer)


def runs_parts(box):
    """Every part of the box runs."""
    running = box.machine.shell("ps")
    for part in ("headgated", "dnsmasq", "dropbear", "ntpd"):
        if part not in running:
            raise Broken(f"no {part} in\n{running}")


def closed_outside(box):
    """From the internet side no door is open, from the LAN SSH alone."""
    for port in (22, 53, 80, 443):
        code = subprocess.run(box.topology.command(box.topology.server, "curl", "-s", "-m", "2",
                                                   f"telnet://198.51.100.1:{port}"), stdin=subprocess.DEVNULL).returncode
        if code not in (7, 28):
            raise Broken(f"port {port} answers from outside: {code}")


def reloads(box):
    """A changed policy is taken over."""
    box.machine.shell(f"printf '%s' '{MORE}' >>/state/etc/headgate.yaml && headgatectl reload")
    box.expect(served("403"), "http://other.example/")


def watches(box):
    """Where rules ask for names alone, nft's queue shows first packets to the door and the kernel carries the rest."""
    box.machine.shell("cp /state/etc/headgate.yaml /tmp/kept && sed -i -e '/look inside/d' -e '/page/d' "
                      "/state/etc/headgate.yaml && headgatectl reload")
    try:
        rules = box.machine.shell("nft list table inet headgate")
        if "goto watch." not in rules:
            raise Broken(rules)
        box.expect(served(), "-4", "https://good.example/", root=box.root)
        box.expect(refused, "-4", "https://bank.example/", root=box.root)
    finally:
        box.machine.shell("cp /tmp/kept /state/etc/headgate.yaml && headgatectl reload")


def listed_in_kernel(box):
    """Listed addresses are refused by the kernel itself, on ports that no worker sees."""
    box.expect(refused, "http://198.51.100.12:8080/")
    table = box.machine.shell("nft list table inet headgate")
    count = re.search(r"counter rule_3 \{\s*packets (\d+)", table)
    if not count or int(count[1]) == 0:
        raise Broken(table[:1500])
    return f"{count[1]} packets"


BIG = """cp /state/etc/headgate.yaml /tmp/kept
sed -i -e 's|^lists:|lists:\\n  names: { names: lists/big-names.txt }\\n  numbers: { addresses: lists/big-addresses.txt }|' \\
  -e 's|^rules:|rules:\\n  - { name: big names, when: { host: list names }, do: { block: page } }\\n'\\
'  - { name: big numbers, when: { address: list numbers }, do: block }|' /state/etc/headgate.yaml"""


def name_of(number):
    """Scattered as names are, none twice."""
    return f"{number * 2654435761 % 2**32:08x}.{('com', 'net', 'org', 'de', 'info', 'example')[number % 6]}"


def address_of(number):
    return f"10.{number // 16384 % 256}.{number // 64 % 256}.{4 * number % 256}"


def lay_big(box, entries):
    """Puts the lists into the machine; none of its own programs would make them quickly."""
    texts = {"big-names": "".join(f"{name_of(number)}\n" for number in range(entries)),
             "big-addresses": "".join(f"{address_of(number)}\n" for number in range(entries))}
    for name, text in texts.items():
        done = box.machine.feed(f"gunzip >/state/etc/lists/{name}.txt", gzip.compress(text.encode()), seconds=900)
        if done.returncode:
            raise Broken(done.stderr)


@contextlib.contextmanager
def big_lists(box, entries):
    """With a list of so many names and one of as many addresses in force; how long taking them over took."""
    small = "cp /tmp/kept /state/etc/headgate.yaml; rm -f /state/etc/lists/big-*; headgatectl reload"
    try:
        lay_big(box, entries)
        box.machine.shell(BIG)
        began, computed = time.monotonic(), box.machine.processor_seconds()
        box.machine.shell("headgatectl reload", seconds=900)
        took = f"{time.monotonic() - began:.0f} s ({box.machine.processor_seconds() - computed:.0f} s of them computing)"
        for name, wanted in ((name_of(entries - 1), "403"), (name_of(entries), "200")):
            box.expect(served(wanted), "--resolve", f"{name}:80:198.51.100.10", f"http://{name}/")
        box.expect(refused, f"http://{address_of(entries - 1)}/")
        yield took
    except Exception:
        box.machine.shell(small, check=False, seconds=900)
        raise
    box.machine.shell(small, seconds=900)


def holds_lists(box):
    """With a hundred thousand names and as many addresses traffic goes on: nothing is written, nothing killed."""
    entries, minutes, done = int(os.environ.get("ENTRIES", "100000")), float(os.environ.get("MINUTES", "10" if HEAVY else "0.5")), 0
    root = box.authority()
    with big_lists(box, entries) as took:
        before = written(box)
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end:
            for judge, url, options in (
                    (served(), "http://good.example/large.txt", {}), (served(), "https://good.example/", {"root": box.root}),
                    (served(), "https://shop.example/large.txt", {"root": root}), (served("403"), "http://ads.example/", {}),
                    (refused, "https://bank.example/", {"root": box.root}), (refused, "http://198.51.100.12/", {})):
                box.expect(judge, "-4", url, seconds=60, **options)
                done += 1
        if written(box) != before:
            raise Broken(f"{(written(box) - before) * 512} bytes were written")
        return (f"{entries} of each, taken over in {took}; {done} connections in {minutes:g} minutes; " +
                fits_memory(box))


def survives_worker(box):
    """A killed worker is replaced."""
    box.machine.shell("kill -9 $(headgatectl --json status | sed -n 's/.*\"process\": *\"worker\".*\"pid\": *\\([0-9]*\\).*/\\1/p' | head -n 1)",
                      check=False)
    box.expect(served(), "http://good.example/")


def keeps_state(box):
    """A reboot keeps policy and authority."""
    before = box.machine.shell("headgatectl authority export")
    since = len(box.machine.console)
    box.machine.shell("reboot", check=False)
    began = time.monotonic()
    box.machine.await_console(READY, BOOT_SECONDS, since)
    box.expect(served("403"), "http://other.example/")
    if box.machine.shell("headgatectl authority export") != before:
        raise Broken("the authority has changed")
    return f"{time.monotonic() - began:.0f} s"


def written(box):
    """Sectors written to the disk, now that all is there that the tests before have written."""
    return int(box.machine.shell("sync; cat /sys/block/vda/stat").split()[6])


def fits_memory(box):
    """Nothing was killed for want of memory."""
    # Not every kernel counts them; the log of a busy one may have lost them.
    text = box.machine.shell("cat /proc/meminfo; grep oom_kill /proc/vmstat; echo oom_kill $(dmesg | grep -c 'Out of memory')")
    if re.search(r"oom_kill [1-9]", text):
        raise Broken(box.machine.shell("dmesg | tail -20"))
    available = int(re.search(r"MemAvailable: *(\d+)", text)[1])
    return f"{available // 1024} MB of {box.machine.memory} MB are free"


def slot_of(box):
    return box.machine.shell("cat /run/headgate-box/slot").strip()


def restart(box, seconds=BOOT_SECONDS):
    since = len(box.machine.console)
    box.machine.shell("reboot", check=False)
    box.machine.await_console(READY, seconds, since)
    return since


def refuses_strangers(box):
    """An upgrade that is damaged, cut short or signed by a stranger is refused and changes nothing."""
    with open(f"{box.machine.images}/image", "rb") as file:
        image = file.read()
    head = image.index(b"\n\n") + 2
    broken = {"stranger": image.replace(b"version ", b"version 9", 1), "short": image[:head + 5000],
              "damaged": image[:-1] + bytes([image[-1] ^ 1]), "nothing": b"hello"}
    for name, data in broken.items():
        answer = box.machine.feed("headgatectl upgrade -", data)
        if answer.returncode != 1 or "as it was" not in answer.stderr + answer.stdout:
            raise Broken(f"{name}: exit {answer.returncode}: {answer.stdout}{answer.stderr}")
    slot = slot_of(box)
    restart(box)
    if slot_of(box) != slot:
        raise Broken("a refused image was started")


def upgrades(box):
    """An upgrade starts from the other slot, which is good once it serves."""
    before = slot_of(box)
    with open(f"{box.machine.images}/image", "rb") as file:
        answer = box.machine.feed("headgatectl upgrade -", file.read())
    if answer.returncode:
        raise Broken(answer.stdout + answer.stderr)
    since = restart(box)
    box.machine.await_console(r"slot [ab] is good", 60, since)
    if slot_of(box) == before:
        raise Broken(f"still slot {before}")
    box.expect(served(), "-4", "http://good.example/")
    return f"{before} to {slot_of(box)}"


def bad_image(box):
    """An image that starts and never serves, signed as it should be."""
    work = f"{box.directory}/bad"
    os.makedirs(work)
    shutil.copytree(f"{box.machine.images}/root.root", f"{work}/root.root", symlinks=True)
    with open(f"{work}/root.root/usr/sbin/headgated", "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nsleep 1000\n")
    # Two minutes of patience are for real machines.
    approve = f"{work}/root.root/etc/init.d/approve"
    with open(approve, encoding="ascii") as file:
        text = file.read()
    with open(approve, "w", encoding="ascii") as file:
        file.write(text.replace("tries=120", "tries=3"))
    subprocess.run(["mksquashfs", f"{work}/root.root", f"{work}/root", "-quiet", "-no-progress", "-comp", "xz",
                    "-all-root", "-no-xattrs"], check=True, stdout=subprocess.DEVNULL)
    for part in ("linux", "stage1", "kernel"):
        os.symlink(f"{box.machine.images}/{part}", f"{work}/{part}")
    subprocess.run([f"{ROOT}/firmware/bundle", box.target], check=True, env=dict(
        os.environ, WORK=work, FIRMWARE_KEY=os.environ.get("FIRMWARE_KEY", f"{ROOT}/build/firmware/image.key")))
    return f"{work}/image"


def falls_back(box):
    """An upgrade that never serves is tried three times, then the old slot comes back by itself."""
    before = slot_of(box)
    with open(bad_image(box), "rb") as file:
        answer = box.machine.feed("headgatectl upgrade -", file.read())
    if answer.returncode:
        raise Broken(answer.stdout + answer.stderr)
    since = restart(box, 4 * BOOT_SECONDS)
    tried = box.machine.console[since:].count("does not serve: starting again")
    if slot_of(box) != before or tried != 3:
        raise Broken(f"slot {slot_of(box)} after {tried} tries")
    box.expect(served(), "-4", "http://good.example/")


def resets(box):
    """A factory reset leaves nothing of the owner's, and makes a new authority."""
    before = box.machine.shell("headgatectl authority export")
    since = len(box.machine.console)
    box.machine.shell("echo yes | factory-reset", check=False)
    box.machine.await_console(READY, BOOT_SECONDS, since)
    os.unlink(f"{box.directory}/hosts")  # the box has a new key of its own
    if box.machine.shell("headgatectl authority export") == before:
        raise Broken("the authority is still there")
    # What the owner has laid on the boot partition is taken over anew.
    box.expect(served("403"), "http://ads.example/")
    box.expect(served(), "-4", "http://other.example/")


TESTS = [fits_flash, starts, passes, passes_ipv6, blocks_by_name, blocks_by_list, inspects, serves_names, runs_parts, closed_outside,
         reloads, watches, listed_in_kernel, holds_lists, survives_worker, fits_memory, keeps_state,
         refuses_strangers, upgrades, falls_back, resets]
