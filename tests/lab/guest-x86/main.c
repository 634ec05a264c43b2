// SPDX-License-Identifier: GPL-2.0-only
/* apf-guest: a VM that has asynchronous page faults, and says afterwards exactly which. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../guest/clock.h"
#include "../guest/say.h"
#include "pager.h"
#include "userfault.h"
#include "vm.h"

#define SLICE_MS 100

enum { EXIT_DONE, EXIT_WRONG, EXIT_USAGE };

struct options {
	struct vm_options vm;
	struct delay delay;
	const char *truth, *name, *mode, *delay_text, *served;
	uint64_t seconds, ring;
	bool help;
};

static const char usage[] =
"Usage: apf-guest [OPTION…]   run a VM whose pages are not there until they are touched, and then come late\n"
"\n"
"  --mode MODE         plain: the guest does not know of asynchronous page faults (default)\n"
"                      irqs-off: nor are its interrupts on; enabled: it is told, and runs another task meanwhile;\n"
"                      user-only: it is told in user mode only, where it never is\n"
"                      deaf: as enabled, but it never acknowledges, and so never comes to its end\n"
"  --vcpus N           vCPUs (1; at most 8)\n"
"  --tasks N           tasks on each vCPU (4 when enabled, else 1; at most 96)\n"
"  --pages N           pages that each vCPU touches in a pass (20; at most 16384)\n"
"  --passes N          how often they are taken away and touched again (1; with --seconds: no end)\n"
"  --seconds S         end after S seconds (else SIGINT or SIGTERM does, or the last pass)\n"
"  --work N            rounds of computing after each touch (0)\n"
"  --present           in the first pass the pages are there: a touch only changes KVM's tables\n"
"  --exits N           after the pages, leave the guest N times for CPUID, N times to set an MSR, and N times to read a device (0)\n"
"  --compute           compute rather than halt while all tasks of a vCPU wait\n"
"  --delay DELAY       how long a page takes: fixed:TIME (default: fixed:3ms), bimodal:TIME,TIME,PERCENT or\n"
"                      tail:TIME,TIME (each doubling half as likely); units us, ms, s\n"
"  --served WHO        who sees to a page fault: worker: one of KVM's (default); exit: this program, told by an exit, of which each\n"
"                      fourth is answered by the page itself; ring: this program, told by a ring (--kernel x86-userfault)\n"
"  --ring N            how many faults of a vCPU the ring tells of at once (64); the others come by an exit\n"
"  --truth FILE        write what happened, exactly, as JSON\n"
"  -name guest=NAME    the VM's name, as QEMU takes it (tools read it from /proc/PID/cmdline)\n"
"\n"
"Exit status: 0 it came to its end; 1 it did not; 2 wrong usage.\n";

static const char *const mode_names[] = {
	[MODE_PLAIN] = "plain", [MODE_IRQS_OFF] = "irqs-off", [MODE_ENABLED] = "enabled", [MODE_USER_ONLY] = "user-only", [MODE_DEAF] = "deaf",
};

static const char *const told_names[] = {
	[TOLD_BY_EXIT] = "exit", [TOLD_BY_EXIT_SYNC] = "exit-sync", [TOLD_BY_RING] = "ring",
};

/* --- options */

enum { OPT_MODE = 256, OPT_VCPUS, OPT_TASKS, OPT_PAGES, OPT_PASSES, OPT_SECONDS, OPT_WORK, OPT_PRESENT, OPT_EXITS, OPT_COMPUTE, OPT_DELAY, OPT_SERVED,
       OPT_RING, OPT_TRUTH, OPT_NAME, OPT_HELP };

static const struct option long_options[] = {
	{ "mode", 1, NULL, OPT_MODE }, { "vcpus", 1, NULL, OPT_VCPUS }, { "tasks", 1, NULL, OPT_TASKS },
	{ "pages", 1, NULL, OPT_PAGES }, { "passes", 1, NULL, OPT_PASSES }, { "seconds", 1, NULL, OPT_SECONDS },
	{ "work", 1, NULL, OPT_WORK }, { "present", 0, NULL, OPT_PRESENT }, { "exits", 1, NULL, OPT_EXITS },
	{ "compute", 0, NULL, OPT_COMPUTE }, { "delay", 1, NULL, OPT_DELAY },
	{ "served", 1, NULL, OPT_SERVED }, { "ring", 1, NULL, OPT_RING }, { "truth", 1, NULL, OPT_TRUTH }, { "name", 1, NULL, OPT_NAME }, { "help", 0, NULL, OPT_HELP }, { NULL, 0, NULL, 0 },
};

