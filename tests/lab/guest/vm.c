// SPDX-License-Identifier: GPL-2.0-only
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define KICK SIGUSR1

/* Where each part of a vCPU's 64 MiB lies. */
#define AREA_OPS		0x10000
#define AREA_MAIN_STACK		0x48000
#define AREA_HANDLER_STACK	0x50000
#define AREA_TALLY(which)	(0x50000 + (which) * 0x4000)
#define AREA_AWAITED		0x58000
#define AREA_FAILURES		0x5a000
#define AREA_RESULTS(which)	(0x60000 + (which) * 0x10000)
#define AREA_CHANGES(which)	(0x80000 + (which) * 0x180000)
#define AREA_HANDLER_SENT	0x300000
#define AREA_RUNS		0x1000000
#define AREA_MAIN_SENT		0x2000000

extern const char payload_image[], payload_image_end[];

_Static_assert(AREA_FAILURES + PAGES_OF_VCPU * sizeof(struct failure) <= AREA_RESULTS(0), "the parts do not overlap");

void *vm_memory(struct vm *vm, uint64_t address)
{
	return vm->ram + (address - GUEST_RAM);
}

uint64_t payload_symbol(unsigned int offset)
{
	uint64_t address;

	memcpy(&address, payload_image + offset, sizeof(address));
	return address;
}

/* registers ---------------------------------------------------------------- */

int vcpu_get(struct vcpu *vcpu, uint64_t id, uint64_t *value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)value };

	*value = 0;
	return ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg) ? -errno : 0;
}

int vcpu_set(struct vcpu *vcpu, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	return ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg) ? -errno : 0;
}

int vcpu_sdei_act(struct vcpu *vcpu, uint64_t attribute, uint32_t event, uint32_t flags)
{
	struct kvm_arm_sdei_event act = { .event = event, .flags = flags };
	struct kvm_device_attr attr = { .group = KVM_ARM_VCPU_SDEI_CTRL, .attr = attribute, .addr = (uintptr_t)&act };

	return ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &attr) ? -errno : 0;
}

uint64_t vcpu_read(struct vcpu *vcpu, uint64_t id)
{
	uint64_t value;
	int err = vcpu_get(vcpu, id, &value);

	if (err) {
		complain("vCPU %u: cannot read register %#llx: %s", vcpu->id, (unsigned long long)id, strerror(-err));
		vcpu->vm->failed = true;
	}
	return value;
}

struct sdei_state vcpu_sdei(struct vcpu *vcpu)
{
	if (vcpu->vm->options.without_sdei)
		return (struct sdei_state){ .masked = 1 };
	return (struct sdei_state){
		.registered = vcpu_read(vcpu, SDEI_REGISTERED), .enabled = vcpu_read(vcpu, SDEI_ENABLED),
		.running = vcpu_read(vcpu, SDEI_RUNNING), .pending = vcpu_read(vcpu, SDEI_PENDING_BITS),
		.masked = vcpu_read(vcpu, SDEI_PE_MASKED),
	};
}

static void must_set(struct vcpu *vcpu, uint64_t id, uint64_t value)
{
	int err = vcpu_set(vcpu, id, value);

	if (err) {
		complain("vCPU %u: cannot set register %#llx: %s", vcpu->id, (unsigned long long)id, strerror(-err));
		vcpu->vm->failed = true;
	}
}

void vcpu_boot(struct vcpu *vcpu)
{
	must_set(vcpu, CORE_REG(regs.pc), GUEST_RAM);
	must_set(vcpu, CORE_REG(regs.regs[0]), AREA_OF(vcpu->id));
}

int vcpu_init(struct vcpu *vcpu)
{
	struct kvm_vcpu_init init;

	if (ioctl(vcpu->vm->fd, KVM_ARM_PREFERRED_TARGET, &init))
		return -errno;
	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	return ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &init) ? -errno : 0;
}

void vcpu_finish_exit(struct vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	ioctl(vcpu->fd, KVM_RUN, 0);
	vcpu->run->immediate_exit = 0;
}

/* what the VMM does to a vCPU, on its thread -------------------------------- */

