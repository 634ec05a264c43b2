// SPDX-License-Identifier: GPL-2.0-only
/* What handlers find in the registers and leave there, and what the VMM finds and may not write. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "rig.h"

#define PSTATE_DAIF 0x3c0ull
#define PSTATE_EL1H 0x5ull
#define PSTATE_EL1T 0x4ull
#define ON_SP_EL0 0x1ull		/* of `pattern` */
#define PSTATE_NZCV 0xf0000000ull
#define NR_APF_REGS 4
#define NR_SDEI_REGS (6 + 20 + 2 * NR_EVENTS)

/* registers across a dispatch ------------------------------------------------------ */

struct pattern_test {
	const char *name, *end;		/* how the handler ends */
	uint64_t flags;
	bool resumes;
};

static uint64_t pattern_value(unsigned int i)
{
	return (0xa500ull + i) << 48 | (0x1100 + i);
}

static uint64_t mode_of(uint64_t flags)
{
	return flags & ON_SP_EL0 ? PSTATE_EL1T : PSTATE_EL1H;
}

static int64_t inject_2(struct vcpu *vcpu, enum context which, const struct door *door)
{
	vcpu->injected[2]++;
	return vcpu_sdei_act(vcpu, KVM_ARM_VCPU_SDEI_INJECT, 2, 0);
}

/* The handler found event, argument, PC, PSTATE, zeroes, and beyond x17 what was interrupted. */
static void check_entry(const struct area *area, uint64_t flags)
{
	const struct frame *frame = &area->frames[2];
	char what[16];

	test_equal("x0", frame->x[0], 2);
	test_equal("x1", frame->x[1], AREA_OF(area->vcpu) + offsetof(struct area, frames) + 2 * sizeof(*frame));
	test_equal("x2, the interrupted PC,", frame->x[2], area->pattern[32]);
	test_equal("NZCV and DAIF of x3", frame->x[3] & (PSTATE_NZCV | PSTATE_DAIF), flags & ~ON_SP_EL0);
	test_equal("the mode of x3", frame->x[3] & 0x1f, mode_of(flags));
	for (unsigned int i = 4; i <= 24; i++) {
		snprintf(what, sizeof(what), "x%u", i);
		test_equal(what, frame->x[i], i < 18 ? 0 : pattern_value(i));
	}
	test_equal("NZCV, DAIF, EL and SP of the handler", frame->pstate, (flags & PSTATE_NZCV) | PSTATE_DAIF | PSTATE_EL1H);
}

static void check_left(const struct area *area, uint64_t flags)
{
	char what[16];

	for (unsigned int i = 0; i <= 24; i++) {
		snprintf(what, sizeof(what), "x%u afterwards", i);
		test_equal(what, area->pattern[i], pattern_value(i));
	}
	test_equal("NZCV, DAIF and SPSel afterwards", area->pattern[31], flags);
}

static void check_context_calls(struct rig *rig, const struct area *area)
{
	const struct log *log = &area->context[HANDLER].results;
	const int64_t *results = vm_memory(&rig->vm, log->base);

	test_equal("the number of EVENT_CONTEXT calls", log->count, 18);
	for (unsigned int i = 0; i < 18; i++)
		test_equal("EVENT_CONTEXT", results[i], pattern_value(i));
}

static void check_resume(const struct area *area, uint64_t flags)
{
	test_equal("ELR_EL1 at the resume address", area->resume_elr, area->pattern[32]);
	test_equal("NZCV, DAIF and mode of SPSR_EL1", area->resume_spsr & (PSTATE_NZCV | PSTATE_DAIF | 0x1f),
		   (flags & ~ON_SP_EL0) | mode_of(flags));
	test_equal("NZCV, DAIF, EL and SP at the resume address", area->resume_pstate,
		   (flags & PSTATE_NZCV) | PSTATE_DAIF | PSTATE_EL1H);
}

static void run_pattern(const struct pattern_test *test)
{
	struct rig rig = { .check = inject_2 };
	char text[1024] = "on all\nhandler 2\n";
	const struct area *area;

	for (int i = 0; i < 18; i++)
		sprintf(text + strlen(text), "context %d -> any\n", i);
	sprintf(text + strlen(text), "%s\nend\nregister 2\nenable 2\nunmask\npattern %#llx\nstate 2 RE---\n", test->end,
		(unsigned long long)test->flags);
	if (rig_do(&rig, text)) {
		area = rig.vm.vcpus[0].area;
		test_equal("handler runs", area->begun[2], 1);
		check_entry(area, test->flags);
		check_context_calls(&rig, area);
		check_left(area, test->flags);
		if (test->resumes)
			check_resume(area, test->flags);
	}
	rig_down(&rig);
}

