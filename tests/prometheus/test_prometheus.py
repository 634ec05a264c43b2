#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 900
"""The text file with those who read it: promtool, node_exporter's textfile collector and a Prometheus that scrapes it. Its
answers equal the model's figures; a reader never finds a torn file; counters only reset with the exporter; VMs expire; the
rules and the dashboard work on what comes out."""
import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import exported  # noqa: E402
from exported import CONTRIB, Exporter, as_asked, dashboard_targets, ok, parse, read  # noqa: E402
from verdict import finish  # noqa: E402

WAIT_S = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode("utf-8")


def await_true(condition, seconds=WAIT_S):
    """Its value once that is true; else the last one."""
    end = time.time() + seconds
    while True:
        try:
            value = condition()
        except (urllib.error.URLError, OSError, KeyError, IndexError):
            value = None
        if value or time.time() > end:
            return value
        time.sleep(0.2)


def check_promtool(name, text):
    done = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    ok(f"promtool check metrics/{name}", [done.stdout.decode()] if done.returncode or done.stdout else [])


# --- without servers

def test_promtool(directory):
    for scene in ("small", "hostile", "empty", "trouble", "apf", "client", "calls", "many"):
        path = os.path.join(directory, f"{scene}.prom")
        exporter = Exporter(scene, path)
        exporter.end()
        check_promtool(scene, read(path))
        os.unlink(path)


# --- a reader meanwhile

class Reader(threading.Thread):
    """Opens and reads the file, over and over."""

    def __init__(self, path):
        super().__init__()
        self.path, self.complaints, self.reads, self.versions, self.stop = path, [], 0, set(), False

    def run(self):
        whole = None
        while not self.stop and not self.complaints:
            try:
                text = read(self.path)
            except OSError as error:
                self.complaints.append(str(error))
                break
            self.reads += 1
            self.versions.add(re.search(r"^kvm_sdei_records_total (\d+)$", text, re.M)[1])
            shape = re.sub(r" \S+$", "", text, flags=re.M)
            whole = whole or shape
            if shape != whole:
                self.complaints.append("a file with other series: torn?")


def test_reader(path):
    exporter = Exporter("small", path)
    for _ in range(3):
        exporter.tell("go")     # what may come with the first of the growing events, and with a finding, is there
    reader = Reader(path)
    reader.start()
    exporter.tell("rewrite")
    reader.stop = True
    reader.join()
    exporter.end()
    few = [f"{reader.reads} reads, {len(reader.versions)} versions"] if len(reader.versions) < 20 else []
    ok("a reader finds a whole file, always", reader.complaints + few, f"{reader.reads} reads of {len(reader.versions)} versions")


# --- the servers

