#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 900
"""Completion of fish and zsh against the programs: it offers each command and each option of each --help, and values of options.
bash's needs no other shell, and is tested in tests/unit/test_man.py.

zsh completes on a terminal only. Here its completion is called as the line editor calls it, with what it calls in turn replaced by
functions that print what is offered; and it is loaded as compinit does."""
import os
import re
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "unit"))
from test_man import PROGRAM, TOP, commands, differ, finish, help_of, ok, options, section, topics  # noqa: E402

FISH = os.path.join(TOP, "contrib", "completion", "sdeitop.fish")
ZSH = os.path.join(TOP, "contrib", "completion", "sdeitop.zsh")
ENV = dict(os.environ, PATH=os.path.dirname(PROGRAM) + ":" + os.environ["PATH"])


def fish(lines):
    """What fish offers at the end of each of the lines."""
    script = f"source {FISH}\n" + "".join(f"complete -C '{line}'; echo ---\n" for line in lines)
    done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, cwd=TOP, env=ENV, check=False)
    offers = [[line.split("\t")[0] for line in offer.splitlines()] for offer in done.stdout.split("---\n")[:-1]]
    return offers if not done.stderr and len(offers) == len(lines) else [[done.stderr]] * len(lines)


ZSH_STUBS = """
compadd() {
	while [[ $1 != -- ]]; do shift; done
	shift
	local word
	for word; do [[ $word != $PREFIX* ]] || print -r -- "$IPREFIX$word"; done
}
compset() {	# -P PATTERN
	local rest=${PREFIX##${~2}}
	IPREFIX=${PREFIX%$rest} PREFIX=$rest
}
_files() { print -rl -- $PREFIX*(N) }
_users() { compadd -- ${(f)"$(getent passwd | cut -d: -f1)"} }
_groups() { compadd -- ${(f)"$(getent group | cut -d: -f1)"} }
"""


def words(line):
    """The words of a command line, quoted for a shell; the last one is that which is typed."""
    found = re.findall(r'"[^"]*|\S+', line) + ([""] if line[-1] == " " else [])
    return " ".join(shlex.quote(word.lstrip('"')) for word in found)


def zsh(lines):
    """What zsh offers at the end of each of the lines."""
    script = ZSH_STUBS + "".join(f"words=({words(line)}); CURRENT=$#words PREFIX=$words[-1] IPREFIX=\nsource {ZSH}\necho ---\n"
                                 for line in lines)
    done = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True, cwd=TOP, env=ENV, check=False)
    offers = [offer.splitlines() for offer in done.stdout.split("---\n")[:-1]]
    return offers if not done.stderr and len(offers) == len(lines) else [[done.stderr]] * len(lines)


def check_compinit():
    """Installed as _sdeitop, it is what compinit takes for both programs."""
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(ZSH, os.path.join(folder, "_sdeitop"))
        script = f"fpath=({folder} $fpath); autoload -U compinit; compinit -D -u; print $_comps[sdeitop] $_comps[sdeid]"
        done = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    ok("packaging/zsh loads it for both programs", [] if done.stdout.split() == ["_sdeitop"] * 2 else [done.stdout + done.stderr])


def wanted():
    """What is to be offered, by line."""
    columns = [line.split()[0] for line in section(help_of(""), "Columns (")]
    values = {
        "sdeitop ": [name for name in commands() if name],
        "sdeitop help ": [name for name, _ in topics()],
        "sdeitop help find": ["findings"],
        "sdeitop --sort ": columns,
        "sdeitop --time m": ["mono"],
        "sdeitop -f ": columns,
        "sdeitop -f \"vm=web* unacc": ["vm=web* unaccounted"],
        "sdeitop record --on war": ["warning"],
        "sdeitop record --on mask": ["mask-long"],
        "sdeitop diff --stat p50,me": ["p50,mean"],
        "sdeid --flight-on an": ["any"],
        "sdeid --buckets ": ["coarse", "fine"],
        "sdeitop -b -s p9": [name for name in columns if name.startswith("p9")],
        "sdeitop events -o READ": ["README.md"],
        "sdeitop events READ": ["README.md"],
        "sdeitop events -p ": [],
        "sdeid -S READ": ["README.md"],
        "sdeid --user nobod": ["nobody"],
        "sdeid --group nogrou": ["nogroup"],
    }
    for command in commands() + ["sdeid"]:
        line = "sdeid --" if command == "sdeid" else f"sdeitop {command} --".replace("  ", " ")
        values[line] = ["--" + row[1] for row in options(help_of(command))]
    return values


def main():
    values = wanted()
    for shell in (fish, zsh):
        for (line, want), offer in zip(values.items(), shell(list(values))):
            ok(f"packaging/{shell.__name__} completes '{line}'", differ("offers", offer, want))
    check_compinit()
    finish()


if __name__ == "__main__":
    main()
