#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In the lab, for scripts that migrate a Linux guest from one QEMU to another: from=, to= are the processes of their linux-guest.
# shellcheck disable=SC2154

# monitor NAME COMMAND: of the guest NAME's QEMU.
monitor() { echo "$2" >"/run/$1.monitor.in"; }

# until CONDITION…: is met, while there are guests that can meet it.
until_met() {
	until "$@"; do
		kill -0 "$from" && kill -0 "${to:-$from}" || exit 1
		sleep 0.1
	done 2>/dev/null
}

was_said() { [ "$(grep -c "$2" "$3")" -ge "$1" ]; }

# until_said TIMES PATTERN FILE: by a guest, or by a monitor.
until_said() { until_met was_said "$@"; }
