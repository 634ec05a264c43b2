#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 1800
# debug kernel: no
"""The two sides of the same NMIs: what a stock Linux records of its own SDEI (sdeitop record --client) is what its host records of
that guest: signals, dispatches, calls and masks, between the first and the last signal. And sdeid in the guest: its metrics are those of
what its flight recorder saved."""
import glob
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import TOP, cannot_be_had, finish, lab, ok, out_dir    # noqa: E402

OUT = out_dir("client-guest")
SDEITOP = os.path.join(TOP, "build", "sdeitop")
BACKTRACES = 23
HOTPLUGS = 3

# COMPLETE and COMPLETE_AND_RESUME are made in assembly, which no program sees.
UNSEEN = ("EVENT_COMPLETE", "EVENT_COMPLETE_AND_RESUME")

ASK = r"""
backtraces() {
	for i in $(seq %d); do
		echo l >/proc/sysrq-trigger
	done
}
""" % BACKTRACES

GUEST = ASK + r"""
backtraces
clock-pair >/out/guest.pair
for i in $(seq %d); do
	echo 0 >/sys/devices/system/cpu/cpu1/online || exit 1
	echo 1 >/sys/devices/system/cpu/cpu1/online || exit 1
done
taskset 2 sh -c 'while :; do :; done' &
busy=$!
backtraces
kill $busy
""" % HOTPLUGS

METRICS = ASK + r"""
mkdir /tmp/metrics /tmp/flight
sdeid --user root --client --textfile /tmp/metrics --interval 1 --flight /tmp/flight --flight-on exit 2>/out/sdeid.err & daemon=$!
until [ -e /tmp/metrics/sdeid.prom ]; do
	[ -e /proc/$daemon ] || exit 1
	sleep 0.2
done
backtraces
sleep 2
kill $daemon
wait $daemon || exit 1
cp /tmp/metrics/sdeid.prom /out/client.prom
cp -r /tmp/flight/. /out/flight
"""

# The host's counter is the guest's and what KVM has set for the VM: read where KVM lets a vCPU run.
RUN = r"""
cd /out || exit 1
echo 'p:voffset kvm_arch_vcpu_load offset=vcpu->kvm->arch.timer_data.voffset:u64' >/sys/kernel/tracing/kprobe_events
echo 16 >/sys/kernel/tracing/buffer_size_kb
echo 1 >/sys/kernel/tracing/events/kprobes/voffset/enable
sdeitop record -o host -- linux-guest nmi sdeitop record --client -o /out/guest -- sh -c "$(cat guest.sh)" >record.out 2>record.err
status=$?
cat /sys/kernel/tracing/trace >voffset.trace
clock-pair >host.pair
[ $status = 0 ] || exit $status
rm -rf flight
mkdir flight
linux-guest metrics sh -c "$(cat metrics.sh)" >metrics.out 2>metrics.err || { cat metrics.err sdeid.err; exit 1; }
"""


def text(name):
    with open(os.path.join(OUT, name), encoding="utf-8", errors="replace") as file:
        return file.read()


