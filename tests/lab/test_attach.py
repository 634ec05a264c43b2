#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Attach while guests run, detach, attach again; lose records: no wrong figure, and loss is shown."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import truth as t               # noqa: E402
from labtest import finish, lab, ok, out_dir, script    # noqa: E402
from test_truth import guest    # noqa: E402

OUT = out_dir("attach")

MIDFLIGHT = r"""
cd /out || exit 1
sdei-guest --vcpus 4 --scenario busy --seconds 200 --truth /out/busy.truth.json -name guest=busy &
guest=$!	# ended when all rounds are done, however slow the machine
sleep 2
for round in 1 2 3; do
	sdeitop events --json --summary -- sleep 1.7 >round$round.jsonl 2>round$round.err || exit 1
done
kill $guest
wait $guest
"""

# The collectors are stopped while the guests go on, so that a tiny ring must overflow.
LOSSY = r"""
"$@" & guest=$!
for i in 1 2 3; do sleep 0.2; killall -STOP sdeitop; sleep 1.5; killall -CONT sdeitop; done
wait $guest
"""


def check_round(number, again_true):
    lines = t.load_lines(f"{OUT}/round{number}.jsonl")
    records = [line for line in lines if "kind" in line]
    summary = [line for line in lines if line.get("type") == "summary"][-1]
    complaints = t.check_lossless(summary)
    figures, compared = t.check_figures(summary, records)
    if not compared:
        complaints.append("nothing was seen")
    ok(f"attach/round {number}", complaints + figures, f"{compared} runs, {len(records)} records")
    guest_runs = sum(len(e["runs"]) for v in again_true["vcpus"] for e in v["events"])
    ok(f"attach/round {number} sees a part", [] if 0 < compared < guest_runs else [f"{compared} of {guest_runs} runs"])


def test_midflight():
    status, output = lab(OUT, "sh", "-c", MIDFLIGHT)
    if status:
        ok("attach/midflight", [f"exit status {status}"] + output.splitlines()[-10:])
        return
    with open(f"{OUT}/busy.truth.json", encoding="utf-8") as file:
        true = t.json.load(file)
    for number in (1, 2, 3):
        check_round(number, true)


def test_lossy(name):
    command = ["sh", "-c", LOSSY, "lossy", *guest(name, 2, ["--seconds", "6"] if name == "busy" else [], "lossy-" + name)]
    status, output = lab(OUT, "sh", "-c", script("observe.sh"), "observe", f"lossy-{name}", "--ring-size 4096", *command)
    if status:
        ok(f"lossy/{name}", [f"exit status {status}"] + output.splitlines()[-10:])
        return
    with open(f"{OUT}/lossy-{name}.truth.json", encoding="utf-8") as file:
        true = t.json.load(file)
    summary = t.load_summary(f"{OUT}/lossy-{name}.top.jsonl")
    ok(f"lossy/{name}/counts are exact", t.check_counts([true], summary) + t.check_accounted(summary))
    ok(f"lossy/{name}/loss is shown", t.check_lossy(summary), f"{summary['lost']} lost")


def main():
    test_midflight()
    for name in ("steady", "burst", "busy"):
        test_lossy(name)
    finish()


if __name__ == "__main__":
    main()
