// SPDX-License-Identifier: GPL-2.0-only
#include "apf.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "apf_layout.h"
#include "clock.h"
#include "pager.h"
#include "say.h"
#include "truth.h"
#include "vm.h"

#define SLICE_MS 100
#define TIMEOUT_S 120
#define PAGE 4096ull
#define SLOT 1			/* of the pages, in KVM */
#define IN_FLIGHT 64		/* at most, per vCPU */
#define MOST_TOUCHES (APF_TOUCHES_SIZE / sizeof(struct touch))

extern const char payload_apf_image[], payload_apf_image_end[];

struct mode {
	const char *name, *about;
	enum apf_mode mode;
	unsigned int vcpus, tasks, pages, delay_us;
};

static const struct mode modes[] = {
	{ "park", "not present parks the task, another one runs; even tasks at EL0, odd ones at EL1", APF_PARK, 1, 4, 20, 2000 },
	{ "wait", "complete and wait for the page", APF_WAIT, 1, 2, 20, 2000 },
	{ "never-ack", "likewise, and the first page-ready interrupt is never acknowledged", APF_NEVER_ACK, 1, 1, 80, 1000 },
	{ "bare", "neither SDEI nor page faults of that kind are offered, as on any KVM: the vCPU waits for each page", APF_BARE, 1, 2, 20, 2000 },
	{ "off", "the guest does not ask for it: the vCPU waits for each page", APF_OFF, 1, 2, 20, 2000 },
	{ "masked", "the PE stays masked", APF_MASKED, 1, 2, 20, 500 },
	{ "no-handler", "event 1 is registered, but not enabled", APF_NO_HANDLER, 1, 2, 20, 500 },
	{ "user-only", "not asked for EL1's faults; every other page is touched at EL1", APF_USER_ONLY, 1, 2, 20, 2000 },
	{ "unread", "the handler leaves the fault in the data", APF_UNREAD, 1, 2, 20, 500 },
	{ "busy", "the handler touches a page that is not present, too", APF_BUSY, 1, 4, 10, 2000 },
	{ "signals", "odd vCPUs signal event 0 to the ones before all the time", APF_SIGNALS, 2, 4, 400, 500 },
	{ "full", "no page comes before one fault more than may be in flight", APF_FULL, 1, 70, 2, 0 },
	{ "irqs-off", "every other page is touched at EL1 with interrupts masked", APF_IRQS_OFF, 1, 2, 20, 2000 },
	{ "write-back", "the VMM reads the registers and writes them back while tasks are parked", APF_WRITE_BACK, 1, 4, 20, 20000 },
	{ "suspend", "the VMM suspends the vCPU while tasks are parked, and their pages come in", APF_SUSPEND, 1, 4, 20, 100000 },
	{ "restore", "the VMM restores the vCPU, as after a migration, while tasks are parked", APF_RESTORE, 1, 4, 20, 20000 },
	{ "restore-raised", "likewise, while a page-ready interrupt is raised", APF_RESTORE_RAISED, 1, 4, 20, 20000 },
	{ "forget", "the VMM forgets page-ready interrupts that are raised: nobody wakes these tasks", APF_FORGET, 1, 4, 20, 20000 },
	{ "disable", "switched off and on while tasks are parked", APF_DISABLE, 1, 4, 20, 20000 },
	{ "renew", "switched off and on after interrupts that were never acknowledged; parks from then on", APF_RENEW, 1, 2, 20, 1000 },
	{ "reset", "the vCPU is reset while tasks are parked", APF_RESET, 1, 4, 20, 20000 },
	{ "in-time", "pages come before the vCPU is back in the guest", APF_IN_TIME, 1, 2, 50, 0 },
	{ "no-access", "the guest's data is taken away", APF_NO_ACCESS, 1, 2, 20, 500 },
	{ "broken", "pages that nobody can bring in: KVM_RUN fails", APF_BROKEN, 1, 2, 1, 0 },
	{ "exit", "the VM ends with faults in flight", APF_EXIT, 1, 8, 1, 300000 },
	{ NULL },
};

