#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Manual pages and bash completion against the program: every command has a page, what is said of its options
(columns, keys) is what --help says, the pages have no faults, and completion offers what there is.

UPDATE_GOLDEN=1 writes the parts that come from --help; SDEITOP=PROGRAM instead of build/sdeitop; sdeid is looked for beside it.
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from verdict import TOP, finish, ok  # noqa: E402

PROGRAM = os.environ.get("SDEITOP", os.path.join(TOP, "build", "sdeitop"))
DAEMON = os.path.join(os.path.dirname(PROGRAM), "sdeid")
MAN = os.path.join(TOP, "man")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def commands():
    """Their names, '' for that without a subcommand, out of the table in commands.c."""
    table = re.search(r"commands\[\] = \{([^}]*)\}", read(os.path.join(TOP, "src", "cli", "commands.c"))).group(1)
    names = re.findall(r"&cmd_(\w+)", table)
    return ["" if name == "top" else name for name in names]


def full_name(command):
    """As in the places for what is generated. The daemon is a program of its own."""
    return "sdeid" if command == "sdeid" else f"sdeitop {command}".strip()


def page_of(command):
    return os.path.join(MAN, "sdeid.8" if command == "sdeid" else full_name(command).replace(" ", "-") + ".1")


def help_of(command):
    call = [DAEMON] if command == "sdeid" else [PROGRAM] + command.split()
    done = subprocess.run(call + ["--help"], capture_output=True, text=True, check=False)
    if done.returncode or done.stderr:
        raise SystemExit(f"not ok {command} --help ended with {done.returncode}: {done.stderr}")
    return done.stdout


# --- what --help says

def section(text, title):
    """The indented lines below the line that starts with title."""
    lines, found = [], False
    for line in text.splitlines():
        if line.startswith(title):
            found = True
        elif found and not line.startswith("  "):
            break
        elif found:
            lines.append(line)
    return lines


def options(text):
    """[(letter or None, name, value or None, help)]"""
    rows = []
    for line in section(text, "Options:"):
        match = re.fullmatch(r"  (?:-(\w), |    )--([\w-]+)(?: (\S+))? +(\S.*)", line)
        if not match:
            raise SystemExit(f"not ok an option in --help is not understood: {line}")
        rows.append(match.groups())
    return rows


# --- in man macros

