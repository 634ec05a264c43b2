// SPDX-License-Identifier: GPL-2.0-only
#include "script.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "vm.h"

#define MAX_WORDS 16
#define MAX_DEPTH 8
#define MAX_TEXT (1 << 20)
#define UNKNOWN_PE 0x7f7f7f7full	/* an affinity that no vCPU has */
#define SDEI_ID(call) (0xC4000020ull + (call))

struct embedded {
	const char *name, *text;
};
extern const struct embedded scenarios[];	/* built from scenarios/, name NULL at the end */

const char *const counted_names[NR_COUNTED] = {
	"signals", "queued", "coalesced", "rejected", "dispatched", "completed", "resumed", "cancelled", "cleared",
	"running_cleared",
};

/* One part of a program: the main one, or a handler. */
struct part {
	struct op ops[MAX_OPS];
	unsigned int nr_ops;
	struct { unsigned int op; } open[MAX_DEPTH];
	unsigned int depth;
};

struct parser {
	struct script *script;
	const struct machine *machine;
	unsigned int vcpu, line;
	bool mine;			/* the lines are for this vCPU */
	int handler;			/* event whose handler is being defined, -1 none */
	struct part parts[1 + NR_EVENTS];
	char *words[MAX_WORDS];
	int nr_words;
	struct op op;			/* being made */
	bool failed;
};

static void error(struct parser *parser, const char *what, const char *word)
{
	if (!parser->failed)
		complain("%s, line %u: %s%s%s%s", parser->script->name, parser->line, what, word ? " '" : "", word ?: "",
			 word ? "'" : "");
	parser->failed = true;
}

/* values ------------------------------------------------------------------- */

struct named_value {
	const char *name;
	int64_t value;
};

static const struct named_value results[] = {
	{ "SUCCESS", EXPECT_OK }, { "any", EXPECT_ANY }, { "NOT_SUPPORTED", -1 }, { "INVALID_PARAMETERS", -2 },
	{ "DENIED", -3 }, { "PENDING", -5 }, { "OUT_OF_RESOURCE", -10 },
	{ "EPERM", -EPERM }, { "ENOENT", -ENOENT }, { "EBUSY", -EBUSY }, { "EINVAL", -EINVAL }, { NULL, 0 },
};

static const struct named_value call_names[] = {
	{ "VERSION", CALL_VERSION }, { "EVENT_REGISTER", CALL_REGISTER }, { "EVENT_ENABLE", CALL_ENABLE },
	{ "EVENT_DISABLE", CALL_DISABLE }, { "EVENT_CONTEXT", CALL_CONTEXT }, { "EVENT_COMPLETE", CALL_COMPLETE },
	{ "EVENT_COMPLETE_AND_RESUME", CALL_RESUME }, { "EVENT_UNREGISTER", CALL_UNREGISTER },
	{ "EVENT_STATUS", CALL_STATUS }, { "EVENT_GET_INFO", CALL_GET_INFO }, { "EVENT_ROUTING_SET", CALL_ROUTING_SET },
	{ "PE_MASK", CALL_MASK }, { "PE_UNMASK", CALL_UNMASK }, { "INTERRUPT_BIND", CALL_BIND },
	{ "INTERRUPT_RELEASE", CALL_RELEASE }, { "EVENT_SIGNAL", CALL_SIGNAL }, { "FEATURES", CALL_FEATURES },
	{ "PRIVATE_RESET", CALL_PRIVATE_RESET }, { "SHARED_RESET", CALL_SHARED_RESET }, { NULL, 0 },
};

static const struct named_value touches[] = {
	{ "whole", TOUCHED_WHOLE }, { "lost", TOUCHED_LOST }, { "spoilt", TOUCHED_SPOILT }, { NULL, 0 },
};

static const struct named_value memories[] = { { "late", MEMORY_LATE }, { "early", MEMORY_EARLY }, { NULL, 0 } };

static bool find_value(const struct named_value *values, const char *name, int64_t *value)
{
	for (; values->name; values++)
		if (!strcmp(values->name, name)) {
			*value = values->value;
			return true;
		}
	return false;
}

