# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of a stock Linux under QEMU share: the lab that it runs in, what sdeitop recorded of it, and what it said itself."""
import json
import os
import re
import struct
import subprocess

import truth as t
from labtest import TOP, cannot_be_had, lab, ok, script, text

SDEITOP = os.path.join(TOP, "build", "sdeitop")
TREE = "-tree"              # behind a guest's name: see linux-guest


def is_missing(test, *more):
    """Is there something missing that the guest needs? Then it says so. more: what else is to be there, as cannot_be_had() takes it."""
    for command in (("kernel", "build", "guest"), ("setup", "--qemu"), *more):
        missing = cannot_be_had(test, *command)
        if missing:
            print(f"skip {test} {missing}")
            return True
    return False


def write_scripts(out, *names, **contents):
    """NAME.sh of linux-guest/, and NAME.sh with that content, for the lab to find in /out."""
    os.makedirs(out, exist_ok=True)
    for name, content in ({name: script(f"linux-guest/{name}.sh") for name in names} | contents).items():
        with open(os.path.join(out, name + ".sh"), "w", encoding="utf-8") as file:
            file.write(content)


def run(out, test, command, *options, timeout=600, err=None):
    """A shell command in a lab that can have such a guest: did it end well? err: what it says in that file belongs to it."""
    status, output = lab(out, "sh", "-c", command, timeout=timeout, options=("--guest", "linux", *options))
    words = output.splitlines()[-10:] + (text(out, err).splitlines()[-10:] if err else [])
    ok(f"{test}/lab", [] if status == 0 else [f"status {status}", *words])
    return status == 0


def sdeitop(*arguments):
    """Its status and its two outputs."""
    return subprocess.run([SDEITOP, *arguments], capture_output=True, text=True, check=False)


def ends(out, name, status, err=None):
    """What differs from NAME.status, which a script left, with the end of NAME.err."""
    complaints = differ("status", text(out, name + ".status").strip(), str(status))
    return complaints and complaints + text(out, (err or name) + ".err").splitlines()[-10:]


def said(out, name):
    """The counts of NAME.out, by what they are of."""
    return {word: [int(n) for n in counts.split()]
            for word, counts in re.findall(r"^(handled|asked|answered)((?: \d+)+)$", text(out, name + ".out"), re.M)}


class Recording:
    """A guest's report, and what it said itself."""

    def __init__(self, out, name):
        self.out, self.name = out, name
        done = sdeitop("report", "--json", os.path.join(out, name))
        self.err = done.stderr
        self.status = done.returncode
        self.report = json.loads(done.stdout or "{}")
        # QEMU makes a VM, too, to know what the device tree has to say, unless there is a tree already; and a scratch one in each process,
        # which must not show.
        self.names = [vm["name"] for vm in self.report.get("vms", []) if vm["name"] != name + TREE]
        self.vms = [vm for vm in self.report.get("vms", []) if vm["name"] == name]
        self.said = said(out, name)

    def ended(self, status):
        return ends(self.out, self.name, status)

    def sound(self):
        """Complete, lossless, one VM, each signal and handler accounted for."""
        complaints = [] if self.status == 0 else [f"report: {self.status} {self.err}"]
        complaints += [f"{key} {self.report.get(key)}" for key in ("lost", "late", "malformed", "misfits") if self.report.get(key) != 0]
        complaints += [] if self.names == [self.name] else [f"VMs: {self.names}"]
        for vm in self.vms:
            for vcpu in vm["vcpus"]:
                for event in vcpu["events"]:
                    if event["unaccounted"] or event["unaccounted_handlers"]:
                        complaints.append(f"vCPU {vcpu['vcpu']} event {event['event']} does not add up")
        return complaints

    def counts(self, vcpu):
        return self.vms[0]["vcpus"][vcpu]["events"][0]["count"]

    def calls(self, vcpu, function):
        return {c["result"]: c["count"] for c in self.vms[0]["vcpus"][vcpu]["calls"] if c["function"] == function}

    def handles(self, handled):
        """What differs from handlers that the guest counted on each CPU: each was signalled, queued, dispatched, and has ended."""
        complaints = []
        for vcpu, count in enumerate(handled):
            counts = self.counts(vcpu)
            for name in ("signals", "queued", "dispatched"):
                complaints += differ(f"vCPU {vcpu} {name}", counts[name], count)
            complaints += differ(f"vCPU {vcpu} ended", ended(counts), count)
        return complaints

    def findings(self, *expected):
        """Each as CODE, vCPU, event."""
        found = t.of_sdei(self.report.get("findings", []))
        got = sorted((f["code"], f["vcpu"], f["event"] is not None) for f in found)
        return [] if got == sorted(expected) else [f"{f['code']} vCPU {f['vcpu']}: {f['text']}" for f in found] + ["expected " + str(expected)]


def ended(counts):
    """Linux resumes at its interrupt vector unless the kernel was interrupted with interrupts masked."""
    return counts["completed"] + counts["resumed"]


def differ(what, got, wanted):
    return [] if got == wanted else [f"{what}: {got} instead of {wanted}"]


def write_disk(path):
    """An empty qcow2 image, in which QEMU can save a VM: head, table and block of reference counts, table of what is there."""
    cluster = 1 << 16
    clusters = [struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, cluster, 0, 1, 3 * cluster, cluster, 1, 0, 0),
                struct.pack(">Q", 2 * cluster), struct.pack(">4H", 1, 1, 1, 1), b""]
    with open(path, "wb") as file:
        file.write(b"".join(content.ljust(cluster, b"\0") for content in clusters))
