// SPDX-License-Identifier: GPL-2.0-only
/* The client's end of the daemon's socket, before a daemon that is none: whatever it sends, there is an answer. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "tests/unit/lib/try_step.h"
#include "tests/unit/lib/daemon_scene.h"
#include "session/daemon_client.h"
#include "session/vm_names.h"

#define HELLO sizeof(struct protocol_hello)
#define BLOB_MAX (1U << 20)

/* --- what a daemon sends, as bytes */

struct blob {
	size_t size, image_size;
	unsigned char bytes[BLOB_MAX];
};

/* The hello, the image, and behind them the packets of some steps. */
static void record_blob(struct blob *blob, unsigned int before, unsigned int after)
{
	struct served *s = served_new();
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct protocol_hello hello;
	ssize_t got;

	served_run(s, before);
	strcpy(address.sun_path, s->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	for (int i = 0; i < 3; i++)
		serve_turn(s->serve, s->now_ns += SERVED_SECOND);
	served_run(s, after);
	blob->size = 0;
	while ((got = recv(fd, blob->bytes + blob->size, BLOB_MAX - blob->size, 0)) > 0) {
		blob->size += got;
		serve_turn(s->serve, s->now_ns);
	}
	close(fd);
	memcpy(&hello, blob->bytes, sizeof(hello));
	blob->image_size = hello.image_size;
	assert_true(blob->size >= HELLO + blob->image_size && blob->size < BLOB_MAX);
	served_free(s);
}

/* --- one who listens and sends it to each who comes, then hangs up */

static struct {
	char directory[40];
	struct sockaddr_un address;
	int listener;
	pthread_t thread;
	const unsigned char *bytes;	/* for the next one who comes; NULL: end */
	size_t size;
} daemon_of_ours;

static void *be_daemon(void *ctx)
{
	for (;;) {
		int fd = accept(daemon_of_ours.listener, NULL, NULL);
		size_t sent = 0;
		ssize_t step = 1;

		if (fd < 0 || !daemon_of_ours.bytes)
			return NULL;
		for (; sent < daemon_of_ours.size && step > 0; sent += step)
			step = send(fd, daemon_of_ours.bytes + sent, daemon_of_ours.size - sent, MSG_NOSIGNAL);
		close(fd);
	}
}

static int start(void **state)
{
	strcpy(daemon_of_ours.directory, "/tmp/sdeitop-attach-XXXXXX");
	assert_non_null(mkdtemp(daemon_of_ours.directory));
	daemon_of_ours.address.sun_family = AF_UNIX;
	snprintf(daemon_of_ours.address.sun_path, sizeof(daemon_of_ours.address.sun_path), "%s/socket", daemon_of_ours.directory);
	daemon_of_ours.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(daemon_of_ours.listener, (struct sockaddr *)&daemon_of_ours.address, sizeof(daemon_of_ours.address)), 0);
	assert_int_equal(listen(daemon_of_ours.listener, 16), 0);
	return pthread_create(&daemon_of_ours.thread, NULL, be_daemon, NULL);
}

static int stop(void **state)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	daemon_of_ours.bytes = NULL;
	connect(fd, (struct sockaddr *)&daemon_of_ours.address, sizeof(daemon_of_ours.address));
	pthread_join(daemon_of_ours.thread, NULL);
	close(fd);
	close(daemon_of_ours.listener);
	unlink(daemon_of_ours.address.sun_path);
	return rmdir(daemon_of_ours.directory);
}

static struct daemon_client *ask(const unsigned char *bytes, size_t size, int *err)
{
	struct error error = { 0 };
	char begin[256];
	struct daemon_client *a;

	daemon_of_ours.bytes = bytes;
	daemon_of_ours.size = size;
	a = daemon_client_open(daemon_of_ours.address.sun_path, true, &error);
	*err = error.code;
	assert_int_equal(!a, *err != 0);
	if (a)
		return a;
	snprintf(begin, sizeof(begin), "cannot ask sdeid at %s: ", daemon_of_ours.address.sun_path);
	assert_int_equal(strncmp(error.text, begin, strlen(begin)), 0);
	assert_true(strlen(error.text) > strlen(begin));
	return NULL;
}

