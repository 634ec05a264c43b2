/* SPDX-License-Identifier: GPL-2.0-only */
/* sdeitop report: what a recording says, as text, JSON or a page for a browser. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "view/report/evidence.h"
#include "cli/commands.h"
#include "session/feeder.h"
#include "util/log.h"
#include "util/sandbox.h"
#include "util/output.h"
#include "session/playback.h"
#include "session/vm_names.h"
#include "cli/show.h"
#include "view/screen/terminal.h"

struct report_config {
	struct playback_config playback;
	struct show_config show;	/* its limits only */
	bool json, all;
	const char *output, *html;
};

static const struct option_spec options[] = {
	{ 'j', "json", NULL, &option_flag, offsetof(struct report_config, json), "one JSON object, with everything" },
	{ 0, "all", NULL, &option_flag, offsetof(struct report_config, all), "everything, not only a screenful" },
	{ 0, "html", "FILE", &option_string, offsetof(struct report_config, html), "also a page for browsers, with plots" },
	{ 'o', "output", "FILE", &option_string, offsetof(struct report_config, output), "write there instead of to standard output" },
	LIMIT_OPTIONS(report_config, show.limits),
	PLAYBACK_OPTIONS(report_config),
	{ 0 },
};

static const struct option_spec operands[] = { PLAYBACK_OPERAND(report_config), { 0 } };

struct reporting {
	struct report_config config;
	struct playback *playback;
	struct feeder *feeder;
	struct evidence *evidence;
	struct timeline *timeline;	/* for HTML, else NULL */
	struct restore *restore;
	struct name_cache *names;	/* of what is in that */
	uint64_t lost_steps;
	uint64_t next_tick_ns;	/* UINT64_MAX: none before the recorder's next one */
	struct status end;
	bool in_range, short_of_memory;
};

/* --- first pass: the figures */

/* Names are known from here on, and what holds by now is a finding. */
static void tick(struct reporting *r, uint64_t now_ns)
{
	struct model *m = feeder_model(r->feeder);

	feeder_flush(r->feeder);
	model_tick(m, now_ns);
	if (r->timeline && timeline_take(r->timeline, m, now_ns) < 0)
		r->short_of_memory = true;
}

/* False where no tick comes behind that time: a recording can claim any. */
static bool plan_tick_after(struct reporting *r, uint64_t time_ns)
{
	if (!__builtin_add_overflow(time_ns, timeline_step_ns(r->timeline), &r->next_tick_ns))
		return true;
	r->next_tick_ns = UINT64_MAX;
	return false;
}

/* A plot wants finer steps than the seconds of the recorder. */
static void tick_up_to(struct reporting *r, uint64_t time_ns)
{
	while (r->timeline && r->in_range && r->next_tick_ns <= time_ns) {
		tick(r, r->next_tick_ns);
		if (!plan_tick_after(r, r->next_tick_ns))
			break;
	}
}

/* What came before the range leaves its states, not its figures. */
static void enter_range(struct reporting *r)
{
	struct model *m = feeder_model(r->feeder);
	uint64_t from_ns;

	if (r->in_range || !playback_in_range(r->playback))
		return;
	r->in_range = true;
	feeder_flush(r->feeder);
	from_ns = playback_from_ns(r->playback);
	if (model_totals(m)->records)
		model_reset(m, from_ns);
	model_tick(m, from_ns);
}

/* A step in which an interrupt controller is saved or restored. */
static void take_step(struct reporting *r, const struct sdei_record *record, size_t size)
{
	name_cache_get(r->names, record->vm, record->time_ns, false);
	r->short_of_memory |= restore_feed(r->restore, record, size) == -ENOMEM;
}

static void take_record(void *ctx, const struct sdei_record *record, size_t size)
{
	struct reporting *r = ctx;

	enter_range(r);
	tick_up_to(r, record->time_ns);
	if (record->kind == SDEI_GIC && r->in_range)
		take_step(r, record, size);
	feeder_record(r->feeder, record, size);
}

static void take_records(void *ctx, const struct sdei_record *const records[], const size_t sizes[], size_t count)
{
	struct reporting *r = ctx;
	size_t taken = 0;

	for (size_t i = 0; i < count; i++) {
		if (r->in_range && records[i]->time_ns < r->next_tick_ns && records[i]->kind != SDEI_GIC)
			continue;
		feeder_records(r->feeder, records + taken, sizes + taken, i - taken);
		take_record(r, records[i], sizes[i]);
		taken = i + 1;
	}
	feeder_records(r->feeder, records + taken, sizes + taken, count - taken);
}

