# SPDX-License-Identifier: GPL-2.0-only
"""What the exporter writes, what is in the dashboard, and how results are told."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import verdict  # noqa: E402
from verdict import TOP  # noqa: E402

EXPORTER = os.path.join(TOP, "build", "tool", "prometheus", "exporter")
CONTRIB = os.path.join(TOP, "contrib")


def ok(name, complaints, note=""):
    verdict.ok(f"prometheus/{name}", complaints, note)


def build(*more):
    verdict.make("build/tool/prometheus/exporter", *more)


class Exporter:
    """tests/prometheus/exporter.c"""

    def __init__(self, scene, path):
        self.process = subprocess.Popen([EXPORTER, scene, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.answer()

    def answer(self):
        return self.process.stdout.readline().decode("utf-8")

    def tell(self, word):
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()
        return self.answer()

    def end(self):
        self.process.stdin.close()
        return self.process.wait(10)


SAMPLE = re.compile(r"([a-zA-Z_:]\w*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)')


def number(text):
    """Bounds are written in other ways, too."""
    return float(text)


def parse(text):
    """The value of each sample, by name and labels; those of the collector's own are left out."""
    samples = {}
    for line in text.splitlines():
        found = SAMPLE.match(line)
        if not found or not found[1].startswith(("kvm_", "sdei_client_")):
            continue
        labels = {k: (number(v) if k == "le" else v) for k, v in LABEL.findall(found[2] or "")}
        samples[(found[1], frozenset(labels.items()))] = float(found[3])
    return samples


def read(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return file.read()


def dashboard():
    return json.loads(read(os.path.join(CONTRIB, "grafana", "sdeitop.json")))


def dashboard_targets():
    """Of each query of a panel: the panel, and the target that has it."""
    return [(panel, target) for panel in dashboard()["panels"] for target in panel.get("targets", [])]


def as_asked(expression):
    """As Grafana asks it, for all hosts and VMs."""
    for variable, value in (("$__rate_interval", "1m"), ("$__range", "1m"), ("$cluster", ".*"), ("$instance", ".*"), ("$vm", ".*")):
        expression = expression.replace(variable, value)
    return expression
