/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_point.h - named places where a test can kill us.
 *
 * bt_crash_point("after-promote") does nothing unless the environment variable
 * BATON_CRASH_AT names it; then the process ends at once by SIGKILL, as it would
 * if somebody had killed it there.  The names are documented in docs/crash-points.md.
 */
#ifndef BT_BASE_CRASH_POINT_H
#define BT_BASE_CRASH_POINT_H

void bt_crash_point(const char *name);

#endif
