# Runs inside the x86 lab (busybox sh): COMMAND, and what KVM's own tracepoints say of it in /out/NAME.trace.
# sh -c "$(cat traced.sh)" traced NAME COMMAND...
set -u
name=$1
shift
tracing=/sys/kernel/tracing
events="kvm_try_async_get_page kvm_async_pf_repeated_fault kvm_async_pf_not_present kvm_async_pf_ready kvm_async_pf_completed"
ring=kvm_async_pf_exitless_notify # not every kernel has it
[ ! -e $tracing/events/kvm/$ring ] || events="$events $ring"

switch() {
	for event in $events; do
		echo "$1" >$tracing/events/kvm/$event/enable || exit 1
	done
}

echo mono >$tracing/trace_clock
echo 4096 >$tracing/buffer_size_kb
echo >$tracing/trace
switch 1
"$@"
status=$?
switch 0
cat $tracing/trace >"/out/$name.trace"
exit $status
