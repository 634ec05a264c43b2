/* SPDX-License-Identifier: GPL-2.0-only */
#include "session/session.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/kinds.h"
#include "session/protocol.h"
#include "session/source.h"
#include "source/client.h"
#include "source/guest_name.h"
#include "source/privilege.h"
#include "util/clock.h"
#include "util/log.h"

#define DAY_NS (86400 * NS_PER_SEC)

struct session {
	const struct session_config *config;
	struct session_calls calls;
	struct source *source;
	struct loop *loop;
	int timer;		/* of the drains, each period_ms; of a source that needs it */
	int period_ms;
	char **command;
	pid_t child;		/* 0: none, or ended */
	bool ended;
	int status;
	const char *end_message;	/* why it ended; for when the screen is gone; or NULL */
	bool asks_daemon;
	struct times times;
};

/* --- options */

static bool check(const struct command *command, int err, const char *message, int *status)
{
	if (!err)
		return true;
	say("%s", message);
	say(MSG_TRY_HELP, say_program(), command->name ? " " : "", command->name ? command->name : "");
	*status = EXIT_USAGE;
	return false;
}

int session_answer_help(const struct command *command, const struct session_config *session)
{
	if (session->help)
		options_help(command, stdout);
	else if (session->version)
		printf("%s %s\n", say_program(), SDEITOP_VERSION);
	else
		return -1;
	return fflush(stdout) != 0 && errno != EPIPE ? EXIT_FAILED : EXIT_DONE;
}

bool session_parse(const struct command *command, int argc, char **argv, void *config, struct session_config *session,
		 char ***rest, int *status)
{
	char message[256];
	int err = options_parse(command, argc, argv, config, rest, message, sizeof(message));

	if (!check(command, err, message, status))
		return false;
	*status = session_answer_help(command, session);
	return *status < 0;
}

static bool want_vm(void *ctx, uint32_t pid)
{
	const struct session_config *config = ctx;
	char *name = config->client ? client_name() : guest_name(pid, NULL);
	bool wanted = string_list_matches(&config->guests, name);

	free(name);
	return wanted;
}

static struct live_options live_options(const struct session *w)
{
	const struct session_config *c = w->config;

	return (struct live_options){
		.filter = {
			.vms = c->vms.values, .vm_count = c->vms.count,
			.vcpus = c->vcpus.values, .vcpu_count = c->vcpus.count,
			.events = c->events.values, .event_count = c->events.count,
			.want_vm = c->guests.count ? want_vm : NULL,
			.ctx = (void *)c,
		},
		.ring_bytes = c->ring_bytes,
		.no_calls = c->no_calls,
		.no_apf = c->no_apf,
		.just_look = c->just_look,
		.gic = c->gic,
		.only_gic = c->only_gic,
		.sched = c->sched,
		.client = c->client,
		.lets_go = w->calls.lets_go,
		.verbose = c->verbose,
	};
}

/* --- how it ends */

void session_end(struct session *w, int status)
{
	if (!w->ended || w->status == EXIT_DONE)
		w->status = status;
	w->ended = true;
	loop_stop(w->loop);
}

bool session_flush(struct session *w, struct output *out)
{
	if (output_flush(out))
		return true;
	session_end(w, output_status(out));
	return false;
}

/* --- the command that is run meanwhile */

/* The child shall find signals as we found them. */
static void restore_signals(const struct session *w, posix_spawnattr_t *attributes)
{
	sigset_t defaults;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(attributes, loop_old_mask(w->loop));
	posix_spawnattr_setsigdefault(attributes, &defaults);
}

