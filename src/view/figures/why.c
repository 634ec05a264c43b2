/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/figures/why.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/text.h"
#include "view/figures/format.h"

#define NAME_COLUMNS 24
#define TOLD_FROM 0.005		/* smaller shares are 0 % */
#define TOLD_MAX 3

static const struct {
	const char *word, *letters, *help;	/* help: NULL: the word */
} parts[BLAME_COUNT] = {
	[BLAME_masked] = { "masked", "msk" },
	[BLAME_disabled] = { "disabled", "dis" },
	[BLAME_blocked] = { "blocked", "blk" },
	[BLAME_entry] = { "entry", "ent" },
	[BLAME_descheduled] = { "descheduled", "off", "off CPU" },
	[BLAME_in_guest] = { "in guest", "gst", "guest" },
	[BLAME_in_host] = { "in host", "hst", "host" },
};

const char *why_part(unsigned int part)
{
	return parts[part].word;
}

/* "msk", and with a share: "msk 93%". */
static bool is_short(const char *text, const char *letters)
{
	size_t length = strlen(letters);

	return strncasecmp(text, letters, length) == 0 && (!text[length] || text[length] == ' ');
}

unsigned int why_find_part(const char *text)
{
	size_t length = strlen(text);

	for (unsigned int part = 0; part < BLAME_COUNT; part++)
		if (is_short(text, parts[part].letters) || (parts[part].help && strcasecmp(text, parts[part].help) == 0) ||
		    (length >= 3 && strncasecmp(text, parts[part].word, length) == 0))
			return part;
	return BLAME_COUNT;
}

const char *why_reject(unsigned int reject)
{
	static const char *const names[REJECT_COUNT] = {
		[REJECT_ENOENT] = "ENOENT", [REJECT_EPERM] = "EPERM", [REJECT_EBUSY] = "EBUSY", [REJECT_OTHER] = "other",
	};

	return names[reject];
}

double why_share(const struct model_blame *blame, unsigned int part)
{
	uint64_t total = model_blame_total(blame);

	return total ? (double)blame->ns[part] / total : 0;
}

char *why_short(char *buf, size_t size, const struct model_blame *blame)
{
	unsigned int part = model_blame_main(blame);

	if (model_blame_total(blame))
		snprintf(buf, size, "%s %.0f%%", parts[part].letters, why_share(blame, part) * 100);
	else
		*buf = '\0';
	return buf;
}

/* The largest part that has not been named yet, or BLAME_COUNT. */
static unsigned int next_part(const struct model_blame *blame, unsigned int told)
{
	unsigned int next = BLAME_COUNT;

	for (unsigned int part = 0; part < BLAME_COUNT; part++) {
		if (told & 1U << part || why_share(blame, part) < TOLD_FROM)
			continue;
		if (next == BLAME_COUNT || blame->ns[part] > blame->ns[next])
			next = part;
	}
	return next;
}

char *why_late(char *buf, size_t size, const struct model_late *late)
{
	unsigned int told = 0, part;
	size_t length = 0;
	char age[FORMAT_SIZE];

	*buf = '\0';
	for (int i = 0; i < TOLD_MAX && (part = next_part(&late->blame, told)) < BLAME_COUNT; i++) {
		length += snprintf(buf + length, size - length, "%s%.0f%% %s", i ? ", " : "",
				   why_share(&late->blame, part) * 100, parts[part].word);
		if (part == BLAME_blocked && late->blocked_by != SDEI_NONE && length < size)
			length += snprintf(buf + length, size - length, " by event %" PRIu32, late->blocked_by);
		if (length >= size)
			break;
		told |= 1U << part;
	}
	if (late->stood_ns && length < size)
		snprintf(buf + length, size - length, "; and its VM stood still for %s", format_age(age, sizeof(age), late->stood_ns));
	return buf;
}

char *why_where(char *buf, size_t size, const struct model_finding *finding, const char *name)
{
	int length = snprintf(buf, size, "VM %" PRIu32 " %.*s", finding->vm, (int)text_cut(name, NAME_COLUMNS, NULL), name);

	if (finding->vcpu != SDEI_NONE && length < (int)size)
		length += snprintf(buf + length, size - length, " vCPU %" PRIu32, finding->vcpu);
	if (finding->event != SDEI_NONE && length < (int)size)
		snprintf(buf + length, size - length, " event %" PRIu32, finding->event);
	return buf;
}

const struct model_vm *why_vm_of(const struct model *m, uint32_t pid, uint32_t instance)
{
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);

	for (size_t i = 0; i < count; i++)
		if (vms[i]->pid == pid && vms[i]->instance == instance)
			return vms[i];
	return NULL;
}

const struct model_vm *why_vm(const struct model *m, const struct model_finding *finding)
{
	return why_vm_of(m, finding->vm, finding->instance);
}

struct finding_counts why_count(const struct model *m)
{
	struct finding_counts counts = { .all = model_totals(m)->findings_unkept };
	size_t count;
	const struct model_finding *findings = model_findings(m, &count);

	counts.all += count;
	for (size_t i = 0; i < count; i++)
		counts.open += findings[i].open;
	return counts;
}

char *why_counts(char *buf, size_t size, const struct finding_counts *counts)
{
	const char *noun = counts->all == 1 ? "finding" : "findings";

	if (!counts->all)
		snprintf(buf, size, "%s", "");
	else if (!counts->open)
		snprintf(buf, size, "%" PRIu64 " %s", counts->all, noun);
	else if (counts->open == counts->all)
		snprintf(buf, size, "%" PRIu64 " %s open", counts->all, noun);
	else
		snprintf(buf, size, "%" PRIu64 " %s, %" PRIu64 " open", counts->all, noun, counts->open);
	return buf;
}
