// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/daemon.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "source/kvm_module.h"
#include "session/about.h"
#include "session/feeder.h"
#include "session/source.h"
#include "session/flight_recorder.h"
#include "util/clock.h"
#include "util/log.h"
#include "record/counters.h"
#include "model/image.h"
#include "recording/packetizer.h"
#include "session/vm_names.h"
#include "daemon/config.h"
#include "daemon/drop_privileges.h"
#include "daemon/exporter.h"
#include "daemon/vanished_vms.h"
#include "daemon/finding_log.h"
#include "daemon/kvm_wait.h"
#include "daemon/notify.h"
#include "daemon/serve.h"

#define LARGE_BYTES (1 << 20)
#define SECOND_MS 1000
#define DEFAULT_USER "sdeid"
#define MSG_READ_ANEW "the configuration was read anew"
/* How long a record may wait for its packet to be full before clients get it. */
#define CLIENT_LAG_NS 100000000ULL

/* Where records go: the last one only while somebody takes packets. */
enum { TO_COUNTERS, TO_MODEL, TO_PACKETS, TO_COUNT };
_Static_assert(TO_COUNT <= SINK_TEE_MAX, "");

struct sdeid {
	int argc;
	char **argv;
	struct daemon_config config;
	struct notify *notify;
	struct session *session;
	struct feeder *feeder;
	struct record_counters delivered;	/* no more than the model knows */
	struct sink_tee stream;
	struct exporter *exporter;	/* these three: NULL unless they are wanted */
	struct flight_recorder *recorder;
	struct serve *serve;
	struct packetizer *packetizer;		/* while somebody takes packets */
	struct finding_log finding_log;
	struct vanished_vms vanished;
	struct recording_about about;
	struct status now;		/* of the last tick */
	struct recording_status status;	/* the same, as it is in packets */
	uint64_t flushed_ns;		/* when clients last got what there was */
	int interval_timer;
};

static struct model *model_of(struct sdeid *d)
{
	return feeder_model(d->feeder);
}

/* --- the stream */

static int take_packet(void *ctx, const struct packet *packet)
{
	struct sdeid *d = ctx;

	if (d->recorder)
		flight_recorder_take(d->recorder, packet);
	if (d->serve)
		serve_packet(d->serve, packet);
	return 0;
}

/* 0 or -ENOMEM. */
static int open_packetizer(struct sdeid *d)
{
	struct packetizer_options own = { .take = take_packet, .ctx = d, .name = source_vm, .name_ctx = session_source(d->session) };

	memcpy(own.uuid, d->about.uuid, sizeof(own.uuid));
	if (d->packetizer)
		return 0;
	d->packetizer = packetizer_new(&own);
	if (!d->packetizer)
		return -ENOMEM;
	d->stream.to[TO_PACKETS] = packetizer_sink(d->packetizer);
	return 0;
}

/* A recorder always needs packets, clients as long as there are some. */
static void close_packetizer_if_idle(struct sdeid *d)
{
	if (d->recorder || (d->serve && serve_clients(d->serve)))
		return;
	d->stream.to[TO_PACKETS] = sink_null;
	packetizer_free(d->packetizer);
	d->packetizer = NULL;
}

static void take_late_name(void *ctx, uint32_t vm, const char *name, const char *uuid)
{
	struct sdeid *d = ctx;

	if (d->packetizer)
		packetizer_rename(d->packetizer, vm, name, uuid);
}

static void drained(void *ctx)
{
	struct sdeid *d = ctx;
	uint64_t now_ns;

	feeder_flush(d->feeder);
	if (d->recorder && flight_recorder_wants_snapshot(d->recorder, packetizer_snapshot_size(d->packetizer)))
		packetizer_snapshot(d->packetizer, 0);
	if (!d->serve || !serve_clients(d->serve))
		return;
	now_ns = clock_monotonic_ns();
	if (now_ns < d->flushed_ns + CLIENT_LAG_NS)
		return;
	d->flushed_ns = now_ns;
	if (d->packetizer)
		packetizer_flush(d->packetizer);
	serve_tick(d->serve, now_ns);
	close_packetizer_if_idle(d);
}

