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
from labtest import HERE, finish, lab, ok, out_dir    # noqa: E402

OUT = out_dir("apf-userfault")

# name: how the guest is told of a fault, and of its page; its arguments
CASES = {
    "worker": ("told", "signalled", "--served worker --mode enabled --vcpus 2 --pages 53 --delay bimodal:1ms,20ms,10"),
}

# All in one lab.
RUN = r"""
cd /out || exit 1
try() {
	name=$1
	shift
	sh observe.sh $name "" sh traced.sh $name apf-guest --truth /out/$name.truth.json -name guest=$name "$@" || exit 1
}
CASES
"""


def write_scripts():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    for name in ("observe.sh", "traced.sh"):
        shutil.copy(os.path.join(HERE, name), OUT)
    cases = "\n".join(f"try {name} {case[-1]}" for name, case in CASES.items())
    with open(os.path.join(OUT, "run.sh"), "w", encoding="utf-8") as file:
        file.write(RUN.replace("CASES", cases))


def check_case(name, told, present):
    run = a.Run(OUT, name)
    for what, complaints, detail in a.verdicts(run, told, present):
        ok(f"userfault/{name}/{what}", complaints, detail)
    ok(f"userfault/{name}/no fault had to wait", a.same("fallbacks", run.faults.count("fallback"), 0))


def main():
    if os.uname().machine != "x86_64":
        print("skip userfault the x86 lab is only built on x86_64")
        return
    write_scripts()
    status, output = lab(OUT, "sh", "/out/run.sh", timeout=600, options=("--arch", "x86_64", "--kernel", "x86-userfault"))
    if status:
        ok("userfault", [f"exit status {status}"] + output.splitlines()[-10:])
    else:
        for name, (told, present, _arguments) in CASES.items():
            check_case(name, told, present)
    finish()


if __name__ == "__main__":
    main()
