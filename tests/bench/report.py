"""The tables that a run prints, and the same as JSON."""
import dataclasses
import os
import subprocess

from gateways import NOT_ASKED, WAYS
from measure import median, ratios, steady, summed

OURS = ("headgate", "direct")  # what fails there fails the run
COLUMNS = [name for name in WAYS if name != "direct"]


def table(lines):
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join([line[0].ljust(widths[0])] +
                        [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]).rstrip())


def figure(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def machine_lines():
    with open("/proc/cpuinfo") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    yield f"machine: {len(models)} × {models[0] if models else 'unknown'}, Linux {os.uname().release}"
    openssl = subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.strip()
    yield f"libcrypto: {openssl}"


class Result:
    """One row with what was found: turns by way, or footprints by way."""

    def __init__(self, row, turns=None, footprints=None, missing=None):
        self.row = row
        self.turns = turns or {}
        self.footprints = footprints or {}
        self.missing = missing or {}  # way: why it took no part

    def value(self, way):
        """The figure of a way in the row's unit, None where there is none."""
        if way in self.footprints:
            found = self.footprints[way]
            kernel = found.kernel or 0 if self.row.memory == "all" else 0
            return (found.user + kernel) * self.row.scale or None
        if way == "direct" or not self.done(way):
            return None
        if way == "kernel":
            return self.added(way)
        return median(self.turns[way], "gateway") * self.row.scale

    def done(self, way):
        return any(each.units for each in self.turns.get(way, ()))

    def added(self, way, name="path"):
        """What the way costs the whole path beyond the direct cable."""
        if not self.done(way) or not self.done("direct") or not median(self.turns[way], "path"):
            return None
        return (median(self.turns[way], name) - median(self.turns["direct"], name)) * self.row.scale

    def against(self, target):
        """(lowest, median, highest) of Headgate's cost over the target's way's, or None."""
        if not target.against:
            return None if self.value("headgate") is None else (self.value("headgate"),) * 3
        ours, theirs = self.turns.get("headgate"), self.turns_of(target.against)
        if ours and theirs:
            less = self.turns.get("direct", []) if target.figure == "path" else None
            return ratios(ours, theirs, target.figure, less)
        ours, theirs = self.value("headgate"), self.value(target.against)
        return (ours / theirs,) * 3 if ours and theirs else None

    def turns_of(self, names):
        """The turns of a way, or of several joined by " + " as if they were one."""
        first, *others = [self.turns.get(name, []) for name in names.split(" + ")]
        for other in others:
            first = summed(first, other)
        return first

    def failures(self):
        """(way, text, fatal): wrong bodies are always fatal, failed connections on our own way."""
        for way, turns in self.turns.items():
            for each in turns:
                if each.wrong:
                    yield way, each.wrong, True
                elif each.failure:
                    yield way, each.failure, way in OURS
        for way, found in self.footprints.items():
            if found.failure:
                yield way, found.failure, way in OURS
        if self.row.mode not in ("inspect", "inspect-h2", "door") and self.done("headgate") and \
                median(self.turns["headgate"], "relayed") < 0.5:
            yield "headgate", "not relayed by the daemon: the kernel forwarded it", True


def print_detail(result):
    """Every way of one row: median, spread, and what it adds to the whole path."""
    row = result.row
    print(f"\n{row.name}: {row.title}, {row.unit}")
    lines = [["", "gateway", "min..max", "path-direct", "busy-direct", "origin conns", "foreign",
              "drops", "TLS"]]
    for way, turns in result.turns.items():
        if not result.done(way):
            continue
        values = [each.gateway * row.scale for each in steady(turns)]
        spread = f"{figure(min(values))}..{figure(max(values))}" if way not in ("kernel", "direct") else "-"
        lines.append([
            "  " + way, figure(None if way == "kernel" else result.value(way)), spread,
            figure(result.added(way)), figure(result.added(way, "busy")),
            f"{median(turns, 'origin_connections'):.2f}", f"{median(turns, 'foreign'):.0%}",
            str(sum(each.drops for each in turns)), turns[0].version or "-"])
    table(lines)


def print_memory(result):
    row = result.row
    print(f"\n{row.name}: {row.title}")
    lines = [["", "before any, MB", "each, KB", "each in kernel, KB"]]
    for way, found in result.footprints.items():
        kernel = None if found.kernel is None else found.kernel / 1024
        lines.append(["  " + way, figure(found.base / 1e6), figure(found.user / 1024), figure(kernel)])
    table(lines)


def print_row(result):
    """The detail of one row, as soon as it is known."""
    if result.footprints:
        print_memory(result)
    elif result.turns:
        print_detail(result)
    for way, why in result.missing.items():
        if why != NOT_ASKED:
            print(f"  {way} took no part: {why}")
    for way, text, fatal in sorted(set(result.failures())):
        print(f"  {'WRONG' if fatal else 'note'}: {way}: {text}")


def verdicts(result):
    """A line for each target; none where our own way did not do the work."""
    if any(fatal for _, _, fatal in result.failures()):
        return
    for target in result.row.targets:
        found = result.against(target)
        if found is None:
            continue
        least, middle, most = found
        kind = "path " if target.figure == "path" else ""
        spread = f" [{least:.2f}..{most:.2f}]" if most > least else ""
        met = "met" if middle <= target.most else "MISSED"
        met += " (undecided)" if least <= target.most < most else ""
        what = f"x {target.against}" if target.against else f" {result.row.unit}"
        yield f"{kind}{middle:.2f}{what}{spread}, target {target.most:.2f}: {met}"


def base_lines(results):
    """Memory before any connection, taken from the rows of idle connections."""
    for result in results:
        bases = {way: found.base / 1e6 or None for way, found in result.footprints.items()}
        if bases:
            doing = "inspect" if result.row.mode.startswith("inspect") else "pass"
            yield [f"ready to {doing}, no connection", "PSS MB"] + \
                [figure(bases.get(way)) for way in COLUMNS]


def print_summary(results):
    print("\n" + "=" * 100)
    print("CPU of the gateway's own processes per unit, median of the rounds; kernel: what forwarding "
          "adds to the direct cable")
    lines = [["row", "unit"] + COLUMNS]
    for result in results:
        lines.append([result.row.title, result.row.unit] +
                     [figure(result.value(way)) for way in COLUMNS])
    lines += base_lines(results)
    shown = [index for index in range(len(lines[0]))
             if index < 3 or any(line[index] != "-" for line in lines[1:])]
    table([[line[index] for index in shown] for line in lines])
    print("\nHeadgate against the targets:")
    for result in results:
        print(f"  {result.row.title}")
        for line in list(verdicts(result)) or ["not measured"]:
            print(f"      {line}")


def as_json(results):
    return {result.row.name: {
        "title": result.row.title, "unit": result.row.unit,
        "values": {way: result.value(way) for way in (*result.turns, *result.footprints)},
        "targets": [{"against": target.against, "most": target.most, "figure": target.figure,
                     "ratio": result.against(target)} for target in result.row.targets],
        "turns": {way: [dataclasses.asdict(each) for each in turns]
                  for way, turns in result.turns.items()},
        "footprints": {way: dataclasses.asdict(found) for way, found in result.footprints.items()},
        "missing": result.missing,
    } for result in results}
