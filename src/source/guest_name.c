// SPDX-License-Identifier: GPL-2.0-only
#include "source/guest_name.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 255
/* QEMU's command line can be longer, but its name comes early. */
#define CMDLINE_MAX_BYTES (64 << 10)

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

static bool is_firecracker(struct arg program)
{
	const char *slash = memrchr(program.bytes, '/', program.size);

	if (slash)
		skip(&program, slash + 1 - program.bytes);
	return starts_with(program, "firecracker");
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

/* NULL: the command line does not say. */
static char *name_in_cmdline(struct arg cmdline)
{
	struct arg arg, value;
	bool firecracker;
	char *name;

	if (!next_arg(&cmdline, &arg))
		return NULL;
	firecracker = is_firecracker(arg);
	while (next_arg(&cmdline, &arg)) {
		name = NULL;
		if (is_arg(arg, "-name") ? next_arg(&cmdline, &value) : take_value(arg, "--name", &cmdline, &value))
			name = name_in_settings(value);
		else if (firecracker && take_value(arg, "--id", &cmdline, &value) && value.size)
			name = name_from(value.bytes, value.size);
		if (name)
			return name;
	}
	return NULL;
}

char *guest_name_from(const char *cmdline, unsigned long size, const char *comm)
{
	char *name = name_in_cmdline((struct arg) { cmdline, size });
	size_t length = comm ? strcspn(comm, "\n") : 0;

	if (name)
		return name;
	return length ? name_from(comm, length) : strdup("-");
}

/* At most size bytes of /proc/PID/FILE; their number, 0 if it cannot be read. */
static size_t read_proc(uint32_t pid, const char *file, char *bytes, size_t size)
{
	char path[48];
	FILE *stream;
	size_t got;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, file);
	stream = fopen(path, "re");
	if (!stream)
		return 0;
	got = fread(bytes, 1, size, stream);
	fclose(stream);
	return got;
}

/* KVM knows the thread that made the VM; a thread's own name would be that of its role. */
static uint32_t process_of(uint32_t thread)
{
	char status[4096], *line;
	uint32_t pid;

	status[read_proc(thread, "status", status, sizeof(status) - 1)] = '\0';
	line = strstr(status, "\nTgid:");
	return line && sscanf(line, "\nTgid: %u", &pid) == 1 ? pid : thread;
}

char *guest_name(uint32_t pid)
{
	char *cmdline = malloc(CMDLINE_MAX_BYTES), comm[64], *name;
	size_t size;

	if (!cmdline)
		return NULL;
	pid = process_of(pid);
	size = read_proc(pid, "cmdline", cmdline, CMDLINE_MAX_BYTES);
	comm[read_proc(pid, "comm", comm, sizeof(comm) - 1)] = '\0';
	name = guest_name_from(cmdline, size, comm);
	free(cmdline);
	return name;
}
