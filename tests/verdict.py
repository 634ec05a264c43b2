# SPDX-License-Identifier: GPL-2.0-only
"""What all tests in Python share: building what they run, and saying how it went as tests/run reads it."""
import fcntl
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
failures = 0


def ok(name, complaints, note=""):
    """One line per test; the first complaints of a failed one as comments."""
    global failures
    print(f"{'not ok' if complaints else 'ok'} {name}{' # ' + note if note and not complaints else ''}")
    for complaint in complaints[:12]:
        print(f"# {complaint}")
    if len(complaints) > 12:
        print(f"# … and {len(complaints) - 12} more")
    failures += bool(complaints)
    sys.stdout.flush()


def make(*targets):
    """Not two at a time: tests run side by side, and a make does not expect another one in its folder."""
    os.makedirs(os.path.join(TOP, "build"), exist_ok=True)
    with open(os.path.join(TOP, "build", "make.lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "--no-print-directory", "-C", TOP, *targets], check=True, stdout=sys.stderr)


def finish():
    sys.exit(1 if failures else 0)
