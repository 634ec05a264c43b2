#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# debug kernel: no
"""sdeid as its unit runs it: as a user of its own with the unit's capabilities and with the configuration that is shipped, it
watches the guests of root, keeps no capability, and says at the end that it has gone."""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from labtest import TOP, finish, lab, ok, out_dir, unit_capabilities, unit_setting    # noqa: E402

OUT = out_dir("unit")
CONTRIB = os.path.join(TOP, "contrib", "systemd")

# 65534 plays user sdeid and group sdei. The guest is there before sdeid.
RUN = r"""
cd /out || exit 1
rm -f /out/*
echo 'sdei:x:65534:' >>/etc/group
mkdir -p /etc/sdeitop /run/sdeid %(directories)s
cat >/etc/sdeitop/sdeid.conf <<'CONFIGURATION'
%(configuration)s
interval = 1
CONFIGURATION
chown 65534:65534 /run/sdeid %(directories)s
chmod 750 /run/sdeid
umask %(umask)s
PROM=/var/lib/sdeid/metrics/sdeid.prom
await() {
	for i in $(seq 300); do
		! "$@" || return 0
		sleep 0.2
	done
	echo "did not come: $*"
	cat messages
	exit 1
}
sdei-guest --vcpus 2 --scenario busy --seconds 30 --truth /out/truth.json -name guest=web &
guest=$!
await grep -q guest=web /proc/$guest/cmdline
as-user 65534 %(capabilities)s sdeid 2>messages &
sdeid=$!
await grep -qs '^kvm_sdei_dispatched_total{.*} [1-9]' $PROM
cp $PROM during.prom
cp /proc/$sdeid/status status
stat -c '%%A %%u %%g %%n' /run/sdeid/socket $PROM >modes
kill -TERM $sdeid
wait $sdeid
echo $? >exit
cp $PROM after.prom
kill $guest
exit 0
"""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def run():
    """Everything that the configuration has commented out is taken, too."""
    configuration = re.sub(r"^#([a-z-]+ = )", r"\1", read(os.path.join(CONTRIB, "sdeid.conf")), flags=re.M)
    values = {
        "capabilities": unit_capabilities(),
        "configuration": configuration,
        "directories": " ".join("/var/lib/" + name for name in unit_setting("StateDirectory").split()),
        "umask": unit_setting("UMask"),
    }
    status, output = lab(OUT, "sh", "-c", RUN % values)
    ok("unit/sdeid runs", [f"exit status {status}"] + output.splitlines()[-20:] if status else [])
    return not status


def value(text, name):
    return float(re.search(rf"^{name}(?:{{.*}})? (\S+)$", text, re.M).group(1))


def check_watches():
    text = read(f"{OUT}/during.prom")
    probes = value(text, "kvm_sdei_probes_attached"), value(text, "kvm_sdei_probes")
    ok("unit/everything is attached", [] if value(text, "kvm_sdei_up") == 1 and probes[0] == probes[1] > 0 else
       [f"{probes}"] + read(f"{OUT}/messages").splitlines())
    ok("unit/the name of root's guest is known", [] if re.search(r'^kvm_sdei_vm_info{[^}]*name="web"', text, re.M) else
       [line for line in text.splitlines() if line.startswith("kvm_sdei_vm_info")])
    ok("unit/each vCPU has series, as the configuration says", [] if 'vcpu="1"' in text else ["no label vcpu"])


def check_privileges():
    status = read(f"{OUT}/status")
    held = [line for line in re.findall(r"^Cap(?:Inh|Prm|Eff|Amb):.*$", status, re.M) if not line.endswith("\t" + 16 * "0")]
    ok("unit/no capability is kept", held if "CapEff" in status else ["no status"])
    wanted = ["srw-rw---- 65534 65534 /run/sdeid/socket", "-rw-r--r-- 65534 65534 /var/lib/sdeid/metrics/sdeid.prom"]
    ok("unit/who may read what", [] if read(f"{OUT}/modes").splitlines() == wanted else read(f"{OUT}/modes").splitlines())


def check_end():
    end = read(f"{OUT}/exit").strip()
    ok("unit/SIGTERM is a good end", [] if end == "0" else [f"exit status {end}"] + read(f"{OUT}/messages").splitlines())
    ok("unit/the last metrics say that it has gone", [] if value(read(f"{OUT}/after.prom"), "kvm_sdei_up") == 0 else ["kvm_sdei_up 1"])


def main():
    if run():
        check_watches()
        check_privileges()
        check_end()
    finish()


if __name__ == "__main__":
    main()
