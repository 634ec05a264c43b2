// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets on disk: what is told as kept is there, what fails leaves nothing behind; files follow each other, go, and are compressed
 * while writing goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "tests/unit/lib/directory.h"
#include "recording/files.h"
#include "recording/writer.h"

#define PACKET_SIZE 5003U

static char top[64], directory[80];
static struct packet packet;

/* --- what the system may refuse */

static int ftruncate_errno, fsync_errno;
static int synced;

int ftruncate(int fd, off_t length)
{
	errno = ftruncate_errno;
	return ftruncate_errno ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}

int fsync(int fd)
{
	__atomic_add_fetch(&synced, 1, __ATOMIC_RELAXED);
	errno = fsync_errno;
	return fsync_errno ? -1 : 0;
}

static _Atomic bool hold_fstat, held_fstat;

/* On a network's file system what is open may be gone: as told, once this is let go of. */
int fstat(int fd, struct stat *st)
{
	if (!hold_fstat)
		return (int)syscall(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH);
	held_fstat = true;
	while (hold_fstat)
		sched_yield();
	errno = ENOENT;
	return -1;
}

/* --- places */

static int new_directory(void **state)
{
	strcpy(top, "/tmp/sdeitop-store-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(directory, sizeof(directory), "%s/recording", top);
	return 0;
}

static int old_directory(void **state)
{
	ftruncate_errno = fsync_errno = 0;
	limit_files(RLIM_INFINITY);
	return remove_tree(top);
}

static const char *path(const char *name)
{
	static char text[400];

	snprintf(text, sizeof(text), "%s/%s", directory, name);
	return text;
}

static off_t size_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(path(name), &st), 0);
	return st.st_size;
}

static struct writer *start(uint64_t file_size, unsigned int keep, bool compress)
{
	const struct writer_options options = {
		.directory = directory, .file_size = file_size, .keep = keep, .compress = compress,
	};
	const struct recording_about about = { .major = 1, .host = "h" };
	struct error error;
	struct writer *s = writer_open(&options, &about, &error);

	assert_non_null(s);
	return s;
}

static struct writer_counters counters_of(const struct writer *s)
{
	struct writer_counters c;

	writer_counters(s, &c);
	return c;
}

/* The store does not look into packets: one of number's letters. */
static int take(struct writer *s, unsigned int number)
{
	memset(packet.bytes, 'a' + number % 26, PACKET_SIZE);
	packet.size = PACKET_SIZE;
	return writer_take(s, &packet);
}

/* The file, compressed or not, is count packets from first on. */
static void check_content(const char *name, unsigned int first, unsigned int count)
{
	static char bytes[PACKET_SIZE];
	gzFile file = gzopen(path(name), "rb");

	assert_non_null(file);
	for (unsigned int i = first; i < first + count; i++) {
		assert_int_equal(gzread(file, bytes, PACKET_SIZE), PACKET_SIZE);
		assert_int_equal(bytes[0], 'a' + i % 26);
		assert_int_equal(bytes[PACKET_SIZE - 1], 'a' + i % 26);
	}
	assert_int_equal(gzread(file, bytes, 1), 0);
	gzclose(file);
}

/* --- making it */

static void check_refused(const char *where, int want)
{
	const struct writer_options options = { .directory = where };
	const struct recording_about about = { .major = 1 };
	struct error error;

	assert_null(writer_open(&options, &about, &error));
	assert_int_equal(error.code, want);
	assert_non_null(strstr(error.text, where));
}

static void test_places(void **state)
{
	char missing[128];

	snprintf(missing, sizeof(missing), "%s/none/recording", top);
	check_refused(missing, -ENOENT);
	assert_int_equal(mkdir(directory, 0755), 0);
	writer_close(start(0, 0, false));	/* an empty one will do */
	check_names(directory, "metadata sdei-000000 ");
	check_refused(directory, -ENOTEMPTY);
	check_names(directory, "metadata sdei-000000 ");
	check_refused(path("metadata"), -ENOTDIR);
}

