/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The real screen on a real terminal: tmux runs this program with --show, which
 * runs top.c on a crafted model, types keys and compares what is to be seen.
 */
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/text.h"
#include "view/figures/page_apf.h"
#include "view/figures/page_event.h"
#include "view/figures/page_senders.h"
#include "view/screen/terminal.h"
#include "view/screen/top.h"
#include "tests/unit/lib/terminal_driver.h"
#include "tests/unit/lib/view_scene.h"

/* --- what runs inside of tmux */

static volatile sig_atomic_t resized, go_on;

static void take_signal(int signal)
{
	if (signal == SIGWINCH)
		resized = 1;
	else
		go_on = 1;
}

#define MS 1000000ULL

/* A replay of a minute and a half, but for its model; it says what is wished. */
static void obey(struct top *top, enum top_action wish, struct replay_status *replay)
{
	static const char *const wishes[] = {
		[TOP_PLAY] = "play", [TOP_STEP] = "step", [TOP_STEP_BACK] = "step back", [TOP_FASTER] = "faster",
		[TOP_SLOWER] = "slower", [TOP_TO_START] = "to the start", [TOP_TO_END] = "to the end",
		[TOP_NEXT_FINDING] = "next finding", [TOP_PREVIOUS_FINDING] = "previous finding", [TOP_WORST] = "to the worst",
	};

	if (wish == TOP_JUMP)
		top_say(top, "jump to '%s'", top_jump_text(top));
	else if (wish >= TOP_PLAY)
		top_say(top, "%s", wishes[wish]);
	if (wish == TOP_PLAY)
		replay->playing = !replay->playing;
	if (wish == TOP_TO_END)
		*replay = (struct replay_status){ .position_ns = 90000 * MS, .length_ns = 90000 * MS, .ended = true, .jump_percent = -1 };
	if (wish == TOP_TO_START)
		*replay = (struct replay_status){ .position_ns = 3723400 * MS, .length_ns = 7200000 * MS, .speed = -3, .jump_percent = 34 };
	replay->speed += (wish == TOP_FASTER) - (wish == TOP_SLOWER);
}

static void select_finding(struct top *top, const struct model *m, size_t which)
{
	size_t count;
	const struct model_finding *findings = model_findings(m, &count);

	if (which < count)
		top_select_finding(top, &findings[which]);
}

static int show(const char *scene, bool replay)
{
	static const uint64_t marks[] = { 8000 * MS, 12100 * MS, 81000 * MS };
	const struct top_options options = { .delay_ms = 1000, .utf8 = terminal_is_utf8(), .replay = replay };
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	enum top_action wish = TOP_REDRAW;
	struct status status;
	struct model *m = scene_new(scene, &status);
	struct top *top = top_open(&options);

	status.replay = (struct replay_status){
		.position_ns = 12300 * MS, .length_ns = 90000 * MS, .speed = 1, .playing = true, .jump_percent = -1,
		.marks = marks, .mark_count = 3,
	};
	signal(SIGWINCH, take_signal);
	signal(SIGUSR1, take_signal);
	while (wish != TOP_QUIT) {
		if (wish == TOP_RESET)
			model_reset(m, status.now_ns);
		status.delay_ns = top_delay_ms(top) * 1000000;
		top_draw(top, m, &status);
		wish = TOP_REDRAW;
		if (poll(&in, 1, -1) > 0)
			wish = top_keys(top);
		obey(top, wish, &status.replay);
		if (wish == TOP_NEXT_FINDING || wish == TOP_PREVIOUS_FINDING)
			select_finding(top, m, wish == TOP_NEXT_FINDING);
		if (resized)
			top_resize(top);
		if (go_on)
			scene_go_on(m, &status);
		resized = go_on = 0;
	}
	top_close(top);
	model_free(m);
	puts("screen left");
	return 0;
}

/* --- what is seen */

static void test_80x24(void **state)
{
	open_screen(UTF8, "small", 80, 24);
	assert_screen("screen-80x24.txt", "Quit");
}

