# SPDX-License-Identifier: GPL-2.0-only
"""What sdeid takes: model, text file, flight recorder; what it does between two drains."""
import json

from benchlib import QUICK, output_of, tool, undisturbed

SECONDS = 1 if QUICK else 5
RATE = 100_000
NAMES = {"metrics": "sdeid, text file each 15 s", "flight": "sdeid, and flight recorder"}


def share(run):
    """Percent of a CPU at RATE records per second."""
    ticks = run["tick_ns"] / run["seconds"] + run["write_ns"] / run["interval_s"]
    return 100 * (run["feed_ns"] / run["records"] * RATE + ticks) / 1e9


def add_run(table, name, run):
    table.add(f"{name}: CPU at {RATE:,} records/s", share(run), "% of one CPU", target=2, at_most=True)
    table.add("  flat out", run["records"] * 1e3 / run["feed_ns"], "M records/s")
    table.add("  longest without a drain", run["longest_ns"] / 1e6, "ms")
    table.add("  memory", run["resident_kib"] / 1024, "MiB")
    if run["saved_ns"]:
        table.add("  16 MiB saved", run["saved_ns"] / 1e6, "ms")


def run(table, directory):
    lines = output_of(*undisturbed(), tool("daemon_load"), str(SECONDS), directory).splitlines()
    runs = {taken["run"]: taken for taken in map(json.loads, lines)}
    for key, name in NAMES.items():
        add_run(table, name, runs[key])
