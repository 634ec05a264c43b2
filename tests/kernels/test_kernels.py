#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 2400
"""The tool on kernels as Debian builds them, one boot each: what it finds, shows and records there, against what the guest knows.

The oldest and the newest of x86 and one of arm64; with SDEITOP_KERNELS=all in the environment every one. What was found is kept in build/kernels,
from where tests/kernels/table makes docs/kernels.md."""
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lab"))
import apf_truth as a           # noqa: E402  (the path comes first)
import truth as t               # noqa: E402
from labtest import TOP, finish, lab, make, ok, out_dir, unit_capabilities    # noqa: E402

ALL = [(arch, series) for arch in ("x86_64", "aarch64") for series in ("6.1", "6.12", "6.18", "7.3")]
FEW = [("x86_64", "6.1"), ("x86_64", "7.3"), ("aarch64", "6.12")]
# It hung in three of six runs, while both CPUs were busy in QEMU; with one thread in none of five. 7.3 has not hung.
OLDEST, ONE_THREAD = FEW[0], ("--one-thread",)
PARKED = ["on", "off", "on"]     # the vCPUs of park.scn
RESULTS = os.path.join(TOP, "build", "kernels")


class Host:
    """What a run left behind."""

    def __init__(self, out, one_thread):
        self.out, self.one_thread = out, one_thread

    def text(self, name):
        with open(os.path.join(self.out, name), encoding="utf-8") as file:
            return file.read()

    def lines(self, name):
        return t.load_lines(os.path.join(self.out, name))

    def status(self, name):
        return int(self.text(name + ".status"))

    def ended(self, name, status):
        return [] if self.status(name) == status else \
            [f"{name} ended with {self.status(name)}, not {status}"] + self.text(name + ".err").splitlines()[-5:]

    def truth(self, name):
        return a.Truth(json.loads(self.text(name + ".truth.json")))

    def probes(self, name):
        """(attached, known), and which are not."""
        text = self.text(name + ".err")
        return tuple(map(int, re.search(r"\((\d+)/(\d+) probes\)", text).groups())), re.findall(r"(\w+) is not attached", text)

    def capabilities(self, name):
        doctor = json.loads(self.text(name + ".json"))
        return {c["name"]: c["state"] for c in doctor["capabilities"]}, doctor


def check_shut_in(host):
    """Distributions' kernels have what a reader shuts itself in with."""
    said = [line for line in host.text("report.err").splitlines() if "shut in" in line]
    return a.same("report is shut in", [line.split(": ", 1)[1] for line in said], ["shut in: Landlock yes, seccomp yes"])


def summary_apf(summary, vm):
    return [v["apf"]["count"] for v in summary["vms"] if v["vm"] == vm]


def check_shown(host, name):
    """What is shown live is what the guest counted."""
    complaints = host.ended(name, 0)
    if complaints:
        return complaints
    truth = host.truth(name)
    summary = host.lines(name + ".json")[-1]
    counts = summary_apf(summary, truth.vm)
    if len(counts) != 1:
        return [f"the VM is shown {len(counts)} times"]
    if summary["lost"]:
        return check_lossy(summary, counts[0], truth)
    told = truth.total("parks")
    wanted = {"async": told, "acked": truth.total("acks"), "wake_all": truth.total("wake_alls")}
    complaints += [c for what, count in wanted.items() for c in a.same(what, counts[0][what], count)]
    complaints += a.same("setup and fallback", counts[0]["setup"] + counts[0]["fallback"], truth.total("touched"))
    return complaints + ([] if told else ["the guest was told of no fault"])


def check_lossy(summary, counts, truth):
    """A busy machine may lose records: then that is said, and nothing is counted that was not."""
    counters = summary["counters"]
    complaints = a.same("inexact", summary["inexact"], True)
    complaints += a.same("read and lost", counters["read"] + sum(counters["lost"].values()), sum(counters["attempted"].values()))
    return complaints + [f"{what}: {counts[what]}, the guest has {truth.total(name)}"
                         for what, name in (("async", "parks"), ("acked", "acks")) if counts[what] > truth.total(name)]


