/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sdeid: one collector and one model for as long as the host runs, and what is made of it: metrics (exporter.c), recordings
 * of trouble (recorder.c), figures for those who may not attach themselves (serve.c).
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

/* The program, from its arguments to its exit status. */
int daemon_main(int argc, char **argv);

#endif
