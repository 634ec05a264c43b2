#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest with two CPUs: CPU 1 hangs with interrupts off, CPU 0 panics and stays so for ever. CPU 1 is stopped in its handler, with its
# PE masked. What the shell starts must not wait for CPU 1.
umount /out
taskset -p 1 $$ >/dev/null
echo 0 >/proc/sys/kernel/panic
taskset 2 insmod /lab/drivers/test_lockup.ko time_secs=600 disable_irq=1 &
until dmesg | grep -q 'test_lockup: START'; do
	usleep 100000
done
echo c >/proc/sysrq-trigger
sleep 60
