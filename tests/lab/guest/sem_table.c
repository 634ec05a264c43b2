// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state table: each of the 19 calls in each state of an event, called by the main program and by handlers, with the
 * PE masked and not. After sdei-reference.md sections 2 and 3 (DEN0054C, and TF-A where it is silent).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define NR_STATES 10
#define FIRST_RUNNING 5

static const char *const states[NR_STATES] = {
	"----", "R---", "R--P", "RE--", "RE-P", "R-U-", "R-UP", "REU-", "REUP", "--U-",
};

/*
 * A cell: the result (0, V any value, S the status bits, M 1 if unmasked before, else 0; I INVALID_PARAMETERS, D DENIED,
 * P PENDING, O OUT_OF_RESOURCE, - does not return), then the next state, = the same; before a dispatch that it makes possible.
 */
struct row {
	const char *name, *call;
	const char *cells[NR_STATES];
	const char *blocked;	/* where another event's handler calls, in place of the first five; NULL as they say */
};

#define ALL(cell) { cell, cell, cell, cell, cell, cell, cell, cell, cell, cell }
#define IDLE(cell) cell, cell, cell, cell, cell
#define COMPLETION { IDLE("D ="), "- R---", "- R--P", "- RE--", "- RE-P", "- ----" }

static const struct row rows[] = {
	{ "VERSION", "version", ALL("V ="), NULL },
	{ "EVENT_REGISTER", "register 0", { "0 R---", "D =", "D =", "D =", "D =", "D =", "D =", "D =", "D =", "D =" }, NULL },
	{ "EVENT_ENABLE", "enable 0",
	  { "D =", "0 RE--", "0 RE-P", "0 =", "0 =", "0 REU-", "0 REUP", "0 =", "0 =", "D =" }, NULL },
	{ "EVENT_DISABLE", "disable 0",
	  { "D =", "0 =", "0 =", "0 R---", "0 R--P", "0 =", "0 =", "0 R-U-", "0 R-UP", "D =" }, NULL },
	{ "EVENT_CONTEXT", "context 0", { IDLE("D ="), IDLE("V =") }, "V =" },
	{ "EVENT_COMPLETE", "complete", COMPLETION, "- =" },
	{ "EVENT_COMPLETE_AND_RESUME", "resume", COMPLETION, "- =" },
	{ "EVENT_UNREGISTER", "unregister 0",
	  { "D =", "0 ----", "0 ----", "0 ----", "0 ----", "P --U-", "P --U-", "P --U-", "P --U-", "P =" }, NULL },
	{ "EVENT_STATUS", "status 0", ALL("S ="), NULL },
	{ "EVENT_GET_INFO", "info 0 0", ALL("0 ="), NULL },
	{ "EVENT_ROUTING_SET", "routing-set 0 0 0", ALL("I ="), NULL },
	{ "PE_MASK", "mask", ALL("M ="), NULL },
	{ "PE_UNMASK", "unmask", ALL("0 ="), NULL },
	{ "INTERRUPT_BIND", "bind 32", ALL("O ="), NULL },
	{ "INTERRUPT_RELEASE", "release 0", ALL("I ="), NULL },
	{ "EVENT_SIGNAL", "signal 0 self",
	  { "I =", "0 R--P", "0 =", "0 RE-P", "0 =", "0 R-UP", "0 =", "0 REUP", "0 =", "I =" }, NULL },
	{ "FEATURES", "features 0", ALL("V ="), NULL },
	{ "PRIVATE_RESET", "private-reset", { IDLE("0 ----"), IDLE("D --U-") }, "D ----" },
	{ "SHARED_RESET", "shared-reset", ALL("0 ="), NULL },
};

/* Ways to be in a state. */
enum caller { CALLER_MAIN, CALLER_HANDLER, CALLER_OTHER_HANDLER };
static const char *const caller_names[] = { "main", "handler", "other-handler" };

struct cell {
	const struct row *row;
	unsigned int state;
	enum caller caller;
	bool masked;
};

static unsigned int bits_of(const char *state)
{
	return (state[0] == 'R') * 1 | (state[1] == 'E') * 2 | (state[2] == 'U') * 4;
}

static const char *expected_cell(const struct cell *cell)
{
	if (cell->caller == CALLER_OTHER_HANDLER && cell->row->blocked)
		return cell->row->blocked;
	return cell->row->cells[cell->state];
}

/* From unregistered: `register 0`, `enable 0`…; running states begin in the handler, as REU-. */
static const char *set_up(unsigned int state)
{
	static const char *const steps[NR_STATES] = {
		"", "register 0\n", "register 0\nsignal 0 self\n", "register 0\nenable 0\n",
		"register 0\nenable 0\nsignal 0 self\n",
		"disable 0\n", "disable 0\nsignal 0 self\n", "", "signal 0 self\n", "unregister 0 -> PENDING\n",
	};

	return steps[state];
}

static const char *result_text(const struct cell *cell, char result)
{
	static char number[8];

	switch (result) {
	case 'I': return "INVALID_PARAMETERS";
	case 'D': return "DENIED";
	case 'P': return "PENDING";
	case 'O': return "OUT_OF_RESOURCE";
	case 'V': return "SUCCESS";
	case 'M': return cell->masked ? "0" : "1";
	case 'S':
		snprintf(number, sizeof(number), "%u", bits_of(states[cell->state]));
		return number;
	default: return "0";
	}
}

