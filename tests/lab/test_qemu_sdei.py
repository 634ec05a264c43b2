#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# time limit: 1800
# debug kernel: no
# make test: no
"""QEMU with the patches of contrib/qemu: a stock Linux finds SDEI in what QEMU itself describes, its NMIs survive a restore and a
migration, whoever reads its registers leaves SDEI's alone, and where there is no SDEI QEMU says so."""
import functools
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import labtest                  # noqa: E402  (the path comes first)
import linux_guest              # noqa: E402
from labtest import TOP, finish, ok, out_dir    # noqa: E402
from linux_guest import differ, ends, write_disk    # noqa: E402

OUT = out_dir("qemu-sdei")
text = functools.partial(labtest.text, OUT)
ROUNDS = 7
STORM, READS = 199, 20      # at least
HUNG_ROUNDS = 15
RESTORE_ROUNDS = 3

# Where the machine virt has its fw_cfg, and who reads by it: qtest's commands, in the guest's memory, which nobody uses.
DMA, REQUEST, BUFFER = 0x9020010, 0x41000000, 0x41001000
DIRECTORY, DIRECTORY_SIZE = 0x19, 0x1000

COMMON = r"""
cd /out || exit 1
QEMU=/out/qemu-system-aarch64
debian() { PATH=/usr/bin chroot /qemu "$@"; }
own() { linux-guest --program $QEMU "$@"; }
BARE="-display none -nic none -no-user-config -nodefaults -m 256"
machine() { debian timeout 60 $QEMU $BARE "$@"; }
. ./two-qemus.sh
disk() { # NAME: that much of QEMU's command line
	[ -e /run/$1.disk ] || cp disk "/run/$1.disk"
	echo "-drive if=none,id=disk,format=qcow2,file.driver=file,file.locking=off,file.filename=/run/$1.disk"
}
"""

# --- what QEMU describes

DESCRIBED = COMMON + r"""
machine -accel kvm -cpu host -M virt,gic-version=host,sdei=on,dumpdtb=/run/on.dtb >tree.err 2>&1
machine -accel kvm -cpu host -M virt,gic-version=host,dumpdtb=/run/off.dtb >>tree.err 2>&1
for property in compatible method; do debian fdtget -t s /run/on.dtb /firmware/sdei $property; done >tree 2>>tree.err
debian fdtget -l /run/off.dtb / >tree.off
machine -accel tcg -cpu max -M virt,sdei=on >tcg.err 2>&1
echo $? >tcg.status
machine -accel kvm -cpu host,aarch64=off -M virt,gic-version=host,sdei=on >32.err 2>&1
echo $? >32.status

tables() { # NAME MACHINE: ACPI's tables of that machine, as the firmware gets them; hexadecimal
	mkfifo /run/$1.in /run/$1.out
	(exec chroot /qemu $QEMU $BARE -S -accel kvm -cpu host -M virt,gic-version=host,acpi=on$2 -monitor none -qtest-log none -qtest pipe:/run/$1) 2>$1.err &
	exec 3<>/run/$1.in 4<>/run/$1.out
	fw_cfg DIRECTORY DIRECTORY_SIZE >$1.directory
	set -- $1 $(sed -n "s/.*\(.\{8\}\)\(.\{4\}\)0000TABLES.*/\1 \2/p" $1.directory)
	fw_cfg 0x$3 0x$2 >$1
	exec 3>&- 4<&-
	kill $!
}
fw_cfg() { # KEY SIZE
	printf 'write REQUEST 0x10 0x%04x000a%08x%016x\nwrite DMA 0x8 0x%016x\nread BUFFER 0x%x\n' $1 $2 BUFFER REQUEST $2 >&3
	while read -t 60 -r said <&4; do
		case $said in
		'OK 0x'*) echo "${said#OK 0x}" && return ;;
		esac
	done
}
tables acpi-on ,sdei=on
tables acpi-off ''
own --own-sdei backtraces sh -c "set -- ROUNDS; $(cat backtraces.sh)" >backtraces.out 2>backtraces.err
echo $? >backtraces.status
# Only the tree tells of SDEI: KVM has been told not to offer it.
own hidden sh -c 'dmesg | grep -i sdei' >hidden.out 2>hidden.err
""".replace("DIRECTORY_SIZE", hex(DIRECTORY_SIZE)).replace("DIRECTORY", hex(DIRECTORY)).replace("ROUNDS", str(ROUNDS)) \
    .replace("TABLES", b"etc/acpi/tables\0".hex()).replace("REQUEST", hex(REQUEST)).replace("BUFFER", hex(BUFFER)).replace("DMA", hex(DMA))

