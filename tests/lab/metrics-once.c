// SPDX-License-Identifier: GPL-2.0-only
/*
 * metrics-once DIR COMMAND...: watches while COMMAND runs. Each second, and at the end, it writes DIR/N.prom; then it prints the
 * summary as JSON, so that both can be compared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/feeder.h"
#include "util/log.h"
#include "util/atomic_file.h"
#include "session/session.h"
#include "view/figures/json.h"
#include "view/metrics/metrics.h"

struct once {
	struct session *session;
	struct feeder *feeder;
	struct metrics *metrics;
	const char *directory;
	unsigned int number;
	struct status status;
};

static int write_file(struct once *o)
{
	const struct metrics_host host = { .status = &o->status };
	struct atomic_file *file;
	char path[512];
	const char *text;
	size_t size;
	int err;

	session_status(o->session, &o->status);
	model_tick(feeder_model(o->feeder), o->status.now_ns);
	err = metrics_render(o->metrics, feeder_model(o->feeder), &host, &text, &size);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/%u.prom", o->directory, o->number++);
	file = atomic_file_open(path, &err);
	if (file)
		err = atomic_file_write(file, text, size);
	atomic_file_close(file, false);
	return err;
}

static int each_second(void *ctx)
{
	struct once *o = ctx;

	session_drain(o->session);
	return write_file(o);
}

static int watch(struct once *o, char **command)
{
	const struct session_config config = { 0 };
	const struct session_calls calls = {
		.sink = feeder_sink(o->feeder),
		.drained = feeder_flush,
		.ctx = o->feeder,
		.strict_output = true,
	};
	int status, err;

	o->session = session_open(&config, &calls, &status);
	if (!o->session)
		return status;
	err = loop_add_timer(session_loop(o->session), 1000, each_second, o);
	if (err >= 0) {
		session_run(o->session, command);
		err = write_file(o);
	}
	if (err < 0)
		say("metrics-once: %s", strerror(-err));
	json_summary(stdout, feeder_model(o->feeder), &o->status);
	status = err < 0 ? EXIT_FAILED : session_exit_status(o->session);
	session_close(o->session);
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
