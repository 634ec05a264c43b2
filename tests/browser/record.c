// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recordings and pages for browsers:
 *   record web                 prints the directory of the recording that the unit tests use, which it made
 *   record large|crowd|day|eternal|hostile|restore|empty DIR   writes a recording into DIR
 *   record long FILE           writes the page of a VM whose name has 64 KiB
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/vm_names.h"
#include "view/report/report.h"
#include "tests/random_bits.h"
#include "tests/unit/lib/recording_scene.h"

#define MS RECORDED_NS_PER_MS
#define US (MS / 1000)
#define BEGIN RECORDED_BEGIN_NS
#define RE (SDEI_REGISTERED | SDEI_ENABLED)

#define VMS 4
#define VCPUS 16		/* of each */
#define COLUMNS 512
#define COLUMN (100 * MS)
#define ROOM (VMS * VCPUS * (COLUMNS * 7 + 100) + 1000)

static struct recording_item *items;
static size_t item_count;

static const struct recording_about about = {
	.uuid = "a page's own one", .major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .version = "0.1.0", .host = "recorder",
	.kernel = "6.12.1", .machine = "aarch64", .clock_offset_ns = RECORDED_WALL_OFFSET, .cpus = 2, .probes = "kvm_sdei_signal",
};

/* --- items */

static struct recording_item *put(struct recording_item item)
{
	assert_true(item_count < ROOM);
	items[item_count] = item;
	return &items[item_count++];
}

static void put_name(uint32_t vm, const char *text)
{
	struct recording_item *item = put((struct recording_item){ .kind = ITEM_NAME, .time_ns = BEGIN });

	item->name.vm = vm;
	item->name.text = text;
}

struct who {
	uint32_t vm, vcpu, event;
};

static struct sdei_record *put_record(uint64_t time_ns, struct who who, uint8_t kind, uint8_t state, uint8_t outcome)
{
	return &put(record_item((struct sdei_record){
		.time_ns = time_ns, .vm = who.vm, .vcpu = who.vcpu, .event = who.event, .kind = kind, .state = state, .outcome = outcome,
	}))->record.head;
}

static void put_call(uint64_t time_ns, struct who who, uint32_t function, int64_t result)
{
	struct sdei_record *head = put_record(time_ns, who, SDEI_CALL, RE, 0);
	struct recording_item *item = &items[item_count - 1];

	head->result = result;
	item->size = sizeof(item->record.call);
	item->record.call.function = function;
}

static void put_episode(uint64_t time_ns, struct who who, uint64_t latency_ns, uint64_t handler_ns)
{
	put_record(time_ns, who, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_QUEUED);
	put_record(time_ns + latency_ns, who, SDEI_DISPATCH, RE | SDEI_RUNNING, 0);
	put_record(time_ns + latency_ns + handler_ns, who, SDEI_COMPLETE, RE, SDEI_COMPLETED);
}

/* --- scenes */

static uint64_t dice(void)
{
	static uint64_t seed = 88172645463325252;

	return random_bits(&seed);
}

/* In each column something else than in the one before, of each vCPU: nothing of a plot can be drawn together. */
static void put_column(uint32_t vm, uint32_t vcpu, uint64_t t, unsigned int column)
{
	struct who who = { vm, vcpu, column % 3 }, pe = { vm, vcpu, SDEI_NONE };
	uint64_t latency = (1000ULL << dice() % 14) + dice() % 1000;

	put_episode(t + MS, who, latency, 5 * US + dice() % (100 * US));
	if (column % 5 == 0)
		put_record(t + 25 * MS, who, SDEI_SIGNAL, RE, SDEI_REJECTED)->error = -2;
	if (column % 7 == 0)
		put_call(t + 26 * MS, who, 0xC400002F, column % 2 ? -2 : 0);
	put_record(t + 30 * MS, pe, SDEI_MASK, RE | SDEI_MASKED, 0)->error = 1;
	put_record(t + 30 * MS + (column % 2 ? dice() % 20 : 30 + dice() % 30) * MS + 1, pe, SDEI_UNMASK, RE, 0);
}

static void large(void)
{
	for (uint32_t vm = 0; vm < VMS; vm++) {
		char name[32];

		snprintf(name, sizeof(name), "guest-number-%u", vm);
		put_name(31337 + vm, name);
		for (uint32_t vcpu = 0; vcpu < VCPUS; vcpu++)
			for (unsigned int column = 0; column < COLUMNS; column++)
				put_column(31337 + vm, vcpu, BEGIN + column * COLUMN, column);
	}
	for (unsigned int column = 10; column < COLUMNS; column += 10)
		put(status_item(BEGIN + column * COLUMN, false));
	put(status_item(BEGIN + COLUMNS * COLUMN, true));
}

