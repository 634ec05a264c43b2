// SPDX-License-Identifier: GPL-2.0-only
/* sdeitop join: the host's recording of a guest and the guest's of itself, on one timeline. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/join_guest.h"
#include "cli/join_trace.h"
#include "session/playback.h"
#include "util/log.h"
#include "util/output.h"
#include "util/sandbox.h"
#include "view/report/join.h"
#include "view/screen/terminal.h"

#define MSG_JOIN_TWO		"two recordings are needed: HOST and GUEST"
#define MSG_JOIN_FORMS		"give only one of --json, --html, --perfetto, --chrome and --csv"
#define MSG_JOIN_NOT_GUEST	"%s is not of a guest by itself: '" PROGRAM " record --client' in the guest makes one"
#define MSG_JOIN_NOT_HOST	"%s is not of a KVM host: the first recording has to be the host's, the second one the guest's"
#define MSG_JOIN_VMS		"on the host, VMs %" PRIu32 " and %" PRIu32 " use SDEI: choose the guest with -p or -g"
#define MSG_JOIN_TIMES		"%s holds times that no clock shows, or is too long to be joined"
#define MSG_JOIN_NOTHING	"nothing in the two recordings can be compared: both need handlers, or calls, of the same vCPU and event"
#define MSG_JOIN_UNRELATED	"the two recordings have too little in common: they are of different guests, boots or times"
#define MSG_JOIN_AMBIGUOUS	"the two recordings fit together in more than one way: record longer, or with calls"
#define MSG_JOIN_TOO_MANY	"the two recordings contradict each other: the offset between their clocks moves more than %d times"

struct join_config {
	struct playback_config playback;	/* of the host's; of the guest's only what is not a filter */
	const char *host, *guest, *output;
	bool json, html, perfetto, chrome, csv;
};

#define ROW(key, name, value, type, field, help) \
	{ key, name, value, &option_##type, offsetof(struct join_config, field), help }

static const struct option_spec options[] = {
	ROW('j', "json", NULL, flag, json, "one JSON object"),
	ROW(0, "html", NULL, flag, html, "a page for browsers: one file, no script, no network"),
	ROW(0, "perfetto", NULL, flag, perfetto, "instead, a trace for ui.perfetto.dev: the host and the guest on the host's clock"),
	ROW(0, "chrome", NULL, flag, chrome, "the same as JSON in Chrome's trace event format"),
	ROW(0, "csv", NULL, flag, csv, "the same as lines of CSV, as export --csv writes them"),
	ROW('o', "output", "FILE", string, output, "write there instead of to standard output"),
	PLAYBACK_OPTION(join_config, 'p', "pid", "PID,...", numbers, vms, "the guest is this VM of the host, by process id"),
	PLAYBACK_OPTION(join_config, 'g', "guest", "GUEST", patterns, guests,
			"the guest is the VM of the host whose name matches, as in 'web*'; may be repeated"),
	PLAYBACK_OPTION(join_config, 0, "since", "MOMENT", moment, since,
			"events from there on: any time that is printed, or 1m30s after the host's start"),
	PLAYBACK_OPTION(join_config, 0, "until", "MOMENT", moment, until, "up to there"),
	PLAYBACK_LAST_OPTIONS(join_config),
	{ 0 },
};

static const struct option_spec operands[] = {
	ROW(0, "HOST", NULL, string, host, NULL),
	ROW(0, "GUEST", NULL, string, guest, NULL),
	{ 0 },
};

struct run {
	struct playback_config config;
	struct playback *playback;
};

struct joining {
	struct join_config config;
	struct join_guest which;
	struct run host, guest;
	struct join join;
	struct output out;
};

/* --- reading */

static void take_record(void *ctx, const struct sdei_record *record, size_t size)
{
	side_record(ctx, record, size);
}

static void take_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	side_lost(ctx, key, count);
}

static void take_status(void *ctx, const struct recording_status *status)
{
	side_counter(ctx, &status->counter);
}

static struct playback_calls calls_of(struct side *side)
{
	return (struct playback_calls){
		.sink = { .record = take_record, .lost = take_lost, .ctx = side }, .status = take_status, .ctx = side,
	};
}

/* Of what was asked for, what is no filter. */
static struct playback_config settings_of(const struct joining *j)
{
	const struct playback_config *c = &j->config.playback;

	return (struct playback_config){ .verbose = c->verbose, .no_sandbox = c->no_sandbox, .times = c->times };
}

/* An exit status. */
static int open_recording(struct run *run, struct join_recording *r, bool is_guest)
{
	const struct playback_calls calls = calls_of(&r->side);
	uint64_t from_ns, to_ns;
	int status;

	run->config.input = r->directory;
	run->playback = playback_open(&run->config, &calls, &status);
	if (!run->playback)
		return status;
	r->about = *reader_about(playback_reader(run->playback));
	playback_range(run->playback, &from_ns, &to_ns);
	if (side_begin(&r->side, is_guest, from_ns, to_ns))
		return EXIT_DONE;
	say(MSG_JOIN_TIMES, r->directory);
	return EXIT_FAILED;
}

