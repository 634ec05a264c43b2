// SPDX-License-Identifier: GPL-2.0-only
#include "session/daemon_client.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "session/protocol.h"
#include "model/image.h"
#include "recording/packet.h"
#include "session/vm_names.h"
#include "session/name_book.h"
#include "record/counters.h"
#include "util/clock.h"

#define RETRY_MS 20	/* while too many wait to be accepted */
#define IMAGE_STEP (1U << 20)
#define TURN_BYTES (32U << 20)		/* in one turn, so that a source without end leaves time for keys and signals */
/* A packet may be that long on its way: it is sent with the first drain after 100 ms, and comes from behind a reorder window. */
#define LAG_NS 300000000ULL

struct daemon_client {
	int fd;
	bool utf8;
	struct protocol_hello hello;
	struct model *model;
	struct name_book names;
	struct record_counters counters;
	struct recording_status status;		/* the newest one */
	uint64_t newest_ns;			/* of any item */
	size_t used;				/* of bytes */
	uint8_t bytes[2 * RECORDING_PACKET_CLAIM_MAX];
};

/* --- the start */

static const char *what_failed(int err)
{
	switch (err) {
	case -ENOENT:
		return "there is no such socket; sdeid must run, with 'socket' in its configuration";
	case -ECONNREFUSED:
		return "nobody listens there any more; start sdeid";
	case -EACCES:
		return "permission denied; who may look is the socket's group";
	case -EBUSY:
		return "it has as many clients as it takes";
	case -ENOMEM:
		return "not enough memory for its figures, here or there";
	case -ETIMEDOUT:
		return "it does not answer";
	case -EINTR:
		return "a signal came before it had answered";
	case -EPROTONOSUPPORT:
		return "it speaks another version of the protocol: restart it, or install the sdeitop it came with";
	case -EPIPE:
		return "it closed the connection";
	case -EBADMSG:
		return "what it sends is damaged, or it is no sdeid";
	default:
		return strerror(-err);
	}
}

static uint64_t now_ms(void)
{
	return clock_monotonic_ns() / NS_PER_MS;
}

/* How long one may wait, and the signals that end it: those of a loop are blocked, and pending when they have come. */
struct patience {
	uint64_t until_ms;
	int signals;
};

static int begin_patience(struct patience *p, unsigned int ms)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t set, blocked;

	sigemptyset(&set);
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (sigismember(&blocked, ends[i]))
			sigaddset(&set, ends[i]);
	p->until_ms = now_ms() + ms;
	p->signals = signalfd(-1, &set, SFD_CLOEXEC);	/* never read: the signals stay pending */
	return p->signals < 0 ? -errno : 0;
}

/* Until there is something to read, or (fd < 0) for RETRY_MS. */
static int wait_for(int fd, const struct patience *p)
{
	struct pollfd fds[] = { { .fd = p->signals, .events = POLLIN }, { .fd = fd, .events = POLLIN } };
	uint64_t now = now_ms(), left = p->until_ms > now ? p->until_ms - now : 0;

	if (!left)
		return -ETIMEDOUT;
	if (fd < 0 && left > RETRY_MS)
		left = RETRY_MS;
	if (poll(fds, 2, left < INT_MAX ? left : INT_MAX) < 0 && errno != EINTR)
		return -errno;
	return fds[0].revents ? -EINTR : 0;
}

/* EAGAIN: too many wait to be accepted. */
static int connect_to(const char *path, const struct patience *p)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	for (err = 0; !err && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0;)
		err = errno == EAGAIN ? wait_for(-1, p) : -errno;
	if (!err)
		return fd;
	close(fd);
	return err == -ETIMEDOUT ? -EBUSY : err;
}

static int receive_all(int fd, const struct patience *p, void *bytes, size_t size)
{
	while (size) {
		int err = wait_for(fd, p);
		ssize_t got;

		if (err)
			return err;
		got = recv(fd, bytes, size, MSG_DONTWAIT);
		if (got == 0)
			return -EPIPE;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (got <= 0)
			continue;
		bytes = (char *)bytes + got;
		size -= got;
	}
	return 0;
}

