"""A state directory without room: what is in force stays in force, and who wants more is told what is missing."""
import os

from case import settle
from dialogue import Failure
from proof import Proof
from topology import run

MEGABYTES = 4
NAMES = 150_000  # too many for that
MANY = "".join(f"n{number}.big.example\n" for number in range(NAMES))
SOME = "".join(f"n{number}.some.example\n" for number in range(90_000))  # has room as it is, not while it is compiled
FEED = "198.51.100.40:7001"

POLICY = """
lists:
  ads: {{ names: ads.txt }}{lists}
rules:
  - {{ name: no ads, when: {{ host: list ads }}, do: {{ block: page }} }}{rules}
"""
NEW_RULE = "\n  - { name: new, when: { host: shop.example }, do: { block: page } }"


def policy(lists="", rules=""):
    return POLICY.format(lists=lists, rules=rules)


class Full(Proof):
    intent = "Where the state has no room, lists and policy stay as they were, and the owner is told what is missing"
    policy = policy()
    origins = [{"at": FEED, "script": [
        {"receive": "~\r\n\r\n"}, {"send": f"HTTP/1.1 200 OK\r\nContent-Length: {len(SOME)}\r\n\r\n{SOME}"}, {"close": None}]}]

    def run(self, network, directory):
        try:
            super().run(network, directory)
        finally:
            run("umount", "-l", self.gateway.state_directory, check=False)

    def _load(self, values):
        os.makedirs(self.gateway.state_directory)
        run("mount", "-t", "tmpfs", "-o", f"mode=755,size={MEGABYTES}m", "state", self.gateway.state_directory)
        self._write("ads.txt", "ads.example\n")
        return super()._load(values)

    def prove(self):
        self._is_served("ads.example", 403)
        self._a_new_list_has_no_room()
        self._a_longer_list_has_no_room()
        self._a_fetched_list_has_no_room()
        self._a_start_has_no_room()
        self._room_is_made()

    def _a_new_list_has_no_room(self):
        self._write("big.txt", MANY)
        self.gateway.write_policy(policy("\n  big: { names: big.txt }", NEW_RULE + "\n"
                                         "  - { name: big, when: { host: list big }, do: block }"))
        self._reloads(1, "no room in", "/state/lists: about ", " MB are needed there, 3 MB are free; make room",
                      "the policy before stays in force")
        self._says("status", "generation:          1", "lists not compiled:", "no room in")
        self._is_served("ads.example", 403)
        self._is_served("shop.example", 200)

    def _a_longer_list_has_no_room(self):
        self.gateway.write_policy(policy(rules=NEW_RULE))
        self._write("ads.txt", MANY)
        self._reloads(0, "no room in", "what was compiled before stays in force", "policy 2 is in force, with the lists of before")
        self._says("lists", "is not compiled: no room in")
        self._is_served("ads.example", 403)
        self._is_served("shop.example", 403)
        self._write("ads.txt", "ads.example\n")
        self._reloads(0, "policy 3 is in force\n")

    def _a_fetched_list_has_no_room(self):
        self.gateway.write_policy(policy(f'\n  feed: {{ names: none.txt, source: "http://{FEED}/" }}',
                                         "\n  - { name: fetched, when: { host: list feed }, do: { block: page } }"))
        self._reloads(0, "policy 4 is in force\n")
        self._says("lists", "what was fetched is not compiled: no room in")
        self._fill()
        self._says("status", "lists not compiled:")
        self.gateway.control("lists", "refresh")
        self._says("lists", "there is no room for the copy", "make room in the state directory")
        self._is_served("ads.example", 403)

    def _a_start_has_no_room(self):
        self._write("ads.txt", MANY)
        self.gateway.stop()
        self.gateway.start()
        self._says("status", "lists not compiled:", "no room in")
        self._is_served("ads.example", 403)

    def _room_is_made(self):
        os.unlink(f"{self.gateway.state_directory}/filler")
        self._write("ads.txt", "ads.example\nother.example\n")
        self._reloads(0, "policy 2 is in force\n")
        if "not compiled" in self.gateway.control("status").stdout:
            raise Failure("what is mended is told still")
        self._is_served("other.example", 403)

    # ---- words ----

    def _write(self, name, text):
        with open(f"{self.gateway.directory}/{name}", "w", encoding="ascii") as file:
            file.write(text)

    def _fill(self):
        """To the last byte."""
        with open(f"{self.gateway.state_directory}/filler", "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass

    def _reloads(self, status, *words):
        answer = self.gateway.control("reload")
        said = answer.stdout + answer.stderr
        if answer.returncode != status or not all(word in said for word in words):
            raise Failure(f"reload: status {answer.returncode}, not {status}, or without one of {words}:\n{said}")

    def _says(self, command, *words):
        def look():
            said = self.gateway.control(command).stdout
            if not all(word in said for word in words):
                raise Failure(f"{command}: without one of {words}:\n{said}")
        settle(look, 20)

    def _is_served(self, host, status):
        self.device.curl({"curl": f"http://{host}/", "status": status})
