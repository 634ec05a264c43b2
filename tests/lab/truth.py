# SPDX-License-Identifier: GPL-2.0-only
"""Compares what sdeitop says with what the guests know.

Three accounts of one run meet here:
  truth    sdei-guest --truth: the guests' own counts and time stamps
  summary  the last line of `sdeitop -j`: the model's figures
  records  `sdeitop events -j`: every record, from a collector of its own
Each check returns a list of complaints, empty when all is well.
"""
import json
from collections import Counter, defaultdict

COUNTS = ("signals", "queued", "coalesced", "rejected", "dispatched", "completed",
          "resumed", "cancelled", "cleared", "running_cleared")


def load_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def load_summary(path):
    summaries = [line for line in load_lines(path) if line["type"] == "summary"]
    if len(summaries) != 1:
        raise ValueError(f"{path}: {len(summaries)} summary lines instead of one")
    return summaries[0]


def truth_vms(truth):
    """The VM instances of a truth file, one or (churn) many, in order of creation."""
    return truth.get("vms") or [truth]


def pair_vms(truths, summary):
    """(truth, summary) pairs of VM instances; pids come again, so by pid and order."""
    seen = defaultdict(list)
    for vm in summary["vms"]:
        seen[vm["vm"]].append(vm)
    for vms in seen.values():
        vms.sort(key=lambda vm: vm["instance"])
    pairs = []
    for truth in truths:
        for vm in truth_vms(truth):
            rest = seen[vm["vm"]]
            pairs.append((vm, rest.pop(0) if rest else None))
    strays = [vm for rest in seen.values() for vm in rest]
    return pairs, strays


def by_number(items, key):
    return {item[key]: item for item in items}


# counts ---------------------------------------------------------------------

def check_event_counts(where, true, seen):
    complaints = []
    for name in COUNTS:
        want, got = true["count"][name], seen["count"][name] if seen else 0
        if want != got:
            complaints.append(f"{where}: {name} is {got}, the guest says {want}")
    return complaints


def check_calls(where, true, seen):
    want = Counter({(c["function"], c["result"]): c["count"] for c in true if c["count"]})
    got = Counter({(c["function"], c["result"]): c["count"] for c in seen if c["count"]})
    return [f"{where}: {got[key]} calls {' = '.join(key)}, the guest says {want[key]}"
            for key in sorted(want.keys() | got.keys()) if want[key] != got[key]]


def check_vcpu_counts(where, true, seen):
    if seen is None:
        return [f"{where}: not seen at all"]
    complaints = check_calls(where, true["calls"], seen["calls"])
    events = by_number(seen["events"], "event")
    for event in true["events"]:
        complaints += check_event_counts(f"{where} event {event['event']}", event,
                                         events.pop(event["event"], None))
    for number, event in events.items():
        if any(event["count"][name] for name in COUNTS):
            complaints.append(f"{where} event {number}: counts that the guest does not know of")
    return complaints


def check_counts(truths, summary):
    pairs, strays = pair_vms(truths, summary)
    complaints = [f"vm {vm['vm']}: shown, but no guest of ours" for vm in strays]
    for true, seen in pairs:
        vcpus = by_number(seen["vcpus"], "vcpu") if seen else {}
        for vcpu in true["vcpus"]:
            complaints += check_vcpu_counts(f"vm {true['vm']} vcpu {vcpu['vcpu']}", vcpu,
                                            vcpus.get(vcpu["vcpu"]))
    return complaints


def all_events(summary):
    for vm in summary["vms"]:
        for vcpu in vm["vcpus"]:
            for event in vcpu["events"]:
                yield f"vm {vm['vm']} vcpu {vcpu['vcpu']} event {event['event']}", event


# Programs on functions, which a slow kernel preempts: whoever comes next on that CPU misses them. No state of SDEI depends on these kinds
# (src/source/live_losses.c), so they are told of apart.
MISSED_ALONE = ("apf", "gic", "smccc", "counter")


def check_nothing_lost(summary, *others):
    """Nothing of SDEI."""
    counted = {name: summary[name] for name in ("lost", "late", "malformed", *others)}
    counted["lost"] -= sum(summary["counters"]["lost"].get(kind, 0) for kind in MISSED_ALONE)
    return [f"{name} is {count}" for name, count in counted.items() if count]