/* A number, $N or $V; moves *text past it. */
static uint64_t factor(struct parser *parser, const char **text)
{
	char *end;
	uint64_t value;

	if (**text == '$') {
		char which = (*text)[1];

		*text += 2;
		if (which == 'N')
			return parser->script->events;
		if (which == 'V')
			return parser->machine ? parser->machine->nr_vcpus : 1;
		error(parser, "only $N (events) and $V (vCPUs) exist, not", *text - 2);
		return 0;
	}
	value = strtoull(*text, &end, 0);
	if (end == *text)
		error(parser, "a number is expected, not", *text);
	*text = end;
	return value;
}

static uint64_t product(struct parser *parser, const char **text)
{
	uint64_t value = factor(parser, text);

	while (**text == '*' && !parser->failed) {
		(*text)++;
		value *= factor(parser, text);
	}
	return value;
}

static uint64_t number(struct parser *parser, const char *word)
{
	const char *text = word;
	uint64_t value = product(parser, &text);

	while ((*text == '+' || *text == '-') && !parser->failed) {
		char sign = *text++;
		uint64_t next = product(parser, &text);

		value = sign == '+' ? value + next : value - next;
	}
	if (*text && !parser->failed)
		error(parser, "cannot make a number of", word);
	return value;
}

static uint64_t in_ticks(struct parser *parser, uint64_t ns)
{
	uint64_t frequency = parser->machine ? parser->machine->frequency : 1000000000;

	return (unsigned __int128)ns * frequency / 1000000000;
}

static const char *one_time(struct parser *parser, const char *text, uint64_t *ticks)
{
	static const struct { const char *unit; uint64_t ns; } units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 },
	};
	char *end;
	uint64_t value = strtoull(text, &end, 10);

	for (unsigned int i = 0; end != text && i < 4; i++) {
		size_t length = strlen(units[i].unit);

		if (!strncmp(end, units[i].unit, length) && !isalpha((unsigned char)end[length])) {
			*ticks = in_ticks(parser, value * units[i].ns);
			return end + length;
		}
	}
	error(parser, "a time such as 20us or 1ms..5ms is expected, not", text);
	return text + strlen(text);
}

static void times(struct parser *parser, const char *word)
{
	const char *rest = one_time(parser, word, &parser->op.arg[0]);

	parser->op.arg[1] = parser->op.arg[0];
	if (!strncmp(rest, "..", 2))
		rest = one_time(parser, rest + 2, &parser->op.arg[1]);
	if (*rest)
		error(parser, "a time such as 20us or 1ms..5ms is expected, not", word);
}

static uint8_t event(struct parser *parser, const char *word)
{
	uint64_t value = number(parser, word);

	if (value >= NR_EVENTS)
		error(parser, "events are 0 to 3 here (use `call` for others), not", word);
	return value;
}

/* self, next, prev or a number; NO_VCPU for nobody. */
static uint32_t target(struct parser *parser, const char *word)
{
	unsigned int nr = parser->machine ? parser->machine->nr_vcpus : MAX_VCPUS;
	uint64_t value;

	if (!strcmp(word, "self"))
		return parser->vcpu;
	if (!strcmp(word, "next"))
		return (parser->vcpu + 1) % nr;
	if (!strcmp(word, "prev"))
		return (parser->vcpu + nr - 1) % nr;
	if (!strcmp(word, "nobody"))
		return NO_VCPU;
	value = number(parser, word);
	if (value >= nr)
		error(parser, "there is no vCPU", word);
	return value < nr ? value : 0;
}

static uint64_t affinity(struct parser *parser, uint32_t vcpu)
{
	if (vcpu == NO_VCPU)
		return UNKNOWN_PE;
	return parser->machine ? parser->machine->mpidr[vcpu] : 0;
}

/* statements ---------------------------------------------------------------- */

static struct part *current(struct parser *parser)
{
	return &parser->parts[1 + parser->handler];
}

static unsigned int emit(struct parser *parser, enum op_code code)
{
	struct part *part = current(parser);

	if (part->nr_ops == MAX_OPS) {
		error(parser, "the program is too long", NULL);
		return 0;
	}
	parser->op.code = code;
	parser->op.line = parser->line;
	part->ops[part->nr_ops] = parser->op;
	return part->nr_ops++;
}

static void open_block(struct parser *parser, enum op_code code)
{
	struct part *part = current(parser);

	if (part->depth == MAX_DEPTH)
		error(parser, "blocks are nested too deep", NULL);
	else
		part->open[part->depth++].op = emit(parser, code);
}

