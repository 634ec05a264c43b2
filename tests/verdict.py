# SPDX-License-Identifier: GPL-2.0-only
"""What all tests in Python share: building what they run, and saying how it went as tests/run reads it."""
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
    subprocess.run(["make", "-s", "--no-print-directory", "-C", TOP, *targets], check=True, stdout=sys.stderr)


def finish():
    sys.exit(1 if failures else 0)
