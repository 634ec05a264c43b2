// SPDX-License-Identifier: GPL-2.0-only
/*
 * gic-restore MISTAKE [-name guest=NAME]: a VMM that makes a VM with a GICv3 and an ITS, gives it a state as after a migration, runs
 * its vCPU for a moment, and prints what KVM then has of that state. MISTAKE is none or a finding of sdeitop restore: it is made,
 * and nothing else is wrong.
 *
 * The state: a queue of commands that are all done (GITS_CREADR = GITS_CWRITER = QUEUE_AT), and a table of collections with
 * one collection, which SAVE_TABLES writes back if it was restored, and if the commands were not run a second time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/lab/guest/kvm_sdei.h"

#define RAM 0x40000000ULL
#define RAM_SIZE (16ULL << 20)
#define QUEUE (RAM + 0x100000)
#define DEVICES (RAM + 0x200000)
#define COLLECTIONS (RAM + 0x300000)
#define LPI_CONFIG (RAM + 0x400000)
#define LPI_PENDING (RAM + 0x500000)
#define VALID (1ULL << 63)
#define QUEUE_AT 0x80ULL
#define LPI_ID_BITS 13ULL
#define MAPC 9ULL		/* without its valid bit: collection 0 goes nowhere */

enum { GITS_CTLR = 0, GITS_CBASER = 0x80, GITS_CWRITER = 0x88, GITS_CREADR = 0x90, GITS_BASER0 = 0x100, GITS_BASER1 = 0x108 };
enum { GICR_CTLR = 0, GICR_PROPBASER = 0x70, GICR_PENDBASER = 0x78 };

struct machine {
	int vm, vcpu, gic, its;
	struct kvm_run *run;
	uint8_t *ram;
	const char *mistake;
};

