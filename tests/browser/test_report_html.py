#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 1500
"""The page of `sdeitop report --html` in a real browser. It asks for nothing but itself, says nothing on the console and fits
desktop and phone; its tables, histograms and plots have the figures of `report -j` of the same recording; what guests are
called is text, and nothing else; and it stays small."""
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from browser import Browser  # noqa: E402
from verdict import TOP, finish, make, ok  # noqa: E402

SDEITOP = os.path.join(TOP, "build", "sdeitop")
RECORD = os.path.join(TOP, "build", "tool", "browser", "record")
SIZE_MAX = 1500000
SIZES = {"desktop": (1440, 900, False), "phone": (390, 844, True)}
PARTS = ["masked", "disabled", "blocked", "entry", "descheduled", "in_guest", "in_host"]
ROWS_MAX, HISTS_MAX = 500, 64


# --- what a page has

READ = r"""
(() => {
  const text = e => e.textContent.replace(/\u00a0/g, ' ').trim();
  const cell = e => ({ text: text(e), ns: e.dataset.ns === undefined ? null : Number(e.dataset.ns) });
  const rows = t => [...t.tBodies[0].rows].map(r => ({ id: { ...r.dataset }, cells: [...r.cells].map(cell) }));
  const table = id => { const t = document.querySelector(`#${id} table`); return t ? rows(t) : []; };
  const cells = g => [...g.querySelectorAll('path')].flatMap(p => {
    const shade = Number(p.getAttribute('class').slice(1)), got = [];
    let x = 0;
    for (const [, move, at, length] of p.getAttribute('d').matchAll(/([Mm])(\d+) [.\d]+h(\d+)/g)) {
      x = (move === 'M' ? 0 : x) + Number(at);
      for (let i = 0; i < Number(length); i++) got.push([x++, shade]);
    }
    return got;
  });
  const map = box => ({
    left: [...box.querySelectorAll('.left > span')].map(e => ({ id: { ...e.dataset }, ...cell(e) })),
    right: [...box.querySelectorAll('.right > span')].map(cell),
    rows: [...box.querySelectorAll('svg g')].map(cells),
    columns: Number(box.querySelector('svg').getAttribute('viewBox').split(' ')[2]),
    columnNs: Number(box.querySelector('svg').dataset.columnNs),
    ticks: [...box.querySelectorAll('.ticks > span')].map(e => ({ left: parseFloat(e.style.left), text: text(e) })),
    legend: [...box.parentElement.querySelectorAll('.legend span')].map(e =>
      ({ shade: Number(e.firstElementChild.className.slice(1)), below: Number(e.dataset.below), text: text(e) })),
  });
  const records = d => ({
    ns: [...d.querySelectorAll('tbody td[data-ns]')].map(e => Number(e.dataset.ns)),
    kinds: [...d.querySelectorAll('tbody tr')].filter(r => r.cells.length === 6).map(r => text(r.cells[2])),
    more: [...d.querySelectorAll('td.more')].map(text),
  });
  const hist = d => ({
    id: { ...d.dataset }, worst: d.querySelector('summary b') ? Number(d.querySelector('summary b').dataset.ns) : null,
    rows: d.querySelector('table') ? rows(d.querySelector('table')) : [],
    plots: [...d.querySelectorAll('svg')].map(s => ({
      bars: s.dataset.bars.trim().split(' ').map(b => b.split(':').map(Number)),
      heights: [...s.querySelector('.bars').getAttribute('d').matchAll(/M(\d+)\.5 100v-([\d.]+)/g)].map(m => m.slice(1).map(Number)),
      marks: [...s.querySelectorAll('.mark')].map(m => parseFloat(m.getAttribute('d').slice(1))),
    })),
  });
  return {
    tiles: Object.fromEntries([...document.querySelectorAll('.tile b')].map(e => [e.id, Number(e.textContent)])),
    lead: document.querySelector('.lead b') ? Number(document.querySelector('.lead b').dataset.ns) : null,
    from: text(document.querySelector('header dd')),
    span: Number(document.querySelector('header dd[data-ns]').dataset.ns),
    names: Object.fromEntries([...document.querySelectorAll('#vms tbody th')].map(e =>
      [e.parentElement.dataset.vm, e.querySelector('.name').textContent])),
    title: text(document.querySelector('h1')), tab: document.title,
    vms: table('vms'), events: table('events'), blame: table('blame'), drops: table('drops'), calls: table('calls'),
    masks: table('masks'), senders: table('senders'), causes: table('causes'),
    maps: Object.fromEntries([...document.querySelectorAll('.map svg[data-column-ns]')].map(s =>
      [s.getAttribute('aria-label'), map(s.parentElement)])),
    frames: [...document.querySelectorAll('.frames')].map(e => ({ id: { ...e.dataset }, ...map(e.querySelector('.map')) })),
    hists: [...document.querySelectorAll('#hists details')].map(hist),
    findings: [...document.querySelectorAll('.findings > li')].map(e =>
      ({ code: e.dataset.code, count: Number(e.dataset.count), what: text(e.querySelector('.what')), first: text(e.querySelector('time')), ...records(e) })),
    late: [...document.querySelectorAll('#late details')].map(e =>
      ({ latency: Number(e.querySelector('summary b').dataset.ns), ...records(e) })),
    missing: document.querySelectorAll('#missing li').length,
    restores: [...document.querySelectorAll('#restores details')].map(d => ({
      vm: Number(d.dataset.vm), open: d.open, line: text(d.querySelector('summary')), rows: text(d.querySelector('pre')).split('\n').length })),
    durations: [...document.querySelectorAll('[data-ns]')].filter(e => !e.closest('.records') && e.tagName !== 'svg').map(cell),
    links: [...document.querySelectorAll('a')].map(a => a.getAttribute('href')),
    dead: [...document.querySelectorAll('a')].filter(a => !document.getElementById(a.getAttribute('href').slice(1))).length,
  };
})()
"""


