// SPDX-License-Identifier: GPL-2.0-only
#include "session/limit_options.h"

#include <errno.h>
#include "util/clock.h"


static int set_ms(void *field, const char *value)
{
	uint64_t ms;
	int err = option_count.set(&ms, value);

	if (err || ms > UINT64_MAX / NS_PER_MS)
		return -EINVAL;
	*(uint64_t *)field = ms * NS_PER_MS;
	return 0;
}

const struct option_type option_ms = { .set = set_ms, .expects = "milliseconds from 1" };