struct test {
	struct apf_options options;
	const struct mode *mode;
	enum pager_shape shape;
	struct vm vm;
	struct pager *pager;
	void *memory;		/* the pages: the pager's, plain or broken ones */
	uint32_t pages;		/* of all vCPUs */
	unsigned int wrong;
};

static struct apf_vcpu *apf_of(struct vcpu *vcpu)
{
	return vm_memory(vcpu->vm, APF_OF(vcpu->id));
}

void apf_list(FILE *out)
{
	for (const struct mode *m = modes; m->name; m++)
		fprintf(out, "%-12s %s\n", m->name, m->about);
}

static const struct mode *find_mode(const char *name)
{
	const struct mode *m = modes;

	while (m->name && strcmp(m->name, name))
		m++;
	if (!m->name)
		complain("no mode '%s'; --apf list shows them", name);
	return m->name ? m : NULL;
}

/* A vCPU's pages: those of its tasks and one for each run of a handler. */
static uint32_t pages_per_vcpu(const struct apf_options *o)
{
	return o->tasks * o->pages * 2;
}

static int complete_options(struct test *test)
{
	struct apf_options *o = &test->options;

	test->mode = find_mode(o->mode);
	if (!test->mode)
		return -EINVAL;
	o->vcpus = o->vcpus ?: test->mode->vcpus;
	o->tasks = o->tasks ?: test->mode->tasks;
	o->pages = o->pages ?: test->mode->pages;
	o->delay_us = o->delay_us ?: test->mode->delay_us;
	if (o->tasks > APF_MAX_TASKS || o->tasks * (uint64_t)o->pages > MOST_TOUCHES) {
		complain("at most %u tasks and %zu touches of each vCPU", APF_MAX_TASKS, MOST_TOUCHES);
		return -EINVAL;
	}
	test->pages = o->vcpus * pages_per_vcpu(o);
	test->shape = o->shape ? pager_shape(o->shape) : PAGER_FIXED;
	if ((int)test->shape >= 0)
		return 0;
	complain("delays cannot be '%s': fixed, bimodal or tail", o->shape);
	return -EINVAL;
}

/* what the guest asks for, on its vCPU's thread ------------------------------------ */

/* Behind everything else that runs on CPU 0, where the pager and the workers are, too. */
static int64_t step_back(void)
{
	struct sched_param param = { 0 };
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (pthread_setaffinity_np(pthread_self(), sizeof(first), &first))
		return -EPERM;
	return -pthread_setschedparam(pthread_self(), SCHED_IDLE, &param);
}

/* With `fresh`, as if the vCPU had just come from another host. */
static int64_t write_registers(struct vcpu *vcpu, bool fresh)
{
	static const uint64_t ids[] = { APF_REG_PPI, APF_REG_CONTROL, APF_REG_OUTSTANDING, APF_REG_SEQUENCE };
	uint64_t values[4];
	int err = 0;

	for (int i = 0; i < 4; i++)
		values[i] = vcpu_read(vcpu, ids[i]);
	if (values[0] != APF_PPI || values[1] != (AREA_OF(vcpu->id) + APF_DATA) + 3 || values[2] > 1 || !values[3]) {
		complain("vCPU %u: the registers are %#" PRIx64 ", %#" PRIx64 ", %#" PRIx64 ", %#" PRIx64, vcpu->id, values[0],
			 values[1], values[2], values[3]);
		return -EINVAL;
	}
	if (fresh)
		err = vcpu_set(vcpu, APF_REG_CONTROL, 0);
	for (int i = 0; i < 4 && !err; i++)
		err = vcpu_set(vcpu, ids[i], values[i]);
	return err;
}

