// SPDX-License-Identifier: GPL-2.0-only
/* sdeitop join: what it prints, against golden files; its exit statuses; what it says of recordings that cannot be joined, or are hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/commands.h"
#include "tests/unit/lib/run_in_folder.h"
#include "tests/unit/lib/two_sides.h"
#include "util/exit_status.h"

#define COMMAND cmd_join

static struct two_sides sides;

/* The VM's name, and on the host that of the VM that it may be next. */
static void record_side(const char *name, const char *kernel, uint32_t vm, const char *vm_name, struct recording_item *items, size_t count)
{
	struct recording_about about = {
		.uuid = { 7 }, .major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .version = "0.1.0", .host = "here",
		.clock_offset_ns = RECORDED_WALL_OFFSET, .cpus = 2,
	};

	snprintf(about.kernel, sizeof(about.kernel), "%s", kernel);
	memmove(items + 3, items + 1, (count - 1) * sizeof(*items));
	items[1] = (struct recording_item){ .kind = ITEM_NAME, .time_ns = items[0].time_ns, .name = { .vm = vm, .text = vm_name } };
	items[2] = items[1];
	if (vm == TWO_SIDES_VM)
		items[2].name.vm = TWO_SIDES_MOVED;
	record_as(name, &about, items, count + 2);
}

/* NAME.host and NAME.guest */
static void record_scene(const char *name, const char *vm_name, struct two_sides_scene scene)
{
	char side[64];

	two_sides_make(&sides, &scene);
	snprintf(side, sizeof(side), "%s.host", name);
	record_side(side, "6.12.0-kvm", TWO_SIDES_VM, vm_name, sides.host, sides.host_count);
	snprintf(side, sizeof(side), "%s.guest", name);
	record_side(side, "7.3.4", SDEI_THIS_MACHINE, "this guest, KVM", sides.guest, sides.guest_count);
}

#define SCENE(...) ((struct two_sides_scene){ __VA_ARGS__ })

static int make_recordings(void **state)
{
	assert_int_equal(make_folder(state), 0);
	record_scene("plain", "web", SCENE(.slope = 50e-6));
	record_scene("step", "web", SCENE(.step_at = 100, .step_ns = 2000000000, .seed = 5));
	record_scene("lacks", "web", SCENE(.host_lacks = 10));
	record_scene("moved", "web", SCENE(.step_at = 100, .step_ns = 300000000, .moves = true, .counter = true, .other_vm = true));
	record_scene("other", "web", SCENE(.seed = 4711));
	record_scene("evil\033[2J", "v\033]0;x\a\"m", SCENE(.episodes = 20));
	record_scene("two", "web", SCENE(.other_vm = true));
	record_scene("regular", "web", SCENE(.period_ns = 1000000000, .alike = true, .no_calls = true, .episodes = 30));
	record_scene("cut", "web", SCENE(.seed = 9));
	cut_recording(path_of("cut.guest"));
	return 0;
}

/* What the lab has recorded: a stock Linux as a guest, and its host. */
static void test_of_the_lab(void **state)
{
	char *const text[] = { "join", "tests/data/recording-host", "tests/data/recording-guest", NULL };
	char *const json[] = { "join", "--json", text[1], text[2], NULL };

	assert_int_equal(run_command(&cmd_join, (char **)text, NULL, output, sizeof(output)), EXIT_DONE);
	assert_golden("join-lab.txt", output);
	assert_int_equal(run_command(&cmd_join, (char **)json, NULL, output, sizeof(output)), EXIT_DONE);
	assert_golden("join-lab.json", output);
}

static void test_joined(void **state)
{
	assert_int_equal(RUN("plain.host", "plain.guest"), EXIT_DONE);
	assert_says("JOINED            211 signals, 211 handlers, 1055 calls\n");
	assert_says("CLOCK host = guest -17.434296s +49.999 ppm, within ");
	assert_says("ONLY IN THE GUEST 0 signals, 0 handlers, 0 calls\n");
	assert_says("ONLY ON THE HOST  0 signals, 0 handlers, 0 calls\n");
}