def check_steps(faults, missing):
    """Where a worker's function cannot be traced, its end is seen a little later, and the guest may be ahead of it."""
    if "apf_page" not in missing:
        return a.check_steps(faults)
    complaints = []
    for fault, records in faults.by_id.items():
        steps = [r["step"] for r in records]
        complaints += a.same(f"fault {fault}: steps", sorted(steps), sorted(a.STEPS))
        complaints += a.same(f"fault {fault}: order", [s for s in steps if s != "ready"], [s for s in a.STEPS if s != "ready"])
    return complaints


def check_recorded(host):
    complaints = host.ended("record", 0) + host.ended("events", 0) + host.ended("report", 0)
    if complaints:
        return complaints
    truth, lines = host.truth("record"), host.lines("events.json")
    faults = a.Faults([line for line in lines if "kind" in line], truth.vm)
    if lines[-1]["lost"]:
        return check_lossy(lines[-1], summary_apf(lines[-1], truth.vm)[0], truth)
    complaints = a.check_counts(faults, truth, spurious=host.one_thread) + a.check_outcomes(faults, "told", "signalled")
    complaints += check_steps(faults, host.probes("live")[1])
    complaints += t.check_nothing_lost(lines[-1])
    report = host.lines("report.json")[-1]
    complaints += a.same("late records", report["late"], 0)
    return complaints + a.same("what the report counts", summary_apf(report, truth.vm), summary_apf(lines[-1], truth.vm))


def check_sdeid(host, name="sdeid"):
    complaints = host.ended(name, 0) or host.ended(name + "-guest", 0)
    if complaints:
        return complaints + host.text(name + ".err").splitlines()
    truth, prom = host.truth(name), host.text(name + ".prom")
    counts = [int(n) for n in re.findall(rf'^kvm_apf_outcomes_total{{vm="{name}",outcome="async"}} (\d+)$', prom, re.M)]
    lost = sum(int(n) for n in re.findall(r"^kvm_sdei_lost_records_total{.*} (\d+)$", prom, re.M))
    if lost and len(counts) == 1:   # a busy machine may lose records: then that is said, and each takes one outcome at most
        told = truth.total("parks")
        return [] if told - lost <= counts[0] <= told else [f"{counts[0]} outcomes and {lost} lost records, the guest has {told}"]
    return a.same("outcomes in the metrics", counts, [truth.total("parks")])


def held(text):
    """Bits of capabilities that a process may use, and has at all."""
    return [int(bits, 16) for bits in re.findall(r"^Cap\w+:\s*(\w+)$", text, re.M)]


def check_unit(host):
    """With what its unit gives it and before KVM: it waits, attaches when KVM comes, and then has no capability any more."""
    complaints = check_sdeid(host, "unit") + host.ended("check", 4)
    complaints += a.same("how often it says that it waits", host.text("unit.err").count("waiting until KVM is loaded"), 1)
    wanted = sum(1 << int(number) for number in unit_capabilities().split(","))
    complaints += a.same("capabilities that wait", held(host.text("unit-waiting")), [wanted, wanted])
    return complaints + a.same("capabilities that watch", held(host.text("unit-watching")), [0, 0])


def check_untyped(host):
    """What is missing is said where it is, and nothing is claimed of what cannot be known without it."""
    complaints = host.ended("untyped", 4)
    states, doctor = host.capabilities("untyped")
    found = {c["name"]: f'{c["found"]} {c["remedy"]}' for c in doctor["capabilities"]}
    complaints += a.same("kvm-btf with its types", host.capabilities("doctor")[0]["kvm-btf"], "yes")
    complaints += a.same("kvm-btf without", states["kvm-btf"], "no")
    wanted = (("kvm-btf", "/sys/kernel/btf/kvm"), ("kvm-btf", "CONFIG_DEBUG_INFO_BTF_MODULES"), ("live", "CONFIG_DEBUG_INFO_BTF_MODULES"),
              ("page-faults", "not known without the types of the module kvm"), ("sdei", "not known"))
    return complaints + [f"{name}: {found[name]}" for name, words in wanted if words not in found[name]]