/* Takes packets until there are no more: the error. records: of the image and since. */
static int drain(struct daemon_client *a, uint64_t *records)
{
	struct feeder *f = feeder_new(true, NULL);
	const struct record_sink sink = feeder_sink(f);
	struct pollfd wait = { .fd = daemon_client_fd(a), .events = POLLIN };
	struct status status;
	int64_t got;

	feeder_set_names(f, daemon_client_name, a);
	feeder_adopt(f, daemon_client_take_model(a));
	assert_null(daemon_client_take_model(a));
	while ((got = daemon_client_drain(a, &sink)) >= 0) {
		feeder_flush(f);
		poll(&wait, 1, -1);
	}
	daemon_client_status(a, &status);
	*records = status.counters.read;
	feeder_flush(f);
	feeder_free(f);
	daemon_client_close(a);
	return got;
}

/* --- the start */

static void test_nobody_there(void **state)
{
	struct error error;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/none", daemon_of_ours.directory);
	assert_null(daemon_client_open(path, true, &error));
	assert_int_equal(error.code, -ENOENT);
	assert_non_null(strstr(error.text, "there is no such socket; sdeid must run"));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	{
		struct sockaddr_un address = { .sun_family = AF_UNIX };

		strcpy(address.sun_path, path);
		assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	}
	close(fd);
	assert_null(daemon_client_open(path, true, &error));
	assert_int_equal(error.code, -ECONNREFUSED);
	assert_non_null(strstr(error.text, "nobody listens there any more"));
	unlink(path);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_null(daemon_client_open(path, true, &error));
	assert_int_equal(error.code, -ENAMETOOLONG);
	daemon_client_close(NULL);
}

/* One who listens and says a byte at a time, for ever; the time in all ends that. */
static void *drip(void *ctx)
{
	int fd = accept(*(int *)ctx, NULL, NULL);

	while (send(fd, "", 1, MSG_NOSIGNAL) == 1)
		usleep(1000);
	close(fd);
	return NULL;
}

static void test_drips(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	struct error error;
	pthread_t thread;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/drips", daemon_of_ours.directory);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	pthread_create(&thread, NULL, drip, &listener);
	assert_null(daemon_client_open_within(address.sun_path, true, 100, &error));
	assert_int_equal(error.code, -ETIMEDOUT);
	pthread_join(thread, NULL);
	close(listener);
	unlink(address.sun_path);
}

/* Blocked, as those of a loop are: it ends the wait for one who says nothing, and is still there for the loop. */
static void test_signal_ends_wait(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), signal;
	struct error error;
	sigset_t set;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/silent", daemon_of_ours.directory);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 0), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	pthread_kill(pthread_self(), SIGTERM);
	assert_null(daemon_client_open_within(address.sun_path, true, UINT32_MAX, &error));
	assert_int_equal(error.code, -EINTR);
	/* That one still waits to be accepted: who comes now finds no room. */
	assert_null(daemon_client_open_within(address.sun_path, true, UINT32_MAX, &error));
	assert_int_equal(error.code, -EINTR);
	assert_int_equal(sigwait(&set, &signal), 0);
	assert_int_equal(signal, SIGTERM);
	assert_null(daemon_client_open_within(address.sun_path, true, 50, &error));
	assert_int_equal(error.code, -EBUSY);
	close(listener);
	unlink(address.sun_path);
}

static void expect(const unsigned char *bytes, size_t size, int wanted)
{
	int err;

	assert_null(ask(bytes, size, &err));
	assert_int_equal(err, wanted);
}

