"""C02, C09: clients that speak TLS wrongly, in every place where a client can: hello, key exchange, Finished, records before,
between and after, in TLS 1.2 and 1.3. What tlsfuzzer asks of a server, written anew from the RFCs and said by
tests/network/handmade.py: each conversation must end with the alert that the RFC names, or be served where it is right.
Whoever is refused hears no byte of the origin's, and others are served as before."""
import concurrent.futures
import random
import socket
import ssl

from device import resolve
from dialogue import Failure
from proof import Proof
from topology import inside

try:
    from handmade import *
    from handmade import Client, Over
except ImportError:  # without python3-cryptography nothing is said
    Client = None

HOST = "good.example"
GET = f"GET /by-hand HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
AT_ONCE = 16
SERVED = {"served"}
GREASE = 0x3a3a


def alert(*names):
    return set(names)


REFUSED = {"decode_error", "reset"}  # by the gateway itself, before a TLS library has seen it (E08)
UNEXPECTED, DECODE, ILLEGAL = alert("unexpected_message"), alert("decode_error"), alert("illegal_parameter")
HANDSHAKE_FAILURE, DECRYPT, BAD_MAC = alert("handshake_failure"), alert("decrypt_error"), alert("bad_record_mac")
# For a record shorter than its cipher needs OpenSSL before 3.0.22 blames itself; it refuses it all the same.
TOO_SHORT = BAD_MAC | (alert("internal_error") if ssl.OPENSSL_VERSION_INFO < (3, 0, 0, 22) else set())


def hello(change):
    """A conversation that is right but for its hello."""
    def play(client):
        change(client.hello)
        client.open()
        client.finish()
    return play


def put(number, data):
    return hello(lambda hello: hello.put(number, data))


def drop(*gone):
    return hello(lambda hello: hello.drop(*gone))


def give(**members):
    return hello(lambda hello: vars(hello).update(members))


def after_flight(say):
    """What is said in place of Finished."""
    def play(client):
        client.open()
        if client.version == TLS12:
            client.exchange()
        say(client)
    return play


def instead_of_key_exchange(say):
    def play(client):
        client.open()
        say(client)
    return play


def finished(change):
    """A Finished that is not the right one: change(its 4 + n bytes)."""
    return after_flight(lambda client: client.say(HANDSHAKE, change(client.finished())))


def body(change):
    return finished(lambda right: message(FINISHED, change(right[4:])))


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def later(say):
    """What is said when the handshake is done."""
    def play(client):
        client.open()
        client.finish()
        say(client)
    return play


def says(kind, data, times=1, padding=0):
    def say(client):
        for _ in range(times):
            client.say(kind, data, padding)
    return say


def clear(kind, data):
    """In the clear, whatever keys there are."""
    return lambda client: client.send(record(kind, data))


def spoilt(at):
    """A sealed record with one bit turned."""
    return lambda client: client.send(flip(client.seal(DATA, GET), at))


def shuffled(client_hello):
    random.Random(5).shuffle(client_hello.extensions)


def greased(client_hello):
    client_hello.ciphers.insert(0, GREASE)
    client_hello.extensions.insert(0, (GREASE, b""))
    client_hello.put(10, vector(2, numbers(GREASE, X25519, P256)))
    if 43 in dict(client_hello.extensions):
        client_hello.put(43, vector(1, numbers(GREASE, TLS13)))
    client_hello.extensions.append((0x4a4a, b"\0"))


def share(*entries):
    return vector(2, b"".join(numbers(group) + vector(2, key) for group, key in entries))


def twice(number):
    return hello(lambda hello: hello.extensions.append((number, dict(hello.extensions)[number])))


def raw(change):
    """The hello's own bytes changed."""
    def play(client):
        client.send(record(HANDSHAKE, change(client.hello.message())))
        client.hear()
    return play


def in_records(*records):
    def play(client):
        client.send(*(record(kind, data) for kind, data in (one(client.hello.message()) if callable(one) else one
                                                             for one in records)))
        client.hear()
    return play


