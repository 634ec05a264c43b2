#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest with two CPUs: NMIs to CPUs that are idle, busy, and hung with interrupts off; CPUs go and come. The guest's own
# account is what its function tracer saw of the handler, and its log.
# $1 rounds of each kind
. /out/hang.sh

cd /sys/kernel/tracing || exit 1
echo sdei_nmi_handler >set_ftrace_filter || exit 1
echo function >current_tracer || exit 1

backtraces() { # N: of all CPUs
	for _ in $(seq "$1"); do
		echo l >/proc/sysrq-trigger
	done
}

backtraces "$1"
taskset 2 sh -c 'while :; do :; done' &
busy=$!
backtraces "$1"
kill $busy
wait $busy 2>/dev/null
for _ in 1 2 3; do
	hang 1
	backtraces 5
	wait $!
done
for _ in $(seq 20); do
	echo 0 >/sys/devices/system/cpu/cpu1/online || exit 1
	echo 1 >/sys/devices/system/cpu/cpu1/online || exit 1
done
backtraces "$1"

handled() { grep -c sdei_nmi_handler "per_cpu/cpu$1/trace"; }
echo "handled $(handled 0) $(handled 1)"
echo "asked $(dmesg | grep -c 'sysrq: Show backtrace')"
echo "answered $(dmesg | grep -c 'NMI backtrace for cpu 0') $(dmesg | grep -c 'NMI backtrace for cpu 1')"
dmesg | grep -E 'sdei: |sdei_nmi: |page table isolation|WARNING: |BUG: |rcu: .*stall' | sed 's/^/log /'
