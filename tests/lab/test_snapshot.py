#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# debug kernel: no
"""State from the start: what there is when sdeitop attaches, and `sdeitop state`. Quiet VMs are listed, with the states
that their guests know; a VM in mid-flight goes on from its snapshot without a contradiction."""
import json
import os
import re
import sys
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import finish, lab, ok, out_dir    # noqa: E402
from truth import check_nothing_lost, load_lines    # noqa: E402

OUT = out_dir("snapshot")

# Every state there is, then nothing happens.
QUIET = """
about quiet
vcpus 4
on 0
unmask
register 0 2
enable 0
on 1
register 0 2 3
enable 0 3
signal 0 self
on 2
handler 2
	nap 15s
end
register 2 3
enable 2
unmask
inject 2 2
on all
forever
	nap 200ms
end
"""

EXPECTED = {
    (0, 0): "RE---", (0, 1): "-----", (0, 2): "R----", (0, 3): "-----",
    (1, 0): "RE-PM", (1, 1): "----M", (1, 2): "R---M", (1, 3): "RE--M",
    (2, 0): "-----", (2, 1): "-----", (2, 2): "REU--", (2, 3): "R----",
    (3, 0): "----M", (3, 1): "----M", (3, 2): "----M", (3, 3): "----M",
}

# The guest is stopped while it is looked at, so that its handler is still running.
QUIET_RUN = r"""
cd /out || exit 1
cat >quiet.scn <<'END'
""" + QUIET + r"""
END
sdei-guest --quiet --scenario quiet.scn --vcpus 4 --seconds 120 --truth quiet.truth.json -name guest=quiet &
guest=$!
tries=0
until sdeitop state | grep -q ' REU--' && sdeitop state | grep -q ' RE-PM'; do
	tries=$((tries + 1))
	[ $tries -lt 20 ] || { sdeitop state; exit 1; }
done
sdeitop events --json --sched -- sleep 2 >sched.jsonl 2>sched.err || exit 1
kill -STOP $guest
sdeitop state --all >state.txt || exit 1
sdeitop state --time mono >in-use.txt || exit 1
sdeitop state --json >state.json || exit 1
sdeitop events --json --summary -- sleep 0.3 >events.jsonl 2>events.err || exit 1
sdeitop events --json -v 1 -e 2 -- sleep 0.3 >filtered.jsonl || exit 1
sdeitop state --json -g 'web*' >other.json || exit 1
kill -CONT $guest
kill -INT $guest
wait $guest
"""

STILL = """
about still
on all
register 0
forever
	nap 2s
end
"""

REFUSED_VCPUS = 2
REFUSED = ("apf_present", "kvm_sdei_snapsh", "apf_present,kvm_sdei_snapsh")
REFUSED_RUN = r"""
cd /out || exit 1
cat >still.scn <<'END'
""" + STILL + r"""
END
sdei-guest --quiet --scenario still.scn --vcpus %d -name guest=still & guest=$!
tries=0
until [ "$(sdeitop state | grep -c ' R---M')" = %d ]; do
	tries=$((tries + 1))
	[ $tries -lt 20 ] || exit 1
done
for refused in %s; do
	refuse-program $refused sdeitop events --json -- sleep 0.3 >$refused.jsonl 2>$refused.err || exit 1
done
kill $guest
wait
""" % (REFUSED_VCPUS, REFUSED_VCPUS, " ".join(REFUSED))

# More vCPUs than the iterator's buffer takes at once.
MANY_VMS, MANY_VCPUS = 12, 16
MANY_RUN = r"""
cd /out || exit 1
cat >still.scn <<'END'
""" + STILL + r"""
END
for i in $(seq %d); do
	sdei-guest --quiet --scenario still.scn --vcpus %d -name guest=still$i & guests="$guests $!"
done
tries=0
until [ "$(sdeitop state | grep -c ' R---M')" = %d ]; do
	tries=$((tries + 1))
	[ $tries -lt 20 ] || break
done
sdeitop state --json >many.json || exit 1
kill $guests
wait
""" % (MANY_VMS, MANY_VCPUS, MANY_VMS * MANY_VCPUS)

MIDFLIGHT_RUN = r"""
cd /out || exit 1
sdei-guest --quiet --vcpus 4 --scenario busy -name guest=busy & guest=$!
sleep 1
for round in 1 2 3 4 5 6; do
	sdeitop events --json --summary --sched -- sleep 0.5 >round$round.jsonl 2>round$round.err || exit 1
done
kill $guest
wait $guest
"""


def read_json(name):
    with open(f"{OUT}/{name}", encoding="utf-8") as file:
        return json.load(file)