class Server:
    def __init__(self, log, *command):
        with open(log, "wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_node_exporter(directory, texts):
    port = free_port()
    server = Server(os.path.join(directory, "node.log"), "prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}",
                    "--collector.disable-defaults", "--collector.textfile", f"--collector.textfile.directory={texts}")
    return server, f"127.0.0.1:{port}"


CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}/recording.rules.yml, {rules}/alerts.rules.yml]
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ["{node}"], labels: {{instance: host}}}}]
"""


def start_prometheus(directory, node):
    port = free_port()
    config = os.path.join(directory, "prometheus.yml")
    with open(config, "w", encoding="utf-8") as file:
        file.write(CONFIG.format(rules=os.path.join(CONTRIB, "prometheus"), node=node))
    server = Server(os.path.join(directory, "prometheus.log"), "prometheus", f"--config.file={config}",
                    f"--storage.tsdb.path={directory}/tsdb", f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn")
    return server, f"http://127.0.0.1:{port}"


def query(prometheus, expression):
    answer = json.loads(get(f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"))
    return answer["data"]["result"]


def value(prometheus, expression):
    result = query(prometheus, expression)
    return float(result[0]["value"][1]) if result else None


def test_node_exporter(node, path):
    wanted = parse(read(path))

    def same():
        return parse(get(f"http://{node}/metrics")) == wanted
    await_true(same)
    text = get(f"http://{node}/metrics")
    got = parse(text)
    differences = [f"{key}: {got.get(key)} instead of {want}" for key, want in wanted.items() if got.get(key) != want]
    ok("node_exporter gives what the file has", differences + [f"{key} too much" for key in got if key not in wanted],
       f"{len(wanted)} samples")
    ok("node_exporter has no error", [] if re.search(r"^node_textfile_scrape_error 0$", text, re.M) and
       "node_textfile_mtime_seconds{" in text else ["node_textfile_scrape_error"])


def model_events(summary):
    """Of each VM and event: counts, blame and the buckets of dispatch."""
    sums = {}
    for vm in summary["vms"]:
        label = "db:0d3c7f5a" if vm["name"] == "db" else vm["name"]
        for vcpu in vm["vcpus"]:
            for event in vcpu["events"]:
                sums.setdefault((label, event["event"]), []).append(event)
    return sums


def quantile(buckets, q):
    """Edges of the bucket, in seconds, that has it."""
    count = sum(b["count"] for b in buckets)
    rank, seen = max(1, math.ceil(q * count)), 0
    for bucket in sorted(buckets, key=lambda b: b["min"]):
        seen += bucket["count"]
        if seen >= rank:
            return bucket["min"] / 1e9, bucket["max"] / 1e9
    return None


def coarse_bucket(seconds):
    """The edges of the bucket that has a value: powers of four, of nanoseconds; one for all below 1 us."""
    power = int(math.log2(max(seconds * 1e9, 1))) // 2 * 2
    return (0, 1.024e-6) if power < 10 else (2 ** power / 1e9, 2 ** (power + 2) / 1e9)


def check_event(prometheus, label, number_, events):
    """What Prometheus says of an event against the model."""
    select = f'{{vm="{label}",event="{number_}"}}'
    complaints, checked = [], 0

    def expect(expression, want):
        nonlocal checked
        got = value(prometheus, expression)
        checked += 1
        if got is None or not math.isclose(got, want, rel_tol=1e-12, abs_tol=1e-12):
            complaints.append(f"{expression}: {got} instead of {want}")

    count = {field: sum(e["count"][field] for e in events) for field in events[0]["count"]}
    if not count["signals"]:
        return complaints, 0
    expect(f"sum(kvm_sdei_signals_total{select})", count["signals"])
    expect(f"sum(kvm_sdei_dispatched_total{select})", count["dispatched"])
    expect(f"sum(kvm_sdei_completed_total{select})", count["completed"] + count["resumed"] + count["running_cleared"])
    expect(f"sum(kvm_sdei_dropped_total{select})", count["coalesced"] + count["rejected"] + count["cancelled"] + count["cleared"])
    for name, family in (("dispatch", "kvm_sdei_dispatch_latency_seconds"), ("handler", "kvm_sdei_handler_seconds"),
                         ("total", "kvm_sdei_total_latency_seconds")):
        hists = [e[name] for e in events if e[name]]
        buckets = [b for h in hists for b in h["buckets"]]
        if not buckets:
            continue
        expect(f"{family}_count{select}", sum(h["count"] for h in hists))
        expect(f"{family}_sum{select}", sum(h["sum_ns"] for h in hists) / 1e9)
        for q in (0.5, 0.9, 0.99):
            low, high = quantile(buckets, q)
            got = value(prometheus, f"histogram_quantile({q}, {family}_bucket{select})")
            checked += 1
            if got is None or not coarse_bucket(low)[0] * 0.999 <= got <= coarse_bucket(high)[1]:
                complaints.append(f"{family} p{q} of {select}: {got}, the model has {low} to {high}")
    expect(f"sum(kvm_sdei_blame_seconds_total{select})", sum(sum(e["blame"].values()) for e in events if e["blame"]) / 1e9)
    return complaints, checked


def test_values(prometheus, summary):
    await_true(lambda: value(prometheus, "kvm_sdei_records_total") == summary["records"])
    complaints, checked = [], 0
    for (label, event), events in model_events(summary).items():
        more, number_ = check_event(prometheus, label, event, events)
        complaints += more
        checked += number_
    ok("queries give the model's values", complaints + ([f"{checked} checked"] if checked < 30 else []), f"{checked} queries")
    lost = value(prometheus, "sum(kvm_sdei_lost_records_total)")
    ok("losses are told", [] if lost == summary["lost"] > 0 else [f"{lost} instead of {summary['lost']}"])


def test_resets(prometheus, path):
    """Of every counter that the file has."""
    names = {key[0] for key in parse(read(path)) if re.search(r"_(total|bucket|sum|count)$", key[0])}
    resets = {name: value(prometheus, f"max(resets({name}[2m]))") for name in names}
    changes = value(prometheus, "max(changes(kvm_sdei_host_dispatched_total[2m]))")
    ok("no counter goes back while the exporter lives", [f"{name}: {count}" for name, count in resets.items() if count != 0] +
       ([] if changes >= 2 and len(names) > 20 else [f"{changes} changes of {len(names)} names"]), f"{len(names)} families")


def scene_of(expression):
    """The scene that has something for a panel to show."""
    for scene, sign in (("apf", "kvm_apf_"), ("client", "sdei_client_"), ("calls", "kvm_psci_"), ("calls", 'result="FORWARDED"')):
        if sign in expression:
            return scene
    return "small"


def test_dashboard(prometheus, scene, least):
    """Of the panels that a scene is for: trouble (… > 0) that there is none of counts as shown."""
    complaints, queries = [], 0
    for panel, target in dashboard_targets():
        expression = as_asked(target["expr"]).removesuffix(" > 0")
        if scene_of(expression) != scene:
            continue
        queries += 1
        try:
            if not query(prometheus, expression):
                complaints.append(f"{panel['title']}: nothing for {expression}")
        except urllib.error.HTTPError as error:
            complaints.append(f"{panel['title']}: {expression}: {error.read().decode()}")
    ok(f"every panel of the dashboard shows something/{scene}", complaints + ([] if queries >= least else ["few queries"]),
       f"{queries} queries")


def test_live_rules(prometheus):
    def healthy():
        groups = json.loads(get(f"{prometheus}/api/v1/rules"))["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return len(rules) > 35 and all(rule["health"] == "ok" for rule in rules) and rules
    rules = await_true(healthy)
    ok("Prometheus evaluates all rules", [] if rules else [get(f"{prometheus}/api/v1/rules")[:500]])
    names = ["fleet:kvm_sdei_dispatch_latency_seconds:p99_rate5m", "vm_part:kvm_sdei_blame:ratio_rate5m"]
    missing = [name for name in names if not await_true(lambda n=name: query(prometheus, n))]
    ok("recorded quantiles are there", missing)


def test_faults(prometheus, exporter):
    for _ in range(4):
        exporter.tell("go")
        time.sleep(1)
    rates = ["vm_stage:kvm_apf_stage_seconds:p99_rate5m > 0", "vm:kvm_apf_fallbacks:ratio_rate5m > 0",
             "vm:kvm_apf_blocked:ratio_rate5m > 0"]
    missing = [rate for rate in rates if not await_true(lambda r=rate: query(prometheus, r))]
    ok("recorded figures of page faults are there", missing)
    test_dashboard(prometheus, "apf", 20)


def test_calls(prometheus, exporter, scene, least):
    """A machine that is a client, or guests that call what KVM's SDEI does not see."""
    for _ in range(4):
        exporter.tell("go")
        time.sleep(1)
    await_true(lambda: query(prometheus, f"rate({'sdei_client' if scene == 'client' else 'kvm_sdei'}_calls_total[1m]) > 0"))
    test_dashboard(prometheus, scene, least)


