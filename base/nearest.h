/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nearest.h - what somebody probably meant: the known word nearest to the typed one.
 */
#ifndef BT_BASE_NEAREST_H
#define BT_BASE_NEAREST_H

#include <stddef.h>

/* The name among names[0..count) with the smallest edit distance to typed: at most 3, and at most
 * half of what was typed, since "log" is no guess for "foo".  NULL when there is none.  Words
 * longer than 63 bytes are never near.  Borrows from names. */
const char *bt_nearest(const char *typed, const char *const *names, size_t count);

#endif