# --- registers are read while the guest's CPUs signal to each other; with Debian's QEMU likewise

STORMS = COMMON + r"""
cd /sys/kernel/tracing && echo kvm_sdei_set_reg >set_ftrace_filter && echo function >current_tracer && cd /out || exit 1
storm() { # NAME COMMAND…: that guest
	name=$1
	shift
	"$@" $name sh -c "set -- STORM $name; $(cat asks.sh)" >$name.out 2>$name.err &
	guest=$!
	until [ -e $name.begins ]; do
		kill -0 $guest || return
		sleep 0.1
	done
	cat /run/$name.monitor.out >$name.monitor &
	echo >/sys/kernel/tracing/trace
	reads=0
	until [ -e $name.ends ]; do
		reads=$((reads + 1))
		monitor $name 'info registers -a'
		until [ "$(grep -c 'PC=' $name.monitor)" -ge $((2 * reads)) ]; do
			kill -0 $guest && usleep 10000 || return
		done
		[ $reads -lt READS ] || touch $name.enough
	done
	grep -c kvm_sdei_set_reg /sys/kernel/tracing/trace >$name.writes
	wait $guest
	echo "$? $reads" >$name.status
}
storm storm own --own-sdei
storm stock linux-guest
""".replace("STORM", str(STORM)).replace("READS", str(READS))

# --- a guest is saved, loaded in place, and then migrated: from saved to moved; another one goes to a kernel without SDEI

RESTORE = COMMON + r"""
own --own-sdei --qemu "$(disk saved)" saved sh -c "$(cat nmis.sh)" >saved.out 2>saved.err &
from=$!
until_said 3 asked saved.out
cat /run/saved.monitor.out >saved.monitor &
monitor saved 'savevm here'
monitor saved 'info snapshots'
until_said 1 'List of snapshots' saved.monitor
until_said $(($(grep -c asked saved.out) + 3)) asked saved.out
monitor saved 'loadvm here'
monitor saved 'info status'
until_said 1 'VM status' saved.monitor
until_said $(($(grep -c asked saved.out) + 3)) asked saved.out
own --own-sdei --qemu "$(disk moved) -incoming unix:/run/migration" moved true >moved.out 2>moved.err &
to=$!
until_met [ -S /run/migration ]
cat /run/moved.monitor.out >moved.monitor &
monitor saved 'migrate unix:/run/migration'
until_said 3 asked moved.out
monitor saved quit
wait $from
monitor moved quit
wait $to
to=''
own --no-sdei --qemu "$(disk left)" left sh -c "$(cat counts.sh)" >left.out 2>left.err &
from=$!
until_said 3 count left.out
cat /run/left.monitor.out >left.monitor &
monitor left 'savevm there'
monitor left 'info snapshots'
until_said 1 'List of snapshots' left.monitor
monitor left quit
wait $from
cp /run/left.disk left.disk
linux-guest --qemu "$(disk before)" before sh -c "$(cat nmis.sh)" >before.out 2>before.err &
from=$!
until_said 3 asked before.out
cat /run/before.monitor.out >before.monitor &
monitor before 'savevm there'
monitor before 'info snapshots'
until_said 1 'List of snapshots' before.monitor
monitor before quit
wait $from
cp /run/before.disk before.disk
mv /run/before.disk /run/after.disk
own --own-sdei --qemu "$(disk after) -loadvm there" after true >after.out 2>after.err &
from=$!
until_said 3 asked after.out
cat /run/after.monitor.out >after.monitor &
monitor after quit
wait $from
exit 0
"""
COUNTS = "umount /out; count=0; while :; do count=$((count + 1)); echo count $count; usleep 100000; done"