/* --- clients */

/* Counters that know no more than the model: what is still in the rings will come to the client, too. */
static void fill_hello(const struct status *now, const struct record_counters *delivered, struct protocol_hello *hello)
{
	const struct recording_status status = status_for_recording(now, false);

	hello->time_ns = now->now_ns;
	hello->probes_attached = now->probes_attached;
	hello->probes_total = now->probes_total;
	hello->cpu_permille = status.cpu_permille;
	hello->kinds = SDEI_KIND_COUNT;
	hello->pid = getpid();
	memcpy(hello->attempted, delivered->attempted, sizeof(delivered->attempted));
	memcpy(hello->lost, delivered->lost, sizeof(delivered->lost));
	hello->read = delivered->read;
	hello->malformed = now->counters.malformed;
	hello->late = now->counters.late;
}

/* What the model knows is not in any later packet, and nothing else is missing there. */
static int make_image(void *ctx, struct protocol_hello *hello, unsigned char **bytes, size_t *size)
{
	const struct image_names names = { .text = name_text, .uuid = name_uuid };
	struct sdeid *d = ctx;
	struct status now;
	int err = open_packetizer(d);

	if (err)
		return err;
	feeder_flush(d->feeder);
	packetizer_flush(d->packetizer);
	session_status(d->session, &now);
	fill_hello(&now, &d->delivered, hello);
	return image_save(model_of(d), &names, bytes, size);
}

static int take_clients(void *ctx)
{
	struct sdeid *d = ctx;

	serve_turn(d->serve, clock_monotonic_ns());
	close_packetizer_if_idle(d);
	return 0;
}

/* --- time */

static void tick(struct sdeid *d, bool end)
{
	session_status(d->session, &d->now);
	d->status = status_for_recording(&d->now, end);
	if (d->packetizer)
		packetizer_status(d->packetizer, &d->status);
	model_tick(model_of(d), d->now.now_ns);
}

static int take_second(void *ctx)
{
	struct sdeid *d = ctx;

	session_drain(d->session);
	tick(d, false);
	finding_log_report(&d->finding_log, model_of(d), d->now.now_ns);
	exporter_settle(d->exporter);
	if (d->recorder)
		flight_recorder_check(d->recorder, model_of(d), &d->about, &d->status, false);
	if (d->serve)
		serve_tick(d->serve, clock_monotonic_ns());
	notify_alive(d->notify, d->now.now_ns);
	return 0;
}

static void forget_what_is_gone(struct sdeid *d)
{
	const struct record_sink stream = sink_of_tee(&d->stream);
	uint64_t expire_ns = d->config.expire_ms * NS_PER_MS;

	if (d->now.now_ns < expire_ns)
		return;
	if (vanished_vms_report(&d->vanished, model_of(d), d->now.now_ns, expire_ns, clock_monotonic_ns(), &stream))
		feeder_flush(d->feeder);
	model_expire(model_of(d), d->now.now_ns - expire_ns);
	model_expire_findings(model_of(d), d->now.now_ns - expire_ns);
}

static int take_interval(void *ctx)
{
	struct sdeid *d = ctx;
	const struct model_totals *totals;

	session_drain(d->session);
	tick(d, false);
	forget_what_is_gone(d);
	exporter_write(d->exporter, model_of(d), &d->now);
	totals = model_totals(model_of(d));
	notify_status(d->notify, "%zu VMs, %zu vCPUs, %" PRIu64 " records, %" PRIu64 " lost, %u/%u probes, %zu series, %zu clients",
		      totals->vms, totals->vcpus, totals->records, totals->lost, d->now.probes_attached, d->now.probes_total,
		      exporter_series(d->exporter), d->serve ? serve_clients(d->serve) : 0);
	return 0;
}

/* --- signals */

