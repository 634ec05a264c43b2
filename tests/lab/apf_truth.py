# SPDX-License-Identifier: GPL-2.0-only
"""Compares what sdeitop records of asynchronous page faults with what apf-guest and KVM's own tracepoints know.

Each check returns a list of complaints, empty when all is well."""
import json
import re
from collections import Counter, defaultdict

from truth import check_lossless, load_lines

STEPS = ("setup", "not-present", "working", "ready", "present")
AT_ONCE = tuple(step for step in STEPS if step != "working")     # of a fault that user space answered with its page
TOKEN_ALL = 0xffffffff


def number(text):
    return int(text, 0) if isinstance(text, str) else text


class Touch:
    """One page touched by a guest; times are CLOCK_MONOTONIC ns, 0 where it never came to that."""

    def __init__(self, vcpu, row):
        self.vcpu = vcpu
        self.gfn, self.token, self.before, self.told, self.ready, self.after = row


class Service:
    """A fault that the VMM saw to: how it was told, and the times around each of its calls, 0 where there was none."""

    def __init__(self, row):
        self.gfn, self.vcpu, self.by, self.told, self.accepting, self.accepted, self.bringing, self.brought, self.saying, self.said = row


class Truth:
    def __init__(self, truth):
        self.vm, self.name, self.mode = truth["vm"], truth["name"], truth["mode"]
        self.error = truth["clock"]["error_ns"]
        self.vcpus = {vcpu["vcpu"]: vcpu for vcpu in truth["vcpus"]}
        self.touches = [Touch(vcpu["vcpu"], row) for vcpu in truth["vcpus"] for row in vcpu["touches"]]
        self.served = truth["served"]["pages"]
        self.services = [Service(row) for row in truth["served"]["faults"]]

    def total(self, name):
        return sum(vcpu[name] for vcpu in self.vcpus.values())


class Faults:
    """Records of kind APF of one VM; "short" are the synchronous ones that nobody had to bring a page for."""

    def __init__(self, records, vm):
        self.by_id, self.by_step = defaultdict(list), defaultdict(list)
        for record in records:
            if record["kind"] != "apf" or record["vm"] != vm:
                continue
            for name in ("token", "gfn"):
                record[name] = number(record.get(name, 0))
            short = record["step"] == "sync" and record.get("outcome") in ("memory", "mapped")
            self.by_step["short" if short else record["step"]].append(record)
            if record["id"]:
                self.by_id[record["id"]].append(record)

    def count(self, step, outcome=None):
        return sum(1 for r in self.by_step[step] if outcome is None or r.get("outcome") == outcome)

    def whole(self):
        """{step: record} of each fault that has come to its end."""
        return [{r["step"]: r for r in records} for records in self.by_id.values() if steps_of(records) in (STEPS, AT_ONCE)]


def is_told_by_ring(records):
    return any(r["step"] == "working" and r.get("outcome") == "ring" for r in records)


def steps_of(records):
    """Of one fault, in their order. But user space that is told by a ring may have brought the page, and said so, before the vCPU comes
    to set the fault up; and where KVM reads that in the ring, the vCPU may be through with the page before the reader is seen to
    return. So that step has its place wherever it is."""
    steps = [r["step"] for r in records]
    if is_told_by_ring(records) and "ready" in steps:
        steps.remove("ready")
        steps.insert(steps.index("present") if "present" in steps else len(steps), "ready")
    return tuple(steps)


def same(what, seen, true):
    return [] if seen == true else [f"{what}: {seen}, not {true}"]


def in_order(where, *points):
    """points: (name, time, how far it may be off)."""
    complaints = []
    for (name, time, error), (later, after, more) in zip(points, points[1:]):
        if time > after + error + more:
            complaints.append(f"{where}: {name} is {time - after} ns after {later}")
    return complaints


# each fault by itself ---------------------------------------------------------

def check_steps(faults, at_once=0):
    """Each has all steps, once, in order and about the same page. at_once: so many that user space answered with the page."""
    complaints = same("faults without a wait", sum(not any(r["step"] == "working" for r in f) for f in faults.by_id.values()), at_once)
    for fault, records in faults.by_id.items():
        steps = steps_of(records)
        complaints += same(f"fault {fault}: steps", steps, AT_ONCE if at_once and steps == AT_ONCE else STEPS)
        complaints += in_order(f"fault {fault}", *((r["step"], r["time_ns"], 0) for r in records))
        for field in ("vcpu", "token", "gfn"):
            if len({r[field] for r in records}) != 1:
                complaints.append(f"fault {fault}: {field} is {[r[field] for r in records]}")
    return complaints