static const struct pattern_test pattern_tests[] = {
	{ "registers/complete, interrupts masked", "complete", PSTATE_DAIF, false },
	{ "registers/complete, interrupts unmasked", "complete", 0, false },
	{ "registers/complete, flags set", "complete", PSTATE_NZCV | PSTATE_DAIF, false },
	{ "registers/complete as failed", "complete 1", PSTATE_DAIF, false },
	{ "registers/resume, interrupts masked", "resume", PSTATE_DAIF, true },
	{ "registers/resume, interrupts unmasked", "resume", 0, true },
	{ "registers/resume, flags set", "resume", PSTATE_NZCV | PSTATE_DAIF, true },
	{ "registers/complete, on SP_EL0", "complete", PSTATE_DAIF | ON_SP_EL0, false },
	{ "registers/resume, on SP_EL0", "resume", PSTATE_NZCV | ON_SP_EL0, true },
	{ "registers/resume by SMC", "resume by smc", PSTATE_DAIF, true },
};

/* Another PE signals while this one is at EL0. */
static void check_el0(const struct area *area, bool resumes)
{
	const struct frame *frame = &area->frames[0];

	test_equal("handler runs", area->begun[0], 1);
	test_equal("the mode of x3", frame->x[3] & 0x1f, 0);
	if (frame->x[2] < payload_symbol(PAYLOAD_EL0) || frame->x[2] >= payload_symbol(PAYLOAD_EL0 + 8))
		test_wrong("x2 is %#llx, not in the code at EL0", (unsigned long long)frame->x[2]);
	test_equal("DAIF, EL and SP of the handler", frame->pstate & ~PSTATE_NZCV, PSTATE_DAIF | PSTATE_EL1H);
	if (!resumes)
		return;
	test_equal("the mode of SPSR_EL1", area->resume_spsr & 0x1f, 0);
	test_equal("ELR_EL1", area->resume_elr, frame->x[2]);
	test_equal("DAIF, EL and SP at the resume address", area->resume_pstate & ~PSTATE_NZCV, PSTATE_DAIF | PSTATE_EL1H);
}

static void run_el0(bool resumes)
{
	struct rig rig = { .options = { .vcpus = 2 } };
	char text[200];

	snprintf(text, sizeof(text), "on 0\nhandler 0\n%s\nend\nregister 0\nenable 0\nunmask\non all\nbarrier\n"
		 "on 0\nel0 1s\nstate 0 RE---\non 1\nnap 50ms\nsignal 0 0\n", resumes ? "resume" : "complete");
	if (rig_do(&rig, text))
		check_el0(rig.vm.vcpus[0].area, resumes);
	rig_down(&rig);
}

static void test_el0_complete(void)
{
	run_el0(false);
}

static void test_el0_resume(void)
{
	run_el0(true);
}

/* PAN and DIT: in the handler as in that of an exception, afterwards as they were. ------------ */

#define PSTATE_PAN (1ull << 22)
#define PSTATE_DIT (1ull << 24)
#define SCTLR_SPAN (1ull << 23)
#define SCTLR_EL1 ARM64_SYS_REG(3, 0, 1, 0, 0)
#define ID_AA64PFR0_EL1 ARM64_SYS_REG(3, 0, 0, 4, 0)
#define ID_AA64MMFR1_EL1 ARM64_SYS_REG(3, 0, 0, 7, 1)

struct pan_dit_test {
	const char *name;
	bool span;			/* SCTLR_EL1.SPAN: PAN stays as it is */
	uint64_t before, handler;	/* PSTATE.PAN and DIT, if the CPU has both */
};

struct pan_dit {
	const struct pan_dit_test *test;
	uint64_t known;			/* which of both the CPU has */
	uint64_t handler, after;	/* as they were found */
};

static uint64_t pan_dit_of_cpu(struct vcpu *vcpu)
{
	bool pan = vcpu_read(vcpu, ID_AA64MMFR1_EL1) >> 20 & 0xf, dit = vcpu_read(vcpu, ID_AA64PFR0_EL1) >> 48 & 0xf;

	return (pan ? PSTATE_PAN : 0) | (dit ? PSTATE_DIT : 0);
}

