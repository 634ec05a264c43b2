#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In the lab: Linux guests whose QEMU stands still while a CPU is in its handler: told to by its monitor; so, but with a counter that QEMU
# leaves alone; and by a signal. NAME.halted has the host's uptime when it stood still for certain, when it still did, before and after.
cd /out || exit 1
. ./two-qemus.sh
uptime() { cut -d ' ' -f 1 /proc/uptime; }
in_handler() { sdeitop state >"$1.state" && grep -q " $1 .* REU" "$1.state"; }

by_monitor_halts() {
	monitor "$1" stop
	until_met is_status "$1" paused
}
by_monitor_goes_on() { monitor "$1" cont; }
is_status() {
	monitor "$1" 'info status'
	sleep 0.1
	[ "$(grep 'VM status' "$1.monitor" | tail -n 1 | grep -c "$2")" = 1 ]
}
by_signal_halts() { kill -STOP "$qemu"; }
by_signal_goes_on() { kill -CONT "$qemu"; }

halt() { # NAME HOW QEMU…: until it was in a handler when it was halted
	name=$1 how=$2
	linux-guest --qemu "$3" "$name" sh -c 'while echo l >/proc/sysrq-trigger; do echo asked; done' >"$name.out" 2>"$name.err" &
	from=$!
	until_said 5 asked "$name.out"
	cat "/run/$name.monitor.out" >"$name.monitor" &
	qemu=$(pidof qemu-system-aarch64)
	while :; do
		before=$(uptime)
		"by_${how}_halts" "$name"
		halted=$(uptime)
		in_handler "$name" && break
		"by_${how}_goes_on" "$name"
		usleep $((RANDOM % 50000 + 20000))	# not in step with what the guest does
	done
	sleep 3
	at_least=$(uptime)
	"by_${how}_goes_on" "$name"
	said=$(grep -c asked "$name.out")
	until_said $((said + 5)) asked "$name.out"
	echo "$halted $at_least $before $(uptime)" >"$name.halted"
	monitor "$name" quit
	wait "$from" || [ $? = 122 ] || exit	# told to quit, it ends before its command
}

halt told monitor ''
halt alone monitor '-cpu host,kvm-no-adjvtime=on'
halt signal signal ''