static void test_hello(void **state)
{
	static struct blob blob;
	struct protocol_hello *hello = (struct protocol_hello *)blob.bytes;

	record_blob(&blob, 503, 0);
	hello->version = PROTOCOL_VERSION + 1;
	expect(blob.bytes, blob.size, -EPROTONOSUPPORT);
	hello->version = 0;
	expect(blob.bytes, blob.size, -EPROTONOSUPPORT);
	hello->version = PROTOCOL_VERSION;
	hello->kinds++;
	expect(blob.bytes, blob.size, -EPROTONOSUPPORT);
	hello->kinds--;
	hello->answer = PROTOCOL_FULL;
	expect(blob.bytes, blob.size, -EBUSY);
	hello->answer = PROTOCOL_NO_MEMORY;
	expect(blob.bytes, blob.size, -ENOMEM);
	hello->answer = 77;
	expect(blob.bytes, blob.size, -EPROTONOSUPPORT);
	hello->answer = PROTOCOL_WELCOME;
	hello->magic++;
	expect(blob.bytes, blob.size, -EBADMSG);
	hello->magic--;
	hello->image_size = PROTOCOL_IMAGE_MAX + 1;
	expect(blob.bytes, blob.size, -EBADMSG);
	hello->image_size = UINT64_MAX;
	expect(blob.bytes, blob.size, -EBADMSG);
	hello->image_size = PROTOCOL_IMAGE_MAX;		/* what was promised does not come */
	expect(blob.bytes, blob.size, -EPIPE);
	hello->image_size = 0;
	expect(blob.bytes, blob.size, -EBADMSG);
	hello->image_size = blob.image_size - 1;
	expect(blob.bytes, blob.size, -EBADMSG);
}

static void test_garbage(void **state)
{
	static unsigned char garbage[4096];

	expect(garbage, sizeof(garbage), -EBADMSG);
	memset(garbage, 0xff, sizeof(garbage));
	expect(garbage, sizeof(garbage), -EBADMSG);
	memcpy(garbage, "HTTP/1.1 400 Bad Request\r\n", 26);
	expect(garbage, sizeof(garbage), -EBADMSG);
	expect(garbage, 26, -EPIPE);
}

static void test_cut_anywhere(void **state)
{
	static struct blob blob;
	uint64_t records, first, last;
	struct daemon_client *a;
	int err;

	record_blob(&blob, 53, 101);
	first = last = ((struct protocol_hello *)blob.bytes)->read;
	for (size_t size = 0; size < HELLO + blob.image_size; size += TRY_STEP)
		expect(blob.bytes, size, -EPIPE);
	for (size_t size = HELLO + blob.image_size; size <= blob.size; size += TRY_STEP) {
		a = ask(blob.bytes, size, &err);
		assert_non_null(a);
		assert_int_equal(drain(a, &records), -EPIPE);
		assert_true(records >= last);
		last = records;
	}
	assert_true(last > first + 50);
}

/* --- bytes that changed on the way */

static void test_damaged_start(void **state)
{
	static struct blob blob;
	unsigned int taken = 0;

	record_blob(&blob, 53, 0);
	for (size_t at = 0; at < blob.size; at += TRY_STEP) {
		for (unsigned int bit = 0; bit < 8; bit += 1 + at % 3) {
			uint64_t records;
			struct daemon_client *a;
			int err;

			blob.bytes[at] ^= 1 << bit;
			a = ask(blob.bytes, blob.size, &err);
			assert_true(!a || at < HELLO);	/* the image has a checksum, the hello's counters do not */
			taken += a != NULL;
			if (a)
				drain(a, &records);
			blob.bytes[at] ^= 1 << bit;
		}
	}
	assert_true(taken > 0);
}

static void test_damaged_packets(void **state)
{
	static struct blob blob;
	uint64_t records;
	int err;

	record_blob(&blob, 53, 101);
	for (size_t at = HELLO + blob.image_size; at < blob.size; at += TRY_STEP) {
		struct daemon_client *a;

		blob.bytes[at] ^= 1 << at % 8;
		a = ask(blob.bytes, blob.size, &err);
		assert_non_null(a);
		err = drain(a, &records);
		assert_true(err == -EBADMSG || err == -EPIPE);	/* it may claim to be longer than what comes */
		blob.bytes[at] ^= 1 << at % 8;
	}
}

static void seal(unsigned char *bytes, size_t size)
{
	struct packet_head head;

	memcpy(&head, bytes, sizeof(head));
	head.crc = 0;
	memcpy(bytes, &head, sizeof(head));
	head.crc = crc32(0, bytes, size);
	memcpy(bytes, &head, sizeof(head));
}