def check_lossless(summary):
    complaints = check_nothing_lost(summary)
    for where, event in all_events(summary):
        if event["inexact"] or event["lost"]:
            complaints.append(f"{where}: marked inexact without a loss")
    return complaints + check_accounted(summary)


def check_accounted(summary):
    """Conservation (design section 5), and every record attempted read or lost."""
    complaints = [f"{where}: {name} is {event[name]}"
                  for where, event in all_events(summary)
                  for name in ("unaccounted", "unaccounted_handlers") if event[name] != 0]
    counters = summary["counters"]
    attempted, lost = sum(counters["attempted"].values()), sum(counters["lost"].values())
    if attempted != counters["read"] + lost:
        complaints.append(f"{attempted} records attempted, but {counters['read']} read and {lost} lost")
    return complaints


def check_lossy(summary):
    """After a forced loss it is shown, and the figures it touched say so."""
    complaints = []
    if summary["lost"] == 0:
        complaints.append("the test forced a loss, none is shown")
    if not any(event["inexact"] for _, event in all_events(summary)):
        complaints.append("records were lost, but no event is marked inexact")
    return complaints


# time -----------------------------------------------------------------------

class Timeline:
    """Records of one (vm, vcpu, event), and of one (vm, vcpu) for the mask. The state byte of the others says nothing."""

    def __init__(self, records):
        self.by_event = defaultdict(list)
        self.by_vcpu = defaultdict(list)
        for record in records:
            if record["kind"] in ("apf", "place"):
                continue
            key = (record["vm"], record["vcpu"])
            self.by_vcpu[key].append(record)
            if record["event"] is not None:
                self.by_event[key + (record["event"],)].append(record)

    def kinds(self, key, *kinds):
        return [r for r in self.by_event[key] if r["kind"] in kinds]


def outside(low, value, high, error):
    return (low is not None and value < low - error) or (high is not None and value > high + error)


def episodes(records):
    """
    (first queued signal, dispatch, complete) of each handler run, in order; None where there is none. What was there at
    attach begins none, and may have been looked at just before a record tells of the change that it shows.
    """
    runs, queued, running = [], None, None
    for record in records:
        kind = record["kind"]
        if kind == "state" and record["reason"] == "snapshot":
            continue
        if kind == "signal" and record["outcome"] == "queued":
            queued = record
        elif kind == "dispatch":
            running = [queued, record, None]
            runs.append(running)
            queued = None
        elif kind == "complete" and running:
            running[2] = record
            running = None
        elif kind in ("unregister", "state", "cancel") and not "P" in record["state"]:
            queued = None
            if kind == "state" and not "U" in record["state"]:
                running = None
    return runs


def check_run(where, run, seen, error):
    signal, dispatch, complete = seen
    bounds = [("dispatch", dispatch, run["signal_before_ns"], run["entry_ns"]),
              ("complete", complete, run["exit_ns"], run["after_ns"])]
    if run["signal_before_ns"] is not None:
        bounds.append(("signal", signal, run["signal_before_ns"], run["signal_after_ns"] or run["entry_ns"]))
    complaints = []
    for name, record, low, high in bounds:
        if record is None:
            if high is not None:
                complaints.append(f"{where}: no {name} seen")
        elif outside(low, record["time_ns"], high, error):
            complaints.append(f"{where}: {name} at {record['time_ns']} is not within {low}..{high} (±{error})")
    return complaints


def check_intervals(truths, records):
    """Every host interval within the guest interval that contains it. Also returns how many were compared."""
    timeline, complaints, compared = Timeline(records), [], 0
    for truth in truths:
        error = truth["clock"]["error_ns"]
        for vcpu in truth["vcpus"]:
            for event in vcpu["events"]:
                where = f"vcpu {vcpu['vcpu']} event {event['event']}"
                seen = episodes(timeline.by_event[(truth["vm"], vcpu["vcpu"], event["event"])])
                if len(seen) != len(event["runs"]):
                    complaints.append(f"{where}: {len(seen)} runs seen, {len(event['runs'])} in the guest")
                    continue
                for number, (run, one) in enumerate(zip(event["runs"], seen)):
                    complaints += check_run(f"{where} run {number}", run, one, error)
                compared += len(seen)
    return complaints, compared


