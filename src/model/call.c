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
	CLASS_FORWARDED,
	CLASS_COUNT
};
_Static_assert(CLASS_COUNT == MODEL_RESULT_CLASSES && CLASS_FORWARDED == MODEL_RESULT_FORWARDED, "see model.h");
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
	case CLASS_FORWARDED:
		return "FORWARDED";
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
static size_t lower_bound(const struct vcpu_calls *calls, call_kind_t kind)
{
	size_t at = 0;

	while (at < calls->other_count && calls->others[at].kind < kind)
		at++;
	return at;
}

static bool is_at(const struct vcpu_calls *calls, size_t at, call_kind_t kind)
{
	return at < calls->other_count && calls->others[at].kind == kind;
}

static int insert(struct vcpu_calls *calls, size_t at, call_kind_t kind)
{
	if (ARRAY_ROOM_BY_COUNT(calls->others, calls->other_count))
		return -ENOMEM;
	memmove(calls->others + at + 1, calls->others + at, (calls->other_count - at) * sizeof(*calls->others));
	calls->others[at] = (struct call_count){ .kind = kind };
	calls->other_count++;
	return 0;
}

static int add_other(struct vcpu_calls *calls, call_kind_t kind, uint64_t count)
{
	size_t at = lower_bound(calls, kind);

	if (!is_at(calls, at, kind) && insert(calls, at, kind))
		return -ENOMEM;
	calls->others[at].count += count;
	return 0;
}

int call_add(struct model_vcpu *v, call_kind_t kind, uint64_t count)
{
	if (!v->calls)
		v->calls = calloc(1, sizeof(*v->calls));
	if (!v->calls)
		return -ENOMEM;
	if (kind % CALL_CLASSES != CLASS_SUCCESS)
		return add_other(v->calls, kind, count);
	v->calls->succeeded[kind / CALL_CLASSES] += count;
	return 0;
}

uint64_t call_get(const struct vcpu_calls *calls, call_kind_t kind)
{
	size_t at;

	if (!calls)
		return 0;
	if (kind % CALL_CLASSES == CLASS_SUCCESS)
		return calls->succeeded[kind / CALL_CLASSES];
	at = lower_bound(calls, kind);
	return is_at(calls, at, kind) ? calls->others[at].count : 0;
}

static void times_free(struct call_times *times)
{
	for (unsigned int i = 0; times && i < SDEI_CALL_COUNT; i++)
		hist_free(times->of[i]);
	free(times);
}

void call_reset(struct model_vcpu *v)
{
	if (v->calls) {
		free(v->calls->others);
		times_free(v->calls->times);
	}
	free(v->calls);
	v->calls = NULL;
}

static int count_call(struct model_vcpu *v, uint32_t function, unsigned int class, uint64_t count)
{
	unsigned int index = function - SDEI_FN_FIRST;

	return index < SDEI_CALL_COUNT ? call_add(v, CALL_CLASSES * index + class, count) : -EINVAL;
}

struct hist **call_time_slot(struct model_vcpu *v, unsigned int index)
{
	struct vcpu_calls *calls = v->calls;

	if (!calls->times)
		calls->times = calloc(1, sizeof(*calls->times));
	return calls->times ? &calls->times->of[index] : NULL;
}

/* Of a call that was counted. */
static int add_time(struct model_vcpu *v, const struct sdei_record_call *call)
{
	struct hist **time = call_time_slot(v, call->function - SDEI_FN_FIRST);

	if (time && !*time)
		*time = hist_new();
	return time && *time ? hist_add(*time, call->duration_ns, NULL) : -ENOMEM;
}

int call_take(struct model_vcpu *v, const struct sdei_record_call *call)
{
	int err = count_call(v, call->function, class_of(v, call), 1);

	return err || !call->duration_ns ? err : add_time(v, call);
}

int call_take_smccc(struct model_vcpu *v, const struct sdei_record_smccc *r)
{
	bool is_answered = r->head.outcome == SMCCC_ANSWERED;

	return count_call(v, r->function, is_answered ? model_result_class(r->head.result) : CLASS_FORWARDED, 1);
}

void call_prefetch(const struct model_vcpu *v, const struct sdei_record_call *call)
{
	unsigned int index = call->function - SDEI_FN_FIRST;

	if (v->calls && index < SDEI_CALL_COUNT)
		__builtin_prefetch(&v->calls->succeeded[index], 1);
}

int call_take_lost(struct model_vcpu *v, const struct sdei_lost_key *key, uint64_t count)
{
	bool is_forwarded = key->kind == SDEI_SMCCC && key->outcome != SMCCC_ANSWERED;

	return count_call(v, key->function, is_forwarded ? CLASS_FORWARDED : class_of_lost(key), count);
}

uint64_t model_call_count(const struct model_vcpu *vcpu, uint32_t function, unsigned int class)
{
	unsigned int index = function - SDEI_FN_FIRST;

	return index < SDEI_CALL_COUNT && class < CLASS_COUNT ? call_get(vcpu->calls, CALL_CLASSES * index + class) : 0;
}

bool model_add_calls(const struct model_vcpu *vcpu, uint64_t counts[SDEI_CALL_COUNT][MODEL_RESULT_CLASSES])
{
	const struct vcpu_calls *calls = vcpu->calls;

	for (unsigned int i = 0; calls && i < SDEI_CALL_COUNT; i++)
		counts[i][CLASS_SUCCESS] += calls->succeeded[i];
	for (size_t i = 0; calls && i < calls->other_count; i++) {
		unsigned int class = calls->others[i].kind % CALL_CLASSES;

		if (class < CLASS_COUNT)	/* an image may claim any */
			counts[calls->others[i].kind / CALL_CLASSES][class] += calls->others[i].count;
	}
	return calls;
}

const struct hist *model_call_time(const struct model_vcpu *vcpu, uint32_t function)
{
	const struct call_times *times = vcpu->calls ? vcpu->calls->times : NULL;
	unsigned int index = function - SDEI_FN_FIRST;

	return times && index < SDEI_CALL_COUNT ? times->of[index] : NULL;
}
