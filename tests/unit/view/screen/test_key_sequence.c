/* SPDX-License-Identifier: GPL-2.0-only */
/* Sequences of keys: what terminals send, where each one ends, and that no bytes make it run over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ncurses.h>

#include "view/screen/key_sequence.h"

/* All of text is one sequence; its key. */
static int key_of(const char *text)
{
	struct key_sequence s = { 0 };

	for (; *text; text++) {
		enum sequence_state ended = sequence_add(&s, (unsigned char)*text);

		if (ended != (text[1] ? SEQUENCE_OPEN : SEQUENCE_WHOLE))
			fail_msg("%s is not where it ends, but state %d", text, ended);
	}
	return sequence_key(&s);
}

static void test_keys(void **state)
{
	static const struct {
		const char *text;
		int key;
	} keys[] = {
		/* xterm, and its application mode */
		{ "[A", KEY_UP }, { "[B", KEY_DOWN }, { "[C", KEY_RIGHT }, { "[D", KEY_LEFT }, { "[H", KEY_HOME }, { "[F", KEY_END },
		{ "OA", KEY_UP }, { "OB", KEY_DOWN }, { "OC", KEY_RIGHT }, { "OD", KEY_LEFT }, { "OH", KEY_HOME }, { "OF", KEY_END },
		{ "OP", KEY_F(1) }, { "OS", KEY_F(4) }, { "[15~", KEY_F(5) }, { "[17~", KEY_F(6) }, { "[21~", KEY_F(10) }, { "[24~", KEY_F(12) },
		{ "[5~", KEY_PPAGE }, { "[6~", KEY_NPAGE }, { "[3~", KEY_DC }, { "[1;2C", KEY_SRIGHT }, { "[1;2D", KEY_SLEFT },
		/* tmux, screen, PuTTY, the Linux console */
		{ "[1~", KEY_HOME }, { "[4~", KEY_END }, { "[11~", KEY_F(1) }, { "[14~", KEY_F(4) }, { "[[A", KEY_F(1) }, { "[[E", KEY_F(5) },
		/* rxvt */
		{ "[7~", KEY_HOME }, { "[8~", KEY_END }, { "[c", KEY_SRIGHT }, { "[d", KEY_SLEFT },
		/* the numeric keypad */
		{ "OM", KEY_ENTER }, { "Ow", KEY_HOME }, { "Oq", KEY_END }, { "Oy", KEY_PPAGE }, { "Os", KEY_NPAGE }, { "Ok", '+' }, { "Om", '-' }, { "Oo", '/' },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (key_of(keys[i].text) != keys[i].key)
			fail_msg("%s is %d", keys[i].text, key_of(keys[i].text));
}

/* With other modifiers, reports, the mouse: whole, and no key. */
static void test_unknown(void **state)
{
	static const char *const unknown[] = {
		"[1;5C", "[1;2A", "[3;5~", "[99~", "[Z", "[I", "[200~", "[27;5;99~", "[97;5u", "[?1;2c", "[<0;12;3M", "[M #$", "[MAB\x1b",
		"[12;40R", "[0n", "O2P", "OZ", "Oa", "Op", "[1H", "[~", "[;~", "[4294967297~", "[1$y", "[[~",
	};

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		if (key_of(unknown[i]) != 0)
			fail_msg("%s is %d", unknown[i], key_of(unknown[i]));
}

/* An Esc and any other character that cannot be of it ends a sequence without being taken. */
static void test_foreign(void **state)
{
	static const char *const begun[] = { "", "[", "[1", "[1;2", "O", "O2", "[[" };

	for (size_t i = 0; i < sizeof(begun) / sizeof(begun[0]); i++) {
		struct key_sequence s = { 0 };

		for (const char *at = begun[i]; *at; at++)
			assert_int_equal(sequence_add(&s, *at), SEQUENCE_OPEN);
		assert_int_equal(sequence_add(&s, 27), SEQUENCE_FOREIGN);
		assert_int_equal(sequence_add(&s, '\n'), SEQUENCE_FOREIGN);
		assert_int_equal(sequence_add(&s, 0x20ac), SEQUENCE_FOREIGN);
		assert_int_equal(s.length, strlen(begun[i]));
	}
}

static void test_long(void **state)
{
	struct key_sequence s = { 0 };

	sequence_add(&s, '[');
	for (int i = 0; i < 1009; i++)
		assert_int_equal(sequence_add(&s, '1'), SEQUENCE_OPEN);
	assert_int_equal(sequence_add(&s, '~'), SEQUENCE_WHOLE);
	assert_int_equal(sequence_key(&s), 0);
}

/* Any characters in any order: it ends, and what it means is a key. */
static void test_hostile(void **state)
{
	static const wint_t characters[] = { '[', 'O', 'M', '1', '2', ';', '?', '<', '~', '$', 'A', 'u', 0, 27, 0x7f, 0x80, 0xff, 0x10ffff };
	unsigned int seed = 12345;

	for (int round = 0; round < 100003; round++) {
		struct key_sequence s = { 0 };
		enum sequence_state ended = SEQUENCE_OPEN;
		int key;

		for (int i = 0; ended == SEQUENCE_OPEN && i < 64; i++) {
			seed = seed * 1103515245 + 12345;
			ended = sequence_add(&s, characters[(seed >> 16) % (sizeof(characters) / sizeof(characters[0]))]);
		}
		if (ended != SEQUENCE_WHOLE)
			continue;
		key = sequence_key(&s);
		assert_true(key >= 0 && key <= KEY_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys), cmocka_unit_test(test_unknown), cmocka_unit_test(test_foreign), cmocka_unit_test(test_long),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
