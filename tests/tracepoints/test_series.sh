#!/usr/bin/env bash
# Each patch series on Debian's kernel source: applies without fuzz, checkpatch has nothing to say. And what they add is the
# same in all but tests/golden/series.diff; UPDATE_GOLDEN=1 writes that anew.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/../../scripts/common.sh"

SERIES=$SDEITOP_TOP/tracepoints
CHECK=$SERIES/check-series
TREE=$SDEITOP_TOP/build/series-tree
SELFTESTS=tools/testing/selftests/kvm
ADDED=(arch/arm64/kvm/{sdei.c,apf.c,trace_sdei.h,trace_apf.h} arch/arm64/include/asm/{kvm_sdei.h,kvm_apf.h,kvm_apf_abi.h}
	Documentation/virt/kvm/arm/{sdei.rst,apf.rst} "$SELFTESTS"/{aarch64,arm64}/sdei.c)
FAILED=0

# Only the few files that are looked at, not all 85,000.
extract() { # VERSION TARBALL
	rm -rf "$TREE"
	mkdir -p "$TREE"
	"$CHECK" --needs "$1" | sed "s,^,linux-source-$1/," | tar -C "$TREE" --strip-components=1 --occurrence=1 -xf "$2" -T -
}

check() { # VERSION TARBALL
	extract "$1" "$2"
	"$CHECK" "$1" "$TREE" | sed -u 's/^FAIL /not ok /; s/^\(ok\|not ok\) *\(.*\)/\1 series: \2/' || FAILED=1
}

# The files that a series adds, in the folder VERSION; the selftest where 7.3 has it.
added_files() { # VERSION
	local patch
	mkdir "$1"
	export GIT_CEILING_DIRECTORIES=$PWD
	for patch in "$SERIES/linux-$1"/*.patch "$SERIES/linux-$1-apf"/*.patch; do
		(cd "$1" && git apply --whitespace=nowarn "${ADDED[@]/#/--include=}" "$patch")
	done
	[[ ! -d $1/$SELFTESTS/aarch64 ]] || mv "$1/$SELFTESTS/aarch64" "$1/$SELFTESTS/arm64"
}

differences() { diff -r 6.12 7.3 | grep '^[<>Od]' || true; }

compare() {
	local golden=$SDEITOP_TOP/tests/golden/series.diff
	cd "$1"
	added_files 6.12
	added_files 7.3
	[[ ! ${UPDATE_GOLDEN-} ]] || differences >"$golden"
	if diff -u "$golden" <(differences); then
		echo "ok series: they add the same, but for tests/golden/series.diff"
	else
		echo "not ok series: they add the same, but for tests/golden/series.diff"
		FAILED=1
	fi
}

check 6.12 /usr/src/linux-source-6.12.tar.xz
# The source of a newer Debian is not installed.
if newer=$("$SDEITOP_TOP/scripts/debian-kernel" source 7.3 aarch64); then
	check 7.3 "$newer"
else
	echo "skip series: 7.3 its source cannot be had"
fi
OUT=$(mktemp -d)
trap 'rm -rf "$OUT"' EXIT
compare "$OUT"
exit $FAILED