/* The call itself as a statement. COMPLETE ends a handler; elsewhere it is a call like others, and refused. */
static void write_call(FILE *out, const struct cell *cell, const char *expected)
{
	bool completes = !strncmp(cell->row->name, "EVENT_COMPLETE", 14);

	if (*expected == '-')
		fprintf(out, "%s\n", cell->row->call);
	else if (completes)
		fprintf(out, "call %s 0x40000000 -> %s\n", cell->row->name, result_text(cell, *expected));
	else
		fprintf(out, "%s -> %s\n", cell->row->call, result_text(cell, *expected));
}

static bool masked_after(const struct cell *cell)
{
	if (!strcmp(cell->row->name, "PE_MASK"))
		return true;
	return cell->masked && strcmp(cell->row->name, "PE_UNMASK");
}

/* Before the call, the call, and what it must have led to, in the caller's own program. */
static void write_test(FILE *out, const struct cell *cell, const char *next)
{
	const char *expected = expected_cell(cell);
	bool dispatches = cell->caller == CALLER_MAIN && !strcmp(next, "RE-P") && !masked_after(cell);

	fprintf(out, "state 0 %s%c\n", states[cell->state], cell->masked ? 'M' : '-');
	write_call(out, cell, expected);
	if (*expected == '-')
		return;
	if (dispatches)
		next = "RE--";
	fprintf(out, "state 0 %s%c\nstatus 0 -> %u\n", next, masked_after(cell) ? 'M' : '-', bits_of(next));
}

static void write_main(FILE *out, const struct cell *cell, const char *next)
{
	fprintf(out, "handler 0\nstate 0 REU--\ncomplete\nend\n%s%s", cell->masked ? "" : "unmask\n", set_up(cell->state));
	write_test(out, cell, next);
	fprintf(out, "predict 0 dispatched=%d\n", !strcmp(next, "RE-P") && !masked_after(cell));
}

/* What is left when the handler has completed, and the run that follows if it is pending and may. */
static void write_aftermath(FILE *out, const struct cell *cell, const char *after, unsigned int runs_before)
{
	bool again = !strcmp(after, "RE-P") && !masked_after(cell);

	fprintf(out, "state 0 %s%c\npredict 0 dispatched=%u\n", again ? "RE--" : after, masked_after(cell) ? 'M' : '-',
		runs_before + again);
}

static void without_running(const char *state, char *result)
{
	strcpy(result, state);
	result[2] = '-';
}

static void write_handler(FILE *out, const struct cell *cell, const char *next)
{
	char after[8];

	without_running(next, after);
	fprintf(out, "handler 0\nonce\n%s%s", cell->masked ? "mask\n" : "", set_up(cell->state));
	write_test(out, cell, next);
	fputs("end\ncomplete\nend\nregister 0\nenable 0\nunmask\nsignal 0 self\n", out);
	write_aftermath(out, cell, after, 1);
}

static void write_other_handler(FILE *out, const struct cell *cell, const char *next)
{
	fprintf(out, "handler 0\nstate 0 REU--\ncomplete\nend\nhandler 2\n%s%s", cell->masked ? "mask\n" : "",
		set_up(cell->state));
	write_test(out, cell, next);
	fputs("complete\nend\nregister 2\nenable 2\nunmask\ninject 2 self\n", out);
	write_aftermath(out, cell, next, 0);
	fprintf(out, "state 2 %s\npredict 2 dispatched=1\n", strcmp(cell->row->name, "PRIVATE_RESET") ? "RE--" : "----");
}

static void (*const writers[])(FILE *, const struct cell *, const char *) = {
	[CALLER_MAIN] = write_main, [CALLER_HANDLER] = write_handler, [CALLER_OTHER_HANDLER] = write_other_handler,
};

static void run_cell(struct rig *rig, const struct cell *cell)
{
	const char *next = expected_cell(cell) + 2;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (*next == '=')
		next = states[cell->state];
	fputs("on all\n", out);
	writers[cell->caller](out, cell, next);
	fputs("private-reset\nmask -> any\n", out);
	fclose(out);
	rig_do(rig, text);
	free(text);
}

/* A pending event that may be dispatched is dispatched: the main program never sees itself in that state. */
static bool possible(const struct cell *cell)
{
	bool running = cell->state >= FIRST_RUNNING;

	if (running != (cell->caller == CALLER_HANDLER))
		return false;
	return cell->caller != CALLER_MAIN || cell->masked || strcmp(states[cell->state], "RE-P");
}

static void run_row(struct rig *rig, const struct row *row, enum caller caller, bool masked)
{
	for (unsigned int state = 0; state < NR_STATES; state++) {
		struct cell cell = { row, state, caller, masked };

		if (!possible(&cell) || !test_wanted("table/%s/%s/%s%s", row->name, states[state], caller_names[caller],
						     masked ? "/masked" : ""))
			continue;
		run_cell(rig, &cell);
		test_end();
	}
}

void run_state_table(void)
{
	struct rig rig = { 0 };

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned int way = 0; way < 6; way++)
			run_row(&rig, &rows[i], way / 2, way & 1);
	rig_down(&rig);
}
