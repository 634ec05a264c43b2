/* SPDX-License-Identifier: GPL-2.0-only */
/* The records of a machine, kept; KEPT_MAX says how many there can be. For one program each. */
#ifndef TESTS_KEPT_RECORDS_H
#define TESTS_KEPT_RECORDS_H

static struct {
	union {
		struct sdei_record head;
		struct sdei_record_call call;
		struct sdei_record_apf apf;
	} record;
	size_t size;
} kept[KEPT_MAX];
static size_t kept_count;

/* As a machine's sink. */
static void keep(void *ctx, const struct sdei_record *r, size_t size)
{
	assert_true(kept_count < sizeof(kept) / sizeof(kept[0]));
	memcpy(&kept[kept_count].record, r, size);
	kept[kept_count++].size = size;
}

#endif