def check_outcomes(faults, told, present):
    """None: there are none."""
    return same("outcomes of not-present", {r["outcome"] for r in faults.by_step["not-present"]}, {told} - {None}) + \
        same("outcomes of present", {r["outcome"] for r in faults.by_step["present"] if r["id"]}, {present} - {None})


# against the guest ------------------------------------------------------------

def check_counts(faults, truth, spurious=False):
    """Every touch is a fault that was handed to a worker, or had to wait. spurious: an emulator of one thread delivers an
    interrupt twice now and then, which the guest acknowledges, too: both sides still count the same."""
    complaints = same("faults and fallbacks", faults.count("setup") + faults.count("fallback"), truth.total("touched"))
    complaints += same("synchronous faults", faults.count("sync"), faults.count("fallback"))
    complaints += same("told", faults.count("not-present", "told"), truth.total("parks"))
    complaints += same("signalled", faults.count("present", "signalled"), truth.total("wakes"))
    complaints += [] if spurious else same("page-ready for nobody", truth.total("strays"), 0)
    for step, name in (("ack", "acks"), ("present", "wake_alls")):
        seen = Counter(r["vcpu"] for r in faults.by_step[step] if step == "ack" or r["outcome"] == "wake-all")
        complaints += same(f"{name} by vCPU", dict(seen), {v: t[name] for v, t in truth.vcpus.items() if t[name]})
    return complaints + same("ends of vCPUs", sorted(r["vcpu"] for r in faults.by_step["vcpu-end"]), sorted(truth.vcpus))


def pair_touches(faults, truth):
    """(touch, fault or synchronous record) by page, in order of time; how many of these are left."""
    by_page = defaultdict(list)
    for fault in faults.whole():
        by_page[fault["setup"]["gfn"]].append((fault["setup"]["time_ns"], fault))
    for record in faults.by_step["sync"]:
        by_page[record["gfn"]].append((record["time_ns"] - record["duration_ns"], {"sync": record}))
    for rest in by_page.values():
        rest.sort(key=lambda begun: begun[0], reverse=True)
    pairs = [(touch, by_page[touch.gfn].pop()[1] if by_page[touch.gfn] else None)
             for touch in sorted(truth.touches, key=lambda touch: touch.before)]
    return pairs, sum(len(rest) for rest in by_page.values())


def check_sync(where, touch, record, error):
    begin = record["time_ns"] - record["duration_ns"]
    return in_order(where, ("the touch", touch.before, error), ("the wait", begin, 0), ("its end", record["time_ns"], 0),
                    ("the touch's end", touch.after, error)) + same(f"{where}: vCPU", record["vcpu"], touch.vcpu)


def check_fault(where, touch, fault, error):
    at = {step: (step, record["time_ns"], 0) for step, record in fault.items()}
    complaints = same(f"{where}: vCPU", fault["setup"]["vcpu"], touch.vcpu)
    complaints += in_order(where, ("the touch", touch.before, error), at["setup"])
    complaints += in_order(where, at["present"], ("its end", touch.after, error))
    if touch.told:
        complaints += same(f"{where}: token", fault["setup"]["token"], touch.token)
        complaints += in_order(where, at["not-present"], ("the guest's exception", touch.told, error))
        complaints += in_order(where, at["present"], ("the guest's interrupt", touch.ready, error))
    return complaints


def check_touch(touch, found, error):
    where = f"vCPU {touch.vcpu} page {touch.gfn:#x}"
    if not found:
        return [f"{where}: touched, no record of it"]
    if "sync" in found:
        return check_sync(where, touch, found["sync"], error)
    return check_fault(where, touch, found, error)


def check_touches(faults, truth):
    pairs, strays = pair_touches(faults, truth)
    complaints = [c for touch, found in pairs for c in check_touch(touch, found, truth.error)]
    if strays:
        complaints.append(f"{strays} faults that the guest does not know of")
    return complaints, len(pairs)


