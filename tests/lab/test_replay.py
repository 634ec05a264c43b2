#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 1500
# debug kernel: no
"""A recording says what live said: one run of the guests, seen live and recorded, compared figure by figure.

The recording is read on this machine, by sdeitop's own commands and by babeltrace2."""
import json
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import truth as t                                # noqa: E402
from labtest import TOP, finish, lab, lab_start, ok, out_dir     # noqa: E402

OUT = out_dir("replay")
SDEITOP = os.path.join(TOP, "build", "sdeitop")
SCENARIOS = {"cross": 4, "inject": 2, "masked": 2, "reset": 2, "refused": 2, "churn": 2}

RUN = r"""
cd /out || exit 1
ready() {
	tries=0
	until grep -q racing "$1" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || { echo "$1: not tracing after 30 s"; cat "$1"; exit 1; }
		sleep 0.1
	done
}
for scenario in SCENARIOS; do
	set -- $(echo $scenario | tr : ' ')
	sdeitop --json >$1.top.jsonl 2>$1.top.err & top=$!
	sdeitop events --json >$1.events.jsonl 2>$1.events.err & events=$!
	sdeitop record -o $1.rec --summary --json >$1.live.jsonl 2>$1.rec.err & record=$!
	ready $1.top.err; ready $1.events.err; ready $1.rec.err
	sdei-guest --vcpus $2 --scenario $1 --truth $1.truth.json -name guest=$1 || { echo "the guest of $1 failed"; exit 1; }
	for collector in $top $events $record; do
		kill -INT $collector
		wait $collector || { echo "a collector of $1 failed"; cat $1.*.err; exit 1; }
	done
done
# Killed, and cut off by hand: what is whole is read.
sdeitop record -o killed.rec 2>killed.err & record=$!
ready killed.err
sdei-guest --vcpus 2 --scenario steady -name guest=killed || exit 1
sleep 1.5
kill -9 $record
mkdir -p /tmp/small
mount -t tmpfs -o size=120k none /tmp/small || exit 1
sdeitop record -o /tmp/small/full 2>full.err -- sdei-guest --vcpus 4 --scenario cross -name guest=full
echo $? >full.status
cp -r /tmp/small/full full.rec
sdeitop record -o rotated.rec --max-size 64K --keep 2 --compress 2>rotated.err -- sh -c \
	'for i in 1 2 3 4; do sdei-guest --vcpus 4 --scenario cross -name guest=rotated; done' || { cat rotated.err; exit 1; }
"""


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, errors="replace")
    return done.returncode, done.stdout, done.stderr


def rec(name):
    return os.path.join(OUT, name + ".rec")


# the figures ----------------------------------------------------------------

# What depends on when somebody looked, or on who: not on what happened.
LOOKED = {"type", "time_ns", "wall", "start_ns", "interval_ns", "interval_records", "interval", "cpu_percent", "masked_share",
          "recording", "range", "around_late", "around_findings", "problems", "problem_count", "over_time"}


def differences(live, recorded, path=""):
    if isinstance(live, dict) and isinstance(recorded, dict):
        found = []
        for key in sorted((live.keys() | recorded.keys()) - LOOKED):
            if key not in live or key not in recorded:
                found.append(f"{path}.{key}: only {'live' if key in live else 'recorded'}")
            else:
                found += differences(live[key], recorded[key], f"{path}.{key}")
        return found
    if isinstance(live, list) and isinstance(recorded, list):
        if len(live) != len(recorded):
            return [f"{path}: {len(live)} live, {len(recorded)} recorded"]
        return [d for i, pair in enumerate(zip(live, recorded)) for d in differences(*pair, f"{path}[{i}]")]
    return [] if live == recorded else [f"{path}: {live} live, {recorded} recorded"]


def last_line(text):
    lines = text.splitlines()
    return json.loads(lines[-1]) if lines else {}


# Another collector takes the time itself, and asks for names when it gets to it: what counts for it is how often.
TIMED = re.compile(r"_ns$|^(name|mean|stddev|buckets|worst|late|blame|main|total_ns|value|text|record|episode_signals|apf$)")


def found(findings):
    """Their windows begin and end with somebody's times, and which was first is time, too."""
    return sorted([f["code"], f["vm"], f["vcpu"], -1 if f["event"] is None else f["event"]] for f in findings)


