# SPDX-License-Identifier: GPL-2.0-only
# sdei-guest: the payload (a bare-metal program) and the scenario scripts are built into the test VMM.
CROSS ?= aarch64-linux-gnu-
B ?= build

GUEST_DIR := tests/lab/guest
GUEST_OUT := $(B)/arm64/guest
PAYLOAD_SRCS := $(wildcard $(GUEST_DIR)/payload/*.[Sc])
APF_SRCS := $(wildcard $(GUEST_DIR)/payload-apf/*.[Sc])
PAYLOAD_PARTS := $(GUEST_DIR)/layout.h $(wildcard $(GUEST_DIR)/payload/*.h) $(GUEST_DIR)/payload/payload.lds
SCENARIOS := $(sort $(wildcard $(GUEST_DIR)/scenarios/*.scn))

PAYLOAD_FLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -ffreestanding -fno-builtin -nostdlib -static \
	-mgeneral-regs-only -mstrict-align -fno-pic -fno-pie -no-pie -fno-stack-protector -fno-asynchronous-unwind-tables \
	-Wl,--build-id=none -Wl,-T,$(GUEST_DIR)/payload/payload.lds

$(GUEST_OUT)/payload.elf: $(PAYLOAD_SRCS) $(PAYLOAD_PARTS)
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(CROSS)gcc $(PAYLOAD_FLAGS) $(PAYLOAD_SRCS) -o $@

# That of --apf. Its tasks are interrupted anywhere: x18 is nobody's.
$(GUEST_OUT)/payload-apf.elf: $(APF_SRCS) $(GUEST_DIR)/apf_layout.h $(PAYLOAD_PARTS)
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(CROSS)gcc $(PAYLOAD_FLAGS) -ffixed-x18 $(APF_SRCS) -o $@

$(GUEST_OUT)/%.bin: $(GUEST_OUT)/%.elf
	$(Q)$(CROSS)objcopy -O binary $< $@

# The scripts as a table of (name, text), ended by a NULL name.
$(GUEST_OUT)/scenarios.S: $(SCENARIOS) $(GUEST_DIR)/guest.mk
	@mkdir -p $(@D)
	$(Q){ echo '	.section .rodata'; \
	for f in $(SCENARIOS); do n=$$(basename $$f .scn); l=$$(echo $$n | tr - _); \
		printf 'name_%s: .asciz "%s"\ntext_%s: .incbin "%s"\n\t.byte 0\n' $$l $$n $$l $$f; done; \
	printf '\t.section .data.rel.ro, "aw"\n\t.balign 8\n\t.global scenarios\nscenarios:\n'; \
	for f in $(SCENARIOS); do l=$$(basename $$f .scn | tr - _); printf '\t.quad name_%s, text_%s\n' $$l $$l; done; \
	printf '\t.quad 0, 0\n\t.section .rodata\n\t.global semantics_tests\nsemantics_tests: .incbin "%s"\n\t.byte 0\n' $(GUEST_DIR)/semantics.tests; \
	printf '\t.section .note.GNU-stack, "", %%progbits\n'; } >$@

$(GUEST_OUT)/scenarios.o: $(GUEST_OUT)/scenarios.S $(SCENARIOS) $(GUEST_DIR)/semantics.tests
	$(Q)$(CROSS)gcc -c $< -o $@

# NAME.bin as NAME_image and NAME_image_end, '-' being '_'.
$(GUEST_OUT)/payload.o $(GUEST_OUT)/payload-apf.o: %.o: %.bin
	$(Q)n=$$(basename $* | tr - _)_image; \
	printf '\t.section .rodata\n\t.balign 16\n\t.global %s, %s_end\n%s:\n\t.incbin "%s"\n%s_end:\n\t.section .note.GNU-stack, "", %%progbits\n' $$n $$n $$n $< $$n \
		| $(CROSS)gcc -x assembler -c - -o $@

GUEST_EXTRA += $(GUEST_OUT)/payload.o $(GUEST_OUT)/payload-apf.o $(GUEST_OUT)/scenarios.o