/* Wakes a suspended vCPU when all pages that were asked for have come, and have been seen to. */
static void *wake_up(void *argument)
{
	struct vcpu *vcpu = argument;
	const struct test *test = vcpu->vm->check_context;
	struct pager_counts counts;

	do {
		usleep(50000);
		counts = pager_counts(test->pager);
	} while (counts.served < counts.requests);
	usleep(50000);
	vcpu_kick(vcpu);
	return NULL;
}

static int set_mp_state(struct vcpu *vcpu, uint32_t value)
{
	struct kvm_mp_state state = { .mp_state = value };

	return ioctl(vcpu->fd, KVM_SET_MP_STATE, &state) ? -errno : 0;
}

/* Pages that come in are no reason to leave KVM_RUN. */
static int64_t suspend(struct vcpu *vcpu)
{
	pthread_t waker;
	int64_t err;
	int left;

	vcpu_finish_exit(vcpu);
	err = set_mp_state(vcpu, KVM_MP_STATE_SUSPENDED) ?: -pthread_create(&waker, NULL, wake_up, vcpu);
	if (err)
		return err;
	left = ioctl(vcpu->fd, KVM_RUN, 0);
	if (!left || errno != EINTR) {
		complain("vCPU %u: KVM_RUN of a suspended vCPU ends with %d, exit reason %u", vcpu->id, left, vcpu->run->exit_reason);
		err = -EILSEQ;
	}
	pthread_join(waker, NULL);
	vcpu->run->immediate_exit = 0;
	return err ?: set_mp_state(vcpu, KVM_MP_STATE_RUNNABLE);
}

static int64_t protect_data(struct vcpu *vcpu, int protection)
{
	return mprotect(vm_memory(vcpu->vm, AREA_OF(vcpu->id) + APF_DATA), PAGE, protection) ? -errno : 0;
}

/* The interrupt is raised, and what is acknowledged in the guest's stead is not raised any more. */
static int64_t forget(struct vcpu *vcpu)
{
	int64_t before = vcpu_interrupt_lines(vcpu), after;
	int err = vcpu_set(vcpu, APF_REG_OUTSTANDING, 0);

	after = vcpu_interrupt_lines(vcpu);
	if (err || before < 0 || after < 0 || !(before & 1 << APF_PPI) || after & 1 << APF_PPI) {
		complain("vCPU %u: a page-ready interrupt that is taken back: %d, lines %#" PRIx64 " before, %#" PRIx64 " after",
			 vcpu->id, err, before, after);
		return -EILSEQ;
	}
	return 0;
}

static int64_t serve_guest(struct vcpu *vcpu, enum context which, const struct door *door)
{
	struct test *test = vcpu->vm->check_context;

	switch (door->immediate) {
	case APF_DOOR_START:
		return test->mode->mode == APF_IN_TIME ? step_back() : 0;
	case APF_DOOR_RESTORE:
		return write_registers(vcpu, true);
	case APF_DOOR_WRITE_BACK:
		return write_registers(vcpu, false);
	case APF_DOOR_SUSPEND:
		return suspend(vcpu);
	case APF_DOOR_HIDE:
		return protect_data(vcpu, PROT_NONE);
	case APF_DOOR_SHOW:
		return protect_data(vcpu, PROT_READ | PROT_WRITE);
	case APF_DOOR_FORGET:
		return forget(vcpu);
	default:
		return -EINVAL;
	}
}

/* setting up ---------------------------------------------------------------------- */

