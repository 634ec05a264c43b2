// SPDX-License-Identifier: GPL-2.0-only
/* sdeitop doctor: what works here, what does not, and what to do. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/capability.h"
#include "util/json.h"
#include "cli/commands.h"
#include "util/log.h"
#include "util/output.h"
#include "session/session.h"

struct doctor_config {
	struct session_config session;
	bool json;
};

static const struct option_spec options[] = {
	{ 'j', "json", NULL, &option_flag, offsetof(struct doctor_config, json), "one JSON object" },
	SESSION_OPTION(doctor_config, 'o', "output", "FILE", string, output, "write there instead of to standard output"),
	SESSION_OPTION(doctor_config, 'h', "help", NULL, flag, help, "this text"),
	SESSION_OPTION(doctor_config, 'V', "version", NULL, flag, version, "the version"),
	{ 0 },
};

static int exit_status_of(const struct capability_facts *facts)
{
	if (!facts->live.code)
		return EXIT_DONE;
	return facts->live.code == -ENOENT ? EXIT_LACKING : EXIT_FAILED;
}

/* --- text */

static const char *mark_of(const struct capability *c)
{
	if (c->state == CAPABILITY_YES)
		return "ok";
	if (c->state == CAPABILITY_UNKNOWN)
		return "?";
	return c->needed ? "MISSING" : "-";
}

static void put_text(FILE *out, const struct capability_facts *facts, const struct capability *list, size_t count)
{
	fprintf(out, "%-7s %-20s %s\n", "", "WHAT", "WHAT FOR (what was found)");
	for (size_t i = 0; i < count; i++) {
		bool again = i + 1 < count && strcmp(list[i].remedy, list[i + 1].remedy) == 0;

		if (facts->live.code && strcmp(list[i].name, "live") == 0)
			continue;	/* printed below */
		fprintf(out, "%-7s %-20s %s (%s)\n", mark_of(&list[i]), list[i].name, list[i].gives, list[i].found);
		if (list[i].remedy[0] && !again)
			fprintf(out, "%-7s %-20s %s\n", "", "->", list[i].remedy);
	}
	if (!facts->live.code)
		fprintf(out, "\nLive tracing works (%u of %u probes).\n", facts->attached, facts->wanted);
	else
		fprintf(out, "\nLive tracing does not work: %s.\n", facts->live.text);
	if (facts->live.code == -EPERM)
		fprintf(out, "Who may not do that may ask sdeid, which runs as a service and can: sdeitop --attach-daemon.\n");
}

/* --- JSON */

static void put_json(FILE *out, const struct capability_facts *facts, const struct capability *list, size_t count)
{
	struct json j;

	json_start(&j, out);
	json_open(&j, NULL, '{');
	json_text(&j, "type", "doctor");
	json_text(&j, "kernel", facts->release);
	json_bool(&j, "live", !facts->live.code);
	json_u64(&j, "exit_status", (uint64_t)exit_status_of(facts));
	if (facts->live.code)
		json_text(&j, "why_not", facts->live.text);
	else
		json_null(&j, "why_not");
	json_open(&j, "capabilities", '[');
	for (size_t i = 0; i < count; i++) {
		json_open(&j, NULL, '{');
		json_text(&j, "name", list[i].name);
		json_text(&j, "state", capability_state_name(list[i].state));
		json_bool(&j, "needed", list[i].needed);
		json_text(&j, "gives", list[i].gives);
		json_text(&j, "found", list[i].found);
		if (list[i].remedy[0])
			json_text(&j, "remedy", list[i].remedy);
		else
			json_null(&j, "remedy");
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	putc('\n', out);
}

/* --- the command */

static int look(const struct doctor_config *config, FILE *out)
{
	struct capability_facts *facts = calloc(1, sizeof(*facts));
	struct capability *list = calloc(CAPABILITY_MAX, sizeof(*list));
	int status = EXIT_FAILED;
	size_t count;

	if (facts && list) {
		capability_look(facts);
		count = capability_judge(facts, list);
		(config->json ? put_json : put_text)(out, facts, list, count);
		status = exit_status_of(facts);
	} else {
		say(MSG_NO_MEMORY);
	}
	free(list);
	free(facts);
	return status;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct doctor_config config = { 0 };
	char **command;
	struct output out = { 0 };
	int status;

	if (session_parse(self, argc, argv, &config, &config.session, &command, &status)) {
		status = output_open(&out, config.session.output) ? look(&config, out.file) : EXIT_FAILED;
		if (output_close(&out) != EXIT_DONE)
			status = EXIT_FAILED;
	}
	options_clear(self, &config);
	return status;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.brief = "say what live tracing needs, what is missing, and what to do",
	.usage = "doctor [OPTIONS]",
	.help = "Tries everything that live tracing needs and says what is missing and what to do.",
	.about = "Exit status: 0 live tracing works, 1 this process may not, 4 this kernel cannot.\n",
	.options = options,
	.run = run,
};
