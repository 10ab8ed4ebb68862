/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - tells a service manager that asked for it how we are (sd_notify(3)'s protocol).
 *
 * Started with NOTIFY_SOCKET in the environment, as systemd does for Type=notify, a service sends
 * datagrams of NAME=value lines there: READY=1, STATUS=text, RELOADING=1, STOPPING=1, WATCHDOG=1.
 * Without it every call does nothing.  The protocol is thirty lines; the library that has it would
 * be our largest dependency.
 */
#ifndef BT_BASE_NOTIFY_H
#define BT_BASE_NOTIFY_H

#include <stdint.h>

#include "base/err.h"

/* Sends one state, lines parted by newlines.  What cannot be sent is not our trouble. */
void bt_notify(const char *fmt, ...) BT_PRINTF(1, 2);

/* How often WATCHDOG=1 is wanted: half of WATCHDOG_USEC, in ms; 0 = not at all. */
int64_t bt_notify_watchdog_ms(void);

#endif
