#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Metrics of real guests: each file is clean for promtool, no counter goes back from one to the next, and the last one has the
figures of the summary (which test_truth.py compares with the guests' own)."""
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import finish, lab, ok, out_dir    # noqa: E402
from truth import load_lines    # noqa: E402

OUT = out_dir("metrics")

RUN = r"""
cd /out || exit 1
rm -f *.prom
metrics-once /out sh -c '
	sdei-guest --vcpus 2 --scenario busy --seconds 5 --truth /out/a.truth.json -name guest=web &
	sdei-guest --vcpus 2 --scenario long-mask --truth /out/b.truth.json -name guest="d\"b\\" &
	wait' >summary.jsonl 2>messages || { cat messages; exit 1; }
"""

SAMPLE = re.compile(r"(kvm_sdei_\w+)(\{.*\})? (\S+)$")


def parse(path):
    with open(path, encoding="utf-8") as file:
        return {(found[1], found[2] or ""): float(found[3]) for found in map(SAMPLE.match, file) if found}


def files():
    return [f"{OUT}/{i}.prom" for i in range(len(glob.glob(f"{OUT}/*.prom")))]


def check_promtool():
    complaints = []
    for path in files():
        with open(path, "rb") as file:
            done = subprocess.run(["promtool", "check", "metrics"], stdin=file, capture_output=True, check=False)
        if done.returncode or done.stdout or done.stderr:
            complaints.append(f"{path}: {done.stdout.decode()}{done.stderr.decode()}")
    ok("metrics/promtool", complaints + ([] if len(files()) > 3 else [f"{len(files())} files"]), f"{len(files())} files")


def check_counters():
    complaints, compared = [], 0
    versions = [parse(path) for path in files()]
    for before, after in zip(versions, versions[1:]):
        for key, value in before.items():
            if re.search(r"_(total|bucket|sum|count)$", key[0]):
                compared += 1
                if after.get(key, -1) < value:
                    complaints.append(f"{key}: {value}, then {after.get(key)}")
    ok("metrics/no counter goes back", complaints + ([] if compared > 1000 else [f"{compared} compared"]), f"{compared} compared")


def label(vm):
    """They have names of their own, and no UUIDs."""
    return vm["name"].replace("\\", "\\\\").replace('"', '\\"')


def event_samples(name, number, events):
    """What the model says of an event of a VM, in samples."""
    select = f'vm="{name}",event="{number}"'
    count = {field: sum(e["count"][field] for e in events) for field in events[0]["count"]}
    samples = {("kvm_sdei_dispatched_total", "{" + select + "}"): count["dispatched"]}
    for outcome in ("queued", "coalesced", "rejected"):
        samples[("kvm_sdei_signals_total", "{" + select + f',outcome="{outcome}"' + "}")] = count[outcome]
    for reason in ("coalesced", "cancelled", "cleared"):
        samples[("kvm_sdei_dropped_total", "{" + select + f',reason="{reason}"' + "}")] = count[reason]
    for field, family in (("dispatch", "dispatch_latency"), ("handler", "handler"), ("total", "total_latency")):
        hists = [e[field] for e in events if e[field]]
        samples[(f"kvm_sdei_{family}_seconds_count", "{" + select + "}")] = sum(h["count"] for h in hists)
        samples[(f"kvm_sdei_{family}_seconds_sum", "{" + select + "}")] = sum(h["sum_ns"] for h in hists) / 1e9
    return samples


def vm_samples(vm):
    name, events, samples = label(vm), {}, {}
    select = "{" + f'vm="{name}"' + "}"
    for vcpu in vm["vcpus"]:
        for event in vcpu["events"]:
            events.setdefault(event["event"], []).append(event)
    for number, those in events.items():
        if sum(e["count"]["signals"] for e in those):
            samples.update(event_samples(name, number, those))
    masks = [v["mask"] for v in vm["vcpus"] if v["mask"]]
    if masks:
        samples[("kvm_sdei_mask_seconds_count", select)] = sum(m["count"] for m in masks)
        samples[("kvm_sdei_mask_seconds_sum", select)] = sum(m["sum_ns"] for m in masks) / 1e9
    for vcpu in vm["vcpus"]:
        for call in vcpu["calls"]:
            key = ("kvm_sdei_calls_total", "{" + f'vm="{name}",function="{call["function"]}",result="{call["result"]}"' + "}")
            samples[key] = samples.get(key, 0) + call["count"]
    return samples


def check_figures():
    summary, last = load_lines(f"{OUT}/summary.jsonl")[-1], parse(files()[-1])
    wanted = {("kvm_sdei_records_total", ""): summary["records"]}
    for vm in summary["vms"]:
        wanted.update(vm_samples(vm))
    wrong = [f"{key}: {last.get(key)} instead of {want}" for key, want in wanted.items() if last.get(key) != want]
    ok("metrics/the last file has the figures of the summary", wrong + ([] if len(wanted) > 60 else [f"{len(wanted)} figures"]),
       f"{len(wanted)} figures")


def main():
    status, output = lab(OUT, "sh", "-c", RUN)
    if status:
        ok("metrics", [f"exit status {status}"] + output.splitlines()[-10:])
    else:
        check_promtool()
        check_counters()
        check_figures()
    finish()


if __name__ == "__main__":
    main()
