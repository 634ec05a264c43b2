# SPDX-License-Identifier: GPL-2.0-only
"""Asynchronous page faults in the lab: sdei-guest --apf with KVM's tracepoints beside it, and what holds in every such run:
the tracepoints tell what the guest saw, page by page, and every fault has its end."""
import json
import re
from collections import Counter, defaultdict

IN_FLIGHT = 64

# In the lab (busybox sh). `traced NAME COMMAND…` leaves NAME.trace and NAME.status in /out.
PRELUDE = r"""
cd /out || exit 1
rm -f *.trace *.status *.json *.said *.before *.after *.left
tracing=/sys/kernel/tracing/instances/apf
mkdir -p $tracing || exit 1
echo 16384 >$tracing/buffer_size_kb
echo mono >$tracing/trace_clock
for event in kvm_sdei_dispatch kvm_sdei_complete; do
	echo 'event == 1' >$tracing/events/kvm/$event/filter || exit 1
done
for event in $tracing/events/kvm/kvm_apf_* $tracing/events/kvm/kvm_sdei_dispatch $tracing/events/kvm/kvm_sdei_complete; do
	echo 1 >$event/enable
done
traced() {
	name=$1
	shift
	echo >$tracing/trace
	"$@" >$name.said 2>&1
	echo $? >$name.status
	cat $tracing/trace >$name.trace
}
count() { grep -c "$1" $tracing/trace; }
"""

LINE = re.compile(r"\s(\d+\.\d+): kvm_(apf|sdei)_(\w+):\s+(.*)")
FIELD = re.compile(r"(\w+)=(\S+)")
LOST = re.compile(r"entries-in-buffer/entries-written: (\d+)/(\d+)")


def number(text):
    try:
        return int(text, 0)
    except ValueError:
        return text


def parse(out, name):
    """The records of NAME.trace: (kind, fields), of SDEI those that are about event 1; complaints about what is missing."""
    records, complaints = [], []
    with open(f"{out}/{name}.trace", encoding="utf-8", errors="replace") as file:
        for line in file:
            lost = LOST.search(line)
            if lost and lost[1] != lost[2]:
                complaints.append(f"the trace has lost records: {lost[0]}")
            found = LINE.search(line)
            if not found:
                continue
            fields = {key: number(value) for key, value in FIELD.findall(found[4])}
            fields["ns"] = round(float(found[1]) * 1e9)
            kind = found[3] if found[2] == "apf" else "sdei_" + found[3]
            if found[2] == "apf" or fields["event"] == 1:
                records.append((kind, fields))
    return records, complaints


def load(out, name):
    with open(f"{out}/{name}.json", encoding="utf-8") as file:
        return json.load(file)


def read(out, name, suffix):
    with open(f"{out}/{name}.{suffix}", encoding="utf-8", errors="replace") as file:
        return file.read().strip()


# --- what holds in every run

# What becomes of a token, as letters in the order of time; cancelled: I in time, C otherwise. A worker can be through
# before the vCPU has told the guest, and after the fault was cancelled.
LETTERS = {"setup": "S", "not_present": "N", "fallback": "F", "ready": "R", "present": "P", "ack": "A"}
LIFE = re.compile("S(FR|RF|NCR|(NR|RN)(P|PA|I|C))")


def letter(kind, fields):
    if kind == "cancel":
        return "I" if fields["reason"] == "in-time" else "C"
    return LETTERS[kind]


def lives(records):
    told = defaultdict(str)
    for kind, fields in sorted(records, key=lambda record: record[1]["ns"]):
        if not kind.startswith("sdei") and fields["token"]:
            told[(fields["vm"], fields["vcpu"], fields["token"])] += letter(kind, fields)
    return told


def check_lives(records):
    complaints = []
    for (_, vcpu, token), life in lives(records).items():
        if not LIFE.fullmatch(life):
            complaints.append(f"vCPU {vcpu} token {token:#x}: {life}")
        if token & 0xfff != vcpu or not token >> 12:
            complaints.append(f"token {token:#x} is not one of vCPU {vcpu}")
    return complaints


def check_flight(records):
    """The count that setup tells is that of the works set up and not yet done with."""
    most = max((fields["in_flight"] for kind, fields in records if kind == "setup"), default=0)
    return [f"{most} in flight"] if most > IN_FLIGHT else []


def per_vcpu(records, kind, **where):
    return Counter(fields["vcpu"] for name, fields in records
                   if name == kind and all(fields[key] == value for key, value in where.items()))


