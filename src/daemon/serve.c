// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/log.h"

#define CLIENTS_MAX 16
#define CLIENTS_OF_USER 4
#define QUEUE_BYTES (8U << 20)		/* of packets, for one client */
#define QUEUE_PACKETS 4096
#define TURN_BYTES (1U << 20)		/* to one client, before others have their turn */
#define IMAGE_GAP_NS 1000000000ULL
#define PATIENCE_NS 10000000000ULL	/* with a client that takes nothing */
#define PAUSE_NS 1000000000ULL		/* of listening, when nobody can be accepted */

/* Bytes for several clients. */
struct chunk {
	unsigned int refs;
	bool packet;		/* counts for what a client may have queued */
	size_t size;
	unsigned char *bytes;
};

struct client {
	int fd;			/* -1: the place is free */
	uid_t uid;
	bool has_image;		/* it was queued, at least */
	bool wants_write;	/* epoll knows */
	uint64_t moved_ns;	/* when it last took something, or had nothing to take */
	struct chunk *queue[QUEUE_PACKETS];
	size_t first, count;	/* in queue, a ring */
	size_t sent;		/* of the first chunk */
	size_t queued;		/* bytes of packets */
};

struct serve {
	struct serve_calls calls;
	struct serve_counters counters;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int listener, epoll;
	struct stat place;	/* of our socket, at path */
	uint64_t pause_ns;	/* until then nobody is listened to; 0: all are */
	bool pause_told;
	uint64_t image_ns;	/* when the last image was made; 0: never */
	uint64_t now_ns;
	struct client *clients[CLIENTS_MAX];
};

/* --- chunks */

/* Takes bytes over. NULL: no memory, and they are freed. */
static struct chunk *chunk_new(void *bytes, size_t size, bool packet)
{
	struct chunk *c = malloc(sizeof(*c));

	if (!c) {
		free(bytes);
		return NULL;
	}
	*c = (struct chunk){ .refs = 1, .packet = packet, .size = size, .bytes = bytes };
	return c;
}

static void chunk_put(struct chunk *c)
{
	if (!c || --c->refs)
		return;
	free(c->bytes);
	free(c);
}

/* --- clients */

static struct chunk *client_first(const struct client *c)
{
	return c->queue[c->first];
}

static void client_next(struct client *c)
{
	struct chunk *done = client_first(c);

	if (done->packet)
		c->queued -= done->size;
	chunk_put(done);
	c->first = (c->first + 1) % QUEUE_PACKETS;
	c->count--;
	c->sent = 0;
}

static void client_close(struct serve *s, size_t i)
{
	struct client *c = s->clients[i];

	while (c->count)
		client_next(c);
	close(c->fd);		/* epoll forgets it */
	free(c);
	s->clients[i] = NULL;
}

/* False: it takes them too slowly. */
static bool client_queue(struct client *c, struct chunk *chunk)
{
	if (c->count == QUEUE_PACKETS || (chunk->packet && c->queued + chunk->size > QUEUE_BYTES))
		return false;
	c->queue[(c->first + c->count++) % QUEUE_PACKETS] = chunk;
	chunk->refs++;
	if (chunk->packet)
		c->queued += chunk->size;
	return true;
}

static void client_watch(struct serve *s, size_t i)
{
	struct client *c = s->clients[i];
	bool wants = c->count;
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | (wants ? EPOLLOUT : 0), .data.u32 = i };

	if (wants != c->wants_write && epoll_ctl(s->epoll, EPOLL_CTL_MOD, c->fd, &event) == 0)
		c->wants_write = wants;
}

/* Sends what goes without waiting. False: the connection is no more. */
static bool client_send(struct serve *s, struct client *c)
{
	size_t turn = 0;

	while (c->count && turn < TURN_BYTES) {
		const struct chunk *chunk = client_first(c);
		ssize_t sent = send(c->fd, chunk->bytes + c->sent, chunk->size - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		c->moved_ns = s->now_ns;
		c->sent += sent;
		turn += sent;
		if (c->sent == chunk->size)
			client_next(c);
	}
	return true;
}

/* A client has nothing to say: what comes is its end, or what it was not asked for. */
static bool client_is_quiet(struct serve *s, const struct client *c)
{
	char byte;
	ssize_t got = recv(c->fd, &byte, 1, MSG_DONTWAIT);

	s->counters.rude += got > 0;
	return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

static void client_turn(struct serve *s, size_t i, uint32_t events)
{
	struct client *c = s->clients[i];

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP) && !client_is_quiet(s, c))
		client_close(s, i);
	else if (events & EPOLLOUT && !client_send(s, c))
		client_close(s, i);
	else
		client_watch(s, i);
}

/* --- those who come */

static size_t clients_of(const struct serve *s, uid_t uid)
{
	size_t count = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		count += s->clients[i] && s->clients[i]->uid == uid;
	return count;
}

