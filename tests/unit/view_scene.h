/* SPDX-License-Identifier: GPL-2.0-only */
/* Crafted record streams through the real model, for the tests of what is shown. */
#ifndef TESTS_VIEW_SCENE_H
#define TESTS_VIEW_SCENE_H

#include <stdbool.h>

#include "src/model/model.h"
#include "src/view/status.h"

/* The model as scene NAME leaves it, one interval of a second closed; NULL: there is no such scene. */
struct model *scene_new(const char *name, struct view_status *status);

/* Half a second more of the same, and a tick: other figures for all that is shown. */
void scene_go_on(struct model *m, struct view_status *status);

/* Whether tests/golden/NAME is text; never while UPDATE_GOLDEN is set. */
bool is_golden(const char *name, const char *text);

/* Reads tests/golden/NAME, or writes it if UPDATE_GOLDEN is set; asserts that text is the same. */
void assert_golden(const char *name, const char *text);

#endif
