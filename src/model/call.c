// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/inside.h"
#include "util/array.h"

enum {
#define X(value, NAME) CLASS_##NAME,
	SDEI_RESULTS(X)
#undef X
	CLASS_OTHER,
	CLASS_COUNT
};
_Static_assert(CLASS_COUNT == MODEL_RESULT_CLASSES, "one class per result and one for the rest");
_Static_assert(CLASS_COUNT <= CALL_CLASSES, "room");

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

/* Index of the first one that is not below. */
static unsigned int lower_bound(const struct model_vcpu *v, unsigned int kind)
{
	unsigned int low = 0, high = v->call_count;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (v->calls[middle].kind < kind)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct model_vcpu *v, unsigned int at, unsigned int kind)
{
	return at < v->call_count && v->calls[at].kind == kind;
}

static int insert(struct model_vcpu *v, unsigned int at, unsigned int kind)
{
	if (ARRAY_ROOM_BY_COUNT(v->calls, v->call_count))
		return -ENOMEM;
	memmove(v->calls + at + 1, v->calls + at, (v->call_count - at) * sizeof(*v->calls));
	v->calls[at] = (struct call_count){ .kind = kind };
	v->call_count++;
	return 0;
}

int call_add(struct model_vcpu *v, unsigned int kind, uint64_t count)
{
	if (!is_at(v, v->call_recent, kind))
		v->call_recent = lower_bound(v, kind);
	if (!is_at(v, v->call_recent, kind) && insert(v, v->call_recent, kind))
		return -ENOMEM;
	v->calls[v->call_recent].count += count;
	return 0;
}

void call_reset(struct model_vcpu *v)
{
	free(v->calls);
	v->calls = NULL;
	v->call_count = v->call_recent = 0;
}

static int count_call(struct model_vcpu *v, uint32_t function, unsigned int class, uint64_t count)
{
	unsigned int index = function - SDEI_FN_FIRST;

	return index < SDEI_CALL_COUNT ? call_add(v, CALL_CLASSES * index + class, count) : -EINVAL;
}

int call_take(struct model_vcpu *v, const struct sdei_record_call *call)
{
	return count_call(v, call->function, class_of(v, call), 1);
}

int call_take_lost(struct model_vcpu *v, const struct sdei_lost_key *key, uint64_t count)
{
	return count_call(v, key->function, class_of_lost(key), count);
}

uint64_t model_call_count(const struct model_vcpu *vcpu, uint32_t function, unsigned int class)
{
	unsigned int index = function - SDEI_FN_FIRST, kind = CALL_CLASSES * index + class, at;

	if (index >= SDEI_CALL_COUNT || class >= CLASS_COUNT)
		return 0;
	at = lower_bound(vcpu, kind);
	return is_at(vcpu, at, kind) ? vcpu->calls[at].count : 0;
}

void model_add_calls(const struct model_vcpu *vcpu, uint64_t counts[SDEI_CALL_COUNT][MODEL_RESULT_CLASSES])
{
	for (unsigned int i = 0; i < vcpu->call_count; i++) {
		unsigned int class = vcpu->calls[i].kind % CALL_CLASSES;

		if (class < CLASS_COUNT)	/* an image may claim any */
			counts[vcpu->calls[i].kind / CALL_CLASSES][class] += vcpu->calls[i].count;
	}
}
