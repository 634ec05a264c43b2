#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Judges what sdeitop export writes: DIR has the files perfetto, chrome and csv of the same records.

check_export.py DIR [DISPATCHED DROPPED [FROM_NS [FAULTS]]]

Decodes them independently of the code under test and complains if a file is malformed, if slices of a track overlap
or are not closed, if names are not told before they are used, or if the three tell different things.
DISPATCHED and DROPPED are the numbers of dispatches and dropped signals in the records, FAULTS that of page faults that
ended ('-': unknown).
"""
import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from decimal import Decimal

BLAMES = ("masked", "disabled", "blocked", "entry", "descheduled", "in_guest", "in_host")
COLUMNS = ["kind", "vm", "instance", "name", "vcpu", "event", "start_ns", "end_ns", "duration_ns", "outcome", "signals",
           "blocked_by"] + [name + "_ns" for name in BLAMES]
OUTCOMES = {"pending": {"dispatched", "cancelled", "cleared", "lost", "open"},
            "handler": {"completed", "resumed", "cleared", "lost", "open"},
            "mask": {"unmasked", "cleared", "lost", "open"},
            "initial_mask": {"unmasked", "cleared", "lost", "open"}}
DROPS = ("coalesced", "rejected", "cancelled", "cleared")
STAGES = ("signal", "dispatch", "handler", "wait", "page", "present")
BEGIN, END, INSTANT, COUNTER = 1, 2, 3, 4
complaints = []


def expect(holds, text):
    if not holds:
        complaints.append(text)


def fault(vm, vcpu, name, begin, end, args):
    """A whole page fault, as a format with tracks has it."""
    kind = "sync" if name.startswith("synchronous") else "total"
    stages = tuple((stage, args[stage + "_ns"]) for stage in STAGES if stage + "_ns" in args)
    worker = [ns for stage, ns in stages if stage in ("wait", "page", "present")]
    expect(kind == "total" or not stages, f"stages of a {name}")
    expect(len(worker) < 3 or sum(worker) == end - begin, f"the worker's stages {worker} are not all of {begin} to {end}")
    return vm, vcpu, kind, begin, end, args.get("outcome", ""), stages


# --- protobuf

def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def message(data):
    """{field: [values]}; bytes for what has a length."""
    fields, at = defaultdict(list), 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
            if len(value) != size:
                raise ValueError(f"field {tag >> 3} is cut off")
        else:
            raise ValueError(f"wire type {tag & 7} of field {tag >> 3}")
        fields[tag >> 3].append(value)
    return fields


def one(fields, number, default=None):
    values = fields.get(number, [])
    expect(len(values) <= 1, f"field {number} more than once")
    return values[0] if values else default


# --- perfetto

class Perfetto:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        self.names, self.args, self.tracks, self.pids = {}, {}, {}, {}
        self.open, self.ends, self.stamps = {}, defaultdict(int), []
        self.slices, self.instants, self.counters, self.clocks = [], Counter(), defaultdict(list), []
        self.faults = []
        self.types = Counter()
        trace = message(self.data)
        expect(set(trace) <= {1}, f"a trace is packets: {list(trace)}")
        for number, packet in enumerate(trace[1]):
            self.take(number, message(packet))
        expect(not self.open, f"{len(self.open)} slices are not closed")

    def take(self, number, packet):
        expect(one(packet, 10) == 1, "a packet without its sequence")
        flags = one(packet, 13)
        expect(flags == (3 if number == 0 else 2), f"packet {number} has flags {flags}")
        if number == 0:
            expect(one(message(one(packet, 59)), 58) == 3, "default clock is not CLOCK_MONOTONIC")
        if 12 in packet:
            self.intern(message(one(packet, 12)))
        if 6 in packet:
            self.snapshot(message(one(packet, 6)))
        if 60 in packet:
            self.track(message(one(packet, 60)))
        if 11 in packet:
            expect(self.clocks, "a time before the first clock")
            self.event(one(packet, 8), message(one(packet, 11)))

    def intern(self, data):
        for field, names in ((2, self.names), (3, self.args)):
            for entry in data[field]:
                entry = message(entry)
                expect(one(entry, 1) not in names, f"name {one(entry, 1)} is told twice")
                names[one(entry, 1)] = one(entry, 2).decode("utf-8")

    def snapshot(self, data):
        clocks = {one(clock, 1): one(clock, 2) for clock in map(message, data[1])}
        expect(set(clocks) == {1, 3} and one(data, 2) == 3, f"clocks {clocks}")
        self.clocks.append((clocks[3], clocks[1]))

    def track(self, data):
        uuid, parent = one(data, 1), one(data, 5)
        expect(uuid not in self.tracks, f"track {uuid} is told twice")
        expect(parent is None or parent in self.tracks, f"track {uuid} before its parent")
        if 3 in data:
            process = message(one(data, 3))
            name, pid = one(process, 6).decode("utf-8"), one(process, 1)
            expect(pid not in self.pids and pid < 1 << 31, f"pid {pid} twice, or none")
            self.pids[pid] = uuid
        else:
            name = one(data, 2).decode("utf-8")
        expect(not re.search(r"[\x00-\x1f\x7f\u202e]", name), f"track {name!r} is not harmless")
        self.tracks[uuid] = (name, parent, 8 in data)

    def path(self, uuid):
        names = []
        while uuid is not None:
            names.insert(0, self.tracks[uuid][0])
            uuid = self.tracks[uuid][1]
        return tuple(names)

    def event(self, time, data):
        kind, uuid = one(data, 9), one(data, 11)
        self.types[kind] += 1
        expect(uuid in self.tracks, f"track {uuid} is not told of")
        expect(self.tracks[uuid][2] == (kind == COUNTER), f"event of type {kind} on {self.path(uuid)}")
        self.stamps.append(time)
        if kind == COUNTER:
            self.counters[self.path(uuid)].append((time, one(data, 30)))
            return
        args = {}
        for arg in map(message, data[4]):
            value = [values[0] for field, values in arg.items() if field != 1]
            expect(len(value) == 1, "an argument without a value")
            args[self.args[one(arg, 1)]] = value[0].decode() if isinstance(value[0], bytes) else value[0]
        name = self.names[one(data, 10)] if kind != END else None
        if kind == BEGIN:
            expect(uuid not in self.open and time >= self.ends[uuid], f"overlap on {self.path(uuid)} at {time}")
            self.open[uuid] = (time, name, args)
        elif kind == END:
            begin, name, args = self.open.pop(uuid)
            expect(begin <= time, f"ends before it begins: {self.path(uuid)} at {begin}")
            self.ends[uuid] = time
            if name.endswith("page fault"):
                vm, vcpu, track = self.path(uuid)
                expect(track.startswith("page faults"), f"{name} on {track}")
                self.faults.append(fault(vm.split()[1], vcpu.split()[1], name, begin, time, args))
            else:
                self.slices.append(self.slice(self.path(uuid), name, args, begin, time))
        else:
            expect(kind == INSTANT, f"type {kind}")
            self.instants[(self.path(uuid), time, name, tuple(sorted((k, str(v)) for k, v in args.items())))] += 1

    @staticmethod
    def slice(path, name, args, begin, end):
        vm, vcpu, track = path
        if name.startswith("masked"):
            expect(track == "PE mask", f"a mask on {path}")
            kind, event = "mask" if name == "masked" else "initial_mask", ""
        elif name == "pending":
            event = str(args["event"])
            expect(track == f"event {event} pending", f"pending on {path}")
            kind = "pending"
        else:
            event = str(args["event"])
            expect(name == f"event {event}" and "handler" in track, f"{name} on {path}")
            kind = "handler"
        blame = tuple(args.get(name + "_ns", 0) for name in BLAMES)
        return vm.split()[1], vcpu.split()[1], event, kind, begin, end, args["outcome"], str(args.get("signals", "")), blame

    def protoc(self, proto):
        """The same by a decoder that knows the types."""
        if not shutil.which("protoc"):
            return
        call = ["protoc", "--decode=Trace", f"--proto_path={os.path.dirname(proto)}", os.path.basename(proto)]
        done = subprocess.run(call, input=self.data, capture_output=True, check=False)
        text = done.stdout.decode("utf-8")
        expect(done.returncode == 0, f"protoc: {done.stderr.decode()}")
        expect(not re.search(r"^\s*\d+[:{ ]", text, re.M), "a field that is not Perfetto's, or of another type")
        for number, name in ((BEGIN, "SLICE_BEGIN"), (END, "SLICE_END"), (INSTANT, "INSTANT"), (COUNTER, "COUNTER")):
            expect(text.count(f"type: TYPE_{name}\n") == self.types[number], f"protoc sees other numbers of {name}")


# --- chrome

def nanoseconds(value):
    ns = value * 1000
    expect(ns == int(ns), f"{value} us are no whole ns")
    return int(ns)


class Chrome:
    def __init__(self, path):
        with open(path, "r", encoding="utf-8") as file:
            self.trace = json.load(file, parse_float=Decimal)
        self.processes, self.threads = {}, {}
        self.slices, self.instants, self.counters, self.faults = [], Counter(), 0, []
        self.open, self.ends = {}, defaultdict(int)
        for event in self.trace["traceEvents"]:
            getattr(self, "on_" + event["ph"])(event)
        expect(not self.open, f"{len(self.open)} async events are not closed")

    def on_M(self, event):
        if event["name"] == "process_name":
            expect(event["pid"] not in self.processes, "a process twice")
            self.processes[event["pid"]] = event["args"]["name"]
        else:
            self.threads[(event["pid"], event["tid"])] = event["args"]["name"]

    def on_b(self, event):
        time, lane = nanoseconds(event["ts"]), event["id"]
        expect(lane not in self.open and time >= self.ends[lane], f"overlap on {lane} at {time}")
        self.open[lane] = event

    def on_e(self, event):
        begin, lane = self.open.pop(event["id"]), event["id"]
        for key in ("cat", "name", "pid", "tid"):
            expect(begin[key] == event[key], f"{key} differs at the end of {begin}")
        end, args = nanoseconds(event["ts"]), begin["args"]
        self.ends[lane] = end
        vm, vcpu = self.processes[event["pid"]].split()[1], self.threads[(event["pid"], event["tid"])].split()[1]
        expect(begin["name"].startswith(f"vCPU {vcpu} "), f"name {begin['name']} on vCPU {vcpu}")
        if begin["name"].endswith("page fault"):
            name = begin["name"].split(" ", 2)[2]
            self.faults.append(fault(vm, vcpu, name, nanoseconds(begin["ts"]), end, args))
            return
        kind = begin["name"].split()[-1]
        if kind == "mask" and args["initial"]:
            kind = "initial_mask"
        blame = tuple(args.get(name + "_ns", 0) for name in BLAMES)
        self.slices.append((vm, vcpu, str(args.get("event", "")), kind, nanoseconds(begin["ts"]), end, args["outcome"],
                            str(args.get("signals", "")), blame))

    def on_i(self, event):
        expect((event["pid"], event["tid"]) in self.threads, f"instant on an unknown thread: {event}")
        self.instants[(nanoseconds(event["ts"]), event["name"])] += 1

    def on_C(self, event):
        expect(isinstance(event["args"]["count"], int), f"counter {event}")
        self.counters += 1


# --- csv

def read_csv(path):
    with open(path, "r", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    expect(rows and rows[0] == COLUMNS, f"header {rows[:1]}")
    slices, faults = [], []
    for row in rows[1:]:
        expect(len(row) == len(COLUMNS), f"{len(row)} columns: {row}")
        r = dict(zip(COLUMNS, row))
        if r["kind"].startswith("fault_"):
            expect(not r["event"] and not r["signals"], f"a fault with an event: {r}")
            faults.append((r["vm"], r["vcpu"], r["kind"][6:], int(r["start_ns"]), int(r["end_ns"]), r["outcome"]))
        else:
            expect(r["outcome"] in OUTCOMES[r["kind"]], f"{r['kind']} {r['outcome']}")
        expect(int(r["start_ns"]) + int(r["duration_ns"]) == int(r["end_ns"]), f"duration of {r}")
        expect(not re.search(r"[\x00-\x1f\x7f]", r["name"]) and r["name"][:1] not in "=+-@" or not r["name"], f"name {r['name']!r}")
        blame = tuple(int(r[name + "_ns"] or 0) for name in BLAMES)
        expect(not r["signals"] or sum(blame) == int(r["duration_ns"]), f"blame does not sum to the duration: {r}")
        expect(bool(r["signals"]) <= (r["kind"] == "pending"), f"blame of a {r['kind']}")
        if r["kind"].startswith("fault_"):
            continue
        slices.append((r["vm"], r["vcpu"], r["event"], r["kind"], int(r["start_ns"]), int(r["end_ns"]), r["outcome"],
                       r["signals"], blame))
    return slices, faults


def compare(what, a, b):
    a, b = Counter(a), Counter(b)
    for difference in list((a - b).items())[:3]:
        complaints.append(f"{what}: only the first has {difference}")
    for difference in list((b - a).items())[:3]:
        complaints.append(f"{what}: only the second has {difference}")


def check_faults(perfetto, chrome, lines, number):
    """lines: each stage a line of its own."""
    compare("faults of perfetto and chrome", perfetto, chrome)
    compare("faults of csv and perfetto", [line for line in lines if line[2] in ("total", "sync")], [f[:6] for f in perfetto])
    stages = Counter((line[:3], line[4] - line[3]) for line in lines)
    told = Counter(((f[0], f[1], stage), ns) for f in perfetto for stage, ns in f[6])
    for difference in list((told - stages).items())[:3]:
        complaints.append(f"stages: only perfetto has {difference}")
    totals = sum(1 for f in perfetto if f[2] == "total")
    expect(number is None or totals == number, f"{totals} faults, {number} in the records")


def check(directory, dispatched=None, dropped=None, from_ns=0, faults=None):
    """Complaints about the files in directory."""
    complaints.clear()
    perfetto = Perfetto(os.path.join(directory, "perfetto"))
    perfetto.protoc(os.path.join(os.path.dirname(os.path.abspath(__file__)), "export.proto"))
    chrome = Chrome(os.path.join(directory, "chrome"))
    lines, stages = read_csv(os.path.join(directory, "csv"))
    compare("csv and perfetto", lines, perfetto.slices)
    compare("csv and chrome", lines, chrome.slices)
    check_faults(perfetto.faults, chrome.faults, stages, faults)
    short = Counter()
    for (_, time, name, _), count in perfetto.instants.items():
        short[(time, name)] += count
    compare("instants of perfetto and chrome", short, chrome.instants)
    expect(sum(map(len, perfetto.counters.values())) == chrome.counters, "other numbers of counts")
    expect(all(end >= from_ns for *_, end, _, _, _ in lines), "a slice from before the range")
    expect(all(time >= from_ns for time, _ in short if _ in DROPS), "an instant from before the range")
    seen = sum(1 for line in lines if line[6] == "dispatched")
    expect(dispatched is None or seen == dispatched, f"{seen} dispatched, {dispatched} in the records")
    drops = sum(count for (_, name), count in short.items() if name in DROPS)
    expect(dropped is None or drops == dropped, f"{drops} drops, {dropped} in the records")
    return list(complaints)


def main():
    numbers = [None if word == "-" else int(word) for word in sys.argv[2:]]
    found = check(sys.argv[1], *numbers)
    for complaint in found[:20]:
        print(f"# {complaint}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
