#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 1800
# debug kernel: no
"""sdeid while VMs come and go, by the hundred (SDEI_SOAK=N: N in each round; make soak: by the thousand): every signal of every one is counted,
they disappear from the metrics, open files are those of before, and memory does not grow with each."""
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import finish, lab, ok, out_dir, script    # noqa: E402
from test_metrics import parse    # noqa: E402

OUT = out_dir("soak")
LIVES = int(os.environ.get("SDEI_SOAK", "100"))
ROUNDS, VCPUS, SIGNALS = 4 if LIVES <= 100 else 12, 2, 3
# What the allocator may keep: how many VMs are known at once is chance. tests/unit/daemon/test_churn.c counts allocations.
LEFT_KIB = 1024 + LIVES // 2
LEAK_KIB = LIVES // 16    # 64 bytes of each VM

# All that sdeid can do is done in each round: a client comes and goes, the configuration is read again, a recording is saved.
CHURN = r"""
OPTIONS
measure() { # what sdeid has when all VMs are forgotten
	await "that VMs are forgotten" sh -c '! grep -q ^kvm_sdei_vm_info /tmp/tf/sdeid.prom'
	next_file
	echo "$1 $(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' /proc/$daemon/status) $(ls /proc/$daemon/fd | wc -l)" >>levels
}
round() {
	client $1
	vm-churn $((LIVES / 10)) 8 $VCPUS $SIGNALS || give_up "a VM failed"
	leave	# it would print all that it has ever seen, each second
	vm-churn $((LIVES - LIVES / 10)) 8 $VCPUS $SIGNALS || give_up "a VM failed"
	kill -HUP $daemon
	kill -USR2 $daemon
	next_file
	measure $1
}
daemon soak -c /tmp/sdeid.conf
for number in $(seq $ROUNDS); do
	round $number
done
cp /tmp/tf/sdeid.prom end.prom
for name in other churn-7; do
	sdei-guest --vcpus 1 --scenario busy --seconds 3 -name guest=$name >&2 &
done
await "a VM that runs" grep -q '^kvm_sdei_dispatched_total{vm="churn-7".*} [1-9]' /tmp/tf/sdeid.prom
next_file
cp /tmp/tf/sdeid.prom last.prom
land
"""

CONFIGURATION = r"""
LIVES={lives} ROUNDS={rounds} VCPUS={vcpus} SIGNALS={signals}
printf '%s\n' 'textfile = /tmp/tf' 'interval = 0.5' 'expire = 0.5' 'labels = vcpu' "socket = $SOCKET" 'group = sdei' 'user = sdeid' \
	'flight = /tmp/fl' 'flight-size = 1M' 'flight-keep = 2' {more} >/tmp/sdeid.conf
"""


# A daemon that is held up while VMs come and go loses records, more of them than the kernel has room to tell apart.
LOST = r"""
daemon lost -t /tmp/tf -d 0.5 --expire 0.5 --ring-size 4K --user sdeid
for lives in 1000 50 50 50; do
	kill -STOP $daemon
	vm-churn $lives 8 2 3 || give_up "a VM failed"
	kill -CONT $daemon
	next_file
done
await "that VMs are forgotten" sh -c '! grep -q ^kvm_sdei_vm_info /tmp/tf/sdeid.prom'
cp /tmp/tf/sdeid.prom after.prom
land
"""


def check_lost():
    out = f"{OUT}/lost"
    status, output = lab(out, "sh", "-c", script("daemon.sh") + LOST, timeout=300)
    ok("soak/lost: VMs whose end was lost are forgotten, too", [] if status == 0 else [f"exit status {status}"] + output.splitlines()[-15:])
    if status:
        return
    after = parse(f"{out}/after.prom")
    left = [after[(f"kvm_sdei_{what}", "")] for what in ("vms", "vcpus")]
    ok("soak/lost: nobody is left", [f"{left}"] if any(left) else [])


def run(name, more):
    """What sdeid has after each round, and its last figures; None: it failed."""
    values = CONFIGURATION.format(lives=LIVES, rounds=ROUNDS, vcpus=VCPUS, signals=SIGNALS, more=more)
    out = f"{OUT}/{name}"
    status, output = lab(out, "sh", "-c", script("daemon.sh") + CHURN.replace("OPTIONS", values), timeout=1500)
    ok(f"soak/{name}: sdeid lives", [] if status == 0 else [f"exit status {status}"] + output.splitlines()[-15:], f"{ROUNDS * LIVES} VMs")
    if status:
        return None, None
    with open(f"{out}/levels", encoding="utf-8") as file:
        return [list(map(int, line.split())) for line in file], parse(f"{out}/end.prom")


def check_last(name, wanted):
    """The names of VMs that run now."""
    with open(f"{OUT}/{name}/last.prom", encoding="utf-8") as file:
        names = set(re.findall(r'^kvm_sdei_vm_info{.*name="([^"]*)"', file.read(), re.M))
    ok(f"soak/{name}: VMs that come then are known by name", [] if names == wanted else [f"{names} instead of {wanted}"])


def check_levels(name, levels):
    """The first half of the rounds makes room that the others find; more is needed now and then. A leak grows with each."""
    note = ", ".join(f"{kib} KiB {files} files" for _, kib, files in levels)
    files, room = levels[1][2], [kib for _, kib, _ in levels[len(levels) // 2 - 1:]]
    grown = sum(after - before > LEAK_KIB for before, after in zip(room, room[1:]))
    leaks = grown > len(room) // 2 and room[-1] > room[0] + LEFT_KIB
    ok(f"soak/{name}: memory returns to its level", [note] if leaks else [], note)
    ok(f"soak/{name}: files are closed", [note] if any(one[2] != files for one in levels) else [])


def check_counts(name, end, vms):
    lost = sum(value for (metric, _), value in end.items() if "lost" in metric)
    ok(f"soak/{name}: nothing is lost or left out", [f"{lost} lost"] if lost or end[("kvm_sdei_misfits_total", "")] else [])
    wanted = {"queued": vms * VCPUS, "coalesced": vms * VCPUS * (SIGNALS - 1), "rejected": 0}
    got = {outcome: end[("kvm_sdei_host_signals_total", f'{{outcome="{outcome}"}}')] for outcome in wanted}
    ok(f"soak/{name}: every signal of every VM is counted", [] if got == wanted else [f"{got} instead of {wanted}"])


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    levels, end = run("all", "'sched = yes'")
    if end:
        check_levels("all", levels)
        check_counts("all", end, ROUNDS * LIVES)
        check_last("all", {"other", "churn-7"})
    # Most are not wanted; some are gone before sdeid can ask for their name.
    levels, end = run("some", "'guest = churn-*7'")
    if end:
        check_levels("some", levels)
        check_last("some", {"churn-7"})
    check_lost()
    finish()


if __name__ == "__main__":
    main()
