/* SPDX-License-Identifier: GPL-2.0-only */
#include "util/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "util/log.h"
#include "util/write_all.h"

#define BUFFER_BYTES (1 << 16)

static bool is_standard(const struct output *o)
{
	return o->fd == STDOUT_FILENO;
}

static void keep_error(struct output *o, int error)
{
	if (!o->error)
		o->error = error;
}

/* For stdio: 0 is an error. */
static ssize_t write_output(void *ctx, const char *bytes, size_t size)
{
	struct output *o = ctx;

	if (!o->error)
		keep_error(o, -write_all(o->fd, bytes, size));
	return o->error ? 0 : (ssize_t)size;
}

static int close_fd(void *ctx)
{
	struct output *o = ctx;

	if (!is_standard(o) && close(o->fd) < 0)
		keep_error(o, errno);
	return 0;
}

bool output_open_fd(struct output *o, int fd, const char *name)
{
	const cookie_io_functions_t calls = { .write = write_output, .close = close_fd };

	*o = (struct output){ .fd = fd, .name = name };
	o->file = fopencookie(o, "w", calls);
	if (!o->file) {
		say(MSG_OPENING, name, strerror(errno));
		close_fd(o);
		return false;
	}
	setvbuf(o->file, NULL, _IOFBF, BUFFER_BYTES);
	return true;
}

bool output_is_standard(const char *path)
{
	return !path || strcmp(path, "-") == 0;
}

bool output_open(struct output *o, const char *path)
{
	int fd;

	if (output_is_standard(path))
		return output_open_fd(o, STDOUT_FILENO, "standard output");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd >= 0)
		return output_open_fd(o, fd, path);
	say(MSG_OPENING, path, strerror(errno));
	return false;
}

enum exit_status output_status(const struct output *o)
{
	return o->error && o->error != EPIPE ? EXIT_FAILED : EXIT_DONE;
}

static void report(struct output *o)
{
	if (output_status(o) != EXIT_DONE && !o->reported)
		say(MSG_WRITING, o->name, strerror(o->error));
	o->reported = true;
}

bool output_flush(struct output *o)
{
	/* Out of memory is all that stdio can fail for by itself. */
	if (fflush(o->file) != 0 || ferror(o->file))
		keep_error(o, ENOMEM);
	if (!o->error)
		return true;
	report(o);
	return false;
}

enum exit_status output_close(struct output *o)
{
	if (o->file) {
		output_flush(o);
		fclose(o->file);
		o->file = NULL;
		if (o->error)
			report(o);
	}
	return output_status(o);
}