static struct vmm_act *note_act(struct vcpu *vcpu, struct vmm_act act)
{
	if (vcpu->nr_acts == vcpu->act_capacity) {
		vcpu->act_capacity = vcpu->act_capacity ? vcpu->act_capacity * 2 : 64;
		vcpu->acts = realloc(vcpu->acts, vcpu->act_capacity * sizeof(*vcpu->acts));
		if (!vcpu->acts)
			abort();
	}
	vcpu->acts[vcpu->nr_acts] = act;
	return &vcpu->acts[vcpu->nr_acts++];
}

static int64_t do_act(struct vcpu *vcpu, const struct request *request, uint64_t attribute, uint32_t flags)
{
	struct vmm_act act = { .command = request->command, .event = request->event, .runs = vcpu->area->runs.count };

	act.before = clock_now_ns();
	act.error = vcpu_sdei_act(vcpu, attribute, request->event, flags);
	act.after = clock_now_ns();
	if (vcpu->vm->options.logging)
		note_act(vcpu, act);
	return act.error;
}

static int64_t do_inject(struct vcpu *vcpu, struct request *request)
{
	int64_t error = do_act(vcpu, request, KVM_ARM_VCPU_SDEI_INJECT, request->immediate ? KVM_ARM_SDEI_IMMEDIATE : 0);

	if (request->event < NR_EVENTS)
		(error ? vcpu->refused : vcpu->injected)[request->event]++;
	return error;
}

static int64_t do_cancel(struct vcpu *vcpu, struct request *request)
{
	int64_t error = do_act(vcpu, request, KVM_ARM_VCPU_SDEI_CANCEL, 0);

	if (!error)
		vcpu->cancelled[request->event]++;
	return error;
}

static int64_t do_peek(struct vcpu *vcpu, struct request *request)
{
	struct sdei_state state = vcpu_sdei(vcpu);

	return state.running << 32 | state.pending;
}

/* A reset is about to take pending and running events away: account for them. */
static int64_t do_note_reset(struct vcpu *vcpu, struct request *request)
{
	struct sdei_state state = vcpu_sdei(vcpu);

	for (int i = 0; i < NR_EVENTS; i++) {
		vcpu->cleared[i] += state.pending >> i & 1;
		vcpu->running_cleared[i] += state.running >> i & 1;
	}
	vcpu->area->registered = 0;
	vcpu->area->enabled = 0;
	vcpu->resets++;
	note_act(vcpu, (struct vmm_act){ .before = clock_now_ns(), .command = DOOR_RESET });
	return 0;
}

static int64_t do_reset(struct vcpu *vcpu, struct request *request)
{
	int err;

	vcpu_finish_exit(vcpu);
	do_note_reset(vcpu, request);
	err = vcpu_init(vcpu);
	vcpu->acts[vcpu->nr_acts - 1].after = clock_now_ns();
	vcpu_boot(vcpu);
	return err;
}

static int64_t (*const acts[])(struct vcpu *, struct request *) = {
	[DOOR_INJECT] = do_inject, [DOOR_CANCEL] = do_cancel, [DOOR_PEEK] = do_peek, [DOOR_RESET] = do_reset,
	[DOOR_NOTE_RESET] = do_note_reset,
};

/* Called with vm->lock held, which is dropped while the vCPU's registers are accessed. */
static void serve_requests(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct request *request;

	while ((request = vcpu->requests)) {
		vcpu->requests = request->next;
		pthread_mutex_unlock(&vm->lock);
		request->result = acts[request->command](vcpu, request);
		pthread_mutex_lock(&vm->lock);
		request->done = true;
		pthread_cond_broadcast(&vm->changed);
	}
}

void vcpu_kick(struct vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	if (vcpu->started)
		pthread_kill(vcpu->thread, KICK);
}

/* Has the target's thread do it; a vCPU's asking thread serves its own requests meanwhile, or two would wait for each other. */
static int64_t ask(struct vcpu *asking, struct vcpu *target, struct request *request)
{
	struct vm *vm = target->vm;

	if (target == asking)
		return acts[request->command](target, request);
	pthread_mutex_lock(&vm->lock);
	if (target->done) {
		pthread_mutex_unlock(&vm->lock);
		return acts[request->command](target, request);
	}
	request->next = target->requests;
	target->requests = request;
	vcpu_kick(target);
	pthread_cond_broadcast(&vm->changed);	/* it may stay outside of the guest */
	while (!request->done && !vm->abort) {
		if (asking)
			serve_requests(asking);
		if (!request->done)
			pthread_cond_wait(&vm->changed, &vm->lock);
	}
	pthread_mutex_unlock(&vm->lock);
	return request->result;
}

