// SPDX-License-Identifier: GPL-2.0-only
/* sdei-guest: VMs whose guests use SDEI by script, and say afterwards exactly what happened. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apf.h"
#include "clock.h"
#include "ras.h"
#include "script.h"
#include "semantics.h"
#include "truth.h"
#include "vm.h"

#define SLICE_MS 100
#define BOUNDED_TIMEOUT_S 300
#define LAST_RESORT_S 20		/* a vCPU thread that does not even leave KVM_RUN: the process goes */
#define GRACE_S 30		/* from the end of --seconds to the end of patience */

enum { EXIT_DONE, EXIT_WRONG, EXIT_USAGE, EXIT_LACKING = 4 };

struct options {
	const char *scenario, *apf, *truth, *name, *only, *shape;
	unsigned int vcpus, seconds, timeout, instances, tasks, pages, work;
	uint64_t events, delay_us;
	bool list, semantics, help, without_sdei, forward, without_gic, quiet, plain, held;
};

struct session {		/* one invocation's run of its scenario */
	struct options options;
	struct script script;
	unsigned int wrong, interrupts, instances;	/* instances: that have been */
	uint64_t started, stopped;	/* ns; stopped: when the VM was told to end */
	FILE *json, *file;	/* the VMs' part in memory; --truth, opened first so that a run is not for nothing */
	bool lacking;		/* no KVM or no SDEI */
	uint64_t totals[NR_COUNTED];
};

static const char usage[] =
"Usage: sdei-guest --scenario NAME|FILE [OPTION…]   run VMs whose guests use SDEI as the scenario says\n"
"       sdei-guest --semantics [--only TEXT]        test KVM's SDEI against the specification; ok/not ok lines\n"
"       sdei-guest --apf MODE [OPTION…]             run a VM whose guest uses asynchronous page faults; list: the modes\n"
"       sdei-guest --list                           the scenarios that are built in\n"
"\n"
"  --vcpus N           vCPUs (the scenario's least)\n"
"  --seconds S         end an endless scenario after S seconds (else SIGINT or SIGTERM does)\n"
"  --events N          $N of the scenario: how many signals, rounds…\n"
"  --instances N       VMs one after the other\n"
"  --tasks N           --apf: tasks of each vCPU\n"
"  --pages N           --apf: pages of each task\n"
"  --delay US          --apf: microseconds from the request of a page to its arrival\n"
"  --delays SHAPE      --apf: fixed, bimodal or tail, around --delay\n"
"  --plain             --apf: plain memory, all of it written to, instead of pages that are served late: for a cgroup\n"
"                      that is smaller, with swap\n"
"  --work N            --apf: units of work that each vCPU does while no task can run; all are done in the end\n"
"  --held              --apf: the vCPUs run once stdin has a line, or ends\n"
"  --truth FILE        write what happened, exactly, as JSON\n"
"  -name guest=NAME    the VM's name, as QEMU takes it (tools read it from /proc/PID/cmdline)\n"
"  --timeout S         give up after S seconds (300; --seconds + 30 for endless scenarios)\n"
"  --without-sdei      take SDEI from the VM (KVM_REG_ARM_STD_BMAP); runs on kernels without SDEI too\n"
"  --forward           calls of SDEI come to this VMM (KVM_ARM_VM_SMCCC_FILTER), which knows none of them; with --without-sdei\n"
"  --without-gic       no vGICv3: naps then spin, WFI waits for SDEI only\n"
"  --quiet             no closing line\n"
"\n"
"Exit status: 0 all as the scenario expects; 1 something contradicted it or failed; 2 wrong usage; 4 no /dev/kvm or no SDEI.\n";

/* options --------------------------------------------------------------------- */

enum { OPT_SCENARIO = 256, OPT_VCPUS, OPT_SECONDS, OPT_EVENTS, OPT_INSTANCES, OPT_TRUTH, OPT_NAME, OPT_TIMEOUT, OPT_ONLY,
       OPT_LIST, OPT_SEMANTICS, OPT_HELP, OPT_WITHOUT_SDEI, OPT_FORWARD, OPT_WITHOUT_GIC, OPT_QUIET, OPT_APF, OPT_TASKS, OPT_PAGES,
       OPT_DELAY, OPT_DELAYS, OPT_PLAIN, OPT_WORK, OPT_HELD };

