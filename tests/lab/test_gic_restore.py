#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 1500
# debug kernel: no
"""sdeitop restore: a VMM that restores a GIC and its ITS in order, and one that makes each mistake, which KVM answers with success: what
it finds is that mistake and nothing else, and KVM's own state shows that it matters. On the lab's kernel, and on Debian's as it is."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import finish, lab, ok, out_dir    # noqa: E402

QUEUE_AT = 0x80             # of tests/lab/tools/gic-restore.c
COLLECTIONS = 0x40300000
LPI_PENDING = 0x40500000

# What KVM has then where it is not the state that was to be restored.
MISTAKES = {
    "none": {},
    "creadr-lost": {"collection": 0},
    "creadr-missing": {"collection": 0},
    "cwriter-lost": {"creadr": 0, "cwriter": 0},
    "its-not-enabled": {"enabled": 0},
    "its-base-ignored": {},  # it still has the table of before
    "its-tables-early": {"collection": 0},
    "lpi-base-ignored": {"pendbaser": 0},
    "redistributor-late": {},
    "gic-refused": {},
    "gic-half-value": {},
}
RESTORED = {"enabled": 1, "creadr": QUEUE_AT, "cwriter": QUEUE_AT, "collections": COLLECTIONS, "pendbaser": LPI_PENDING, "collection": 1}

# Of a VMM that makes no mistake; what it reads afterwards comes behind.
PARTS = ["create", "create", "vcpus", "lpi-tables", "redistributors", "its", "its", "its", "its", "restore-tables", "its", "run"]
ITS = ["GITS_CBASER", "GITS_CREADR", "GITS_CWRITER", "GITS_BASER0", "GITS_CTLR"]

RUN = r"""
cd /out || exit 1
cat >each.sh <<'EACH'
for mistake in %s; do
	gic-restore $mistake -name guest=$mistake || exit 1
done
EACH
sdeitop record --gic -o plain -- sh each.sh >truth 2>record.err
echo $? >record.status
sdeitop restore -j plain >restore.json 2>restore.err
echo $? >restore.status
sdeitop restore plain >restore.txt 2>text.err
echo $? >text.status
sdeitop report -j plain >report.json 2>report.err
echo $? >report.status
sdeitop restore -j -- sh each.sh >live.both 2>live.err
echo $? >live.status
mkdir flight
sdeid --gic --user root --flight flight --flight-on its-tables-early 2>sdeid.err &
sdeid=$!
until grep -q 'tracing ' sdeid.err; do
	kill -0 $sdeid || exit 1
	sleep 0.1
done
gic-restore its-tables-early -name guest=one
until grep -q 'its-tables-early.*saved\|saved.*its-tables-early' sdeid.err; do
	kill -0 $sdeid || exit 1
	sleep 0.1
