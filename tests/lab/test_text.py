#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The same events through the kernel's own text: trace_pipe and trace-cmd show what sdeitop shows, values by their names."""
import os
import re
import sys
from collections import defaultdict

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import truth as t               # noqa: E402
from labtest import finish, lab, ok, out_dir     # noqa: E402

OUT = out_dir("text")

RUN = r"""
cd /out || exit 1
tracing=/sys/kernel/tracing
echo 16384 >$tracing/buffer_size_kb
echo mono >$tracing/trace_clock
for event in $tracing/events/kvm/kvm_sdei_*; do echo 1 >$event/enable; done
cat $tracing/trace_pipe >pipe.txt &
pipe=$!
sdeitop events --json -- sdei-guest --vcpus 2 --scenario inject --truth inject.json -name guest=text >events.jsonl || exit 1
sleep 1
kill $pipe
"""

TRACE_CMD = r"""
cd /out || exit 1
command -v trace-cmd >/dev/null || exit 77
sdeitop events --json -- trace-cmd record -q -b 16384 -e 'kvm:kvm_sdei_*' -o /tmp/trace.dat \
	sdei-guest --vcpus 2 --scenario steady --truth steady.json -name guest=text >events.jsonl 2>messages || { cat messages; exit 1; }
trace-cmd report -i /tmp/trace.dat >pipe.txt
"""

# Each value has a name (tracepoints/README.md), and trace-cmd makes it of the trace file's description of the events. One script
# does what guests and their VMM can do; the rest needs a vCPU that is restored, and faults of pages that go each way.
NAMES = r"""
cd /out || exit 1
cat >/tmp/names.sh <<'END'
set -e
sdei-guest --scenario names.scn --vcpus 1
sdei-guest --semantics --only "migration/pending, disabled"
for mode in park masked no-handler user-only unread full disable restore reset no-access exit; do sdei-guest --apf $mode; done
END
trace-cmd record -q -b 16384 -e 'kvm:kvm_sdei_*' -e 'kvm:kvm_apf_*' -o /tmp/trace.dat sh /tmp/names.sh >messages 2>&1 || { cat messages; exit 1; }
trace-cmd report -i /tmp/trace.dat >report.txt
"""

NAMES_SCRIPT = """on all
handler 0
	context 0 -> any
	once
		signal 0 self
		signal 0 self
		unregister 0 -> PENDING
	end
	complete
end
handler 2
	resume
end
handler 3
	once
		inject 3 self
		vcpu-reset
	end
end
	version
	features 0
	status 0
	info 0 0
	routing-set 0 0 0 -> INVALID_PARAMETERS
	bind 32 -> OUT_OF_RESOURCE
	release 0 -> INVALID_PARAMETERS
	shared-reset
	signal 0 self -> INVALID_PARAMETERS
	register 0 2 3
	enable 0 2 3
	disable 2
	enable 2
	unmask
	signal 0 self
	inject 2 self
	mask -> 1
	inject 2 self
	cancel 2 self
	private-reset
	register 3
	enable 3
	unmask
	inject 3 self
	register 0
	enable 0
	signal 0 self
	vcpu-reset
"""

STATES = {"REUP-", "REU--", "RE-PM", "R--P-", "----M", "--U--"}    # some that occur, one of each letter
CALLS = {"VERSION", "EVENT_REGISTER", "EVENT_ENABLE", "EVENT_DISABLE", "EVENT_CONTEXT", "EVENT_COMPLETE",
         "EVENT_COMPLETE_AND_RESUME", "EVENT_UNREGISTER", "EVENT_STATUS", "EVENT_GET_INFO", "EVENT_ROUTING_SET", "PE_MASK",
         "PE_UNMASK", "INTERRUPT_BIND", "INTERRUPT_RELEASE", "EVENT_SIGNAL", "FEATURES", "PRIVATE_RESET", "SHARED_RESET"}
NAMED = {
    ("sdei_unregister", "cleared"): {"pending"},
    ("sdei_reset", "reason"): {"private-reset", "vcpu-reset"},
    ("sdei_signal", "source"): {"guest", "vmm", "apf", "restore"},
    ("sdei_signal", "outcome"): {"queued", "coalesced", "rejected"},
    ("sdei_complete", "how"): {"complete", "complete-and-resume"},
    ("sdei_state", "reason"): {"created", "reset", "restored", "destroyed"},
    ("sdei_state", "cleared"): {"pending", "running|pending"},
    ("sdei_call", "function"): CALLS,
    ("apf_present", "reason"): {"ready", "wake-all"},
    ("apf_fallback", "reason"): {"masked", "no-handler", "kernel", "unread", "full", "no-access"},
    ("apf_cancel", "reason"): {"disabled", "restored", "reset", "destroyed"},
}
BY_CHANCE = {    # as pages and vCPUs happen to meet
    ("apf_fallback", "reason"): {"busy", "pending", "repeated", "no-memory", "failed"},
    ("apf_cancel", "reason"): {"in-time", "no-access"},
}
KINDS = {"register", "unregister", "enable", "disable", "mask", "unmask", "reset", "signal", "cancel", "dispatch", "complete",
         "call", "state"}
