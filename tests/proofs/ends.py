"""Every stage of a connection's life, ended by either side in every way: how the two ends hear of it, and what the
journal says. What must be seen stands in ends.table; TABLE=new writes what was seen to ends.table.new."""
import concurrent.futures
import os
import socket
import ssl
import time

from case import settle
from dialogue import Failure
from meeting import Meeting
from proof import Proof
from topology import ipv4
from vitals import sockets

TABLE = os.path.join(os.path.dirname(__file__), "ends.table")
AT_ONCE = 24
FIRST_PORT, HOLES = 7100, 7800  # what goes to ports from HOLES on vanishes
PATIENCE = 4                    # seconds, more than any limit below
GARBAGE = b"\x00garbage\xff" * 100

SSH = b"SSH-2.0-device\r\n"
GET = b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"
HALF_PUT = b"PUT / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 100000000\r\n\r\nhalf"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HALF_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\nhalf"
UPGRADE = b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n"

POLICY = """
capture: { proxy: always, tcp: [7100-7999] }
limits: { hello: 1 s, connect: 2 s, tls: 2 s, idle: 2 s, half-closed: 2 s }
rules:
  - { name: look, when: { host: shop.example }, do: inspect }
  - { name: page, when: { host: ads.example }, do: { block: page } }
  - { name: silence, when: { host: bank.example }, do: { block: drop } }
"""


# How a connection comes to stand where it is to be ended. Each takes a Meeting whose client has connected.

def nothing_said(_):
    pass


def half_a_hello(meeting):
    meeting.client.say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")


def half_a_head_peeked(meeting):
    meeting.client.say(GET[:30])


def both_silent(meeting):
    meeting.expect()


def connecting(meeting):
    meeting.client.say(SSH)


def securing_server(meeting):
    meeting.client.begin_tls(meeting.trusting, "shop.example")
    meeting.expect()
    meeting.server.peer.recv(65536)


def securing_client(meeting):
    meeting.client.begin_tls(meeting.trusting, "shop.example")
    meeting.expect()
    meeting.server.begin_tls(meeting.serving)
    meeting.server.shake_hands()
    meeting.client.peer.recv(1, socket.MSG_PEEK)


def relaying(meeting):
    meeting.client.say(SSH)
    meeting.expect()
    meeting.server.hear(SSH)


def client_has_finished(meeting):
    relaying(meeting)
    meeting.client.fin()
    time.sleep(0.1)


def server_has_finished(meeting):
    relaying(meeting)
    meeting.server.fin()
    time.sleep(0.1)


def held_up_downwards(meeting):
    relaying(meeting)
    meeting.server.fill()


def held_up_upwards(meeting):
    relaying(meeting)
    meeting.client.fill()


def both_secure(meeting):
    securing_client(meeting)
    meeting.client.shake_hands()


def relaying_inside_tls(meeting):
    both_secure(meeting)
    meeting.client.say(SSH)
    meeting.server.hear(SSH)


def between_requests(meeting):
    waiting_for_answer(meeting)
    meeting.server.say(ANSWER)
    meeting.client.hear(b"\r\n\r\nok")


def half_a_head(meeting):
    between_requests(meeting)
    meeting.client.say(GET[:30])


def reaching(meeting):
    meeting.client.say(GET)


def half_a_request(meeting):
    meeting.client.say(HALF_PUT)
    meeting.expect()
    meeting.server.hear(b"half")


def waiting_for_answer(meeting):
    meeting.client.say(GET)
    meeting.expect()
    meeting.server.hear(b"\r\n\r\n")


def half_an_answer(meeting):
    waiting_for_answer(meeting)
    meeting.server.say(HALF_ANSWER)
    meeting.client.hear(b"half")


def request_held_up(meeting):
    half_a_request(meeting)
    meeting.client.fill()


def answer_held_up(meeting):
    half_an_answer(meeting)
    meeting.server.fill()


def waiting_inside_tls(meeting):
    both_secure(meeting)
    meeting.client.say(GET)
    meeting.server.hear(b"\r\n\r\n")


def half_an_answer_inside_tls(meeting):
    waiting_inside_tls(meeting)
    meeting.server.say(HALF_ANSWER)
    meeting.client.hear(b"half")


def upgraded(meeting):
    meeting.client.say(UPGRADE)
    meeting.expect()
    meeting.server.hear(b"\r\n\r\n")
    meeting.server.say(SWITCH)
    meeting.client.hear(b"\r\n\r\n")


def page_shown(meeting):
    meeting.client.say(GET.replace(b"shop", b"ads"))
    meeting.client.peer.recv(1)


def alert_sent(meeting):
    meeting.client.begin_tls(meeting.trusting, "ads.example")


def dropped(meeting):
    meeting.client.begin_tls(meeting.trusting, "bank.example")


def request_dropped(meeting):
    meeting.client.say(GET.replace(b"shop", b"bank"))


CLIENT, SERVER = ["client fin", "client reset"], ["server fin", "server reset"]
SPOILT = ["client garbage"], ["server garbage"]