int64_t vcpu_inject(struct vcpu *asking, struct vcpu *target, uint32_t event)
{
	struct request request = { .command = DOOR_INJECT, .event = event };

	return ask(asking, target, &request);
}

/* CLOCK_REALTIME, as conditions take it. */
static struct timespec in_ns(uint64_t ns)
{
	struct timespec when;

	clock_gettime(CLOCK_REALTIME, &when);
	ns += when.tv_nsec;
	when.tv_sec += ns / 1000000000;
	when.tv_nsec = ns % 1000000000;
	return when;
}

bool vcpu_stay(struct vcpu *vcpu, bool (*done)(void *of), void *of, uint64_t ns)
{
	struct timespec until = in_ns(ns);
	struct vm *vm = vcpu->vm;
	bool is_done;
	int err = 0;

	pthread_mutex_lock(&vm->lock);
	while (!(is_done = done && done(of)) && !err && !vm->abort) {
		if (vcpu->requests)
			serve_requests(vcpu);
		else
			err = pthread_cond_timedwait(&vm->changed, &vm->lock, &until);
	}
	pthread_mutex_unlock(&vm->lock);
	return is_done;
}

void vm_tell(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
}

/* the doorbell --------------------------------------------------------------- */

static int64_t door_done(struct vcpu *vcpu, enum context which, struct door *door)
{
	pthread_mutex_lock(&vcpu->vm->lock);
	serve_requests(vcpu);
	vcpu->done = true;
	pthread_cond_broadcast(&vcpu->vm->changed);
	pthread_mutex_unlock(&vcpu->vm->lock);
	return 0;
}

static int64_t door_fault(struct vcpu *vcpu, enum context which, struct door *door)
{
	const uint64_t *f = vcpu->area->fault;

	complain("vCPU %u: the payload took an unexpected exception: vector %llu, ESR %#llx, ELR %#llx, FAR %#llx, LR %#llx; "
		 "look ELR up in build/arm64/guest/payload.elf", vcpu->id, (unsigned long long)f[4], (unsigned long long)f[0],
		 (unsigned long long)f[1], (unsigned long long)f[2], (unsigned long long)f[3]);
	vcpu->vm->failed = true;
	return door_done(vcpu, which, door);
}

static int64_t door_ask(struct vcpu *vcpu, enum context which, struct door *door)
{
	struct request request = { .command = door->command, .event = door->event, .immediate = door->immediate };

	if (door->target >= vcpu->vm->nr_vcpus)
		return -EINVAL;
	return ask(vcpu, &vcpu->vm->vcpus[door->target], &request);
}

static int64_t event_state(struct vcpu *vcpu, uint32_t event, bool with_mask)
{
	struct sdei_state state = vcpu_sdei(vcpu);

	return (state.registered >> event & 1) * STATE_REGISTERED | (state.enabled >> event & 1) * STATE_ENABLED |
	       (state.running >> event & 1) * STATE_RUNNING | (state.pending >> event & 1) * STATE_PENDING |
	       (with_mask && state.masked ? STATE_MASKED : 0);
}

static int64_t door_check(struct vcpu *vcpu, enum context which, struct door *door)
{
	if (door->immediate <= CHECK_STATE_AND_MASK)
		return event_state(vcpu, door->event, door->immediate == CHECK_STATE_AND_MASK);
	return vcpu->vm->check ? vcpu->vm->check(vcpu, which, door) : 0;
}

static int64_t door_away(struct vcpu *vcpu, enum context which, struct door *door)
{
	vcpu_stay(vcpu, NULL, NULL, door->value * (1e9 / clock_frequency()));
	return 0;
}

