// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "model/inside.h"

/* Function ids by name. */
enum {
#define X(id, NAME, has_event) FN_##NAME = SDEI_FN_BASE + (id),
	SDEI_CALLS(X)
#undef X
};

enum {
#define X(value, NAME) CLASS_##NAME,
	SDEI_RESULTS(X)
#undef X
	CLASS_OTHER,
	CLASS_COUNT
};
_Static_assert(CLASS_COUNT == MODEL_RESULT_CLASSES, "one class per result and one for the rest");
_Static_assert(CLASS_COUNT <= sizeof(*((struct model_vcpu *)0)->calls) / SDEI_CALL_COUNT / sizeof(uint64_t), "room");

unsigned int model_result_class(int64_t result)
{
	switch (result < 0 ? result : 0) {
#define X(value, NAME)	\
	case value:	\
		return CLASS_##NAME;
	SDEI_RESULTS(X)
#undef X
	default:
		return CLASS_OTHER;
	}
}

const char *model_result_class_name(unsigned int class)
{
	switch (class) {
#define X(value, NAME)		\
	case CLASS_##NAME:	\
		return #NAME;
	SDEI_RESULTS(X)
#undef X
	case CLASS_OTHER:
		return "OTHER";
	default:
		return NULL;
	}
}

/* EVENT_CONTEXT answers with a register, and a kernel's addresses are negative numbers. */
static unsigned int class_of(uint32_t function, int64_t result)
{
	unsigned int class = model_result_class(result);

	return class == CLASS_OTHER && function == FN_EVENT_CONTEXT ? CLASS_SUCCESS : class;
}

/* UNREGISTER's PENDING says that it is done but for the handler's end. */
bool model_call_is_refused(uint32_t function, int64_t result)
{
	return result < 0 && class_of(function, result) != CLASS_SUCCESS && class_of(function, result) != CLASS_PENDING;
}

int call_take(struct model_vcpu *v, uint32_t function, int64_t result, uint64_t count)
{
	unsigned int index = function - SDEI_FN_FIRST;

	if (index >= SDEI_CALL_COUNT)
		return -EINVAL;
	if (!v->calls)
		v->calls = calloc(1, sizeof(*v->calls));
	if (!v->calls)
		return -ENOMEM;
	(*v->calls)[index][class_of(function, result)] += count;
	return 0;
}

uint64_t model_call_count(const struct model_vcpu *vcpu, uint32_t function, unsigned int class)
{
	unsigned int index = function - SDEI_FN_FIRST;

	return vcpu->calls && index < SDEI_CALL_COUNT && class < CLASS_COUNT ? (*vcpu->calls)[index][class] : 0;
}
