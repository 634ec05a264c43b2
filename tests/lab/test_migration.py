#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 1500
# debug kernel: no
"""A stock Linux guest moves from one stock QEMU to another one on the same host: amid NMIs, with one that waits for a CPU which has masked its
events, and with a CPU that stays in its handler. What both processes show makes up what the guest counted; it is known where the second came
from, by its name or, where that is another one, by its UUID; and nothing is found."""
import base64
import functools
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import labtest                  # noqa: E402  (the path comes first)
import linux_guest              # noqa: E402
from labtest import finish, ok, out_dir    # noqa: E402
from linux_guest import differ, ends, sdeitop    # noqa: E402

OUT = out_dir("migration")
text = functools.partial(labtest.text, OUT)
# A machine that stands still for a while, as a VM does that moves, makes all of it long.
LIMITS = [word for name in ("handler", "pending", "nmi", "mask") for word in (f"--{name}-ms", "600000")]
PAUSES, PAUSE = 5, 0.3  # s at least
UUID = "6ad1b5ca-1d5f-4d0c-9a1c-5a8e6f6f2b11"
CPUS = 2
BEFORE, AFTER = 20, 20  # NMIs at least: in either process, and between what is done to it

HOST = r"""
. ./two-qemus.sh
begin() { # NAME [SCRIPT [ARGUMENT…]]
	local name=$1 script=${2:-$1}
	shift && [ $# = 0 ] || shift
	mkfifo /run/old.gate.in /run/old.gate.out /run/new.gate.in /run/new.gate.out
	linux-guest --called $name $machine --qemu "$(gate old) $identity" old sh -c "$(cat $script.sh)" $script "$@" >$name.old.out 2>$name.old.err &
	from=$!
	until_met [ -p /run/old.monitor.out ]
	cat /run/old.monitor.out >$name.old.monitor &
}
gate() { echo "-chardev pipe,id=gate,path=/run/$1.gate -device virtserialport,nr=4,chardev=gate"; }
move() { # NAME [NEW NAME]
	linux-guest --called ${2:-$1} $machine --qemu "$(gate new) $identity -incoming unix:/run/migration" new true >$1.new.out 2>$1.new.err &
	to=$!
	until_met [ -S /run/migration ]
	cat /run/new.monitor.out >$1.new.monitor &
	monitor old 'migrate unix:/run/migration'
}
end() { # NAME
	monitor old quit
	wait $from
	wait $to
	echo $? >$1.status
	from='' to=''
	rm -f /run/*.gate.* /run/migration
}
asked() { grep -c asked $1; }
uptime() { cut -d ' ' -f 1 /proc/uptime; }

machine='' identity='-uuid UUID'
begin storm storm record
until_said BEFORE asked storm.old.out
for i in $(seq PAUSES); do
	before=$(asked storm.old.out)
	uptime >>paused
	monitor old stop
	monitor old 'info registers -a'
	monitor old 'info status'
	until_said $i 'VM status: paused' storm.old.monitor
	sleep PAUSE
	monitor old cont
	monitor old 'info registers -a'
	monitor old 'info status'
	until_said $i 'VM status: running' storm.old.monitor
	uptime >>paused
	until_said $((before + AFTER)) asked storm.old.out
done
move storm storm-moved
until_said AFTER asked storm.new.out
echo end >/run/new.gate.in
until_said 1 handled storm.new.out
end storm
identity=''

# An idle CPU is suspended and has masked its events. What is signalled to it wakes it; but here its thread does not come to run then, until
# it is told to stop.
waits() { # TIMES: an NMI, for the second CPU
	sdeitop state >idle.state && [ "$(grep -c ' idle  *[0-9]*  *1 .* RE-PM ' idle.state)" = $1 ]
}
is_told() { grep -q '^SigPnd:.*[1-9a-f]' /proc/$thread/status || [ ! -e /proc/$hog ]; }
caught() {
	sleep 1		# it is idle again
	taskset 2 sh -c 'renice -n -20 -p $$; until [ "$(cut -d . -f 1 /proc/uptime)" -ge $1 ]; do :; done' hog $(($(cut -d . -f 1 /proc/uptime) + 10)) &
	hog=$!
	sleep 1		# there is one each 0.3 s
	waits 1
	caught=$?
	[ $caught != 0 ] || { monitor old stop && until_met is_told; }
	kill $hog || { monitor old cont && return 1; }	# it has ended by itself, so the thread may have run
	return $caught
}
machine=--idle-state
begin idle storm record 300000
until_said 3 asked idle.old.out
monitor old 'info cpus'
until_said 1 'CPU #1: thread_id' idle.old.monitor
thread=$(sed -n 's/.*CPU #1: thread_id=\([0-9]*\).*/\1/p' idle.old.monitor)
taskset -p 2 $thread >/dev/null
renice -n 19 -p $thread
until_met caught
waits 1 || exit 1
move idle
until_met waits 2	# the VM stands still there, too
monitor new cont
until_said AFTER asked idle.new.out
echo end >/run/new.gate.in
until_said 1 handled idle.new.out
end idle
machine=''

in_handler() { # TIMES: a PE masked in a handler, and the other one masked
	sdeitop state >stopped.state && [ "$(grep -c ' stopped .* REU-M ' stopped.state)" = $1 ] && [ "$(grep -c ' stopped .* RE--M ' stopped.state)" = $1 ]
}
begin stopped
until_met in_handler 1
sdeitop events --no-calls >stopped.seen &
seeing=$!
until_met [ -s stopped.seen ]
move stopped
until_met in_handler 2
until_said 2 ' stopped .* runs ' stopped.seen	# its state is there before either vCPU is
monitor new quit
kill $seeing
wait $seeing
end stopped
"""