static int64_t set_and_inject(struct vcpu *vcpu, const struct pan_dit *pan_dit)
{
	uint64_t sctlr = vcpu_read(vcpu, SCTLR_EL1) & ~SCTLR_SPAN;

	vcpu_set(vcpu, SCTLR_EL1, sctlr | (pan_dit->test->span ? SCTLR_SPAN : 0));
	vcpu_set(vcpu, CORE_REG(regs.pstate), vcpu_read(vcpu, CORE_REG(regs.pstate)) | (pan_dit->test->before & pan_dit->known));
	return inject_2(vcpu, MAIN, NULL);
}

/* At the first checkpoint, in the handler, and after it. */
static int64_t look_at_pan_dit(struct vcpu *vcpu, enum context which, const struct door *door)
{
	struct pan_dit *pan_dit = vcpu->vm->check_context;
	uint64_t found = vcpu_read(vcpu, CORE_REG(regs.pstate)) & (PSTATE_PAN | PSTATE_DIT);

	if (which == HANDLER)
		pan_dit->handler = found;
	else if (vcpu->injected[2])
		pan_dit->after = found;
	else
		return set_and_inject(vcpu, pan_dit);
	return 0;
}

static void run_pan_dit(const struct pan_dit_test *test)
{
	struct pan_dit pan_dit = { .test = test };
	struct rig rig = { .check = look_at_pan_dit, .context = &pan_dit };

	if (!rig_up(&rig))
		return;
	pan_dit.known = pan_dit_of_cpu(&rig.vm.vcpus[0]);
	if (rig_do(&rig, "on all\nhandler 2\ncheckpoint\nend\nregister 2\nenable 2\nunmask\ncheckpoint\nstate 2 RE---\n"
			 "checkpoint\npredict 2 dispatched=1 completed=1\n")) {
		test_equal("PAN and DIT of the handler", pan_dit.handler, test->handler & pan_dit.known);
		test_equal("PAN and DIT afterwards", pan_dit.after, test->before & pan_dit.known);
	}
	rig_down(&rig);
}

static const struct pan_dit_test pan_dit_tests[] = {
	{ "registers/PAN and DIT, clear", true, 0, 0 },
	{ "registers/PAN and DIT, set", true, PSTATE_PAN | PSTATE_DIT, PSTATE_PAN | PSTATE_DIT },
	{ "registers/PAN and DIT, PAN set on entry", false, 0, PSTATE_PAN },
};

/* what the VMM sees -------------------------------------------------------------------- */

static uint64_t sdei_regs[NR_SDEI_REGS];

/* Every listed register, ascending. */
static void name_registers(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < 6; i++)
		sdei_regs[n++] = SDEI_REG(i);
	for (unsigned int i = 0; i < 20; i++)
		sdei_regs[n++] = SDEI_CONTEXT_X(i);
	for (unsigned int i = 0; i < 2 * NR_EVENTS; i++)
		sdei_regs[n++] = SDEI_HANDLER_ADDR(0) + i;
}

static struct kvm_reg_list *get_list(struct vcpu *vcpu)
{
	struct kvm_reg_list probe = { .n = 0 }, *list;

	ioctl(vcpu->fd, KVM_GET_REG_LIST, &probe);
	list = calloc(1, sizeof(*list) + probe.n * sizeof(list->reg[0]));
	if (!list)
		abort();
	list->n = probe.n;
	if (ioctl(vcpu->fd, KVM_GET_REG_LIST, list))
		test_wrong("KVM_GET_REG_LIST: %s", strerror(errno));
	return list;
}

static bool is_ours(uint64_t id)
{
	uint64_t kind = id & (KVM_REG_ARCH_MASK | KVM_REG_ARM_COPROC_MASK);

	return kind == (KVM_REG_ARM64 | KVM_REG_ARM_SDEI) || kind == (KVM_REG_ARM64 | KVM_REG_ARM_APF);
}

static unsigned int listed(const struct kvm_reg_list *list, uint64_t id)
{
	unsigned int n = 0;

	for (uint64_t i = 0; i < list->n; i++)
		n += list->reg[i] == id;
	return n;
}

