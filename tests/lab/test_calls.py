#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# debug kernel: no
"""sdeid in the sandbox of its unit: every system call that it makes, while it attaches and lives, is one that the unit's filters let
through. The lab has no systemd, and its kernel no seccomp: the calls are noted there, and judged by what systemd-analyze says."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import TOP, finish, lab, make, ok, out_dir, script    # noqa: E402

OUT = out_dir("calls")
UNIT = os.path.join(TOP, "contrib", "systemd", "sdeid.service")
NOTE = os.path.join(TOP, "build", "tool", "lab", "tools", "calls")
COMPILERS = {"arm64": "aarch64-linux-gnu-gcc", "x86-64": "gcc"}
AF_UNIX, PROT_WRITE, PROT_EXEC = 1, 2, 4

# As the unit runs it, with all that it can do, and all that can be asked of it.
ATTACHED = r"""
sdeid() {
	exec as-user 991:990 38,39 calls /out/$noted.calls sdeid "$@"
}
configure() {
	printf '%s\n' "$@" 'interval = 0.5' 'labels = vcpu' "socket = $SOCKET" 'group = sdei' 'sched = yes' 'mask-ms = 100' \
		'flight-on = any' 'flight-on = SIGUSR2' 'flight-on = exit' 'flight-keep = 1' >/tmp/sdeid.conf
}
noted=check
(sdeid --check) || give_up "--check failed"
await "the calls of --check" test -e check.calls
notify-listen /run/notify >notified 2>&1 &
await "the listener" test -S /run/notify
mkdir /tmp/tf2
chown 991:990 /tmp/tf2
configure 'textfile = /tmp/tf' 'flight = /tmp/fl'
noted=attached
export NOTIFY_SOCKET=/run/notify WATCHDOG_USEC=1000000
daemon attached -c /tmp/sdeid.conf
unset NOTIFY_SOCKET WATCHDOG_USEC
client one
sdei-guest --vcpus 2 --scenario busy --seconds 2 -name guest=busy >&2 || give_up "a guest failed"
sdei-guest --vcpus 1 --scenario long-mask -name guest=trouble >&2 || give_up "a guest failed"
await "a recording" grep -q 'saved /tmp/fl/' attached.err
configure 'textfile = /tmp/tf2' 'flight = /tmp/fl/elsewhere'
kill -HUP $daemon
await "a file elsewhere" test -e /tmp/tf2/sdeid.prom
echo nonsense >/tmp/sdeid.conf
kill -HUP $daemon
await "a complaint" grep -q 'the configuration before stays' attached.err
while [ -e /tmp/tf2 ]; do rm -r /tmp/tf2 2>/dev/null || true; done	# sdeid is just writing there
await "another complaint" grep -q 'failed: No such file' attached.err
kill -USR2 $daemon
await "a recording for SIGUSR2" grep -q 'saved /tmp/fl/elsewhere/.*-SIGUSR2' attached.err
kill -USR2 $daemon
await "a word about SIGUSR2" grep -q 'SIGUSR2: not saved again' attached.err
leave
land
await "the calls of sdeid" test -e attached.calls
"""


def filter_sets():
    """systemd's names of groups of calls, and what is in them, groups included."""
    text = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter"], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout
    sets, name = {}, None
    for line in text.splitlines():
        if line.startswith("@"):
            name = line.strip()
            sets[name] = set()
        elif name and line.startswith("    ") and "#" not in line:
            sets[name].add(line.strip())
    return sets


def expand(sets, name):
    return {one for part in sets[name] for one in expand(sets, part)} if name.startswith("@") else {name}


def allowed():
    """The unit's lines in their order; @default is always in a list of what is allowed, see systemd.exec(5)."""
    sets = filter_sets()
    names = expand(sets, "@default")
    with open(UNIT, encoding="utf-8") as file:
        settings = re.findall(r"^SystemCallFilter=(~?)(.*)$", file.read(), re.M)
    for inverted, words in settings:
        meant = {one for word in words.split() for one in expand(sets, word)}
        names = names - meant if inverted else names | meant
    return names


def call_names(machine):
    """By number, from the C library's headers for that machine."""
    text = subprocess.run([COMPILERS[machine], "-E", "-dM", "-include", "asm/unistd.h", "-x", "c", os.devnull], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    numbers = dict(re.findall(r"^#define (__NR\w+) (\w+)$", text, re.M))
    names = {numbers.get(number, number): name[5:] for name, number in numbers.items() if name.startswith("__NR_")}
    return {int(number): name for number, name in names.items() if number.isdigit()}


def noted(path, machine):
    """Names and the values that matter; how often."""
    names, calls = call_names(machine), {}
    with open(path, encoding="utf-8") as file:
        for number, count, *value in map(str.split, file):
            calls[(names[int(number)], int(value[0]) if value else 0)] = int(count)
    return calls


def check(what, path, machine, least):
    calls, passing = noted(path, machine), allowed()
    refused = [f"{name}, {count} times" for (name, _), count in sorted(calls.items()) if name not in passing]
    names = {name for name, _ in calls}
    few = [f"{name} was not noted" for name in least if name not in names]
    ok(f"calls/{what}: all pass the unit's filter", refused + few, f"{len(names)} different calls")
    families = {value for name, value in calls if name == "socket"}
    ok(f"calls/{what}: only sockets that the unit allows", [f"family {one}" for one in families if one != AF_UNIX])
    wrong = [f"{name} with protection {value}" for name, value in calls
             if name == "mmap" and value & PROT_WRITE and value & PROT_EXEC or name == "mprotect" and value & PROT_EXEC]
    ok(f"calls/{what}: no memory that is written and run", wrong)


def on_host():
    """The same program as it is installed: linked dynamically, of this machine."""
    make(NOTE[len(TOP) + 1:], "build/sdeid")
    path = os.path.join(OUT, "host.calls")
    subprocess.run([NOTE, path, os.path.join(TOP, "build", "sdeid"), "--check"], check=False, stderr=subprocess.DEVNULL)
    for _ in range(1000):
        if os.path.exists(path):
            break
        subprocess.run(["sleep", "0.02"], check=True)
    return path


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    status, output = lab(OUT, "sh", "-c", script("daemon.sh") + ATTACHED, timeout=180)
    ok("calls/run", [] if status == 0 else [f"exit status {status}"] + output.splitlines()[-15:])
    if status == 0:
        check("sdeid --check", f"{OUT}/check.calls", "arm64", ("openat",))
        check("sdeid, attached and live", f"{OUT}/attached.calls", "arm64",
              ("bpf", "capset", "fchownat", "renameat", "accept4", "sendto", "ppoll", "timerfd_settime", "fsync", "mkdirat", "unlinkat"))
    check("sdeid --check on this host", on_host(), "x86-64", ("openat",))
    finish()


if __name__ == "__main__":
    main()