# --- the same from JSON

def each_vcpu(report):
    for vm in report["vms"]:
        for vcpu in vm["vcpus"]:
            yield vm, vcpu


def in_use(event):
    count = event["count"]
    return bool(re.search("[RUP]", event["state"])) or any(count[k] for k in ("signals", "dispatched", "completed", "resumed")) or event["lost"]


def each_event(report):
    for vm, vcpu in each_vcpu(report):
        for event in vcpu["events"]:
            if in_use(event):
                yield vm, vcpu, event


def key(*ids):
    return tuple(str(i) for i in ids)


def event_key(vm, vcpu, event):
    return key(vm["vm"], vm["instance"], vcpu["vcpu"], event["event"])


def row_key(row):
    names = [name for name in ("vm", "instance", "vcpu", "event", "sender") if name in row["id"]]
    return tuple(row["id"][name] for name in names)


def drops(count):
    return count["coalesced"] + count["rejected"] + count["cancelled"] + count["cleared"]


def of(hist, figure):
    return hist[figure] if hist else "-"


def shown(cell):
    """A cell's figure: ns exactly, a number, or text."""
    if cell["ns"] is not None:
        return cell["ns"]
    return int(cell["text"]) if re.fullmatch(r"-?\d+", cell["text"]) else cell["text"]


def check_chosen(what, figures, rows):
    """Where not all have room, those with the largest figures are there."""
    there = {row_key(row) for row in rows}
    left_out = max((figure for k, figure in figures.items() if k not in there), default=0)
    least = min((figures[k] for k in there), default=0)
    return [f"{what}: {left_out} is left out, {least} is there"] if left_out > least else []


def compare_rows(what, rows, want):
    """want: key to the figures behind the identity, None for what is not compared, a set where one of several is right."""
    complaints = [f"{what}: {len(rows)} rows instead of {len(want)}"] if len(rows) != min(len(want), ROWS_MAX) else []
    for row in rows:
        figures = want.get(row_key(row))
        if figures is None:
            complaints.append(f"{what}: a row of {row_key(row)}")
            continue
        got = [shown(cell) for cell in row["cells"][-len(figures):]]
        complaints += [f"{what} of {row_key(row)}: column {i} has {g!r} instead of {w!r}"
                       for i, (g, w) in enumerate(zip(got, figures)) if w is not None and (g not in w if isinstance(w, set) else g != w)]
    return complaints


