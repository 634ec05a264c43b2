#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# scripts/kernel when a kernel does not build: it says what failed and where to look, and keeps no kernel. When one builds, the
# oldest of its kind are removed. In a copy of the recipe with a cache of its own, so that the real one stays as it is.
# debug kernel: no
# make test: no
# time limit: 1800
# shellcheck disable=SC2317 # called through judge
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/verdict.sh
source tests/verdict.sh
OUT=$(mktemp -d)
trap 'rm -rf "$OUT"' EXIT
COPY=$OUT/copy
SAID=$OUT/said
# shellcheck disable=SC2034 # read by judge
GROUP="kernel build" EVIDENCE=("$SAID")
mkdir "$OUT/bin"

fresh_copy() {
	rm -rf "$COPY"
	mkdir -p "$COPY/tests/lab"
	cp -r scripts tracepoints "$COPY/"
	cp -r tests/lab/kernel "$COPY/tests/lab/"
}

# Unpacking takes most of the time, so it is done once, and without what is not compiled before the builds end: nine files of ten.
# What changes a file puts another in its place: links are copies.
NOT_COMPILED="--exclude=*/Documentation/devicetree --exclude=linux-source-?.??/arch/[!a]*/*.[chS]"
for folder in drivers fs net sound; do
	NOT_COMPILED+=" --exclude=linux-source-?.??/$folder/*.[chS]"
done
cat >"$OUT/bin/tar" <<-STUB
	#!/bin/sh
	if [ ! -e "$OUT/source" ]; then
		mkdir "$OUT/unpacked" && $(command -v tar) -C "$OUT/unpacked" $NOT_COMPILED "\$3" "\$4" "\$5" && mv "$OUT/unpacked" "$OUT/source" || exit
	fi
	cp -al "$OUT/source/." "\$2"
STUB
chmod +x "$OUT/bin/tar"

# build KIND: STATUS and $SAID tell how it went.
build() {
	STATUS=0
	XDG_CACHE_HOME=$OUT/cache PATH=$OUT/bin:$PATH "$COPY/scripts/kernel" build "$1" >"$SAID" 2>&1 || STATUS=$?
}

no_kernel() { [[ ! $(XDG_CACHE_HOME=$OUT/cache "$COPY/scripts/kernel" list) ]]; }

test_option_dropped() {
	fresh_copy
	echo CONFIG_NO_SUCH_OPTION=y >>"$COPY/tests/lab/kernel/lab.config"
	build stock
	judge "an option that Kconfig does not know is status 1" is "$STATUS" 1
	judge "the dropped option is named" says '^CONFIG_NO_SUCH_OPTION=y$'
	judge "and where it was asked for" says 'lab.config:$'
}

# bounds.c is compiled before all else.
test_compile_error() {
	fresh_copy
	cat >"$COPY/tracepoints/linux-6.12-apf/9999-broken.patch" <<-'PATCH'
		--- a/kernel/bounds.c
		+++ b/kernel/bounds.c
		@@ -1,1 +1,2 @@
		+#error broken for the test
		 // SPDX-License-Identifier: GPL-2.0
	PATCH
	build tracepoints
	judge "a compile error is status 1" is "$STATUS" 1
	judge "the compiler's words are shown" says 'error: #error broken for the test'
	judge "the whole log is where it is said to be" test -s "$(sed -n 's/.*the whole log: //p' "$SAID")"
}

# What the kernel's memory killer does to make: its log has no word about an error.
test_make_killed() {
	fresh_copy
	cat >"$OUT/bin/make" <<-STUB
		#!/bin/sh
		case "\$*" in
		*Image*) echo '  CC      init/the-last-one.o' && kill -KILL \$\$ ;;
		*) exec $(command -v make) "\$@" ;;
		esac
	STUB
	chmod +x "$OUT/bin/make"
	build stock
	rm "$OUT/bin/make"
	judge "a make that is killed is status 1" is "$STATUS" 1
	judge "the end of its log is shown" says 'init/the-last-one.o'
	judge "how make ended is told" says 'make ended with status 137'
	judge "the command to run by hand is told" says "make -C $OUT/cache/sdeitop/kernel/work ARCH=arm64"
	judge "and what may have killed it" says dmesg
}

# old_kernels KIND COUNT: kernels that have been built before, the first one a minute ago, each of the next an hour earlier.
old_kernels() {
	local kind=$1 i dir
	for ((i = 0; i < $2; i++)); do
		dir=$OUT/cache/sdeitop/kernel/$kind-$(printf '%016x' "$i")
		mkdir -p "$dir"
		touch "$dir/Image"
		touch -d "-$((i * 60 + 1)) minutes" "$dir"
	done
}

kernels_of() { find "$OUT/cache/sdeitop/kernel" -mindepth 1 -maxdepth 1 -type d -regex ".*/$1-[0-9a-f]*" -printf '%f\n' | sort | tr '\n' ' '; }

# A make that compiles nothing: a kernel is what it leaves.
test_old_ones_removed() {
	fresh_copy
	cat >"$OUT/bin/make" <<-'STUB'
		#!/bin/sh
		cd "$2" || exit
		case "$*" in
		*tinyconfig*) : >.config ;;
		*Image*) mkdir -p arch/arm64/boot && touch arch/arm64/boot/Image System.map ;;
		*get-reg-list*)
			for file; do
				case $file in
				OUTPUT=*) out=${file#OUTPUT=} ;;
				"${out:-.}"/*) mkdir -p "${file%/*}" && touch "$file" ;;
				esac
			done
			;;
		esac
	STUB
	chmod +x "$OUT/bin/make"
	old_kernels tracepoints 3
	old_kernels tracepoints-7.3 3
	build tracepoints
	rm "$OUT/bin/make"
	judge "a kernel is built" is "$STATUS" 0
	judge "the oldest of its kind is removed" is "$(kernels_of tracepoints | tr ' ' '\n' | grep -c 000000000000000)" 2
	judge "none of a kind whose name begins alike" is "$(kernels_of tracepoints-7.3)" \
		"tracepoints-7.3-0000000000000000 tracepoints-7.3-0000000000000001 tracepoints-7.3-0000000000000002 "
}

test_option_dropped
test_compile_error
test_make_killed
judge "no kernel is kept of a build that failed" no_kernel
test_old_ones_removed
finish