def test_expiry(prometheus, exporter, path):
    """The series of a VM that is gone stay until the model forgets it; those of the host do not go back then."""
    before = value(prometheus, "kvm_sdei_host_dispatched_total")
    exporter.tell("expire")
    left = await_true(lambda: len(query(prometheus, "kvm_sdei_vm_info")) == 1 and query(prometheus, "kvm_sdei_vm_info"))
    series = len(query(prometheus, '{vm="leaving"}'))
    ok("a VM that is forgotten disappears", [] if left and left[0]["metric"]["pid"] == "71" and left[0]["metric"]["vm"] == "staying" and not series else [f"{left} {series}"])
    after = value(prometheus, "kvm_sdei_host_dispatched_total")
    ok("the host's totals stay", [] if before == after == 2 else [f"{before} {after}"])


def make_link(directory, texts):
    """sdeid's file where sdeid may write; node_exporter finds it as sdeid(8) says. The file's path."""
    path = os.path.join(directory, "metrics", "sdeid.prom")
    os.mkdir(os.path.dirname(path))
    os.symlink(path, os.path.join(texts, "sdeid.prom"))
    return path


def with_servers(directory, texts):
    path = make_link(directory, texts)
    node_server, node = start_node_exporter(directory, texts)
    prometheus_server, prometheus = start_prometheus(directory, node)
    exporter = Exporter("small", path)
    try:
        if not await_true(lambda: value(prometheus, "kvm_sdei_up") == 1):
            ok("Prometheus scrapes", [read(os.path.join(directory, "prometheus.log"))[-500:], read(os.path.join(directory, "node.log"))[-500:]])
            return
        ok("Prometheus scrapes", [])
        for _ in range(6):
            exporter.tell("go")
            time.sleep(0.5)
        test_node_exporter(node, path)
        test_values(prometheus, json.loads(exporter.tell("summary")))
        test_live_rules(prometheus)
        test_dashboard(prometheus, "small", 20)
        test_resets(prometheus, path)
        exporter.end()
        exporter = Exporter("small", path)
        resets = await_true(lambda: value(prometheus, "resets(kvm_sdei_records_total[1m])"))
        ok("a restart is one reset", [] if resets == 1 else [f"{resets} resets"])
        exporter.end()
        exporter = Exporter("apf", path)
        test_faults(prometheus, exporter)
        exporter.end()
        for scene, least in (("client", 12), ("calls", 3)):
            exporter = Exporter(scene, path)
            test_calls(prometheus, exporter, scene, least)
            exporter.end()
        exporter = Exporter("leaving", path)
        await_true(lambda: len(query(prometheus, "kvm_sdei_vm_info")) == 2 and value(prometheus, "kvm_sdei_host_dispatched_total") == 2)
        test_expiry(prometheus, exporter, path)
        exporter.end()
        exporter = Exporter("hostile", path)
        test_node_exporter(node, path)
        found = await_true(lambda: query(prometheus, 'kvm_sdei_vm_info{vm="café \\"q\\" \\\\"}'))
        ok("hostile names come through", [] if found and found[0]["metric"]["name"] == 'café "q" \\' else [str(found)])
    finally:
        exporter.end()
        prometheus_server.end()
        node_server.end()


def main():
    exported.build()
    directory = tempfile.mkdtemp(prefix="sdei-prometheus-")
    texts = os.path.join(directory, "texts")
    os.mkdir(texts)
    try:
        test_promtool(directory)
        test_reader(os.path.join(directory, "reader.prom"))
        with_servers(directory, texts)
    finally:
        shutil.rmtree(directory)
    finish()


if __name__ == "__main__":
    main()
