/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Images of a model, for libFuzzer. The first byte says how many of the bytes are steps: they feed a model, of which
 * an image is made at times. That must load, go on as the model does, and save as the same bytes. What is left of the bytes
 * changes the last image at any places; such a one may be refused, but must do no harm.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "model/apf.h"
#include "model/image.h"

#define HEAD_SIZE 12	/* magic and version */
#define CRC_SIZE 4

static const char *text_of(const void *user)
{
	return user;
}

static void *user_of(void *ctx, const char *text, const char *uuid)
{
	return strdup(text);
}

static const struct image_names names = { .text = text_of, .uuid = text_of, .user = user_of };
static const struct model_options options = { .free_user = free };

struct image {
	unsigned char *bytes;
	size_t size;
};

struct step {
	uint8_t what, vm_vcpu, event, state, outcome, origin, later, error;
};

static uint64_t now_ns;

static void need(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static struct image save(const struct model *m)
{
	struct image image = { NULL, 0 };

	need(!image_save(m, &names, &image.bytes, &image.size), "no image");
	return image;
}

/* Frees both. */
static void need_same(struct image a, struct image b)
{
	need(a.size == b.size && !memcmp(a.bytes, b.bytes, a.size), "not the same");
	free(a.bytes);
	free(b.bytes);
}

static struct model *copy_of(const struct model *m)
{
	struct image image = save(m);
	int err = 0;
	struct model *copy = image_load(image.bytes, image.size, &options, &names, &err);

	need(copy && !err, "its own image is refused");
	need_same(image, save(copy));
	return copy;
}

/* Few ids, so that steps of the same fault meet. */
static void feed_apf(struct model *m, const struct sdei_record *head, const struct step *s)
{
	struct sdei_record_apf r = { .head = *head, .id = s->state % 8, .gfn = s->error, .queued = s->state >> 3 };

	r.head.origin = s->origin % (APF_VCPU_END + 2);
	r.head.outcome = s->outcome % 10;
	model_feed(m, &r.head, sizeof(r));
}

static void feed_record(struct model *m, const struct step *s)
{
	struct sdei_record_call call = {
		.head = {
			.time_ns = s->later & 0x80 ? now_ns - (s->later & 0x7f) : now_ns,
			.vm = 1 + s->vm_vcpu / 4 % 3, .vcpu = s->vm_vcpu % 4, .event = s->event == 255 ? SDEI_NONE : s->event % 5,
			.kind = s->what % SDEI_KIND_COUNT, .state = s->state, .outcome = s->outcome, .origin = s->origin,
		},
		.function = SDEI_FN_FIRST + s->outcome % 24,
	};
	struct sdei_record_handler handler;

	if (call.head.kind == SDEI_CALL)
		call.head.result = -(s->error % 12);
	else
		call.head.error = (int8_t)s->error;
	memcpy(&handler.head, &call.head, sizeof(call.head));
	handler.ep_addr = handler.ep_arg = s->error;
	if (call.head.kind == SDEI_APF)
		feed_apf(m, &call.head, s);
	else if (call.head.kind == SDEI_REGISTER || call.head.kind == SDEI_STATE)
		model_feed(m, &handler.head, sizeof(handler));
	else
		model_feed(m, &call.head, call.head.kind == SDEI_CALL ? sizeof(call) : sizeof(call.head));
}

static void feed_lost(struct model *m, const struct step *s)
{
	struct sdei_lost_key key = {
		.vm = 1 + s->vm_vcpu / 4 % 3, .vcpu = s->vm_vcpu % 4, .event = s->event == 255 ? SDEI_NONE : s->event % 5,
		.kind = s->state % SDEI_KIND_COUNT, .outcome = s->outcome, .origin = s->origin, .error = (int8_t)s->error,
		.function = SDEI_FN_FIRST + s->error % 24,
	};

	model_feed_lost(m, &key, s->later);
}

enum { RECORDS_BELOW = 224, LOST, LOST_UNKNOWN, TICK, RESET, SETTLE, EXPIRE, EXPIRE_FINDINGS, INTERVALS, RECENT, JUMP, COPY };

static void take(struct model *m, const struct step *s)
{
	if (s->what < RECORDS_BELOW) {
		feed_record(m, s);
		return;
	}
	switch (s->what) {
	case LOST:
		feed_lost(m, s);
		break;
	case LOST_UNKNOWN:
		model_feed_lost(m, NULL, s->later);
		break;
	case TICK:
		model_tick(m, now_ns);
		break;
	case RESET:
		model_reset(m, now_ns);
		break;
	case SETTLE:
		model_settle(m, now_ns);
		break;
	case EXPIRE:
		model_expire(m, now_ns - s->state * 100);
		break;
	case EXPIRE_FINDINGS:
		model_expire_findings(m, now_ns - s->state * 100);
		break;
	case INTERVALS:
		model_keep_intervals(m, s->state & 1);
		break;
	case RECENT:
		model_keep_recent(m, s->state & 1);
		break;
	default:
		break;
	}
}

static void pass(const struct step *s)
{
	static const uint64_t jumps[] = { 1, 300000000, 1100000000, 1ULL << 36, 1ULL << 41, 1ULL << 63 };

	now_ns += s->what == JUMP ? jumps[s->state % 6] : s->later & 0x7f;
}

static void check_faults(const struct model_vm *vm)
{
	struct model_apf sum;

	need(!model_apf_sum(vm, NULL, true, &sum), "no sum");
	apf_release(&sum);
	need(!model_vm_apf(vm, &sum), "no sum");
	need(sum.in_flight <= 64 * vm->vcpu_count && sum.slow_count <= APF_SLOW_COUNT, "more faults than there can be");
	for (unsigned int i = 0; i < APF_STAGE_COUNT; i++)
		hist_quantile(sum.stage[i], 0.99);
	(void)apf_unaccounted(&sum);
	apf_release(&sum);
}

static void check_events(const struct model *m)
{
	size_t vms;
	struct model_vm *const *vm = model_vms(m, &vms);
	struct model_late late;

	for (size_t i = 0; i < vms; i++) {
		check_faults(vm[i]);
		for (size_t k = 0; k < vm[i]->vcpu_count; k++) {
			const struct model_vcpu *v = vm[i]->vcpus[k];

			for (size_t j = 0; j < v->event_count; j++) {
				const struct model_event *e = v->events[j];

				model_event_open(e, now_ns, &late);
				hist_quantile(e->dispatch, 0.99);
				hist_stddev(e->dispatch);
				(void)(model_unaccounted(e) + model_unaccounted_handlers(e));
			}
		}
	}
}

/* The model and, from some step on, its copy. */
static struct model *run(const struct step *steps, size_t count)
{
	struct model *m = model_new(&options), *copy = NULL;

	now_ns = 1000;
	for (size_t i = 0; i < count; i++) {
		pass(&steps[i]);
		take(m, &steps[i]);
		if (copy)
			take(copy, &steps[i]);
		if (steps[i].what == COPY) {
			model_free(copy);
			copy = copy_of(m);
		}
	}
	if (copy)
		need_same(save(m), save(copy));
	model_free(copy);
	return m;
}

/* Each change: where, and what the byte becomes. */
static void damage(struct image *image, const uint8_t *changes, size_t size)
{
	for (; size >= 3; changes += 3, size -= 3) {
		size_t at = HEAD_SIZE + (changes[0] | changes[1] << 8) % (image->size - HEAD_SIZE - CRC_SIZE);

		image->bytes[at] = changes[2];
	}
}

static void sign(struct image *image)
{
	uint32_t crc = crc32_z(0, image->bytes, image->size - CRC_SIZE);

	for (unsigned int i = 0; i < CRC_SIZE; i++)
		image->bytes[image->size - CRC_SIZE + i] = crc >> 8 * i & 0xff;
}

static void go_on(struct model *m, const struct step *steps, size_t count)
{
	check_events(m);
	for (size_t i = 0; i < count; i++) {
		pass(&steps[i]);
		take(m, &steps[i]);
	}
	model_tick(m, now_ns += 2000000000);
	check_events(m);
	model_free(copy_of(m));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	size_t count = size ? (size - 1) * bytes[0] / 256 / sizeof(struct step) : 0;
	struct step *steps = calloc(count + 1, sizeof(*steps));
	struct model *m, *damaged;
	struct image image;
	int err = 0;

	if (count)
		memcpy(steps, bytes + 1, count * sizeof(*steps));
	m = run(steps, count);
	image = save(m);
	model_free(m);
	if (size)
		damage(&image, bytes + 1 + count * sizeof(*steps), size - 1 - count * sizeof(*steps));
	sign(&image);
	damaged = image_load(image.bytes, image.size, &options, &names, &err);
	need(!damaged == !!err, "an error and a model");
	if (damaged) {
		need_same(image, save(damaged));
		go_on(damaged, steps, count);
		model_free(damaged);
	} else {
		free(image.bytes);
	}
	free(steps);
	return 0;
}
