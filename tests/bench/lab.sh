# SPDX-License-Identifier: GPL-2.0-only
# Runs in the lab, whose clock counts instructions: what an SDEI event and a KVM exit take under each tracer.
# Prints lines NAME WHAT NANOSECONDS, of MORE - LESS times the same, so that starting and ending are left out.
LESS=2000 MORE=22000

cat >/tmp/event.scn <<'SCN'
about an event that is signalled, dispatched and completed
events 100
on all
handler 0
	complete
end
	register 0
	enable 0
	unmask
	loop $N
		signal 0 self
		await 0
	end
SCN
cat >/tmp/exit.scn <<'SCN'
about an exit to KVM that has nothing to do with SDEI
events 100
on all
	loop $N
		call 0x84000000 -> any
	end
SCN
cat >/tmp/call.scn <<'SCN'
about a call that is recorded, and refused
events 100
on all
	loop $N
		call 0xC4000003 0 0x40000000 0 -> -4
	end
SCN

now() { sed -n 's/^now at \([0-9]*\) nsecs$/\1/p' /proc/timer_list; }

# A fault is the shortest that there is: its page is there, and only KVM's tables have to change.
run() {
	case $1 in
	fault) sdei-guest --quiet --apf bare --plain --vcpus 1 --tasks 1 --pages "$2" ;;
	# shellcheck disable=SC2086 # none or one
	*) sdei-guest --scenario "/tmp/$1.scn" --events "$2" --quiet $GUEST ;;
	esac
}

# took WHAT TIMES
took() {
	begin=$(now)
	run "$1" "$2" || echo "failed $1 $2"
	echo $(($(now) - begin))
}

# measure NAME
measure() {
	for what in $WHAT; do
		less=$(took "$what" $LESS)
		echo "$1 $what $(($(took "$what" $MORE) - less))"
	done
}

# Once attached it is stopped: the rings are large enough for all, and what reads them is another figure.
beside() {
	name=$1
	shift
	"$@" >/dev/null 2>/tmp/tracer &
	tracer=$!
	until grep -q tracing /tmp/tracer; do
		kill -0 $tracer || return
		sleep 0.1
	done
	kill -STOP $tracer
	measure "$name"
	kill -CONT $tracer
	kill -INT $tracer
	wait $tracer
}

events() { for event in /sys/kernel/tracing/events/kvm/kvm_sdei_*; do echo "$1" >"$event/enable"; done; }

if [ "$1" = stock ]; then
	GUEST=--without-sdei WHAT=exit
	measure nothing
	exit
fi
GUEST='' WHAT='event exit call fault'
measure nothing
measure again
beside sdeitop sdeitop events --ring-size 16M
beside no-calls sdeitop events --ring-size 16M --no-calls
beside sched sdeitop events --ring-size 16M --sched
echo 65536 >/sys/kernel/tracing/buffer_size_kb
events 1
measure ftrace
events 0
