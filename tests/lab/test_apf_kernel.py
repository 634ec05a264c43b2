#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 1200
"""KVM's asynchronous page faults: the tracepoints tell what the guest saw, page by page; every reason for a synchronous
fault is provoked; VMs that go with faults in flight leave nothing behind."""
import os
import sys
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apf_arm64 import (IN_FLIGHT, PRELUDE, cancels, check_counts, check_flight, check_lives, check_pages, check_times,     # noqa: E402
                      check_truth, expect, load, parse, read, reasons, touches)
from labtest import finish, lab, ok, out_dir     # noqa: E402

OUT = out_dir("apf-kernel")

MODES = PRELUDE + r"""
for mode in park wait never-ack off masked no-handler user-only unread busy full irqs-off write-back suspend restore restore-raised disable renew reset in-time no-access broken exit; do
	traced $mode sdei-guest --apf $mode --truth $mode.json -name guest=$mode
done
traced many sdei-guest --apf park --vcpus 4 --tasks 6 --pages 50 --delay 3000 --truth many.json
for shape in bimodal tail; do
	traced $shape sdei-guest --apf park --tasks 8 --pages 64 --delay 5000 --delays $shape --work 300 --truth $shape.json
done
traced no-parallel sdei-guest --apf off --work 300 --truth no-parallel.json
traced signals sdei-guest --apf signals --truth signals.json
true
"""

# Killed when every task that can be is parked, for a page that does not come; then again, by its own end.
CHURN = 23
KILL = PRELUDE + r"""
killed() {
	sdei-guest --apf park --vcpus 2 --tasks 8 --delay 900000000 &
	vmm=$!
	until [ $(count kvm_apf_not_present:) = 16 ]; do sleep 0.1; done
	kill -$1 $vmm
	wait $vmm
	until [ $(count reason=destroyed) = 16 ]; do sleep 0.1; done
}
for signal in KILL TERM SEGV; do
	traced kill-$signal killed $signal
done
churned() {
	n=0
	while [ $n -lt CHURN ]; do
		sdei-guest --apf park --vcpus 2 --tasks 8 --delay 30000 &
		vmm=$!
		sleep 0.$((n * 7 % 40 + 10))
		kill -KILL $vmm
		wait $vmm
		n=$((n + 1))
	done
}
traced churn churned
traced after sdei-guest --apf park --truth after.json
# Objects that are left, once those that are kept for the next one are given back.
left() {
	echo 1 >/sys/kernel/slab/$1/shrink
	read -r objects _ </sys/kernel/slab/$1/objects
	echo $objects
}
for cache in kvm_vcpu kvm_async_pf; do
	[ $(cat /sys/kernel/slab/$cache/aliases) = 0 ] || continue	# shared with others
	tries=0
	until [ $(left $cache) = 0 ] || [ $tries = 50 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	left $cache >$cache.left
done
"""


# --- what the modes are for

def all_async(records, truth):
    return expect("fallbacks", reasons(records, "fallback")) + expect("cancels", cancels(records))


WORK = 300      # units of parallel work, where there is some


def mode_shape(times):
    """Tasks parked while work was done, all of it; the slowest page was that many times the delay."""
    def check(records, truth):
        vcpu = truth["vcpus"][0]
        most = max(touch["delay"] for touch in vcpu["pages"])
        complaints = [] if most == times * truth["delay_ns"] else [f"the slowest page took {most} ns"]
        if vcpu["work"] != WORK or not vcpu["work_parked"]:
            complaints.append(f"{vcpu['work']} units of work, {vcpu['work_parked']} while a task was parked")
        return complaints + all_async(records, truth)
    return check


def mode_off(records, truth):
    return [f"{len(records)} records"] if records or any(vcpu["work_parked"] for vcpu in truth["vcpus"]) else []


def all_waited(reason):
    return lambda records, truth: expect("fallbacks", reasons(records, "fallback"), **{reason: touches(truth)})


def mode_wait(records, truth):
    fallbacks = reasons(records, "fallback")
    if set(fallbacks) == {"repeated"} and fallbacks["repeated"] <= touches(truth):
        return []
    return [f"fallbacks: {dict(fallbacks)}"]


