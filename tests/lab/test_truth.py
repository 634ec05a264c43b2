#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""It is true: each scenario under sdeitop in the lab, compared with what its guests know."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import truth as t               # noqa: E402  (the path comes first)
from labtest import finish, lab, ok, out_dir, script    # noqa: E402

OUT = out_dir("truth")
# scenario: vcpus, further arguments
SCENARIOS = {
    "steady": (2, []), "burst": (2, []), "masked": (2, []), "handler-busy": (2, []), "disabled": (2, []),
    "cross": (4, []), "unregister-running": (2, []), "reset": (2, []), "refused": (2, []), "inject": (2, []),
    "churn": (2, []), "busy": (4, ["--seconds", "5"]),
}
# What they may make sdeitop point at: they drop or refuse many signals or calls, as fast as this machine lets them.
FINDINGS = {
    "burst": ["drop-burst"], "cross": ["drop-burst"], "busy": ["drop-burst"], "disabled": ["drop-burst"],
    "handler-busy": ["drop-burst"], "unregister-running": ["refused-calls", "drop-burst"],
    "refused": ["refused-calls", "drop-burst"], "inject": ["drop-burst"],
}


def guest(name, vcpus, more, tag=None):
    tag = tag or name
    return ["sdei-guest", "--vcpus", str(vcpus), "--scenario", name, *more,
            "--truth", f"/out/{tag}.truth.json", "-name", f"guest={tag}"]


def load(name):
    with open(f"{OUT}/{name}.truth.json", encoding="utf-8") as file:
        truth = json.load(file)
    records = t.load_lines(f"{OUT}/{name}.events.jsonl")
    kept = [r for r in records if "kind" in r]
    last = [r for r in records if r.get("type") == "summary"]
    return truth, t.load_summary(f"{OUT}/{name}.top.jsonl"), kept, last[-1]


def compare(name):
    truth, summary, records, again = load(name)
    signals = sum(e["count"]["signals"] for _, e in t.all_events(summary))
    ok(f"truth/{name}/counts", t.check_counts([truth], summary), f"{signals} signals")
    ok(f"truth/{name}/lossless", t.check_lossless(summary) + t.check_lossless(again))
    ok(f"truth/{name}/second collector counts the same", t.check_counts([truth], again))
    complaints, compared = t.check_figures(again, records)
    ok(f"truth/{name}/figures equal the records", complaints, f"{compared} runs")
    ok(f"truth/{name}/findings", t.check_findings(summary, FINDINGS.get(name, [])))
    if "vms" in truth:
        return      # many VMs in turn under one pid: intervals are those of the other scenarios
    complaints, compared = t.check_intervals([truth], records)
    ok(f"truth/{name}/intervals", complaints, f"{compared} runs")
    complaints, compared = t.check_masks([truth], again, records)
    ok(f"truth/{name}/masks", complaints, f"{compared} intervals")
    complaints, compared = t.check_blame(again, records)
    ok(f"truth/{name}/blame", complaints, f"{compared} dispatches")


def run_scenario(name, vcpus, more):
    status, output = lab(OUT, "sh", "-c", script("observe.sh"), "observe", name, "", *guest(name, vcpus, more))
    if status:
        ok(f"truth/{name}", [f"exit status {status}"] + output.splitlines()[-10:])
    else:
        compare(name)


def main():
    names = sys.argv[1:] or SCENARIOS
    for name in names:
        try:
            run_scenario(name, *SCENARIOS[name])
        except (OSError, KeyError, ValueError, IndexError) as error:
            ok(f"truth/{name}", [f"{type(error).__name__}: {error}"])
    finish()


if __name__ == "__main__":
    main()
