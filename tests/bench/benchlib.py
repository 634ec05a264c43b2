# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmarks share: running and measuring programs, and the table that they fill."""
import json
import os
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
TOOLS = os.path.join(TOP, "build", "tool", "bench")
SDEITOP = os.path.join(TOP, "build", "sdeitop")
QUICK = os.environ.get("QUICK", "") not in ("", "0")


class Unavailable(Exception):
    """What is missing here, and what to do."""


def tell(text):
    print(text, file=sys.stderr, flush=True)


def short(command):
    return " ".join(os.path.basename(word) for word in command)[:110]


def tool(name):
    return os.path.join(TOOLS, name)


def need(command, package=None):
    if not shutil.which(command):
        raise Unavailable(f"{command} is not installed (apt-get install {package or command})")


def need_root():
    if os.geteuid() != 0:
        raise Unavailable("firing and tracing a tracepoint needs root: sudo make bench")


def undisturbed():
    """In front of a command: before all ordinary threads, if we may."""
    if os.geteuid() == 0 and shutil.which("chrt"):
        return ["chrt", "-f", "11"]
    return []


def output_of(*command):
    tell(f"  {short(command)}")
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def measure(*command, rounds=1):
    """The least time and CPU time that it took in some rounds; memory is the most of any."""
    taken = [json.loads(output_of(tool("measure"), *command)) for _ in range(rounds)]
    return {"wall_s": min(one["wall_s"] for one in taken), "cpu_s": min(one["cpu_s"] for one in taken),
            "peak_kib": max(one["peak_kib"] for one in taken)}


COUNTING = ("--icount",)     # the clock of arm64's lab counts instructions


def lab_lines(directory, script, *arguments, kernel="tracepoints", options=COUNTING):
    """What the script beside this, run in the lab with one CPU, prints: words of lines."""
    need("qemu-system-aarch64", "qemu-system-arm")
    done = subprocess.run(["make", "-s", "--no-print-directory", "-C", TOP, "lab"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"make lab: {done.stderr.strip()[-200:]}")
    with open(os.path.join(HERE, script), encoding="utf-8") as file:
        text = file.read()
    tell(f"  lab, {kernel} kernel, {script}")
    done = subprocess.run([os.path.join(TOP, "scripts", "lab"), "exec", *options, "--cpus", "1", "--kernel", kernel, "--timeout", "300", "--out",
                           os.path.join(directory, "out"), "--", "sh", "-c", text, "sh", *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    lines = [line.split() for line in done.stdout.splitlines()]
    if done.returncode or not lines:
        raise Unavailable((done.stderr or done.stdout).strip()[-200:] or "the lab said nothing")
    return lines


class Server:
    """A program that answers each line with a line of JSON."""

    def __init__(self, name, *arguments):
        self.name = name
        command = [tool(name), *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        if not answer:
            raise Unavailable(self.process.stderr.read().strip() or f"{self.name} ended with status {self.process.wait()}")
        return json.loads(answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def ftrace_buffers(kib=None):
    """The size of ftrace's buffers in KiB, or sets it: trace-cmd leaves them as large as it needed them."""
    path = "/sys/kernel/tracing/buffer_size_kb"
    command = f"cat {path}" if kib is None else f"echo {kib} >{path}"
    done = subprocess.run([os.path.join(HERE, "with-tracefs"), "sh", "-c", command], stdout=subprocess.PIPE, text=True, check=False)
    return (done.stdout.split() or [None])[0]


class Peer:
    """Another tracer while it traces; its own readers go before ordinary threads, like ours."""

    def __init__(self, command, directory):
        need(command[0], {"perf": "linux-perf"}.get(command[0]))
        self.log = os.path.join(directory, "peer.log")
        self.buffers = ftrace_buffers() if command[0] == "trace-cmd" else None
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([os.path.join(HERE, "with-tracefs"), *undisturbed(), *command], cwd=directory,
                                            stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True)

    def stop(self):
        """What it said."""
        self.process.stdin.close()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self.buffers:
            ftrace_buffers(self.buffers)


class Table:
    """Figures as they come; target is a number, of the figure or of its ratio to the peer's."""

    def __init__(self, name):
        self.name = name
        self.figures = []
        self.series = {}
        self.missing = []

    def add(self, name, ours, unit, peer=None, peer_name=None, target=None, of_ratio=False, at_most=False):
        ratio = ours / peer if peer else None
        judged = ratio if of_ratio else ours
        met = None
        if target is not None and judged is not None:
            met = judged <= target if at_most else judged >= target
        self.figures.append({
            "figure": name, "ours": ours, "unit": unit, "peer": peer, "peer_name": peer_name, "ratio": ratio,
            "target": target, "target_of": "ratio" if of_ratio else "figure", "target_is": "most" if at_most else "least", "met": met,
        })

    def point(self, series, x, y):
        """For a plot."""
        self.series.setdefault(series, []).append([x, y])

    def lack(self, what, why):
        tell(f"  {what}: {why}")
        self.missing.append({"what": what, "why": str(why)})

    def show(self):
        print(f"\n{self.name + ':':40} {'ours':>9} {'unit':13} {'peer':>9} {'ratio':>7}  {'target':9} peer is")
        for row in self.figures:
            print(self.line(row))
        for row in self.missing:
            print(f"{row['what']}: not measured, {row['why']}")

    @staticmethod
    def line(row):
        peer = f"{row['peer']:9.2f}" if row["peer"] else " " * 9
        ratio = f"{row['ratio']:6.2f}x" if row["ratio"] else " " * 7
        target = ""
        if row["target"] is not None:
            sign = "<=" if row["target_is"] == "most" else ">="
            target = f"{sign}{row['target']}{'x' if row['target_of'] == 'ratio' else ''}{'' if row['met'] else ' !'}"
        return f"{row['figure']:40} {row['ours']:9.2f} {row['unit']:13} {peer} {ratio}  {target:9} {row['peer_name'] if row['ratio'] else ''}".rstrip()

    def as_json(self):
        return {"figures": self.figures, "series": self.series, "missing": self.missing}
