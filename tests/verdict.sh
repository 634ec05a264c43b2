# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What tests in shell share: saying how it went as tests/run reads it. Whoever sources it sets GROUP, with which the names
# of its tests begin, and EVIDENCE, the files whose ends are shown when one fails.
FAILURES=0

# judge NAME CONDITION…: the condition is a command; its failure is the test's.
judge() {
	local name=$1 file
	shift
	if "$@"; then
		echo "ok $GROUP: $name"
		return
	fi
	echo "not ok $GROUP: $name"
	printf '# failed: %s\n' "$*"
	for file in "${EVIDENCE[@]}"; do
		tail -n 20 "$file" 2>/dev/null | sed "s|^|# ${file##*/}: |"
	done
	FAILURES=$((FAILURES + 1))
}

is() { [[ $1 == "$2" ]] || { echo "# '$1' instead of '$2'"; return 1; }; }

# says TEXT [FILE]: without FILE, the first one of the evidence.
says() { grep -q -- "$1" "${2:-${EVIDENCE[0]}}"; }

finish() { exit $((FAILURES > 0)); }
