// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's socket: clients have its figures, and nothing that one does harms the daemon or another. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/lib/daemon_scene.h"
#include "daemon/serve.h"

#define OF_USER 4		/* clients that one user may have */
#define QUEUE (8U << 20)	/* what a client may have queued */

/* --- figures */

static void same_counters(const struct served *s, const struct served_client *c)
{
	struct status status;

	daemon_client_status(c->attach, &status);
	assert_memory_equal(status.counters.attempted, s->tally.attempted, sizeof(s->tally.attempted));
	assert_memory_equal(status.counters.lost, s->tally.lost, sizeof(s->tally.lost));
	assert_int_equal(status.counters.read, s->tally.read);
	assert_int_equal(status.probes_attached, 14);
	assert_int_equal(daemon_client_pid(c->attach), 4711);
}

static void same_figures(struct served *s, struct served_client *c)
{
	char *ours, *theirs;

	served_catch_up(s, c);
	same_counters(s, c);
	ours = served_summary(feeder_model(s->feeder));
	theirs = served_summary(feeder_model(c->feeder));
	assert_string_equal(ours, theirs);
	free(ours);
	free(theirs);
}

/* Clients come before anything was seen and at any time later, with losses or without. */
static void check_clients(unsigned int lose)
{
	struct served_client *clients[OF_USER];
	struct served *s = served_new();
	int err;

	s->lose = lose;
	for (unsigned int i = 0; i < OF_USER; i++) {
		clients[i] = served_join(s, &err);
		assert_non_null(clients[i]);
		same_figures(s, clients[i]);
		served_run(s, 1009 * (i + 1));
		for (unsigned int k = 0; k <= i; k++)
			same_figures(s, clients[k]);
	}
	for (unsigned int round = 0; round < 8; round++) {	/* and go, and others come */
		served_leave(clients[round % OF_USER]);
		served_run(s, 211);
		clients[round % OF_USER] = served_join(s, &err);
		assert_non_null(clients[round % OF_USER]);
		served_run(s, 503);
		for (unsigned int i = 0; i < OF_USER; i++)
			same_figures(s, clients[i]);
	}
	for (unsigned int i = 0; i < OF_USER; i++)
		served_leave(clients[i]);
	served_run(s, 101);
	serve_turn(s->serve, s->now_ns);
	assert_int_equal(serve_clients(s->serve), 0);
	assert_int_equal(serve_counters(s->serve)->accepted, OF_USER + 8);
	assert_int_equal(serve_counters(s->serve)->slow + serve_counters(s->serve)->rude, 0);
	served_free(s);
}

static void test_clients_have_the_figures(void **state)
{
	check_clients(0);
}

static void test_clients_know_of_losses(void **state)
{
	check_clients(20);
}

/* --- clients that are no sdeitop */

