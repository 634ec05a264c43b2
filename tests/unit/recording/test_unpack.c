/* SPDX-License-Identifier: GPL-2.0-only */
/* What is packed in blocks is what every gzip reads; what is read is what was packed, from any place on, and as far as a file goes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "recording/gzip_blocks.h"
#include "recording/unpack.h"
#include "tests/unit/lib/directory.h"

#define CONTENT (3 * GZIP_BLOCK_CONTENT_MAX + 12345)

static char top[] = "/tmp/sdeitop-unpack-XXXXXX";
static uint8_t content[CONTENT], packed[CONTENT], got[2 * CONTENT];
static size_t packed_size;

static const char *path(const char *name)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/%s", top, name);
	return text;
}

static void put_file(const char *name, const void *bytes, size_t size, bool append)
{
	FILE *file = fopen(path(name), append ? "ab" : "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

static size_t get_file(const char *name, uint8_t *bytes, size_t room)
{
	FILE *file = fopen(path(name), "rb");
	size_t size;

	assert_non_null(file);
	size = fread(bytes, 1, room, file);
	fclose(file);
	return size;
}

/* Some of it repeats itself, some of it does not. */
static int make_content(void **state)
{
	int from, to;

	assert_non_null(mkdtemp(top));
	srand(7);
	for (size_t i = 0; i < CONTENT; i++)
		content[i] = i / 5000 % 2 ? rand() : (int)(i % 91);
	put_file("plain", content, CONTENT, false);
	from = open(path("plain"), O_RDONLY);
	to = open(path("blocks"), O_WRONLY | O_CREAT, 0600);
	assert_int_equal(gzip_blocks_write(to, from), 0);
	close(from);
	close(to);
	packed_size = get_file("blocks", packed, sizeof(packed));
	assert_in_range(packed_size, CONTENT / 3, CONTENT - CONTENT / 3);
	return 0;
}

static int remove_content(void **state)
{
	return remove_tree(top);
}

/* All there is from offset on, in pieces of a size; the error at its end in *error. */
static size_t read_from(const char *name, uint64_t offset, size_t piece, int *error)
{
	struct unpack *u = unpack_open(open(path(name), O_RDONLY));
	size_t size = 0, more;

	assert_non_null(u);
	assert_int_equal(unpack_seek(u, offset), 0);
	while ((more = unpack_read(u, got + size, piece < sizeof(got) - size ? piece : sizeof(got) - size)))
		size += more;
	*error = unpack_error(u);
	unpack_close(u);
	return size;
}

static void assert_reads(const char *name, uint64_t offset, size_t piece)
{
	int error;

	assert_int_equal(read_from(name, offset, piece, &error), offset < CONTENT ? CONTENT - offset : 0);
	assert_int_equal(error, 0);
	if (offset < CONTENT)
		assert_memory_equal(got, content + offset, CONTENT - offset);
}

static void test_any_gzip_reads_blocks(void **state)
{
	gzFile file = gzopen(path("blocks"), "rb");

	assert_int_equal(gzread(file, got, sizeof(got)), CONTENT);
	assert_memory_equal(got, content, CONTENT);
	assert_int_equal(gzclose(file), Z_OK);
}

static void test_blocks(void **state)
{
	static const uint64_t places[] = {
		0, 1, GZIP_BLOCK_CONTENT_MAX - 1, GZIP_BLOCK_CONTENT_MAX, GZIP_BLOCK_CONTENT_MAX + 1, 3 * GZIP_BLOCK_CONTENT_MAX, CONTENT - 1, CONTENT,
	};

	assert_reads("blocks", 0, 777);
	assert_reads("blocks", 0, sizeof(got));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		assert_reads("blocks", places[i], 100000);
		assert_reads("plain", places[i], 100000);
	}
}