/* More than tables and plots have room for. */
static void crowd(void)
{
	for (uint32_t vm = 0; vm < 20; vm++) {
		for (uint32_t vcpu = 0; vcpu < 30; vcpu++) {
			struct who who = { 500 + vm, vcpu, 0 }, pe = { 500 + vm, vcpu, SDEI_NONE };

			put_episode(BEGIN + dice() % (500 * MS), who, US + dice() % (100 * MS), US + dice() % MS);
			for (unsigned int i = dice() % 5; i > 0; i--)
				put_record(BEGIN + 700 * MS, who, SDEI_SIGNAL, RE, SDEI_REJECTED)->error = -2;
			put_record(BEGIN + 800 * MS, pe, SDEI_MASK, RE | SDEI_MASKED, 0)->error = 1;
			put_record(BEGIN + 800 * MS + dice() % (100 * MS), pe, SDEI_UNMASK, RE, 0);
		}
	}
	put(status_item(BEGIN + 1000 * MS, true));
}

/* Time in hours. */
static void day(void)
{
	for (uint64_t minute = 1; minute < 26 * 60; minute += 10)
		put_episode(BEGIN + minute * 60000 * MS, (struct who){ 500, 0, 0 }, minute * US, 100 * US);
	put(status_item(BEGIN + 26 * 3600000ULL * MS, true));
}

/* Times as late as can be. */
static void eternal(void)
{
	put_record(BEGIN + MS, (struct who){ 500, 0, 0 }, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_QUEUED);
	put_record(UINT64_MAX - 9, (struct who){ 500, 0, 0 }, SDEI_DISPATCH, RE | SDEI_RUNNING, 0);
	put_record(UINT64_MAX - 7, (struct who){ 500, 0, 0 }, SDEI_COMPLETE, RE, SDEI_COMPLETED);
	put(status_item(UINT64_MAX - 5, true));
}

/* Who can name a guest can try this. */
static const char *const evil[] = {
	"<script>window.pwned=1</script>",
	"\"><img src=http://127.0.0.1:9/x onerror=window.pwned=1>",
	"' onmouseover='window.pwned=1' x='",
	"</title></style></table></svg><script>window.pwned=1</script>",
	"a\nb\r\tc\033[2J\177",
	"&lt;b&gt; &amp; &#60;i&#62; \\x3cu\\x3e",
	"\xe2\x80\xae" "reversed \xe2\x80\x8b\xef\xbb\xbf",
	"\xff\xfe\xc3\x28 \xed\xa0\x80",
	"<!--", "]]>", "javascript:window.pwned=1", "{{7*7}}${7*7}",
	"caf\xc3\xa9 \xe6\xbc\xa2\xe5\xad\x97",
};
#define EVILS (sizeof(evil) / sizeof(evil[0]))

static void hostile(void)
{
	static char longest[RECORDING_NAME_MAX + 1];

	for (size_t i = 0; i < EVILS; i++)
		put_name(66 + i, evil[i]);
	memset(longest, '<', RECORDING_NAME_MAX);
	put_name(66 + EVILS, longest);
	for (size_t i = 0; i <= EVILS; i++) {
		struct who who = { 66 + i, 0, 0 };

		put_episode(BEGIN + (10 + i) * MS, who, (i + 1) * 10 * US, 100 * US);
		put_record(BEGIN + 500 * MS, who, SDEI_SIGNAL, RE, SDEI_REJECTED)->error = -2;
		put_record(BEGIN + 600 * MS, (struct who){ 66 + i, 0, SDEI_NONE }, SDEI_MASK, RE | SDEI_MASKED, 0)->error = 1;
	}
	put(status_item(BEGIN + 3000 * MS, true));
}

static struct sdei_record_apf *put_apf(uint64_t time_ns, uint32_t vcpu, uint8_t step, uint8_t outcome)
{
	struct sdei_record *head = put_record(time_ns, (struct who){ 4711, vcpu, SDEI_NONE }, SDEI_APF, 0, outcome);
	struct recording_item *item = &items[item_count - 1];

	head->origin = step;
	item->size = sizeof(item->record.apf);
	return &item->record.apf;
}

static void put_waited(uint64_t time_ns, uint32_t vcpu, uint64_t gfn, uint64_t duration_ns)
{
	struct sdei_record_apf *apf = put_apf(time_ns, vcpu, APF_SYNC, APF_FROM_USERFAULT);

	apf->gfn = gfn;
	apf->duration_ns = duration_ns;
}

static void put_quick(uint64_t time_ns, uint32_t vcpu, uint64_t faults, uint64_t duration_ns)
{
	struct sdei_record_apf *apf = put_apf(time_ns, vcpu, APF_QUICK, 0);

	apf->faults = faults;
	apf->duration_ns = duration_ns;
}