static void test_60x15(void **state)
{
	open_screen(UTF8, "small", 60, 15);
	assert_screen("screen-60x15.txt", "Quit");
}

static void test_160x50(void **state)
{
	open_screen(UTF8, "small", 160, 50);
	assert_screen("screen-160x50.txt", "Quit");
}

static void test_tiny(void **state)
{
	open_screen(UTF8, "small", 20, 4);
	assert_screen("screen-20x4.txt", "vCPU");
}

static void test_empty(void **state)
{
	open_screen(UTF8, "empty", 80, 24);
	assert_screen("screen-empty.txt", "Quit");
}

/* Rows of VMs that are gone are not below "0 VMs". */
static void test_gone(void **state)
{
	open_screen(UTF8, "gone", 80, 24);
	assert_screen("screen-gone.txt", "Quit");
}

static void test_hostile_names(void **state)
{
	open_screen(UTF8, "hostile", 120, 10);
	assert_screen("screen-hostile.txt", "Quit");
}

static void test_ascii(void **state)
{
	open_screen("LC_ALL=C NO_COLOR=1 TERM=vt100", "small", 100, 12);
	assert_screen("screen-ascii.txt", "Quit");
}

static void test_resize(void **state)
{
	open_screen(UTF8, "small", 80, 24);
	free(await("Quit"));
	tmux("resize-window -x 60 -y 15");
	assert_screen("screen-60x15.txt", "m Map\n");
	tmux("resize-window -x 160 -y 50");
	assert_screen("screen-160x50.txt", "H99us");
}

static void test_sort(void **state)
{
	open_screen(UTF8, "small", 80, 24);
	free(await("Quit"));
	type("o");
	assert_screen("screen-sort.txt", "Enter sorts");
	type("Up Up Up Enter");
	free(await("by dispatched"));
	type("P");
	free(await("by p99"));
	type("D");
	free(await("by drops"));
	type("F6");
	free(await("Enter sorts"));
	type("Escape S");
	free(await("by signals"));
	type("'>'");
	free(await("by dispatched"));
	type("'<'");
	free(await("by signals"));
	type("R");
	assert_screen("screen-sorted.txt", "by signals\u2191");
}

static void test_filter(void **state)
{
	open_screen(UTF8, "small", 80, 24);
	free(await("Quit"));
	type("f 'WEB|43' Enter");
	assert_screen("screen-filter.txt", "filter: WEB|43");
	type("'\\' C-u 'nobody' Enter");
	free(await("Nothing matches"));
	type("f C-u '(' Enter");
	free(await("character 1: not a regular expression"));
	type("C-u 'p98>3' Enter");	/* the line stays, to be put right */
	assert_screen("screen-filter-wrong.txt", "character 1: no column is called 'p98'");
	type("BSpace BSpace BSpace BSpace '99>fast' Enter");
	free(await("character 5: 'fast' is not a time"));
	type("Escape");
	free(await("Nothing matches"));
	type("f C-u 'vm=web*' Space 'p99>100us' Enter");
	assert_screen("screen-filter-terms.txt", "p99>100us");
	type("c");
	assert_screen("screen-80x24.txt", "db");
}

/* What is typed selects at once; Esc goes back. */
static void test_search(void **state)
{
	open_screen(UTF8, "many", 80, 24);
	free(await("Quit"));
	type("/ 'p99<1ms' Space 'vcpu=7'");
	assert_screen("screen-search.txt", "vcpu=7");
	type("F3");
	free(await("2000008 qemu-s    7"));
	type("Escape");
	free(await("2000019 qemu-s   99"));
	type("F3 'p99<1ms' Space 'vcpu=7' Enter n N N");
	free(await("2000000 qemu-s    7"));
	type("/ Enter");
	free(await("2000009 qemu-s    7"));
	type("/ 'p99<fast' Enter");
	free(await("character 5: 'fast' is not a time"));
	type("Escape / nobody");
	free(await("nothing matches 'nobody'"));
}

