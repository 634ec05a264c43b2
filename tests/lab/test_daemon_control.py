#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# debug kernel: no
"""How sdeid is run: what it tells the service manager, reloads, flight recordings, faults at its start, being killed, a textfile
directory that cannot be written, hostile names, a kernel without the tracepoints."""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import TOP, all_attached, finish, lab, ok, out_dir, script    # noqa: E402
from test_metrics import parse    # noqa: E402

OUT = out_dir("daemon-control")
SDEITOP = os.path.join(TOP, "build", "sdeitop")

RELOAD = r"""
mkdir /tmp/tf2
chown 991:990 /tmp/tf2
in_log() { await "'$1' in the log" grep -q "$1" "$log"; }
configure() {
	printf '%s\n' "$@" >/tmp/sdeid.conf
	kill -HUP $daemon
}
notify-listen /run/notify >notified 2>&1 &
await "the listener" test -S /run/notify
printf 'textfile = /tmp/tf\ninterval = 0.5\nremove = yes\n' >/tmp/sdeid.conf
export NOTIFY_SOCKET=/run/notify WATCHDOG_USEC=1000000
daemon reload -c /tmp/sdeid.conf --user sdeid
unset NOTIFY_SOCKET WATCHDOG_USEC
await "READY" grep -q READY notified
sdei-guest --vcpus 1 --scenario steady --events 101 -name guest=web >&2 || give_up "a guest failed"
next_file
cp /tmp/tf/sdeid.prom before.prom
configure 'textfile = /tmp/tf2' 'interval = 1' 'remove = yes' 'labels = vcpu'
await "the file elsewhere" test -e /tmp/tf2/sdeid.prom
cp /tmp/tf2/sdeid.prom after.prom
in_log 'the configuration was read anew'
ls -A /tmp/tf >tf.ls
configure 'textfile = /tmp/tf2' 'intervall = 3'
in_log 'sdeid.conf:2: intervall: no such option; the configuration before stays'
configure 'textfile = /tmp/tf2' 'mask-ms = 5'
in_log 'mask-ms.* cannot change while sdeid runs'
configure 'textfile = /nowhere'
in_log 'cannot write to /nowhere: No such file or directory'
rm /tmp/sdeid.conf
kill -HUP $daemon
in_log 'cannot read /tmp/sdeid.conf: No such file'
grep ^kvm_sdei_last_update /tmp/tf2/sdeid.prom >/tmp/stamp
await "that it still writes" sh -c '! grep -qxf /tmp/stamp /tmp/tf2/sdeid.prom'
await "signs of life" sh -c '[ $(grep -c WATCHDOG notified) -ge 3 ]'
land
ls -A /tmp/tf2 >tf2.ls

# Removed at the end only if asked for.
daemon kept -t /tmp/tf -d 60 -S $SOCKET --user sdeid
land
cp /tmp/tf/sdeid.prom kept.prom
ls -A /run/sdeid >socket.ls
"""

FLIGHT = r"""
daemon finding -F /tmp/fl --flight-on any --flight-on SIGUSR2 --user sdeid --mask-ms 100 --flight-keep 2
hostile=$(printf 'a\033[31m<6>\nsdeid: saved\t\302\233x')
sdei-guest --vcpus 1 --scenario long-mask -name guest="$hostile" >&2 || give_up "a guest failed"
await "a recording" grep -q 'saved /tmp/fl/' finding.err
kill -USR2 $daemon
await "that of SIGUSR2" grep -q 'saved /tmp/fl/.*SIGUSR2' finding.err
kill -USR2 $daemon
await "a word about SIGUSR2" grep -q 'SIGUSR2: not saved again' finding.err
land
cp -r /tmp/fl first
# Long masks are only a warning.
for run in second third; do
	daemon $run -F /tmp/fl --user sdeid --mask-ms 100 --flight-keep 2
	sdei-guest --vcpus 1 --scenario long-mask -name guest=$run >&2 || give_up "a guest failed"
	await "the finding" grep -Eq 'findings?: mask-long' $run.err
	kill -USR2 $daemon
	await "a recording" grep -q 'saved /tmp/fl/' $run.err
	land
done
cp -r /tmp/fl third
"""

