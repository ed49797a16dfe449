"""Turns: one way does one row's work once, and the costs are read before and after. Rounds interleave
the ways, so that a slow minute of the machine hits all of them."""
import contextlib
import json
import re
import statistics
import subprocess
import time
from dataclasses import dataclass

from origin import NAME, SIZES
from process import machine, softirq_cpu

STEAL_MAX = 0.01    # share of a turn; above it the turn is dropped where others are left
SETTLE_SECONDS = 0.05
IDLE_SECONDS = 1.5  # and by then it has given back what only a busy one needs
HELD_SECONDS = 30   # for connections that do much before they are idle
TROUBLE = (RuntimeError, OSError, ValueError, ArithmeticError, subprocess.SubprocessError)
DROPS = ("ListenDrops", "TCPBacklogDrop", "TCPTimeouts")


@dataclass
class Turn:
    units: float = 0
    gateway: float = 0       # CPU seconds per unit, of the gateway's processes
    path: float = 0          # of device, gateway, server and ksoftirqd
    busy: float = 0          # of the whole machine, others included
    steal: float = 0         # share of the machine's time
    foreign: float = 0       # share of the busy time that was not ours
    origin_connections: float = 0  # per connection of the device
    relayed: float = 0       # connections that the gateway itself opened, per connection of the device
    drops: int = 0
    version: str = ""
    wrong: str = ""          # a body that is not what the origin has
    failure: str = ""        # connections that failed


@dataclass
class Sample:
    """What was used until a moment."""
    gateway: float
    path: float
    busy: float
    steal: float
    all: float

    @classmethod
    def take(cls, bench, way):
        busy, steal, whole = machine()
        gateway = way.role.cpu()
        path = gateway + bench.device.cpu() + bench.server.cpu() + softirq_cpu()
        return cls(gateway, path, busy, steal, whole)


@dataclass
class Traffic:
    """TCP counters until a moment."""
    opened: int      # by the gateway
    accepted: int    # by the origin
    drops: int       # anywhere

    @classmethod
    def take(cls, topology):
        counters = [each.tcp_counters() for each in (topology.device, topology.gateway, topology.server)]
        drops = sum(each.get(name, 0) for each in counters for name in DROPS)
        return cls(counters[1]["ActiveOpens"], counters[2]["PassiveOpens"], drops)


def load_words(bench, way, row, connections, requests):
    words = [bench.program("load"), "--address", way.address, "--port", 443 if row.tls else 80,
             "--name", NAME, "--path", row.path, "--connections", connections,
             "--requests", requests, "--threads", row.threads, "--seconds", bench.seconds]
    if row.tls:
        words += ["--authority", way.authority()]
    return words + (["--streams", row.streams] if row.streams else [])


def load_h2(bench, way, row, connections, requests):
    """The same figures from h2load, as far as it has them."""
    words = bench.topology.device.command(
        "h2load", "-n", connections * requests, "-c", connections, "-m", 10, f"--connect-to={way.address}:443",
        f"https://{NAME}{row.path}")
    process = bench.device.spawn(words, stdout=subprocess.PIPE, text=True)
    text, _ = process.communicate(timeout=bench.seconds + 60)
    bench.device.processes.remove(process)
    done = int(re.search(r"(\d+) succeeded", text)[1])
    failed = connections * requests - done
    return {"requests": done, "connections": connections, "bytes": done * SIZES[row.path], "failures": failed,
            "sha256": bench.origin.digests[row.path], "failure": "h2load says so", "version": "TLSv1.3" if "TLSv1.3" in text else ""}


def load(bench, way, row, connections, requests):
    if row.http2:
        return load_h2(bench, way, row, connections, requests)
    words = bench.topology.device.command(*load_words(bench, way, row, connections, requests))
    process = bench.device.spawn(words, stdout=subprocess.PIPE, text=True)
    text, _ = process.communicate(timeout=bench.seconds + 60)
    bench.device.processes.remove(process)
    return json.loads(text)


def check(bench, row, result):
    """What is wrong with the bodies, or nothing."""
    if result["requests"] == 0:
        return ""
    if result["bytes"] != result["requests"] * SIZES[row.path]:
        return "body of the wrong length"
    if result["sha256"] != bench.origin.digests[row.path]:
        return "body with other bytes than the origin's"
    return ""


def turn(bench, way, row):
    """One turn; one that could not be done has no units and says why."""
    try:
        alone = way.alone(row)
        if alone:
            return Turn(units=alone[0], gateway=alone[1] / alone[0])
        with way.engaged():
            load(bench, way, row, min(row.connections, 4 * row.threads), 1)
            time.sleep(SETTLE_SECONDS)
            seen, before = Traffic.take(bench.topology), Sample.take(bench, way)
            result = load(bench, way, row, row.connections, row.requests)
            time.sleep(SETTLE_SECONDS)
            complaint = way.complaint()
            after, traffic = Sample.take(bench, way), Traffic.take(bench.topology)
    except TROUBLE as error:
        return Turn(failure=str(error))
    done = weigh(row, before, after, result)
    done.wrong = check(bench, row, result)
    done.failure = "; ".join(filter(None, (done.failure, complaint)))
    done.origin_connections = (traffic.accepted - seen.accepted) / max(result["connections"], 1)
    done.relayed = (traffic.opened - seen.opened) / max(result["connections"], 1)
    done.drops = traffic.drops - seen.drops
    return done


