// SPDX-License-Identifier: GPL-2.0-only
/* What doctor makes of what it has found: each lack alone, with its remedy. */
#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source/capability.h"

#define MIB (1ULL << 20)

/* A host on which everything works. */
static struct capability_facts *good(void)
{
	struct capability_facts *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->release, "6.12");
	for (int i = 0; i < PROBE_COUNT; i++) {
		f->probes.list[i].name = i < PROBE_TRACEPOINTS ? kind_of((unsigned int)i + 1)->probe : "other";
		f->probes.args[i] = 9;
	}
	f->sdei = f->iterator = f->probes.has_apf = f->probes.has_faults = true;
	f->tracing = f->functions = f->ringbuf = f->array_of_maps = f->charges_memory = 1;
	f->capabilities = ~0ULL;
	f->lockdown = LOCKDOWN_NONE;
	f->cpus = 64;
	f->ring_bytes = MIB;
	f->memlock = 8 * MIB;
	f->attached = f->wanted = 14;
	return f;
}

/* The one of that name; frees facts. */
static struct capability judge(struct capability_facts *f, const char *name)
{
	struct capability list[CAPABILITY_MAX];
	size_t count = capability_judge(f, list);

	free(f);
	assert_true(count <= CAPABILITY_MAX);
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i];
	fail_msg("no %s", name);
	return list[0];
}

static void test_good(void **state)
{
	struct capability_facts *f = good();
	struct capability list[CAPABILITY_MAX];
	size_t count = capability_judge(f, list);

	assert_true(count > 25);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(list[i].state, CAPABILITY_YES);
		assert_string_equal(list[i].remedy, "");
		assert_true(list[i].found[0] && list[i].gives[0]);
	}
	free(f);
}

static void test_kernel(void **state)
{
	struct capability_facts *f = good();
	struct capability c;

	f->btf = -ENOENT;
	c = judge(f, "btf");
	assert_true(c.state == CAPABILITY_NO && c.needed && strstr(c.remedy, "CONFIG_DEBUG_INFO_BTF"));
	f = good();
	f->btf = -ENOENT;
	c = judge(f, "kvm_sdei_signal");
	assert_true(c.state == CAPABILITY_NO && strstr(c.found, "without BTF"));
	f = good();
	f->kvm = -ENOENT;
	assert_non_null(strstr(judge(f, "kvm").remedy, "modprobe kvm"));
	f = good();
	f->kvm = -EACCES;	/* it is there, and only VMMs have to open it */
	assert_int_equal(judge(f, "kvm").state, CAPABILITY_YES);
}

/* Where it is a module its types are apart; nothing is said of what nobody can know. */
static void test_module(void **state)
{
	static const char *const of_kvm[] = { "sdei", "kvm_sdei_signal", "page-faults", "async-page-faults" };
	struct capability_facts *f = good();
	struct capability c;

	f->kvm_module = KVM_LOADED;
	c = judge(f, "kvm-btf");
	assert_true(c.state == CAPABILITY_YES && c.needed);
	f = good();
	f->kvm_module = KVM_LOADED;
	f->probes.module_btf = -EIO;
	c = judge(f, "kvm-btf");
	assert_true(c.state == CAPABILITY_NO && strstr(c.found, "/sys/kernel/btf/kvm: Input/output error") &&
		    strstr(c.remedy, "CONFIG_DEBUG_INFO_BTF_MODULES"));
	for (size_t i = 0; i < 2 * sizeof(of_kvm) / sizeof(of_kvm[0]); i++) {
		f = good();
		f->sdei = f->probes.has_apf = f->probes.has_faults = false;
		f->kvm_module = i % 2 ? KVM_LOADED : KVM_MISSING;
		f->probes.module_btf = i % 2 ? -EIO : 0;
		c = judge(f, of_kvm[i / 2]);
		assert_int_equal(c.state, CAPABILITY_NO);
		assert_non_null(strstr(c.found, i % 2 ? "without the types of the module kvm" : "as long as KVM is not loaded"));
		assert_string_equal(c.remedy, "what is missing above");
	}
}

static void test_tracepoint(void **state)
{
	struct capability_facts *f = good();
	struct capability c;

	probes_refuse(&f->probes, SDEI_MASK - 1, "it has 3 arguments, 4 are expected");
	c = judge(f, "kvm_sdei_mask");
	assert_true(c.state == CAPABILITY_NO && !c.needed && strstr(c.remedy, "tracepoints/README.md"));
	assert_string_equal(c.found, "it has 3 arguments, 4 are expected");
	assert_string_equal(judge(good(), "kvm_sdei_mask").found, "9 arguments, 4 are used");
}

