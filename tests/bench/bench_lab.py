# SPDX-License-Identifier: GPL-2.0-only
"""In the lab, on a real KVM host whose clock counts instructions: what our programs add to an SDEI event and to a KVM exit, and what
the tracepoints themselves do. The figures are instructions, the same on every machine but for some hundredths."""
from benchlib import Unavailable, lab_lines

TIMES = 20000		# MORE - LESS of lab.sh


def lab(directory, kernel, *arguments):
    """{(name, what): instructions each}"""
    lines = lab_lines(directory, "lab.sh", *arguments, kernel=kernel)
    if any(len(line) != 3 or line[0] == "failed" for line in lines):
        raise Unavailable(" ".join(lines[-1]))
    return {(name, what): int(took) / TIMES for name, what, took in lines}


def run(table, directory):
    took = lab(directory, "tracepoints")
    event, exit_, call = (min(took["nothing", what], took["again", what]) for what in ("event", "exit", "call"))
    table.add("an SDEI event, tracepoints disabled", event, "instructions")
    table.add("  counted once more", took["again", "event"], "instructions", took["nothing", "event"], "the first time", of_ratio=True)
    ftrace = took["ftrace", "event"] - event
    table.add("added by ftrace's own records", ftrace, "instructions")
    for name, what in (("sdeitop", "added by sdeitop"), ("no-calls", "added by sdeitop --no-calls"), ("sched", "added by sdeitop --sched")):
        table.add(what, took[name, "event"] - event, "instructions", ftrace if name == "sdeitop" else None, "ftrace's own records")
    try:
        stock = lab(directory, "stock", "stock")["nothing", "exit"]
    except Unavailable as error:
        stock = None
        table.lack("a KVM exit of a stock kernel", error)
    table.add("a KVM exit, tracepoints disabled", exit_, "instructions", stock, "stock kernel")
    table.add("added by sdeitop", took["sdeitop", "exit"] - exit_, "instructions")
    table.add("added by sdeitop --sched", took["sched", "exit"] - exit_, "instructions")
    table.add("a call that turns a vCPU on, tracepoints disabled", call, "instructions")
    table.add("added by sdeitop, which records it", took["sdeitop", "call"] - call, "instructions")