def mask_intervals(records):
    """Closed (mask, unmask) pairs, and the first unmask after creation or reset, from a vCPU's records."""
    closed, initial, since, fresh = [], [], None, False
    for record in records:
        if record["kind"] == "mask" and record["error"] == 1:
            since = record["time_ns"]
            fresh = False
        elif record["kind"] == "reset" and record["reason"] == "vcpu":
            since, fresh = record["time_ns"], True
        elif record["kind"] == "unmask" and since is not None:
            (initial if fresh else closed).append((since, record["time_ns"]))
            since = None
    return closed, initial


def check_masks(truths, summary, records):
    """Mask time within the guest's own measure, interval by interval and as the summary's histogram."""
    timeline, complaints, compared = Timeline(records), [], 0
    pairs, _ = pair_vms(truths, summary)
    for truth, seen_vm in pairs:
        error = truth["clock"]["error_ns"]
        vcpus = by_number(seen_vm["vcpus"], "vcpu") if seen_vm else {}
        for vcpu in truth["vcpus"]:
            where = f"vm {truth['vm']} vcpu {vcpu['vcpu']}"
            closed, _ = mask_intervals(timeline.by_vcpu[(truth["vm"], vcpu["vcpu"])])
            true = [m for m in vcpu["mask_intervals"] if m["unmask_after_ns"] is not None]
            if len(closed) != len(true):
                complaints.append(f"{where}: {len(closed)} mask intervals, the guest says {len(true)}")
                continue
            for (start, end), m in zip(closed, true):
                if outside(m["mask_before_ns"], start, m["mask_after_ns"], error) or \
                   outside(m["unmask_before_ns"], end, m["unmask_after_ns"], error):
                    complaints.append(f"{where}: mask {start}..{end} is not within the guest's {m}")
            compared += len(closed)
            complaints += check_hist(f"{where} mask", [end - start for start, end in closed],
                                     (vcpus.get(vcpu["vcpu"]) or {}).get("mask"))
    return complaints, compared


# figures --------------------------------------------------------------------

