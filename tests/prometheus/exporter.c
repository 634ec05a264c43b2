// SPDX-License-Identifier: GPL-2.0-only
/*
 * exporter SCENE FILE: a scene through the real model, exporter and writer, without a kernel. It writes FILE, prints "ready"
 * and then does what it is told on stdin, one word a line, each answered with a line:
 *   go       half a second more of the scene; writes FILE
 *   rewrite  a thousand times that
 *   expire   forgets VMs that are gone; writes FILE
 *   summary  the model as JSON
 * The end of stdin ends it; FILE stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "util/atomic_file.h"
#include "view/figures/json.h"
#include "view/metrics/metrics.h"
#include "tests/unit/lib/view_scene.h"

struct exporter {
	struct model *model;
	struct status status;
	struct metrics *metrics;
	struct atomic_file *file;
};

static int64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int write_file(struct exporter *x)
{
	struct status status = x->status;
	const struct metrics_host host = { .status = &status, .write_errors = atomic_file_errors(x->file) };
	const char *text;
	size_t size;
	int err;

	status.wall_ns = wall_ns();	/* the scene's is of another day */
	err = metrics_render(x->metrics, x->model, &host, &text, &size);
	return err ? err : atomic_file_write(x->file, text, size);
}

static int go(struct exporter *x)
{
	scene_go_on(x->model, &x->status);
	return write_file(x);
}

static int rewrite(struct exporter *x)
{
	int err = 0;

	for (int i = 0; i < 1000 && !err; i++)
		err = go(x);
	return err;
}

static int obey(struct exporter *x, const char *word)
{
	if (strcmp(word, "go\n") == 0)
		return go(x);
	if (strcmp(word, "rewrite\n") == 0)
		return rewrite(x);
	if (strcmp(word, "summary\n") == 0) {
		json_summary(stdout, x->model, &x->status);
		return 0;
	}
	if (strcmp(word, "expire\n") != 0)
		return -1;
	model_expire(x->model, x->status.now_ns);
	return write_file(x);
}

static int run(struct exporter *x)
{
	char word[32];
	int err = write_file(x);

	for (puts("ready"); !err && fflush(stdout) == 0 && fgets(word, sizeof(word), stdin); fflush(stdout)) {
		err = obey(x, word);
		if (!err && strcmp(word, "summary\n") != 0)
			puts("done");
	}
	return err;
}

int main(int argc, char **argv)
{
	const struct metrics_options options = { 0 };
	struct exporter x = { 0 };
	int err = -1;

	if (argc != 3)
		return 2;
	x.model = scene_new(argv[1], &x.status);
	x.metrics = metrics_new(&options);
	x.file = atomic_file_open(argv[2], &err);
	if (x.model && x.metrics && x.file)
		err = run(&x);
	if (err)
		fprintf(stderr, "exporter: %s\n", strerror(-err));
	atomic_file_close(x.file, false);
	metrics_free(x.metrics);
	model_free(x.model);
	return err ? 1 : 0;
}