static void must(bool fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "gic-restore: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int set(int device, uint32_t group, uint64_t attribute, uint64_t value)
{
	struct kvm_device_attr attr = { .group = group, .attr = attribute, .addr = (uintptr_t)&value };

	return ioctl(device, KVM_SET_DEVICE_ATTR, &attr);
}

static uint64_t get(int device, uint32_t group, uint64_t attribute)
{
	uint64_t value = 0;
	struct kvm_device_attr attr = { .group = group, .attr = attribute, .addr = (uintptr_t)&value };

	must(!ioctl(device, KVM_GET_DEVICE_ATTR, &attr), "KVM_GET_DEVICE_ATTR");
	return value;
}

static bool is(const struct machine *m, const char *mistake)
{
	return strcmp(m->mistake, mistake) == 0;
}

static void its(const struct machine *m, uint64_t reg, uint64_t value)
{
	must(!set(m->its, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, reg, value), "a register of the ITS");
}

static void command(const struct machine *m, uint64_t which)
{
	must(!set(m->its, KVM_DEV_ARM_VGIC_GRP_CTRL, which, 0), "a command to the ITS");
}

static void redistributor(const struct machine *m, uint64_t reg, uint64_t value)
{
	must(!set(m->gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, reg, value), "a register of the redistributor");
}

/* --- the machine */

static int make_device(const struct machine *m, uint32_t type)
{
	struct kvm_create_device device = { .type = type };

	must(!ioctl(m->vm, KVM_CREATE_DEVICE, &device), "KVM_CREATE_DEVICE");
	return device.fd;
}

static void make_memory(struct machine *m)
{
	struct kvm_userspace_memory_region region = { .guest_phys_addr = RAM, .memory_size = RAM_SIZE };

	m->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(m->ram != MAP_FAILED, "mmap");
	region.userspace_addr = (uintptr_t)m->ram;
	must(!ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
}

static void make_vcpu(struct machine *m, int kvm)
{
	struct kvm_vcpu_init init;

	m->vcpu = ioctl(m->vm, KVM_CREATE_VCPU, 0);
	must(m->vcpu >= 0, "KVM_CREATE_VCPU");
	must(!ioctl(m->vm, KVM_ARM_PREFERRED_TARGET, &init) && !ioctl(m->vcpu, KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
	m->run = mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
	must(m->run != MAP_FAILED, "mmap of a vCPU");
}

static void make(struct machine *m)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	must(kvm >= 0, "/dev/kvm");
	m->vm = ioctl(kvm, KVM_CREATE_VM, 0);
	must(m->vm >= 0, "KVM_CREATE_VM");
	make_memory(m);
	make_vcpu(m, kvm);
	m->gic = make_device(m, KVM_DEV_TYPE_ARM_VGIC_V3);
	must(!set(m->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, 0x8000000) &&
	     !set(m->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, 0x80a0000) &&
	     !set(m->gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0), "the GICv3");
	m->its = make_device(m, KVM_DEV_TYPE_ARM_VGIC_ITS);
	must(!set(m->its, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, 0x8080000) &&
	     !set(m->its, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0), "the ITS");
}

/* Two registers, so that there is something to count. */
static void restore_vcpu(const struct machine *m)
{
	uint64_t pc = RAM;
	struct kvm_one_reg reg = { .id = CORE_REG(regs.pc), .addr = (uintptr_t)&pc };

	must(!ioctl(m->vcpu, KVM_SET_ONE_REG, &reg) && !ioctl(m->vcpu, KVM_SET_ONE_REG, &reg), "KVM_SET_ONE_REG");
}

/* --- the state, right but for the mistake */

static void restore_redistributor(const struct machine *m)
{
	bool early = is(m, "lpi-base-ignored");

	if (early)
		redistributor(m, GICR_CTLR, 1);
	redistributor(m, GICR_PROPBASER, LPI_CONFIG | LPI_ID_BITS);
	redistributor(m, GICR_PROPBASER + 4, 0);
	redistributor(m, GICR_PENDBASER, LPI_PENDING);
	redistributor(m, GICR_PENDBASER + 4, 0);
	if (!early)
		redistributor(m, GICR_CTLR, 1);
}

static void restore_queue(const struct machine *m)
{
	bool creadr_early = is(m, "creadr-lost"), cwriter_early = is(m, "cwriter-lost");

	if (creadr_early)
		its(m, GITS_CREADR, QUEUE_AT);
	if (cwriter_early)
		its(m, GITS_CWRITER, QUEUE_AT);
	its(m, GITS_CBASER, VALID | QUEUE);
	if (!creadr_early && !is(m, "creadr-missing"))
		its(m, GITS_CREADR, cwriter_early ? 0 : QUEUE_AT);
	if (!cwriter_early)
		its(m, GITS_CWRITER, QUEUE_AT);
}

static void restore_bases(const struct machine *m)
{
	its(m, GITS_BASER0, VALID | DEVICES);
	its(m, GITS_BASER1, VALID | COLLECTIONS);
}

static uint64_t control_value(const struct machine *m)
{
	return is(m, "gic-half-value") ? 0x4b00043b00000001 : 1;
}

static void enable(const struct machine *m)
{
	if (!is(m, "its-not-enabled"))
		its(m, GITS_CTLR, control_value(m));
	if (is(m, "its-base-ignored"))
		its(m, GITS_BASER1, VALID | (COLLECTIONS + 0x100000));
	if (is(m, "gic-refused") && !set(m->its, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, GITS_CREADR, 0))
		must(false, "GITS_CREADR of an enabled ITS was not refused");
}

static void restore_its(const struct machine *m)
{
	bool early = is(m, "its-tables-early");

	if (is(m, "its-not-enabled"))
		its(m, GITS_CTLR, 1);
	restore_queue(m);
	if (early)
		command(m, KVM_DEV_ARM_ITS_RESTORE_TABLES);
	restore_bases(m);
	if (!early)
		command(m, KVM_DEV_ARM_ITS_RESTORE_TABLES);
	enable(m);
}

static uint64_t *collection(const struct machine *m)
{
	return (uint64_t *)(m->ram + (COLLECTIONS - RAM));
}

/* Each takes collection 0 away: they were run before it was mapped last. */
static void fill_queue(const struct machine *m)
{
	uint64_t *queue = (uint64_t *)(m->ram + (QUEUE - RAM));

	for (unsigned int word = 0; word < QUEUE_AT / sizeof(*queue); word += 4)
		queue[word] = MAPC;
}

static void restore(const struct machine *m)
{
	bool late = is(m, "redistributor-late");

	*collection(m) = VALID;		/* collection 0 goes to PE 0 */
	fill_queue(m);
	restore_vcpu(m);
	if (!late)
		restore_redistributor(m);
	restore_its(m);
	if (late)
		restore_redistributor(m);
}

/* --- what KVM has of it */

static uint64_t its_value(const struct machine *m, uint64_t reg)
{
	return get(m->its, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, reg);
}

static bool has_collection(const struct machine *m)
{
	*collection(m) = 0;
	command(m, KVM_DEV_ARM_ITS_SAVE_TABLES);
	return *collection(m) & VALID;
}

static void report(const struct machine *m)
{
	printf("{\"mistake\":\"%s\",\"vm\":%d,\"enabled\":%llu,\"creadr\":%llu,\"cwriter\":%llu,\"collections\":%llu,\"pendbaser\":%llu,"
	       "\"collection\":%d}\n", m->mistake, getpid(), (unsigned long long)(its_value(m, GITS_CTLR) & 1),
	       (unsigned long long)its_value(m, GITS_CREADR), (unsigned long long)its_value(m, GITS_CWRITER),
	       (unsigned long long)(its_value(m, GITS_BASER1) & 0xfffffffff000),
	       (unsigned long long)(get(m->gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, GICR_PENDBASER) & 0xffffffff & ~0xfffULL),
	       has_collection(m));
}

/* KVM does all that comes before the guest, and none of the guest. */
static void run(const struct machine *m)
{
	m->run->immediate_exit = 1;
	must(ioctl(m->vcpu, KVM_RUN, 0) < 0 && errno == EINTR, "KVM_RUN");
}

int main(int argc, char **argv)
{
	struct machine m = { .mistake = argc > 1 ? argv[1] : "none" };

	make(&m);
	restore(&m);
	run(&m);
	report(&m);
	return 0;
}
