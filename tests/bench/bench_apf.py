# SPDX-License-Identifier: GPL-2.0-only
"""What asynchronous page faults bring a guest: the time until its task has touched all pages, and its other work is done too, if
it is told of page faults and if it is not. In the lab, on arm64, where time counts instructions: the same on every machine."""
import json
import os
import subprocess

from benchlib import QUICK, TOP, Unavailable, need, tell

PAGES = 200
DELAYS_US = (1000,) if QUICK else (50, 200, 1000, 5000)    # from a page's request to its arrival
SHARES = (0, 1) if QUICK else (0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2)   # of other work, in the time that waiting takes
PLOTTED_US = 1000
TASKS = 4               # for what several tasks have of it without any other work
CALIBRATION = 4000      # units of work
NAMES = {"off": "waits for each page", "park": "is told, does something else"}


def in_lab(directory, script):
    need("qemu-system-aarch64", "qemu-system-arm")
    if not os.path.exists(os.path.join(TOP, "build", "arm64", "bin", "sdei-guest")):
        raise Unavailable("sdei-guest is not built (make lab)")
    done = subprocess.run([os.path.join(TOP, "scripts", "lab"), "exec", "--icount", "--cpus", "1", "--timeout", "900", "--out",
                           directory, "--", "sh", "-ec", "cd /out\n" + script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"the lab ended with {done.returncode}: {done.stdout.strip()[-300:]}")


def guest(mode, name, delay, work=0, tasks=1, pages=PAGES):
    return (f"sdei-guest --quiet --apf {mode} --tasks {tasks} --pages {pages // tasks} --delay {delay} "
            f"{f'--work {work}' if work else ''} --truth {name}.json\n")


def vcpu_of(directory, name):
    with open(os.path.join(directory, f"{name}.json"), encoding="utf-8") as file:
        return json.load(file)["vcpus"][0]


def elapsed(directory, name):
    vcpu = vcpu_of(directory, name)
    return (vcpu["ended"] - vcpu["started"]) / 1e9


def calibrate(directory):
    """({delay: seconds of waiting alone}, seconds of a unit of work)"""
    in_lab(directory, guest("off", "work", 1, CALIBRATION, pages=1) + "".join(guest("off", f"wait-{d}", d) for d in DELAYS_US))
    return {d: elapsed(directory, f"wait-{d}") for d in DELAYS_US}, elapsed(directory, "work") / CALIBRATION


def runs(waiting, unit):
    """{(delay, share): units of work}"""
    wanted = [(delay, share) for delay in DELAYS_US for share in (0, 1)] + [(PLOTTED_US, share) for share in SHARES]
    return {(delay, share): round(share * waiting[delay] / unit) for delay, share in wanted}


def compare(table, directory, name, what):
    off, park = (elapsed(directory, f"{mode}-{what}") for mode in NAMES)
    table.add(name, park * 1e3, "ms", off * 1e3, "the guest is not told")
    return off, park


def run(table, directory):
    waiting, unit = calibrate(directory)
    tell(f"  a unit of work takes {unit * 1e6:.0f} us")
    wanted = runs(waiting, unit)
    in_lab(directory, "".join(guest(mode, f"{mode}-{delay}-{share}", delay, work) for mode in NAMES for (delay, share), work in wanted.items()) +
           "".join(guest(mode, f"{mode}-tasks", PLOTTED_US, tasks=TASKS) for mode in NAMES))
    for delay, share in wanted:
        off, park = compare(table, directory, f"{delay} us, {f'work of {share} x that' if share else 'no other work'}", f"{delay}-{share}")
        if delay == PLOTTED_US:
            table.point(NAMES["off"], share, off * 1e3)
            table.point(NAMES["park"], share, park * 1e3)
    compare(table, directory, f"{PLOTTED_US} us, no other work, {TASKS} tasks", "tasks")
    counts = vcpu_of(directory, f"park-{PLOTTED_US}-1")
    table.add("pages that the guest was told of", counts["not_present"], "of pages", counts["touches"], "pages touched")
    table.add("work done while the task was parked", 100 * counts["work_parked"] / counts["work"], "%")