def asked_again(change):
    """A hello without a share is asked for one (RFC 8446 section 4.1.4): change() makes the second."""
    def play(client):
        client.hello.put(51, vector(2, b""))
        first = client.hello.message()
        client.send(record(HANDSHAKE, first))
        _, retry = client.hear()
        client.transcript = message(254, hash_of(first)) + retry
        client.hello.put(51, share((X25519, client.share)))
        change(client.hello)
        client.open()
        client.finish()
    return play


def ticket(change):
    """The second of two connections: with the ticket of the first, which change() may spoil."""
    def play(client):
        first = client.another()
        first.open()
        first.finish()
        client.offer(*first.take_ticket())
        change(client.hello)
        client.open()
        client.finish()
    return play


def untouched(_):
    pass


def spoil_binder(client_hello):
    client_hello.put(41, flip(dict(client_hello.extensions)[41], -1))


def spoil_ticket(client_hello):
    client_hello.put(41, flip(dict(client_hello.extensions)[41], 20))


def ask_for_keys(client):
    client.say(HANDSHAKE, message(KEY_UPDATE, b"\1"))
    client.renew_writing()
    client.say(DATA, GET)
    while client.next(TICKET, KEY_UPDATE)[0] != KEY_UPDATE:
        pass
    client.renew_reading()


def new_keys_in_parts(client):
    whole = message(KEY_UPDATE, b"\0")
    client.say(HANDSHAKE, whole[:2])
    client.say(HANDSHAKE, whole[2:])
    client.renew_writing()


def finished_in_parts(client):
    """Each byte a record."""
    right = client.finished()
    client.transcript += right
    for at in range(len(right)):
        client.say(HANDSHAKE, right[at:at + 1])
    client.use_last_keys()


def finished_and_more(client):
    client.say(HANDSHAKE, client.finished() + message(KEY_UPDATE, b"\0"))


def change_first(client):
    client.send(record(CHANGE_CIPHER, b"\1"))
    client.finish()


def same_record_twice(client):
    sealed = client.seal(DATA, b"G")
    client.send(sealed, sealed)


def between_parts(client):
    client.say(HANDSHAKE, message(KEY_UPDATE, b"\0")[:2])
    client.say(DATA, GET)


def early_change(client):
    """CVE-2014-0224."""
    client.send(record(CHANGE_CIPHER, b"\1"))


def exchange_twice(client):
    client.send(record(HANDSHAKE, client.key_exchange() * 2))


def finished_in_the_clear(client):
    client.tell(client.key_exchange())
    client.make_keys()
    client.send(record(HANDSHAKE, client.finished()))


def unasked_certificate(client):
    client.send(record(HANDSHAKE, message(CERTIFICATE, b"\0\0\0")))


def change_of(data):
    def say(client):
        client.tell(client.key_exchange())
        client.make_keys()
        client.send(record(CHANGE_CIPHER, data))
    return say


def change_twice(client):
    client.tell(client.key_exchange())
    client.make_keys()
    client.send(record(CHANGE_CIPHER, b"\1") * 2)


def again(client):
    """Another handshake inside the first (C09)."""
    client.say(HANDSHAKE, client.hello.message())


def key_exchange(data):
    return instead_of_key_exchange(lambda client: client.send(record(HANDSHAKE, message(CLIENT_KEY, data))))


def floods(kind, data):
    """Until the other end has had enough, or a bound that no honest client comes near."""
    return later(says(kind, data, times=400))


NOTHING = message(KEY_UPDATE, b"\0")
OLD_RECORD, NEW_RECORD = 16384 + 2048, 16384 + 256

