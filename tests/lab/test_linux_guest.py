#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 3000
# debug kernel: no
"""A stock Linux under stock QEMU: what sdeitop records of its NMIs is what the guest itself has counted, and no more is found
than there is. How QEMU saves and restores its GIC and ITS is shown step by step."""
import functools
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import labtest                  # noqa: E402  (the path comes first)
import linux_guest              # noqa: E402
import truth as t               # noqa: E402
from labtest import finish, ok, out_dir    # noqa: E402
from linux_guest import TREE, Recording, differ, ended, ends, sdeitop, write_disk    # noqa: E402

OUT = out_dir("linux-guest")
text = functools.partial(labtest.text, OUT)
ROUNDS = 67
RESET_ROUNDS = 11
BESIDE = {"four": 4, "two": 2}  # guests that run at the same time, and their CPUs
BESIDE_ROUNDS = 11
HUNG_ROUNDS = 15
HOTPLUGS = 20
REGISTERS_READ = 4  # by Linux in each handler: x0 to x3

RUN = r"""
cd /out || exit 1
run() { # NAME OPTIONS: the recording NAME of a guest that runs NAME.sh with ARGS
	sdeitop record -o $1 -- linux-guest $2 $1 sh -c "set -- $ARGS; $(cat $1.sh)" >$1.out 2>$1.err
	echo $? >$1.status
}
ARGS=%d run backtraces ''
ARGS= run panic ''
ARGS="/out/again %d" run reset --resets
sdeitop record -o beside -- sh beside_host.sh >beside.out 2>beside.err
echo $? >beside.status
sdeitop record --gic -o restore -- sh restore_host.sh >restore.out 2>restore.err
echo $? >restore.status
""" % (ROUNDS, RESET_ROUNDS)

BESIDE_HOST = r"""
for of in "four 4 two" "two 2 four"; do
	set -- $of
	linux-guest --cpus $2 $1 sh -c "set -- %d /out/beside.$1 /out/beside.$3; $(cat beside.sh)" >$1.out 2>$1.err &
	guests="$guests $!"
done
for guest in $guests; do
	wait $guest || exit 1
done
""" % BESIDE_ROUNDS

# A guest is saved, loaded in place, and then migrated: from saved to moved.
RESTORE = r"""
. ./two-qemus.sh
disk() { # NAME: that much of QEMU's command line
	cp disk "/run/$1.disk"
	echo "-drive if=none,id=disk,format=qcow2,file.driver=file,file.locking=off,file.filename=/run/$1.disk"
}
linux-guest --qemu "$(disk saved)" saved sh -c "$(cat restore.sh)" >saved.out 2>saved.err &
from=$!
until_said 3 got saved.out
cat /run/saved.monitor.out >saved.monitor &
monitor saved 'savevm here'
monitor saved 'info snapshots'
until_said 1 'List of snapshots' saved.monitor
until_said $(($(grep -c got saved.out) + 3)) got saved.out
monitor saved 'loadvm here'
monitor saved 'info status'
until_said 1 'VM status' saved.monitor
until_said $(($(grep -c got saved.out) + 3)) got saved.out

linux-guest --qemu "$(disk moved) -incoming unix:/run/migration" moved true >moved.out 2>moved.err &
to=$!
until_met [ -S /run/migration ]
cat /run/moved.monitor.out >moved.monitor &
monitor saved 'migrate unix:/run/migration'
until_said 3 got moved.out
monitor saved quit
wait $from
monitor moved quit
wait $to
[ $? = 122 ] # ended before its command did
"""


