#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# debug kernel: no
# make test: no
"""scripts/bisect-run: what it tells git of a kernel that is as before, of one whose guests are slower, or wait longer for
pages, of one that does not build, of one that does not boot, and of a call that is wrong. The kernels are the lab's: what
differs is what is recorded."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import TOP, finish, ok, out_dir    # noqa: E402

OUT = out_dir("bisect")
TREE, BASE, KEEP = (os.path.join(OUT, name) for name in ("tree", "base", "keep"))
IMAGE = os.path.join(TREE, "arch", "arm64", "boot", "Image")
GOOD, BAD, SKIP, CALL = 0, 1, 125, 255
REGRESSION = 3  # of sdeitop diff

GUEST = r"""
printf 'about handler\nevents 101\non all\nhandler 0\n spin %sus\n complete\nend\nregister 0\nenable 0\nunmask\nloop $N\n signal 0 self
 await 0\n spin 1ms..2ms\nend\n' $0 >/tmp/handler.scn
exec sdei-guest --quiet --scenario /tmp/handler.scn --vcpus 1
"""


def guest(handler_us):
    """Time counts instructions: a busy machine is no other load, and half a millisecond is found there, too."""
    return ["--icount", "--", "sh", "-c", GUEST, str(handler_us)]


def git(*args):
    subprocess.run(["git", "-C", TREE, "-c", "user.name=lab", "-c", "user.email=lab@example.org", *args], check=True, stdout=subprocess.DEVNULL)


def make_tree():
    """What the script wants to see of a kernel's."""
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(os.path.dirname(IMAGE))
    for name in (".config", "Kbuild"):
        with open(os.path.join(TREE, name), "w", encoding="utf-8"):
            pass
    built = subprocess.run([os.path.join(TOP, "scripts", "kernel"), "path"], capture_output=True, text=True, check=True).stdout.strip()
    shutil.copy(os.environ.get("SDEITOP_LAB_IMAGE") or built, IMAGE)
    git("init", "-q")
    git("add", "Kbuild")
    git("commit", "-q", "-m", "tree")


def bisect_run(*args, build="true"):
    call = [os.path.join(TOP, "scripts", "bisect-run"), "--keep", KEEP, *args]
    done = subprocess.run(call, cwd=TREE, capture_output=True, text=True, check=False, env={**os.environ, "MAKE_KERNEL": build})
    return done.returncode, done.stdout + done.stderr


def compared():
    """What the last comparison was made of."""
    lines = []
    for name in sorted(os.listdir(KEEP) if os.path.isdir(KEEP) else []):
        if name.endswith(".diff"):
            with open(os.path.join(KEEP, name), encoding="utf-8") as file:
                lines += file.read().splitlines()
    return lines


def check(name, wanted, says, *args, **options):
    status, output = bisect_run(*args, **options)
    ok(f"bisect_{name}", [] if status == wanted and says in output else [f"status {status}", *output.splitlines()[-8:], *compared()])


def check_calls():
    against = ["--base", BASE]
    for name, says, args in (
            ("without_a_base", "--record or --base is missing", guest(500)),
            ("with_both", "not both", [*against, "--record", BASE, *guest(500)]),
            ("without_a_command", "missing after --", against),
            ("with_bad_runs", "--runs takes a number", [*against, "--runs", "x", *guest(500)]),
            ("with_an_unknown_option", "unknown", [*against, "--frobnicate", "x", *guest(500)]),
            ("with_no_recording", "is no recording", ["--base", "/nonexistent", *guest(500)])):
        check(name, CALL, says, *args)


def check_disturbed():
    """One run of the base that was as slow as those of the bad kernel does not hide them."""
    disturbed = os.path.join(OUT, "disturbed")
    slower = os.path.join(KEEP, subprocess.run(["git", "-C", TREE, "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                                               check=True).stdout.strip())
    shutil.copytree(BASE, disturbed)
    shutil.rmtree(os.path.join(disturbed, "1"))
    shutil.copytree(os.path.join(slower, "1"), os.path.join(disturbed, "1"))
    sides = [word for option, folder in (("--base", disturbed), ("--new", slower))
             for run in sorted(os.listdir(folder)) if run.isdigit() for word in (option, os.path.join(folder, run))]
    done = subprocess.run([os.path.join(TOP, "build", "sdeitop"), "diff", "--stat", "p50", *sides], capture_output=True, text=True, check=False)
    ok("bisect_a_disturbed_run_hides_nothing", [] if done.returncode == REGRESSION else (done.stdout + done.stderr).splitlines())


def faults(page_us):
    return ["--icount", "--", "sdei-guest", "--quiet", "--apf", "park", "--tasks", "4", "--pages", "100", "--delay", str(page_us)]


def check_faults():
    base = os.path.join(OUT, "faults")
    check("records_page_faults", GOOD, "", "--record", base, *faults(1000))
    check("the_same_page_faults_are_good", GOOD, "no regression", "--base", base, "--diff", "--stat p50", *faults(1000))
    check("slower_pages_are_bad", BAD, "REGRESSION: apf_page time is ", "--base", base, "--diff", "--stat p50", *faults(1500))


def main():
    make_tree()
    check("records_the_base", GOOD, "", "--record", BASE, *guest(500))
    check_calls()
    check("the_same_is_good", GOOD, "no regression", "--base", BASE, *guest(500))
    check("slower_is_bad", BAD, "REGRESSION: handler of event 0 is ", "--base", BASE, "--diff", "--stat p50 --threshold 20%", *guest(800))
    check_disturbed()
    check_faults()
    check("too_few_runs_are_skipped", SKIP, "cannot tell", "--base", BASE, "--runs", "1", *guest(500))
    check("bad_options_of_diff_stop_it", CALL, "", "--base", BASE, "--runs", "1", "--diff", "--stat none", *guest(500))
    check("no_build_is_skipped", SKIP, "does not build", "--base", BASE, *guest(500), build="false")
    with open(IMAGE, "wb") as file:
        file.write(b"no kernel")
    check("no_boot_is_skipped", SKIP, "could not be recorded", "--base", BASE, "--seconds", "20", *guest(500))
    finish()


if __name__ == "__main__":
    main()
