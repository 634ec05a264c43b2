// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of QEMU that counts the instructions of an x86 machine with one CPU, those of its guests, too, and writes at each mark
 * (struct area's MARK_*) a line MARK INSTRUCTIONS. Argument: to=FILE.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../../lab/guest-x86/layout.h"

/* What this uses of QEMU's interface to plugins, version 1; its header is in no package. */
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { COUNT_UP = 0, NO_REGISTERS = 0 };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *instruction);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*translated)(uint64_t id, struct qemu_plugin_tb *block));
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *instruction, int operation, void *counter, uint64_t by);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *instruction, void (*executed)(unsigned int cpu, void *context), int flags,
					    void *context);

#define PUBLIC __attribute__((visibility("default")))
PUBLIC int qemu_plugin_version = 1;

static uint64_t instructions;
static FILE *out;

static void write_mark(unsigned int cpu, void *mark)
{
	fprintf(out, "%u %llu\n", (unsigned int)(uintptr_t)mark, (unsigned long long)instructions);
	fflush(out);
}

static bool is_mark(const struct qemu_plugin_insn *instruction, uint32_t *mark)
{
	static const uint8_t nop[] = { 0x0f, 0x1f, 0x80 };
	const uint8_t *bytes = qemu_plugin_insn_data(instruction);

	if (qemu_plugin_insn_size(instruction) != sizeof(nop) + sizeof(*mark) || memcmp(bytes, nop, sizeof(nop)) != 0)
		return false;
	memcpy(mark, bytes + sizeof(nop), sizeof(*mark));
	*mark -= MARK;
	return *mark <= MARK_END;
}

/* QEMU is about to run this block for the first time. */
static void count_in(uint64_t id, struct qemu_plugin_tb *block)
{
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
		struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
		uint32_t mark;

		qemu_plugin_register_vcpu_insn_exec_inline(instruction, COUNT_UP, &instructions, 1);
		if (is_mark(instruction, &mark))
			qemu_plugin_register_vcpu_insn_exec_cb(instruction, write_mark, NO_REGISTERS, (void *)(uintptr_t)mark);
	}
}

PUBLIC int qemu_plugin_install(uint64_t id, const void *machine, int count, char **arguments);
int qemu_plugin_install(uint64_t id, const void *machine, int count, char **arguments)
{
	if (count == 1 && strncmp(arguments[0], "to=", 3) == 0)
		out = fopen(arguments[0] + 3, "w");
	if (!out) {
		fprintf(stderr, "the plugin that counts instructions needs to=FILE, which it can write\n");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, count_in);
	return 0;
}
