/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What VMs are called. A VM is named once, when it is first seen, because
 * /proc/PID is gone with it; the name lives in model_vm.user.
 */
#ifndef SESSION_VM_NAMES_H
#define SESSION_VM_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"
#include "source/guest_name.h"

struct vm_name {
	char *raw;		/* as found: only for JSON and matching */
	char *shown;		/* escaped for terminal and text */
	unsigned int width;	/* columns of shown */
	char uuid[GUEST_UUID_SIZE];	/* "": not known; only what this host's kernel is asked about can have one */
};

/* What a VM is called: a new string, NULL: no memory. */
typedef char *(*name_lookup_t)(void *ctx, uint32_t pid);

/* The same, and its UUID, if that is known: uuid is "" before. */
typedef char *(*vm_lookup_t)(void *ctx, uint32_t pid, char uuid[GUEST_UUID_SIZE]);

/* Names the VMs that are new in the model; to be called after each feeding. utf8: as escape_terminal(). */
void names_adopt(struct model *m, vm_lookup_t lookup, void *ctx, bool utf8);

/* A name that came late: the VM, if it lives, is called that from now on. */
void names_rename(struct model *m, uint32_t vm, const char *name, const char *uuid, bool utf8);

/* Never NULL; "-" for a VM without a name. */
const struct vm_name *name_of(const struct model_vm *vm);

/* For model_options.free_user. */
void name_free(void *name);

/* For model_options.guest. */
struct model_guest name_guest(const void *name);

/* For image_names: the raw text of a name, its UUID, and a name of such texts (utf8: a bool). NULL: no memory. */
const char *name_text(const void *name);
const char *name_uuid(const void *name);
void *name_from_text(void *utf8, const char *text, const char *uuid);

/* The same for views that have no model: a cache by pid. */
struct name_cache;
struct name_cache *name_cache_new(name_lookup_t lookup, void *ctx, bool utf8);	/* NULL: no memory */
void name_cache_free(struct name_cache *cache);

/* The name of pid has come late: if the cache has it, it is that from now on. A name_news_t whose ctx is the cache. */
void name_cache_rename(void *cache, uint32_t pid, const char *name, const char *uuid);

/* The name of pid; asked anew if fresh (a VM was just created) and the last answer is older than a second. */
const struct vm_name *name_cache_get(struct name_cache *cache, uint32_t pid, uint64_t time_ns, bool fresh);

#endif
