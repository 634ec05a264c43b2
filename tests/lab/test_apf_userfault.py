#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# make test: no
# debug kernel: no
# time limit: 1200
"""Asynchronous page faults whose page user space may bring, on a kernel whose KVM has that: what sdeitop records of them, against what
the guest, its VMM and KVM's own tracepoints know."""
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import apf_truth as a           # noqa: E402  (the path comes first)
from labtest import HERE, all_attached, finish, lab, ok, out_dir    # noqa: E402

OUT = out_dir("apf-userfault")

# name: how the guest is told of a fault, and of its page; who the VMM says has told it of one; its arguments
CASES = {
    "worker": ("told", "signalled", set(), "--served worker --mode enabled --vcpus 2 --pages 53 --delay bimodal:1ms,20ms,10"),
    "exit": ("told", "signalled", {"exit", "exit-sync"}, "--served exit --mode enabled --vcpus 2 --pages 101 --delay bimodal:3ms,20ms,10"),
    "exit-plain": ("halted", "silent", {"exit", "exit-sync"}, "--served exit --mode plain --pages 41"),
    "exit-over": ("told", "signalled", {"exit", "exit-sync"}, "--served exit --mode enabled --tasks 96 --pages 96 --delay fixed:1s"),
    "ring": ("told", "signalled", {"ring"}, "--served ring --mode enabled --vcpus 2 --pages 101 --delay bimodal:3ms,20ms,10"),
    "ring-plain": ("halted", "silent", {"ring"}, "--served ring --mode plain --pages 41 --passes 3"),
    "ring-quick": ("told", "signalled", {"ring"}, "--served ring --mode enabled --vcpus 4 --tasks 8 --pages 300 --delay fixed:1us"),
    "ring-full": ("told", "signalled", {"exit", "exit-sync", "ring"}, "--served ring --ring 2 --mode enabled --tasks 7 --pages 97"),
    "ring-over": ("told", "signalled", {"ring"}, "--served ring --mode enabled --tasks 79 --pages 79 --delay fixed:1s"),
}
OVER = ("exit-over", "ring-over")       # more faults than KVM takes of a vCPU: 64
KILLED_VCPUS, KILLED_TASKS = 2, 5

# All in one lab. The VM is killed while its faults are in flight.
RUN = r"""
cd /out || exit 1
try() {
	name=$1
	shift
	sh observe.sh $name "" sh traced.sh $name apf-guest --truth /out/$name.truth.json -name guest=$name "$@" || exit 1
}
CASES
sh observe.sh killed "" sh traced.sh killed sh killed.sh kvm_async_pf_exitless_notify TASKS VCPUS killed --served ring --mode enabled
"""

def write_scripts():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    for name in ("observe.sh", "traced.sh", "killed.sh"):
        shutil.copy(os.path.join(HERE, name), OUT)
    cases = "\n".join(f"try {name} {case[-1]}" for name, case in CASES.items())
    with open(os.path.join(OUT, "run.sh"), "w", encoding="utf-8") as file:
        file.write(RUN.replace("CASES", cases).replace("TASKS", str(KILLED_TASKS)).replace("VCPUS", str(KILLED_VCPUS)))


def served(truth, *by):
    return [s for s in truth.services if s.by in by]


# against the VMM ----------------------------------------------------------------

def pair_services(run):
    """(service, fault) by page, in order of time."""
    faults = {}
    for fault in sorted(run.faults.whole(), key=lambda fault: fault["setup"]["time_ns"]):
        faults.setdefault(fault["setup"]["gfn"], []).append(fault)
    return [(s, faults[s.gfn].pop(0) if faults.get(s.gfn) else None) for s in sorted(run.truth.services, key=lambda s: s.told)]


# The outcome of `working`, which says how user space was told of what it has accepted; None: it brought the page at once.
ACCEPTED = {"exit": "user", "exit-sync": None, "ring": "ring"}


def check_service(service, fault):
    """One clock, so exact. A call's record is within that call; what a ring says takes no call of KVM's: it is read later. Told by the
    ring, the VMM may be quicker than the vCPU, which has yet to set up the fault and to tell the guest."""
    where = f"vCPU {service.vcpu} page {service.gfn:#x} {service.by}"
    if not fault:
        return [f"{where}: no record of it"]
    at = {step: (step, record["time_ns"], 0) for step, record in fault.items()}
    accepted = fault["working"]["outcome"] if "working" in fault else None
    complaints = a.same(f"{where}: vCPU", fault["setup"]["vcpu"], service.vcpu)
    complaints += a.same(f"{where}: who serves", fault["setup"]["outcome"], "user")
    complaints += a.same(f"{where}: accepted", accepted, ACCEPTED[service.by])
    told, bringing = ("told", service.told, 0), ("brings", service.bringing, 0)
    brought, saying, said = ("brought", service.brought, 0), ("says ready", service.saying, 0), ("has said ready", service.said, 0)
    complaints += a.in_order(where, told, bringing, brought, at["ready"])
    if service.by != "ring":
        complaints += a.in_order(where, at["not-present"], told) + a.in_order(where, at["ready"], at["present"])
    if service.by == "exit":
        complaints += a.in_order(where, told, ("accepts", service.accepting, 0), at["working"], ("has accepted", service.accepted, 0),
                                 bringing)
        complaints += a.in_order(where, saying, at["ready"], said)
    if service.by == "ring":
        complaints += a.in_order(where, brought, saying, at["ready"])
    return complaints