static void do_loop(struct parser *parser)
{
	parser->op.arg[0] = number(parser, parser->words[1]);
	open_block(parser, OP_LOOP);
}

static void do_forever(struct parser *parser)
{
	parser->script->endless = true;
	open_block(parser, OP_FOREVER);
}

static void do_every(struct parser *parser)
{
	parser->op.arg[0] = number(parser, parser->words[1]);
	if (!parser->op.arg[0])
		error(parser, "every which? 1 or more, not", parser->words[1]);
	open_block(parser, OP_EVERY);
}

static void do_once(struct parser *parser)
{
	open_block(parser, OP_ONCE);
}

static void do_end(struct parser *parser)
{
	struct part *part = current(parser);
	unsigned int opened;

	if (!part->depth && parser->handler >= 0) {
		parser->handler = -1;
		return;
	}
	if (!part->depth) {
		error(parser, "`end` of nothing", NULL);
		return;
	}
	opened = part->open[--part->depth].op;
	parser->op.jump = opened;
	if (part->ops[opened].code == OP_LOOP || part->ops[opened].code == OP_FOREVER)
		emit(parser, OP_REPEAT);
	part->ops[opened].jump = part->nr_ops;
}

static void do_handler(struct parser *parser)
{
	if (parser->handler >= 0 || current(parser)->depth) {
		error(parser, "a handler cannot be defined inside of another block", NULL);
		return;
	}
	parser->handler = event(parser, parser->words[1]);
	if (parser->handler >= NR_EVENTS)
		parser->handler = 0;
	current(parser)->nr_ops = 0;	/* a later definition replaces an earlier one */
}

static bool in_handler(struct parser *parser, bool wanted)
{
	if ((parser->handler >= 0) != wanted)
		error(parser, wanted ? "only a handler can do this:" : "a handler cannot do this:", parser->words[0]);
	return !parser->failed;
}

static void do_complete(struct parser *parser)
{
	if (in_handler(parser, true) && parser->nr_words > 1)
		parser->op.arg[0] = number(parser, parser->words[1]);
	emit(parser, OP_END);
}

static void do_resume(struct parser *parser)
{
	in_handler(parser, true);
	emit(parser, OP_RESUME);
}

static void do_spin(struct parser *parser)
{
	times(parser, parser->words[1]);
	emit(parser, OP_SPIN);
}

static void do_nap(struct parser *parser)
{
	times(parser, parser->words[1]);
	emit(parser, OP_NAP);
}

static void do_el0(struct parser *parser)
{
	in_handler(parser, false);
	times(parser, parser->words[1]);
	emit(parser, OP_EL0);
}

static void do_wfi(struct parser *parser)
{
	emit(parser, OP_WFI);
}

static void do_barrier(struct parser *parser)
{
	in_handler(parser, false);
	emit(parser, OP_BARRIER);
}

/* await EVENT [COUNT [on VCPU]] */
static void do_await(struct parser *parser)
{
	in_handler(parser, false);
	parser->op.event = event(parser, parser->words[1]);
	parser->op.arg[0] = parser->nr_words > 2 ? number(parser, parser->words[2]) : 1;
	parser->op.target = parser->vcpu;
	if (parser->nr_words == 5 && !strcmp(parser->words[3], "on"))
		parser->op.target = target(parser, parser->words[4]);
	emit(parser, OP_AWAIT);
}

/* inject EVENT VCPU [immediate] */
static void do_inject(struct parser *parser)
{
	parser->op.event = number(parser, parser->words[1]);
	parser->op.target = target(parser, parser->words[2]);
	parser->op.arg[0] = parser->nr_words > 3 && !strcmp(parser->words[3], "immediate");
	emit(parser, OP_INJECT);
}

static void do_cancel(struct parser *parser)
{
	parser->op.event = number(parser, parser->words[1]);
	parser->op.target = target(parser, parser->words[2]);
	emit(parser, OP_CANCEL);
}

static void do_vcpu_reset(struct parser *parser)
{
	parser->op.target = parser->vcpu;
	emit(parser, OP_VCPU_RESET);
}

static void do_cpu_off(struct parser *parser)
{
	emit(parser, OP_CPU_OFF);
}

static void do_cpu_on(struct parser *parser)
{
	parser->op.target = target(parser, parser->words[1]);
	emit(parser, OP_CPU_ON);
}