/* What --since and --until leave of the host's recording. */
static int find_range(struct joining *j)
{
	const struct playback_calls nothing = { 0 };
	struct playback_config config = j->config.playback;
	struct playback *playback;
	int status;

	j->join.to_ns = UINT64_MAX;
	if (!j->join.is_part)
		return EXIT_DONE;
	config.input = j->config.host;
	playback = playback_open(&config, &nothing, &status);
	if (!playback)
		return status;
	playback_range(playback, &j->join.from_ns, &j->join.to_ns);
	playback_close(playback);
	return EXIT_DONE;
}

/* It is read as a whole, so that the offset is as exact as it can be, and it is known which VMs there are. */
static int open_host(struct joining *j)
{
	int status;

	j->join.is_part = j->config.playback.since.kind != MOMENT_NONE || j->config.playback.until.kind != MOMENT_NONE;
	status = find_range(j);
	if (status != EXIT_DONE)
		return status;
	j->host.config = settings_of(j);
	return open_recording(&j->host, &j->join.host, false);
}

static int open_both(struct joining *j)
{
	int status;

	j->join.host.directory = j->config.host;
	j->join.guest.directory = j->config.guest;
	j->guest.config = settings_of(j);
	status = open_host(j);
	return status == EXIT_DONE ? open_recording(&j->guest, &j->join.guest, true) : status;
}

static void shut_in(const struct joining *j)
{
	struct sandbox sandbox;

	sandbox_begin(&sandbox, j->config.playback.no_sandbox);
	sandbox_read(&sandbox, j->config.host);
	sandbox_read(&sandbox, j->config.guest);
	sandbox_enter(&sandbox, j->config.playback.verbose);
}

/* False: no memory. */
static bool take_names(struct run *run, struct join_recording *r, const uint32_t *vms, size_t count)
{
	r->vms = calloc(count ?: 1, sizeof(*r->vms));
	for (; r->vms && r->vm_count < count; r->vm_count++) {
		struct join_vm *vm = &r->vms[r->vm_count];

		vm->vm = vms[r->vm_count];
		vm->name = playback_name(run->playback, vm->vm);
		if (!vm->name)
			return false;
	}
	return r->vms;
}

static bool fails(int err)
{
	if (err == -ENOMEM)
		say(MSG_NO_MEMORY);
	else if (err)
		say(MSG_READING, strerror(-err));
	return err;
}

/* Which VMs are the guest, then what these did. */
static bool read_host(struct joining *j)
{
	const struct playback_calls calls = calls_of(&j->join.host.side);
	struct playback *host = j->host.playback;
	const struct number_list *vms = &j->which.vms;

	playback_show_progress(host);
	if (fails(join_guest_find(&j->which, host, &j->config.playback)) || fails(playback_again(host, &calls)))
		return false;
	if (j->which.other_vm) {
		say(MSG_JOIN_VMS, vms->values[0], j->which.other_vm);
		return false;
	}
	playback_leave_only(host, vms);
	if (vms->count)
		playback_run(host, UINT64_MAX);
	return !fails(take_names(&j->host, &j->join.host, vms->values, vms->count) ? 0 : -ENOMEM);
}

static bool read_guest(struct joining *j)
{
	struct side *side = &j->join.guest.side;

	playback_show_progress(j->guest.playback);
	playback_run(j->guest.playback, UINT64_MAX);
	return !fails(take_names(&j->guest, &j->join.guest, &side->vm, 1) ? 0 : -ENOMEM);
}

/* --- joining */

/* What the recordings are, as far as what they hold says so. */
static bool check(const struct join *j)
{
	if (j->host.side.vm == SDEI_THIS_MACHINE)
		say(MSG_JOIN_NOT_HOST, j->host.directory);
	else if (j->guest.side.vm != SDEI_THIS_MACHINE)
		say(MSG_JOIN_NOT_GUEST, j->guest.directory);
	else
		return true;
	return false;
}

static void complain(enum match_result result)
{
	static const char *const messages[] = {
		[MATCH_NOTHING] = MSG_JOIN_NOTHING, [MATCH_UNRELATED] = MSG_JOIN_UNRELATED, [MATCH_AMBIGUOUS] = MSG_JOIN_AMBIGUOUS,
		[MATCH_NO_MEMORY] = MSG_NO_MEMORY,
	};

	if (result == MATCH_TOO_MANY)
		say(MSG_JOIN_TOO_MANY, MATCH_LINES_MAX);
	else
		say("%s", messages[result]);
}

static bool make(struct join *j)
{
	enum match_result result = MATCH_NO_MEMORY;

	if (!side_failed(&j->host.side) && !side_failed(&j->guest.side))
		result = match_sides(&j->match, &j->guest.side, &j->host.side);
	if (result == MATCH_DONE && waterfall_make(&j->waterfall, &j->match, j->from_ns, j->to_ns))
		result = MATCH_NO_MEMORY;
	if (result != MATCH_DONE)
		complain(result);
	return result == MATCH_DONE;
}

