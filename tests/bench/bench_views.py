# SPDX-License-Identifier: GPL-2.0-only
"""Views of a model without a recording: metrics, exports, images."""
import re

from benchlib import QUICK, output_of, tool

SCRAPED = (16, 1024, 16384)


def bench_metrics(table, directory):
    for line in output_of(tool("metrics_throughput"), directory).splitlines():
        found = re.match(r"\s*(\d+) VMs x (\d+) vCPUs( each)?\s+(coarse|fine)\s+(\d+) series\s+(\d+) bytes\s+render\s+([\d.]+) ms .* write +([\d.]+) ms",
                         line)
        vms, vcpus, each, buckets, series, size, render, write = found.groups()
        table.point("ms per scrape over series", int(series), float(render))
        if vcpus == "1" and int(vms) not in SCRAPED:
            continue
        name = f"metrics, {vms} VMs x {vcpus}{' by vCPU' if each else ''}{', fine buckets' if buckets == 'fine' else ''}"
        table.add(f"{name}: scrape", float(render), "ms")
        table.add("  text", int(size) / 1024, "KiB")
        table.add("  written, with fsync", float(write), "ms")


def bench_exports(table):
    for line in output_of(tool("export_throughput")).splitlines():
        name, value = re.match(r"(\w+)\s+([\d.]+) M records/s", line).groups()
        table.add(f"slices alone, {name}", float(value), "M records/s")


def bench_image(table):
    line = output_of(tool("model_image"))
    vcpus, size, save, load = re.search(r"([\d]+) vCPUs .* ([\d.]+) MB.* saved in (\d+) ms, loaded in (\d+) ms", line).groups()
    table.add(f"image of {vcpus} vCPUs x 4 events", float(size), "MB")
    table.add("  saving it", float(save), "ms")
    table.add("  loading it", float(load), "ms")


def run(table, directory):
    bench_metrics(table, directory)
    if not QUICK:
        bench_exports(table)
        bench_image(table)
