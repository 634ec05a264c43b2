#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 900
"""Alerts, recorded figures and the dashboard against what the exporter writes: promtool takes each expression, and the rules
do what their tests say; names, labels and values of labels are those of an export, because a query with a wrong one is valid
and finds nothing, ever. The dashboard leaves out no family about page faults."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import exported  # noqa: E402
from exported import CONTRIB, TOP, Exporter, as_asked, dashboard, dashboard_targets, ok, parse, read  # noqa: E402
from verdict import finish  # noqa: E402

RULES = os.path.join(CONTRIB, "prometheus")
SDEITOP = os.path.join(TOP, "build", "sdeitop")
RULE_FILES = ["alerts.rules.yml", "recording.rules.yml"]
SCENES = ("small", "trouble", "apf", "client", "calls")


# --- what there is

def export_of(directory):
    """Of each metric, the values of each of its labels."""
    export = {}
    for scene in SCENES:
        path = os.path.join(directory, f"{scene}.prom")
        Exporter(scene, path).end()
        for name, labels in parse(read(path)):
            known = export.setdefault(name, {})
            for label, value in labels:
                known.setdefault(label, set()).add(value)
    # Of findings that hold only those are exported that were found; the total has each code.
    for prefix in ("kvm_sdei", "sdei_client"):
        export[f"{prefix}_findings_open"]["code"] = export[f"{prefix}_findings_total"]["code"]
    return export


def add_recorded(export):
    """LEVEL:metric:operations has the labels that LEVEL says, and where it is not of the fleet, instance; any value is fine."""
    for name in re.findall(r"record: (\S+)$", read(os.path.join(RULES, "recording.rules.yml")), re.M):
        level = set(name.split(":")[0].split("_")) - {"fleet"}
        export[name] = {label: None for label in level}


def rule_expressions():
    """Of each rule: its file and name, and the expression."""
    rules = []
    for name in RULE_FILES:
        text = read(os.path.join(RULES, name))
        for rule in re.split(r"^ {6}- ", text, flags=re.M)[1:]:
            found = re.search(r"^ {8}expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)", rule, re.M)
            rules.append((f"{name}: {rule.splitlines()[0]}", " ".join((found[1] or found[2]).split())))
    return rules


def panel_expressions():
    return [(f"{panel['title']} {target['refId']}", target["expr"]) for panel, target in dashboard_targets()]


# --- an expression

SELECTOR = re.compile(r"\b((?:[a-z_]+:)?(?:kvm|sdei_client)_\w+(?::\w+)?)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
LISTED = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right) ?\(([^)]*)\)")


def labels_of(metric, export):
    """Some come with the scrape."""
    return set(export.get(metric, {})) | {"cluster", "job", "instance"}


def check_matcher(metric, matcher, export):
    label, _, value = matcher
    if label not in labels_of(metric, export):
        return [f"{metric} has no label {label}"]
    known = export.get(metric, {}).get(label)
    if known is None or "$" in value or value == ".*":
        return []
    return [f"{metric} has no {label} {one}" for one in value.split("|") if one not in known]


def check_selector(metric, matchers, export):
    if metric not in export:
        return [f"there is no {metric}"]
    complaints = [] if MATCHER.sub("", matchers).strip(", ") == "" else [f"cannot read {{{matchers}}}"]
    for matcher in MATCHER.findall(matchers):
        complaints += check_matcher(metric, matcher, export)
    return complaints


def listed_labels(expression):
    return {label.strip() for labels in LISTED.findall(expression) for label in labels.split(",") if label.strip()}


def check_expression(expression, export):
    metrics = SELECTOR.findall(expression)
    complaints = [] if metrics else [f"no metric: {expression}"]
    for metric, matchers in metrics:
        complaints += check_selector(metric, matchers, export)
    known = set().union(*(labels_of(metric, export) for metric, _ in metrics))
    return complaints + [f"no label {label} in {expression}" for label in sorted(listed_labels(expression) - known)]


def check_legend(target, export):
    """Of a sum, only what it is by is left."""
    expression = target["expr"]
    metrics = [metric for metric, _ in SELECTOR.findall(expression)]
    left = listed_labels(expression) if " by (" in expression else set().union(*(labels_of(m, export) for m in metrics))
    shown = re.findall(r"{{(\w+)}}", target["legendFormat"])
    return [f"no {label} in the result of {expression}" for label in shown if label not in left]


# --- tests

def promtool(*arguments, cwd=RULES):
    done = subprocess.run(["promtool", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    return [done.stdout + done.stderr] if done.returncode else []


def test_promtool(directory):
    ok("promtool check rules", promtool("check", "rules", *RULE_FILES))
    ok("promtool test rules", promtool("test", "rules", "rules_test.yml"))
    rules = [{"record": f"panel:{i}", "expr": as_asked(expression)} for i, (_, expression) in enumerate(panel_expressions())]
    path = os.path.join(directory, "panels.yml")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"groups": [{"name": "panels", "rules": rules}]}, file)
    ok("promtool takes what panels ask", promtool("check", "rules", path) + ([] if len(rules) > 35 else ["few panels"]))


def test_tested():
    """Each alert is tested to fire and not to."""
    alerts = re.findall(r"alert: (\w+)", read(os.path.join(RULES, "alerts.rules.yml")))
    cases = re.split(r"^ {6}- alertname: ", read(os.path.join(RULES, "rules_test.yml")), flags=re.M)[1:]
    fires = {case.split()[0] for case in cases if re.search(r"^ {8}exp_alerts:", case, re.M)}
    quiet = {case.split()[0] for case in cases if not re.search(r"^ {8}exp_alerts:", case, re.M)}
    complaints = [f"{alert}: not tested to fire" for alert in alerts if alert not in fires]
    complaints += [f"{alert}: not tested to be quiet" for alert in alerts if alert not in quiet]
    ok("each alert is tested, both ways", complaints + ([] if len(alerts) > 15 else ["few alerts"]), f"{len(alerts)} alerts")


def test_runbooks():
    """Each alert names a manual page that there is, and its thresholds of quantiles are bounds of all buckets."""
    complaints, thresholds = [], []
    for alert in re.split(r"^ {6}- alert: ", read(os.path.join(RULES, "alerts.rules.yml")), flags=re.M)[1:]:
        name, page = alert.split()[0], re.search(r'^ {10}runbook_url: "man:([\w-]+)\((\d)\)"$', alert, re.M)
        if not page or not os.path.exists(os.path.join(TOP, "man", f"{page[1]}.{page[2]}")):
            complaints.append(f"{name}: no manual page")
        found = re.search(r":p\d+_rate5m.*?> ([\d.]+)", alert, re.S)
        thresholds += [found[1]] if found else []
    bounds = re.findall(r"^\.B ([\d.e-]+),$", read(os.path.join(TOP, "man", "sdeid-metrics.7")), re.M)
    complaints += [f"{threshold} is between bounds" for threshold in thresholds if threshold not in bounds]
    few = [f"{bounds} {thresholds}"] if len(bounds) != 12 or len(thresholds) < 3 else []
    ok("alerts name manual pages, and thresholds are bounds", complaints + few)


def options_of(command):
    """What --help of sdeitop, or of its subcommand, knows."""
    done = subprocess.run([SDEITOP, *command, "--help"], capture_output=True, text=True, check=True)
    return set(re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", done.stdout))


def check_command(command):
    words = command.split()
    try:
        known = options_of([word for word in words[:1] if word.isalpha()])
    except subprocess.CalledProcessError:
        return [f"sdeitop {command}: there is no such command"]
    return [f"sdeitop {command}: no option {word}" for word in words if word.startswith("-") and word not in known]


def test_commands():
    """What annotations say to run can be run."""
    text = re.sub(r"{{.*?}}", "1", read(os.path.join(RULES, "alerts.rules.yml")))
    commands = set(re.findall(r"'sdeitop ?([^']*)'", text))
    complaints = [complaint for command in sorted(commands) for complaint in check_command(command)]
    wrong = [command for command in ("recrod -p 1", "record -p 1 --durations 60") if not check_command(command)]
    few = ["few commands"] if len(commands) < 6 else []
    ok("commands that alerts name are there", complaints + wrong + few, f"{len(commands)} commands")


def test_listed():
    alerts = set(re.findall(r"alert: (\w+)", read(os.path.join(RULES, "alerts.rules.yml"))))
    listed = set(re.findall(r"\b(?:Sdei|Apf|Vm)[A-Z]\w+", read(os.path.join(TOP, "man", "sdeid.8"))))
    ok("sdeid(8) lists the alerts", sorted(alerts ^ listed))


def test_labels(export):
    complaints = []
    rules, panels = rule_expressions(), panel_expressions()
    for place, expression in rules + panels:
        complaints += [f"{place}: {complaint}" for complaint in check_expression(expression, export)]
    for panel, target in dashboard_targets():
        complaints += [f"{panel['title']}: {complaint}" for complaint in check_legend(target, export)]
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            asked = variable["query"]["query"]
            complaints += check_expression(asked, export)
            metric, label = re.search(r"\((kvm_\w+).*, (\w+)\)$", asked).groups()
            complaints += [] if label in labels_of(metric, export) else [f"{asked}: no label {label}"]
    few = ["few rules"] if len(rules) < 40 else []
    ok("names, labels and their values are those of an export", complaints + few,
       f"{len(rules)} rules, {len(panels)} queries of panels")


WRONG = ["sum(kvm_apf_fault_total)", "sum(sdei_client_psci_calls_total)", 'sdei_client_calls_total{result="FORWARDED"}',
         'kvm_apf_stage_seconds_sum{stage="pages"}', 'kvm_apf_in_flight{stage="page"}',
         "sum by (reason) (kvm_apf_outcomes_total)", 'kvm_apf_fallbacks_total{reason!="of"}', "vm:kvm_apf_fault:rate5m",
         'kvm_apf_outcomes_total{outcome=~"async|waste"}', "kvm_apf_faults_total and on (stage) kvm_apf_in_flight"]


def test_wrong(export):
    """What this test would let pass is no test."""
    ok("wrong names, labels and values are found", [wrong for wrong in WRONG if not check_expression(wrong, export)])


def families(export):
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in export if ":" not in name}


def in_manual(family, known):
    """The manual says by a rule what those of a client are called."""
    return family.replace("sdei_client_", "kvm_sdei_") in known


def test_documented(export):
    known = set(re.findall(r"^\.BR (kvm_\w+)", read(os.path.join(TOP, "man", "sdeid-metrics.7")), re.M))
    missing = sorted(family for family in families(export) if not in_manual(family, known))
    ok("the manual has every family", missing + ([] if len(known) > 50 else ["few families"]), f"{len(known)} families")


def test_shown(export):
    """Of page faults the dashboard has all."""
    asked = {re.sub(r"_(bucket|sum|count)$", "", metric) for _, expression in panel_expressions()
             for metric, _ in SELECTOR.findall(expression)}
    missing = [family for family in families(export) - asked if family.startswith("kvm_apf_")]
    ok("every family about page faults is in a panel", sorted(missing))


def overlap(a, b):
    return a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]


def test_layout():
    panels = dashboard()["panels"]
    ids = [panel["id"] for panel in panels]
    complaints = [] if len(set(ids)) == len(ids) else ["ids are used twice"]
    for i, panel in enumerate(panels):
        place, references = panel["gridPos"], [target["refId"] for target in panel.get("targets", [])]
        complaints += [f"{panel['title']} on {other['title']}" for other in panels[:i] if overlap(place, other["gridPos"])]
        complaints += [f"{panel['title']}: wider than the page"] if place["x"] + place["w"] > 24 else []
        complaints += [f"{panel['title']}: refId used twice"] if len(set(references)) < len(references) else []
    few = ["few panels"] if len(panels) < 30 else []
    ok("panels have a place and an id of their own", complaints + few, f"{len(panels)} panels")


def main():
    exported.build("build/sdeitop")
    directory = tempfile.mkdtemp(prefix="sdei-expressions-")
    try:
        export = export_of(directory)
        test_documented(export)
        add_recorded(export)
        test_promtool(directory)
        test_tested()
        test_commands()
        test_runbooks()
        test_listed()
        test_labels(export)
        test_wrong(export)
        test_shown(export)
        test_layout()
    finally:
        shutil.rmtree(directory)
    finish()


if __name__ == "__main__":
    main()
