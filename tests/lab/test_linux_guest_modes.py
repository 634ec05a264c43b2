#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 2000
# debug kernel: no
# make test: no
"""A stock Linux under stock QEMU that stops being what it was: a crash kernel takes it over while a CPU hangs, it is suspended to idle;
and one whose kernel user space does not map (KPTI), on a host without VHE. What sdeitop records is what the guest itself has counted."""
import functools
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import labtest                  # noqa: E402  (the path comes first)
import linux_guest              # noqa: E402
from labtest import finish, ok, out_dir    # noqa: E402
from linux_guest import Recording, differ, ended    # noqa: E402

OUT = out_dir("linux-guest-modes")
text = functools.partial(labtest.text, OUT)
SUSPENDED = 1               # times
SUSPENDED_S = 30            # until its clock rings: it must sleep by then, on whatever machine
ROUNDS = 7                  # of backtraces.sh
HUNG_ROUNDS = 15
BACKTRACES = 3              # of suspend.sh, before and after each time

COMMON = r"""
cd /out || exit 1
run() { # NAME OPTIONS ARGS: the recording NAME of a guest that runs NAME.sh with ARGS
	sdeitop record -o $1 -- linux-guest $2 $1 sh -c "set -- $3; $(cat $1.sh)" >$1.out 2>$1.err
	echo $? >$1.status
}
"""

# What the guest has is what it boots once more, and its command sees which of the two kernels it runs on.
RUN = COMMON + r"""
(
	until [ -e /run/guest-kdump/status ]; do sleep 0.1; done
	cp /guest/Image crash.Image
	cp /run/guest-kdump/initrd crash.initrd.part
	mv crash.initrd.part crash.initrd
) &
run kdump '--memory 512 --append crashkernel=192M' ''
rm -f crash.Image crash.initrd
run suspend '' '%d %d'
""" % (SUSPENDED, SUSPENDED_S)

RUN_KPTI = COMMON + """
dmesg | grep -q 'nVHE mode initialized' || exit 1
run backtraces '--append kpti=on' %d
""" % ROUNDS


def log(name, pattern):
    return [line for line in text(name + ".out").splitlines() if line.startswith("log ") and re.search(pattern, line)]


def check_kdump():
    """CPU 1 hangs until the NMI that stops it, which turns it off in its handler; CPU 0 goes on as another kernel, whose client of SDEI
    registers anew."""
    r = Recording(OUT, "kdump")
    ok("linux-guest/kdump/ends", r.ended(0))
    ok("linux-guest/kdump/recording", r.sound())
    said = text("kdump.out").splitlines()
    ok("linux-guest/kdump/the crash kernel goes on", [] if "loaded 1" in said and "vmcore ELF of CPUs 0" in said else said)
    ok("linux-guest/kdump/it is a client of SDEI", [] if log("kdump", "using SDEI cross-CPU NMI") else said)
    if not r.vms:
        return
    counts = r.counts(1)
    complaints = differ("signals", counts["signals"], 1) + differ("dispatched", counts["dispatched"], 1) + differ("ended", ended(counts), 0)
    ok("linux-guest/kdump/one NMI", complaints)
    complaints = differ("registrations of vCPU 0", r.calls(0, "EVENT_REGISTER"), {"SUCCESS": 2})
    complaints += differ("of vCPU 1", r.calls(1, "EVENT_REGISTER"), {"SUCCESS": 1})
    ok("linux-guest/kdump/one client after the other", complaints)
    ok("linux-guest/kdump/findings", r.findings(("guest-stop", 0, False)))


def check_suspend():
    """All its PEs are masked for as long: no NMI can reach them, and that is what is found."""
    r = Recording(OUT, "suspend")
    ok("linux-guest/suspend/ends before its command does", r.ended(1))
    ok("linux-guest/suspend/recording", r.sound())
    times = re.search(r"^suspended(( \S+)+)", text("suspend.console.log"), re.M)
    times = [float(word) for word in times[1].split()] if times else []
    slept = [end - begin for begin, end in zip(times[::2], times[1::2])]
    ok("linux-guest/suspend/it slept", [] if len(slept) == SUSPENDED and min(slept) > 1 else [str(slept)])
    said = re.search(r"^asked (\d+) answered (\d+) (\d+)", text("suspend.console.log"), re.M)
    if not r.vms or not said:
        return
    asked = int(said[1])
    ok("linux-guest/suspend/the guest asked", differ("times", asked, BACKTRACES * (1 + SUSPENDED)) + differ("answers", said.groups()[1:], (said[1], said[1])))
    # Who asks answers for itself, without an event.
    complaints = [f"vCPU {vcpu}: {counts}" for vcpu in (0, 1) for counts in (r.counts(vcpu),)
                  if not counts["signals"] == counts["dispatched"] == ended(counts)]
    complaints += differ("NMIs of both", sum(r.counts(vcpu)["dispatched"] for vcpu in (0, 1)), asked)
    ok("linux-guest/suspend/counts", complaints)
    ok("linux-guest/suspend/findings", r.findings(("mask-long", 0, False), ("mask-long", 1, False)))


def check_kpti():
    """As test_linux_guest.py has it for a guest without, on a host with VHE."""
    r = Recording(OUT, "backtraces")
    ok("linux-guest/kpti/ends", r.ended(0))
    ok("linux-guest/kpti/recording", r.sound())
    if not r.vms or "handled" not in r.said:
        return
    handled, asked = r.said["handled"], r.said["asked"][0]
    ok("linux-guest/kpti/its kernel is not mapped", [] if log("backtraces", "page table isolation") else ["its log says nothing of KPTI"])
    ok("linux-guest/kpti/the guest asked", differ("times", asked, 3 * ROUNDS + HUNG_ROUNDS))
    complaints = differ("handlers of both", sum(handled), asked) + differ("CPUs", len(handled), 2) + r.handles(handled)
    ok("linux-guest/kpti/counts", complaints, f"{asked} backtraces, handlers {handled}")
    ok("linux-guest/kpti/findings", r.findings())


def main():
    if linux_guest.is_missing("linux-guest-modes"):
        return
    linux_guest.write_scripts(OUT, "hang", "kdump", "suspend", "backtraces")
    if linux_guest.run(OUT, "linux-guest/modes", RUN, timeout=900):
        check_kdump()
        check_suspend()
    if linux_guest.run(OUT, "linux-guest/kpti", RUN_KPTI, "--cpu", "cortex-a57", timeout=900):
        check_kpti()
    finish()


if __name__ == "__main__":
    main()
