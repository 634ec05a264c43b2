# SPDX-License-Identifier: GPL-2.0-only
"""What an event costs the CPU that it happens on: our programs, and what people would use instead, on the same tracepoint."""
import re
import subprocess
import time

from benchlib import QUICK, Peer, Server, Unavailable, need_root

POINT = "bpf_test_run:bpf_trigger_tp"
CPU = "1"		# not the first one, where bpftrace's own event makes everything dearer
ROUNDS = 1 if QUICK else 3
FLAT_OUT_S = 1
NOTICED = 1.25		# an attached tracer costs so many times nothing
OURS = {"empty": "an empty program", "stamp": "a program that takes the time", "bare": "a 64-byte record, time, ring",
        "signal": "signal", "dispatch": "dispatch", "call": "call"}
LATENCY = (f"tracepoint:{POINT} {{ if ((args->nonce & 1) == 0) {{ @s[args->nonce >> 1] = nsecs; }} else "
           "{ @ = hist(nsecs - @s[args->nonce >> 1]); delete(@s[args->nonce >> 1]); } }")
PERF = ["perf", "record", "-a", "-m", "64M", "-e", POINT, "-o", "perf.data"]
TRACE_CMD = ["trace-cmd", "record", "-b", "65536", "--compression", "none", "-e", POINT, "-o", "trace.dat", "cat"]
PEERS = {
    "bpftrace, count": ["bpftrace", "-e", f"tracepoint:{POINT} {{ @ = count(); }}"],
    "bpftrace, histogram": ["bpftrace", "-e", f"tracepoint:{POINT} {{ @ = hist(args->nonce); }}"],
    "bpftrace, latency script": ["bpftrace", "-e", LATENCY],
    "perf record": PERF,
    "trace-cmd record": TRACE_CMD,
}
TARGETS = {"bpftrace, latency script": 0.70, "trace-cmd record": 1.10}


def cost(server, program):
    return server.ask(program)["ns"]


def wait_attached(server, nothing):
    for _ in range(60):
        if cost(server, "-") > NOTICED * nothing:
            time.sleep(1)	# perf hears of an event before it takes any
            return
        time.sleep(0.1)
    raise Unavailable("it did not attach")


def cost_of_peer(server, command, nothing, directory):
    with Peer(command, directory) as peer:
        try:
            wait_attached(server, nothing)
        except Unavailable as error:
            raise Unavailable(f"{error}: {peer.stop().strip()[-200:]}") from error
        taken = min(cost(server, "-") for _ in range(ROUNDS))
        peer.stop()
    return taken


def sampled_by_perf(directory):
    text = subprocess.run(["perf", "report", "--stats", "-i", "perf.data"], cwd=directory, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout
    return int(re.search(r"SAMPLE events: +(\d+)", text)[1])


def lost_by_trace_cmd(directory):
    text = subprocess.run(["trace-cmd", "report", "--stat", "trace.dat"], cwd=directory, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout
    return sum(int(n) for n in re.findall(r"^(?:overrun|dropped events): (\d+)", text, re.M))


def flat_out(server, name, nothing, directory):
    """Events per second that a recorder is exposed to, and which share of them it loses."""
    with Peer(PEERS[name], directory) as peer:
        wait_attached(server, nothing)
        fired = server.ask(f"+ {FLAT_OUT_S}")
        peer.stop()
    if name == "perf record":
        lost = max(0, fired["fired"] - sampled_by_perf(directory))
    else:
        lost = lost_by_trace_cmd(directory)
    return fired["fired"] * 1e3 / fired["wall_ns"], lost / fired["fired"]


def run(table, directory):
    need_root()
    with Server("live_cost", CPU) as server:
        nothing = min(cost(server, "-") for _ in range(3))
        ours = {name: min(cost(server, name) for _ in range(ROUNDS)) for name in OURS}
        hottest = max(ours["signal"], ours["dispatch"])
        peers = {}
        for name, command in PEERS.items():
            try:
                peers[name] = cost_of_peer(server, command, nothing, directory)
            except Unavailable as error:
                table.lack(name, error)
            hottest = min(hottest, max(cost(server, "signal"), cost(server, "dispatch")))
        table.add("tracepoint that is fired, no tracer", nothing, "ns/event")
        for name in ("empty", "stamp", "bare"):
            table.add(OURS[name], ours[name], "ns/event")
        table.add("our program for calls", ours["call"], "ns/event", ours["bare"], "a 64-byte record, time, ring")
        table.add("our hottest program (signal, dispatch)", hottest, "ns/event", ours["bare"], "a 64-byte record, time, ring", 1.10,
                  of_ratio=True, at_most=True)
        for name, taken in peers.items():
            table.add("our hottest program", hottest, "ns/event", taken, name, TARGETS.get(name), of_ratio=True, at_most=True)
        for name in ("perf record", "trace-cmd record"):
            if name not in peers or QUICK:
                continue
            rate, lost = flat_out(server, name, nothing, directory)
            table.add(f"{name}: events as fast as can be", rate, "M events/s")
            table.add(f"{name}: lost of these", 100 * lost, "%")