def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha").replace("~", "\\(ti")
    return "\\&" + text if text.startswith(".") else text


def option_lines(command):
    lines = []
    for letter, name, value, text in options(help_of(command)):
        head = (f"\\fB\\-{letter}\\fR, " if letter else "") + f"\\fB\\-\\-{roff(name)}\\fR"
        lines += [".TP", head + (f" \\fI{roff(value)}\\fR" if value else ""), roff(text[0].upper() + text[1:]) + "."]
    return lines


def column_lines(_):
    lines = []
    for line in section(help_of(""), "Columns ("):
        name, title, text = re.fullmatch(r"  (\S+) +(\S+) +(\S.*)", line).groups()
        lines += [".TP", f"\\fB{roff(name)}\\fR, {roff(title)}", roff(text[0].upper() + text[1:]) + "."]
    return lines


def key_lines(_):
    lines = []
    for line in section(help_of(""), "Keys of the screen:"):
        keys, text = line[2:].split("  ", 1)
        lines += [".TP", f"\\fB{roff(keys.strip())}\\fR", roff(text.strip()[0].upper() + text.strip()[1:]) + "."]
    return lines


def condition_lines(_):
    lines = []
    for line in section(help_of(""), "Conditions ("):
        example, text = line[2:].split("  ", 1) if "  " in line[2:] else line[2:].rsplit(" ", 1)
        text = text.strip()
        lines += [".TP", f"\\fB{roff(example.strip())}\\fR", roff(text[0].upper() + text[1:]) + "."]
    return lines


def topics():
    """[(name, what it is)] of what help can show."""
    text = help_of("help")
    return [line.split(None, 1) for title in ("Commands:", "Topics:") for line in section(text, title)]


def topic_lines(_):
    return [line for name, brief in topics() for line in (".TP", f"\\fB{roff(name)}\\fR", roff(brief[0].upper() + brief[1:]) + ".")]


def other_lines(command):
    """Only the page of sdeitop lists all."""
    names = ["sdeitop" if command else "sdeitop-" + name for name in commands() if name]
    names = sorted(set(names))
    return [f".BR {roff(name)} (1)" + ("," if name != names[-1] else "") for name in names]


PARTS = {"options": option_lines, "columns": column_lines, "keys": key_lines, "conditions": condition_lines, "topics": topic_lines}


def generated(text, command):
    """The page with its generated parts as they should be."""
    def fill(match):
        return "\n".join([match.group(1)] + PARTS[match.group(2)](command) + ['.\\" end'])
    text = re.sub(r'(\.\\" (options|columns|keys|conditions|topics) of sdei[^\n]*)\n.*?\.\\" end', fill, text, flags=re.S)
    return re.sub(r'(\.\\" others\n).*', lambda match: match.group(1) + "\n".join(other_lines(command)) + "\n", text, flags=re.S)


def named(text, command):
    """The page's NAME says what help says of the command."""
    brief = dict(topics()).get(command or "sdeitop")
    if command == "sdeid":
        return text
    return re.sub(r"^(\.SH NAME\n\S+ \\-).*$", lambda match: f"{match.group(1)} {brief}", text, count=1, flags=re.M)


def dated(text):
    """The page's title with the date and the version of the Makefile, which every page has."""
    makefile = read(os.path.join(TOP, "Makefile"))
    version, date = (re.search(rf"^{name} := (\S+)$", makefile, re.M).group(1) for name in ("VERSION", "DATE"))
    return re.sub(r"^\.TH (\S+) (\d) .*$", rf'.TH \1 \2 {date} "sdeitop {version}"', text, count=1, flags=re.M)


def check_page(command):
    path = page_of(command)
    if not os.path.exists(path):
        return [f"{os.path.relpath(path, TOP)} is missing"]
    text = read(path)
    wanted = named(generated(text, command), command)
    if f'.\\" options of {full_name(command)}\n' not in text:
        return ["it has no place for its options"]
    return compare(path, text, wanted)


def compare(path, text, wanted):
    """Complaints where the page is not as wanted; UPDATE_GOLDEN=1 makes it so."""
    if text == wanted:
        return []
    if os.environ.get("UPDATE_GOLDEN"):
        with open(path, "w", encoding="utf-8") as file:
            file.write(wanted)
        return []
    have, want = text.splitlines(), wanted.splitlines()
    return [f"should have: {line}" for line in want if line not in have] + \
        [f"should not have: {line}" for line in have if line not in want] + ["UPDATE_GOLDEN=1 writes it"]


def lint(path):
    """What man, groff and its checks of style have to say."""
    call = ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path]
    environment = dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="80")
    done = subprocess.run(call, capture_output=True, text=True, env=environment, check=False, errors="replace")
    complaints = done.stderr.splitlines() + ([f"man ended with {done.returncode}"] if done.returncode else [])
    done = subprocess.run(["groff", "-man", "-ww", "-rCHECKSTYLE=3", "-Tutf8", "-z", path], capture_output=True, text=True, check=False)
    text = read(path)
    complaints += done.stderr.splitlines()
    complaints += [f"a line is too long: {line}" for line in text.splitlines() if len(line) > 200 and '\\"' not in line]
    for word in ("NAME", "DESCRIPTION"):
        complaints += [] if f".SH {word}\n" in text else [f"no section {word}"]
    return complaints


# --- what is found

def entries(page, title):
    """The words explained in a section: of .TP, each alone on its line."""
    part = re.search(rf"^\.SH {title}\n(.*?)(?=^\.SH |\Z)", page, re.S | re.M).group(1)
    return re.findall(r"^\.TP\n\.B (.+)$", part, re.M)


def names_in(path, pattern):
    return re.findall(pattern, read(os.path.join(TOP, path)), re.M)


def check_findings():
    """Each code, rule, result, part of blame and reason of the program is explained, and nothing else is."""
    page = read(os.path.join(MAN, "sdeitop-findings.7")).replace("\\-", "-")
    header = read(os.path.join(TOP, "src", "model", "finding.h"))
    codes, rules = re.search(r"MODEL_FINDINGS\(X\)(.*?)\n\n(.*)", header, re.S).groups()
    results = names_in("src/record/sdei.h", r"X\(-?\d+, (\w+)\)") + ["OTHER"]
    blame = names_in("src/view/figures/why.c", r'\[BLAME_\w+\] = \{ "([^"]+)"')
    fallbacks = names_in("src/record/names.c", r'"([\w-]+)", APF_FALLBACK_')
    outcomes = re.search(r"define APF_OUTCOMES\(X\)(.*?)\n\n", read(os.path.join(TOP, "src", "model", "apf.h")), re.S).group(1)
    complaints = differ("findings", re.findall(r"^\.SS (\S+)$", page, re.M), re.findall(r'X\([A-Z_]+, "([a-z-]+)"', codes))
    complaints += differ("rules", re.findall(r"^\.IP .*\n(.*)$", page, re.M), re.findall(r'X\([A-Z_]+, "([^"]+)"', rules))
    complaints += differ("results", entries(page, "RESULTS OF CALLS"), results)
    complaints += differ("blame", entries(page, "BLAME"), blame)
    complaints += differ("drops", entries(page, "DROP REASONS"), ["coalesced", "rejected", "cancelled", "cleared"])
    for name in names_in("src/view/figures/why.c", r'\[REJECT_\w+\] = "(\w+)"'):
        complaints += [] if name in page else [f"{name} is not explained"]
    complaints += differ("page faults", entries(page, "PAGE FAULTS"), fallbacks + re.findall(r"X\((\w+),", outcomes))
    return complaints