def wall_ms(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def is_wall(text, report, time_ns):
    """Whether a time of day is that of a moment, to the millisecond."""
    return abs(wall_ms(report["wall"]) - wall_ms(text) - (report["time_ns"] - time_ns) / 1e6) <= 1


def check_heads(page, report):
    count = report["count"]
    want = {"n-vms": len(report["vms"]), "n-vcpus": sum(1 for _ in each_vcpu(report)), "n-records": report["records"],
            "n-signals": count["signals"], "n-dispatched": count["dispatched"], "n-dropped": drops(count),
            "n-findings": len(report["findings"]), "n-lost": report["lost"]}
    complaints = [f"{k}: {page['tiles'].get(k)} instead of {v}" for k, v in want.items() if page["tiles"].get(k) != v]
    worst = max((vm["worst"]["ns"] for vm in report["vms"] if vm["worst"]), default=None)
    if page["lead"] != worst:
        complaints.append(f"the worst is {page['lead']} instead of {worst}")
    span = report["range"]["end_ns"] - report["range"]["begin_ns"]
    if not is_wall(page["from"], report, report["range"]["begin_ns"]):
        complaints.append(f"from {page['from']}")
    if page["span"] != span:
        complaints.append(f"{page['span']} ns instead of {span}")
    if bool(page["missing"]) != bool(report["lost"] or report["problem_count"] or report["late"] or report["misfits"]):
        complaints.append(f"{page['missing']} lines of what is missing")
    return complaints


def check_vms(page, report):
    want = {}
    for vm in report["vms"]:
        events = [event for v, _, event in each_event(report) if v is vm]

        def total(*fields):
            return sum(event["count"][field] for event in events for field in fields)
        worst = [event["dispatch"]["max_ns"] for event in events if event["dispatch"]]
        # A difference in its signals hides that of its handlers, as in the text.
        unaccounted = sum(abs(event["unaccounted"] or event["unaccounted_handlers"]) for event in events)
        want[key(vm["vm"], vm["instance"])] = [
            "gone" if vm["gone"] else "there", len(vm["vcpus"]), len(events), total("signals"), total("dispatched"),
            total("completed", "resumed"), total("coalesced", "rejected", "cancelled", "cleared"), unaccounted, max(worst, default="-")]
    ns = {key(vm["vm"], vm["instance"]): vm["worst"]["ns"] if vm["worst"] else 0 for vm in report["vms"]}
    order = [ns[row_key(row)] for row in page["vms"] if row_key(row) in ns]
    return compare_rows("VMs", page["vms"], want) + ([] if order == sorted(order, reverse=True) else [f"VMs come by {order}"])


def main_blame(blame):
    total = sum(blame.values()) if blame else 0
    if not total:
        return "-"
    part = max(PARTS, key=lambda p: blame[p + "_ns"])
    return f"{part.replace('_', ' ')} {100 * blame[part + '_ns'] / total:.0f} %"


def check_events(page, report):
    want = {}
    for vm, vcpu, event in each_event(report):
        count, d, h, t = event["count"], event["dispatch"], event["handler"], event["total"]
        want[event_key(vm, vcpu, event)] = [
            main_blame(event["blame"]), count["signals"], count["dispatched"], count["completed"] + count["resumed"], drops(count),
            *(of(d, q) for q in ("p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns")),
            of(h, "p99_ns"), of(h, "max_ns"), of(t, "p99_ns"), of(t, "max_ns"), None]
    complaints = compare_rows("events", page["events"], want)
    order = [want[row_key(row)][9] for row in page["events"] if row_key(row) in want]
    worst = [0 if figure == "-" else figure for figure in order]
    complaints += check_chosen("events", {k: 0 if figures[9] == "-" else figures[9] for k, figures in want.items()}, page["events"])
    return complaints + ([] if worst == sorted(worst, reverse=True) else ["events are not sorted by the worst"])


def check_blame(page, report):
    want = {key(vm["vm"], vm["instance"]): [sum(vm["blame"].values()), "", *(vm["blame"][p + "_ns"] or "-" for p in PARTS)]
            for vm in report["vms"] if sum(vm["blame"].values())}
    return compare_rows("blame", page["blame"], want)


def check_drops(page, report):
    want = {}
    for vm, vcpu, event in each_event(report):
        count, by = event["count"], event["rejected_by"]
        if drops(count):
            want[event_key(vm, vcpu, event)] = [
                count["signals"], drops(count), "", count["coalesced"], by["ENOENT"], by["EPERM"], by["EBUSY"], by["other"],
                count["cancelled"], count["cleared"]]
    return compare_rows("drops", page["drops"], want) + check_chosen("drops", {k: v[1] for k, v in want.items()}, page["drops"])


def check_masks(page, report):
    want = {}
    for vm, vcpu in each_vcpu(report):
        now = "gone" if vcpu["gone"] else {None: "unknown", True: "masked", False: "not masked"}[vcpu["masked"]]
        share = vcpu["masked_share"]     # rounded to six digits
        share = "-" if share is None else {f"{100 * (share + d):.1f} %" for d in (-5e-7, 0, 5e-7)}
        mask, first = vcpu["mask"], vcpu["initial_mask"]
        want[key(vm["vm"], vm["instance"], vcpu["vcpu"])] = [
            now, vcpu["masked_ns"], share, vcpu["mask_calls"], vcpu["unmask_calls"], mask["count"] if mask else 0,
            of(mask, "p50_ns"), of(mask, "p99_ns"), of(mask, "max_ns"), first["count"] if first else 0, of(first, "max_ns")]
    return compare_rows("masks", page["masks"], want)


def check_senders(page, report):
    def known(figure):
        return "-" if figure is None else figure

    want = {key(vm["vm"], vm["instance"], vcpu["vcpu"], s["sender"]):
            [known(s["waiting_ns"]), s["signals"], s["dispatched"], s["unanswered"], known(s["p99_ns"]), known(s["worst_ns"]), None]
            for vm, vcpu in each_vcpu(report) for s in vcpu.get("senders", [])}
    return compare_rows("senders", page["senders"], want)


def check_calls(page, report):
    results = ["SUCCESS", "NOT_SUPPORTED", "INVALID_PARAMETERS", "DENIED", "PENDING", "OUT_OF_RESOURCE"]
    want = {}
    for vm, vcpu in each_vcpu(report):
        for call in vcpu["calls"]:
            for whose in (("all",), key(vm["vm"], vm["instance"])):
                counts = want.setdefault((whose, call["function"]), [0] * 7)
                counts[results.index(call["result"]) if call["result"] in results else 6] += call["count"]
    complaints = [f"{len(page['calls'])} rows of calls instead of {len(want)}"] if len(page["calls"]) != min(len(want), ROWS_MAX) else []
    for row in page["calls"]:
        counts = want.get((row_key(row) or ("all",), row["cells"][1]["text"]), [])
        got = [shown(cell) for cell in row["cells"][2:]]
        if got != [sum(counts), *counts]:
            complaints.append(f"calls {row_key(row)} {row['cells'][1]['text']}: {got} instead of {counts}")
    return complaints


# --- histograms

def check_plot(plot, hist):
    """The bars have what the buckets have, their heights say so, and the marks are in the bars of their quantiles."""
    complaints, bars = [], plot["bars"]
    want = {edge: 0 for edge, _ in bars}
    for bucket in hist["buckets"]:
        edge = max((edge for edge, _ in bars if edge <= bucket["min"]), default=None)
        if edge is None:
            return [f"no bar for {bucket['min']} ns"]
        want[edge] += bucket["count"]
    if want != dict(bars):
        complaints.append(f"bars {bars} instead of {want}")
    most = max(count for _, count in bars)
    for (edge, count), (_, height) in zip(bars, plot["heights"]):
        if abs(height - (2 + 98 * count / most)) > 0.06:
            complaints.append(f"the bar of {edge} ns has height {height}")
    if len(plot["heights"]) != len(bars):
        complaints.append(f"{len(plot['heights'])} bars drawn of {len(bars)}")
    for share, mark in zip((0.5, 0.99), plot["marks"]):
        rank, seen = max(1, -(-share * hist["count"] // 1)), 0
        for (x, _), (_, count) in zip(plot["heights"], bars):
            seen += count
            if seen >= rank:
                if not x <= mark <= x + 1:
                    complaints.append(f"p{share * 100:g} at {mark} instead of {x}")
                break
    return complaints


def check_hists(page, report):
    events = {event_key(vm, vcpu, event): event for vm, vcpu, event in each_event(report)}
    complaints = [f"{len(page['hists'])} events"] if len(page["hists"]) != min(len(events), HISTS_MAX) else []
    checked = 0
    for details in page["hists"]:
        event = events[row_key(details)]
        hists = [(name, event[field]) for name, field in (("dispatch", "dispatch"), ("handler", "handler"), ("total", "total"),
                                                          ("age when coalesced", "coalesce_age")) if event[field]]
        want = [[name, h["count"], *(h[f] for f in ("min_ns", "mean_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns"))]
                for name, h in hists]
        got = [[shown(cell) for cell in row["cells"]] for row in details["rows"]]
        if got != want:
            complaints.append(f"{row_key(details)}: {got} instead of {want}")
        if len(details["plots"]) != len(hists) or details["worst"] != (event["dispatch"] or {}).get("max_ns"):
            complaints.append(f"{row_key(details)}: {len(details['plots'])} plots, worst {details['worst']}")
        for plot, (name, hist) in zip(details["plots"], hists):
            complaints += [f"{row_key(details)} {name}: {c}" for c in check_plot(plot, hist)]
            checked += 1
    return complaints, checked


# --- plots over time

UNITS = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}


def ns_of(text):
    """What a duration on an axis says: 0, 10 µs, 4m05s."""
    if match := re.fullmatch(r"([\d.]+) (\S+)", text):
        return float(match[1]) * UNITS[match[2]]
    seconds = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    return sum(int(number) * seconds[unit] * 1e9 for number, unit in re.findall(r"(\d+)([dhms])", text))


def bounds(plot, shade):
    """Values that a cell of that shade stands for."""
    low = 1
    for entry in plot["legend"]:
        if entry["shade"] == shade:
            return low, entry["below"] - 1
        low = entry["below"]
    return 0, 0


def check_legend(plot):
    """The shades are told without a gap, their limits grow, and one reads what they are."""
    complaints, low = [], 1
    for entry in plot["legend"]:
        text, below = entry["text"], entry["below"]
        if match := re.fullmatch(r"([<≤]) ([\d.]+) (\S+)", text):
            if match[3] == "%":
                right = abs(float(match[2]) * plot["columnNs"] / 100 - below) <= 8
            else:
                right = abs(float(match[2]) - below / UNITS[match[3]]) <= 0.05 if "." in match[2] else \
                    abs(float(match[2]) - below / UNITS[match[3]]) <= 0.501
        elif match := re.fullmatch(r"[<≤] (\d+[mhd]\d\d([smh]))", text):      # cut behind its last unit
            right = 0 <= below - ns_of(match[1]) < {"s": 1e9, "m": 60e9, "h": 3600e9}[match[2]]
        else:
            right = text == (f"{low} – {below - 1}" if low < below - 1 else str(low))
        if not right or below <= low:
            complaints.append(f"{text!r} for {low}..{below - 1}")
        low = below
    shades = [entry["shade"] for entry in plot["legend"]]
    return complaints + ([] if shades == list(range(9 - len(shades), 9)) and shades else [f"shades {shades} are told"])


def check_axis(plot, report):
    span, complaints = plot["columns"] * plot["columnNs"], check_legend(plot)
    for tick in plot["ticks"]:
        ns = ns_of(tick["text"])
        if abs(tick["left"] - 100 * ns / span) > 0.6:
            complaints.append(f"tick {tick['text']} at {tick['left']} %")
    if len(plot["ticks"]) < 2:
        complaints.append(f"{len(plot['ticks'])} ticks")
    if span < report["range"]["end_ns"] - report["range"]["begin_ns"]:
        complaints.append(f"{span} ns are less than the recording")
    used = {shade for row in plot["rows"] for _, shade in row}
    if not used <= {entry["shade"] for entry in plot["legend"]} or not any(used):
        complaints.append(f"shades {used}, told {plot['legend']}")
    return complaints


def check_bands(plot, report):
    """Each line's cells, by their colours, have room for what the histograms have of that power of two, not for more or less."""
    counts = {}
    for _, _, event in each_event(report):
        for bucket in event["dispatch"]["buckets"] if event["dispatch"] else []:
            band = max(8, bucket["min"].bit_length() - 1)
            counts[band] = counts.get(band, 0) + bucket["count"]
    complaints, high = [], max(counts)
    if len(plot["rows"]) != high - min(counts) + 1 or len(plot["left"]) != len(plot["rows"]):
        complaints.append(f"{len(plot['rows'])} lines for {sorted(counts)}")
    for i, row in enumerate(plot["rows"]):
        low, most = (sum(bounds(plot, shade)[k] for _, shade in row) for k in (0, 1))
        if not low <= counts.get(high - i, 0) <= most:
            complaints.append(f"line {plot['left'][i]['text']}: {low}..{most} for {counts.get(high - i, 0)}")
    return complaints


def check_worst(plot, report):
    """The vCPUs in order of their worst, and that one in the column of its time, in the colour of its value."""
    worst = {}
    for vm, vcpu, event in each_event(report):
        if event["dispatch"]:
            found = max(worst.get(key(vm["vm"], vm["instance"], vcpu["vcpu"]), (0, 0)),
                        (event["dispatch"]["max_ns"], event["dispatch"]["worst"]["time_ns"]))
            worst[key(vm["vm"], vm["instance"], vcpu["vcpu"])] = found
    complaints = [f"{len(plot['rows'])} vCPUs of {len(worst)}"] if len(plot["rows"]) != min(len(worst), 64) else []
    last = max(value for value, _ in worst.values())
    for label, right, row in zip(plot["left"], plot["right"], plot["rows"]):
        value, time_ns = worst[row_key(label)]
        column = (time_ns - report["range"]["begin_ns"]) // plot["columnNs"]
        shade = dict(row).get(column, 0)
        low, high = bounds(plot, shade)
        if right["ns"] != value or value > last or not low <= value <= high or shade != max(s for _, s in row):
            complaints.append(f"{row_key(label)}: {right['ns']} for {value}, column {column} has {shade}")
        last = value
    return complaints + check_chosen("vCPUs", {k: value for k, (value, _) in worst.items()}, plot["left"])


def check_masked(plot, report):
    """The colours of a line have room for its masked time, not for more or less."""
    masked = {key(vm["vm"], vm["instance"], vcpu["vcpu"]): vcpu["masked_ns"] for vm, vcpu in each_vcpu(report)}
    wanted = sum(1 for ns in masked.values() if ns)
    complaints = [f"{len(plot['rows'])} vCPUs of {wanted}"] if len(plot["rows"]) != min(wanted, 64) else []
    for label, right, row in zip(plot["left"], plot["right"], plot["rows"]):
        ns = masked[row_key(label)]
        low, high = (sum(shade - less for _, shade in row) * plot["columnNs"] / 8 for less in (1, 0))
        if right["ns"] != ns or not low <= ns <= high:
            complaints.append(f"{row_key(label)}: {right['ns']} for {ns}, {low:.0f}..{high:.0f} drawn")
    return complaints + check_chosen("vCPUs", masked, plot["left"])


def faults_of(vcpu):
    count = vcpu["apf"]["count"] if "apf" in vcpu else {}
    return sum(count.get(name, 0) for name in ("setup", "sync", "quick"))


def blocked_of(vcpu):
    return vcpu["apf"]["blocked_ns"] if "apf" in vcpu else 0


def check_sums(plot, report, figure_of):
    """The figures of lines are those of JSON, and the colours have room for them."""
    figures = {key(vm["vm"], vm["instance"], vcpu["vcpu"]): figure_of(vcpu) for vm, vcpu in each_vcpu(report)}
    complaints = check_chosen("vCPUs", figures, plot["left"])
    lows, below = {}, 1
    for part in plot["legend"]:
        lows[part["shade"]], below = below, part["below"]
    highs = {part["shade"]: part["below"] - 1 for part in plot["legend"]}
    for label, right, row in zip(plot["left"], plot["right"], plot["rows"]):
        figure = figures[row_key(label)]
        low, high = (sum(edges[shade] for _, shade in row) for edges in (lows, highs))
        if shown(right) != figure or not low <= figure <= high:
            complaints.append(f"{row_key(label)}: {shown(right)} for {figure}, {low}..{high} drawn")
    return complaints


def check_plots(page, report):
    complaints, checks = [], {"Dispatches by latency and time": check_bands, "Worst dispatch latency by vCPU and time": check_worst,
                              "Share of time masked, by vCPU and time": check_masked,
                              "Page faults by vCPU and time": lambda plot, report: check_sums(plot, report, faults_of),
                              "Time blocked by page faults, by vCPU and time": lambda plot, report: check_sums(plot, report, blocked_of)}
    dispatched = any(event["dispatch"] for _, _, event in each_event(report))
    masked = any(vcpu["masked_ns"] for _, vcpu in each_vcpu(report))
    faulted, blocked = (any(figure_of(vcpu) for _, vcpu in each_vcpu(report)) for figure_of in (faults_of, blocked_of))
    for (label, check), wanted in zip(checks.items(), (dispatched, dispatched, masked, faulted, blocked)):
        plot = page["maps"].get(label)
        if bool(plot) != wanted:
            complaints.append(f"{label}: {'there' if plot else 'missing'}")
        elif plot:
            complaints += [f"{label}: {c}" for c in check_axis(plot, report) + check(plot, report)]
    return complaints


def faults_by_vm(report, recording, options, status):
    """{vm: [(time, guest frame)]} of the records that show one."""
    by_vm = {}
    if not any("apf" in vm for vm in report["vms"]):
        return by_vm
    for line in run(SDEITOP, "events", "-j", *options, recording, status=status).splitlines():
        record = json.loads(line)
        if record.get("kind") == "apf" and record["step"] in ("setup", "sync") and int(record.get("gfn", "0"), 0):
            by_vm.setdefault(record["vm"], []).append((record["time_ns"], int(record["gfn"], 0)))
    return by_vm


def check_frames(page, report, faults):
    """Each cell of a VM's map has the faults of its time and frames, and no other cell has a colour."""
    vms = {str(vm["vm"]): vm for vm in report["vms"] if vm["vm"] in faults}
    complaints = [] if {plot["id"]["vm"] for plot in page["frames"]} == set(vms) else [f"frames of {len(page['frames'])} VMs, not of {list(vms)}"]
    for plot in page["frames"] if not complaints else ():
        vm = vms[plot["id"]["vm"]]
        over_time, firsts = vm["apf"]["over_time"], [int(label["text"], 0) for label in plot["left"]]
        cells = {}
        for time_ns, gfn in faults[vm["vm"]]:
            at = (max(row for row, first in enumerate(firsts[::-1]) if first <= gfn), (time_ns - over_time["begin_ns"]) // over_time["column_ns"])
            cells[at] = cells.get(at, 0) + 1
        if plot["columnNs"] != over_time["column_ns"] or plot["columns"] != len(over_time["faults"]):
            complaints.append(f"{plot['columns']} columns of {plot['columnNs']} ns")
        for row, (right, drawn) in enumerate(zip(plot["right"][::-1], plot["rows"][::-1])):
            want = {column: count for (r, column), count in cells.items() if r == row}
            if shown(right) != sum(want.values()) or set(dict(drawn)) != set(want):
                complaints.append(f"row {row}: {shown(right)} faults in {sorted(dict(drawn))}, not {want}")
                continue
            bad = [column for column, shade in drawn if not bounds(plot, shade)[0] <= want[column] <= bounds(plot, shade)[1]]
            complaints += [f"row {row}: the colour of column {column} is not one of {want[column]}" for column in bad]
        complaints += check_legend(plot)
    return complaints


def check_over_time(report):
    """The columns are of all faults and new frames; no time is blocked longer than there are vCPUs for it."""
    complaints = []
    for vm in report["vms"]:
        over_time = vm.get("apf", {}).get("over_time")
        if not over_time:
            continue
        count = vm["apf"]["count"]
        faults, frames, blocked = (sum(over_time[name]) for name in ("faults", "frames", "blocked_ns"))
        if (faults, frames, blocked) != (count["setup"] + count["sync"] + count["quick"], count["frames"], vm["apf"]["blocked_ns"]):
            complaints.append(f"VM {vm['vm']}: {faults} faults, {frames} frames, {blocked} ns over time")
    return complaints


def check_causes(page, report):
    """Each cause of a fault that kept a vCPU, with its count and time."""
    want = []
    for vm in report["vms"]:
        if "apf" in vm:
            by = {**vm["apf"]["sync_by"], "quick": {"count": vm["apf"]["count"]["quick"], "ns": vm["apf"]["quick_ns"]}}
            want += [(str(vm["vm"]), cause, of_cause["count"], of_cause["ns"]) for cause, of_cause in by.items() if of_cause["count"]]
    got = [(row["id"]["vm"], *(shown(cell) for cell in row["cells"][1:])) for row in page["causes"]]
    return [] if sorted(got) == sorted(want) else [f"causes {got} instead of {want}"]


# --- findings and records

def check_records(what, got, evidence):
    want = [record["time_ns"] - evidence["from_ns"] for record in evidence["records"]]
    kinds = [record["kind"] for record in evidence["records"]]
    complaints = [] if got["ns"] == want else [f"{what}: records at {got['ns']} instead of {want}"]
    if got["kinds"] != kinds:
        complaints.append(f"{what}: {got['kinds']} instead of {kinds}")
    if bool(got["more"]) != bool(evidence["left_out"]) or (got["more"] and str(evidence["left_out"]) not in got["more"][0]):
        complaints.append(f"{what}: {got['more']} for {evidence['left_out']}")
    return complaints


def check_findings(page, report):
    severity = ["error", "warning", "info"]
    order = sorted(range(len(report["findings"])), key=lambda i: (severity.index(report["findings"][i]["severity"]),
                                                                  not report["findings"][i]["open"]))
    findings = [report["findings"][i] for i in order]
    got = [(f["code"], f["count"], f["what"]) for f in page["findings"]]
    want = [(f["code"], f["count"], f["text"]) for f in findings][:ROWS_MAX]
    complaints = [] if got == want else [f"findings {got} instead of {want}"]
    complaints += [f"{f['code']} was first seen {f['first']}" for f, j in zip(page["findings"], findings)
                   if not is_wall(f["first"], report, j["first_ns"])]
    for i, finding in zip(order, page["findings"]):
        if i < len(report["around_findings"]):
            complaints += check_records(f"finding {i}", finding, report["around_findings"][i])
    latencies = [e["to_ns"] - e["from_ns"] for e in report["around_late"]]
    if [late["latency"] for late in page["late"]] != latencies:
        complaints.append(f"{[late['latency'] for late in page['late']]} instead of {latencies}")
    for i, (late, evidence) in enumerate(zip(page["late"], report["around_late"])):
        complaints += check_records(f"worst dispatch {i}", late, evidence)
    return complaints


def check_durations(page):
    """What one reads is what data-ns says, to the digits that are there."""
    complaints = []
    for cell in page["durations"]:
        if cell["ns"] >= 2 ** 64 - 1:
            complaints.append(f"{cell['text']} for what is not known")
        match = re.fullmatch(r"([\d.]+) (\S+)", cell["text"])
        if match and match[2] in UNITS:
            digits = len(match[1].partition(".")[2])
            if abs(float(match[1]) - cell["ns"] / UNITS[match[2]]) > 0.5001 * 10 ** -digits + 0.5 / UNITS[match[2]]:
                complaints.append(f"{cell['text']} for {cell['ns']} ns")
        elif cell["ns"] < 60e9 or not re.fullmatch(r"\d+[mhd]\d\d[smh]", cell["text"]):
            complaints.append(f"{cell['text']!r} for {cell['ns']} ns")
    return complaints


# --- how it behaves

def told(events, url):
    """Requests for anything else than the page, and whatever came to the console."""
    complaints = []
    for event in events:
        method, params = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent" and params["request"]["url"] != url:
            complaints.append(f"asks for {params['request']['url']}")
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            complaints.append(f"{method}: {json.dumps(params)[:300]}")
    return complaints


# What leaves the window without a box of its own to scroll in; text that is small.
LAYOUT = r"""
(() => {
  const wide = [], small = new Set();
  for (const e of document.querySelectorAll('main, main *')) {
    const r = e.getBoundingClientRect();
    if (!r.width || e.closest('.box table') || e.closest('svg')) continue;
    if (r.right > innerWidth + 0.5 || r.left < -0.5) wide.push(`${e.tagName} ${e.className} ${e.textContent.slice(0, 30)}: ${r.left}..${r.right}`);
    if ([...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && parseFloat(getComputedStyle(e).fontSize) < 11) small.add(e.className);
  }
  return { width: document.documentElement.scrollWidth, inner: innerWidth, wide: wide.slice(0, 5), small: [...small],
           background: getComputedStyle(document.body).backgroundColor };
})()
"""

# Text that cannot be read on what is behind it, by WCAG's contrast; figures of 0 may be faint.
CONTRAST = r"""
(() => {
  const rgb = c => c.match(/[\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = rgb(c).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
                       return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (rgb(c)[3] !== 0) return c; }
                        return 'rgb(255, 255, 255)'; };
  const bad = new Set();
  for (const e of document.querySelectorAll('main *')) {
    if (!e.getClientRects().length || e.closest('svg') || e.matches('.nil') || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const a = light(getComputedStyle(e).color), b = light(behind(e)), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.add(`${e.tagName} ${e.className} ${ratio.toFixed(2)}`);
  }
  return [...bad].slice(0, 5);
})()
"""


def check_layout(browser, path):
    """Sizes do not depend on colours, nor colours on sizes: each once."""
    complaints, backgrounds = [], set()
    for (size, (width, height, mobile)), scheme in zip(SIZES.items(), ("light", "dark")):
        browser.size(width, height, mobile)
        browser.colours(scheme)
        browser.open(path)
        for state in ("closed", "open"):
            browser.evaluate(f"document.querySelectorAll('details').forEach(d => d.open = {str(state == 'open').lower()})")
            layout = browser.evaluate(LAYOUT)
            where = f"{size}, {scheme}, {state}"
            if layout["width"] > layout["inner"] or layout["inner"] != width:
                complaints.append(f"{where}: {layout['width']} wide in {layout['inner']}")
            complaints += [f"{where}: {w} leaves the window" for w in layout["wide"]]
            complaints += [f"{where}: small text in {c}" for c in layout["small"]]
        complaints += [f"{scheme}: little contrast of {c}" for c in browser.evaluate(CONTRAST)]
        backgrounds.add(layout["background"])
        complaints += told(browser.take_events(), "file://" + path)
    if len(backgrounds) != 2:
        complaints.append(f"backgrounds {backgrounds}")
    return complaints


# --- recordings

def run(*command, status=0):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
    if done.returncode != status:
        raise RuntimeError(f"{command}: {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def report_on(browser, name, page, recording, *options, status=0):
    text = run(SDEITOP, "report", "-j", "--html", page, *options, recording, status=status)
    report = json.loads(text)
    browser.size(1440, 900)
    browser.open(page)
    got = browser.evaluate(READ)
    ok(f"browser/{name}: the heads have the report's figures", check_heads(got, report))
    for check in (check_vms, check_events, check_blame, check_drops, check_masks, check_calls, check_senders, check_plots, check_causes,
                  check_findings):
        ok(f"browser/{name}: {check.__name__[6:]} have the report's figures", check(got, report))
    ok(f"browser/{name}: frames have the records' figures", check_frames(got, report, faults_by_vm(report, recording, options, status)) + check_over_time(report))
    complaints, checked = check_hists(got, report)
    ok(f"browser/{name}: histograms have the report's figures", complaints, f"{checked} of them")
    ok(f"browser/{name}: durations are told as they are", check_durations(got), f"{len(got['durations'])} of them")
    ok(f"browser/{name}: all links lead somewhere in the page", [f"{got['dead']} do not"] if got["dead"] or len(got["links"]) < 10 else [])
    ok(f"browser/{name}: fits desktop and phone, light and dark, and is silent", check_layout(browser, page))
    size = os.path.getsize(page)
    ok(f"browser/{name}: is small", [f"{size} bytes"] if size > SIZE_MAX else [], f"{size} bytes")
    return got, report


# --- what guests are called

# Everything that could act, in whatever element or attribute it stands.
ACTIVE = r"""
(() => ({
  elements: [...document.querySelectorAll('script, img, iframe, object, embed, link, form, input, base, template, noscript, foreignObject, i:not([class]), b b, h1 *')]
    .map(e => e.outerHTML.slice(0, 80)),
  attributes: [...document.querySelectorAll('*')].flatMap(e => [...e.attributes])
    .filter(a => /^on/i.test(a.name) || /^\s*(javascript|https?|data):/i.test(a.value)).map(a => `${a.name}=${a.value.slice(0, 60)}`),
  pwned: typeof window.pwned, titles: document.querySelectorAll('title').length, styles: document.querySelectorAll('style').length,
  mains: document.querySelectorAll('body > *').length,
}))()
"""


def check_inert(browser):
    got = browser.evaluate(ACTIVE)
    complaints = [str(e) for e in got["elements"] + got["attributes"]]
    want = {"pwned": "undefined", "styles": 1, "mains": 1}
    return complaints + [f"{k}: {got[k]}" for k, v in want.items() if got[k] != v]


def escaped(name):
    """A name as it should be read: what is not visible is told by its number."""
    unsafe = r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
    return re.sub(unsafe, lambda m: f"\\x{ord(m[0]):02x}" if ord(m[0]) < 0x80 else f"\\u{ord(m[0]):04x}", name.replace("\\", "\\\\"))


def test_hostile(browser, directory, recording):
    page = os.path.join(directory, "hostile.html")
    run(SDEITOP, "report", "--html", page, recording)
    browser.open(page)
    ok("browser/hostile names: nothing in the page can act", check_inert(browser))
    got, report = report_on(browser, "hostile names", page, recording)
    complaints = []
    for vm in report["vms"]:
        shown_name = got["names"].get(str(vm["vm"]))
        if "\ufffd" not in vm["name"] and shown_name != escaped(vm["name"]):
            complaints.append(f"{shown_name!r} instead of {escaped(vm['name'])!r}")
    if not got["title"] == got["tab"] == "SDEI on " + report["recording"]["host"] or "<script>" not in got["title"]:
        complaints.append(f"the titles are {got['title']!r} and {got['tab']!r}")
    ok("browser/hostile names: are text, all of them", complaints, f"{len(got['names'])} names")


def test_long(browser, directory):
    page = os.path.join(directory, "long.html")
    run(RECORD, "long", page)
    size = os.path.getsize(page)
    browser.open(page)
    ok("browser/a name of 64 KiB is text", check_inert(browser))
    ok("browser/a name of 64 KiB fits desktop and phone", check_layout(browser, page))
    ok("browser/a name of 64 KiB is cut", [f"{size} bytes"] if size > 300000 else [], f"{size} bytes")


def test_policy(browser, directory, page):
    """Even if markup got into it, the page's policy lets it load and run nothing; and the checks above notice such markup."""
    with open(page, encoding="utf-8") as file:
        text = file.read()
    spoiled = os.path.join(directory, "spoiled.html")
    with open(spoiled, "w", encoding="utf-8") as file:
        file.write(text.replace("</main>", "<img src='http://127.0.0.1:9/x' onerror='window.pwned=1'><script>window.pwned=1</script>"
                                "<p style='width:3000px'>wide</p></main>"))
    browser.open(spoiled)
    events = browser.take_events()
    sent = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent" and
            e["params"]["request"]["url"].startswith("http")]
    failed = [e["params"].get("blockedReason") for e in events if e["method"] == "Network.loadingFailed"]
    complaints = [f"asked for {sent}, failed {failed}"] if sent and failed != ["csp"] * len(sent) else []
    if browser.evaluate("typeof window.pwned") != "undefined":
        complaints.append("a script ran")
    ok("browser/the policy stops what would load or run", complaints)
    missed = [name for name, found in (("console", told(events, "file://" + spoiled)), ("markup", check_inert(browser)),
                                       ("width", check_layout(browser, spoiled))) if not found]
    ok("browser/markup in the page would be noticed", missed)


def test_damaged(browser, directory, recording):
    """What is missing is told, in the page as in JSON."""
    copy = os.path.join(directory, "damaged")
    shutil.copytree(recording, copy)
    stream = os.path.join(copy, "sdei-000000")
    with open(stream, "r+b") as file:
        file.seek(os.path.getsize(stream) // 2)
        file.write(b"\xff" * 64)
    got, report = report_on(browser, "a damaged recording", os.path.join(directory, "damaged.html"), copy, status=5)
    ok("browser/a damaged recording: says what is missing", [] if report["problem_count"] and got["missing"] else [str(report["problem_count"])])


def test_restores(browser, directory):
    """A line for each VM, and folded behind it a row for each of its steps: between the two lines in front, and what was found."""
    recording = os.path.join(TOP, "tests", "data", "recording-gic")
    got, report = report_on(browser, "interrupt controllers", os.path.join(directory, "gic.html"), recording)
    vms = report["restores"]["vms"]
    found = [(vm["vm"], False, 2 + len(vm["parts"]) + (3 * len(vm["findings"]) or 1)) for vm in vms]
    complaints = [] if found and [(vm["vm"], vm["open"], vm["rows"]) for vm in got["restores"]] == found else [str(got["restores"])]
    complaints += [vm["line"] for vm, of in zip(got["restores"], vms) if ("1 finding" in vm["line"]) != (len(of["findings"]) == 1)]
    ok("browser/interrupt controllers: each VM has its line and its steps", complaints)


def test_eternal(browser, directory, recording):
    """A recording can claim any time: it ends all the same."""
    page = os.path.join(directory, "eternal.html")
    report = json.loads(run(SDEITOP, "report", "-j", "--html", page, recording))
    browser.open(page)
    got = browser.evaluate(READ)
    complaints = [] if got["lead"] == float(max(vm["worst"]["ns"] for vm in report["vms"] if vm["worst"])) else [str(got["lead"])]
    ok("browser/times as late as can be: the page is there", complaints + [c for plot in got["maps"].values() for c in check_legend(plot)])
    ok("browser/times as late as can be: fits desktop and phone", check_layout(browser, page))


def test_alone(directory, recording):
    """The page changes nothing: without it the report has the same figures."""
    page = os.path.join(directory, "again.html")
    reports = [json.loads(run(SDEITOP, "report", "-j", *options, recording)) for options in ((), ("--html", page))]

    def without_intervals(value):
        if isinstance(value, dict):
            return {k: without_intervals(v) for k, v in value.items() if not k.startswith("interval")}
        return [without_intervals(v) for v in value] if isinstance(value, list) else value
    plain, paged = (without_intervals(report) for report in reports)
    ok("browser/the report is the same with and without a page", [k for k in plain if plain[k] != paged.get(k)])


def test_all(browser, directory, web):
    lab = os.path.join(TOP, "tests", "data", "recording-1")
    recordings = {name: os.path.join(directory, name) for name in ("large", "crowd", "day", "eternal", "hostile", "restore", "empty")}
    for name, recording in recordings.items():
        os.mkdir(recording)
        run(RECORD, name, recording)
    page = os.path.join(directory, "lab.html")
    report_on(browser, "lab", page, lab)
    report_on(browser, "a range", os.path.join(directory, "range.html"), lab, "--since", "1s", "--until", "2.9s")
    report_on(browser, "a guest with trouble", os.path.join(directory, "web.html"), web)
    report_on(browser, "64 vCPUs, 512 columns", os.path.join(directory, "large.html"), recordings["large"])
    report_on(browser, "600 vCPUs", os.path.join(directory, "crowd.html"), recordings["crowd"])
    report_on(browser, "26 hours", os.path.join(directory, "day.html"), recordings["day"])
    report_on(browser, "a restore", os.path.join(directory, "restore.html"), recordings["restore"])
    report_on(browser, "nothing", os.path.join(directory, "empty.html"), recordings["empty"])
    test_damaged(browser, directory, web)
    test_hostile(browser, directory, recordings["hostile"])
    test_long(browser, directory)
    test_restores(browser, directory)
    test_eternal(browser, directory, recordings["eternal"])
    test_policy(browser, directory, page)
    for name, recording in (("lab", lab), ("web", web)):
        test_alone(directory, recording)


def main():
    make("build/sdeitop", "build/tool/browser/record")
    directory = tempfile.mkdtemp(prefix="sdei-report-html-")
    web = run(RECORD, "web").decode().strip()
    browser = Browser()
    try:
        test_all(browser, directory, web)
    finally:
        browser.close()
        shutil.rmtree(web)
        shutil.rmtree(directory)
    finish()


if __name__ == "__main__":
    main()