def check_served(faults, truth):
    """The pager is asked while a worker, or the vCPU, waits; the page is there afterwards. One clock, so exact."""
    begins, ends = defaultdict(list), defaultdict(list)
    for r in faults.by_step["working"]:
        begins[r["gfn"]].append(r["time_ns"])
    for r in faults.by_step["ready"]:
        ends[r["gfn"]].append(r["time_ns"])
    for r in faults.by_step["sync"]:
        begins[r["gfn"]].append(r["time_ns"] - r["duration_ns"])
        ends[r["gfn"]].append(r["time_ns"])
    times = defaultdict(list)
    for gfn, asked, before, _after in truth.served:
        times[gfn].append((asked, before))
    complaints = same("pages served", sorted((g, len(t)) for g, t in times.items()), sorted((g, len(t)) for g, t in ends.items()))
    for gfn in times if not complaints else ():
        for begin, (asked, before), end in zip(sorted(begins[gfn]), sorted(times[gfn]), sorted(ends[gfn])):
            complaints += in_order(f"page {gfn:#x}", ("the wait", begin, 0), ("the request", asked, 0), ("its service", before, 0),
                                   ("the end of the wait", end, 0))
    return complaints


# against KVM's own tracepoints --------------------------------------------------

TRACE = re.compile(r" (kvm_\w+): .*?(?:token|gva|gpa)(?: =)? (0x[0-9a-f]+|0)\b")


def load_trace(path):
    """{tracepoint: [its first figure: token or address]}"""
    found = defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for line in file:
            match = TRACE.search(line)
            if match:
                found[match[1]].append(int(match[2], 0))
            elif " kvm_" in line:
                raise ValueError(f"{path}: {line.strip()}")
    return found


def check_trace(faults, trace, unsaid=0):
    """Only tells how many, and with which tokens. unsaid: so many whose page was brought without a call that says so."""
    tokens = {step: sorted(r["token"] for r in faults.by_step[step] if r["id"]) for step in ("not-present", "present")}
    presents = sorted(tokens["present"] + [TOKEN_ALL] * faults.count("present", "wake-all"))
    begun = faults.count("setup") + faults.count("fallback", "full")
    return same("tokens of kvm_async_pf_not_present", sorted(trace["kvm_async_pf_not_present"]), tokens["not-present"]) + \
        same("tokens of kvm_async_pf_ready", sorted(t & TOKEN_ALL for t in trace["kvm_async_pf_ready"]), presents) + \
        same("kvm_async_pf_completed", len(trace["kvm_async_pf_completed"]), faults.count("ready") - unsaid) + \
        same("kvm_try_async_get_page", len(trace["kvm_try_async_get_page"]) - len(trace["kvm_async_pf_repeated_fault"]), begun)


# which frames -------------------------------------------------------------------

SEQUENTIAL = 16     # frames


def check_frames(faults, truth, apf):
    """How many pages the guest touched, how many of them again and how many one after the other: its own touches, in the order of the
    records that are about them, and what else the vCPU waited for, such as its page tables."""
    def waited(record):
        return record["time_ns"], record["time_ns"] - record["duration_ns"], record["time_ns"]

    pairs, _ = pair_touches(faults, truth)
    happened = [((waited(found["sync"]) if "sync" in found else (found["setup"]["time_ns"],) * 2 + (found["present"]["time_ns"],)),
                 touch.vcpu, touch.gfn, True) for touch, found in pairs if found]
    happened += [(waited(r), r["vcpu"], r["gfn"], r["outcome"] != "mapped") for r in faults.by_step["short"] if r["gfn"]]
    want, known, last, ends = Counter(), set(), {}, {}
    for (_, begin, end), vcpu, gfn, brought in sorted(happened):
        over = ends.get(gfn, 0) <= begin
        ends[gfn] = max(end, ends.get(gfn, 0))
        if gfn in known and not (brought and over):
            continue
        want["again" if gfn in known else "frames"] += 1
        want["sequential"] += vcpu in last and 0 < gfn - last[vcpu] <= SEQUENTIAL
        known.add(gfn)
        last[vcpu] = gfn
    return [c for name in ("frames", "again", "sequential", "unfollowed") for c in same(name, apf["count"][name], want[name])]


# the model's figures ---------------------------------------------------------------

def samples(faults):
    """{stage: [ns]}, worked out from the records."""
    found = defaultdict(list)
    for fault in faults.whole():
        at = {step: record["time_ns"] for step, record in fault.items()}
        found["signal"].append(at["not-present"] - at["setup"])
        if "working" in at:
            found["wait"].append(at["working"] - at["setup"])
        if at["setup"] <= at.get("working", 0) <= at["ready"] <= at["present"]:
            found["page"].append(at["ready"] - at["working"])
        if at["setup"] <= at["ready"] <= at["present"]:
            found["present"].append(at["present"] - at["ready"])
        found["total"].append(at["present"] - at["setup"])
        if fault["not-present"]["outcome"] != "told":
            found["halt"].append(found["total"][-1])
            found["signal"].pop()
    found["sync"] = [r["duration_ns"] for r in faults.by_step["sync"] + faults.by_step["short"]]
    return found


