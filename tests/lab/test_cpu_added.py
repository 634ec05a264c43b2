#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 1300
# debug kernel: no
"""A CPU that is added while it is recorded: it gets a ring, and from then on all of a guest on it is seen. Who has given up its
privileges cannot make one, says so once, and counts what is lost."""
import json
import os
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import apf_truth as a           # noqa: E402  (the path comes first)
import truth as t               # noqa: E402
from labtest import E_HANG, E_PANIC, TOP, X86_TRIES, finish, lab_start, ok, out_dir, unit_capabilities    # noqa: E402

OUT = out_dir("cpu-added")
SERIES = "6.1"

# An emulated machine with its drivers as modules has what takes CPUs. The guest runs on the CPU that was added, and nowhere else.
RUN = r"""
cd /out || exit 1
await() {
	for i in $(seq 600); do
		! "$@" || return 0
		sleep 0.2
	done
	echo "did not come: $*"
	cat *.err
	exit 1
}
maps() { grep -c bpf-map /proc/$recorder/maps; }
has_one_more() { [ "$(maps)" -gt $before ]; }
sdeitop record -o cpu.rec 2>record.err &
recorder=$!
mkdir -m 777 /tmp/metrics
as-user 65534 $1 sdeid -t /tmp/metrics --interval 1 2>sdeid.err &
daemon=$!
await grep -q 'recording to' record.err
await test -s /tmp/metrics/sdeid.prom
before=$(maps)
: >attached
await test -d /sys/devices/system/cpu/cpu2
await has_one_more
echo 1 >/sys/devices/system/cpu/cpu2/online
await grep -q 'a CPU was added' sdeid.err
taskset 4 apf-guest --mode enabled --vcpus 2 --pages 211 --delay fixed:2ms --truth /out/truth.json -name guest=late || exit 1
kill -INT $recorder
wait $recorder || exit 1
kill -TERM $daemon
wait $daemon || exit 1
cp /tmp/metrics/sdeid.prom .
sdeitop events -j --summary cpu.rec >events.json
"""


def wait_for(path, host):
    while not os.path.exists(path) and host.poll() is None:
        time.sleep(0.1)


def add_cpu():
    """By QEMU's monitor, whose prompt says that it has taken the command before."""
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(os.path.relpath(OUT + ".monitor"))
        words = b""
        while not words.endswith(b"(qemu) "):
            words += monitor.recv(4096)
        monitor.sendall(b"device_add qemu64-x86_64-cpu,id=late,socket-id=0,die-id=0,core-id=2,thread-id=0\n")
        words = b""
        while not words.endswith(b"(qemu) "):
            words += monitor.recv(4096)
    return words.decode(errors="replace")


def try_once():
    """(exit status, what was printed)"""
    options = ("--arch", "x86_64", "--kernel", "debian:" + SERIES, "--max-cpus", "4")
    out_dir("cpu-added")
    with lab_start(OUT, "sh", "-c", RUN, "sh", unit_capabilities(), timeout=600, options=options) as host:
        wait_for(OUT + "/attached", host)
        said = add_cpu() if host.poll() is None else "the lab ended before it was attached"
        output = host.communicate()[0]
    return host.returncode, [said] + output.splitlines()[-20:]


def run():
    """Again where the emulated x86 kernel panicked or hung, as lab() does."""
    for rest in reversed(range(X86_TRIES)):
        status, printed = try_once()
        if not (rest and status in (E_PANIC, E_HANG)):
            break
        print("# the emulated x86 kernel panicked or hung: once more\n# " + "\n# ".join(printed), flush=True)
    ok("cpu-added/the lab runs", [f"exit status {status}"] + printed if status else [])
    return not status


def read(name):
    with open(os.path.join(OUT, name), encoding="utf-8") as file:
        return file.read()


def check_steps(faults):
    """Each has all steps, once. Not in their order: the clock of an emulated CPU that was added is not quite that of the others."""
    return [c for fault, records in faults.by_id.items()
            for c in a.same(f"fault {fault}: steps", sorted(r["step"] for r in records), sorted(a.STEPS))]


def check_recorded():
    truth, lines = a.Truth(json.loads(read("truth.json"))), t.load_lines(OUT + "/events.json")
    faults = a.Faults([line for line in lines if "kind" in line], truth.vm)
    ok("cpu-added/all of the guest is recorded", a.check_counts(faults, truth) + check_steps(faults), f"{len(faults.by_id)} faults")
    ok("cpu-added/nothing is lost", t.check_nothing_lost(lines[-1]))


def check_daemon():
    prom, messages = read("sdeid.prom"), read("sdeid.err")
    lost = [float(n) for n in re.findall(r"^kvm_sdei_lost_records_total(?:{.*})? (\S+)$", prom, re.M)]
    ok("cpu-added/sdeid says once that it has no ring", a.same("how often", messages.count("a CPU was added"), 1))
    ok("cpu-added/sdeid counts what it lost", [] if sum(lost) > 0 else prom.splitlines()[:40])


def main():
    found = subprocess.run([os.path.join(TOP, "scripts", "debian-kernel"), "path", SERIES], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, check=False)
    if os.uname().machine != "x86_64":
        print("skip cpu-added the x86 lab is only built on x86_64")
    elif found.returncode:
        print(f"skip cpu-added {found.stderr.strip().splitlines()[-1]}")
    elif run():
        check_recorded()
        check_daemon()
    finish()


if __name__ == "__main__":
    main()
