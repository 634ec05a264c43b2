#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# debug kernel: no
"""Exports of real recordings: every slice and instant from the records, worked out here, and nothing else."""
import csv
import os
import shutil
import subprocess
import sys
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import TOP, finish, lab, ok, out_dir    # noqa: E402
from truth import load_lines    # noqa: E402
sys.path.insert(0, os.path.join(TOP, "tests", "unit"))
from check_export import DROPS, Perfetto, check    # noqa: E402

OUT = out_dir("export")
SCENARIOS = ("steady", "burst", "masked", "cross", "inject", "disabled")
SDEITOP = os.path.join(TOP, "build", "sdeitop")

RUN = "cd /out || exit 1\n" + "".join(
    f"sdeitop record -o {name} -- sdei-guest --quiet --scenario {name} --vcpus 2 || exit 1\n" for name in SCENARIOS)


class Truth:
    """What the records say, by their own words."""

    def __init__(self, lines):
        self.slices, self.drops, self.open = [], Counter(), {}
        for record in lines:
            if "kind" in record:
                self.take(record)
        self.left = [key for key in self.open]

    def begin(self, key, time):
        self.open[key] = time

    def end(self, key, time, outcome):
        if key in self.open:
            self.slices.append(key + (self.open.pop(key), time, outcome))

    def drop(self, record, name):
        self.drops[(record["time_ns"], name)] += 1

    def take(self, r):
        time, pe = r["time_ns"], (str(r["vm"]), str(r["vcpu"]))
        event = "" if r["event"] is None else str(r["event"])
        pending, handler = pe + (event, "pending"), pe + (event, "handler")
        if r["kind"] == "signal":
            if r["outcome"] == "queued":
                self.begin(pending, time)
            else:
                self.drop(r, r["outcome"])
        elif r["kind"] == "cancel" and not r["error"]:
            self.end(pending, time, "cancelled")
            self.drop(r, "cancelled")
        elif r["kind"] == "dispatch":
            self.end(pending, time, "dispatched")
            self.begin(handler, time)
        elif r["kind"] == "complete":
            self.end(handler, time, "completed" if r["how"] == "complete" else "resumed")
        if "P" in r.get("cleared", ""):
            self.end(pending, time, "cleared")
            self.drop(r, "cleared")
        if "U" in r.get("cleared", ""):
            self.end(handler, time, "cleared")
        self.mask(r, time, pe)

    def mask(self, r, time, pe):
        mask, initial = pe + ("", "mask"), pe + ("", "initial_mask")
        open_one = mask in self.open or initial in self.open
        if r["kind"] == "mask" and r["error"] == 1:
            self.begin(mask, time)
        elif r["kind"] == "state" and r["reason"] == "created" and "M" in r["state"] and not open_one:
            self.begin(initial, time)
        for key in (mask, initial):
            if r["kind"] == "unmask":
                self.end(key, time, "unmasked")
            elif r["kind"] == "reset" and r["reason"] == "vcpu" or r["kind"] == "state" and r["reason"] == "destroyed":
                self.end(key, time, "cleared")
        if r["kind"] == "reset" and r["reason"] == "vcpu":
            self.begin(initial, time)


