#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 900
"""Asynchronous page faults of arm64 as sdeitop tells them: record by record as the guest saw them and as many as KVM's own
tracepoints, and what the model makes of them."""
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apf_arm64 import PRELUDE, check_counts, check_lives, check_pages, check_times, load, parse, read, touches     # noqa: E402
from labtest import TOP, finish, lab, ok, out_dir     # noqa: E402

OUT = out_dir("apf")
SDEITOP = os.path.join(TOP, "build", "sdeitop")

# In the lab, after PRELUDE: `watched NAME COMMAND…` is `traced` that leaves NAME.jsonl, too: what sdeitop tells of it.
WATCHED = r"""
rm -f *.jsonl *.err
watched() {
	name=$1
	shift
	sdeitop events --json --summary >$name.jsonl 2>$name.err &
	collector=$!
	tries=0
	until grep -q racing $name.err || [ $tries = 300 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	traced $name "$@"
	kill -INT $collector
	wait $collector || echo $? >$name.status
}
"""
RUN = PRELUDE + WATCHED + r"""
for mode in park wait never-ack masked no-handler user-only unread busy full restore restore-raised disable renew reset in-time; do
	watched $mode sdei-guest --apf $mode --truth $mode.json
done
watched many sdei-guest --apf park --vcpus 4 --tasks 6 --pages 50 --delay 3000 --truth many.json
watched tail sdei-guest --apf park --tasks 8 --pages 64 --delay 500 --delays tail --work 300 --truth tail.json
found() {
	name=$1
	ack_ms=$2
	shift 2
	sdeitop --json --page-ms 100000 --fallbacks 100000 --ack-ms $ack_ms 0.1 -- sdei-guest --apf $name "$@" --truth found-$name.json \
		>found-$name.jsonl 2>found-$name.err
	echo $? >found-$name.status
}
found never-ack 100 --pages 1000
found restore-raised 100000

await() {
	tries=0
	until "$@" || [ $tries = 600 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
}
follow() {
	name=$1
	shift
	"$@" >$name.jsonl 2>$name.err &
	await grep -q racing $name.err
}
# A wake-up that is lost: live, by the flight recorder, and in a recording.
follow lost-record sdeitop record -o lost
recorder=$!
follow lost-flight sdeitop record -o lost-flight --flight 1M --on wakeup-lost
flight=$!
found forget 100000
await [ -d lost-flight ]
kill -INT $recorder $flight
wait $recorder && wait $flight
echo $? >lost.status

# A page that never comes, of a guest as on any KVM: everybody finds it while the vCPU waits for it.
follow hung-live sdeitop --json --page-ms 300 0.2
live=$!
follow hung-record sdeitop record -o hung
recorder=$!
follow hung-flight sdeitop record -o hung-flight --flight 1M --on page-stuck
flight=$!
follow hung-events sdeitop events --json
events=$!
sdei-guest --apf bare --tasks 1 --pages 1 --delay 900000000 >hung.said 2>&1 &
vmm=$!
await grep -q page-stuck hung-live.jsonl
await grep -q waiting hung-events.jsonl
await [ -d hung-flight ]
kill -INT $recorder $flight $live $events
wait $recorder && wait $flight && wait $live && wait $events
echo $? >hung.status
kill -KILL $vmm
true
"""
# What is found, and how often as the guest knows it. never-ack goes on long after its first page was ready: each of the others takes a
# millisecond at least.
FOUND = {"never-ack": ("page-unacked", lambda vcpu: 1), "restore-raised": None, "forget": ("wakeup-lost", lambda vcpu: vcpu["lost"])}
MODES = ("park", "wait", "never-ack", "masked", "no-handler", "user-only", "unread", "busy", "full", "restore", "restore-raised",
         "disable", "renew", "reset", "in-time", "many", "tail")
UNTOLD = ("masked", "no-handler", "in-time", "no-memory-100")     # nothing that the guest could compare the times of
OUTCOMES = {"present": {"signalled": ("present", "ready"), "cancelled": ("cancel", "in-time"), "silent": ("cancel", "off"),
                        "wake-all": ("present", "wake-all")},
            "not-present": {"told": ("not_present", None), "untold": ("fallback", None)}}