def check_module(host):
    """The module cannot go while sdeid is attached to it, can when sdeid has gone, and is attached to when it has come back."""
    complaints = [] if host.status("rmmod-attached") else ["kvm was unloaded under sdeid"]
    complaints += host.ended("rmmod", 0) + host.ended("without", 4) + host.ended("rmmod-unit", 0) + \
        host.ended("rmmod-left", 0)
    states, doctor = host.capabilities("without")
    remedies = " ".join(c["remedy"] or "" for c in doctor["capabilities"] if c["name"] == "kvm")
    complaints += a.same("kvm without the module", states["kvm"], "no")
    complaints += [] if "modprobe kvm" in remedies else [f"the remedy is '{remedies}'"]
    complaints += [f"{c['name']}: {c['found']}" for c in doctor["capabilities"] if c["name"] == "live" and "KVM is not loaded" not in c["found"]]
    return complaints + check_shown(host, "again")


def x86(host, name, result):
    tests = {
        "doctor": host.ended("doctor", 0) + a.same("async-page-faults", host.capabilities("doctor")[0]["async-page-faults"], "yes"),
        "state": host.ended("state", 4) + ([] if "(kvm_sdei_register: this kernel does not have it); " in host.text("state.err")
                                           else ["state does not say why"]),
        "live": check_shown(host, "live"),
        "sched": check_shown(host, "sched"),
        "record": check_recorded(host),
        "shut in": check_shut_in(host),
        "sdeid": check_sdeid(host),
        "unit": check_unit(host),
        "untyped": check_untyped(host),
        "module": check_module(host),
    }
    for test, complaints in tests.items():
        ok(f"kernels/{name}/{test}", complaints)
        result[test] = not complaints
    result["probes"], result["missing"] = host.probes("live")


def check_waits(host, name, summary, syncs=None):
    """Each page that the guest's pager brought is a fault of userfaultfd; syncs: its records, each within its touch."""
    truth = json.loads(host.text(name + ".truth.json"))
    apf = [v["apf"] for v in summary["vms"] if "apf" in v]
    if len(apf) != 1:
        return [f"page faults of {len(apf)} VMs"]
    complaints = a.same("pages that the pager brought", apf[0]["sync_by"]["userfault"]["count"], truth["served"])
    complaints += [] if truth["served"] else ["the guest waited for no page"]
    complaints += a.same("asynchronous faults", apf[0]["count"]["setup"], 0)
    if syncs is not None:
        complaints += a.same("records of them", len(syncs), truth["served"]) + check_within(truth, syncs)
    return complaints


def check_within(truth, syncs):
    """Every wait lies within a touch of its page, as the guest timed it, and no two within the same one."""
    error = truth["clock"]["error_ns"]
    touches = {(vcpu["vcpu"], page["page"]): page for vcpu in truth["vcpus"] for page in vcpu["pages"]}
    complaints = []
    for record in syncs:
        begin = record["time_ns"] - record["duration_ns"]
        around = [key for key, page in touches.items() if key[0] == record["vcpu"] and
                  page["before"] <= begin + error and record["time_ns"] <= page["after"] + error]
        if not around:
            complaints.append(f"vCPU {record['vcpu']} gfn {record['gfn']} at {begin}: within no touch")
        else:
            del touches[min(around, key=lambda key: touches[key]["after"] - touches[key]["before"])]
    return complaints


def check_waits_recorded(host):
    complaints = host.ended("record", 0) + host.ended("events", 0) + host.ended("report", 0)
    if complaints:
        return complaints
    lines = host.lines("events.json")
    syncs = [line for line in lines if line.get("step") == "sync" and line.get("outcome") == "userfault"]
    complaints = check_waits(host, "record", lines[-1], syncs) + t.check_nothing_lost(lines[-1])
    apf = [[v["apf"] for v in summary["vms"] if "apf" in v] for summary in (lines[-1], host.lines("report.json")[-1])]
    return complaints + a.same("what the report counts", apf[1][0]["count"], apf[0][0]["count"])


