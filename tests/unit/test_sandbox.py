#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The commands that read a recording are shut in while they read it, unless they are told not to be."""
import os
import subprocess
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SDEITOP = os.path.join(TOP, "build", "sdeitop")
RECORDING = os.path.join(TOP, "tests", "data", "recording-1")
HOST, GUEST = (os.path.join(TOP, "tests", "data", f"recording-{side}") for side in ("host", "guest"))
COMMANDS = [["report"], ["report", "--all"], ["report", "-j"], ["replay", "-b"], ["replay", "-j"], ["events"], ["restore"], ["restore", "-j"],
            ["export", "--perfetto"], ["export", "--csv"], ["diff", RECORDING], ["join", HOST], ["join", "--perfetto", HOST]]


def says(command, *more):
    recording = GUEST if command[0] == "join" else RECORDING
    run = subprocess.run([SDEITOP, *command, "--verbose", *more, recording], capture_output=True, check=False)
    assert run.returncode in (0, 3, 5), (command, run)
    return "shut in: " in run.stderr.decode(), run.stdout


def seccomp_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(line.split(":\t", 1) for line in file.read().splitlines())["Seccomp"]


def while_it_works():
    """Events fill a pipe that nobody reads yet."""
    with subprocess.Popen([SDEITOP, "events", "-j", RECORDING], stdout=subprocess.PIPE) as run:
        run.stdout.read(1)
        inside = seccomp_of(run.pid)
        run.stdout.read()
    assert run.returncode == 0
    return inside == "2"


def main():
    failed = 0
    for command in COMMANDS:
        (inside, output), (outside, same) = says(command), says(command, "--no-sandbox")
        fine = inside and not outside and output == same
        failed += not fine
        print("ok" if fine else "not ok", "sandbox", command[0], "" if command[-1] in (command[0], RECORDING, HOST) else command[-1])
    fine = while_it_works()
    print("ok" if fine else "not ok", "sandbox while it works")
    return 1 if failed or not fine else 0


if __name__ == "__main__":
    sys.exit(main())