# What can happen where; "silence" only where the policy above bounds it.
SITUATIONS = {
    nothing_said: CLIENT,
    half_a_hello: [*CLIENT, "client garbage", "silence"],
    half_a_head_peeked: [*CLIENT, "silence"],
    both_silent: [*CLIENT, *SERVER],
    connecting: [*CLIENT, "silence"],
    securing_server: [*CLIENT, *SERVER, "server garbage", "silence"],
    securing_client: [*CLIENT, *SERVER, "client garbage", "silence"],
    relaying: [*CLIENT, *SERVER, "silence"],
    client_has_finished: ["client reset", *SERVER, "silence"],
    server_has_finished: [*CLIENT, "server reset", "silence"],
    held_up_downwards: [*CLIENT, *SERVER],
    held_up_upwards: [*CLIENT, *SERVER],
    relaying_inside_tls: [*CLIENT, *SERVER, "client goodbye", "server goodbye", "client garbage", "server garbage",
                          "silence"],
    between_requests: [*CLIENT, *SERVER, "client garbage", "server garbage"],
    half_a_head: [*CLIENT, *SERVER, "client garbage"],
    reaching: [*CLIENT, "silence"],
    half_a_request: [*CLIENT, *SERVER, "server garbage"],
    waiting_for_answer: [*CLIENT, *SERVER, "server garbage"],
    half_an_answer: [*CLIENT, *SERVER],
    request_held_up: [*CLIENT, *SERVER, "server garbage"],
    answer_held_up: [*CLIENT, *SERVER],
    waiting_inside_tls: [*CLIENT, *SERVER, "client goodbye", "server goodbye", "client garbage", "server garbage"],
    half_an_answer_inside_tls: [*CLIENT, *SERVER, "client goodbye", "server goodbye", "client garbage",
                                "server garbage"],
    upgraded: [*CLIENT, *SERVER],
    page_shown: [*CLIENT, "client garbage", "silence"],
    alert_sent: [*CLIENT, "client garbage", "silence"],
    dropped: [*CLIENT, "client garbage", "silence"],
    request_dropped: [*CLIENT, "client garbage", "silence"],
}
VANISHES = {connecting, reaching}


class Ends(Proof):
    intent = "Whatever stage a connection is in and however either side ends it: both hear of it, nothing stays"
    policy = POLICY

    def prove(self):
        self.workers = self.gateway.processes()["worker"]
        before = [sockets(pid) for pid in self.workers]
        self._make_contexts()
        self._on_server("nft 'add table inet hole; add chain inet hole in { type filter hook input priority 0; }; "
                        f"add rule inet hole in tcp dport {HOLES}-7999 drop'", {})
        try:
            self._prove_all()
        finally:
            self._on_server("nft delete table inet hole", {})
        self._check_nothing_stays(before)

    def _make_contexts(self):
        certificate = self.network.certificates.path("good")
        self.trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.trusting.load_verify_locations(self._trust("gateway"))
        self.serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.serving.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")

    def _prove_all(self):
        todo = [(situation, event) for situation, events in SITUATIONS.items() for event in events]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            met = list(pool.map(self._try, todo, range(len(todo))))
        reasons = settle(lambda: self._reasons(len(todo)))
        seen = {(situation.__name__.replace("_", " "), event): [*told, reasons.get(name, "no line")]
                for (situation, event), (told, name) in zip(todo, met)}
        self.measured(f"{len(seen)} ways to end")
        if os.environ.get("TABLE") == "new":
            write_table(seen)
        else:
            compare(seen, read_table())

    def _try(self, what, number):
        """How client and server hear of it, and the connection's name in the journal."""
        situation, event = what
        port = (HOLES if situation in VANISHES else FIRST_PORT) + number
        meeting = Meeting(self.network.topology, (ipv4(40), port))
        meeting.trusting, meeting.serving = self.trusting, self.serving
        try:
            meeting.connect()
            situation(meeting)
            told = self._end(meeting, event)
        except (Failure, OSError) as error:
            told = {"client": repr(error)}
        finally:
            meeting.close()
        return [told.get("client", "-"), told.get("server", "-")], (*meeting.name, port)

    @staticmethod
    def _end(meeting, event):
        who, _, how = event.partition(" ")
        if who == "silence":
            return meeting.outcome(PATIENCE)
        end = getattr(meeting, who)
        if how == "garbage":
            end.peer.sendall(GARBAGE)
        else:
            getattr(end, how)()
        return meeting.outcome(1)

    def _reasons(self, count):
        """Of every connection, by client's address, client's port, server's port."""
        reasons = {(*line["client"]["peername"], line["client"]["sockname"][1]): line["reason"]
                   for line in self.gateway.journal() if line["type"] == "connection"}
        if len(reasons) < count:
            raise Failure(f"{count} connections, {len(reasons)} lines in the journal")
        return reasons

    def _check_nothing_stays(self, before):
        deadline = time.monotonic() + 5
        while (after := [sockets(pid) for pid in self.workers]) != before:
            if time.monotonic() > deadline:
                raise Failure(f"the workers had {before} sockets, now {after}")
            time.sleep(0.1)
        if self.gateway.processes()["worker"] != self.workers:
            raise Failure("a worker has been replaced")


def read_table():
    """{ (situation, event): [client, server, journal] }; "a or b" allows either."""
    with open(TABLE, encoding="utf-8") as file:
        rows = [[cell.strip() for cell in line.split("|")] for line in file if line.strip() and line[0] != "#"]
    return {(row[0], row[1]): row[2:] for row in rows}


def write_table(seen):
    with open(f"{TABLE}.new", "w", encoding="utf-8") as file:
        for (situation, event), (client, server, reason) in seen.items():
            file.write(f"{situation:25} | {event:14} | {client:10} | {server:10} | {reason}\n")


def compare(seen, table):
    if set(seen) != set(table):
        raise Failure(f"ends.table has other rows: {sorted(set(seen) ^ set(table))}")
    wrong = [f"{situation}, {event}: {cells}, not {table[situation, event]}" for (situation, event), cells in seen.items()
             if any(cell not in allowed.split(" or ") for cell, allowed in zip(cells, table[situation, event]))]
    if wrong:
        raise Failure("\n".join(wrong))