/* A file of no length: whoever touches its pages gets SIGBUS. */
static int map_broken(struct test *test)
{
	int fd = memfd_create("broken", MFD_CLOEXEC);

	test->memory = mmap(NULL, test->pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (test->memory != MAP_FAILED)
		return 0;
	complain("cannot map pages that are not there: %s", strerror(errno));
	test->memory = NULL;
	return -errno;
}

/* What is there already stays: only the pages may go to swap, not the guest's tables, stacks and data. */
static int map_plain(struct test *test)
{
	size_t size = test->pages * PAGE;

	if (mlockall(MCL_CURRENT | MCL_ONFAULT)) {
		complain("mlockall: %s", strerror(errno));
		return -errno;
	}
	test->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (test->memory == MAP_FAILED) {
		test->memory = NULL;
		complain("cannot map %zu MiB: %s", size >> 20, strerror(errno));
		return -errno;
	}
	pager_fill(test->memory, test->pages);
	return 0;
}

static int map_late(struct test *test)
{
	struct pager_options options = { .pages = test->pages, .delay_us = test->options.delay_us, .shape = test->shape,
					 .urgent = test->mode->mode == APF_IN_TIME };

	if (test->mode->mode == APF_FULL)
		options.hold = test->options.vcpus * (IN_FLIGHT + 1);
	test->pager = pager_new(&options);
	if (!test->pager)
		return -EIO;
	test->memory = pager_memory(test->pager);
	return 0;
}

static int map_pages(struct test *test)
{
	if (test->mode->mode == APF_BROKEN)
		return map_broken(test);
	return test->options.plain ? map_plain(test) : map_late(test);
}

static int add_pages(struct test *test)
{
	struct kvm_userspace_memory_region region = { .slot = SLOT, .guest_phys_addr = GUEST_APF, .memory_size = test->pages * PAGE };
	uint64_t *table = vm_memory(&test->vm, GUEST_TABLE);
	int err = map_pages(test);

	if (err)
		return err;
	region.userspace_addr = (uintptr_t)test->memory;
	if (ioctl(test->vm.fd, KVM_SET_USER_MEMORY_REGION, &region)) {
		complain("KVM_SET_USER_MEMORY_REGION: %s", strerror(errno));
		return -errno;
	}
	table[GUEST_APF >> 30] = GUEST_APF | 0x745;		/* also for EL0 */
	table[GUEST_APF_EL1 >> 30] = GUEST_APF | 0x705;
	return 0;
}

static void fill_vcpu(struct test *test, struct vcpu *vcpu)
{
	struct apf_vcpu *v = apf_of(vcpu);
	uint64_t base = AREA_OF(vcpu->id);

	v->handler_sp = base + APF_HANDLER_STACK;
	v->mode = test->mode->mode;
	v->tasks = test->options.tasks;
	v->pages = test->options.pages;
	v->work = test->options.work;
	v->first_page = vcpu->id * pages_per_vcpu(&test->options);
	v->page_bytes = GUEST_APF;
	vcpu->area->stack = base + APF_SCHED_STACK;
	for (uint32_t i = 0; i < v->tasks; i++) {
		v->task[i].index = i;
		v->task[i].stack = base + APF_STACKS + (i + 1) * APF_STACK_SIZE;
	}
}

static int offer(struct vcpu *vcpu)
{
	int err = vcpu_set(vcpu, APF_REG_PPI, APF_PPI);

	if (err)
		complain("the page-ready interrupt cannot be chosen: %s; this kernel's KVM lacks asynchronous page faults (the series of "
			 "tracepoints/linux-*-apf)", strerror(-err));
	return err;
}

static int set_up(struct test *test)
{
	bool bare = test->mode->mode == APF_BARE;
	struct vm_options options = { .vcpus = test->options.vcpus, .payload = payload_apf_image, .payload_end = payload_apf_image_end,
				      .without_sdei = bare };
	int err = vm_create(&test->vm, &options);

	if (err)
		return err;
	test->vm.check = serve_guest;
	test->vm.check_context = test;
	err = add_pages(test);
	for (unsigned int i = 0; i < options.vcpus && !err; i++) {
		fill_vcpu(test, &test->vm.vcpus[i]);
		err = bare ? 0 : offer(&test->vm.vcpus[i]);
	}
	return err;
}

/* Works in flight keep the VM from going until their pages have come: first the VM, then the pager. */
static void tear_down(struct test *test)
{
	vm_destroy(&test->vm);
	if (test->pager)
		pager_free(test->pager);
	else if (test->memory)
		munmap(test->memory, test->pages * PAGE);
}

/* what has happened ----------------------------------------------------------------- */

static void expect(struct test *test, struct vcpu *vcpu, const char *what, uint64_t got, uint64_t want)
{
	if (got == want)
		return;
	test->wrong++;
	complain("vCPU %u: %s: %" PRIu64 ", not %" PRIu64, vcpu->id, what, got, want);
}

static bool has_tasks(const struct test *test, const struct vcpu *vcpu)
{
	return test->mode->mode != APF_SIGNALS || vcpu->id % 2 == 0;
}

/* Tasks that were parked and that nobody has woken: they were restarted, or are parked for good. */
static uint32_t never_woken(const struct test *test, const struct apf_vcpu *v)
{
	return test->mode->mode == APF_RESET || test->mode->mode == APF_EXIT ? v->abandoned : 0;
}

static void check_vcpu(struct test *test, struct vcpu *vcpu)
{
	const struct apf_vcpu *v = apf_of(vcpu);
	uint64_t touches = has_tasks(test, vcpu) && test->mode->mode != APF_EXIT ? v->tasks * (uint64_t)v->pages : 0;

	if (v->wrong) {
		test->wrong++;
		complain("vCPU %u: %u things went wrong in the guest, the first of kind %u (enum apf_wrong)", vcpu->id, v->wrong,
			 v->complaint);
	}
	expect(test, vcpu, "pages touched", v->nr_touches, touches);
	expect(test, vcpu, "tasks parked or made to wait", v->parks + v->waits, v->not_present);
	expect(test, vcpu, "tasks woken", v->woken, v->parks - never_woken(test, v));
	expect(test, vcpu, "wake-ups forgotten", v->lost, test->mode->mode == APF_FORGET ? APF_LOSSES : 0);
}

static void write_touch(const struct test *test, FILE *out, const struct touch *t)
{
	fprintf(out, "{\"page\":%u,\"task\":%u,\"el\":%u,\"told\":%u,\"token\":%u,\"parked\":%u,\"delay\":%" PRIu64 ",\"before\":%" PRIu64 ",\"not_present\":%" PRIu64
		",\"woken\":%" PRIu64 ",\"after\":%" PRIu64 "}", t->page, t->task, t->el, t->told, t->token, t->parked,
		test->pager ? pager_delay_ns(test->pager, t->page) : 0, clock_to_ns(t->before), clock_to_ns(t->not_present),
		clock_to_ns(t->woken), clock_to_ns(t->after));
}

static void write_touches(const struct test *test, FILE *out, struct vcpu *vcpu)
{
	const struct touch *touches = vm_memory(vcpu->vm, AREA_OF(vcpu->id) + APF_TOUCHES);
	const struct apf_vcpu *v = apf_of(vcpu);
	const char *separator = "\n";

	for (uint32_t i = 0; i < v->tasks * v->pages; i++) {
		if (!touches[i].before)
			continue;
		fputs(separator, out);
		write_touch(test, out, &touches[i]);
		separator = ",\n";
	}
}

static void write_vcpu(const struct test *test, FILE *out, struct vcpu *vcpu)
{
	const struct apf_vcpu *v = apf_of(vcpu);
	const struct { const char *name; uint32_t value; } counts[] = {
		{ "touches", v->nr_touches }, { "not_present", v->not_present }, { "parks", v->parks }, { "waits", v->waits },
		{ "handler_touches", v->handler_touches }, { "signalled", v->signalled }, { "sent", v->sent }, { "ready", v->ready },
		{ "wake_alls", v->wake_alls }, { "unknown", v->unknown }, { "woken", v->woken }, { "acks", v->acks },
		{ "boots", v->boots }, { "abandoned", v->abandoned }, { "lost", v->lost }, { "work", v->work_done }, { "work_parked", v->work_parked },
	};

	fprintf(out, "{\"vcpu\":%u", vcpu->id);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		fprintf(out, ",\"%s\":%u", counts[i].name, counts[i].value);
	fprintf(out, ",\"started\":%" PRIu64 ",\"ended\":%" PRIu64 ",\"pages\":[", clock_to_ns(v->started), clock_to_ns(v->ended));
	write_touches(test, out, vcpu);
	fputs("]}", out);
}

static void write_truth(struct test *test, FILE *out)
{
	struct pager_counts served = test->pager ? pager_counts(test->pager) : (struct pager_counts){ 0 };

	fprintf(out, "{\"vm\":%d,\"name\":", getpid());
	put_quoted(out, test->options.name);
	fprintf(out, ",\"mode\":\"%s\",\"plain\":%s,\"delay_ns\":%" PRIu64 ",\"clock\":{\"frequency_hz\":%" PRIu64 ",\"error_ns\":%" PRIu64 "},\n"
		"\"region\":%" PRIu64 ",\"requests\":%" PRIu64 ",\"served\":%" PRIu64 ",\n\"vcpus\":[", test->mode->name,
		test->options.plain ? "true" : "false", test->options.delay_us * 1000, clock_frequency(), clock_error_ns(), (uint64_t)GUEST_APF, served.requests, served.served);
	for (unsigned int i = 0; i < test->vm.nr_vcpus; i++) {
		fputs(i ? ",\n" : "", out);
		write_vcpu(test, out, &test->vm.vcpus[i]);
	}
	fputs("]}\n", out);
}

static void say_totals(struct test *test)
{
	uint64_t touches = 0, told = 0, parks = 0, ready = 0;

	for (unsigned int i = 0; i < test->vm.nr_vcpus; i++) {
		const struct apf_vcpu *v = apf_of(&test->vm.vcpus[i]);

		touches += v->nr_touches;
		told += v->not_present;
		parks += v->parks;
		ready += v->ready;
	}
	printf("%s: %u vCPU(s), %" PRIu64 " pages touched, %" PRIu64 " not present, %" PRIu64 " parks, %" PRIu64 " ready%s\n", test->mode->name,
	       test->vm.nr_vcpus, touches, told, parks, ready, test->wrong ? "; CONTRADICTED" : "");
}

/* running ----------------------------------------------------------------------------- */

static int run(struct test *test)
{
	uint64_t start = clock_now_ns(), patience = (test->options.timeout ?: TIMEOUT_S) * UINT64_C(1000000000);
	int err;

	clock_sample();
	err = vm_start(&test->vm);
	if (err)
		return err;
	while (!vm_wait(&test->vm, SLICE_MS)) {
		clock_sample();
		if (clock_now_ns() - start < patience)
			continue;
		complain("the guest does not come to its end: giving up");
		vm_kill(&test->vm);
		return -ETIMEDOUT;
	}
	if (test->vm.failed)
		vm_kill(&test->vm);
	vm_join(&test->vm);
	clock_sample();
	return test->vm.failed ? -EIO : 0;
}

/* Until stdin has a line. */
static void hold(void)
{
	int c;

	do
		c = getchar();
	while (c != '\n' && c != EOF);
}

static int run_and_tell(struct test *test, FILE *truth)
{
	int err;

	if (test->options.held)
		hold();
	err = run(test);
	if (err)
		return err;
	for (unsigned int i = 0; i < test->vm.nr_vcpus; i++)
		check_vcpu(test, &test->vm.vcpus[i]);
	if (truth)
		write_truth(test, truth);
	if (!test->options.quiet)
		say_totals(test);
	return test->wrong ? -EILSEQ : 0;
}

int apf_run(const struct apf_options *options, FILE *truth)
{
	struct test test = { .options = *options };
	int err = complete_options(&test);

	if (err)
		return err;
	err = set_up(&test) ?: run_and_tell(&test, truth);
	if (test.vm.vcpus)
		tear_down(&test);
	return err;
}
