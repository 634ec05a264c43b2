// SPDX-License-Identifier: GPL-2.0-only
/* sdeitop diff: has something become slower between two recordings, or two sets of them, or along a series of builds, and in which stage? */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diff/collect.h"
#include "view/report/diff.h"
#include "view/report/series.h"
#include "cli/commands.h"
#include "util/log.h"
#include "util/sandbox.h"
#include "util/output.h"
#include "session/playback.h"
#include "view/screen/terminal.h"

#define STATS_MAX 16
#define PROBE_OF_SCHED "sched_switch"

struct stats {
	double values[STATS_MAX];
	size_t count;
};

/* Relative changes; of each stage its own, NAN: that of all. */
struct thresholds {
	double all, of[STAGE_COUNT];
};

struct diff_config {
	struct playback_config playback;	/* for each recording, but for its name */
	struct string_list builds;		/* operands: BASE and NEW, or more */
	struct string_list bases, freshes;
	struct stats stats;
	struct thresholds thresholds;
	double confidence, least_ns;
	bool json, markdown;
};

/* --- values of options */

/* A decimal number with a point whatever the locale, and nothing else but suffix behind it. */
static int set_decimal(double *field, const char *value, const char *suffix)
{
	char *end;

	if (!isdigit((unsigned char)*value) && *value != '.')
		return -EINVAL;
	*field = strtod(value, &end);
	if (end - value != (ptrdiff_t)strspn(value, "0123456789."))
		return -EINVAL;
	return *end && strcmp(end, suffix) != 0 ? -EINVAL : 0;
}

static int set_percent(double *share, const char *value)
{
	int err = set_decimal(share, value, "%");

	*share /= 100;
	return err ?: *share <= 1000 ? 0 : -EINVAL;
}

/* "drops" are the four ways to get no dispatch. */
static bool is_of(const char *name, size_t size, enum diff_stage stage)
{
	const char *own = diff_stages[stage].name;
	bool drops = stage >= STAGE_coalesced && stage <= STAGE_cleared;

	return (strlen(own) == size && memcmp(own, name, size) == 0) || (drops && size == 5 && memcmp(name, "drops", 5) == 0);
}

static int set_threshold(void *field, const char *value)
{
	struct thresholds *thresholds = field;
	const char *percent = strchr(value, '=');
	int err = percent ? -EINVAL : set_percent(&thresholds->all, value);

	for (int stage = 0; percent && stage < STAGE_COUNT; stage++)
		if (diff_stages[stage].kind != STAGE_LOAD && is_of(value, percent - value, stage))
			err = set_percent(&thresholds->of[stage], percent + 1);
	return err;
}

static int set_confidence(void *field, const char *value)
{
	double *confidence = field;
	int err = set_decimal(confidence, value, "");

	return err ?: *confidence >= 0.5 && *confidence <= 0.999 ? 0 : -EINVAL;
}

static int set_us(void *field, const char *value)
{
	double *ns = field;
	int err = set_decimal(ns, value, "us");

	*ns *= 1000;
	return err;
}

static int set_stat(double *stat, const char *word)
{
	int err;

	if (strcmp(word, "mean") == 0) {
		*stat = COMPARE_MEAN;
		return 0;
	}
	err = *word == 'p' ? set_decimal(stat, word + 1, "") : -EINVAL;
	*stat /= 100;
	return err ?: *stat > 0 && *stat < 1 ? 0 : -EINVAL;
}

/* Any percentile will do; these are what is asked for. */
static const char *stats_value(size_t n)
{
	static const char *const names[] = { "mean", "p50", "p90", "p99", "p99.9" };

	return n < sizeof(names) / sizeof(names[0]) ? names[n] : NULL;
}

static int set_stats(void *field, const char *value)
{
	struct stats *stats = field;
	char word[16];
	int err;

	stats->count = 0;
	for (;;) {
		size_t length = strcspn(value, ",");

		if (length >= sizeof(word) || stats->count == STATS_MAX)
			return -EINVAL;
		memcpy(word, value, length);
		word[length] = '\0';
		err = set_stat(&stats->values[stats->count++], word);
		if (err || !value[length])
			return err;
		value += length + 1;
	}
}

static const struct option_type option_threshold = {
	.set = set_threshold, .expects = "percent, as in 10%, or STAGE=PERCENT, as in handler=5% or drops=0",
};
static const struct option_type option_confidence = { .set = set_confidence, .expects = "a probability from 0.5 to 0.999" };
static const struct option_type option_us = { .set = set_us, .expects = "microseconds, as in 0.5" };
static const struct option_type option_stats = { .set = set_stats, .value = stats_value, .expects = "p50, p99.9, mean …, separated by commas" };