/* On a kernel as it is these are there, where asynchronous ones are not. */
static void test_page_faults(void **state)
{
	struct capability_facts *f = good();
	struct capability c;

	f->probes.has_apf = false;
	assert_string_equal(judge(f, "page-faults").found, "all functions are there");
	f = good();
	probes_refuse(&f->probes, PROBE_APF_SWAP, "this kernel has no function do_swap_page()");
	c = judge(f, "page-faults");
	assert_int_equal(c.state, CAPABILITY_YES);
	assert_string_equal(c.found, "this kernel has no function do_swap_page()");
	f = good();
	f->probes.has_faults = false;
	c = judge(f, "page-faults");
	assert_true(c.state == CAPABILITY_NO && !c.needed && strstr(c.found, "kvm_handle_guest_abort"));
}

static void test_apf(void **state)
{
	struct capability_facts *f = good();
	struct capability c;

	assert_string_equal(judge(good(), "async-page-faults").found, "all functions are there");
	f->probes.has_apf = false;
	c = judge(f, "async-page-faults");
	assert_true(c.state == CAPABILITY_NO && !c.needed && strstr(c.remedy, "CONFIG_KVM_ASYNC_PF"));
	f = good();
	f->btf = -ENOENT;
	assert_int_equal(judge(f, "async-page-faults").state, CAPABILITY_NO);
	f = good();
	probes_refuse(&f->probes, PROBE_APF_PAGE, "this kernel has no function get_user_pages_remote()");
	c = judge(f, "async-page-faults");
	assert_int_equal(c.state, CAPABILITY_YES);	/* the others do */
	assert_string_equal(c.found, "this kernel has no function get_user_pages_remote()");
}

static void test_bpf(void **state)
{
	struct capability_facts *f = good();
	struct capability c;

	f->ringbuf = 0;
	c = judge(f, "bpf-ringbuf");
	assert_true(c.state == CAPABILITY_NO && strstr(c.remedy, "CONFIG_BPF_SYSCALL"));
	f = good();
	f->tracing = -EPERM;
	c = judge(f, "bpf-tracing");
	assert_true(c.state == CAPABILITY_UNKNOWN && strstr(c.remedy, "CAP_PERFMON"));
	f = good();
	f->functions = -EPERM;
	c = judge(f, "bpf-functions");
	assert_true(c.state == CAPABILITY_NO && !c.needed && strstr(c.found, "forbidden to this process"));
	assert_non_null(strstr(c.remedy, "no seccomp filter, no user namespace"));
	f = good();
	f->functions = f->tracing = -EPERM;
	assert_int_equal(judge(f, "bpf-functions").state, CAPABILITY_UNKNOWN);
}

static void test_privilege(void **state)
{
	struct capability_facts *f = good();
	struct capability c;

	f->capabilities = 1ULL << CAP_SYS_ADMIN;
	assert_int_equal(judge(f, "cap_bpf").state, CAPABILITY_YES);
	f = good();
	f->capabilities = 1ULL << CAP_BPF;
	c = judge(f, "cap_perfmon");
	assert_true(c.state == CAPABILITY_NO && c.needed && strstr(c.remedy, "cap_perfmon"));
	f = good();
	f->capabilities = 1ULL << CAP_BPF;
	assert_int_equal(judge(f, "cap_bpf").state, CAPABILITY_YES);
	f = good();
	f->capabilities = 1ULL << CAP_BPF | 1ULL << CAP_PERFMON;
	f->kvm_module = KVM_LOADED;
	c = judge(f, "cap_sys_admin");
	assert_true(c.state == CAPABILITY_NO && c.needed && strstr(c.remedy, "cap_bpf,cap_perfmon,cap_sys_admin"));
	f = good();
	f->user_namespace = true;
	assert_true(judge(f, "user-namespace").needed);
	f = good();
	f->lockdown = LOCKDOWN_CONFIDENTIALITY;
	c = judge(f, "lockdown");
	assert_true(c.state == CAPABILITY_NO && strstr(c.remedy, "integrity"));
	f = good();
	f->names = -ENOENT;
	assert_non_null(strstr(judge(f, "guest-names").remedy, "hidepid"));
	f = good();
	f->pid_namespace = true;
	c = judge(f, "guest-names");
	assert_true(c.state == CAPABILITY_NO && strstr(c.found, "pid namespace") && strstr(c.remedy, "hostPID"));
}