static bool take_option(struct options *o, int option, const char *text)
{
	const struct {
		int option;
		const char **text;
		uint64_t *number, most;
		bool *flag;
	} destinations[] = {
		{ OPT_MODE, .text = &o->mode }, { OPT_DELAY, .text = &o->delay_text }, { OPT_TRUTH, .text = &o->truth },
		{ OPT_NAME, .text = &o->name }, { OPT_SERVED, .text = &o->served },
		{ OPT_RING, .number = &o->ring, .most = RING_SIZE }, { OPT_VCPUS, .number = &o->vm.vcpus, .most = MAX_VCPUS },
		{ OPT_TASKS, .number = &o->vm.tasks, .most = MAX_TASKS }, { OPT_PAGES, .number = &o->vm.pages, .most = MAX_PAGES },
		{ OPT_PASSES, .number = &o->vm.passes, .most = 1000000 }, { OPT_SECONDS, .number = &o->seconds, .most = 1000000 },
		{ OPT_WORK, .number = &o->vm.work, .most = 1000000000 }, { OPT_COMPUTE, .flag = &o->vm.computes },
		{ OPT_PRESENT, .flag = &o->vm.present }, { OPT_EXITS, .number = &o->vm.exits, .most = 1000000000 },
		{ OPT_HELP, .flag = &o->help },
	}, *to = destinations;

	while (to->option != option)
		to++;
	if (to->text)
		*to->text = text;
	if (to->flag)
		*to->flag = true;
	return !to->number || take_number(text, to->most, to->number);
}

static bool choose_mode(struct options *o)
{
	for (unsigned int i = 0; i < sizeof(mode_names) / sizeof(mode_names[0]); i++)
		if (strcmp(o->mode, mode_names[i]) == 0) {
			o->vm.mode = i;
			return true;
		}
	complain("unknown mode '%s' (--help)", o->mode);
	return false;
}

/* ring: 0 if it is by an exit. */
static bool choose_served(struct options *o)
{
	bool ring = strcmp(o->served, "ring") == 0;

	if (!ring && strcmp(o->served, "worker") != 0 && strcmp(o->served, "exit") != 0) {
		complain("who is '%s', to serve page faults? (--help)", o->served);
		return false;
	}
	if (o->ring && !ring) {
		complain("--ring goes with --served ring");
		return false;
	}
	if (ring && !o->ring)
		o->ring = RING_SIZE;
	return true;
}

static bool complete_options(struct options *o)
{
	if (!choose_mode(o) || !choose_served(o))
		return false;
	if (!delay_parse(&o->delay, o->delay_text)) {
		complain("cannot make a delay of '%s' (--help)", o->delay_text);
		return false;
	}
	if (!o->vm.tasks)
		o->vm.tasks = o->vm.mode == MODE_ENABLED || o->vm.mode == MODE_DEAF ? 4 : 1;
	if (!o->vm.passes && !o->seconds)
		o->vm.passes = 1;
	return true;
}

static bool parse_options(struct options *o, int argc, char **argv)
{
	int option;

	*o = (struct options){ .vm = { .vcpus = 1, .pages = 20 }, .mode = "plain", .served = "worker", .delay_text = "fixed:3ms" };
	while ((option = getopt_long_only(argc, argv, "", long_options, NULL)) != -1)
		if (option == '?' || !take_option(o, option, optarg))
			return false;
	if (optind < argc)
		complain("what is '%s'? (--help)", argv[optind]);
	return optind == argc && complete_options(o);
}

/* --- the truth */

static void put_touch(FILE *out, const struct vcpu *vcpu, const struct touch *t)
{
	const uint64_t ticks[] = { t->before, t->told, t->ready, t->after };

	fprintf(out, "[%" PRIu64 ",%" PRIu64, t->gfn, t->token);
	for (int i = 0; i < 4; i++)
		fprintf(out, ",%" PRIu64, clock_to_ns(vcpu_host_ticks(vcpu, ticks[i])));
	fputc(']', out);
}

static void put_vcpu(FILE *out, const struct vcpu *vcpu)
{
	const struct area *a = vcpu->area;
	const struct touch *touches = vcpu_touches(vcpu);

	fprintf(out, "{\"vcpu\":%u,\"passes\":%" PRIu64 ",\"touched\":%" PRIu64 ",\"parks\":%" PRIu64 ",\"wakes\":%" PRIu64
		",\"wake_alls\":%" PRIu64 ",\"acks\":%" PRIu64 ",\"strays\":%" PRIu64 ",\"work\":%" PRIu64 ",\"idle_work\":%" PRIu64
		",\n\"touches\":[", vcpu->id, vcpu->passes, a->touched, a->parks, a->wakes, a->wake_alls, a->acks, a->strays,
		a->work_done, a->idle_work);
	for (uint64_t i = 0; i < a->touches; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_touch(out, vcpu, &touches[i]);
	}
	fputs("]}", out);
}

