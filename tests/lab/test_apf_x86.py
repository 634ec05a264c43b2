#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 900
# debug kernel: no
"""Asynchronous page faults on a stock kernel: what sdeitop records of them, against what the guest and KVM's own tracepoints know."""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import apf_truth as a           # noqa: E402  (the path comes first)
import truth as t               # noqa: E402
from labtest import HERE, TOP, finish, lab, ok, out_dir    # noqa: E402

OUT = out_dir("apf-x86")
SDEITOP = os.path.join(TOP, "build", "sdeitop")

# name: how the guest is told of a fault, and of its page; its arguments
CASES = {
    "plain": ("halted", "silent", "--mode plain --vcpus 2 --pages 53"),
    "irqs-off": (None, None, "--mode irqs-off --vcpus 2 --pages 31"),
    "enabled": ("told", "signalled", "--mode enabled --vcpus 2 --pages 211 --delay bimodal:1ms,20ms,10"),
    "computing": ("told", "signalled", "--mode enabled --pages 97 --passes 3 --compute --delay tail:1ms,50ms"),
    "user-only": ("halted", "silent", "--mode user-only --pages 41 --delay fixed:500us"),
    "full": ("told", "signalled", "--mode enabled --tasks 79 --pages 79 --delay fixed:300ms"),
}
KILLED_VCPUS, KILLED_TASKS = 2, 5
LATE = 11       # pages of a vCPU that are late, or that it has to wait for

# All in one lab. The last VM but one is killed while its faults are in flight.
RUN = r"""
cd /out || exit 1
sdeitop doctor -j >doctor.json 2>doctor.err
echo $? >doctor.status
try() {
	name=$1
	shift
	sh observe.sh $name "" sh traced.sh $name apf-guest --truth /out/$name.truth.json -name guest=$name "$@" || exit 1
}
CASES
sh observe.sh lossy "--ring-size 4K" apf-guest --mode enabled --vcpus 2 --tasks 90 --pages 900 --delay fixed:200us --truth /out/lossy.truth.json || exit 1
sdeitop record -o enabled.rec 2>rec.err -- sh observe.sh recorded "" apf-guest --mode enabled --truth /out/recorded.truth.json || exit 1
sh observe.sh killed "" sh traced.sh killed sh killed.sh kvm_async_pf_not_present TASKS VCPUS after --mode enabled
sdeitop --json --page-ms 200 -- apf-guest --mode enabled --pages LATE --delay fixed:500ms >late.jsonl 2>late.err || exit 1
sdeitop --json --fallbacks 1 -- apf-guest --mode irqs-off --vcpus 2 --pages LATE >fallbacks.jsonl 2>fallbacks.err || exit 1
sdeitop --json --ack-ms 200 0.2 -- sh deaf.sh >deaf.jsonl 2>deaf.err || exit 1
"""

# Ends once that was found.
DEAF = r"""
apf-guest --mode deaf &
guest=$!
until grep -q page-unacked /out/deaf.jsonl; do
	kill -0 $guest || exit 1
	sleep 0.1
done
kill -9 $guest
wait $guest
true
"""

def write_scripts():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    for name in ("observe.sh", "traced.sh", "killed.sh"):
        shutil.copy(os.path.join(HERE, name), OUT)
    cases = "\n".join(f"try {name} {arguments}" for name, (_told, _present, arguments) in CASES.items())
    run = RUN.replace("CASES", cases).replace("LATE", str(LATE)).replace("TASKS", str(KILLED_TASKS)).replace("VCPUS", str(KILLED_VCPUS))
    for name, text in (("run.sh", run), ("deaf.sh", DEAF)):
        with open(os.path.join(OUT, name), "w", encoding="utf-8") as file:
            file.write(text)


def check_case(name, told, present):
    run = a.Run(OUT, name)
    for what, complaints, detail in a.verdicts(run, told, present):
        ok(f"apf/{name}/{what}", complaints, detail)
    return run.faults


def check_why(faults):
    """Of those faults that had to wait."""
    return {r["outcome"] for r in faults.by_step["fallback"]}


def check_cases():
    found = {name: check_case(name, told, present) for name, (told, present, _arguments) in CASES.items()}
    ok("apf/irqs-off/every fault had to wait", a.same("why", check_why(found["irqs-off"]), {"not-now"}) +
       a.same("faults", found["irqs-off"].count("setup"), 0))
    most = max(r["queued"] for r in found["full"].by_step["setup"])
    ok("apf/full/no more than 64 in flight", a.same("why", check_why(found["full"]), {"full"}) + a.same("in flight", most, 64))
    for name in ("plain", "enabled", "computing", "user-only"):
        ok(f"apf/{name}/no fault had to wait", a.same("why", check_why(found[name]), set()))


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    return done.stdout.splitlines(), [f"{command[0]}: status {done.returncode}: {done.stderr.strip()}"] if done.returncode else []


# Another collector has ids and times of its own, and so other faults that it takes for quick, or finds while they last.
def is_short(record):
    return record["step"] in ("quick", "waiting") or record.get("outcome") in ("memory", "mapped")


def comparable(records):
    def kept(r):
        return json.dumps([r.get(name) for name in ("vm", "vcpu", "step", "outcome")] + [a.number(r.get(name, 0)) for name in ("token", "gfn")])

    return sorted(kept(r) for r in records if r["kind"] == "apf" and not is_short(r))