/* 64 MiB of rings where 8 may be locked. */
static void test_memory(void **state)
{
	struct capability_facts *f = good();
	struct capability c;

	f->charges_memory = 0;
	assert_int_equal(judge(f, "ring-memory").state, CAPABILITY_YES);	/* CAP_SYS_RESOURCE */
	f = good();
	f->charges_memory = 0;
	f->capabilities = 1ULL << CAP_BPF | 1ULL << CAP_PERFMON;
	c = judge(f, "ring-memory");
	assert_true(c.state == CAPABILITY_NO && strstr(c.found, "= 64.0 MiB; RLIMIT_MEMLOCK is 8.0 MiB"));
	assert_non_null(strstr(c.remedy, "ulimit -l 131072"));
	f = good();
	f->charges_memory = 0;
	f->capabilities = 0;
	f->memlock = UINT64_MAX;
	c = judge(f, "ring-memory");
	assert_true(c.state == CAPABILITY_YES && strstr(c.found, "no limit"));
}

static void test_trial(void **state)
{
	struct capability_facts *f = good();
	struct capability c;

	f->live.code = -EPERM;
	strcpy(f->live.text, "the kernel said no");
	c = judge(f, "live");
	assert_true(c.state == CAPABILITY_NO && c.needed);
	assert_string_equal(c.found, "the kernel said no");
}

/* Nothing is said of it where there is no such driver. */
static void test_client(void **state)
{
	struct capability_facts *f = good();
	struct capability list[CAPABILITY_MAX], c;
	size_t count = capability_judge(f, list);

	for (size_t i = 0; i < count; i++)
		assert_null(strstr(list[i].name, "client"));
	f->probes.has_client = true;
	c = judge(f, "sdei-client");
	assert_true(c.state == CAPABILITY_NO && !c.needed && strstr(c.remedy, "/firmware/sdei"));
	f = good();
	f->probes.has_client = f->client_bound = true;
	assert_int_equal(judge(f, "sdei-client").state, CAPABILITY_YES);
	f = good();
	f->probes.has_client = true;
	f->probes.list[PROBE_CLIENT_END_NMI].why_not = "it is not there";
	f->probes.missing[PROBE_CLIENT_END_NMI] = f->probes.missing[PROBE_CLIENT_SIGNAL] = true;
	c = judge(f, "client-functions");
	assert_true(c.state == CAPABILITY_YES && strstr(c.found, "none signals to other CPUs"));
	f = good();
	f->probes.has_client = true;
	f->probes.list[PROBE_CLIENT_HANDLER].why_not = "argument 2 is another one";
	c = judge(f, "client-functions");
	assert_int_equal(c.state, CAPABILITY_NO);
	assert_string_equal(c.found, "argument 2 is another one");
}

static struct capability_facts *having(size_t has)
{
	struct capability_facts *f = good();

	*(bool *)((char *)&f->probes + has) = true;
	return f;
}

/* Nothing is said of functions where the kernel has not even the first: has, a member of struct probes, says that. It lacks them if probe i is refused. */
static void check_set(const char *name, size_t has, int i)
{
	struct capability_facts *f = good();
	struct capability list[CAPABILITY_MAX];
	struct capability c;
	size_t count = capability_judge(f, list);

	for (size_t k = 0; k < count; k++)
		assert_string_not_equal(list[k].name, name);
	free(f);
	assert_int_equal(judge(having(has), name).state, CAPABILITY_YES);
	f = having(has);
	f->probes.list[i].why_not = "argument 2 is another one";
	c = judge(f, name);
	assert_true(c.state == CAPABILITY_NO && !c.needed);
	assert_string_equal(c.found, "argument 2 is another one");
}

static void test_gic(void **state)
{
	check_set("gic-restore", offsetof(struct probes, has_gic), PROBE_GIC_ITS_SET);
}

static void test_pages_of_user(void **state)
{
	check_set("user-page-faults", offsetof(struct probes, has_user), PROBE_USER_RING);
}

static void test_guest_calls(void **state)
{
	check_set("guest-calls", offsetof(struct probes, has_smccc), PROBE_SMCCC_TARGET);
	check_set("guest-counters", offsetof(struct probes, has_counter), PROBE_COUNTER_SET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_kernel), cmocka_unit_test(test_module), cmocka_unit_test(test_tracepoint),
		cmocka_unit_test(test_page_faults), cmocka_unit_test(test_pages_of_user),
		cmocka_unit_test(test_apf), cmocka_unit_test(test_bpf), cmocka_unit_test(test_privilege), cmocka_unit_test(test_memory),
		cmocka_unit_test(test_trial), cmocka_unit_test(test_client), cmocka_unit_test(test_gic), cmocka_unit_test(test_guest_calls),
	};

	return cmocka_run_group_tests_name("capability", tests, NULL, NULL);
}
