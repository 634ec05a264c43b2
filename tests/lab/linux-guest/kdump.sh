#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest with two CPUs: CPU 1 hangs with interrupts off, CPU 0 panics, and the crash kernel goes on here. What it has of the
# first one is one memory image.
if [ -e /proc/vmcore ]; then
	echo "vmcore $(head -c 4 /proc/vmcore | tail -c 3) of CPUs $(cat /sys/devices/system/cpu/online)"
	dmesg | grep -E 'sdei: |sdei_nmi: |SDEI|WARNING: |BUG: ' | sed 's/^/log /'
	exit 0
fi
taskset -p 1 $$ >/dev/null
until [ -e /out/crash.initrd ]; do
	usleep 100000
done
load-crash-kernel /out/crash.Image /out/crash.initrd "$(sed "s/crashkernel=[^ ]*//" /proc/cmdline) maxcpus=1" || exit 1
echo "loaded $(cat /sys/kernel/kexec_crash_loaded)"
taskset 2 insmod /lab/drivers/test_lockup.ko time_secs=600 disable_irq=1 &
until dmesg | grep -q 'test_lockup: START'; do
	usleep 100000
done
echo c >/proc/sysrq-trigger
sleep 60
