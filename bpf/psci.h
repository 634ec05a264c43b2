/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which calls of guests there are records of kind SMCCC about, by the numbers of their functions: those of PSCI that turn vCPUs or the
 * VM on and off (Arm DEN0022), and those of SDEI. For programs and for user space: the single list of them.
 */
#ifndef SDEI_PSCI_H
#define SDEI_PSCI_H

#define SMCCC_64 0x40000000U	/* Arm DEN0028: of a function that takes 64-bit arguments */

/* The range of functions that is SDEI's. */
#define SMCCC_SDEI_FIRST 0xC4000020U
#define SMCCC_SDEI_LAST 0xC400003FU

#define PSCI_BASE 0x84000000U
#define PSCI_NUMBERS 32		/* functions of PSCI have numbers below that */

/* X(function id's low bits, NAME) */
#define PSCI_CALLS(X)		\
	X(0x01, CPU_SUSPEND)	\
	X(0x02, CPU_OFF)	\
	X(0x03, CPU_ON)		\
	X(0x08, SYSTEM_OFF)	\
	X(0x09, SYSTEM_RESET)	\
	X(0x0e, SYSTEM_SUSPEND)	\
	X(0x12, SYSTEM_RESET2)	\
	X(0x15, SYSTEM_OFF2)

enum psci_number {
#define X(id, NAME) PSCI_NUMBER_##NAME = (id),
	PSCI_CALLS(X)
#undef X
};

#endif
