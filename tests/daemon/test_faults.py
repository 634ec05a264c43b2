#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 7200
"""sdeid as it is, with a source that is commanded (commanded.c), while everything goes wrong that can: names of 64 KiB, clocks that
are set, suspends, a daemon that is stopped, disks that are full or read-only, no descriptors, no memory, storms of signals, rude
clients, a second daemon, VMs that come and go. It goes on, says what is wrong and that it is over, and holds no more memory or
descriptors at the end than at first. SDEI_SOAK_S=N: for so many seconds instead of one round (make soak: an hour)."""
import glob
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from verdict import TOP, finish, make, ok    # noqa: E402

PROGRAM = os.path.join(TOP, "build", "tool", "daemon", "commanded")
SDEITOP = os.path.join(TOP, "build", "sdeitop")
SOAK_S = int(os.environ.get("SDEI_SOAK_S", "0"))
VMS = 200 if SOAK_S else 60     # that come and go in a round
HUNG = 2000 if SOAK_S else 500   # that come when there is no memory
LEFT_KIB = 16384 if SOAK_S else 32768                # what the allocator keeps differs by so much; a leak does not stop
STOPPED_S = 60 if SOAK_S else 1
WAIT_S = 300    # how long what comes may take on a busy machine
DAY = 86400


class Fault(Exception):
    """What should have been, and was not."""


def wait_for(what, condition):
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise Fault(f"waited in vain for {what}")


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


