#!/usr/bin/env bash
# scripts/lab itself: what it promises about statuses, files, time and processes.
# debug kernel: no
# shellcheck disable=SC2016,SC2317 # quoted for the lab's shell; called through judge
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
LAB=scripts/lab
# shellcheck source=tests/verdict.sh
source tests/verdict.sh
OUT=build/lab/test-lab
# shellcheck disable=SC2034 # read by judge
GROUP=lab EVIDENCE=("$OUT/stdout" "$OUT/stderr")
rm -rf "$OUT"
mkdir -p "$OUT"

# lab ARGUMENT…: STATUS, $OUT/stdout and $OUT/stderr tell how it went.
lab() {
	STATUS=0
	"$LAB" exec --timeout 60 --out "$OUT/files" "$@" >"$OUT/stdout" 2>"$OUT/stderr" || STATUS=$?
}

within() { (($2 - $1 <= $3)) || { echo "# $(($2 - $1)) s instead of $3"; return 1; }; }

# QEMUs of this test, known by its own folder on their command line.
our_qemus() { pgrep -f "qemu-system-aarch64.*path=$OUT/files" || true; }

gone() {
	local try
	for try in {1..30}; do
		[[ $(our_qemus) ]] || return 0
		sleep 0.1
	done
	echo "# after $try tries: $(our_qemus)"
	return 1
}

test_status_and_output() {
	lab -- sh -c 'echo to stdout; echo to stderr >&2; exit 37'
	judge "the command's exit status is returned" is "$STATUS" 37
	judge "stdout is the command's alone" is "$(cat "$OUT/stdout")" "to stdout"
	judge "stderr is the command's alone" is "$(cat "$OUT/stderr")" "to stderr"
	lab -- sh -c 'test "$(id -u)" = 0 && test "$1" = "a  b'\''c" && test -z "$(cat)"' x "a  b'c"
	judge "arguments arrive as they are, stdin is empty" is "$STATUS" 0
}

test_big_output() {
	lab -- sh -c 'seq 1 200003; sleep 100000 & exit 5'
	judge "long output arrives whole" is "$(cksum <"$OUT/stdout")" "$(seq 1 200003 | cksum)"
	judge "what runs on in the background does not keep the lab up" is "$STATUS" 5
}

test_files() {
	rm -rf "$OUT/files"
	lab -- sh -c 'mkdir -p /out/deep && head -c 300007 /dev/zero | tr "\0" x >/out/deep/file'
	judge "files in /out stay" is "$(tr -d x <"$OUT/files/deep/file" | wc -c) $(wc -c <"$OUT/files/deep/file")" "0 300007"
}

test_live() {
	local seen=''
	read -r seen < <("$LAB" exec --timeout 20 --out "$OUT/files" -- sh -c 'echo first; sleep 100' 2>/dev/null) || true
	judge "output is seen while the command runs" is "$seen" first
	judge "a reader that goes away ends the lab" gone
}

test_missing() {
	local start=$SECONDS
	lab -- no-such-program
	judge "a missing program is status 127" is "$STATUS" 127
	judge "a missing program is named" says "no such command in the lab: no-such-program" "$OUT/stderr"
	SDEITOP_LAB_IMAGE=/no/image lab -- true
	judge "a missing kernel is status 120 and named" is "$STATUS $(grep -c /no/image "$OUT/stderr")" "120 1"
	judge "neither waits" within "$start" "$SECONDS" 20
	lab --cpu no-such-cpu -- true
	judge "QEMU's own failure is status 120" is "$STATUS" 120
	lab
	judge "no command is wrong usage" is "$STATUS" 2
}

test_timeout() {
	local start=$SECONDS
	STATUS=0
	"$LAB" exec --timeout 20 --out "$OUT/files" -- sh -c 'echo before; sleep 1000' >"$OUT/stdout" 2>"$OUT/stderr" || STATUS=$?
	judge "a hang is status 124" is "$STATUS" 124
	judge "a hang is told with what was running" says "^[0-9]* sleep 1000" "$OUT/stderr"
	judge "a hang keeps what was printed" is "$(cat "$OUT/stdout")" before
	judge "a hang ends in time" within "$start" "$SECONDS" 35
	judge "a hang leaves no QEMU" gone
}

