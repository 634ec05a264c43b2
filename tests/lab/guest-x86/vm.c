// SPDX-License-Identifier: GPL-2.0-only
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../guest/say.h"
#include "userfault.h"

#define CPUID_ENTRIES 128

#define CR0_LONG_MODE	0x80000011ULL	/* paging, protected mode, extension type */
#define CR4_PAE		0x20
#define EFER_LONG_MODE	0x500		/* enabled and active */

#define TABLE_LINK	0x3		/* present, writable */
#define TABLE_2MIB	0x83

extern const char payload_image[], payload_image_end[];

static int fail(const char *what)
{
	int err = errno;

	complain("%s: %s", what, strerror(err));
	return err ? -err : -EIO;
}

/* --- memory */

static uint64_t *ram_at(struct vm *vm, uint64_t address)
{
	return (uint64_t *)(vm->ram + address);
}

/* The low 4 GiB as they are. */
static void write_tables(struct vm *vm)
{
	uint64_t *top = ram_at(vm, GUEST_TABLES), *pointers = ram_at(vm, GUEST_TABLES + 0x1000);
	uint64_t *entries = ram_at(vm, GUEST_TABLES + 0x2000);

	top[0] = (GUEST_TABLES + 0x1000) | TABLE_LINK;
	for (unsigned int i = 0; i < 4; i++)
		pointers[i] = (GUEST_TABLES + 0x2000 + i * 0x1000) | TABLE_LINK;
	for (uint64_t i = 0; i < 4 * 512; i++)
		entries[i] = i << 21 | TABLE_2MIB;
}

static void write_gdt(struct vm *vm)
{
	uint64_t *gdt = ram_at(vm, GUEST_GDT);

	gdt[CODE_SELECTOR / 8] = 0x00af9a000000ffff;
	gdt[DATA_SELECTOR / 8] = 0x00cf92000000ffff;
}

static int add_memory(struct vm *vm, unsigned int slot, uint64_t address, void *memory, size_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .guest_phys_addr = address, .memory_size = size, .userspace_addr = (uintptr_t)memory,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) ? fail("cannot give the VM memory") : 0;
}

static uint8_t *reserve(size_t size, int flags)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* RAM is there from the start: only what is paged gives faults that take long. */
static int create_memory(struct vm *vm)
{
	int err;

	vm->paged_size = vm->options.vcpus * PAGED_SIZE;
	vm->ram = reserve(GUEST_RAM_SIZE, MAP_POPULATE);
	vm->paged = reserve(vm->paged_size, vm->options.present ? MAP_POPULATE : MAP_NORESERVE);
	if (!vm->ram || !vm->paged)
		return fail("cannot allocate guest memory");
	write_tables(vm);
	write_gdt(vm);
	memcpy(vm->ram + GUEST_PAYLOAD, payload_image, payload_image_end - payload_image);
	err = add_memory(vm, 0, 0, vm->ram, GUEST_RAM_SIZE);
	return err ?: add_memory(vm, 1, GUEST_PAGED, vm->paged, vm->paged_size);
}

/* --- vCPUs */

/* All that KVM can do: x2APIC among it. */
static int set_cpuid(struct vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + CPUID_ENTRIES * sizeof(cpuid->entries[0]));
	int err = -ENOMEM;

	if (!cpuid)
		return err;
	cpuid->nent = CPUID_ENTRIES;
	err = ioctl(vcpu->vm->kvm, KVM_GET_SUPPORTED_CPUID, cpuid) || ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid) ?
	      fail("cannot set CPUID") : 0;
	free(cpuid);
	return err;
}

static int set_registers(struct vcpu *vcpu)
{
	const struct kvm_segment code = {
		.limit = 0xffffffff, .selector = CODE_SELECTOR, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1,
	};
	const struct kvm_segment rest = {
		.limit = 0xffffffff, .selector = DATA_SELECTOR, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1,
	};
	struct kvm_regs regs = {
		.rip = GUEST_PAYLOAD, .rflags = 2, .rsp = AREA_OF(vcpu->id) + AREA_STACKS + (IDLE + 1) * STACK_SIZE,
	};
	struct kvm_sregs s;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &s))
		return fail("cannot read the vCPU's registers");
	s.cs = code;
	s.ss = s.ds = s.es = s.fs = s.gs = rest;
	s.gs.base = AREA_OF(vcpu->id);
	s.gdt = (struct kvm_dtable){ .base = GUEST_GDT, .limit = 3 * 8 - 1 };
	s.cr0 = CR0_LONG_MODE;
	s.cr3 = GUEST_TABLES;
	s.cr4 = CR4_PAE;
	s.efer |= EFER_LONG_MODE;
	return ioctl(vcpu->fd, KVM_SET_SREGS, &s) || ioctl(vcpu->fd, KVM_SET_REGS, &regs) ?
	       fail("cannot set the vCPU's registers") : 0;
}

static void fill_area(struct vcpu *vcpu)
{
	const struct vm_options *o = &vcpu->vm->options;

	*vcpu->area = (struct area){
		.self = (struct area *)AREA_OF(vcpu->id), .mode = o->mode, .tasks = o->tasks, .pages = o->pages, .work = o->work,
		.exits = o->exits, .computes = o->computes, .first_gfn = PAGED_OF(vcpu->id) >> 12,
	};
}

/* All but the first wait for a wakeup by that one otherwise. */
static int make_runnable(struct vcpu *vcpu)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };

	return ioctl(vcpu->fd, KVM_SET_MP_STATE, &state) ? fail("cannot make the vCPU run") : 0;
}

