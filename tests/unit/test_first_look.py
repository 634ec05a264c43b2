#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a newcomer sees first: the demo, the pictures of README, what make says where something is missing; and scripts/screenshot,
which makes the picture of the screen."""
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from verdict import TOP, finish, make, ok  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"
BYTES_MAX = 100 * 1024


def run(*words, **more):
    return subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=TOP, check=False, **more)


def expect(name, got, want):
    ok(f"first-look/{name}", [] if got == want else [f"{got} instead of {want}"])


def check_demo():
    done = run("scripts/demo")
    lines = done.stdout.splitlines()
    expect("the demo says what to see, and shows it", (done.returncode, len(lines[0]) > 40, len(lines[1]) > 40, "build 7" in done.stdout),
           (0, True, True, True))


def texts(path):
    """[(x, y, text, colour, bold)]"""
    found = xml.etree.ElementTree.parse(path).getroot().iter(f"{SVG}text")
    return [(float(t.get("x")), float(t.get("y")), t.text, t.get("fill"), t.get("font-weight")) for t in found]


def check_screenshot(folder):
    """Each word stands where it stood, in its colour; what looks like markup is text."""
    path = os.path.join(folder, "x.svg")
    program = r"printf 'plain  \033[1;31mred\033[0m <b>&\n    \033[7mturned\033[27m\n'; exec sleep 600"
    done = run("scripts/screenshot", "-o", path, "--size", "40x5", "--until", "turned", "--", "sh", "-c", program)
    if done.returncode:
        ok("first-look/screenshot", [done.stderr])
        return
    plain, red, markup, turned = texts(path)
    width = (red[0] - plain[0]) / 7
    expect("screenshot: words", [plain[2], red[2], markup[2], turned[2]], ["plain", "red", "<b>&", "turned"])
    expect("screenshot: places", (round((markup[0] - plain[0]) / width, 3), round((turned[0] - plain[0]) / width, 3), turned[1] > red[1] == plain[1]),
           (11.0, 4.0, True))
    expect("screenshot: looks", (red[3] != plain[3], red[4], plain[4], turned[3] != plain[3]), (True, "bold", None, True))
    wrong = run("scripts/screenshot", "-o", path, "--size", "wide", "--until", "x", "--", "true")
    expect("screenshot: a wrong size", wrong.returncode, 2)


def check_pictures():
    for name in re.findall(r"!\[[^\]]+\]\((\S+)\)", open(os.path.join(TOP, "README.md"), encoding="utf-8").read()):
        path = os.path.join(TOP, name)
        expect(f"{name} is there, and small", os.path.exists(path) and 0 < os.path.getsize(path) < BYTES_MAX, True)
    words = " ".join(text[2] for text in texts(os.path.join(TOP, "docs", "screen.svg")))
    expect("docs/screen.svg shows what is stuck", [word for word in ("REPLAY", "BLAME", "P408067") if word not in words], [])


def check_bare(folder):
    """Where there is no compiler, make says what to install; what benchmarks compare with is a matter of its own."""
    for tool in ("bash", "sh", "sed", "sort", "mkdir", "dirname", "find", "nproc", "make", "uname", "sha256sum", "cut", "cat", "env",
                 "flock"):
        os.symlink(run("sh", "-c", f"command -v {tool}").stdout.strip(), os.path.join(folder, tool))
    done = run("make", "-s", f"B={folder}/build", env={"PATH": folder, "HOME": folder})
    missing = re.findall(r"missing: (.*); run scripts/setup, or: apt-get install (.*)", done.stderr)
    expect("a bare machine", (done.returncode, [(a == b, {"clang", "gcc", "pkg-config"} - set(a.split())) for a, b in missing[:1]]), (2, [(True, set())]))
    done = run("scripts/setup", "bench", env={"PATH": folder, "HOME": folder})
    expect("a bare machine: make bench", (done.returncode, re.findall(r"missing: (.*?)[;(]", done.stderr)), (1, ["babeltrace2 bpftrace linux-perf trace-cmd "]))


def main():
    make("all")
    check_demo()
    with tempfile.TemporaryDirectory() as folder:
        check_screenshot(folder)
    check_pictures()
    with tempfile.TemporaryDirectory() as folder:
        check_bare(folder)
    finish()


if __name__ == "__main__":
    main()
