# shellcheck shell=bash
# What every script here shares; sourced, never run.

# shellcheck disable=SC2034
SDEITOP_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SDEITOP_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/sdeitop
SDEITOP_PROG=${0##*/}

# A make that a script starts is nobody's sub-make: it takes its own -j.
unset MAKEFLAGS MFLAGS MAKELEVEL

say() { printf '%s: %s\n' "$SDEITOP_PROG" "$*" >&2; }

# die [STATUS] MESSAGE…: a leading number is the exit status.
die() {
	local status=1
	if [[ $1 =~ ^[0-9]+$ ]]; then
		status=$1
		shift
	fi
	say "$*"
	exit "$status"
}

minutes() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# The cache folder, or a message that names the way out.
need_cache() {
	mkdir -p "$SDEITOP_CACHE/$1" ||
		die "cannot write $SDEITOP_CACHE: set XDG_CACHE_HOME to a folder that can be written"
}
