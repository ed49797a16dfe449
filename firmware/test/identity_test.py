"""What a box is known by, its authority and its SSH key, is made by the box: no image holds a key, no two boxes share one."""
import os
import re
import subprocess
import tempfile

from cryptography.hazmat.primitives.serialization import load_der_private_key

from box_test import BOOT_SECONDS, READY
from machine import Broken, Machine

PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\r?\n(?:[A-Za-z-]+: [^\n]*\n)*\s*[A-Za-z0-9+/]{40}")
# A number of one byte, and what PKCS #8, PKCS #1 and SEC 1 have behind it.
DER = re.compile(rb"\x30(?=(?:[\x20-\x7f]|\x81.|\x82..)\x02\x01[\x00\x01][\x02\x04\x30])", re.S)
# Dropbear's: a name, then numbers of which some are secret. Each begins with letters, which makes the search quick.
DROPBEAR = [re.compile(pattern, re.S) for pattern in (
    rb"ssh-ed25519\x00\x00\x00\x40", rb"ssh-rsa\x00\x00\x00\x03\x01\x00\x01\x00\x00[\x01-\x04]",
    rb"ecdsa-sha2-nistp...\x00\x00\x00\x08nistp...\x00\x00\x00[\x41\x61\x85]\x04")]


def length_of(data):
    """Of a DER element, its head included."""
    if data[1] < 0x80:
        return 2 + data[1]
    count = data[1] & 0x7f
    return 2 + count + int.from_bytes(data[2:2 + count], "big")


def is_der_key(data):
    try:
        load_der_private_key(data[:length_of(data)], None)
    except Exception:  # pylint: disable=broad-except
        return False
    return True


def keys_in(data, known=frozenset()):
    """Private keys that stand in these bytes, each as its kind and its own first bytes; those that are known are left out."""
    found = {("PEM", at[0]) for at in PEM.finditer(data)}
    found |= {("Dropbear's", data[at.start():at.end() + 64]) for pattern in DROPBEAR for at in pattern.finditer(data)}
    found |= {("DER", data[at.start():at.start() + 64]) for at in DER.finditer(data) if is_der_key(data[at.start():at.start() + 8192])}
    return found - known


def blobs(machine):
    """All that an image consists of: the files of both roots as they are before they are packed, those of the boot
    partition, and the disk itself, in which the state is not packed."""
    with tempfile.TemporaryDirectory(dir=machine.directory) as boot:
        machine.copy_boot(boot)
        for top in (f"{machine.images}/root.root", f"{machine.images}/stage1.root", boot):
            for folder, _, names in os.walk(top):
                for name in names:
                    if os.path.isfile(path := f"{folder}/{name}"):
                        with open(path, "rb") as file:
                            yield os.path.relpath(path, os.path.dirname(top)), file.read()
    with open(f"{machine.images}/disk", "rb") as file:
        yield "disk", file.read()


def holds_no_key(box):
    """The image holds nobody's private key."""
    with open(f"{box.machine.images}/linux", "rb") as file:
        everybodys = keys_in(file.read())  # the kernel tests its own RSA with them
    found, files = [], 0
    for name, data in blobs(box.machine):
        files += 1
        found += [f"{kind} in {name}" for kind, _ in keys_in(data, everybodys)]
    if found:
        raise Broken(", ".join(found))
    return f"{files} files"


def identity(machine):
    """The authority's certificate, and the key that SSH clients see."""
    return (machine.shell("headgatectl authority export"),
            machine.shell("dropbearkey -y -f /state/ssh/ed25519 | grep '^ssh-ed25519'").split()[1])


def is_its_own(box):
    """Two boxes of the same image have different authorities and SSH keys, which lie on their own disks."""
    first = box.machine
    mine = identity(first)
    first.shell("sync")
    first.power_off()
    os.mkdir(directory := f"{box.directory}/second")
    second = Machine(box.target, directory, box.topology, first.memory, first.efi)
    try:
        box.lay(second)
        second.power_on()
        second.await_console(READY, BOOT_SECONDS)
        other = identity(second)
    finally:
        second.close()
        first.power_on()
    first.await_console(READY, BOOT_SECONDS)
    if mine[0] == other[0] or mine[1] == other[1] or "BEGIN CERTIFICATE" not in mine[0] + other[0]:
        raise Broken(f"{mine}\n{other}")
    # Else the test before has looked for something that keys do not look like.
    with open(first.disk, "rb") as file:
        kinds = {kind for kind, _ in keys_in(file.read())}
    if not {"PEM", "Dropbear's"} <= kinds:
        raise Broken(f"on the disk of a box that has its keys only these are found: {kinds}")


IDENTITY_TESTS = [holds_no_key, is_its_own]