/* Letters of a state as the tracepoints write them, RE-P or RE-PM; with five the PE mask counts too. */
static int32_t state_bits(struct parser *parser, const char *word)
{
	static const char letters[] = "REUPM";
	size_t length = strlen(word);
	int32_t bits = 0;

	for (size_t i = 0; i < length && i < 5; i++) {
		if (word[i] == letters[i])
			bits |= 1 << i;
		else if (word[i] != '-')
			length = 0;
	}
	if (length < 4 || length > 5)
		error(parser, "a state such as RE-P or RE-PM is expected, not", word);
	return bits;
}

/* state EVENT LETTERS: what KVM says it is at this moment */
static void do_state(struct parser *parser)
{
	parser->op.event = event(parser, parser->words[1]);
	parser->op.expect = state_bits(parser, parser->words[2]);
	parser->op.arg[0] = parser->words[2][4] ? CHECK_STATE_AND_MASK : CHECK_STATE;
	emit(parser, OP_CHECK);
}

/* poison VCPU */
static void do_poison(struct parser *parser)
{
	if (parser->script->memory == MEMORY_SOUND)
		error(parser, "no memory fails without a header `memory late` or `memory early`, for", parser->words[0]);
	parser->op.target = target(parser, parser->words[1]);
	parser->op.arg[0] = CHECK_POISON;
	emit(parser, OP_CHECK);
}

/* touch whole|lost|spoilt */
static void do_touch(struct parser *parser)
{
	int64_t touched = TOUCHED_NOTHING;

	if (!find_value(touches, parser->words[1], &touched))
		error(parser, "a page is whole, lost or spoilt, not", parser->words[1]);
	in_handler(parser, false);
	parser->op.expect = touched;
	emit(parser, OP_TOUCH);
}

static void do_take(struct parser *parser)
{
	in_handler(parser, true);
	emit(parser, OP_TAKE);
}

/* away TIME */
static void do_away(struct parser *parser)
{
	times(parser, parser->words[1]);
	emit(parser, OP_AWAY);
}

static void do_checkpoint(struct parser *parser)
{
	parser->op.arg[0] = CHECK_POINT;
	emit(parser, OP_CHECK);
}

/* pattern FLAGS */
static void do_pattern(struct parser *parser)
{
	parser->op.arg[1] = number(parser, parser->words[1]);
	emit(parser, OP_PATTERN);
}

/* call NAME|ID ARG... */
static void do_call(struct parser *parser)
{
	int64_t call;

	parser->op.arg[0] = find_value(call_names, parser->words[1], &call) ? SDEI_ID(call) : number(parser, parser->words[1]);
	for (int i = 2; i < parser->nr_words && i < 7; i++)
		parser->op.arg[i - 1] = number(parser, parser->words[i]);
	parser->op.target = NO_VCPU;
	emit(parser, OP_CALL);
}

/* The calls by name, with as many arguments as they take. */
static const struct { const char *word; enum call call; } plain_calls[] = {
	{ "version", CALL_VERSION }, { "context", CALL_CONTEXT }, { "status", CALL_STATUS }, { "info", CALL_GET_INFO },
	{ "routing-set", CALL_ROUTING_SET }, { "mask", CALL_MASK }, { "unmask", CALL_UNMASK }, { "bind", CALL_BIND },
	{ "release", CALL_RELEASE }, { "features", CALL_FEATURES }, { "private-reset", CALL_PRIVATE_RESET },
	{ "shared-reset", CALL_SHARED_RESET },
};

static void do_plain_call(struct parser *parser)
{
	unsigned int i = 0;

	while (strcmp(plain_calls[i].word, parser->words[0]))
		i++;
	parser->op.arg[0] = SDEI_ID(plain_calls[i].call);
	for (int word = 1; word < parser->nr_words; word++)
		parser->op.arg[word] = number(parser, parser->words[word]);
	emit(parser, OP_CALL);
}

/* Calls that a line makes for each of the events it lists. */
static const struct { const char *word; enum call call; } event_calls[] = {
	{ "register", CALL_REGISTER }, { "enable", CALL_ENABLE }, { "disable", CALL_DISABLE }, { "unregister", CALL_UNREGISTER },
};

