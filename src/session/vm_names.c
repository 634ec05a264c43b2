/* SPDX-License-Identifier: GPL-2.0-only */
#include "session/vm_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

#define STALE_NS 1000000000ULL
#define CACHE_SLOTS 256

static const struct vm_name nameless = { .raw = "-", .shown = "-", .width = 1 };

static void name_clear(struct vm_name *name)
{
	free(name->raw);
	free(name->shown);
	memset(name, 0, sizeof(*name));
}

void name_free(void *user)
{
	if (user)
		name_clear(user);
	free(user);
}

static bool is_known(const char *name)
{
	return *name && strcmp(name, nameless.raw);
}

struct model_guest name_guest(const void *name)
{
	const struct vm_name *n = name;

	return (struct model_guest){ .name = is_known(n->raw) ? n->raw : NULL, .uuid = *n->uuid ? n->uuid : NULL };
}

/* Takes raw over, which may be NULL for want of memory. */
static bool name_set(struct vm_name *name, char *raw, bool utf8)
{
	name->raw = raw;
	name->shown = name->raw ? escape_terminal(name->raw, utf8) : NULL;
	if (!name->shown) {
		name_clear(name);
		return false;
	}
	name->width = text_width(name->shown);
	return true;
}

static struct vm_name *name_new(char *raw, const char *uuid, bool utf8)
{
	struct vm_name *name = calloc(1, sizeof(*name));

	if (!name)
		free(raw);
	if (name && !name_set(name, raw, utf8)) {
		free(name);
		name = NULL;
	}
	if (name)
		snprintf(name->uuid, sizeof(name->uuid), "%s", uuid);
	return name;
}

const char *name_text(const void *name)
{
	return ((const struct vm_name *)name)->raw;
}

const char *name_uuid(const void *name)
{
	return ((const struct vm_name *)name)->uuid;
}

void *name_from_text(void *utf8, const char *text, const char *uuid)
{
	return name_new(strdup(text), uuid, *(const bool *)utf8);
}

void names_adopt(struct model *m, vm_lookup_t lookup, void *ctx, bool utf8)
{
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);

	/* In order of first sight: those without a name are the last ones. */
	while (count > 0 && !vms[count - 1]->user) {
		struct model_vm *vm = vms[--count];
		char uuid[GUEST_UUID_SIZE] = "";
		char *raw = lookup(ctx, vm->pid, uuid);

		vm->user = name_new(raw, uuid, utf8);
	}
}

void names_rename(struct model *m, uint32_t pid, const char *name, const char *uuid, bool utf8)
{
	struct model_vm *vm = model_vm(m, pid);
	struct vm_name *old = vm ? vm->user : NULL, *now;

	if (!old || vm->gone || (strcmp(old->raw, name) == 0 && strcmp(old->uuid, uuid) == 0))
		return;
	now = name_new(strdup(name), uuid, utf8);
	if (!now)
		return;
	name_free(old);
	vm->user = now;
}

const struct vm_name *name_of(const struct model_vm *vm)
{
	return vm->user ? vm->user : &nameless;
}

/* Two pids that share a slot take it in turns, which costs time and nothing else. */
struct name_cache {
	name_lookup_t lookup;
	void *ctx;
	bool utf8;
	struct slot {
		uint32_t pid;
		uint64_t time_ns;
		struct vm_name name;
	} slots[CACHE_SLOTS];
};

struct name_cache *name_cache_new(name_lookup_t lookup, void *ctx, bool utf8)
{
	struct name_cache *cache = calloc(1, sizeof(*cache));

	if (cache) {
		cache->lookup = lookup;
		cache->ctx = ctx;
		cache->utf8 = utf8;
	}
	return cache;
}

void name_cache_free(struct name_cache *cache)
{
	for (size_t i = 0; cache && i < CACHE_SLOTS; i++)
		name_clear(&cache->slots[i].name);
	free(cache);
}

const struct vm_name *name_cache_get(struct name_cache *cache, uint32_t pid, uint64_t time_ns, bool fresh)
{
	struct slot *slot = &cache->slots[pid % CACHE_SLOTS];
	bool stale = fresh && time_ns > slot->time_ns + STALE_NS;

	if (slot->name.raw && slot->pid == pid && !stale)
		return &slot->name;
	name_clear(&slot->name);
	slot->pid = pid;
	slot->time_ns = time_ns;
	if (!name_set(&slot->name, cache->lookup(cache->ctx, pid), cache->utf8))
		return &nameless;
	return &slot->name;
}

void name_cache_rename(void *names, uint32_t pid, const char *name, const char *uuid)
{
	struct name_cache *cache = names;
	struct slot *slot = &cache->slots[pid % CACHE_SLOTS];

	if (slot->pid != pid || !slot->name.raw || strcmp(slot->name.raw, name) == 0)
		return;
	name_clear(&slot->name);
	name_set(&slot->name, strdup(name), cache->utf8);
}
