#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""It is true: each scenario under sdeitop in the lab, compared with what its guests know."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import truth as t               # noqa: E402  (the path comes first)
from labtest import finish, lab, ok, out_dir, script    # noqa: E402

OUT = out_dir("truth")
# scenario: vcpus, further arguments
SCENARIOS = {
    "steady": (2, []), "burst": (2, []), "masked": (2, []), "handler-busy": (2, []), "disabled": (2, []),
    "cross": (4, []), "unregister-running": (2, []), "reset": (2, []), "refused": (2, []), "inject": (2, []),
    "churn": (2, []), "busy": (4, ["--seconds", "5"]),
}
# What they may make sdeitop point at: they drop or refuse many signals or calls, as fast as this machine lets them.
FINDINGS = {
    "burst": ["drop-burst"], "cross": ["drop-burst"], "busy": ["drop-burst"], "disabled": ["drop-burst"],
    "handler-busy": ["drop-burst"], "unregister-running": ["refused-calls", "drop-burst"],
    "refused": ["refused-calls", "drop-burst"], "inject": ["drop-burst"],
}


def guest(name, vcpus, more, tag=None):
    tag = tag or name
    return ["sdei-guest", "--vcpus", str(vcpus), "--scenario", name, *more,
            "--truth", f"/out/{tag}.truth.json", "-name", f"guest={tag}"]


def run_scenario(name, vcpus, more):
    status, output = lab(OUT, "sh", "-c", script("observe.sh"), "observe", name, "", *guest(name, vcpus, more))
    if status:
        ok(f"truth/{name}", [f"exit status {status}"] + output.splitlines()[-10:])
    else:
        for what, complaints, note in t.comparisons(t.Run(OUT, name), FINDINGS.get(name, [])):
            ok(f"truth/{name}/{what}", complaints, note)


def main():
    names = sys.argv[1:] or SCENARIOS
    for name in names:
        try:
            run_scenario(name, *SCENARIOS[name])
        except (OSError, KeyError, ValueError, IndexError) as error:
            ok(f"truth/{name}", [f"{type(error).__name__}: {error}"])
    finish()


if __name__ == "__main__":
    main()