def run(*arguments, out=None):
    """The standard output, or the name of the file it went to; complaints are an exception."""
    done = subprocess.run([SDEITOP, *arguments], stdout=open(out, "wb") if out else subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise RuntimeError(f"sdeitop {' '.join(arguments)} ended with {done.returncode}: {done.stderr.decode()}")
    return out or done.stdout


def export(recording, directory, *options):
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    for name in ("perfetto", "chrome", "csv"):
        run("export", "--" + name, *options, "-o", os.path.join(directory, name), recording)
    return directory


def differences(found, wanted):
    found, wanted = Counter(found), Counter(wanted)
    return [f"not exported: {one}" for one in (wanted - found)] + [f"not in the records: {one}" for one in (found - wanted)]


def rows_of(directory):
    with open(os.path.join(directory, "csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def check_scenario(name):
    recording, directory = f"{OUT}/{name}", f"{OUT}/{name}.exports"
    lines = f"{OUT}/{name}.jsonl"
    run("events", "--json", recording, out=lines)
    truth = Truth(load_lines(lines))
    export(recording, directory)
    rows = [r for r in rows_of(directory) if r["kind"] != "fault_sync"]     # pages that a vCPU waited for are none of SDEI
    ended = [(r["vm"], r["vcpu"], r["event"], r["kind"], int(r["start_ns"]), int(r["end_ns"]), r["outcome"])
             for r in rows if r["outcome"] != "open"]
    dispatched = sum(1 for s in truth.slices if s[-1] == "dispatched")
    complaints = check(directory, dispatched, sum(truth.drops.values()))
    complaints += differences(ended, truth.slices)
    complaints += differences([(r["vm"], r["vcpu"], r["event"], r["kind"]) for r in rows if r["outcome"] == "open"], truth.left)
    instants = Counter()
    for (_, time, what, _), count in Perfetto(os.path.join(directory, "perfetto")).instants.items():
        if what in DROPS:
            instants[(time, what)] += count
    complaints += differences(instants.elements(), truth.drops.elements())
    if not dispatched:
        complaints.append("nothing was dispatched: the test does not test")
    ok(f"export/{name}: each slice and drop of the records", complaints, f"{len(rows)} slices, {sum(truth.drops.values())} drops")
    return rows


def check_range(name, rows):
    times = sorted(int(row["start_ns"]) for row in rows)
    since, until = times[len(times) // 3], times[2 * len(times) // 3]
    limits = [f"{ns // 10**9}.{ns % 10**9:09d}" for ns in (since, until)]
    directory = export(f"{OUT}/{name}", f"{OUT}/{name}.range", "--since", limits[0], "--until", limits[1])
    keys = ("kind", "vcpu", "event", "start_ns", "end_ns")
    wanted, found = ([tuple(row[key] for key in keys) for row in some if row["outcome"] != "open" and
                      since <= int(row["start_ns"]) and int(row["end_ns"]) <= until] for some in (rows, rows_of(directory)))
    late = [f"after the range: {row}" for row in rows_of(directory) if int(row["end_ns"]) > until]
    ok("export/--since and --until", check(directory, from_ns=since) + differences(found, wanted) + late, f"{len(found)} slices")


def check_usage(name):
    complaints = []
    for options in ((), ("--csv", "--chrome")):
        done = subprocess.run([SDEITOP, "export", *options, f"{OUT}/{name}"], capture_output=True, text=True, check=False)
        if done.returncode != 2 or "--perfetto" not in done.stderr or done.stdout:
            complaints.append(f"export {options}: {done.returncode} {done.stderr}")
    done = subprocess.run(["script", "-qec", f"{SDEITOP} export --perfetto {OUT}/{name}", "/dev/null"], capture_output=True,
                          text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 2 or "terminal" not in done.stdout:
        complaints.append(f"a trace on a terminal: {done.returncode} {done.stdout[:200]}")
    full = subprocess.run(f"{SDEITOP} export --csv {OUT}/{name} -o /dev/full", shell=True, capture_output=True, text=True, check=False)
    if full.returncode != 1 or "No space left" not in full.stderr:
        complaints.append(f"a full disk: {full.returncode} {full.stderr}")
    closed = subprocess.run(f"{SDEITOP} export --chrome {OUT}/{name} | true; exit ${{PIPESTATUS[0]}}", shell=True, executable="/bin/bash",
                            capture_output=True, text=True, check=False)
    if closed.returncode or closed.stderr:
        complaints.append(f"nobody reads: {closed.returncode} {closed.stderr}")
    ok("export/wrong usage, terminal, full disk, closed pipe", complaints)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    status, output = lab(OUT, "sh", "-c", RUN)
    if status:
        ok("export/recordings", [f"exit status {status}"] + output.splitlines()[-20:])
        finish()
    rows = {name: check_scenario(name) for name in SCENARIOS}
    check_range("steady", rows["steady"])
    check_usage("steady")
    finish()


if __name__ == "__main__":
    main()