def weigh(row, before, after, result):
    units = result[row.per] / row.divisor
    per = units or float("inf")
    busy = after.busy - before.busy
    failed = f"{result['failures']} failed: {result['failure']}" if result["failures"] else ""
    return Turn(
        units=units, gateway=(after.gateway - before.gateway) / per,
        path=(after.path - before.path) / per, busy=busy / per,
        steal=(after.steal - before.steal) / max(after.all - before.all, 0.01),
        foreign=max(0.0, 1 - (after.path - before.path) / busy) if busy else 0.0,
        version=result["version"], failure=failed or ("" if units else "nothing arrived"))


@contextlib.contextmanager
def started(ways, missing):
    """The ways that could be started, until the end of the block; missing learns why others not."""
    able = []
    try:
        for way in ways:
            try:
                way.start()
                able.append(way)
            except TROUBLE as error:
                way.stop()
                missing[way.name] = str(error)
        yield able
    finally:
        for way in able:
            way.stop()


def rounds(bench, row, ways, missing):
    """{way name: [Turn, ...]}, one turn a round. The order turns, so that none is always after the
    same other."""
    with started(ways, missing) as able:
        turns = {way.name: [] for way in able}
        for number in range(bench.rounds):
            shift = number % len(able)
            for way in able[shift:] + able[:shift]:
                if turns[way.name] and not turns[way.name][-1].units:
                    continue  # what failed altogether fails again, and slowly
                bench.progress(f"{row.name}: round {number + 1} of {bench.rounds}, {way.name}")
                turns[way.name].append(turn(bench, way, row))
    return turns


def steady(turns):
    """The turns that the hypervisor left alone; all that were done, where it left too few."""
    done = [each for each in turns if each.units]
    calm = [each for each in done if each.steal <= STEAL_MAX]
    return calm if 2 * len(calm) > len(done) else done


def median(turns, name):
    return statistics.median(getattr(each, name) for each in steady(turns))


def summed(one, other):
    """Turns that cost what both cost, round by round."""
    return [Turn(units=min(a.units, b.units), gateway=a.gateway + b.gateway, steal=max(a.steal, b.steal))
            for a, b in zip(one, other)]


def ratios(ours, theirs, name="gateway", less=None):
    """(lowest, median, highest) over the rounds of ours / theirs, or None; `less` are the turns to
    subtract from both first."""
    pairs = list(zip(ours, theirs, less or [Turn(units=1)] * len(ours)))
    pairs = [pair for pair in pairs if all(each.units for each in pair)]
    calm = [pair for pair in pairs if all(each.steal <= STEAL_MAX for each in pair)]
    quotients = []
    for mine, other, ground in calm if 2 * len(calm) > len(pairs) else pairs:
        over = getattr(other, name) - getattr(ground, name)
        if over > 0:
            quotients.append((getattr(mine, name) - getattr(ground, name)) / over)
    return (min(quotients), statistics.median(quotients), max(quotients)) if quotients else None


class Held:
    """Connections that the device opened through a way and keeps open."""

    def __init__(self, bench, way, row, count):
        requests = way.idle_requests if row.mode == "inspect" else row.held or 1
        words = load_words(bench, way, row, count, requests) + ["--hold"]
        if row.held:
            words += ["--seconds", HELD_SECONDS]
        self.process = bench.device.spawn(bench.topology.device.command(*words), text=True,
                                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.result = json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait(30)


@dataclass
class Footprint:
    base: float = 0          # bytes, PSS of all processes before any connection
    user: float = 0          # bytes per idle connection
    kernel: float = None     # bytes per idle connection, where the machine counts them
    failure: str = ""


def footprint(bench, way, row):
    """Memory of an idle connection: the slope between some connections and many more of them."""
    with way.engaged():
        time.sleep(IDLE_SECONDS)
        base = way.role.proportional_bytes()
        some = Held(bench, way, row, row.requests)
        time.sleep(IDLE_SECONDS)
        user, kernel = way.role.proportional_bytes(), way.role.kernel_bytes()
        more = Held(bench, way, row, row.connections)
        time.sleep(IDLE_SECONDS)
        count = max(1, more.result["connections"])
        user = (way.role.proportional_bytes() - user) / count
        if kernel is not None:
            kernel = (way.role.kernel_bytes() - kernel) / count
        some.end()
        more.end()
    return Footprint(base, user, kernel, more.result["failure"])


def footprints(bench, row, ways, missing):
    """{way name: Footprint}; one after the other, so that none shares its libraries with another."""
    found = {}
    for way in ways:
        bench.progress(f"{row.name}: {way.name}")
        with started([way], missing) as able:
            for each in able:
                try:
                    found[way.name] = footprint(bench, each, row)
                except TROUBLE as error:
                    found[way.name] = Footprint(failure=str(error))
    return found