class Daemon:
    """The one that is tested, in a directory with a small file system of its own for all that it writes."""

    def __init__(self, top):
        self.top, self.disk = top, os.path.join(top, "disk")
        self.metrics = os.path.join(self.disk, "sdeid.prom")
        self.flight, self.socket = os.path.join(self.disk, "flight"), os.path.join(top, "socket")
        self.config = os.path.join(top, "sdeid.conf")
        os.mkdir(self.disk)
        with open(self.config, "wb"):
            pass
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", self.disk], check=True)
        self.log = os.path.join(top, "log")
        with open(self.log, "wb") as log:
            self.process, self.commands = self.start("one", log, "-t", self.disk, "-F", self.flight, "-S", self.socket)
        self.pid = self.process.pid
        self.marks = 0
        self.replies = self.commands.makefile("r")
        wait_for("the first file", lambda: os.path.exists(self.metrics))

    def start(self, name, log, *options):
        path = os.path.join(self.top, f"commands-{name}")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(WAIT_S)
        process = subprocess.Popen(
            [PROGRAM, "-d", "0.2", "--expire", "5", "--handler-ms", "50", "--flight-size", "1M", "--flight-keep", "4",
             "--flight-keep-guest", "2", "--flight-on", "handler-hung", "--flight-on", "SIGUSR2", "--flight-on", "exit", "--user", "root",
             "-c", self.config, *options], stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, "SDEI_COMMANDS": path})
        commands = listener.accept()[0]
        commands.settimeout(WAIT_S)
        listener.close()
        os.unlink(path)
        return process, commands

    def tell(self, *lines):
        for line in lines:
            self.commands.sendall(line.encode() + b"\n")
            reply = self.replies.readline()
            if reply != "ok\n":
                raise Fault(f"{line}: {reply!r}")

    def mark(self):
        """said() is about what comes from now on."""
        self.marks = len(read(self.log))

    def said(self, words):
        wait_for(f"'{words}' in the log", lambda: re.search(words, read(self.log)[self.marks:]))

    def figure(self, name):
        values = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", read(self.metrics), re.M)
        return sum(map(float, values))

    def next_file(self):
        for _ in range(2):
            before = self.figure("kvm_sdei_last_update_timestamp_seconds")
            wait_for("the next file", lambda: self.figure("kvm_sdei_last_update_timestamp_seconds") != before)    # noqa: B023

    def limit(self, what, most):
        return resource.prlimit(self.pid, what, (most, resource.prlimit(self.pid, what)[1]))[0]

    def status(self, key):
        return int(re.search(rf"^{key}:\s*(\d+)", read(f"/proc/{self.pid}/status"), re.M)[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def dial(self):
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.socket)     # waits while there is no room
        client.settimeout(WAIT_S)
        return client


# what goes wrong; each leaves everything as it was ------------------------------

def long_names(d):
    d.tell("name 100 65536", "run 100 500")
    d.next_file()
    longest = max(map(len, read(d.metrics).splitlines()))
    if longest > 1000 or 'name="100xx' not in read(d.metrics):
        raise Fault(f"a line of {longest} characters")
    d.tell("end 100")


def churn(d):
    """Each loss is counted."""
    d.next_file()
    before = d.figure("kvm_sdei_lost_records_total")
    d.tell("run 999 20")
    for pid in range(1000, 1000 + VMS):
        d.tell(f"run {pid} 100", f"lose {pid} 3", "lose 0 1", f"end {pid}")
    d.tell("end 999")
    d.next_file()
    lost = d.figure("kvm_sdei_lost_records_total") - before
    if lost != 4 * VMS:
        raise Fault(f"{lost} lost instead of {4 * VMS}")


def clocks(d):
    """A recording for each of two guests, the second one a younger one, whatever the clock says; the gap is slept through."""
    for number, step in enumerate((DAY, -2 * DAY)):
        d.mark()
        d.tell(f"clock {step}", "suspend 100", f"hang {200 + number % 2}")
        d.said("saved .*handler-hung@20")
        d.tell(f"end {200 + number % 2}")
    d.tell("clock 0")
    kept = glob.glob(f"{d.flight}/*@*")
    if not 2 <= len(kept) <= 4:
        raise Fault(f"kept: {kept}")


def stopped(d):
    os.kill(d.pid, signal.SIGSTOP)
    d.commands.sendall(b"run 300 1000\n" * 50)
    time.sleep(STOPPED_S)
    os.kill(d.pid, signal.SIGCONT)
    for _ in range(50):
        if d.replies.readline() != "ok\n":
            raise Fault("a command was not obeyed")
    d.tell("end 300")
    d.next_file()


def asked_for(d):
    """Recordings that SIGUSR2 asked for. Those of findings come and go by themselves: one may still be on its way to the disk."""
    return sorted(name for name in os.listdir(d.flight) if "SIGUSR2" in name)


def failing_disk(d, why, begin, end):
    """The metrics of before stay, what was saved stays, and nothing is left of what could not be."""
    kept = asked_for(d)
    d.tell("suspend 100")
    d.next_file()
    d.mark()
    begin()
    try:
        d.said(f"sdeid.prom failed: {why}")
        os.kill(d.pid, signal.SIGUSR2)
        d.said(rf"sdeid: (writing|cannot make) .*SIGUSR2.*{why}")
        if asked_for(d) != kept:
            raise Fault(f"{os.listdir(d.flight)} instead of {kept}")
        if "kvm_sdei_up 1" not in read(d.metrics):
            raise Fault("the metrics of before are gone")
    finally:
        end()
    d.said("sdeid.prom works again")


def full_disk(d):
    fill = os.path.join(d.disk, "fill")

    def begin():
        with open(fill, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
    failing_disk(d, "No space left on device", begin, lambda: os.unlink(fill))


def read_only(d):
    def remount(how):
        subprocess.run(["mount", "-o", f"remount,{how}", d.disk], check=True)
    failing_disk(d, "Read-only file system", lambda: remount("ro"), lambda: remount("rw"))


def no_descriptors(d):
    """Who comes waits, and is heard when there are some again."""
    d.mark()
    before = d.limit(resource.RLIMIT_NOFILE, max(map(int, os.listdir(f"/proc/{d.pid}/fd"))) + 1)
    client = d.dial()
    d.said("no client can be accepted: Too many open files")
    d.tell("run 400 100", "end 400")
    d.limit(resource.RLIMIT_NOFILE, before)
    if not client.recv(1):
        raise Fault("the client was not heard")
    client.close()


def no_memory(d):
    d.mark()
    before = d.limit(resource.RLIMIT_AS, (d.status("VmSize") + 256) << 10)
    for pid in range(5000, 5000 + HUNG):
        d.tell(f"hang {pid}")
    d.limit(resource.RLIMIT_AS, before)
    for pid in range(5000, 5000 + HUNG):
        d.tell(f"end {pid}")
    d.next_file()


def signals(d):
    d.mark()
    for i in range(3000):
        os.kill(d.pid, (signal.SIGHUP, signal.SIGUSR2, signal.SIGCONT, signal.SIGCHLD, signal.SIGPIPE)[i % 5])
    d.said("the configuration was read anew")
    d.next_file()


def clients(d):
    """Some that say what they were not asked, some that never listen, some that go at once, more than there is room for."""
    rude, silent = [d.dial() for _ in range(3)], [d.dial() for _ in range(3)]
    for client in rude:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    for _ in range(50):
        d.dial().close()
    d.tell("run 500 20000", "end 500")
    for client in rude + silent:
        client.close()
    done = subprocess.run([SDEITOP, "-j", "--attach-daemon", "--socket", d.socket, "0.1", "2"], capture_output=True, check=False,
                          timeout=WAIT_S)
    if done.returncode or not done.stdout:
        raise Fault(f"a client that behaves: {done.returncode} {done.stderr.decode()}")


def two_daemons(d):
    for options, words in ((("-S", d.socket), "another sdeid listens there"), (("-t", d.disk), "is written by another sdeid")):
        process, commands = d.start("two", subprocess.PIPE, *options)
        said = process.communicate(timeout=WAIT_S)[1].decode()
        commands.close()
        if process.returncode != 1 or words not in said:
            raise Fault(f"the second: {process.returncode} {said}")
    d.dial().close()
    d.next_file()


FAULTS = (long_names, churn, clocks, stopped, full_disk, read_only, no_descriptors, no_memory, signals, clients, two_daemons)


# levels -------------------------------------------------------------------------

def measure(d):
    """Of a daemon that has forgotten all VMs and has no client: descriptors, and KiB that are not of files."""
    d.tell("suspend 100")
    wait_for("that VMs are forgotten", lambda: "kvm_sdei_vm_info{" not in read(d.metrics))
    wait_for("that nothing is being saved", lambda: d.status("Threads") == 1)
    d.next_file()
    return d.descriptors(), d.status("RssAnon")


def one_round(d, number):
    for fault in FAULTS:
        complaints, start = [], time.monotonic()
        try:
            fault(d)
        except (Fault, OSError, subprocess.SubprocessError) as wrong:
            complaints = [f"round {number}: {wrong!r}"] + read(d.log)[d.marks:].splitlines()[-5:]
        if complaints or number == 1:
            ok(f"faults/{fault.__name__}", complaints, f"{time.monotonic() - start:.1f} s")
        if d.process.poll() is not None:
            raise Fault(f"{fault.__name__}: the daemon ended with {d.process.returncode}")


def check_levels(levels):
    """Against the first round, not the beginning, if there were more."""
    first, last = levels[1 if len(levels) > 2 else 0], levels[-1]
    grown = last[1] - first[1]
    note = f"{len(levels) - 1} times {len(FAULTS)} faults and {VMS + HUNG} VMs: {last[0]} descriptors, {last[1]} KiB; {grown:+} KiB"
    ok("faults/descriptors are level", [] if last[0] == first[0] else [f"{levels}"], note)
    ok("faults/memory is level", [] if grown < LEFT_KIB else [f"{levels}"], note)


def check_end(d):
    d.process.send_signal(signal.SIGTERM)
    status = d.process.wait(WAIT_S)
    complaints = [] if status == 0 else [f"exit status {status}"]
    complaints += [] if not os.path.exists(d.socket) else ["its socket is still there"]
    complaints += [] if "kvm_sdei_up 0" in read(d.metrics) else ["the last file does not say that it ended"]
    complaints += [] if glob.glob(f"{d.flight}/*-exit") else ["no recording of the end"]
    complaints += [line for line in read(d.log).splitlines() if not line.startswith("sdeid: ")]
    ok("faults/the end", complaints)


def run(top):
    d, end = Daemon(top), time.monotonic() + SOAK_S
    try:
        levels = [measure(d)]
        while len(levels) < 2 or time.monotonic() < end:
            one_round(d, len(levels))
            levels.append(measure(d))
        check_levels(levels)
        check_end(d)
    except Fault as wrong:
        ok("faults/the daemon goes on", [str(wrong)] + read(d.log).splitlines()[-10:])
    finally:
        d.process.kill()
        d.process.wait()
        subprocess.run(["umount", d.disk], check=False)


def main():
    if os.geteuid() != 0:
        print("skip faults only root can mount what is to be full or read-only")
        return
    if len(sys.argv) == 1:      # mounts of its own
        os.execvp("unshare", ["unshare", "-m", sys.executable, __file__, "inside"])
    make("build/tool/daemon/commanded", "build/sdeitop")
    top = tempfile.mkdtemp(prefix="sdei-faults-")
    try:
        run(top)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    finish()


if __name__ == "__main__":
    main()
