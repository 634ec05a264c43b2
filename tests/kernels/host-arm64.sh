# shellcheck shell=sh
# Runs in the lab (busybox sh) on an arm64 kernel without our series: what the tool says there; all in /out.
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
said live sdeitop -j -- true
exit 0
