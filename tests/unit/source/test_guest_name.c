// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "source/cmdline.h"
#include "source/guest_name.h"
#include "source/privilege.h"

/* A command line as /proc shows it: in the literals here, '|' stands for the NUL behind each argument. */
static char *name_of(const char *cmdline, const char *comm, char uuid[GUEST_UUID_SIZE])
{
	size_t size = strlen(cmdline);
	char *copy = malloc(size + 1), *name;

	memcpy(copy, cmdline, size + 1);
	for (size_t i = 0; i < size; i++)
		if (copy[i] == '|')
			copy[i] = '\0';
	name = guest_name_from(copy, size, comm, uuid);
	free(copy);
	return name;
}

static void expect(const char *cmdline, const char *comm, const char *expected)
{
	char *name = name_of(cmdline, comm, NULL);

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

/* As the tools that start them write their command lines. */
static void test_vmms(void **state)
{
	const char *clh = "cloud-hyperviso";

	expect("/usr/bin/cloud-hypervisor|--api-socket|/run/libvirt/ch/web-socket|", clh, "web");
	expect("cloud-hypervisor|--api-socket=path=/run/vc/vm/4f2a/clh-api.sock|--kernel|/k|", clh, "4f2a");
	expect("cloud-hypervisor|--api-socket|/tmp/db.sock|", clh, "db");
	expect("cloud-hypervisor|--api-socket|fd=7|", clh, clh);
	expect("cloud-hypervisor|--api-socket|clh-api.sock|", clh, clh);
	expect("cloud-hypervisor|--api-socket|/|", clh, clh);
	expect("cloud-hypervisor|--platform|num_pci_segments=2,uuid=12-34|", clh, "12-34");
	expect("crosvm|run|--name|box|-s|/run/x.sock|", "crosvm", "box");
	expect("lkvm|run|-k|bzImage|-n|web|", "lkvm", "web");
	expect("/usr/bin/lkvm|run|--name|web|", "lkvm", "web");
	expect("editor|-n|web|", "editor", "editor");
	expect("firecracker|--id|4f2a|--start-time-us|7|--api-sock|/run/firecracker.socket|", "firecracker", "4f2a");
	expect("/usr/bin/qemu-system-x86_64|-name|sandbox-4f2a,debug-threads=on|-uuid|12-34|", "qemu-system-x86", "sandbox-4f2a");
	expect("/usr/bin/qemu-system-x86_64|-name|guest=web,debug-threads=on|-S|-uuid|12-34|", "qemu-system-x86", "web");
	expect("/usr/bin/containerd-shim-kata-v2|-namespace|k8s.io|-id|4f2a|", "containerd-shim", "4f2a");
}

/* Of several that there are, the one that the header has first. */
static void test_precedence(void **state)
{
	expect("web|-M|virt|", "qemu-system-aar", "web");	/* exec -a web */
	expect("web|--kernel|/k|", "cloud-hyperviso", "web");
	expect("/a/web|-uuid|12-34|", "qemu-system-aar", "web");
	expect("web|-uuid|12-34|-name|db|", "qemu-system-aar", "db");
	expect("qemu-system-aarch64|-uuid|12-34|", "qemu-system-aar", "12-34");
	expect("qemu-system-aarch64|-uuid|", "qemu-system-aar", "qemu-system-aar");
	expect("/bin/sh|start.sh|", "start.sh", "start.sh");
	expect("|", "qemu-system-aar", "qemu-system-aar");
}

/* --- the UUID */

static void expect_uuid(const char *cmdline, const char *comm, const char *expected)
{
	char uuid[GUEST_UUID_SIZE] = "of the one before";
	char *name = name_of(cmdline, comm, uuid);

	assert_string_equal(uuid, expected);
	free(name);
}

static void test_uuid(void **state)
{
	const char *uuid = "0d3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d42";

	expect_uuid("qemu|-name|guest=web|-uuid|0d3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d42|", "qemu", uuid);
	expect_uuid("qemu|-uuid|0D3C7F5A-94E1-4B0E-8A55-2F6F0C9B1D42|-name|web|", "qemu", uuid);
	expect_uuid("cloud-hypervisor|--platform|num_pci_segments=2,uuid=0d3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d42|", "cloud-hyperviso", uuid);
	expect_uuid("qemu|-uuid|0d3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d42|", "qemu", uuid);	/* and its name */
	expect("qemu|-uuid|0d3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d42|", "qemu", uuid);
	expect_uuid("qemu|-name|web|", "qemu", "");
	expect_uuid("|", NULL, "");
}

/* What is none, from a command line that anybody may have written. */
static void test_no_uuid(void **state)
{
	expect_uuid("qemu|-uuid|12-34|", "qemu", "");
	expect_uuid("qemu|-uuid|0d3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d4|", "qemu", "");
	expect_uuid("qemu|-uuid|0d3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d422|", "qemu", "");
	expect_uuid("qemu|-uuid|0d3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d4g|", "qemu", "");
	expect_uuid("qemu|-uuid|0d3c7f5a94e1-4b0e--8a55-2f6f0c9b1d42|", "qemu", "");
	expect_uuid("qemu|-uuid|\"} 1\nkvm_sdei_up 0\n#0123456789abcdef01|", "qemu", "");
}

/* --- a folder that is /proc to guest_name_in() */

static char proc[] = "/tmp/sdeitop-proc-XXXXXX";

static void add_file(unsigned int pid, const char *name, const char *text, size_t size)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%u", proc, pid);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%u/%s", proc, pid, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fwrite(text, 1, size, file);
	fclose(file);
}

