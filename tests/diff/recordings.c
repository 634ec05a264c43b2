// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes recordings whose latencies are as unpleasant as real ones: skewed, with a long tail, and alike for a while, because the
 * load of the host goes up and down. recordings DIR FIRST COUNT [NAME=VALUE…]: DIR/FIRST to DIR/(FIRST + COUNT - 1), each with a
 * seed of its own. Values: episodes; entry, handler, masked, refused: in percent of what they are otherwise; memory: for how many
 * episodes the load stays alike; scatter: in percent, how much whole recordings differ; drift: in percent, over the recording.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/lib/recording_scene.h"

#define US 1000ULL
#define RE (SDEI_REGISTERED | SDEI_ENABLED)
#define VM 1201
#define VCPUS 2
#define CALL_EVERY 20		/* episodes */
#define ITEMS_PER_EPISODE 6

struct wish {
	const char *name;
	double value;
};

enum wish_number { EPISODES, ENTRY, HANDLER, MASKED, REFUSED, MEMORY, SCATTER, DRIFT };

static struct wish wishes[] = {
	[EPISODES] = { "episodes", 2000 }, [ENTRY] = { "entry", 100 }, [HANDLER] = { "handler", 100 }, [MASKED] = { "masked", 100 },
	[REFUSED] = { "refused", 100 }, [MEMORY] = { "memory", 20 }, [SCATTER] = { "scatter", 0 }, [DRIFT] = { "drift", 0 },
};

static double share(enum wish_number number)
{
	return wishes[number].value / 100;
}

struct writing {
	struct recording_item *items;
	size_t count;
	uint64_t seed;
	double load;		/* logarithm */
};

/* splitmix64: neighbouring seeds give sequences that have nothing to do with each other. */
static double uniform(struct writing *w)
{
	uint64_t z = w->seed += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return ((z ^ z >> 31) >> 11) * 0x1p-53 + 0x1p-54;
}

static double normal(struct writing *w)
{
	double radius = sqrt(-2 * log(uniform(w)));

	return radius * cos(2 * M_PI * uniform(w));
}

/* Lognormal; one in 50 takes several times as long. */
static uint64_t duration(struct writing *w, double median_us, double spread)
{
	double us = median_us * exp(spread * normal(w));

	if (uniform(w) < 0.02)
		us *= 2 + 10 * uniform(w);
	return us * US + 1;
}

static struct recording_item *put(struct writing *w, struct recording_item item)
{
	w->items[w->count] = item;
	return &w->items[w->count++];
}

static struct recording_item *put_record(struct writing *w, uint64_t time_ns, uint32_t vcpu, uint32_t event, uint8_t kind, uint8_t state,
					 uint8_t outcome)
{
	struct sdei_record record = {
		.time_ns = time_ns, .vm = VM, .vcpu = vcpu, .event = event, .kind = kind, .state = state, .outcome = outcome,
	};

	if (kind == SDEI_MASK || kind == SDEI_UNMASK)
		record.error = 1;	/* it was not before */
	return put(w, record_item(record));
}

static void put_call(struct writing *w, uint64_t time_ns, uint32_t vcpu)
{
	struct recording_item *item = put_record(w, time_ns, vcpu, 0, SDEI_CALL, RE, 0);

	item->size = sizeof(struct sdei_record_call);
	item->record.call.function = 0xc4000022;	/* EVENT_ENABLE */
	item->record.head.result = uniform(w) * 100 < 30 * share(REFUSED) ? -2 : 0;
}

