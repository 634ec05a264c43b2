#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest with two CPUs: two boots, with backtraces in each. $1: a file that the first one leaves, $2: backtraces.
for _ in $(seq "$2"); do
	echo l >/proc/sysrq-trigger
done
[ -e "$1" ] && exit 0
: >"$1"
sync
reboot -f
sleep 60