static void test_list(void)
{
	struct rig rig = { 0 };
	struct kvm_reg_list *list;
	unsigned int ours = 0;

	if (!rig_up(&rig))
		return;
	list = get_list(&rig.vm.vcpus[0]);
	for (unsigned int i = 0; i < NR_SDEI_REGS; i++)
		if (listed(list, sdei_regs[i]) != 1)
			test_wrong("register %#llx is listed %u times", (unsigned long long)sdei_regs[i], listed(list, sdei_regs[i]));
	for (uint64_t i = 0; i < list->n; i++)
		ours += is_ours(list->reg[i]);
	test_equal("registers of SDEI and page faults in the list", ours, NR_SDEI_REGS + NR_APF_REGS);
	free(list);
	rig_down(&rig);
}

static void test_fresh(void)
{
	struct rig rig = { 0 };
	uint64_t value;

	if (!rig_up(&rig))
		return;
	for (unsigned int i = 0; i < NR_SDEI_REGS; i++) {
		if (vcpu_get(&rig.vm.vcpus[0], sdei_regs[i], &value))
			test_wrong("register %#llx cannot be read", (unsigned long long)sdei_regs[i]);
		test_equal("a fresh vCPU's register", value, sdei_regs[i] == SDEI_EVENTS ? (1 << NR_EVENTS) - 1 : sdei_regs[i] == SDEI_PE_MASKED);
	}
	rig_down(&rig);
}

static void test_unknown(void)
{
	static const uint64_t ids[] = { SDEI_REG(0x200), SDEI_REG(0x201), SDEI_REG(0x006), SDEI_REG(0x00f), SDEI_REG(0x024),
					SDEI_HANDLER_ADDR(NR_EVENTS), SDEI_REG(0xfff) };
	struct rig rig = { 0 };
	uint64_t value;

	if (!rig_up(&rig))
		return;
	for (unsigned int i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		test_equal("reading a register that cannot be", -vcpu_get(&rig.vm.vcpus[0], ids[i], &value), ENOENT);
		test_equal("writing a register that is not", -vcpu_set(&rig.vm.vcpus[0], ids[i], 0), ENOENT);
	}
	rig_down(&rig);
}

/* A write, and what comes of it; EINVAL must change nothing at all. */
struct write {
	uint64_t id, value;
	int error;
};

static void read_all(struct vcpu *vcpu, uint64_t *values)
{
	for (unsigned int i = 0; i < NR_SDEI_REGS; i++)
		vcpu_get(vcpu, sdei_regs[i], &values[i]);
}

static void check_write(struct vcpu *vcpu, unsigned int n, const struct write *write)
{
	uint64_t before[NR_SDEI_REGS], after[NR_SDEI_REGS], value;
	int error;

	read_all(vcpu, before);
	error = -vcpu_set(vcpu, write->id, write->value);
	if (error != write->error)
		test_wrong("write %u, of %#llx to %#llx, answers %d (%s) instead of %d", n, (unsigned long long)write->value,
			   (unsigned long long)write->id, error, strerror(error), write->error);
	read_all(vcpu, after);
	if (error && memcmp(before, after, sizeof(before)))
		test_wrong("write %u was refused, but something changed", n);
	if (!error && !vcpu_get(vcpu, write->id, &value) && value != write->value)
		test_wrong("write %u is not read back", n);
}

static void run_writes(const struct write *writes, unsigned int nr)
{
	struct rig rig = { 0 };

	if (!rig_up(&rig))
		return;
	for (unsigned int i = 0; i < nr; i++)
		check_write(&rig.vm.vcpus[0], i, &writes[i]);
	rig_down(&rig);
}