def countable(figures):
    if isinstance(figures, dict):
        return {k: found(v) if k == "findings" else countable(v) for k, v in figures.items() if not TIMED.search(k)}
    return [countable(v) for v in figures] if isinstance(figures, list) else figures


def without_faults(summary):
    """Which page faults are quick is time, too, and those have no record each: what is left of the counts of records is SDEI's."""
    counters = dict(summary["counters"])
    counters["read"] -= counters["attempted"]["apf"] - counters["lost"]["apf"]
    return summary | {"counters": counters, "records": summary["records"] - counters["attempted"]["apf"] + counters["lost"]["apf"]}


def compare_figures(name, live):
    other = t.load_summary(os.path.join(OUT, name + ".top.jsonl"))
    ok(f"replay/{name}/another collector counts the same", differences(countable(without_faults(live)), countable(without_faults(other))))
    status, out, err = run(SDEITOP, "report", "--json", rec(name))
    complaints = [f"status {status}: {err.strip()}"] if status or err else []
    report = last_line(out)
    ok(f"replay/{name}/report equals live", complaints + differences(live, report), f"{report.get('records')} records")
    status, out, err = run(SDEITOP, "replay", "--json", rec(name))
    complaints = [f"status {status}: {err.strip()}"] if status or err else []
    ok(f"replay/{name}/replay equals live", complaints + differences(live, last_line(out)))


# the records ----------------------------------------------------------------

def is_sdei(record):
    return record.get("kind", "apf") != "apf"


def by_vcpu(*streams):
    """
    Each vCPU's records in their order. Each collector takes the time itself, so that is left out; and so are page faults
    that a busy host takes long for, of which there are only times.
    """
    found = {}
    for i, stream in enumerate(streams):
        for record in stream:
            if is_sdei(record):
                key = (record["vm"], record["vcpu"])
                found.setdefault(key, tuple([] for _ in streams))[i].append({k: v for k, v in record.items() if k not in ("time_ns", "wall", "duration_ns")})
    return found


def compare_events(name):
    status, out, err = run(SDEITOP, "events", "--json", rec(name))
    complaints = [f"status {status}: {err.strip()}"] if status or err else []
    live = t.load_lines(os.path.join(OUT, name + ".events.jsonl"))
    recorded = [json.loads(line) for line in out.splitlines()]
    times = [r["time_ns"] for r in recorded if "kind" in r]
    complaints += [] if times == sorted(times) else ["not in order of time"]
    for vcpu, (here, there) in by_vcpu(live, recorded).items():
        if here != there:
            at = next((i for i, pair in enumerate(zip(here, there)) if pair[0] != pair[1]), min(len(here), len(there)))
            complaints.append(f"{vcpu}: {len(here)} live, {len(there)} recorded; first difference at {at}: "
                              f"{here[at:at + 1]} {there[at:at + 1]}")
    ok(f"replay/{name}/events equal live", complaints, f"{len(recorded)} records")
    return [r for r in recorded if is_sdei(r)]


# babeltrace2 ----------------------------------------------------------------

EVENT = re.compile(r"^\[(\d+)\] \(\S+\) (?:\S+ )?(\w+): \{[^}]*\}, \{ (.*) \}$")
FIELD = re.compile(r'(\w+) = (?:\( (?:"([^"]*)"|<unknown>) : container = (-?\w+) \)|(-?\w+)|"((?:[^"\\]|\\.)*)")')
LETTERS = "REUPM"


def judged(directory):
    """kind and fields of each record as babeltrace2 reads it."""
    status, out, err = run("babeltrace2", "--clock-cycles", directory)
    complaints = [f"babeltrace2 ended with {status}"] if status else []
    complaints += [f"babeltrace2 says: {line}" for line in err.splitlines()[:3]]
    events = []
    for line in out.splitlines():
        found = EVENT.match(line)
        if not found:
            complaints.append(f"not understood: {line[:120]}")
            break
        fields = {}
        for key, label, container, number, text in FIELD.findall(found[3]):
            fields[key] = (label, int(container, 0)) if container else int(number, 0) if number else text
        events.append((int(found[1]), found[2], fields))
    return complaints, events


def number(value):
    return value[1] if isinstance(value, tuple) else value


def label(value):
    return value[0] if isinstance(value, tuple) else value


def hexed(value):
    return hex(value & 0xffffffffffffffff)


