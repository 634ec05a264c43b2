# SPDX-License-Identifier: GPL-2.0-only
# apf-guest: the payload (a bare-metal program) is built into the test VMM. What its VMM has in common with that of arm64
# is in tests/lab/guest.
APF_DIR := tests/lab/guest-x86
APF_OUT := $(B)/x86_64/guest
APF_PAYLOAD := $(wildcard $(APF_DIR)/payload/*.[Sc])
APF_SRCS := $(wildcard $(APF_DIR)/*.c) tests/lab/guest/clock.c tests/lab/guest/say.c

APF_PAYLOAD_FLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -ffreestanding -nostdlib -static \
	-mgeneral-regs-only -mno-red-zone -fcf-protection=none -fno-pic -fno-pie -no-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -Wl,--build-id=none -Wl,-T,$(APF_DIR)/payload/payload.lds

$(APF_OUT)/payload.elf: $(APF_PAYLOAD) $(APF_DIR)/layout.h $(APF_DIR)/payload/payload.lds
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(CC) $(APF_PAYLOAD_FLAGS) $(APF_PAYLOAD) -o $@

$(APF_OUT)/payload.bin: $(APF_OUT)/payload.elf
	$(Q)objcopy -O binary $< $@

$(APF_OUT)/payload.o: $(APF_OUT)/payload.bin
	$(Q)printf '\t.section .rodata\n\t.balign 16\n\t.global payload_image, payload_image_end\npayload_image:\n\t.incbin "%s"\npayload_image_end:\n\t.section .note.GNU-stack, "", %%progbits\n' $< \
		| $(CC) -x assembler -c - -o $@

$(B)/x86_64/bin/apf-guest: $(APF_SRCS:%.c=$(B)/x86_64/%.o) $(APF_OUT)/payload.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -static $(LDFLAGS) $^ -o $@ -lpthread