static void test_refused_values(void)
{
	static const struct write writes[] = {
		{ SDEI_ENABLED, 1, EINVAL }, { SDEI_PENDING_BITS, 1, EINVAL },		/* of nothing registered */
		{ SDEI_REGISTERED, 0x10, EINVAL }, { SDEI_REGISTERED, 1ull << 63, EINVAL }, { SDEI_RUNNING, 0x10, EINVAL },
		{ SDEI_PE_MASKED, 2, EINVAL }, { SDEI_PE_MASKED, 1ull << 32, EINVAL },
		{ SDEI_REGISTERED, 0x7, 0 }, { SDEI_ENABLED, 0x3, 0 }, { SDEI_PENDING_BITS, 0x6, 0 },
		{ SDEI_ENABLED, 0x8, EINVAL }, { SDEI_ENABLED, 0xb, EINVAL }, { SDEI_PENDING_BITS, 0x8, EINVAL },
		{ SDEI_PENDING_BITS, 0x100000001, EINVAL },
		{ SDEI_RUNNING, 0x3, EINVAL }, { SDEI_RUNNING, 0xf, EINVAL }, { SDEI_RUNNING, 0x2, 0 },
		{ SDEI_RUNNING, 0x5, EINVAL }, { SDEI_RUNNING, 0x0, 0 },
		{ SDEI_RUNNING, 0x8, 0 },	/* running, not registered: unregister pending */
		{ SDEI_PENDING_BITS, 0xe, EINVAL }, { SDEI_RUNNING, 0, 0 },
		{ SDEI_CONTEXT_PSTATE, 0x9, EINVAL }, { SDEI_CONTEXT_PSTATE, 0xd, EINVAL }, { SDEI_CONTEXT_PSTATE, 0x8, EINVAL },
		{ SDEI_CONTEXT_PSTATE, 0x13, EINVAL }, { SDEI_CONTEXT_PSTATE, 0x1, EINVAL }, { SDEI_CONTEXT_PSTATE, 0x3c5, 0 },
		{ SDEI_HANDLER_ADDR(0), 2, EINVAL }, { SDEI_HANDLER_ADDR(0), 0x1001, EINVAL },
	};

	run_writes(writes, sizeof(writes) / sizeof(writes[0]));
}

static void test_read_back(void)
{
	static const struct write writes[] = {
		{ SDEI_REGISTERED, 0xf, 0 }, { SDEI_ENABLED, 0xa, 0 }, { SDEI_RUNNING, 0x4, 0 }, { SDEI_PENDING_BITS, 0xd, 0 },
		{ SDEI_PE_MASKED, 0, 0 }, { SDEI_PE_MASKED, 1, 0 }, { SDEI_CONTEXT_X(0), ~0ull, 0 },
		{ SDEI_CONTEXT_X(17), 0x123456789abcdef0, 0 }, { SDEI_CONTEXT_PC, 0xffff800080000004, 0 },
		{ SDEI_CONTEXT_PSTATE, 0x3c5, 0 }, { SDEI_CONTEXT_PSTATE, 0x60000000, 0 }, { SDEI_HANDLER_ADDR(0), 0x40000000, 0 },
		{ SDEI_HANDLER_ARG(0), 0x1234567, 0 }, { SDEI_HANDLER_ADDR(3), 0xffff800080000008, 0 },
		{ SDEI_HANDLER_ARG(3), ~0ull, 0 },
	};

	run_writes(writes, sizeof(writes) / sizeof(writes[0]));
}

static void test_taking_away(void)
{
	struct rig rig = { 0 };
	struct sdei_state state;

	if (!rig_up(&rig))
		return;
	vcpu_set(&rig.vm.vcpus[0], SDEI_REGISTERED, 0xf);
	vcpu_set(&rig.vm.vcpus[0], SDEI_ENABLED, 0x7);
	vcpu_set(&rig.vm.vcpus[0], SDEI_PENDING_BITS, 0xd);
	test_equal("the answer", vcpu_set(&rig.vm.vcpus[0], SDEI_REGISTERED, 0x9), 0);
	state = vcpu_sdei(&rig.vm.vcpus[0]);
	test_equal("REGISTERED", state.registered, 0x9);
	test_equal("ENABLED", state.enabled, 0x1);
	test_equal("PENDING", state.pending, 0x9);
	rig_down(&rig);
}

/* offering SDEI or not ---------------------------------------------------------------------- */

static int has_attribute(struct vcpu *vcpu, uint64_t attribute)
{
	struct kvm_device_attr attr = { .group = KVM_ARM_VCPU_SDEI_CTRL, .attr = attribute };

	return ioctl(vcpu->fd, KVM_HAS_DEVICE_ATTR, &attr) ? errno : 0;
}

