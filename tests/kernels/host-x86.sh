# shellcheck shell=sh disable=SC2046,SC2086 # words of a command
# Runs in the lab (busybox sh) on an x86 kernel: what the tool shows of page faults there; all in /out.
# sh host-x86.sh CAPABILITIES: those of sdeid's unit, numbers with commas
cd /out || exit 1
umask 022
capabilities=$1

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

await() { # until the command succeeds, or the daemon has ended
	until "$@"; do
		kill -0 $daemon 2>/dev/null || return 1
		sleep 0.2
	done
}

# begin NAME COMMAND...: sdeid, writing its metrics to /tmp/NAME each second; daemon is its pid
begin() {
	name=$1
	shift
	mkdir -m 777 "/tmp/$name"
	"$@" sdeid -t "/tmp/$name" --interval 1 2>"$name.err" &
	daemon=$!
}

# shellcheck disable=SC2317 # await calls it
is_newer() { ! cmp -s "$1" "$2"; }

# watch NAME: lets it watch a guest, and keeps its metrics of then. The kernel is asked once in a second for what programs missed:
# a first file may show what is not there, but not yet that it was lost.
watch() {
	await test -s "/tmp/$1/sdeid.prom" || return
	said "$1-guest" $(guest "$1" 41)
	for _ in 1 2; do
		cat "/tmp/$1/sdeid.prom" >stamp
		await is_newer stamp "/tmp/$1/sdeid.prom"
	done
	cp "/tmp/$1/sdeid.prom" "$1.prom"
}

finish() { # finish NAME
	kill -TERM $daemon
	wait $daemon
	echo $? >"$1.status"
}

remove_kvm() { # remove_kvm NAME
	[ ! -d /sys/module/kvm_amd ] || rmmod kvm_amd
	said "$1" rmmod kvm
}

uname -r >version
said doctor sdeitop doctor -j
said state sdeitop state -j
said live sdeitop -j -- $(guest live 41)
said sched sdeitop -j --sched -- $(guest sched 41)
said record sdeitop record -o record.rec -- $(guest record 211)
said events sdeitop events -j --summary record.rec
said report sdeitop report -j --verbose record.rec

# A module without its types: an empty file instead of them.
: >/tmp/empty
mount -o bind /tmp/empty /sys/kernel/btf/kvm
said untyped sdeitop doctor -j
umount /sys/kernel/btf/kvm

# sdeid, and what becomes of the module that it is attached to.
begin sdeid env
watch sdeid
remove_kvm rmmod-attached
finish sdeid
remove_kvm rmmod
said without sdeitop doctor -j

# As its unit runs it, before KVM is there; then KVM comes, and goes when sdeid has gone.
begin unit as-user 65534 "$capabilities"
await grep -q 'waiting until KVM is loaded' unit.err
grep -E '^Cap(Prm|Eff)' /proc/$daemon/status >unit-waiting
said check as-user 65534 "$capabilities" sdeid --check
modprobe kvm_amd
watch unit
grep -E '^Cap(Prm|Eff)' /proc/$daemon/status >unit-watching
finish unit
remove_kvm rmmod-unit
modprobe kvm_amd
said again sdeitop -j -- $(guest again 41)
rmmod kvm_amd
tries=0
until rmmod kvm 2>rmmod-left.err || [ $tries -gt 300 ]; do # sdeitop does not wait until the kernel has let go
	tries=$((tries + 1))
	sleep 0.2
done
[ ! -d /sys/module/kvm ]
echo $? >rmmod-left.status
exit 0