static int dial(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static int come(struct served *s)
{
	int fd = dial(s->path, SOCK_STREAM);

	serve_turn(s->serve, s->now_ns);
	return fd;
}

/* What is there, up to size; -1: nothing yet, 0: its end. */
static ssize_t hear(int fd, void *bytes, size_t size)
{
	ssize_t got = recv(fd, bytes, size, 0);

	assert_true(got >= 0 || errno == EAGAIN);
	return got;
}

/* Everything up to the end, or up to where it would wait. */
static size_t hear_all(int fd, bool *ended)
{
	static char bytes[1 << 16];
	size_t all = 0;
	ssize_t got;

	while ((got = hear(fd, bytes, sizeof(bytes))) > 0)
		all += got;
	*ended = got == 0;
	return all;
}

static void expect_answer(int fd, enum protocol_answer answer)
{
	struct protocol_hello hello;

	assert_int_equal(hear(fd, &hello, sizeof(hello)), sizeof(hello));
	assert_int_equal(hello.magic, PROTOCOL_MAGIC);
	assert_int_equal(hello.version, PROTOCOL_VERSION);
	assert_int_equal(hello.answer, answer);
	if (answer == PROTOCOL_WELCOME)
		return;
	assert_int_equal(hear(fd, &hello, sizeof(hello)), 0);
	close(fd);
}

static void test_limit_of_a_user(void **state)
{
	struct served *s = served_new();
	struct served_client *c;
	int fds[3 * OF_USER], err;

	for (unsigned int i = 0; i < 3 * OF_USER; i++)
		fds[i] = dial(s->path, SOCK_STREAM);
	serve_turn(s->serve, s->now_ns += SERVED_SECOND);
	assert_int_equal(serve_clients(s->serve), OF_USER);
	assert_int_equal(serve_counters(s->serve)->accepted, 3 * OF_USER);
	assert_int_equal(serve_counters(s->serve)->refused, 2 * OF_USER);
	for (unsigned int i = OF_USER; i < 3 * OF_USER; i++)
		expect_answer(fds[i], PROTOCOL_FULL);
	assert_null(served_join(s, &err));
	assert_int_equal(err, -EBUSY);
	close(fds[0]);
	serve_turn(s->serve, s->now_ns);
	c = served_join(s, &err);
	assert_non_null(c);
	same_figures(s, c);
	served_leave(c);
	for (unsigned int i = 1; i < OF_USER; i++)
		close(fds[i]);
	served_free(s);
}

/* Those who come and go before the daemon looks do not keep out who stays. */
static void test_gone_are_not_in_the_way(void **state)
{
	struct served *s = served_new();
	int fd;

	for (unsigned int i = 0; i < 2 * OF_USER; i++)
		close(dial(s->path, SOCK_STREAM));
	fd = dial(s->path, SOCK_STREAM);
	serve_turn(s->serve, s->now_ns);
	assert_int_equal(serve_counters(s->serve)->accepted, 2 * OF_USER + 1);
	assert_int_equal(serve_counters(s->serve)->refused, 0);
	serve_turn(s->serve, s->now_ns);
	expect_answer(fd, PROTOCOL_WELCOME);
	close(fd);
	served_free(s);
}

static void test_no_memory(void **state)
{
	struct served *s = served_new();
	int err, fd;

	s->no_memory = true;
	fd = come(s);
	serve_turn(s->serve, s->now_ns);
	expect_answer(fd, PROTOCOL_NO_MEMORY);
	assert_null(served_join(s, &err));
	assert_int_equal(err, -ENOMEM);
	assert_int_equal(serve_clients(s->serve), 0);
	served_free(s);
}

/* One image each second at most, the same for all who wait; those who wait get no packets. */
static void test_images_are_rare(void **state)
{
	struct served *s = served_new();
	uint64_t start = s->now_ns;
	int a, b, c, d;

	a = come(s);
	assert_int_equal(s->images, 1);
	s->now_ns = start + SERVED_SECOND / 2;
	b = come(s);
	serve_tick(s->serve, start + SERVED_SECOND - 1);
	assert_int_equal(s->images, 1);
	s->now_ns = start + SERVED_SECOND - 1;
	serve_turn(s->serve, s->now_ns);
	serve_turn(s->serve, s->now_ns);
	expect_answer(a, PROTOCOL_WELCOME);
	assert_int_equal(hear(b, (char[1]){ 0 }, 1), -1);
	serve_tick(s->serve, start + SERVED_SECOND);
	assert_int_equal(s->images, 2);
	s->now_ns = start + SERVED_SECOND * 3 / 2;
	c = come(s);
	d = come(s);
	assert_int_equal(s->images, 2);
	serve_tick(s->serve, start + 2 * SERVED_SECOND);
	assert_int_equal(s->images, 3);
	serve_turn(s->serve, start + 2 * SERVED_SECOND);
	expect_answer(b, PROTOCOL_WELCOME);
	expect_answer(c, PROTOCOL_WELCOME);
	expect_answer(d, PROTOCOL_WELCOME);
	serve_tick(s->serve, start + 9 * SERVED_SECOND);	/* nobody waits */
	assert_int_equal(s->images, 3);
	close(a);
	close(b);
	close(c);
	close(d);
	served_free(s);
}

/* --- clients that do not what they should */

/* How many bytes of packets go to a socket from which nobody reads, until its end is closed. */
static size_t flood(struct served *s, size_t limit)
{
	uint64_t before = packetizer_counters(s->pack)->bytes;

	while (serve_clients(s->serve) && packetizer_counters(s->pack)->bytes - before < limit) {
		served_run(s, 997);
		serve_turn(s->serve, s->now_ns);
	}
	return packetizer_counters(s->pack)->bytes - before;
}

static void test_never_reads(void **state)
{
	struct served *s = served_new();
	bool ended;
	size_t sent;
	int fd, room = 1 << 16;

	served_run(s, 101);
	fd = dial(s->path, SOCK_STREAM);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
	serve_turn(s->serve, s->now_ns);
	assert_int_equal(serve_clients(s->serve), 1);
	/* What it was sent before bounds what was held for it. */
	sent = flood(s, 4 * QUEUE);
	assert_int_equal(serve_clients(s->serve), 0);
	assert_true(sent < QUEUE + (2U << 20));
	assert_int_equal(serve_counters(s->serve)->slow, 1);
	assert_true(hear_all(fd, &ended) < QUEUE);
	assert_true(ended);
	close(fd);
	served_free(s);
}

/* Many small packets cost more than their bytes. */
static void test_never_reads_small_packets(void **state)
{
	struct served *s = served_new();
	unsigned int packets = 0;
	int fd = come(s);

	for (; serve_clients(s->serve) && packets < 50000; packets++) {
		served_run(s, 1);
		serve_turn(s->serve, s->now_ns);
	}
	assert_int_equal(serve_clients(s->serve), 0);
	assert_true(packets > 4096 / 2);
	assert_int_equal(serve_counters(s->serve)->slow, 1);
	close(fd);
	served_free(s);
}

/* Takes the first part of an image and no more. */
static void test_stops_reading(void **state)
{
	struct served *s = served_new();
	struct served_client *other;
	uint64_t start;
	int fd, err;

	served_run(s, 40009);
	other = served_join(s, &err);
	assert_non_null(other);
	fd = come(s);
	start = s->now_ns += SERVED_SECOND;
	serve_tick(s->serve, start);
	serve_turn(s->serve, start);
	/* Packets until neither takes more for nothing. */
	for (int i = 0; i < 60; i++) {
		served_run(s, 997);
		served_catch_up(s, other);
	}
	start = s->now_ns;
	serve_turn(s->serve, start);
	serve_tick(s->serve, start + 9 * SERVED_SECOND);
	assert_int_equal(serve_clients(s->serve), 2);
	serve_tick(s->serve, start + 11 * SERVED_SECOND);
	assert_int_equal(serve_clients(s->serve), 1);
	assert_int_equal(serve_counters(s->serve)->slow, 1);
	same_figures(s, other);
	close(fd);
	served_leave(other);
	served_free(s);
}

/* One that takes what there is every nine seconds stays, and so does one for which there is nothing. */
static void test_patience(void **state)
{
	struct served *s = served_new();
	int slow = come(s);
	bool ended;

	for (int i = 0; i < 20; i++) {
		served_run(s, 20011);	/* more than the socket takes */
		serve_tick(s->serve, s->now_ns += 9 * SERVED_SECOND);
		assert_int_equal(serve_clients(s->serve), 1);
		do
			serve_turn(s->serve, s->now_ns);
		while (hear_all(slow, &ended));
		assert_false(ended);
	}
	serve_tick(s->serve, s->now_ns);
	serve_tick(s->serve, s->now_ns += 100 * SERVED_SECOND);
	serve_tick(s->serve, s->now_ns += 100 * SERVED_SECOND);
	assert_int_equal(serve_clients(s->serve), 1);
	served_run(s, 20011);
	serve_tick(s->serve, s->now_ns += 11 * SERVED_SECOND);
	assert_int_equal(serve_clients(s->serve), 0);
	assert_int_equal(serve_counters(s->serve)->slow, 1);
	close(slow);
	served_free(s);
}

static void test_sends_something(void **state)
{
	struct served *s = served_new();
	struct served_client *other;
	int fd, err;
	bool ended;

	served_run(s, 503);
	other = served_join(s, &err);
	assert_non_null(other);
	fd = come(s);
	assert_int_equal(serve_clients(s->serve), 2);
	assert_int_equal(send(fd, "GET /", 5, 0), 5);
	serve_turn(s->serve, s->now_ns);
	assert_int_equal(serve_clients(s->serve), 1);
	assert_int_equal(serve_counters(s->serve)->rude, 1);
	recv(fd, &ended, 1, 0);		/* closed, or reset */
	close(fd);
	/* Half-closed is gone. */
	fd = come(s);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	serve_turn(s->serve, s->now_ns);
	assert_int_equal(serve_clients(s->serve), 1);
	close(fd);
	/* Gone before its turn, while it waits, and while packets come. */
	close(dial(s->path, SOCK_STREAM));
	serve_turn(s->serve, s->now_ns);
	close(come(s));
	served_run(s, 503);
	fd = come(s);
	serve_tick(s->serve, s->now_ns += SERVED_SECOND);
	close(fd);
	served_run(s, 503);
	serve_turn(s->serve, s->now_ns);
	assert_int_equal(serve_clients(s->serve), 1);
	assert_int_equal(serve_counters(s->serve)->rude, 1);
	assert_int_equal(serve_counters(s->serve)->slow, 0);
	same_figures(s, other);
	served_leave(other);
	served_free(s);
}

/* --- what runs out */

static bool is_readable(const struct served *s)
{
	struct pollfd wait = { .fd = serve_fd(s->serve), .events = POLLIN };

	return poll(&wait, 1, 0) == 1;
}

/* Descriptors beyond those that are open now: so many. */
static void leave_descriptors(unsigned int count)
{
	int next = dup(STDERR_FILENO);
	struct rlimit limit;

	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = next + count;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Who cannot be accepted waits, and does not keep the daemon from sleeping. */
static void test_no_descriptors(void **state)
{
	struct served *s = served_new();
	struct rlimit before;
	int fds[3];

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (int i = 0; i < 3; i++)
		fds[i] = dial(s->path, SOCK_STREAM);
	leave_descriptors(1);
	assert_true(is_readable(s));
	serve_turn(s->serve, s->now_ns);
	assert_int_equal(serve_clients(s->serve), 1);
	assert_int_equal(serve_counters(s->serve)->pauses, 1);
	serve_turn(s->serve, s->now_ns);		/* sends what the one waits for */
	serve_turn(s->serve, s->now_ns);
	assert_false(is_readable(s));
	expect_answer(fds[0], PROTOCOL_WELCOME);
	served_run(s, 503);				/* it has its packets meanwhile */
	serve_tick(s->serve, s->now_ns += SERVED_SECOND);
	assert_true(is_readable(s));			/* tried again, in vain */
	serve_turn(s->serve, s->now_ns);
	assert_int_equal(serve_counters(s->serve)->pauses, 2);
	assert_int_equal(serve_counters(s->serve)->refused, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	serve_tick(s->serve, s->now_ns += SERVED_SECOND);
	serve_turn(s->serve, s->now_ns);
	assert_int_equal(serve_clients(s->serve), 3);
	assert_int_equal(serve_counters(s->serve)->pauses, 2);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	served_free(s);
}

/* --- the place of the socket */

static int no_image(void *ctx, struct protocol_hello *hello, unsigned char **bytes, size_t *size)
{
	return -ENOMEM;
}

static const struct serve_calls no_images = { .image = no_image };

static void expect_refusal(const char *path, int wanted, const char *why)
{
	char whole[1024];
	struct error error;

	assert_null(serve_open(path, getegid(), &no_images, &error));
	assert_int_equal(error.code, wanted);
	snprintf(whole, sizeof(whole), "cannot listen at %s: %s", path, why);
	assert_string_equal(error.text, whole);
}

static int bind_to(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static mode_t type_of(const char *path)
{
	struct stat info;

	return lstat(path, &info) == 0 ? info.st_mode & S_IFMT : 0;
}

static const char somebody[] = "another sdeid listens there", something[] = "something else than a socket of sdeid is there";

static void test_live_socket_stays(void **state)
{
	struct served *s = served_new();
	struct served_client *c;
	int err, fds[32], count = 0;

	expect_refusal(s->path, -EADDRINUSE, somebody);
	c = served_join(s, &err);
	assert_non_null(c);
	served_run(s, 101);
	same_figures(s, c);
	served_leave(c);
	serve_turn(s->serve, s->now_ns);
	/* One that is too busy to accept is a live one. */
	for (; count < 32; count++) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };

		fds[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		strcpy(address.sun_path, s->path);
		if (connect(fds[count], (struct sockaddr *)&address, sizeof(address)) < 0)
			break;
	}
	assert_true(count < 32);
	expect_refusal(s->path, -EADDRINUSE, somebody);
	while (count >= 0)
		close(fds[count--]);
	served_free(s);
}

static void test_stale_socket_is_taken_over(void **state)
{
	char directory[] = "/tmp/sdeitop-place-XXXXXX", path[64];
	struct serve *serve;
	struct error error;
	struct stat info;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	close(bind_to(path, SOCK_STREAM));
	assert_int_equal(type_of(path), S_IFSOCK);
	serve = serve_open(path, getegid(), &no_images, &error);
	assert_non_null(serve);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0660);
	assert_int_equal(info.st_gid, getegid());
	close(dial(path, SOCK_STREAM));
	serve_close(serve);
	assert_int_equal(type_of(path), 0);
	serve_close(NULL);
	rmdir(directory);
}

/* Somebody removed the socket of a daemon that runs, and another daemon has taken its place: the first one leaves that alone. */
static void test_end_beside_another(void **state)
{
	char directory[] = "/tmp/sdeitop-place-XXXXXX", path[64];
	struct serve *first, *second;
	struct error error;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	first = serve_open(path, getegid(), &no_images, &error);
	assert_non_null(first);
	assert_int_equal(unlink(path), 0);
	second = serve_open(path, getegid(), &no_images, &error);
	assert_non_null(second);
	serve_close(first);
	assert_int_equal(type_of(path), S_IFSOCK);
	close(dial(path, SOCK_STREAM));
	serve_close(second);
	assert_int_equal(type_of(path), 0);
	rmdir(directory);
}

/* What is not ours is neither removed nor changed. */
static void test_other_things_stay(void **state)
{
	char directory[] = "/tmp/sdeitop-place-XXXXXX", path[64], other[64], longer[256];
	int fd;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
	assert_int_equal(mknod(path, S_IFREG | 0600, 0), 0);
	expect_refusal(path, -EEXIST, something);
	assert_int_equal(type_of(path), S_IFREG);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	expect_refusal(path, -EEXIST, something);
	assert_int_equal(type_of(path), S_IFDIR);
	rmdir(path);
	close(bind_to(other, SOCK_STREAM));
	assert_int_equal(symlink(other, path), 0);
	expect_refusal(path, -EEXIST, something);
	assert_int_equal(type_of(path), S_IFLNK);
	assert_int_equal(type_of(other), S_IFSOCK);
	unlink(path);
	unlink(other);
	fd = bind_to(path, SOCK_DGRAM);		/* somebody else's, who listens */
	expect_refusal(path, -EEXIST, something);
	assert_int_equal(type_of(path), S_IFSOCK);
	close(fd);
	unlink(path);
	snprintf(path, sizeof(path), "%s/no/socket", directory);
	expect_refusal(path, -ENOENT, "its directory is not there (under systemd, RuntimeDirectory= makes it)");
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	longer[0] = '/';
	expect_refusal(longer, -ENAMETOOLONG, "File name too long");
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clients_have_the_figures), cmocka_unit_test(test_clients_know_of_losses),
		cmocka_unit_test(test_limit_of_a_user), cmocka_unit_test(test_gone_are_not_in_the_way),
		cmocka_unit_test(test_no_memory), cmocka_unit_test(test_images_are_rare),
		cmocka_unit_test(test_never_reads), cmocka_unit_test(test_never_reads_small_packets),
		cmocka_unit_test(test_stops_reading), cmocka_unit_test(test_patience), cmocka_unit_test(test_sends_something),
		cmocka_unit_test(test_no_descriptors), cmocka_unit_test(test_live_socket_stays), cmocka_unit_test(test_stale_socket_is_taken_over),
		cmocka_unit_test(test_end_beside_another), cmocka_unit_test(test_other_things_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
