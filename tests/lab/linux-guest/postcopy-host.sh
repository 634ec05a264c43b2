#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In the lab: a Linux guest is migrated by postcopy, slowly, until both of its CPUs have been through their files in the other QEMU;
# which accounts for each page that a vCPU waits for. $1: pages of a file
cd /out || exit 1
. ./two-qemus.sh
# What QEMU's log says of each fault: who waits for which page, that the source is asked for it, and from when to when a vCPU is taken to
# have waited.
FAULTS='postcopy_ram_fault_thread_request mark_postcopy_blocktime_begin migrate_send_rp_message mark_postcopy_blocktime_end'

linux-guest --memory 128 source sh -c "set -- $1; $(cat postcopy.sh)" >source.out 2>source.err &
from=$!
until_said 1 'cpu 0 read' source.out
until_said 1 'cpu 1 read' source.out
cat /run/source.monitor.out >source.monitor &

mkfifo /run/target.qmp.in /run/target.qmp.out
linux-guest --memory 128 --qemu "-incoming defer -chardev pipe,id=qmp,path=/run/target.qmp -mon chardev=qmp,mode=control \
	-msg timestamp=on -D /run/target.log $(printf -- ' -trace %s' $FAULTS)" target true >target.out 2>target.err &
to=$!
until_met [ -p /run/target.monitor.out ]
cat /run/target.monitor.out >target.monitor &
cat /run/target.qmp.out >target.qmp &
monitor target 'migrate_set_capability postcopy-ram on'
monitor target 'migrate_set_capability postcopy-blocktime on'
monitor target 'migrate_incoming unix:/run/migration'
until_met [ -S /run/migration ]

monitor source 'migrate_set_capability postcopy-ram on'
monitor source 'migrate_set_parameter max-bandwidth 64K'
monitor source 'migrate_set_parameter max-postcopy-bandwidth 400K'
monitor source 'migrate -d unix:/run/migration'
monitor source 'migrate_start_postcopy'
# The first is of what was begun in the other QEMU.
until_said 2 'cpu 0 read' target.out
until_said 2 'cpu 1 read' target.out
monitor source 'migrate_set_parameter max-postcopy-bandwidth 0'
is_complete() {
	monitor source 'info migrate'
	sleep 0.2
	was_said 1 'Migration status: completed' source.monitor
}
until_met is_complete
echo '{"execute": "qmp_capabilities"} {"execute": "query-migrate"}' >/run/target.qmp.in
until_said 1 'postcopy-vcpu-blocktime' target.qmp
cp /run/target.log target.log
monitor source quit
wait $from
monitor target quit
wait $to
[ $? = 122 ] # ended before its command did
