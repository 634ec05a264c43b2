#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest that is not alone: NMIs to its CPUs, the last of which is busy in user space. Its own account is what its function
# tracer saw of the handler.
# $1 rounds, $2 a file of this guest's, $3 one of the other guest's: none begins before both are there, and none ends before both are done
cd /sys/kernel/tracing || exit 1
echo sdei_nmi_handler >set_ftrace_filter || exit 1
echo function >current_tracer || exit 1

together() { # STEP
	: >"$own.$1"
	until [ -e "$other.$1" ]; do
		usleep 100000
	done
}

own=$2 other=$3 cpus=$(nproc)
taskset $((1 << (cpus - 1))) sh -c 'while :; do :; done' &
busy=$!
together begun
for _ in $(seq "$1"); do
	echo l >/proc/sysrq-trigger
done
together done
kill $busy
wait $busy 2>/dev/null
handled='handled'
for cpu in $(seq 0 $((cpus - 1))); do
	handled="$handled $(grep -c sdei_nmi_handler "per_cpu/cpu$cpu/trace")"
done
echo "$handled"
echo "asked $(dmesg | grep -c 'sysrq: Show backtrace')"
