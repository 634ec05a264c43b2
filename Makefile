# SPDX-License-Identifier: GPL-2.0-only
# sdeitop: everything that is built lands in build/; `make help` lists the targets.
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

VERSION := 0.1.0
# Of the manual pages, which UPDATE_GOLDEN=1 tests/unit/test_man.py writes into them.
DATE := 2026-11-29
B := build

V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' $(1) $(2))

CC := gcc
CLANG := clang
BPFTOOL := $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
CROSS := aarch64-linux-gnu-
PKG_CONFIG := pkg-config
MULTIARCH = $(shell $(CC) -print-multiarch)

CPPFLAGS := -D_GNU_SOURCE= -DSDEITOP_VERSION='"$(VERSION)"' -I. -Isrc -I$(B)/include
# It writes a manual page.
$(B)/%/src/view/metrics/metrics.o: CPPFLAGS += -DSDEITOP_DATE='"$(DATE)"'
WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wundef -Wpointer-arith -Wno-unused-parameter
HARDENING := -fstack-protector-strong -fno-strict-aliasing -D_FORTIFY_SOURCE=2
CFLAGS ?= -O2 -g
C_FLAGS := -std=gnu11 $(WARNINGS)
SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

HOST_PKGS := libbpf libelf zlib libdeflate ncursesw
HOST_LIBS = $(shell $(PKG_CONFIG) --libs $(HOST_PKGS)) -lm
# What these link with themselves differs between Debian's releases.
STATIC_LIBS = $(shell $(PKG_CONFIG) --static --libs-only-l $(HOST_PKGS)) -lm

