#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest with two CPUs: suspended to idle for $2 s, until its clock wakes it, $1 times; backtraces of all CPUs before and after each.
# Neither the ports nor the folder of its host work again after that: what it has to say is on its console, once the kernel says no more.
umount /out
exec >/dev/ttyAMA0
backtraces() {
	for _ in 1 2 3; do
		echo l >/proc/sysrq-trigger
	done
}
backtraces
for _ in $(seq "$1"); do
	echo "+$2" >/sys/class/rtc/rtc0/wakealarm || exit 1
	before=$(cut -d ' ' -f 1 /proc/uptime)
	echo freeze >/sys/power/state || exit 1
	slept="$slept $before $(cut -d ' ' -f 1 /proc/uptime)"
	backtraces
done
echo "suspended$slept"
answers() { dmesg | grep -c "NMI backtrace for cpu $1"; }
echo "asked $(dmesg | grep -c 'sysrq: Show backtrace') answered $(answers 0) $(answers 1)"
sleep 1
poweroff -f
