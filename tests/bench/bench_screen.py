# SPDX-License-Identifier: GPL-2.0-only
"""What a redraw of the live screen takes, on a terminal of usual size and on a large one."""
import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
import threading

from benchlib import QUICK, tell, tool, undisturbed

REDRAWS = 10 if QUICK else 50
ROUNDS = 1 if QUICK else 3
TARGETS = {2000: 2}


def read_all(master, seen):
    """As a terminal does; the number of bytes."""
    try:
        while data := os.read(master, 65536):
            seen.append(len(data))
    except OSError:
        pass


def redraw(vcpus, rows, columns):
    """The best of some runs."""
    return min(run_once(vcpus, rows, columns) for _ in range(ROUNDS))


def run_once(vcpus, rows, columns):
    """Median and worst CPU time, bytes a redraw."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    seen = []
    reader = threading.Thread(target=read_all, args=(master, seen))
    reader.start()
    tell(f"  screen_redraw {vcpus}")
    done = subprocess.run([*undisturbed(), tool("screen_redraw"), str(vcpus), str(REDRAWS)], stdin=slave, stdout=slave, stderr=subprocess.PIPE,
                          check=True, text=True, env={**os.environ, "TERM": "xterm-256color"})
    os.close(slave)
    reader.join()
    os.close(master)
    taken = json.loads(done.stderr)
    return taken["median_ns"] / 1e6, taken["worst_ns"] / 1e6, sum(seen) / REDRAWS


def run(table, _):
    table.add("redraw, 2000 vCPUs, 80x24", redraw(2000, 24, 80)[0], "ms")
    for vcpus in (64, 500, 2000, 8000):
        median, worst, size = redraw(vcpus, 50, 160)
        table.add(f"redraw, {vcpus} vCPUs, 160x50", median, "ms", target=TARGETS.get(vcpus), at_most=True)
        table.point("ms per redraw over vCPUs", vcpus, median)
        if vcpus in TARGETS:
            table.add("  the worst of them", worst, "ms")
            table.add("  to the terminal", size / 1024, "KiB")
