# SPDX-License-Identifier: GPL-2.0-only
# Runs in the x86 lab, under a plugin of QEMU that counts instructions between the marks that the guest sets: $1 page faults, the shortest
# that there are (the page is there, and only KVM's tables have to change), and as many exits of each kind that are none. Prints the name of
# each run.
measure() { apf-guest --present --pages "$TIMES" --exits "$TIMES" && echo "$1"; }

TIMES=$1
measure nothing
measure again
# Once attached it is stopped: the rings are large enough for all, and what reads them is another figure.
sdeitop events --ring-size 16M >/dev/null 2>/tmp/tracer &
tracer=$!
until grep -qs tracing /tmp/tracer; do
	kill -0 $tracer || exit
	sleep 0.1
done
kill -STOP $tracer
measure sdeitop
kill -CONT $tracer
kill -INT $tracer
wait $tracer
