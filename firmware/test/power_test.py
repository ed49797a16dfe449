"""The power goes in the middle of an upgrade. Cuts fall anywhere between its first byte and the new slot's being good:
while it writes, while the box starts anew, while the new slot is on trial. What each would leave on the disk is
copied on the way; then the box is started from every one of these disks."""
import hashlib
import os
import random
import re
import subprocess
import time
from collections import Counter

from box_test import BOOT_SECONDS, READY, served
from machine import HEAVY, Broken
from moment import Moment, image

UPGRADE_SECONDS = 900
GOOD = r"slot [ab] is good"


class Upgrade:
    """One upgrade from the kept moment on, with the restart after it."""

    def __init__(self, box, moment, data):
        self.machine = box.machine
        moment.go_on()
        self.began = self.machine.processor_seconds()
        self.shell = self.machine.feeding("headgatectl upgrade - && reboot", data)

    def computed(self):
        return self.machine.processor_seconds() - self.began

    def phase(self):
        """How far it is."""
        if self.shell.poll() is None and not re.search(READY, self.machine.console, re.M):
            return "writing"
        if re.search(GOOD, self.machine.console):
            return "good"
        return "trial" if re.search(READY, self.machine.console, re.M) else "starting"

    def go_on_until(self, moment):
        """At most so many seconds of QEMU's computing. Beside other work they are the same piece of the way."""
        deadline = time.monotonic() + UPGRADE_SECONDS
        while self.computed() < moment and self.phase() != "good":
            if time.monotonic() > deadline:
                raise Broken(f"an upgrade has not ended in {UPGRADE_SECONDS} s: {self.machine.console[-1500:]}")
            time.sleep(0.01)
        return self.phase()

    def end(self):
        self.machine.power_off()
        self.shell.kill()
        self.shell.wait()


def partition_begins(disk, name):
    """Its first byte."""
    table = subprocess.run(["sfdisk", "-d", disk], capture_output=True, text=True, check=True).stdout
    return 512 * int(re.search(rf'start= *(\d+).*name="{name}"', table)[1])


def slot_is_whole(machine, disk, slot):
    """Whether root, kernel and first root of a slot are those that were signed, to the last byte."""
    def signed(part):
        with open(f"{machine.images}/{part}", "rb") as file:
            return file.read()
    root = signed("root")
    with open(disk, "rb") as file:
        file.seek(partition_begins(disk, f"root-{slot}"))
        if file.read(len(root)) != root:
            return False
    boot = f"{disk}@@{partition_begins(disk, 'boot')}"
    return all(subprocess.run(["mcopy", "-n", "-i", boot, f"::/headgate-{slot}/{part}", "-"], capture_output=True,
                              check=False).stdout == signed(part) for part in ("linux", "stage1"))


def starts_from(box, moment, path, authority):
    """The box serves from what was left of its disk, with its authority, from a slot that is whole; which one."""
    machine = box.machine
    plain = f"{machine.directory}/plain"
    image(f"convert -q -O raw {path} {plain}")
    moment.power_on_after(path)
    try:
        machine.await_console(READY, BOOT_SECONDS)
        slot, _, found = machine.shell("cat /run/headgate-box/slot; headgatectl authority export").partition("\n")
    finally:
        machine.power_off()
    if found != authority:
        raise Broken("the authority has changed")
    if not slot_is_whole(machine, plain, slot):
        raise Broken(f"slot {slot} was started and is not what was signed")
    return slot


def measure(box, moment, data):
    """What the upgrade computes until it has written everything, and until the new slot is good."""
    upgrade = Upgrade(box, moment, data)
    upgrade.shell.wait(UPGRADE_SECONDS)
    writing = upgrade.computed()
    if upgrade.go_on_until(UPGRADE_SECONDS) != "good":
        raise Broken("the upgrade as such")
    whole = upgrade.computed()
    upgrade.end()
    return writing, whole


def cut_often(box, moment, data, moments):
    """Runs the upgrade once more and holds it at these moments; the disks, each with how far the upgrade was."""
    upgrade, disks = Upgrade(box, moment, data), []
    for number, until in enumerate(moments):
        phase = upgrade.go_on_until(until)
        disks.append((f"{box.machine.directory}/cut-{number}", phase))
        moment.hold(disks[-1][0])
    upgrade.end()
    return disks


def survives_power_cuts(box):
    """The power may go at any moment of an upgrade and of the start after it."""
    cuts, chance, seen, began = int(os.environ.get("CUTS", "50" if HEAVY else "4")), random.Random(7), Counter(), time.monotonic()
    authority = box.machine.shell("headgatectl authority export; sync")
    with open(f"{box.machine.images}/image", "rb") as file:
        data = file.read()
    moment = Moment(box.machine)
    try:
        writing, whole = measure(box, moment, data)
        # Half of them while it writes, which is the shorter half.
        moments = sorted([chance.uniform(0, writing) for _ in range((cuts + 1) // 2)] +
                         [chance.uniform(writing, whole) for _ in range(cuts // 2)])
        started = {}  # what several cuts have left alike is started once
        for number, (path, phase) in enumerate(cut_often(box, moment, data, moments), 1):
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
            try:
                if digest not in started:
                    started[digest] = starts_from(box, moment, path, authority)
            except Broken as error:
                raise Broken(f"cut {number} of {cuts}, {phase}: {error}") from error
            seen[f"{phase}, then slot {started[digest]}"] += 1
            os.unlink(path)
    finally:
        moment.end()
    box.machine.power_on()
    box.machine.await_console(READY, BOOT_SECONDS)
    box.expect(served(), "-4", "http://good.example/")
    return (f"{cuts} cuts, {len(started)} different disks, in {time.monotonic() - began:.0f} s: " +
            "; ".join(f"{count} while {what}" for what, count in sorted(seen.items())))


POWER_TESTS = [survives_power_cuts]
