# SPDX-License-Identifier: GPL-2.0-only
# Runs in the lab, whose clock counts instructions: how long until the terminal has what there is to see.
# Prints lines NAME WHAT NANOSECONDS NANOSECONDS. "shown": from a command's start to its first figures, and the CPU time it took;
# "end": the same to its end, for which q is typed at the first figures. "record": when a vCPU's event was enabled, and 0; "seen": when
# the terminal was told of a vCPU in such a state, and 0.

cat >/tmp/idle.scn <<'SCN'
about vCPUs that are there
on all
handler 0
	complete
end
	register 0
	enable 0
	unmask
	forever
		wfi
	end
SCN

# first NAME TEXT COMMAND: the second time, when files are in memory. The kernel lets go of what was traced for most of a second after
# a command has ended, and who starts meanwhile waits for that.
first() {
	name=$1 text=$2
	shift 2
	on-screen "$text" 1 "$@" >/dev/null
	sleep 2
	on-screen "$text" 1 "$@" | sed "s/^\(end \)*[0-9]* /$name \1/;/ end /!s/ / shown /"
}

# Each at another place of the interval; who is done first sleeps until the last one is, or it would keep the CPU.
write_staggered() {
	echo "about vCPUs that begin to use SDEI one after the other"
	vcpu=0
	while [ $vcpu -lt "$VCPUS" ]; do
		at=$((1500 + vcpu * 1130))
		printf 'on %d\n\tnap %dms\n\tregister 0\n\tenable 0\n\tnap %dms\n' $vcpu $at $((VCPUS * 1130 + 2500 - at))
		vcpu=$((vcpu + 1))
	done
}

# latency SECONDS: with that delay between two redraws
latency() {
	echo >/sys/kernel/tracing/trace
	sdei-guest --scenario /tmp/staggered.scn --vcpus "$VCPUS" --quiet &
	guest=$!
	on-screen RE 0 sdeitop --all --delay "$1" >/tmp/seen &
	screen=$!
	wait $guest
	kill $screen
	sed -n "/end/!s/^\([0-9]*\) .*/$1 seen \1 0/p" /tmp/seen
	sed -n "s/.* \([0-9]*\)\.\([0-9]*\): kvm_sdei_enable: .*/$1 record \1\2000 0/p" /sys/kernel/tracing/trace
}

VCPUS=$1
first state-none HANDLER sdeitop state
first screen-none 'vCPUs' sdeitop
write_staggered >/tmp/staggered.scn
echo mono >/sys/kernel/tracing/trace_clock
echo 1 >/sys/kernel/tracing/events/kvm/kvm_sdei_enable/enable
latency 0.1
latency 1
echo 0 >/sys/kernel/tracing/events/kvm/kvm_sdei_enable/enable
for _ in 1 2 3 4 5 6 7 8 9 10; do
	sdei-guest --scenario /tmp/idle.scn --vcpus 100 --seconds 3000 --quiet &
done
# A line for each of the four events of a vCPU.
until [ "$(sdeitop state --all 2>/dev/null | wc -l)" -gt 4000 ]; do sleep 1; done
first state-many HANDLER sdeitop state
first screen-many '1000 vCPUs' sdeitop