/* Which columns, in which order; what is too wide is cut off on the right. */
static void test_columns(void **state)
{
	open_screen(UTF8, "small", 80, 24);
	free(await("Quit"));
	type("F2 Home Down Space");	/* no name */
	free(await("[ ]   NAME"));
	type("End Up Space");		/* T99us */
	free(await("[x]   T99us"));
	for (int i = 0; i < 17; i++)
		type("F7");
	assert_screen("screen-columns.txt", "Enter sorts");
	type("Escape");
	assert_screen("screen-columns-chosen.txt", "T99us");
	type("o d Escape");
	assert_screen("screen-80x24.txt", "NAME");
}

/* A click on a title, on a row, on that once more, on a key; and the wheel. */
static void test_mouse(void **state)
{
	open_screen(UTF8, "many", 80, 24);
	free(await("Quit"));
	type_bytes("1b 5b 4d 20 55 23 1b 5b 4d 23 55 23");
	free(await("by p99"));
	type_bytes("1b 5b 4d 20 55 23 1b 5b 4d 23 55 23");
	free(await("by p99\u2191"));
	for (int i = 0; i < 10; i++)
		type_bytes("1b 5b 4d 61 30 30");
	free(await("2000000 qemu-s   30"));
	type_bytes("1b 5b 4d 20 30 25 1b 5b 4d 23 30 25");
	type_bytes("1b 5b 4d 20 30 25 1b 5b 4d 23 30 25");
	free(await("> event 0"));
	type("Escape");
	type_bytes("1b 5b 4d 20 2a 38 1b 5b 4d 23 2a 38");
	free(await("Keys"));
	type_bytes("1b 5b 4d 61 30 30");
	free(await("more lines below"));
	type("q");
	free(await("by p99"));
}

static void test_help(void **state)
{
	open_screen(UTF8, "small", 80, 24);
	free(await("Quit"));
	type("h");
	assert_screen("screen-help.txt", "Keys");
	type("NPage NPage");
	free(await("D DROP"));
	type("End");
	assert_screen("screen-help-end.txt", "The end.");
	type("Up");
	free(await("1 more line below"));
	type("Home");
	assert_screen("screen-help.txt", "Keys");
	type("q");
	assert_screen("screen-80x24.txt", "Quit");
}

/* The selected row is a vCPU's, not a place on the screen. */
static void test_selection(void **state)
{
	char *screen;

	open_screen(UTF8, "many", 80, 24);
	free(await("Quit"));
	type("End");
	free(await("2000000 "));
	type("Home NPage NPage");
	free(await("1961"));
	type("R");
	screen = await("\u2191");
	assert_non_null(strstr(screen, "1960"));
	free(screen);
}

static void test_pause(void **state)
{
	open_screen(UTF8, "small", 80, 24);
	free(await("Quit"));
	type("Space");
	free(await("PAUSED"));
	signal_screen("USR1");
	type("s 2.5 Enter");
	assert_screen("screen-paused.txt", "PAUSED");
	type("Space");
	assert_screen("screen-after-pause.txt", "every 2.5s");
}

static void test_columns_scroll(void **state)
{
	open_screen(UTF8, "small", 80, 24);
	free(await("Quit"));
	type("Right Right Right Right Right Right");
	assert_screen("screen-scrolled.txt", "CANC/s");
	type("Left Left Left Left Left Left Left");
	assert_screen("screen-80x24.txt", "SIG/s");
}

static void test_reset(void **state)
{
	open_screen(UTF8, "small", 80, 24);
	free(await("Quit"));
	type("r");
	assert_screen("screen-reset.txt", "figures start anew");
}