# What is said, what the RFC says about it, how, and what must come of it.
MODERN = (
    ("all right", "8446 2", hello(untouched), SERVED),
    ("GREASE everywhere", "8701 3.1", hello(greased), SERVED),
    ("extensions in any order", "8446 4.2", hello(shuffled), SERVED),
    ("an old version on the hello", "8446 4.2.1", give(version=0x0301), SERVED),
    ("no session id", "8446 4.1.2", give(session=b""), SERVED),
    ("unknown ciphers beside ours", "8446 4.1.2", give(ciphers=[0xabcd, 0x1304, 0x1301]), SERVED),
    ("a share more, of a group nobody knows", "8446 4.2.8",
     hello(lambda hello: (hello.put(10, vector(2, numbers(0xabcd, X25519))),
                          hello.put(51, share((0xabcd, b"?"), (X25519, hello.extensions and dict(hello.extensions)[51][6:]))))), SERVED),
    ("a hello without a share, then one", "8446 4.1.4", asked_again(untouched), SERVED),
    ("a ticket", "8446 2.2", ticket(untouched), SERVED),
    ("a ticket that nobody gave", "8446 4.2.11", ticket(spoil_ticket), SERVED),
    ("a ChangeCipherSpec for middleboxes", "8446 D.4", lambda client: (client.open(), change_first(client)), SERVED),
    ("Finished in records of one byte", "8446 5.1", lambda client: (client.open(), finished_in_parts(client)), SERVED),
    ("padding", "8446 5.4", later(says(DATA, b"", padding=16384)), SERVED),
    ("some records without data", "8446 5.1", later(says(DATA, b"", times=8)), SERVED),
    ("new keys, and ours asked for", "8446 4.6.3", later(ask_for_keys), SERVED),
    ("new keys, in two records", "8446 5.1", later(new_keys_in_parts), SERVED),

    ("no version of ours", "8446 4.2.1", put(43, b"\2\3\5"), alert("protocol_version")),
    ("no versions", "8446 4.2.1", put(43, b"\0"), DECODE),
    ("versions of an odd length", "8446 4.2.1", put(43, b"\3\3\4\3"), DECODE),
    ("no cipher of ours", "8446 4.1.1", give(ciphers=[0x1304, 0x1305]), HANDSHAKE_FAILURE),
    ("ciphers of TLS 1.2 alone", "8446 4.1.1", give(ciphers=[AES_12]), HANDSHAKE_FAILURE),
    ("no ciphers", "8446 4.1.2", give(ciphers=[]), DECODE | ILLEGAL | REFUSED),
    ("compression", "8446 4.1.2", give(compressions=b"\1\0"), ILLEGAL),
    ("no way without compression", "8446 4.1.2", give(compressions=b"\1"), ILLEGAL | DECODE),
    ("no compression methods", "8446 4.1.2", give(compressions=b""), ILLEGAL | DECODE | REFUSED),
    ("a session id of 33 bytes", "8446 4.1.2", give(session=b"s" * 33), DECODE | ILLEGAL | REFUSED),
    ("no groups", "8446 9.2", drop(10), alert("missing_extension")),
    ("no shares", "8446 9.2", drop(51), alert("missing_extension")),
    ("no signatures", "8446 9.2", drop(13), alert("missing_extension")),
    ("signatures nobody knows", "8446 4.2.3", put(13, vector(2, numbers(0xabcd))), HANDSHAKE_FAILURE),
    ("SHA-1 alone", "8446 4.2.3", put(13, vector(2, numbers(0x0203, 0x0201))), HANDSHAKE_FAILURE),
    ("RSA alone, where the leaf is ECDSA", "8446 4.4.2.2", put(13, vector(2, numbers(0x0804))), HANDSHAKE_FAILURE),
    ("signatures of an odd length", "8446 4.2.3", put(13, vector(2, b"\4\3\4")), DECODE),
    ("no signature in the list", "8446 4.2.3", put(13, vector(2, b"")), DECODE),
    ("groups nobody knows", "8446 4.2.7", hello(lambda hello: (hello.put(10, vector(2, numbers(0xabcd))),
                                                                hello.put(51, share((0xabcd, b"x"))))), HANDSHAKE_FAILURE),
    ("a group of TLS 1.2, no more allowed", "8446 4.2.7", hello(lambda hello: (
        hello.put(10, vector(2, numbers(0x0013))), hello.put(51, share((0x0013, b"\4" + b"x" * 48))))), HANDSHAKE_FAILURE),
    ("groups of an odd length", "8446 4.2.7", put(10, vector(2, b"\0\x1d\0")), DECODE),
    ("a share of a group that is not offered", "8446 4.2.8", put(10, vector(2, numbers(P256))), ILLEGAL),
    ("a share one byte short", "8446 4.2.8.2", put(51, share((X25519, b"x" * 31))), ILLEGAL | DECODE),
    ("a share one byte long", "8446 4.2.8.2", put(51, share((X25519, b"x" * 33))), ILLEGAL | DECODE),
    ("an empty share", "8446 4.2.8", put(51, share((X25519, b""))), ILLEGAL | DECODE),
    ("a share of zeros", "8446 7.4.2", put(51, share((X25519, bytes(32)))), ILLEGAL | HANDSHAKE_FAILURE | alert("internal_error")),
    ("a point beside the curve", "8446 4.2.8.2", hello(lambda hello: (
        hello.put(10, vector(2, numbers(P256))), hello.put(51, share((P256, b"\4" + b"x" * 64))))), ILLEGAL),
    ("a compressed point", "8446 4.2.8.2", hello(lambda hello: (
        hello.put(10, vector(2, numbers(P256))), hello.put(51, share((P256, b"\2" + b"x" * 32))))), ILLEGAL),
    ("shares cut short", "8446 4.2.8", put(51, b"\0\x24\0\x1d\0\x20"), DECODE),
    ("asked again, still without a share", "8446 4.1.2", asked_again(lambda hello: hello.put(51, vector(2, b""))), ILLEGAL),
    ("asked again, with another cipher", "8446 4.1.2",
     asked_again(lambda hello: vars(hello).update(ciphers=[0x1302])), ILLEGAL),
    ("asked again, with an older version", "8446 4.1.2", asked_again(lambda hello: hello.drop(43)),
     ILLEGAL | alert("protocol_version", "unexpected_message")),
    ("an extension twice", "8446 4.2", twice(13), ILLEGAL | DECODE | REFUSED),
    ("a ticket that is not last", "8446 4.2.11", ticket(lambda hello: hello.extensions.append((0xabcd, b""))), ILLEGAL),
    ("a ticket without its mode", "8446 4.2.9", ticket(lambda hello: hello.drop(45)), alert("missing_extension")),
    ("a ticket with a wrong binder", "8446 4.2.11.2", ticket(spoil_binder), DECRYPT | ILLEGAL),
    ("a ticket without a binder", "8446 4.2.11",
     ticket(lambda hello: hello.put(41, dict(hello.extensions)[41][:-35] + vector(2, b""))), ILLEGAL | DECODE),
    ("something behind the extensions", "8446 4.1.2", raw(lambda right: message(CLIENT_HELLO, right[4:] + b"x")), DECODE | REFUSED),
    ("extensions cut short", "8446 4.1.2", raw(lambda right: message(CLIENT_HELLO, right[4:-1])), DECODE | REFUSED),
    ("protocols without one", "7301 3.1", put(16, vector(2, b"")), DECODE | ILLEGAL | REFUSED),
    ("a protocol without a name", "7301 3.1", put(16, vector(2, b"\0")), DECODE | ILLEGAL | REFUSED),
    ("a fragment length nobody knows", "6066 4", put(1, b"\x09"), ILLEGAL),
    ("a status request cut short", "6066 8", put(5, b"\1\0"), DECODE),

    ("something else inside the hello", "8446 5.1", in_records(lambda right: (HANDSHAKE, right[:50]), (ALERT, b"\1\0"),
                                                              lambda right: (HANDSHAKE, right[50:])), UNEXPECTED | REFUSED),
    ("data before the hello", "8446 5.1", in_records((DATA, b"x"), lambda right: (HANDSHAKE, right)), {"fin", "reset"}),
    ("an empty record before the hello", "8446 5.1", in_records((HANDSHAKE, b""), lambda right: (HANDSHAKE, right)),
     UNEXPECTED | REFUSED),
    ("a record too long", "8446 5.1", in_records((HANDSHAKE, b"\1\0\x50\0" + b"x" * 16385)), alert("record_overflow") | REFUSED),
    ("another message first", "8446 4", in_records((HANDSHAKE, message(FINISHED, b"x" * 32))), UNEXPECTED | REFUSED),

    ("Finished, its first bit wrong", "8446 4.4.4", body(lambda right: flip(right, 0)), DECRYPT),
    ("Finished, its last bit wrong", "8446 4.4.4", body(lambda right: flip(right, 31)), DECRYPT),
    ("Finished of zeros", "8446 4.4.4", body(lambda right: bytes(32)), DECRYPT),
    ("Finished one byte short", "8446 4.4.4", body(lambda right: right[:-1]), DECODE | DECRYPT),
    ("Finished one byte long", "8446 4.4.4", body(lambda right: right + b"x"), DECODE | DECRYPT),
    ("Finished without its hash", "8446 4.4.4", body(lambda right: b""), DECODE | DECRYPT),
    ("Finished and new keys in one record", "8446 5.1", after_flight(finished_and_more), UNEXPECTED),
    ("Finished in the clear", "8446 4.4.4", after_flight(lambda client: client.send(record(HANDSHAKE, client.finished()))),
     UNEXPECTED | BAD_MAC),
    ("data before Finished", "8446 2", after_flight(says(DATA, GET)), UNEXPECTED),
    ("data in the clear", "8446 5", after_flight(clear(DATA, GET)), BAD_MAC | UNEXPECTED),
    ("a second hello", "8446 4.1.2", after_flight(lambda client: client.say(HANDSHAKE, client.hello.message())), UNEXPECTED),
    ("new keys before Finished", "8446 4.6.3", after_flight(says(HANDSHAKE, NOTHING)), UNEXPECTED),
    ("a certificate nobody asked for", "8446 4.4.2", after_flight(says(HANDSHAKE, message(CERTIFICATE, b"\0\0\0\0"))), UNEXPECTED),
    ("the end of early data that never was", "8446 4.5", after_flight(says(HANDSHAKE, message(END_OF_EARLY_DATA, b""))), UNEXPECTED),
    ("a ChangeCipherSpec with another byte", "8446 5", after_flight(clear(CHANGE_CIPHER, b"\2")), UNEXPECTED | ILLEGAL),
    ("a ChangeCipherSpec of two bytes", "8446 5", after_flight(clear(CHANGE_CIPHER, b"\1\1")), UNEXPECTED | ILLEGAL),
    ("a sealed ChangeCipherSpec", "8446 5", after_flight(says(CHANGE_CIPHER, b"\1")), UNEXPECTED),
    ("a heartbeat", "6520 3", later(says(HEARTBEAT, b"\1\x40\0x")), UNEXPECTED),

    ("a ChangeCipherSpec behind Finished", "8446 5", later(clear(CHANGE_CIPHER, b"\1")), UNEXPECTED),
    ("a record of kind 0", "8446 5.4", later(says(0, b"")), UNEXPECTED),
    ("padding alone", "8446 5.4", later(lambda client: client.say(0, b"", padding=100)), UNEXPECTED),
    ("one bit wrong in the text", "8446 5.2", later(spoilt(7)), BAD_MAC),
    ("one bit wrong in the tag", "8446 5.2", later(spoilt(-1)), BAD_MAC),
    ("a record without room for a tag", "8446 5.2", later(clear(DATA, b"short")), BAD_MAC | DECODE),
    ("an empty sealed record", "8446 5.2", later(clear(DATA, b"")), BAD_MAC | DECODE),
    ("a sealed record too long", "8446 5.2", later(clear(DATA, b"x" * (NEW_RECORD + 1))), alert("record_overflow")),
    ("too much inside a record", "8446 5.4", later(says(DATA, b"x" * 16385)), alert("record_overflow")),
    ("a record twice", "8446 5.3", later(same_record_twice), BAD_MAC),
    ("new keys of a strange kind", "8446 4.6.3", later(says(HANDSHAKE, message(KEY_UPDATE, b"\2"))), ILLEGAL),
    ("new keys without a word", "8446 4.6.3", later(says(HANDSHAKE, message(KEY_UPDATE, b""))), DECODE),
    ("new keys with a word too many", "8446 4.6.3", later(says(HANDSHAKE, message(KEY_UPDATE, b"\0\0"))), DECODE | ILLEGAL),
    ("new keys announced, old ones used", "8446 4.6.3", later(says(HANDSHAKE, NOTHING, times=2)), BAD_MAC),
    ("new keys and more in one record", "8446 5.1", later(says(HANDSHAKE, NOTHING * 2)), UNEXPECTED),
    ("data in the middle of a message", "8446 5.1", later(between_parts), UNEXPECTED),
    ("another hello afterwards", "8446 4.1.2", later(again), UNEXPECTED),
    ("a ticket for the server", "8446 4.6.1", later(says(HANDSHAKE, message(TICKET, b"x" * 20))), UNEXPECTED),
    ("a certificate afterwards, unasked", "8446 4.6.2", later(says(HANDSHAKE, message(CERTIFICATE, b"\0\0\0\0"))), UNEXPECTED),
    ("an empty message", "8446 5.1", later(says(HANDSHAKE, b"")), UNEXPECTED),
    ("an empty alert", "8446 5.1", later(says(ALERT, b"")), DECODE | UNEXPECTED),
    ("half an alert", "8446 6", later(says(ALERT, b"\2")), DECODE | UNEXPECTED),
    ("two alerts in one record", "8446 5.1", later(says(ALERT, b"\1\x5a\1\x5a")), DECODE | UNEXPECTED),
    ("an alert in the clear", "8446 5", later(clear(ALERT, b"\1\0")), BAD_MAC | UNEXPECTED),
    ("records without data without end", "8446 5.1", floods(DATA, b""), UNEXPECTED),
    ("warnings without end", "8446 6", floods(ALERT, b"\1\x5a"), UNEXPECTED),
)

