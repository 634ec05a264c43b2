#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest, which has no folder of its host any more, or it could not be migrated: each of two CPUs goes through a file of its
# own, for ever, and prints what it has read. $1: pages of a file
umount /out
for cpu in 0 1; do
	dd if=/dev/urandom of=/tmp/$cpu bs=4096 count="$1" 2>/dev/null
	taskset $((1 << cpu)) sh -c "while sum=\$(md5sum </tmp/$cpu); do echo cpu $cpu read \$sum; done" &
done
wait
