/* SPDX-License-Identifier: GPL-2.0-only */
/* sdeitop state: what all VMs, vCPUs and events are like right now. */
#include <inttypes.h>
#include <stdlib.h>

#include "model/power.h"
#include "util/text.h"
#include "view/figures/format.h"
#include "util/json.h"
#include "session/vm_names.h"
#include "cli/commands.h"
#include "session/feeder.h"
#include "util/log.h"
#include "util/output.h"
#include "view/screen/terminal.h"
#include "session/session.h"
#include "session/source.h"

#define NAME_WIDTH 12

struct state_config {
	struct session_config session;
	bool json, all;
};

static const struct option_spec options[] = {
	{ 'j', "json", NULL, &option_flag, offsetof(struct state_config, json), "one JSON object" },
	{ 'a', "all", NULL, &option_flag, offsetof(struct state_config, all), "events that are not in use, too; JSON always has them" },
	SESSION_TIME_OPTION(state_config),
	FILTER_OPTIONS(SESSION_OPTION, state_config),
	SESSION_OPTION(state_config, 'o', "output", "FILE", string, output, "write there instead of to standard output"),
	SESSION_OPTION(state_config, 0, "verbose", NULL, flag, verbose, "say more about what is done, on standard error"),
	SESSION_OPTION(state_config, 'h', "help", NULL, flag, help, "this text"),
	SESSION_OPTION(state_config, 'V', "version", NULL, flag, version, "the version"),
	{ 0 },
};

struct state {
	struct state_config config;
	struct session *session;
	struct model *model;
	struct status now;
	struct output out;
};

/* --- what both forms show */

static const char *letters_of(const struct model_event *e, char letters[6])
{
	unsigned int state = e->state & ~SDEI_MASKED;

	if (e->vcpu->mask_known && e->vcpu->masked)
		state |= SDEI_MASKED;
	return sdei_state_letters(state, letters);
}

/* Nobody knows since when what was so before we looked. */
static bool is_age_known(const struct state *s, bool holds, uint64_t since_ns)
{
	return holds && since_ns && since_ns <= s->now.now_ns;
}

/* --- text */

static void put_age(const struct state *s, bool holds, uint64_t since_ns)
{
	char age[FORMAT_SIZE] = "-";

	if (is_age_known(s, holds, since_ns))
		format_age(age, sizeof(age), s->now.now_ns - since_ns);
	else if (holds)
		snprintf(age, sizeof(age), "?");
	fprintf(s->out.file, " %7s", age);
}

static void put_vcpu_head(struct state *s, const struct model_vcpu *vcpu)
{
	const struct vm_name *name = name_of(vcpu->vm);
	unsigned int used;
	size_t bytes = text_cut(name->shown, NAME_WIDTH, &used);

	fprintf(s->out.file, "%7" PRIu32 " %.*s%*s %4" PRIu32, vcpu->vm->pid, (int)bytes, name->shown, (int)(NAME_WIDTH - used), "",
		vcpu->id);
}

static void put_power(struct state *s, const struct model_vcpu *vcpu)
{
	fprintf(s->out.file, " %s\n", model_power_name(vcpu) ?: "-");
}

static void put_event(struct state *s, const struct model_event *e)
{
	const struct model_vcpu *vcpu = e->vcpu;
	char letters[6], handler[FORMAT_SIZE] = "-", arg[FORMAT_SIZE] = "-";

	put_vcpu_head(s, vcpu);
	if (e->ep_addr) {
		snprintf(handler, sizeof(handler), "0x%" PRIx64, e->ep_addr);
		snprintf(arg, sizeof(arg), "0x%" PRIx64, e->ep_arg);
	}
	fprintf(s->out.file, " %5" PRIu32 " %s %18s %18s", e->event, letters_of(e, letters), handler, arg);
	put_age(s, e->state & SDEI_PENDING, e->pending_since_ns);
	put_age(s, e->state & SDEI_RUNNING, e->running_since_ns);
	put_age(s, vcpu->mask_known && vcpu->masked, vcpu->masked_since_ns);
	put_power(s, vcpu);
}

