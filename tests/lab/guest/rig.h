/* SPDX-License-Identifier: GPL-2.0-only */
/* What the semantics tests share: a VM to run scripts in, and the ok/not ok lines. */
#ifndef SDEI_GUEST_RIG_H
#define SDEI_GUEST_RIG_H

#include "vm.h"

struct rig {
	struct vm vm;
	struct vm_options options;
	bool alive;
	int64_t (*check)(struct vcpu *vcpu, enum context which, const struct door *door);
	void *context;		/* of check: vm.check_context */
};

bool rig_up(struct rig *rig);				/* a VM as options say, unless there is one */
void rig_down(struct rig *rig);
bool rig_load(struct rig *rig, const char *text);	/* rewinds it and loads the script */
bool rig_run(struct rig *rig);				/* what is loaded, and checks it */
bool rig_do(struct rig *rig, const char *text);		/* all of it, in a VM of its own if there is none */

/* The one test under way: its name, and what is wrong with it so far. */
bool test_wanted(const char *format, ...) __attribute__((format(printf, 1, 2)));
void test_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
void test_end(void);
bool test_equal(const char *what, uint64_t got, uint64_t expected);	/* test_wrong() if not */

struct test {
	const char *name;
	void (*run)(void);
};

void run_state_table(void);
void run_scripts(void);
void run_register_tests(void);
void test_written_back(void);				/* registers read, and written back after signals */
void run_migration(const char *text, bool inject);	/* a script with a checkpoint; inject event 2 there */
#endif
