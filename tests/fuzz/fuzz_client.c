/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes from a daemon, for libFuzzer: a hello, an image and packets. The hello's magic, version and sizes and the CRCs of image
 * and packets are put right unless the first byte says otherwise. The client is driven as the commands do it, and what it makes
 * of it is printed in all forms.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "model/image.h"
#include "session/daemon_client.h"
#include "session/protocol.h"
#include "session/vm_names.h"
#include "tests/fuzz/packets.h"
#include "tests/unit/lib/sdei_machine.h"
#include "view/figures/json.h"
#include "view/figures/text.h"

enum { HELLO_AS_IT_IS = 1, OTHER_FIGURES = 2, UNSIGNED_IMAGE = 4, PACKETS_AS_THEY_ARE = 8 };
#define HEAD 2		/* how, changes of the image */
#define CHANGE 4	/* where (3 bytes), what */
#define CRC_SIZE 4

static struct fuzz_directory directory;
static char path[128];
static int listener;
static unsigned char *image;
static size_t image_size;
static FILE *nowhere;

struct told {
	uint8_t *bytes;
	size_t size;
};

static void append(struct told *t, const void *bytes, size_t size)
{
	t->bytes = realloc(t->bytes, t->size + size + 1);
	memcpy(t->bytes + t->size, bytes, size);
	t->size += size;
}

static void put_hello(struct told *t, unsigned int how, const uint8_t *bytes, size_t size)
{
	struct protocol_hello h = { 0 };

	if (how & (HELLO_AS_IT_IS | OTHER_FIGURES))
		memcpy(&h, bytes, size < sizeof(h) ? size : sizeof(h));
	if (!(how & HELLO_AS_IT_IS)) {
		h.magic = PROTOCOL_MAGIC;
		h.version = PROTOCOL_VERSION;
		h.answer = PROTOCOL_WELCOME;
		h.image_size = image_size;
		h.kinds = SDEI_KIND_COUNT;
	}
	append(t, &h, sizeof(h));
}

static void put_image(struct told *t, unsigned int how, const uint8_t *changes, size_t count)
{
	size_t at = t->size;
	uint32_t crc;

	append(t, image, image_size);
	for (; count; count--, changes += CHANGE)
		t->bytes[at + (changes[0] | changes[1] << 8 | changes[2] << 16) % image_size] = changes[3];
	crc = crc32(0, t->bytes + at, image_size - CRC_SIZE);
	if (!(how & UNSIGNED_IMAGE))
		memcpy(t->bytes + at + image_size - CRC_SIZE, &crc, sizeof(crc));
}

/* What the daemon tells, from the input. */
static struct told make(const uint8_t *bytes, size_t size)
{
	unsigned int how = bytes[0];
	size_t changes = bytes[1] % 16;
	struct told t = { 0 };
	size_t at;

	bytes += HEAD;
	size -= HEAD;
	if (changes * CHANGE > size)
		changes = size / CHANGE;
	put_hello(&t, how, bytes, size);
	put_image(&t, how, bytes, changes);
	at = t.size;
	append(&t, bytes + changes * CHANGE, size - changes * CHANGE);
	if (!(how & PACKETS_AS_THEY_ARE))
		fuzz_put_right(t.bytes + at, t.size - at);
	return t;
}

static void *serve(void *arg)
{
	const struct told *t = arg;
	int fd = accept(listener, NULL, NULL);
	size_t at = 0;
	ssize_t sent = 1;

	for (; fd >= 0 && at < t->size && sent > 0; at += sent > 0 ? sent : 0)
		sent = send(fd, t->bytes + at, t->size - at, MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

static void take_record(void *ctx, const struct sdei_record *record, size_t size)
{
	model_feed(ctx, record, size);
}

static void take_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	model_feed_lost(ctx, key, count);
}

static void show(struct daemon_client *client, struct model *m)
{
	const struct table_options plain = { .all = true };
	struct status status = { 0 };

	daemon_client_status(client, &status);
	model_tick(m, status.now_ns);
	text_interval(nowhere, m, &status, &plain);
	json_interval(nowhere, m, &status);
	model_settle(m, status.now_ns);
	text_summary(nowhere, m, &status, &plain);
	json_summary(nowhere, m, &status);
}

static void use(void)
{
	struct error error;
	struct daemon_client *client = daemon_client_open(path, true, &error);
	struct model *m = client ? daemon_client_take_model(client) : NULL;
	struct record_sink sink = { .record = take_record, .lost = take_lost, .ctx = m };
	int64_t got = 0;

	while (m && got >= 0)
		got = daemon_client_drain(client, &sink);
	if (m)
		show(client, m);
	model_free(m);
	daemon_client_close(client);
}

static void feed(void *ctx, const struct sdei_record *record, size_t size)
{
	model_feed(ctx, record, size);
}

static void make_image(void)
{
	const struct model_options options = { .free_user = name_free };
	struct model *m = model_new(&options);
	struct machine *machine = machine_new(2, 7, feed, m);

	for (int i = 0; i < 300; i++)
		machine_step(machine);
	machine_free(machine);
	if (image_save(m, NULL, &image, &image_size))
		abort();
	model_free(m);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	fuzz_make_directory(&directory);
	snprintf(path, sizeof(path), "%s/socket", directory.path);
	strcpy(address.sun_path, path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 5))
		abort();
	nowhere = fopen("/dev/null", "w");
	make_image();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct told told;
	pthread_t thread;

	if (size < HEAD)
		return 0;
	told = make(bytes, size);
	if (pthread_create(&thread, NULL, serve, &told))
		abort();
	use();
	pthread_join(thread, NULL);
	free(told.bytes);
	return 0;
}
