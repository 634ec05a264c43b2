// SPDX-License-Identifier: GPL-2.0-only
#include "source/map_slice.h"

#include <errno.h>
#include <stdlib.h>
#include <bpf/bpf.h>

#include "util/array.h"

static int resize(struct map_slice *s, __u32 room)
{
	if (array_resize(&s->keys, room, s->key_size) || array_resize(&s->values, room, s->value_size))
		return -ENOMEM;
	s->room = room;
	return 0;
}

int map_slice_init(struct map_slice *s, size_t key_size, size_t value_size, __u32 room)
{
	*s = (struct map_slice) { .key_size = key_size, .value_size = value_size };
	return resize(s, room);
}

void map_slice_free(struct map_slice *s)
{
	free(s->keys);
	free(s->values);
	*s = (struct map_slice) {};
}

static int look(struct map_slice *s, int fd, bool take, __u32 *next)
{
	int (*const read)(int, void *, void *, void *, void *, __u32 *, const struct bpf_map_batch_opts *) =
		take ? bpf_map_lookup_and_delete_batch : bpf_map_lookup_batch;

	s->count = s->room;
	return read(fd, s->halfway ? &s->at : NULL, next, s->keys, s->values, &s->count, NULL);
}

int map_slice_next(struct map_slice *s, int fd, bool take)
{
	__u32 next = 0;
	int err = look(s, fd, take, &next);

	while (err == -ENOSPC && !(err = resize(s, 2 * s->room)))
		err = look(s, fd, take, &next);
	s->halfway = !err;
	if (err == -ENOENT)
		return 0;
	if (err)
		s->count = 0;
	else
		s->at = next;
	return err;
}