static int create_vcpu(struct vcpu *vcpu)
{
	int size = ioctl(vcpu->vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0), err;

	vcpu->area = (struct area *)(vcpu->vm->ram + AREA_OF(vcpu->id));
	fill_area(vcpu);
	vcpu->fd = ioctl(vcpu->vm->fd, KVM_CREATE_VCPU, vcpu->id);
	if (vcpu->fd < 0 || size < 0)
		return fail("cannot create a vCPU");
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		return fail("cannot map a vCPU");
	err = set_cpuid(vcpu);
	if (!err)
		err = set_registers(vcpu);
	return err ?: make_runnable(vcpu);
}

/* --- running */

/* Their next touch finds nothing again. */
static int take_pages_away(struct vcpu *vcpu)
{
	uint8_t *pages = vcpu->vm->paged + vcpu->id * PAGED_SIZE;

	return madvise(pages, PAGED_SIZE, MADV_DONTNEED) ? fail("cannot take pages away") : 0;
}

/* 0 if it is to go on, 1 if it has come to its end, -errno. */
static int end_pass(struct vcpu *vcpu)
{
	const struct vm_options *o = &vcpu->vm->options;

	vcpu->passes++;
	if (vcpu->passes == o->passes || __atomic_load_n(&vcpu->area->stop, __ATOMIC_RELAXED))
		return 1;
	return take_pages_away(vcpu);
}

static int answer(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	const uint64_t *unexpected = vcpu->area->unexpected;
	uint32_t said;

	if (run->exit_reason != KVM_EXIT_IO || run->io.port != PORT || run->io.size != sizeof(said)) {
		struct kvm_regs regs = { 0 };

		ioctl(vcpu->fd, KVM_GET_REGS, &regs);
		complain("vCPU %u: unexpected exit %u at %#llx", vcpu->id, run->exit_reason, regs.rip);
		return -EIO;
	}
	memcpy(&said, (const char *)run + run->io.data_offset, sizeof(said));
	if (said == SAYS_PASS)
		return end_pass(vcpu);
	complain("vCPU %u: unexpected exception %llu, error %#llx, RIP %#llx, CR2 %#llx", vcpu->id,
		 (unsigned long long)unexpected[0], (unsigned long long)unexpected[1], (unsigned long long)unexpected[2],
		 (unsigned long long)unexpected[3]);
	return -EIO;
}

/* KVM_RUN has failed. 0: try again. */
static int answer_failure(struct vcpu *vcpu)
{
	int failure = errno, err = -ENOENT;

	if (failure == EINTR)
		return 0;
	if (failure == EFAULT && vcpu->vm->userfault)
		err = userfault_answer(vcpu->vm->userfault, vcpu);
	if (err != -ENOENT)
		return err;
	errno = failure;
	return fail("cannot run a vCPU");
}

static void *run_vcpu(void *arg)
{
	struct vcpu *vcpu = arg;
	int err = 0;

	while (!err)
		err = ioctl(vcpu->fd, KVM_RUN, 0) ? answer_failure(vcpu) : answer(vcpu);
	if (err < 0)
		vcpu->vm->failed = true;
	__atomic_sub_fetch(&vcpu->vm->running, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

int vm_start(struct vm *vm)
{
	vm->running = vm->options.vcpus;
	for (unsigned int i = 0; i < vm->options.vcpus; i++) {
		errno = pthread_create(&vm->vcpus[i].thread, NULL, run_vcpu, &vm->vcpus[i]);
		if (errno)
			return fail("cannot start a thread");
		vm->vcpus[i].started = true;
	}
	return 0;
}

bool vm_is_done(const struct vm *vm)
{
	return vm->failed || !__atomic_load_n(&vm->running, __ATOMIC_SEQ_CST);
}

void vm_stop(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->options.vcpus; i++)
		__atomic_store_n(&vm->vcpus[i].area->stop, 1, __ATOMIC_RELAXED);
}

void vm_join(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->options.vcpus; i++)
		if (vm->vcpus[i].started)
			pthread_join(vm->vcpus[i].thread, NULL);
}

/* --- what it was */

uint64_t vcpu_host_ticks(const struct vcpu *vcpu, uint64_t ticks)
{
	uint64_t offset = 0;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = (uintptr_t)&offset,
	};

	if (!ticks)
		return 0;
	if (ioctl(vcpu->fd, KVM_GET_DEVICE_ATTR, &attr))
		fail("cannot read a vCPU's clock");
	return ticks - offset;
}

const struct touch *vcpu_touches(const struct vcpu *vcpu)
{
	return (const struct touch *)((const char *)vcpu->area + AREA_TOUCHES);
}

/* --- life */

static int create_vm(struct vm *vm)
{
	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		return fail("/dev/kvm");
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return fail("cannot create a VM");
	return ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) ? fail("cannot create an interrupt controller") : 0;
}

int vm_create(struct vm *vm, const struct vm_options *options)
{
	int err;

	*vm = (struct vm){ .options = *options };
	err = create_vm(vm);
	if (!err)
		err = create_memory(vm);
	for (unsigned int i = 0; i < options->vcpus && !err; i++) {
		vm->vcpus[i].vm = vm;
		vm->vcpus[i].id = i;
		err = create_vcpu(&vm->vcpus[i]);
	}
	return err;
}

/* The process is at its end: the rest goes with it. What matters is that the vCPUs are gone before their memory. */
void vm_destroy(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->options.vcpus; i++)
		close(vm->vcpus[i].fd);
	close(vm->fd);
	close(vm->kvm);
}
