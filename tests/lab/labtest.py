# SPDX-License-Identifier: GPL-2.0-only
"""What the lab tests in Python share: running commands in the lab, and saying how it went."""
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(TOP, "tests", "lab")
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


def script(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()


def lab_start(out, *command, timeout=300, options=()):
    """Starts command in a lab of its own, which ends with this process. Files that it leaves in /out are in out."""
    os.makedirs(out, exist_ok=True)
    call = [os.path.join(TOP, "scripts", "lab"), "exec", "--timeout", str(timeout), "--out", out,
            *options, "--", *command]
    return subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            stdin=subprocess.DEVNULL, errors="replace")


def lab(out, *command, timeout=300, options=()):
    """The same to its end; (exit status, output)."""
    with lab_start(out, *command, timeout=timeout, options=options) as host:
        output = host.communicate(timeout=timeout + 60)[0]
    return host.returncode, output


def out_dir(name):
    return os.path.join(TOP, "build", "lab", name)


def finish():
    sys.exit(1 if failures else 0)