static void take_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	struct reporting *r = ctx;

	enter_range(r);
	if (r->in_range && key && key->kind == SDEI_GIC)
		r->lost_steps += count;
	feeder_lost(r->feeder, key, count);
}

static void take_status(void *ctx, const struct recording_status *status)
{
	struct reporting *r = ctx;

	enter_range(r);
	if (!r->timeline)
		tick(r, status->time_ns);
}

static int open_timeline(struct reporting *r)
{
	uint64_t from_ns, to_ns;

	playback_range(r->playback, &from_ns, &to_ns);
	r->timeline = timeline_new(from_ns, to_ns);
	if (!r->timeline)
		return -ENOMEM;
	model_keep_intervals(feeder_model(r->feeder), true);
	plan_tick_after(r, from_ns);
	return 0;
}

static int prepare(struct reporting *r)
{
	r->next_tick_ns = UINT64_MAX;
	r->feeder = feeder_new(terminal_is_utf8(), &r->config.show.limits);
	r->restore = restore_new();
	r->names = name_cache_new(playback_name, r->playback, terminal_is_utf8());
	if (!r->feeder || !r->restore || !r->names)
		return -ENOMEM;
	model_keep_fault_history(feeder_model(r->feeder), true);
	feeder_set_playback(r->feeder, r->playback);
	feeder_set_late_names(r->feeder, name_cache_rename, r->names);
	return r->config.html ? open_timeline(r) : 0;
}

static void shut_in(const struct reporting *r)
{
	struct sandbox sandbox;

	sandbox_begin(&sandbox, r->config.playback.no_sandbox);
	sandbox_read(&sandbox, r->config.playback.input);
	sandbox_write(&sandbox, r->config.output);
	sandbox_write(&sandbox, r->config.html);
	sandbox_enter(&sandbox, r->config.playback.verbose);
}

static int play(struct reporting *r)
{
	const struct playback_calls calls = {
		.sink = { .record = take_record, .records = take_records, .lost = take_lost, .ctx = r },
		.status = take_status,
		.ctx = r,
	};
	int status;

	r->playback = playback_open(&r->config.playback, &calls, &status);
	if (!r->playback)
		return status;
	shut_in(r);
	if (prepare(r) < 0) {
		say(MSG_NO_MEMORY);
		return EXIT_FAILED;
	}
	playback_show_progress(r->playback);
	playback_run(r->playback, UINT64_MAX);
	enter_range(r);
	playback_view_status(r->playback, &r->end);
	if (r->timeline)
		tick_up_to(r, r->end.now_ns);
	tick(r, r->end.now_ns);
	model_settle(feeder_model(r->feeder), r->end.now_ns);
	restore_settle(r->restore);
	return EXIT_DONE;
}

/* --- second pass: what was around the worst */

static void take_evidence(void *ctx, const struct sdei_record *record, size_t size)
{
	evidence_record(((struct reporting *)ctx)->evidence, record);
}

static bool wants_evidence(void *ctx, uint64_t begin_ns, uint64_t end_ns)
{
	return evidence_wants(((struct reporting *)ctx)->evidence, begin_ns, end_ns);
}

static int collect(struct reporting *r)
{
	const struct playback_calls calls = {
		.wants = wants_evidence,
		.sink = { .record = take_evidence, .lost = sink_null.lost, .ctx = r },
		.ctx = r,
	};

	r->evidence = evidence_new(feeder_model(r->feeder));
	if (!r->evidence) {
		say(MSG_NO_MEMORY);
		return EXIT_FAILED;
	}
	do {
		if (playback_again(r->playback, &calls) < 0)
			break;
		playback_run(r->playback, evidence_until_ns(r->evidence));
	} while (evidence_look_back(r->evidence));
	return EXIT_DONE;
}

/* --- writing it */

static bool has_restores(const struct reporting *r)
{
	size_t count;

	restore_vms(r->restore, &count);
	return count;
}

static struct report describe(const struct reporting *r, const struct restore_view *restores)
{
	struct reader *reader = playback_reader(r->playback);
	struct report report = {
		.model = feeder_model(r->feeder), .status = &r->end, .timeline = r->timeline,
		.restores = has_restores(r) ? restores : NULL, .about = reader_about(reader), .utf8 = terminal_is_utf8(),
	};