static void test_half_made(void **state)
{
	limit_files(100);
	check_refused(directory, -EFBIG);
	limit_files(RLIM_INFINITY);
	fsync_errno = EIO;
	check_refused(directory, -ENOTEMPTY);
	assert_int_equal(unlink(path("metadata")), 0);
	check_refused(directory, -EIO);
	assert_int_equal(writer_close(NULL), 0);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	return st.st_mode & 07777;
}

/* Nobody else's business, compressed or not, whatever the umask lets through. */
static void test_modes(void **state)
{
	mode_t old = umask(0);
	struct writer *s = start(0, 0, true);

	assert_int_equal(take(s, 0), 0);
	assert_int_equal(writer_next_file(s), 0);
	assert_int_equal(writer_close(s), 0);
	umask(old);
	assert_int_equal(mode_of(directory), 0700);
	assert_int_equal(mode_of(path("metadata")), 0600);
	assert_int_equal(mode_of(path("sdei-000000.gz")), 0600);
	assert_int_equal(mode_of(path("sdei-000001.gz")), 0600);
}

/* --- files */

static void test_rotation(void **state)
{
	struct writer *s = start(2 * PACKET_SIZE, 0, false);
	struct writer_counters c;

	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(writer_is_file_full(s), i && i % 2 == 0);
		if (writer_is_file_full(s))
			assert_int_equal(writer_next_file(s), 0);
		assert_int_equal(take(s, i), 0);
	}
	c = counters_of(s);
	assert_int_equal(c.files, 3);
	assert_int_equal(c.removed, 0);
	assert_int_equal(c.bytes, 5 * PACKET_SIZE);
	assert_int_equal(c.failed_writes, 0);
	assert_int_equal(writer_close(s), 0);
	check_names(directory, "metadata sdei-000000 sdei-000001 sdei-000002 ");
	check_content("sdei-000000", 0, 2);
	check_content("sdei-000001", 2, 2);
	check_content("sdei-000002", 4, 1);
}

static void test_one_file(void **state)
{
	struct writer *s = start(0, 0, false);

	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(take(s, i), 0);
		assert_false(writer_is_file_full(s));
	}
	assert_int_equal(writer_close(s), 0);
	check_content("sdei-000000", 0, 100);
}

static void test_keep(void **state)
{
	struct writer *s = start(PACKET_SIZE, 3, false);
	struct writer_counters c;

	for (unsigned int i = 0; i < 10; i++) {
		assert_int_equal(i ? writer_next_file(s) : 0, 0);
		assert_int_equal(take(s, i), 0);
		c = counters_of(s);
		assert_int_equal(c.files, i < 3 ? i + 1 : 3);
		assert_int_equal(c.removed, i < 3 ? 0 : i - 2);
		assert_int_equal(c.bytes, c.files * PACKET_SIZE);
	}
	assert_int_equal(writer_close(s), 0);
	check_names(directory, "metadata sdei-000007 sdei-000008 sdei-000009 ");
	check_content("sdei-000007", 7, 1);
}

/* --- compression */

static void test_compress(void **state)
{
	struct writer *s = start(0, 0, true);

	for (unsigned int i = 0; i < 20; i++) {
		if (i && i % 4 == 0)
			assert_int_equal(writer_next_file(s), 0);
		assert_int_equal(take(s, i), 0);
	}
	assert_int_equal(writer_close(s), 0);
	check_names(directory, "metadata sdei-000000.gz sdei-000001.gz sdei-000002.gz sdei-000003.gz sdei-000004.gz ");
	assert_true(size_of("sdei-000000.gz") < PACKET_SIZE);
	for (unsigned int i = 0; i < 5; i++) {
		char name[32];

		snprintf(name, sizeof(name), "sdei-%06u.gz", i);
		check_content(name, 4 * i, 4);
	}
}