static int spawn_child(struct session *w)
{
	extern char **environ;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int err;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	restore_signals(w, &attributes);
	if (w->calls.strict_output && output_is_standard(w->config->output))
		posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	err = posix_spawnp(&w->child, w->command[0], &actions, &attributes, w->command, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (err) {
		w->child = 0;
		say(MSG_COMMAND_START, w->command[0], strerror(err));
	}
	return err;
}

static int child_status(const struct session *w, int wait_status)
{
	if (WIFSIGNALED(wait_status))
		say(MSG_COMMAND_SIGNAL, w->command[0], WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
	else if (WEXITSTATUS(wait_status))
		say(MSG_COMMAND_STATUS, w->command[0], WEXITSTATUS(wait_status));
	return wait_status ? EXIT_FAILED : EXIT_DONE;
}

static void reap(struct session *w)
{
	int wait_status;

	if (w->child && waitpid(w->child, &wait_status, WNOHANG) == w->child) {
		w->child = 0;
		session_end(w, child_status(w, wait_status));
	}
}

/* --- the loop's calls */

static int take_signal(void *ctx, const struct signalfd_siginfo *info)
{
	struct session *w = ctx;

	switch (info->ssi_signo) {
	case SIGINT:
	case SIGTERM:
		session_end(w, EXIT_DONE);
		break;
	case SIGHUP:
		if (w->calls.hup)
			w->calls.hup(w->calls.ctx);
		else
			session_end(w, EXIT_DONE);
		break;
	case SIGCHLD:
		reap(w);
		break;
	case SIGUSR2:
		w->calls.usr2(w->calls.ctx);
		break;
	default:
		w->calls.signal(w->calls.ctx, info->ssi_signo);
	}
	return 0;
}

static void complain(struct session *w, int err)
{
	const char *message = w->source->type->failure ? w->source->type->failure(err) : NULL;

	if (!w->ended && message)
		w->end_message = message;
	else if (!w->ended)
		say(MSG_READING, strerror(-err));
	session_end(w, EXIT_FAILED);
}

static int follow_pace(struct session *w)
{
	int period_ms = w->source->type->period_ms ? w->source->type->period_ms(w->source) : w->period_ms;

	if (period_ms == w->period_ms)
		return 0;
	w->period_ms = period_ms;
	return loop_set_timer(w->loop, w->timer, period_ms);
}

static void drain(struct session *w, uint64_t until_ns)
{
	int err = w->source->type->drain(w->source, &w->calls.sink, until_ns);

	if (!err)
		err = follow_pace(w);
	if (err)
		complain(w, err);
	if (w->calls.drained)
		w->calls.drained(w->calls.ctx);
}

void session_drain(struct session *w)
{
	drain(w, clock_monotonic_ns());
}

static int take_records(void *ctx)
{
	session_drain(ctx);
	return 0;
}

static int take_reader_gone(void *ctx)
{
	session_end(ctx, EXIT_DONE);
	return 0;
}

static int prepare_loop(struct session *w)
{
	sigset_t signals;
	int err;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	if (w->calls.usr2)
		sigaddset(&signals, SIGUSR2);
	if (w->calls.signal) {
		sigaddset(&signals, SIGTSTP);
		sigaddset(&signals, SIGCONT);
		sigaddset(&signals, SIGWINCH);
	}
	w->loop = loop_new();
	if (!w->loop)
		return -ENOMEM;
	err = loop_add_signals(w->loop, &signals, take_signal, w);
	/* Writing to nobody is an error that is seen where it is written, not a death. */
	signal(SIGPIPE, SIG_IGN);
	return err;
}

static int add_source(struct session *w)
{
	const struct source_type *type = w->source->type;
	int err = loop_add_fd(w->loop, type->fd(w->source), take_records, w);

	if (!err && type->period_ms) {
		w->period_ms = type->period_ms(w->source);
		err = w->timer = loop_add_timer(w->loop, w->period_ms, take_records, w);
	}
	/* On a quiet host it would be long until the next write says so. */
	if (err >= 0 && output_is_standard(w->config->output) && !w->calls.no_output)
		err = loop_add_reader_gone(w->loop, STDOUT_FILENO, take_reader_gone, w);
	return err < 0 ? err : 0;
}

/* --- life */

static int exit_status(int err)
{
	return err == -ENOENT ? EXIT_LACKING : EXIT_FAILED;
}

static bool has_source_options(const struct session_config *c)
{
	return c->vms.count || c->vcpus.count || c->events.count || c->guests.count || c->no_calls || c->gic || c->sched || c->client ||
	       c->ring_bytes;
}

static int ask_daemon(struct session *w)
{
	const char *path = w->config->socket ?: PROTOCOL_SOCKET;
	struct model *model;
	struct error error;

	if (has_source_options(w->config)) {
		say(MSG_DAEMON_FILTERS);
		return EXIT_USAGE;
	}
	w->source = source_of_daemon(path, w->calls.utf8, &model, &error);
	if (!w->source) {
		say("%s", error.text);
		return EXIT_FAILED;
	}
	w->asks_daemon = true;
	w->calls.model(w->calls.ctx, model);
	return EXIT_DONE;
}

/* May it be asked? Says so if it listens for others only. */
static bool daemon_listens(const struct session_config *c)
{
	const char *path = c->socket ?: PROTOCOL_SOCKET;

	if (access(path, W_OK) == 0)
		return true;
	if (errno == EACCES && access(path, F_OK) == 0)
		say(MSG_DAEMON_CLOSED, path);
	return false;
}

/* Where KVM has nothing to trace, the SDEI that this machine itself has is what there is. */
static struct source *open_kernel(const struct live_options *options, struct error *error)
{
	struct live_options client = *options;
	struct source *source = source_of_kernel(options, error);

	if (source || error->code != -ENOENT || options->client || options->gic || options->only_gic || options->sched || options->filter.want_vm || !client_is_bound())
		return source;
	client.client = true;
	return source_of_kernel(&client, error);
}

/* Who may not attach to the kernel may be allowed to ask those who did. */
static int open_source(struct session *w)
{
	struct live_options options = live_options(w);
	struct error error;

	if (w->config->attach_daemon)
		return ask_daemon(w);
	if (w->config->client && (w->config->sched || w->config->gic)) {
		say(w->config->sched ? MSG_CLIENT_SCHED : MSG_CLIENT_GIC);
		return EXIT_USAGE;
	}
	if (w->config->guests.count && !w->config->client && !privilege_sees_host_pids()) {
		say(MSG_NO_NAMES);
		return EXIT_FAILED;
	}
	w->source = open_kernel(&options, &error);
	if (w->source)
		return EXIT_DONE;
	say("%s", error.text);
	if (error.code != -EPERM || !w->calls.model || !daemon_listens(w->config))
		return exit_status(error.code);
	say(MSG_ASKING_DAEMON);
	return ask_daemon(w);
}

bool session_asks_daemon(const struct session *w)
{
	return w->asks_daemon;
}

struct session *session_open(const struct session_config *config, const struct session_calls *calls, int *status)
{
	struct session *w = calloc(1, sizeof(*w));
	int err = w ? 0 : -ENOMEM;

	*status = EXIT_FAILED;
	if (!err) {
		w->config = config;
		w->calls = *calls;
		err = prepare_loop(w);
	}
	if (!err) {
		*status = open_source(w);
		if (*status != EXIT_DONE)
			goto failed;
		err = add_source(w);
	}
	if (!err)
		return w;
	*status = EXIT_FAILED;
	say(MSG_LOOP, strerror(-err));
failed:
	session_close(w);
	return NULL;
}

void session_close(struct session *w)
{
	if (!w)
		return;
	source_close(w->source);
	loop_free(w->loop);
	free(w);
}

static void list_missing(const struct session *w)
{
	size_t total;
	const struct source_probe *probes = session_probes(w, &total);

	for (size_t i = 0; i < total; i++)
		if (!probes[i].attached && probes[i].why_not)
			say(MSG_NOT_ATTACHED, probes[i].name, probes[i].why_not, probes[i].gives);
}

void session_announce(const struct session *w, const char *end)
{
	list_missing(w);
	w->source->type->announce(w->source, end);
}

const char *session_why_not(const struct session *w, const char *probe, int *status)
{
	size_t count;
	const struct source_probe *probes = session_probes(w, &count);

	*status = EXIT_LACKING;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(probes[i].name, probe) != 0)
			continue;
		if (probes[i].denied)
			*status = EXIT_FAILED;
		return probes[i].why_not;
	}
	return "this kernel has nothing of that";
}

