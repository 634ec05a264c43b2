#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# make test: no
# debug kernel: no
# time limit: 1800
"""sdeid.service under systemd itself: Debian as it is installed, with what 'make install' installs, on Debian's kernel, whose KVM is a module. The
unit starts with KVM, has no privilege left, and counts what the guest did; it is reloaded, comes back when it is killed, is skipped
without KVM, and started when KVM comes."""
import functools
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import labtest                      # noqa: E402
from labtest import HERE, finish, ok, out_dir  # noqa: E402

OUT = out_dir("systemd")
SERIES = "6.12"
READ_ANEW = "the configuration was read anew"
E_CANNOT = 77                       # of boot.sh
text = functools.partial(labtest.text, OUT)


def why_not():
    if os.uname().machine != "x86_64":
        return "the x86 lab is only built on x86_64"
    return "debootstrap needs root" if os.geteuid() else None


def same(what, got, wanted):
    return [] if got == wanted else [f"{what}: {got!r} instead of {wanted!r}"]


def check():
    privileges = dict(re.findall(r"^(\w+):\s+(\S+)", text("privileges"), re.M))
    ok("systemd/the system has no unit that failed", same("state", text("system").strip(), "running") + same("failed", text("units-failed"), ""))
    ok("systemd/no privilege is left", [f"{name} {privileges.get(name)}" for name in ("CapEff", "CapPrm", "CapAmb", "CapInh")
                                        if int(privileges.get(name, "1"), 16)] +
       same("NoNewPrivs, Seccomp", (privileges.get("NoNewPrivs"), privileges.get("Seccomp")), ("1", "2")) + ([] if privileges.get("Uid") != "0" else ["it is root"]))
    faults = re.findall(r'^kvm_apf_(faults_total|outcomes_total)\{vm="web1"(?:,outcome="async")?\} (\d+)$', text("metrics"), re.M)
    wanted = str(sum(vcpu["parks"] for vcpu in json.loads(text("truth.json"))["vcpus"]))
    ok("systemd/the guest's figures", same("faults, told of", faults, [("faults_total", wanted), ("outcomes_total", wanted)]), f"{wanted} faults")
    ok("systemd/it is reloaded", same("status", text("reload").strip(), "0") + ([] if READ_ANEW in text("journal") else ["it does not say so"]))
    ok("systemd/it comes back when it is killed", same("restarts", text("restarts").strip(), "1"))
    ok("systemd/KVM can be unloaded when it is stopped", same("status of modprobe -r", text("unloaded").strip(), "0"))
    ok("systemd/without KVM it is skipped", same("is-active, Result", text("without").split(), ["inactive", "exec-condition"]))


def main():
    reason = why_not()
    if reason:
        print(f"skip systemd {reason}")
        return
    os.makedirs(OUT)
    done = subprocess.run([os.path.join(HERE, "systemd", "boot.sh"), SERIES, OUT], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, timeout=1700)
    if done.returncode == E_CANNOT:
        print(f"skip systemd Debian cannot be had: {done.stdout.strip()[-200:]}")
        return
    complaints = [] if done.returncode == 0 else [f"status {done.returncode}", *done.stdout.splitlines()[-5:]]
    complaints += same("the trial", text("status").strip() + text("failed"), "0")
    ok("systemd/it starts with KVM, and when KVM comes again", complaints + text("journal").splitlines()[-8:] if complaints else [])
    if not complaints:
        check()
    finish()


if __name__ == "__main__":
    main()
