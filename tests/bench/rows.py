"""What is measured: one row a kind of work, with the ways that can do it and the targets."""
from dataclasses import dataclass

GIGABYTE = 1e9
PASSING = ("headgate", "haproxy", "lim_splice")
INSPECTING = ("headgate", "haproxy", "sslsplit", "squid", "mitmproxy")
INSPECTING_H2 = ("headgate", "haproxy", "nghttpx")  # SSLsplit stalls for seconds after some hundred requests


@dataclass
class Target:
    against: str             # a way, two joined by " + ", or nothing: most is then an absolute figure
    most: float              # Headgate may cost so many times what that way costs
    figure: str = "gateway"  # or "path": what the way adds to the cost of the direct cable


@dataclass
class Row:
    name: str
    title: str
    unit: str
    scale: float             # of the unit printed, per second or byte
    mode: str
    ways: tuple
    targets: tuple
    tls: bool = True
    path: str = "/small"
    connections: int = 320
    requests: int = 1        # per connection
    threads: int = 8
    per: str = "connections"
    divisor: float = 1
    http2: bool = False      # the device is h2load: it verifies nothing and compares no bytes
    streams: int = 0         # the device speaks HTTP/2, so many requests at a time; 0: HTTP/1.1
    held: int = 0            # requests of an idle connection before it is idle; 0: one, or what a way needs
    memory: str = ""         # idle connections: "user" memory counts, or "all" with the kernel's


ROWS = (
    Row("pass-bulk", "bytes passed (HTTP, 64 MB objects)", "CPU s/GB", 1, "pass",
        PASSING + ("kernel", "direct"),
        (Target("lim_splice", 1.10), Target("haproxy", 1.00), Target("kernel", 3.0, "path")),
        tls=False, path="/large", connections=2, requests=5, threads=2, per="bytes", divisor=GIGABYTE),
    Row("pass-connection", "new HTTPS connection passed", "CPU µs", 1e6, "pass",
        PASSING + ("direct",), (Target("haproxy", 0.95),)),
    Row("pass-name", "new HTTPS connection passed by its name", "CPU µs", 1e6, "names",
        ("headgate", "haproxy", "direct"), (Target("haproxy", 0.90),)),
    Row("door-name", "new HTTPS connection passed by its name at the packet door", "CPU µs", 1e6, "door",
        ("headgate", "proxying", "haproxy", "direct"),
        (Target("proxying", 0.30), Target("haproxy", 0.35)), connections=2000),
    Row("door-bulk", "bytes passed at the packet door (HTTP, 64 MB objects)", "CPU s/GB", 1, "door",
        ("headgate", "haproxy", "kernel", "direct"), (Target("haproxy", 0.05), Target("kernel", 1.2, "path")),
        tls=False, path="/large", connections=2, requests=5, threads=2, per="bytes", divisor=GIGABYTE),
    Row("pass-plain", "new plain HTTP connection passed", "CPU µs", 1e6, "pass",
        PASSING + ("kernel", "direct"), (Target("haproxy", 0.95), Target("lim_splice", 1.25)),
        tls=False, connections=2000),
    Row("inspect-handshake", "inspected handshake, warm leaf", "CPU ms", 1e3, "inspect",
        INSPECTING + ("lim_splice", "lim_tls", "direct"),
        (Target("haproxy", 0.91), Target("sslsplit", 0.50), Target("squid", 0.50),
         Target("mitmproxy", 0.05), Target("lim_tls + lim_splice", 1.18))),
    Row("inspect-request", "inspected keep-alive request", "CPU µs", 1e6, "inspect",
        INSPECTING + ("direct",),
        (Target("haproxy", 1.00), Target("squid", 0.20), Target("mitmproxy", 0.02)),
        connections=8, requests=1000, per="requests"),
    Row("inspect-request-h2", "inspected request in HTTP/2, 10 at a time", "CPU µs", 1e6, "inspect-h2",
        INSPECTING_H2 + ("direct",), (Target("nghttpx", 1.10), Target("haproxy", 1.10)),
        http2=True, connections=8, requests=2000, threads=1, per="requests"),
    Row("inspect-streams", "stream of HTTP/2, 10,000 over one connection, 100 at a time", "CPU µs", 1e6, "inspect-h2",
        INSPECTING_H2 + ("direct",), (Target("nghttpx", 1.10), Target("haproxy", 1.10)),
        streams=100, connections=1, requests=10000, threads=1, per="requests"),
    Row("inspect-plain", "new plain HTTP connection, read", "CPU µs", 1e6, "inspect",
        ("headgate", "haproxy", "squid", "mitmproxy", "direct"), (Target("haproxy", 1.00),), tls=False,
        connections=2000),
    Row("inspect-bulk", "bytes inspected (HTTPS, 64 MB objects)", "CPU s/GB", 1, "inspect",
        INSPECTING + ("direct",), (Target("haproxy", 1.00), Target("squid", 0.33)),
        path="/large", connections=2, requests=2, threads=2, per="bytes", divisor=GIGABYTE),
    # requests: the connections that are open before those which count
    Row("idle-pass", "idle passed connection, user and kernel", "KB", 1 / 1024, "pass", PASSING,
        (Target("haproxy", 0.60), Target("", 12)), memory="all", connections=500, requests=50),
    Row("idle-inspect", "idle inspected connection, user", "KB", 1 / 1024, "inspect", INSPECTING,
        (Target("haproxy", 0.70), Target("", 45)), memory="user", connections=200, requests=50),
    # the others have one leg each, and share the servers' among all
    Row("idle-inspect-h2", "idle inspected connection in HTTP/2, user", "KB", 1 / 1024, "inspect-h2", INSPECTING_H2,
        (Target("", 45),), memory="user", streams=1, connections=200, requests=50),
    Row("idle-streams", "the same after 10,000 streams, 100 at a time, user", "KB", 1 / 1024, "inspect-h2", INSPECTING_H2,
        (Target("", 100),), memory="user", streams=100, held=10000, connections=12, requests=4),
)