def mode_never_ack(records, truth):
    fallbacks = reasons(records, "fallback")
    complaints = expect("presents", reasons(records, "present"), ready=1)
    complaints += expect("cancels", cancels(records), disabled=IN_FLIGHT)
    told = IN_FLIGHT + 1 + reasons(records, "cancel")["in-time"]
    if fallbacks["full"] != touches(truth) - told or set(fallbacks) != {"full", "repeated"}:
        complaints.append(f"fallbacks: {dict(fallbacks)}")
    return complaints


def mode_user_only(records, truth):
    kernel = sum(touch["el"] for vcpu in truth["vcpus"] for touch in vcpu["pages"])
    return expect("fallbacks", reasons(records, "fallback"), kernel=kernel)


def mode_unread(records, truth):
    fallbacks = reasons(records, "fallback")
    told = 1 + reasons(records, "cancel")["in-time"]
    return [] if fallbacks["unread"] >= touches(truth) - told else [f"fallbacks: {dict(fallbacks)}"]


def mode_busy(records, truth):
    """A handler runs at EL1 with interrupts masked, which is what KVM asks for first."""
    return expect("fallbacks", reasons(records, "fallback"), kernel=truth["vcpus"][0]["handler_touches"])


def mode_full(records, truth):
    most = max(fields["in_flight"] for kind, fields in records if kind == "setup")
    complaints = [] if most == IN_FLIGHT else [f"{most} in flight"]
    return complaints + ([] if set(reasons(records, "fallback")) == {"full"} else [f"{reasons(records, 'fallback')}"])


def abandoned(reason):
    """What was parked then, but for a page that was ready already: of that the guest was told, or going to be."""
    def check(records, truth):
        parked = sum(v["abandoned"] for v in truth["vcpus"])
        raised = truth["mode"] == "restore-raised"
        given_up = cancels(records)
        complaints = [] if set(given_up) == {reason} and given_up[reason] in ({parked - 1} if raised else {parked, parked - 1}) else \
            [f"{dict(given_up)} given up of {parked} parked"]
        if reason == "restored":
            complaints += expect("wake-alls", Counter({"wake-all": reasons(records, "present")["wake-all"]}), wake_all=1)
        return complaints
    return check


def mode_renew(records, truth):
    """The first interrupt is raised for ever; those behind it are over when the service is switched off, not stuck."""
    ends = reasons(records, "cancel") + reasons(records, "present")
    half = touches(truth) // 2      # those of one task; the odd one is in time
    return [f"ends: {dict(ends)}"] if min(ends["disabled"], ends["ready"]) < half // 2 or set(ends) - {"disabled", "ready", "in-time"} else []


def mode_in_time(records, truth):
    return [] if reasons(records, "cancel")["in-time"] else ["nothing was cancelled in time"]


def mode_signals(records, truth):
    """Event 0, pending or not, is nothing to a fault: event 1 goes first."""
    complaints = [] if any(vcpu["signalled"] for vcpu in truth["vcpus"]) else ["nobody was signalled"]
    return complaints + all_async(records, truth)


def mode_write_back(records, truth):
    return all_async(records, truth) + (["everything was woken up"] if reasons(records, "present")["wake-all"] else [])


CHECKS = {
    "park": all_async, "many": all_async, "wait": mode_wait, "never-ack": mode_never_ack, "masked": all_waited("masked"),
    "no-handler": all_waited("no-handler"), "user-only": mode_user_only, "unread": mode_unread, "busy": mode_busy,
    "irqs-off": mode_user_only, "write-back": mode_write_back, "suspend": all_async, "full": mode_full, "renew": mode_renew, "restore": abandoned("restored"), "restore-raised": abandoned("restored"), "disable": abandoned("disabled"), "reset": abandoned("reset"),
    "exit": abandoned("destroyed"), "in-time": mode_in_time, "no-access": all_waited("no-access"), "signals": mode_signals,
    "off": mode_off, "no-parallel": mode_off, "bimodal": mode_shape(4), "tail": mode_shape(50),
}
UNTOLD = {"off", "no-parallel", "masked", "no-handler", "no-access", "in-time"}      # nothing to compare the times of