static int64_t (*const doors[])(struct vcpu *, enum context, struct door *) = {
	[DOOR_DONE] = door_done, [DOOR_FAULT] = door_fault, [DOOR_INJECT] = door_ask, [DOOR_CANCEL] = door_ask,
	[DOOR_PEEK] = door_ask, [DOOR_RESET] = door_ask, [DOOR_NOTE_RESET] = door_ask, [DOOR_CHECK] = door_check,
	[DOOR_AWAY] = door_away,
};

static void fail(struct vcpu *vcpu)
{
	vcpu->vm->failed = true;
	door_done(vcpu, MAIN, NULL);
}

static void exit_mmio(struct vcpu *vcpu)
{
	uint32_t which = *(uint32_t *)vcpu->run->mmio.data;
	struct door *door;

	if (vcpu->run->mmio.phys_addr != GUEST_DOORBELL || !vcpu->run->mmio.is_write || which >= NR_CONTEXTS) {
		complain("vCPU %u: the payload touched %#llx, where nothing is", vcpu->id,
			 (unsigned long long)vcpu->run->mmio.phys_addr);
		fail(vcpu);
		return;
	}
	door = &vcpu->area->context[which].door;
	if (door->command >= sizeof(doors) / sizeof(doors[0])) {
		complain("vCPU %u: the payload asks for %u, which means nothing", vcpu->id, door->command);
		fail(vcpu);
		return;
	}
	door->result = doors[door->command](vcpu, which, door);
}

static void exit_unknown(struct vcpu *vcpu)
{
	complain("vCPU %u: KVM_RUN ended with exit reason %u, which this VMM does not know", vcpu->id, vcpu->run->exit_reason);
	fail(vcpu);
}

/* A call of the guest that is left to its VMM, which knows none. */
static void exit_hypercall(struct vcpu *vcpu)
{
	must_set(vcpu, CORE_REG(regs.regs[0]), -1);	/* NOT_SUPPORTED */
}

static void take_exit(struct vcpu *vcpu)
{
	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_MMIO:
		exit_mmio(vcpu);
		break;
	case KVM_EXIT_HYPERCALL:
		exit_hypercall(vcpu);
		break;
	default:
		exit_unknown(vcpu);
	}
}

/* One KVM_RUN and what it leads to. */
static void run_once(struct vcpu *vcpu)
{
	if (!ioctl(vcpu->fd, KVM_RUN, 0)) {
		take_exit(vcpu);
	} else if (errno != EINTR && errno != EAGAIN) {
		complain("vCPU %u: KVM_RUN: %s", vcpu->id, strerror(errno));
		fail(vcpu);
	} else if (vcpu->vm->interrupted) {
		vcpu->vm->interrupted(vcpu);
	}
}

static void *vcpu_thread(void *argument)
{
	struct vcpu *vcpu = argument;
	struct vm *vm = vcpu->vm;

	while (!vcpu->done && !vm->abort) {
		run_once(vcpu);
		vcpu->run->immediate_exit = 0;
		pthread_mutex_lock(&vm->lock);
		serve_requests(vcpu);
		pthread_mutex_unlock(&vm->lock);
	}
	return NULL;
}

/* set-up --------------------------------------------------------------------- */

static int open_kvm(struct vm *vm)
{
	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0) {
		complain("cannot open /dev/kvm: %s; this needs an arm64 host with KVM and leave to use it "
			 "(scripts/lab exec -- sdei-guest … boots one)", strerror(errno));
		return -errno;
	}
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0) {
		complain("KVM_CREATE_VM: %s", strerror(errno));
		return -errno;
	}
	return 0;
}

static int check_sdei(struct vm *vm)
{
	uint64_t events;
	int err;

	if (vm->options.without_sdei)
		return 0;
	err = vcpu_get(&vm->vcpus[0], SDEI_EVENTS, &events);
	if (!err && events == (1 << NR_EVENTS) - 1)
		return 0;
	if (err)
		complain("the register of the SDEI events: %s: this kernel's KVM has no SDEI; boot one with the series of tracepoints/ "
			 "(scripts/lab does), or use --without-sdei", strerror(-err));
	else
		complain("this kernel's KVM has the SDEI events %#llx, not the %d of tracepoints/README.md: build sdei-guest for it",
			 (unsigned long long)events, NR_EVENTS);
	return -ENODEV;
}