def check_files():
    """Each setting of the screen's file is explained, where it is, too."""
    files = re.search(r"^\.SH FILES\n(.*?)^\.SH ", read(page_of("")), re.S | re.M).group(1)
    settings = names_in("src/view/screen/setup.c", r'^\t\{ "(\w+)", set_\w+')
    names = names_in("src/cli/setup_file.c", r'^#define (?:FOLDER|NAME) "(\S+)"$')
    place = [] if "/".join(names) == "sdeitop/screen.conf" and "/".join(names) in files else [f"{names} is not there"]
    return place + differ("settings", re.findall(r"^\.B ([a-z]+)$", files, re.M), settings)


# The seconds between two looks have two names, one of the screen and one of the text file.
SAME = {"d": {"delay", "interval"}}


def check_letters():
    """A letter means the same in each command and in sdeid."""
    names = {}
    for command in commands() + ["sdeid"]:
        for letter, name, _, _ in options(help_of(command)):
            names.setdefault(letter, set()).add(name)
    names.pop(None)
    return [f"-{letter} is {sorted(found)}" for letter, found in sorted(names.items()) if len(found) > 1 and found != SAME.get(letter)]


# --- completion

COMPLETE = r"""
. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_sdeitop "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


def complete(*words, program=PROGRAM):
    script = os.path.join(TOP, "contrib", "completion", "sdeitop.bash")
    done = subprocess.run(["bash", "-c", COMPLETE, "complete", script, program, *words], capture_output=True, text=True, cwd=TOP, check=False)
    return [line for line in done.stdout.splitlines() if line] if not done.stderr else [done.stderr]


def differ(what, found, wanted):
    return [] if sorted(found) == sorted(wanted) else [f"{what}: has {sorted(set(found) - set(wanted))}, "
                                                       f"lacks {sorted(set(wanted) - set(found))}"]


def check_completion():
    complaints = differ("commands", complete("")[:], [name for name in commands() if name])
    for command in commands():
        wanted = ["--" + row[1] for row in options(help_of(command))]
        complaints += differ(f"options of {command or 'sdeitop'}", complete(*command.split(), "--"), wanted)
    complaints += differ("commands and topics", complete("help", ""), [name for name, _ in topics()])
    columns = [line.split()[0] for line in section(help_of(""), "Columns (")]
    complaints += differ("columns", complete("--sort", ""), columns)
    complaints += differ("columns that start with p9", complete("-b", "-s", "p9"), [name for name in columns if name.startswith("p9")])
    complaints += differ("triggers", complete("record", "--on", "war"), ["warning"])
    complaints += differ("triggers of sdeid", complete("--flight-on", "mask", program=DAEMON), ["mask-long"])
    complaints += differ("forms of time", complete("report", "--time", ""), ["utc", "local", "mono", "relative"])
    complaints += differ("the second of some", complete("diff", "--stat", "p50,p9"), ["p50,p90", "p50,p99", "p50,p99.9"])
    complaints += differ("the second condition", complete("-f", "vm=web* unacc"), ["vm=web* unaccounted"])
    complaints += differ("files", complete("events", "-o", "READ"), ["README.md"])
    complaints += differ("files as operands", complete("events", "READ"), ["README.md"])
    complaints += differ("a value that is none of these", complete("events", "-p", ""), [])
    complaints += differ("options of sdeid", complete("--", program=DAEMON), ["--" + row[1] for row in options(help_of("sdeid"))])
    complaints += differ("a socket", complete("-S", "READ", program=DAEMON), ["README.md"])
    complaints += differ("users", complete("--user", "nobod", program=DAEMON), ["nobody"])
    complaints += differ("groups", complete("--group", "nogrou", program=DAEMON), ["nogroup"])
    return complaints


def main():
    for command in commands() + ["sdeid"]:
        ok(f"man/{os.path.basename(page_of(command))} says what --help says", check_page(command))
    for name in sorted(os.listdir(MAN)):
        path = os.path.join(MAN, name)
        ok(f"man/{name} has the date and the version", compare(path, read(path), dated(read(path))))
        ok(f"man/{name} has no faults", lint(os.path.join(MAN, name)))
    ok("man/sdeitop-findings.7 explains what there is", check_findings())
    ok("man/sdeitop.1 explains the file of the screen's set-up", check_files())
    ok("a letter is one option in all commands", check_letters())
    ok("completion offers what there is", check_completion())
    finish()


if __name__ == "__main__":
    main()
