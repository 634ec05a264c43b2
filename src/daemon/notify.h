/* SPDX-License-Identifier: GPL-2.0-only */
/* Reports to the service manager how it goes: the protocol of sd_notify(3). Without a manager all of it does nothing. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdint.h>

struct notify;

/* From $NOTIFY_SOCKET and $WATCHDOG_USEC, which are taken out of the environment. NULL: no memory. */
struct notify *notify_new(void);
void notify_free(struct notify *n);	/* NULL is fine */

void notify_ready(struct notify *n);
void notify_reloading(struct notify *n);	/* notify_ready() ends it */
void notify_stopping(struct notify *n);
__attribute__((format(printf, 2, 3))) void notify_status(struct notify *n, const char *format, ...);

/* The loop has turned: to be called at least every second. Reports to the watchdog, as often as it wants to hear. */
void notify_alive(struct notify *n, uint64_t now_ns);

#endif