static void do_event_calls(struct parser *parser)
{
	unsigned int i = 0;

	while (strcmp(event_calls[i].word, parser->words[0]))
		i++;
	parser->op.arg[0] = SDEI_ID(event_calls[i].call);
	for (int word = 1; word < parser->nr_words; word++) {
		uint64_t number_ = number(parser, parser->words[word]);

		parser->op.arg[1] = number_;
		if (event_calls[i].call == CALL_REGISTER) {
			number_ = event(parser, parser->words[word]);
			parser->op.arg[2] = parser->machine ? parser->machine->entry : 0;
			parser->op.arg[3] = AREA_OF(parser->vcpu) + offsetof(struct area, frames) +
					    number_ * sizeof(struct frame);
		}
		emit(parser, OP_CALL);
	}
}

static void do_signal(struct parser *parser)
{
	parser->op.target = target(parser, parser->words[2]);
	parser->op.arg[0] = SDEI_ID(CALL_SIGNAL);
	parser->op.arg[1] = number(parser, parser->words[1]);
	parser->op.arg[2] = affinity(parser, parser->op.target);
	emit(parser, OP_CALL);
}

/* predict EVENT FIELD=VALUE... */
static void do_predict(struct parser *parser)
{
	struct script *script = parser->script;
	uint8_t number_ = event(parser, parser->words[1]);

	for (int i = 2; i < parser->nr_words && !parser->failed; i++) {
		char *value = strchr(parser->words[i], '=');
		unsigned int field = 0;

		if (value)
			*value++ = 0;
		while (field < NR_COUNTED && strcmp(counted_names[field], parser->words[i]))
			field++;
		if (!value || field == NR_COUNTED) {
			error(parser, "a count such as signals=7*$N is expected, not", parser->words[i]);
			return;
		}
		script->predictions = realloc(script->predictions, (script->nr_predictions + 1) * sizeof(*script->predictions));
		if (!script->predictions)
			abort();
		script->predictions[script->nr_predictions++] =
			(struct prediction){ parser->vcpu, number_, parser->line, field, number(parser, value) };
	}
}

struct statement {
	const char *word;
	int least, most;	/* words after it */
	void (*make)(struct parser *);
};

static const struct statement statements[] = {
	{ "loop", 1, 1, do_loop }, { "forever", 0, 0, do_forever }, { "every", 1, 1, do_every }, { "once", 0, 0, do_once },
	{ "end", 0, 0, do_end }, { "state", 2, 2, do_state }, { "checkpoint", 0, 0, do_checkpoint }, { "pattern", 1, 1, do_pattern },
	{ "handler", 1, 1, do_handler }, { "complete", 0, 1, do_complete }, { "resume", 0, 0, do_resume },
	{ "spin", 1, 1, do_spin }, { "nap", 1, 1, do_nap }, { "el0", 1, 1, do_el0 }, { "wfi", 0, 0, do_wfi },
	{ "barrier", 0, 0, do_barrier }, { "away", 1, 1, do_away },
	{ "poison", 1, 1, do_poison }, { "touch", 1, 1, do_touch }, { "take", 0, 0, do_take },
	{ "await", 1, 4, do_await }, { "inject", 2, 3, do_inject }, { "cancel", 2, 2, do_cancel },
	{ "vcpu-reset", 0, 0, do_vcpu_reset }, { "cpu-off", 0, 0, do_cpu_off }, { "cpu-on", 1, 1, do_cpu_on },
	{ "call", 1, 6, do_call }, { "register", 1, 4, do_event_calls }, { "signal", 2, 2, do_signal },
	{ "version", 0, 0, do_plain_call }, { "enable", 1, 4, do_event_calls }, { "disable", 1, 4, do_event_calls },
	{ "context", 1, 1, do_plain_call }, { "unregister", 1, 4, do_event_calls }, { "status", 1, 1, do_plain_call },
	{ "info", 2, 2, do_plain_call }, { "routing-set", 3, 3, do_plain_call }, { "mask", 0, 0, do_plain_call },
	{ "unmask", 0, 0, do_plain_call }, { "bind", 1, 1, do_plain_call }, { "release", 1, 1, do_plain_call },
	{ "features", 1, 1, do_plain_call }, { "private-reset", 0, 0, do_plain_call },
	{ "shared-reset", 0, 0, do_plain_call }, { "predict", 2, MAX_WORDS, do_predict },
};

/* header and sections -------------------------------------------------------- */

static void do_about(struct parser *parser, const char *rest)
{
	snprintf(parser->script->about, sizeof(parser->script->about), "%s", rest);
}

