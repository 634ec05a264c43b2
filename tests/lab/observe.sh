# Runs inside the lab (busybox sh): COMMAND under two collectors, one with the
# figures only, one with every record. sh -c "$(cat observe.sh)" observe NAME "TOP OPTIONS" COMMAND...
# Leaves NAME.top.jsonl, NAME.events.jsonl and the messages beside them in /out.
set -u
cd /out || exit 1
name=$1 options=$2
shift 2

ready() { # waits until the collector with messages in file $1 says that it is tracing
	tries=0
	until grep -q 'racing' "$1" 2>/dev/null; do
		kill -0 "$2" 2>/dev/null || { echo "$1: the collector ended:"; cat "$1"; exit 1; }
		tries=$((tries + 1))
		[ $tries -lt 300 ] || { echo "$1: not tracing after 30 s"; exit 1; }
		sleep 0.1
	done
} >&2

# shellcheck disable=SC2086  # options are words
sdeitop --json $options >"$name.top.jsonl" 2>"$name.top.err" &
top=$!
# shellcheck disable=SC2086
sdeitop events --json --summary $options >"$name.events.jsonl" 2>"$name.events.err" &
events=$!
ready "$name.top.err" $top
ready "$name.events.err" $events
"$@"
status=$?
for collector in $top $events; do
	kill -INT $collector
	wait $collector || { echo "a collector of $name failed with $?:" >&2; cat "$name".*.err >&2; status=1; }
done
exit $status
