#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Trouble made by real guests raises the finding that names it, once, and none else."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import truth as t               # noqa: E402
from labtest import finish, lab, ok, out_dir    # noqa: E402

OUT = out_dir("findings")
# A machine that stands still for a while makes all of it long: only what the scenario makes long has a limit that is near.
LIMITS = "--handler-ms 10000 --pending-ms 10000 --nmi-ms 10000 --mask-ms 10000 --drops 100 --refused 20"
NEAR = {"hung": "--handler-ms 200", "stuck": "--nmi-ms 200", "long-mask": "--mask-ms 200"}
# scenario: code, the vCPUs it is about, its event, the least value in ns (None: a count of at least that many)
TROUBLE = {
    "hung": ("handler-hung", [0, 1], 2, 500_000_000),
    "stuck": ("nmi-unanswered", [0], 0, 500_000_000),
    "long-mask": ("mask-long", [0, 1], None, 500_000_000),
    "drop-burst": ("drop-burst", [0, 1], 0, None),
    "refused-burst": ("refused-calls", [0, 1], None, None),
}
SECOND = 1_000_000_000
RUN = r"""
cd /out || exit 1
try() {
	name=$1
	shift
	sdeitop --json "$@" -- sdei-guest --vcpus 2 --scenario $name --truth $name.truth.json -name guest=$name \
		>$name.jsonl 2>$name.err || { cat $name.err; exit 1; }
}
"""


def again(finding, findings):
    """Of a vCPU's many in a second: a machine that stood still for as long makes two out of one."""
    return finding["code"] in ("drop-burst", "refused-calls") and any(
        f["vcpu"] == finding["vcpu"] and f["last_ns"] + SECOND < finding["first_ns"] for f in findings)


def check(name):
    code, vcpus, event, least = TROUBLE[name]
    findings = t.load_summary(f"{OUT}/{name}.jsonl")["findings"]
    ours = [f for f in findings if f["code"] == code]
    ok(f"findings/{name}/raised once per vCPU",
       [] if sorted(f["vcpu"] for f in ours if not again(f, ours)) == vcpus else [str(findings)])
    ok(f"findings/{name}/about the event", [str(f) for f in ours if f["event"] != event])
    if least:
        ok(f"findings/{name}/as long as it was", [str(f) for f in ours if not least <= f["value"] < 20 * least])
    else:
        ok(f"findings/{name}/as many as there were", [str(f) for f in ours if f["count"] < 20])
    ok(f"findings/{name}/in its time", [str(f) for f in ours if not 0 < f["first_ns"] <= f["last_ns"]])
    ok(f"findings/{name}/nothing else", t.check_findings({"findings": findings}, [code]))


def check_parked():
    """A vCPU that has turned itself off in its handler is no trouble, for as long as that lasts."""
    summary = t.load_summary(f"{OUT}/parked.jsonl")
    psci = [{(c["function"], c["result"]): c["count"] for c in vcpu.get("psci", [])} for vcpu in summary["vms"][0]["vcpus"]]
    ok("findings/parked/who turned whom off and on",
       [] if psci == [{("CPU_ON", "SUCCESS"): 1}, {("CPU_OFF", "SUCCESS"): 1}] else [str(psci)])
    ok("findings/parked/none", t.check_findings(summary, []))


def main():
    tries = "\n".join(f"try {name} {LIMITS} {NEAR.get(name, '')}" for name in TROUBLE)
    tries += f"\ntry parked {LIMITS} --handler-ms 1000"
    status, output = lab(OUT, "sh", "-c", RUN + tries)
    if status:
        ok("findings", [f"exit status {status}"] + output.splitlines()[-10:])
        finish()
    for name in TROUBLE:
        check(name)
    check_parked()
    finish()


if __name__ == "__main__":
    main()
