/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A whole model as bytes, and back: fed with the same from then on, both give the same figures for ever. For those who join
 * where a model is already. The bytes are independent of the machine; at their end is a CRC-32.
 */
#ifndef MODEL_IMAGE_H
#define MODEL_IMAGE_H

#include <stddef.h>

#include "model/model.h"

#define IMAGE_VERSION 15	/* 2: asynchronous page faults; 3: totals.crowded; 4: which call a record is; 5: senders; 6: guest frames; 7: calls of PSCI; 8: migration; 9: kind counter; 10: how long VMs stood still; 11: sums of quick faults; 12: how long calls took; 13: who brings pages; 14: UUIDs; 15: idle CPUs */

/* The user of a vCPU stays behind. model_vm.user is the view's: how its text is got, and how it is made again. Either may be NULL, then it stays behind. */
struct image_names {
	const char *(*text)(const void *user);			/* NULL: it has none. What is longer than IMAGE_NAME_MAX is cut. */
	const char *(*uuid)(const void *user);			/* likewise */
	void *(*user)(void *ctx, const char *text, const char *uuid);	/* uuid "": there is none. NULL: no memory */
	void *ctx;
};
#define IMAGE_NAME_MAX 255

/* Appends all of m to *bytes (malloc'ed or NULL, the caller frees it whatever comes), which holds *size. 0 or -ENOMEM: *size is as before. */
int image_save(const struct model *m, const struct image_names *names, unsigned char **bytes, size_t *size);

/*
 * A model as it was. options: free_user as for model_new(); the limits are the image's. names may be NULL. NULL with *err:
 * -ENOMEM; -EPROTONOSUPPORT, it is of another version or of a build that knows other things; -EBADMSG, no model
 * can be so. Whatever the bytes are, the memory is at most some 64 times size beyond that of an empty model.
 */
struct model *image_load(const void *bytes, size_t size, const struct model_options *options, const struct image_names *names,
			 int *err);

#endif