static void put_halted(uint64_t time_ns, uint32_t vcpu, uint64_t id, uint64_t ready_ns)
{
	put_apf(time_ns, vcpu, APF_SETUP, 0)->id = id;
	put_apf(time_ns + US, vcpu, APF_NOT_PRESENT, APF_HALTED)->id = id;
	put_apf(time_ns + ready_ns, vcpu, APF_READY, 0)->id = id;
	put_apf(time_ns + ready_ns + US, vcpu, APF_PRESENT, APF_SILENT)->id = id;
}

/* A VM that fetches its pages: many at first, then fewer and fewer; the last vCPU has none. */
static void restore(void)
{
	uint64_t id = 0;

	put_name(4711, "sandbox-17");
	for (uint32_t vcpu = 0; vcpu < 3; vcpu++) {
		for (uint64_t t = 2 * MS + vcpu; t < 2900 * MS; t += 3 * MS + t / (20 + 30 * vcpu)) {
			put_waited(BEGIN + t, vcpu, 0x1000 * vcpu + t / MS, 30 * US + dice() % (2 * MS));
			if (t / MS % 5 == 0)
				put_quick(BEGIN + t + 100 * US, vcpu, 1 + dice() % 40, dice() % (300 * US));
			if (t / MS % 7 == 0)
				put_halted(BEGIN + t + 200 * US, vcpu, ++id, 50 * US + dice() % MS);
		}
	}
	put_waited(BEGIN + 2950 * MS, 1, 0x77, 20 * MS);
	put_episode(BEGIN + 10 * MS, (struct who){ 4711, 3, 0 }, 10 * US, 10 * US);
	put(status_item(BEGIN + 3000 * MS, true));
}

static void empty(void)
{
	put(status_item(BEGIN + 1000 * MS, true));
}

static const struct scene {
	const char *name;
	void (*play)(void);
} scenes[] = { { "large", large }, { "crowd", crowd }, { "day", day }, { "eternal", eternal }, { "hostile", hostile }, { "restore", restore },
	      { "empty", empty } };

static int write_scene(const struct scene *scene, const char *directory)
{
	struct recording_about own = about;

	if (scene->play == hostile)
		strcpy(own.host, "</h1><script>window.pwned=1</script>");
	items = calloc(ROOM, sizeof(*items));
	if (!items)
		return 1;
	put(status_item(BEGIN, false));
	scene->play();
	/* Names come before the first record. */
	qsort(items + 1, item_count - 1, sizeof(*items), compare_items);
	record_items(directory, &own, items, item_count);
	free(items);
	return 0;
}

/* --- a name of 64 KiB, which no recording has room for */

static char *long_name(void *ctx, uint32_t pid, char uuid[GUEST_UUID_SIZE])
{
	static const char part[] = "<script>window.pwned=1</script>\n\"'";
	char *name = calloc(1, (64 << 10) + 1);

	for (size_t at = 0; name && at < 64 << 10; at++)
		name[at] = part[at % (sizeof(part) - 1)];
	return name;
}

static int write_long(const char *file)
{
	const struct model_options options = { .free_user = name_free };
	struct model *m = model_new(&options);
	struct status status = { .now_ns = BEGIN + 1000 * MS };
	struct report report = { .model = m, .status = &status, .about = &about, .begin_ns = BEGIN, .end_ns = BEGIN + 1000 * MS };
	FILE *out = fopen(file, "w");
	int err = 0;

	items = calloc(ROOM, sizeof(*items));
	if (!m || !out || !items)
		return 1;
	for (unsigned int i = 0; i < 40; i++)
		put_episode(BEGIN + i * MS, (struct who){ 66, i, 0 }, 10 * US, 10 * US);
	for (size_t i = 0; i < item_count && !err; i++)
		err = model_feed(m, &items[i].record.head, items[i].size);
	names_adopt(m, long_name, NULL, true);
	if (!err)
		err = report_html(out, &report);
	model_free(m);
	free(items);
	return fclose(out) != 0 || err;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "web") == 0)
		return puts(recorded_directory()) < 0;
	if (argc == 3 && strcmp(argv[1], "long") == 0)
		return write_long(argv[2]);
	for (size_t i = 0; argc == 3 && i < sizeof(scenes) / sizeof(scenes[0]); i++)
		if (strcmp(argv[1], scenes[i].name) == 0)
			return write_scene(&scenes[i], argv[2]);
	fputs("usage: record web | record large|crowd|day|eternal|hostile|restore|empty DIR | record long FILE\n", stderr);
	return 2;
}