/* Keys as bytes, on terminals whose description lacks them: each is itself, or nothing. */
static void sequences_on(const char *environment)
{
	static const struct {
		const char *bytes, *answer;
	} keys[] = {
		{ "1b 5b 34 7e", "2000000 " }, { "1b 5b 31 7e", "by max" },	/* End, Home of tmux, screen and PuTTY */
		{ "1b 5b 38 7e", "2000000 " }, { "1b 5b 37 7e", "by max" },	/* of rxvt */
		{ "1b 4f 46", "2000000 " }, { "1b 4f 48", "by max" },	/* of xterm's application mode */
		{ "1b 5b 46", "2000000 " }, { "1b 5b 48", "by max" },	/* of xterm */
		/* None that is used: 3, R, 2 and what else is in them are no keys. */
		{ "1b 5b 31 3b 35 52", "by max" }, { "1b 5b 3c 33 3b 32 3b 31 4d", "by max" }, { "1b 5b 4d 32 32 52", "by max" },
		{ "1b 5b 32 30 30 7e", "by max" },
	};

	open_screen(environment, "many", 80, 24);
	free(await("Quit"));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char *screen;

		type_bytes(keys[i].bytes);
		type("i");	/* comes after all of them */
		free(await(i % 2 ? "only events in use" : "all events"));
		screen = await(keys[i].answer);
		assert_true(!strstr(screen, "2000000 ") == (strcmp(keys[i].answer, "2000000 ") != 0));
		assert_null(strstr(screen, "vCPUs  all"));
		free(screen);
	}
	type("h");
	free(await("Keys"));
	type_bytes("1b");
	free(await("by max"));
}

static void test_sequences_vt100(void **state)
{
	sequences_on("LC_ALL=C TERM=vt100");
}

static void test_sequences_xterm(void **state)
{
	sequences_on(UTF8 " TERM=xterm");
}

static void test_sequences_screen(void **state)
{
	sequences_on(UTF8 " TERM=screen");
}

static void test_sequences_linux(void **state)
{
	sequences_on(UTF8 " TERM=linux");
}

static void test_sequences_vt220(void **state)
{
	sequences_on(UTF8 " TERM=vt220");
}

static void test_sequences_rxvt(void **state)
{
	sequences_on(UTF8 " TERM=rxvt");
}

/* After quitting and after a crash, the terminal echoes again and is where it was. */
static void leave_by(void (*leave)(void))
{
	char *screen;

	open_screen(UTF8, "small", 80, 24);
	free(await("Quit"));
	leave();
	for (int i = 0; i < 100; i++) {
		/* In this order: what is captured is what was left behind. */
		screen = left_behind();
		if (strstr(screen, "alternate 0 cursor 1"))
			break;
		free(screen);
		screen = NULL;
		nap();
	}
	assert_non_null(screen);
	assert_null(strstr(screen, "Sanitizer"));
	free(screen);
	type("'echoed'");
	free(await("echoed"));
}

static void by_q(void)
{
	type("q");
}

static void by_crash(void)
{
	signal_screen("SEGV");
}

static void test_quit(void **state)
{
	leave_by(by_q);
}

static void test_crash(void **state)
{
	leave_by(by_crash);
}

/* --- deeper screens */

static void test_levels(void **state)
{
	open_screen(UTF8, "trouble", 80, 24);
	free(await("Quit"));
	type("1");
	assert_screen("screen-vms.txt", "all VMs");
	type("Enter");
	assert_screen("screen-vcpus.txt", "db > vCPUs");
	type("Enter");
	assert_screen("screen-events.txt", "vCPU 3 > events");
	type("Down Enter");
	free(await("vCPU 3 > event 2"));
	type("Escape");
	free(await("vCPU 3 > events"));
	type("BSpace");
	free(await("db > vCPUs"));
	type("Escape");
	assert_screen("screen-vms.txt", "all VMs");
	type("2");
	free(await("all vCPUs"));
	type("3");
	free(await("EV "));
}

/*
 * A page is made without a terminal, and the goldens of the report have it whole. The screen shows the lines of it that find room
 * between the title and the foot: what stands there is compared with the page, made here of the same scene.
 */
#define ALL_VCPUS -1
#define PAIRS_MAX 1000

enum made_by { BY_EVENT, BY_APF, BY_SENDERS };

