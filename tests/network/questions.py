"""Questions of DNS in a stream of bytes, and a real server with answers: unbound."""
import struct

# An ECHConfigList, whose key is none; as it stands in an HTTPS record.
ECH = "AEX+DQBBoQAgACBmb2/Bd29ybGQhIGEga2V5IGZvciBubyBvbmUgYXQgYWxsAAQAAQABABJwdWJsaWMtbmFtZS5leGFtcGxlAAA="


def framed_question(number, name):
    """A question for the address of a name as it stands in a stream."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split("."))
    message = struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, 1, 1)
    return struct.pack(">H", len(message)) + message


def zone(hosts):
    """Records: of (name, address) each; HTTPS of good.example and shop.example, with h3 and ECH keys; an answer that is long."""
    return [*(f"{host}. A {address}" for host, address in hosts),
            *(f"{host}. HTTPS 1 . alpn=h3,h2 ipv4hint=198.51.100.10 ech={ECH}" for host in ("good.example", "shop.example")),
            *(f'long.example. TXT "{"x" * 200}{number}"' for number in range(40))]


def unbound(directory, addresses, records, options=()):
    """The command that answers at these addresses with these records, and knows nothing else of .example."""
    path = f"{directory}/unbound.conf"
    with open(path, "w", encoding="ascii") as file:
        file.write("server:\n" + "".join(f"  {line}\n" for line in [
            *(f"interface: {address}" for address in addresses), "access-control: 0.0.0.0/0 allow", "access-control: ::/0 allow",
            "do-daemonize: no", 'username: ""', 'chroot: ""', f'directory: "{directory}"', "use-syslog: no", 'pidfile: ""', *options,
            "local-zone: example. static", *(f"local-data: '{record}'" for record in records)]))
    return "/usr/sbin/unbound", "-d", "-c", path