def states_of(state):
    return {(vm["vm"], vcpu["vcpu"], event["event"]): event["state"]
            for vm in state["vms"] for vcpu in vm["vcpus"] for event in vcpu["events"]}


def snapshots(records):
    return [r for r in records if r["kind"] == "state" and r["reason"] == "snapshot"]


def differences(want, got):
    return [f"{key}: {got.get(key)}, expected {want.get(key)}" for key in sorted(want.keys() | got.keys())
            if want.get(key) != got.get(key)]


def check_truth(truth, got):
    """Registered and enabled as the guest left them; what its calls did not touch is neither."""
    complaints = []
    for vcpu in truth["vcpus"]:
        for event in vcpu["events"]:
            letters = got[(vcpu["vcpu"], event["event"])]
            if ("R" in letters, "E" in letters) != (event["registered"], event["enabled"]):
                complaints.append(f"vCPU {vcpu['vcpu']} event {event['event']}: {letters}, the guest says {event}")
    return complaints


def test_quiet():
    status, output = lab(OUT, "sh", "-c", QUIET_RUN)
    if status:
        ok("snapshot/quiet", [f"exit status {status}"] + output.splitlines()[-20:])
        return
    state, truth = read_json("state.json"), read_json("quiet.truth.json")
    got = {key[1:]: letters for key, letters in states_of(state).items()}
    ok("snapshot/state of a quiet VM", differences(EXPECTED, got))
    ok("snapshot/state is what the guest says", check_truth(truth, got))
    power = {vcpu["power"] for vm in state["vms"] for vcpu in vm["vcpus"]}
    ok("snapshot/all vCPUs are on", [] if power == {"on"} and state["sdei"] else [f"power {power}, sdei {state['sdei']}"])
    names = [vm["name"] for vm in state["vms"]]
    handlers = [f"{v['vcpu']} {e['event']}: {e['ep_addr']}" for vm in state["vms"] for v in vm["vcpus"] for e in v["events"]
                if ("R" in e["state"]) != (e["ep_addr"] is not None)]
    ok("snapshot/names and handlers", handlers if names == ["quiet"] else handlers + [str(names)])
    check_times(state)
    check_text()
    check_in_use()
    check_events(truth["vm"])
    check_filters()
    check_sched()


def text_rows(name):
    with open(f"{OUT}/{name}", encoding="utf-8") as file:
        return [line.split() for line in file.read().splitlines()[2:]]


def check_times(state):
    """The first line says when it was, as --time has it."""
    utc, mono = (open(f"{OUT}/{name}", encoding="utf-8").readline().split() for name in ("state.txt", "in-use.txt"))
    wrong = [] if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", utc[0]) and utc[0] < state["wall"] else [f"{utc}, then {state['wall']}"]
    wrong += [] if re.fullmatch(r"\d+\.\d+", mono[0]) and 0 < float(mono[0]) * 1e9 < state["time_ns"] else [f"{mono}, then {state['time_ns']}"]
    ok("snapshot/state says when it was", wrong + [f"host {host}" for host in (utc[1], mono[1]) if host != state["host"]])


def check_text():
    got = {(int(row[2]), int(row[3])): row[4] for row in text_rows("state.txt")}
    ok("snapshot/state as text", differences(EXPECTED, got))


def check_in_use():
    """A row for each event in use, and one for each vCPU that has none."""
    in_use = {(str(vcpu), str(event)) for (vcpu, event), letters in EXPECTED.items() if set(letters) - set("-M")}
    idle = {(str(vcpu), "-") for vcpu, _ in EXPECTED} - {(vcpu, "-") for vcpu, _ in in_use}
    got = sorted((row[2], row[3]) for row in text_rows("in-use.txt"))
    ok("snapshot/state of what is in use", [] if got == sorted(in_use | idle) else [f"{got} instead of {sorted(in_use | idle)}"])


def check_events(vm):
    lines = load_lines(f"{OUT}/events.jsonl")
    records = [line for line in lines if "kind" in line]
    summary = [line for line in lines if line.get("type") == "summary"][-1]
    told = Counter((r["vm"], r["vcpu"], r["event"]) for r in snapshots(records))
    twice = [f"{key} told {count} times" for key, count in told.items() if count != 1]
    complaints = differences({(vm, *key): letters for key, letters in EXPECTED.items()},
                             {(r["vm"], r["vcpu"], r["event"]): r["state"] for r in snapshots(records)})
    counters = summary["counters"]
    if counters["read"] != len(records) or counters["attempted"]["state"] != len(snapshots(records)) or counters["late"]:
        complaints.append(f"{len(records)} records, {counters}")
    ok("snapshot/records", complaints + twice, f"{len(records)} records")


