#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 180
"""fish completion against the programs: it offers each command and each option of each --help, and values of options. bash's
needs no other shell, and is tested in tests/unit/test_man.py."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "unit"))
from test_man import PROGRAM, TOP, commands, differ, finish, help_of, ok, options, section, topics  # noqa: E402

FISH = os.path.join(TOP, "contrib", "completion", "sdeitop.fish")
ENV = dict(os.environ, PATH=os.path.dirname(PROGRAM) + ":" + os.environ["PATH"])


def fish(lines):
    """What fish offers at the end of each of the lines."""
    script = f"source {FISH}\n" + "".join(f"complete -C '{line}'; echo ---\n" for line in lines)
    done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, cwd=TOP, env=ENV, check=False)
    offers = [[line.split("\t")[0] for line in offer.splitlines()] for offer in done.stdout.split("---\n")[:-1]]
    return offers if not done.stderr and len(offers) == len(lines) else [[done.stderr]] * len(lines)


def wanted():
    """What is to be offered, by line."""
    columns = [line.split()[0] for line in section(help_of(""), "Columns (")]
    values = {
        "sdeitop ": [name for name in commands() if name],
        "sdeitop help ": [name for name, _ in topics()],
        "sdeitop help find": ["findings"],
        "sdeitop --sort ": columns,
        "sdeitop -b -s p9": [name for name in columns if name.startswith("p9")],
        "sdeitop events -o READ": ["README.md"],
        "sdeitop events READ": ["README.md"],
        "sdeitop events -p ": [],
        "sdeid -s READ": ["README.md"],
        "sdeid --user nobod": ["nobody"],
        "sdeid --group nogrou": ["nogroup"],
    }
    for command in commands() + ["sdeid"]:
        line = "sdeid --" if command == "sdeid" else f"sdeitop {command} --".replace("  ", " ")
        values[line] = ["--" + row[1] for row in options(help_of(command))]
    return values


def main():
    values = wanted()
    for (line, want), offer in zip(values.items(), fish(list(values))):
        ok(f"packaging/fish completes '{line}'", differ("offers", offer, want))
    finish()


if __name__ == "__main__":
    main()
