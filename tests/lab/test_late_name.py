#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# debug kernel: no
"""A VM whose command line cannot be read yet is called after its program, and by its name from then on that the command line is there: by those
who print records, in what is recorded, and by who is attached to sdeid. Its UUID comes with it."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import truth as t               # noqa: E402
from labtest import finish, lab, ok, out_dir, script    # noqa: E402
from linux_guest import sdeitop    # noqa: E402

OUT = out_dir("late-name")
UUID = "ad3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d42"    # no digit behind \0, which printf would take for part of it
PROGRAM, NAME = "sdei-guest", "late"

# A FIFO in the place of a command line: it cannot be read until it is written, as that of a process whose memory map is locked.
RUN = r"""
# begin: a VM that sends records until it is killed, in $vmm.
begin() {
	rm -f /tmp/cmdline
	mkfifo /tmp/cmdline
	exec 3<>/tmp/cmdline
	sh -c 'mount --bind /tmp/cmdline /proc/$$/cmdline && exec sdei-guest --quiet --scenario busy --seconds 600' >&2 3>&- &
	vmm=$!
}
# The command line ends when nobody can write to it.
without_fifo() {
	exec "$@" 3>&-
}
tell() {
	printf 'qemu-system-aarch64\0-name\0guest=NAME\0-uuid\0UUID\0' >&3
	exec 3>&-
}
finish() {
	kill -KILL $vmm
	wait $vmm
	kill -INT $1
	wait $1 || give_up "$2 ended with $?"
}

sdeitop events --json >events.jsonl 2>events.err &
tracer=$!
await "events" grep -q racing events.err
begin
await "the program" grep -q '"name":"PROGRAM"' events.jsonl
tell
await "the name" grep -q '"name":"NAME"' events.jsonl
finish $tracer events

sdeitop record -o recording 2>record.err &
tracer=$!
await "record" grep -q 'recording' record.err
begin
await "a recording" grep -q PROGRAM recording/sdei-000000
tell
await "the name" grep -q NAME recording/sdei-000000
finish $tracer record

daemon late-name -t /tmp/tf -d 1 -S $SOCKET --group sdei --user sdeid
begin
await "the program" grep -q 'name="PROGRAM"' /tmp/tf/sdeid.prom
client joined without_fifo
await "the program" grep -q '"name":"PROGRAM"' joined.jsonl
tell
await "the name" grep -q '"name":"NAME"' joined.jsonl
await "the name" grep -q 'name="NAME"' /tmp/tf/sdeid.prom
kill -KILL $vmm
wait $vmm
leave
land
"""


def names(lines):
    """Of records, in their order, each once."""
    found = []
    for line in lines:
        if "kind" in line and line.get("name") not in found[-1:]:
            found.append(line.get("name"))
    return found


def main():
    host = RUN.replace("PROGRAM", PROGRAM).replace("NAME", NAME).replace("UUID", UUID)
    status, output = lab(OUT, "sh", "-c", script("daemon.sh") + host)
    recording = os.path.join(OUT, "recording")
    if status:
        ok("late-name", [f"exit status {status}"] + output.splitlines()[-10:])
        finish()
        return
    recorded = [t.json.loads(line) for line in sdeitop("events", "--json", recording).stdout.splitlines()]
    for what, lines in (("live", t.load_lines(f"{OUT}/events.jsonl")), ("recorded", recorded)):
        ok(f"late-name/{what}", [] if names(lines) == [PROGRAM, NAME] else [names(lines)])
    report = t.json.loads(sdeitop("report", "--json", recording).stdout)
    ok("late-name/report", [vm["name"] for vm in report["vms"] if vm["name"] != NAME])
    exported = os.path.join(OUT, "exported")
    shutil.rmtree(exported, ignore_errors=True)
    sdeitop("export", "--ctf", "-o", exported, recording)
    for what, directory in (("a recording", recording), ("an exported one", exported)):
        told = subprocess.run(["babeltrace2", directory], capture_output=True, text=True, check=False).stdout
        found = re.findall(r'sdeitop_(?:name|guest):.*name = "(.*?)"(?:, uuid = "(.*?)")?', told)
        ok(f"late-name/babeltrace2 reads {what}", [] if set(found) <= {(PROGRAM, ""), (NAME, UUID)} and (NAME, UUID) in found else [found])
    joined = t.load_lines(f"{OUT}/joined.jsonl")[-1]
    ok("late-name/attached to sdeid", [vm["name"] for vm in joined["vms"] if vm["name"] != NAME])
    finish()


if __name__ == "__main__":
    main()
