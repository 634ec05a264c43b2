#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest with two CPUs: CPU 1 hangs with interrupts off, CPU 0 panics and stays so for three seconds.
. /out/hang.sh
echo 3 >/proc/sys/kernel/panic
hang_and_panic 60
