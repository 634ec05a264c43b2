#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""sdeitop help: the manual page where man has it, --help where it has not; topics; the list of both."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from test_man import PROGRAM, commands, finish, help_of, ok, section  # noqa: E402

# A man that has one page.
MAN = """#!/bin/sh
if [ "$1" = -w ]; then
	[ "$2 $3" = "1 sdeitop-report" ]
else
	echo "page $*"
fi
"""


def run(words, path, **redirect):
    done = subprocess.run([PROGRAM, "help", *words], text=True, check=False, stderr=subprocess.PIPE,
                          env=dict(os.environ, PATH=path), **(redirect or {"stdout": subprocess.PIPE}))
    return done.returncode, done.stdout, done.stderr


def expect(name, got, want):
    ok(f"help/{name}", [] if got == want else [f"{got} instead of {want}"])


def check_pages(path):
    expect("a page that man has", run(["report"], path), (0, "page 1 sdeitop-report\n", ""))
    expect("a page that it has not", run(["state"], path), (0, help_of("state"), ""))
    expect("the program itself", run(["sdeitop"], path), (0, help_of(""), ""))
    expect("no man at all", run(["report"], "/nowhere"), (0, help_of("report"), ""))
    expect("a topic without its page", run(["findings"], path), (1, "", "sdeitop: the manual page sdeitop-findings(7) is not installed; "
                                                                 "the source has it in man/sdeitop-findings.7\n"))


def check_topics(path):
    for topic, title in (("columns", "Columns ("), ("filter", "Conditions (")):
        expect(f"topic {topic}", section(run([topic], path)[1], title), section(help_of(""), title))
    keys = run(["keys"], path)[1]
    expect("topic keys", section(keys, "Keys of the screen:"), section(help_of(""), "Keys of the screen:"))
    expect("topic keys, of a replay", section(keys, "Keys of a replay:"), section(help_of("replay"), "Keys of the screen:"))


def check_list(path):
    status, text, errors = run([], path)
    names = [line.split()[0] for title in ("Commands:", "Topics:") for line in section(text, title)]
    missing = {name or "sdeitop" for name in commands()} | {"keys", "filter", "columns", "findings"}
    expect("the list", (status, sorted(missing - set(names)), errors), (0, [], ""))


def check_usage(path):
    wrong = "sdeitop: nothing: no such command or topic; 'sdeitop help' lists them\n"
    expect("no such topic", run(["nothing"], path), (2, "", wrong))
    expect("two of them", run(["state", "report"], path)[0], 2)
    with open("/dev/full", "w", encoding="utf-8") as full:
        expect("a full disk", run([], path, stdout=full)[0], 1)


def main():
    with tempfile.TemporaryDirectory() as path:
        with open(os.path.join(path, "man"), "w", encoding="utf-8") as file:
            file.write(MAN)
        os.chmod(os.path.join(path, "man"), 0o755)
        for check in (check_pages, check_topics, check_list, check_usage):
            check(path)
    finish()


if __name__ == "__main__":
    main()
