# SPDX-License-Identifier: GPL-2.0-only
"""Reading recordings of 10 million records: our commands, babeltrace2 on the same files, and others on as many events of theirs."""
import json
import os
import shutil

from bench_bpf import CPU, PEERS, wait_attached
from benchlib import QUICK, SDEITOP, Peer, Server, Unavailable, measure, need, need_root, output_of, tool

RECORDS = 500_000 if QUICK else 10_000_000
LENGTHS = [] if QUICK else [1_250_000, 2_500_000, 5_000_000]
ROUNDS = 1 if QUICK else 3
BEGIN_S = 1767225600 + 4321	# of what record_throughput makes, by the wall clock
MANY_VCPUS = 4096
SPAN_S = RECORDS * 2e-6
COMMANDS = (
    ("report", ["report"], "babeltrace2 dummy", 5),
    ("report --html", ["report", "--html", "/dev/null"], "babeltrace2 dummy", None),
    ("events, text", ["events"], "babeltrace2 text", 3),
    ("events, JSON", ["events", "-j"], "babeltrace2 text", None),
    ("replay -j, to its end", ["replay", "-j"], "babeltrace2 dummy", None),
    ("export, perfetto", ["export", "--perfetto", "-o", "/dev/null"], "babeltrace2 dummy", None),
)


def rate(taken):
    """As fast as whoever waits for it sees it."""
    return RECORDS / 1e6 / taken["wall_s"]


def add_memory(table, name, taken, target=None):
    table.add(f"{name}: peak memory", taken["peak_kib"] / 1024, "MiB", target=target, at_most=True)


def bench_ours(table, directory):
    peers, taken = {}, {}
    try:
        need("babeltrace2")
        peers = {"babeltrace2 dummy": measure("babeltrace2", directory, "-o", "dummy", rounds=min(2, ROUNDS)),
                 "babeltrace2 text": measure("babeltrace2", directory)}
    except Unavailable as error:
        table.lack("babeltrace2", error)
    for name, arguments, peer, target in COMMANDS:
        taken[name] = measure(SDEITOP, *arguments, directory, rounds=ROUNDS)
        table.add(name, rate(taken[name]), "M records/s", rate(peers[peer]) if peer in peers else None, peer, target, of_ratio=True)
        if name == "report":
            table.add("report, the rate alone", rate(taken[name]), "M records/s", target=20)
            table.add("report: CPU time", taken[name]["cpu_s"] * 1e9 / RECORDS, "ns/record")
        add_memory(table, name, taken[name], 64)
    for name, one in peers.items():
        add_memory(table, name, one)
    return taken["report"], taken["events, text"]


def bench_many(table, directory):
    """Each record is of any of thousands of vCPUs, whose figures are in no cache."""
    output_of(tool("record_throughput"), directory, str(RECORDS), str(MANY_VCPUS))
    taken = measure(SDEITOP, "report", directory, rounds=ROUNDS)
    table.add(f"report, {MANY_VCPUS} vCPUs in any order", rate(taken), "M records/s", target=15)
    add_memory(table, f"report, {MANY_VCPUS} vCPUs in any order", taken)


def bench_seek(table, directory):
    """A tenth of a second of the middle."""
    begin = SPAN_S / 2
    ours = measure(SDEITOP, "events", "--since", f"{begin:.0f}s", "--until", f"{begin:.0f}.1s", directory, rounds=ROUNDS)
    shown = measure(SDEITOP, "replay", "-b", "-n", "1", "--since", f"{begin:.0f}s", directory, rounds=ROUNDS)
    theirs = None
    if shutil.which("babeltrace2"):
        theirs = measure("babeltrace2", f"--begin={BEGIN_S + begin:.0f}", f"--end={BEGIN_S + begin:.0f}.1", directory)["wall_s"] * 1e3
    table.add("events, 0.1 s from the middle", ours["wall_s"] * 1e3, "ms", theirs, "babeltrace2 text", of_ratio=True, at_most=True)
    table.add("replay, to the middle and one interval", shown["wall_s"] * 1e3, "ms")


def bench_compressed(table, directory):
    packed = directory + ".compressed"
    output_of(SDEITOP, "export", "--ctf", "--compress", "-o", packed, directory)
    table.add("report, compressed", rate(measure(SDEITOP, "report", packed, rounds=ROUNDS)), "M records/s", target=20)
    shutil.rmtree(packed)


def bench_lengths(table, directory, report):
    for length in [*LENGTHS, RECORDS]:
        taken = report
        if length != RECORDS:
            path = os.path.join(directory, "shorter")
            output_of(tool("record_throughput"), path, str(length))
            taken = measure(SDEITOP, "report", path, rounds=ROUNDS)
            shutil.rmtree(path)
        table.point("report: CPU s over records", length, taken["cpu_s"])
        table.point("report: peak MiB over records", length, taken["peak_kib"] / 1024)


def record_theirs(name, events, rate_, directory):
    """What that recorder costs the CPU where it happens, ns/event; its file is in the directory."""
    with Server("live_cost", CPU) as server:
        nothing = server.ask("-")["ns"]
        with Peer(PEERS[name], directory) as peer:
            wait_attached(server, nothing)
            cost = server.ask("-")["ns"]
            server.ask(f"+ {events / rate_} {rate_}")
            peer.stop()
    return cost


def bench_theirs(table, directory, report, text):
    """The tracepoint that is fired has one field, ours have six: the others have the easier task."""
    for recorder, events_per_s, readers in (
            ("trace-cmd record", 4e6, [("trace-cmd report", ["trace-cmd", "report", "trace.dat"], "events, text", text)]),
            ("perf record", 1e6, [("perf script", ["perf", "script", "-i", "perf.data"], "events, text", text),
                                  ("perf report", ["perf", "report", "--stdio", "-i", "perf.data"], "report", report)])):
        try:
            cost = record_theirs(recorder, RECORDS, events_per_s, directory)
        except Unavailable as error:
            table.lack(recorder, error)
            continue
        here = os.getcwd()
        os.chdir(directory)
        for name, command, our_name, ours in readers:
            taken = measure(*command)
            table.add(our_name, rate(ours), "M records/s", rate(taken), name, 5 if our_name == "report" else None, of_ratio=True)
            add_memory(table, name, taken)
            if recorder == "trace-cmd record":
                bench_whole(table, cost + taken["cpu_s"] * 1e9 / RECORDS)
        size = os.path.getsize("trace.dat" if recorder == "trace-cmd record" else "perf.data")
        os.chdir(here)
        table.add(f"{recorder}: file", size / RECORDS, "bytes/event")


def bench_whole(table, theirs):
    """All CPU time up to the updated histogram; that of trace-cmd's recording threads is not counted."""
    with Server("live_rate", "model") as server:
        taken = server.ask(f"64 1 {2e6:.0f} 1")
    ours = (taken["producer_ns"] + taken["reader_ns"]) / taken["events"]
    table.add("event to histogram, all CPU", ours, "ns/event", theirs, "trace-cmd record + report", 0.10, of_ratio=True, at_most=True)


def run(table, directory):
    recording = os.path.join(directory, "recording")
    json.loads(output_of(tool("record_throughput"), recording, str(RECORDS)))
    report, text = bench_ours(table, recording)
    bench_compressed(table, recording)
    bench_seek(table, recording)
    shutil.rmtree(recording)
    bench_many(table, recording)
    shutil.rmtree(recording)
    bench_lengths(table, directory, report)
    try:
        need_root()
        bench_theirs(table, directory, report, text)
    except Unavailable as error:
        table.lack("trace-cmd report, perf script", error)
