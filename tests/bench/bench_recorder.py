# SPDX-License-Identifier: GPL-2.0-only
"""Records into files: from memory, and live."""
import json
import os
import shutil

from bench_collector import Live, add_lossless
from benchlib import QUICK, Server, Unavailable, need_root, output_of, tool

RECORDS = 500_000 if QUICK else 10_000_000


def bench_live(table, directory, name, *ring):
    recording = os.path.join(directory, "live")
    with Server("live_rate", recording, *ring) as server:
        flat, good = Live(server).lossless(64, 1)
        add_lossless(table, name, flat, good, None if ring else 5)
        table.add("  reader", flat["ns"], "ns/record")
    shutil.rmtree(recording)


def run(table, directory):
    recording = os.path.join(directory, "made")
    made = json.loads(output_of(tool("record_throughput"), recording, str(RECORDS)))
    shutil.rmtree(recording)
    table.add("recorder, from memory to a file", made["records"] * 1e3 / made["cpu_ns"], "M records/s", target=5)
    table.add("recorded, of a busy host", made["bytes"] / made["records"], "bytes/record", target=16, at_most=True)
    try:
        need_root()
        bench_live(table, directory, "live into a recording")
        bench_live(table, directory, "the same, rings of 8 MiB", str(8 << 20))
    except Unavailable as error:
        table.lack("live into a recording", error)
