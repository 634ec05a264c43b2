#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The way from the tracepoints to user space: every probe attaches, records come in time order, and each one that was
attempted either arrives or is counted as lost under its own name."""
import os
import sys
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import all_attached, finish, lab, ok, out_dir    # noqa: E402
from truth import load_lines    # noqa: E402

OUT = out_dir("source")
SLICE_KEYS = 64  # src/source/live_losses.c

# NAME "OPTIONS" COMMAND…: every record of COMMAND in NAME.jsonl
FOLLOW = r"""
follow() {
	name=$1 options=$2
	shift 2
	$AROUND sdeitop events --json --summary $options -- "$@" >$name.jsonl 2>$name.err || echo "$name: exit status $?"
}
cd /out || exit 1
"""

SCENARIOS = ("burst", "cross", "churn", "inject", "masked", "reset", "unregister-running")

# The reader is stopped for a while, so that its rings of one page overflow.
STALL = "for i in 1 2 3; do sleep 0.3; killall -STOP sdeitop; sleep 0.4; killall -CONT sdeitop; done"


class Run:
    """What one `sdeitop events --json --summary` printed."""

    def __init__(self, name):
        lines = load_lines(f"{OUT}/{name}.jsonl")
        with open(f"{OUT}/{name}.err", encoding="utf-8") as file:
            self.messages = file.read()
        self.records = [line for line in lines if "kind" in line]
        self.losses = [line for line in lines if line.get("type") == "lost"]
        self.counters = [line for line in lines if line.get("type") == "summary"][-1]["counters"]
        self.lost = sum(line["count"] for line in self.losses)

    def out_of_order(self):
        late = [f"{b['time_ns']} after {a['time_ns']}" for a, b in zip(self.records, self.records[1:])
                if b["time_ns"] < a["time_ns"]]
        if self.counters["late"] or self.counters["malformed"]:
            late.append(f"{self.counters['late']} late, {self.counters['malformed']} malformed")
        return late

    def unaccounted(self):
        """attempted = delivered + lost, by kind; and what was lost is told by kind, too."""
        delivered, lost = Counter(r["kind"] for r in self.records), Counter()
        for line in self.losses:
            lost[line.get("lost_kind", "unknown")] += line["count"]
        complaints = [f"{kind}: {attempted} attempted, {delivered[kind]} delivered, {lost[kind]} lost"
                      for kind, attempted in self.counters["attempted"].items()
                      if attempted != delivered[kind] + lost[kind] or lost[kind] != self.counters["lost"].get(kind, 0)]
        if self.counters["read"] != len(self.records):
            complaints.append(f"{self.counters['read']} read, {len(self.records)} delivered")
        return complaints

    def complaints(self):
        nothing = [] if self.records else ["no records"]
        probes = [] if all_attached(self.messages) else [self.messages]
        return nothing + probes + self.out_of_order() + self.unaccounted()


def run_in_lab(name, script, cpus=2):
    status, output = lab(OUT, "sh", "-c", FOLLOW + script, options=("--cpus", str(cpus)))
    if status or "exit status" in output:
        ok(f"source/{name}", [f"exit status {status}"] + output.splitlines()[-10:])
        return False
    return True


def test_scenarios():
    script = "".join(f'follow {name} "" sdei-guest --quiet --scenario {name}\n' for name in SCENARIOS)
    if not run_in_lab("scenarios", script, cpus=4):
        return
    for name in SCENARIOS:
        run = Run(name)
        lossless = [f"{run.lost} lost"] if run.lost else []
        ok(f"source/{name}", run.complaints() + lossless, f"{len(run.records)} records")


def test_overflow():
    script = f'follow tiny "--ring-size 4096" sh -c "{STALL} & sdei-guest --quiet --scenario busy --seconds 4; wait"\n'
    if not run_in_lab("overflow", script):
        return
    run = Run("tiny")
    lost = [] if run.lost else ["nothing was lost: the test does not test"]
    ok("source/overflow is exact", run.complaints() + lost, f"{len(run.records)} records, {run.lost} lost")


def test_overflow_that_cannot_be_read():
    """Where the kernel's maps of losses are closed, each loss is still counted, under its kind."""
    script = f'AROUND="refuse-program --map-reads"\nfollow closed "--ring-size 4096" sh -c "{STALL} & sdei-guest --quiet --scenario busy --seconds 4; wait"\n'
    if not run_in_lab("overflow that cannot be read", script):
        return
    run = Run("closed")
    wrong = [] if run.lost else ["nothing was lost: the test does not test"]
    wrong += [str(line) for line in run.losses if line.get("vm") or "lost_kind" not in line][:5]
    ok("source/overflow that cannot be read is exact", run.complaints() + wrong, f"{len(run.records)} records, {run.lost} lost")


