/* SPDX-License-Identifier: GPL-2.0-only */
/* Crafted record streams through the real model, for the tests of what is shown. */
#ifndef TESTS_VIEW_SCENE_H
#define TESTS_VIEW_SCENE_H

#include <stdbool.h>

#include "model/model.h"
#include "session/status.h"

/* The model as scene NAME leaves it, one interval of a second closed; NULL: there is no such scene. */
struct model *scene_new(const char *name, struct status *status);

/* Half a second more of the same, and a tick: other figures for all that is shown. */
void scene_go_on(struct model *m, struct status *status);

/* Whether tests/golden/NAME is text; never while UPDATE_GOLDEN is set. */
bool is_golden(const char *name, const char *text);

/* Reads tests/golden/NAME, or writes it if UPDATE_GOLDEN is set; asserts that text is the same. */
void assert_golden(const char *name, const char *text);

#endif
