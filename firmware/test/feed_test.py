"""Lists that the box fetches by itself."""
import time

from box_test import READY, BOOT_SECONDS, served
from machine import Broken

FEED = """cp /state/etc/headgate.yaml /tmp/kept
sed -i -e 's|^lists:|lists:\\n  feed: { names: feed.txt, source: "https://good.example/lists/ads.txt", ca: root.pem }|' \\
  -e 's|^rules:|rules:\\n  - { name: fetched, when: { host: list feed }, do: { block: page } }|' /state/etc/headgate.yaml
headgatectl reload"""


def said_of_feed(box, words):
    """Waits until `headgatectl lists` says so of the list."""
    for _ in range(30):
        text = box.machine.shell("headgatectl lists")
        if any("feed" in line and words in line for line in text.splitlines()):
            return
        time.sleep(1)
    raise Broken(text)


def fetches(box):
    """A list is fetched over TLS, not with a clock that is years behind, and outlives its server and a restart."""
    box.machine.shell("echo $(date +%s) >/tmp/now; date -s 2001-01-01 >/dev/null")
    try:
        box.machine.shell(FEED)
        box.machine.shell("headgatectl lists refresh")
        said_of_feed(box, "yet valid")
        box.expect(served(), "-4", "http://other.example/")
    finally:
        box.machine.shell("date -s @$(($(cat /tmp/now) + 10)) >/dev/null")
    box.machine.shell("headgatectl lists refresh")
    said_of_feed(box, " 2 ")
    box.expect(served("403"), "-4", "http://other.example/")
    since = len(box.machine.console)
    box.machine.shell("sed -i 's|https://good.example/lists|https://good.example:9/lists|' /state/etc/headgate.yaml; reboot", check=False)
    box.machine.await_console(READY, BOOT_SECONDS, since)
    box.expect(served("403"), "-4", "http://other.example/")
    box.machine.shell("sed -i -e '/^  feed:/d' -e '/name: fetched/d' /state/etc/headgate.yaml; headgatectl reload")


FEED_TESTS = [fetches]