def check_filters():
    """What is about a vCPU as a whole passes every choice of events."""
    says = {"power": "power", "counter": "reason", "state": "state"}
    got = [(r["kind"], r["vcpu"], r["event"], r[says[r["kind"]]]) for r in load_lines(f"{OUT}/filtered.jsonl")]
    complaints = [] if got == [("power", 1, None, "on"), ("counter", 1, None, "found"), ("state", 1, 2, "R---M")] else [str(got)]
    if read_json("other.json")["vms"]:
        complaints.append("an unwanted VM is listed")
    ok("snapshot/filters", complaints)


def check_sched():
    """vCPU 1 has waited since before, and naps meanwhile; nobody else has anything pending."""
    places = [r for r in load_lines(f"{OUT}/sched.jsonl") if r["kind"] == "place"]
    strays = [str(r) for r in places if r["vcpu"] != 1]
    seen = {r["place"] for r in places}
    if not {"host", "descheduled"} <= seen:
        strays.append(f"only {seen} in {len(places)} records of a vCPU that naps")
    ok("snapshot/places of what was pending before", strays, f"{len(places)} places")


def test_refused():
    """A kernel that does not take one of the programs: the others do their work."""
    status, output = lab(OUT, "sh", "-c", REFUSED_RUN)
    if status:
        ok("snapshot/refused", [f"exit status {status}"] + output.splitlines()[-20:])
        return
    for refused in REFUSED:
        wants_snapshot, wants_apf = "kvm_sdei_snapsh" not in refused, "apf_present" not in refused
        told = len(snapshots(load_lines(f"{OUT}/{refused}.jsonl")))
        with open(f"{OUT}/{refused}.err", encoding="utf-8") as file:
            lines = file.read().splitlines()
        missing = {line.split()[1] for line in lines if "is not attached: this kernel does not take its program" in line}
        complaints = [] if told == (4 * REFUSED_VCPUS if wants_snapshot else 0) else [f"{told} states told at the start"]
        complaints += [] if ("kvm_sdei_snapshot" not in missing) == wants_snapshot else [f"not attached: {missing}"]
        complaints += [] if (not any(name.startswith("apf_") for name in missing)) == wants_apf else [f"not attached: {missing}"]
        ok(f"snapshot/without {refused}", complaints, f"{len(missing)} not attached")


def test_many():
    status, output = lab(OUT, "sh", "-c", MANY_RUN, options=("--memory", "2048"))
    if status:
        ok("snapshot/many", [f"exit status {status}"] + output.splitlines()[-20:])
        return
    states = Counter(key[:2] for key in states_of(read_json("many.json")))
    complaints = [f"{key}: {count} events" for key, count in states.items() if count != 4]
    if len(states) != MANY_VMS * MANY_VCPUS:
        complaints.append(f"{len(states)} vCPUs")
    ok("snapshot/many vCPUs", complaints, f"{len(states)} vCPUs")


def check_round(number):
    lines = load_lines(f"{OUT}/round{number}.jsonl")
    records = [line for line in lines if "kind" in line]
    summary = [line for line in lines if line.get("type") == "summary"][-1]
    told = Counter((r["vcpu"], r["event"]) for r in snapshots(records))
    want = {(vcpu, event): 1 for vcpu in range(4) for event in range(4)}
    complaints = differences(want, told)
    complaints += check_nothing_lost(summary, "misfits")
    unaccounted = [f"vCPU {v['vcpu']} event {e['event']}: unaccounted {e['unaccounted']}, {e['unaccounted_handlers']}"
                   for vm in summary["vms"] for v in vm["vcpus"] for e in v["events"]
                   if e["unaccounted"] or e["unaccounted_handlers"]]
    ok(f"snapshot/mid-flight {number}", complaints + unaccounted, f"{len(records)} records")


def test_midflight():
    status, output = lab(OUT, "sh", "-c", MIDFLIGHT_RUN)
    if status:
        ok("snapshot/mid-flight", [f"exit status {status}"] + output.splitlines()[-20:])
        return
    for number in range(1, 7):
        check_round(number)


def test_stock():
    status, output = lab(out_dir("snapshot-stock"), "sdeitop", "state", options=("--kernel", "stock"))
    complaints = [] if status == 0 and "has no SDEI" in output else [f"exit status {status}"] + output.splitlines()[-5:]
    ok("snapshot/a kernel that lacks it", complaints)


def main():
    test_quiet()
    test_refused()
    test_many()
    test_midflight()
    test_stock()
    finish()


if __name__ == "__main__":
    main()