def check_backtraces():
    """The CPU that asks answers for itself, without an event: CPU 0 or CPU 1, wherever the shell ran. When the guest goes down, Linux takes
    its SDEI client away from each CPU, and then stops CPU 1, which masks once more."""
    r = Recording(OUT, "backtraces")
    ok("linux-guest/backtraces/ends", r.ended(0))
    ok("linux-guest/backtraces/recording", r.sound())
    if not r.vms or "handled" not in r.said:
        return
    handled, asked, answered = r.said["handled"], r.said["asked"][0], r.said["answered"]
    ok("linux-guest/backtraces/the guest asked", differ("times", asked, 3 * ROUNDS + HUNG_ROUNDS))
    ok("linux-guest/backtraces/the guest's log", differ("answers", answered, [asked, asked]))
    complaints = differ("handlers of both", sum(handled), asked) + r.handles(handled)
    for vcpu in (0, 1):
        complaints += differ(f"vCPU {vcpu} registers read", r.calls(vcpu, "EVENT_CONTEXT"), {"SUCCESS": REGISTERS_READ * handled[vcpu]})
    signals = [r.calls(vcpu, "EVENT_SIGNAL").get("SUCCESS", 0) for vcpu in (0, 1)]
    complaints += differ("calls of EVENT_SIGNAL", signals, [handled[1], handled[0]])
    ok("linux-guest/backtraces/counts", complaints, f"{asked} backtraces, handlers {handled}")
    complaints = differ("registrations of vCPU 1", r.calls(1, "EVENT_REGISTER"), {"SUCCESS": 1 + HOTPLUGS})
    complaints += differ("unregistrations of vCPU 1", r.calls(1, "EVENT_UNREGISTER"), {"SUCCESS": HOTPLUGS + 1})
    complaints += differ("masks of vCPU 1", r.vms[0]["vcpus"][1]["mask_calls"], HOTPLUGS + 2)
    ok("linux-guest/backtraces/hotplug", complaints)
    ok("linux-guest/backtraces/findings", r.findings())
    ok("linux-guest/backtraces/no warning in the guest",
       [line for line in text("backtraces.out").splitlines() if any(word in line for word in ("WARNING: ", "BUG: ", "stall"))])


def check_panic():
    """CPU 1 is stopped in the handler, which masks and never ends; CPU 0 masks itself at the end of its panic."""
    r = Recording(OUT, "panic")
    ok("linux-guest/panic/ends before its command", r.ended(1))
    ok("linux-guest/panic/recording", r.sound())
    if not r.vms:
        return
    counts = r.counts(1)
    complaints = differ("signals", counts["signals"], 1) + differ("dispatched", counts["dispatched"], 1)
    complaints += differ("cut off", counts["running_cleared"], 1)
    ok("linux-guest/panic/one NMI", complaints)
    ok("linux-guest/panic/findings", r.findings(("guest-stop", 0, False)))
    stops = [f["text"] for f in r.report["findings"] if f["code"] == "guest-stop"]
    ok("linux-guest/panic/who was stopped", [] if stops and "all other vCPUs (1)" in stops[0] else stops or ["no finding"])
    ok("linux-guest/panic/the guest's console", [] if "Kernel panic" in text("panic.console.log") else text("panic.console.log").splitlines()[-5:])


def check_reset():
    r = Recording(OUT, "reset")
    ok("linux-guest/reset/ends", r.ended(0))
    ok("linux-guest/reset/recording", r.sound())
    if not r.vms:
        return
    both = [r.counts(vcpu) for vcpu in (0, 1)]
    complaints = []
    for count in ("signals", "dispatched"):
        complaints += differ(count, sum(c[count] for c in both), 2 * RESET_ROUNDS)
    complaints += differ("ended", sum(ended(c) for c in both), 2 * RESET_ROUNDS)
    ok("linux-guest/reset/counts of both boots", complaints)
    ok("linux-guest/reset/findings", r.findings())


def check_beside():
    """Two guests at once: each has its own figures."""
    done = sdeitop("report", "--json", os.path.join(OUT, "beside"))
    report = json.loads(done.stdout or "{}")
    complaints = ends(OUT, "beside", 0) + differ("report", done.returncode, 0)
    complaints += [f"{key} {report.get(key)}" for key in ("lost", "late", "malformed", "misfits") if report.get(key) != 0]
    ok("linux-guest/beside/recording", complaints)
    ok("linux-guest/beside/findings", [f"{f['code']}: {f['text']}" for f in t.of_sdei(report.get("findings", []))])
    for name, cpus in BESIDE.items():
        said = linux_guest.said(OUT, name)
        vms = [vm for vm in report.get("vms", []) if vm["name"] == name]
        complaints = differ("VMs", len(vms), 1) + differ("asked", said.get("asked"), [BESIDE_ROUNDS])
        handled = said.get("handled", [])
        # Who asks answers for itself, without an event.
        complaints += differ("handlers of all CPUs", sum(handled), (cpus - 1) * BESIDE_ROUNDS)
        for vm in vms:
            counts = [vcpu["events"][0]["count"] for vcpu in vm["vcpus"]]
            complaints += differ("signals", [c["signals"] for c in counts], handled)
            complaints += differ("dispatched", [c["dispatched"] for c in counts], handled)
            complaints += differ("ended", [ended(c) for c in counts], handled)
            complaints += [f"vCPU {vcpu['vcpu']} does not add up" for vcpu in vm["vcpus"] for event in vcpu["events"]
                           if event["unaccounted"] or event["unaccounted_handlers"]]
        ok(f"linux-guest/beside/{name}", complaints, f"{cpus} CPUs, handlers {handled}")