static int take_hello(struct daemon_client *a, const struct patience *p)
{
	const struct protocol_hello *h = &a->hello;
	int err = receive_all(a->fd, p, &a->hello, sizeof(a->hello));

	if (err)
		return err;
	if (h->magic != PROTOCOL_MAGIC || h->image_size > PROTOCOL_IMAGE_MAX)
		return -EBADMSG;
	if (h->version != PROTOCOL_VERSION || (h->answer == PROTOCOL_WELCOME && h->kinds != SDEI_KIND_COUNT))
		return -EPROTONOSUPPORT;
	switch (h->answer) {
	case PROTOCOL_WELCOME:
		break;
	case PROTOCOL_FULL:
		return -EBUSY;
	case PROTOCOL_NO_MEMORY:
		return -ENOMEM;
	default:
		return -EPROTONOSUPPORT;
	}
	memcpy(a->counters.attempted, h->attempted, sizeof(a->counters.attempted));
	memcpy(a->counters.lost, h->lost, sizeof(a->counters.lost));
	a->counters.read = h->read;
	a->newest_ns = h->time_ns;
	a->status = (struct recording_status){
		.time_ns = h->time_ns, .probes_attached = h->probes_attached, .probes_total = h->probes_total,
		.cpu_permille = h->cpu_permille, .malformed = h->malformed, .late = h->late,
	};
	return 0;
}

/* Memory grows with what has come, not with what was promised. */
static int receive_image(const struct daemon_client *a, const struct patience *p, unsigned char **bytes)
{
	size_t size = a->hello.image_size, room = 0;
	int err = 0;

	for (size_t at = 0; !err && at < size; at = room) {
		unsigned char *more;

		room = size - at < IMAGE_STEP + at ? size : at + IMAGE_STEP + at;
		more = realloc(*bytes, room);
		if (!more)
			return -ENOMEM;
		*bytes = more;
		err = receive_all(a->fd, p, *bytes + at, room - at);
	}
	return err;
}

static int take_image(struct daemon_client *a, const struct patience *p)
{
	const struct model_options options = { .free_user = name_free, .guest = name_guest };
	const struct image_names names = { .user = name_from_text, .ctx = &a->utf8 };
	unsigned char *bytes = NULL;
	int err = receive_image(a, p, &bytes);

	if (!err)
		a->model = image_load(bytes, a->hello.image_size, &options, &names, &err);
	free(bytes);
	return err;
}

static int join(struct daemon_client *a, const char *path, unsigned int patience_ms)
{
	struct patience patience;
	int err = begin_patience(&patience, patience_ms);

	if (err)
		return err;
	a->fd = connect_to(path, &patience);
	err = a->fd < 0 ? a->fd : take_hello(a, &patience);
	if (!err)
		err = take_image(a, &patience);
	close(patience.signals);
	return err;
}

struct daemon_client *daemon_client_open_within(const char *path, bool utf8, unsigned int patience_ms, struct error *error)
{
	struct daemon_client *a = malloc(sizeof(*a));
	int err;

	if (!a) {
		error_no_memory(error);
		return NULL;
	}
	memset(a, 0, offsetof(struct daemon_client, bytes));
	a->utf8 = utf8;
	a->fd = -1;
	err = join(a, path, patience_ms);
	if (!err)
		return a;
	error_set(error, err, "cannot ask sdeid at %s: %s", path, what_failed(err));
	daemon_client_close(a);
	return NULL;
}

struct daemon_client *daemon_client_open(const char *path, bool utf8, struct error *error)
{
	return daemon_client_open_within(path, utf8, DAEMON_CLIENT_PATIENCE_MS, error);
}

void daemon_client_close(struct daemon_client *a)
{
	if (!a)
		return;
	model_free(a->model);
	name_book_release(&a->names);
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}

struct model *daemon_client_take_model(struct daemon_client *a)
{
	struct model *m = a->model;

	a->model = NULL;
	return m;
}

/* --- what comes then */

int daemon_client_fd(const struct daemon_client *a)
{
	return a->fd;
}

static void take_lost(struct daemon_client *a, const struct recording_item *item, const struct record_sink *sink)
{
	const struct sdei_lost_key *key = item->lost.key_known ? &item->lost.key : NULL;

	counters_add_lost(&a->counters, key, item->lost.count);
	sink_lost(sink, key, item->lost.count);
}