/* A vCPU without an event in use. */
static void put_idle(struct state *s, const struct model_vcpu *vcpu)
{
	bool masked = vcpu->mask_known && vcpu->masked;
	char letters[6];

	put_vcpu_head(s, vcpu);
	fprintf(s->out.file, " %5s %-5s %18s %18s", "-", vcpu->mask_known ? sdei_state_letters(masked ? SDEI_MASKED : 0, letters) : "-", "-", "-");
	put_age(s, false, 0);
	put_age(s, false, 0);
	put_age(s, masked, vcpu->masked_since_ns);
	put_power(s, vcpu);
}

static void put_vcpu(struct state *s, const struct model_vcpu *vcpu)
{
	bool any = false;

	if (vcpu->gone)
		return;
	for (size_t i = 0; i < vcpu->event_count; i++) {
		if (!s->config.all && !(vcpu->events[i]->state & ~SDEI_MASKED))
			continue;
		put_event(s, vcpu->events[i]);
		any = true;
	}
	if (!any)
		put_idle(s, vcpu);
}

static void put_text(struct state *s)
{
	char time[FORMAT_SIZE];
	size_t count;
	struct model_vm *const *vms = model_vms(s->model, &count);

	fprintf(s->out.file, "%s %s\n", format_time(time, sizeof(time), &s->now, s->now.now_ns, 3), s->now.host);
	fprintf(s->out.file, "%7s %-*s %4s %5s %-5s %18s %18s %7s %7s %7s POWER\n", "VM", NAME_WIDTH, "NAME", "vCPU", "EVENT", "STATE",
		"HANDLER", "ARGUMENT", "PENDING", "RUNNING", "MASKED");
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < vms[i]->vcpu_count; j++)
			put_vcpu(s, vms[i]->vcpus[j]);
}

/* --- JSON */

static void put_json_age(const struct state *s, struct json *j, const char *key, bool holds, uint64_t since_ns)
{
	if (is_age_known(s, holds, since_ns))
		json_u64(j, key, s->now.now_ns - since_ns);
	else
		json_null(j, key);
}

static void put_json_event(struct state *s, struct json *j, const struct model_event *e)
{
	char letters[6];

	json_open(j, NULL, '{');
	json_u64(j, "event", e->event);
	json_text(j, "state", letters_of(e, letters));
	if (e->ep_addr) {
		json_address(j, "ep_addr", e->ep_addr);
		json_address(j, "ep_arg", e->ep_arg);
	} else {
		json_null(j, "ep_addr");
		json_null(j, "ep_arg");
	}
	put_json_age(s, j, "pending_age_ns", e->state & SDEI_PENDING, e->pending_since_ns);
	put_json_age(s, j, "running_age_ns", e->state & SDEI_RUNNING, e->running_since_ns);
	json_close(j, '}');
}

static void put_json_vcpu(struct state *s, struct json *j, const struct model_vcpu *vcpu)
{
	json_open(j, NULL, '{');
	json_u64(j, "vcpu", vcpu->id);
	if (vcpu->mask_known)
		json_bool(j, "masked", vcpu->masked);
	else
		json_null(j, "masked");
	put_json_age(s, j, "masked_age_ns", vcpu->mask_known && vcpu->masked, vcpu->masked_since_ns);
	if (vcpu->power_known)
		json_text(j, "power", model_power_name(vcpu));
	else
		json_null(j, "power");
	json_open(j, "events", '[');
	for (size_t i = 0; i < vcpu->event_count; i++)
		put_json_event(s, j, vcpu->events[i]);
	json_close(j, ']');
	json_close(j, '}');
}