def expected(record):
    """What the line of `sdeitop events -j` says, in the fields of the recording; what a layout leaves out has its implied value."""
    fields = {"vm": record["vm"], "vcpu": record["vcpu"],
              "event": 0xffffffff if record["event"] is None else record["event"],
              "state": sum(1 << i for i, letter in enumerate(LETTERS) if record["state"][i] == letter)}
    for key in ("error", "result"):
        if key in record:
            fields[key] = record[key]
    for key in ("pc", "arg", "ep_addr", "ep_arg"):
        if key in record:
            fields[key] = int(record[key], 16)
    for key in ("outcome", "source", "how", "reason", "place"):
        if key in record:
            fields[key] = record[key].replace("-", "_")
    if "cleared" in record:
        fields["cleared"] = sum(1 << i for i, letter in enumerate(LETTERS) if record["cleared"][i] == letter)
    if "sender" in record:
        fields["sender"] = 0xffffffff if record["sender"] is None else record["sender"]
    if record["kind"] == "smccc":
        fields["duration_ns"] = record["duration_ns"]
        fields["target"] = 0xffffffff if record.get("target") is None else record["target"]
    if record["kind"] == "counter":
        fields.update({key: record[key] for key in ("behind", "hz")})
    if "function_name" in record:
        fields["function"] = int(record["function"], 16) if record["kind"] == "smccc" else record["function_name"]
        fields.update({f"arg{i}": int(value, 16) for i, value in enumerate(record["args"])})
    return fields


IMPLIED = {"event": 0xffffffff, "sender": 0xffffffff}
NAMED = {"outcome", "source", "how", "reason", "place", "function"}


def layout_of(kind):
    return ("kvm_" if kind in ("smccc", "counter") else "kvm_sdei_") + kind


def same_record(record, time, name, fields):
    time = fields.get("time", time)     # one that came late stands behind what was there, with its own time in it
    if name != layout_of(record["kind"]) or time != record["time_ns"]:
        return f"{name} at {time} for {record['kind']} at {record['time_ns']}"
    wanted = expected(record)
    for key in sorted((wanted.keys() | fields.keys()) - {"time"}):
        value = fields.get(key, IMPLIED.get(key, 0))
        value = label(value) if key in NAMED else number(value)
        if key not in wanted or wanted[key] != value:
            return f"{name} at {time}: {key} is {value}, events says {wanted.get(key)}"
    return None


def judge(name, records):
    complaints, events = judged(rec(name))
    events = [e for e in events if e[1].startswith("kvm_sdei_") and e[1] != "kvm_sdei_snapshot" or e[1] in ("kvm_smccc", "kvm_counter")]
    if len(events) != len(records):
        complaints.append(f"babeltrace2 reads {len(events)} records, events {len(records)}")
    for record, event in zip(records, events):
        complaint = same_record(record, *event)
        if complaint:
            complaints.append(complaint)
            break
    ok(f"replay/{name}/babeltrace2 reads the same", complaints, f"{len(events)} records")


# what went wrong --------------------------------------------------------------

def cut_short(recording):
    """Whoever recorded was killed 1.5 s after the guests ended: what is missing is told, and at most the last second is."""
    status, out, err = run(SDEITOP, "events", "--json", recording)
    complaints = [] if status == 5 else [f"status {status} instead of 5"]
    complaints += [] if "no end" in err else [f"nothing about the missing end: {err}"]
    records = [json.loads(line) for line in out.splitlines()]
    gone = [r for r in records if r.get("kind") == "state" and r["reason"] == "destroyed"]
    complaints += [] if gone else [f"the end of the guests, 1.5 s before, is not there; {len(records)} records are"]
    return complaints, f"{len(records)} records"


def check_killed():
    ok("replay/killed recorder", *cut_short(rec("killed")))


DEAD = r"""
cd /out || exit 1
sdeitop record -o dead.rec 2>dead.err & record=$!
until grep -q recording dead.err; do sleep 0.1; done
sdei-guest --vcpus 2 --scenario steady -name guest=dead || exit 1
sleep 1.5
touch now
sleep 300
"""


def check_dead_host():
    """The lab loses its power, so to say, while it records."""
    out = OUT + "-dead"
    shutil.rmtree(out, ignore_errors=True)
    host = lab_start(out, "sh", "-c", DEAD)
    until = time.monotonic() + 120
    while not os.path.exists(os.path.join(out, "now")) and host.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    host.kill()
    said = host.communicate()[0]
    if not os.path.exists(os.path.join(out, "now")):
        ok("replay/killed host", ["nothing was recorded"] + said.splitlines()[-10:])
    else:
        ok("replay/killed host", *cut_short(os.path.join(out, "dead.rec")))


