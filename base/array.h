/* SPDX-License-Identifier: Apache-2.0 */
/*
 * array.h - plain arrays that double.
 *
 *     more = bt_array_grown(items, count, &room, sizeof(*items));
 *     if (!more) return bt_fail(...);         items is still what it was
 *     items = more;
 *     items[count++] = ...                    free(items) releases
 */
#ifndef BT_BASE_ARRAY_H
#define BT_BASE_ARRAY_H

#include <stddef.h>

/* The array with room for at least one element behind `count`, moved if need be; NULL without
 * memory.  array may be NULL with a room of 0. */
void *bt_array_grown(void *array, size_t count, size_t *room, size_t size);

#endif