static void take_usr2(void *ctx)
{
	struct sdeid *d = ctx;

	if (d->recorder)
		flight_recorder_signalled(d->recorder, d->now.now_ns);
	else
		say("SIGUSR2: there is no flight recorder to save; configure one with flight = DIR");
}

static bool same_textfile(const struct daemon_config *a, const struct daemon_config *b)
{
	return a->textfile && b->textfile && strcmp(a->textfile, b->textfile) == 0;
}

/* The file's lock is released first: it is most often the same one. What is not written any more goes, if it would at the end. */
static bool reopen_exporter(struct sdeid *d, const struct daemon_config *fresh)
{
	struct exporter *exporter = NULL;

	exporter_close(d->exporter, d->config.remove && !same_textfile(&d->config, fresh));
	d->exporter = NULL;
	if (fresh->textfile)
		exporter = exporter_open(fresh);
	if (fresh->textfile && !exporter) {
		d->exporter = d->config.textfile ? exporter_open(&d->config) : NULL;
		return false;
	}
	d->exporter = exporter;
	return true;
}

static const char *reload_obstacle(const struct daemon_config *from, const struct daemon_config *to)
{
	if (!from->flight != !to->flight || (to->flight && from->flight_size != to->flight_size))
		return "flight or flight-size";
	return config_needs_restart(from, to);
}

static void follow_flight(struct sdeid *d)
{
	const struct flight_recorder_options flight = config_flight(&d->config);

	flight_recorder_follow(d->recorder, &flight, model_of(d));
}

static bool follow(struct sdeid *d, struct daemon_config *fresh)
{
	const char *obstacle = reload_obstacle(&d->config, fresh);
	struct daemon_config old = d->config;

	if (obstacle) {
		say_at(SAY_ERROR, "%s cannot change while sdeid runs: restart it; nothing of the configuration was taken over", obstacle);
		return false;
	}
	if (!reopen_exporter(d, fresh))
		return false;
	d->config = *fresh;
	*fresh = old;
	if (d->recorder)
		follow_flight(d);
	loop_set_timer(session_loop(d->session), d->interval_timer, d->config.interval_ms);
	return true;
}

/* To be undone by config_clear() in any case. False: it cannot be read, which has been reported. */
static bool read_anew(struct sdeid *d, struct daemon_config *fresh)
{
	char message[512];

	if (!config_read(fresh, d->argc, d->argv, message, sizeof(message)))
		return true;
	say_at(SAY_ERROR, "%s; the configuration before stays", message);
	return false;
}

static void take_hup(void *ctx)
{
	struct sdeid *d = ctx;
	struct daemon_config fresh;

	notify_reloading(d->notify);
	if (read_anew(d, &fresh) && follow(d, &fresh))
		say_at(SAY_INFO, MSG_READ_ANEW);
	config_clear(&fresh);
	take_interval(d);
	exporter_wait(d->exporter);
	notify_ready(d->notify);
}

/* --- life */

static int open_socket(struct sdeid *d)
{
	const struct serve_calls calls = { .image = make_image, .ctx = d };
	struct error error;
	gid_t group = -1;
	int err = 0;

	if (d->config.group)
		err = find_group(d->config.group, &group);
	if (err) {
		say_at(SAY_ERROR, "cannot find group %s in /etc/group: %s", d->config.group, strerror(-err));
		return err;
	}
	d->serve = serve_open(d->config.socket, group, &calls, &error);
	if (d->serve)
		return loop_add_fd(session_loop(d->session), serve_fd(d->serve), take_clients, d);
	say_at(SAY_ERROR, "%s", error.text);
	return error.code;
}

/* Root without a user to become becomes the service's user. Where there is none it stays, and is warned. */
static int drop_to_default(void)
{
	bool is_root = geteuid() == 0;
	int err = drop_privileges(is_root ? DEFAULT_USER : NULL);

	if (!err && is_root)
		say_at(SAY_INFO, "goes on as user " DEFAULT_USER);
	if (err != -ENOENT)
		return err;
	say("there is no user " DEFAULT_USER " to become: sdeid stays root, without capabilities, but what root owns is open to it; "
	    "name another with --user");
	return drop_privileges(NULL);
}