# What is built from what
# The floors of src/, the highest first (docs/architecture.md): each is a static library, and what is linked takes those below.
FLOORS := cli daemon view/metrics view/export view/report view/screen view/figures session sides diff recording model source record util
SRCS := $(foreach floor,$(FLOORS),$(wildcard src/$(floor)/*.c))
MAINS := src/cli/main.c src/daemon/main.c
BPF_SRCS := $(wildcard bpf/*.bpf.c)
SKELS := $(BPF_SRCS:bpf/%.bpf.c=$(B)/include/%.skel.h)
UNIT_TESTS := $(foreach floor,$(FLOORS),$(patsubst tests/unit/%.c,%,$(wildcard tests/unit/$(floor)/test_*.c)))
UNIT_SHARED := $(wildcard tests/unit/lib/*.c)

# libs VARIANT,FLOORS: their libraries, in the order in which they are linked.
libs = $(foreach floor,$(2),$(B)/$(1)/lib/$(subst /,-,$(floor)).a)
# below FLOOR: it and all floors under it; what stands beside it is left out.
BESIDE := cli daemon view/metrics view/export view/report view/screen
below = $(if $(filter $(1),cli),$(filter-out daemon,$(FLOORS)),$(if $(filter $(1),daemon),daemon view/metrics $(call below,view/figures),\
	$(if $(filter $(1),$(BESIDE)),$(1) $(call below,view/figures),$(call from,$(1),$(FLOORS)))))
from = $(if $(filter $(1),$(firstword $(2))),$(2),$(call from,$(1),$(wordlist 2,99,$(2))))

.PHONY: all
all: $(B)/sdeitop $(B)/sdeid

# --- BPF: one object for every host architecture, and its skeleton
BPF_FLAGS = -target bpf -g -ffile-prefix-map=$(CURDIR)=. -O2 -mcpu=v3 -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter \
	-Ibpf -I/usr/include/$(MULTIARCH)

$(B)/%.bpf.o: %.bpf.c | need-host
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPF_FLAGS) -MMD -MP -c $< -o $@

define skeleton
	@mkdir -p $(@D)
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $(subst .,_,$*)_bpf >$@
endef
$(B)/include/%.skel.h: $(B)/bpf/%.bpf.o
	$(skeleton)
$(B)/include/bench/%.skel.h: $(B)/tests/bench/bpf/%.bpf.o
	$(skeleton)

# Lines of a style sheet as strings of C.
STYLES := $(B)/include/report.css.inc
$(STYLES): $(B)/include/%.inc: src/view/report/%
	@mkdir -p $(@D)
	$(Q)sed 's/[\\"]/\\&/g; s/.*/"&\\n",/' $< >$@

.SECONDARY: $(SKELS) $(BPF_SRCS:%.c=$(B)/%.o)

# library VARIANT,FLOOR: all of the floor but main().
define library
$(B)/$(1)/lib/$(subst /,-,$(2)).a: $(patsubst %.c,$(B)/$(1)/%.o,$(filter-out $(MAINS),$(wildcard src/$(2)/*.c)))
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
endef

# --- C, once per variant: $(1) name, $(2) compiler, $(3) flags, $(4) what must be there first
define variant
$(B)/$(1)/%.o: %.c | $$(SKELS) $$(STYLES) $(4)
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$(2) $$(C_FLAGS) $(3) $$(CPPFLAGS) -MMD -MP -c $$< -o $$@
$$(foreach floor,$$(FLOORS),$$(eval $$(call library,$(1),$$(floor))))
$(B)/$(1)/lib/unit.a: $$(UNIT_SHARED:%.c=$(B)/$(1)/%.o)
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
endef

$(eval $(call variant,host,$$(CC),$$(CFLAGS) $$(HARDENING) -fPIE,need-host))
$(eval $(call variant,asan,$$(CC),$$(SANITIZE),need-host))
$(eval $(call variant,x86_64,$$(CC),$$(CFLAGS) $$(HARDENING),need-host))
$(eval $(call variant,arm64,$$(CROSS)gcc,$$(CFLAGS) $$(HARDENING) $$(SYSROOT_FLAGS),need-lab))

# Each program links what it uses: the daemon, which runs as root at first, neither curses nor HTML, export or diff.
$(B)/sdeitop: $(B)/host/src/cli/main.o $(call libs,host,$(call below,cli))
$(B)/sdeid: $(B)/host/src/daemon/main.o $(call libs,host,$(call below,daemon))
$(B)/sdeitop $(B)/sdeid:
	$(call say,LD,$@)
	$(Q)$(CC) -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS) $^ -o $@ $(HOST_LIBS)

# --- arm64: static, for the lab
SYSROOT = $(shell scripts/setup --sysroot)
SYSROOT_FLAGS = -isystem $(SYSROOT)/usr/include -isystem $(SYSROOT)/usr/include/aarch64-linux-gnu
SYSROOT_DIR = $(SYSROOT)/usr/lib/aarch64-linux-gnu
SYSROOT_LIBS = -L$(SYSROOT_DIR) $(shell PKG_CONFIG_LIBDIR=$(SYSROOT_DIR)/pkgconfig $(PKG_CONFIG) --static --libs-only-l $(HOST_PKGS)) -lm

.PHONY: lab
lab: $(B)/arm64/bin/sdeitop $(B)/arm64/bin/sdeid

$(B)/arm64/bin/sdeitop: $(B)/arm64/src/cli/main.o $(call libs,arm64,$(call below,cli))
$(B)/arm64/bin/sdeid: $(B)/arm64/src/daemon/main.o $(call libs,arm64,$(call below,daemon))
$(B)/arm64/bin/sdeitop $(B)/arm64/bin/sdeid:
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CROSS)gcc -static $(LDFLAGS) $^ -o $@ $(SYSROOT_LIBS)

# x86_64: static, for the x86 lab.
ifeq ($(shell uname -m),x86_64)
lab: $(B)/x86_64/bin/sdeitop $(B)/x86_64/bin/sdeid $(B)/x86_64/bin/apf-guest
endif
include tests/lab/guest-x86/guest.mk
$(B)/x86_64/bin/sdeitop: $(B)/x86_64/src/cli/main.o $(call libs,x86_64,$(call below,cli))
$(B)/x86_64/bin/sdeid: $(B)/x86_64/src/daemon/main.o $(call libs,x86_64,$(call below,daemon))
$(B)/x86_64/bin/sdeitop $(B)/x86_64/bin/sdeid:
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -static $(LDFLAGS) $^ -o $@ $(STATIC_LIBS)

# sdei-guest, the test VMM: its folder adds to this where a plain link is not enough.
GUEST_SRCS := $(wildcard tests/lab/guest/*.c)
GUEST_EXTRA :=
-include tests/lab/guest/guest.mk
ifneq ($(GUEST_SRCS),)
lab: $(B)/arm64/bin/sdei-guest
$(B)/arm64/bin/sdei-guest: $(GUEST_SRCS:%.c=$(B)/arm64/%.o) $(GUEST_EXTRA)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CROSS)gcc -static $(LDFLAGS) $^ -o $@ -lpthread
endif

# Small programs that lab tests need.
LAB_TOOLS := $(patsubst tests/lab/tools/%.c,$(B)/arm64/bin/%,$(wildcard tests/lab/tools/*.c))
lab: $(LAB_TOOLS)
$(LAB_TOOLS): $(B)/arm64/bin/%: $(B)/arm64/tests/lab/tools/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CROSS)gcc -static $(LDFLAGS) $^ -o $@

# That for users and capabilities in the x86 lab, too.
ifeq ($(shell uname -m),x86_64)
lab: $(B)/x86_64/bin/as-user
endif
$(B)/x86_64/bin/as-user: $(B)/x86_64/bin/%: $(B)/x86_64/tests/lab/tools/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -static $(LDFLAGS) $^ -o $@

# The same for those on top of everything else.
lab: $(B)/arm64/bin/metrics-once
$(B)/arm64/bin/metrics-once: $(B)/arm64/tests/lab/metrics-once.o $(call libs,arm64,$(FLOORS))
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CROSS)gcc -static $(LDFLAGS) $^ -o $@ $(SYSROOT_LIBS)

# Programs on top of everything else, for tests and benchmarks: build/tool/DIR/NAME from tests/DIR/NAME.c
$(B)/tool/%: $(B)/host/tests/%.o $(B)/host/lib/unit.a $(call libs,host,$(FLOORS))
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $(filter %.o,$^) $(filter %.a,$^) -o $@ $(HOST_LIBS) -lcmocka

# --- unit tests, plain and with sanitizers
# A test links the floor that it is of and what is below.
unit_floors = $(call below,$(patsubst %/,%,$(dir $(1))))
define unit_test
$(B)/unit/$(1): $(B)/host/tests/unit/$(1).o $(B)/host/lib/unit.a $(call libs,host,$(call unit_floors,$(1)))
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(LDFLAGS) $$^ -o $$@ $$(HOST_LIBS) -lcmocka
$(B)/unit-asan/$(1): $(B)/asan/tests/unit/$(1).o $(B)/asan/lib/unit.a $(call libs,asan,$(call unit_floors,$(1)))
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(SANITIZE) $$(LDFLAGS) $$^ -o $$@ $$(HOST_LIBS) -lcmocka
endef
$(foreach test,$(UNIT_TESTS),$(eval $(call unit_test,$(test))))

.PHONY: layers unit-tests
layers:
	$(Q)tests/house/test_layers.py

unit-tests: $(UNIT_TESTS:%=$(B)/unit/%) $(UNIT_TESTS:%=$(B)/unit-asan/%)

# For packagers: a screen in tmux has its time limits, which a busy build machine may not keep.
SCREEN_TESTS = $(shell grep -l terminal_driver tests/unit/*/test_*.c tests/unit/*/*/test_*.c)
.PHONY: check
check: $(patsubst %,$(B)/unit/%,$(filter-out $(SCREEN_TESTS:tests/unit/%.c=%),$(UNIT_TESTS)))
	$(Q)tests/run $^

# --- fuzzing: any bytes as a recording, as an image of a model, for the commands, from a daemon
SECONDS ?= 60
RUNS ?= -1
SEED ?= 0
HANG_SECONDS ?= 20
FUZZ_TARGETS := recording image commands client
FUZZ_SANITIZE := address,undefined,float-cast-overflow
FUZZ_FLAGS := -w -O1 -g -fno-strict-aliasing -fsanitize=$(FUZZ_SANITIZE) -fno-sanitize-recover=all

$(eval $(call variant,fuzz,$$(CLANG),$$(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,need-host))

define fuzz_target
$(B)/fuzz/$(1): $(B)/fuzz/tests/fuzz/fuzz_$(1).o $(B)/fuzz/tests/unit/lib/sdei_machine.o $(call libs,fuzz,$(call below,cli))
	@mkdir -p $$(@D)
	$$(call say,FUZZ,$$@)
	$$(Q)$$(CLANG) $$(FUZZ_FLAGS) -fsanitize=fuzzer $$^ -o $$@ $$(HOST_LIBS)

.PHONY: fuzz-$(1)
fuzz-$(1): $(B)/fuzz/$(1) fuzz-seeds
	$$(Q)$$< -max_total_time=$$(SECONDS) -runs=$$(RUNS) -seed=$$(SEED) -max_len=16384 -timeout=$$(HANG_SECONDS) -rss_limit_mb=2048 -close_fd_mask=3 \
		-artifact_prefix=$(B)/fuzz/ $(B)/fuzz/corpus-$(1)
endef
$(foreach target,$(FUZZ_TARGETS),$(eval $(call fuzz_target,$(target))))

.PHONY: fuzz fuzz-seeds
fuzz-seeds:
	$(Q)tests/fuzz/seeds $(B)/fuzz
fuzz: $(FUZZ_TARGETS:%=fuzz-%)

# --- install: rows MODE:FILE:PLACE
PREFIX ?= /usr/local
DESTDIR ?=
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
SHARE = $(PREFIX)/share
ZSHDIR ?= $(SHARE)/zsh/site-functions
DOC = $(SHARE)/doc/sdeitop
CONFIG = $(SYSCONFDIR)/sdeitop/sdeid.conf

to_folder = $(addprefix 644:,$(join $(1),$(patsubst %,:$(2)/%,$(notdir $(1)))))
to_man = $(foreach page,$(1),$(call to_folder,$(page),$(SHARE)/man/man$(subst .,,$(suffix $(page)))))

INSTALLS = 755:$(B)/sdeitop:$(PREFIX)/bin/sdeitop 755:$(B)/sdeid:$(PREFIX)/sbin/sdeid \
	$(call to_man,$(wildcard man/*)) \
	$(patsubst %,644:contrib/completion/sdeitop.bash:$(SHARE)/bash-completion/completions/%,sdeitop sdeid) \
	$(patsubst %,644:contrib/completion/sdeitop.fish:$(SHARE)/fish/vendor_completions.d/%.fish,sdeitop sdeid) \
	644:contrib/completion/sdeitop.zsh:$(ZSHDIR)/_sdeitop \
	644:$(B)/sdeid.service:$(UNITDIR)/sdeid.service \
	644:contrib/systemd/60-sdeid.rules:$(PREFIX)/lib/udev/rules.d/60-sdeid.rules \
	644:contrib/systemd/sdeid.sysusers:$(PREFIX)/lib/sysusers.d/sdeid.conf \
	$(call to_folder,$(wildcard contrib/prometheus/*.rules.yml),$(SHARE)/sdeitop/prometheus) \
	$(call to_folder,$(wildcard contrib/grafana/*.json),$(SHARE)/sdeitop/grafana) \
	$(call to_folder,README.md LICENSE,$(DOC)) $(call to_folder,$(wildcard docs/*.md docs/*.svg docs/*.png),$(DOC)/docs) \
	$(call to_folder,$(wildcard tracepoints/*.md tracepoints/*.config),$(DOC)/tracepoints) \
	$(foreach series,$(wildcard tracepoints/linux-*),$(call to_folder,$(wildcard $(series)/*.patch),$(DOC)/$(series)))

$(B)/sdeid.service: contrib/systemd/sdeid.service FORCE
	@mkdir -p $(@D)
	$(Q)sed 's|/usr/\(s\{0,1\}bin/sdei\)|$(PREFIX)/\1|g' $< >$@

column = $(word $(1),$(subst :, ,$(2)))
define install_row
	$(Q)install -D -m $(call column,1,$(1)) $(call column,2,$(1)) $(DESTDIR)$(call column,3,$(1))

endef

.PHONY: install uninstall FORCE
install: all $(B)/sdeid.service
	$(foreach row,$(INSTALLS),$(call install_row,$(row)))
# What an administrator has changed stays.
	$(Q)[ -e $(DESTDIR)$(CONFIG) ] || install -D -m 644 contrib/systemd/sdeid.conf $(DESTDIR)$(CONFIG)

uninstall:
	rm -f $(foreach row,$(INSTALLS),$(DESTDIR)$(call column,3,$(row)))

# --- benchmarks
BENCHES := $(patsubst tests/bench/%.c,$(B)/tool/bench/%,$(wildcard tests/bench/*.c))

BENCH_SHARED := $(patsubst %.c,$(B)/host/%.o,$(wildcard tests/bench/lib/*.c))
$(BENCHES): $(BENCH_SHARED)
$(BENCH_SHARED): | $(B)/include/bench/cost.skel.h

# What QEMU loads to count instructions in the x86 lab.
BENCH_PLUGIN := $(B)/tool/bench/count.so
$(BENCH_PLUGIN): tests/bench/qemu-plugin/count.c tests/lab/guest-x86/layout.h
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) $(C_FLAGS) $(CFLAGS) -fPIC -shared $< -o $@
QUICK ?=
BENCH ?=

.PHONY: bench
bench: $(B)/sdeitop $(BENCHES) $(BENCH_PLUGIN)
	@scripts/setup bench || echo "make bench: goes on without them" >&2
	$(Q)QUICK=$(QUICK) tests/bench/run $(BENCH)

# The tables and plots of docs/performance.md, from the last run.
.PHONY: bench-docs
bench-docs:
	$(Q)cp $(B)/bench/bench.json docs/bench.json
	$(Q)tests/bench/plot

# --- say what is missing before a compiler does
.PHONY: need-host need-lab
need-host:
	@scripts/setup --check host
need-lab:
	@scripts/setup --check lab

# --- what people call
.PHONY: setup kernel run demo pictures demo-nmi test test-unit test-host test-lab test-long test-debug-kernel test-kernels clean help
setup:
	@scripts/setup

kernel: setup
	@scripts/kernel build tracepoints

run: setup
	@$(MAKE) --no-print-directory all lab
	@scripts/run $(or $(GUEST),$(ARCH))

# Installs no more than make needs: for a first look.
demo:
	@scripts/setup host
	@$(MAKE) --no-print-directory all
	@scripts/demo

# Those of README, of the recording in tests/data.
pictures: all
	@scripts/pictures

# A CPU of a Linux guest that hangs, the NMI that reaches it, and a panic.
demo-nmi: setup
	@$(MAKE) --no-print-directory all lab
	@scripts/demo-nmi

test test-unit test-host test-lab test-long test-debug-kernel test-kernels: setup
	@tests/run $(@:test-%=%)

# VMs and rewrites by the thousand, where the tests have them by the hundred; an hour of faults instead of a round.
.PHONY: soak
soak: kernel
	@$(MAKE) --no-print-directory all lab $(B)/unit/daemon/test_churn $(B)/unit/util/test_atomic_file
	@SDEI_CHURN=100000 SDEI_REWRITES=1000000 TMPDIR=/dev/shm tests/run $(B)/unit/daemon/test_churn $(B)/unit/util/test_atomic_file
	@SDEI_SOAK_S=3600 tests/run tests/daemon/test_faults.py
	@SDEI_SOAK=1000 tests/run tests/lab/test_soak.py

clean:
	rm -rf $(B)

help:
	@sed -n 's/^#? //p' $(firstword $(MAKEFILE_LIST))

#? make                    build sdeitop and sdeid for this host (build/); says what is missing
#? make run                install what is missing, build, show sdeitop live: on this host where
#?                         its kernel has the kvm_sdei_* tracepoints, else in the lab; ARCH=x86_64:
#?                         asynchronous page faults in the x86 lab; GUEST=linux: a stock Linux as
#?                         guest in the lab (its kernel is built first: some minutes, once)
#? make demo               install what make needs, build, replay a recording: a first look, without KVM and without
#?                         root where nothing is missing
#? make pictures           the pictures of README anew (tmux, chromium)
#? make demo-nmi           a Linux guest's CPU hangs with interrupts off, an NMI reaches it, the guest
#?                         panics: what sdeitop shows of it
#? make test               install what is missing, then every test but those of test-long, test-debug-kernel and test-kernels
#? make test-unit          unit tests only, plain and with sanitizers
#? make test-host          tests with real browsers, servers and readers only
#? make test-lab           lab tests only
#? make test-long          what would take make test too long: postcopy, kdump and suspend, the patched QEMU, bisecting
#? make test-debug-kernel  the SDEI tests on a kernel with lockdep and KASAN
#? make test-kernels       the tool on Debian's own kernels, from 6.1 to 7.3 (docs/kernels.md); the SDEI tests on
#?                         Linux 7.3 with the series, and on 6.12 as clang builds it with ThinLTO
#? make soak               sdeid for an hour with all that can go wrong, with many thousands of VMs that come and go, a text
#?                         file rewritten a million times
#? make fuzz SECONDS=60     any bytes as a recording, as an image of a model, for the commands, and from a daemon, so long each
#? make bench              what all of it costs, next to bpftrace, perf, trace-cmd, babeltrace2, which it installs
#?                         (root for that and for the live parts); BENCH=name: one of
#?                         tests/bench/README.md; QUICK=1: a short one
#? make bench-docs         its figures into docs/performance.md
#? make lab                build for the lab (build/arm64/bin, build/x86_64/bin)
#? make kernel             build the lab kernel (cached)
#? make setup              install what is missing (apt, root)
#? make check              unit tests but for those of the screen, plain; installs nothing: for packagers
#? make install            to PREFIX (/usr/local) below DESTDIR; uninstall leaves the configuration
#? make clean              remove build/ (the cache folder stays)
#? V=1                     show the commands

-include $(shell find $(B) -name '*.d' 2>/dev/null)