test_panic() {
	lab -- sh -c 'sleep 0.2; echo c >/proc/sysrq-trigger; sleep 100'
	judge "a kernel panic is status 121" is "$STATUS" 121
	judge "a kernel panic shows the kernel's words" says 'Kernel panic' "$OUT/stderr"
	lab -- poweroff -f
	judge "a lab that ends early is status 122" is "$STATUS" 122
}

test_killed() {
	local signal pid
	for signal in INT TERM KILL; do
		# A background job of a script ignores SIGINT unless told otherwise.
		env --default-signal=INT "$LAB" exec --timeout 60 --out "$OUT/files" -- sleep 1000 >"$OUT/stdout" 2>"$OUT/stderr" &
		pid=$!
		for _ in {1..100}; do
			[[ ! $(our_qemus) ]] || break
			sleep 0.1
		done
		judge "the lab runs before SIG$signal" test -n "$(our_qemus)"
		kill -"$signal" "$pid"
		wait "$pid" 2>/dev/null
		judge "SIG$signal leaves no QEMU" gone
	done
}

test_at_once() {
	local n pids=()
	for n in 1 2 3; do
		"$LAB" exec --timeout 60 --out "$OUT/many-$n" -- sh -c "echo $n >/out/n; exit 4$n" 2>"$OUT/stderr" &
		pids+=($!)
	done
	for n in 1 2 3; do
		STATUS=0
		wait "${pids[n - 1]}" || STATUS=$?
		judge "lab $n of three at once" is "$STATUS $(cat "$OUT/many-$n/n")" "4$n $n"
	done
}

test_machine() {
	lab -- sh -c 'test -c /dev/kvm && test -r /sys/kernel/btf/vmlinux && test -e /sys/kernel/tracing/events/kvm/kvm_exit &&
		grep -q " /sys/fs/bpf bpf" /proc/mounts && grep -q " /sys/fs/cgroup cgroup2" /proc/mounts && test -d /sys/kernel/debug/kvm && trace-cmd list -e kvm_exit >/dev/null &&
		test "$(hostname) $(nproc)" = "sdei-lab 2"'
	judge "KVM, BTF, tracefs, bpffs, cgroup2, debugfs and trace-cmd are there" is "$STATUS" 0
	lab --cpus 4 --memory 1500 -- sh -c 'test $(nproc) = 4 && test $(awk "/MemTotal/{print \$2}" /proc/meminfo) -gt 1400000'
	judge "--cpus and --memory" is "$STATUS" 0
	lab -- sh -c 'dmesg | grep -q "VHE mode initialized" && ! dmesg | grep -q nVHE'
	judge "-cpu max runs KVM in VHE mode" is "$STATUS" 0
	lab --cpu cortex-a57 -- sh -c 'dmesg | grep -q "nVHE mode initialized"'
	judge "-cpu cortex-a57 runs KVM in nVHE mode" is "$STATUS" 0
	lab --kernel stock -- sh -c 'dmesg | grep -q "VHE mode initialized" && ! test -e /sys/kernel/tracing/events/kvm/kvm_sdei_signal'
	judge "the stock kernel has no kvm_sdei tracepoints" is "$STATUS" 0
}

test_strict() {
	lab --strict -- sh -c 'echo "<6>WARNING: not for the console" >/dev/kmsg'
	judge "--strict: nothing on the console, nothing said" is "$STATUS" 0
	lab --strict -- sh -c 'echo "<4>WARNING: a splat for the test" >/dev/kmsg; sleep 0.3'
	judge "--strict: a splat is status 123" is "$STATUS" 123
	lab -- sh -c 'echo "<4>WARNING: a splat for the test" >/dev/kmsg; sleep 0.3; exit 9'
	judge "without it the status stays and the splat is told" is "$STATUS $(grep -c 'warned' "$OUT/stderr")" "9 1"
}

