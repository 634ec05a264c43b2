// SPDX-License-Identifier: GPL-2.0-only
#include "source/guest_name.h"

#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/cmdline.h"
#include "source/privilege.h"
#include "source/process.h"

#define NAME_MAX_BYTES 255
/* One setting, "guest=" and one byte too many included. */
struct text {
	char bytes[NAME_MAX_BYTES + 8];
	size_t size;
};

/* One argument of a command line, size without the NUL. */
struct arg {
	const char *bytes;
	size_t size;
};

static bool is_arg(struct arg arg, const char *text)
{
	return arg.size == strlen(text) && !memcmp(arg.bytes, text, arg.size);
}

static bool starts_with(struct arg arg, const char *text)
{
	return arg.size >= strlen(text) && !memcmp(arg.bytes, text, strlen(text));
}

static void skip(struct arg *text, size_t size)
{
	text->bytes += size;
	text->size -= size;
}

/* Takes the argument at the front of rest. */
static bool next_arg(struct arg *rest, struct arg *arg)
{
	const char *end;

	if (!rest->size)
		return false;
	end = memchr(rest->bytes, '\0', rest->size);
	*arg = (struct arg) { rest->bytes, end ? (size_t)(end - rest->bytes) : rest->size };
	skip(rest, arg->size + (end != NULL));
	return true;
}

/* A copy of at most NAME_MAX_BYTES; a UTF-8 character that does not fit whole is left out. */
static char *name_from(const char *bytes, size_t size)
{
	if (size > NAME_MAX_BYTES) {
		size = NAME_MAX_BYTES;
		for (int i = 0; i < 3 && (bytes[size] & 0xc0) == 0x80; i++)
			size--;
	}
	return strndup(bytes, size);
}

/* Whether text starts with a comma that ends a setting; a comma within one is written twice. */
static bool at_end(struct arg text)
{
	return text.bytes[0] == ',' && (text.size == 1 || text.bytes[1] != ',');
}

/* Takes one of QEMU's comma-separated settings. */
static bool next_setting(struct arg *rest, struct text *setting)
{
	setting->size = 0;
	if (!rest->size)
		return false;
	for (; rest->size && !at_end(*rest); skip(rest, 1)) {
		if (rest->bytes[0] == ',')
			skip(rest, 1);
		if (setting->size < sizeof(setting->bytes))
			setting->bytes[setting->size++] = rest->bytes[0];
	}
	if (rest->size)
		skip(rest, 1);
	return true;
}

/* Without a key, the first setting of -name is the guest's name. */
static bool has_key(struct arg setting)
{
	for (size_t i = 0; i < setting.size; i++)
		if (setting.bytes[i] == '=' || setting.bytes[i] == ',')
			return setting.bytes[i] == '=';
	return false;
}

/* The name in the value of QEMU's -name, NULL if it has none; as there, the last one counts. */
static char *name_in_settings(struct arg settings)
{
	struct text text;
	struct arg setting;
	char *name = NULL;
	size_t key;

	for (bool first = true; next_setting(&settings, &text); first = false) {
		setting = (struct arg) { text.bytes, text.size };
		key = starts_with(setting, "guest=") ? strlen("guest=") : 0;
		if (setting.size == key || (!key && (!first || has_key(setting))))
			continue;
		free(name);
		name = name_from(text.bytes + key, text.size - key);
	}
	return name;
}

/* --- who makes VMs */

enum vmm { OTHER, QEMU, FIRECRACKER, CLOUD_HYPERVISOR, CROSVM, KVMTOOL, KATA_SHIM };

static const struct {
	const char *program;	/* begins so; of a process's name there are 15 characters */
	enum vmm vmm;
} vmms[] = {
	{ "qemu", QEMU }, { "lkvm", KVMTOOL }, { "kvmtool", KVMTOOL }, { "kvm", QEMU }, { "firecracker", FIRECRACKER },
	{ "cloud-hyperviso", CLOUD_HYPERVISOR }, { "crosvm", CROSVM }, { "containerd-shim", KATA_SHIM },
};

static struct arg file_of(struct arg path)
{
	const char *slash = memrchr(path.bytes, '/', path.size);

	if (slash)
		skip(&path, slash + 1 - path.bytes);
	return path;
}

static enum vmm vmm_of(struct arg program)
{
	for (size_t i = 0; i < sizeof(vmms) / sizeof(vmms[0]); i++)
		if (starts_with(program, vmms[i].program))
			return vmms[i].vmm;
	return OTHER;
}

/* If arg is option, alone or with its value behind "=", takes that value. */
static bool take_value(struct arg arg, const char *option, struct arg *rest, struct arg *value)
{
	size_t size = strlen(option);

	if (is_arg(arg, option))
		return next_arg(rest, value);
	if (!starts_with(arg, option) || arg.bytes[size] != '=')
		return false;
	*value = (struct arg) { arg.bytes + size + 1, arg.size - size - 1 };
	return true;
}

