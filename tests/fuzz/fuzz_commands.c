/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as a recording for the commands, for libFuzzer. The first byte says which command in which form, the second one how
 * the recording is put together, eight more are its clock's offset. The rest are packets, whose sizes and CRCs are put right, so
 * that what is in them is looked at.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "tests/fuzz/packets.h"

#define DIR_WORD "DIR"
#define PAGE_WORD "PAGE"
#define OUT_WORD "OUT"
#define HEAD 10

enum { NO_METADATA = 1, AS_THEY_ARE = 2, TWO_FILES = 4, OTHER_OFFSETS = 8 };

static const struct form {
	const struct command *command;
	const char *words[10];	/* NULL behind them */
} forms[] = {
	{ &cmd_report, { "report", DIR_WORD } },
	{ &cmd_report, { "report", "--all", DIR_WORD } },
	{ &cmd_report, { "report", "-j", DIR_WORD } },
	{ &cmd_report, { "report", "--html", PAGE_WORD, DIR_WORD } },
	{ &cmd_report, { "report", "--html", PAGE_WORD, "--since", "1ms", "--until", "3s", DIR_WORD } },
	{ &cmd_report, { "report", "--since", "10:00", DIR_WORD } },
	{ &cmd_report, { "report", "--until", "2026-01-31T10:00Z", DIR_WORD } },
	{ &cmd_events, { "events", DIR_WORD } },
	{ &cmd_events, { "events", "-j", "--summary", DIR_WORD } },
	{ &cmd_events, { "events", "--since", "2s", "--until", "200h", DIR_WORD } },
	{ &cmd_replay, { "replay", "-b", DIR_WORD } },
	{ &cmd_replay, { "replay", "-j", "-n", "50", DIR_WORD } },
	{ &cmd_replay, { "replay", "-b", "-a", "-d", "0.1", "--since", "1s", DIR_WORD } },
	{ &cmd_export, { "export", "--perfetto", DIR_WORD } },
	{ &cmd_export, { "export", "--chrome", DIR_WORD } },
	{ &cmd_export, { "export", "--csv", "--since", "5ms", DIR_WORD } },
	{ &cmd_export, { "export", "--ctf", "-o", OUT_WORD, DIR_WORD } },
	{ &cmd_export, { "export", "--ctf", "-o", OUT_WORD, "--since", "1ms", "--until", "3s", DIR_WORD } },
	{ &cmd_export, { "export", "--ctf", "-o", OUT_WORD, DIR_WORD, DIR_WORD } },
	{ &cmd_diff, { "diff", DIR_WORD, "tests/data/recording-gap" } },
	{ &cmd_diff, { "diff", "-j", "tests/data/recording-clock", DIR_WORD } },
	{ &cmd_join, { "join", DIR_WORD, "tests/data/recording-guest" } },
	{ &cmd_join, { "join", "-j", "tests/data/recording-host", DIR_WORD } },
	{ &cmd_join, { "join", DIR_WORD, DIR_WORD } },
	{ &cmd_join, { "join", "--perfetto", "tests/data/recording-host", DIR_WORD } },
	{ &cmd_restore, { "restore", DIR_WORD } },
	{ &cmd_restore, { "restore", "-j", DIR_WORD } },
};

static struct fuzz_directory directory;

static void put_metadata(int64_t offset_s)
{
	char text[512];
	int size = snprintf(text, sizeof(text),
			    "/* CTF 1.8 */\ntrace {\n\tuuid = \"07070707-0707-0707-0707-070707070707\";\n};\nenv {\n"
			    "\ttracer_name = \"sdeitop\";\n\tformat_major = 1;\n\tformat_minor = 1;\n\thostname = \"fuzz\";\n\tboot_id = \"fuzz\";\n\tcpus = 2;\n"
			    "};\nclock {\n\toffset_s = %lld;\n\toffset = 0;\n};\nstream {\n", (long long)offset_s);

	fuzz_put_file(&directory, "metadata", text, size);
}

static void put_recording(const uint8_t *bytes, size_t size)
{
	unsigned int how = bytes[1];
	uint8_t *packets = malloc(size - HEAD + 1);
	size_t first = 0;
	int64_t offset_s;

	memcpy(&offset_s, bytes + 2, sizeof(offset_s));
	memcpy(packets, bytes + HEAD, size - HEAD);
	if (!(how & AS_THEY_ARE))
		first = fuzz_put_right(packets, size - HEAD);
	if (!(how & NO_METADATA))
		put_metadata(how & OTHER_OFFSETS ? offset_s : 1790000000);
	if (!(how & TWO_FILES))
		first = size - HEAD;
	fuzz_put_file(&directory, "sdei-000000", packets, first);
	if (how & TWO_FILES)
		fuzz_put_file(&directory, "sdei-000001", packets + first, size - HEAD - first);
	free(packets);
}

static void run(const struct form *form)
{
	char page[128], out[128], *words[10] = { NULL };
	int count = 0;

	snprintf(page, sizeof(page), "%s/page", directory.path);
	snprintf(out, sizeof(out), "%s/out", directory.path);
	for (; form->words[count]; count++) {
		const char *word = form->words[count];

		words[count] = strdup(strcmp(word, DIR_WORD) == 0 ? directory.path : strcmp(word, PAGE_WORD) == 0 ? page :
				      strcmp(word, OUT_WORD) == 0 ? out : word);
	}
	form->command->run(form->command, count, words);
	while (count--)
		free(words[count]);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	setenv("TZ", "UTC", 1);
	return fuzz_make_directory(&directory);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size < HEAD)
		return 0;
	put_recording(bytes, size);
	run(&forms[bytes[0] % (sizeof(forms) / sizeof(forms[0]))]);
	fuzz_clear(&directory);
	return 0;
}
