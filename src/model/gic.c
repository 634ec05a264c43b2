// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is wrong with how VMMs save and restore interrupt controllers, as findings. Most of it happens before the vCPUs of the VM
 * run, and so before anything else is seen of it. Once they have run nothing is known of it, so that little is kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/gic_state.h"
#include "model/inside.h"
#include "util/array.h"

/* As DISTRUST_NS of finding.c: steps older than a reported loss may still come. */
#define DISTRUST_NS SECOND_NS

/* That of the VM that lives, or of the next one with that pid. */
static uint32_t instance_of(const struct model *m, uint32_t pid)
{
	const struct model_vm *vm = idmap_find(&m->by_pid, pid);

	return vm ? vm->instance + vm->gone : 0;
}

static void find(void *ctx, enum model_finding_code code, const struct sdei_record_gic *step)
{
	struct vm_gic *gic = ctx;

	if (step->head.time_ns <= gic->model->gic_trust_ns)
		return;
	gic->instance = instance_of(gic->model, gic->pid);
	finding_suspect(gic->model, (struct finding_owner){ .gic = gic }, code, &step->head, RULE_NONE);
}

static struct vm_gic *find_gic(const struct model *m, uint32_t pid)
{
	for (size_t i = 0; i < m->gic_count; i++)
		if (m->gics[i]->pid == pid)
			return m->gics[i];
	return NULL;
}

static struct vm_gic *make_gic(struct model *m, uint32_t pid)
{
	struct vm_gic *gic;

	if (ARRAY_ROOM(m->gics, m->gic_room, m->gic_count, 4))
		return NULL;
	gic = calloc(1, sizeof(*gic));
	if (!gic)
		return NULL;
	gic->model = m;
	gic->pid = pid;
	gic->state = gic_state_new(find, gic);
	if (!gic->state) {
		free(gic);
		return NULL;
	}
	m->gics[m->gic_count++] = gic;
	return gic;
}

static void free_gic(struct model *m, struct vm_gic *gic)
{
	finding_orphan(m, (struct finding_owner){ .gic = gic });
	gic_state_free(gic->state);
	free(gic);
}

int gic_take(struct model *m, const struct sdei_record_gic *step)
{
	struct vm_gic *gic = find_gic(m, step->head.vm);

	if (!gic && m->gic_count == GICS_MAX)
		return -E2BIG;
	gic = gic ?: make_gic(m, step->head.vm);
	if (!gic)
		return -ENOMEM;
	gic->last_ns = step->head.time_ns;
	gic->ended = false;
	return gic_state_take(gic->state, step);
}

void gic_count_found(struct vm_gic *gic, enum model_finding_code code)
{
	struct model_vm *vm = model_vm(gic->model, gic->pid);

	(vm ? vm->restore_found : gic->found)[code - FINDING_GIC]++;
}

void gic_claim(struct model *m, struct model_vm *vm)
{
	struct vm_gic *gic = find_gic(m, vm->pid);

	if (!gic)
		return;
	memcpy(vm->restore_found, gic->found, sizeof(gic->found));
	memset(gic->found, 0, sizeof(gic->found));
}

void gic_lost(struct model *m, uint32_t pid)
{
	uint64_t until_ns = m->newest_ns + DISTRUST_NS;

	m->gic_trust_ns = until_ns > m->newest_ns ? until_ns : UINT64_MAX;
	for (size_t i = 0; i < m->gic_count; i++) {
		if (pid != SDEI_ANY_VM && m->gics[i]->pid != pid)
			continue;
		gic_state_forget(m->gics[i]->state);
		finding_distrust_gic(m, m->gics[i]);
	}
}

void gic_settle(struct model *m)
{
	for (size_t i = 0; i < m->gic_count; i++)
		gic_state_settle(m->gics[i]->state);
}

void gic_end(struct model *m, uint32_t pid)
{
	struct vm_gic *gic = find_gic(m, pid);

	if (!gic)
		return;
	gic_state_settle(gic->state);
	gic_state_forget(gic->state);
	gic->ended = true;
	for (int code = FINDING_GIC; code < FINDING_COUNT; code++)
		finding_close(m, (struct finding_owner){ .gic = gic }, code);
}

void gic_expire(struct model *m, uint64_t before_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->gic_count; i++) {
		if (m->gics[i]->last_ns < before_ns)
			free_gic(m, m->gics[i]);
		else
			m->gics[kept++] = m->gics[i];
	}
	m->gic_count = kept;
}

void gic_release(struct model *m)
{
	for (size_t i = 0; i < m->gic_count; i++)
		free_gic(m, m->gics[i]);
	free(m->gics);
}
