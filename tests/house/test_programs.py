#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the programs need and hold: the daemon, which runs for months as the guard of a host, has nothing of screens, pages and
comparisons in it."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from verdict import TOP, finish, make, ok  # noqa: E402

BUILD = os.path.join(TOP, "build")
LIBRARIES = {"libbpf", "libelf", "libz", "libdeflate", "libm", "libc"}
# By folder of src/: a function that is in any program that has the folder.
FOREIGN = {"view/screen": "top_close", "view/report": "report_html", "view/export": "export_new", "diff": "compare_new"}


def needed(program):
    text = subprocess.run(["readelf", "-d", os.path.join(BUILD, program)], capture_output=True, text=True, check=True).stdout
    return {name.split(".so")[0].split("-")[0] for name in re.findall(r"NEEDED.*\[(.*)\]", text)}


def symbols(program):
    text = subprocess.run(["nm", os.path.join(BUILD, program)], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in text.splitlines()}


def main():
    make("all")
    extra = needed("sdeid") - LIBRARIES
    ok("sdeid needs the libraries of tracing and of compression, and no other", sorted(extra))
    held, all_held = symbols("sdeid"), symbols("sdeitop")
    ok("sdeid holds nothing of screen, report, export and diff", [f"{name} of {folder}" for folder, name in FOREIGN.items() if name in held])
    ok("sdeitop holds all of them", [f"{name} of {folder}" for folder, name in FOREIGN.items() if name not in all_held])
    finish()


if __name__ == "__main__":
    main()