static void test_offered(void)
{
	struct rig rig = { 0 };

	if (!rig_up(&rig))
		return;
	test_equal("the SDEI bit of STD_BMAP", vcpu_read(&rig.vm.vcpus[0], KVM_REG_ARM_STD_BMAP) >> 1 & 1, 1);
	test_equal("having INJECT", has_attribute(&rig.vm.vcpus[0], KVM_ARM_VCPU_SDEI_INJECT), 0);
	test_equal("having CANCEL", has_attribute(&rig.vm.vcpus[0], KVM_ARM_VCPU_SDEI_CANCEL), 0);
	test_equal("having what comes after", has_attribute(&rig.vm.vcpus[0], KVM_ARM_VCPU_SDEI_CANCEL + 1), ENXIO);
	rig_down(&rig);
}

/* A VM that knows fewer events, as one that comes from a host with fewer. */
static void test_events(void)
{
	struct rig rig = { .options = { .vcpus = 2 } };
	struct vcpu *vcpu;

	if (!rig_up(&rig))
		return;
	vcpu = &rig.vm.vcpus[0];
	test_equal("an event that is not", -vcpu_set(vcpu, SDEI_EVENTS, 0x1f), EINVAL);
	test_equal("without event 0", -vcpu_set(vcpu, SDEI_EVENTS, 0xe), EINVAL);
	test_equal("without one that is registered", vcpu_set(vcpu, SDEI_REGISTERED, 8) ?: -vcpu_set(vcpu, SDEI_EVENTS, 7), EINVAL);
	test_equal("with it", vcpu_set(vcpu, SDEI_REGISTERED, 0) ?: vcpu_set(vcpu, SDEI_EVENTS, 7), 0);
	test_equal("the other vCPU's register", vcpu_read(&rig.vm.vcpus[1], SDEI_EVENTS), 7);
	test_equal("registering one that is unknown now", -vcpu_set(&rig.vm.vcpus[1], SDEI_REGISTERED, 8), EINVAL);
	test_equal("injecting it", -vcpu_sdei_act(vcpu, KVM_ARM_VCPU_SDEI_INJECT, 3, 0), EINVAL);
	if (!rig_do(&rig, "on all\nregister 2\ncall EVENT_REGISTER 3 0x40000000 0 0 0 -> INVALID_PARAMETERS\n"
			  "info 3 0 -> INVALID_PARAMETERS\nstatus 2 -> 1\n"))
		return;
	test_equal("the same, once the VM has run", vcpu_set(vcpu, SDEI_EVENTS, 7), 0);
	test_equal("another, once the VM has run", -vcpu_set(vcpu, SDEI_EVENTS, 0xf), EBUSY);
	rig_down(&rig);
}

static void test_not_offered(void)
{
	struct rig rig = { .options = { .without_sdei = true } };
	char text[2048] = "on all\n";
	struct kvm_reg_list *list;
	uint64_t value;

	for (unsigned int id = 0xc4000020; id < 0xc4000033; id++)
		sprintf(text + strlen(text), "call %#x -> NOT_SUPPORTED\ncall %#x -> NOT_SUPPORTED by smc\n", id, id);
	if (!rig_do(&rig, text))
		return;
	test_equal("the SDEI bit of STD_BMAP", vcpu_read(&rig.vm.vcpus[0], KVM_REG_ARM_STD_BMAP) >> 1 & 1, 0);
	test_equal("INJECT", -vcpu_sdei_act(&rig.vm.vcpus[0], KVM_ARM_VCPU_SDEI_INJECT, 0, 0), ENXIO);
	test_equal("having CANCEL", has_attribute(&rig.vm.vcpus[0], KVM_ARM_VCPU_SDEI_CANCEL), ENXIO);
	for (unsigned int i = 0; i < NR_SDEI_REGS; i++)
		test_equal("reading a register", -vcpu_get(&rig.vm.vcpus[0], sdei_regs[i], &value), ENOENT);
	list = get_list(&rig.vm.vcpus[0]);
	for (uint64_t i = 0; i < list->n; i++)
		if (is_ours(list->reg[i]))
			test_wrong("register %#llx is listed", (unsigned long long)list->reg[i]);
	free(list);
	rig_down(&rig);
}

static void test_fixed_once_run(void)
{
	struct rig rig = { 0 };
	uint64_t services;

	if (!rig_do(&rig, "on all\nversion\n"))
		return;
	services = vcpu_read(&rig.vm.vcpus[0], KVM_REG_ARM_STD_BMAP);
	test_equal("clearing the SDEI bit of a vCPU that has run",
		   -vcpu_set(&rig.vm.vcpus[0], KVM_REG_ARM_STD_BMAP, services & ~2ull), EBUSY);
	rig_down(&rig);
}