def check_told(service, truth):
    """While the guest touches the page."""
    during = [t for t in truth.touches if (t.vcpu, t.gfn) == (service.vcpu, service.gfn) and
              t.before - truth.error <= service.told <= t.after + truth.error]
    return [] if len(during) == 1 else [f"vCPU {service.vcpu} page {service.gfn:#x} {service.by}: told during {len(during)} touches of it"]


def check_services(run):
    return [c for service, fault in pair_services(run) for c in check_service(service, fault) + check_told(service, run.truth)]


def check_user_counts(run):
    """Every fault that was set up is the VMM's, and it knows of no other."""
    faults, truth, count = run.faults, run.truth, run.apf["count"]
    complaints = a.same("set up for user space", faults.count("setup", "user"), len(truth.services))
    complaints += a.same("set up", faults.count("setup"), len(truth.services))
    for outcome, name, by in (("user", "accepted", "exit"), ("ring", "ring", "ring")):
        complaints += a.same(f"accepted by {by}", (faults.count("working", outcome), count[name]), (len(served(truth, by)),) * 2)
    return complaints + a.same("count of those that are user space's", count["user"], len(truth.services))


MOST_OUT_OF_PLACE = 0.02


def check_places(run):
    """(complaints, how many) of those told by a ring whose `ready` is not where it is in all others: few, see steps_of()."""
    ring = [tuple(r["step"] for r in records) for records in run.faults.by_id.values() if a.is_told_by_ring(records)]
    misplaced = sum(steps != a.STEPS for steps in ring)
    return [f"{misplaced} of {len(ring)}"] if misplaced > max(2, MOST_OUT_OF_PLACE * len(ring)) else [], f"{misplaced} of {len(ring)}"


def check_brought(run):
    """Each page that was brought ends a fault, or a wait of the vCPU."""
    ends = [r["gfn"] for step in ("ready", "sync") for r in run.faults.by_step[step]]
    return a.same("pages brought", sorted(ends), sorted(page[0] for page in run.truth.served))


def check_rings(run):
    """KVM's own tracepoint of what it puts into a ring."""
    told = sorted(gpa >> 12 for gpa in run.trace()["kvm_async_pf_exitless_notify"])
    return a.same("pages in rings", told, sorted(s.gfn for s in served(run.truth, "ring")))


def verdicts(run, told, present, by):
    truth = run.truth
    yield "who serves", a.same("told by", {s.by for s in truth.services}, by), ""
    yield "each fault has all its steps", a.check_steps(run.faults, len(served(truth, "exit-sync"))), f"{len(run.faults.by_id)} faults"
    yield from a.verdicts_on_guest(run, told, present)
    yield "counts are the VMM's", check_user_counts(run), f"{len(truth.services)} faults"
    yield "times are around the VMM's calls", check_services(run), ""
    yield "ready has its place among the steps", *check_places(run)
    yield "each page ends a fault", check_brought(run), ""
    yield "KVM's own tracepoints", a.check_trace(run.faults, run.trace(), len(served(truth, "exit-sync", "ring"))) + check_rings(run), ""
    yield "figures", a.check_summary(run.faults, truth, run.apf), ""


def check_over(run):
    """Those that KVM did not take are fallbacks, since too many were in flight, and the vCPU waits for their pages itself."""
    fallbacks = {r["outcome"] for r in run.faults.by_step["fallback"]}
    most = max(r["queued"] for r in run.faults.by_step["setup"])
    return a.same("why", fallbacks, {"full"}) + a.same("in flight", most, 64)


def check_case(name, told, present, by):
    run = a.Run(OUT, name)
    for what, complaints, detail in verdicts(run, told, present, by) if by else a.verdicts(run, told, present):
        ok(f"userfault/{name}/{what}", complaints, detail)
    if name in OVER:
        ok(f"userfault/{name}/no more than 64 in flight", check_over(run))
    else:
        ok(f"userfault/{name}/no fault had to wait", a.same("fallbacks", run.faults.count("fallback"), 0))


def check_attached():
    with open(f"{OUT}/worker.top.err", encoding="utf-8") as file:
        said = file.read()
    ok("userfault/every program is attached", [] if all_attached(said) else [said])


def check_killed():
    run = a.Run(OUT, "killed")
    with open(f"{OUT}/killed.pid", encoding="utf-8") as file:
        killed = a.Faults(run.records, int(file.read()))
    cleared = sorted((r["vcpu"], r["queued"]) for r in killed.by_step["clear"])
    complaints = a.same("cleared", cleared, [(vcpu, KILLED_TASKS) for vcpu in range(KILLED_VCPUS)])
    complaints += a.same("faults", killed.count("setup"), KILLED_TASKS * KILLED_VCPUS)
    complaints += a.same("present", [r for r in killed.by_step["present"] if r["id"]], [])
    ok("userfault/killed/its faults are cleared", complaints)
    ok("userfault/killed/the next VM's are whole", a.check_steps(run.faults) + a.check_counts(run.faults, run.truth),
       f"{len(run.faults.by_id)} faults")


def main():
    if os.uname().machine != "x86_64":
        print("skip userfault the x86 lab is only built on x86_64")
        return
    write_scripts()
    status, output = lab(OUT, "sh", "/out/run.sh", timeout=600, options=("--arch", "x86_64", "--kernel", "x86-userfault", "--strict"))
    if status:
        ok("userfault", [f"exit status {status}"] + output.splitlines()[-10:])
    else:
        check_attached()
        for name, (told, present, by, _arguments) in CASES.items():
            check_case(name, told, present, by)
        check_killed()
    finish()


if __name__ == "__main__":
    main()