def check_full():
    with open(os.path.join(OUT, "full.status"), encoding="utf-8") as file:
        recorder = file.read().strip()
    with open(os.path.join(OUT, "full.err"), encoding="utf-8") as file:
        said = file.read()
    complaints = [] if recorder == "1" else [f"the recorder ended with {recorder} instead of 1"]
    complaints += [] if "No space left" in said else [f"the recorder did not say why: {said}"]
    status, out, err = run(SDEITOP, "report", "--json", rec("full"))
    complaints += [] if status == 5 else [f"report ended with {status} instead of 5: {err}"]
    report = last_line(out)
    complaints += [] if report.get("records", 0) > 1000 else [f"{report.get('records')} records could be read"]
    ok("replay/full disk", complaints, f"{report.get('records')} records")


def check_rotated():
    files = sorted(f for f in os.listdir(rec("rotated")) if f.startswith("sdei-"))
    complaints = [] if len(files) <= 2 and all(f.endswith(".gz") for f in files) else [f"files: {files}"]
    status, out, err = run(SDEITOP, "report", "--json", rec("rotated"))
    report = last_line(out)
    numbers = [int(f[5:11]) for f in files]
    if numbers and numbers[0] > 0:
        complaints += [] if status == 0 and "rotated away" in err else [f"status {status}: {err}"]
        complaints += [] if report["problems"] else ["the report does not say that the start is gone"]
    else:
        complaints += [f"nothing was rotated away: {files}"]
    misfits = report.get("misfits")
    complaints += [] if misfits == 0 else [f"{misfits} records did not fit the snapshot"]
    ok("replay/rotated and compressed", complaints, f"{report.get('records')} records in {files}")


def bytes_per_record(name):
    """Of a recording's files, heads, snapshots and status included."""
    files = [f for f in os.listdir(rec(name)) if f.startswith("sdei-")]
    report = last_line(run(SDEITOP, "report", "--json", rec(name))[1])
    return sum(os.path.getsize(os.path.join(rec(name), f)) for f in files) / max(report["records"], 1)


def check_sizes():
    sizes = {name: bytes_per_record(name) for name in ["cross", "churn", "killed", "rotated"]}
    most = {name: 5 if name == "rotated" else 17 if name == "churn" else 16 for name in sizes}   # churn: each life of a vCPU has its counter
    complaints = [f"{name}: {sizes[name]:.1f} bytes per record, not {most[name]}" for name in sizes if sizes[name] > most[name]]
    ok("replay/bytes per record", complaints, ", ".join(f"{name} {size:.1f}" for name, size in sizes.items()))


def check_cut():
    """Cut off in the middle: all packets before are read, and what is missing is told."""
    whole, cut = rec("cross"), rec("cut")
    shutil.rmtree(cut, ignore_errors=True)
    shutil.copytree(whole, cut)
    stream = os.path.join(cut, "sdei-000000")
    os.truncate(stream, os.path.getsize(stream) * 2 // 3)
    status, out, err = run(SDEITOP, "events", "--json", cut)
    _, all_of_it, _ = run(SDEITOP, "events", "--json", whole)
    complaints = [] if status == 5 and "cut off" in err else [f"status {status}: {err}"]
    complaints += [] if out and all_of_it.startswith(out) and out != all_of_it else ["what is read is not the beginning of the whole"]
    ok("replay/cut off", complaints, f"{len(out.splitlines())} of {len(all_of_it.splitlines())} records")



def main():
    shutil.rmtree(OUT, ignore_errors=True)
    scenarios = " ".join(f"{name}:{vcpus}" for name, vcpus in SCENARIOS.items())
    status, output = lab(OUT, "sh", "-c", RUN.replace("SCENARIOS", scenarios), timeout=300)
    ok("replay/run", [] if status == 0 else [f"status {status}"] + output.splitlines()[-15:])
    if status:
        return
    for name in SCENARIOS:
        live = t.load_summary(os.path.join(OUT, name + ".live.jsonl"))
        compare_figures(name, live)
        judge(name, compare_events(name))
    check_killed()
    check_dead_host()
    check_full()
    check_rotated()
    check_cut()
    check_sizes()


main()
finish()