FAULTS = r"""
try() { # NAME COMMAND...: its status and words
	name=$1
	shift
	timeout 30 "$@" >$name.said 2>&1
	echo $? >$name.status
}
try no-user sdeid -t /tmp/tf --user nobody-known
try no-group sdeid -S $SOCKET --group none-such
try no-directory sdeid -t /tmp/nowhere --user sdeid
try not-writable sdeid -t /sys/kernel --user sdeid
try no-socket-directory sdeid -S /run/nowhere/socket
try nothing sdeid
try no-option sdeid --nonsense
try no-file sdeid -c /tmp/none.conf
try fault sh -c 'echo "interval = soon" >/tmp/f.conf; sdeid -t /tmp/tf -c /tmp/f.conf'
try unprivileged as-user 1001 none sdeid -t /tmp/tf
try help sdeid --help
daemon one -t /tmp/tf -d 0.5 -S $SOCKET --group sdei --user sdeid
try same-socket sdeid -S $SOCKET --user sdeid
client killed
sdei-guest --vcpus 2 --scenario busy --seconds 12 -name guest=busy >&2 &
guest=$!
next_file
kill -9 $daemon
wait $daemon
wait $clients
echo $? >killed.status
clients=
daemon two -t /tmp/tf -d 0.5 -S $SOCKET --group sdei --user sdeid
client again
next_file
leave
land
ls -A /run/sdeid >run.ls
kill $guest
wait $guest
daemon default -t /tmp/tf -S $SOCKET
cat /proc/$daemon/status >default.status
land
sed -i '/^sdeid:/d' /etc/passwd
mkdir /tmp/tf3
daemon stays -t /tmp/tf3
cat /proc/$daemon/status >stays.status
land
"""

TROUBLE = r"""
mkdir /run/disk
mount -t tmpfs -o size=256k tmpfs /run/disk
chown 991:990 /run/disk
ln -s disk /run/small	# gone in one step
daemon trouble -t /run/small -d 0.3 --user sdeid
both() { # how often it was logged that it failed, and that it works again
	await "$1 failures" sh -c "[ \$(grep -c ' failed: ' trouble.err) -ge $1 ]"
	sleep 3
	eval "$2"
	await "$1 recoveries" sh -c "[ \$(grep -c 'works again' trouble.err) -ge $1 ]"
}
dd if=/dev/zero of=/run/disk/fill bs=4k 2>/dev/null
both 1 'rm /run/disk/fill'
mount -o remount,ro /run/disk
both 2 'mount -o remount,rw /run/disk'
rm /run/small
mkdir -m 0755 /run/next
chown 991:990 /run/next
both 3 'mv /run/next /run/small'
land
cp /run/small/sdeid.prom trouble.prom
"""


