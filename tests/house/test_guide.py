#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""docs/slow-after-restore.md: each command that reads a recording prints what the page shows, from the very recordings; the options of
all others exist, and so does everything else that the page names."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from verdict import TOP, finish, make, ok  # noqa: E402

PAGE = "docs/slow-after-restore.md"
RECORDINGS = "tests/data/slow-after-restore.tar.xz"
DONE, REGRESSION = 0, 3
READS = re.compile(r"sdeitop (report|events|diff) ")     # what they read is there, but of DIR
GUESTS = {"sdei-guest": "tests/lab/guest/main.c", "apf-guest": "tests/lab/guest-x86/main.c"}
OPTION = re.compile(r"(?<![\w-])--?[a-z][\w-]*")


def text_of(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def blocks_of(page):
    """Lines of each block of code."""
    block = []
    for line in page.splitlines() + ["end"]:
        if line.startswith("    "):
            block.append(line[4:].rstrip())
        elif not line and block:
            block.append("")
        elif block:
            yield block
            block = []


def commands_of(page):
    """(command, the lines shown of its output)"""
    for block in blocks_of(page):
        command, shown = None, []
        for line in block + ["$ "]:
            if line.startswith("$ "):
                if command:
                    yield command, "\n".join(shown).strip("\n").split("\n")
                command, shown = line[2:], []
            else:
                shown.append(line)


def run(command, folder):
    """(status, lines printed)"""
    path = os.path.join(TOP, "build") + os.pathsep + os.environ["PATH"]
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=os.environ | {"PATH": path, "LC_ALL": "C.UTF-8"}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, [line.rstrip() for line in done.stdout.splitlines()]


def first_difference(shown, printed):
    """Where the lines shown are not those printed; '...' stands for any number of lines."""
    at, loose = 0, False
    for line in shown:
        if line == "...":
            loose = True
            continue
        while loose and at < len(printed) and printed[at] != line:
            at += 1
        if at == len(printed) or printed[at] != line:
            return [f"the page shows: {line}", f"printed: {printed[at] if at < len(printed) else 'no more'}"]
        at, loose = at + 1, False
    return [] if loose or at == len(printed) else [f"the page does not show: {printed[at]}"]


def check_outputs(page):
    checked = 0
    with tempfile.TemporaryDirectory() as folder:
        run(f"tar -xf {os.path.join(TOP, RECORDINGS)}", folder)
        for command, shown in commands_of(page):
            if READS.match(command):
                status, printed = run(command, folder)
                complaints = [] if status in (DONE, REGRESSION) else [f"status {status}"] + printed
                ok(f"guide/{command[:60]}", complaints or (first_difference(shown, printed) if shown != [""] else []))
                checked += 1
    ok("guide/commands are checked", [] if checked >= 8 else [f"{checked}"])


def check_recorded(page):
    """Each command that records is in the script for the lab that made the recording."""
    commands = [command for command, _ in commands_of(page)]
    scripts = "\n".join(line for block in blocks_of(page) for line in block if not line.startswith("$ "))
    recorders = [command for command in commands if command.startswith("sdeitop record")]
    ok("guide/the recordings are made in the lab as shown", [command for command in recorders if command not in scripts] if recorders else ["none"])


def code_of(page):
    """Everything that stands for something to type or to find: blocks, and words in backticks."""
    return [line for block in blocks_of(page) for line in block] + re.findall(r"`([^`]+)`", page)


def check_options(page):
    helps = {}
    missing = []
    for code in code_of(page):
        for command, rest in re.findall(r"\b(sdeitop [a-z]+|sdeid)\b((?:(?! -- )[^|;])*)", code):
            if command not in helps:
                helps[command] = "\n".join(run(f"{command} --help", TOP)[1])
            missing += [f"{command} {option}" for option in OPTION.findall(re.sub(r"'[^']*'", "", rest)) if option not in OPTION.findall(helps[command])]
        for guest, source in GUESTS.items():
            for rest in re.findall(rf"{guest} ([^|;]*)", code):
                missing += [f"{guest} {option}" for option in OPTION.findall(rest) if option not in text_of(source)]
        missing += [f"--apf {mode}" for mode in re.findall(r"--apf ([a-z-]+)", code) if f'{{ "{mode}", "' not in text_of("tests/lab/guest/apf.c")]
    ok("guide/options exist", missing)


def check_names(page):
    codes = set(re.findall(r'X\([A-Z_]+, "([a-z-]+)"', text_of("src/model/finding.h")))
    named = set(re.findall(r"`(page-[a-z]+|wakeup-[a-z]+|fallback-burst)`", page))
    ok("guide/findings exist", sorted(named - codes) if named else ["none is named"])
    metrics = text_of("man/sdeid-metrics.7")
    ok("guide/metrics exist", [name for name in re.findall(r"\bkvm_apf_\w+", page) if name not in metrics])
    alerts = text_of("contrib/prometheus/alerts.rules.yml")
    ok("guide/alerts exist", [name for name in re.findall(r"`(Apf[A-Za-z]+)`", page) if f"alert: {name}\n" not in alerts])
    paths = re.findall(r"\b(?:docs|scripts|tracepoints|tests)/[\w./-]*\w", page)
    ok("guide/files exist", [path for path in paths if not os.path.exists(os.path.join(TOP, path))])
    ok("guide/manual pages exist", [name for name in re.findall(r"`man ([a-z-]+)`", page)
                                    if not any(os.path.exists(os.path.join(TOP, "man", f"{name}.{n}")) for n in range(1, 9))])


def main():
    make("all")
    page = text_of(PAGE)
    check_outputs(page)
    check_recorded(page)
    check_options(page)
    check_names(page)
    finish()


if __name__ == "__main__":
    main()
