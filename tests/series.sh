#!/usr/bin/env bash
# The patch series on Debian's kernel source: applies without fuzz, checkpatch has nothing to say.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/../scripts/common.sh"

PACKAGE=linux-source-6.12
CHECK=$SDEITOP_TOP/tracepoints/check-series
TREE=$SDEITOP_TOP/build/series-tree

# Only the few files that are looked at, not all 85,000.
extract() {
	mkdir -p "$TREE"
	"$CHECK" --needs | sed "s,^,$PACKAGE/," |
		tar -C "$TREE" --strip-components=1 --occurrence=1 -xf "/usr/src/$PACKAGE.tar.xz" -T -
}

rm -rf "$TREE"
extract
"$CHECK" "$TREE" | sed -u 's/^FAIL /not ok /; s/^\(ok\|not ok\) *\(.*\)/\1 series: \2/'