#define ROW(key, name, value, type, field, help) \
	{ key, name, value, &option_##type, offsetof(struct diff_config, field), help }

static const struct option_spec options[] = {
	ROW(0, "base", "DIR", directories, bases, "a recording of BASE; may be repeated, for repeated runs"),
	ROW(0, "new", "DIR", directories, freshes, "a recording of NEW; may be repeated"),
	ROW(0, "stat", "STAT,...", stats, stats, "what is compared: p50, p99.9, mean, ...; p50,p99,mean unless given"),
	ROW(0, "threshold", "[STAGE=]PERCENT", threshold, thresholds,
	    "what is worse by less does not count; 5% unless given; STAGE=PERCENT, as in handler=10% or drops=0, of one stage; may be repeated"),
	ROW(0, "min-us", "US", us, least_ns, "what is longer by less does not count; 0.1 unless given"),
	ROW(0, "confidence", "P", confidence, confidence, "of no false alarm in all comparisons together; 0.99 unless given"),
	ROW('j', "json", NULL, flag, json, "one JSON object"),
	ROW(0, "markdown", NULL, flag, markdown, "of a series of builds: as Markdown, with tables"),
	PLAYBACK_OPTION(diff_config, 'g', "guest", "GUEST", patterns, guests,
			"only VMs whose name matches, as in 'web*'; may be repeated"),
	PLAYBACK_OPTION(diff_config, 'v', "vcpu", "VCPU,...", numbers, vcpus, "only these vCPU ids"),
	PLAYBACK_OPTION(diff_config, 'e', "event", "EVENT,...", numbers, events, "only these SDEI events, 7 or 0x7"),
	PLAYBACK_OPTION(diff_config, 0, "since", "MOMENT", moment, since, "of each recording, from there: 5s leaves the first 5 s out"),
	PLAYBACK_OPTION(diff_config, 0, "until", "MOMENT", moment, until, "of each recording, up to there"),
	PLAYBACK_LAST_OPTIONS(diff_config),
	{ 0 },
};

static const struct option_spec operands[] = {
	ROW(0, "BUILD", NULL, directories, builds, NULL),
	{ 0 },
};

/* --- one recording */

struct run {
	struct playback_config config;
	struct playback *playback;
	struct samples *samples;
	struct collector *collector;
	struct diff_recording *recording;
	bool in_range;
};

struct side {
	char **names;		/* of recordings, NULL behind them */
	struct run *runs;
	struct diff_recording *recordings;
	size_t count;
};

struct diffing {
	struct diff_config config;
	struct side *sides;	/* BASE and NEW, or the builds of a series */
	size_t count;
	bool entry_joined;
};

static void enter_range(struct run *r)
{
	if (r->in_range || !playback_in_range(r->playback))
		return;
	r->in_range = true;
	collector_begin(r->collector);
}

static void take_record(void *ctx, const struct sdei_record *record, size_t size)
{
	struct run *r = ctx;

	enter_range(r);
	collector_record(r->collector, record, size);
}

static void take_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	struct run *r = ctx;

	enter_range(r);
	collector_lost(r->collector, key, count);
}

static void take_status(void *ctx, const struct recording_status *status)
{
	struct run *r = ctx;

	enter_range(r);
	collector_tick(r->collector, status->time_ns);
}

/* An exit status. */
static int open_run(struct run *r, const struct diff_config *config, const char *directory)
{
	const struct playback_calls calls = {
		.sink = { .record = take_record, .lost = take_lost, .ctx = r },
		.status = take_status,
		.ctx = r,
	};
	int status;

	r->config = config->playback;
	r->config.input = directory;
	r->playback = playback_open(&r->config, &calls, &status);
	if (!r->playback) {
		say(MSG_DIFF_READING, directory);
		return status;
	}
	r->recording->directory = directory;
	r->recording->about = *reader_about(playback_reader(r->playback));
	playback_range(r->playback, &r->recording->from_ns, &r->recording->to_ns);
	return EXIT_DONE;
}

static void close_run(struct run *r)
{
	collector_free(r->collector);
	samples_free(r->samples);
	playback_close(r->playback);
}

