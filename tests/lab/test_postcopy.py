#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 1200
# debug kernel: no
# make test: no
"""A stock Linux that stock QEMU migrates by postcopy: each page that sdeitop says a vCPU has waited for is one that QEMU accounts for, and
as long as QEMU says (query-migrate: postcopy-vcpu-blocktime), but for what each of them counts that the other one does not: QEMU, in whole milliseconds,
from when its thread reads of a fault until it has put the page there and accounts for it; sdeitop from the fault until the vCPU can go on.
QEMU's log shows it fault by fault."""
import datetime
import functools
import json
import math
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import labtest                  # noqa: E402  (the path comes first)
import linux_guest              # noqa: E402
from labtest import finish, ok, out_dir    # noqa: E402
from linux_guest import sdeitop    # noqa: E402

OUT = out_dir("postcopy")
text = functools.partial(labtest.text, OUT)
PAGES = 300                 # each CPU goes through so many
CPUS = (0, 1)
RAM, RAM_BLOCK = 0x40000000, "mach-virt.ram"    # of QEMU's machine "virt"
STOLEN_TIME = "pvtime"      # where KVM itself writes, in the vCPU's thread, which is no fault of the guest
US = 1000

RUN = f"cd /out && sdeitop record -o recording -- sh postcopy-host.sh {PAGES} >host.out 2>host.err"

LOGGED = re.compile(r"^\d+@(\d+)\.(\d{6}):(\w+) (.*)$")
REQUEST = re.compile(r"HVA=(0x[0-9a-f]+) rb=(\S+) offset=(0x[0-9a-f]+) pid=(\d+)")
BEGIN = re.compile(r"addr: (0x[0-9a-f]+), .* cpu: (\d+), already_received: ([01])")
END = re.compile(r"addr: (0x[0-9a-f]+), .* affected_cpu: (\d+)")
ASKS_FOR_PAGES = (3, 4)     # messages to the source: with the name of the page's memory, and of the same as before


class Fault:
    """Of a vCPU; ns of the lab's wall clock."""

    def __init__(self, vcpu, gfn, begin, end):
        self.vcpu, self.gfn, self.begin, self.end = vcpu, gfn, begin, end

    def __str__(self):
        return f"vCPU {self.vcpu} gfn {self.gfn if isinstance(self.gfn, str) else hex(self.gfn)} from {self.begin} for {(self.end - self.begin) / 1e6:.1f} ms"


class Log:
    """What QEMU says, followed as it follows it itself: a page that is put there ends the fault of each vCPU that was last known to
    wait for it. A vCPU that is in its next fault by then is not: that fault is not counted."""

    def __init__(self, lines):
        self.faults, self.asked = [], 0
        self.begun = []             # (vCPU, gfn, when), whether it is counted or not
        self.placed = {}            # when, by gfn
        self.waits = {}             # by vCPU: its faults, the newest first, as (address, begin)
        self.blocks = {}            # where they are in QEMU's memory
        for line in lines:
            match = LOGGED.match(line)
            if match:
                getattr(self, match[3])(int(match[1]) * 10**9 + int(match[2]) * US, match[4])

    def gfn_of(self, address):
        """Of memory that is not the guest's RAM, what QEMU calls it."""
        block = max(((base, name) for base, name in self.blocks.items() if base <= address), default=(0, ""))[1]
        return (RAM + address - self.base_of(RAM_BLOCK)) >> 12 if block == RAM_BLOCK else block

    def base_of(self, name):
        return next(base for base, block in self.blocks.items() if block == name)

    def postcopy_ram_fault_thread_request(self, _, words):
        address, block, offset, _ = REQUEST.search(words).groups()
        self.blocks[int(address, 16) - int(offset, 16)] = block

    def migrate_send_rp_message(self, _, words):
        self.asked += int(words.split(":")[0]) in ASKS_FOR_PAGES

    def mark_postcopy_blocktime_begin(self, at, words):
        address, vcpu, received = BEGIN.search(words).groups()
        self.begun.append((int(vcpu), self.gfn_of(int(address, 16)), at))
        if received == "0":
            self.waits[int(vcpu)] = [(int(address, 16), at), *self.waits.get(int(vcpu), [])[:1]]

    def mark_postcopy_blocktime_end(self, at, words):
        """Two threads write the log: that a vCPU is in its next fault may be said before the end that was before. It says how many end."""
        address, ended = (int(word, 0) for word in END.search(words).groups())
        if self.blocks:
            self.placed[self.gfn_of(address)] = at
        for _ in range(ended):
            vcpu, wait = min(((vcpu, wait) for vcpu, waits in self.waits.items() for wait in waits if wait[0] == address),
                             key=lambda found: self.waits[found[0]].index(found[1]))
            self.faults.append(Fault(vcpu, self.gfn_of(address), wait[1], at))
            self.waits[vcpu].remove(wait)


def wall_ns(record):
    wall = datetime.datetime.fromisoformat(record["wall"].replace("Z", "+00:00"))
    return int(wall.replace(microsecond=0).timestamp()) * 10**9 + wall.microsecond * US


def recorded():
    """The faults that sdeitop says were answered by userfaultfd."""
    records = [json.loads(line) for line in sdeitop("events", "-j", "-g", "target", os.path.join(OUT, "recording")).stdout.splitlines()]
    return [Fault(r["vcpu"], int(r["gfn"], 16), wall_ns(r) - r["duration_ns"], wall_ns(r)) for r in records
            if r.get("kind") == "apf" and r["step"] == "sync" and r.get("outcome") == "userfault"]