static void do_events(struct parser *parser, const char *rest)
{
	if (!parser->script->events)
		parser->script->events = number(parser, rest);
}

static void do_vcpus(struct parser *parser, const char *rest)
{
	parser->script->vcpus = number(parser, rest);
}

static void do_instances(struct parser *parser, const char *rest)
{
	parser->script->instances = number(parser, rest);
}

static void do_memory(struct parser *parser, const char *rest)
{
	int64_t memory = MEMORY_SOUND;

	if (!find_value(memories, rest, &memory))
		error(parser, "the VMM hears of memory that fails late or early, not", rest);
	parser->script->memory = memory;
}

static bool in_list(struct parser *parser, const char *list)
{
	while (*list && !parser->failed) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end == list) {
			error(parser, "`on` takes all, even, odd or a list such as 0,2-3,5-, not", list);
			return false;
		}
		if (*end == '-')
			last = isdigit((unsigned char)end[1]) ? strtoul(end + 1, &end, 10) : (end++, MAX_VCPUS);
		if (parser->vcpu >= first && parser->vcpu <= last)
			return true;
		list = *end == ',' ? end + 1 : end;
	}
	return false;
}

static void do_on(struct parser *parser, const char *rest)
{
	if (parser->handler >= 0 || current(parser)->depth)
		error(parser, "a block is open before this `on`", NULL);
	else if (!strcmp(rest, "all"))
		parser->mine = true;
	else if (!strcmp(rest, "even") || !strcmp(rest, "odd"))
		parser->mine = (parser->vcpu & 1) == (rest[0] == 'o');
	else
		parser->mine = in_list(parser, rest);
}

/* `test NAME` and `with OPTION...` are for who reads semantics.tests. */
static void do_nothing(struct parser *parser, const char *rest)
{
}

static const struct { const char *word; void (*make)(struct parser *, const char *); } directives[] = {
	{ "test", do_nothing }, { "with", do_nothing },
	{ "about", do_about }, { "events", do_events }, { "vcpus", do_vcpus }, { "instances", do_instances },
	{ "memory", do_memory }, { "on", do_on },
};

/* Takes `-> RESULT` and `by smc` off the end of the line. */
static void suffixes(struct parser *parser)
{
	int64_t value;

	while (parser->nr_words > 2) {
		const char *key = parser->words[parser->nr_words - 2], *word = parser->words[parser->nr_words - 1];

		if (!strcmp(key, "->"))
			parser->op.expect = find_value(results, word, &value) ? value : (int64_t)number(parser, word);
		else if (!strcmp(key, "by") && !strcmp(word, "smc"))
			parser->op.conduit = CONDUIT_SMC;
		else
			break;
		parser->nr_words -= 2;
	}
}

static void statement(struct parser *parser)
{
	int words;

	parser->op = (struct op){ .target = NO_VCPU, .expect = EXPECT_OK };
	suffixes(parser);
	words = parser->nr_words - 1;
	for (unsigned int i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		const struct statement *s = &statements[i];

		if (strcmp(s->word, parser->words[0]))
			continue;
		if (words < s->least || words > s->most)
			error(parser, "wrong number of arguments of", s->word);
		else if (parser->mine)
			s->make(parser);
		return;
	}
	error(parser, "no such statement:", parser->words[0]);
}