def check_counts(records, truth):
    in_time = per_vcpu(records, "cancel", reason="in-time")
    complaints = []
    for vcpu in truth["vcpus"]:
        n = vcpu["vcpu"]
        seen = {
            "not_present": per_vcpu(records, "not_present")[n] - in_time[n],
            "ready": per_vcpu(records, "present")[n],
            "wake_alls": per_vcpu(records, "present", reason="wake-all")[n],
            "acks": per_vcpu(records, "ack")[n],
            "parks": per_vcpu(records, "sdei_complete", how="complete-and-resume")[n],
            "waits": per_vcpu(records, "sdei_complete", how="complete")[n],
        }
        dispatched = per_vcpu(records, "sdei_dispatch")[n]
        if truth["mode"] in ("disable", "reset", "exit") and seen["ready"] == vcpu["ready"] + 1:
            seen["ready"] -= 1      # raised when it was switched off
        complaints += [f"vCPU {n}: {key} {value} traced, {vcpu[key]} in the guest" for key, value in seen.items() if value != vcpu[key]]
        if dispatched != vcpu["not_present"]:
            complaints.append(f"vCPU {n}: event 1 dispatched {dispatched} times, handled {vcpu['not_present']} times")
    return complaints


def page_of(truth, fields):
    return fields["gfn"] - truth["region"] // 4096


def check_pages(records, truth):
    """Page by page: told as often as the guest was, by the token it got last; else waited for, and told so, unless the guest
    has not asked for it, or the page is one that may just be there."""
    certain = truth["mode"] != "off" and not truth["plain"]
    told, tokens, waited = Counter(), {}, Counter()
    for kind, fields in records:
        if kind == "not_present":
            told[page_of(truth, fields)] += 1
            tokens[page_of(truth, fields)] = fields["token"]
        elif kind == "cancel" and fields["reason"] == "in-time":
            told[page_of(truth, fields)] -= 1
        elif kind == "fallback":
            waited[page_of(truth, fields)] += 1
    complaints, withdrawn = [], {page_of(truth, f) for k, f in records if k == "cancel" and f["reason"] == "in-time"}
    for vcpu in truth["vcpus"]:
        for touch in vcpu["pages"]:
            page = touch["page"]
            if told[page] != touch["told"]:
                complaints.append(f"page {page}: told {told[page]} times, the guest knows of {touch['told']}")
            elif touch["told"] and page not in withdrawn and tokens[page] != touch["token"]:
                complaints.append(f"page {page}: token {tokens[page]:#x}, in the guest {touch['token']:#x}")
            elif certain and not touch["told"] and not waited[page] and page not in withdrawn:
                complaints.append(f"page {page}: neither told nor waited for")
    return complaints


def check_times(records, truth):
    """Host times within the guest's: the handler after it was told, the end of waiting after the page was ready."""
    slack = truth["clock"]["error_ns"] + 1000      # the trace has microseconds
    first, last = {}, {}
    for kind, fields in records:
        key = (kind, page_of(truth, fields)) if kind in ("setup", "not_present", "present") else None
        if key:
            first.setdefault(key, fields["ns"])
            last[key] = fields["ns"]
    complaints, compared = [], 0
    for touch in (touch for vcpu in truth["vcpus"] for touch in vcpu["pages"] if touch["told"]):
        page = touch["page"]
        chains = [[("touched", touch["before"]), ("setup", first.get(("setup", page))),
                   ("not present", last.get(("not_present", page))), ("handler", touch["not_present"])]]
        if touch["woken"] and ("present", page) in last:
            chains.append([("not present", last.get(("not_present", page))), ("present", last[("present", page)]),
                           ("woken", touch["woken"]), ("over", touch["after"])])
        for chain in chains:
            steps = [(name, ns) for name, ns in chain if ns]
            compared += len(steps) - 1
            complaints += [f"page {page}: {a[0]} at {a[1]}, {b[0]} at {b[1]}" for a, b in zip(steps, steps[1:]) if a[1] > b[1] + slack]
    return complaints + ([] if compared else ["nothing was compared"])


def check_truth(truth):
    """No page comes before its time, and none before the first or after the last: else the truth is none."""
    complaints = []
    for vcpu in truth["vcpus"]:
        for touch in vcpu["pages"]:
            if touch["after"] and touch["after"] - touch["before"] < touch["delay"] - truth["clock"]["error_ns"]:
                complaints.append(f"page {touch['page']}: there after {touch['after'] - touch['before']} ns, served after {touch['delay']}")
            if touch["after"] and not vcpu["started"] <= touch["before"] <= touch["after"] <= vcpu["ended"] and vcpu["boots"] == 1:
                complaints.append(f"page {touch['page']}: touched outside the run")
        if vcpu["work_parked"] > vcpu["work"]:
            complaints.append(f"vCPU {vcpu['vcpu']}: {vcpu['work_parked']} units of work while parked, {vcpu['work']} in all")
    return complaints


# --- to say what a mode is for

def reasons(records, kind):
    return Counter(fields["reason"] for name, fields in records if name == kind)


def cancels(records):
    """Other than in time, which can happen whenever a vCPU has to wait for a CPU."""
    return Counter({reason: n for reason, n in reasons(records, "cancel").items() if reason != "in-time"})


def expect(name, got, **want):
    want = {key.replace("_", "-"): value for key, value in want.items()}
    return [f"{name}: {dict(got)}, not {want}"] if dict(got) != want else []


def touches(truth):
    return sum(vcpu["touches"] for vcpu in truth["vcpus"])