class Moved:
    """The two VMs that were one guest, in a summary."""

    def __init__(self, summary, *names):
        self.vms = [vm for vm in summary["vms"] if vm["name"] in names]

    def sum(self, vcpu, *counts):
        return sum(vm["vcpus"][vcpu]["events"][0]["count"][count] for vm in self.vms for count in counts)

    def history(self):
        complaints = differ("VMs", len(self.vms), 2)
        if complaints:
            return complaints
        old, new = self.vms
        restored = new.get("restored", {})
        complaints += differ("the first", old.get("restored"), None)
        complaints += differ("the second is from", restored.get("from"), {"vm": old["vm"], "instance": old["instance"]})
        complaints += differ("vCPUs", [vcpu["vcpu"] for vcpu in restored.get("vcpus", [])], [0, 1])
        for vcpu in restored.get("vcpus", []):
            if not vcpu["last_ns"] < restored["time_ns"] <= vcpu["first_ns"] or vcpu["blackout_ns"] != vcpu["first_ns"] - vcpu["last_ns"]:
                complaints.append(f"{vcpu}, restored at {restored['time_ns']}")
        # The guest's counter says how long it stood still: it may have run on from its last record, or before the first one.
        stood, silent = restored.get("stood_still_ns") or 0, [vcpu["blackout_ns"] for vcpu in restored.get("vcpus", [])]
        return complaints + ([] if silent and 0 < stood <= min(silent) else [f"it stood still for {stood}, silent for {silent}"])


def check_pauses(vm):
    """As often as its VMM was told to stop it, and as long: between what the host's script waited and what it took."""
    times = [float(line) for line in text("paused").split()]
    most = sum(after - before for before, after in zip(times[::2], times[1::2])) + 0.02 * PAUSES    # uptime has two digits
    stood = vm.get("stood_still", {"count": 0, "ns": 0})
    complaints = differ("times", stood["count"], PAUSES)
    if not PAUSE * PAUSES <= stood["ns"] / 1e9 <= most:
        complaints.append(f"{stood['ns']} ns, of {most} s")
    return complaints


