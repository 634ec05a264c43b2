#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 900
# debug kernel: no
"""sdeitop --client: attaches to the driver that Debian's kernel has; says when there is no SDEI; and a recording of it is one like any."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import TOP, finish, lab, ok, out_dir    # noqa: E402

OUT = out_dir("client")
SDEITOP = os.path.join(TOP, "build", "sdeitop")

# What Debian's kernel has; it makes no NMIs of SDEI.
PROBES = ("client_hvc_begin", "client_hvc", "client_smc_begin", "client_smc", "client_idle", "client_signal", "client_signal_end", "client_handler",
          "client_end_normal", "client_end_critical")

RUN = r"""
cd /out || exit 1
sdeitop record --client -o plain -- true >record.out 2>record.err
echo $? >record.status
sdeitop --client -b 0.2 2 >live.out 2>live.err
echo $? >live.status
sdeitop --client --sched -b 1 1 >sched.out 2>sched.err
echo $? >sched.status
sdeitop -b 1 1 >alone.out 2>alone.err
echo $? >alone.status
as-user 65534 none sdeitop --client -b 1 1 >nobody.out 2>nobody.err
echo $? >nobody.status
sdeitop doctor -j >doctor.json 2>doctor.err
"""


def text(name):
    with open(os.path.join(OUT, name), encoding="utf-8", errors="replace") as file:
        return file.read()


def ended(name, status):
    got = int(text(name + ".status"))
    return [] if got == status else [f"status {got} instead of {status}", *text(name + ".err").splitlines()[-10:]]


def says(name, *words):
    return [f"{name}.err does not say '{word}': {text(name + '.err')}" for word in words if word not in text(name + ".err")]


def metadata():
    path = os.path.join(OUT, "plain", "metadata")
    with open(path, encoding="utf-8") as file:
        return file.read()


def test_debian():
    status, output = lab(OUT, "sh", "-c", RUN, options=("--kernel", "debian:7.3"))
    ok("client/debian/lab", [] if status == 0 else output.splitlines()[-20:])
    ok("client/debian/record", ended("record", 0) + says("record", f"({len(PROBES)}/{len(PROBES)} probes)", "nothing will come"))
    ok("client/debian/probes", [f"not attached: {probe}" for probe in PROBES if f" {probe} " not in
                                f" {metadata().replace(chr(34), ' ')} "])
    ok("client/debian/live", ended("live", 0) + says("live", "nothing will come"))
    ok("client/debian/sched", ended("sched", 2) + says("sched", "--sched"))
    # No SDEI here: unless the client is asked for, page faults are what is traced, and calls of guests.
    ok("client/debian/alone", ended("alone", 0) + says("alone", "page faults and calls of guests only"))
    ok("client/debian/nobody", ended("nobody", 1))
    found = {c["name"]: c for c in json.loads(text("doctor.json"))["capabilities"]}
    ok("client/debian/doctor", [f"{name}: {found[name]}" for name, state in (("sdei-client", "no"), ("client-functions", "yes"))
                                if found[name]["state"] != state])
    done = subprocess.run([SDEITOP, "report", "--json", os.path.join(OUT, "plain")], capture_output=True, text=True, check=False)
    ok("client/debian/report", [] if done.returncode == 0 and json.loads(done.stdout)["lost"] == 0 else [done.stdout, done.stderr])


test_debian()
finish()
