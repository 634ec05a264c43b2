# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What the tests of packaging share. To be sourced at the top of the tree: $tmp is a folder that goes at the end, $status what to exit with.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# shellcheck disable=SC2034 # read by the tests
status=0

# check NAME COMMAND…: the end of what it prints is shown when it fails.
check() {
	local name=$1 failed
	shift
	set +e
	(set -e && "$@") >"$tmp/said" 2>&1
	failed=$?
	set -e
	if ((!failed)); then
		echo "ok packaging/$name"
		return
	fi
	echo "not ok packaging/$name"
	tail -n 40 "$tmp/said" | sed 's/^/# /'
	status=1
}
