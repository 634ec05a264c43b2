#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""docs/sdei-conformance.md: each test of the public suites is there, and each row of the semantics tests that it names exists."""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from verdict import TOP, finish, ok  # noqa: E402

GUEST = os.path.join(TOP, "tests", "lab", "guest")
ROW = re.compile(r"`([^`]+/[^`]+)`")
SUITES = {
    "Arm's SDEI compliance suite": [f"{number:03}" for number in range(1, 50)],
    "Gavin Shan's selftest": ["VERSION", "FEATURES", "SHARED_RESET", "PRIVATE_RESET", "PE_UNMASK", "EVENT_GET_INFO", "EVENT_REGISTER",
                              "EVENT_ENABLE", "EVENT_SIGNAL", "PE_MASK", "EVENT_DISABLE", "EVENT_UNREGISTER"],
    "Trusted Firmware's tests": ["state", "event_serial", "event_parallel", "event_signal_state", "event_signal_serial",
                                 "event_signal_all", "routing_any", "event_check_pstate", "bind_failure"],
}


def text_of(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def rows_of_guest():
    """The names that sdei-guest --semantics takes after --only; of the state table the calls, which have a row for each state."""
    scripts = re.findall(r"^test (.+)$", text_of(GUEST, "semantics.tests"), re.M)
    registers = re.findall(r'\{ "([a-z]+/[^"]+)",', text_of(GUEST, "sem_registers.c"))
    calls = re.findall(r'^\t\{ "([A-Z_]+)", "[a-z-]+', text_of(GUEST, "sem_table.c"), re.M)
    return set(scripts) | set(registers) | {f"table/{call}" for call in calls}


def tests_of(page):
    """Heading: the lines of its table, cells apart."""
    sections = re.split(r"^## (.+)$", page, flags=re.M)
    return {title: [[cell.strip() for cell in line.strip("|").split(" | ")]
                    for line in body.splitlines() if line.startswith("| ") and not line.startswith("| test ")]
            for title, body in zip(sections[1::2], sections[2::2])}


def main():
    page = text_of(TOP, "docs", "sdei-conformance.md")
    tests, rows = tests_of(page), rows_of_guest()
    for suite, names in SUITES.items():
        found = [cells[0].strip("`").removeprefix("test_sdei_") for cells in tests.get(suite, [])]
        ok(f"conformance/{suite}/each test once, in order", [] if found == names else [f"{found} instead of {names}"])
        ok(f"conformance/{suite}/each says all, and names a row",
           [cells[0] for cells in tests.get(suite, []) if len(cells) != 4 or not all(cells) or not ROW.search(cells[-1])])
    named = [row for cells in sum(tests.values(), []) for row in ROW.findall(cells[-1])]
    ok("conformance/each row that is named exists", sorted(set(named) - rows), f"{len(set(named))} of {len(rows)} rows")
    finish()


if __name__ == "__main__":
    main()