/* To and fro in one file. */
static void test_seek(void **state)
{
	struct unpack *u = unpack_open(open(path("blocks"), O_RDONLY));
	uint64_t done = 0;

	assert_int_equal(unpack_plain_size(u), 0);
	for (int i = 0; i < 500; i++) {
		uint64_t offset = rand() % (CONTENT - 100);

		assert_int_equal(unpack_seek(u, offset), 0);
		assert_true(unpack_read(u, got, 100) > 0);
		assert_int_equal(got[0], content[offset]);
		assert_true(unpack_done(u) > 0 && unpack_done(u) <= packed_size);
	}
	assert_int_equal(unpack_seek(u, 0), 0);
	for (size_t size = 0; size < CONTENT; size += unpack_read(u, got, 1000)) {
		assert_true(unpack_done(u) >= done);
		done = unpack_done(u);
	}
	assert_int_equal(unpack_done(u), packed_size);
	unpack_close(u);
}

static void test_plain(void **state)
{
	struct unpack *u = unpack_open(open(path("plain"), O_RDONLY));

	assert_int_equal(unpack_plain_size(u), CONTENT);
	unpack_close(u);
	put_file("empty", "", 0, false);
	u = unpack_open(open(path("empty"), O_RDONLY));
	assert_int_equal(unpack_read(u, got, 1), 0);
	assert_int_equal(unpack_error(u), 0);
	unpack_close(u);
	unpack_close(NULL);
}

/* What another gzip has packed, alone and behind blocks of ours. */
static void test_other_gzip(void **state)
{
	gzFile file = gzopen(path("other"), "wb");
	int error;

	assert_int_equal(gzwrite(file, content, CONTENT), CONTENT);
	gzclose(file);
	assert_reads("other", 0, 5000);
	assert_reads("other", 300000, 5000);
	put_file("both", packed, packed_size, false);
	put_file("both", got, get_file("other", got, sizeof(got)), true);
	assert_int_equal(read_from("both", 0, 4096, &error), 2 * CONTENT);
	assert_int_equal(error, 0);
	assert_memory_equal(got, content, CONTENT);
	assert_memory_equal(got + CONTENT, content, CONTENT);
	assert_int_equal(read_from("both", CONTENT + 1000, 4096, &error), CONTENT - 1000);
	assert_memory_equal(got, content + 1000, CONTENT - 1000);
}

/* What is there is read; where a block ends nothing can be missed. */
static void test_cut(void **state)
{
	size_t size, whole = 0;
	int error;

	for (size_t cut = 2; cut < packed_size; cut += cut < 100 ? 1 : 7919) {
		put_file("cut", packed, cut, false);
		size = read_from("cut", 0, 65536, &error);
		assert_true(size < CONTENT);
		assert_memory_equal(got, content, size);
		assert_true(!error || error == -EPIPE);
		whole += !error;
	}
	assert_in_range(whole, 0, 8);
}

/* Never more than there is, and never as if all were well. */
static void test_damaged(void **state)
{
	size_t size;
	int error;

	for (size_t at = 30; at < packed_size; at += 4999) {
		packed[at] ^= 0x40;
		put_file("damaged", packed, packed_size, false);
		packed[at] ^= 0x40;
		size = read_from("damaged", 0, 65536, &error);
		assert_true(size <= CONTENT);
		assert_true(error == -EBADMSG || error == -EPIPE);
	}
}

/* A member that lies about its size, or that of its content, is read as any gzip reads it. */
static void test_lies(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 33, 5000, GZIP_BLOCK_SIZE_MAX, GZIP_BLOCK_SIZE_MAX + 1, UINT32_MAX };
	uint8_t head[GZIP_BLOCK_HEAD];

	memcpy(head, packed, sizeof(head));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t field = 16; field <= 20; field += 4) {
			memcpy(packed + field, &sizes[i], 4);
			put_file("lies", packed, packed_size, false);
			memcpy(packed, head, sizeof(head));
			assert_reads("lies", 0, 65536);
		}
}

static void test_no_room(void **state)
{
	int full = open("/dev/full", O_WRONLY), from = open(path("plain"), O_RDONLY);

	assert_int_equal(gzip_blocks_write(full, from), -ENOSPC);
	assert_int_equal(gzip_blocks_write(full, full), -EBADF);
	close(full);
	close(from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_gzip_reads_blocks),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_seek),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_other_gzip),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, make_content, remove_content);
}
