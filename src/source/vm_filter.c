// SPDX-License-Identifier: GPL-2.0-only
#include "source/vm_filter.h"

#include <stdlib.h>
#include <string.h>

/* A VM announces every event of every vCPU when it is created; one look at the process will do for all these. */
#define LOOK_AGAIN_NS 100000000
/* The last records of a VM come when its process has ended, and cannot be asked for its name any more. */
#define REST_NS 10000000000ULL

struct verdict {
	uint64_t identity;
	uint64_t looked_ns;
	uint64_t gone_ns;	/* when its process was found to be gone, or 0 */
	uint32_t vm;
	bool known, wanted;
	bool unsure;		/* wanted for want of its name */
	bool over;		/* and may be forgotten */
};

struct vm_filter {
	struct vm_filter_calls calls;
	struct verdict *verdicts;	/* open addressing, size is a power of two, at most half full */
	size_t size, count;
};

struct vm_filter *vm_filter_new(const struct vm_filter_calls *calls)
{
	struct vm_filter *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->calls = *calls;
	return j;
}

void vm_filter_free(struct vm_filter *j)
{
	if (!j)
		return;
	free(j->verdicts);
	free(j);
}

/* Its place, be it taken or free. */
static struct verdict *place_of(struct verdict *verdicts, size_t size, uint32_t vm)
{
	size_t i = vm * 2654435761u & (size - 1);

	while (verdicts[i].known && verdicts[i].vm != vm)
		i = (i + 1) & (size - 1);
	return &verdicts[i];
}

static bool is_over(const struct vm_filter *j, struct verdict *v, uint64_t now_ns)
{
	uint64_t identity = j->calls.identity(v->vm);

	if (identity && identity == v->identity)
		v->gone_ns = 0;
	else if (!v->gone_ns)
		v->gone_ns = now_ns;
	return v->gone_ns && now_ns > v->gone_ns + REST_NS;
}

/* How many verdicts are to be kept. */
static size_t count_kept(struct vm_filter *j, uint64_t now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < j->size; i++) {
		struct verdict *v = &j->verdicts[i];

		v->over = v->known && is_over(j, v, now_ns);
		kept += v->known && !v->over;
	}
	return kept;
}

/* To the new table, or out of the kernel's set. */
static void move(struct vm_filter *j, const struct verdict *v, struct verdict *verdicts, size_t size)
{
	if (!v->over)
		*place_of(verdicts, size, v->vm) = *v;
	else if (!v->wanted && j->calls.decided)
		j->calls.decided(j->calls.decided_ctx, v->vm, true);
}

/* A table with room for as many as it has: VMs come and go, and only those that are here, or were lately, count. */
static bool make_room(struct vm_filter *j, uint64_t now_ns)
{
	size_t kept = count_kept(j, now_ns), size = j->size ? j->size : 64;
	struct verdict *verdicts;

	if (8 * kept > 3 * size)
		size *= 2;
	verdicts = calloc(size, sizeof(*verdicts));
	if (!verdicts)
		return false;
	for (size_t i = 0; i < j->size; i++)
		if (j->verdicts[i].known)
			move(j, &j->verdicts[i], verdicts, size);
	free(j->verdicts);
	j->verdicts = verdicts;
	j->size = size;
	j->count = kept;
	return true;
}

/* NULL: no memory. */
static struct verdict *verdict_of(struct vm_filter *j, uint32_t vm, uint64_t now_ns)
{
	if (2 * (j->count + 1) > j->size && !make_room(j, now_ns))
		return NULL;
	return place_of(j->verdicts, j->size, vm);
}

static bool ask(struct vm_filter *j, uint32_t vm, bool *unsure)
{
	bool wanted = j->calls.want(j->calls.want_ctx, vm);

	*unsure = !wanted && j->calls.sure && !j->calls.sure(vm);
	wanted |= *unsure;
	if (j->calls.decided)
		j->calls.decided(j->calls.decided_ctx, vm, wanted);
	return wanted;
}

static void decide(struct vm_filter *j, struct verdict *verdict, uint32_t vm, uint64_t now_ns)
{
	j->count += !verdict->known;
	*verdict = (struct verdict) {
		.vm = vm, .known = true, .looked_ns = now_ns, .identity = j->calls.identity(vm),
	};
	verdict->wanted = ask(j, vm, &verdict->unsure);
}

static void look_again(struct vm_filter *j, struct verdict *verdict, uint64_t now_ns)
{
	uint64_t identity = j->calls.identity(verdict->vm);

	verdict->looked_ns = now_ns;
	if (identity == verdict->identity)
		return;
	verdict->gone_ns = 0;
	verdict->identity = identity;
	verdict->wanted = ask(j, verdict->vm, &verdict->unsure);
}

bool vm_filter_wants(struct vm_filter *j, const struct sdei_record *record)
{
	struct verdict *verdict = verdict_of(j, record->vm, record->time_ns);
	bool created = record->kind == SDEI_STATE && record->origin == SDEI_CREATED, unsure;

	if (!verdict)
		return ask(j, record->vm, &unsure);
	if (!verdict->known)
		decide(j, verdict, record->vm, record->time_ns);
	else if (created && record->time_ns > verdict->looked_ns + LOOK_AGAIN_NS)
		look_again(j, verdict, record->time_ns);
	else if (verdict->unsure && j->calls.sure(record->vm))
		verdict->wanted = ask(j, record->vm, &verdict->unsure);
	return verdict->wanted;
}

bool vm_filter_wants_vm(struct vm_filter *j, uint32_t vm)
{
	struct sdei_record record = { .vm = vm };

	return vm_filter_wants(j, &record);
}
