#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The first thing a stranger does: `make run`, with and without a terminal; and sdeitop where there is nothing to see.
# debug kernel: no
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/verdict.sh
source tests/verdict.sh
OUT=build/lab/test-run
# shellcheck disable=SC2034 # read by judge
GROUP=run EVIDENCE=("$OUT/said" "$OUT/messages")
mkdir -p "$OUT"

at_least() { (($1 >= $2)) || { echo "# $1 instead of $2 or more"; return 1; }; }

# Everything that a lab leaves behind would have a process group member with our mark in its environment.
MARK=sdeitop-test-run-$$
leftovers() { grep -lsz "^RUN_MARK=$MARK\$" /proc/[0-9]*/environ 2>/dev/null | grep -v "^/proc/$$/" | grep -c . || true; }

without_terminal() {
	local status=0
	RUN_MARK=$MARK timeout 200 scripts/run </dev/null >"$OUT/said" 2>"$OUT/messages" || status=$?
	judge "without a terminal: status 0" test "$status" = 0
	judge "without a terminal: ten tables" at_least "$(grep -c 'LOST' "$OUT/said")" 10
	for guest in web db mail; do
		judge "without a terminal: guest $guest is shown" says "[0-9] $guest "
	done
	judge "without a terminal: all is gone afterwards" test "$(leftovers)" = 0
}

# The x86 lab: what its guests have is told at the end.
page_faults() {
	local status try
	# QEMU's emulated x86 CPUs now and then run an instruction that another has just replaced (a breakpoint of a function
	# that is traced no longer, or half of a jump). The kernel, which is a stock one, does not survive that. Such a run says
	# nothing about us: once more.
	for try in 1 2; do
		status=0
		RUN_MARK=$MARK timeout 200 scripts/run x86_64 </dev/null >"$OUT/said" 2>"$OUT/messages" || status=$?
		(((status == 121 || status == 125) && try == 1)) || break
		sed -n '/Oops\|BUG:\|Kernel panic/s/^/# /p' build/lab/console.log
		echo "# the emulated x86 kernel panicked or hung: once more"
	done
	judge "page faults: status 0" test "$status" = 0
	for guest in web db mail; do
		judge "page faults: those of guest $guest" says "page faults of VM [0-9]* $guest\$"
	done
	judge "page faults: one guest is told, one is halted, one waits" at_least \
		"$(grep -cE '^Outcomes  async [1-9]|halted [1-9]|^Fallbacks all [1-9].*not-now' "$OUT/said")" 3
	judge "page faults: all is gone afterwards" test "$(leftovers)" = 0
}

pane() { tmux -L "$MARK" capture-pane -p -t run >"$OUT/said" 2>&1; }

await() { # TEXT SECONDS: until the terminal shows it
	local i
	for ((i = 0; i < $2 * 5; i++)); do
		pane
		says "$1" && return 0
		sleep 0.2
	done
	return 1
}

on_terminal() {
	tmux -L "$MARK" -f /dev/null new-session -d -s run -x 80 -y 24 \
		"env RUN_MARK=$MARK scripts/run; echo status \$?; sleep 60"
	judge "on a terminal: the screen" await "q Quit" 120
	judge "on a terminal: busy guests" await "web .* RE" 30
	tmux -L "$MARK" send-keys -t run q
	judge "on a terminal: q ends it with status 0" await "status 0" 30
	judge "on a terminal: all is gone afterwards" test "$(leftovers)" = 0
	tmux -L "$MARK" kill-server
}

# shellcheck disable=SC2016 # the lab's shell expands it
on_a_kernel_without() {
	local status=0
	scripts/lab exec --kernel stock --timeout 120 --out "$OUT/stock" -- \
		sh -c 'sdeitop state; one=$?; sdei-guest --scenario steady; two=$?; sdeitop -b 1 2; echo "statuses $one $two $?"' \
		</dev/null >"$OUT/said" 2>&1 || status=$?
	judge "a kernel without tracepoints: exit 4 of a guest with SDEI, the rest shows what is there" says "statuses 0 4 0"
	judge "a kernel without tracepoints: says that there is no SDEI" says "page faults and calls of guests only"
	judge "a kernel without tracepoints: points to the patches" says "tracepoints/README.md"
	judge "a kernel without tracepoints: points to make run" says "make run"
}

without_terminal
if command -v tmux >/dev/null; then
	on_terminal
else
	echo "skip run: on a terminal (no tmux)"
fi
on_a_kernel_without
[[ $(uname -m) != x86_64 ]] || page_faults
finish
