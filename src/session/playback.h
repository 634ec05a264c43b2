/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the commands that read a recording have in common: their options, the reader, filters and range of time,
 * the names of VMs, what is said about what is missing, and the exit status.
 */
#ifndef SESSION_PLAYBACK_H
#define SESSION_PLAYBACK_H

#include "record/sink.h"
#include "recording/reader.h"
#include "session/name_book.h"
#include "session/status.h"
#include "source/guest_name.h"
#include "session/moment.h"
#include "session/options.h"

struct playback;

#define MSG_NO_INPUT	"the directory of a recording is missing"
#define MSG_RANGE	"--since and --until leave nothing of the recording, which is from %s to %s"

/* The time that is meant, CLOCK_MONOTONIC. 0 or -errno, as moment_resolve(). */
int playback_moment(struct playback *p, const struct moment *moment, uint64_t *time_ns);

struct playback_config {
	bool help, version, verbose, no_sandbox;
	struct number_list vms, vcpus, events;
	struct string_list guests;
	struct moment since, until;
	enum time_form times;
	const char *input;	/* DIR: an operand, or -i */
	uint64_t given;		/* of option_given() */
};

/* Rows for a command's tables; its config has a struct playback_config called playback. */
#define PLAYBACK_OPTION(config, key, name, value, type, field, help) \
	{ key, name, value, &option_##type, offsetof(struct config, playback.field), help }
#define PLAYBACK_OPTIONS(config)								\
	FILTER_OPTIONS(PLAYBACK_OPTION, config),						\
	PLAYBACK_RANGE_OPTIONS(config),								\
	PLAYBACK_LAST_OPTIONS(config)
/* Of every command that reads recordings. */
#define PLAYBACK_LAST_OPTIONS(config)								\
	PLAYBACK_OPTION(config, 0, "time", "FORM", times, times, TIME_HELP),			\
	PLAYBACK_OPTION(config, 0, "verbose", NULL, flag, verbose, "say more about what is done, on standard error"), \
	PLAYBACK_SANDBOX_OPTION(config),							\
	PLAYBACK_OPTION(config, 'h', "help", NULL, flag, help, "this text"),			\
	PLAYBACK_OPTION(config, 'V', "version", NULL, flag, version, "the version")
#define PLAYBACK_SANDBOX_OPTION(config)								\
	PLAYBACK_OPTION(config, 0, "no-sandbox", NULL, flag, no_sandbox, "do not give up files and system calls that reading needs not")
#define PLAYBACK_RANGE_OPTIONS(config)								\
	PLAYBACK_OPTION(config, 0, "since", "MOMENT", moment, since, "from there: any time that is printed, or 1m30s after the start"), \
	PLAYBACK_OPTION(config, 0, "until", "MOMENT", moment, until, "up to there"),		\
	PLAYBACK_OPTION(config, 'i', "input", "DIR", string, input, "the recording")
#define PLAYBACK_OPERAND(config) PLAYBACK_OPTION(config, 0, "DIR", NULL, string, input, NULL)

/* As session_parse(), without a command behind --. */
bool playback_options(const struct command *command, int argc, char **argv, void *config, struct playback_config *own,
		      int *status);

/* Says what is wrong with the command line, and where help is: EXIT_USAGE. */
int playback_usage(const struct command *command, const char *message);

/* playback_options(), and a recording must be named. */
bool playback_parse(const struct command *command, int argc, char **argv, void *config, struct playback_config *own,
		    int *status);

struct playback_calls {
	struct record_sink sink;
	/* A moment of the recording at which the recorder said how it was doing; may be NULL. */
	void (*status)(void *ctx, const struct recording_status *status);
	/* From here on the VM is called that; late: the recording has called it otherwise so far. May be NULL. */
	void (*name)(void *ctx, uint32_t vm, const char *name, const char *uuid, bool late);
	/* Whether anything between those times matters, for a second look; what does not may be left out. May be NULL. */
	bool (*wants)(void *ctx, uint64_t begin_ns, uint64_t end_ns);
	void *ctx;
};

struct playback;

/* NULL: the error has been reported and *exit_status says what to exit with. */
struct playback *playback_open(const struct playback_config *config, const struct playback_calls *calls, int *exit_status);
void playback_close(struct playback *p);	/* NULL is fine */

/*
 * Hands on what passes the filters up to and including until_ns (CLOCK_MONOTONIC; UINT64_MAX: all). Before --since,
 * only sink.record gets what is needed to know the states then, with in_range false meanwhile. False: the end was reached.
 */
bool playback_run(struct playback *p, uint64_t until_ns);
bool playback_in_range(const struct playback *p);

/* Do the filters let this VM pass, whose name is that? */
bool playback_chooses(const struct playback_config *config, uint32_t vm, const char *name);

/* From now on only what is about these VMs passes, of what passes the filters. The list stays in use. */
void playback_leave_only(struct playback *p, const struct number_list *vms);

/* Where records go from now on, instead of to that of the calls. */
void playback_set_sink(struct playback *p, const struct record_sink *sink);

/* Ends playback_run() after this item: for a sink that has enough. */
void playback_end(struct playback *p);

/* From where the range begins again, for other calls. 0 or -errno. */
int playback_again(struct playback *p, const struct playback_calls *calls);

/* From now on, how far it is shows on stderr, if that is a terminal and it takes a while; until playback_finish(). */
void playback_show_progress(struct playback *p);

/* To the last place at or before time_ns that can be started from; states are known from there on. 0 or -errno. */
int playback_seek(struct playback *p, uint64_t time_ns);

/* When the next item is that playback_run() would come to, filters aside; UINT64_MAX: there is none in the range. */
uint64_t playback_next_ns(struct playback *p);

/* How its times are shown; it becomes more exact as more is read. The playback's. */
const struct times *playback_times(const struct playback *p);

struct reader *playback_reader(struct playback *p);
uint64_t playback_now_ns(const struct playback *p);	/* of the newest item; the range's end, if more follows it */

/*
 * The range that is played, limits included: the recording, or what --since and --until leave of it. To know where a recording
 * ends it has to be read to its end, unless it has been. Where it begins is known with the first item.
 */
void playback_range(struct playback *p, uint64_t *from_ns, uint64_t *to_ns);
uint64_t playback_from_ns(const struct playback *p);

/* The name of a VM as the recording has it so far: a name_lookup_t whose ctx is the playback; and a vm_lookup_t. */
char *playback_name(void *playback, uint32_t vm);
char *playback_vm(void *playback, uint32_t vm, char uuid[GUEST_UUID_SIZE]);

/* As the type of a source does. */
void playback_tell_late_names(void *playback, name_news_t tell, void *ctx);

/* The number of the packet that the newest item is from. */
uint64_t playback_sequence(const struct playback *p);

/* What the recorder said last about how it was doing; all 0: nothing. */
const struct recording_status *playback_said(const struct playback *p);

/* CLOCK_REALTIME at time_ns, as it is printed. */
int64_t playback_wall_ns(const struct playback *p, uint64_t time_ns);

/* What a view says about this moment: the recorded status brought to now. */
void playback_view_status(const struct playback *p, struct status *status);

/* Says on stderr what is missing; what the command should exit with: EXIT_DONE, or EXIT_INCOMPLETE. */
int playback_finish(struct playback *p);

#endif
