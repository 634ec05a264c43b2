#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 300
"""What the panels about clients of SDEI and about guests' calls show, against values that were worked out by hand from the scenes of
tests/unit/lib/view_scene.c: promtool asks for them as Grafana does."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import exported  # noqa: E402
from exported import Exporter, as_asked, dashboard_targets, ok, read  # noqa: E402
from verdict import finish  # noqa: E402

# The file is taken twice a minute, and each time another half second of the scene has passed: a rate is what happens in one, in 30 s.
TIMES = 3
HOST = {"instance": "a", "vm": "this host, firmware"}

# By scene, panel and query: the labels of each sample, and its value.
#
# client, in half a second: 30 NMIs, 24 of them handled after 20 us, 6 after 5 ms, so in the buckets from 16.383 to 65.535 us and from
# 4.194303 to 16.777215 ms. Sample 15 of 30 is 15/24 of the way through the first one, sample 29.7 (29.7 - 24)/6 through the second.
# Handlers of event 0 take 30 us (the first bucket again), both of event 804 200 us: from 65.535 to 262.143 us.
#
# calls, in half a second: web-1 makes 12 calls that are refused, turns a vCPU off once and on twice; two of its four are off at the end.
# db makes three that are forwarded, and reboots.
SHOWN = {
    "client": {
        "Signal to handler, quantiles A": [({}, 47.103e-6)],
        "Signal to handler, quantiles B": [({}, 16.1480694e-3)],
        "Signal to handler, p99 by host A": [(HOST, 16.1480694e-3)],
        "Handler time, by event A": [({"event": "0"}, 40.959e-6), ({"event": "804"}, 163.839e-6)],
        "Handler time, by event B": [({"event": "0"}, 65.04348e-6), ({"event": "804"}, 260.17692e-6)],
        "Signals and handlers, by event A": [({"event": "0"}, 36 / 30)],
        "Signals and handlers, by event B": [({"event": "0"}, 30 / 30), ({"event": "804"}, 2 / 30)],
        "Calls to firmware A": [({"function": "EVENT_SIGNAL"}, 36 / 30), ({"function": "EVENT_REGISTER"}, 15 / 30)],
        "Time of a call, mean A": [({"function": "EVENT_SIGNAL"}, 3e-6), ({"function": "EVENT_REGISTER"}, 7e-6)],
        "Refused calls, by host A": [({"instance": "a", "function": "EVENT_REGISTER", "result": "DENIED"}, 15 / 30)],
        "Share of time masked, by host A": [(HOST, 0.060 / 30 / 4)],
        "Findings that hold, by host A": [({"instance": "a", "code": "refused-calls"}, 1)],
    },
    "calls": {
        "Refused calls A": [({"function": "VERSION", "result": "NOT_SUPPORTED"}, 12 / 30)],
        "SDEI calls refused, by VM A": [({"vm": "web-1", "result": "NOT_SUPPORTED"}, 12 / 30)],
        "SDEI calls forwarded to the VMM A": [({"vm": "db:0d3c7f5a", "function": "VERSION"}, 2 / 30),
                                              ({"vm": "db:0d3c7f5a", "function": "PE_MASK"}, 1 / 30)],
        "PSCI calls A": [({"function": "CPU_OFF", "result": "SUCCESS"}, 1 / 30), ({"function": "CPU_ON", "result": "SUCCESS"}, 1 / 30),
                         ({"function": "CPU_ON", "result": "ALREADY_ON"}, 1 / 30),
                         ({"function": "SYSTEM_RESET", "result": "FORWARDED"}, 1 / 30)],
        "vCPUs that are off, by VM A": [({"vm": "web-1"}, 2), ({"vm": "db:0d3c7f5a"}, 0)],
        "Findings that hold A": [({}, 1)],
    },
}


def queries():
    """Of each panel and query, what it asks for. Of a title that is there twice, the first one."""
    asked = {}
    for panel, target in dashboard_targets():
        asked.setdefault(f"{panel['title']} {target['refId']}", as_asked(target["expr"]))
    return asked


# --- what Prometheus would have

SAMPLE = re.compile(r"^((?:kvm|sdei_client)_\w+)(?:\{(.*)\})? (\S+)$", re.M)


def series_of(directory, scene):
    """The samples of each series, as promtool takes them; of host a."""
    path = os.path.join(directory, f"{scene}.prom")
    exporter, series = Exporter(scene, path), {}
    for time in range(TIMES):
        if time:
            exporter.tell("go")
        for name, labels, value in SAMPLE.findall(read(path)):
            key = f'{name}{{instance="a"{"," if labels else ""}{labels}}}'
            series.setdefault(key, ["_"] * TIMES)[time] = value
    exporter.end()
    return [{"series": key, "values": " ".join(values)} for key, values in series.items()]


# --- asking

def as_selector(labels):
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def wanted(labels, value):
    expression = f"vector({value!r})"
    for name, label in labels.items():
        expression = f'label_replace({expression}, "{name}", "{label}", "", "")'
    return expression


def tests_of(expression, samples):
    """That each sample is what it should be, to a billionth, and that there are no others."""
    tests = [{"expr": f"count({expression})", "eval_time": "1m", "exp_samples": [{"labels": "{}", "value": len(samples)}]}]
    for labels, value in samples:
        off = f"abs(({expression}) - on ({', '.join(labels)}) {wanted(labels, value)})"
        tests.append({"expr": f"{off} <= bool {max(value * 1e-9, 1e-15)!r}", "eval_time": "1m",
                      "exp_samples": [{"labels": as_selector(labels), "value": 1}]})
    return tests


def ask(directory, series, tests):
    """What promtool has to complain of."""
    path = os.path.join(directory, "panels_test.yml")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"evaluation_interval": "30s", "tests": [{"interval": "30s", "input_series": series, "promql_expr_test": tests}]}, file)
    done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)
    return [done.stdout + done.stderr] if done.returncode else []


# --- tests

def test_values(directory, scene, asked, series):
    for name, samples in SHOWN[scene].items():
        complaints = ask(directory, series, tests_of(asked[name], samples)) if name in asked else ["there is no such query"]
        ok(f"{scene}/{name}", complaints, f"{len(samples)} values")


def test_wrong(directory, series, asked):
    """A value that is off by a millionth, one sample too few, and a wrong label are found."""
    name = "Calls to firmware A"
    right = SHOWN["client"][name]
    (labels, value), other = right
    wrong = [[(labels, value * 1.000001), other], [other], [(labels | {"function": "VERSION"}, value), other]]
    missed = [f"promtool takes {samples}" for samples in wrong if not ask(directory, series, tests_of(asked[name], samples))]
    ok("wrong values are found", missed)


def test_complete(asked):
    """Each query about clients or PSCI has its values here."""
    known = {name for scene in SHOWN.values() for name in scene}
    about = {name for name, expression in asked.items() if re.search(r'sdei_client_|kvm_psci_|result="FORWARDED"', expression)}
    ok("each query about clients and guests' calls is tried", sorted(about - known) + ([] if len(about) > 14 else ["few queries"]), f"{len(about)} queries")


def main():
    exported.build()
    asked = queries()
    directory = tempfile.mkdtemp(prefix="sdei-panels-")
    try:
        series = {scene: series_of(directory, scene) for scene in SHOWN}
        for scene in SHOWN:
            test_values(directory, scene, asked, series[scene])
        test_wrong(directory, series["client"], asked)
        test_complete(asked)
    finally:
        shutil.rmtree(directory)
    finish()


if __name__ == "__main__":
    main()
