#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# debug kernel: no
"""sdeid on a live host: its clients, its metrics and the guests agree; it needs no privilege once it is attached; who may look
and who may not; losses and filters without privilege; clients and names that mean no good."""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import finish, lab, ok, out_dir, script    # noqa: E402
from test_metrics import parse, vm_samples    # noqa: E402
from truth import check_accounted, check_counts, check_lossless, check_lossy, load_lines, load_summary    # noqa: E402

OUT = out_dir("daemon")

FIGURES = r"""
daemon figures -t /tmp/tf -d 1 -S $SOCKET --group sdei --user sdeid
client before
guests=
for one in web:busy:2 'd"b\:steady:2' quiet:masked:1; do
	scenario=${one#*:}
	sdei-guest --vcpus ${scenario#*:} --scenario ${scenario%:*} --seconds 7 --truth /out/${scenario%:*}.truth.json \
		-name guest="${one%%:*}" >&2 &
	guests="$guests $!"
done
sleep 2
client during
as-user 1000:990 none sdeitop -j 1 3 >member.jsonl 2>member.err
echo $? >member.status
as-user 1001 none sdeitop -j 1 3 >stranger.jsonl 2>stranger.err
echo $? >stranger.status
as-user 1001 none sdeitop -j --attach-daemon 1 3 >stranger-asks.jsonl 2>stranger-asks.err
echo $? >stranger-asks.status
client late as-user 1000:990 none
for guest in $guests; do
	wait $guest || give_up "a guest ended with $?"
done
client after
ls -l $SOCKET >socket.ls
cat /proc/$daemon/status >figures.status
cat /proc/$daemon/fdinfo/* >figures.fdinfo 2>/dev/null
cat /proc/$daemon/limits >figures.limits
# What came last is on its way to clients for some tenths of a second.
next_file
next_file
leave
land
cp /tmp/tf/sdeid.prom last.prom
"""

# The smallest rings lose records of a busy guest.
LOSSES = r"""
daemon losses -t /tmp/tf -d 1 -S $SOCKET --group sdei --user sdeid --ring-size 4K
client lossy
sdei-guest --vcpus 4 --scenario burst --events 2003 --truth /out/lossy.truth.json >&2 || give_up "the guest failed"
next_file
next_file
leave
land
cp /tmp/tf/sdeid.prom lossy.prom
"""

# Clients that do all that is wrong, one that does not move at all, and a guest whose name is as long as a VMM lets it be.
HOSTILE = r"""
long=$(head -c 65536 /dev/zero | tr '\0' x)
hostile=$(printf 'a"\\\033[31m\nsdeid: kvm_sdei_up 0\t\302\233é')
daemon hostile -t /tmp/tf -d 0.5 -S $SOCKET --group sdei --user sdeid --mask-ms 100
client patient
sdeitop -j --attach-daemon --socket $SOCKET >/tmp/stopped.jsonl 2>stopped.err &
stopped=$!
await "the client that is stopped" grep -q 'showing what sdeid' stopped.err
kill -STOP $stopped
as-user 1002:990 none rude-clients $SOCKET >rude.counts &
rude=$!
sdei-guest --vcpus 2 --scenario busy --seconds 5 --truth /out/long.truth.json -name guest="$long" >&2 &
guest=$!
sdei-guest --vcpus 1 --scenario long-mask --truth /out/hostile.truth.json -name guest="$hostile" >&2 || give_up "a guest failed"
wait $guest || give_up "a guest failed"
sdei-guest --vcpus 1 --scenario steady --events 101 --truth /out/enough.truth.json -name guest=enough >&2 || give_up "a guest failed"
next_file
next_file
kill -TERM $rude
wait $rude || give_up "rude-clients ended with $?"
leave
land
cp /tmp/tf/sdeid.prom hostile.prom
kill -KILL $stopped
"""

# The judge of names works without privilege, for VMs that come later.
FILTER = r"""
daemon filter -t /tmp/tf -d 1 --user sdeid -g 'web*'
sdei-guest --vcpus 1 --scenario steady --events 101 -name guest=web1 >&2 &
web=$!
sdei-guest --vcpus 1 --scenario steady --events 101 -name guest=db1 >&2 || give_up "a guest failed"
wait $web || give_up "a guest failed"
land
cp /tmp/tf/sdeid.prom filter.prom
"""

