// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/exporter.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/atomic_file.h"
#include "util/background.h"
#include "view/metrics/metrics.h"
#include "util/clock.h"

struct exporter {
	struct metrics *metrics;
	struct atomic_file *file;
	struct background writing;		/* has file and text while it is busy */
	const char *text;		/* of metrics, and so not to be rendered anew */
	size_t size;
	int err;
	bool short_of_memory, leaves_out, is_slow;	/* as the log says */
};

static int open_file(struct exporter *x, const struct daemon_config *config)
{
	char path[PATH_MAX];
	int err = -ENAMETOOLONG;

	if (snprintf(path, sizeof(path), "%s/" EXPORTER_FILE, config->textfile) < (int)sizeof(path))
		x->file = atomic_file_open(path, &err);
	if (x->file)
		return 0;
	if (err == -EBUSY)
		say_at(SAY_ERROR, "%s is written by another sdeid: name another directory, or end that one", path);
	else if (err == -ENOLCK)
		say_at(SAY_ERROR, "cannot open %s/." EXPORTER_FILE ".lock, which belongs to another user: remove it, if no other sdeid runs",
		       config->textfile);
	else
		say_at(SAY_ERROR, "cannot write to %s: %s; it must be there, and writable for who runs sdeid",
		       config->textfile, strerror(-err));
	return err;
}

struct exporter *exporter_open(const struct daemon_config *config)
{
	const struct metrics_options options = {
		.buckets = config->buckets, .vcpu = config->labels_vcpu, .max_series = config->max_series,
	};
	struct exporter *x = calloc(1, sizeof(*x));

	if (x)
		x->metrics = metrics_new(&options);
	if (!x || !x->metrics)
		say_at(SAY_ERROR, MSG_NO_MEMORY);
	else if (open_file(x, config) == 0)
		return x;
	exporter_close(x, false);
	return NULL;
}

void exporter_close(struct exporter *x, bool remove)
{
	if (!x)
		return;
	exporter_wait(x);
	atomic_file_close(x->file, remove);
	metrics_free(x->metrics);
	free(x);
}

static void report_left_out(struct exporter *x)
{
	size_t dropped = metrics_series_dropped(x->metrics);

	if (dropped && !x->leaves_out)
		say("%zu series do not fit into max-series: the VMs that were seen last are left out of the metrics", dropped);
	x->leaves_out = dropped;
}

static void report_memory(struct exporter *x, int err)
{
	if (err && !x->short_of_memory)
		say_at(SAY_ERROR, "the metrics were not written: out of memory; the version before stays, and it is tried again");
	x->short_of_memory = err;
}

static void write_text(void *ctx)
{
	struct exporter *x = ctx;

	x->err = atomic_file_write(x->file, x->text, x->size);
}

static void report_slow(struct exporter *x)
{
	if (!x->is_slow)
		say_at(SAY_ERROR, "the metrics of the interval before are still being written: the disk is slow; newer ones are left out until then");
	x->is_slow = true;
}

void exporter_wait(struct exporter *x)
{
	const char *news;

	if (!x || !background_is_busy(&x->writing))
		return;
	background_wait(&x->writing);
	news = atomic_file_events(x->file);
	if (news)
		say_at(x->err ? SAY_ERROR : SAY_INFO, "%s", news);
}

void exporter_settle(struct exporter *x)
{
	if (x && background_is_done(&x->writing))
		exporter_wait(x);
}

void exporter_write(struct exporter *x, const struct model *m, const struct status *status)
{
	struct metrics_host host;
	int err;

	exporter_settle(x);
	if (!x)
		return;
	if (background_is_busy(&x->writing)) {
		report_slow(x);
		return;
	}
	x->is_slow = false;
	host = (struct metrics_host){ .status = status, .cpu_ns = clock_cpu_ns(), .write_errors = atomic_file_errors(x->file) };
	err = metrics_render(x->metrics, m, &host, &x->text, &x->size);
	report_memory(x, err);
	if (err)
		return;
	report_left_out(x);
	background_start(&x->writing, write_text, x);
}

size_t exporter_series(const struct exporter *x)
{
	return x ? metrics_series(x->metrics) : 0;
}