def check_recording():
    recorded = a.Run(OUT, "recorded")
    lines, failed = run(SDEITOP, "events", "-j", f"{OUT}/enabled.rec")
    records = [r for r in map(json.loads, lines) if "kind" in r]
    mine = [r for r in records if r["vm"] == recorded.truth.vm]
    ok("apf/recording/the same records", failed + a.same("records", comparable(mine), comparable(recorded.records)), f"{len(mine)} records")
    lines, failed = run("babeltrace2", f"{OUT}/enabled.rec")
    ok("apf/recording/babeltrace2 reads them", failed + a.same("records", sum(" kvm_apf:" in line for line in lines),
                                                               len([r for r in records if r["kind"] == "apf"])))


def check_killed():
    after = a.Run(OUT, "killed")
    with open(f"{OUT}/killed.pid", encoding="utf-8") as file:
        killed = a.Faults(after.records, int(file.read()))
    cleared = sorted((r["vcpu"], r["queued"]) for r in killed.by_step["clear"])
    complaints = a.same("cleared", cleared, [(vcpu, KILLED_TASKS) for vcpu in range(KILLED_VCPUS)])
    complaints += a.same("faults", killed.count("setup"), KILLED_TASKS * KILLED_VCPUS)
    complaints += a.same("present", [r for r in killed.by_step["present"] if r["id"]], [])
    complaints += a.same("ends of vCPUs", sorted(r["vcpu"] for r in killed.by_step["vcpu-end"]), list(range(KILLED_VCPUS)))
    ok("apf/killed/its faults are cleared, its vCPUs end", complaints)
    ok("apf/killed/the next VM's are whole", a.check_steps(after.faults) + a.check_counts(after.faults, after.truth),
       f"{len(after.faults.by_id)} faults")


def check_lossy():
    """What found no room is counted, and what it touches says so."""
    lossy = a.Run(OUT, "lossy")
    counters, apf = lossy.summary["counters"], lossy.apf
    lost = sum(r["count"] for r in lossy.lost if r["lost_kind"] == "apf")
    complaints = a.same("read and lost", sum(counters["attempted"].values()), len(lossy.records) + counters["lost"]["apf"])
    complaints += a.same("lost", (lost, apf["lost"]), (counters["lost"]["apf"],) * 2)
    ok("apf/lossy/every loss is counted", complaints + ([] if lost else ["the test forced a loss, none is shown"]), f"{lost} lost")
    ok("apf/lossy/marked", a.same("inexact", apf["inexact"], True))
    ok("apf/lossy/no stage is longer or shorter than the records say", a.check_some_stages(lossy.faults, apf))


def findings_of(name):
    return t.load_summary(f"{OUT}/{name}.jsonl")["findings"]


def check_found(name, code, vcpus, count):
    """Nothing but that, of each vCPU, so often in all."""
    found = findings_of(name)
    complaints = a.same("codes", {f["code"] for f in found}, {code}) + a.same("vCPUs", {f["vcpu"] for f in found}, set(range(vcpus)))
    ok(f"apf/findings/{code}", complaints + a.same("count", sum(f["count"] for f in found), count) + [f["text"] for f in found if complaints])
    return found


def check_findings():
    late = check_found("late", "page-stuck", 1, LATE)
    ok("apf/findings/a page is as late as it was", [f["text"] for f in late if f["value"] < 500_000_000 or not f.get("gfn")])
    check_found("fallbacks", "fallback-burst", 2, 2 * LATE)
    deaf = check_found("deaf", "page-unacked", 1, 1)
    ok("apf/findings/the guest has not acknowledged for so long", [f["text"] for f in deaf if f["value"] < 200_000_000])


def check_doctor():
    with open(f"{OUT}/doctor.json", encoding="utf-8") as file:
        states = {c["name"]: c["state"] for c in json.load(file)["capabilities"] if c["name"] != "live" or c["needed"]}
    with open(f"{OUT}/doctor.status", encoding="utf-8") as file:
        status = int(file.read())
    ok("apf/doctor", a.same("status", status, 0) +
       [c for name in ("async-page-faults", "live") for c in a.same(name, states[name], "yes")] +
       a.same("kvm_sdei_signal", states["kvm_sdei_signal"], "no"))


def check_said():
    """All probes are there, of those asked for."""
    with open(f"{OUT}/rec.err", encoding="utf-8") as file:
        told = re.findall(r"\((\d+)/(\d+) probes\)", file.read())
    ok("apf/record says how many probes it has", a.same("told", len(told), 2) + [f"{n} of {of}" for n, of in told if n != of])


def main():
    if os.uname().machine != "x86_64":
        print("skip apf the x86 lab is only built on x86_64")
        return
    write_scripts()
    status, output = lab(OUT, "sh", "/out/run.sh", timeout=600, options=("--arch", "x86_64"))
    if status:
        ok("apf", [f"exit status {status}"] + output.splitlines()[-10:])
    else:
        check_doctor()
        check_said()
        check_cases()
        check_lossy()
        check_recording()
        check_killed()
        check_findings()
    finish()


if __name__ == "__main__":
    main()
