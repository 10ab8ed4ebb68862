/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_all.h - every decoder that fits an event, for tests that damage logs.
 */
#ifndef BT_TESTS_DECODE_ALL_H
#define BT_TESTS_DECODE_ALL_H

#include "parser/event.h"
#include "parser/table_map.h"

/* Reads the event by the decoder of its type, keeps a table map in tables and looks one up there
 * for rows.  -1: the decoder refused it.  Types without a decoder are 0. */
int bt_decode_event(const struct bt_event *ev, struct bt_table_cache *tables, struct bt_err *err);

#endif