# A real terminal: tmux of its own, 100 columns, resized while the command runs.
test_terminal() {
	command -v tmux >/dev/null || { echo "skip lab: terminal: tmux is not installed"; return; }
	local socket=sdeitop-test-$$ show='stty size; trap "stty size" WINCH; while :; do read -r -n 1 key && break; done; echo "key=$key"; exit 6'
	tmux -L "$socket" -f /dev/null new-session -d -x 100 -y 30 \
		"$LAB exec --tty --timeout 60 --out $OUT/files -- sh -c '$show' 2>&1; echo status=\$?; sleep 60"
	await_screen "$socket" '30 100'
	judge "--tty: the terminal's size is passed on" says '^30 100' "$OUT/stdout"
	tmux -L "$socket" resize-window -x 90 -y 25
	sleep 1
	tmux -L "$socket" send-keys q
	await_screen "$socket" 'status='
	judge "--tty: a key arrives raw and the status returns" is "$(grep -c 'key=q\|status=6' "$OUT/stdout")" 2
	judge "--tty: a resize is passed on" says '^25 90' "$OUT/stdout"
	tmux -L "$socket" kill-server
	judge "--tty: no QEMU is left" gone
}

await_screen() {
	for _ in {1..100}; do
		tmux -L "$1" capture-pane -p >"$OUT/stdout"
		! grep -q -- "$2" "$OUT/stdout" || return 0
		sleep 0.1
	done
}

# The other machine: it boots, gives its files out and ends otherwise.
test_x86_64() {
	lab --arch x86_64 -- sh -c 'uname -m; echo kept >/out/x86; echo to stderr >&2; exit 37'
	judge "x86_64: status and output" is "$STATUS $(cat "$OUT/stdout" "$OUT/stderr")" $'37 x86_64\nto stderr'
	judge "x86_64: files come out" is "$(cat "$OUT/files/x86")" kept
	lab --arch x86_64 -- sh -c 'sleep 0.2; echo c >/proc/sysrq-trigger; sleep 100'
	judge "x86_64: a kernel panic is status 121" is "$STATUS" 121
	judge "x86_64: a kernel panic shows the kernel's words" says 'Kernel panic' "$OUT/stderr"
}

# A kernel with its drivers as modules, as Debian builds it.
test_debian() { # ARCH SERIES [OPTION of scripts/lab]
	local arch=$1 series=$2 folder
	folder=$(scripts/debian-kernel path "$series" "$arch" 2>"$OUT/stderr") || {
		echo "skip lab: debian:$series $arch: $(tail -n 1 "$OUT/stderr")"
		return
	}
	lab "${@:3}" --arch "$arch" --kernel "debian:$series" -- sh -c 'uname -r; echo kept >/out/debian; test -c /dev/kvm && exit 37'
	judge "debian:$series $arch: boots the version that it names" is "$STATUS $(cat "$OUT/stdout")" "37 $(cat "$folder/version")"
	judge "debian:$series $arch: the version is said" says "$(cat "$folder/version")" "$OUT/stderr"
	judge "debian:$series $arch: files come out" is "$(cat "$OUT/files/debian")" kept
}

test_possible_cpus() {
	scripts/debian-kernel path 6.1 >/dev/null 2>&1 || return 0
	lab --one-thread --arch x86_64 --kernel debian:6.1 --max-cpus 64 -- sh -c 'cd /sys/devices/system/cpu && cat present possible'
	judge "--max-cpus: CPUs that may come" is "$STATUS $(cat "$OUT/stdout")" $'0 0-1\n0-63'
}

test_no_debian() {
	lab --arch x86_64 --kernel debian:5.99 -- true
	judge "a kernel that Debian does not have is status 120 and named" is "$STATUS $(grep -c 'linux-image-5\.99' "$OUT/stderr")" "120 1"
	lab --arch x86_64 --kernel debian:new -- true
	judge "what is no series is status 120 and named" is "$STATUS $(grep -c "'new' is no series" "$OUT/stderr")" "120 1"
}

test_status_and_output
test_big_output
test_files
test_live
test_missing
test_timeout
test_panic
test_killed
test_at_once
test_machine
test_strict
test_terminal
test_debian aarch64 6.12
test_no_debian
# Linux 6.1 hangs now and then where QEMU emulates its CPUs in a thread each: see test_kernels.py.
[[ $(uname -m) != x86_64 ]] || { test_x86_64 && test_debian x86_64 6.1 --one-thread && test_possible_cpus; }
finish