static void put_fault(FILE *out, const struct serving *s)
{
	const uint64_t times[] = { s->asked, s->accepting, s->accepted, s->before, s->after, s->saying, s->said };

	fprintf(out, "[%" PRIu64 ",%u,\"%s\"", s->gfn, s->vcpu, told_names[s->told_by]);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		fprintf(out, ",%" PRIu64, times[i]);
	fputc(']', out);
}

static void put_faults(FILE *out, const struct serving *s, size_t count)
{
	const char *between = "\n";

	for (size_t i = 0; i < count; i++) {
		if (s[i].told_by == TOLD_BY_UFFD)
			continue;
		fputs(between, out);
		put_fault(out, &s[i]);
		between = ",\n";
	}
}

static void put_served(FILE *out, const struct pager *pager)
{
	uint64_t total;
	size_t count;
	const struct serving *s = pager_servings(pager, &count, &total);

	fprintf(out, "\"served\":{\"count\":%" PRIu64 ",\"pages\":[", total);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", i ? ",\n" : "\n", s[i].gfn, s[i].asked,
			s[i].before, s[i].after);
	fputs("],\n\"faults\":[", out);
	put_faults(out, s, count);
	fputs("]}", out);
}

static void put_truth(FILE *out, const struct options *o, const struct vm *vm, const struct pager *pager)
{
	char name[256];

	plain_name(o->name, name, sizeof(name));
	fprintf(out, "{\"vm\":%d,\"name\":", getpid());
	put_quoted(out, name);
	fprintf(out, ",\"mode\":\"%s\",\"tasks\":%" PRIu64 ",\"clock\":{\"frequency_hz\":%" PRIu64 ",\"error_ns\":%" PRIu64 "},\n",
		o->mode, o->vm.tasks, clock_frequency(), clock_error_ns());
	put_served(out, pager);
	fputs(",\n\"vcpus\":[", out);
	for (unsigned int i = 0; i < o->vm.vcpus; i++) {
		fputs(i ? ",\n" : "", out);
		put_vcpu(out, &vm->vcpus[i]);
	}
	fputs("]}\n", out);
}

static int write_truth(const struct options *o, const struct vm *vm, const struct pager *pager)
{
	FILE *out = o->truth ? fopen(o->truth, "w") : NULL;

	if (out)
		put_truth(out, o, vm, pager);
	if (!o->truth || (out && fclose(out) == 0))
		return 0;
	complain("cannot write '%s': %s", o->truth, strerror(errno));
	return -EIO;
}

/* --- running */

static void wait_for_end(const struct options *o, struct vm *vm, const sigset_t *signals)
{
	const struct timespec slice = { .tv_nsec = SLICE_MS * 1000000 };
	uint64_t end = o->seconds ? clock_now_ns() + o->seconds * 1000000000 : UINT64_MAX;

	while (!vm_is_done(vm)) {
		if (sigtimedwait(signals, NULL, &slice) > 0 || clock_now_ns() >= end)
			vm_stop(vm);
		clock_sample();
	}
}

static int run_vm(const struct options *o, struct vm *vm, struct pager *pager, const sigset_t *signals)
{
	int err;

	clock_sample();
	err = vm_start(vm);
	if (err)
		return err;
	wait_for_end(o, vm, signals);
	if (vm->failed)		/* the others may wait for ever: they go with the process */
		return -EIO;
	vm_join(vm);
	clock_sample();
	if (vm->userfault)
		userfault_end(vm->userfault);
	pager_stop(pager);
	return write_truth(o, vm, pager);
}

static int run(const struct options *o)
{
	struct pager *pager;
	struct vm vm;
	sigset_t signals;
	int err;

	block_signals(&signals);
	err = vm_create(&vm, &o->vm);
	if (err)
		return err;
	pager = pager_start(vm.paged, vm.paged_size, GUEST_PAGED >> 12, &o->delay);
	if (!pager)
		return -EIO;
	if (strcmp(o->served, "worker") != 0 && !userfault_start(&vm, pager, o->ring))
		return -EIO;
	err = run_vm(o, &vm, pager, &signals);
	if (err)
		return err;
	vm_destroy(&vm);
	pager_free(pager);
	return 0;
}

int main(int argc, char **argv)
{
	struct options options;

	if (!parse_options(&options, argc, argv))
		return EXIT_USAGE;
	if (options.help) {
		fputs(usage, stdout);
		return EXIT_DONE;
	}
	return run(&options) ? EXIT_WRONG : EXIT_DONE;
}
