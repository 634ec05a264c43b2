#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""sdeitop export --ctf: what it makes of a recording, whole, cut, torn, compressed or in several parts, has the records of the
range, the findings that a report of the range has, and is read by babeltrace2 with the same count.

SDEITOP=PROGRAM instead of build/sdeitop.
"""
import gzip
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from verdict import TOP, finish, ok  # noqa: E402

PROGRAM = os.environ.get("SDEITOP", os.path.join(TOP, "build", "sdeitop"))
RECORDING = os.path.join(TOP, "tests", "data", "recording-1")
HEAD, UUID, CRC = 96, slice(4, 20), slice(92, 96)
FIRST = "sdei-000000"
work = tempfile.mkdtemp(prefix="sdeitop-export-ctf-")


def path(name):
    return os.path.join(work, name)


def run(*words, status=0):
    """What it prints; a complaint if it ends with another status."""
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False, env={**os.environ, "TZ": "UTC"})
    if done.returncode != status:
        raise AssertionError(f"{' '.join(words)}: exit {done.returncode}, not {status}: {done.stderr}")
    return done.stdout if status in (0, 5) else done.stderr


def export(name, *words, status=0):
    return run("export", "--ctf", "-o", path(name), *words, status=status)


def events(*words, status=0):
    return [json.loads(line) for line in run("events", "-j", *words, status=status).splitlines()]


def findings(*words, status=0):
    return json.loads(run("report", "-j", *words, status=status))["findings"]


def lost(name):
    return json.loads(run("report", "-j", path(name)))["lost"]


def is_snapshot(event):
    return event.get("reason") == "snapshot"


def read(name, file=FIRST):
    with open(os.path.join(name, file), "rb") as stream:
        return stream.read()


def packets(data):
    at = 0
    while at < len(data):
        size = struct.unpack_from("<Q", data, at + 52)[0] // 8
        yield data[at:at + size]
        at += size


def put(name, data, file=FIRST, change=lambda metadata: metadata):
    """A recording with these bytes, and the metadata of the one in tests/data."""
    os.mkdir(path(name))
    with open(os.path.join(path(name), "metadata"), "wb") as stream:
        stream.write(change(read(RECORDING, "metadata")))
    with open(os.path.join(path(name), file), "wb") as stream:
        stream.write(data)
    return path(name)


def of_another(data, uuid):
    """The same packets as another recorder's."""
    changed = b""
    for packet in packets(data):
        packet = bytearray(packet)
        packet[UUID], packet[CRC] = uuid, bytes(4)
        packet[CRC] = struct.pack("<I", zlib.crc32(packet))
        changed += bytes(packet)
    return changed


def with_uuid(uuid):
    text = f"{uuid[:4].hex()}-{uuid[4:6].hex()}-{uuid[6:8].hex()}-{uuid[8:10].hex()}-{uuid[10:].hex()}"
    return lambda metadata: re.sub(rb'uuid = "[^"]*"', f'uuid = "{text}"'.encode(), metadata)