def test_overflow_of_many():
    """More names of what was lost than the reader takes out of the kernel's map in one drain."""
    guests = "".join("sdei-guest --quiet --scenario busy --vcpus 4 --seconds 4 & " for _ in range(5))
    if not run_in_lab("overflow of many", f'follow many "--ring-size 4096" sh -c "{STALL} & {guests} wait"\n', cpus=4):
        return
    run = Run("many")
    names = {(line.get("lost_kind"), line.get("vm"), line.get("vcpu"), line.get("event")) for line in run.losses}
    few = [] if len(names) > 2 * SLICE_KEYS else [f"only {len(names)} names of losses"]
    ok("source/overflow of many is exact", run.complaints() + few, f"{run.lost} lost under {len(names)} names")


def test_losses_of_months():
    """More names of losses, one after the other, than both of the kernel's maps have room for; others are counted meanwhile."""
    rounds, keys, filler = 5, 5000, 2147483000  # tests/lab/tools/fill-lost.c
    guest = "sdei-guest --quiet --scenario busy --vcpus 4 & guest=\\$!"
    if not run_in_lab("losses of months", f'follow months "--ring-size 4096" sh -c "{guest}; {STALL}; fill-lost \\$PPID {rounds} {keys} >&2;'
                      ' kill \\$guest; wait \\$guest"\n', cpus=4):
        return
    run = Run("months")
    filled = [line for line in run.losses if line.get("vm") == filler]
    run.losses = [line for line in run.losses if line.get("vm") != filler]
    counted = Counter(line["event"] for line in filled)
    wrong = [] if len(counted) == rounds * keys else [f"{len(counted)} of {rounds * keys} names"]
    wrong += [f"{line}" for line in filled if line["count"] != 1][:5]
    wrong += [] if not any("lost_kind" not in line for line in run.losses) else ["there are losses without a name"]
    wrong += [] if run.lost > len(filled) else ["nothing else was lost: the test does not test"]
    ok("source/losses of months are exact", run.complaints() + wrong, f"{len(filled)} and {run.lost - len(filled)} lost")


def test_attach_again():
    names = [f"again{i}" for i in range(5)]
    script = "sdei-guest --quiet --scenario busy & guest=$!; sleep 1\n"
    script += "".join(f'follow {name} "" sleep 0.7\n' for name in names) + "kill $guest; wait $guest\n"
    if not run_in_lab("attach again", script):
        return
    for name in names:
        ok(f"source/{name}", Run(name).complaints())


def test_filters():
    script = ('follow one "-v 1 -e 2" sdei-guest --quiet --scenario inject --vcpus 2\n'
              'follow web "-g web" sh -c "sdei-guest --quiet --scenario steady -name guest=db &'
              ' sdei-guest --quiet --scenario steady -name guest=web; wait"\n')
    if not run_in_lab("filters", script):
        return
    one, web = Run("one"), Run("web")
    strays = [str(r) for r in one.records if r["vcpu"] != 1 or r["event"] not in (2, None)]
    ok("source/filter on vCPU and event", one.complaints() + strays, f"{len(one.records)} records")
    strays = [str(r) for r in web.records if r["name"] != "web"]
    nothing = [] if web.records else ["no records"]
    # What came before the answer about the other VM was read, and dropped.
    leaked = web.counters["read"] - len(web.records)
    denied = [f"{leaked} records of an unwanted VM left the kernel"] if leaked > 500 else []
    ok("source/filter on guest name", nothing + strays + web.out_of_order() + denied, f"{len(web.records)} records")


def main():
    test_scenarios()
    test_overflow()
    test_overflow_that_cannot_be_read()
    test_overflow_of_many()
    test_losses_of_months()
    test_attach_again()
    test_filters()
    finish()


if __name__ == "__main__":
    main()
