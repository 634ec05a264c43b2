# SPDX-License-Identifier: GPL-2.0-only
"""In the lab, on a real KVM host whose clock counts instructions: what our programs add to an SDEI event and to a KVM exit, and what
the tracepoints themselves do. The figures are instructions, the same on every machine but for some hundredths."""
import os
import subprocess

from benchlib import HERE, TOP, Unavailable, need, tell

TIMES = 20000		# MORE - LESS of lab.sh


def lab(directory, kernel, *arguments):
    """{(name, what): instructions each, of starts in millions}"""
    need("qemu-system-aarch64", "qemu-system-arm")
    with open(os.path.join(HERE, "lab.sh"), encoding="utf-8") as file:
        script = file.read()
    tell(f"  lab, {kernel} kernel")
    done = subprocess.run([os.path.join(TOP, "scripts", "lab"), "exec", "--icount", "--cpus", "1", "--kernel", kernel, "--timeout", "300",
                           "--out", os.path.join(directory, "out"), "--", "sh", "-c", script, "sh", *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    lines = [line.split() for line in done.stdout.splitlines()]
    if done.returncode or not lines or any(len(line) != 3 or line[0] == "failed" for line in lines):
        raise Unavailable((done.stderr or done.stdout).strip()[-200:] or "the lab said nothing")
    return {(name, what): int(took) / (1e6 if what == "start" else TIMES) for name, what, took in lines}


def run(table, directory):
    done = subprocess.run(["make", "-s", "--no-print-directory", "-C", TOP, "lab"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"make lab: {done.stderr.strip()[-200:]}")
    took = lab(directory, "tracepoints")
    event, exit_ = (min(took["nothing", what], took["again", what]) for what in ("event", "exit"))
    table.add("an SDEI event, tracepoints disabled", event, "instructions")
    table.add("  counted once more", took["again", "event"], "instructions", took["nothing", "event"], "the first time", of_ratio=True)
    ftrace = took["ftrace", "event"] - event
    table.add("added by ftrace's own records", ftrace, "instructions")
    for name, what in (("sdeitop", "added by sdeitop"), ("no-calls", "added by sdeitop --no-calls"), ("sched", "added by sdeitop --sched")):
        table.add(what, took[name, "event"] - event, "instructions", ftrace if name == "sdeitop" else None, "ftrace's own records")
    table.add("sdeitop state of 1,000 vCPUs, start to end", took["many", "start"], "M instructions", took["none", "start"], "without VMs")
    try:
        stock = lab(directory, "stock", "stock")["nothing", "exit"]
    except Unavailable as error:
        stock = None
        table.lack("a KVM exit of a stock kernel", error)
    table.add("a KVM exit, tracepoints disabled", exit_, "instructions", stock, "stock kernel")
    table.add("added by sdeitop", took["sdeitop", "exit"] - exit_, "instructions")
    table.add("added by sdeitop --sched", took["sched", "exit"] - exit_, "instructions")