/* The counter follows when a file shrinks. */
static void test_compressed_bytes(void **state)
{
	struct writer *s = start(0, 0, true);
	struct writer_counters c;

	assert_int_equal(take(s, 0), 0);
	assert_int_equal(writer_next_file(s), 0);
	assert_int_equal(take(s, 1), 0);
	do
		c = counters_of(s);
	while (c.bytes == 2 * PACKET_SIZE);
	assert_int_equal(access(path("sdei-000000"), F_OK), -1);
	assert_int_equal(c.bytes, size_of("sdei-000000.gz") + PACKET_SIZE);
	assert_int_equal(writer_close(s), 0);
}

/* Files go while the thread is at them: nothing stays behind, nothing is counted that is not there. */
static void test_keep_while_compressing(void **state)
{
	struct writer *s = start(0, 1, true);

	for (unsigned int i = 0; i < 3000; i++) {
		assert_int_equal(i ? writer_next_file(s) : 0, 0);
		assert_int_equal(take(s, i), 0);
		assert_int_equal(counters_of(s).bytes, PACKET_SIZE);
	}
	assert_int_equal(writer_close(s), 0);
	check_names(directory, "metadata sdei-002999.gz ");
	check_content("sdei-002999.gz", 2999, 1);
}

/* Its thread is about to compress the first file, and held while it looks at it. */
static struct writer *start_and_hold(void)
{
	struct writer *s = start(0, 2, true);

	held_fstat = false;
	hold_fstat = true;
	assert_int_equal(take(s, 0), 0);
	assert_int_equal(writer_next_file(s), 0);
	while (!held_fstat)
		sched_yield();
	return s;
}

static void test_gone_while_opening(void **state)
{
	struct writer *s = start_and_hold();

	assert_int_equal(take(s, 1), 0);
	assert_int_equal(writer_next_file(s), 0);
	assert_int_equal(take(s, 2), 0);
	assert_int_equal(writer_next_file(s), 0);
	hold_fstat = false;
	assert_int_equal(take(s, 3), 0);
	assert_int_equal(writer_close(s), 0);
	check_names(directory, "metadata sdei-000002.gz sdei-000003.gz ");
}

/* One that is there, and cannot be looked at: that is told. */
static void test_no_look_while_opening(void **state)
{
	struct writer *s = start_and_hold();

	hold_fstat = false;
	assert_int_equal(writer_close(s), -ENOENT);
	check_names(directory, "metadata sdei-000000 sdei-000001.gz ");
}

/* What cannot be compressed stays as it is, and is told at the end. */
static void test_no_room_to_compress(void **state)
{
	struct writer *s = start(0, 0, true);
	unsigned int seed = 3;

	packet.size = 60000;
	for (size_t i = 0; i < packet.size; i++)
		packet.bytes[i] = rand_r(&seed) >> 8;
	assert_int_equal(writer_take(s, &packet), 0);
	limit_files(30000);
	assert_int_equal(writer_close(s), -EFBIG);
	limit_files(RLIM_INFINITY);
	check_names(directory, "metadata sdei-000000 ");
	assert_int_equal(size_of("sdei-000000"), 60000);
}

static void test_directory_in_the_way(void **state)
{
	struct writer *s = start(0, 0, true);

	assert_int_equal(take(s, 0), 0);
	assert_int_equal(mkdir(path(".compressing"), 0700), 0);
	assert_int_equal(writer_close(s), -EEXIST);
	check_names(directory, ".compressing metadata sdei-000000 ");
	check_content("sdei-000000", 0, 1);
}

/* --- what fails */

