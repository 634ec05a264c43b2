#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The QEMU patches: their form, the README's list of them, and that they apply to Debian's source and are clean.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/../../scripts/common.sh"
# shellcheck source=tests/verdict.sh
source "$(dirname "$0")/../verdict.sh"

SERIES=$SDEITOP_TOP/contrib/qemu
AUTHOR='sdeitop developers <sdeitop@localhost>'
OUT=$(mktemp -d)
trap 'rm -rf "$OUT"' EXIT
: >"$OUT/log"
# shellcheck disable=SC2034 # of verdict.sh
GROUP=qemu EVIDENCE=("$OUT/log")

names() { (cd "$SERIES" && printf '%s\n' *.patch); }

# One row each in the table, in order.
listed() { diff <(names) <(sed -nE 's/^\| `(0[^`]*\.patch)` .*/\1/p' "$SERIES/README.md"); }

numbered() { diff <(names | cut -c1-4) <(seq -f %04g "$(names | wc -l)"); }

# What comes before the first line of dashes: mail's head and the log.
log_of() { sed '/^---$/Q' "$1"; }

# form PATCH: an author, a subject with its part of QEMU, a log that says why, signed.
form() {
	log_of "$1" >"$OUT/log"
	[[ $(grep -c "^From: $AUTHOR\$" "$OUT/log") == 1 && $(tail -n 1 "$OUT/log") == "Signed-off-by: $AUTHOR" ]] &&
		grep -qE '^Subject: \[PATCH\] [a-z][a-z/-]*: [A-Z]' "$OUT/log" &&
		[[ $(sed '1,/^$/d; /^Signed-off-by/d' "$OUT/log" | grep -c .) -ge 3 ]] &&
		! grep -nE '^.{76}' "$OUT/log"
}

all_forms() {
	local name
	while read -r name; do
		form "$SERIES/$name" || { echo "# $name" && return 1; }
	done < <(names)
}

# The last line of what was said names what is missing.
applies() {
	local status=0
	"$SERIES/check" >"$OUT/check" 2>"$OUT/err" || status=$?
	case $status in
	3 | 77) echo "skip qemu: $(tail -n 1 "$OUT/err")" ;;
	*)
		sed 's/^FAIL /not ok /; s/^\(ok\|not ok\) *\(.*\)/\1 qemu: \2/' "$OUT/check"
		# shellcheck disable=SC2034 # of verdict.sh
		EVIDENCE=("$OUT/err")
		judge "each patch applies and is clean" is "$status $(grep -c '^ok ' "$OUT/check")" "0 $(names | wc -l)"
		;;
	esac
}

judge "the README lists the patches" listed
judge "they are numbered" numbered
judge "each has its author, its part of QEMU, a log and its signature" all_forms
applies
finish
