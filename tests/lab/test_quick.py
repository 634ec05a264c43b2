#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# debug kernel: no
"""A vCPU that has quick page faults and then none: each of them is shown while it idles, and is in what ends while it does; so is each one of
a vCPU that has ended. Quick ones have no record each; how many there were, and when, KVM's own tracepoint knows."""
import bisect
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import truth as t               # noqa: E402
from labtest import finish, lab, ok, out_dir, script    # noqa: E402

OUT = out_dir("quick")
GUEST_RAM = 0x40000000     # tests/lab/guest/layout.h; below are devices
PAGES = 16000              # that the guest touches
PAGES_BEFORE = 1009        # that another one does, before it; its vCPU ends
BEHIND = 2                 # intervals that figures may be, of quick ones,
AHEAD = 1                  # or that: who prints them may have to wait for a CPU
SLEEP_S = 1                # who looks at a host where nothing happens sleeps after that long

# Time counts instructions, or an emulated CPU that is slow might take too long for any fault to be a quick one.
# The guest touches pages that are there, so that its faults are short ones, and computes then; stopped as it does, its vCPU has no next fault,
# nor an end, until all have ended who look.
RUN = r"""
tracing=/sys/kernel/tracing
guest="sdei-guest --quiet --apf bare --plain --vcpus 1 --tasks 1"
faults() { [ "$(grep -c "kvm_guest_fault:" $tracing/trace)" -ge $1 ]; }
stopped() { ! grep -h '^State:' /proc/$vmm/task/*/status | grep -qv T; }
next_interval() { [ "$(grep -c '"type":"interval"' /tmp/top.jsonl)" -gt $intervals ]; }

daemon quick -t /tmp/tf -d 1 --user sdeid
sdeitop events --json --summary >/tmp/events.jsonl 2>events.err &
events=$!
# Some kernels let nobody read maps of BPF who may no more.
refuse-program --map-reads sdeitop events --json --summary -- sh -c 'until [ -e /tmp/over ]; do sleep 0.1; done' >/tmp/closed.jsonl 2>closed.err &
closed=$!
sdeitop --json 0.1 >/tmp/top.jsonl 2>top.err &
top=$!
sdeitop record -o quick.rec 2>record.err &
record=$!
await "events" grep -q racing events.err
await "events without maps" grep -q racing closed.err
await "figures" grep -q racing top.err
await "record" grep -q 'recording to' record.err
echo 16384 >$tracing/buffer_size_kb
echo mono >$tracing/trace_clock
echo 1 >$tracing/events/kvm/kvm_guest_fault/enable
$guest --pages $2 -name guest=before >&2 &
vmm=$!
echo $vmm >before
wait $vmm || give_up "the first guest failed"
cat $tracing/trace >before.trace
echo >$tracing/trace
$guest --pages $3 --work 1000000 -name guest=quick >&2 &
vmm=$!
echo $vmm >quick
await "faults" faults $3
kill -STOP $vmm
await "it stops" stopped
cat $tracing/trace >quick.trace
sleep $1
# The intervals after that, and the textfile, are of an idle host.
intervals=$(grep -c '"type":"interval"' /tmp/top.jsonl)
await "an interval" next_interval
cp /tmp/top.jsonl idle.jsonl
next_file
cp /tmp/tf/sdeid.prom idle.prom
kill -INT $events $top $record
: >/tmp/over
wait $events || give_up "events ended with $?"
wait $closed || give_up "events without maps ended with $?"
wait $top || give_up "sdeitop ended with $?"
wait $record || give_up "record ended with $?"
land
kill -KILL $vmm
cp /tmp/events.jsonl /tmp/closed.jsonl /tmp/top.jsonl .
cp /tmp/tf/sdeid.prom end.prom
sdeitop events --json --summary quick.rec >record.jsonl
"""


def read(name):
    with open(os.path.join(OUT, name), encoding="utf-8") as file:
        return file.read()


def kernels_times(name, pages):
    """When the only vCPU there had faults of its memory, ns."""
    faults = re.findall(r"-(\d+) .* (\d+)\.(\d{6}): kvm_guest_fault: ipa (0x[0-9a-f]+)", read(f"{name}.trace"))
    times = sorted(int(seconds + us) * 1000 for _, seconds, us, ipa in faults if int(ipa, 16) >= GUEST_RAM)
    threads = {thread for thread, *_ in faults}
    ok(f"quick/{name}: the kernel's count is one vCPU's", [] if len(threads) == 1 else [f"threads {threads}"])
    ok(f"quick/{name}: the kernel's count has the guest's pages", [] if pages <= len(times) < 1.3 * pages else [f"{len(times)} faults, {pages} pages"])
    return times


