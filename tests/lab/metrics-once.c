// SPDX-License-Identifier: GPL-2.0-only
/*
 * metrics-once DIR COMMAND...: watches while COMMAND runs. Each second, and at the end, it writes DIR/N.prom; then it prints the
 * summary as JSON, so that both can be compared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/cli/feeder.h"
#include "src/cli/messages.h"
#include "src/cli/textfile.h"
#include "src/cli/watch.h"
#include "src/view/json.h"
#include "src/view/metrics.h"

struct once {
	struct watch *watch;
	struct feeder *feeder;
	struct metrics *metrics;
	const char *directory;
	unsigned int number;
	struct view_status status;
};

static int write_file(struct once *o)
{
	const struct metrics_host host = { .status = &o->status };
	struct textfile *file;
	char path[512];
	const char *text;
	size_t size;
	int err;

	watch_status(o->watch, &o->status);
	model_tick(feeder_model(o->feeder), o->status.now_ns);
	err = metrics_render(o->metrics, feeder_model(o->feeder), &host, &text, &size);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/%u.prom", o->directory, o->number++);
	file = textfile_open(path, &err);
	if (file)
		err = textfile_write(file, text, size);
	textfile_close(file, false);
	return err;
}

static int each_second(void *ctx)
{
	struct once *o = ctx;

	watch_drain(o->watch);
	return write_file(o);
}

static int watch(struct once *o, char **command)
{
	const struct watch_config config = { 0 };
	const struct watch_calls calls = {
		.sink = { .record = feeder_record, .lost = feeder_lost, .lost_unknown = feeder_lost_unknown, .ctx = o->feeder },
		.drained = feeder_flush,
		.ctx = o->feeder,
		.strict_output = true,
	};
	int status, err;

	o->watch = watch_open(&config, &calls, &status);
	if (!o->watch)
		return status;
	err = loop_add_timer(watch_loop(o->watch), 1000, each_second, o);
	if (err >= 0) {
		watch_run(o->watch, command);
		err = write_file(o);
	}
	if (err < 0)
		say("metrics-once: %s", strerror(-err));
	json_summary(stdout, feeder_model(o->feeder), &o->status);
	status = err < 0 ? EXIT_FAILED : watch_exit_status(o->watch);
	watch_close(o->watch);
	return status;
}

int main(int argc, char **argv)
{
	const struct metrics_options options = { 0 };
	struct once o = { .feeder = feeder_new(false, NULL), .metrics = metrics_new(&options), .directory = argv[1] };
	int status = EXIT_FAILED;

	if (argc < 3)
		return EXIT_USAGE;
	if (o.feeder && o.metrics)
		status = watch(&o, argv + 2);
	metrics_free(o.metrics);
	feeder_free(o.feeder);
	return status;
}
