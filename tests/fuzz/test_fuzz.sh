#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 2400
# A minute of all fuzz targets together, on the seeds and what grows out of them: enough to see that they run and find
# nothing at once. The same inputs each time, so that a change is judged by what it changed, and time enough for each on a
# slow machine; `make fuzz SECONDS=3600` looks longer and elsewhere each time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mkdir -p build/fuzz
failed=0
targets=(recording image commands client)
# Other tests that run at the same time make things, too.
flock build/make.lock make --no-print-directory "${targets[@]/#/build/fuzz/}" >build/fuzz/make.log 2>&1 || tail -n 30 build/fuzz/make.log
for target in "${targets[@]}"; do
	log=build/fuzz/smoke-$target.log
	seconds=10
	[[ $target != commands ]] || seconds=30
	if make --no-print-directory "fuzz-$target" SECONDS="$seconds" SEED=1 HANG_SECONDS=200 >"$log" 2>&1 && grep -q 'Done [0-9]* runs' "$log"; then
		echo "ok fuzz/$target # $(grep -o 'Done [0-9]* runs' "$log" | tail -n 1)"
	else
		echo "not ok fuzz/$target"
		tail -n 30 "$log" | sed 's/^/# /'
		failed=1
	fi
done
exit "$failed"
