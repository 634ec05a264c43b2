# shellcheck shell=bash
# What every script here shares; sourced, never run.

# shellcheck disable=SC2034
SDEITOP_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SDEITOP_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/sdeitop
SDEITOP_PROG=${0##*/}
# shellcheck disable=SC2034
DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

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

# An archive for an initramfs.
pack() { (cd "$1" && find . -mindepth 1 -print0 | sort -z | cpio -0 -o -H newc --quiet -R 0:0); }

# private_apt_state FOLDER ARCH…: lists, cache and state of apt's own there, for these architectures; FOLDER/apt.conf is APT_CONFIG.
private_apt_state() {
	mkdir -p "$1"/{lists,cache}/partial
	: >"$1/status"
	cat >"$1/apt.conf" <<CONF
#clear APT::Architectures;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Architecture "$2";
APT::Architectures { $(printf '"%s"; ' "${@:2}")};
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::State "$1";
Dir::State::lists "$1/lists";
Dir::State::status "$1/status";
Dir::Cache "$1/cache";
CONF
}

# The mirror that this machine's apt uses for its own release, or for that with a suffix (-security).
debian_mirror() { # '' or SUFFIX
	local codename
	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
		awk -v release="$codename$1" '$2 == release && !found++ { print $1 }'
}
