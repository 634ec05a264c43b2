#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest with two CPUs: CPU 1 hangs with interrupts off, CPU 0 panics, and the crash kernel goes on here. What it has of the
# first one is one memory image.
if [ -e /proc/vmcore ]; then
	echo "vmcore $(head -c 4 /proc/vmcore | tail -c 3) of CPUs $(cat /sys/devices/system/cpu/online)"
	dmesg | grep -E 'sdei: |sdei_nmi: |SDEI|WARNING: |BUG: ' | sed 's/^/log /'
	exit 0
fi
. /out/hang.sh
until [ -e /out/crash.initrd ]; do
	usleep 100000
done
load-crash-kernel /out/crash.Image /out/crash.initrd "$(sed "s/crashkernel=[^ ]*//" /proc/cmdline) maxcpus=1" || exit 1
echo "loaded $(cat /sys/kernel/kexec_crash_loaded)"
hang_and_panic 600
