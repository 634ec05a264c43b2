#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# debug kernel: no
"""`sdeitop diff` on recordings of real guests: five runs of a scenario against five of the same are quiet; a handler that takes
half as long again and a mask twice as long are found, and named first. The runs are made in turns, so that what else the machine
does is on all sides. How small a difference diff finds is measured without a machine: tests/diff."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import TOP, finish, lab, ok, out_dir    # noqa: E402

OUT = out_dir("diff")
RUNS = 5

# Handler and mask in us.
SIDES = {"base": (1000, 300), "same": (1000, 300), "handler": (1500, 300), "mask": (1000, 600)}

SCENARIO = """
about a signal into each mask window
events 211
on all
handler 0
	spin {}us
	complete
end
register 0
enable 0
unmask
loop $N
	mask
	signal 0 self
	spin {}us
	unmask
	await 0
	spin 1ms..3ms
end
"""

RECORD = r"""
cd /out || exit 1
for run in $(seq {runs}); do
	for side in {sides}; do
		rm -rf $side.$run
		sdeitop record -o $side.$run -- sdei-guest --quiet --scenario $side.scn --vcpus 1 2>$side.err || {{ cat $side.err; exit 1; }}
	done
done
sdeitop diff {same} >same.txt
echo "status $?"
sdeitop diff {handler} >handler.txt
echo "status $?"
"""


def sides(folder, base, new):
    return [word for option, side in (("--base", base), ("--new", new)) for run in range(1, RUNS + 1)
            for word in (option, os.path.join(folder, f"{side}.{run}"))]


def record():
    os.makedirs(OUT, exist_ok=True)
    for side, times in SIDES.items():
        with open(os.path.join(OUT, side + ".scn"), "w", encoding="utf-8") as file:
            file.write(SCENARIO.format(*times))
    script = RECORD.format(runs=RUNS, sides=" ".join(SIDES), same=" ".join(sides("", "base", "same")),
                           handler=" ".join(sides("", "base", "handler")))
    status, output = lab(OUT, "sh", "-c", script, timeout=600)
    ok("diff_in_the_lab", [] if status == 0 and output.count("status 0") == 1 and output.count("status 3") == 1 else [f"status {status}", output])
    return status == 0


def diff(*args):
    done = subprocess.run([os.path.join(TOP, "build", "sdeitop"), "diff", "--json", *args], capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout or '{"sentence": "nothing was written", "causes": []}'), done.stderr


def check(name, new, wanted, stages):
    """Exit status and the stage that is named first."""
    status, result, errors = diff(*sides(OUT, "base", new))
    first = {cause["stage"] for cause in result["causes"][:1]}
    complaints = [] if status == wanted and first == stages and not errors else [f"status {status}: {result['sentence']}", errors]
    ok(name, complaints, result["sentence"])


def main():
    if record():
        check("runs_of_the_same_are_quiet", "same", 0, set())
        check("a_slower_handler_is_found", "handler", 3, {"handler"})
        check("a_longer_mask_is_found", "mask", 3, {"mask"})
    finish()


if __name__ == "__main__":
    main()