CLIENTS = ("before", "during", "late", "after")
TRUTHS = ("busy", "steady", "masked")


def text_of(name):
    with open(os.path.join(OUT, name), encoding="utf-8", errors="replace") as file:
        return file.read()


def truth(name):
    with open(f"{OUT}/{name}.truth.json", encoding="utf-8") as file:
        return json.load(file)


def differences(where, a, b):
    """What two values made of dictionaries and lists do not have in common."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return [d for key in a for d in differences(f"{where}.{key}", a[key], b[key])]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [d for i, (x, y) in enumerate(zip(a, b)) for d in differences(f"{where}[{i}]", x, y)]
    return [] if a == b else [f"{where}: {a} and {b}"]


def without_intervals(vm):
    """What depends on when each client closed its last interval is its own."""
    if isinstance(vm, dict):
        return {key: without_intervals(value) for key, value in vm.items() if not key.startswith("interval")}
    return [without_intervals(one) for one in vm] if isinstance(vm, list) else vm


def check_figures():
    summaries = {name: load_summary(f"{OUT}/{name}.jsonl") for name in CLIENTS}
    for name, summary in summaries.items():
        complaints = check_counts(list(map(truth, TRUTHS)), summary) + check_lossless(summary)
        ok(f"daemon/client {name}: the guests' own figures", complaints, f"{summary['records']} records")
    first = summaries["before"]
    for name in CLIENTS[1:]:
        other = summaries[name]
        complaints = differences("vms", without_intervals(first["vms"]), without_intervals(other["vms"]))
        complaints += differences("counters", first["counters"], other["counters"])
        complaints += differences("records", first["records"], other["records"])
        ok(f"daemon/client {name}: those of the first one", complaints)
    return first


def check_file(summary, name):
    last = parse(f"{OUT}/{name}.prom")
    wanted = {("kvm_sdei_records_total", ""): summary["records"]}
    for vm in summary["vms"]:
        wanted.update(vm_samples(vm))
    wrong = [f"{key}: {last.get(key)} instead of {want}" for key, want in wanted.items() if last.get(key) != want]
    ok(f"daemon/{name}.prom: the clients' figures", wrong + ([] if len(wanted) > 15 else [f"{len(wanted)} figures"]),
       f"{len(wanted)} figures")
    return last


def check_end(last):
    gone = {("kvm_sdei_up", ""): 0, ("kvm_sdei_probes_attached", ""): 0}
    ok("daemon/the last file says that nothing is attached any more",
       [f"{key}: {last.get(key)}" for key, want in gone.items() if last.get(key) != want])


def check_privileges():
    status = dict(line.split(":\t", 1) for line in text_of("figures.status").splitlines() if ":\t" in line)
    wanted = {"CapInh": "0" * 16, "CapPrm": "0" * 16, "CapEff": "0" * 16, "CapBnd": "0" * 16, "CapAmb": "0" * 16, "NoNewPrivs": "1",
              "Uid": "991\t991\t991\t991", "Gid": "990\t990\t990\t990", "Groups": ""}
    ok("daemon/no privilege is left", [f"{key}: {status[key]!r}" for key, want in wanted.items() if status[key].strip() != want])
    mode = text_of("socket.ls").split()
    ok("daemon/the socket is its group's", [] if mode[0] == "srw-rw----" and mode[3] in ("990", "sdei") else [" ".join(mode)])


def check_descriptors():
    rings = re.findall(r"map_type:\t2\nkey_size:\t4\nvalue_size:\t\d{5,}\n", text_of("figures.fdinfo"))
    soft, hard = re.search(r"Max open files +(\d+) +(\d+)", text_of("figures.limits")).groups()
    ok("daemon/one descriptor for the rings of all CPUs", [] if len(rings) == 1 else [f"{len(rings)}"])
    ok("daemon/as many descriptors as it may have", [] if soft == hard else [f"{soft} of {hard}"])


def check_audience():
    member = load_lines(f"{OUT}/member.jsonl")
    complaints = [] if text_of("member.status").strip() == "0" else [text_of("member.err")]
    complaints += [] if "asking sdeid instead" in text_of("member.err") else [text_of("member.err")]
    names = {vm["name"] for vm in member[-1]["vms"]} if member else set()
    complaints += [] if names == {"web", 'd"b\\', "quiet"} else [f"sees {names}"]
    ok("daemon/who may not trace but is in the group sees the figures", complaints)
    for name, why in (("stranger", "sdeid listens at /run/sdeid/socket, but only for the group of that socket"),
                      ("stranger-asks", "permission denied; who may look is the socket's group")):
        complaints = [] if text_of(f"{name}.status").strip() == "1" else [text_of(f"{name}.status")]
        complaints += [] if why in text_of(f"{name}.err") and not text_of(f"{name}.jsonl") else [text_of(f"{name}.err")]
        ok(f"daemon/{name} is told why not", complaints)


def check_losses():
    summary = load_summary(f"{OUT}/lossy.jsonl")
    last = parse(f"{OUT}/lossy.prom")
    lost = sum(value for (name, _), value in last.items() if name == "kvm_sdei_lost_records_total")
    complaints = check_lossy(summary) + check_accounted(summary)
    complaints += check_counts([truth("lossy")], summary)
    complaints += [] if lost == summary["lost"] else [f"the file says {lost}, the client {summary['lost']}"]
    ok("daemon/losses are told without privilege, and counts stay exact", complaints, f"{summary['lost']} lost")


def check_filter():
    names = set(re.findall(r'vm_info\{.*name="([^"]*)"', text_of("filter.prom")))
    ok("daemon/a filter by name", [] if names == {"web1"} else [f"in the file: {names}"])


def check_hostile():
    summary, last = load_summary(f"{OUT}/patient.jsonl"), parse(f"{OUT}/hostile.prom")
    complaints = check_counts([truth("long"), truth("hostile"), truth("enough")], summary) + check_lossless(summary)
    ok("daemon/rude clients, and one that stands still, hold up nothing", complaints, text_of("rude.counts").strip())
    counts = [int(count) for count in re.findall(r"(\d+) ", text_of("rude.counts"))]
    ok("daemon/many rude clients came", [] if min(counts, default=0) >= 20 else [text_of("rude.counts")])
    dispatched = last[("kvm_sdei_host_dispatched_total", "")]
    wanted = sum(event["count"]["dispatched"] for vm in summary["vms"] for vcpu in vm["vcpus"] for event in vcpu["events"])
    ok("daemon/the file has the patient client's figures", [] if dispatched == wanted > 100 else [f"{dispatched}, {wanted}"])


def check_names():
    """Of guests, where they are shown: each has its place, and no more than that."""
    with open(f"{OUT}/hostile.prom", "rb") as file:
        done = subprocess.run(["promtool", "check", "metrics"], stdin=file, capture_output=True, check=False)
    complaints = [(done.stdout + done.stderr).decode()] if done.returncode or done.stdout or done.stderr else []
    lines = text_of("hostile.prom").splitlines()
    complaints += [line[:60] for line in lines if len(line) > 1000]
    complaints += [] if lines.count("kvm_sdei_up 0") == 1 else ["kvm_sdei_up 0: " + str(lines.count("kvm_sdei_up 0"))]
    complaints += [] if any(r'name="a\"\\' in line for line in lines) else ["the name is not there"]
    ok("daemon/hostile names are harmless in labels", complaints, f"the longest line has {max(map(len, lines))} characters")
    with open(f"{OUT}/hostile.err", "rb") as file:
        log = file.read().splitlines()
    complaints = [repr(line[:60]) for line in log if not line.startswith(b"sdeid: ") or len(line) > 1000]
    complaints += [repr(line) for line in log if re.search(rb"[\0-\x1f\x7f]|\xc2[\x80-\x9f]", line)]
    complaints += [] if any(re.search(rb"findings?: mask-long", line) for line in log) else ["the finding is not in the log"]
    ok("daemon/hostile names are harmless in the log", complaints)


def run(name, commands):
    status, output = lab(OUT, "sh", "-c", script("daemon.sh") + commands, timeout=180)
    ok(f"daemon/run {name}", [] if status == 0 else [f"exit status {status}"] + output.splitlines()[-15:])
    return status == 0


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    if run("figures", FIGURES):
        summary = check_figures()
        check_end(check_file(summary, "last"))
        check_privileges()
        check_descriptors()
        check_audience()
    if run("losses", LOSSES):
        check_losses()
    if run("hostile", HOSTILE):
        check_hostile()
        check_names()
    if run("filter", FILTER):
        check_filter()
    finish()


if __name__ == "__main__":
    main()
