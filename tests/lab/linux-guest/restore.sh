#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# In a Linux guest, which has no folder of its host any more, or it could not be saved: counts, for ever, what a PCI device gives it,
# and prints that and how many MSIs it got.
umount /out
got=0
while dd if=/dev/hwrng of=/dev/null bs=64 count=1 2>/dev/null; do
	got=$((got + 1))
	echo "got $got msis $(awk '/ITS/ { all += $2 + $3 } END { print all }' /proc/interrupts)"
done