def check_stages(faults, apf):
    complaints = []
    true = samples(faults)
    for stage, hist in apf["stages"].items():
        if stage in ("ack", "dispatch", "handler"):     # the first is not of a fault, the others are SDEI's
            continue
        values = true[stage]
        complaints += same(stage, hist and (hist["count"], hist["sum_ns"], hist["min_ns"], hist["max_ns"]),
                           (len(values), sum(values), min(values), max(values)) if values else None)
    return complaints


def check_some_stages(faults, apf):
    """After a loss: each sample is that of two records about the same fault."""
    complaints = []
    for stage, first, last in (("wait", "setup", "working"), ("page", "working", "ready"), ("total", "setup", "present")):
        values = []
        for records in faults.by_id.values():
            at = {r["step"]: r["time_ns"] for r in records}
            if first in at and last in at:
                values.append(at[last] - at[first])
        hist = apf["stages"][stage]
        if hist and (hist["count"] > len(values) or not {hist["min_ns"], hist["max_ns"]} <= set(values)):
            complaints.append(f"{stage}: {hist['count']} samples, {hist['min_ns']} to {hist['max_ns']} ns; {len(values)} known")
    return complaints


def check_summary(faults, truth, apf):
    """What sdeitop makes of the records, against the guest's counts and the records' times."""
    told = truth.total("parks")
    wanted = {"setup": faults.count("setup"), "async": told, "halted": faults.count("setup") - told, "cleared": 0, "cancelled": 0,
              "untold": 0, "wake_all": truth.total("wake_alls"), "acked": truth.total("acks"),
              "fallback": truth.total("touched") - faults.count("setup"), "sync": faults.count("sync") + faults.count("short")}
    complaints = [c for name, count in wanted.items() for c in same(name, apf["count"][name], count)]
    for name in ("in_flight", "carried", "unaccounted", "lost"):
        complaints += same(name, apf[name], 0)
    return complaints + check_stages(faults, apf)


# a run under observe.sh and traced.sh -----------------------------------------------

class Run:
    """What it left in folder: the guest's truth, sdeitop's records and its summary, KVM's own tracepoints."""

    def __init__(self, folder, name):
        with open(f"{folder}/{name}.truth.json", encoding="utf-8") as file:
            self.truth = Truth(json.load(file))
        lines = load_lines(f"{folder}/{name}.events.jsonl")
        self.name, self.trace_file = name, f"{folder}/{name}.trace"
        self.records = [r for r in lines if "kind" in r]
        self.lost = [r for r in lines if r.get("type") == "lost"]
        self.summary = [r for r in lines if r.get("type") == "summary"][-1]
        self.apf = next(v["apf"] for v in self.summary["vms"] if v["vm"] == self.truth.vm)
        self.faults = Faults(self.records, self.truth.vm)

    def trace(self):
        return load_trace(self.trace_file)


def verdicts(run, told, present):
    """(what, complaints, detail) of a VM whose pages are brought by KVM's workers."""
    faults, truth, apf = run.faults, run.truth, run.apf
    yield "each fault has all its steps", check_steps(faults), f"{len(faults.by_id)} faults"
    yield from verdicts_on_guest(run, told, present)
    yield "times are around the pager's", check_served(faults, truth), ""
    yield "KVM's own tracepoints", check_trace(faults, run.trace()), ""
    yield "figures", check_summary(faults, truth, apf), ""


def verdicts_on_guest(run, told, present):
    """Those that are the same whoever brings the pages."""
    faults, truth, apf = run.faults, run.truth, run.apf
    touches, compared = check_touches(faults, truth)
    yield "outcomes", check_outcomes(faults, told, present), ""
    yield "counts are the guest's", check_counts(faults, truth), ""
    yield "times are around the guest's", touches, f"{compared} touches, error {truth.error} ns"
    yield "frames", check_frames(faults, truth, apf), ", ".join(f"{apf['count'][c]} {c}" for c in ("frames", "again", "sequential"))
    yield "lossless", check_lossless(run.summary), ""
    yield "names", same("names", {r["name"] for r in run.records if r["vm"] == truth.vm}, {run.name}), ""