/* 1 for a record, else 0. */
static int take_item(struct daemon_client *a, const struct recording_item *item, const struct record_sink *sink)
{
	if (item->time_ns > a->newest_ns)
		a->newest_ns = item->time_ns;
	switch (item->kind) {
	case ITEM_RECORD:
		if (!counters_add_record(&a->counters, &item->record.head))
			return 0;	/* not sent by a daemon of ours */
		sink_record(sink, &item->record.head, item->size);
		return 1;
	case ITEM_LOST:
		take_lost(a, item, sink);
		return 0;
	case ITEM_NAME:
		name_book_learn(&a->names, item->name.vm, item->name.text, item->name.uuid);
		return 0;
	case ITEM_STATUS:
		a->status = item->status;
		return 0;
	case ITEM_SNAPSHOT:
		return 0;
	}
	return 0;
}

static int64_t take_packet(struct daemon_client *a, const uint8_t *packet, const struct packet_head *head, const struct record_sink *sink)
{
	const uint8_t *at = packet + sizeof(*head), *end = packet + head->packet_bits / 8;
	uint64_t clock_ns = head->begin_ns;
	struct recording_item item;
	int64_t records = 0;

	while (at < end) {
		size_t taken = codec_get(at, end - at, &item, &clock_ns);

		if (!taken)
			return -EBADMSG;
		at += taken;
		records += take_item(a, &item, sink);
	}
	return records;
}

/* Those that are whole; a->bytes begins with one. The records in them, or -EBADMSG. */
static int64_t take_packets(struct daemon_client *a, const struct record_sink *sink)
{
	const uint8_t *at = a->bytes, *end = a->bytes + a->used;
	int64_t records = 0, taken;
	struct packet_head head;

	while ((size_t)(end - at) >= sizeof(head)) {
		enum packet_verdict verdict = packet_check(at, end - at, NULL, &head);

		if (verdict == PACKET_CUT)
			break;
		taken = verdict == PACKET_WHOLE ? take_packet(a, at, &head, sink) : -EBADMSG;
		if (taken < 0)
			return taken;
		records += taken;
		at += head.packet_bits / 8;
	}
	a->used = end - at;
	memmove(a->bytes, at, a->used);
	return records;
}

int64_t daemon_client_drain(struct daemon_client *a, const struct record_sink *sink)
{
	int64_t records = 0, taken;
	ssize_t got;

	for (size_t turn = 0; turn < TURN_BYTES; turn += got) {
		got = recv(a->fd, a->bytes + a->used, sizeof(a->bytes) - a->used, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
			break;
		if (got <= 0)
			return got ? -errno : -EPIPE;
		a->used += got;
		taken = take_packets(a, sink);
		if (taken < 0)
			return taken;
		records += taken;
	}
	return records;
}

/* Both are on one host, and so on one clock. */
void daemon_client_status(const struct daemon_client *a, struct status *status)
{
	uint64_t now_ns = clock_monotonic_ns(), settled_ns = now_ns - LAG_NS;

	status->now_ns = settled_ns > a->newest_ns ? settled_ns : a->newest_ns;
	/* What a daemon says is newest may be anything. */
	status->wall_ns = (int64_t)(status->now_ns + (uint64_t)clock_wall_offset_ns());
	status->counters = a->counters;
	status_from_recording(status, &a->status);
}

/* Asked once for each VM, so it need not be kept. */
char *daemon_client_name(void *client, uint32_t vm, char uuid[GUEST_UUID_SIZE])
{
	struct daemon_client *a = client;
	const char *known = name_book_find(&a->names, vm);
	char *name = strdup(known ?: "-");

	snprintf(uuid, GUEST_UUID_SIZE, "%s", name_book_uuid(&a->names, vm));
	name_book_forget(&a->names, vm);
	return name;
}

/* What is told here is of VMs that are known, or will be asked for. */
void daemon_client_tell_late_names(struct daemon_client *a, name_news_t tell, void *ctx)
{
	name_book_tell_news(&a->names, tell, ctx);
}

uint32_t daemon_client_pid(const struct daemon_client *a)
{
	return a->hello.pid;
}
