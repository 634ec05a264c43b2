// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/vanished_vms.h"

#include <errno.h>
#include <signal.h>

#include "source/privilege.h"

#define UNDER_WAY (SDEI_PENDING | SDEI_RUNNING)		/* what its end clears */

static bool is_quiet(const struct model_vm *vm, uint64_t since_ns)
{
	for (size_t i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i]->last_ns > since_ns)
			return false;
	return true;
}

/* Also of other users, and where /proc hides them; a process that has the pid now makes it wait for that one's end. */
static bool has_process(uint32_t pid)
{
	return !privilege_sees_host_pids() || kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

/* One record ends a vCPU; one for each event, as from the kernel, ends what they had under way. */
static void end_vcpu(const struct model_vcpu *v, uint64_t now_ns, const struct record_sink *sink)
{
	struct sdei_record_handler end = {
		.head = {
			.time_ns = now_ns, .vm = v->vm->pid, .vcpu = v->id, .kind = SDEI_STATE, .origin = SDEI_DESTROYED,
		},
	};

	for (size_t i = 0; i < v->event_count || i == 0; i++) {
		const struct model_event *e = i < v->event_count ? v->events[i] : NULL;
		uint8_t state = e ? e->state : 0;

		end.head.event = e ? e->event : 0;
		end.head.state = (state & ~UNDER_WAY) | (v->masked ? SDEI_MASKED : 0);
		end.head.outcome = state & UNDER_WAY;
		sink_record(sink, &end.head, sizeof(end));
	}
}

static void end_vm(const struct model_vm *vm, uint64_t now_ns, const struct record_sink *sink)
{
	for (size_t i = 0; i < vm->vcpu_count; i++)
		if (!vm->vcpus[i]->gone)
			end_vcpu(vm->vcpus[i], now_ns, sink);
}

static bool was_found(const struct vanished_vms *g, uint32_t pid)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->pids[i] == pid)
			return true;
	return false;
}

/* A process that has just gone may have records on their way: then all are there that came before it was asked for. */
bool vanished_vms_report(struct vanished_vms *g, const struct model *m, uint64_t now_ns, uint64_t quiet_ns, uint64_t clock_ns,
			 const struct record_sink *sink)
{
	struct vanished_vms found = { .asked_ns = clock_ns };
	bool any = false;
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);

	if (now_ns <= quiet_ns || now_ns < g->asked_ns)
		return false;
	for (size_t i = 0; i < count && found.count < VANISHED_MAX; i++) {
		if (vms[i]->gone || !is_quiet(vms[i], now_ns - quiet_ns) || has_process(vms[i]->pid))
			continue;
		if (was_found(g, vms[i]->pid)) {
			end_vm(vms[i], now_ns, sink);
			any = true;
		} else {
			found.pids[found.count++] = vms[i]->pid;
		}
	}
	*g = found;
	return any;
}
