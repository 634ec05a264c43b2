/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/lib/daemon_scene.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/counters.h"
#include "model/image.h"
#include "view/figures/json.h"
#include "session/vm_names.h"

#define PATIENCE 100000		/* turns of the loop */

/* --- the stream */

static uint64_t chance(struct served *s, uint64_t below)
{
	s->seed = s->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (s->seed >> 33) % below;
}

static char *look_up(void *ctx, uint32_t pid, char *uuid)
{
	char *text = NULL;

	assert_true(asprintf(&text, "guest\t%u \xc3\xa9", pid) > 0);
	return text;
}

static void lose(struct served *s, const struct sdei_record *r)
{
	const struct sdei_lost_key key = {
		.vm = r->vm, .vcpu = r->vcpu, .event = r->event, .kind = r->kind, .outcome = r->outcome, .origin = r->origin,
	};
	const struct sdei_lost_key *known = r->kind == SDEI_CALL || chance(s, 4) == 0 ? NULL : &key;
	uint64_t count = 1 + chance(s, 3);

	counters_add_lost(&s->tally, known, count);
	feeder_lost(s->feeder, known, count);
	packetizer_lost(s->pack, known, count);
}

static void take(void *ctx, const struct sdei_record *record, size_t size)
{
	struct served *s = ctx;
	struct sdei_record_call copy;

	memcpy(&copy, record, size);
	copy.head.vm = s->vm;
	copy.head.time_ns = s->now_ns += 1 + chance(s, 1000);
	if (chance(s, 1000) < s->lose) {
		lose(s, &copy.head);
		return;
	}
	counters_add_record(&s->tally, &copy.head);
	feeder_record(s->feeder, &copy.head, size);
	packetizer_record(s->pack, &copy.head, size);
}

static int take_packet(void *ctx, const struct packet *packet)
{
	serve_packet(((struct served *)ctx)->serve, packet);
	return 0;
}

static int make_image(void *ctx, struct protocol_hello *hello, unsigned char **bytes, size_t *size)
{
	const struct image_names names = { .text = name_text, .uuid = name_uuid };
	struct served *s = ctx;

	s->images++;
	if (s->no_memory)
		return -ENOMEM;
	feeder_flush(s->feeder);
	packetizer_flush(s->pack);
	hello->kinds = SDEI_KIND_COUNT;
	hello->time_ns = s->now_ns;
	hello->pid = 4711;
	hello->probes_attached = hello->probes_total = 14;
	hello->cpu_permille = 3;
	memcpy(hello->attempted, s->tally.attempted, sizeof(s->tally.attempted));
	memcpy(hello->lost, s->tally.lost, sizeof(s->tally.lost));
	hello->read = s->tally.read;
	return image_save(feeder_model(s->feeder), &names, bytes, size);
}

/* --- life */

static void open_socket(struct served *s)
{
	const struct serve_calls calls = { .image = make_image, .ctx = s };
	struct error error;

	strcpy(s->directory, "/tmp/sdeitop-serve-XXXXXX");
	assert_non_null(mkdtemp(s->directory));
	snprintf(s->path, sizeof(s->path), "%s/socket", s->directory);
	s->serve = serve_open(s->path, -1, &calls, &error);
	assert_non_null(s->serve);
}

struct served *served_new(void)
{
	const struct packetizer_options options = { .uuid = { 1 }, .take = take_packet, .name = look_up };
	struct served *s = calloc(1, sizeof(*s));
	struct packetizer_options own = options;

	assert_non_null(s);
	s->now_ns = 1000 * SERVED_SECOND;
	s->seed = 1;
	own.ctx = s;
	s->feeder = feeder_new(true, NULL);
	s->pack = packetizer_new(&own);
	assert_true(s->feeder && s->pack);
	feeder_set_names(s->feeder, look_up, NULL);
	open_socket(s);
	return s;
}

void served_free(struct served *s)
{
	for (unsigned int i = 0; i < SERVED_MACHINES; i++)
		machine_free(s->machines[i]);
	serve_close(s->serve);
	packetizer_free(s->pack);
	feeder_free(s->feeder);
	assert_int_equal(rmdir(s->directory), 0);	/* and nothing was left in it */
	free(s);
}

void served_flush(struct served *s)
{
	feeder_flush(s->feeder);
	packetizer_flush(s->pack);
}

void served_run(struct served *s, unsigned int steps)
{
	for (unsigned int step = 0; step < steps; step++) {
		unsigned int which = chance(s, SERVED_MACHINES);

		s->vm = 100 + which;
		if (!s->machines[which])
			s->machines[which] = machine_new(4, 17 + which, take, s);
		machine_step(s->machines[which]);
		if (step % 97 == 0)
			served_flush(s);
	}
	served_flush(s);
}

/* --- clients */

struct joining {
	const char *path;
	struct daemon_client *attach;
	struct error error;
	atomic_bool done;
};

static void *join(void *ctx)
{
	struct joining *j = ctx;

	j->attach = daemon_client_open(j->path, true, &j->error);
	atomic_store(&j->done, true);
	return NULL;
}

/* Images are rare: time passes until the next one. */
static void turn(struct served *s)
{
	struct pollfd wait = { .fd = serve_fd(s->serve), .events = POLLIN };

	poll(&wait, 1, 1);
	s->now_ns += SERVED_SECOND / 10;
	serve_turn(s->serve, s->now_ns);
}

struct served_client *served_join(struct served *s, int *err)
{
	struct joining joining = { .path = s->path };
	struct served_client *c;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, join, &joining), 0);
	while (!atomic_load(&joining.done))
		turn(s);
	pthread_join(thread, NULL);
	*err = joining.attach ? 0 : joining.error.code;
	if (!joining.attach)
		return NULL;
	c = calloc(1, sizeof(*c));
	assert_non_null(c);
	c->attach = joining.attach;
	c->feeder = feeder_new(true, NULL);
	assert_non_null(c->feeder);
	feeder_set_names(c->feeder, daemon_client_name, c->attach);
	feeder_adopt(c->feeder, daemon_client_take_model(c->attach));
	return c;
}

void served_leave(struct served_client *c)
{
	daemon_client_close(c->attach);
	feeder_free(c->feeder);
	free(c);
}

static bool has_all(const struct served *s, const struct served_client *c)
{
	struct status status;
	uint64_t ours = 0, theirs = 0;

	daemon_client_status(c->attach, &status);
	for (int kind = 0; kind < SDEI_KIND_COUNT; kind++) {
		ours += s->tally.attempted[kind];
		theirs += status.counters.attempted[kind];
	}
	assert_true(theirs <= ours);
	return theirs == ours;
}

void served_catch_up(struct served *s, struct served_client *c)
{
	const struct record_sink sink = feeder_sink(c->feeder);

	served_flush(s);
	for (unsigned int i = 0; !has_all(s, c); i++) {
		assert_true(i < PATIENCE);
		serve_turn(s->serve, s->now_ns);
		assert_true(daemon_client_drain(c->attach, &sink) >= 0);
		feeder_flush(c->feeder);
	}
}

char *served_summary(const struct model *m)
{
	const struct status status = { 0 };
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	json_summary(out, m, &status);
	fclose(out);
	return text;
}