static size_t free_place(const struct serve *s)
{
	size_t i = 0;

	while (i < CLIENTS_MAX && s->clients[i])
		i++;
	return i;
}

/* It says why and ends. */
static void refuse(int fd, enum protocol_answer answer)
{
	const struct protocol_hello hello = { .magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION, .answer = answer };

	send(fd, &hello, sizeof(hello), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool has_room(const struct serve *s, uid_t uid)
{
	return free_place(s) < CLIENTS_MAX && clients_of(s, uid) < CLIENTS_OF_USER;
}

/* Who left since the turn began is not in the way of who comes. */
static void clear_out(struct serve *s)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i] && !client_is_quiet(s, s->clients[i]))
			client_close(s, i);
}

static bool admit(struct serve *s, int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(peer);
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP };
	bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
	struct client *c;

	if (known && !has_room(s, peer.uid))
		clear_out(s);
	if (!known || !has_room(s, peer.uid)) {
		refuse(fd, PROTOCOL_FULL);
		return false;
	}
	event.data.u32 = free_place(s);		/* its number is how it is known */
	c = calloc(1, sizeof(*c));
	if (!c || epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		refuse(fd, PROTOCOL_NO_MEMORY);
		free(c);
		return false;
	}
	c->fd = fd;
	c->uid = peer.uid;
	c->moved_ns = s->now_ns;
	s->clients[event.data.u32] = c;
	return true;
}

static int listen_for(struct serve *s, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u32 = CLIENTS_MAX };

	return epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->listener, &event);
}

/* Who waits stays there, and would be reported again and again. Reported once, until it works again. */
static void pause_listening(struct serve *s, int err)
{
	if (listen_for(s, 0) < 0)
		return;
	s->counters.pauses++;
	s->pause_ns = s->now_ns + PAUSE_NS;
	if (!s->pause_told)
		say_at(SAY_ERROR, "no client can be accepted: %s; those who come wait, it is tried again each second",
		       strerror(err));
	s->pause_told = true;
}

static void listen_again(struct serve *s)
{
	if (s->pause_ns && s->now_ns >= s->pause_ns && listen_for(s, EPOLLIN) == 0)
		s->pause_ns = 0;
}

static bool is_of_one(int err)
{
	return err == EINTR || err == ECONNABORTED;
}

static bool is_nobody(int err)
{
	return err == EAGAIN || err == EWOULDBLOCK;
}

/* Those who come without end have their next turn, too. */
static void accept_some(struct serve *s)
{
	for (int i = 0; i < CLIENTS_MAX && !s->pause_ns; i++) {
		int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && is_of_one(errno))
			continue;
		if (fd < 0 && !is_nobody(errno))
			pause_listening(s, errno);
		if (fd < 0)
			return;
		s->pause_told = false;
		s->counters.accepted++;
		if (admit(s, fd))
			continue;
		s->counters.refused++;
		close(fd);
	}
}

/* --- images */

static bool somebody_waits(const struct serve *s)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i] && !s->clients[i]->has_image)
			return true;
	return false;
}

struct image {
	struct chunk *hello, *model;
};

/* False: no memory. */
static bool image_make(struct serve *s, struct image *image)
{
	struct protocol_hello *hello = calloc(1, sizeof(*hello));
	unsigned char *bytes = NULL;
	size_t size = 0;

	*image = (struct image){ 0 };
	if (!hello || s->calls.image(s->calls.ctx, hello, &bytes, &size) < 0) {
		free(hello);
		return false;
	}
	hello->magic = PROTOCOL_MAGIC;
	hello->version = PROTOCOL_VERSION;
	hello->answer = PROTOCOL_WELCOME;
	hello->image_size = size;
	image->hello = chunk_new(hello, sizeof(*hello), false);
	image->model = chunk_new(bytes, size, false);
	return image->hello && image->model;
}

static void give_image(struct serve *s, size_t i, const struct image *image, bool made)
{
	struct client *c = s->clients[i];

	if (!made || !client_queue(c, image->hello) || !client_queue(c, image->model)) {
		refuse(c->fd, PROTOCOL_NO_MEMORY);
		client_close(s, i);
		return;
	}
	c->has_image = true;
	c->moved_ns = s->now_ns;
	client_watch(s, i);
}

/* The same one to all who wait: it costs the time of a look at everything. */
static void give_images(struct serve *s)
{
	struct image image;
	bool made;

	if (!somebody_waits(s) || (s->image_ns && s->now_ns < s->image_ns + IMAGE_GAP_NS))
		return;
	made = image_make(s, &image);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i] && !s->clients[i]->has_image)
			give_image(s, i, &image, made);
	chunk_put(image.hello);
	chunk_put(image.model);
	s->image_ns = s->now_ns;
}

/* --- what the daemon calls */

int serve_fd(const struct serve *s)
{
	return s->epoll;
}

