# SPDX-License-Identifier: GPL-2.0-only
"""In the lab, on a real KVM host whose clock counts instructions: what our programs add to an SDEI event and to a KVM exit, and what
the tracepoints themselves do. The figures are instructions, the same on every machine but for some hundredths. On x86, where the
lab has no such clock, a plugin of QEMU counts them between marks that the guest sets."""
import os

from benchlib import Unavailable, lab_lines, tool

TIMES = 20000		# MORE - LESS of lab.sh
TIMES_X86 = 10000	# of lab-x86.sh
MARKS = ("fault", "cpuid", "msr", "device")	# between two marks each: tests/lab/guest-x86/layout.h


def lab(directory, kernel, *arguments):
    """{(name, what): instructions each}"""
    lines = lab_lines(directory, "lab.sh", *arguments, kernel=kernel)
    if any(len(line) != 3 or line[0] == "failed" for line in lines):
        raise Unavailable(" ".join(lines[-1]))
    return {(name, what): int(took) / TIMES for name, what, took in lines}


def lab_x86(directory):
    """The same of the x86 lab."""
    marks = os.path.join(directory, "marks")
    names = lab_lines(directory, "lab-x86.sh", str(TIMES_X86), options=("--arch", "x86_64", "--plugin", f"{tool('count.so')},to={marks}"))
    with open(marks, encoding="utf-8") as file:
        counts = [int(line.split()[1]) for line in file]
    each = len(MARKS) + 1
    if any(len(line) != 1 for line in names) or len(counts) != len(names) * each:
        raise Unavailable(f"{len(counts)} marks, and: " + "; ".join(" ".join(line) for line in names))
    return {(name, what): (counts[run * each + i + 1] - counts[run * each + i]) / TIMES_X86
            for run, (name,) in enumerate(names) for i, what in enumerate(MARKS)}


def add_added(table, took, what, name):
    nothing = min(took["nothing", what], took["again", what])
    table.add(name, nothing, "instructions")
    table.add("  counted once more", took["again", what], "instructions", took["nothing", what], "the first time", of_ratio=True)
    table.add("  added by sdeitop", took["sdeitop", what] - nothing, "instructions")


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
    add_added(table, took, "fault", "a page fault")
    try:
        took = lab_x86(directory)
    except Unavailable as error:
        table.lack("x86", error)
        return
    for what, name in (("fault", "x86: a page fault"), ("cpuid", "x86: an exit for CPUID"), ("msr", "x86: an exit to set an MSR"),
                       ("device", "x86: an exit to read a device")):
        add_added(table, took, what, name)