/* Where the longest packet is, and its size. */
static size_t find_longest(const struct blob *blob, size_t *size)
{
	struct packet_head head;
	size_t longest = 0;

	*size = 0;
	for (size_t at = HELLO + blob->image_size; at < blob->size; at += head.packet_bits / 8) {
		memcpy(&head, blob->bytes + at, sizeof(head));
		if (head.packet_bits / 8 <= *size)
			continue;
		longest = at;
		*size = head.packet_bits / 8;
	}
	return longest;
}

/* The same by one who knows how: with the right checksum. */
static void test_forged_packets(void **state)
{
	static struct blob blob;
	const size_t head = sizeof(struct packet_head);
	size_t begin, size;
	unsigned int damaged = 0, taken = 0, seed = 7;

	record_blob(&blob, 53, 503);
	begin = find_longest(&blob, &size);
	assert_true(size > head + 300);
	for (unsigned int round = 0; round < 6007; round++) {
		static unsigned char forged[BLOB_MAX];
		uint64_t records;
		struct daemon_client *a;
		int err;

		memcpy(forged, blob.bytes, blob.size);
		for (unsigned int i = 0; i <= round % 5; i++) {
			seed = seed * 1103515245 + 12345;
			forged[begin + head + (seed >> 8) % (size - head)] = (unsigned char)(seed >> 3);
		}
		seal(forged + begin, size);
		a = ask(forged, blob.size, &err);
		assert_non_null(a);
		err = drain(a, &records);
		assert_true(err == -EBADMSG || err == -EPIPE);
		damaged += err == -EBADMSG;
		taken += err == -EPIPE;
	}
	assert_true(damaged > 100 && taken > 100);
}

static void put_head(struct blob *blob, uint64_t size)
{
	struct packet_head head = { .magic = PACKET_MAGIC, .content_bits = 8 * size, .packet_bits = 8 * size };

	memcpy(blob->bytes + blob->size, &head, sizeof(head));
}

static int drain_blob(const struct blob *blob)
{
	uint64_t records;
	int err;
	struct daemon_client *a = ask(blob->bytes, blob->size, &err);

	assert_non_null(a);
	return drain(a, &records);
}

/* One as long as may be claimed is waited for, but not for ever; one that claims more is none. */
static void test_long_packets(void **state)
{
	static struct blob blob, whole;
	size_t most = RECORDING_PACKET_CLAIM_MAX;

	record_blob(&blob, 53, 0);
	whole = blob;
	put_head(&whole, most);
	memset(whole.bytes + whole.size + sizeof(struct packet_head), 0xa5, most);
	seal(whole.bytes + whole.size, most);
	whole.size += most - 1;
	assert_int_equal(drain_blob(&whole), -EPIPE);
	whole.size++;
	assert_int_equal(drain_blob(&whole), -EBADMSG);
	whole = blob;
	put_head(&whole, most + 1);
	whole.size += sizeof(struct packet_head);
	assert_int_equal(drain_blob(&whole), -EBADMSG);
	/* Many that hold nothing. */
	whole = blob;
	for (int i = 0; i < 5003; i++) {
		put_head(&whole, sizeof(struct packet_head));
		seal(whole.bytes + whole.size, sizeof(struct packet_head));
		whole.size += sizeof(struct packet_head);
	}
	assert_int_equal(drain_blob(&whole), -EPIPE);
}

static void test_random_packets(void **state)
{
	static struct blob blob;
	size_t begin;
	unsigned int seed = 99;

	record_blob(&blob, 53, 0);
	begin = blob.size;
	for (unsigned int round = 0; round < 1009; round += TRY_STEP) {
		int err;

		blob.size = begin + round;
		for (size_t at = begin; at < blob.size; at++) {
			seed = seed * 1103515245 + 12345;
			blob.bytes[at] = seed >> 16;
		}
		err = drain_blob(&blob);
		assert_int_equal(err, blob.size - begin < sizeof(struct packet_head) ? -EPIPE : -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_there), cmocka_unit_test(test_drips), cmocka_unit_test(test_signal_ends_wait),
		cmocka_unit_test(test_hello), cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_cut_anywhere), cmocka_unit_test(test_damaged_start), cmocka_unit_test(test_damaged_packets),
		cmocka_unit_test(test_forged_packets), cmocka_unit_test(test_long_packets), cmocka_unit_test(test_random_packets),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