static const struct option long_options[] = {
	{ "scenario", 1, NULL, OPT_SCENARIO }, { "vcpus", 1, NULL, OPT_VCPUS }, { "seconds", 1, NULL, OPT_SECONDS },
	{ "events", 1, NULL, OPT_EVENTS }, { "instances", 1, NULL, OPT_INSTANCES }, { "truth", 1, NULL, OPT_TRUTH },
	{ "name", 1, NULL, OPT_NAME }, { "timeout", 1, NULL, OPT_TIMEOUT }, { "only", 1, NULL, OPT_ONLY },
	{ "list", 0, NULL, OPT_LIST }, { "semantics", 0, NULL, OPT_SEMANTICS }, { "help", 0, NULL, OPT_HELP },
	{ "without-sdei", 0, NULL, OPT_WITHOUT_SDEI }, { "forward", 0, NULL, OPT_FORWARD }, { "without-gic", 0, NULL, OPT_WITHOUT_GIC },
	{ "quiet", 0, NULL, OPT_QUIET }, { "apf", 1, NULL, OPT_APF }, { "tasks", 1, NULL, OPT_TASKS },
	{ "pages", 1, NULL, OPT_PAGES }, { "delay", 1, NULL, OPT_DELAY }, { "delays", 1, NULL, OPT_DELAYS },
	{ "plain", 0, NULL, OPT_PLAIN }, { "work", 1, NULL, OPT_WORK }, { "held", 0, NULL, OPT_HELD }, { NULL, 0, NULL, 0 },
};

struct destination {
	int option;
	const char **text;
	unsigned int *number;
	uint64_t *long_number;
	bool *flag;
};

static bool take_option(const struct destination *to, const char *text)
{
	uint64_t value;

	if (to->text)
		*to->text = text;
	if (to->flag)
		*to->flag = true;
	if (to->number) {
		if (!take_number(text, to->option == OPT_VCPUS ? MAX_VCPUS : 1000000, &value))
			return false;
		*to->number = value;
	}
	return !to->long_number || take_number(text, 1000000000, to->long_number);
}

static bool parse_options(struct options *o, int argc, char **argv)
{
	const struct destination destinations[] = {
		{ OPT_SCENARIO, .text = &o->scenario }, { OPT_TRUTH, .text = &o->truth }, { OPT_NAME, .text = &o->name },
		{ OPT_ONLY, .text = &o->only }, { OPT_VCPUS, .number = &o->vcpus }, { OPT_SECONDS, .number = &o->seconds },
		{ OPT_TIMEOUT, .number = &o->timeout }, { OPT_INSTANCES, .number = &o->instances },
		{ OPT_EVENTS, .long_number = &o->events }, { OPT_LIST, .flag = &o->list },
		{ OPT_SEMANTICS, .flag = &o->semantics }, { OPT_HELP, .flag = &o->help },
		{ OPT_WITHOUT_SDEI, .flag = &o->without_sdei }, { OPT_FORWARD, .flag = &o->forward },
		{ OPT_WITHOUT_GIC, .flag = &o->without_gic },
		{ OPT_QUIET, .flag = &o->quiet }, { OPT_HELD, .flag = &o->held }, { OPT_APF, .text = &o->apf }, { OPT_TASKS, .number = &o->tasks },
		{ OPT_PAGES, .number = &o->pages }, { OPT_DELAY, .long_number = &o->delay_us },
		{ OPT_DELAYS, .text = &o->shape }, { OPT_PLAIN, .flag = &o->plain }, { OPT_WORK, .number = &o->work },
	};
	int option;

	while ((option = getopt_long_only(argc, argv, "", long_options, NULL)) != -1) {
		const struct destination *to = destinations;

		if (option == '?')
			return false;
		while (to->option != option)
			to++;
		if (!take_option(to, optarg))
			return false;
	}
	if (optind < argc)
		complain("what is '%s'? (--help)", argv[optind]);
	return optind == argc;
}

/* running ------------------------------------------------------------------------ */

static bool interrupted(void)
{
	const struct timespec none = { 0 };
	sigset_t set;

	block_signals(&set);
	return sigtimedwait(&set, NULL, &none) > 0;
}

static uint64_t seconds_since(uint64_t start)
{
	return (clock_now_ns() - start) / 1000000000;
}