/* /run/libvirt/ch/NAME-socket, /run/vc/vm/NAME/clh-api.sock: of what is called like any other, the folder. */
static char *name_in_socket(struct arg path)
{
	static const char *const ends[] = { ".socket", ".sock", "-socket" };
	static const char *const any[] = { "clh-api", "clh", "ch", "api", "cloud-hypervisor", "ch-api", "socket", "" };
	struct arg file;

	if (starts_with(path, "path="))
		skip(&path, strlen("path="));
	else if (starts_with(path, "fd="))
		return NULL;
	file = file_of(path);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (file.size >= strlen(ends[i]) && !memcmp(file.bytes + file.size - strlen(ends[i]), ends[i], strlen(ends[i])))
			file.size -= strlen(ends[i]);
	for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
		if (!is_arg(file, any[i]))
			continue;
		if (file.bytes - path.bytes < 2)
			return NULL;
		path.size = file.bytes - path.bytes - 1;
		file = file_of(path);
		break;
	}
	return file.size ? name_from(file.bytes, file.size) : NULL;
}

/* The value of key= among comma-separated settings. */
static char *value_in_settings(struct arg settings, const char *key)
{
	struct text text;

	while (next_setting(&settings, &text)) {
		struct arg setting = { text.bytes, text.size };

		if (starts_with(setting, key) && setting.size > strlen(key))
			return name_from(text.bytes + strlen(key), text.size - strlen(key));
	}
	return NULL;
}

/* The option that gives the name by itself to each of them. */
static const char *name_option(enum vmm vmm, int i)
{
	static const char *const options[][2] = {
		[FIRECRACKER] = { "--id" }, [KVMTOOL] = { "-n" }, [KATA_SHIM] = { "-id", "--id" }, [OTHER] = { NULL },
		[QEMU] = { NULL }, [CLOUD_HYPERVISOR] = { NULL }, [CROSVM] = { NULL },
	};

	return options[vmm][i];
}

static char *name_by_option(enum vmm vmm, struct arg arg, struct arg *rest)
{
	struct arg value;

	if (is_arg(arg, "-name") ? next_arg(rest, &value) : take_value(arg, "--name", rest, &value))
		return name_in_settings(value);
	if (vmm == CLOUD_HYPERVISOR && take_value(arg, "--api-socket", rest, &value))
		return name_in_socket(value);
	for (int i = 0; i < 2 && name_option(vmm, i); i++)
		if (take_value(arg, name_option(vmm, i), rest, &value) && value.size)
			return name_from(value.bytes, value.size);
	return NULL;
}

static char *uuid_by_option(enum vmm vmm, struct arg arg, struct arg *rest)
{
	struct arg value;

	if (vmm == CLOUD_HYPERVISOR && take_value(arg, "--platform", rest, &value))
		return value_in_settings(value, "uuid=");
	if ((is_arg(arg, "-uuid") || is_arg(arg, "--uuid")) && next_arg(rest, &value) && value.size)
		return name_from(value.bytes, value.size);
	return NULL;
}

/* The first that takes finds among the arguments behind the program's name; NULL: none. */
static char *find_option(enum vmm vmm, struct arg rest, char *(*takes)(enum vmm vmm, struct arg arg, struct arg *rest))
{
	struct arg arg;
	char *name = NULL;

	while (!name && next_arg(&rest, &arg)) {
		struct arg behind = rest;

		name = takes(vmm, arg, &behind);
		if (name)
			return name;
	}
	return NULL;
}

/* What a VMM was named instead of its program; comm is the program's. */
static char *name_instead(enum vmm vmm, struct arg first, struct arg comm)
{
	struct arg file = file_of(first);

	if (vmm == OTHER || !file.size || vmm_of(file) != OTHER || vmm_of(comm) != vmm)
		return NULL;
	return name_from(file.bytes, file.size);
}