# What KVM's reasons are to sdeitop.
FALLBACKS = {"no-handler": "off", "kernel": "not-now", "full": "full", "no-memory": "no-memory", "masked": "masked", "busy": "busy",
             "pending": "pending"}


def as_traced(row):
    """A record of sdeitop in the words of apf_arm64; None if it is about something else."""
    fields = {"vm": row["vm"], "vcpu": row["vcpu"], "ns": row["time_ns"], "id": row.get("id")}
    if row["kind"] in ("dispatch", "complete") and row["event"] == 1:
        return "sdei_" + row["kind"], fields | {"event": 1, "how": {"resume": "complete-and-resume"}.get(row.get("how"), row.get("how"))}
    if row["kind"] != "apf" or row["step"] in ("sync", "quick", "waiting"):
        return None
    kind, reason = OUTCOMES.get(row["step"], {}).get(row.get("outcome"), (row["step"], row.get("outcome")))
    return kind, fields | {"token": int(row["token"], 16), "gfn": int(row["gfn"], 16), "reason": reason}


def told_at_the_end(records):
    """KVM tells one by one what it drops when a guest switches off; sdeitop when the vCPU would have been told, or all at its end."""
    told, found = {}, []
    for kind, fields in records:
        found.append((kind, fields))
        if kind == "not_present":
            told[fields["id"]] = fields
        elif kind in ("present", "cancel"):
            told.pop(fields["id"], None)
        elif kind == "clear":
            gone = [of for of in told.values() if (of["vm"], of["vcpu"]) == (fields["vm"], fields["vcpu"])]
            found += [("cancel", of | {"ns": fields["ns"], "reason": "off"}) for of in gone]
            told = {fault: of for fault, of in told.items() if of not in gone}
    return found


