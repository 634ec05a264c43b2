#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# debug kernel: no
# time limit: 1500
"""Asynchronous page faults of a host that is short of memory: a cgroup too small for the guest, whose pages go to swap; and no memory
even for a fault's own work item. The guest, KVM's tracepoints and sdeitop agree."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apf_arm64 import (PRELUDE, cancels, check_counts, check_flight, check_lives, check_pages, check_truth,     # noqa: E402
                      expect, load, parse, read, reasons, touches)
from labtest import finish, lab, ok, out_dir     # noqa: E402
from test_apf import FALLBACKS, WATCHED, check_mode, load_events     # noqa: E402

OUT = out_dir("apf-swap")

# The disk is in the lab's memory, and takes two milliseconds for each page. Less than half of the guest's pages fit.
RUN = PRELUDE + WATCHED + r"""
slow_swap() {
	disk=/sys/kernel/config/nullb/swap
	mount -t configfs none /sys/kernel/config &&
		mkdir $disk &&
		echo 64 >$disk/size &&
		echo 1 >$disk/memory_backed &&
		echo 2 >$disk/irqmode &&
		echo 2000000 >$disk/completion_nsec &&
		echo 1 >$disk/power &&
		mkswap /dev/swap >/dev/null &&
		swapon /dev/swap &&
		echo 0 >/proc/sys/vm/page-cluster
}
limit_memory() { # high, not max: a disk that slow does not always take pages as fast as the guest brings them in
	small=/sys/fs/cgroup/small
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control &&
		mkdir $small &&
		echo 8M >$small/memory.high
}
limited() (
	echo 0 >$small/cgroup.procs
	exec "$@"
)
swapped() { # how, mode
	cat /sys/block/swap/stat >swap-$2.before
	$1 swap-$2 limited sdei-guest --apf $2 --plain --tasks 4 --pages 600 --work 300 --truth swap-$2.json
	cat /sys/block/swap/stat >swap-$2.after
}
slow_swap && limit_memory || exit 1
swapped watched park
swapped watched wait
swapped traced off

fail=/sys/kernel/debug/failslab
echo 1 >/sys/kernel/slab/kvm_async_pf/failslab &&
	echo Y >$fail/cache-filter &&
	echo 0 >$fail/verbose &&
	echo -1 >$fail/times || exit 1
for percent in 100 50; do
	echo $percent >$fail/probability
	watched no-memory-$percent sdei-guest --apf park --truth no-memory-$percent.json
done
echo 0 >$fail/probability
watched memory-again sdei-guest --apf park --truth memory-again.json
"""


def from_swap(name):
    """Pages that the disk has been read, 8 of its sectors each."""
    before, after = (int(read(OUT, name, when).split()[2]) for when in ("before", "after"))
    return (after - before) // 8


def count(records, kind):
    return sum(name == kind for name, _ in records)


def swapped(name, records, truth):
    """Most pages came from swap, and as faults that were set up where the guest asks for it; `park` waited for none."""
    read_in, setups, told = from_swap(name), count(records, "setup"), count(records, "not_present")
    complaints = [] if read_in >= touches(truth) // 2 else [f"only {read_in} pages have come from swap"]
    if truth["mode"] == "off":
        return complaints + [f"{len(records)} records" for _ in records[:1]]
    if setups < touches(truth) // 2:
        complaints.append(f"only {setups} faults were set up, {read_in} pages have come from swap")
    if not told or not count(records, "present"):
        complaints.append(f"{told} faults told, {count(records, 'present')} present")
    if truth["mode"] == "park":
        complaints += expect("fallbacks", reasons(records, "fallback")) + expect("cancels", cancels(records))
    return complaints


def without_memory(percent):
    """Each page was waited for, or told, and nothing else kept the guest from being told."""
    def check(_, records, truth):
        fallbacks, setups = reasons(records, "fallback"), count(records, "setup")
        failed = fallbacks["no-memory"]
        if failed + setups == touches(truth) and bool(failed) == (percent > 0) and bool(setups) == (percent < 100):
            return [] if fallbacks.total() == failed else [f"fallbacks: {dict(fallbacks)}"]
        return [f"{failed} failed, {setups} set up, {touches(truth)} touched"]
    return check


def summed_up(name):
    """The reasons that sdeitop sums up are those that KVM told."""
    traced, want = parse(OUT, name)[0], {}
    for kind, fields in traced:
        if kind == "fallback" and not fields["token"]:
            reason = FALLBACKS.get(fields["reason"], "other")
            want[reason] = want.get(reason, 0) + 1
    got = [vm["apf"]["fallback_by"] for vm in (load_events(OUT, name)[1] or {"vms": []})["vms"] if "apf" in vm]
    if len(got) != 1:
        return [f"{len(got)} VMs with asynchronous page faults in the summary"]
    return expect("summary of fallbacks", {reason: n for reason, n in got[0].items() if n}, **want)


CHECKS = {"swap-park": swapped, "swap-wait": swapped, "swap-off": swapped, "no-memory-100": without_memory(100),
          "no-memory-50": without_memory(50), "memory-again": without_memory(0)}


def check_traced(name):
    if read(OUT, name, "status") != "0":
        ok(f"apf/{name}", [f"status {read(OUT, name, 'status')}: {read(OUT, name, 'said')}"])
        return
    truth, (records, complaints) = load(OUT, name), parse(OUT, name)
    complaints += check_counts(records, truth) + check_pages(records, truth)
    ok(f"apf/{name}/guest and tracepoints agree", complaints, f"{touches(truth)} pages, {len(records)} records")
    ok(f"apf/{name}/each fault has one end", check_lives(records) + check_flight(records))
    ok(f"apf/{name}/the truth is sound", check_truth(truth))
    ok(f"apf/{name}/as the host was set up", CHECKS[name](name, records, truth))


def main():
    status, output = lab(OUT, "sh", "-c", RUN, timeout=500, options=("--strict", "--kernel", "tracepoints"))
    if status:
        ok("apf/run", [f"exit status {status}"] + output.splitlines()[-15:])
        finish()
    for name in CHECKS:
        check_traced(name)
        if name != "swap-off":
            check_mode(OUT, name)
            ok(f"apf/{name}/summary of fallbacks", summed_up(name))
    finish()


if __name__ == "__main__":
    main()