bool session_has_sdei(const struct session *w)
{
	size_t count;
	const struct source_probe *probes = session_probes(w, &count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(probes[i].name, kind_of(SDEI_STATE)->probe) == 0)
			return true;
	return false;
}

const struct source_probe *session_probes(const struct session *w, size_t *count)
{
	return w->source->type->probes(w->source, count);
}

struct loop *session_loop(struct session *w)
{
	return w->loop;
}

void session_run(struct session *w, char **command)
{
	int err = 0;

	w->command = command;
	if (command && spawn_child(w) != 0)
		session_end(w, EXIT_FAILED);
	err = loop_run(w->loop);
	if (err) {
		say(MSG_LOOP, strerror(-err));
		session_end(w, EXIT_FAILED);
	}
	if (w->child)
		kill(w->child, SIGTERM);
	if (w->source->type->detach)
		w->source->type->detach(w->source);
	drain(w, SOURCE_END);
}

void session_say_end_message(const struct session *w)
{
	if (w->end_message)
		say("%s", w->end_message);
}

struct source *session_source(const struct session *w)
{
	return w->source;
}

int session_exit_status(const struct session *w)
{
	return w->status;
}

/* Of what the source says about now. */
static void learn_clock(struct session *w, const struct status *now)
{
	if (!w->times.wall.count)
		w->times = (struct times){ .form = w->config->times, .start_ns = now->now_ns };
	wall_steps_learn(&w->times.wall, now->now_ns, (int64_t)((uint64_t)now->wall_ns - now->now_ns));
	w->times.dated = now->now_ns >= w->times.start_ns + DAY_NS;
}

void session_status(struct session *w, struct status *status)
{
	memset(status, 0, sizeof(*status));
	w->source->type->status(w->source, status);
	learn_clock(w, status);
	status->times = &w->times;
}

const struct times *session_times(struct session *w)
{
	struct status now;

	session_status(w, &now);
	return &w->times;
}
