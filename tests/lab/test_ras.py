#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 900
"""Memory of a guest that fails: the VMM takes the SIGBUS and signals event 2, the guest goes on without the page. Every failure in
sdeitop's records and in a report, against what the VMM, the guest and the kernel's log know of it."""
import json
import os
import re
import subprocess
import sys
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import truth as t               # noqa: E402
from labtest import TOP, finish, lab, ok, out_dir, script    # noqa: E402

OUT = out_dir("ras")
SDEITOP = os.path.join(TOP, "build", "sdeitop")
EVENT = 2
# scenario: vCPUs; what the kernel tells the VMM, and on whose thread
SCENARIOS = {
    "required": (2, "required", "vcpu"), "optional": (2, "optional", "other"), "masked": (1, "optional", "other"),
    "elsewhere": (2, "optional", "other"), "spoilt": (1, "required", "vcpu"),
}
MASKED = ("masked", "spoilt")
# They drop many signals, as fast as this machine lets them.
FINDINGS = {"masked": ["drop-burst"]}

RUN = r"""
grep -q HardwareCorrupted /proc/meminfo || exit 77
cd /out || exit 1
observe=$1
shift
for scenario in "$@"; do
	set -- $(echo $scenario | tr : ' ')
	name=memory-$1
	dmesg -c >/dev/null
	sdeitop record -o $name.rec 2>$name.rec.err & record=$!
	until grep -q racing $name.rec.err || ! kill -0 $record; do sleep 0.1; done
	sh -c "$observe" observe $name "" sdei-guest --vcpus $2 --timeout 60 --scenario $name --truth $name.truth.json -name guest=$1 || exit 1
	kill -INT $record
	wait $record || { cat $name.rec.err; exit 1; }
	dmesg >$name.dmesg
done
"""


def signals(run, vcpu):
    return [r for r in run.records if r["kind"] == "signal" and r["event"] == EVENT and r["vcpu"] == vcpu]


def check_signals(run):
    """As many of each vCPU as SIGBUS were about its pages, and all of the VMM's."""
    complaints = []
    heard = Counter(f["vcpu"] for f in run.truth["failures"])
    for vcpu in (v["vcpu"] for v in run.truth["vcpus"]):
        seen = signals(run, vcpu)
        if len(seen) != heard[vcpu]:
            complaints.append(f"vcpu {vcpu}: {len(seen)} signals, {heard[vcpu]} SIGBUS")
        complaints += [f"vcpu {vcpu}: a signal from {r['source']}" for r in seen if r["source"] != "vmm"]
    return complaints


def check_hearing(run, action, thread):
    return [f"page {f['page']}: action {f['action']}, heard by {f['heard_by']}" for f in run.truth["failures"]
            if (f["action"], f["heard_by"]) != (action, thread)]


def check_log(run, name):
    """The kernel has recovered as many pages as the VMM has heard of. It told the poisoner of each, and a thread of the VMM at once
    of those that are said to have come so."""
    with open(f"{OUT}/{name}.dmesg", encoding="utf-8", errors="replace") as file:
        log = file.read()
    recovered = len(re.findall(r"Memory failure: 0x\w+: recovery action for .*: Recovered", log))
    told = sorted(Counter(re.findall(r"Sending SIGBUS to sdei-guest:(\d+) ", log)).values())
    failures = len(run.truth["failures"])
    early = sum(f["action"] == "optional" for f in run.truth["failures"])
    want = [failures] + [early] * bool(early)
    return [f"the kernel recovered {recovered} pages, the VMM heard of {failures}"] * (recovered != failures) + \
        [f"the kernel told {told} times, by thread; not {want}"] * (told != want)


def pairs(run):
    """(failure, its signal, the handler run that took it as records), by vCPU and in order of both."""
    for vcpu in run.truth["vcpus"]:
        failures = [f for f in run.truth["failures"] if f["vcpu"] == vcpu["vcpu"]]
        runs = t.episodes(t.Timeline(run.records).by_event[(run.truth["vm"], vcpu["vcpu"], EVENT)])
        for failure, signal in zip(failures, signals(run, vcpu["vcpu"])):
            yield failure, signal, runs[failure["run"]]