static int give_up_privileges(struct sdeid *d)
{
	int err = d->config.user ? drop_privileges(d->config.user) : drop_to_default();

	if (err == -ENOENT)
		say_at(SAY_ERROR, "there is no user %s in /etc/passwd", d->config.user);
	else if (err)
		say_at(SAY_ERROR, "cannot give up privileges%s%s: %s", d->config.user ? " and become " : "",
		       d->config.user ?: "", strerror(-err));
	return err;
}

static int open_outputs(struct sdeid *d)
{
	const struct flight_recorder_options flight = config_flight(&d->config);

	if (d->config.textfile) {
		d->exporter = exporter_open(&d->config);
		if (!d->exporter)
			return -EIO;
	}
	if (!d->config.flight)
		return 0;
	d->recorder = flight_recorder_open(&flight);
	if (!d->recorder)
		return -ENOMEM;
	if (open_packetizer(d) == 0)
		return 0;
	say_at(SAY_ERROR, MSG_NO_MEMORY);
	return -ENOMEM;
}

static int add_timers(struct sdeid *d)
{
	int err = loop_add_timer(session_loop(d->session), SECOND_MS, take_second, d);

	if (err >= 0)
		err = d->interval_timer = loop_add_timer(session_loop(d->session), d->config.interval_ms, take_interval, d);
	if (err < 0)
		say_at(SAY_ERROR, MSG_LOOP, strerror(-err));
	return err < 0 ? err : 0;
}

static void announce(const struct sdeid *d)
{
	session_announce(d->session, "");
	if (d->config.textfile)
		say_at(SAY_INFO, "metrics: %s/" EXPORTER_FILE ", every %.1f s", d->config.textfile, d->config.interval_ms / 1e3);
	if (d->config.socket)
		say_at(SAY_INFO, "figures for sdeitop --attach-daemon: %s", d->config.socket);
	if (d->config.flight)
		say_at(SAY_INFO, "flight recorder: the last %" PRIu64 " bytes, saved to %s", d->config.flight_size, d->config.flight);
}

/* With everything open that takes privileges, they go; what is written later belongs to who we are then. */
static int start(struct sdeid *d)
{
	session_status(d->session, &d->now);
	about_describe(&d->about, d->session, &d->config.session, &d->now);
	if (d->config.socket && open_socket(d) < 0)
		return EXIT_FAILED;
	if (give_up_privileges(d) < 0 || open_outputs(d) < 0 || add_timers(d) < 0)
		return EXIT_FAILED;
	announce(d);
	take_interval(d);
	exporter_wait(d->exporter);
	notify_ready(d->notify);
	return EXIT_DONE;
}

/* Nothing is attached any more: the last figures say so. */
static void finish(struct sdeid *d)
{
	notify_stopping(d->notify);
	tick(d, true);
	model_settle(model_of(d), d->now.now_ns);
	finding_log_report(&d->finding_log, model_of(d), d->now.now_ns);
	d->now.probes_attached = 0;
	exporter_wait(d->exporter);
	exporter_write(d->exporter, model_of(d), &d->now);
	exporter_wait(d->exporter);
	if (!d->recorder)
		return;
	flight_recorder_ending(d->recorder);
	flight_recorder_check(d->recorder, model_of(d), &d->about, &d->status, true);
}

/* As many files as may be: one is a client, and nobody here uses select(). */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* --- until there is something to attach to */

static void take_hup_waiting(void *ctx)
{
	struct sdeid *d = ctx;
	struct daemon_config fresh, old = d->config;

	notify_reloading(d->notify);
	if (read_anew(d, &fresh)) {
		d->config = fresh;
		fresh = old;
		say_at(SAY_INFO, MSG_READ_ANEW);
	}
	config_clear(&fresh);
	notify_ready(d->notify);
}

static void take_second_waiting(void *ctx)
{
	struct sdeid *d = ctx;

	notify_alive(d->notify, clock_monotonic_ns());
}

