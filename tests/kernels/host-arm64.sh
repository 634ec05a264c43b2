# shellcheck shell=sh
# Runs in the lab (busybox sh) on an arm64 kernel without our series: what the tool shows there of a guest that waits for its pages, and of
# one that asks for SDEI, KVM or its VMM, and turns its vCPUs off and on; all in /out.
cd /out || exit 1

said() { # said NAME COMMAND...: its output, its messages and its exit status
	name=$1
	shift
	"$@" >"$name.json" 2>"$name.err"
	echo $? >"$name.status"
}

uname -r >version
said doctor sdeitop doctor -j
sdei-guest --scenario park.scn --without-sdei --without-gic -name guest=park &
guest=$!
tries=0
until sdeitop state 2>/dev/null | grep -q ' off$' || [ $tries = 30 ]; do
	tries=$((tries + 1))
	sleep 0.3
done
said state sdeitop state -j
said state-text sdeitop state
said off sdeitop record -o off.rec -- sleep 1
said off-events sdeitop events -j --summary off.rec
kill -INT $guest
wait $guest
echo $? >park.status
GUEST="sdei-guest --apf bare --vcpus 2 --pages 41"
said live sdeitop -j -- $GUEST --truth /out/live.truth.json --name live
said record sdeitop record -o record.rec -- $GUEST --truth /out/record.truth.json --name record
said events sdeitop events -j --summary record.rec
said report sdeitop report -j --verbose record.rec
CALLS="sdei-guest --scenario calls.scn --without-sdei --without-gic"
said calls sdeitop record -o calls.rec -- $CALLS --truth /out/calls.truth.json -name guest=calls
said calls-events sdeitop events -j --summary calls.rec
said calls-report sdeitop report --all calls.rec
said calls-export sdeitop export --chrome -o calls.trace calls.rec
said forwarded sdeitop record -o forwarded.rec -- $CALLS --forward --truth /out/forwarded.truth.json -name guest=forwarded
said forwarded-events sdeitop events -j --summary forwarded.rec
said calls-live sdeitop -j -- $CALLS --truth /out/calls-live.truth.json -name guest=calls
exit 0