def check_hist(where, samples, hist):
    """A histogram against the samples it must hold: exact moments, quantiles to a bucket."""
    if not samples:
        return [] if hist is None else [f"{where}: {hist['count']} samples, none expected"]
    if hist is None:
        return [f"{where}: no histogram, {len(samples)} samples expected"]
    want = {"count": len(samples), "sum_ns": sum(samples), "min_ns": min(samples), "max_ns": max(samples)}
    complaints = [f"{where}: {name} is {hist[name]}, the records say {value}"
                  for name, value in want.items() if hist[name] != value]
    ordered = sorted(samples)
    for name, q in (("p50_ns", .5), ("p90_ns", .9), ("p99_ns", .99), ("p999_ns", .999)):
        true = ordered[max(0, -(-int(q * 1000 * len(ordered)) // 1000) - 1)]
        if not true <= hist[name] <= min(true + true // 32 + 1, ordered[-1]):
            complaints.append(f"{where}: {name} is {hist[name]}, the records say {true}")
    if "buckets" in hist and sum(b["count"] for b in hist["buckets"]) != len(samples):
        complaints.append(f"{where}: the buckets do not add up to {len(samples)}")
    return complaints


def check_figures(summary, records):
    """The model's histograms against the same figures worked out here, from the records of the other collector."""
    timeline, complaints, compared = Timeline(records), [], 0
    for vm in summary["vms"]:
        if sum(1 for other in summary["vms"] if other["vm"] == vm["vm"]) > 1:
            continue    # a pid with several instances: told apart by the counts
        for vcpu in vm["vcpus"]:
            for event in vcpu["events"]:
                where = f"vm {vm['vm']} vcpu {vcpu['vcpu']} event {event['event']}"
                runs = episodes(timeline.by_event[(vm["vm"], vcpu["vcpu"], event["event"])])
                known = [(s and s["time_ns"], d["time_ns"], c and c["time_ns"]) for s, d, c in runs]
                complaints += check_hist(f"{where} dispatch", [d - s for s, d, _ in known if s], event["dispatch"])
                complaints += check_hist(f"{where} handler", [c - d for _, d, c in known if c], event["handler"])
                complaints += check_hist(f"{where} total", [c - s for s, _, c in known if s and c], event["total"])
                compared += len(runs)
    return complaints, compared


# blame ----------------------------------------------------------------------

BLAMES = ("masked", "disabled", "blocked", "entry")


class Blame:
    """Where the time of pending episodes went, worked out from the records of one vCPU."""

    def __init__(self):
        self.masked, self.running, self.last = True, set(), None
        self.enabled, self.open = {}, {}
        self.total = defaultdict(Counter)

    def part(self, event):
        if self.masked:
            return "masked"
        if not self.enabled.get(event):
            return "disabled"
        return "blocked" if self.running else "entry"

    def settle(self, now):
        for event, parts in self.open.items():
            parts[self.part(event)] += now - self.last
        self.last = now

    def take(self, record):
        self.settle(record["time_ns"])
        event, state = record["event"], record["state"]
        if record["kind"] == "dispatch" and event in self.open:
            self.total[event].update(self.open.pop(event))
        self.masked = "M" in state
        if event is None:
            return
        self.enabled[event] = "E" in state
        (self.running.add if "U" in state else self.running.discard)(event)
        if "P" not in state:
            self.open.pop(event, None)
        elif record["kind"] == "signal" and record["outcome"] == "queued":
            self.open[event] = Counter()


def check_blame(summary, records):
    """Every nanosecond of every dispatch latency has its part, and it is the right one."""
    timeline, complaints, compared = Timeline(records), [], 0
    for vm in summary["vms"]:
        if sum(1 for other in summary["vms"] if other["vm"] == vm["vm"]) > 1:
            continue
        for vcpu in vm["vcpus"]:
            blame = Blame()
            for record in timeline.by_vcpu[(vm["vm"], vcpu["vcpu"])]:
                blame.take(record)
            for event in vcpu["events"]:
                where = f"vm {vm['vm']} vcpu {vcpu['vcpu']} event {event['event']}"
                seen = {part: event["blame"][f"{part}_ns"] if event["blame"] else 0 for part in BLAMES}
                want = {part: blame.total[event["event"]][part] for part in BLAMES}
                if seen != want:
                    complaints.append(f"{where}: blame is {seen}, the records say {want}")
                latency = event["dispatch"]["sum_ns"] if event["dispatch"] else 0
                if sum(seen.values()) != latency:
                    complaints.append(f"{where}: the parts sum to {sum(seen.values())}, the latency to {latency}")
                compared += event["count"]["dispatched"]
    return complaints, compared


def of_sdei(findings):
    """Those that guests of SDEI can raise. A machine that stands still for a second makes pages late, whatever the guest does."""
    return [f for f in findings if f["code"] != "page-stuck"]


def check_findings(summary, allowed):
    """No finding but those that the scenario may raise."""
    return [f"finding {f['code']} of vcpu {f['vcpu']} event {f['event']}: {f['text']}"
            for f in of_sdei(summary["findings"]) if f["code"] not in allowed]


# all of it --------------------------------------------------------------------

class Run:
    """What observe.sh and the guest have left of the run of that name."""

    def __init__(self, out, name):
        with open(f"{out}/{name}.truth.json", encoding="utf-8") as file:
            self.truth = json.load(file)
        lines = load_lines(f"{out}/{name}.events.jsonl")
        self.records = [line for line in lines if "kind" in line]
        self.again = [line for line in lines if line.get("type") == "summary"][-1]     # of the collector of the records
        self.summary = load_summary(f"{out}/{name}.top.jsonl")


def comparisons(run, findings):
    """(name, complaints, what was compared) of each thing that has to be true; findings: the codes that may be raised."""
    signals = sum(e["count"]["signals"] for _, e in all_events(run.summary))
    yield "counts", check_counts([run.truth], run.summary), f"{signals} signals"
    yield "lossless", check_lossless(run.summary) + check_lossless(run.again), ""
    yield "second collector counts the same", check_counts([run.truth], run.again), ""
    complaints, compared = check_figures(run.again, run.records)
    yield "figures equal the records", complaints, f"{compared} runs"
    yield "findings", check_findings(run.summary, findings), ""
    if "vms" in run.truth:
        return      # many VMs in turn under one pid: intervals are those of the other scenarios
    complaints, compared = check_intervals([run.truth], run.records)
    yield "intervals", complaints, f"{compared} runs"
    complaints, compared = check_masks([run.truth], run.again, run.records)
    yield "masks", complaints, f"{compared} intervals"
    complaints, compared = check_blame(run.again, run.records)
    yield "blame", complaints, f"{compared} dispatches"