def check_state(host):
    """Of SDEI there is nothing; which vCPUs are on is known."""
    complaints = host.ended("state", 0) + host.ended("state-text", 0) + a.same("the guest's status", host.status("park"), 0)
    if complaints:
        return complaints
    state = host.lines("state.json")[-1]
    complaints += a.same("sdei", state["sdei"], False) + a.same("names", [vm["name"] for vm in state["vms"]], ["park"])
    vcpus = [vcpu for vm in state["vms"] for vcpu in vm["vcpus"]]
    complaints += a.same("power", [vcpu["power"] for vcpu in vcpus], PARKED)
    complaints += a.same("masked and events", [(vcpu["masked"], vcpu["events"]) for vcpu in vcpus], [(None, [])] * 3)
    rows = [row.split() for row in host.text("state-text.json").splitlines()[2:]]
    complaints += a.same("rows", [(row[4], row[-1]) for row in rows], [("-", power) for power in PARKED])
    return complaints + [f"state does not say {words}" for words in ("tracepoints/README.md", "no SDEI") if words not in host.text("state.err")]


def check_off(host):
    """A recording says from its begin which vCPUs are off."""
    complaints = host.ended("off", 0) + host.ended("off-events", 0)
    if complaints:
        return complaints
    lines = host.lines("off-events.json")
    power = sorted((r["vcpu"], r["power"]) for r in lines if r.get("kind") == "power")
    complaints += a.same("power", power, list(enumerate(PARKED)))
    return complaints + a.same("off", [vcpu.get("off", False) for vm in lines[-1]["vms"] for vcpu in vm["vcpus"]], [False, True, False])


def count_calls(vcpu):
    return {(c["function"], c["result"]): c["count"] for c in vcpu["calls"]}


def forwarded_calls(vcpu):
    """Of a guest: what has become of its calls where its VMM answers them. KVM does not see the answer."""
    return {(function, "FORWARDED"): count for (function, _), count in count_calls(vcpu).items()}


def check_calls(host, name, summary, of_guest=count_calls):
    """Each call of SDEI is refused and counted, as the guest did; each vCPU that is turned off, and on."""
    truth, vms = json.loads(host.text(name + ".truth.json")), summary["vms"]
    complaints = a.same("VMs", [vm["vm"] for vm in vms], [truth["vm"]]) + a.same("lost", summary["lost"], 0)
    if complaints:
        return complaints
    for true, vcpu in zip(truth["vcpus"], vms[0]["vcpus"]):
        complaints += a.same(f"calls of vCPU {true['vcpu']}", count_calls(vcpu), of_guest(true))
        complaints += a.same(f"whether vCPU {true['vcpu']} is off", vcpu["off"], False)
    psci = [count_calls({"calls": vcpu["psci"]}) for vcpu in vms[0]["vcpus"]]
    return complaints + a.same("PSCI", psci, [{("CPU_ON", "SUCCESS"): 2, ("CPU_ON", "ALREADY_ON"): 1}, {("CPU_OFF", "SUCCESS"): 2}]) + \
        a.same("calls of vCPU 0 to KVM", sum(count_calls(truth["vcpus"][0]).values()), 21)


def check_calls_exported(host, smccc):
    """Each call is an instant, of PSCI under its name."""
    instants = Counter(e["name"] for e in json.loads(host.text("calls.trace"))["traceEvents"] if e["ph"] == "i")
    wanted = Counter(f"PSCI {r['function_name']}" if r["interface"] == "PSCI" else "SDEI call" for r in smccc)
    return a.same("instants", {name: instants[name] for name in wanted}, dict(wanted))


def check_calls_recorded(host):
    complaints = host.ended("calls", 0) + host.ended("calls-events", 0) + host.ended("calls-report", 0)
    if complaints:
        return complaints
    lines = host.lines("calls-events.json")
    smccc = [line for line in lines if line.get("kind") == "smccc"]
    complaints = check_calls(host, "calls", lines[-1])
    complaints += a.same("targets", [r["target"] for r in smccc if r.get("function_name") == "CPU_ON"], [1, 0, 1])
    complaints += [f"{r}" for r in smccc if r["outcome"] != "answered" or r["state"] != "-----" or r["duration_ns"] <= 0]
    # Nobody is turned on who is not off.
    power = [r["function_name"] for r in smccc if r["interface"] == "PSCI" and r["result"] == 0]
    complaints += a.same("off and on", power, ["CPU_OFF", "CPU_ON"] * 2)
    complaints += host.ended("calls-export", 0) or check_calls_exported(host, smccc)
    report = host.text("calls-report.json")
    return complaints + [f"the report has no {words}" for words in ("NOT_SUPPORTED 17", "PSCI CPU_ON") if words not in report]


