// SPDX-License-Identifier: GPL-2.0-only
#include "recording/flight_quota.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "recording/files.h"

#define GUEST_MAX 32
#define NUMBER_DIGITS 6		/* at least */

struct item {
	uint64_t number;
	char *name;		/* in the directory */
	const char *guest;	/* in name */
};

struct flight_quota {
	unsigned int keep, keep_of_guest;
	uint64_t next;		/* number */
	struct item *items;	/* those that count, oldest first */
	size_t count;
	char directory[];
};

/* --- names */

/* "20261121T081500Z-000042-pending-stuck@web1": behind the number's "-", or NULL: none of ours. */
static const char *parse(const char *name, uint64_t *number)
{
	static const char form[] = "ddddddddTddddddZ-";
	char *end;

	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)name[i]) : name[i] != form[i])
			return NULL;
	name += strlen(form);
	if (strspn(name, "0123456789") < NUMBER_DIGITS)
		return NULL;
	errno = 0;
	*number = strtoull(name, &end, 10);
	return *end == '-' && !errno && *number < UINT64_MAX ? end + 1 : NULL;
}

/* 0, or as snprintf(): how long it is. */
static int write_guest(const char *guest, char *text, size_t size)
{
	size_t length = 0;

	if (!guest)
		return 0;
	for (text[length++] = '@'; *guest && length <= GUEST_MAX && length + 1 < size; guest++)
		text[length++] = isalnum((unsigned char)*guest) || strchr("._+-", *guest) ? *guest : '_';
	text[length] = '\0';
	return length;
}

int flight_quota_name(struct flight_quota *q, int64_t wall_ns, const char *reason, const char *guest, char *name, size_t size)
{
	time_t seconds = wall_ns / 1000000000;
	char when[32] = "", whose[GUEST_MAX + 2] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	write_guest(guest, whose, sizeof(whose));
	if (snprintf(name, size, "%s/%s-%0*llu-%s%s", q->directory, when, NUMBER_DIGITS, (unsigned long long)q->next, reason,
		     whose) >= (int)size)
		return -ENAMETOOLONG;
	q->next++;
	return 0;
}

/* --- those that are there */

static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->number != y->number ? (x->number > y->number) - (x->number < y->number) : strcmp(x->name, y->name);
}

/* What there is no memory for stays for ever, which harms less than losing it. */
static void add(struct flight_quota *q, const char *name)
{
	struct item item = { .name = strdup(name) }, *items;

	if (!item.name || !parse(item.name, &item.number)) {
		free(item.name);
		return;
	}
	item.guest = strrchr(item.name, '@');
	items = item.guest ? reallocarray(q->items, q->count + 1, sizeof(*items)) : NULL;
	if (!items) {
		free(item.name);
		return;
	}
	q->items = items;
	q->items[q->count++] = item;
}

/* What is left of one that was removed, because somebody put something into it, is a recording no more. */
static bool is_recording(int directory, const char *name)
{
	char file[512];

	return snprintf(file, sizeof(file), "%s/" FILES_METADATA, name) < (int)sizeof(file) && faccessat(directory, file, F_OK, 0) == 0;
}

static void find_earlier(struct flight_quota *q)
{
	DIR *entries = opendir(q->directory);
	const struct dirent *entry;
	uint64_t number;

	while (entries && (entry = readdir(entries))) {
		if (!parse(entry->d_name, &number))
			continue;
		if (number >= q->next)
			q->next = number + 1;
		if (is_recording(dirfd(entries), entry->d_name))
			add(q, entry->d_name);
	}
	if (entries)
		closedir(entries);
	if (q->count)
		qsort(q->items, q->count, sizeof(*q->items), compare);
}

struct flight_quota *flight_quota_new(const char *directory, unsigned int keep, unsigned int keep_of_guest)
{
	size_t size = strlen(directory) + 1;
	struct flight_quota *q = calloc(1, sizeof(*q) + size);

	if (!q)
		return NULL;
	memcpy(q->directory, directory, size);
	q->keep = keep;
	q->keep_of_guest = keep_of_guest;
	q->next = 1;
	find_earlier(q);
	return q;
}

void flight_quota_free(struct flight_quota *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->count; i++)
		free(q->items[i].name);
	free(q->items);
	free(q);
}

/* --- what goes */

/* Only what a writer makes is taken away: whatever else somebody put there keeps its directory. */
void flight_quota_give_back(const char *name)
{
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char file[FILES_NAME_MAX];

	if (fd < 0)
		return;
	files_name(file, 0, false);
	unlinkat(fd, file, 0);
	unlinkat(fd, FILES_METADATA, 0);
	close(fd);
	rmdir(name);
}

static void remove_item(struct flight_quota *q, size_t i)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", q->directory, q->items[i].name) < (int)sizeof(path))
		flight_quota_give_back(path);
	free(q->items[i].name);
	memmove(q->items + i, q->items + i + 1, (--q->count - i) * sizeof(*q->items));
}

static unsigned int count_of(const struct flight_quota *q, const char *guest)
{
	unsigned int count = 0;

	for (size_t i = 0; i < q->count; i++)
		count += strcmp(q->items[i].guest, guest) == 0;
	return count;
}

static size_t oldest_of(const struct flight_quota *q, const char *guest)
{
	size_t i = 0;

	while (strcmp(q->items[i].guest, guest) != 0)
		i++;
	return i;
}

/* The oldest of those guests that have most. */
static size_t oldest_of_most(const struct flight_quota *q)
{
	unsigned int most = 0, count;
	size_t found = 0;

	for (size_t i = 0; i < q->count; i++) {
		count = count_of(q, q->items[i].guest);
		if (count <= most)
			continue;
		most = count;
		found = i;
	}
	return found;
}

unsigned int flight_quota_add(struct flight_quota *q, const char *name)
{
	const char *slash = strrchr(name, '/');
	size_t before = q->count;
	unsigned int removed = 0;

	add(q, slash ? slash + 1 : name);
	if (q->count == before)
		return 0;
	for (; q->keep_of_guest && count_of(q, q->items[q->count - 1].guest) > q->keep_of_guest; removed++)
		remove_item(q, oldest_of(q, q->items[q->count - 1].guest));
	for (; q->keep && q->count > q->keep; removed++)
		remove_item(q, oldest_of_most(q));
	return removed;
}