OLD = (
    ("all right", "5246 7.3", hello(untouched), SERVED),
    ("GREASE everywhere", "8701 3.1", hello(greased), SERVED),
    ("extensions in any order", "5246 7.4.1.4", hello(shuffled), SERVED),
    ("no session id", "5246 7.4.1.2", give(session=b""), SERVED),
    ("unknown compression beside none", "5246 7.4.1.2", give(compressions=b"\x40\1\0"), SERVED),
    ("some records without data", "5246 6.2.1", later(says(DATA, b"", times=8)), SERVED),
    ("a ticket that nobody gave", "5077 3.4", put(35, b"t" * 160), SERVED),

    ("TLS 1.1", "8996 5", give(version=0x0302), alert("protocol_version")),
    ("TLS 1.0", "8996 4", give(version=0x0301), alert("protocol_version")),
    ("SSL 3.0", "7568 4", give(version=0x0300), HANDSHAKE_FAILURE),
    ("a fall back from TLS 1.3", "7507 3", give(ciphers=[AES_12, 0x5600]), alert("inappropriate_fallback")),
    ("no ciphers", "5246 7.4.1.2", give(ciphers=[]), DECODE | ILLEGAL | HANDSHAKE_FAILURE | REFUSED),
    ("NULL, anonymous, export, RC4, 3DES", "9325 4.1", give(ciphers=[1, 2, 0x18, 3, 4, 5, 9, 10, 0xc017]), HANDSHAKE_FAILURE),
    ("RSA key exchange", "9325 4.1", give(ciphers=[0x2f, 0x35, 0x9c, 0x9d, 0xc09c]), HANDSHAKE_FAILURE),
    ("finite-field Diffie-Hellman", "9325 4.1", give(ciphers=[0x9e, 0x9f, 0x33, 0xccaa]), HANDSHAKE_FAILURE),
    ("CBC", "9325 4.2", give(ciphers=[0xc009, 0xc00a, 0xc023, 0xc024, 0xc013]), HANDSHAKE_FAILURE),
    ("no way without compression", "5246 7.4.1.2", give(compressions=b"\1"), ILLEGAL | DECODE | HANDSHAKE_FAILURE),
    ("groups nobody knows", "8422 5.1.1", put(10, vector(2, numbers(0xabcd))), HANDSHAKE_FAILURE),
    ("SHA-1 alone", "9155 2", put(13, vector(2, numbers(0x0203, 0x0201))), HANDSHAKE_FAILURE),
    ("a session id of 33 bytes", "5246 7.4.1.2", give(session=b"s" * 33), DECODE | ILLEGAL | REFUSED),
    ("an extension twice", "5246 7.4.1.4", twice(13), ILLEGAL | DECODE | REFUSED),
    ("a renegotiation that never began", "5746 3.6", put(0xff01, b"\1x"), HANDSHAKE_FAILURE | ILLEGAL),

    ("ChangeCipherSpec before the keys", "5246 7.1", instead_of_key_exchange(early_change), UNEXPECTED),
    ("the key exchange twice", "5246 7.3", instead_of_key_exchange(exchange_twice), UNEXPECTED),
    ("a certificate nobody asked for", "5246 7.4.6", instead_of_key_exchange(unasked_certificate), UNEXPECTED),
    ("data in place of keys", "5246 7.3", instead_of_key_exchange(clear(DATA, GET)), UNEXPECTED),
    ("Finished in place of keys", "5246 7.3", instead_of_key_exchange(clear(HANDSHAKE, message(FINISHED, b"x" * 12))), UNEXPECTED),
    ("a second hello", "5246 7.3", instead_of_key_exchange(lambda client: client.send(record(HANDSHAKE, client.hello.message()))),
     UNEXPECTED),
    ("a heartbeat", "6520 3", instead_of_key_exchange(clear(HEARTBEAT, b"\1\x40\0x")), UNEXPECTED),
    ("keys without a key", "8422 5.7", key_exchange(b""), DECODE | HANDSHAKE_FAILURE | ILLEGAL),
    ("a key of no bytes", "8422 5.7", key_exchange(b"\0"), DECODE | ILLEGAL | HANDSHAKE_FAILURE | alert("internal_error")),
    ("a key one byte short", "8422 5.7", key_exchange(vector(1, b"x" * 31)), DECODE | ILLEGAL | HANDSHAKE_FAILURE | alert("internal_error")),
    ("a key cut short", "8422 5.7", key_exchange(b"\x20" + b"x" * 20), DECODE | HANDSHAKE_FAILURE),
    ("something behind the key", "8422 5.7", key_exchange(vector(1, b"x" * 32) + b"x"), DECODE | HANDSHAKE_FAILURE),
    ("a key of zeros", "7748 6.1", key_exchange(vector(1, bytes(32))), ILLEGAL | HANDSHAKE_FAILURE | alert("internal_error")),
    ("ChangeCipherSpec with another byte", "5246 7.1", instead_of_key_exchange(change_of(b"\2")), ILLEGAL | DECODE | UNEXPECTED),
    ("ChangeCipherSpec of two bytes", "5246 7.1", instead_of_key_exchange(change_of(b"\1\1")), ILLEGAL | DECODE | UNEXPECTED),
    ("ChangeCipherSpec twice", "5246 7.1", instead_of_key_exchange(change_twice), UNEXPECTED | TOO_SHORT),
    ("Finished without ChangeCipherSpec", "5246 7.4.9", instead_of_key_exchange(finished_in_the_clear), UNEXPECTED),
    ("Finished, its first bit wrong", "5246 7.4.9", body(lambda right: flip(right, 0)), DECRYPT),
    ("Finished, its last bit wrong", "5246 7.4.9", body(lambda right: flip(right, 11)), DECRYPT),
    ("Finished one byte short", "5246 7.4.9", body(lambda right: right[:-1]), DECODE | DECRYPT),
    ("Finished one byte long", "5246 7.4.9", body(lambda right: right + b"x"), DECODE | DECRYPT),
    ("Finished without its hash", "5246 7.4.9", body(lambda right: b""), DECODE | DECRYPT),
    ("data before Finished", "5246 7.3", after_flight(says(DATA, GET)), UNEXPECTED),
    ("one bit wrong in the text", "5288 3", later(spoilt(14)), BAD_MAC),
    ("one bit wrong in the tag", "5288 3", later(spoilt(-1)), BAD_MAC),
    ("one bit wrong in the nonce", "5288 3", later(spoilt(6)), BAD_MAC),
    ("a record in the clear", "5246 6.2.3", later(clear(DATA, GET)), BAD_MAC | DECODE),
    ("a record without room for a nonce", "5288 3", later(clear(DATA, b"short")), TOO_SHORT | DECODE),
    ("a sealed record too long", "5246 6.2.3", later(clear(DATA, b"x" * (OLD_RECORD + 1))), alert("record_overflow")),
    ("a record twice", "5246 6.2.3", later(same_record_twice), BAD_MAC),
    ("another handshake", "5746 5", later(again), alert("no_renegotiation", "handshake_failure")),
    ("a HelloRequest for the server", "5246 7.4.1.1", later(says(HANDSHAKE, message(0, b""))), UNEXPECTED),
    ("ChangeCipherSpec afterwards", "5246 7.1", later(says(CHANGE_CIPHER, b"\1")), UNEXPECTED),
    ("a heartbeat afterwards", "6520 3", later(says(HEARTBEAT, b"\1\x40\0x")), UNEXPECTED),
    ("half an alert", "5246 7.2", later(says(ALERT, b"\2")), DECODE | UNEXPECTED),
    ("records without data without end", "5246 6.2.1", floods(DATA, b""), UNEXPECTED),
    ("warnings without end", "5246 7.2", floods(ALERT, b"\1\x5a"), UNEXPECTED),
)