/* Signal to complete, now and then with the PE masked meanwhile; when it ended. */
static uint64_t put_episode(struct writing *w, uint64_t time_ns, uint32_t vcpu, uint32_t event, double load)
{
	bool masked = uniform(w) < 0.15;
	uint8_t mask = masked ? SDEI_MASKED : 0;

	if (masked)
		put_record(w, time_ns - 2 * US, vcpu, SDEI_NONE, SDEI_MASK, SDEI_MASKED, 0);
	put_record(w, time_ns, vcpu, event, SDEI_SIGNAL, RE | SDEI_PENDING | mask, SDEI_QUEUED);
	if (masked) {
		time_ns += duration(w, 30, 0.6) * share(MASKED);
		put_record(w, time_ns, vcpu, SDEI_NONE, SDEI_UNMASK, 0, 0);
	}
	time_ns += duration(w, 8, 0.5) * load * share(ENTRY);
	put_record(w, time_ns, vcpu, event, SDEI_DISPATCH, RE | SDEI_RUNNING, 0);
	time_ns += duration(w, 25, 0.4) * pow(load, 0.3) * share(HANDLER);
	put_record(w, time_ns, vcpu, event, SDEI_COMPLETE, RE, SDEI_COMPLETED);
	return time_ns;
}

static double next_load(struct writing *w)
{
	double keep = exp(-1 / wishes[MEMORY].value);

	w->load = keep * w->load + sqrt(1 - keep * keep) * 0.25 * normal(w);
	return exp(w->load);
}

/* Each vCPU sees its events one after the other; the load is that of the host. The end. */
static uint64_t put_episodes(struct writing *w)
{
	uint64_t now_ns[VCPUS] = { RECORDED_BEGIN_NS, RECORDED_BEGIN_NS };
	size_t episodes = wishes[EPISODES].value;
	double scatter = exp(share(SCATTER) * normal(w));

	w->load = 0.25 * normal(w);
	for (size_t i = 0; i < episodes; i++) {
		uint32_t vcpu = i % VCPUS;
		double load = next_load(w) * scatter * (1 + share(DRIFT) * i / episodes);

		now_ns[vcpu] += duration(w, 15000, 0.8);
		if (i % CALL_EVERY == 0)
			put_call(w, now_ns[vcpu] - 100 * US, vcpu);
		now_ns[vcpu] = put_episode(w, now_ns[vcpu], vcpu, i % 8 == 7 ? 2 : 0, load);
	}
	return now_ns[0] > now_ns[1] ? now_ns[0] : now_ns[1];
}

static void write_one(struct writing *w, const char *directory, uint64_t seed)
{
	const struct recording_about about = {
		.major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .version = "0.1.0", .host = "synthetic", .cpus = 2, .uuid = { seed },
	};

	w->seed = seed * 0x2545f4914f6cdd1dULL;
	w->count = 0;
	put(w, status_item(RECORDED_BEGIN_NS, false));
	put(w, status_item(put_episodes(w), true));
	qsort(w->items, w->count, sizeof(*w->items), compare_items);
	mkdir(directory, 0777);
	record_items(directory, &about, w->items, w->count);
}

static int take_wish(const char *word)
{
	for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		size_t length = strlen(wishes[i].name);

		if (strncmp(word, wishes[i].name, length) == 0 && word[length] == '=') {
			wishes[i].value = atof(word + length + 1);
			return 0;
		}
	}
	fprintf(stderr, "recordings: %s: not known\n", word);
	return -1;
}

int main(int argc, char **argv)
{
	struct writing w = { 0 };
	char directory[512];

	if (argc < 4) {
		fprintf(stderr, "usage: recordings DIR FIRST COUNT [NAME=VALUE…]\n");
		return 2;
	}
	for (int i = 4; i < argc; i++)
		if (take_wish(argv[i]))
			return 2;
	w.items = calloc(wishes[EPISODES].value * ITEMS_PER_EPISODE + 2, sizeof(*w.items));
	if (!w.items)
		return 1;
	mkdir(argv[1], 0777);
	for (int i = 0; i < atoi(argv[3]); i++) {
		int number = atoi(argv[2]) + i;

		snprintf(directory, sizeof(directory), "%s/%06d", argv[1], number);
		write_one(&w, directory, number + 1);
	}
	free(w.items);
	return 0;
}