struct expected_page {
	const char *scene, *title;
	enum made_by made_by;
	uint32_t pid;
	int vcpu;		/* or ALL_VCPUS */
	bool ascii, recent;
	enum { FROM_START, ONE_PAGE_DOWN, TO_END } scrolled;
};

static void make_page(struct page *page, const struct expected_page *expected, const struct model *m, const struct status *status,
		      unsigned int width)
{
	const struct page_scope scope = { .status = status, .interval_ns = status->delay_ns, .width = width, .rows = 12,
					  .utf8 = !expected->ascii, .recent = expected->recent };
	const struct model_vm *vm = model_vm(m, expected->pid);
	const struct model_vcpu *vcpu = expected->vcpu == ALL_VCPUS ? NULL : model_vcpu(vm, expected->vcpu);

	if (expected->made_by == BY_EVENT)
		page_event(page, vcpu, model_event(vcpu, 1), &scope);
	else if (expected->made_by == BY_APF)
		page_apf(page, vm, vcpu, &scope);
	else
		page_senders(page, vm, vcpu, status, PAIRS_MAX);
}

static char *page_text(const struct expected_page *expected, unsigned int width)
{
	struct status status;
	struct model *m = scene_new(expected->scene, &status);
	struct page page = { 0 };
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	status.delay_ns = 1000 * MS;
	make_page(&page, expected, m, &status, width);
	page_print(&page, out);
	page_clear(&page);
	model_free(m);
	fclose(out);
	return text;
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; (text = strchr(text, '\n')); text++)
		count++;
	return count;
}

/* What stands between the title and the foot, in screen itself; NULL: another page is shown. */
static char *below_title(char *screen, const char *title)
{
	char line[256], *start, *foot;

	snprintf(line, sizeof(line), "\n%s\n", title);
	start = strstr(screen, line);
	if (!start)
		return NULL;
	start += strlen(line);
	screen[strlen(screen) - 1] = '\0';
	foot = strrchr(screen, '\n');
	foot[1] = '\0';
	return start;
}

static const char *after_lines(const char *text, size_t lines)
{
	while (lines--)
		text = strchr(text, '\n') + 1;
	return text;
}

/* The next line as a terminal has it: cut, and without blanks at its end. Past the page's end all are empty. */
static void take_line(const char **text, unsigned int width, char *line, size_t room)
{
	size_t length = strcspn(*text, "\n");

	snprintf(line, room, "%.*s", (int)length, *text);
	for (length = text_cut(line, width, NULL); length && line[length - 1] == ' ';)
		length--;
	line[length] = '\0';
	*text += strcspn(*text, "\n");
	*text += **text == '\n';
}

static bool is_part(char *shown, const char *page, const struct expected_page *expected, unsigned int width)
{
	size_t room = count_lines(shown), count = count_lines(page);
	char want[1024], *line;

	page = after_lines(page, expected->scrolled == FROM_START ? 0 : expected->scrolled == TO_END ? count - room : room);
	while (room--) {
		take_line(&page, width, want, sizeof(want));
		line = strsep(&shown, "\n");
		if (strcmp(line, want) != 0)
			return false;
	}
	return true;
}

static void assert_page(const struct expected_page *expected, unsigned int width)
{
	char *page = page_text(expected, width), *screen = NULL, *shown;

	for (int i = 0; i < 400; i++) {
		free(screen);
		screen = await(expected->title);
		shown = below_title(screen, expected->title);
		if (shown && is_part(shown, page, expected, width))
			goto out;
		nap();
	}
	print_error("not the page '%s'\n%s", expected->title, page);
	fail();
out:
	free(screen);
	free(page);
}

static struct expected_page open_event_page(const char *environment, int width, int height)
{
	open_screen(environment, "trouble", width, height);
	free(await("Quit"));
	type("f 'event=1' Enter Enter");
	return (struct expected_page){ .scene = "trouble", .title = "VM 1201 web-1 > vCPU 0 > event 1", .pid = 1201 };
}