static void test_step(void **state)
{
	CHECK("join-step.txt", EXIT_DONE, "--time", "mono", "step.host", "step.guest");
	assert_int_equal(RUN("-j", "step.host", "step.guest"), EXIT_DONE);
	assert_says("\"moved_ns\":1999999");
}

static void test_output(void **state)
{
	char line[64];
	FILE *file;

	assert_int_equal(RUN("-o", "out.txt", "plain.host", "plain.guest"), EXIT_DONE);
	assert_string_equal(output, "");
	file = fopen(path_of("out.txt"), "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_int_equal(fclose(file), 0);
	assert_int_equal(strncmp(line, "HOST  web (1201), ", 18), 0);
}

/* Of all rows together: the events whose whole way is known. */
static unsigned int count_events(void)
{
	static const char total[] = "\"total\":{\"count\":";
	unsigned int count = 0;

	for (const char *at = output; (at = strstr(at, total)); at++)
		count += strtoul(at + sizeof(total) - 1, NULL, 10);
	return count;
}

/* Of all clocks, the last one that is named. */
static double error_ns(void)
{
	static const char error[] = "\"error_ns\":";
	const char *last = NULL;

	for (const char *at = output; (at = strstr(at, error)); at++)
		last = at;
	assert_non_null(last);
	return strtod(last + sizeof(error) - 1, NULL);
}

#define MIDDLE "4.2s"

/* Events are of that time, each of one part only; the clock, and what is joined, are of all. */
static void test_range(void **state)
{
	unsigned int early, late;
	double error;

	assert_int_equal(RUN("-j", "plain.host", "plain.guest"), EXIT_DONE);
	assert_int_equal(count_events(), TWO_SIDES_EPISODES);
	assert_says_not("\"from_ns\":");
	error = error_ns();
	assert_int_equal(RUN("-j", "--until", MIDDLE, "plain.host", "plain.guest"), EXIT_DONE);
	early = count_events();
	assert_true(error_ns() == error);
	assert_int_equal(RUN("-j", "--since", MIDDLE, "plain.host", "plain.guest"), EXIT_DONE);
	late = count_events();
	assert_true(error_ns() == error);
	assert_says("\"from_ns\":");
	assert_in_range(early, TWO_SIDES_EPISODES / 4, TWO_SIDES_EPISODES * 3 / 4);
	assert_int_equal(early + late, TWO_SIDES_EPISODES);
	assert_int_equal(RUN("--since", MIDDLE, "plain.host", "plain.guest"), EXIT_DONE);
	assert_says("JOINED            211 signals, 211 handlers, 1055 calls\n");
	assert_says("\nEvents dispatched from ");
	assert_int_equal(RUN("--since", "1h", "plain.host", "plain.guest"), EXIT_USAGE);
	assert_says("--since and --until leave nothing of the recording");
}

/* --- as slices, on one clock */

struct slice {
	unsigned int vm, vcpu;
	unsigned long long from, to;
};

static size_t read_handlers(struct slice *slices, size_t room)
{
	size_t count = 0;
	char *rest;

	for (char *line = strtok_r(output, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct slice *s = &slices[count];

		if (sscanf(line, "handler,%u,0,\"%*[^\"]\",%u,0,%llu,%llu,", &s->vm, &s->vcpu, &s->from, &s->to) != 4)
			continue;
		count++;
		assert_true(count < room);
	}
	return count;
}

static bool is_within_one(const struct slice *inner, const struct slice *slices, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slices[i].vm == TWO_SIDES_VM && slices[i].vcpu == inner->vcpu && slices[i].from <= inner->from && inner->to <= slices[i].to)
			return true;
	return false;
}

/* Each handler of the guest runs within one of the host's. */
static void check_slices(unsigned int handlers)
{
	static struct slice slices[1024];
	size_t count = read_handlers(slices, sizeof(slices) / sizeof(slices[0])), guests = 0;

	for (size_t i = 0; i < count; i++) {
		if (slices[i].vm != SDEI_THIS_MACHINE)
			continue;
		guests++;
		assert_true(is_within_one(&slices[i], slices, count));
	}
	assert_int_equal(guests, handlers);
	assert_int_equal(count - guests, handlers);
}

static void test_csv(void **state)
{
	assert_int_equal(RUN("--csv", "plain.host", "plain.guest"), EXIT_DONE);
	check_slices(TWO_SIDES_EPISODES);
	assert_int_equal(RUN("--csv", "step.host", "step.guest"), EXIT_DONE);
	check_slices(TWO_SIDES_EPISODES);
}

/* Of each side, the handlers that begin in that time. */
static void test_csv_range(void **state)
{
	static struct slice slices[1024];
	size_t early, late, guests = 0, room = sizeof(slices) / sizeof(slices[0]);

	assert_int_equal(RUN("--csv", "--until", MIDDLE, "plain.host", "plain.guest"), EXIT_DONE);
	early = read_handlers(slices, room);
	for (size_t i = 0; i < early; i++)
		guests += slices[i].vm == SDEI_THIS_MACHINE;
	assert_in_range(guests, TWO_SIDES_EPISODES / 4, TWO_SIDES_EPISODES * 3 / 4);
	assert_int_equal(early, 2 * guests);
	assert_int_equal(RUN("--csv", "--since", MIDDLE, "plain.host", "plain.guest"), EXIT_DONE);
	late = read_handlers(slices, room);
	assert_int_equal(early + late, 2 * TWO_SIDES_EPISODES);
}

static void test_traces(void **state)
{
	struct stat st;

	assert_int_equal(RUN("--chrome", "plain.host", "plain.guest"), EXIT_DONE);
	assert_says("\"VM 1 this guest, KVM\"");
	assert_says("\"VM 1201 web\"");
	assert_int_equal(RUN("--perfetto", "-o", "trace", "plain.host", "plain.guest"), EXIT_DONE);
	assert_string_equal(output, "");
	assert_int_equal(stat(path_of("trace"), &st), 0);
	assert_true(st.st_size > 10000);
}

/* The page but for its style, which is that of a report. */
static const char *page(void)
{
	const char *main = strstr(output, "<main>");

	assert_non_null(main);
	return main;
}

static void test_html(void **state)
{
	char *const lab[] = { "join", "--html", "tests/data/recording-host", "tests/data/recording-guest", NULL };

	assert_int_equal(run_command(&cmd_join, (char **)lab, NULL, output, sizeof(output)), EXIT_DONE);
	assert_golden("join-lab.html", page());
	assert_int_equal(RUN("--html", "step.host", "step.guest"), EXIT_DONE);
	assert_says("<td>+2.000000s<td>");
	assert_says_not("Of the events that were dispatched from ");
	assert_int_equal(RUN("--html", "--since", MIDDLE, "plain.host", "plain.guest"), EXIT_DONE);
	assert_says("Of the events that were dispatched from ");
	assert_says("<tr><th scope=row>both<td>211<td>211<td>1055\n");
}

static void test_hostile_html(void **state)
{
	assert_int_equal(RUN("--html", "evil\033[2J.host", "evil\033[2J.guest"), EXIT_DONE);
	assert_says_not("\033");
	assert_says_not("\a");
	assert_says("evil\\x1b[2J.host");
	assert_says("v\\x1b]0;x\\x07&#34;m");
}

/* What recordings and their names say is shown, not done. */
static void test_hostile(void **state)
{
	CHECK("join-hostile.txt", EXIT_DONE, "evil\033[2J.host", "evil\033[2J.guest");
	assert_int_equal(RUN("-j", "evil\033[2J.host", "evil\033[2J.guest"), EXIT_DONE);
	assert_says_not("\033");
	assert_says_not("\a");
}

static void test_incomplete(void **state)
{
	assert_int_equal(RUN("lacks.host", "lacks.guest"), EXIT_INCOMPLETE);
	assert_says("ONLY IN THE GUEST 0 signals, 21 handlers, 0 calls\n");
	assert_says("ONLY ON THE HOST  0 signals, 0 handlers, 0 calls\n");
	assert_int_equal(RUN("cut.host", "cut.guest"), EXIT_INCOMPLETE);
	assert_says("cut off");
}

static void test_refused(void **state)
{
	assert_int_equal(RUN("plain.host", "other.guest"), EXIT_FAILED);
	assert_says("the two recordings have too little in common");
	assert_int_equal(RUN("regular.host", "regular.guest"), EXIT_FAILED);
	assert_says("the two recordings fit together in more than one way");
	assert_int_equal(RUN("plain.guest", "plain.host"), EXIT_FAILED);
	assert_says("plain.guest is not of a KVM host: the first recording has to be the host's");
	assert_int_equal(RUN("plain.host", "step.host"), EXIT_FAILED);
	assert_says("step.host is not of a guest by itself: 'sdeitop record --client' in the guest makes one");
	assert_int_equal(RUN("nothing", "plain.guest"), EXIT_FAILED);
	assert_says("nothing");
}

static void test_one_of_two_vms(void **state)
{
	assert_int_equal(RUN("two.host", "two.guest"), EXIT_FAILED);
	assert_says("on the host, VMs 1201 and 1202 use SDEI: choose the guest with -p or -g");
	assert_int_equal(RUN("-p", "1201", "two.host", "two.guest"), EXIT_DONE);
	assert_says("HOST  web (1201), ");
	assert_int_equal(RUN("-g", "we*", "two.host", "two.guest"), EXIT_DONE);
	assert_int_equal(RUN("-p", "1", "two.host", "two.guest"), EXIT_FAILED);
	assert_says("nothing in the two recordings can be compared");
}

/* A guest that went on in another VM of the host is both, whichever is chosen. */
static void test_moved(void **state)
{
	assert_int_equal(RUN("moved.host", "moved.guest"), EXIT_FAILED);
	assert_says("on the host, VMs 1201 and 1302 use SDEI");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(RUN("-p", i ? "1301" : "1201", "moved.host", "moved.guest"), EXIT_DONE);
		assert_says("HOST  web (1201), then web (1301), ");
		assert_says("JOINED            211 signals, 211 handlers, 1055 calls\n");
		assert_says("ONLY IN THE GUEST 0 signals, 0 handlers, 0 calls\n");
		assert_says("the offset moved by +300.000");
		assert_says("COUNTER times of the guest are placed by it: ");
	}
	assert_int_equal(RUN("-j", "-p", "1301", "moved.host", "moved.guest"), EXIT_DONE);
	assert_says("\"vm\":1201,\"name\":\"web\",\"moved_to\":[{\"vm\":1301,\"name\":\"web\"}]");
	assert_says("\"used\":true");
	assert_int_equal(count_events(), TWO_SIDES_EPISODES);
	assert_int_equal(RUN("--html", "-p", "1301", "moved.host", "moved.guest"), EXIT_DONE);
	assert_says("1201 <span class=name>web</span>, then 1301 <span class=name>web</span>");
	assert_int_equal(RUN("--chrome", "-p", "1201", "moved.host", "moved.guest"), EXIT_DONE);
	assert_says("\"VM 1201 web\"");
	assert_says("\"VM 1301 web\"");
	assert_says_not("\"VM 1302");
}

static void test_usage(void **state)
{
	assert_int_equal(RUN("plain.host"), EXIT_USAGE);
	assert_says("two recordings are needed: HOST and GUEST");
	assert_int_equal(RUN(NULL), EXIT_USAGE);
	assert_int_equal(RUN("a", "b", "c"), EXIT_USAGE);
	assert_int_equal(RUN("--json", "--csv", "a", "b"), EXIT_USAGE);
	assert_says("give only one of --json, --html, --perfetto, --chrome and --csv");
	assert_int_equal(RUN("--help"), EXIT_DONE);
	assert_says("Legs of an event's way:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_the_lab),
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_step), cmocka_unit_test(test_range), cmocka_unit_test(test_csv_range), cmocka_unit_test(test_html), cmocka_unit_test(test_hostile_html),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_traces),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_one_of_two_vms),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_usage),
	};

	return cmocka_run_group_tests(tests, make_recordings, remove_folder);
}
