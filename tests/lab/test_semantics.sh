#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# KVM's SDEI against the specification, and each scenario against its own predictions, on hosts with and without VHE.
# test_semantics.sh [CPU…]   (QEMU CPU models; default max and cortex-a57)
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

((0 < $#)) || set -- max cortex-a57
status=0

# Runs in the lab: the tests, then every scenario, a line each.
# shellcheck disable=SC2016 # the lab's shell expands it
script='
sdei-guest --semantics || status=1
for name in $(sdei-guest --list | cut -d" " -f1); do
	if said=$(sdei-guest --scenario "$name" --vcpus 2 --seconds 3 --truth "/tmp/$name.json" 2>&1); then
		echo "ok scenario/$name # $said"
	else
		status=1
		echo "not ok scenario/$name: $said"
	fi
	rm -f "/tmp/$name.json"
done
exit ${status:-0}'

for cpu; do
	scripts/lab exec --cpu "$cpu" --timeout 1400 --out "build/lab/semantics-$cpu" -- sh -c "$script" | sed -u "s|^\(not \)\?ok |&$cpu/|" || status=1
done
exit $status
