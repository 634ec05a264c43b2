#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# debug kernel: no
"""sdeitop doctor on a kernel with the tracepoints and on one without, with and without privilege: what it says is what is so,
and its exit status is that of the commands that need what it found."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import finish, lab, ok, out_dir    # noqa: E402

OUT = out_dir("doctor")

KINDS = ("register", "unregister", "enable", "disable", "mask", "unmask", "reset", "signal", "cancel", "dispatch", "complete",
         "call", "state")

# 39 is CAP_BPF, 38 CAP_PERFMON.
RUN = r"""
cd /out || exit 1
chmod 777 .
look() {
	name=$1
	shift
	"$@" sdeitop doctor -j >$name.json 2>$name.err
	echo $? >$name.status
	"$@" sdeitop doctor >$name.txt 2>&1
	"$@" sdeitop state >$name.state 2>&1
	echo $? >$name.state-status
}
look root env
look nobody as-user 65534 none
look half as-user 65534 39
look enough as-user 65534 39,38
"""


class Answer:
    """What was left of a look."""

    def __init__(self, kernel, name):
        path = f"{OUT}/{kernel}/{name}"
        self.doctor = json.load(open(f"{path}.json", encoding="utf-8"))
        self.status = int(open(f"{path}.status", encoding="utf-8").read())
        self.text = open(f"{path}.txt", encoding="utf-8").read()
        self.state_status = int(open(f"{path}.state-status", encoding="utf-8").read())
        self.state = open(f"{path}.state", encoding="utf-8").read()
        self.by_name = {c["name"]: c for c in self.doctor["capabilities"] if c["name"] != "live" or c["needed"]}

    def complain(self, wanted):
        """wanted: state by capability."""
        return [f"{name}: {self.by_name[name]}" for name, state in wanted.items() if self.by_name[name]["state"] != state]

    def statuses(self, doctor, state):
        return ([f"doctor ended with {self.status}, not {doctor}: {self.doctor['why_not']}"] if self.status != doctor else []) + \
            ([f"state ended with {self.state_status}, not {state}: {self.state}"] if self.state_status != state else [])

    def remedies(self):
        """Whatever is missing has a remedy, and only that."""
        return [f"{c['name']}: {c['state']}, remedy {c['remedy']}" for c in self.doctor["capabilities"]
                if (c["state"] == "no" and not c["remedy"]) or (c["state"] == "yes" and c["remedy"])]

    def told(self):
        """The text says of each what JSON does."""
        return [f"{c['name']} is not in the text" for c in self.doctor["capabilities"] if c["found"] not in self.text]


TRACEPOINTS = {f"kvm_sdei_{kind}": "yes" for kind in KINDS}


def judge(kernel, name, doctor, state, wanted):
    answer = Answer(kernel, name)
    ok(f"doctor/{kernel}/{name}/exit status", answer.statuses(doctor, state))
    ok(f"doctor/{kernel}/{name}/what it says", answer.complain(wanted))
    ok(f"doctor/{kernel}/{name}/remedies", answer.remedies() + answer.told())


def run(kernel):
    status, output = lab(f"{OUT}/{kernel}", "sh", "-c", RUN, options=("--kernel", kernel))
    if status:
        ok(f"doctor/{kernel}", [f"exit status {status}"] + output.splitlines()[-10:])
    return not status


def main():
    if run("tracepoints"):
        there = dict(TRACEPOINTS, btf="yes", kvm="yes", sdei="yes", kvm_sdei_snapshot="yes", sched_switch="yes", **{"guest-calls": "yes", "guest-counters": "yes"})
        held = {"cap_bpf": "yes", "cap_perfmon": "yes", "bpf-tracing": "yes", "bpf-ringbuf": "yes", "ring-memory": "yes", "live": "yes"}
        judge("tracepoints", "root", 0, 0, dict(there, **held))
        judge("tracepoints", "enough", 0, 0, dict(there, **held, cap_sys_admin="no"))
        judge("tracepoints", "half", 1, 1, dict(there, cap_bpf="yes", cap_perfmon="no", live="no"))
        judge("tracepoints", "nobody", 1, 1, dict(there, **{"cap_bpf": "no", "cap_perfmon": "no", "bpf-tracing": "unknown", "live": "no"}))
    if run("stock"):
        without = {name: "no" for name in TRACEPOINTS}
        there = dict(without, btf="yes", kvm="yes", sdei="no", kvm_sdei_snapshot="yes", **{"page-faults": "yes", "async-page-faults": "no", "guest-calls": "yes", "guest-counters": "yes"})
        judge("stock", "root", 0, 0, dict(there, **{"bpf-tracing": "yes", "live": "yes"}))
        judge("stock", "nobody", 1, 1, dict(there, live="no"))
    finish()


if __name__ == "__main__":
    main()
