// SPDX-License-Identifier: GPL-2.0-only
/*
 * sdeid as it is, but with a source that does what it is told instead of a kernel's: it connects to the UNIX socket that
 * $SDEI_COMMANDS names, reads lines from it and answers each with "ok" when all that it asks for has been delivered.
 *
 *   run VM STEPS          so many random things happen in a VM that has two vCPUs
 *   end VM                the VM is destroyed
 *   hang VM               a handler of the VM runs, and does not end before "end"
 *   name VM LENGTH        the VM is called "VM" and x up to that length, from its next record on
 *   lose VM COUNT         records of the VM are lost; VM 0: nobody knows whose
 *   clock SECONDS         CLOCK_REALTIME is off by so much from now on
 *   suspend SECONDS       CLOCK_MONOTONIC jumps ahead
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "record/counters.h"
#include "session/source.h"
#include "tests/unit/lib/sdei_machine.h"
#include "util/clock.h"

#define VCPUS 2
#define SIGNALLED (SDEI_REGISTERED | SDEI_ENABLED)

/* --- clocks that can be set */

static time_t off_by, ahead_by;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int err = syscall(SYS_clock_gettime, clock, now);

	now->tv_sec += clock == CLOCK_REALTIME ? off_by : clock == CLOCK_MONOTONIC ? ahead_by : 0;
	return err;
}

/* --- the source */

struct vm {
	struct vm *next;
	uint32_t pid;
	size_t name_length;
	struct machine *machine;
	struct commanded *source;
};

struct commanded {
	struct source source;
	int fd;
	struct vm *vms;
	const struct record_sink *sink;
	struct record_counters counters;
	char line[256];
	size_t used;
};

static struct commanded *commanded_of(const struct source *source)
{
	return (struct commanded *)source;
}

static void deliver(struct commanded *c, struct sdei_record *record, size_t size)
{
	record->time_ns = clock_monotonic_ns();
	counters_add_record(&c->counters, record);
	c->sink->record(c->sink->ctx, record, size);
}

static void emit(void *ctx, const struct sdei_record *record, size_t size)
{
	struct vm *vm = ctx;
	struct sdei_record_call copy;

	memcpy(&copy, record, size);
	copy.head.vm = vm->pid;
	deliver(vm->source, &copy.head, size);
}

static struct vm *find_vm(struct commanded *c, uint32_t pid)
{
	struct vm *vm = c->vms;

	while (vm && vm->pid != pid)
		vm = vm->next;
	return vm;
}

/* Aborts without memory, as machine_new() does: what is run when there is none is "hang", which takes none. */
static struct vm *vm_of(struct commanded *c, uint32_t pid)
{
	struct vm *vm = find_vm(c, pid);

	if (vm)
		return vm;
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		abort();
	*vm = (struct vm){ .next = c->vms, .pid = pid, .source = c };
	c->vms = vm;
	return vm;
}

static void run_vm(struct commanded *c, uint32_t pid, unsigned long steps)
{
	struct vm *vm = vm_of(c, pid);

	if (!vm->machine)
		vm->machine = machine_new(VCPUS, pid, emit, vm);
	while (steps--)
		machine_step(vm->machine);
}

static void hang_vm(struct commanded *c, uint32_t pid)
{
	static const uint8_t kinds[] = { SDEI_SIGNAL, SDEI_DISPATCH };
	static const uint8_t states[] = { SIGNALLED | SDEI_PENDING, SIGNALLED | SDEI_RUNNING };

	for (int i = 0; i < 2; i++) {
		struct sdei_record record = { .vm = pid, .vcpu = 0, .event = 0, .kind = kinds[i], .state = states[i] };

		deliver(c, &record, sizeof(record));
	}
}

static void end_vm(struct commanded *c, uint32_t pid)
{
	struct vm **at = &c->vms, *vm;

	for (unsigned int i = 0; i < VCPUS * MACHINE_EVENTS; i++) {
		struct sdei_record_handler gone = {
			.head = { .vm = pid, .vcpu = i / MACHINE_EVENTS, .event = i % MACHINE_EVENTS, .kind = SDEI_STATE,
				  .origin = SDEI_DESTROYED, .state = SDEI_MASKED },
		};

		deliver(c, &gone.head, sizeof(gone));
	}
	while (*at && (*at)->pid != pid)
		at = &(*at)->next;
	vm = *at;
	if (!vm)
		return;
	*at = vm->next;
	machine_free(vm->machine);
	free(vm);
}