static void say_where(struct vm *vm, const struct session *session)
{
	for (unsigned int i = 0; i < vm->nr_vcpus; i++) {
		const struct area *area = vm->vcpus[i].area;
		const struct op *ops = vm_memory(vm, area->ops);

		if (!vm->vcpus[i].done)
			complain("vCPU %u of '%s' got to line %u", i, session->script.name,
				 ops[area->context[MAIN].pc ? area->context[MAIN].pc - 1 : 0].line);
	}
}

/* Tells the VM to end when its time has come; false when patience is at its end. */
static bool keep_time(struct session *session, struct vm *vm)
{
	const struct options *o = &session->options;
	unsigned int patience = o->timeout ?: session->script.endless ? 0 : BOUNDED_TIMEOUT_S;

	if (interrupted()) {
		session->interrupts++;
		session->stopped = session->stopped ?: clock_now_ns();
		vm_stop(vm, 2);
	}
	if (session->script.endless && o->seconds && !session->stopped && seconds_since(session->started) >= o->seconds) {
		session->stopped = clock_now_ns();
		vm_stop(vm, 1);
	}
	if (session->interrupts > 1)
		return false;
	if (session->stopped && seconds_since(session->stopped) >= GRACE_S)
		return false;
	return !patience || seconds_since(session->started) < patience;
}

static int run_vm(struct session *session, struct vm *vm)
{
	clock_sample();
	if (vm_start(vm))
		return -EIO;
	while (!vm_wait(vm, SLICE_MS)) {
		clock_sample();
		if (!keep_time(session, vm)) {
			complain("the guest does not come to its end, %" PRIu64 " s after its start: giving up", seconds_since(session->started));
			say_where(vm, session);
			alarm(LAST_RESORT_S);
			vm_kill(vm);
			alarm(0);
			return -ETIMEDOUT;
		}
	}
	if (vm->failed)
		vm_kill(vm);
	vm_join(vm);
	clock_sample();
	return vm->failed ? -EIO : 0;
}

static void account(struct session *session, struct vm *vm, const struct ras *ras, unsigned int instance, bool one_of_many)
{
	struct truth truth = { .script = &session->script, .complete = session->interrupts == 0 };

	session->wrong += truth_check(vm, &truth);
	session->wrong += ras && truth.complete ? ras_check(ras) : 0;
	if (ras && !session->options.quiet)
		ras_say(ras);
	for (int field = 0; field < NR_COUNTED; field++)
		session->totals[field] += truth_total(vm, field);
	if (!session->json)
		return;
	if (one_of_many) {
		fputs(instance ? ",\n" : "", session->json);
		truth_write_vm(session->json, vm, instance);
	} else {
		if (ras)
			ras_write(session->json, ras);
		truth_write_vcpus(session->json, vm);
	}
}

static int run_instance(struct session *session, unsigned int instance, bool one_of_many)
{
	const struct options *o = &session->options;
	struct vm_options options = { .vcpus = o->vcpus, .without_sdei = o->without_sdei, .forward = o->forward,
				      .without_gic = o->without_gic,
				      .logging = o->truth };
	struct ras *ras = NULL;
	struct vm vm;
	int err;

	if (session->script.memory) {
		ras = ras_new(session->script.memory, o->vcpus);
		if (!ras)
			return -EIO;
	}
	err = vm_create(&vm, &options);
	session->lacking = err == -ENODEV || err == -ENOENT || err == -EACCES || err == -EPERM;
	if (!err) {
		err = script_load(&session->script, &vm) ?: (ras ? ras_attach(ras, &vm) : 0) ?: run_vm(session, &vm);
		if (!err)
			account(session, &vm, ras, instance, one_of_many);
	}
	ras_free(ras);
	if (vm.vcpus)
		vm_destroy(&vm);
	return err;
}

static int run_instances(struct session *session)
{
	unsigned int nr = session->options.instances;
	int err = 0;

	for (unsigned int i = 0; i < nr && !err && !session->interrupts; i++) {
		err = run_instance(session, i, nr > 1);
		session->instances = i + 1;
		session->interrupts += interrupted();
	}
	return err;
}

static int open_truth(struct session *session)
{
	if (!session->options.truth)
		return 0;
	session->file = fopen(session->options.truth, "w");
	if (!session->file)
		complain("cannot write '%s': %s", session->options.truth, strerror(errno));
	return session->file ? 0 : -errno;
}

