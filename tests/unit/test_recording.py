#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A reader of recordings that knows nothing but man/sdeitop-recording.5: the tables come out of the page, the rest is what
it says. Of the recording in tests/data it must find what `sdeitop events` prints, record by record.

SDEITOP=PROGRAM instead of build/sdeitop.
"""
import json
import os
import re
import subprocess
import sys
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from verdict import TOP, finish, ok  # noqa: E402

PROGRAM = os.environ.get("SDEITOP", os.path.join(TOP, "build", "sdeitop"))
PAGE = os.path.join(TOP, "man", "sdeitop-recording.5")
RECORDING = os.path.join(TOP, "tests", "data", "recording-1")
NONE = 0xffffffff


def part(page, name):
    return re.search(rf'\.\\" {name}\n(.*?)\.\\" end', page, re.S).group(1)


def head_table(page):
    """[(name, offset, bytes)]"""
    return [(name, int(at), int(size)) for at, size, name in re.findall(r"^ +(\d+) +(\d+) (\w+)", part(page, "head"), re.M)]


def layout_table(page):
    """{id: (item, bytes, [(field, bits, signed)])}"""
    layouts, item = {}, None
    text = re.sub(r"\n {9}(?=\S)", " ", part(page, "layouts"))
    for line in text.splitlines():
        if line.startswith(".B "):
            item = line[3:]
        match = re.match(r" *(\d+) +(\d+) +(.*)", line)
        if match:
            fields = re.findall(r"(\w+):(\d+)(s?)", match.group(3))
            layouts[int(match.group(1))] = (item, int(match.group(2)), [(name, int(bits), bool(s)) for name, bits, s in fields])
    return layouts


def value_table(page):
    """{(item, field): {number: word}}"""
    values = {}
    for field, items, text in re.findall(r'\.BR (\w+) " of ([^"]*)"\n(.*?)\.(?=\n)', part(page, "values"), re.S):
        words = {int(number, 0): word for number, word in re.findall(r"(0x[0-9a-f]+|\d+) (\w+)", text)}
        values.update({(item, field): words for item in items.split(", ")})
    return values


class Trouble(Exception):
    pass


def must(holds, what):
    if not holds:
        raise Trouble(what)


def number(data, signed=False):
    return int.from_bytes(data, "little", signed=signed)


class Reader:
    def __init__(self, page):
        self.head, self.layouts = head_table(page), layout_table(page)
        self.used, self.fields = set(), {}
        for item, _, fields in self.layouts.values():
            self.fields.setdefault(item, set()).update(name for name, _, _ in fields)

    def packets(self, data, uuid):
        """(head, content) of each, checked."""
        at = sequence = last = 0
        while at < len(data):
            head = {name: data[at + offset:at + offset + size] for name, offset, size in self.head}
            head = {name: value if name == "uuid" else number(value, name == "wall_offset_ns") for name, value in head.items()}
            packet = data[at:at + head["packet_size"] // 8]
            must(head["magic"] == 0xc1fc1fc1 and head["uuid"] == uuid, f"magic and uuid at {at}")
            must(head["content_size"] == head["packet_size"] and len(packet) <= 65536, f"size at {at}")
            must(head["stream_id"] == head["stream_instance_id"] == 0, f"stream at {at}")
            must(zlib.crc32(packet[:92] + bytes(4) + packet[96:]) == head["crc32"], f"crc at {at}")
            must(head["packet_seq_num"] == sequence and head["timestamp_begin"] >= last, f"order at {at}")
            yield head, packet[96:]
            at, sequence, last = at + len(packet), sequence + 1, head["timestamp_end"]

    @staticmethod
    def header(data, at, clock):
        """(id, time, bytes)"""
        word = number(data[at:at + 3])
        if word & 31 < 30:
            return word & 31, clock + ((word >> 5) - clock) % (1 << 19), 3
        if word & 31 == 30:
            word = number(data[at:at + 5])
            return word >> 5 & 31, clock + ((word >> 10) - clock) % (1 << 30), 5
        must(data[at] == 31, f"first byte {data[at]}")
        return number(data[at + 1:at + 3]), number(data[at + 3:at + 11]), 11

    def items(self, head, data):
        at, clock, count = 0, head["timestamp_begin"], 0
        while at < len(data):
            ident, time, size = self.header(data, at, clock)
            must(time >= clock, "time runs back")
            item, length, fields = self.layouts[ident]
            self.used.add(ident)
            values = {name: NONE if name in ("event", "sender") else 0 for name in self.fields[item]}
            values["time"] = time
            bits, shift = number(data[at + size:at + size + length]), 0
            for name, width, signed in fields:
                value = bits >> shift & (1 << width) - 1
                values[name] = value - (1 << width) if signed and value >> width - 1 else value
                if name == "function" and width < 32:
                    values[name] += 0xc4000000
                shift += width
            must(shift == 8 * length, f"layout {ident} is of {shift} bits, not {length} bytes")
            must(values["time"] <= time, "a time behind that of its header")
            at, clock, count = at + size + length, time, count + 1
            if item == "sdeitop_name":
                end = data.index(0, at)
                values["text"], at = data[at:end].decode(), end + 1
            yield item, values
        must(count == head["items"] and clock == head["timestamp_end"], "count of items, or time of the last")


def letters(state):
    return "".join(letter if state >> bit & 1 else "-" for bit, letter in enumerate("REUPM"))


def wall(ns):
    """UTC, cut off to the microsecond."""
    seconds, rest = divmod(ns, 10**9)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1000:06}Z"


def as_printed(item, values, names, words, offset):
    """The record as `events --json` has it."""
    record = {"time_ns": values["time"], "wall": wall(values["time"] + offset), "kind": item.removeprefix("kvm_sdei_"), "name": names[values["vm"]]}
    for name, value in values.items():
        if name in ("vm", "vcpu", "error", "result"):
            record[name] = value
        elif name in ("event", "sender"):
            record[name] = None if value == NONE else value
        elif name in ("state", "cleared"):
            record[name] = letters(value)
        elif name in ("ep_addr", "ep_arg", "pc", "arg"):
            record[name] = hex(value)
        elif (item, name) in words and name != "function":
            record[name] = words[item, name][value]
    if item == "kvm_sdei_call":
        record["function"] = f"{values['function']:#010x}"
        record["function_name"] = words[item, "function"][values["function"]]
        record["args"] = [hex(values[f"arg{i}"]) for i in range(3)]
    return record


def differences(found, printed):
    """The page does not say how results and errors are called."""
    complaints = [] if len(found) == len(printed) else [f"{len(found)} records, {len(printed)} printed"]
    for mine, other in zip(found, printed):
        other = {key: value for key, value in other.items() if key not in ("result_name", "error_name")}
        if mine != other:
            complaints.append(f"{mine} is printed as {other}")
    return complaints


def decode(page):
    reader, words = Reader(page), value_table(page)
    with open(os.path.join(RECORDING, "metadata"), encoding="ascii") as file:
        uuid = bytes.fromhex(re.search(r'uuid = "([0-9a-f-]+)"', file.read()).group(1).replace("-", ""))
    with open(os.path.join(RECORDING, "sdei-000000"), "rb") as file:
        data = file.read()
    found, names, statuses, offset = [], {}, [], None
    for head, content in reader.packets(data, uuid):
        items = list(reader.items(head, content))
        offset = head["wall_offset_ns"] if offset is None else offset
        for item, values in items:
            if item == "sdeitop_name":
                names[values["vm"]] = values["text"]
            elif item == "sdeitop_status":
                statuses.append((values, head))
            else:
                found.append(as_printed(item, values, names, words, offset))
    return reader, found, statuses


def check_statuses(statuses):
    complaints = [] if len(statuses) == 5 else [f"{len(statuses)} statuses"]
    complaints += [] if [values["end"] for values, _ in statuses] == [0, 0, 0, 0, 1] else ["the end is not the last, or not alone"]
    complaints += [f"wall_offset_ns: {head['wall_offset_ns']}, in the status {values['wall_ns'] - values['time']}"
                   for values, head in statuses if values["wall_ns"] - values["time"] != head["wall_offset_ns"]]
    return complaints


def main():
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    try:
        reader, found, statuses = decode(page)
    except (Trouble, KeyError, ValueError, IndexError) as trouble:
        ok("a reader made from the page reads the recording", [repr(trouble)])
        finish()
    ok("a reader made from the page reads the recording", [] if len(reader.used) > 15 else [f"only layouts {reader.used}"])
    done = subprocess.run([PROGRAM, "events", "-j", RECORDING], capture_output=True, text=True, check=False)
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    ok("its records are those that sdeitop events prints", differences(found, printed) + done.stderr.splitlines())
    ok("its statuses are as the page says", check_statuses(statuses))
    finish()


if __name__ == "__main__":
    main()