/* Guests read the host's own virtual counter: one mapping to CLOCK_MONOTONIC serves all. */
static int share_counter(struct vm *vm)
{
	struct kvm_arm_counter_offset none = { 0 };

	if (!ioctl(vm->fd, KVM_ARM_SET_COUNTER_OFFSET, &none))
		return 0;
	complain("KVM_ARM_SET_COUNTER_OFFSET: %s; Linux 6.4 or later is needed to compare guest with host time", strerror(errno));
	return -errno;
}

static int map_ram(struct vm *vm)
{
	struct kvm_userspace_memory_region region = { .guest_phys_addr = GUEST_RAM };

	vm->ram_size = GUEST_AREAS - GUEST_RAM + (uint64_t)vm->nr_vcpus * AREA_STRIDE;
	vm->ram = mmap(NULL, vm->ram_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (vm->ram == MAP_FAILED) {
		vm->ram = NULL;
		complain("cannot map %llu MiB of guest memory: %s", (unsigned long long)vm->ram_size >> 20, strerror(errno));
		return -errno;
	}
	region.userspace_addr = (uintptr_t)vm->ram;
	region.memory_size = vm->ram_size;
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region)) {
		complain("KVM_SET_USER_MEMORY_REGION: %s", strerror(errno));
		return -errno;
	}
	return 0;
}

/* Device memory below GUEST_RAM, normal memory above. */
static void fill_table(struct vm *vm)
{
	uint64_t *table = vm_memory(vm, GUEST_TABLE);

	table[0] = 0x401 | 3ull << 53;
	for (uint64_t i = 1; i < 512; i++)
		table[i] = i << 30 | 0x705;
}

static void set_log(struct log *log, uint64_t base, uint64_t bytes, size_t entry)
{
	*log = (struct log){ .base = base, .capacity = bytes / entry };
}

static void fill_context(struct pcontext *context, uint64_t base, enum context which, unsigned int vcpu)
{
	context->tally = base + AREA_TALLY(which);
	context->random = 0x9e3779b97f4a7c15ull * (2 * vcpu + which + 1);
	set_log(&context->changes, base + AREA_CHANGES(which), which == MAIN ? 0x180000 : 0x100000, sizeof(struct change));
	set_log(&context->results, base + AREA_RESULTS(which), 0x10000, sizeof(int64_t));
}

static void fill_frame(struct frame *frame, uint64_t base, unsigned int event)
{
	frame->stack = base + AREA_HANDLER_STACK;
	frame->area = base;
	frame->event = event;
}

static void fill_area(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct area *area = vcpu->area;
	uint64_t base = AREA_OF(vcpu->id);

	area->stack = base + AREA_MAIN_STACK;
	area->vcpu = vcpu->id;
	area->nr_vcpus = vm->nr_vcpus;
	area->mpidr = vcpu->mpidr;
	area->frequency = clock_frequency();
	area->ops = base + AREA_OPS;
	area->gicr = vm->options.without_gic ? 0 : GUEST_GICR + vcpu->id * 0x20000;
	area->logging = vm->options.logging;
	area->awaited = base + AREA_AWAITED;
	area->pages.base = GUEST_PAGES + (uint64_t)vcpu->id * PAGES_OF_VCPU * PAGE_SIZE;
	area->pages.failures = base + AREA_FAILURES;
	set_log(&area->runs, base + AREA_RUNS, AREA_MAIN_SENT - AREA_RUNS, sizeof(struct run));
	for (unsigned int i = 0; i < NR_CONTEXTS; i++)
		fill_context(&area->context[i], base, i, vcpu->id);
	set_log(&area->context[MAIN].sent, base + AREA_MAIN_SENT, AREA_STRIDE - AREA_MAIN_SENT, sizeof(struct sent));
	set_log(&area->context[HANDLER].sent, base + AREA_HANDLER_SENT, AREA_RUNS - AREA_HANDLER_SENT, sizeof(struct sent));
	for (unsigned int i = 0; i < NR_EVENTS; i++)
		fill_frame(&area->frames[i], base, i);
}

