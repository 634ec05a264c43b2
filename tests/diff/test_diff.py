#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""How often `sdeitop diff` is wrong: over 200 pairs of recordings of the same, and as many of sets of repeated runs, it raises a
false alarm no more often than it says; a stage that is slower by 10 % is found, and it is that stage which is named.

The recordings are synthetic (recordings.c) with fixed seeds, so that the same comes out each time. SDEITOP=PROGRAM instead of
build/sdeitop; PAIRS=N for more than 200.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from verdict import TOP, finish, make, ok  # noqa: E402

SDEITOP = os.environ.get("SDEITOP", os.path.join(TOP, "build", "sdeitop"))
RECORDINGS = os.path.join(TOP, "build", "tool", "diff", "recordings")
PAIRS = int(os.environ.get("PAIRS", "200"))
CONFIDENCES = (0.99, 0.95, 0.9)
HARSH = ("--threshold", "0%", "--min-us", "0")	# whatever is beyond chance counts


# --- recordings and comparisons

def record(folder, first, count, *wishes):
    """Their names. Each number is a seed."""
    subprocess.run([RECORDINGS, folder, str(first), str(count), *wishes], check=True)
    return [os.path.join(folder, f"{first + i:06d}") for i in range(count)]


def diff(*args):
    """(exit status, the object)"""
    done = subprocess.run([SDEITOP, "diff", "--json", *args], capture_output=True, text=True, check=False)
    if done.stderr or done.returncode not in (0, 3):
        raise SystemExit(f"not ok diff {' '.join(args)} ended with {done.returncode}: {done.stderr}")
    return done.returncode, json.loads(done.stdout)


def in_parallel(function, items):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))


def sides(base, new):
    return [word for name in base for word in ("--base", name)] + [word for name in new for word in ("--new", name)]


# --- false alarms

def least_p(result):
    """Of what has become larger, and of anything: each comparison that is at or below 1 - confidence is an alarm."""
    figures = [f for row in result["rows"] for f in row["figures"] if f["p"] is not None]
    worse = [f["p"] for f in figures if f["new"]["at"] > f["base"]["at"]]
    return min(worse, default=1), min(f["p"] for f in figures)


def missed(results):
    """The share of intervals of a change that do not contain 0."""
    changes = [f["change"] for _, result in results for row in result["rows"] for f in row["figures"] if f["change"]["low"] is not None]
    return sum(c["low"] > 0 or c["high"] < 0 for c in changes) / len(changes)


def alarms(name, calls):
    """Each of calls compares the same with itself. What the program says at one confidence must agree with its P; of its intervals
    at 0.9 no more than a tenth may be wrong."""
    results = in_parallel(lambda call: diff("--confidence", "0.9", *HARSH, *call), calls)
    told, p = [status == 3 for status, _ in results], [least_p(result) for _, result in results]
    complaints = [f"pair {i}: exit status and P differ" for i in range(len(calls)) if told[i] != (p[i][0] <= 0.1 + 1e-9)]
    rates = []
    for confidence in CONFIDENCES:
        limit = (1 - confidence) * len(calls) + 1e-9
        worse, any_of_them = (sum(one[k] <= 1 - confidence + 1e-9 for one in p) for k in (0, 1))
        rates.append(f"{worse} at {confidence} ({any_of_them} worse or better)")
        if worse > limit:
            complaints.append(f"{worse} false alarms in {len(calls)} pairs at confidence {confidence}: {limit:.0f} are allowed")
    if missed(results) > 0.1:
        complaints.append(f"{missed(results):.3f} of the intervals at confidence 0.9 are wrong")
    rates.append(f"{100 * missed(results):.1f} % of the intervals at 0.9 are wrong")
    ok(f"diff/{name}", complaints, f"{len(calls)} pairs, false alarms: {', '.join(rates)}")


def check_pairs(folder):
    """Two single recordings, whose load goes up and down slowly."""
    names = record(folder, 0, 2 * PAIRS, "episodes=1500")
    alarms("two_recordings_of_the_same_are_quiet", list(zip(names[0::2], names[1::2])))


def check_sets(folder):
    """Five and five, which differ by 10 % as wholes."""
    names = record(folder, 0, 10 * PAIRS, "episodes=300", "scatter=10")
    sets = [names[i:i + 10] for i in range(0, len(names), 10)]
    alarms("repeated_runs_of_the_same_are_quiet", [sides(one[:5], one[5:]) for one in sets])


# --- what is slower

def check_found(folder, stage, wish, allowed):
    """allowed: what may be named besides, where the part of an event that is rarer is not beyond chance."""
    count = 6
    base = record(folder, 0, count, "episodes=30000")
    new = record(folder, count, count, "episodes=30000", wish)
    results = in_parallel(lambda pair: diff(*pair), list(zip(base, new)))
    complaints = []
    for i, (status, result) in enumerate(results):
        causes = {cause["stage"] for cause in result["causes"]}
        if status != 3 or stage not in causes or not causes <= {stage, *allowed}:
            complaints.append(f"pair {i} ended with {status}: {result['sentence']}")
        elif f"{stage} of event 0 is " not in result["sentence"] and stage != "mask":
            complaints.append(f"pair {i}: {result['sentence']}")
    ok(f"diff/{wish.replace('=', '_')}_percent_is_found", complaints, results[0][1]["sentence"])


def check_sets_found(folder):
    """Runs that differ by 2 %."""
    wishes = ("episodes=10000", "scatter=2")
    base, new = record(folder, 0, 5, *wishes), record(folder, 5, 5, *wishes, "handler=110")
    status, result = diff(*sides(base, new))
    causes = {cause["stage"] for cause in result["causes"]}
    complaints = [] if status == 3 and causes == {"handler"} else [f"ended with {status}: {result['sentence']}"]
    ok("diff/repeated_runs_find_10_percent", complaints, result["sentence"])


def main():
    make("build/sdeitop", "build/tool/diff/recordings")
    checks = [
        check_pairs, check_sets, check_sets_found,
        lambda folder: check_found(folder, "entry", "entry=110", ["dispatch"]),
        lambda folder: check_found(folder, "handler", "handler=110", []),
        lambda folder: check_found(folder, "mask", "masked=110", ["masked"]),
    ]
    for check in checks:
        folder = tempfile.mkdtemp(prefix="sdeitop-diff-")
        try:
            check(folder)
        finally:
            shutil.rmtree(folder)
    finish()


if __name__ == "__main__":
    main()