class Clients(Proof):
    intent = "Clients that speak TLS wrongly are refused with the alert the RFC names, and hear nothing of the origin's"
    policy = """
rules:
  - { name: look, when: { host: [good.example] }, do: inspect }
"""

    def prove(self):
        if not Client:
            self.measured("no python3-cryptography")
            return
        self._serves(TLS13)  # the leaf is there
        cases = [(TLS13, *case) for case in MODERN] + [(TLS12, *case) for case in OLD]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            wrong = [fault for fault in pool.map(lambda case: self._try(*case), cases) if fault]
        self.measured(f"{len(cases)} conversations")
        if wrong:
            raise Failure("\n".join(wrong))
        self._serves(TLS12)

    def _serves(self, version):
        fault = self._try(version, "all right", "", hello(untouched), SERVED)
        if fault:
            raise Failure(fault)

    def _connect(self, version):
        with inside(self.network.topology.device):
            peer = socket.create_connection(resolve(f"{HOST}:443", 4), 20)
        client = Client(peer, HOST, version, patience=20)
        client.another = lambda: self._connect(version)
        return client

    def _try(self, version, what, section, play, expected):
        client = self._connect(version)
        with client.peer:
            came = outcome(client, play)
        if came in expected:
            return None
        name = "TLS 1.3" if version == TLS13 else "TLS 1.2"
        return f"{name}, {what} (RFC {section}): {came}, not {' or '.join(sorted(expected))}"


def outcome(client, play):
    """What comes of it: "served", the alert's name, or how the connection ends."""
    try:
        play(client)
        client.say(DATA, GET)
        while True:
            kind, data = client.hear()
            if kind == DATA and data:
                return "served" if data.startswith(b"HTTP/1.1 200") else "answered"
    except Over as over:
        return str(over)
