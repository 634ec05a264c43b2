#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Instructions that fixed inputs take, counted by callgrind: the same on every run, however busy the machine is. A limit is about an
eighth above what was counted with gcc 12; whoever exceeds it makes sdeitop slower, or has a reason to raise it here."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from verdict import TOP, finish, make, ok  # noqa: E402

SDEITOP = os.path.join(TOP, "build", "sdeitop")
TOOLS = os.path.join(TOP, "build", "tool", "bench")
RECORDS = 200_000
MANY_VCPUS = 4096
VCPUS, REDRAWS = 2000, 6	# the program does three before it takes the time

# Per record of the whole command; making the records is part of the first one.
LIMITS = {
    "record": 540,
    "report": 745,
    "events": 1800,
    "events -j": 1890,	# each has its wall clock, too
    "replay -j": 900,
    "export --perfetto": 1610,
    "report of many vCPUs": 1740,	# where the model looks ahead
}
REDRAW_LIMIT = 15_200_000	# a third of it within ncurses


def count(command, directory, *options, **kwargs):
    """Instructions of the command."""
    log = os.path.join(directory, "valgrind.log")
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/out", f"--log-file={log}", *options, *command],
                   check=True, **{"stdout": subprocess.DEVNULL, **kwargs})
    with open(log, encoding="utf-8") as text:
        return int(re.search(r"Collected : (\d+)", text.read())[1])


def commands(directory):
    recording = os.path.join(directory, "recording")
    yield "record", [os.path.join(TOOLS, "record_throughput"), recording, str(RECORDS)]
    for name in list(LIMITS)[1:-1]:
        yield name, [SDEITOP, *name.split(), recording]
    many = os.path.join(directory, "many")
    subprocess.run([os.path.join(TOOLS, "record_throughput"), many, str(RECORDS), str(MANY_VCPUS)], check=True, stdout=subprocess.DEVNULL)
    yield "report of many vCPUs", [SDEITOP, "report", many]


def drain(master):
    try:
        while os.read(master, 65536):
            pass
    except OSError:
        pass


def count_redraws(directory):
    """Those of top_draw() alone, on a terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
    reader = threading.Thread(target=drain, args=(master,))
    reader.start()
    counted = count([os.path.join(TOOLS, "screen_redraw"), str(VCPUS), str(REDRAWS - 3)], directory, "--toggle-collect=top_draw",
                    stdin=slave, stdout=slave, stderr=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"})
    os.close(slave)
    reader.join()
    os.close(master)
    return counted / REDRAWS


def judge(name, counted, limit, of):
    complaints = [] if 0 < counted <= limit else [f"{counted:.0f}"]
    ok(f"{name} takes at most {limit} instructions a {of}", complaints, f"{counted:.0f}")


def main():
    make("build/sdeitop", "build/tool/bench/record_throughput", "build/tool/bench/screen_redraw")
    with tempfile.TemporaryDirectory() as directory:
        for name, command in commands(directory):
            judge(name, count(command, directory) / RECORDS, LIMITS[name], "record")
        judge("a redraw", count_redraws(directory), REDRAW_LIMIT, f"time with {VCPUS} vCPUs")
    finish()


if __name__ == "__main__":
    main()