/* Half a packet is taken back, and the next one stands where it stood. */
static void test_full_disk(void **state)
{
	struct writer *s = start(0, 0, false);
	struct writer_counters c;

	assert_int_equal(take(s, 0), 0);
	limit_files(PACKET_SIZE + 1000);
	assert_int_equal(take(s, 1), -EFBIG);
	assert_int_equal(take(s, 2), -EFBIG);
	assert_int_equal(size_of("sdei-000000"), PACKET_SIZE);
	c = counters_of(s);
	assert_int_equal(c.failed_writes, 2);
	assert_int_equal(c.last_error, EFBIG);
	assert_int_equal(c.bytes, PACKET_SIZE);
	limit_files(RLIM_INFINITY);
	assert_int_equal(take(s, 1), 0);
	c = counters_of(s);
	assert_int_equal(c.failed_writes, 2);
	assert_int_equal(c.last_error, 0);
	assert_int_equal(writer_close(s), 0);
	check_content("sdei-000000", 0, 2);
}

/* If it cannot be taken back, nothing more goes behind it; the next file is as good as any. */
static void test_blocked(void **state)
{
	struct writer *s = start(100 * PACKET_SIZE, 0, false);

	assert_int_equal(take(s, 0), 0);
	limit_files(PACKET_SIZE + 1000);
	ftruncate_errno = EIO;
	assert_int_equal(take(s, 1), -EFBIG);
	limit_files(RLIM_INFINITY);
	ftruncate_errno = 0;
	assert_int_equal(take(s, 1), -EIO);
	assert_int_equal(size_of("sdei-000000"), PACKET_SIZE + 1000);
	assert_true(writer_is_file_full(s));
	assert_int_equal(writer_next_file(s), 0);
	assert_false(writer_is_file_full(s));
	assert_int_equal(take(s, 1), 0);
	assert_int_equal(writer_close(s), 0);
	check_content("sdei-000001", 1, 1);
}

/* The old file goes on as long as there is no next one. */
static void test_no_next_file(void **state)
{
	struct writer *s = start(PACKET_SIZE, 1, false);

	assert_int_equal(take(s, 0), 0);
	assert_int_equal(mkdir(path("sdei-000001"), 0700), 0);
	assert_int_equal(writer_next_file(s), -EEXIST);
	assert_true(writer_is_file_full(s));
	assert_int_equal(counters_of(s).failed_writes, 1);
	assert_int_equal(take(s, 1), 0);
	assert_int_equal(rmdir(path("sdei-000001")), 0);
	assert_int_equal(writer_next_file(s), 0);
	assert_int_equal(take(s, 2), 0);
	assert_int_equal(writer_close(s), 0);
	check_names(directory, "metadata sdei-000001 ");
	check_content("sdei-000001", 2, 1);
}

static unsigned int open_files(void)
{
	return count_names("/proc/self/fd");
}

/* A file that the disk did not take is told at the end, if not before; its descriptor does not stay. */
static void test_sync_fails(void **state)
{
	unsigned int before = open_files();
	struct writer *s = start(0, 0, false);

	assert_int_equal(take(s, 0), 0);
	fsync_errno = EIO;
	assert_int_equal(writer_next_file(s), 0);
	assert_int_equal(writer_next_file(s), 0);
	fsync_errno = 0;
	assert_int_equal(take(s, 1), 0);
	assert_int_equal(writer_close(s), -EIO);
	assert_int_equal(open_files(), before);
	check_content("sdei-000002", 1, 1);
}

/* Metadata, each file that is closed, each compressed one, and the directory. */
static void test_synced(void **state)
{
	struct writer *s;

	synced = 0;
	s = start(0, 0, true);
	assert_int_equal(synced, 1);
	assert_int_equal(take(s, 0), 0);
	assert_int_equal(writer_next_file(s), 0);
	assert_int_equal(writer_close(s), 0);
	assert_int_equal(synced, 1 + 2 + 2 + 1);
}

/* --- names of files, and what is there */

