#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A lab test empties its folder when it is run, and not when another test imports it while it runs."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from verdict import TOP, finish, ok  # noqa: E402

FOLDER = os.path.join(TOP, "build", "lab", f"folders-{os.getpid()}")
LEFT = os.path.join(FOLDER, "left")
TEST = f"""
import sys
sys.path.insert(0, {os.path.join(TOP, "tests", "lab")!r})
from labtest import out_dir
OUT = out_dir({os.path.basename(FOLDER)!r})
"""


def stays(*command):
    """Is what a run before has left still there after it?"""
    os.makedirs(FOLDER, exist_ok=True)
    with open(LEFT, "w", encoding="utf-8"):
        pass
    subprocess.run([sys.executable, *command], check=True)
    there = os.path.exists(LEFT)
    if there:
        os.unlink(LEFT)
        os.rmdir(FOLDER)
    return there


def main():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "one.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(TEST)
        ok("lab-folders/run", [] if not stays(path) else ["what was left is still there"])
        importing = f"import sys; sys.path.insert(0, {directory!r}); import one"
        ok("lab-folders/imported", [] if stays("-c", importing) else ["what was there is gone"])
    finish()


if __name__ == "__main__":
    main()