def counted(line, name):
    """(all, the quick ones) of a VM in a line of figures. One that was as short as the first may have no name there."""
    counts = [vm["apf"]["count"] for vm in line["vms"] if vm["vm"] == int(read(name)) and "apf" in vm]
    return sum(c["sync"] + c["quick"] for c in counts), sum(c["quick"] for c in counts)


def check_behind(times):
    """At the end of each interval the figures are what they were in the kernel then, or a little before, or after: up to when all is there is
    known before the sums are read, and a sum is what it is by then. But it is read before the next interval ends."""
    complaints = []
    lines = [line for line in t.load_lines(f"{OUT}/top.jsonl") if line["type"] == "interval"]
    ends = [0] * BEHIND + [line["time_ns"] for line in lines] + [times[-1]] * AHEAD
    for i, line in enumerate(lines):
        every, _ = counted(line, "quick")
        least, most = (bisect.bisect_right(times, ends[at]) for at in (i, i + BEHIND + AHEAD))
        if not least <= every <= most:
            complaints.append(f"{every} faults at {line['time_ns']}, not {least} to {most}")
    ok("quick/figures are not behind", complaints, f"{len(lines)} intervals, {sum(counted(line, 'quick')[0] < len(times) for line in lines)} before the last fault")


def check(what, got, true):
    every, quick = got
    ok(f"quick/{what}", [f"{every} faults, {quick} of them quick: not {true}"] if every != true or not quick else [],
       f"{every} faults, {quick} of them quick")


def exported(name):
    """The same of VM quick in a textfile."""
    def total(metric):
        return int(sum(float(n) for n in re.findall(rf'^{metric}{{vm="quick"[^}}]*}} (\S+)$', read(name), re.M)))

    quick = total("kvm_apf_quick_faults_total")
    return total("kvm_apf_sync_faults_total") + quick, quick


def check_records(name, befores, true):
    """Each sum says when its faults were: one after the other, none is older than the drains are apart, and they are not of the idle time."""
    lines = t.load_lines(os.path.join(OUT, name))
    sums = [r for r in lines if r.get("step") == "quick" and r["name"] == "quick"]
    spans = [(r["time_ns"] - r["ago_ns"] - r["span_ns"], r["time_ns"] - r["ago_ns"]) for r in sums]
    late = [r for r in sums if r["ago_ns"] > 500_000_000]
    long = [r for r in sums if not r["duration_ns"] <= r["span_ns"] <= 500_000_000]
    ok(f"quick/{name}: when they were", [f"{r}" for r in late + long] +
       [f"{before} and {after}" for before, after in zip(spans, spans[1:]) if after[0] < before[1]], f"{len(sums)} sums")
    check(f"{name}: at its end", counted(lines[-1], "quick"), true)
    check(f"{name}: a vCPU that has ended", counted(lines[-1], "before"), befores)


def main():
    status, output = lab(OUT, "sh", "-c", script("daemon.sh") + RUN, "quick", str(SLEEP_S + 1), str(PAGES_BEFORE), str(PAGES),
                         options=("--icount",))
    if status:
        ok("quick", [f"exit status {status}"] + output.splitlines()[-10:])
        finish()
    befores, times = len(kernels_times("before", PAGES_BEFORE)), kernels_times("quick", PAGES)
    true = len(times)
    check_behind(times)
    check("figures of an idle vCPU", counted(t.load_lines(f"{OUT}/idle.jsonl")[-1], "quick"), true)
    check("figures at their end", counted(t.load_summary(f"{OUT}/top.jsonl"), "quick"), true)
    check("figures of a vCPU that has ended", counted(t.load_summary(f"{OUT}/top.jsonl"), "before"), befores)
    for name in ("events.jsonl", "closed.jsonl", "record.jsonl"):
        check_records(name, befores, true)
    for name, what in (("idle.prom", "sdeid, of an idle vCPU"), ("end.prom", "sdeid at its end")):
        check(what, exported(name), true)
    finish()


if __name__ == "__main__":
    main()