def check_nmis(summary, name, *more_names, own=False):
    """Of a guest that asks for them on and on. own: its kernel may, too, of a CPU that does not come to run."""
    said = text(f"{name}.old.out") + text(f"{name}.new.out")
    handled = [int(n) for line in said.splitlines() if line.startswith("handled") for n in line.split()[1:]]
    asked = [int(line.split()[1]) for line in said.splitlines() if line.startswith("asked")]
    moved = Moved(summary, name, *more_names)
    ok(f"migration/{name}/ends", ends(OUT, name, 0, f"{name}.new"))
    ok(f"migration/{name}/the guest lost nothing",
       ([] if own and sum(handled) > len(asked) else differ("NMIs", sum(handled), len(asked))) + differ("it said", asked, list(range(1, len(asked) + 1))))
    ok(f"migration/{name}/history", moved.history())
    complaints = []
    for vcpu in (0, 1) if len(moved.vms) == 2 and len(handled) == 2 else ():
        complaints += differ(f"vCPU {vcpu} dispatched", moved.sum(vcpu, "dispatched"), handled[vcpu])
        complaints += differ(f"vCPU {vcpu} ended", moved.sum(vcpu, "completed", "resumed"), handled[vcpu])
        # What was pending when it moved was signalled to the first, and again to the second by the restore.
        complaints += differ(f"vCPU {vcpu} signals", moved.sum(vcpu, "signals") - moved.sum(vcpu, "cleared"), handled[vcpu])
    ok(f"migration/{name}/both make up what the guest counted", complaints, f"handlers {handled}")
    return moved


def check_storm(summary):
    moved = check_nmis(summary, "storm", "storm-moved")
    if moved.vms:
        ok("migration/storm/stopped by its VMM", check_pauses(moved.vms[0]))
    ok("migration/storm/it moved amid NMIs", [f"{vm['vm']}: {count}" for vm in moved.vms for count in [
        sum(vcpu["events"][0]["count"]["dispatched"] for vcpu in vm["vcpus"])] if count < AFTER])
    paused = text("storm.old.monitor").count("CPU#1")
    ok("migration/storm/registers were read and written back", differ("times", paused, 2 * PAUSES))
    return moved


def unpack_own(name):
    """What the guest has recorded itself."""
    packed = "".join(line[4:] for line in text(f"{name}.new.out").splitlines() if line.startswith("own "))
    folder = os.path.join(OUT, f"{name}.guest")
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["tar", "-C", folder, "-xz"], input=base64.b64decode(packed), check=True)
    return os.path.join(folder, "own")


def check_join(moved, own):
    """Both VMs are the guest's, and each of its NMIs is one of theirs, but for those under way when it stood still, on a clock that did so as
    often."""
    vm = moved.vms[-1]["vm"]
    done = sdeitop("join", "--json", "-p", str(vm), os.path.join(OUT, "recording"), own)
    joined = json.loads(done.stdout or "{}")
    ok("migration/join", [f"status {done.returncode}", *done.stderr.splitlines()] if done.returncode not in (0, 5) else [])
    if not joined:
        return
    alone = [joined[side][what] for side in ("only_guest", "only_host") for what in ("signals", "handlers")]
    ok("migration/join/both VMs", differ("moved to", joined["host"].get("moved_to"), [{"vm": vm, "name": "storm-moved"}]))
    ok("migration/join/all NMIs", differ("handlers", joined["joined"]["handlers"] + joined["only_guest"]["handlers"],
                                         joined["guest"]["handlers"]) + [f"alone {n}" for n in alone if n > CPUS * (PAUSES + 1)])
    ok("migration/join/clock", [f"{len(joined['clock'])} lines"] if len(joined["clock"]) < 1 + PAUSES + 1 else [])
    ok("migration/join/counter", [] if joined["counter"]["used"] and not joined["counter"]["contradicts"] else [str(joined["counter"])],
       f"within {joined['error_ns']} ns")


