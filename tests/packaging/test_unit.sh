#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The unit of sdeid and what belongs to it, judged by systemd's own tools: the unit has no faults, gives away little,
# keeps the privileges that tracing needs, and fits the configuration; sdeid itself judges that.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
UNIT=contrib/systemd/sdeid.service
MOST=2.0
# shellcheck source=tests/packaging/check.sh
source tests/packaging/check.sh

# The programs it names need not be installed here: stand-ins do for them.
unit_is_valid() {
	mkdir -p "$tmp/bin"
	ln -sf /bin/true "$tmp/bin/sdeid"
	ln -sf /bin/true "$tmp/bin/sdeitop"
	sed "s|/usr/s\{0,1\}bin/sdei|$tmp/bin/sdei|g" "$UNIT" >"$tmp/sdeid.service"
	SYSTEMD_LOG_LEVEL=info systemd-analyze --man=no --recursive-errors=no verify "$tmp/sdeid.service" >"$tmp/verify" 2>&1 &&
		[[ ! -s $tmp/verify ]] || { cat "$tmp/verify" && return 1; }
}

unit_exposes_little() {
	systemd-analyze security --no-pager --offline=true "$UNIT" >"$tmp/security"
	awk -v most="$MOST" '
		/Overall exposure level/ { found = 1; level = $(NF - 2); print }
		END { exit !(found && level < most) }' "$tmp/security"
}

# Exactly what doctor asks for; the daemon cannot get more of it later.
unit_keeps_privileges() {
	local setting
	for setting in AmbientCapabilities CapabilityBoundingSet; do
		[[ $(sed -n "s/^$setting=//p" "$UNIT") == "CAP_BPF CAP_PERFMON CAP_SYS_ADMIN" ]] || { echo "$setting is another" && return 1; }
	done
	for setting in bpf capset @chown; do
		sed -n '/^SystemCallFilter=~/,$p' "$UNIT" | grep "^SystemCallFilter=[^~]*$setting\b" || { echo "$setting is forbidden" && return 1; }
	done
	! grep -E '^(PrivateUsers|ProcSubset|ProtectProc)=' "$UNIT"
}

# systemd knows when it is ready, that it lives, and how it reads its configuration again; it ends it by SIGTERM.
unit_and_daemon_talk() {
	local setting
	for setting in Type=notify 'WatchdogSec=[0-9]\+' 'ExecReload=kill -HUP $MAINPID'; do
		grep -qx -- "$setting" "$UNIT" || { echo "$setting is missing" && return 1; }
	done
	! grep -E '^(KillSignal|KillMode|NotifyAccess)=' "$UNIT"
}

# It is started when KVM comes: udev says so to systemd.
unit_starts_with_kvm() {
	grep -qx 'WantedBy=.*\bdev-kvm.device' "$UNIT" && grep -q '^KERNEL=="kvm".*TAG+="systemd"' contrib/systemd/60-sdeid.rules
}

# Whether this kernel lets live tracing be done decides, as doctor finds out, and nothing else: whatever the configuration is.
unit_is_skipped_where_nothing_can_be_done() {
	local exit=0 expected=0
	grep -qx 'ExecCondition=/usr/sbin/sdeid --check' "$UNIT" || { echo "another ExecCondition" && return 1; }
	build/sdeitop doctor >"$tmp/doctor" || expected=$?
	[[ $expected == [014] ]] || { echo "doctor cannot tell" && return 1; }
	build/sdeid --check --config /nowhere 2>"$tmp/why" || exit=$?
	[[ $exit == "$expected" ]] && { [[ $exit != 4 ]] || grep -q kvm_sdei_ "$tmp/why"; }
}

user_and_group_are_made() {
	local root=$tmp/root
	mkdir -p "$root/etc"
	systemd-sysusers --root="$root" "$PWD/contrib/systemd/sdeid.sysusers"
	grep -q "^$(sed -n 's/^User=//p' "$UNIT"):x:[0-9]*:" "$root/etc/passwd"
	[[ $(awk -F: '$1 == "sdeid" { print $4 }' "$root/etc/passwd") == $(awk -F: '$1 == "sdei" { print $3 }' "$root/etc/group") ]]
	[[ $(sed -n 's/^Group=//p' "$UNIT") == sdei ]]
}

# With what is commented out, too. sdeid gets further than to a fault in it: this kernel lacks the tracepoints, or the
# group that the socket is to have is not there, or it runs.
configuration_is_understood() {
	local exit=0
	sed 's/^#\([a-z-]* = \)/\1/' contrib/systemd/sdeid.conf >"$tmp/sdeid.conf"
	! grep '^#[^ ]' "$tmp/sdeid.conf"
	timeout 10 build/sdeid --config "$tmp/sdeid.conf" || exit=$?
	[[ $exit == 1 || $exit == 4 || $exit == 124 ]]
}

# The unit makes the directories that the configuration names.
configuration_fits_the_unit() {
	local made place
	made=$(sed -n 's/^StateDirectory=//p' "$UNIT" | tr ' ' '\n' | sed 's,^,/var/lib/,')
	made+=" $(sed -n 's,^RuntimeDirectory=,/run/,p' "$UNIT")"
	for place in $(sed -n 's/^#\{0,1\}\(textfile\|flight\) = //p; s,^socket = \(.*\)/[^/]*,\1,p' contrib/systemd/sdeid.conf); do
		grep -qw -- "$place" <<<"$made" || { echo "nothing makes $place" && return 1; }
	done
}

check "unit is valid" unit_is_valid
check "unit exposes less than $MOST" unit_exposes_little
check "unit keeps the privileges of tracing" unit_keeps_privileges
check "unit and daemon talk" unit_and_daemon_talk
check "unit starts with KVM" unit_starts_with_kvm
check "unit is skipped, not failed, where nothing can be done" unit_is_skipped_where_nothing_can_be_done
check "user and group are made" user_and_group_are_made
check "configuration is understood" configuration_is_understood
check "configuration fits the unit" configuration_fits_the_unit
exit $status