static void test_event_page(void **state)
{
	struct expected_page page = open_event_page(UTF8, 80, 24);

	assert_screen("screen-event.txt", "> event 1");
	assert_page(&page, 80);
	type("NPage");
	page.scrolled = ONE_PAGE_DOWN;
	assert_page(&page, 80);
	type("End");
	page.scrolled = TO_END;
	assert_page(&page, 80);
	type("t");
	free(await("times of the last interval"));
	type("Home");
	page.scrolled = FROM_START;
	page.recent = true;
	assert_page(&page, 80);
	free(await("interval's times"));
}

static void test_event_page_wide(void **state)
{
	struct expected_page page = open_event_page(UTF8, 160, 50);

	assert_page(&page, 160);
}

static void test_event_page_small(void **state)
{
	struct expected_page page = open_event_page(UTF8, 60, 15);

	assert_page(&page, 60);
}

static void test_event_page_ascii(void **state)
{
	struct expected_page page = open_event_page("LC_ALL=C NO_COLOR=1 TERM=vt100", 80, 50);

	page.ascii = true;
	assert_page(&page, 80);
}

static void test_restore_findings(void **state)
{
	open_screen(UTF8, "restored", 80, 24);
	free(await("Quit"));
	type("F");
	assert_screen("screen-findings-restored.txt", "creadr-lost");
}

static void test_findings(void **state)
{
	open_screen(UTF8, "trouble", 80, 24);
	free(await("Quit"));
	type("F");
	assert_screen("screen-findings.txt", "drop-burst");
	type("Down");
	assert_screen("screen-findings-second.txt", "handler has been");
	type("Enter");
	free(await("vCPU 3 > event 0"));
	type("Escape");
	assert_screen("screen-findings-second.txt", "handler has been");
	tmux("resize-window -x 160 -y 50");
	assert_screen("screen-findings-160x50.txt", "handler has been");
	tmux("resize-window -x 60 -y 15");
	assert_screen("screen-findings-60x15.txt", "handler has been");
}

static void test_no_findings(void **state)
{
	open_screen(UTF8, "empty", 80, 24);
	free(await("Quit"));
	type("F");
	free(await("No findings."));
	type("Enter");
	type("Escape");
	free(await("No SDEI event"));
	type("1 Enter m");
	free(await("all VMs"));
}

/* Paused, a page and the findings stay what they were; another level is taken from now. */
static void test_pause_deep(void **state)
{
	open_screen(UTF8, "trouble", 80, 24);
	free(await("Quit"));
	type("Space f 'event=1' Enter Enter");
	free(await("PAUSED"));
	free(await("> event 1"));
	signal_screen("USR1");
	type("Down Up");
	free(await("00:00:30"));
	type("Escape c 2");
	free(await("all vCPUs"));
	free(await("00:00:30"));
}

/* Of a row, of a VM, and back to the table. */
static void test_calls(void **state)
{
	open_screen(UTF8, "trouble", 80, 24);
	free(await("Quit"));
	type("1 C");
	assert_screen("screen-calls.txt", "results");
	type("Escape");
	free(await("NAME"));
}

/* Of a VM and of a vCPU, in all sizes. */
static void test_apf(void **state)
{
	const struct expected_page vm = { .scene = "apf", .title = "VM 1201 web-1", .made_by = BY_APF, .pid = 1201, .vcpu = ALL_VCPUS };
	struct expected_page vcpu = { .scene = "apf", .title = "VM 4312 db > vCPU 0", .made_by = BY_APF, .pid = 4312 };

	open_screen(UTF8, "apf", 80, 24);
	free(await("Quit"));
	type("1 A");
	assert_page(&vm, 80);
	tmux("resize-window -x 160 -y 50");
	assert_page(&vm, 160);
	tmux("resize-window -x 60 -y 15");
	assert_page(&vm, 60);
	tmux("resize-window -x 80 -y 24");
	type("Escape 2 Down A");
	assert_page(&vcpu, 80);
	type("t");
	free(await("Last, us"));
	vcpu.recent = true;
	type("x");	/* no key: the message goes */
	assert_page(&vcpu, 80);
	type("Escape");
	free(await("all vCPUs"));
	type("3 f vm=4312 Enter Enter");	/* it has no event: then its faults are what there is */
	assert_screen("screen-apf-no-event.txt", "Outcomes");
}