/* What is printed of the whole; the model is of no use after that. */
static void sum_up(struct run *r)
{
	size_t count;
	const struct samples_series *all = samples_all(r->samples, &count);

	for (size_t i = 0; i < count; i++)
		for (size_t block = 0; block < samples_blocks(r->samples); block++) {
			if (all[i].key.stage == STAGE_signals)
				r->recording->signals += all[i].blocks[block].count;
			if (all[i].key.stage == STAGE_apf_setup)
				r->recording->faults += all[i].blocks[block].count;
			if (all[i].key.stage == STAGE_dispatch)
				r->recording->dispatched += all[i].blocks[block].count;
		}
	r->recording->lost = model_totals(collector_model(r->collector))->lost;
	collector_free(r->collector);
	r->collector = NULL;
}

static int play(struct run *r, uint64_t block_ns, const struct collect_options *how)
{
	r->samples = samples_new(r->recording->from_ns, r->recording->to_ns, block_ns);
	r->collector = r->samples ? collector_new(r->samples, how) : NULL;
	if (!r->collector)
		return -ENOMEM;
	playback_show_progress(r->playback);
	playback_run(r->playback, UINT64_MAX);
	if (collector_end(r->collector, r->recording->to_ns))
		return -ENOMEM;
	r->recording->incomplete = playback_finish(r->playback) == EXIT_INCOMPLETE;
	sum_up(r);
	return 0;
}

/* --- sides */

static int add_name(struct side *side, const char *name, size_t size)
{
	char **names = reallocarray(side->names, side->count + 2, sizeof(*names));

	if (!names)
		return -ENOMEM;
	side->names = names;
	names[side->count] = strndup(name, size);
	names[side->count + 1] = NULL;
	return names[side->count] ? side->count++, 0 : -ENOMEM;
}

/* DIR, or DIR,DIR,... which are repeated runs: unless there is a directory of that name. */
static int add_operand(struct side *side, const char *names)
{
	int err = 0;

	if (access(names, F_OK) == 0)
		return add_name(side, names, strlen(names));
	for (size_t length; !err; names += length + 1) {
		length = strcspn(names, ",");
		err = add_name(side, names, length);
		if (!names[length])
			break;
	}
	return err;
}

static int add_list(struct side *side, const struct string_list *list)
{
	int err = 0;

	for (size_t i = 0; i < list->count && !err; i++)
		err = add_name(side, list->values[i], strlen(list->values[i]));
	return err;
}

static int name_sides(struct diffing *d)
{
	const struct diff_config *c = &d->config;
	int err = 0;

	d->count = c->freshes.count ? 2 : c->builds.count;
	d->sides = calloc(d->count, sizeof(*d->sides));
	if (!d->sides)
		return -ENOMEM;
	for (size_t i = 0; i < c->builds.count && !err; i++)
		err = add_operand(&d->sides[i], c->builds.values[i]);
	if (!err)
		err = add_list(&d->sides[0], &c->bases);
	return err ?: add_list(&d->sides[1], &c->freshes);
}

static int open_side(struct side *side, const struct diff_config *config)
{
	int status = EXIT_DONE;

	side->runs = calloc(side->count, sizeof(*side->runs));
	side->recordings = calloc(side->count, sizeof(*side->recordings));
	if (!side->runs || !side->recordings) {
		say(MSG_NO_MEMORY);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < side->count && status == EXIT_DONE; i++) {
		side->runs[i].recording = &side->recordings[i];
		status = open_run(&side->runs[i], config, side->names[i]);
	}
	return status;
}

static void close_side(struct side *side)
{
	for (size_t i = 0; i < side->count; i++) {
		if (side->runs)
			close_run(&side->runs[i]);
		free(side->names[i]);
	}
	free(side->runs);
	free(side->recordings);
	free(side->names);
}

static void find_lengths(const struct side *side, uint64_t *shortest_ns, uint64_t *longest_ns)
{
	for (size_t i = 0; i < side->count; i++) {
		uint64_t length_ns = side->recordings[i].to_ns - side->recordings[i].from_ns;

		if (length_ns < *shortest_ns)
			*shortest_ns = length_ns;
		if (length_ns > *longest_ns)
			*longest_ns = length_ns;
	}
}

/* How many were made with --sched. */
static size_t with_sched(const struct side *side)
{
	size_t count = 0;

	for (size_t i = 0; i < side->count; i++)
		count += !!strstr(side->recordings[i].about.probes, PROBE_OF_SCHED);
	return count;
}

static int play_side(struct side *side, uint64_t block_ns, const struct collect_options *how)
{
	int err = 0;

	for (size_t i = 0; i < side->count && !err; i++)
		err = play(&side->runs[i], block_ns, how);
	return err;
}