/* 01234567-89ab-cdef-0123-456789abcdef: what a command line has in its place may be anything. */
static bool is_uuid(const char *text)
{
	for (size_t i = 0; i < GUEST_UUID_SIZE - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return !text[GUEST_UUID_SIZE - 1];
}

/* text may be NULL. */
static void copy_uuid(char uuid[GUEST_UUID_SIZE], const char *text)
{
	if (!uuid || !text || !is_uuid(text))
		return;
	for (size_t i = 0; i < GUEST_UUID_SIZE; i++)
		uuid[i] = (char)tolower((unsigned char)text[i]);
}

/* NULL: the command line does not say. */
static char *name_in_cmdline(struct arg cmdline, struct arg comm, char uuid[GUEST_UUID_SIZE])
{
	struct arg first;
	enum vmm vmm;
	char *name, *found;

	if (!next_arg(&cmdline, &first))
		return NULL;
	vmm = vmm_of(file_of(first)) ?: vmm_of(comm);
	name = find_option(vmm, cmdline, name_by_option);
	if (!name)
		name = name_instead(vmm, first, comm);
	found = find_option(vmm, cmdline, uuid_by_option);
	copy_uuid(uuid, found);
	if (!name)
		return found;
	free(found);
	return name;
}

char *guest_name_from(const char *cmdline, unsigned long size, const char *comm, char uuid[GUEST_UUID_SIZE])
{
	struct arg program = { comm ?: "", comm ? strcspn(comm, "\n") : 0 };
	char *name;

	if (uuid)
		uuid[0] = '\0';
	name = name_in_cmdline((struct arg) { cmdline, cmdline ? size : 0 }, program, uuid);
	if (name)
		return name;
	return program.size ? name_from(program.bytes, program.size) : strdup("-");
}

/* --- /proc */

static int open_proc(const char *proc, uint32_t pid, const char *file)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%u/%s", proc, pid, file);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* As text of at most size - 1 bytes; empty if it cannot be read. For files that take no lock of the process's memory map. */
static void read_proc(const char *proc, uint32_t pid, const char *file, char *text, size_t size)
{
	int fd = open_proc(proc, pid, file);
	ssize_t got = fd < 0 ? 0 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
}

/* KVM knows the thread that made the VM; a thread's own name would be that of its role. */
static uint32_t process_of(const char *proc, uint32_t thread)
{
	char status[4096], *line;
	uint32_t pid;

	read_proc(proc, thread, "status", status, sizeof(status));
	line = strstr(status, "\nTgid:");
	return line && sscanf(line, "\nTgid: %u", &pid) == 1 ? pid : thread;
}

static char *name_of(const struct cmdline *c, char uuid[GUEST_UUID_SIZE])
{
	return guest_name_from(c->bytes, c->size, c->comm, uuid);
}

/* --- what command lines have said */

#define REMEMBERED 256	/* two with one place take it in turns */

static struct remembered {
	uint32_t vm;
	uint64_t identity;	/* of its process */
	char *name;		/* NULL: nothing */
	char uuid[GUEST_UUID_SIZE];
} remembered[REMEMBERED];
static pthread_mutex_t remembered_lock = PTHREAD_MUTEX_INITIALIZER;

static void remember(uint32_t vm, uint64_t identity, const char *name, const char uuid[GUEST_UUID_SIZE])
{
	struct remembered *r = &remembered[vm % REMEMBERED];
	char *kept = name && identity ? strdup(name) : NULL;

	if (!kept)
		return;
	pthread_mutex_lock(&remembered_lock);
	free(r->name);
	*r = (struct remembered){ .vm = vm, .identity = identity, .name = kept };
	memcpy(r->uuid, uuid, sizeof(r->uuid));
	pthread_mutex_unlock(&remembered_lock);
}

/* NULL: nothing is known of that process, or no memory. */
static char *recall(uint32_t vm, uint64_t identity, char uuid[GUEST_UUID_SIZE])
{
	struct remembered *r = &remembered[vm % REMEMBERED];
	char *name = NULL;

	pthread_mutex_lock(&remembered_lock);
	if (r->name && r->vm == vm && r->identity == identity) {
		name = strdup(r->name);
		memcpy(uuid, r->uuid, sizeof(r->uuid));
	}
	pthread_mutex_unlock(&remembered_lock);
	return name;
}

char *guest_name_in(const char *proc, uint32_t vm, char uuid[GUEST_UUID_SIZE])
{
	uint32_t pid = process_of(proc, vm);
	uint64_t identity = process_identity_in(proc, vm);
	char found[GUEST_UUID_SIZE], *name, *known;
	struct cmdline c;

	read_proc(proc, pid, "comm", c.comm, sizeof(c.comm));
	cmdline_read(vm, open_proc(proc, pid, "cmdline"), &c);
	name = name_of(&c, found);
	if (c.size) {
		remember(vm, identity, name, found);
	} else if ((known = recall(vm, identity, found))) {
		free(name);
		name = known;
	}
	cmdline_clear(&c);
	if (uuid)
		memcpy(uuid, found, sizeof(found));
	return name;
}

char *guest_name(uint32_t pid, char uuid[GUEST_UUID_SIZE])
{
	if (privilege_sees_host_pids())
		return guest_name_in("/proc", pid, uuid);
	if (uuid)
		uuid[0] = '\0';
	return strdup("-");
}

bool guest_name_is_sure(uint32_t pid)
{
	return !cmdline_is_awaited(pid);
}

char *guest_name_late(uint32_t *pid, char uuid[GUEST_UUID_SIZE])
{
	char found[GUEST_UUID_SIZE], *name;
	struct cmdline c;

	if (!cmdline_take_late(pid, &c))
		return NULL;
	name = name_of(&c, found);
	if (c.size)
		remember(*pid, process_identity(*pid), name, found);
	cmdline_clear(&c);
	if (uuid)
		memcpy(uuid, found, sizeof(found));
	return name;
}

void guest_name_tell_late(name_news_t tell, void *ctx)
{
	char uuid[GUEST_UUID_SIZE], *name;
	uint32_t pid;

	while ((name = guest_name_late(&pid, uuid))) {
		tell(ctx, pid, name, uuid);
		free(name);
	}
}
