/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program that dies on the alternate screen leaves the user with a terminal
 * that neither echoes nor shows the reason. This gives it back first.
 */
#ifndef VIEW_SCREEN_CRASH_H
#define VIEW_SCREEN_CRASH_H

/* Remembers the terminal's modes; from now on until crash_disarm() a crash restores them and writes leave to it. */
void crash_arm(const char *leave);
void crash_disarm(void);

/* Saves the modes that are to be restored; to be called before they are changed. */
void crash_save_modes(void);

#endif