static void test_apf_ascii(void **state)
{
	const struct expected_page vm = { .scene = "apf", .title = "VM 4312 db", .made_by = BY_APF, .pid = 4312, .vcpu = ALL_VCPUS,
					  .ascii = true };

	open_screen("LC_ALL=C NO_COLOR=1 TERM=vt100", "apf", 80, 40);
	free(await("Quit"));
	type("1 Down A");
	assert_page(&vm, 80);
}

static void test_apf_none(void **state)
{
	open_screen(UTF8, "trouble", 80, 24);
	free(await("Quit"));
	type("1 A");
	free(await("no page fault seen"));
	type("C");
	free(await("results"));
	type("I");
	free(await("unanswered"));
}

/* Of a VM all pairs, of an event those to its vCPU; the same key leads back. */
static void test_senders(void **state)
{
	const struct expected_page vm = { .scene = "small", .title = "VM 4312 db", .made_by = BY_SENDERS, .pid = 4312, .vcpu = ALL_VCPUS };

	open_screen(UTF8, "small", 80, 24);
	free(await("Quit"));
	type("1 I");
	assert_page(&vm, 80);
	type("Escape");
	free(await("all VMs"));
	type("3 I");
	free(await("unanswered"));
	type("I");
	free(await("Counts"));
}

static void test_map(void **state)
{
	open_screen(UTF8, "small", 80, 24);
	free(await("Quit"));
	for (int i = 0; i < 5; i++) {
		signal_screen("USR1");
		nap();
	}
	free(await("00:00:03"));
	type("1 f 'web' Enter m");
	free(await("over time"));
	type("Escape");
	free(await("all VMs"));
}

/* --- a recording's */

#define REPLAY UTF8, "trouble --replay"

static void test_replay(void **state)
{
	open_screen(REPLAY, 80, 24);
	assert_screen("screen-replay-80x24.txt", "Quit");
	tmux("resize-window -x 160 -y 50");
	assert_screen("screen-replay-160x50.txt", "every 1s");
	tmux("resize-window -x 60 -y 15");
	assert_screen("screen-replay-60x15.txt", "1 VMs\n");
	type("'}'");
	assert_screen("screen-replay-end.txt", "to the end");
	tmux("resize-window -x 80 -y 24");
	type("'{'");
	assert_screen("screen-replay-jump.txt", "going 34%");
}

static void test_replay_ascii(void **state)
{
	open_screen("LC_ALL=C NO_COLOR=1 TERM=vt100", "trouble --replay", 100, 16);
	assert_screen("screen-replay-ascii.txt", "Quit");
}

static void test_replay_keys(void **state)
{
	static const struct {
		const char *keys, *answer;
	} keys[] = {
		{ "Space", "paused" }, { "']'", "step" }, { "'['", "step back" }, { "'+'", "faster" }, { "'='", "x8" },
		{ "-", "slower" }, { "w", "to the worst" }, { "'}'", "to the end" }, { "'{'", "to the start" }, { "b +10s Enter", "jump to '+10s'" },
		{ "S-Left", "step back" }, { "S-Right", "step\n" },
	};

	open_screen(REPLAY, 80, 24);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		free(await("Quit"));
		type(keys[i].keys);
		free(await(keys[i].answer));
		type("x");	/* no key: the message goes */
	}
	type("h");
	assert_screen("screen-replay-help.txt", "Keys");
}

/* The one that was found is selected, in the list as it is then. */
static void test_replay_findings(void **state)
{
	open_screen(REPLAY, 80, 24);
	free(await("Quit"));
	type("n");
	assert_screen("screen-replay-finding.txt", "next finding");
	type("N");
	free(await("previous finding"));
	type("Escape");
	free(await("by max"));
}