def check_calls_forwarded(host):
    """What KVM leaves to the VMM is told apart, each call; those that KVM answers are as ever."""
    complaints = host.ended("forwarded", 0) + host.ended("forwarded-events", 0)
    if complaints:
        return complaints
    lines = host.lines("forwarded-events.json")
    sdei = Counter(line["outcome"] for line in lines if line.get("kind") == "smccc" and line["interface"] == "SDEI")
    return check_calls(host, "forwarded", lines[-1], forwarded_calls) + a.same("outcomes", dict(sdei), {"forwarded": 24})


def arm64(host, name, result):
    """Without our series there is nothing of SDEI, and the commands about it say so; what guests wait for is there."""
    states, doctor = host.capabilities("doctor")
    tests = {
        "doctor": host.ended("doctor", 0) + a.same("kvm", states["kvm"], "yes") + a.same("sdei", states["sdei"], "no") +
                  a.same("page-faults", states["page-faults"], "yes"),
        "state": check_state(host),
        "off": check_off(host),
        "live": host.ended("live", 0) or check_waits(host, "live", host.lines("live.json")[-1]),
        "record": check_waits_recorded(host),
        "shut in": check_shut_in(host),
        "calls": check_calls_recorded(host),
        "calls forwarded": check_calls_forwarded(host),
        "calls live": host.ended("calls-live", 0) or check_calls(host, "calls-live", host.lines("calls-live.json")[-1]),
    }
    if host.status("live") == 4:
        tests = untraceable(host)
        result["why"] = True
    for test, complaints in tests.items():
        ok(f"kernels/{name}/{test}", complaints)
        result[test] = not complaints
    result["probes"], result["missing"] = ((0, 0), []) if "why" in result else host.probes("live")


def untraceable(host):
    """arm64 before Linux 6.5 lets no program attach to a function: every command but state ends with 4, and live says why."""
    tests = {command: host.ended(command, 4) for command in ("doctor", "live", "record")}
    # The test's guest needs Linux 6.4, so there is none to be shown.
    tests["state"] = host.ended("state", 0) + a.same("sdei", host.lines("state.json")[-1]["sdei"], False)
    why = host.text("live.err")
    tests["live"] += [] if "cannot trace" in why and tuple(map(int, host.text("version").split(".")[:2])) < (6, 5) else [why]
    return tests


def run(arch, series):
    name = f"{series}-{arch}"
    found = subprocess.run([os.path.join(TOP, "scripts", "debian-kernel"), "fetch" if every() else "path", series, arch],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if found.returncode:
        print(f"skip kernels/{name} {found.stderr.strip().splitlines()[-1]}", flush=True)
        return
    out = out_dir("kernels-" + name)
    os.makedirs(out)
    script = "host-x86.sh" if arch == "x86_64" else "host-arm64.sh"
    for name_of_file in (script, "calls.scn", "park.scn"):
        shutil.copy(os.path.join(HERE, name_of_file), out)
    one_thread = (arch, series) == OLDEST
    status, output = lab(out, "sh", "/out/" + script, unit_capabilities(), timeout=400,
                         options=("--arch", arch, "--kernel", "debian:" + series, *(ONE_THREAD if one_thread else ())))
    if status:
        ok(f"kernels/{name}", [f"exit status {status}"] + output.splitlines()[-10:])
        return
    host = Host(out, one_thread)
    result = {"arch": arch, "series": series, "version": host.text("version").strip()}
    (x86 if arch == "x86_64" else arm64)(host, name, result)
    os.makedirs(RESULTS, exist_ok=True)
    with open(os.path.join(RESULTS, name + ".json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)


def every():
    return os.environ.get("SDEITOP_KERNELS") == "all"


def main():
    make("lab")
    for arch, series in ALL if every() else FEW:
        if arch == "x86_64" and os.uname().machine != arch:
            print(f"skip kernels/{series}-{arch} the x86 lab is only built on x86_64")
        else:
            run(arch, series)
    if every():
        table = subprocess.run([os.path.join(HERE, "table"), "--check"], stdout=subprocess.PIPE, text=True, check=False)
        ok("kernels/docs/kernels.md says what was found", table.stdout.splitlines() if table.returncode else [])
    finish()


if __name__ == "__main__":
    main()
