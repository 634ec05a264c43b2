#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# debug kernel: no
"""--sched: where the threads of vCPUs are while an event is pending, and only then."""
import os
import sys
from collections import Counter, defaultdict

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import all_attached, finish, lab, ok, out_dir    # noqa: E402
from truth import load_lines    # noqa: E402

OUT = out_dir("sched")
SCENARIOS = ("steady", "burst", "masked", "cross", "inject", "disabled")
NEXT = {"guest": {"host"}, "host": {"guest", "descheduled"}, "descheduled": {"host"}}

RUN = r"""
cd /out || exit 1
follow() {
	name=$1 options=$2
	shift 2
	sdeitop events --json --summary $options -- "$@" >$name.jsonl 2>$name.err || { cat $name.err; exit 1; }
}
"""

# vCPU 1 signals vCPU 0; both, and a third that only burns time, have to share a CPU.
CROWDED = """
about crowded
vcpus 2
on 0
handler 0
	spin 20us
end
register 0
enable 0
unmask
barrier
loop 40
	spin 1ms
end
await 0 20
on 1
barrier
loop 20
	signal 0 0
	nap 30ms
	await 0 1 on 0
end
"""

CROWDED_RUN = r"""
cat >crowded.scn <<'END'
""" + CROWDED + r"""
END
taskset 1 sh -c 'while :; do :; done' & hog=$!
follow crowded "--sched" taskset 1 sdei-guest --quiet --scenario crowded.scn --vcpus 2
kill $hog
"""


class Run:
    def __init__(self, name):
        lines = load_lines(f"{OUT}/{name}.jsonl")
        self.records = [line for line in lines if "kind" in line]
        self.summary = [line for line in lines if line.get("type") == "summary"][-1]
        self.places = [r for r in self.records if r["kind"] == "place"]
        with open(f"{OUT}/{name}.err", encoding="utf-8") as file:
            self.messages = file.read()

    def by_vcpu(self):
        vcpus = defaultdict(list)
        for record in self.records:
            vcpus[(record["vm"], record["vcpu"])].append(record)
        return vcpus

    def losses(self):
        counters = self.summary["counters"]
        complaints = [f"{name} is {self.summary[name]}" for name in ("lost", "late", "malformed") if self.summary[name]]
        if counters["attempted"]["place"] != len(self.places):
            complaints.append(f"{counters['attempted']['place']} places attempted, {len(self.places)} delivered")
        return complaints


class Wait:
    """From the first event of a vCPU that becomes pending to the last one that no longer is."""

    def __init__(self, start):
        self.start, self.end, self.places = start, None, []

    def spent(self):
        """ns by place, from the first one told."""
        spent = Counter()
        for place, after in zip(self.places, self.places[1:] + [self.end]):
            spent[place["place"]] += after["time_ns"] - place["time_ns"]
        return spent


def waits_of(records):
    """The waits of a vCPU, and the places told outside of any."""
    waits, strays, pending, last = [], [], set(), None
    for record in records:
        if record["kind"] == "place":
            (waits[-1].places if pending else strays).append(record)
            continue
        if record["event"] is None:
            continue
        before = bool(pending)
        (pending.add if "P" in record["state"] else pending.discard)(record["event"])
        if pending and not before:
            waits.append(Wait(record))
        elif before and not pending:
            waits[-1].end = record
    return [wait for wait in waits if wait.end], strays


def is_chain(moves):
    return all(b in NEXT[a] for a, b in zip(moves, moves[1:]))


def check_wait(wait):
    """The thread reports its moves; whoever signals reports where it is just then, which may cross some of them."""
    if not wait.places:
        return [f"no place told: {wait.start}"]
    moves = [place["place"] for place in wait.places]
    if any(is_chain(moves[:i] + moves[i + 1:]) for i in range(len(moves))):
        return []
    return [f"no chain of moves in the wait at {wait.start['time_ns']}: {moves[:12]}"]


def check_waits(run):
    complaints, count = [], 0
    for key, records in run.by_vcpu().items():
        waits, strays = waits_of(records)
        complaints += [f"{key}: outside of any wait: {place}" for place in strays]
        for wait in waits:
            complaints += check_wait(wait)
        count += len(waits)
    return complaints, count


def test_scenarios():
    script = RUN + "".join(f'follow {name} "--sched" sdei-guest --quiet --scenario {name} --vcpus 2\n' for name in SCENARIOS)
    script += 'follow one "--sched -v 1" sdei-guest --quiet --scenario steady --vcpus 2\n'
    script += 'follow without "" sdei-guest --quiet --scenario steady --vcpus 2\n'
    status, output = lab(OUT, "sh", "-c", script)
    if status:
        ok("sched/scenarios", [f"exit status {status}"] + output.splitlines()[-20:])
        return
    for name in SCENARIOS:
        check_scenario(name)
    strays = [str(r) for r in Run("one").places if r["vcpu"] != 1]
    ok("sched/filter on vCPU", strays if Run("one").places else ["no places"])
    without = Run("without")
    ok("sched/none unless asked for", [str(r) for r in without.places] + without.losses())


def check_scenario(name):
    run = Run(name)
    probes = [] if all_attached(run.messages) else [run.messages]
    ok(f"sched/{name}/lossless", run.losses() + probes, f"{len(run.places)} places")
    complaints, count = check_waits(run)
    ok(f"sched/{name}/places", complaints if count else ["no waits"], f"{count} waits")


def test_crowded():
    status, output = lab(OUT, "sh", "-c", RUN + CROWDED_RUN)
    if status:
        ok("sched/crowded", [f"exit status {status}"] + output.splitlines()[-20:])
        return
    run, spent, first = Run("crowded"), Counter(), Counter()
    complaints, count = check_waits(run)
    for key, records in run.by_vcpu().items():
        for wait in waits_of(records)[0]:
            if wait.start["kind"] == "signal" and wait.places and key[1] == 0:
                spent += wait.spent()
                first[wait.places[0]["place"]] += 1
    complaints += run.losses()
    if not first or set(first) != {"descheduled"}:
        complaints.append(f"the target of a signal from its own CPU was found {dict(first)}")
    if spent["descheduled"] <= spent["host"] + spent["guest"]:
        complaints.append(f"most of the time was not spent off the CPU: {dict(spent)}")
    ok("sched/crowded", complaints, f"{count} waits, ns {dict(spent)}")


def test_overflow():
    """The reader is stopped for a while, so that its rings of one page overflow."""
    stall = "for i in 1 2 3; do sleep 0.3; killall -STOP sdeitop; sleep 0.4; killall -CONT sdeitop; done"
    script = RUN + f'follow tiny "--sched --ring-size 4096" sh -c "{stall} & sdei-guest --quiet --scenario busy --seconds 4; wait"\n'
    status, output = lab(OUT, "sh", "-c", script)
    if status:
        ok("sched/overflow", [f"exit status {status}"] + output.splitlines()[-20:])
        return
    run = Run("tiny")
    told = sum(line["count"] for line in load_lines(f"{OUT}/tiny.jsonl") if line.get("lost_kind") == "place")
    attempted, lost = (run.summary["counters"][name]["place"] for name in ("attempted", "lost"))
    complaints = [] if attempted == len(run.places) + lost and lost == told else \
        [f"{attempted} attempted, {len(run.places)} delivered, {lost} lost, {told} told as lost"]
    if not lost:
        complaints.append("no place was lost: the test does not test")
    ok("sched/overflow is exact", complaints, f"{attempted} attempted, {lost} lost")


def main():
    test_scenarios()
    test_overflow()
    test_crowded()
    finish()


if __name__ == "__main__":
    main()
