#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest with two CPUs: CPU 1 hangs with interrupts off, CPU 0 panics and stays so for ever. CPU 1 is stopped in its handler, with its
# PE masked.
. /out/hang.sh
umount /out
echo 0 >/proc/sys/kernel/panic
hang_and_panic 600
