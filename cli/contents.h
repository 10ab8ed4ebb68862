/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contents.h - what the transactions of a missing set do, in a line each: for errant ones, and for
 * two servers that are compared.
 *
 *     0-2-101  dml  214 B  d.t (3 row events)  INSERT INTO t VALUES (...)
 *
 * Tables come from the row events, statements are cut and shown without their secrets.
 */
#ifndef BT_CLI_CONTENTS_H
#define BT_CLI_CONTENTS_H

#include "base/json.h"
#include "diff/missing.h"

enum { BT_CONTENTS_LINES = 10 };

/* The first BT_CONTENTS_LINES of them as lines, each behind `indent` blanks; how many more. */
void bt_contents_text(const struct bt_missing *m, unsigned indent, struct bt_buf *out);

/* All of them as an array of {"gtid","kind","bytes","row_events","tables","statement"}. */
void bt_contents_json(const struct bt_missing *m, const char *key, struct bt_json *j);

#endif
