# SPDX-License-Identifier: GPL-2.0-only
"""What the lab tests in Python share: running commands in the lab, and what tests/verdict.py has."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from verdict import TOP, finish, make, ok    # noqa: E402,F401  for who imports this module

HERE = os.path.join(TOP, "tests", "lab")


def script(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()


def text(out, name):
    """What a file in out has; nothing where it never came to be."""
    path = os.path.join(out, name)
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def unit_setting(name):
    """What sdeid.service sets."""
    with open(os.path.join(TOP, "contrib", "systemd", "sdeid.service"), encoding="utf-8") as file:
        return re.search(f"^{name}=(.*)$", file.read(), re.M).group(1)


def unit_capabilities():
    """Those of sdeid.service, numbers with commas: as as-user takes them."""
    return ",".join(CAPABILITIES[name] for name in unit_setting("AmbientCapabilities").split())


def lab_start(out, *command, timeout=300, options=()):
    """Starts command in a lab of its own, which ends with this process. Files that it leaves in /out are in out."""
    os.makedirs(out, exist_ok=True)
    call = [os.path.join(TOP, "scripts", "lab"), "exec", "--timeout", str(timeout), "--out", out,
            *options, "--", *command]
    return subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            stdin=subprocess.DEVNULL, errors="replace")


E_PANIC, E_TIMEOUT, E_HANG = 121, 124, 125   # of scripts/lab
X86_TRIES = 3                # of an emulated x86 kernel: see test_run.sh
E_NO_PACKAGE = 3             # of scripts/kernel and scripts/setup
CAPABILITIES = {"CAP_SYS_ADMIN": "21", "CAP_PERFMON": "38", "CAP_BPF": "39"}


def lab(out, *command, timeout=300, options=()):
    """The same to its end; (exit status, output). Again where the emulated x86 kernel panicked or hung, or a guest in it."""
    os.makedirs(out, exist_ok=True)
    given = set(os.listdir(out))
    for rest in reversed(range(X86_TRIES)):
        with lab_start(out, *command, timeout=timeout, options=options) as host:
            output = host.communicate(timeout=timeout + 60)[0]
        if not (rest and host.returncode in (E_PANIC, E_TIMEOUT, E_HANG) and "x86_64" in options):
            break
        print("# the emulated x86 kernel panicked or hung, or a guest in it: once more\n# " + "\n# ".join(output.splitlines()[-20:]), flush=True)
        keep_only(out, given)
    return host.returncode, output


def keep_only(out, given):
    """What the first try left must not meet the second one."""
    for name in set(os.listdir(out)) - given:
        path = os.path.join(out, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def out_dir(name):
    """Empty: what a run before this one left there must not look as if this one had got as far. But who imports a test, for what
    it knows, leaves its folder alone: that test may be running."""
    path = os.path.join(TOP, "build", "lab", name)
    if sys._getframe(1).f_globals["__name__"] == "__main__":
        shutil.rmtree(path, ignore_errors=True)
    return path


def all_attached(text):
    """What sdeitop or sdeid said when it began: it has every program that this kernel can have."""
    return bool(re.search(r"\(([1-9]\d*)/\1 probes\)", text))


def cannot_be_had(test, *command):
    """The message of one of scripts/ that lacks a package; what else goes wrong is a failure of the test."""
    done = subprocess.run([os.path.join(TOP, "scripts", command[0]), *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode not in (0, E_NO_PACKAGE):
        ok(f"{test}/" + " ".join(command), done.stderr.splitlines()[-10:] or ["failed"])
        finish()
    return done.stderr.strip().splitlines()[-1] if done.returncode else None
