#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The floors of src/ (docs/architecture.md): an include never points upward, folders include each other in no circle, and only
view/screen/ includes curses. Prints what breaks that, and the test lines of tests/run.
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]

# From the ground up. Folders of one floor may include each other, as long as that is no circle.
FLOORS = [
    ["bpf"],
    ["util"],
    ["record"],
    ["source"],
    ["model"],
    ["recording"],
    ["diff", "sides"],
    ["session"],
    ["view/figures"],
    ["view/screen", "view/report", "view/export", "view/metrics"],
    ["daemon"],
    ["cli"],
]
FLOOR_OF = {folder: number for number, floor in enumerate(FLOORS) for folder in floor}
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)
CURSES = re.compile(r"^(n?curses|term|panel|form|menu)(w?)\b")
MADE = re.compile(r"\.(skel|inc)\.h$|\.inc$")  # made by the build, of bpf/ or of a file in the folder itself


def includes():
    """(file, its folder, quoted or not, what it includes) of all sources."""
    for path in sorted(TOP.glob("src/**/*.[ch]")):
        folder = path.parent.relative_to(TOP / "src").as_posix()
        for quote, what in INCLUDE.findall(path.read_text()):
            yield path.relative_to(TOP), folder, quote == '"', what


def problems_of(include):
    path, folder, quoted, what = include
    if folder not in FLOOR_OF:
        yield "folder", f"{path}: no floor is known of src/{folder}"
        return
    if CURSES.match(what) and folder != "view/screen":
        yield "curses", f"{path} includes {what}"
    if not quoted or MADE.search(what):
        return
    target = pathlib.PurePosixPath(what).parent.as_posix()
    if target not in FLOOR_OF:
        yield "folder", f'{path} includes "{what}", which is not written from src/'
    elif FLOOR_OF[target] > FLOOR_OF[folder]:
        yield "upward", f'{path} includes "{what}", a floor above'


def circle_in(edges):
    """Folders on a circle, or those that are left when no more can be taken away: none if there is no circle."""
    left = {a: set(b) for a, b in edges.items()}
    while True:
        leaves = [a for a in left if not left[a] & set(left)]
        if not leaves:
            return sorted(left)
        for leaf in leaves:
            del left[leaf]


def edges_of(all_includes):
    edges = {folder: set() for folder in FLOOR_OF}
    for _, folder, quoted, what in all_includes:
        target = pathlib.PurePosixPath(what).parent.as_posix()
        if quoted and target in FLOOR_OF and target != folder and folder in edges:
            edges[folder].add(target)
    return edges


def undocumented():
    """Folders that docs/architecture.md names and that are not there, and those that it does not name."""
    text = (TOP / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"^\| `([a-z/]+)`", text, re.MULTILINE))
    there = {p.parent.relative_to(TOP / "src").as_posix() for p in TOP.glob("src/**/*.c")}
    for folder in sorted(named ^ there):
        yield "documented", f"docs/architecture.md and src/ differ in {folder}"


def unbuilt():
    """Folders that the Makefile does not build, or has in another order; unit tests in a folder of which it takes none."""
    line = re.search(r"^FLOORS := (.*)", (TOP / "Makefile").read_text(), re.MULTILINE)
    built = line[1].split()
    if {"bpf", *built} != set(FLOOR_OF) or sorted(built, key=FLOOR_OF.get, reverse=True) != built:
        yield "built", f"the Makefile's FLOORS are {line[1]}"
    for path in sorted(TOP.glob("tests/unit/**/test_*.c")):
        folder = path.parent.relative_to(TOP / "tests" / "unit").as_posix()
        if folder not in built:
            yield "built", f"{path.relative_to(TOP)}: there is no floor {folder}"


def main():
    found = list(includes())
    problems = [p for include in found for p in problems_of(include)]
    circle = circle_in(edges_of(found))
    if circle:
        problems.append(("circle", "folders that include each other: " + ", ".join(circle)))
    problems += undocumented()
    problems += unbuilt()
    for _, text in problems:
        print(f"# {text}")
    for kind, name in [
        ("folder", "every folder has its floor, includes are written from src/"),
        ("upward", "no include points upward"),
        ("circle", "no circle of folders"),
        ("documented", "docs/architecture.md names every folder, and none that is not there"),
        ("built", "the Makefile builds every floor, and every unit test"),
        ("curses", "only view/screen includes curses"),
    ]:
        print("not ok" if any(k == kind for k, _ in problems) else "ok", name)
    return 1 if problems or not found else 0


if __name__ == "__main__":
    sys.exit(main())
