# SPDX-License-Identifier: GPL-2.0-only
"""From the rings of the CPUs to an updated model: live, on the tracepoint that can be fired at will, and from memory."""
import re

from benchlib import QUICK, Server, Unavailable, need_root, output_of, tool, undisturbed

SECONDS = 0.3 if QUICK else 1
ROUNDS = 1 if QUICK else 4
# Events per second to try, from what the producer can do downwards.
RATES = [0, 10e6, 8e6, 7e6, 6e6, 5e6, 4e6, 3e6, 2e6, 1e6]
MODEL_TARGETS = {64: 25, 4096: 20, 65536: 10}
MEMORY_TARGETS = {"idle, report": 1.5, "busy, report": 3}
IDLE_TARGETS = {1000: 0.3, 100_000: 2}
PLOTTED_RATES = (10_000, 1_000_000, 2_000_000, 4_000_000)


class Live:
    """One run each; keeps what was asked before."""

    def __init__(self, server):
        self.server = server

    def once(self, vcpus, producers, rate, seconds):
        taken = self.server.ask(f"{vcpus} {producers} {int(rate)} {seconds}")
        return {**taken, "rate": taken["events"] * 1e3 / taken["wall_ns"], "ns": taken["reader_ns"] / max(1, taken["records"])}

    def best(self, vcpus, producers, rate, seconds=SECONDS):
        """The first one that loses nothing, else that with the least lost: a machine that others use takes breaks."""
        tries = []
        while len(tries) < ROUNDS and not (tries and not tries[-1]["lost"]):
            tries.append(self.once(vcpus, producers, rate, seconds))
        return min(tries, key=lambda taken: taken["lost"])

    def lossless(self, vcpus, producers):
        """(flat out, the fastest at which nothing was lost)"""
        first = self.best(vcpus, producers, 0)
        for rate in RATES[1:]:
            if not first["lost"]:
                break
            if rate / 1e6 >= first["rate"] / producers:
                continue
            taken = self.best(vcpus, producers, rate)
            if not taken["lost"]:
                return first, taken
        return first, first if not first["lost"] else {"rate": 0, "ns": 0}


def add_lossless(table, name, flat, good, target=None):
    table.add(f"{name}, nothing lost", good["rate"], "M events/s", target=target)
    if flat["lost"]:
        table.add(f"  lost at {flat['rate']:.1f} M events/s", 100 * flat["lost"] / flat["events"], "%")


def bench_rates(table, live):
    one = None
    for vcpus in (1, 64, 4096, 65536):
        flat, good = live.lossless(vcpus, 1)
        add_lossless(table, f"live into a model, {vcpus} vCPUs", flat, good, 10 if vcpus == 64 else None)
        table.add("  reader", flat["ns"], "ns/record")
        table.point("reader ns per record over vCPUs, live", vcpus, flat["ns"])
        one = good if vcpus == 64 else one
    flat, good = live.lossless(64, 2)
    table.add("two CPUs fire, nothing lost", good["rate"], "M events/s", one["rate"], "one CPU fires", 1.3, of_ratio=True)
    if flat["lost"]:
        table.add(f"  lost at {flat['rate']:.1f} M events/s", 100 * flat["lost"] / flat["events"], "%")


def bench_cpu(table, live):
    for rate in sorted([*IDLE_TARGETS, *PLOTTED_RATES]):
        taken = live.once(64, 1, rate, SECONDS * (3 if rate in IDLE_TARGETS else 1))
        share = 100 * taken["reader_ns"] / taken["wall_ns"]
        table.point("reader's CPU (% of one) over events/s, live", rate, share)
        if rate in IDLE_TARGETS:
            table.add(f"CPU at {rate:,} events/s", share, "% of one CPU", target=IDLE_TARGETS[rate], at_most=True)
        if rate == 100_000:
            table.add("record to model, oldest of a drain, median", taken["delay_p50_ns"] / 1e6, "ms")
            table.add("record to model, oldest of a drain, worst", taken["delay_max_ns"] / 1e6, "ms")


def bench_model(table):
    """The best and the worst order of each."""
    rates = {}
    for line in output_of(*undisturbed(), tool("model_throughput")).splitlines():
        vcpus, rate_of = re.search(r"(\d+) vCPUs .*? ([\d.]+) M records/s", line).groups()
        rates.setdefault(int(vcpus), []).append(float(rate_of))
    for vcpus, values in rates.items():
        table.add(f"model from memory, {vcpus} vCPUs", max(values), "M records/s", target=MODEL_TARGETS.get(vcpus))
        table.add("  the worst order of the records", min(values), "M records/s")
        table.point("M records/s over vCPUs, from memory", vcpus, max(values))
        table.point("M records/s over vCPUs, from memory, worst order", vcpus, min(values))


def bench_memory(table):
    """Of a vCPU with one event."""
    for line in output_of(tool("model_memory")).splitlines():
        what, size = re.search(r"(.*): (\d+) bytes", line).groups()
        table.add(f"memory of a vCPU, {what}", int(size) / 1024, "KiB", target=MEMORY_TARGETS.get(what), at_most=True)


def run(table, directory):
    try:
        need_root()
        with Server("live_rate", "model") as server:
            live = Live(server)
            bench_rates(table, live)
            bench_cpu(table, live)
    except Unavailable as error:
        table.lack("live", error)
    if not QUICK:
        bench_model(table)
        bench_memory(table)
