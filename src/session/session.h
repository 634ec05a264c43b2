/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the commands that watch a live host have in common: their options, the
 * live source in the loop, the command that is run meanwhile, and how it ends.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "model/model.h"
#include "source/live.h"
#include "session/status.h"
#include "util/loop.h"
#include "util/output.h"
#include "session/moment.h"
#include "session/options.h"

struct session_config {
	bool help, version, verbose, no_calls, no_apf, just_look, gic, only_gic, sched, client;
	bool attach_daemon;	/* only with session_calls.model */
	bool no_sandbox;	/* of who shows a daemon's figures */
	const char *socket;	/* the daemon's; NULL: where it is by default */
	struct number_list vms, vcpus, events;
	struct string_list guests;
	size_t ring_bytes;
	const char *output;
	enum time_form times;
	uint64_t given;		/* of option_given() */
};

/* Rows for a command's option table; its config has a struct session_config called session. */
#define SESSION_TIME_OPTION(config) SESSION_OPTION(config, 0, "time", "FORM", times, times, TIME_HELP)
#define SESSION_OPTION(config, key, name, value, type, field, help) \
	{ key, name, value, &option_##type, offsetof(struct config, session.field), help }
#define SESSION_OPTIONS(config)									\
	SESSION_OPTION(config, 'o', "output", "FILE", string, output, "write there instead of to standard output"), \
	SESSION_SOURCE_OPTIONS(config)
#define SESSION_SOURCE_OPTIONS(config)								\
	FILTER_OPTIONS(SESSION_OPTION, config),							\
	SESSION_OPTION(config, 0, "no-calls", NULL, flag, no_calls, "do not trace the hypercalls themselves"), \
	SESSION_OPTION(config, 0, "client", NULL, flag, client,				\
		     "SDEI as the Linux of this machine uses it, instead of KVM's; by itself where KVM gives nothing to trace"), \
	SESSION_OPTION(config, 0, "gic", NULL, flag, gic,					\
		     "also trace how VMMs save and restore the interrupt controllers of VMs (arm64)"), \
	SESSION_OPTION(config, 0, "sched", NULL, flag, sched,					\
		     "also trace where the threads of vCPUs with a pending event are"),		\
	SESSION_OPTION(config, 0, "ring-size", "SIZE", pages, ring_bytes,				\
		     "ring buffer of each CPU, a power of two, as 64K; "				\
		     "else 4M up to 8 CPUs, 2M up to 16, then 1M"),				\
	SESSION_OPTION(config, 0, "verbose", NULL, flag, verbose, "say more about what is done, on standard error"), \
	SESSION_OPTION(config, 'h', "help", NULL, flag, help, "this text"),			\
	SESSION_OPTION(config, 'V', "version", NULL, flag, version, "the version")

/*
 * Parses, answers --help and --version. True if the command shall go on; else *status is its exit status.
 * watch points into config. *rest as options_parse().
 */
bool session_parse(const struct command *command, int argc, char **argv, void *config, struct session_config *session,
		 char ***rest, int *status);

/* Its second half: the exit status after an answer to --help or --version, or -1: go on. */
int session_answer_help(const struct command *command, const struct session_config *session);

struct session_calls {
	struct record_sink sink;
	void (*drained)(void *ctx);		/* after each time the sink was served; may be NULL */
	void (*signal)(void *ctx, int signal);	/* SIGTSTP, SIGCONT, SIGWINCH; NULL: they do what they always do */
	void (*usr2)(void *ctx);		/* SIGUSR2; NULL: it does what it always does */
	void (*hup)(void *ctx);			/* SIGHUP; NULL: it ends the run */
	/*
	 * Takes the daemon's model over, in place of an empty one; free_user is name_free(). NULL: no daemon will do as a source.
	 * Otherwise it is one if asked for, or if this process may not attach to the kernel itself.
	 */
	void (*model)(void *ctx, struct model *m);
	bool utf8;		/* of names in that, see names.h */
	void *ctx;
	bool no_output;		/* nothing is written to standard output: it does not matter whether somebody reads it */
	bool lets_go;		/* session_close() waits until the kernel has let go of what was attached: a module can be unloaded then */
	bool strict_output;	/* standard output takes nothing but ours: a command's goes to standard error */
};

struct session;
struct source;

/* Attaches. NULL on failure: the error has been reported and *status is the exit status. */
struct session *session_open(const struct session_config *config, const struct session_calls *calls, int *status);

/* The figures are a daemon's: nothing of this host has to be opened any more. */
bool session_asks_daemon(const struct session *w);
void session_close(struct session *w);	/* NULL is fine */

/* Prints on stderr which probes are not attached, and why; and what is traced, in a sentence that ends with end: what scripts wait for. */
#define SESSION_END_KEY ". ^C to end."
void session_announce(const struct session *w, const char *end);

struct loop *session_loop(struct session *w);

/* As live_probes(); none of a daemon, which has its own. */
const struct source_probe *session_probes(const struct session *w, size_t *count);

/* Why that probe, one of live_probes(), is not attached; NULL: it is. *status: what to exit with if it cannot be done without. */
const char *session_why_not(const struct session *w, const char *probe, int *status);

/* Does what is watched have any tracepoint of SDEI? */
bool session_has_sdei(const struct session *w);

/* What is watched; for source_vm(). The session's. */
struct source *session_source(const struct session *w);

/* Hands all settled records to the sink now. */
void session_drain(struct session *w);

/*
 * Runs until a signal, session_end() or the end of command (NULL: none), then detaches and drains what is left.
 */
void session_run(struct session *w, char **command);

/* Says why it ended, if that is worth a word: to be called when the screen is closed. */
void session_say_end_message(const struct session *w);

/* What the program should exit with, as far as is known. */
int session_exit_status(const struct session *w);

/* Ends session_run(), with this exit status unless there was another one before. */
void session_end(struct session *w, int status);

/* output_flush(); ends the run if nothing can be written any more. False then. */
bool session_flush(struct session *w, struct output *out);

/* How times are shown, as of now; the session's. */
const struct times *session_times(struct session *w);

/* Fills what there is to say about now. */
void session_status(struct session *w, struct status *status);

#endif