static void test_names(void **state)
{
	static const char *const others[] = {
		"", "sdei-", "sdei-1", "sdei-00001", "sdei-0000001", "sdei-000001.g", "sdei-000001.gz.gz", "sdei-000001 ", "xdei-000001",
		"sdei--00001", "sdei-+00001", "sdei-4294967296", "sdei-99999999999999999999999", "sdei-0x0001", "metadata", ".compressing",
	};
	static const struct {
		const char *name;
		uint32_t number;
		bool compressed;
	} ours[] = {
		{ "sdei-000000", 0, false }, { "sdei-000017.gz", 17, true }, { "sdei-999999", 999999, false },
		{ "sdei-1000000.gz", 1000000, true }, { "sdei-4294967295", UINT32_MAX, false },
	};
	char name[FILES_NAME_MAX];
	bool compressed;
	uint32_t number;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(files_parse(others[i], &number, &compressed));
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		assert_true(files_parse(ours[i].name, &number, &compressed));
		assert_int_equal(number, ours[i].number);
		assert_int_equal(compressed, ours[i].compressed);
		files_name(name, number, compressed);
		assert_string_equal(name, ours[i].name);
	}
}

static void write_file(const char *name, size_t size)
{
	FILE *out = fopen(path(name), "w");

	assert_non_null(out);
	while (size--)
		putc('x', out);
	assert_int_equal(fclose(out), 0);
}

/* By number, not by name; of two of the same number the plain one. */
static void test_list(void **state)
{
	static const char *const names[] = {
		"sdei-1000000", "sdei-000002", "sdei-000002.gz", "sdei-000001.gz", "metadata", "sdei-999999", ".compressing", "sdei-3",
	};
	struct stream_file *files;
	size_t count;
	int fd;

	assert_int_equal(mkdir(directory, 0700), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		write_file(names[i], i + 1);
	fd = open(directory, O_RDONLY | O_DIRECTORY);
	assert_int_equal(files_list(fd, &files, &count), 0);
	assert_int_equal(count, 4);
	assert_true(files[0].number == 1 && files[0].compressed && files[0].size == 4);
	assert_true(files[1].number == 2 && !files[1].compressed && files[1].size == 2);
	assert_true(files[2].number == 999999 && files[2].size == 6);
	assert_true(files[3].number == 1000000 && files[3].size == 1);
	free(files);
	for (unsigned int i = 10; i < 200; i++) {
		char name[32];

		snprintf(name, sizeof(name), "sdei-%06u", i);
		write_file(name, 0);
	}
	assert_int_equal(files_list(fd, &files, &count), 0);
	assert_int_equal(count, 194);
	assert_int_equal(files[2].number, 10);
	free(files);
	close(fd);
	assert_int_equal(files_list(-1, &files, &count), -EBADF);
}

/* Only what is a file of the directory itself. */
static void test_open(void **state)
{
	int at, fd;

	assert_int_equal(mkdir(directory, 0700), 0);
	write_file("sdei-000000", 1);
	assert_int_equal(symlink("sdei-000000", path("sdei-000001")), 0);
	assert_int_equal(mkfifo(path("sdei-000002"), 0600), 0);
	at = open(directory, O_RDONLY | O_DIRECTORY);
	fd = files_open(at, "sdei-000000");
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(files_open(at, "sdei-000001"), -ELOOP);
	assert_int_equal(files_open(at, "sdei-000002"), -EINVAL);
	assert_int_equal(files_open(at, "."), -EINVAL);
	assert_int_equal(files_open(at, "sdei-000003"), -ENOENT);
	close(at);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_directory, old_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_places),
		TEST(test_half_made),
		TEST(test_modes),
		TEST(test_rotation),
		TEST(test_one_file),
		TEST(test_keep),
		TEST(test_compress),
		TEST(test_compressed_bytes),
		TEST(test_keep_while_compressing),
		TEST(test_gone_while_opening),
		TEST(test_no_look_while_opening),
		TEST(test_no_room_to_compress),
		TEST(test_directory_in_the_way),
		TEST(test_full_disk),
		TEST(test_blocked),
		TEST(test_no_next_file),
		TEST(test_sync_fails),
		TEST(test_synced),
		TEST(test_names),
		TEST(test_list),
		TEST(test_open),
	};

	return cmocka_run_group_tests_name("trace_store", tests, NULL, NULL);
}
