#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Under systemd, as root: what becomes of sdeid.service, for test_systemd.py. Each answer is a file in /out.
if ! { mkdir /out && modprobe 9pnet_virtio && mount -t 9p -o trans=virtio,version=9p2000.L out /out && cd /out; }; then
	exec systemctl poweroff --force --force
fi

end() { # STATUS
	journalctl -u sdeid -o short-monotonic --no-pager >journal
	echo "$1" >status
	sync
	systemctl poweroff --force --force
	exit
}
# await WHAT COMMAND…: at most five minutes.
await() {
	local what=$1
	shift
	for _ in $(seq 3000); do
		"$@" && return
		sleep 0.1
	done
	echo "waited in vain for $what" >failed
	end 1
}
runs() { [[ $(systemctl is-active sdeid) == active && $(pidof sdeid) ]]; }
unit() { systemctl show sdeid -p "$1" --value; }
has_counted() { grep -q '^kvm_apf_faults_total{vm="web1"}' /var/lib/sdeid/metrics/sdeid.prom; }
is_written() { [[ $(stat -c %Y /var/lib/sdeid/metrics/sdeid.prom) != "$1" ]]; }
restarted() { [[ $(unit NRestarts) == 1 ]] && runs; }

await "sdeid, with KVM" runs
systemctl is-system-running --wait >system
grep -E '^(Cap|Uid|NoNewPrivs|Seccomp:)' "/proc/$(pidof sdeid)/status" >privileges
apf-guest --mode enabled --vcpus 2 --pages 53 --truth /out/truth.json -name guest=web1 >guest 2>&1 || end 1
await "the guest's figures" has_counted
cp /var/lib/sdeid/metrics/sdeid.prom metrics

before=$(stat -c %Y /var/lib/sdeid/metrics/sdeid.prom)
systemctl reload sdeid
echo $? >reload
await "new figures after a reload" is_written "$before"

kill -KILL "$(pidof sdeid)"
await "sdeid, after it was killed" restarted
unit NRestarts >restarts

systemctl stop sdeid
modprobe -r kvm_amd kvm
echo $? >unloaded
systemctl start sdeid
systemctl is-active sdeid >without
unit Result >>without
modprobe kvm_amd
await "sdeid, when KVM comes" runs
systemctl --failed --plain --no-legend >units-failed
end 0
