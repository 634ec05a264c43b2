/* SPDX-License-Identifier: GPL-2.0-only */
/* What a recording says about the host it was made on, and how it was watched. */
#ifndef SESSION_ABOUT_H
#define SESSION_ABOUT_H

#include "recording/recording.h"
#include "session/session.h"

/* config is that of w; now is of session_status(w). Gives it a new uuid. */
void about_describe(struct recording_about *about, const struct session *w, const struct session_config *config,
		    const struct status *now);

/* For a recording made of another one: a new uuid, and what writes it. */
void about_renew(struct recording_about *about);

/* Adds what chooses from a recording to what was recorded. */
struct playback_config;
void about_add_filters(struct recording_about *about, const struct playback_config *config);

#endif