/* Of calls, handlers make the guest's programs miss some: that is no sign of anything. */
static bool is_incomplete(const struct match_counts *c)
{
	return c->guest_only[SIDE_HANDLER] || c->host_only[SIDE_HANDLER] || c->guest_only[SIDE_SIGNAL] || c->host_only[SIDE_SIGNAL];
}

static int finish(struct joining *j)
{
	int host = playback_finish(j->host.playback), guest = playback_finish(j->guest.playback);

	return host != EXIT_DONE || guest != EXIT_DONE || is_incomplete(&j->join.match.counts) ? EXIT_INCOMPLETE : EXIT_DONE;
}

/* NULL: none, it is a report. */
static const struct export_format *format_of(const struct join_config *c)
{
	return c->perfetto ? &export_perfetto : c->chrome ? &export_chrome : c->csv ? &export_csv : NULL;
}

/* Why the options do not fit; NULL: they do. */
static const char *contradiction(const struct join_config *c)
{
	if (!c->guest)
		return MSG_JOIN_TWO;
	if (c->json + c->html + c->perfetto + c->chrome + c->csv > 1)
		return MSG_JOIN_FORMS;
	return c->perfetto && !c->output && isatty(STDOUT_FILENO) ? MSG_EXPORT_TERMINAL : NULL;
}

static int trace(struct joining *j)
{
	int status = join_trace(&j->join, j->host.playback, j->guest.playback, format_of(&j->config), &j->out);

	return output_close(&j->out) == EXIT_DONE && status == EXIT_DONE ? finish(j) : EXIT_FAILED;
}

static int show(struct joining *j)
{
	int err;

	j->join.times = playback_times(j->host.playback);
	j->join.utf8 = terminal_is_utf8();
	if (j->config.html)
		err = join_html(j->out.file, &j->join);
	else
		err = j->config.json ? join_json(j->out.file, &j->join) : join_text(j->out.file, &j->join);
	if (err)
		say(MSG_NO_MEMORY);
	return output_close(&j->out) == EXIT_DONE && !err ? finish(j) : EXIT_FAILED;
}

static int join(struct joining *j)
{
	int status = open_both(j);

	if (status != EXIT_DONE)
		return status;
	if (!output_open(&j->out, j->config.output))
		return EXIT_FAILED;
	shut_in(j);
	if (!read_host(j) || !read_guest(j) || !check(&j->join) || !make(&j->join))
		return EXIT_FAILED;
	return format_of(&j->config) ? trace(j) : show(j);
}

static void clear(struct join_recording *r)
{
	side_clear(&r->side);
	for (size_t i = 0; i < r->vm_count; i++)
		free(r->vms[i].name);
	free(r->vms);
}

static void end(struct joining *j)
{
	waterfall_clear(&j->join.waterfall);
	clear(&j->join.host);
	clear(&j->join.guest);
	join_guest_clear(&j->which);
	playback_close(j->host.playback);
	playback_close(j->guest.playback);
}

static int run(const struct command *self, int argc, char **argv)
{
	struct joining *j = calloc(1, sizeof(*j));
	const char *wrong;
	int status = EXIT_FAILED;

	signal(SIGPIPE, SIG_IGN);
	if (!j) {
		say(MSG_NO_MEMORY);
		return status;
	}
	if (playback_options(self, argc, argv, &j->config, &j->config.playback, &status)) {
		wrong = contradiction(&j->config);
		status = wrong ? playback_usage(self, wrong) : join(j);
	}
	if (output_close(&j->out) != EXIT_DONE)
		status = EXIT_FAILED;
	end(j);
	options_clear(self, &j->config);
	free(j);
	return status;
}

static void legs_help(FILE *out)
{
	fputs("\nLegs of an event's way:\n", out);
	for (int leg = 0; leg < LEG_COUNT; leg++)
		fprintf(out, "  %-12s %s\n", waterfall_legs[leg].name, waterfall_legs[leg].help);
}

const struct command cmd_join = {
	.name = "join",
	.brief = "show a guest's events on one timeline with its host's",
	.usage = "join [OPTIONS] HOST GUEST",
	.help = "Joins two recordings of the same events, of a KVM host and of a guest's Linux (record --client): where each event's time went.",
	.about = "The offset between the two clocks follows from what happened in both, and is shown with its error. Times are the host's.\n"
		 "--since and --until choose events by when the host dispatched them; the clocks rest on all of both recordings.\n"
		 "Exit status: 0 done, 1 failed, or the recordings cannot be joined, 2 wrong usage, 5 done, but a recording is incomplete, or\n"
		 "signals or handlers of one have no counterpart in the other.\n",
	.more_help = legs_help,
	.options = options,
	.operands = operands,
	.run = run,
};
