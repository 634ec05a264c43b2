#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 900
# debug kernel: no
"""Memory of a guest of stock QEMU that fails: what QEMU makes of it without SDEI, as docs/memory-failure.md says."""
import functools
import os
import re
import sys
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import labtest                  # noqa: E402  (the path comes first)
import linux_guest              # noqa: E402
from labtest import finish, ok, out_dir     # noqa: E402

OUT = out_dir("ras-qemu")
text = functools.partial(labtest.text, OUT)
UNREAD = 7      # pages that fail where the guest has no memory

# The guest leaves the last 64 MiB of its memory alone, and reads a file in the rest over and over.
RUN = r"""
cd /out || exit 1
dmesg -c >/dev/null
linux-guest --cpus 1 --memory 320 --append mem=256M --qemu "-object memory-backend-memfd,id=ram,size=320M,share=on -machine memory-backend=ram" \
	poisoned sh -c 'dd if=/dev/zero of=/tmp/file bs=1M count=90 2>/dev/null; while md5sum /tmp/file; do :; done' >said 2>qemu.err & guest=$!
await() { # COMMAND…: until it is so, or the guest has ended
	tries=0
	until "$@" || ! kill -0 $guest 2>/dev/null || [ $tries = 900 ]; do
		tries=$((tries + 1))
		sleep 0.2
	done
}
has_read() { [ "$(grep -c /tmp/file said)" -ge $1 ]; }
memory() { # the file of QEMU's that is the guest's memory
	for process in /proc/[0-9]*; do
		grep -q "guest=poisoned" $process/cmdline 2>/dev/null || continue
		for fd in $process/fd/*; do
			case $(readlink $fd) in *memory-backend-memfd*) echo $fd && return ;; esac
		done
	done
}
await has_read 1
memory=$(memory)
n=0
while [ $n -lt UNREAD ]; do
	poison-page $memory $((0x10000000 + n * 0x1000)) || exit 1
	n=$((n + 1))
	sleep 0.1
done
await has_read $(($(grep -c /tmp/file said) + 2))
kill -0 $guest && echo alive >after-unread
dmesg -c >unread.dmesg
n=0
while kill -0 $guest 2>/dev/null && [ $n -lt 1000 ]; do
	poison-page $memory $((0x2000000 + n * 0x11000)) || break
	n=$((n + 1))
done 2>/dev/null
wait $guest
echo $? >status
dmesg >read.dmesg
linux-guest --qemu "-machine ras=on" no-firmware true >ras.out 2>&1
echo $? >ras.status
"""


def told(log):
    return Counter(re.findall(r"Sending SIGBUS to (qemu-system-aar|poison-page):\d+ ", text(log)))


def check_unread():
    """QEMU has been told of each, and the guest goes on, knowing nothing."""
    want = {"qemu-system-aar": UNREAD, "poison-page": UNREAD}
    return [f"told {dict(told('unread.dmesg'))}, not {want}"] * (told("unread.dmesg") != want) + \
        ["the guest has not gone on"] * (text("after-unread") != "alive\n")


def check_read():
    """At the first page that the guest reads QEMU ends."""
    return ["QEMU was told of nothing"] * (not told("read.dmesg")["qemu-system-aar"]) + \
        [f"status {text('status')!r}: {text('qemu.err')!r}"] * ("Hardware memory error!" not in text("qemu.err") or text("status") != "120\n")


def check_firmware():
    """ras=on is for machines that boot firmware."""
    return [f"status {text('ras.status')!r}: {text('ras.out')!r}"] * ("acpi_dev' failed" not in text("ras.out"))


def main():
    if linux_guest.is_missing("ras-qemu"):
        return
    if linux_guest.run(OUT, "ras-qemu", RUN.replace("UNREAD", str(UNREAD))):
        ok("ras-qemu/action optional: the guest is told nothing", check_unread())
        ok("ras-qemu/action required: QEMU ends", check_read())
        ok("ras-qemu/ras=on without firmware: QEMU does not start", check_firmware())
    finish()


if __name__ == "__main__":
    main()