static int play_all(struct diffing *d)
{
	uint64_t shortest_ns = UINT64_MAX, longest_ns = 0, block_ns;
	size_t sched = 0, runs = 0;
	struct collect_options how;
	int err = 0;

	for (size_t i = 0; i < d->count; i++) {
		sched += with_sched(&d->sides[i]);
		runs += d->sides[i].count;
		find_lengths(&d->sides[i], &shortest_ns, &longest_ns);
	}
	how = (struct collect_options){ .split_entry = sched == runs };
	d->entry_joined = sched && !how.split_entry;
	block_ns = compare_block_ns(shortest_ns, longest_ns);
	for (size_t i = 0; i < d->count && !err; i++)
		err = play_side(&d->sides[i], block_ns, &how);
	return err;
}

/* --- the report */

/* In one of its forms. */
static int write_out(int (*write)(FILE *out, const void *what), const void *what)
{
	struct output out;
	int err;

	if (!output_open(&out, NULL))
		return EXIT_FAILED;
	err = write(out.file, what);
	if (err)
		say(MSG_NO_MEMORY);
	return output_close(&out) == EXIT_DONE && !err ? EXIT_DONE : EXIT_FAILED;
}

static bool is_any_incomplete(const struct diffing *d)
{
	for (size_t i = 0; i < d->count; i++)
		for (size_t k = 0; k < d->sides[i].count; k++)
			if (d->sides[i].recordings[k].incomplete)
				return true;
	return false;
}

/* What was found counts more than what is missing. */
static int verdict(const struct diffing *d, bool regression, bool has_result, bool inexact)
{
	if (regression)
		return EXIT_REGRESSION;
	return is_any_incomplete(d) || inexact || !has_result ? EXIT_INCOMPLETE : EXIT_DONE;
}

static const struct samples **samples_of(const struct side *sides, size_t count)
{
	size_t runs = 0, at = 0;
	const struct samples **list;

	for (size_t i = 0; i < count; i++)
		runs += sides[i].count;
	list = calloc(runs, sizeof(*list));
	for (size_t i = 0; list && i < count; i++)
		for (size_t k = 0; k < sides[i].count; k++)
			list[at++] = sides[i].runs[k].samples;
	return list;
}

static struct compare_options options_of(const struct diff_config *c)
{
	return (struct compare_options){
		.stats = c->stats.values, .stat_count = c->stats.count, .threshold = c->thresholds.all, .thresholds = c->thresholds.of,
		.least_ns = c->least_ns, .confidence = c->confidence,
	};
}

static struct diff_side shown_side(const struct side *side)
{
	return (struct diff_side){ side->recordings, side->count };
}

static int write_diff_text(FILE *out, const void *what)
{
	return diff_text(out, what);
}

static int write_diff_json(FILE *out, const void *what)
{
	return diff_json(out, what);
}

static int compare_and_report(const struct diffing *d)
{
	const struct compare_options judged_by = options_of(&d->config);
	const struct side *base = &d->sides[0], *fresh = &d->sides[1];
	const struct samples **runs = samples_of(d->sides, d->count);
	struct compare *c = runs ? compare_new(runs, base->count, runs + base->count, fresh->count, &judged_by) : NULL;
	const struct diff diff = {
		.base = shown_side(base), .fresh = shown_side(fresh), .compare = c, .options = &judged_by, .entry_joined = d->entry_joined,
		.utf8 = terminal_is_utf8(),
	};
	int status = EXIT_FAILED;

	if (c)
		status = write_out(d->config.json ? write_diff_json : write_diff_text, &diff);
	else
		say(MSG_NO_MEMORY);
	if (status == EXIT_DONE)
		status = verdict(d, c->cause_count, compare_has_result(c), compare_is_inexact(c));
	compare_free(c);
	free(runs);
	return status;
}

static int write_series_text(FILE *out, const void *what)
{
	return series_text(out, what);
}

static int write_series_markdown(FILE *out, const void *what)
{
	return series_markdown(out, what);
}

static int write_series_json(FILE *out, const void *what)
{
	return series_json(out, what);
}

static int report_series(const struct diffing *d, const struct series_report *report)
{
	const struct series *s = report->series;
	int status = write_out(d->config.json ? write_series_json : d->config.markdown ? write_series_markdown : write_series_text, report);

	return status == EXIT_DONE ? verdict(d, s->cause_count, series_has_result(s), series_is_inexact(s)) : status;
}

