/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SDEI_GUEST_SEMANTICS_H
#define SDEI_GUEST_SEMANTICS_H

/* Tests KVM's SDEI from inside a guest; `only`: tests whose name has it. Returns the exit status. */
int semantics_main(const char *only);
#endif
