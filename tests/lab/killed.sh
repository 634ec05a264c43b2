# Runs inside the lab (busybox sh), below traced.sh: an apf-guest is killed while all its tasks wait for a page each, which TRACEPOINT shows; then
# one called NAME runs to its end. killed.sh TRACEPOINT TASKS VCPUS NAME ARGUMENT…; the arguments are those of both.
tracepoint=$1 tasks=$2 vcpus=$3 name=$4
shift 4
apf-guest "$@" --tasks "$tasks" --vcpus "$vcpus" --pages 100 --delay fixed:600s &
guest=$!
echo $guest >/out/killed.pid
faults=$((tasks * vcpus)) tries=0
until [ "$(grep -c "$tracepoint: " /sys/kernel/tracing/trace)" = $faults ]; do
	tries=$((tries + 1))
	[ $tries -lt 300 ] || { echo "fewer faults than $faults after 30 s"; exit 1; }
	sleep 0.1
done
kill -9 $guest
wait $guest
exec apf-guest "$@" --truth /out/killed.truth.json --pages 100 -name "guest=$name"