static bool directive(struct parser *parser, char *line)
{
	size_t length = strcspn(line, " \t");
	const char *rest = line + length + strspn(line + length, " \t");

	for (unsigned int i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
		if (strlen(directives[i].word) == length && !strncmp(directives[i].word, line, length)) {
			directives[i].make(parser, rest);
			return true;
		}
	return false;
}

static void parse_line(struct parser *parser, char *line)
{
	char *save = NULL;

	line += strspn(line, " \t");
	line[strcspn(line, "#\r\n")] = 0;
	for (size_t n = strlen(line); n && isspace((unsigned char)line[n - 1]); n--)
		line[n - 1] = 0;
	if (!*line || directive(parser, line))
		return;
	parser->nr_words = 0;
	for (char *word = strtok_r(line, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		if (parser->nr_words == MAX_WORDS) {
			error(parser, "too many words", NULL);
			return;
		}
		parser->words[parser->nr_words++] = word;
	}
	statement(parser);
}

static void parse(struct parser *parser)
{
	char *copy = strdup(parser->script->text), *next = copy, *line;

	if (!copy)
		abort();
	while (!parser->failed && (line = strsep(&next, "\n"))) {
		parser->line++;
		parse_line(parser, line);
	}
	if (!parser->failed && (parser->handler >= 0 || current(parser)->depth))
		error(parser, "a block is still open at the end", NULL);
	free(copy);
}

/* Puts the parts behind each other. */
static int link_parts(struct parser *parser, struct program *program)
{
	program->nr_ops = 0;
	for (int i = 0; i <= NR_EVENTS; i++) {
		struct part *part = &parser->parts[i];
		unsigned int base = program->nr_ops;

		if (i)
			program->handler[i - 1] = base;
		if (base + part->nr_ops + 1 > MAX_OPS) {
			error(parser, "the program is too long", NULL);
			return -E2BIG;
		}
		for (unsigned int k = 0; k < part->nr_ops; k++) {
			program->ops[base + k] = part->ops[k];
			program->ops[base + k].jump += base;
		}
		program->nr_ops += part->nr_ops;
		program->ops[program->nr_ops++] = (struct op){ .code = OP_END };
	}
	return 0;
}

int script_compile(struct script *script, const struct machine *machine, unsigned int vcpu, struct program *program)
{
	struct parser *parser = calloc(1, sizeof(*parser));
	int err;

	if (!parser)
		return -ENOMEM;
	*parser = (struct parser){ .script = script, .machine = machine, .vcpu = vcpu, .mine = true, .handler = -1 };
	parse(parser);
	err = parser->failed ? -EINVAL : link_parts(parser, program);
	free(parser);
	return err;
}

/* where scripts come from ----------------------------------------------------- */

static const char *find_embedded(const char *name)
{
	for (const struct embedded *s = scenarios; s->name; s++)
		if (!strcmp(s->name, name))
			return strdup(s->text);
	return NULL;
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = file ? calloc(1, MAX_TEXT + 1) : NULL;

	if (text && !fread(text, 1, MAX_TEXT, file)) {
		errno = ferror(file) ? errno : EINVAL;
		free(text);
		text = NULL;
	}
	if (file)
		fclose(file);
	return text;
}

/* Reads the header, and checks what is written for vCPU 0. */
static int first_look(struct script *script)
{
	struct program *scratch = calloc(1, sizeof(*scratch));
	int err = scratch ? script_compile(script, NULL, 0, scratch) : -ENOMEM;

	free(scratch);
	script->nr_predictions = 0;
	return err;
}

int script_from_text(struct script *script, const char *name, const char *text)
{
	script->name = name;
	script->vcpus = 1;
	script->instances = 1;
	script->text = strdup(text);
	return script->text ? first_look(script) : -ENOMEM;
}

int script_open(struct script *script, const char *name_or_file)
{
	script->name = name_or_file;
	script->vcpus = 1;
	script->instances = 1;
	script->text = find_embedded(name_or_file);
	if (!script->text)
		script->text = read_file(name_or_file);
	if (!script->text) {
		complain("'%s' is neither a scenario (--list shows them) nor a file that can be read: %s", name_or_file,
			 strerror(errno));
		return -ENOENT;
	}
	return first_look(script);
}

int script_load(struct script *script, struct vm *vm)
{
	struct control *control = vm_memory(vm, GUEST_CONTROL);
	struct machine machine = { vm->nr_vcpus, control->mpidr, clock_frequency(), payload_symbol(PAYLOAD_ENTRY) };
	struct program *program = malloc(sizeof(*program));
	int err = program ? 0 : -ENOMEM;

	script->nr_predictions = 0;
	for (unsigned int i = 0; i < vm->nr_vcpus && !err; i++) {
		struct area *area = vm->vcpus[i].area;

		err = script_compile(script, &machine, i, program);
		if (err)
			break;
		memcpy(vm_memory(vm, area->ops), program->ops, program->nr_ops * sizeof(struct op));
		for (int number_ = 0; number_ < NR_EVENTS; number_++)
			area->frames[number_].start = program->handler[number_];
	}
	free(program);
	return err;
}

void script_close(struct script *script)
{
	free((void *)script->text);
	free(script->predictions);
}

void script_list(void)
{
	for (const struct embedded *s = scenarios; s->name; s++) {
		struct script script = { 0 };

		if (!script_open(&script, s->name))
			printf("%-20s %s\n", s->name, script.about);
		script_close(&script);
	}
}
