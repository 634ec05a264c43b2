#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 900
# debug kernel: no
"""The flight recorder saves when a guest makes trouble, on SIGUSR2 and at the end, and not for less."""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import TOP, finish, lab, ok, out_dir     # noqa: E402

OUT = out_dir("flight")
SDEITOP = os.path.join(TOP, "build", "sdeitop")

RUN = r"""
cd /out || exit 1
fly() { # NAME OPTIONS...
	name=$1
	shift
	sdeitop record -o $name --flight 4M "$@" 2>$name.err & flight=$!
	until grep -q racing $name.err; do sleep 0.1; done
}
land() {
	kill -INT $flight
	wait $flight || { echo "a recorder failed"; cat *.err; exit 1; }
}
fly finding --on drop-burst
sdei-guest --vcpus 2 --scenario masked -name guest=quiet || exit 1
sdei-guest --vcpus 2 --scenario drop-burst -name guest=trouble || exit 1
sleep 3
sdei-guest --vcpus 2 --scenario drop-burst -name guest=soon || exit 1
sleep 1.5
land
fly other --on handler-hung --on error
sdei-guest --vcpus 2 --scenario drop-burst -name guest=trouble || exit 1
sleep 1.5
land
fly asked --on SIGUSR2 --on exit --keep 1
sdei-guest --vcpus 2 --scenario masked -name guest=quiet || exit 1
kill -USR2 $flight
sleep 12
land
"""


def report(directory):
    done = subprocess.run([SDEITOP, "report", "--json", directory], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def saved(name):
    directory = os.path.join(OUT, name)
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def said(name):
    with open(os.path.join(OUT, name + ".err"), encoding="utf-8") as file:
        return file.read()


def check_finding():
    names = saved("finding")
    of = [name.partition("-drop-burst@")[2] for name in names]
    complaints = [] if of == ["trouble", "soon"] else [f"saved: {names}; {said('finding')}"]
    for name in names[:1]:
        status, got, err = report(os.path.join(OUT, "finding", name))
        complaints += [] if status == 0 and not err else [f"report: {status} {err}"]
        complaints += [] if got.get("recording", {}).get("reason") == "drop-burst" else [f"reason: {got.get('recording')}"]
        complaints += [] if "drop-burst" in [f["code"] for f in got.get("findings", [])] else ["the finding is not in it"]
        names_seen = {vm["name"] for vm in got.get("vms", [])}
        complaints += [] if names_seen == {"quiet", "trouble"} else [f"VMs in it: {names_seen}"]
    ok("flight/on a finding", complaints)
    ok("flight/no guest twice within ten seconds", [] if "triggers came too soon" in said("finding") else [said("finding")])


def check_other():
    ok("flight/not for another finding", [f"saved {saved('other')}"] if saved("other") else [])


def check_asked():
    names = saved("asked")
    complaints = [] if [name.split("-")[-1] for name in names] == ["SIGUSR2", "exit"] else [f"there: {names}"]
    complaints += [] if said("asked").count("saved asked/") == 2 else [said("asked")]
    ok("flight/SIGUSR2 and exit, neither pushes the other out", complaints)
    for name in names[-1:]:
        status, got, err = report(os.path.join(OUT, "asked", name))
        ok("flight/what was saved is whole", [] if status == 0 and got.get("records", 0) > 1000 else [f"{status} {err}"],
           f"{got.get('records')} records")


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    status, output = lab(OUT, "sh", "-c", RUN, timeout=120)
    ok("flight/run", [] if status == 0 else [f"status {status}"] + output.splitlines()[-15:])
    if status == 0:
        check_finding()
        check_other()
        check_asked()


main()
finish()