def babeltrace_count(name):
    done = subprocess.run(["babeltrace2", path(name)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"babeltrace2 {name}: {done.stderr}")
    return len(re.findall(r" kvm_(?:sdei|apf)\w*: ", done.stdout))


def check(name, expected, found_before):
    """The recording that was made: its records, its findings, that nothing is missing, and how many records others read."""
    records = events(path(name))
    begin = next((i for i, event in enumerate(records) if not is_snapshot(event)), len(records))
    if records[begin:] != expected:
        yield f"{name}: {len(records) - begin} records behind {begin} of states, {len(expected)} expected"
    if findings(path(name)) != found_before:
        yield f"{name}: {len(findings(path(name)))} findings, {len(found_before)} expected"
    count = sum("kind" in event for event in records)
    if shutil.which("babeltrace2") and babeltrace_count(name) != count:
        yield f"{name}: babeltrace2 reads {babeltrace_count(name)} records, sdeitop {count}"


def test_whole():
    export("whole", RECORDING)
    yield from check("whole", events(RECORDING), findings(RECORDING))
    if read(path("whole")) == read(RECORDING) or len(read(path("whole"))) != len(read(RECORDING)):
        yield "not of the same size with a uuid of its own"
    if os.stat(path("whole")).st_mode & 0o777 != 0o700:
        yield "others may read it"


def test_cut():
    ranges = [("--since", "150ms"), ("--since", "400ms", "--until", "1500ms"), ("--until", "1s", "-v", "1"), ("-g", "web*", "-e", "0")]
    for number, words in enumerate(ranges):
        export(f"cut{number}", *words, RECORDING)
        yield from check(f"cut{number}", events(*words, RECORDING), findings(*words, RECORDING))
    states = [event for event in events(path("cut0")) if is_snapshot(event)]
    if not states or {event["name"] for event in states} - {event["name"] for event in events(RECORDING)}:
        yield f"the states at the begin are {states}"
    begin = json.loads(run("report", "-j", path("cut0")))["range"]
    whole = json.loads(run("report", "-j", "--since", "150ms", RECORDING))["range"]
    if begin != whole:
        yield f"the range is {begin}, not {whole}"


def test_states():
    """Those at the begin are what the records before left."""
    known = {}
    for event in events("--until", "400ms", RECORDING):
        key = event["vm"], event["vcpu"], event.get("event")
        if event["kind"] == "state" and event["reason"] == "destroyed":
            known = {other: state for other, state in known.items() if other[:2] != key[:2]}
        elif event.get("event") is not None and event["kind"] not in ("call", "place", "apf"):
            known[key] = event["state"][:4]
    states = {(event["vm"], event["vcpu"], event["event"]): event["state"][:4]
              for event in events(path("cut1")) if is_snapshot(event)}
    if states != known or not known:
        yield f"{states} at the begin, {known} by the records before"


def samples(report, what):
    """Sum and number of a histogram of all events."""
    hists = [event[what] for vm in report["vms"] for vcpu in vm["vcpus"] for event in vcpu["events"] if event[what]]
    return [sum(hist[key] for hist in hists) for key in ("count", "sum_ns")]


def test_spanned():
    """A handler and a wait that a cut goes through are in the second part, as long as they were."""
    records = [event for event in events(RECORDING) if "event" in event]
    for begin, end, what in (("dispatch", "complete", "handler"), ("signal", "dispatch", "dispatch")):
        pairs = [(one, next((other for other in records[i + 1:] if all(other[key] == one[key] for key in ("vm", "vcpu", "event"))), None))
                 for i, one in enumerate(records) if one["kind"] == begin]
        pairs = [(one, other) for one, other in pairs if other and other["kind"] == end and other["time_ns"] - one["time_ns"] > 20000]
        one, other = pairs[len(pairs) // 2]
        at = f"{(one['time_ns'] + other['time_ns']) / 2e9:.9f}"
        export(f"{what}-1", "--until", at, RECORDING)
        export(f"{what}-2", "--since", at, RECORDING)
        whole, *parts = [samples(json.loads(run("report", "-j", place)), what) for place in (RECORDING, path(f"{what}-1"), path(f"{what}-2"))]
        if [sum(part) for part in zip(*parts)] != whole:
            yield f"cut at {at}: {what} {parts[0]} and {parts[1]}, of {whole}"


def test_compressed():
    put("packed", gzip.compress(read(RECORDING)), FIRST + ".gz")
    export("packed-whole", "--compress", path("packed"))
    if sorted(os.listdir(path("packed-whole"))) != ["metadata", FIRST + ".gz"]:
        yield f"files are {os.listdir(path('packed-whole'))}"
    if events(path("packed-whole")) != events(RECORDING):
        yield "not the records of the compressed one"


def test_torn():
    data = read(RECORDING)
    first = len(next(packets(data)))
    torn = {"cut off": data[:-100], "first packet damaged": b"\0" * 50 + data[50:], "without its middle": data[:first] + data[-200:],
            "without metadata": data}
    for number, (what, content) in enumerate(torn.items()):
        source = put(f"torn{number}", content)
        if what == "without metadata":
            os.remove(os.path.join(source, "metadata"))
        export(f"mended{number}", source, status=5)
        yield from (f"{what}: {complaint}" for complaint in
                    check(f"mended{number}", events(source, status=5), findings(source, status=5)))
    put("nothing", b"no packet at all")
    export("of-nothing", path("nothing"), status=1)
    if os.path.exists(path("of-nothing")):
        yield "a recording of nothing"


def test_parts():
    """Of one recorder: what is in two parts comes once, what is in none is lost."""
    all_packets = list(packets(read(RECORDING)))
    put("part1", b"".join(all_packets[:3]))
    put("part2", b"".join(all_packets[1:]))
    export("parts", path("part2"), path("part1"), status=5)
    yield from check("parts", events(RECORDING), findings(RECORDING))
    if lost("parts"):
        yield "something is lost between parts that overlap"
    put("part3", b"".join(all_packets[4:]))
    export("gap", path("part1"), path("part3"), status=5)
    if lost("gap") != 1 or len(events(path("gap"))) >= len(events(RECORDING)):
        yield f"{lost('gap')} lost in a gap of one packet"


def test_recorders():
    """Of two: by time if they have no VM in common, else not at all."""
    vms = sorted({event["vm"] for event in events(RECORDING)})
    mine, others = ",".join(map(str, vms[::2])), ",".join(map(str, vms[1::2]))
    export("mine", "-p", mine, RECORDING)
    export("others", "-p", others, RECORDING)
    export("both", path("others"), path("mine"))
    both = events(path("both"))
    if sorted(map(json.dumps, both)) != sorted(map(json.dumps, events(RECORDING))):
        yield f"{len(both)} records of both, {len(events(RECORDING))} of the whole"
    if [event["time_ns"] for event in both] != sorted(event["time_ns"] for event in both):
        yield "not in order of time"
    uuid = bytes(range(16))
    put("twin", of_another(read(RECORDING), uuid), change=with_uuid(uuid))
    if "at the same time" not in export("twins", RECORDING, path("twin"), status=1) or os.path.exists(path("twins")):
        yield "the same VM by two recorders is not refused"
    export("later", "--since", "3s", path("twin"))
    export("earlier", "--until", "2s", RECORDING)
    export("one-then-other", path("later"), path("earlier"))
    if lost("one-then-other") != 1:
        yield f"{lost('one-then-other')} lost where nobody recorded"
    put("boot", of_another(read(RECORDING), uuid),
        change=lambda metadata: re.sub(rb'boot_id = "[^"]*"', b'boot_id = "other"', with_uuid(uuid)(metadata)))
    if "boot" not in export("boots", RECORDING, path("boot"), status=1):
        yield "recordings of two boots are not refused"


def test_refused():
    before = read(path("whole"))
    if "is not empty" not in export("whole", RECORDING, status=1) or read(path("whole")) != before:
        yield "a directory that is not empty is overwritten"
    for words in (["--ctf"], ["--ctf", "-o", "-"], ["--ctf", "--csv", "-o", path("x")], ["--csv", "--compress"], ["--csv", RECORDING]):
        run("export", *words, RECORDING, status=2)
    export("x", "--since", "1h", RECORDING, status=2)
    if os.path.exists(path("x")):
        yield "a directory is left though nothing was exported"


TESTS = {
    "a whole recording is the same": test_whole, "a part has the records and findings of its range": test_cut,
    "the states at the begin are right": test_states, "what a cut goes through is whole in the second part": test_spanned,
    "compressed ones are read and made": test_compressed,
    "of a torn one all is there that is whole": test_torn, "parts of one recorder become one": test_parts,
    "recordings of two recorders become one, or are refused": test_recorders, "what cannot be is refused": test_refused,
}


def main():
    note = "" if shutil.which("babeltrace2") else "without babeltrace2"
    for name, test in TESTS.items():
        try:
            ok(name, list(test()), note)
        except (AssertionError, OSError, KeyError) as trouble:
            ok(name, [repr(trouble)])
    shutil.rmtree(work)
    finish()


if __name__ == "__main__":
    main()
