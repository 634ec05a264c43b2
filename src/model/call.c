// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "model/inside.h"

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

/* Whether a handler runs is known of v. */
static bool is_value(const struct model_vcpu *v, const struct sdei_record_call *call)
{
	return sdei_reads_register(call->function, call->args[0]) && (call->head.result != SDEI_RESULT_DENIED || (v && v->running));
}

bool call_is_value(const struct model_vcpu *v, const struct sdei_record *r)
{
	return r->kind == SDEI_CALL && is_value(v, (const struct sdei_record_call *)r);
}

static unsigned int class_of(const struct model_vcpu *v, const struct sdei_record_call *call)
{
	return is_value(v, call) ? CLASS_SUCCESS : model_result_class(call->head.result);
}

/* Which register it was about is lost, too. Hardly any is refused. */
static unsigned int class_of_lost(const struct sdei_lost_key *key)
{
	return key->function == SDEI_FN_EVENT_CONTEXT ? CLASS_SUCCESS : model_result_class(key->error);
}

/* UNREGISTER's PENDING says that it is done but for the handler's end. */
static bool is_refusal(unsigned int class)
{
	return class != CLASS_SUCCESS && class != CLASS_PENDING;
}

bool model_call_is_refused(const struct model_vcpu *vcpu, const struct sdei_record_call *call)
{
	return call->head.result < 0 && is_refusal(class_of(vcpu, call));
}

bool model_lost_call_is_refused(const struct sdei_lost_key *key)
{
	return key->error < 0 && is_refusal(class_of_lost(key));
}

static int count_call(struct model_vcpu *v, uint32_t function, unsigned int class, uint64_t count)
{
	unsigned int index = function - SDEI_FN_FIRST;

	if (index >= SDEI_CALL_COUNT)
		return -EINVAL;
	if (!v->calls)
		v->calls = calloc(1, sizeof(*v->calls));
	if (!v->calls)
		return -ENOMEM;
	(*v->calls)[index][class] += count;
	return 0;
}

int call_take(struct model_vcpu *v, const struct sdei_record_call *call)
{
	return count_call(v, call->function, class_of(v, call), 1);
}

void call_prefetch(const struct model_vcpu *v, const struct sdei_record_call *call)
{
	unsigned int index = call->function - SDEI_FN_FIRST;

	if (v->calls && index < SDEI_CALL_COUNT)
		__builtin_prefetch(&(*v->calls)[index][CLASS_SUCCESS], 1);
}

int call_take_lost(struct model_vcpu *v, const struct sdei_lost_key *key, uint64_t count)
{
	return count_call(v, key->function, class_of_lost(key), count);
}

uint64_t model_call_count(const struct model_vcpu *vcpu, uint32_t function, unsigned int class)
{
	unsigned int index = function - SDEI_FN_FIRST;

	return vcpu->calls && index < SDEI_CALL_COUNT && class < CLASS_COUNT ? (*vcpu->calls)[index][class] : 0;
}