	playback_range(r->playback, &report.begin_ns, &report.end_ns);
	reader_span(reader, &report.span);	/* all has been read: cannot fail */
	report.problems = reader_problems(reader, &report.problem_count, &report.problems_all);
	evidence_report(r->evidence, &report);
	return report;
}

static int failed(const char *name, int error)
{
	say(MSG_WRITING, name, strerror(error));
	return EXIT_FAILED;
}

/* Out of memory is all that a form can fail for by itself. */
static int close_report(struct output *out, int err)
{
	enum exit_status status = output_close(out);

	if (err && status == EXIT_DONE && out->error != EPIPE)
		return failed(out->name, -err);
	return status;
}

static int write_form(const struct reporting *r, FILE *out, const struct report *report)
{
	if (r->config.json)
		return report_json(out, report);
	return r->config.all ? report_text(out, report) : report_brief(out, report);
}

static int write_report(const struct reporting *r, const struct report *report)
{
	struct output out;

	if (!output_open(&out, r->config.output))
		return EXIT_FAILED;
	return close_report(&out, write_form(r, out.file, report));
}

static int write_page_to(int fd, const char *name, const struct report *report)
{
	struct output out;

	if (!output_open_fd(&out, fd, name))
		return EXIT_FAILED;
	return close_report(&out, report_html(out.file, report));
}

/* A device, a pipe or a link is written to. Its name is not taken from it. */
static bool is_replaceable(const char *name)
{
	struct stat st;

	return lstat(name, &st) < 0 || S_ISREG(st.st_mode);
}

static int write_page_through(const char *name, const struct report *report)
{
	int fd = open(name, O_WRONLY | O_TRUNC | O_CLOEXEC);

	return fd < 0 ? failed(name, errno) : write_page_to(fd, name, report);
}

/* What any new file has; mkostemp() is stricter. */
static mode_t new_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

/* Who looks at the page sees the old one or the new one, whole. */
static int write_page(const struct reporting *r, const struct report *report)
{
	const char *name = r->config.html;
	char temporary[4096];
	int fd, status;

	if (output_is_standard(name))
		return write_page_to(STDOUT_FILENO, "standard output", report);
	if (!is_replaceable(name))
		return write_page_through(name, report);
	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", name) >= (int)sizeof(temporary))
		return failed(name, ENAMETOOLONG);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return failed(name, errno);
	if (fchmod(fd, new_mode()) < 0) {
		status = failed(name, errno);
		close(fd);
	} else {
		status = write_page_to(fd, name, report);
	}
	if (status == EXIT_DONE && rename(temporary, name) < 0)
		status = failed(name, errno);
	if (status != EXIT_DONE)
		unlink(temporary);
	return status;
}

static int write_all(struct reporting *r)
{
	struct times_printer times = { .times = playback_times(r->playback), .wall = r->config.json };
	const struct restore_view restores = {
		.restore = r->restore, .names = r->names, .times = &times, .lost = r->lost_steps,
	};
	struct report report = describe(r, &restores);
	int status = r->config.html ? write_page(r, &report) : EXIT_DONE;

	if (r->short_of_memory)
		say(MSG_NO_MEMORY);
	/* One of the two is what standard output is for. */
	if (status == EXIT_DONE && !(r->config.html && output_is_standard(r->config.html) && output_is_standard(r->config.output)))
		status = write_report(r, &report);
	return status == EXIT_DONE && !r->short_of_memory ? playback_finish(r->playback) : EXIT_FAILED;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct reporting r = { 0 };
	int status;

	signal(SIGPIPE, SIG_IGN);
	if (playback_parse(self, argc, argv, &r.config, &r.config.playback, &status)) {
		status = play(&r);
		if (status == EXIT_DONE)
			status = collect(&r);
		if (status == EXIT_DONE)
			status = write_all(&r);
		evidence_free(r.evidence);
		timeline_free(r.timeline);
		name_cache_free(r.names);
		restore_free(r.restore);
		feeder_free(r.feeder);
		playback_close(r.playback);
	}
	options_clear(self, &r.config);
	return status;
}

const struct command cmd_report = {
	.name = "report",
	.brief = "say what was worst in a recording, when and why",
	.usage = "report [OPTIONS] DIR",
	.help = "Says what was worst in a recording, when and why, and what was found; with --all every figure there is.",
	.about = "Exit status: 0 done, 1 failed, 2 wrong usage, 5 the recording is incomplete: what is there was reported.\n",
	.options = options,
	.operands = operands,
	.run = run,
};
