# shellcheck shell=sh disable=SC2046,SC2086 # words of a command
# Runs in the lab (busybox sh) on an x86 kernel: what the tool shows of page faults there; all in /out.
# sh host-x86.sh CAPABILITIES: those of sdeid's unit, numbers with commas
cd /out || exit 1
umask 022

# said NAME COMMAND...: its output, its messages and its exit status
said() {
	name=$1
	shift
	"$@" >"$name.json" 2>"$name.err"
	echo $? >"$name.status"
}

GUEST="--mode enabled --vcpus 2 --delay fixed:2ms"
guest() { # guest NAME PAGES: as words of a command
	echo "apf-guest --truth /out/$1.truth.json -name guest=$1 $GUEST --pages $2"
}

uname -r >version
said doctor sdeitop doctor -j
said state sdeitop state -j
said live sdeitop -j -- $(guest live 41)
said sched sdeitop -j --sched -- $(guest sched 41)
said record sdeitop record -o record.rec -- $(guest record 211)
said events sdeitop events -j --summary record.rec
said report sdeitop report -j record.rec

capabilities=$1
said unit as-user 65534 "$capabilities" sdeitop -j -- $(guest unit 41)

# sdeid, and what becomes of the module that it is attached to
mkdir /tmp/metrics
sdeid -t /tmp/metrics --interval 1 2>sdeid.err &
daemon=$!
until [ -s /tmp/metrics/sdeid.prom ]; do
	kill -0 $daemon 2>/dev/null || break
	sleep 0.2
done
said guest $(guest sdeid 41)
cat /tmp/metrics/sdeid.prom >stamp
tries=0
while cmp -s stamp /tmp/metrics/sdeid.prom && [ $tries -lt 150 ]; do
	tries=$((tries + 1))
	sleep 0.2
done
cp /tmp/metrics/sdeid.prom .
rmmod kvm_amd 2>rmmod-attached.err && rmmod kvm 2>>rmmod-attached.err
echo $? >rmmod-attached.status
kill -TERM $daemon
wait $daemon
echo $? >sdeid.status
[ ! -d /sys/module/kvm_amd ] || rmmod kvm_amd
said rmmod rmmod kvm
said without sdeitop doctor -j
modprobe kvm_amd
said again sdeitop -j -- $(guest again 41)
exit 0
