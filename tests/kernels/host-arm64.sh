# shellcheck shell=sh
# Runs in the lab (busybox sh) on an arm64 kernel without our series: what the tool shows there of a guest that waits for its pages;
# all in /out.
cd /out || exit 1

said() { # said NAME COMMAND...: its output, its messages and its exit status
	name=$1
	shift
	"$@" >"$name.json" 2>"$name.err"
	echo $? >"$name.status"
}

uname -r >version
said doctor sdeitop doctor -j
said state sdeitop state -j
GUEST="sdei-guest --apf bare --vcpus 2 --pages 41"
said live sdeitop -j -- $GUEST --truth /out/live.truth.json --name live
said record sdeitop record -o record.rec -- $GUEST --truth /out/record.truth.json --name record
said events sdeitop events -j --summary record.rec
said report sdeitop report -j --verbose record.rec
exit 0
