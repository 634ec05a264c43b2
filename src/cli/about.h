/* SPDX-License-Identifier: GPL-2.0-only */
/* What a recording says about the host it was made on, and how it was watched. */
#ifndef CLI_ABOUT_H
#define CLI_ABOUT_H

#include "../trace/recording.h"
#include "watch.h"

/* config is that of w; now is of watch_status(w). Gives it a new uuid. */
void about_describe(struct recording_about *about, const struct watch *w, const struct watch_config *config,
		    const struct view_status *now);

/* end: the recording ends here. */
struct recording_status about_status(const struct view_status *now, bool end);

#endif