void vm_rewind(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nr_vcpus; i++) {
		struct vcpu *vcpu = &vm->vcpus[i], old = *vcpu;

		free(old.acts);
		*vcpu = (struct vcpu){ .vm = vm, .id = i, .fd = old.fd, .run = old.run, .area = old.area, .mpidr = old.mpidr };
		memset(vcpu->area, 0, sizeof(*vcpu->area));
		memset(vm_memory(vm, AREA_OF(i) + AREA_TALLY(0)), 0, AREA_RESULTS(0) - AREA_TALLY(0));
		fill_area(vcpu);
	}
	vm_stop(vm, 0);
}

static int vcpu_create(struct vm *vm, struct vcpu *vcpu, unsigned int id)
{
	int size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	*vcpu = (struct vcpu){ .vm = vm, .id = id, .area = vm_memory(vm, AREA_OF(id)) };
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, id);
	if (vcpu->fd < 0) {
		complain("KVM_CREATE_VCPU %u: %s", id, strerror(errno));
		return -errno;
	}
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED || vcpu_init(vcpu)) {
		complain("cannot initialise vCPU %u: %s", id, strerror(errno));
		return -EIO;
	}
	vcpu->mpidr = vcpu_read(vcpu, REG_MPIDR_EL1) & 0xff00ffffffull;
	fill_area(vcpu);
	vcpu_boot(vcpu);
	return 0;
}

static int set_gic(struct vm *vm, uint32_t group, uint64_t attribute, void *value)
{
	struct kvm_device_attr attr = { .group = group, .attr = attribute, .addr = (uintptr_t)value };

	return ioctl(vm->gic, KVM_SET_DEVICE_ATTR, &attr);
}

int64_t vcpu_interrupt_lines(struct vcpu *vcpu)
{
	uint64_t level = VGIC_LEVEL_INFO_LINE_LEVEL << KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT;
	uint32_t lines;
	struct kvm_device_attr attr = { .group = KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, .addr = (uintptr_t)&lines,
		.attr = (vcpu->mpidr >> 32 << 24 | (vcpu->mpidr & 0xffffff)) << 32 | level };

	return ioctl(vcpu->vm->gic, KVM_GET_DEVICE_ATTR, &attr) ? -errno : (int64_t)lines;
}

static int create_gic(struct vm *vm)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	uint64_t distributor = GUEST_GICD, redistributors = GUEST_GICR;

	if (vm->options.without_gic)
		return 0;
	if (ioctl(vm->fd, KVM_CREATE_DEVICE, &device)) {
		complain("cannot create a vGICv3: %s; this needs a host with a GICv3", strerror(errno));
		return -errno;
	}
	vm->gic = device.fd;
	if (set_gic(vm, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &distributor) ||
	    set_gic(vm, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redistributors) ||
	    set_gic(vm, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL)) {
		complain("cannot set up the vGICv3: %s", strerror(errno));
		return -errno;
	}
	return 0;
}

/* The SDEI bit goes before any vCPU has run. A kernel that does not know the bit offers no SDEI anyway. */
static int hide_sdei(struct vm *vm)
{
	uint64_t services;

	if (!vm->options.without_sdei || vcpu_get(&vm->vcpus[0], KVM_REG_ARM_STD_BMAP, &services))
		return 0;
	return vcpu_set(&vm->vcpus[0], KVM_REG_ARM_STD_BMAP, services & ~(1ull << KVM_REG_ARM_STD_BIT_SDEI_V1_1));
}

/* From Linux 6.4 on. */
static int forward_calls(struct vm *vm)
{
	struct kvm_smccc_filter filter = { .base = SDEI_FIRST, .nr_functions = SDEI_NUMBERS, .action = KVM_SMCCC_FILTER_FWD_TO_USER };
	struct kvm_device_attr attr = { .group = KVM_ARM_VM_SMCCC_CTRL, .attr = KVM_ARM_VM_SMCCC_FILTER, .addr = (uintptr_t)&filter };

	if (!vm->options.forward || !ioctl(vm->fd, KVM_SET_DEVICE_ATTR, &attr))
		return 0;
	complain("KVM_ARM_VM_SMCCC_FILTER: %s", strerror(errno));
	return -errno;
}