done
kill $sdeid
wait $sdeid
echo $? >sdeid.status
sdeitop restore -j flight/*its-tables-early* >flight.json 2>flight.err
echo $? >flight.status
sdeitop doctor -j >doctor.json 2>doctor.err
""" % " ".join(MISTAKES)


class Run:
    """What one lab left."""

    def __init__(self, name, options):
        self.out = out_dir("gic-" + name)
        self.name = name
        self.status, self.output = lab(self.out, "sh", "-c", RUN, timeout=600, options=options)

    def text(self, name):
        path = os.path.join(self.out, name)
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def ended(self, name):
        got = self.text(name + ".status").strip()
        return [] if got == "0" else [f"status {got}", *self.text(name + ".err").splitlines()[-10:]]

    def truth(self, name):
        """What the VMMs said, one after the other."""
        return [json.loads(line) for line in self.text(name).splitlines() if line.startswith('{"mistake"')]


def check_truth(truth):
    """The mistakes are what they are said to be: else sdeitop would look for what does not matter."""
    complaints = [] if len(truth) == len(MISTAKES) else [f"{len(truth)} VMs of {len(MISTAKES)}"]
    for vm in truth:
        want = dict(RESTORED, **MISTAKES[vm["mistake"]])
        complaints += [f"{vm['mistake']}: {field} is {vm[field]:#x} in KVM, not {value:#x}" for field, value in want.items()
                       if vm[field] != value]
    return complaints


def check_findings(vms, truth):
    """VMs that end at once may have no name: they are found by their pids."""
    mistakes = {vm["vm"]: vm["mistake"] for vm in truth}
    complaints = [] if [vm["vm"] for vm in vms] == list(mistakes) else [f"the VMs are {[vm['vm'] for vm in vms]}"]
    for vm in vms:
        mistake = mistakes.get(vm["vm"], "?")
        codes = [finding["code"] for finding in vm["findings"]]
        if codes != ([] if mistake == "none" else [mistake]):
            complaints.append(f"{mistake}: found {codes}")
        times = 2 if mistake == "lpi-base-ignored" else 1    # of both registers
        complaints += [f"{mistake}: {finding['count']} times" for finding in vm["findings"] if finding["count"] != times]
        if mistake == "gic-refused" and vm["findings"] and vm["findings"][0].get("error_name") != "EBUSY":
            complaints.append(f"refused with {vm['findings'][0]}")
    return complaints


def check_parts(vm):
    parts = [part for part in vm["parts"]][:len(PARTS)]
    complaints = [] if [part["part"] for part in parts] == PARTS else [f"the parts are {[part['part'] for part in parts]}"]
    its = [part for part in parts if part["part"] == "its"]
    if [part["register"] for part in its] != ITS:
        complaints.append(f"registers of the ITS are {[part['register'] for part in its]}")
    if its and int(its[0]["value"], 16) != (1 << 63 | 0x40100000):
        complaints.append(f"GITS_CBASER is {its[0]['value']}")
    run = [part for part in parts if part["part"] == "run"]
    if [part["registers"] for part in run] != [2]:
        complaints.append(f"the run is {run}")
    if not all(part["duration_ns"] > 0 for part in parts if part["part"] in ("its", "restore-tables")):
        complaints.append("some calls took no time")
    return complaints


def check_text(text):
    lines = text.splitlines()
    wanted = [line for line in lines if line.startswith("VM ")]
    complaints = [] if len(wanted) == len(MISTAKES) else [f"{len(wanted)} VMs in the text"]
    if sum("nothing was found to be wrong" in line for line in lines) != 1:
        complaints.append("not one VM is without a finding")
    return complaints + [f"no {name} in the text" for name in MISTAKES if name != "none" and f" {name}: " not in text]


def check_report(report, truth):
    """The findings of all commands: each about the VM, none about a vCPU."""
    mistakes = {vm["vm"]: vm["mistake"] for vm in truth if vm["mistake"] != "none"}
    found = {f["vm"]: f["code"] for f in report.get("findings", []) if f["vcpu"] is None}
    complaints = [] if found == mistakes else [f"found {found}, not {mistakes}"]
    vms = [vm["vm"] for vm in report.get("restores", {"vms": []})["vms"]]
    return complaints + ([] if vms == [vm["vm"] for vm in truth] else [f"the VMs are {vms}"])


def check_flight(vms, log):
    complaints = [] if [f["code"] for vm in vms for f in vm["findings"]] == ["its-tables-early"] else [f"in the recording: {vms}"]
    return complaints + ([] if "finding: its-tables-early: " in log else log.splitlines()[-5:])


def test(name, *options):
    run = Run(name, options)
    ok(f"gic-restore/{name}/lab", [] if run.status == 0 else run.output.splitlines()[-20:])
    if run.status:
        return
    for command in ("record", "restore", "text", "report", "live", "sdeid", "flight"):
        ok(f"gic-restore/{name}/{command} ends well", run.ended(command))
    ok(f"gic-restore/{name}/KVM has what the VMM says", check_truth(run.truth("truth")))
    replayed = json.loads(run.text("restore.json"))
    ok(f"gic-restore/{name}/findings", check_findings(replayed["vms"], run.truth("truth")))
    ok(f"gic-restore/{name}/nothing is lost", [] if replayed["lost"] == 0 else [f"{replayed['lost']} records"])
    ok(f"gic-restore/{name}/parts", check_parts(replayed["vms"][0]))
    ok(f"gic-restore/{name}/text", check_text(run.text("restore.txt")))
    ok(f"gic-restore/{name}/report finds the same", check_report(json.loads(run.text("report.json") or "{}"), run.truth("truth")))
    flown = json.loads(run.text("flight.json") or '{"vms": []}')["vms"]
    ok(f"gic-restore/{name}/sdeid saves what led to it", check_flight(flown, run.text("sdeid.err")))
    live = [json.loads(line) for line in run.text("live.both").splitlines() if line.startswith('{"type":"restore"')]
    ok(f"gic-restore/{name}/live", check_findings(live[0]["vms"], run.truth("live.both")) if live else ["no object"])
    rows = {row["name"]: row["state"] for row in json.loads(run.text("doctor.json"))["capabilities"]}
    ok(f"gic-restore/{name}/doctor", [] if rows.get("gic-restore") == "yes" else [f"it says {rows.get('gic-restore')}"])


if __name__ == "__main__":
    test("lab")
    test("debian", "--kernel", "debian:7.3")
    finish()
