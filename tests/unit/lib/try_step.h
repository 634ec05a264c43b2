/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests that try thousands of inputs, one after the other: cut at each byte, damaged at each byte. */
#ifndef TRY_STEP_H
#define TRY_STEP_H

/*
 * From one input to the next that is tried. Under the sanitizers a try costs twenty times as much, most of it for memory that is not
 * even used: there it is each seventh, so that every bit of a byte and every remainder has its turn all the same; fuzzing goes on there.
 */
#ifdef __SANITIZE_ADDRESS__
#define TRY_STEP 7
#else
#define TRY_STEP 1
#endif

#endif
