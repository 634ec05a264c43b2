# Runs inside the lab (busybox sh), before the tests of sdeid: users, directories, and how a daemon and its clients are started.
cd /out || exit 1
chmod 777 .
echo 'sdeid:x:991:990::/:/bin/false' >>/etc/passwd
echo 'sdei:x:990:' >>/etc/group
mkdir -p /run/sdeid /tmp/tf /tmp/fl
chown 991:990 /run/sdeid /tmp/tf /tmp/fl
SOCKET=/run/sdeid/socket

give_up() {
	echo "$*"
	exit 1
}

# await WHAT COMMAND...: until COMMAND succeeds.
await() {
	what=$1 tries=0
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 1500 ] || { cat ./*.err; give_up "waited in vain for $what"; }
		sleep 0.1
	done
}

# daemon NAME OPTIONS...: an sdeid that is ready, its pid in $daemon, its log in NAME.err.
daemon() {
	log=$1.err
	shift
	sdeid "$@" 2>"$log" &
	daemon=$!
	await "sdeid $*" grep -q 'tracing ' "$log"
}

# land: ends it, and it ends well.
land() {
	kill -TERM $daemon
	wait $daemon || { cat "$log"; give_up "sdeid ended with $?"; }
}

# client NAME [COMMAND...]: a client that has joined, run by COMMAND; figures in NAME.jsonl.
clients=
client() {
	name=$1
	shift
	"$@" sdeitop -j --attach-daemon --socket $SOCKET >"$name.jsonl" 2>"$name.err" &
	clients="$clients $!"
	await "client $name" grep -q 'showing what sdeid' "$name.err"
}

# leave: all clients end, with a summary.
leave() {
	for one in $clients; do
		kill -INT "$one"
		wait "$one" || give_up "a client ended with $?"
	done
	clients=
}

# next_file: until the textfile was written once more.
next_file() {
	grep ^kvm_sdei_last_update /tmp/tf/sdeid.prom >/tmp/stamp
	await "the next file" sh -c '[ -e /tmp/tf/sdeid.prom ] && ! grep -qxf /tmp/stamp /tmp/tf/sdeid.prom'
}