def text_of(name):
    with open(os.path.join(OUT, name), encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def lines_of(name):
    return text_of(name).splitlines()


# reloads, and the service manager ---------------------------------------------

def check_notified():
    said = lines_of("notified")
    kinds = [re.match(r"\w+=", line)[0] for line in said]
    complaints = [] if kinds[:2] == ["STATUS=", "READY="] else [f"at first: {said[:2]}"]
    complaints += [] if kinds[-1] == "STOPPING=" else [f"at last: {said[-1]}"]
    reloads = [i for i, kind in enumerate(kinds) if kind == "RELOADING="]
    complaints += [] if len(reloads) == 5 else [f"{len(reloads)} reloads"]
    complaints += [f"after a reload: {said[i:i + 3]}" for i in reloads if "READY=" not in kinds[i + 1:i + 4]]
    complaints += [] if kinds.count("WATCHDOG=") > 2 else ["hardly a sign of life"]
    statuses = [line for line in said if line.startswith("STATUS=")]
    form = r"STATUS=\d+ VMs, \d+ vCPUs, \d+ records, 0 lost, (?P<all>[1-9]\d*)/(?P=all) probes, \d+ series, 0 clients$"
    complaints += [line for line in statuses if not re.match(form, line)]
    ok("daemon-control/the service manager hears of it", complaints, f"{len(said)} messages")


def check_reload():
    log = text_of("reload.err")
    complaints = [] if log.count("the configuration was read anew") == 1 else [log]
    complaints += [name for name in lines_of("tf.ls") if name == "sdeid.prom"]
    ok("daemon-control/SIGHUP moves the file", complaints)
    before, after = parse(f"{OUT}/before.prom"), parse(f"{OUT}/after.prom")
    counters = {key: value for key, value in before.items() if re.search(r"^kvm_sdei_(host_|records)\w*total$", key[0])}
    complaints = [f"{key}: {value}, then {after.get(key)}" for key, value in counters.items() if after.get(key, -1) < value]
    complaints += [] if before[("kvm_sdei_host_dispatched_total", "")] >= 101 else [f"{counters}"]
    ok("daemon-control/SIGHUP resets no counter", complaints, f"{len(counters)} counters")
    ok("daemon-control/what cannot be followed is told, and all stays", [] if log.count("cannot change while") == 1 else [log])
    ok("daemon-control/--remove removes the file", [name for name in lines_of("tf2.ls") if name == "sdeid.prom"])
    kept = parse(f"{OUT}/kept.prom")
    ok("daemon-control/else the last one stays, and says that sdeid ended",
       [] if kept[("kvm_sdei_up", "")] == 0 and kept[("kvm_sdei_probes_attached", "")] == 0 else [f"{kept}"])
    ok("daemon-control/the socket is removed", lines_of("socket.ls"))


# flight recordings ------------------------------------------------------------

def report(directory):
    done = subprocess.run([SDEITOP, "report", "--json", directory], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def saved(name):
    return sorted(os.listdir(os.path.join(OUT, name)))


def check_recording(directory, reason, guest):
    status, got, err = report(os.path.join(OUT, directory))
    complaints = [] if status == 0 and not err else [f"report: {status} {err}"]
    complaints += [] if got.get("recording", {}).get("reason") == reason else [f"reason: {got.get('recording')}"]
    names = [vm["name"] for vm in got.get("vms", [])]
    complaints += [] if guest in names else [f"guests: {names}"]
    return complaints


def check_flight():
    hostile = "a\033[31m<6>\nsdeid: saved\t\302\233x".encode("latin-1").decode("utf-8")
    first, third = saved("first"), saved("third")
    complaints = [] if len(first) == 2 and first[0].endswith("-mask-long@a__31m_6__sdeid__saved___x") and \
        first[1].endswith("-SIGUSR2") else [f"saved: {first}"]
    for name in first[:1]:
        complaints += check_recording(f"first/{name}", "mask-long", hostile)
    ok("daemon-control/a finding saves a flight recording", complaints)
    complaints = [] if len(third) == 4 and third[:2] == first and all(name.endswith("-SIGUSR2") for name in third[2:]) else \
        [f"there: {third}"]
    for name, guest in zip(third[2:], ("second", "third")):
        complaints += check_recording(f"third/{name}", "SIGUSR2", guest)
    ok("daemon-control/SIGUSR2 saves one, and pushes nothing out", complaints)


def check_log():
    log = text_of("finding.err").encode("utf-8", "surrogateescape")
    complaints = [f"{byte:#x} in the log" for byte in sorted(set(log)) if byte < 0x20 and byte != 0x0a]
    complaints += [repr(line) for line in log.splitlines() if not line.startswith(b"sdeid: ")]
    complaints += [] if re.search(rb"findings?: mask-long", log) else ["the finding is not in the log"]
    complaints += ["an 8-bit control character in the log"] if b"\302\233" in log else []
    saves = [line for line in log.splitlines() if line.startswith(b"sdeid: saved")]
    complaints += [] if len(saves) == 2 else [f"{saves}"]      # that of the finding, and that of SIGUSR2
    ok("daemon-control/a guest's name does no harm in the log", complaints)


# faults -----------------------------------------------------------------------

FAULTY = {
    "no-user": (1, "sdeid: there is no user nobody-known in /etc/passwd"),
    "no-group": (1, "sdeid: cannot find group none-such in /etc/group"),
    "no-directory": (1, "sdeid: cannot write to /tmp/nowhere: No such file or directory; it must be there, and writable for who runs sdeid"),
    "not-writable": (1, "sdeid: cannot write to /sys/kernel: Permission denied; it must be there"),
    "no-socket-directory": (1, "sdeid: cannot listen at /run/nowhere/socket: its directory is not there"),
    "nothing": (2, "sdeid: nothing to do: name a directory"),
    "no-option": (2, "sdeid: --nonsense: no such option"),
    "no-file": (2, "sdeid: cannot read /tmp/none.conf: No such file or directory"),
    "fault": (2, "sdeid: /tmp/f.conf:1: interval soon: expects seconds from 0.1 to 86400"),
    "unprivileged": (1, "this process lacks CAP_BPF and CAP_PERFMON"),
    "help": (0, "Usage: sdeid [OPTIONS]"),
    "same-socket": (1, "sdeid: cannot listen at /run/sdeid/socket: another sdeid listens there"),
}


def check_faults():
    for name, (status, words) in FAULTY.items():
        said, ended = text_of(f"{name}.said"), int(text_of(f"{name}.status"))
        ok(f"daemon-control/{name}", [] if ended == status and words in said else [f"status {ended}", said])
    complaints = [] if text_of("killed.status").strip() == "1" else [text_of("killed.status")]
    complaints += [] if "sdeid closed the connection" in text_of("killed.err") else [text_of("killed.err")]
    complaints += [] if text_of("killed.jsonl").count('"type":"summary"') == 1 else ["no summary of what there was"]
    ok("daemon-control/kill -9: a client is told, and sums up", complaints)
    ok("daemon-control/kill -9: the next one takes its socket over, and removes it", lines_of("run.ls"))
    again = [json.loads(line) for line in lines_of("again.jsonl")][-1]
    ok("daemon-control/kill -9: the next one goes on, at the same socket",
       [] if [vm["name"] for vm in again["vms"]] == ["busy"] and again["records"] > 0 else [f"{again['vms']}"])


def check_root():
    """Root that names no user becomes sdeid, or is warned if there is none."""
    for name, uid, words in (("default", 991, "goes on as user sdeid"), ("stays", 0, "there is no user sdeid to become")):
        status, log = text_of(f"{name}.status"), text_of(f"{name}.err")
        complaints = [] if f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n" in status else [status]
        complaints += [] if "CapEff:\t0000000000000000\n" in status else ["it has capabilities"]
        complaints += [] if words in log else [log]
        ok(f"daemon-control/root without --user: {name}", complaints)


def check_trouble():
    log = lines_of("trouble.err")
    failed = [line for line in log if " failed: " in line]
    again = [line for line in log if "works again" in line]
    why = ("No space left on device", "Read-only file system", "No such file or directory")
    complaints = [] if len(failed) == 3 and len(again) == 3 else log
    complaints += [line for line, words in zip(failed, why) if words not in line]
    counts = [int(re.search(r"after (\d+) failures", line)[1]) for line in again]
    complaints += [f"{counts}: hardly tried again"] if min(counts, default=0) < 2 else []
    errors = parse(f"{OUT}/trouble.prom")[("kvm_sdei_write_errors_total", "")]
    complaints += [] if errors == sum(counts) else [f"{errors} in the file, {counts} in the log"]
    ok("daemon-control/a directory that is full, read-only, gone: told once each, counted, tried again", complaints, f"{counts} failures")


def check_stock():
    """A kernel without SDEI has page faults, and the metrics say which of both are there."""
    commands = """
mkdir /tmp/tf
sdeid -t /tmp/tf &
until [ -s /tmp/tf/sdeid.prom ]; do
	kill -0 $! || exit 1
	sleep 0.1
done
grep '^kvm_sdei_up' /tmp/tf/sdeid.prom
kill $!
wait $!"""
    status, output = lab(f"{OUT}/stock", "sh", "-c", commands, options=("--kernel", "stock"))
    ok("daemon-control/without the tracepoints: page faults",
       [] if status == 0 and all_attached(output) and "kvm_sdei_up 1" in output else [f"{status}: {output}"])


def run(name, commands):
    status, output = lab(OUT, "sh", "-c", script("daemon.sh") + commands, timeout=180)
    ok(f"daemon-control/run {name}", [] if status == 0 else [f"exit status {status}"] + output.splitlines()[-15:])
    return status == 0


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    if run("reload", RELOAD):
        check_notified()
        check_reload()
    if run("flight", FLIGHT):
        check_flight()
        check_log()
    if run("faults", FAULTS):
        check_faults()
        check_root()
    if run("trouble", TROUBLE):
        check_trouble()
    check_stock()
    finish()


if __name__ == "__main__":
    main()