static int write_truth(struct session *session, const char *body)
{
	FILE *file = session->file;
	char name[256];

	plain_name(session->options.name, name, sizeof(name));
	fprintf(file, "{\"vm\":%d,\"name\":", getpid());
	put_quoted(file, name);
	fputs(",\"scenario\":", file);
	put_quoted(file, session->script.name);
	fprintf(file, ",\"clock\":{\"frequency_hz\":%" PRIu64 ",\"error_ns\":%" PRIu64 "},\n", clock_frequency(), clock_error_ns());
	if (session->options.instances > 1)
		fprintf(file, "\"instances\":%u,\"vms\":[%s]}\n", session->instances, body);
	else
		fprintf(file, "%s}\n", body);
	return ferror(file) ? -EIO : 0;
}

/* What could not be run to its end leaves no truth behind. */
static int close_truth(struct session *session, int err)
{
	if (!session->file)
		return err;
	if (fclose(session->file) && !err)
		err = -errno;
	if (err)
		remove(session->options.truth);
	return err;
}

static void say_totals(const struct session *session)
{
	printf("%s: %u vCPU(s), %" PRIu64 " ms", session->script.name, session->options.vcpus,
	       (clock_now_ns() - session->started) / 1000000);
	for (int field = 0; field < NR_COUNTED; field++)
		if (session->totals[field])
			printf(", %" PRIu64 " %s", session->totals[field], counted_names[field]);
	printf("%s\n", session->wrong ? "; CONTRADICTED" : "");
}

static int run_and_tell(struct session *session)
{
	char *body = NULL;
	size_t size;
	int err;

	if (session->file)
		session->json = open_memstream(&body, &size);
	err = run_instances(session);
	if (session->json)
		fclose(session->json);
	if (!err && session->file)
		err = write_truth(session, body);
	free(body);
	return err;
}

static int run_scenario(struct session *session)
{
	sigset_t set;
	int err;

	block_signals(&set);
	session->started = clock_now_ns();
	clock_sample();
	err = open_truth(session);
	if (!err)
		err = close_truth(session, run_and_tell(session));
	if (!err && !session->options.quiet)
		say_totals(session);
	return err;
}

static int apf_main(struct session *session)
{
	const struct options *o = &session->options;
	struct apf_options options = { .mode = o->apf, .vcpus = o->vcpus, .tasks = o->tasks, .pages = o->pages, .delay_us = o->delay_us,
				       .shape = o->shape, .plain = o->plain, .work = o->work, .timeout = o->timeout, .quiet = o->quiet, .held = o->held };
	char name[256];
	int err;

	if (!strcmp(o->apf, "list")) {
		apf_list(stdout);
		return EXIT_DONE;
	}
	err = open_truth(session);
	if (err)
		return EXIT_WRONG;
	plain_name(o->name, name, sizeof(name));
	options.name = name;
	err = close_truth(session, apf_run(&options, session->file));
	if (err == -EINVAL)
		return EXIT_USAGE;
	if (err == -ENODEV || err == -ENOENT || err == -EACCES || err == -EPERM)
		return EXIT_LACKING;
	return err ? EXIT_WRONG : EXIT_DONE;
}

static int scenario_main(struct session *session)
{
	struct options *o = &session->options;
	int err;

	session->script.events = o->events;
	err = script_open(&session->script, o->scenario);
	if (err)
		return EXIT_USAGE;
	if (o->vcpus && o->vcpus < session->script.vcpus) {
		complain("scenario '%s' needs %u vCPUs", o->scenario, session->script.vcpus);
		return EXIT_USAGE;
	}
	o->vcpus = o->vcpus ?: session->script.vcpus;
	o->instances = o->instances ?: session->script.instances;
	err = run_scenario(session);
	script_close(&session->script);
	if (session->lacking)
		return EXIT_LACKING;
	return err || session->wrong ? EXIT_WRONG : EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct session session = { 0 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!parse_options(&session.options, argc, argv))
		return EXIT_USAGE;
	if (session.options.help) {
		fputs(usage, stdout);
		return EXIT_DONE;
	}
	if (session.options.list) {
		script_list();
		return EXIT_DONE;
	}
	if (session.options.semantics)
		return semantics_main(session.options.only);
	if (session.options.scenario)
		return scenario_main(&session);
	if (session.options.apf)
		return apf_main(&session);
	fputs(usage, stderr);
	return EXIT_USAGE;
}