def reported():
    """The same summed up by vCPU."""
    report = json.loads(sdeitop("report", "--json", "-g", "target", os.path.join(OUT, "recording")).stdout)
    vcpus = next(vm["vcpus"] for vm in report["vms"] if vm["name"] == "target")
    return report["lost"], {vcpu["vcpu"]: vcpu["apf"]["sync_by"]["userfault"] for vcpu in vcpus}


def blocktimes():
    """QEMU's answer: ms of each vCPU."""
    for line in text("target.qmp").splitlines():
        if "postcopy-vcpu-blocktime" in line:
            return json.loads(line)["return"]["postcopy-vcpu-blocktime"]
    return []


def pair(ours, theirs):
    """[(ours, theirs)], and what of either has no counterpart: the same vCPU and frame, and QEMU reads of it after it has begun. Its log
    may say so when the page is there already, but before the vCPU waits for the same page again."""
    pairs, alone, rest = [], [], list(theirs)
    for fault in ours:
        same = [x for x in ours if (x.vcpu, x.gfn) == (fault.vcpu, fault.gfn)]
        until = min((x.begin for x in same if x.begin > fault.begin), default=math.inf)
        match = next((t for t in rest if (t.vcpu, t.gfn) == (fault.vcpu, fault.gfn) and fault.begin - US <= t.begin < until - US), None)
        if match:
            rest.remove(match)
            pairs.append((fault, match))
        else:
            alone.append(fault)
    return pairs, alone, rest


def check_guest():
    """What it read was always the same, in both QEMUs."""
    complaints = []
    for cpu in CPUS:
        read = {name: re.findall(rf"^cpu {cpu} read (\w+)", text(name + ".out"), re.M) for name in ("source", "target")}
        complaints += [] if len(set(read["source"] + read["target"])) == 1 and read["target"] else [f"cpu {cpu}: {read}"]
    return complaints


def is_known(fault, log):
    """QEMU has read of it; or its page was put there before that, which the log says when it has been accounted for."""
    return any((vcpu, gfn) == (fault.vcpu, fault.gfn) and fault.begin - US <= at <= fault.end for vcpu, gfn, at in log.begun) or \
        fault.begin - US <= log.placed.get(fault.gfn, 0)


def rounding_ms(count):
    """What the sum of so many differences of whole milliseconds may be off: each by less than one, as often more as less."""
    return 1 + 4 * 0.5 * math.sqrt(count)


def ms(faults):
    return sum(fault.end - fault.begin for fault in faults) / 1e6


def check_vcpu(vcpu, blocktime, account):
    """What sdeitop says, less what only it counts, and with what only QEMU counts, is what QEMU says."""
    ours, pairs, alone, stolen = ([x for x in all_ if (x[0] if isinstance(x, tuple) else x).vcpu == vcpu] for all_ in account)
    before = sum(t.begin - o.begin for o, t in pairs) / 1e6
    after = sum(o.end - t.end for o, t in pairs) / 1e6
    expected = ms(ours) - before - after - ms(alone) + ms(stolen)
    complaints = [] if len(ours) >= PAGES / 2 else [f"only {len(ours)} faults"]
    complaints += [] if abs(blocktime - expected) <= rounding_ms(len(pairs)) else [f"QEMU says {blocktime} ms, not {expected:.0f}"]
    ok(f"postcopy/vCPU {vcpu} was blocked as long as QEMU says", complaints,
       f"sdeitop {ms(ours):.0f} ms in {len(ours)} faults; QEMU {blocktime} ms in {len(pairs) + len(stolen)}, {expected:.1f} by its log: not counted are "
       f"{before:.0f} ms until it reads of a fault, {after:.0f} ms from the page to the vCPU, {len(alone)} faults ({ms(alone):.0f} ms) of which it "
       f"loses sight; {ms(stolen):.0f} ms are KVM's own")


def check_figures():
    log = Log(text("target.log").splitlines())
    ours = recorded()
    lost, sums = reported()
    pairs, alone, rest = pair(ours, log.faults)
    stolen = [fault for fault in rest if fault.gfn == STOLEN_TIME]
    ok("postcopy/nothing lost", [] if lost == 0 else [f"{lost} records"])
    ok("postcopy/what QEMU counts is recorded", [str(fault) for fault in rest if fault not in stolen], f"{len(pairs)} faults")
    ok("postcopy/what is recorded is known to QEMU", [str(fault) for fault in alone if not is_known(fault, log)], f"{len(ours)} faults")
    asked = re.findall(r"^postcopy request count: (\d+)", text("source.monitor").replace("\r", ""), re.M)
    ok("postcopy/pages that the source was asked for", [] if asked and int(asked[-1]) == log.asked else [f"it says {asked[-1:]}, the log {log.asked}"],
       f"{log.asked}")
    for vcpu, blocktime in enumerate(blocktimes()):
        mine = [fault for fault in ours if fault.vcpu == vcpu]
        wanted = {"count": len(mine), "ns": sum(fault.end - fault.begin for fault in mine)}
        ok(f"postcopy/vCPU {vcpu} is reported", [] if sums[vcpu] == wanted else [f"the report has {sums[vcpu]}, the records {wanted}"])
        check_vcpu(vcpu, blocktime, (ours, pairs, alone, stolen))


def main():
    if linux_guest.is_missing("postcopy"):
        return
    linux_guest.write_scripts(OUT, "two-qemus", "postcopy", "postcopy-host")
    if linux_guest.run(OUT, "postcopy", RUN, err="host.err"):
        ok("postcopy/the guest reads what it wrote", check_guest())
        ok("postcopy/QEMU's blocktime", [] if len(blocktimes()) == len(CPUS) else text("target.qmp").splitlines())
        check_figures()
    finish()


if __name__ == "__main__":
    main()
