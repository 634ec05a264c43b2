#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest with two CPUs, which has no folder of its host any more, or it could not be saved: asks all CPUs, for ever, where
# they are, and prints how often it did and how many answers each has given.
umount /out
asked=0
answers() { dmesg | grep -c "NMI backtrace for cpu $1"; }
while :; do
	echo l >/proc/sysrq-trigger
	asked=$((asked + 1))
	echo "asked $asked answered $(answers 0) $(answers 1)"
	usleep 100000
done