def check_order(run):
    """SIGBUS, signal, dispatch, the handler's entry, its reading of it: the way to the handler holds the latency that sdeitop shows."""
    error, complaints, shares = run.truth["clock"]["error_ns"], [], []
    for failure, signal, (first, dispatch, _) in pairs(run):
        times = [failure["sigbus_ns"], signal["time_ns"], dispatch["time_ns"], failure["entry_ns"], failure["taken_ns"]]
        where = f"page {failure['page']} of vcpu {failure['vcpu']}"
        complaints += [f"{where}: SIGBUS, signal, dispatch, entry, taken at {times}"
                       for early, late in zip(times, times[1:]) if late < early - error][:1]
        if signal is first:
            shares.append((dispatch["time_ns"] - signal["time_ns"]) / max(1, failure["entry_ns"] - failure["sigbus_ns"]))
    return complaints, f"{len(shares)} runs; the median of the latency's share in SIGBUS to handler: {sorted(shares)[len(shares) // 2]:.2f}"


def check_waiting(run, name):
    """What a vCPU's mask made wait is blamed on it, and on nothing else; other vCPUs were only on their way."""
    complaints = []
    for where, event in t.all_events(run.again):
        if event["event"] != EVENT or not event["dispatch"]:
            continue
        masked, rest = (event["blame"][f"{part}_ns"] for part in ("masked", "entry"))
        if bool(masked) != (name in MASKED) or masked + rest != event["dispatch"]["sum_ns"]:
            complaints.append(f"{where}: {event['blame']} of {event['dispatch']['sum_ns']} ns")
        if name in MASKED and masked < rest:
            complaints.append(f"{where}: masked for {masked} ns, on its way for {rest}")
    return complaints


def check_windows(run, name):
    """In the masked scenarios each signal falls into a window, which ends before its handler begins."""
    if name not in MASKED:
        return []
    timeline = t.Timeline(run.records)
    windows, _ = t.mask_intervals(timeline.by_vcpu[(run.truth["vm"], 0)])
    return [f"page {failure['page']}: signal at {signal['time_ns']}, dispatch at {dispatch['time_ns']}: no window of the mask"
            for failure, signal, (_, dispatch, _) in pairs(run)
            if not any(begin <= signal["time_ns"] <= end <= dispatch["time_ns"] for begin, end in windows)]


def report(*options):
    return subprocess.run([SDEITOP, "report", *options], stdout=subprocess.PIPE, text=True, check=True).stdout


def check_causes(run):
    """Who has touched a page that has failed was in a fault for it; who was told before has not touched it."""
    touched = sum(f["action"] == "required" for f in run.truth["failures"])
    shown = sum(vcpu["apf"]["sync_by"]["hwpoison"]["count"] for vm in run.again["vms"] for vcpu in vm["vcpus"])
    return [] if shown == touched else [f"{shown} faults of failed memory, {touched} pages were touched"]


def check_report(run, name):
    """Counts as the guest's; around the worst dispatch it shows who signalled."""
    recording = f"{OUT}/{name}.rec"
    complaints = t.check_counts([run.truth], json.loads(report("--json", recording)))
    if not re.search(rf" signal +event {EVENT} .* queued, from vmm$", report(recording), re.M):
        complaints.append("no signal from vmm around the worst dispatch")
    return complaints


def compare(scenario, action, thread):
    name = f"memory-{scenario}"
    run = t.Run(OUT, name)
    for what, complaints, note in t.comparisons(run, FINDINGS.get(scenario, [])):
        ok(f"ras/{scenario}/{what}", complaints, note)
    ok(f"ras/{scenario}/a signal of the VMM for each SIGBUS", check_signals(run), f"{len(run.truth['failures'])} pages")
    ok(f"ras/{scenario}/action {action}, heard by the thread of {thread}", check_hearing(run, action, thread))
    ok(f"ras/{scenario}/the kernel's log agrees", check_log(run, name))
    complaints, note = check_order(run)
    ok(f"ras/{scenario}/from SIGBUS to handler", complaints, note)
    ok(f"ras/{scenario}/blame of the wait", check_waiting(run, scenario) + check_windows(run, scenario))
    ok(f"ras/{scenario}/page faults of failed memory", check_causes(run))
    ok(f"ras/{scenario}/report of a recording", check_report(run, name))


def main():
    names = sys.argv[1:] or SCENARIOS
    status, output = lab(OUT, "sh", "-c", RUN, "ras", script("observe.sh"), *(f"{name}:{SCENARIOS[name][0]}" for name in names),
                         options=("--strict",))
    if status == 77:
        print("skip ras CONFIG_MEMORY_FAILURE is off in this kernel")
        return
    if status:
        ok("ras", [f"exit status {status}"] + output.splitlines()[-12:])
        finish()
    for name in names:
        try:
            compare(name, *SCENARIOS[name][1:])
        except (OSError, KeyError, ValueError, IndexError, subprocess.CalledProcessError) as error:
            ok(f"ras/{name}", [f"{type(error).__name__}: {error}"])
    finish()


if __name__ == "__main__":
    main()