# --- save and restore

# What QEMU does with a VM that is to be loaded, up to its first run.
LOAD = ["read", "distributor", "lpi-tables", "redistributors", "distributor", "redistributors", "distributor", "cpu-interfaces",
        "its", "its", "its", "its", "its", "restore-tables", "its", "vcpus", "run"]
LOAD_ITS = ["GITS_IIDR", "GITS_CBASER", "GITS_CREADR", "GITS_CWRITER", "GITS_BASER0", "GITS_CTLR"]
REGISTERS_OF_ONE = 500  # at least: KVM has more of a vCPU


def check_guest_was_restored():
    """It counts: what it had got when it was saved comes once more, and goes on in the other QEMU."""
    lines = {name: [(int(got), int(msis)) for got, msis in re.findall(r"^got (\d+) msis (\d+)$", text(name + ".out"), re.M)]
             for name in ("saved", "moved")}
    if not lines["saved"] or not lines["moved"]:
        return [f"it said {lines}", *text("saved.err").splitlines(), *text("moved.err").splitlines()]
    got = [line[0] for line in lines["saved"]]
    complaints = differ("times that it was set back", sum(after <= before for before, after in zip(got, got[1:])), 1)
    complaints += differ("the first of the other QEMU", lines["moved"][0][0], got[-1] + 1)
    return complaints + ([] if lines["moved"][-1][1] > lines["saved"][-1][1] else ["no MSI after the migration"])


def check_load(parts):
    """The last time that tables are restored, and what is around it."""
    names = [part["part"] for part in parts]
    at = max((i for i, name in enumerate(names) if name == "restore-tables"), default=0) - LOAD.index("restore-tables")
    load = parts[max(at, 0):at + len(LOAD)]
    complaints = differ("the parts", [part["part"] for part in load], LOAD)
    complaints += differ("registers of the ITS", [part["register"] for part in load if part["part"] == "its"], LOAD_ITS)
    complaints += differ("times that tables are restored", names.count("restore-tables"), 1)
    if not complaints and (load[-1]["registers"] or 0) < load[-1]["count"] * REGISTERS_OF_ONE:
        complaints.append(f"the run is {load[-1]}")
    return complaints


def check_restore():
    """QEMU makes one mistake only, of which nothing comes."""
    ok("linux-guest/restore/ends", ends(OUT, "restore", 0))
    ok("linux-guest/restore/the guest was restored", check_guest_was_restored())
    done = sdeitop("restore", "--json", os.path.join(OUT, "restore"))
    ok("linux-guest/restore/command", [] if done.returncode == 0 else done.stderr.splitlines())
    vms = {vm["name"]: vm for vm in json.loads(done.stdout or '{"vms": []}')["vms"]}
    found = {name: [(f["code"], f["count"], f["register"]) for f in vm["findings"]] for name, vm in vms.items()}
    half = [("gic-half-value", 1, "GITS_CTLR")]
    trees = {name: [] for name in found if name.endswith(TREE)}
    ok("linux-guest/restore/findings", differ("they", found, {"saved": half, "moved": half, **trees}))
    report = Recording(OUT, "restore")
    ok("linux-guest/restore/report", differ("findings", [f["code"] for f in report.report.get("findings", [])], ["gic-half-value"] * 2))
    came = {vm["name"]: vm["restored"]["from"] and vm["restored"]["from"]["vm"] - vm["vm"] for vm in report.report.get("vms", []) if "restored" in vm}
    ok("linux-guest/restore/one in place, one under another name", differ("they came from", came, {"saved": 0, "moved": None}))
    for name in ("saved", "moved"):
        ok(f"linux-guest/restore/{name} is loaded", check_load(vms.get(name, {"parts": []})["parts"]))
    saves = [part["part"] for part in vms.get("saved", {"parts": []})["parts"]].count("save-tables")
    ok("linux-guest/restore/saved, stopped to be loaded, and migrated", differ("times", saves, 3))


def main():
    if linux_guest.is_missing("linux-guest"):
        return
    linux_guest.write_scripts(OUT, "hang", "backtraces", "panic", "reset", "beside", "restore", "two-qemus", restore_host=RESTORE, beside_host=BESIDE_HOST)
    write_disk(os.path.join(OUT, "disk"))
    if linux_guest.run(OUT, "linux-guest", RUN, timeout=1200):
        check_backtraces()
        check_panic()
        check_reset()
        check_beside()
        check_restore()
    finish()


if __name__ == "__main__":
    main()
