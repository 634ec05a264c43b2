// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/guest_name.h"

/* A command line as /proc shows it: in the literals here, '|' stands for the NUL behind each argument. */
static char *name_of(const char *cmdline, const char *comm)
{
	size_t size = strlen(cmdline);
	char *copy = malloc(size + 1), *name;

	memcpy(copy, cmdline, size + 1);
	for (size_t i = 0; i < size; i++)
		if (copy[i] == '|')
			copy[i] = '\0';
	name = guest_name_from(copy, size, comm);
	free(copy);
	return name;
}

static void expect(const char *cmdline, const char *comm, const char *expected)
{
	char *name = name_of(cmdline, comm);

	assert_string_equal(name, expected);
	free(name);
}

static void test_qemu(void **state)
{
	expect("/usr/bin/qemu-system-aarch64|-name|web|-M|virt|", "qemu", "web");
	expect("qemu|-name|guest=web,debug-threads=on|", "qemu", "web");
	expect("qemu|-name|debug-threads=on,guest=web|", "qemu", "web");
	expect("qemu|--name|web,process=x|", "qemu", "web");
	expect("qemu|-name|process=x,guest=first,guest=last|", "qemu", "last");
	expect("qemu|-name|guest=a,,b,,,debug-threads=on|", "qemu", "a,b,");
	expect("qemu|-name|a,,b=c|", "qemu", "a,b=c");
	expect("qemu|-name|guest=a=b|", "qemu", "a=b");
}

static void test_others(void **state)
{
	expect("/opt/firecracker-1.7|--api-sock|/x|--id|vm7|", "fc", "vm7");
	expect("firecracker|--id=vm7|", "fc", "vm7");
	expect("crosvm|run|--name=box|", "crosvm", "box");
	expect("editor|--id|vm7|", "editor", "editor");
}

static void test_without_a_name(void **state)
{
	expect("", "kvm-nx\n", "kvm-nx");
	expect("", "", "-");
	expect("", NULL, "-");
	expect("vmm|", "vmm\n", "vmm");
	expect("qemu|-name|", "qemu", "qemu");
	expect("qemu|-name", "qemu", "qemu");
	expect("qemu|-name||", "qemu", "qemu");
	expect("qemu|-name|guest=|", "qemu", "qemu");
	expect("qemu|-name|debug-threads=on|", "qemu", "qemu");
	expect("qemu|-name|,guest|", "qemu", "qemu");
	expect("-name|-name|", "x", "x");
	expect("firecracker|--id|", "fc", "fc");
	expect("firecracker|--id=|", "fc", "fc");
	expect("/", "x", "x");
	expect("||||", "x", "x");
}

/* What is not text is handed on as it is: the views escape it. */
static void test_raw_bytes(void **state)
{
	expect("qemu|-name|\033[2J\xff\n\"|", "qemu", "\033[2J\xff\n\"");
}

static void expect_cut(const char *piece, size_t pieces, size_t expected)
{
	size_t line_size = strlen(piece), size = 11 + pieces * line_size;
	char *cmdline = malloc(size), *name;

	memcpy(cmdline, "qemu\0-name", 11);
	for (size_t i = 0; i < pieces; i++)
		memcpy(cmdline + 11 + i * line_size, piece, line_size);
	name = guest_name_from(cmdline, size, "qemu");
	assert_int_equal(strlen(name), expected);
	free(name);
	free(cmdline);
}

static void test_is_bounded(void **state)
{
	expect_cut("a", 255, 255);
	expect_cut("a", 256, 255);
	expect_cut("a", 100000, 255);
	expect_cut(",,", 100000, 255);
	expect_cut("\xc3\xa9", 200, 254);
	expect_cut("\xf0\x9f\x98\x80", 200, 252);
	expect_cut("\x80", 1000, 252);
}

static void test_random_bytes(void **state)
{
	static const char alphabet[] = "\0\0,,==-name guest=x--id\xff";
	char cmdline[96], *name;
	size_t size;

	srand(7);
	for (int round = 0; round < 200000; round++) {
		size = rand() % sizeof(cmdline);
		for (size_t i = 0; i < size; i++)
			cmdline[i] = alphabet[rand() % (sizeof(alphabet) - 1)];
		if (size > 11 && round % 2)
			memcpy(cmdline, "qemu\0-name", 11);
		name = guest_name_from(cmdline, size, "x");
		assert_non_null(name);
		assert_in_range(strlen(name), 1, 255);
		free(name);
	}
}

static void test_processes(void **state)
{
	char *name = guest_name(getpid());

	assert_string_equal(name, "test_guest_name");
	free(name);
	name = guest_name(UINT32_MAX);
	assert_string_equal(name, "-");
	free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_qemu),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_without_a_name),
		cmocka_unit_test(test_raw_bytes),
		cmocka_unit_test(test_is_bounded),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
