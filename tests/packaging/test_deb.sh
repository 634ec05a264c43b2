#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 2400
# The Debian package: it is built from a copy of the sources without network, lintian has nothing to say, it has in it
# what it should, and what was built runs from where the package puts it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
VERSION=$(sed -n 's/^VERSION := //p' Makefile)
# shellcheck source=tests/packaging/check.sh
source tests/packaging/check.sh

without_network() {
	if ((EUID == 0)); then
		unshare --net "$@"
	else
		unshare --map-current-user --net "$@"
	fi
}

# debhelper gives a build a HOME of its own: ccache is told where its cache is.
use_ccache() {
	command -v ccache >/dev/null || return 0
	CCACHE_DIR=$(ccache --get-config cache_dir)
	export CCACHE_DIR CCACHE_NOHASHDIR=1 PATH=/usr/lib/ccache:$PATH
}

package_builds() {
	mkdir "$tmp/sdeitop"
	tar -c --exclude=./build --exclude=./.git --exclude=__pycache__ . | tar -x -C "$tmp/sdeitop"
	use_ccache
	cd "$tmp/sdeitop"
	unset MAKEFLAGS MFLAGS MAKELEVEL
	without_network dpkg-buildpackage -us -uc -b >"$tmp/build.log" 2>&1 && return
	grep -A 30 '^FAIL' "$tmp/build.log" || tail -n 40 "$tmp/build.log"
	return 1
}

unit_tests_ran() {
	grep -E '^[1-9][0-9]* passed, 0 failed' "$tmp/build.log"
}

lintian_is_content() {
	lintian --no-cfg --allow-root --fail-on error,warning "$tmp"/sdeitop_*.changes
}

package() {
	printf '%s' "$tmp/sdeitop_${VERSION}_$(dpkg --print-architecture).deb"
}

# Every file that is to be there, by its place; a manual page for each that the sources have.
wanted() {
	local page
	cat <<-END
		/usr/bin/sdeitop
		/usr/sbin/sdeid
		/lib/systemd/system/sdeid.service
		/usr/lib/udev/rules.d/60-sdeid.rules
		/usr/share/lintian/overrides/sdeitop
		/usr/lib/sysusers.d/sdeid.conf
		/etc/sdeitop/sdeid.conf
		/usr/share/bash-completion/completions/sdeitop
		/usr/share/bash-completion/completions/sdeid
		/usr/share/fish/vendor_completions.d/sdeitop.fish
		/usr/share/fish/vendor_completions.d/sdeid.fish
		/usr/share/zsh/vendor-completions/_sdeitop
		/usr/share/sdeitop/prometheus/alerts.rules.yml
		/usr/share/sdeitop/prometheus/recording.rules.yml
		/usr/share/sdeitop/grafana/sdeitop.json
		/usr/share/doc/sdeitop/README.Debian
		/usr/share/doc/sdeitop/README.md.gz
		/usr/share/doc/sdeitop/changelog.gz
		/usr/share/doc/sdeitop/copyright
		/usr/share/doc/sdeitop/tracepoints/README.md
		/usr/share/doc/sdeitop/tracepoints/kvm-sdei.config
	END
	for page in man/*; do
		printf '/usr/share/man/man%s/%s.gz\n' "${page##*.}" "${page##*/}"
	done
	printf '/usr/share/doc/sdeitop/%s\n' tracepoints/linux-*/*.patch docs/*.md docs/*.svg docs/*.png
}

package_has_what_it_should() {
	# Of docs/, debhelper compresses what is long.
	dpkg-deb -c "$(package)" | awk '!/\/$/ { print substr($6, 2) }' | sed '/\/docs\//s/\.gz$//' | sort >"$tmp/found"
	wanted | sort | diff - "$tmp/found"
	[[ $(dpkg-deb -I "$(package)" conffiles) == /etc/sdeitop/sdeid.conf ]]
}

# The user is made before the daemon is started.
package_sets_up() {
	dpkg-deb -I "$(package)" postinst >"$tmp/postinst"
	sh -n "$tmp/postinst"
	awk '/systemd-sysusers/ { user = NR } /deb-systemd-invoke/ { start = NR }
		END { exit !(user && user < start) }' "$tmp/postinst"
}

package_runs() {
	local program
	dpkg-deb -x "$(package)" "$tmp/root"
	for program in bin/sdeitop sbin/sdeid; do
		[[ $("$tmp/root/usr/$program" --version) == "${program#*/} $VERSION" ]]
	done
	"$tmp/root/usr/bin/sdeitop" report tests/data/recording-1 | grep -q dispatch
	grep -q '^ExecStart=/usr/sbin/sdeid$' "$tmp/root/lib/systemd/system/sdeid.service"
}

# The same program wherever it is built.
package_names_no_folder_of_the_build() {
	[[ -x $tmp/root/usr/bin/sdeitop ]]
	! grep -rlF "$tmp" "$tmp/root"
}

check "deb is built without network" package_builds
check "deb: the build ran the unit tests" unit_tests_ran
check "deb: lintian is content" lintian_is_content
check "deb has what it should" package_has_what_it_should
check "deb sets its user up" package_sets_up
check "deb: what is in it runs" package_runs
check "deb names no folder of the build" package_names_no_folder_of_the_build
exit $status
