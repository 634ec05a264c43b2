#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 900
# debug kernel: no
# make test: no
"""A stock Linux guest stands still in a handler. Told to by its VMM, that is apart from the handler's time. Where the counter runs on
(kvm-no-adjvtime, SIGSTOP), the handler's time has it, as the guest's clock has."""
import functools
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import labtest                  # noqa: E402  (the path comes first)
import linux_guest              # noqa: E402
from labtest import finish, ok, out_dir    # noqa: E402
from linux_guest import differ, sdeitop    # noqa: E402

OUT = out_dir("halts")
text = functools.partial(labtest.text, OUT)
SLACK = 0.02    # s: /proc/uptime has two digits


def check_halt(summary, name, apart):
    halted, at_least, before, after = map(float, text(name + ".halted").split())
    vms = [vm for vm in summary["vms"] if vm["name"] == name]
    if len(vms) != 1:
        ok(f"halts/{name}", differ("VMs", len(vms), 1))
        return
    longest = max(event["handler"]["max_ns"] for vcpu in vms[0]["vcpus"] for event in vcpu["events"] if event["handler"]) / 1e9
    still = at_least - halted - SLACK
    if apart:
        stood = vms[0].get("stood_still", {"ns": 0})["ns"] / 1e9
        ok(f"halts/{name}/counted apart", [] if stood >= still else [f"{stood} s, of {still} s at least"])
        ok(f"halts/{name}/not in the handler's time", [] if longest < still else [f"{longest} s, with {still} s that it stood still"])
    else:
        ok(f"halts/{name}/not seen", differ("stood still", vms[0].get("stood_still"), None))
        # It may have been in the handler for some time, and end in the next moment.
        ok(f"halts/{name}/in the handler's time", [] if longest >= still else [f"{longest} s, without {still} s that it stood still"])
    ok(f"halts/{name}/times", [] if before <= halted < at_least <= after else [text(name + ".halted")])


def check(summary):
    ok("halts/recording", [f"{key} {summary.get(key)}" for key in ("lost", "late", "malformed", "misfits") if summary.get(key) != 0])
    for name, apart in (("told", True), ("alone", False), ("signal", False)):
        check_halt(summary, name, apart)


def main():
    if linux_guest.is_missing("halts"):
        return
    linux_guest.write_scripts(OUT, "halts", "two-qemus")
    if linux_guest.run(OUT, "halts", "cd /out && exec sdeitop record -o recording -- sh halts.sh", timeout=800):
        check(json.loads(sdeitop("report", "--json", os.path.join(OUT, "recording")).stdout))
    finish()


if __name__ == "__main__":
    main()
