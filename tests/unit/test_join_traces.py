#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""sdeitop join as a trace for other tools, of what the lab has recorded of a guest and its host: judged by what judges those of export."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from verdict import TOP, finish, ok  # noqa: E402

PROGRAM = os.path.join(TOP, "build", "sdeitop")
JUDGE = os.path.join(TOP, "tests", "unit", "check_export.py")
HOST, GUEST = (os.path.join(TOP, "tests", "data", f"recording-{side}") for side in ("host", "guest"))
DISPATCHED = 2 * 46     # each on both sides
DROPPED = 0


def main():
    with tempfile.TemporaryDirectory() as folder:
        for form in ("perfetto", "chrome", "csv"):
            done = subprocess.run([PROGRAM, "join", "--" + form, "-o", os.path.join(folder, form), HOST, GUEST], capture_output=True, text=True,
                                  check=False)
            ok(f"join --{form}", [] if (done.returncode, done.stdout) == (0, "") else [f"status {done.returncode}", done.stdout, done.stderr])
        judged = subprocess.run([sys.executable, JUDGE, folder, str(DISPATCHED), str(DROPPED)], capture_output=True, text=True, check=False)
        ok("join: perfetto, chrome and csv agree", [] if judged.returncode == 0 else (judged.stdout + judged.stderr).splitlines()[:20])
    finish()


if __name__ == "__main__":
    main()