/* They are none where nothing is replayed. */
static void test_no_replay_keys(void **state)
{
	open_screen(UTF8, "small", 80, 24);
	free(await("Quit"));
	type("']' '+' '}'");
	type("h");
	assert_screen("screen-help.txt", "Keys");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_80x24, close_screen),
		cmocka_unit_test_teardown(test_60x15, close_screen),
		cmocka_unit_test_teardown(test_160x50, close_screen),
		cmocka_unit_test_teardown(test_tiny, close_screen),
		cmocka_unit_test_teardown(test_empty, close_screen),
		cmocka_unit_test_teardown(test_gone, close_screen),
		cmocka_unit_test_teardown(test_hostile_names, close_screen),
		cmocka_unit_test_teardown(test_ascii, close_screen),
		cmocka_unit_test_teardown(test_resize, close_screen),
		cmocka_unit_test_teardown(test_sort, close_screen),
		cmocka_unit_test_teardown(test_filter, close_screen),
		cmocka_unit_test_teardown(test_search, close_screen),
		cmocka_unit_test_teardown(test_columns, close_screen),
		cmocka_unit_test_teardown(test_mouse, close_screen),
		cmocka_unit_test_teardown(test_help, close_screen),
		cmocka_unit_test_teardown(test_selection, close_screen),
		cmocka_unit_test_teardown(test_pause, close_screen),
		cmocka_unit_test_teardown(test_columns_scroll, close_screen),
		cmocka_unit_test_teardown(test_reset, close_screen),
		cmocka_unit_test_teardown(test_levels, close_screen),
		cmocka_unit_test_teardown(test_event_page, close_screen),
		cmocka_unit_test_teardown(test_event_page_wide, close_screen),
		cmocka_unit_test_teardown(test_event_page_small, close_screen),
		cmocka_unit_test_teardown(test_event_page_ascii, close_screen),
		cmocka_unit_test_teardown(test_findings, close_screen), cmocka_unit_test_teardown(test_restore_findings, close_screen),
		cmocka_unit_test_teardown(test_no_findings, close_screen),
		cmocka_unit_test_teardown(test_pause_deep, close_screen),
		cmocka_unit_test_teardown(test_map, close_screen),
		cmocka_unit_test_teardown(test_calls, close_screen),
		cmocka_unit_test_teardown(test_apf, close_screen),
		cmocka_unit_test_teardown(test_apf_ascii, close_screen),
		cmocka_unit_test_teardown(test_apf_none, close_screen), cmocka_unit_test_teardown(test_senders, close_screen),
		cmocka_unit_test_teardown(test_replay, close_screen),
		cmocka_unit_test_teardown(test_replay_ascii, close_screen),
		cmocka_unit_test_teardown(test_replay_keys, close_screen),
		cmocka_unit_test_teardown(test_replay_findings, close_screen),
		cmocka_unit_test_teardown(test_no_replay_keys, close_screen),
		cmocka_unit_test_teardown(test_sequences_vt100, close_screen),
		cmocka_unit_test_teardown(test_sequences_xterm, close_screen),
		cmocka_unit_test_teardown(test_sequences_screen, close_screen),
		cmocka_unit_test_teardown(test_sequences_linux, close_screen),
		cmocka_unit_test_teardown(test_sequences_vt220, close_screen),
		cmocka_unit_test_teardown(test_sequences_rxvt, close_screen),
		cmocka_unit_test_teardown(test_quit, close_screen),
		cmocka_unit_test_teardown(test_crash, close_screen),
	};

	setlocale(LC_CTYPE, "");
	if (argc >= 3 && strcmp(argv[1], "--show") == 0)
		return show(argv[2], argc == 4 && strcmp(argv[3], "--replay") == 0);
	if (!prepare_terminal_driver()) {
		puts("skip screen tmux or pkill is missing");
		return 0;
	}
	if (argc == 2)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
