#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every command that writes says so once when that fails, and exits with 1; a reader who has seen enough is no failure."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from verdict import TOP, finish, ok  # noqa: E402

PROGRAM = os.environ.get("SDEITOP", os.path.join(TOP, "build", "sdeitop"))
RECORDING = os.path.join(TOP, "tests", "data", "recording-1")
HOST, GUEST = (os.path.join(TOP, "tests", "data", f"recording-{side}") for side in ("host", "guest"))
FULL = "sdeitop: writing {} failed: No space left on device\n"

COMMANDS = [
    ["events"], ["events", "-n", "3"], ["events", "--summary"], ["events", "-j"], ["restore"], ["restore", "-j"],
    ["report"], ["report", "--all"], ["report", "-j"], ["report", "--html", "-"],
    ["replay", "-b"], ["replay", "-j"], ["diff", RECORDING], ["diff", "--json", RECORDING], ["join", HOST], ["join", "-j", HOST], ["join", "--csv", HOST],
    ["export", "--csv"], ["export", "--chrome"], ["export", "--perfetto"],
]


def call(command, stdout, *more):
    recording = GUEST if command[0] == "join" else RECORDING
    return subprocess.run([PROGRAM, *command, *more, recording], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


def on_full_device(command):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = call(command, full)
    return [] if (done.returncode, done.stderr) == (1, FULL.format("standard output")) else [f"status {done.returncode}", done.stderr]


def in_full_file(command):
    done = call(command, subprocess.PIPE, "-o", "/dev/full")
    return [] if (done.returncode, done.stderr) == (1, FULL.format("/dev/full")) else [f"status {done.returncode}", done.stderr]


def without_reader(command):
    """The pipe is closed before anything is written."""
    reader, writer = os.pipe()
    os.close(reader)
    done = call(command, writer)
    os.close(writer)
    return [] if (done.returncode, done.stderr) == (0, "") else [f"status {done.returncode}", done.stderr]


def main():
    for command in COMMANDS:
        name = " ".join(word for word in command if word not in (RECORDING, HOST))
        ok(f"{name}: a full device is told", on_full_device(command))
        ok(f"{name}: a reader may go", without_reader(command))
    for command in (["events"], ["report"], ["export", "--csv"], ["join", HOST]):
        ok(f"{command[0]} -o: a full device is told", in_full_file(command))
    page = call(["report", "--html", "-"], subprocess.PIPE).stdout
    ok("--html -: the page and nothing else", [] if page.startswith("<!DOCTYPE html>") and page.endswith("</html>\n") else [page[:60], page[-60:]])
    whole = call(["events"], subprocess.PIPE).stdout
    ok("-o - is standard output", [] if call(["events"], subprocess.PIPE, "-o", "-").stdout == whole and not os.path.exists("-") else ["not the same"])
    finish()


if __name__ == "__main__":
    main()
