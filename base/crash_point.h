/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_point.h - named places where a test can kill us, or make us stand.
 *
 * bt_crash_point("after-promote") does nothing unless the environment variable
 * BATON_CRASH_AT names it; then the process ends at once by SIGKILL, as it would
 * if somebody had killed it there.  BATON_PAUSE_AT stops it by SIGSTOP instead,
 * until somebody sends SIGCONT: so that others can die meanwhile.  The names are
 * documented in docs/crash-points.md.
 */
#ifndef BT_BASE_CRASH_POINT_H
#define BT_BASE_CRASH_POINT_H

void bt_crash_point(const char *name);

#endif
