#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest with two CPUs: asks all CPUs where they are, $1 times and until the host has made /out/$2.enough, then says how often it
# did, and how many answers each has given. /out/$2.begins and /out/$2.ends tell the host when.
touch "/out/$2.begins"
asked=0
until [ $asked -ge "$1" ] && [ -e "/out/$2.enough" ]; do
	echo l >/proc/sysrq-trigger
	asked=$((asked + 1))
done
touch "/out/$2.ends"
answers() { dmesg | grep -c "NMI backtrace for cpu $1"; }
echo "asked $(dmesg | grep -c 'sysrq: Show backtrace') answered $(answers 0) $(answers 1)"