/* An exit status, or -1: go on. Who starts us need not wait for KVM, too. */
static int wait_for_kvm(struct sdeid *d)
{
	const struct kvm_wait_calls calls = { .second = take_second_waiting, .hup = take_hup_waiting, .ctx = d };
	int err;

	say_at(SAY_INFO, "waiting until KVM is loaded");
	notify_status(d->notify, "waiting until KVM is loaded");
	notify_ready(d->notify);
	err = kvm_wait(&calls);
	if (err && err != -EINTR)
		say_at(SAY_ERROR, "waiting for KVM failed: %s", strerror(-err));
	return !err ? -1 : err == -EINTR ? EXIT_DONE : EXIT_FAILED;
}

static int open_session(struct sdeid *d)
{
	const struct session_calls calls = {
		.sink = sink_of_tee(&d->stream),
		.drained = drained, .usr2 = take_usr2, .hup = take_hup, .ctx = d,
		.no_output = true, .lets_go = true,
	};
	int status;

	while (!(d->session = session_open(&d->config.session, &calls, &status))) {
		if (status != EXIT_LACKING || d->config.session.client || kvm_module() != KVM_MISSING)
			return status;
		status = wait_for_kvm(d);
		if (status >= 0)
			return status;
	}
	return EXIT_DONE;
}

static int open_model(struct sdeid *d)
{
	d->feeder = feeder_new(true, &d->config.limits);
	if (!d->feeder) {
		say_at(SAY_ERROR, MSG_NO_MEMORY);
		return EXIT_FAILED;
	}
	feeder_set_source(d->feeder, session_source(d->session));
	feeder_set_late_names(d->feeder, take_late_name, d);
	d->stream.to[TO_COUNTERS] = counters_sink(&d->delivered);
	d->stream.to[TO_MODEL] = feeder_sink(d->feeder);
	d->stream.to[TO_PACKETS] = sink_null;
	d->stream.count = TO_COUNT;
	return EXIT_DONE;
}

static int run(struct sdeid *d)
{
	int status;

	raise_descriptors();
	d->notify = notify_new();
	if (!d->notify) {
		say_at(SAY_ERROR, MSG_NO_MEMORY);
		return EXIT_FAILED;
	}
	status = open_session(d);
	if (!d->session)
		return status;
	status = open_model(d);
	if (status == EXIT_DONE)
		status = start(d);
	if (status != EXIT_DONE)
		return status;
	session_run(d->session, NULL);
	finish(d);
	return session_exit_status(d->session);
}

static void clean_up(struct sdeid *d)
{
	serve_close(d->serve);
	exporter_close(d->exporter, d->config.remove);
	flight_recorder_close(d->recorder);
	packetizer_free(d->packetizer);
	feeder_free(d->feeder);
	session_close(d->session);
	notify_free(d->notify);
	config_clear(&d->config);
}

static int check_kernel(bool client)
{
	struct error error;

	if (!live_check(client, &error))
		return EXIT_DONE;
	say_at(SAY_INFO, "%s", error.text);
	return error.code == -ENOENT ? EXIT_LACKING : EXIT_FAILED;
}

/* An exit status, or -1: go on. */
static int read_arguments(struct sdeid *d)
{
	char message[512];

	if (config_read(&d->config, d->argc, d->argv, message, sizeof(message))) {
		say_at(SAY_ERROR, "%s", message);
		say_at(SAY_ERROR, MSG_TRY_HELP, say_program(), "", "");
		return EXIT_USAGE;
	}
	return d->config.check ? check_kernel(d->config.session.client) : session_answer_help(&sdeid_command, &d->config.session);
}

int daemon_main(int argc, char **argv)
{
	struct sdeid d = { .argc = argc, .argv = argv };
	int status;

	say_as("sdeid");
	/* What is larger goes back to the system when it is freed: copies of the flight recorder would stay in the heap for months. */
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	status = read_arguments(&d);
	if (status < 0)
		status = run(&d);
	clean_up(&d);
	return status;
}