static void put_json_vm(struct state *s, struct json *j, const struct model_vm *vm)
{
	json_open(j, NULL, '{');
	json_u64(j, "vm", vm->pid);
	json_text(j, "name", name_of(vm)->raw);
	json_open(j, "vcpus", '[');
	for (size_t i = 0; i < vm->vcpu_count; i++)
		if (!vm->vcpus[i]->gone)
			put_json_vcpu(s, j, vm->vcpus[i]);
	json_close(j, ']');
	json_close(j, '}');
}

static void put_json(struct state *s)
{
	size_t count;
	struct model_vm *const *vms = model_vms(s->model, &count);
	char wall[FORMAT_SIZE];
	struct json j;

	json_start(&j, s->out.file);
	json_open(&j, NULL, '{');
	json_text(&j, "type", "state");
	json_u64(&j, "time_ns", s->now.now_ns);
	json_text(&j, "wall", format_time_wall(wall, sizeof(wall), &s->now, s->now.now_ns));
	json_text(&j, "host", s->now.host);
	json_bool(&j, "sdei", session_has_sdei(s->session));
	json_open(&j, "vms", '[');
	for (size_t i = 0; i < count; i++)
		if (!vms[i]->gone)
			put_json_vm(s, &j, vms[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	putc('\n', s->out.file);
}

/* --- the command */

static void take_record(void *ctx, const struct sdei_record *r, size_t size)
{
	struct state *s = ctx;

	model_feed(s->model, r, size);
}

/* Attached for as long as it takes to look; what happens meanwhile is taken into account. */
static int look(struct state *s)
{
	const struct session_calls calls = { .sink = { .record = take_record, .ctx = s }, .ctx = s };
	const char *why_not;
	int status;

	s->session = session_open(&s->config.session, &calls, &status);
	if (!s->session)
		return status;
	why_not = session_why_not(s->session, SOURCE_SNAPSHOT, &status);
	if (why_not) {
		say(MSG_NO_SNAPSHOT, why_not);
	} else {
		session_end(s->session, EXIT_DONE);
		session_run(s->session, NULL);
		session_status(s->session, &s->now);
		names_adopt(s->model, source_vm, session_source(s->session), terminal_is_utf8());
		(s->config.json ? put_json : put_text)(s);
		if (!session_has_sdei(s->session))
			say(MSG_NO_SDEI_STATE);
		session_flush(s->session, &s->out);
		status = session_exit_status(s->session);
	}
	session_close(s->session);
	return status;
}

static bool prepare(struct state *s)
{
	const struct model_options own = { .free_user = name_free };

	s->config.session.no_calls = true;
	s->config.session.no_apf = true;
	s->config.session.just_look = true;
	s->model = model_new(&own);
	if (!s->model) {
		say(MSG_NO_MEMORY);
		return false;
	}
	return output_open(&s->out, s->config.session.output);
}

static int run(const struct command *self, int argc, char **argv)
{
	struct state s = { 0 };
	char **command;
	int status;

	if (session_parse(self, argc, argv, &s.config, &s.config.session, &command, &status))
		status = prepare(&s) ? look(&s) : EXIT_FAILED;
	if (output_close(&s.out) != EXIT_DONE)
		status = EXIT_FAILED;
	model_free(s.model);
	options_clear(self, &s.config);
	return status;
}

const struct command cmd_state = {
	.name = "state",
	.brief = "list all VMs and the state of their vCPUs' SDEI events",
	.usage = "state [OPTIONS]",
	.help = "Lists all VMs and the state of their vCPUs' SDEI events, and ends.",
	.about = "The first line says when that was, and where. State letters: R registered, E enabled, U running, P pending,\n"
		 "M PE masked. PENDING, RUNNING and MASKED are for how long; ? where that began before sdeitop looked. POWER,\n"
		 "on arm64: is the vCPU on, off (PSCI) or suspended; that is all that a kernel without SDEI for guests knows.\n",
	.options = options,
	.run = run,
};