TRACED = re.compile(r"kvm_((?:sdei|apf)_\w+):\s+vm=(?:.* state=([REUPM-]{5}))?(.*)")

LINE = re.compile(r"kvm_sdei_(\w+):\s+vm=(\d+) vcpu=(\d+) event=(-?\d+) state=([REUPM-]{5})(.*)")
FIELD = re.compile(r"(\w+)=(\S+)")


def parse(path):
    """kind, event, state and fields of each line, per (vm, vcpu)."""
    lines = defaultdict(list)
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            found = LINE.search(line)
            if found:
                kind, vm, vcpu, event, state, rest = found.groups()
                lines[(int(vm), int(vcpu))].append((kind, int(event), state, dict(FIELD.findall(rest))))
    return lines


def shown(path):
    records = defaultdict(list)
    for record in t.load_lines(path):
        # A page that took long, and how far a counter is behind, no tracepoint of SDEI's tells.
        if "kind" in record and record["kind"] not in ("apf", "counter"):
            event = -1 if record["event"] is None else record["event"]
            records[(record["vm"], record["vcpu"])].append((record["kind"], event, record["state"], record))
    return records


def check_same(text, records):
    complaints = []
    for key in sorted(text.keys() | records.keys()):
        want, got = [x[:3] for x in text[key]], [x[:3] for x in records[key]]
        if want == got:
            continue
        at = next((i for i, pair in enumerate(zip(want, got)) if pair[0] != pair[1]), min(len(want), len(got)))
        complaints.append(f"vm {key[0]} vcpu {key[1]}: {len(want)} in the text, {len(got)} shown; "
                          f"first difference at {at}: {want[at:at + 2]} against {got[at:at + 2]}")
    return complaints


def number(text):
    return int(text, 0)


def check_fields(text, records):
    """The values behind the head, for the kinds that carry some."""
    names = {"dispatch": ("pc",), "signal": ("error",), "register": ("ep_addr", "ep_arg")}
    complaints, compared = [], 0
    for key, lines in text.items():
        for line, record in zip(lines, records[key]):
            for name in names.get(line[0], ()):
                compared += 1
                seen = record[3][name]
                seen = number(seen) if isinstance(seen, str) else seen
                if name not in line[3] or number(line[3][name]) != seen:
                    complaints.append(f"{line} against {record[3]}: {name}")
    return complaints + ([] if compared else ["no field was compared"])


def compare(name, status, output):
    if status == 77:
        print(f"skip text/{name} no trace-cmd in the lab")
        return
    if status:
        ok(f"text/{name}", [f"exit status {status}"] + output.splitlines()[-10:])
        return
    text, records = parse(f"{OUT}/{name}/pipe.txt"), shown(f"{OUT}/{name}/events.jsonl")
    total = sum(map(len, text.values()))
    ok(f"text/{name}/same events in the same order", check_same(text, records) + ([] if total else ["no text"]),
       f"{total} events")
    ok(f"text/{name}/same fields", check_fields(text, records))


def check_names(path):
    """Each named field of each line has one of its names, and each name was there."""
    seen, states, kinds = defaultdict(set), set(), set()
    with open(path, encoding="utf-8", errors="replace") as file:
        for found in filter(None, map(TRACED.search, file)):
            kind, state, rest = found.groups()
            kinds.add(kind)
            states.add(state)
            for name, value in FIELD.findall(rest):
                seen[(kind, name)].add(value)
    complaints = [f"{' '.join(field)}: {sorted(seen[field])} instead of {sorted(names)}"
                  for field, names in NAMED.items() if seen[field] - BY_CHANCE.get(field, set()) != names]
    complaints += [f"no {kind}" for kind in sorted(KINDS) if f"sdei_{kind}" not in kinds]
    return complaints + [f"no state {state}" for state in sorted(STATES - states)]


def test_names():
    out = f"{OUT}/names"
    os.makedirs(out)
    with open(f"{out}/names.scn", "w", encoding="utf-8") as file:
        file.write(NAMES_SCRIPT)
    status, output = lab(out, "sh", "-c", NAMES, timeout=600)
    ok("text/trace-cmd/values by their names",
       check_names(f"{out}/report.txt") if not status else [f"exit status {status}"] + output.splitlines()[-10:])


def main():
    compare("trace_pipe", *lab(f"{OUT}/trace_pipe", "sh", "-c", RUN))
    compare("trace-cmd", *lab(f"{OUT}/trace-cmd", "sh", "-c", TRACE_CMD))
    test_names()
    finish()


if __name__ == "__main__":
    main()
