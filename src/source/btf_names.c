// SPDX-License-Identifier: GPL-2.0-only
#include "source/btf_names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/btf.h>

struct btf_names {
	const struct btf *btf;
	size_t size;		/* of the open-addressed table, a power of two, never more than half full */
	__u32 ids[];		/* 0: free */
};

/* FNV-1a */
static size_t hash(const char *name)
{
	__u64 h = 0xcbf29ce484222325u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3u;
	return h ^ h >> 32;
}

static bool is_kept(const struct btf_type *type)
{
	return btf_is_func(type) || btf_is_struct(type) || btf_is_typedef(type);
}

static const char *name_of(const struct btf_names *n, const struct btf_type *type)
{
	return btf__name_by_offset(n->btf, type->name_off) ?: "";
}

static void add(struct btf_names *n, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(n->btf, id);
	size_t i;

	if (!is_kept(type))
		return;
	for (i = hash(name_of(n, type)) & (n->size - 1); n->ids[i]; i = (i + 1) & (n->size - 1))
		;
	n->ids[i] = id;
}

struct btf_names *btf_names_new(const struct btf *btf)
{
	__u32 count = btf__type_cnt(btf);
	struct btf_names *n;
	size_t size = 16;

	while (size < 2 * (size_t)count)
		size *= 2;
	n = calloc(1, sizeof(*n) + size * sizeof(n->ids[0]));
	if (!n)
		return NULL;
	n->btf = btf;
	n->size = size;
	for (__u32 id = 1; id < count; id++)
		add(n, id);
	return n;
}

void btf_names_free(struct btf_names *n)
{
	free(n);
}

int btf_names_find(const struct btf_names *n, const char *name, unsigned int kind)
{
	for (size_t i = hash(name) & (n->size - 1); n->ids[i]; i = (i + 1) & (n->size - 1)) {
		const struct btf_type *type = btf__type_by_id(n->btf, n->ids[i]);

		if (btf_kind(type) == kind && strcmp(name_of(n, type), name) == 0)
			return n->ids[i];
	}
	return -ENOENT;
}