class Side:
    """A recording, as records and as a report."""

    def __init__(self, name):
        self.name = name
        self.report = json.loads(self.run("report", "--json") or "{}")
        lines = [json.loads(line) for line in self.run("events", "--json").splitlines()]
        self.lost = [line for line in lines if line.get("type") == "lost"]
        self.records = [line for line in lines if "kind" in line]
        self.vm = self.report["vms"][-1] if self.report.get("vms") else {"name": None, "vcpus": []}
        signals = [i for i, record in enumerate(self.records) if record["kind"] == "signal"]
        self.between = self.records[signals[0] + 1:signals[-1]] if signals else []

    def run(self, command, *options):
        done = subprocess.run([SDEITOP, command, *options, os.path.join(OUT, self.name)], capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else ""

    def counts(self, kind):
        """By vCPU, of all the recording."""
        counts = {}
        for record in self.records:
            if record["kind"] == kind:
                counts[record["vcpu"]] = counts.get(record["vcpu"], 0) + 1
        return counts

    def middle(self, *kinds):
        """By kind and vCPU, between the first and the last signal."""
        counts = {}
        for record in self.between:
            if record["kind"] in kinds:
                key = (record["kind"], record["vcpu"])
                counts[key] = counts.get(key, 0) + 1
        return counts

    def calls(self):
        """By vCPU, function and result, between the first and the last signal."""
        counts = {}
        for record in self.between:
            if record["kind"] == "call" and record["function_name"] not in UNSEEN:
                # The registers that a handler has interrupted are what they are.
                result = None if record["function_name"] == "EVENT_CONTEXT" else record["result"]
                key = (record["vcpu"], record["function_name"], result)
                counts[key] = counts.get(key, 0) + 1
        return counts

    def missed(self):
        """Calls that handlers have made while a program was interrupted; other losses there must not be."""
        return sum(line["count"] for line in self.lost if line.get("lost_kind") == "call")

    def sound(self):
        complaints = [f"{key} {self.report.get(key)}" for key in ("late", "malformed", "misfits") if self.report.get(key) != 0]
        complaints += [f"lost: {line}" for line in self.lost if line.get("lost_kind") != "call"]
        for vcpu in self.vm["vcpus"]:
            for event in vcpu["events"]:
                if event["unaccounted"] or event["unaccounted_handlers"]:
                    complaints.append(f"vCPU {vcpu['vcpu']} event {event['event']} does not add up")
        return complaints


def same(name, guest, host):
    return [] if guest == host else [f"{name}: {guest} in the guest, {host} on the host"]


def compare_calls(guest, host):
    """Each call of the guest is one of the host's, and those that are not there are as many as were missed."""
    complaints = [f"{key}: {count} in the guest, {host.calls().get(key, 0)} on the host" for key, count in guest.calls().items()
                  if count > host.calls().get(key, 0)]
    here, there = sum(guest.calls().values()), sum(host.calls().values())
    if here + guest.missed() != there:
        complaints.append(f"{here} calls and {guest.missed()} missed in the guest, {there} on the host")
    return complaints


def check(guest, host):
    ok("client-guest/name", same("name", guest.vm["name"], "this guest, KVM"))
    ok("client-guest/what the event is for", [f"{vcpu['vcpu']}: {event}" for vcpu in guest.vm["vcpus"] for event in vcpu["events"]
                                              if event["count"]["dispatched"] and event.get("for") != "NMI"])
    ok("client-guest/guest adds up", guest.sound())
    ok("client-guest/host adds up", host.sound())
    signals = guest.counts("signal")
    ok("client-guest/signals", same("signals", signals, host.counts("signal")) +
       ([] if sum(signals.values()) == 2 * BACKTRACES else [f"{signals} instead of {2 * BACKTRACES}"]))
    for kind in ("dispatch", "complete"):
        ok(f"client-guest/{kind}", same(kind, guest.counts(kind), host.counts(kind)))
    kinds = ("mask", "unmask", "register", "unregister", "enable", "disable")
    ok("client-guest/masks and registrations", same("records", guest.middle(*kinds), host.middle(*kinds)) +
       ([] if sum(guest.middle("mask").values()) == HOTPLUGS else [f"masks: {guest.middle('mask')}"]))
    ok("client-guest/calls", compare_calls(guest, host))
    timed = [record for record in guest.between if record["kind"] == "call" and record.get("duration_ns")]
    ok("client-guest/durations", [] if timed else ["no call has a duration"])
    ends = [(a["vcpu"], a["how"], b["how"]) for a, b in zip(*[[record for record in side.records if record["kind"] == "complete"]
                                                             for side in (guest, host)]) if a["how"] != b["how"]]
    ok("client-guest/how handlers end", ends[:5])


def leg_counts(joined, leg):
    return {row["vcpu"]: row["legs"][leg]["count"] for row in joined["events"] if row["legs"][leg]}


def check_join(guest, host):
    """One line through all bounds, and what the guest has is what the host has: no handler outside of its dispatch and completion."""
    done = subprocess.run([SDEITOP, "join", "--json", "-p", str(host.vm["vm"]), os.path.join(OUT, "host"), os.path.join(OUT, "guest")],
                          capture_output=True, text=True, check=False)
    ok("client-guest/join", [] if done.returncode == 0 else [f"status {done.returncode}"] + done.stderr.splitlines() + [done.stdout[:2000]])
    if done.returncode:
        return
    joined = json.loads(done.stdout)
    for leg in ("call", "dispatch", "enter", "handler", "leave", "total"):
        ok(f"client-guest/join: {leg}", same("legs", leg_counts(joined, leg), guest.counts("dispatch")))
    calls = sum(1 for record in guest.records if record["kind"] == "call")
    ok("client-guest/join: calls", same("calls", joined["joined"]["calls"], calls))
    ok("client-guest/join: one clock", [] if len(joined["clock"]) == 1 else [str(line) for line in joined["clock"]])
    ok("client-guest/join: within one clock", outside(joined, guest, host))
    check_offset(joined)


def true_offset_ns():
    """By the counter that both clocks count on: of the host less the guest, and by how much that may be wrong."""
    offset = int(re.findall(r"offset=(\d+)", text("voffset.trace"))[-1])
    (host_at, host_ns, host_within, frequency), (guest_at, guest_ns, guest_within, _) = (map(int, text(f"{side}.pair").split())
                                                                                       for side in ("host", "guest"))
    ns_per_tick = 1e9 / frequency
    return host_ns - guest_ns - (host_at - guest_at - offset) * ns_per_tick, (host_within + guest_within) * ns_per_tick


def check_offset(joined):
    """What causality says holds the offset that the counter says."""
    line = joined["clock"][0]
    offset, within = true_offset_ns()
    ok("client-guest/join: the offset is that of the counter", [] if abs(line["offset_ns"] - offset) <= line["error_ns"] + within else
       [f"{line}: {offset:.0f} within {within:.0f}"])
    counter = joined["counter"]
    ok("client-guest/join: the counter is used", [] if counter["used"] and not counter["contradicts"] and counter["agrees"] else [str(counter)])
    away = counter.get("offset_ns", 0) - offset
    ok("client-guest/join: the counter's offset is the true one", [] if counter["used"] and abs(away) <= counter["error_ns"] + within and
       counter["error_ns"] < line["error_ns"] and joined["error_ns"] == counter["error_ns"] else
       [f"{counter}: {offset:.0f} within {within:.0f}"])
    print(f"# counter {away:+.0f} ns beside the true offset, said to be within {counter.get('error_ns', 0):.0f}")
    print(f"# offset {line['offset_ns'] - offset:+.0f} ns beside the true one, said to be within {line['error_ns']:.0f}; "
          f"that is known within {within:.0f}")


def outside(joined, guest, host):
    """Handlers that are not within the host's, with the line that was found; worked out from the records."""
    line, complaints = joined["clock"][0], []
    ends = {side: handlers(side) for side in (guest, host)}
    for key, inner in ends[guest].items():
        for (begin, end), (dispatch, complete) in zip(inner, ends[host].get(key, [])):
            begin, end = (time + line["offset_ns"] + line["slope"] * (time - line["guest_begin_ns"]) for time in (begin, end))
            if not dispatch <= begin + 2 or not end - 2 <= complete:
                complaints.append(f"vCPU {key}: {begin} to {end} is not within {dispatch} to {complete}")
    return complaints or ([] if ends[guest] else ["no handlers"])


def handlers(side):
    """By vCPU: (begin, end) of each."""
    begun, found = {}, {}
    for record in side.records:
        if record["kind"] == "dispatch":
            begun[record["vcpu"]] = record["time_ns"]
        elif record["kind"] == "complete":
            found.setdefault(record["vcpu"], []).append((begun.pop(record["vcpu"]), record["time_ns"]))
    return found


# --- metrics

SAMPLE = re.compile(r'^(sdei_client_\w+)\{vm="this guest, KVM",(.*)\} (\S+)$', re.M)


def exported_times(samples):
    """Of each function: how many calls, and how long they took in ns."""
    return {labels: (int(samples["sdei_client_call_seconds_count", labels]), round(value * 1e9))
            for (name, labels), value in samples.items() if name == "sdei_client_call_seconds_sum"}


def recorded_times(records):
    times = {}
    for record in records:
        if record["kind"] == "call" and record.get("duration_ns"):
            count, sum_ns = times.get(f'function="{record["function_name"]}"', (0, 0))
            times[f'function="{record["function_name"]}"'] = (count + 1, sum_ns + record["duration_ns"])
    return times


def reported_times(recording):
    """The same, of the report: all vCPUs together."""
    done = subprocess.run([SDEITOP, "report", "--json", recording], stdout=subprocess.PIPE, text=True, check=False)
    times = {}
    for vcpu in (vcpu for vm in json.loads(done.stdout)["vms"] for vcpu in vm["vcpus"]):
        for function, time in vcpu.get("call_times", {}).items():
            count, sum_ns = times.get(f'function="{function}"', (0, 0))
            times[f'function="{function}"'] = (count + time["count"], sum_ns + time["sum_ns"])
    return times


def check_metrics():
    saved = glob.glob(os.path.join(OUT, "flight", "*"))
    if len(saved) != 1:
        ok("client-guest/metrics", [f"{len(saved)} flight recordings", *text("sdeid.err").splitlines()[-10:]])
        return
    side = Side(os.path.relpath(saved[0], OUT))
    samples = {(name, labels): float(value) for name, labels, value in SAMPLE.findall(text("client.prom"))}
    handled = samples.get(("sdei_client_dispatched_total", 'event="0"'))
    ok("client-guest/metrics: NMIs", [] if handled == BACKTRACES else [f"{handled} handled instead of {BACKTRACES}"])
    exported, recorded = exported_times(samples), recorded_times(side.records)
    complaints = [] if exported == recorded else [f"{exported} in the metrics, {recorded} recorded"]
    complaints += [] if 'function="EVENT_SIGNAL"' in recorded else ["no signal has a time"]
    ok("client-guest/metrics: time of calls", complaints, str(recorded))
    ok("client-guest/report: time of calls", same("times", reported_times(saved[0]), recorded))


def main():
    lacks = cannot_be_had("client-guest", "kernel", "path", "guest") or cannot_be_had("client-guest", "setup", "--qemu")
    if lacks:
        print(f"ok client-guest # SKIP {lacks}")
        finish()
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "guest.sh"), "w", encoding="utf-8") as file:
        file.write(GUEST)
    with open(os.path.join(OUT, "metrics.sh"), "w", encoding="utf-8") as file:
        file.write(METRICS)
    status, output = lab(OUT, "sh", "-c", RUN, timeout=900, options=("--guest", "linux"))
    ok("client-guest/lab", [] if status == 0 else output.splitlines()[-20:] + text("record.err").splitlines()[-20:])
    if status == 0:
        guest, host = Side("guest"), Side("host")
        check(guest, host)
        check_join(guest, host)
        check_metrics()
    finish()


if __name__ == "__main__":
    main()