static void add_process(unsigned int pid, const char *comm)
{
	char status[64];

	snprintf(status, sizeof(status), "Name:\t%s\nTgid:\t%u\n", comm, pid);
	add_file(pid, "status", status, strlen(status));
	add_file(pid, "comm", comm, strlen(comm));
}

/* A process whose memory map is locked: nobody has its command line until something is written to the pipe. */
static int add_locked(unsigned int pid, const char *comm)
{
	char path[128];
	int fd;

	add_process(pid, comm);
	snprintf(path, sizeof(path), "%s/%u/cmdline", proc, pid);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void unlock(int fd, const char *cmdline, size_t size)
{
	assert_int_equal(write(fd, cmdline, size), size);
	close(fd);
}

/* By an empty one: to open a pipe takes two. */
static void replace_file(unsigned int pid, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%u/%s", proc, pid, name);
	assert_int_equal(unlink(path), 0);
	add_file(pid, name, "", 0);
}

static void expect_in_proc(unsigned int pid, const char *expected)
{
	char *name = guest_name_in(proc, pid, NULL);

	assert_string_equal(name, expected);
	free(name);
}

static void expect_late(uint32_t expected_pid, const char *expected, const char *expected_uuid)
{
	char uuid[GUEST_UUID_SIZE], *name;
	uint32_t pid = 0;

	while (!(name = guest_name_late(&pid, uuid)))
		sched_yield();
	assert_string_equal(uuid, expected_uuid);
	assert_int_equal(pid, expected_pid);
	assert_string_equal(name, expected);
	free(name);
}

static int make_proc(void **state)
{
	return mkdtemp(proc) ? 0 : -1;
}

static int remove_proc(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", proc);
	return system(command);
}

/* Whoever asks goes on without the answer, which comes later. */
static void test_locked_process(void **state)
{
	int locked = add_locked(7, "qemu\n");
	uint32_t pid;

	expect_in_proc(7, "qemu");
	expect_in_proc(7, "qemu");	/* no second one waits for the same */
	assert_null(guest_name_late(&pid, NULL));
	assert_false(guest_name_is_sure(7));
	assert_true(guest_name_is_sure(8));
	add_process(8, "qemu\n");
	add_file(8, "cmdline", "qemu\0-name\0db\0", 14);
	expect_in_proc(8, "db");
	unlock(locked, "qemu\0-name\0web\0-uuid\0" "0d3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d42\0", 58);
	while (!guest_name_is_sure(7))
		sched_yield();
	replace_file(7, "cmdline");
	expect_in_proc(7, "web");	/* also before anybody has taken it */
	expect_late(7, "web", "0d3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d42");
	assert_null(guest_name_late(&pid, NULL));
	expect_in_proc(9, "-");
}

static void start_at(unsigned int pid, unsigned int ticks)
{
	char stat[128];

	snprintf(stat, sizeof(stat), "%u (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %u 0 0\n", pid, ticks);
	add_file(pid, "stat", stat, strlen(stat));
}

/* One that has ended has no command line any more, until its parent has taken note; the next one with its pid is another one. */
static void test_ended_process(void **state)
{
	add_process(20, "qemu\n");
	start_at(20, 5000);
	add_file(20, "cmdline", "qemu\0-name\0web\0", 15);
	expect_in_proc(20, "web");
	add_file(20, "cmdline", "", 0);
	expect_in_proc(20, "web");
	start_at(20, 6000);
	expect_in_proc(20, "qemu");
}

/* With as many as may be late, the next one is named without a look. */
static void test_many_locked(void **state)
{
	int locked[CMDLINE_READERS];
	uint32_t pid;
	char *name;

	for (int i = 0; i < CMDLINE_READERS; i++) {
		locked[i] = add_locked(100 + i, "qemu\n");
		expect_in_proc(100 + i, "qemu");
	}
	expect_in_proc(8, "qemu");
	for (int i = 0; i < CMDLINE_READERS; i++)
		unlock(locked[i], "qemu\0-name\0web\0", 15);
	for (int i = 0; i < CMDLINE_READERS; i++) {
		while (!(name = guest_name_late(&pid, NULL)))
			sched_yield();
		assert_in_range(pid, 100, 100 + CMDLINE_READERS - 1);
		assert_string_equal(name, "web");
		free(name);
	}
	expect_in_proc(8, "db");
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
	name = guest_name_from(cmdline, size, "qemu", NULL);
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
	char cmdline[96], uuid[GUEST_UUID_SIZE], *name;
	size_t size;

	srand(7);
	for (int round = 0; round < 200000; round++) {
		size = rand() % sizeof(cmdline);
		for (size_t i = 0; i < size; i++)
			cmdline[i] = alphabet[rand() % (sizeof(alphabet) - 1)];
		if (size > 11 && round % 2)
			memcpy(cmdline, "qemu\0-name", 11);
		name = guest_name_from(cmdline, size, "x", uuid);
		assert_non_null(name);
		assert_in_range(strlen(name), 1, 255);
		assert_string_equal(uuid, "");
		free(name);
	}
}

static void test_processes(void **state)
{
	char *name = guest_name(getpid(), NULL);

	assert_string_equal(name, privilege_sees_host_pids() ? "test_guest_name" : "-");
	free(name);
	name = guest_name(UINT32_MAX, NULL);
	assert_string_equal(name, "-");
	free(name);
}

#define NO_NAMESPACE 77

static int name_is_unknown(void)
{
	char *name = guest_name(1, NULL);
	int status = strcmp(name, "-") != 0;

	free(name);
	return status;
}

/* In a process of its own: no further one can be started once the first of a namespace has ended. */
static int look_from_namespace(void)
{
	int status = -1;
	pid_t child;

	if (unshare(CLONE_NEWPID))
		return NO_NAMESPACE;
	child = fork();
	if (!child)
		_exit(name_is_unknown());
	waitpid(child, &status, 0);
	return status ? 1 : 0;
}

/* Its pids are others: a name would be that of another process. */
static void test_pid_namespace(void **state)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(look_from_namespace());
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACE)
		skip();
	assert_int_equal(status, 0);
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
		cmocka_unit_test(test_vmms),
		cmocka_unit_test(test_precedence), cmocka_unit_test(test_uuid), cmocka_unit_test(test_no_uuid),
		cmocka_unit_test(test_locked_process),
		cmocka_unit_test(test_ended_process),
		cmocka_unit_test(test_many_locked),
		cmocka_unit_test(test_pid_namespace),
	};

	return cmocka_run_group_tests(tests, make_proc, remove_proc);
}
