#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The same events through the kernel's own text: trace_pipe and trace-cmd show what sdeitop shows."""
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
        if "kind" in record and record["kind"] != "apf":    # a page that took long, which no tracepoint of SDEI's tells
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


def main():
    compare("trace_pipe", *lab(f"{OUT}/trace_pipe", "sh", "-c", RUN))
    compare("trace-cmd", *lab(f"{OUT}/trace-cmd", "sh", "-c", TRACE_CMD))
    finish()


if __name__ == "__main__":
    main()
