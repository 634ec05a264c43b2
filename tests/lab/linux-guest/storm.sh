#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest with two CPUs that moves to another host: NMIs without an end, until its fourth port says something. It has no folder
# of its host any more then, or it could not be saved. Its account is what its function tracer saw of the handler.
head -n 1 /dev/vport*p4 >/tmp/end &
umount /out
cd /sys/kernel/tracing || exit 1
echo sdei_nmi_handler >set_ftrace_filter || exit 1
echo function >current_tracer || exit 1
asked=0
until [ -s /tmp/end ]; do
	echo l >/proc/sysrq-trigger
	asked=$((asked + 1))
	echo "asked $asked"
	usleep 5000
done
handled() { grep -c sdei_nmi_handler "per_cpu/cpu$1/trace"; }
echo "handled $(handled 0) $(handled 1)"
