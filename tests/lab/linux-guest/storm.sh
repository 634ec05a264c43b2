#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest with two CPUs that moves to another host: NMIs without an end, until its fourth port says something. It has no folder
# of its host any more then, or it could not be saved. Its account is what its function tracer saw of the handler; and with $1, "record",
# what sdeitop did, as lines of base64. With $2 CPU 0 asks for them, and waits for so many us between them, in which CPU 1 is idle.
head -n 1 /dev/vport*p4 >/tmp/end &
umount /out
cd /sys/kernel/tracing || exit 1
echo sdei_nmi_handler >set_ftrace_filter || exit 1
echo function >current_tracer || exit 1
if [ "$1" = record ]; then
	sdeitop record --client -o /tmp/own 2>/tmp/own.err &
	recorder=$!
	until grep -q 'recording to' /tmp/own.err; do
		[ -e /proc/$recorder ] || { cat /tmp/own.err && exit 1; }
		usleep 100000
	done
fi
if [ "$2" ]; then
	taskset -p 1 $$ >/dev/null
	echo 100 >/proc/sys/vm/stat_interval
	echo 0 >/proc/sys/kernel/watchdog
	echo 1 >/sys/module/rcupdate/parameters/rcu_cpu_stall_suppress
fi
asked=0
until [ -s /tmp/end ]; do
	echo l >/proc/sysrq-trigger
	asked=$((asked + 1))
	echo "asked $asked"
	usleep "${2:-5000}"
done
handled() { grep -c sdei_nmi_handler "per_cpu/cpu$1/trace"; }
if [ "$1" = record ]; then
	kill -INT $recorder
	wait $recorder || { cat /tmp/own.err && exit 1; }
	tar -C /tmp -c own | gzip | base64 | sed 's/^/own /'
fi
echo "handled $(handled 0) $(handled 1)"
