/* SPDX-License-Identifier: GPL-2.0-only */
/* A record inside of other JSON. */
#ifndef VIEW_JSON_RECORD_H
#define VIEW_JSON_RECORD_H

#include "../model/model.h"
#include "json_write.h"

/* The head of a record whatever its kind; vm and vcpu are left out. */
void json_record_head(struct json *j, const char *key, const struct sdei_record *r);

#endif