static void test_version(void)
{
	struct rig rig = { 0 };

	if (!rig_do(&rig, "on all\nversion\n"))
		return;
	test_equal("SDEI_VERSION", rig.vm.vcpus[0].area->context[MAIN].last_result, 1ull << 48 | 1ull << 32 | 0xb66fb428);
	rig_down(&rig);
}

static void test_inject_flags(void)
{
	struct rig rig = { 0 };

	if (!rig_up(&rig))
		return;
	test_equal("INJECT with bit 1", -vcpu_sdei_act(&rig.vm.vcpus[0], KVM_ARM_VCPU_SDEI_INJECT, 2, 2), EINVAL);
	test_equal("CANCEL with bit 0", -vcpu_sdei_act(&rig.vm.vcpus[0], KVM_ARM_VCPU_SDEI_CANCEL, 2, 1), EINVAL);
	test_equal("INJECT of nothing registered", -vcpu_sdei_act(&rig.vm.vcpus[0], KVM_ARM_VCPU_SDEI_INJECT, 2, 0), ENOENT);
	rig_down(&rig);
}

/* A vCPU that is created, but not initialised, has no MPIDR yet: it must not be taken for the one whose is 0. */
static void test_uninitialised(void)
{
	struct rig rig = { .options = { .without_gic = true } };
	int fd;

	if (!rig_up(&rig))
		return;
	fd = ioctl(rig.vm.fd, KVM_CREATE_VCPU, 1);
	if (fd < 0)
		test_wrong("KVM_CREATE_VCPU: %s", strerror(errno));
	rig_do(&rig, "on all\nregister 0\nenable 0\nunmask\nsignal 0 self\nstate 0 RE---\npredict 0 signals=1 dispatched=1\n");
	close(fd);
	rig_down(&rig);
}

/* Events 0 and 1 become pending at once, as if the one had come between the injection of the other and the guest's entry. */
static int64_t make_pending(struct vcpu *vcpu, enum context which, const struct door *door)
{
	vcpu->injected[0]++;
	vcpu->injected[1]++;
	return vcpu_set(vcpu, SDEI_PENDING_BITS, 3);
}

static void test_page_fault_first(void)
{
	struct rig rig = { .check = make_pending };

	rig_do(&rig, "on all\nhandler 0\nstate 1 RE--\nend\nhandler 1\nstate 0 RE-P\nend\nregister 0 1\nenable 0 1\nunmask\n"
		     "checkpoint\nstate 0 RE--\npredict 0 dispatched=1\npredict 1 dispatched=1\n");
	rig_down(&rig);
}

static const struct test tests[] = {
	{ "migration/signals between reading and writing back", test_written_back },
	{ "lookup/a vCPU that is not initialised", test_uninitialised }, { "order/a page fault goes first", test_page_fault_first },
	{ "registers/complete, EL0 interrupted", test_el0_complete }, { "registers/resume, EL0 interrupted", test_el0_resume },
	{ "api/offered", test_offered }, { "api/EVENTS", test_events }, { "api/version", test_version }, { "api/STD_BMAP clear", test_not_offered },
	{ "api/STD_BMAP fixed once run", test_fixed_once_run }, { "api/register list", test_list },
	{ "api/a fresh vCPU's registers", test_fresh }, { "api/registers that are not", test_unknown },
	{ "api/refused values change nothing", test_refused_values }, { "api/values are read back", test_read_back },
	{ "api/REGISTERED takes enabled and pending away", test_taking_away },
	{ "api/INJECT and CANCEL flags", test_inject_flags },
};

void run_register_tests(void)
{
	name_registers();
	for (unsigned int i = 0; i < sizeof(pattern_tests) / sizeof(pattern_tests[0]); i++)
		if (test_wanted("%s", pattern_tests[i].name)) {
			run_pattern(&pattern_tests[i]);
			test_end();
		}
	for (unsigned int i = 0; i < sizeof(pan_dit_tests) / sizeof(pan_dit_tests[0]); i++)
		if (test_wanted("%s", pan_dit_tests[i].name)) {
			run_pan_dit(&pan_dit_tests[i]);
			test_end();
		}
	for (unsigned int i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (test_wanted("%s", tests[i].name)) {
			tests[i].run();
			test_end();
		}
}
