/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_schema.h - a schema (parser/schema.h) as a running server has it now: for logs that do
 * not name their columns.
 *
 * It comes from information_schema.columns, database by database: names, types with signedness,
 * ENUM and SET members, character sets.  What the account may not see is not in it.  The log may be
 * older than the table is now: whoever uses the schema compares (parser/value.h, bt_plan_note).
 */
#ifndef BT_APPLY_SERVER_SCHEMA_H
#define BT_APPLY_SERVER_SCHEMA_H

#include "apply/connection.h"
#include "parser/schema.h"

/* Reads all databases but information_schema and performance_schema; at most 256 MiB of text. */
int bt_server_schema_load(struct bt_connection *c, struct bt_deadline deadline,
                          struct bt_schema **ret, struct bt_err *err) BT_MUST_CHECK;

#endif
