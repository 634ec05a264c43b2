/* SPDX-License-Identifier: GPL-2.0-only */
/* Records and whole summaries inside of other JSON. */
#ifndef VIEW_JSON_RECORD_H
#define VIEW_JSON_RECORD_H

#include "../model/model.h"
#include "json_write.h"
#include "status.h"

/* The head of a record whatever its kind; vm and vcpu are left out. */
void json_record_head(struct json *j, const char *key, const struct sdei_record *r);

/* What json_summary() writes, as members of an object that is open. */
void json_summary_members(struct json *j, const char *type, const struct model *m, const struct view_status *status);

#endif
