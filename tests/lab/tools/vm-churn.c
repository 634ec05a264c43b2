// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm-churn LIVES TOGETHER VCPUS SIGNALS: VMs that come and go, LIVES in all, TOGETHER at a time, each a process of its own with a
 * name of its own (-name guest=churn-N). Event 2 of each vCPU is registered and enabled as a VMM does after a migration, and
 * gets so many signals: the first is queued, the others find it pending. No vCPU runs, so none is dispatched.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lab/guest/kvm_sdei.h"

#define EVENT 2U

static bool set(int vcpu, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	return ioctl(vcpu, KVM_SET_ONE_REG, &reg) == 0;
}

static bool inject(int vcpu)
{
	struct kvm_arm_sdei_event event = { .event = EVENT };
	struct kvm_device_attr attr = { .group = KVM_ARM_VCPU_SDEI_CTRL, .attr = KVM_ARM_VCPU_SDEI_INJECT, .addr = (uintptr_t)&event };

	return ioctl(vcpu, KVM_SET_DEVICE_ATTR, &attr) == 0;
}

static bool live_vcpu(int vm, unsigned int id, unsigned int signals)
{
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, id);
	struct kvm_vcpu_init init;

	if (vcpu < 0 || ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init))
		return false;
	init.features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
	if (ioctl(vcpu, KVM_ARM_VCPU_INIT, &init) || !set(vcpu, SDEI_HANDLER_ADDR(EVENT), 0x40000000) ||
	    !set(vcpu, SDEI_REGISTERED, 1U << EVENT) || !set(vcpu, SDEI_ENABLED, 1U << EVENT))
		return false;
	while (signals--)
		if (!inject(vcpu))
			return false;
	return true;
}

/* The kernel takes it down again when this process ends. */
static int live(unsigned int vcpus, unsigned int signals)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm = ioctl(kvm, KVM_CREATE_VM, 0);

	for (unsigned int id = 0; vm >= 0 && id < vcpus; id++)
		if (!live_vcpu(vm, id, signals))
			vm = -1;
	if (vm < 0)
		perror("vm-churn");
	return vm < 0;
}

static void become_life(unsigned int number, char **argv)
{
	char name[32];
	char *args[] = { argv[0], "-name", name, argv[3], argv[4], NULL };

	snprintf(name, sizeof(name), "guest=churn-%u", number);
	execv("/proc/self/exe", args);
	_exit(127);
}

/* False: one has failed. */
static bool await_one(void)
{
	int status;

	return wait(&status) > 0 && status == 0;
}

static int churn(unsigned int lives, unsigned int together, char **argv)
{
	unsigned int begun = 0, ended = 0;

	while (ended < lives) {
		if (begun < lives && begun < ended + together) {
			pid_t child = fork();

			if (!child)
				become_life(begun, argv);
			if (child < 0)
				return 1;
			begun++;
		} else if (await_one()) {
			ended++;
		} else {
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "-name") == 0)
		return live(strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
	if (argc == 5)
		return churn(strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10), argv);
	fprintf(stderr, "usage: vm-churn LIVES TOGETHER VCPUS SIGNALS\n");
	return 2;
}