static int create_vcpus(struct vm *vm)
{
	struct control *control = vm_memory(vm, GUEST_CONTROL);
	int err = 0;

	vm->vcpus = calloc(vm->nr_vcpus, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		return -ENOMEM;
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		vm->vcpus[i].fd = -1;
	control->nr_vcpus = vm->nr_vcpus;
	for (unsigned int i = 0; i < vm->nr_vcpus && !err; i++) {
		err = vcpu_create(vm, &vm->vcpus[i], i);
		control->mpidr[i] = vm->vcpus[i].mpidr;
	}
	return err;
}

static void load_payload(struct vm *vm)
{
	const struct vm_options *o = &vm->options;

	if (o->payload)
		memcpy(vm->ram, o->payload, o->payload_end - o->payload);
	else
		memcpy(vm->ram, payload_image, payload_image_end - payload_image);
	fill_table(vm);
}

int vm_create(struct vm *vm, const struct vm_options *options)
{
	int err;

	*vm = (struct vm){ .kvm = -1, .fd = -1, .gic = -1, .nr_vcpus = options->vcpus, .options = *options };
	pthread_mutex_init(&vm->lock, NULL);
	pthread_cond_init(&vm->changed, NULL);
	err = open_kvm(vm);
	err = err ?: share_counter(vm);
	err = err ?: map_ram(vm);
	if (!err)
		load_payload(vm);
	err = err ?: create_vcpus(vm);
	err = err ?: check_sdei(vm);
	err = err ?: create_gic(vm);
	err = err ?: hide_sdei(vm);
	err = err ?: forward_calls(vm);
	if (err || vm->failed)
		vm_destroy(vm);
	return err ?: vm->failed ? -EIO : 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void vm_destroy(struct vm *vm)
{
	int size = vm->kvm >= 0 ? ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0) : 0;

	for (unsigned int i = 0; vm->vcpus && i < vm->nr_vcpus; i++) {
		if (vm->vcpus[i].run && vm->vcpus[i].run != MAP_FAILED)
			munmap(vm->vcpus[i].run, size);
		close_fd(&vm->vcpus[i].fd);
		free(vm->vcpus[i].acts);
	}
	close_fd(&vm->gic);
	close_fd(&vm->fd);
	close_fd(&vm->kvm);
	if (vm->ram)
		munmap(vm->ram, vm->ram_size);
	free(vm->vcpus);
	vm->vcpus = NULL;
	vm->ram = NULL;
	pthread_cond_destroy(&vm->changed);
	pthread_mutex_destroy(&vm->lock);
}

/* running ---------------------------------------------------------------------- */

static void nothing(int number)
{
}

int vm_start(struct vm *vm)
{
	struct sigaction action = { .sa_handler = nothing };
	int err;

	sigaction(KICK, &action, NULL);
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		vm->vcpus[i].done = false;
	for (unsigned int i = 0; i < vm->nr_vcpus; i++) {
		err = pthread_create(&vm->vcpus[i].thread, NULL, vcpu_thread, &vm->vcpus[i]);
		if (err) {
			complain("cannot start the thread of vCPU %u: %s", i, strerror(err));
			vm_kill(vm);
			return -err;
		}
		vm->vcpus[i].started = true;
	}
	return 0;
}

static bool all_done(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		if (!vm->vcpus[i].done)
			return false;
	return true;
}

bool vm_wait(struct vm *vm, int milliseconds)
{
	struct timespec until = in_ns(milliseconds * 1000000ull);
	bool done;
	int err = 0;

	pthread_mutex_lock(&vm->lock);
	while (!(done = all_done(vm) || vm->failed) && !err)
		err = pthread_cond_timedwait(&vm->changed, &vm->lock, &until);
	pthread_mutex_unlock(&vm->lock);
	return done;
}

void vm_stop(struct vm *vm, unsigned int how)
{
	((struct control *)vm_memory(vm, GUEST_CONTROL))->stop = how;
}

void vm_kill(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	vm->abort = true;
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i].started)
			vcpu_kick(&vm->vcpus[i]);
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
	vm_join(vm);
}

void vm_join(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i].started)
			pthread_join(vm->vcpus[i].thread, NULL);
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		vm->vcpus[i].started = false;
}
