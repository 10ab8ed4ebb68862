/* SPDX-License-Identifier: Apache-2.0 */
/*
 * each.h - one thread per host, all joined before the step goes on.
 */
#ifndef BT_FAILOVER_EACH_H
#define BT_FAILOVER_EACH_H

#include <stddef.h>

typedef void bt_each_fn(size_t i, void *ctx);

/* Calls fn(0, ctx) .. fn(count - 1, ctx), each in a thread of its own, and returns when all have
 * ended.  Where a thread cannot be had, its call is made by the caller's.  fn brings its own
 * deadline. */
void bt_each(size_t count, bt_each_fn *fn, void *ctx);

#endif