static int judge_series(const struct diffing *d)
{
	const struct compare_options judged_by = options_of(&d->config);
	const struct samples **runs = samples_of(d->sides, d->count);
	size_t *ends = calloc(d->count, sizeof(*ends));
	struct diff_side *builds = calloc(d->count, sizeof(*builds));
	struct series *series = NULL;
	int status = EXIT_FAILED;

	for (size_t i = 0; ends && builds && i < d->count; i++) {
		ends[i] = (i ? ends[i - 1] : 0) + d->sides[i].count;
		builds[i] = shown_side(&d->sides[i]);
	}
	if (runs && ends && builds)
		series = series_new(runs, ends, d->count, &judged_by);
	if (series)
		status = report_series(d, &(struct series_report){ .builds = builds, .series = series, .options = &judged_by,
								   .entry_joined = d->entry_joined, .utf8 = terminal_is_utf8() });
	else
		say(MSG_NO_MEMORY);
	series_free(series);
	free(builds);
	free(ends);
	free(runs);
	return status;
}

static void read_side(struct sandbox *sandbox, const struct side *side)
{
	for (size_t i = 0; i < side->count; i++)
		sandbox_read(sandbox, side->recordings[i].directory);
}

static void shut_in(const struct diffing *d)
{
	struct sandbox sandbox;

	sandbox_begin(&sandbox, d->config.playback.no_sandbox);
	for (size_t i = 0; i < d->count; i++)
		read_side(&sandbox, &d->sides[i]);
	sandbox_enter(&sandbox, d->config.playback.verbose);
}

static int diff(struct diffing *d)
{
	int status = EXIT_DONE;

	if (name_sides(d)) {
		say(MSG_NO_MEMORY);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < d->count && status == EXIT_DONE; i++)
		status = open_side(&d->sides[i], &d->config);
	if (status != EXIT_DONE)
		return status;
	shut_in(d);
	if (play_all(d)) {
		say(MSG_NO_MEMORY);
		return EXIT_FAILED;
	}
	return d->count > 2 ? judge_series(d) : compare_and_report(d);
}

/* Each side in one way: two builds or more, or --base and --new; BASE may be the operand, too. NULL: they are; or what is wrong. */
static const char *sides_wrong(const struct diff_config *c)
{
	bool named = c->builds.count >= 2 ? !c->bases.count && !c->freshes.count :
		     c->freshes.count && !!c->bases.count != !!c->builds.count;

	if (!named)
		return MSG_DIFF_SIDES;
	return c->markdown && (c->builds.count < 3 || c->json) ? MSG_DIFF_MARKDOWN : NULL;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct diffing d = {
		.config = {
			.stats = { .values = { 0.5, 0.99, COMPARE_MEAN }, .count = 3 },
			.thresholds.all = 0.05, .confidence = 0.99, .least_ns = 100,
		},
	};
	int status;

	for (int stage = 0; stage < STAGE_COUNT; stage++)
		d.config.thresholds.of[stage] = NAN;
	signal(SIGPIPE, SIG_IGN);
	if (playback_options(self, argc, argv, &d.config, &d.config.playback, &status))
		status = sides_wrong(&d.config) ? playback_usage(self, sides_wrong(&d.config)) : diff(&d);
	for (size_t i = 0; i < d.count; i++)
		close_side(&d.sides[i]);
	free(d.sides);
	options_clear(self, &d.config);
	return status;
}

const struct command cmd_diff = {
	.name = "diff",
	.brief = "say what became slower between two recordings",
	.usage = "diff [OPTIONS] BASE NEW\n"
		 "       " PROGRAM " diff [OPTIONS] --base DIR --base DIR... --new DIR --new DIR...\n"
		 "       " PROGRAM " diff [OPTIONS] BUILD BUILD BUILD...",
	.help = "Says whether NEW is slower than BASE, by how much and in which stage: two recordings, or two sets of them. Of three builds\n"
		"and more, says at which step of the series a figure has changed.",
	.about = "BASE, NEW and BUILD are a recording each, or DIR,DIR,...: repeated runs of the same.\n"
		 "Several recordings on a side are repeated runs, compared with each other as wholes; two single ones in blocks of time.\n"
		 "Exit status: 0 nothing is worse, 3 a regression, 1 failed, 2 wrong usage, 5 it cannot be told: neither dispatches nor page\n"
		 "faults could be compared, or records or parts of a recording are missing and nothing is worse in the rest.\n",
	.options = options,
	.operands = operands,
	.run = run,
};
