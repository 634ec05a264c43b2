/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An allocator that fails when a test wants it to, for one program each. It replaces that of the C library, which
 * sanitizers forbid: to be included where they are not in use.
 */
#ifndef TESTS_FAILING_MALLOC_H
#define TESTS_FAILING_MALLOC_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * While armed: after so many allocations that succeed, so many that fail (failed: one has), and how many bytes are
 * asked for. live: allocations not freed yet, armed or not.
 */
static struct {
	bool armed, failed;
	long after, count, live;
	size_t asked;
} failing;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static bool allocation_fails(void)
{
	if (!failing.armed || --failing.after >= 0 || failing.count-- <= 0)
		return false;
	failing.failed = true;
	errno = ENOMEM;
	return true;
}

static void *counted(void *memory, size_t size)
{
	failing.live += !!memory;
	failing.asked += failing.armed ? size : 0;
	return memory;
}

void *malloc(size_t size)
{
	return allocation_fails() ? NULL : counted(__libc_malloc(size), size);
}

void *calloc(size_t count, size_t size)
{
	return allocation_fails() ? NULL : counted(__libc_calloc(count, size), count * size);
}

void *realloc(void *memory, size_t size)
{
	if (allocation_fails())
		return NULL;
	failing.live -= !!memory;
	return counted(__libc_realloc(memory, size), size);
}

void *reallocarray(void *memory, size_t count, size_t size)
{
	return realloc(memory, count * size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return allocation_fails() ? NULL : counted(__libc_memalign(alignment, size), size);
}

void free(void *memory)
{
	failing.live -= !!memory;
	__libc_free(memory);
}

#endif
