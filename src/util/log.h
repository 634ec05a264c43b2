/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sdeitop says on stderr, in one place, so that it is one language.
 * Each says what was tried, what failed and, where there is something, what to do.
 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <inttypes.h>

#include "util/exit_status.h"

#define PROGRAM "sdeitop"

#ifndef SDEITOP_VERSION
#define SDEITOP_VERSION "unknown"
#endif

/* usage */
#define MSG_BAD_VALUE		"%s%s %s: expects %s"
#define MSG_WRONG_VALUE		"%s%s '%s': %s"
#define MSG_UNKNOWN_OPTION	"%s%s: no such option"
#define MSG_NEEDS_VALUE		"%s%s: a value is missing"
#define MSG_NO_VALUE		"%s%s takes no value"
#define MSG_EXTRA_OPERAND	"%s: one argument too many"
#define MSG_UNKNOWN_COMMAND	"%s: no such command"
#define MSG_UNKNOWN_TOPIC	"%s: no such command or topic; '%s help' lists them"
#define MSG_NO_PAGE		"the manual page %s(%s) is not installed; the source has it in man/%s.%s"
#define MSG_TRY_HELP		"try '%s%s%s --help'"

#define MSG_NOT_JSON		"--%s is for the screen and for text: JSON has everything"

/* running */
#define MSG_NO_MEMORY		"out of memory"
#define MSG_ATTACHING		"attaching to the kvm_sdei_* tracepoints"
#define MSG_TRACING		"tracing SDEI (%u/%u probes)%s"
#define MSG_TRACING_STOCK	"tracing %s only, this kernel's KVM has no SDEI: tracepoints/README.md (%u/%u probes)%s"
#define MSG_ATTACHED		"showing what sdeid (%" PRIu32 ") has seen (%u/%u probes)%s"
#define MSG_DAEMON_CLOSED	"sdeid listens at %s, but only for the group of that socket: join it to see its figures"
#define MSG_TRACING_GIC		"tracing how VMMs save and restore interrupt controllers (%u/%u probes)%s"
#define MSG_TRACING_CLIENT	"tracing the SDEI client of %s (%u/%u probes)%s"
#define MSG_CLIENT_IDLE		"the driver has found no SDEI here (no node /firmware/sdei in the device tree, no ACPI table SDEI, or it was " \
				"refused): nothing will come"
#define MSG_CLIENT_GIC		"--gic is about the VMs of this machine: it has no meaning with --client"
#define MSG_CLIENT_SCHED	"--sched follows the threads of vCPUs: it has no meaning with --client"
#define MSG_ASKING_DAEMON	"asking sdeid instead"
#define MSG_DAEMON_GONE		"sdeid closed the connection: it ended or was restarted, or its figures were not taken fast enough; start again to go on"
#define MSG_DAEMON_DAMAGED	"what sdeid sends cannot be read: install the sdeitop it came with"
#define MSG_NO_NAMES	"VMs cannot be chosen by name in a pid namespace, where the kernel's pids are not known: run in the host's"
#define MSG_DAEMON_FILTERS	"the figures of sdeid are of all it watches: choose with --filter instead of -p, -g, -v, -e, and leave " \
				"--no-calls, --sched, --client and --ring-size to its configuration"
#define MSG_NOT_ATTACHED	"%s is not attached: %s; missing: %s"
#define MSG_NO_SNAPSHOT		"cannot look at the vCPUs there are: %s; '" PROGRAM " events' shows those that do something"
#define MSG_NO_SDEI_STATE	"this kernel's KVM has no SDEI, so of its state there is nothing to show but whether vCPUs are on; calls of guests are what '" PROGRAM " events' shows; " \
				"tracepoints/README.md says how to patch a kernel; 'make run' boots one"
#define MSG_NO_RING		"a CPU was added, whose records are lost and counted: no ring can be made for it (%s); start again " \
				"to have them"
#define MSG_READING		"reading records failed: %s"
#define MSG_WRITING		"writing %s failed: %s"
#define MSG_OPENING		"cannot open %s for writing: %s"
#define MSG_LOOP		"waiting for records failed: %s"
#define MSG_REWIND		"going back to the start of the recording failed: %s"
#define MSG_COMMAND_START	"cannot run %s: %s"
#define MSG_COMMAND_STATUS	"%s ended with status %d"
#define MSG_COMMAND_SIGNAL	"%s was killed by signal %d (%s)"

/* recording */
#define MSG_RECORDING		"recording to %s (%u/%u probes). ^C to end."
#define MSG_UNRECORDED		"writing the recording failed: %s; what comes meanwhile is counted as not recorded"
#define MSG_RECORDING_AGAIN	"the recording can be written again"
#define MSG_RECORD_END		"%" PRIu64 " items, %" PRIu64 " bytes (%.1f each), %" PRIu64 " lost, %" PRIu64 \
				" not recorded; now: " PROGRAM " report %s"
#define MSG_INPUT_AND_COMMAND	"a recording or a command, not both"
#define MSG_RECORDING_ONLY	"--%s is for recordings: name one"
#define MSG_CTF_ONLY		"--%s is for --ctf"
#define MSG_LIVE_ONLY		"--%s is for live tracing: a recording has what was recorded"
#define MSG_JSON_SUMMARY	"--json needs --summary: a recording itself has one form"
#define MSG_KEEP_SIZE		"--keep needs --max-size or --flight: so many files, or recordings, are kept"
#define MSG_FLIGHT_ALONE	"--flight keeps everything in memory: it takes neither --max-size nor --compress"
#define MSG_FLIGHT_ON		"--flight needs --on: what to save it for, as in --on any --on SIGUSR2"
#define MSG_ON_FLIGHT		"--on needs --flight: how much to keep in memory"
#define MSG_FLYING		"keeping the last %" PRIu64 " bytes, to be saved to %s (%u/%u probes). ^C to end."
#define MSG_FLIGHT_END		"%" PRIu64 " items seen, %" PRIu64 " lost; saved %" PRIu64 " times to %s, %" PRIu64 " triggers came too soon after one before"

/* exporting */
#define MSG_EXPORT_TERMINAL	"a Perfetto trace is not for a terminal: give -o FILE, or a pipe"
#define MSG_EXPORT_MEMORY	"out of memory: slices are missing in %s"

/* comparing */
#define MSG_DIFF_SIDES		"two recordings are needed: BASE and NEW, or --base DIR and --new DIR as often as there are recordings"
#define MSG_DIFF_MARKDOWN	"--markdown is for a series of three builds or more, and not for --json"
#define MSG_DIFF_READING	"reading %s failed"

/* As of syslog(3). */
enum say_level { SAY_ERROR = 3, SAY_WARNING = 4, SAY_INFO = 6 };

/*
 * Who speaks; PROGRAM unless set. A program whose stderr is the journal says how grave each line is, and leaves its name
 * to the journal.
 */
void say_as(const char *program);
const char *say_program(void);

/* Prints "sdeitop: ", the text and a newline on stderr. say() is a warning. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
__attribute__((format(printf, 2, 3))) void say_at(enum say_level level, const char *format, ...);

#endif
