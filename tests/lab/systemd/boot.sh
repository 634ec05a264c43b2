#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian, of this machine's own release, with systemd and what 'make install' installs, on Debian's kernel SERIES under QEMU, until trial.sh has
# ended it. Needs root, for debootstrap. Usage: boot.sh SERIES OUT; OUT is /out there. Exit status: QEMU's; 77: Debian cannot be had.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "$0")/../../../scripts/common.sh"

HERE=$(realpath "$(dirname "$0")")
# systemd, what the unit calls, and what the programs are linked with.
PACKAGES=systemd,systemd-sysv,udev,kmod,procps,libbpf1,libelf1,zlib1g,libdeflate0,libncursesw6
# Nobody reads it there.
LEFT_OUT=(./var/cache ./var/lib/apt ./usr/share/doc ./usr/share/man ./usr/share/locale ./usr/share/i18n ./usr/share/zoneinfo)

series=$1 out=$2
tmp=$(mktemp -d)
trap 'rm -rf --one-file-system "$tmp"' EXIT
root=$tmp/root
"$SDEITOP_TOP/scripts/setup" long || exit 77
kernel=$("$SDEITOP_TOP/scripts/debian-kernel" path "$series" x86_64) || exit 77
codename=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")

debootstrap --variant=minbase --include="$PACKAGES" --keyring="$DEBIAN_KEYRING" "$codename" "$root" "$(debian_mirror '')" \
	>"$out/debootstrap.log" 2>&1 || { tail -n 5 "$out/debootstrap.log" >&2 && exit 77; }

make -s -C "$SDEITOP_TOP" install DESTDIR="$root" PREFIX=/usr UNITDIR=/usr/lib/systemd/system >&2
systemd-sysusers --root="$root"
systemctl --root="$root" --quiet enable sdeid.service
install -m 755 "$SDEITOP_TOP/build/x86_64/bin/apf-guest" "$root/usr/bin/"
install -m 755 "$HERE/trial.sh" "$root/usr/sbin/trial"
install -m 644 "$HERE/trial.service" "$root/etc/systemd/system/"
systemctl --root="$root" --quiet enable trial.service
ln -sf lib/systemd/systemd "$root/init"
(cd "$root" && cpio -idm --quiet <"$kernel/modules.cpio" 2>/dev/null)	# /lib is a link there, and stays one
for folder in "${LEFT_OUT[@]}"; do
	rm -rf "${root:?}/$folder"
done
pack "$root" >"$tmp/initrd"

# As scripts/lab has it.
qemu-system-x86_64 -M q35 -accel tcg -cpu qemu64,+svm,+npt -vga none -smp 2 -m 2048 -display none -monitor none -nic none \
	-no-user-config -nodefaults -no-reboot -kernel "$kernel/Image" -initrd "$tmp/initrd" \
	-append 'console=ttyS0 tsc=reliable loglevel=4 panic=-1' -serial "file:$out/console.log" -device virtio-rng-pci \
	-fsdev "local,id=out,path=$out,security_model=none,multidevs=remap" -device virtio-9p-pci,fsdev=out,mount_tag=out </dev/null >&2