ON_STOCK = COMMON + r"""
own --own-sdei without true >without.out 2>&1
echo $? >without.status
mv left.disk /run/arrived.disk
own --no-sdei --qemu "$(disk arrived) -loadvm there" arrived true >arrived.out 2>arrived.err &
from=$!
until_said 3 count arrived.out
cat /run/arrived.monitor.out >arrived.monitor &
monitor arrived quit
wait $from
mv before.disk /run/refused.disk
linux-guest --no-sdei --qemu "$(disk refused) -loadvm there" refused true >refused.out 2>&1
echo $? >refused.status
"""


def in_lab(name, command, *options):
    return linux_guest.run(OUT, f"qemu-sdei/{name}", command, *options, timeout=900)


def acpi_tables(name):
    """Signature and content of each; room is left behind them."""
    blob, found = bytes.fromhex(text(name).strip()), []
    while blob[:4].strip(b"\0"):
        length = int.from_bytes(blob[4:8], "little")
        found.append((blob[:4].decode("ascii", "replace"), blob[:length]))
        blob = blob[max(length, 36):]
    return found


def check_acpi():
    """Header only, revision 1; all tables but it are those of a machine without."""
    on, off = acpi_tables("acpi-on"), acpi_tables("acpi-off")
    tables = [content for signature, content in on if signature == "SDEI"]
    complaints = differ("SDEI's tables", len(tables), 1) + [f"{text('acpi-on.err')!r}"] * (not on)
    for content in tables:
        complaints += differ("its length, revision and maker", (len(content), content[8], content[10:16]), (36, 1, b"BOCHS "))
    complaints += differ("the others", [s for s, _ in on if s != "SDEI"], [s for s, _ in off])
    return complaints + ["no FADT in them"] * ("FACP" not in dict(off))


def check_described():
    ok("qemu-sdei/device tree", differ("the node", text("tree").split(), ["arm,sdei-1.0", "hvc"]) and text("tree.err").splitlines()
       or differ("firmware without sdei=on", "firmware" in text("tree.off").split(), False) + ["no tree"] * ("cpus" not in text("tree.off")))
    ok("qemu-sdei/ACPI table", check_acpi())
    ok("qemu-sdei/without KVM QEMU says so",
       differ("status", text("tcg.status"), "1\n") + ["it said " + text("tcg.err")] * ("needs KVM" not in text("tcg.err")))
    ok("qemu-sdei/32-bit guest: QEMU says so",
       differ("status", text("32.status"), "1\n") + ["it said " + text("32.err")] * ("AArch64 guests only" not in text("32.err")))
    asked = 3 * ROUNDS + HUNG_ROUNDS
    said = linux_guest.said(OUT, "backtraces")
    complaints = ends(OUT, "backtraces", 0) + differ("asked", said.get("asked"), [asked]) + differ("answered", said.get("answered"), [asked, asked])
    complaints += differ("handlers", sum(said.get("handled", [])), asked)
    log = text("backtraces.out")
    complaints += [f"the guest's log lacks '{line}'" for line in ("detected in firmware", "using SDEI cross-CPU NMI") if line not in log]
    ok("qemu-sdei/the guest finds SDEI, and its NMIs arrive", complaints, f"{asked} backtraces")
    ok("qemu-sdei/without sdei=on KVM answers no call", ["the guest's log: " + text("hidden.out")] * ("SDEIv1" in text("hidden.out") or not text("hidden.out")))