static void lose(struct commanded *c, uint32_t pid, uint64_t count)
{
	const struct sdei_lost_key key = { .vm = pid, .kind = SDEI_SIGNAL, .outcome = SDEI_COALESCED };

	counters_add_lost(&c->counters, pid ? &key : NULL, count);
	c->sink->lost(c->sink->ctx, pid ? &key : NULL, count);
}

/* --- commands */

/* False: there is no such command. */
static bool obey(struct commanded *c, const char *line)
{
	char word[16];
	long a = 0, b = 0;

	if (sscanf(line, "%15s %ld %ld", word, &a, &b) < 2)
		return false;
	if (strcmp(word, "run") == 0)
		run_vm(c, a, b);
	else if (strcmp(word, "end") == 0)
		end_vm(c, a);
	else if (strcmp(word, "hang") == 0)
		hang_vm(c, a);
	else if (strcmp(word, "name") == 0)
		vm_of(c, a)->name_length = b;
	else if (strcmp(word, "lose") == 0)
		lose(c, a, b);
	else if (strcmp(word, "clock") == 0)
		off_by = a;
	else if (strcmp(word, "suspend") == 0)
		ahead_by += a;
	else
		return false;
	return true;
}

static int answer(struct commanded *c, const char *word)
{
	return send(c->fd, word, strlen(word), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int obey_lines(struct commanded *c)
{
	char *end;
	int err = 0;

	while (!err && (end = memchr(c->line, '\n', c->used))) {
		*end++ = '\0';
		err = answer(c, obey(c, c->line) ? "ok\n" : "what?\n");
		c->used -= end - c->line;
		memmove(c->line, end, c->used);
	}
	return err;
}

/* When nobody commands any more it is as if the kernel could not be read. */
static int commanded_drain(struct source *source, const struct record_sink *sink, uint64_t until_ns)
{
	struct commanded *c = commanded_of(source);
	ssize_t got = 1;
	int err = 0;

	c->sink = sink;
	while (!err && until_ns != SOURCE_END) {
		got = recv(c->fd, c->line + c->used, sizeof(c->line) - c->used, MSG_DONTWAIT);
		if (got <= 0)
			break;
		c->used += got;
		err = obey_lines(c);
	}
	return err ? err : got == 0 ? -EPIPE : 0;
}

static char *commanded_name(struct source *source, uint32_t pid, char uuid[GUEST_UUID_SIZE])
{
	const struct vm *vm = find_vm(commanded_of(source), pid);
	size_t length = vm && vm->name_length ? vm->name_length : 16;
	char *name = calloc(1, length + 16);

	if (!name)
		return NULL;
	memset(name, 'x', length);
	name[snprintf(name, 16, "%u", pid)] = 'x';
	name[length] = '\0';
	return name;
}

static const struct source_probe probe = { .name = "commanded", .attached = true };

static const struct source_probe *commanded_probes(const struct source *source, size_t *count)
{
	*count = 1;
	return &probe;
}

static void commanded_status(struct source *source, struct status *status)
{
	status_set_host_name(status, "commanded");
	status->now_ns = clock_monotonic_ns();
	status->wall_ns = (int64_t)status->now_ns + clock_wall_offset_ns();
	status->probes_attached = status->probes_total = 1;
	status->cpu_percent = -1;
	status->counters = commanded_of(source)->counters;
	status->counters.settled_ns = status->now_ns;
}

static int commanded_fd(const struct source *source)
{
	return commanded_of(source)->fd;
}

static void commanded_announce(struct source *source, const char *end)
{
}

static void commanded_close(struct source *source)
{
	struct commanded *c = commanded_of(source);

	for (struct vm *vm = c->vms, *next; vm; vm = next) {
		next = vm->next;
		machine_free(vm->machine);
		free(vm);
	}
	close(c->fd);
	free(c);
}

static const struct source_type commanded_type = {
	.drain = commanded_drain, .name = commanded_name, .status = commanded_status, .close = commanded_close, .fd = commanded_fd,
	.announce = commanded_announce, .probes = commanded_probes,
};

/* In place of that of src/session/source_kernel.c. */
struct source *source_of_kernel(const struct live_options *options, struct error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("SDEI_COMMANDS");
	struct commanded *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->source.type = &commanded_type;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path ? path : "");
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd >= 0 && connect(c->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return &c->source;
	error_set(error, -errno, "cannot connect to $SDEI_COMMANDS: %s", strerror(errno));
	commanded_close(&c->source);
	return NULL;
}

int main(int argc, char **argv)
{
	return daemon_main(argc, argv);
}