def load_events(out, name):
    """(records, summary)"""
    records, summary = [], None
    with open(f"{out}/{name}.jsonl", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if row.get("type") == "summary":
                summary = row
            elif "kind" in row:
                records.append(as_traced(row))
    return told_at_the_end([record for record in records if record]), summary


STEPS = ("setup", "not_present", "ready", "present", "cancel", "fallback", "ack")


def tally(records):
    """By step and vCPU; what was set up has a token, a fallback without one is a reason."""
    count = Counter()
    for kind, fields in records:
        if kind in STEPS:
            reason = fields.get("reason") if kind in ("fallback", "cancel") and not (kind == "fallback" and fields["token"]) else None
            if kind == "fallback":
                reason = FALLBACKS.get(reason, reason if reason in FALLBACKS.values() else "other") if reason else None
            elif kind == "cancel":
                reason = "in-time" if reason == "in-time" else "other"
            count[(kind, fields["vcpu"], reason)] += 1
    return count


def check_same(events, traced):
    ours, theirs = tally(events), tally(traced)
    complaints = [f"{key}: {ours[key]} told, {theirs[key]} traced" for key in ours | theirs if ours[key] != theirs[key]]
    setups = [[(fields["vcpu"], fields["token"], fields["gfn"]) for kind, fields in sorted(records, key=lambda r: r[1]["ns"])
               if kind == "setup"] for records in (events, traced)]
    return complaints + ([] if sorted(setups[0]) == sorted(setups[1]) else ["other tokens or pages were set up"])


def check_ids(events):
    """The steps of an id are those of one fault, once each and in order."""
    faults = defaultdict(list)
    for kind, fields in events:
        if fields.get("id"):
            faults[fields["id"]].append((kind, fields))
    complaints = [] if all(fields["id"] for kind, fields in events if kind in ("setup", "working", "ready")) else ["a step has no id"]
    for fault, steps in faults.items():
        at = {kind: fields["ns"] for kind, fields in steps}
        if len(at) != len(steps):
            complaints.append(f"fault {fault}: {[kind for kind, _ in steps]}")
        if len({(fields["vcpu"], fields["token"], fields["gfn"]) for _, fields in steps}) != 1:
            complaints.append(f"fault {fault} has several pages or tokens")
        end = at.get("present", at.get("cancel"))
        chain = [at.get(kind) for kind in ("setup", "working", "ready")] + [end]
        if None in chain[:3] or [ns for ns in chain if ns] != sorted(ns for ns in chain if ns):
            complaints.append(f"fault {fault}: {sorted(at.items(), key=lambda step: step[1])}")
        if "not_present" in at and not at["setup"] <= at["not_present"] <= (end or at["not_present"]):
            complaints.append(f"fault {fault}: not present at {at['not_present']}, set up at {at['setup']}, present at {end}")
    return complaints


def check_summary(summary, events, truth):
    """The model's counts are those of the records, and nothing is unaccounted for."""
    if not summary or summary["lost"] or summary["inexact"] or len(summary["vms"]) != 1:
        return [f"summary: {str(summary)[:400]}"]
    apf = summary["vms"][0].get("apf")
    if not apf:
        return ["the VM has no asynchronous page faults"]
    count = Counter(kind for kind, _ in events)
    presents = Counter(fields["reason"] for kind, fields in events if kind == "present")
    fallbacks = Counter(bool(fields["token"]) for kind, fields in events if kind == "fallback")
    want = {"setup": count["setup"], "acked": count["ack"], "fallback": fallbacks[False], "untold": fallbacks[True],
            "cancelled": sum(kind == "cancel" and fields["reason"] == "in-time" for kind, fields in events),
            "wake_all": sum(vcpu["wake_alls"] for vcpu in truth["vcpus"]), "halted": 0}
    complaints = [f"summary: {key} {apf['count'][key]}, not {value}" for key, value in want.items() if apf["count"][key] != value]
    told_ready = apf["count"]["async"] + apf["count"]["wasted"]
    complaints += [] if told_ready == presents["ready"] else [f"summary: {told_ready} told ready, not {presents['ready']}"]
    complaints += [f"summary: {key} {apf[key]}" for key in ("in_flight", "unaccounted", "lost") if apf[key]]
    told = sum(vcpu["acks"] for vcpu in truth["vcpus"])
    return complaints + ([] if apf["count"]["acked"] == told else [f"summary: {apf['count']['acked']} acknowledged, {told} in the guest"])


def check_mode(out, name):
    if read(out, name, "status") != "0":
        ok(f"apf/{name}", [f"status {read(out, name, 'status')}: {read(out, name, 'said')} {read(out, name, 'err')}"])
        return
    truth, (events, summary) = load(out, name), load_events(out, name)
    traced, complaints = parse(out, name)
    ok(f"apf/{name}/as many as KVM traces", complaints + check_same(events, traced), f"{touches(truth)} pages, {len(events)} records")
    ok(f"apf/{name}/as the guest saw it", check_counts(events, truth) + check_pages(events, truth) +
       check_lives([record for record in events if record[0] in STEPS]))
    ok(f"apf/{name}/each id is one fault", check_ids(events))
    ok(f"apf/{name}/summary", check_summary(summary, events, truth))
    if name not in UNTOLD:
        ok(f"apf/{name}/times", check_times(events, truth))


def check_found(out, name):
    """The guest's trouble is found, once and nothing else; what was parked when the vCPU was restored is accounted for."""
    if read(out, f"found-{name}", "status") != "0":
        ok(f"apf/found/{name}", [f"status {read(out, f'found-{name}', 'status')}: {read(out, f'found-{name}', 'err')}"])
        return
    truth = load(out, f"found-{name}")
    with open(f"{out}/found-{name}.jsonl", encoding="utf-8") as file:
        summary = [row for row in map(json.loads, file) if row.get("type") == "summary"][-1]
    got = [(finding["code"], finding["vcpu"], finding["count"]) for finding in summary["findings"]]
    want = [(FOUND[name][0], 0, FOUND[name][1](truth["vcpus"][0]))] if FOUND[name] else []
    ok(f"apf/found/{name}", [] if got == want else [f"{got} instead of {want}: {[finding['text'] for finding in summary['findings']]}"])
    apf = summary["vms"][0]["apf"]
    acks = sum(vcpu["acks"] for vcpu in truth["vcpus"])
    complaints = [] if apf["count"]["acked"] == acks else [f"{apf['count']['acked']} acknowledged, {acks} in the guest"]
    ok(f"apf/found/{name}/nothing is unaccounted for", complaints + [f"{key} {apf[key]}" for key in ("in_flight", "unaccounted", "lost") if apf[key]])


def check_lost(out):
    """Wake-ups that the guest did not get are found as often in a recording; the flight recorder has the first of them."""
    if read(out, "lost", "status") != "0":
        ok("apf/lost", [f"status {read(out, 'lost', 'status')}: {[read(out, f'lost-{who}', 'err') for who in ('record', 'flight')]}"])
        return
    lost = load(out, "found-forget")["vcpus"][0]["lost"]
    saved = os.listdir(f"{out}/lost-flight") if os.path.isdir(f"{out}/lost-flight") else []
    ok("apf/lost/the flight recorder saves once", [] if len(saved) == 1 else [f"saved: {saved}"])
    recordings = {"a recording": (f"{out}/lost", range(lost, lost + 1))}
    recordings |= {"the flight recorder": (f"{out}/lost-flight/{name}", range(1, lost + 1)) for name in saved}
    for name, (directory, counts) in recordings.items():
        found = report(directory)
        good = [finding["code"] for finding in found] == ["wakeup-lost"] and found[0]["count"] in counts and found[0]["vcpu"] == 0
        ok(f"apf/lost/{name}", [] if good else [f"the guest has lost {lost}, found: {found}"])


def report(directory):
    done = subprocess.run([SDEITOP, "report", "--json", "--page-ms", "300", directory], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)["findings"]


def check_stuck(name, findings):
    """One page that has not come, of more than the limit and for as long as was looked."""
    stuck = [finding for finding in findings if finding["code"] == "page-stuck"]
    good = len(stuck) == 1 and len(findings) == 1 and stuck[0]["open"] and "has not come for" in stuck[0]["text"] and \
        stuck[0]["count"] == 1 and stuck[0]["value"] >= 300e6 and stuck[0]["value"] == stuck[0]["last_ns"] - stuck[0]["first_ns"] + 300e6
    ok(f"apf/hung/{name}", [] if good else [f"found: {findings}"])


def check_hung(out):
    """A page that never comes is found while its vCPU waits: live, by the flight recorder, and in a recording that ends then."""
    if read(out, "hung", "status") != "0":
        ok("apf/hung", [f"status {read(out, 'hung', 'status')}: {[read(out, f'hung-{who}', 'err') for who in ('live', 'record', 'flight')]}"])
        return
    with open(f"{out}/hung-live.jsonl", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    check_stuck("live", rows[-1]["findings"])
    check_stuck("live, in an interval", next(row["findings"] for row in rows if row["type"] == "interval" and row["findings"]))
    check_stuck("a recording", report(f"{out}/hung"))
    saved = os.listdir(f"{out}/hung-flight") if os.path.isdir(f"{out}/hung-flight") else []
    check_stuck("the flight recorder", report(f"{out}/hung-flight/{saved[0]}") if len(saved) == 1 else [f"saved: {saved}"])
    with open(f"{out}/hung-events.jsonl", encoding="utf-8") as file:
        waiting = [row for row in map(json.loads, file) if row.get("step") == "waiting"]
    since = {row["time_ns"] - row["duration_ns"] for row in waiting}
    ok("apf/hung/records", [] if len(since) == 1 and {row["outcome"] for row in waiting} == {"userfault"} else [f"{waiting}"])


def main():
    status, output = lab(OUT, "sh", "-c", RUN, timeout=800, options=("--strict",))
    if status:
        ok("apf/run", [f"exit status {status}"] + output.splitlines()[-15:])
        finish()
    for name in MODES:
        check_mode(OUT, name)
    for name in FOUND:
        check_found(OUT, name)
    check_lost(OUT)
    check_hung(OUT)
    finish()


if __name__ == "__main__":
    main()