void serve_turn(struct serve *s, uint64_t now_ns)
{
	struct epoll_event events[CLIENTS_MAX + 1];
	int count = epoll_wait(s->epoll, events, CLIENTS_MAX + 1, 0);

	s->now_ns = now_ns;
	/* First those who are here: a place that becomes free may be taken again. */
	for (int i = 0; i < count; i++)
		if (events[i].data.u32 < CLIENTS_MAX)
			client_turn(s, events[i].data.u32, events[i].events);
	accept_some(s);
	give_images(s);
}

static void cut_off(struct serve *s, size_t i)
{
	s->counters.slow++;
	say("a client of uid %u takes its figures too slowly: it was cut off", s->clients[i]->uid);
	client_close(s, i);
}

void serve_tick(struct serve *s, uint64_t now_ns)
{
	s->now_ns = now_ns;
	listen_again(s);
	give_images(s);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = s->clients[i];

		if (c && !c->count)
			c->moved_ns = now_ns;
		if (c && now_ns > c->moved_ns + PATIENCE_NS)
			cut_off(s, i);
	}
}

static void send_packet(struct serve *s, size_t i, struct chunk *chunk)
{
	if (!client_queue(s->clients[i], chunk))
		cut_off(s, i);
	else if (!client_send(s, s->clients[i]))
		client_close(s, i);
	else
		client_watch(s, i);
}

void serve_packet(struct serve *s, const struct packet *packet)
{
	unsigned char *bytes;
	struct chunk *chunk;

	if (packet->head.holds == PACKET_SNAPSHOT || !serve_clients(s))
		return;
	bytes = malloc(packet->size);
	chunk = bytes ? chunk_new(memcpy(bytes, packet->bytes, packet->size), packet->size, true) : NULL;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (!s->clients[i] || !s->clients[i]->has_image)
			continue;
		if (chunk)
			send_packet(s, i, chunk);
		else
			client_close(s, i);	/* it would go on with a gap */
	}
	chunk_put(chunk);
}

size_t serve_clients(const struct serve *s)
{
	size_t count = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		count += s->clients[i] != NULL;
	return count;
}

const struct serve_counters *serve_counters(const struct serve *s)
{
	return &s->counters;
}

/* --- life */

/* A socket that is there: somebody's who listens, or left by one who was killed. */
static int take_over(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;
	struct stat info;

	if (fd < 0)
		return -errno;
	if (lstat(address->sun_path, &info) == 0) {
		if (!S_ISSOCK(info.st_mode))
			err = -EEXIST;
		else if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
			err = -EADDRINUSE;
		else if (errno != ECONNREFUSED)
			err = errno == EPROTOTYPE ? -EEXIST : -errno;
		else if (unlink(address->sun_path) < 0)
			err = -errno;
	}
	close(fd);
	return err;
}

/* The group can look: mode 0660 before anybody can connect. */
static int listen_at(struct serve *s, const struct sockaddr_un *address, gid_t group)
{
	mode_t mask = umask(0117);
	int err = bind(s->listener, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	umask(mask);
	if (err)
		return err;
	if (lstat(address->sun_path, &s->place) < 0)
		return -errno;
	snprintf(s->path, sizeof(s->path), "%s", address->sun_path);
	if (group != (gid_t)-1 && lchown(s->path, (uid_t)-1, group) < 0)
		return -errno;
	return listen(s->listener, CLIENTS_MAX) < 0 ? -errno : 0;
}

static int open_listener(struct serve *s, const char *path, gid_t group)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = CLIENTS_MAX };
	int err;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	err = take_over(&address);
	if (err)
		return err;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->epoll < 0 || s->listener < 0)
		return -errno;
	err = listen_at(s, &address, group);
	if (!err && epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listener, &event) < 0)
		err = -errno;
	return err;
}

static const char *what_failed(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "another sdeid listens there";
	case -EEXIST:
		return "something else than a socket of sdeid is there";
	case -ENOENT:
		return "its directory is not there (under systemd, RuntimeDirectory= makes it)";
	default:
		return strerror(-err);
	}
}

struct serve *serve_open(const char *path, gid_t group, const struct serve_calls *calls, struct error *error)
{
	struct serve *s = calloc(1, sizeof(*s));
	int err;

	if (!s) {
		error_no_memory(error);
		return NULL;
	}
	s->calls = *calls;
	s->listener = s->epoll = -1;
	err = open_listener(s, path, group);
	if (!err)
		return s;
	error_set(error, err, "cannot listen at %s: %s", path, what_failed(err));
	serve_close(s);
	return NULL;
}

/* Somebody may have put another one there. As long as ours is open no other has its number. */
static void remove_socket(const struct serve *s)
{
	struct stat now;

	if (s->path[0] && lstat(s->path, &now) == 0 && now.st_dev == s->place.st_dev && now.st_ino == s->place.st_ino)
		unlink(s->path);
}

void serve_close(struct serve *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i])
			client_close(s, i);
	remove_socket(s);
	if (s->listener >= 0)
		close(s->listener);
	if (s->epoll >= 0)
		close(s->epoll);
	free(s);
}
