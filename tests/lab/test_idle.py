#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# debug kernel: no
"""On a host where nothing happens, those who trace it sleep: nothing wakes them but their own interval. The first record does, and
none is lost or left behind; so does a page fault that has no record yet."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import truth as t               # noqa: E402
from labtest import finish, lab, ok, out_dir, script    # noqa: E402

OUT = out_dir("idle")
INTERVALS = 8

# A process sleeps once it has no timer that is shorter than its interval. Who looks at events has no interval at all.
# Somebody who sleeps has no timer that is shorter than a second, which is the interval of all here who have one.
RUN = r"""
sleeps() { ! grep -qs '^it_interval: (0, [1-9]' /proc/$1/fdinfo/*; }
intervals() { grep -c '"type":"interval"' /tmp/top.jsonl; }
has_intervals() { [ "$(intervals)" -ge $1 ]; }
asleep() {
	for one in $events $top $daemon; do
		await "sleep" sleeps $one
	done
}
has_printed() { [ "$(grep -c '"kind":"complete"' /tmp/events.jsonl)" -ge $1 ]; }
# count NAME: how often each has been woken, and how many intervals there were.
count() {
	for one in events:$events top:$top sdeid:$daemon; do
		sed -n "s/^voluntary_ctxt_switches:[^0-9]*/${one%:*} /p" /proc/${one#*:}/status
	done >$1
	echo intervals $(intervals) >>$1
}

daemon idle -t /tmp/tf -d 1 --user sdeid
sdeitop events --json --summary >/tmp/events.jsonl 2>events.err &
events=$!
sdeitop --json --page-ms 2000 1 >/tmp/top.jsonl 2>top.err &
top=$!
await "events" grep -q racing events.err
await "figures" grep -q racing top.err
# Asleep, woken, asleep again.
for round in 1 2; do
	asleep
	count before-$round
	await "intervals" has_intervals $(($(intervals) + $1))
	count after-$round
	sdei-guest --vcpus 1 --scenario steady --events 11 --truth /out/$round.truth.json -name guest=round$round >&2 || give_up "the guest failed"
	await "the guest's records" has_printed $((round * 11))
done
# The page of a VM that begins to run never comes: the fault sends no record, and its begin has to wake who sleeps.
mkfifo /tmp/go
exec 3<>/tmp/go
sdei-guest --quiet --apf bare --held --tasks 1 --pages 1 --delay 900000000 -name guest=faulting </tmp/go >&2 &
vmm=$!
echo $vmm >faulting
await "the VM" grep -q '"name":"faulting"' /tmp/events.jsonl
asleep
wc -l </tmp/events.jsonl >before-fault
echo >&3
await "the fault" grep -q '"step":"waiting"' /tmp/events.jsonl
await "the finding" grep -q page-stuck /tmp/top.jsonl
kill -KILL $vmm
kill -INT $events $top
wait $events || give_up "events ended with $?"
wait $top || give_up "sdeitop ended with $?"
land
cp /tmp/events.jsonl /tmp/top.jsonl .
"""


def counts(name):
    with open(os.path.join(OUT, name), encoding="utf-8") as file:
        return {line.split()[0]: int(line.split()[1]) for line in file}


def check_sleep(number):
    """Who has an interval is woken for that, and by what it then waits for, like a file that is written."""
    before, after = counts(f"before-{number}"), counts(f"after-{number}")
    woken = {name: after[name] - before[name] for name in before}
    most = {"events": 0, "top": 2 * woken["intervals"] + 2, "sdeid": 5 * woken["intervals"] + 5}
    ok(f"idle/{number}/nothing but the interval wakes", [f"{name} was woken {woken[name]} times in {woken['intervals']} intervals"
                                                         for name in most if woken[name] > most[name]],
       ", ".join(f"{name} {woken[name]}" for name in woken))


def faulting():
    """The VM that does nothing but wait for a page."""
    with open(f"{OUT}/faulting", encoding="utf-8") as file:
        return int(file.read())


def check_figures():
    summary, truths = t.load_summary(f"{OUT}/top.jsonl"), []
    summary["vms"] = [vm for vm in summary["vms"] if vm["vm"] != faulting()]
    for number in (1, 2):
        with open(f"{OUT}/{number}.truth.json", encoding="utf-8") as file:
            truths.append(t.json.load(file))
    lines = t.load_lines(f"{OUT}/events.jsonl")
    ok("idle/figures are those of the guests", t.check_counts(truths, summary) + t.check_lossless(summary))
    complaints, compared = t.check_intervals(truths, [line for line in lines if "kind" in line])
    ok("idle/records are those of the guests", t.check_lossless(lines[-1]) + complaints, f"{compared} runs")


def check_fault():
    """What was printed of the last VM begins with a page fault, and the one that has no end is reported while it lasts."""
    with open(f"{OUT}/before-fault", encoding="utf-8") as file:
        before = int(file.read())
    vm = faulting()
    records = [line for line in t.load_lines(f"{OUT}/events.jsonl")[before:] if line.get("kind", "counter") != "counter"]
    waiting = {r["time_ns"] - r["duration_ns"] for r in records if r.get("step") == "waiting" and r["vm"] == vm}
    ok("idle/a page fault wakes", ([] if records and records[0]["kind"] == "apf" else [f"the first record is {records[:1]}"]) +
       ([] if len(waiting) == 1 else [f"faults that last: {waiting}"]) +
       [f"{r}" for r in records if r["kind"] != "apf" or r["vm"] != vm])


def main():
    status, output = lab(OUT, "sh", "-c", script("daemon.sh") + RUN, "idle", str(INTERVALS))
    if status:
        ok("idle", [f"exit status {status}"] + output.splitlines()[-10:])
    else:
        for number in (1, 2):
            check_sleep(number)
        check_figures()
        check_fault()
    finish()


if __name__ == "__main__":
    main()
