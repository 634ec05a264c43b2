#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest with two CPUs, for scripts that hang CPU 1: from /out, as long as the guest has it.

# hang SECONDS: CPU 1, interrupts off. The module always ends with an error, so that it can be loaded again; wait $! waits for that.
hang() {
	local before
	before=$(dmesg | grep -c 'test_lockup: START')
	taskset 2 insmod /lab/drivers/test_lockup.ko time_secs="$1" disable_irq=1 2>/dev/null &
	until [ "$(dmesg | grep -c 'test_lockup: START')" -gt "$before" ]; do
		usleep 100000
	done
}

# hang_and_panic SECONDS: CPU 1 hangs for so long, CPU 0 panics. What the shell starts must not wait for CPU 1.
hang_and_panic() {
	taskset -p 1 $$ >/dev/null
	hang "$1"
	echo c >/proc/sysrq-trigger
	sleep 60
}