def check_mode(name):
    records, complaints = parse(OUT, name)
    if read(OUT, name, "status") != "0":
        ok(f"apf/{name}", [f"status {read(OUT, name, 'status')}: {read(OUT, name, 'said')}"])
        return
    truth = load(OUT, name)
    ok(f"apf/{name}/guest and tracepoints agree", complaints + check_counts(records, truth) + check_pages(records, truth),
       f"{touches(truth)} pages, {len(records)} records")
    ok(f"apf/{name}/each fault has one end", check_lives(records) + check_flight(records))
    ok(f"apf/{name}/the truth is sound", check_truth(truth))
    ok(f"apf/{name}/as the mode says", CHECKS[name](records, truth))
    if name not in UNTOLD:
        ok(f"apf/{name}/times", check_times(records, truth))


def check_broken():
    """What no worker can get is an error of KVM_RUN, after one try."""
    records, complaints = parse(OUT, "broken")
    if read(OUT, "broken", "status") != "1" or "Bad address" not in read(OUT, "broken", "said"):
        complaints.append(f"status {read(OUT, 'broken', 'status')}: {read(OUT, 'broken', 'said')}")
    if reasons(records, "fallback")["failed"] != 1:
        complaints.append(f"fallbacks: {dict(reasons(records, 'fallback'))}")
    if not any(kind == "ready" and not fields["success"] for kind, fields in records):
        complaints.append("no worker has failed")
    ok("apf/broken", complaints + check_lives(records))


def check_killed(signal):
    records, complaints = parse(OUT, f"kill-{signal}")
    for kind in ("setup", "not_present", "ready"):
        seen = sum(name == kind for name, _ in records)
        complaints += [] if seen == 16 else [f"{seen} of {kind}, not 16"]
    ok(f"apf/killed by {signal}", complaints + expect("cancels", cancels(records), destroyed=16) + check_lives(records))


def check_churn():
    """Wherever a VM is killed, each fault has its end, and nothing is left of it."""
    records, complaints = parse(OUT, "churn")
    gone = {fields["vm"] for kind, fields in records if kind == "cancel" and fields["reason"] == "destroyed"}
    if len(gone) < CHURN // 2:
        complaints.append(f"only {len(gone)} of {CHURN} VMs were killed with faults in flight")
    for cache in ("kvm_vcpu", "kvm_async_pf"):
        if os.path.exists(f"{OUT}/{cache}.left") and read(OUT, cache, "left") != "0":
            complaints.append(f"{read(OUT, cache, 'left')} objects of {cache} are left")
    if not os.path.exists(f"{OUT}/kvm_vcpu.left"):
        complaints.append("nobody has counted the vCPUs that are left")
    ok("apf/churn", complaints + check_lives(records), f"{len(gone)} VMs killed with faults in flight")


def main():
    status, output = lab(OUT, "sh", "-c", MODES, timeout=900, options=("--strict",))
    if status:
        ok("apf/run", [f"exit status {status}"] + output.splitlines()[-15:])
        finish()
    for name in CHECKS:
        check_mode(name)
    check_broken()
    status, output = lab(OUT, "sh", "-c", KILL.replace("CHURN", str(CHURN)), timeout=300, options=("--strict",))
    ok("apf/kill", [f"exit status {status}"] + output.splitlines()[-15:] if status else [])
    if not status:
        for signal in ("KILL", "TERM", "SEGV"):
            check_killed(signal)
        check_churn()
        check_mode_after()
    finish()


def check_mode_after():
    """The same host still serves a VM."""
    records, complaints = parse(OUT, "after")
    complaints += [] if read(OUT, "after", "status") == "0" else [read(OUT, "after", "said")]
    ok("apf/after the killed ones", complaints + check_counts(records, load(OUT, "after")) + check_lives(records))


if __name__ == "__main__":
    main()