def check_idle_client(own):
    """What is signalled to a CPU that is masked is handled while it unmasks: by then it is not masked any more."""
    records = [json.loads(line) for line in sdeitop("events", "--json", own).stdout.splitlines()]
    found = json.loads(sdeitop("report", "--json", own).stdout)["findings"]
    begun = [r for r in records if r.get("kind") == "smccc" and r["outcome"] == "begun"]
    masked = [r for r in records if r.get("kind") == "signal" and r["state"].endswith("M")]
    ok("migration/idle/the guest says which CPUs are idle", [] if begun and masked else [f"{len(begun)} idle, {len(masked)} signals to masked ones"])
    ok("migration/idle/its handlers begin unmasked", [f["text"] for f in found if f["code"] == "illegal-transition"])


def check_idle(summary):
    moved = check_nmis(summary, "idle", own=True)
    if len(moved.vms) == 2:
        check_idle_client(unpack_own("idle"))
        counts = [vm["vcpus"][1]["events"][0]["count"] for vm in moved.vms]
        ok("migration/idle/one NMI was signalled to the first and handled in the second",
           [str(count) for count in counts if count["signals"] - count["cleared"] - count["dispatched"] != 0] +
           differ("cleared by the move", counts[0]["cleared"], 1))
        # Whose CPU is idle may be masked for longer than others: here until it has moved. What kept it from running kept it masked, too.
        found = json.loads(sdeitop("report", "--json", os.path.join(OUT, "recording")).stdout)["findings"]
        ok("migration/idle/no mask that is too long", [f["text"] for f in found if f["code"] == "mask-long" and
                                                       f["vm"] == moved.vms[0]["vm"] and f["last_ns"] >= moved.vms[1]["restored"]["time_ns"]])


def check_stopped(summary):
    moved = Moved(summary, "stopped")
    ok("migration/stopped/ends before its command", ends(OUT, "stopped", 122, "stopped.new"))
    ok("migration/stopped/history", moved.history())
    if len(moved.vms) == 2:
        ok("migration/stopped/the handler runs on",
           differ("cut off in each", [vm["vcpus"][1]["events"][0]["count"]["running_cleared"] for vm in moved.vms], [1, 1]))


def check(summary, live):
    ok("migration/recording", [f"{key} {summary.get(key)}" for key in ("lost", "late", "malformed", "misfits") if summary.get(key) != 0])
    ok("migration/findings", [f"{f['code']} vCPU {f['vcpu']}: {f['text']}" for f in summary["findings"]])
    moved = check_storm(summary)
    if len(moved.vms) == 2:
        check_join(moved, unpack_own("storm"))
    check_idle(summary)
    check_stopped(summary)
    ok("migration/as live", differ("what is known", [(vm.get("restored"), vm.get("stood_still")) for vm in summary["vms"]],
                                    [(vm.get("restored"), vm.get("stood_still")) for vm in live["vms"]]))
    vm = {name: Moved(summary, name).vms[0]["vm"] for name in ("storm", "idle", "stopped")}
    shown = {"text": sdeitop("report", *LIMITS, "--all", "--html", os.path.join(OUT, "page.html"), os.path.join(OUT, "recording")).stdout}
    shown["page"] = text("page.html")
    for form, words in shown.items():
        ok(f"migration/report as {form}", [f"{name}: not shown" for name in vm if f"restored from VM {vm[name]} at" not in words])


def main():
    if linux_guest.is_missing("migration"):
        return
    host = HOST.replace("PAUSES", str(PAUSES)).replace("PAUSE", str(PAUSE)).replace("BEFORE", str(BEFORE)).replace("AFTER", str(AFTER))
    host = host.replace("UUID", UUID)
    linux_guest.write_scripts(OUT, "hang", "storm", "stopped", "two-qemus", host=host)
    if linux_guest.run(OUT, "migration", "cd /out && exec sdeitop record --summary --json -o recording -- sh host.sh >live.json"):
        check(json.loads(sdeitop("report", *LIMITS, "--json", os.path.join(OUT, "recording")).stdout), json.loads(text("live.json")))
    finish()


if __name__ == "__main__":
    main()
