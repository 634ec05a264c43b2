# SPDX-License-Identifier: GPL-2.0-only
"""How long until there is something to see: from the start to the first figures, from a record to the terminal. In the lab, on one CPU
that takes an instruction each nanosecond: what is waited for lasts as long as it does anywhere, and all is repeatable."""
from statistics import median

from benchlib import QUICK, Unavailable, lab_lines

RECORDS = 3 if QUICK else 8
TARGET_MS = 500
HOSTS = (("none", "no VMs"), ("many", "1,000 vCPUs"))


def by_name(lines):
    """{(name, what): [numbers, …]}"""
    found = {}
    for line in lines:
        if len(line) != 4:
            raise Unavailable(" ".join(line))
        found.setdefault((line[0], line[1]), []).append([int(number) for number in line[2:]])
    return found


def add_start(table, took, command, title):
    for host, on in HOSTS:
        shown, cpu = took[f"{command}-{host}", "shown"][0]
        table.add(f"{title}, {on}: first figure", shown / 1e6, "ms", target=TARGET_MS if host == "many" else None, at_most=True)
        table.add("  CPU time of that", cpu / 1e6, "M instructions")
        table.add("  from then on to its end", (took[f"{command}-{host}", "end"][0][0] - shown) / 1e6, "ms")


def waits(took, delay):
    """Milliseconds from each record to the first thing of its kind that was seen then."""
    seen = [at for at, _ in took[delay, "seen"]]
    records = [at for at, _ in took[delay, "record"]]
    if len(records) != RECORDS or max(seen) < max(records):
        raise Unavailable(f"{len(records)} of {RECORDS} records, the last one {'not ' if max(seen) < max(records) else ''}seen")
    return [(min(at for at in seen if at > record) - record) / 1e6 for record in records]


def add_latency(table, took, delay):
    milliseconds = waits(took, delay)
    table.add(f"record to screen, -d {delay}: median", median(milliseconds), "ms", float(delay) * 500, "half the delay")
    table.add("  the worst of them", max(milliseconds), "ms", float(delay) * 1000, "the delay")


def run(table, directory):
    took = by_name(lab_lines(directory, "shown.sh", str(RECORDS)))
    add_start(table, took, "screen", "live screen")
    add_start(table, took, "state", "sdeitop state")
    for delay in ("0.1", "1"):
        add_latency(table, took, delay)
