// SPDX-License-Identifier: GPL-2.0-only
#include "exporter.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../cli/messages.h"
#include "../cli/textfile.h"
#include "../view/metrics.h"

struct exporter {
	struct metrics *metrics;
	struct textfile *file;
	bool short_of_memory, leaves_out;	/* as the user was told */
};

static int open_file(struct exporter *x, const struct daemon_config *config)
{
	char path[PATH_MAX];
	int err = -ENAMETOOLONG;

	if (snprintf(path, sizeof(path), "%s/" EXPORTER_FILE, config->textfile) < (int)sizeof(path))
		x->file = textfile_open(path, &err);
	if (x->file)
		return 0;
	if (err == -EBUSY)
		say_at(SAY_ERROR, "%s is written by another sdeid: name another directory, or end that one", path);
	else
		say_at(SAY_ERROR, "cannot write to %s: %s; it must be there, and writable for who runs sdeid",
		       config->textfile, strerror(-err));
	return err;
}

struct exporter *exporter_open(const struct daemon_config *config)
{
	const struct metrics_options options = { .vcpu = config->labels_vcpu, .max_series = config->max_series };
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
	textfile_close(x->file, remove);
	metrics_free(x->metrics);
	free(x);
}

static uint64_t cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * 1000000000ULL + used.tv_nsec;
}

static void tell_left_out(struct exporter *x)
{
	size_t dropped = metrics_series_dropped(x->metrics);

	if (dropped && !x->leaves_out)
		say("%zu series do not fit into max-series: the VMs that were seen last are left out of the metrics", dropped);
	x->leaves_out = dropped;
}

static void tell_memory(struct exporter *x, int err)
{
	if (err && !x->short_of_memory)
		say_at(SAY_ERROR, "the metrics were not written: out of memory; the version before stays, and it is tried again");
	x->short_of_memory = err;
}

void exporter_write(struct exporter *x, const struct model *m, const struct view_status *status)
{
	struct metrics_host host;
	const char *text, *news;
	size_t size;
	int err;

	if (!x)
		return;
	host = (struct metrics_host){ .status = status, .cpu_ns = cpu_ns(), .write_errors = textfile_errors(x->file) };
	err = metrics_render(x->metrics, m, &host, &text, &size);
	tell_memory(x, err);
	if (err)
		return;
	err = textfile_write(x->file, text, size);
	news = textfile_news(x->file);
	if (news)
		say_at(err ? SAY_ERROR : SAY_INFO, "%s", news);
	tell_left_out(x);
}

size_t exporter_series(const struct exporter *x)
{
	return x ? metrics_series(x->metrics) : 0;
}