def check_storms():
    """Debian's QEMU writes all registers of SDEI each time, which shows that the count is one."""
    for name, least, most in (("storm", 0, 0), ("stock", 34, None)):
        status, reads = ([*map(int, text(f"{name}.status").split()), None, None])[:2]
        found = re.search(r"asked (\d+) answered (\d+) (\d+)", text(f"{name}.out"))
        said = [int(n) for n in found.groups()] if found else []
        complaints = differ("status", status, 0) + ([] if len(said) == 3 and said[0] >= STORM else [f"asked, answered: {said}"])
        complaints += differ("answered", said[1:], 2 * said[:1])
        complaints += [] if complaints or reads >= READS else [f"registers were read {reads} times only"]
        writes = int(text(f"{name}.writes") or -1)
        complaints += [] if least * (reads or 1) <= writes and (most is None or writes <= most) else [f"{writes} writes in {reads} reads"]
        ok(f"qemu-sdei/registers are read in a storm/{name}", complaints, f"{STORM} rounds, read {reads} times, {writes} writes")


def check_restore():
    """Each answer came: before, after the load in place, and in the other QEMU. It goes back once, and on in the other one."""
    lines = {name: [tuple(map(int, line)) for line in re.findall(r"^asked (\d+) answered (\d+) (\d+)$", text(name + ".out"), re.M)]
             for name in ("saved", "moved")}
    if not lines["saved"] or not lines["moved"]:
        return [f"it said {lines}", *text("saved.err").splitlines(), *text("moved.err").splitlines()]
    complaints = [f"{name}: asked {a}, answered {b} {c}" for name in lines for a, b, c in lines[name] if not a == b == c]
    asked = [line[0] for line in lines["saved"]]
    complaints += differ("times that it was set back", sum(after <= before for before, after in zip(asked, asked[1:])), 1)
    return complaints + differ("the first of the other QEMU", lines["moved"][0][0], asked[-1] + 1)


def check_taken_over():
    """A guest of Debian's QEMU, whose SDEI is described by a device tree that was changed."""
    lines = [tuple(map(int, line)) for line in re.findall(r"^asked (\d+) answered (\d+) (\d+)$", text("after.out"), re.M)]
    return [f"asked {a}, answered {b} {c}" for a, b, c in lines if not a == b == c] + \
        ["it said " + text("after.out"), *text("after.err").splitlines()[-5:]] * (len(lines) < 3 or lines[0][0] < 2)


def check_stock():
    ok("qemu-sdei/a kernel without SDEI: QEMU says so", differ("status", text("without.status"), "120\n")
       + ["it said " + text("without.out")] * ("cannot be offered to the guest" not in text("without.out")))
    counts = {name: [int(n) for n in re.findall(r"^count (\d+)$", text(name + ".out"), re.M)] for name in ("left", "arrived")}
    complaints = [f"it said {counts}", *text("arrived.err").splitlines()[-5:]] if not all(counts.values()) else []
    complaints = complaints or [f"left at {counts['left'][-1]}, arrived at {counts['arrived'][0]}"] * (not 3 <= counts["arrived"][0] <= counts["left"][-1] + 1)
    ok("qemu-sdei/a guest without sdei=on goes to a kernel without SDEI", complaints)
    ok("qemu-sdei/one of Debian's QEMU cannot",
       differ("status", text("refused.status"), "120\n") + ["it said nothing of it"] * ("load" not in text("refused.out")))


def main():
    if linux_guest.is_missing("qemu-sdei", (os.path.join("..", "contrib", "qemu", "check"), "--path")):
        return
    linux_guest.write_scripts(OUT, "hang", "backtraces", "asks", "nmis", "two-qemus", counts=COUNTS)
    path = subprocess.run([os.path.join(TOP, "contrib", "qemu", "check"), "--path"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    shutil.copy(path, OUT)
    write_disk(os.path.join(OUT, "disk"))
    if in_lab("described", DESCRIBED):
        check_described()
    if in_lab("storms", STORMS):
        check_storms()
    if in_lab("restore", RESTORE):
        ok("qemu-sdei/NMIs after a load and a migration", check_restore())
        ok("qemu-sdei/a guest of Debian's QEMU is taken over", check_taken_over())
        if in_lab("stock", ON_STOCK, "--kernel", "stock"):
            check_stock()
    finish()


if __name__ == "__main__":
    main()
