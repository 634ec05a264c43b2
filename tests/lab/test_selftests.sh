#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel's own tests of KVM, on the lab's kernel: that of SDEI, which the series brings, and those of its neighbours.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/verdict.sh
source tests/verdict.sh
OUT=build/lab/selftests
# shellcheck disable=SC2034 # read by judge
GROUP=selftests EVIDENCE=("$OUT/evidence")
KIND=${SDEITOP_LAB_KERNEL:-tracepoints}
TESTS=(sdei hypercalls psci_test smccc_filter get-reg-list)
# Of sdei, as it numbers them.
PARTS=("calls and states" delivery "complete and resume" "signal to another vCPU" "injection by the VMM"
	"migration by registers" reset "not offered")

rm -rf "$OUT" && mkdir -p "$OUT"
image=$(scripts/kernel path "$KIND") || exit
cp "${image%/*}"/selftests/* "$OUT/" || exit

# shellcheck disable=SC2016 # the lab's shell expands it
scripts/lab exec --strict --timeout 900 --out "$OUT" -- sh -c '
cd /out
for test; do
	./$test >$test.said 2>&1
	echo $? >$test.status
done' sh "${TESTS[@]}" >"$OUT/lab" 2>&1
status=$?
cp "$OUT/lab" "$OUT/evidence"
judge "the kernel has nothing to complain of" test "$status" = 0

# shellcheck disable=SC2317 # called by way of judge
ended_well() { [[ $(cat "$OUT/$1.status") == 0 ]]; }

for test in "${TESTS[@]}"; do
	cp "$OUT/$test.said" "$OUT/evidence"
	judge "$test" ended_well "$test"
done
for i in "${!PARTS[@]}"; do
	judge "sdei: ${PARTS[i]}" says "^ok $((i + 1)) ${PARTS[i]}\$" "$OUT/sdei.said"
done
judge "sdei: has no other parts" says "^1..${#PARTS[@]}\$" "$OUT/sdei.said"
finish
