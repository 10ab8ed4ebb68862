/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bars.h - how far each server is, as a bar: applied, received, missing against the primary.
 *
 *     bt_bars_begin(&bars, primary's set or NULL)
 *     bt_bars_add(&bars, &executed, &received) ...          for each server, and the primary's end
 *     bt_bars_draw(&bars, &executed, &received, out)
 *
 *     ██████████████████▒▒▒▒▒▒░░░░░░░░  512 KiB to apply, missing 2.1 MiB
 *
 * All bars have one scale: from the place up to which all have applied, to the furthest place that
 * anybody has.  Where the locale is not UTF-8 they are drawn as "####====....".  The primary's logs
 * give their sizes where they are at hand; else each counts as the furthest place seen in any.
 */
#ifndef BT_CLI_BARS_H
#define BT_CLI_BARS_H

#include "cli/output.h"
#include "diff/log_set.h"

struct bt_bars {
    const struct bt_log_set *primary;
    char base[BT_LOG_NAME_MAX + 1]; /* of the primary's logs; "" = nobody was added */
    uint64_t log_size;              /* of a log whose size is not known */
    struct bt_coordinate low, high;
    bool utf8;
};

void bt_bars_begin(struct bt_bars *b, const struct bt_log_set *primary);

/* Widens the scale.  Places of another primary's logs, or not known, are left out. */
void bt_bars_add(struct bt_bars *b, const struct bt_coordinate *executed,
                 const struct bt_coordinate *received);

/* Bytes of the primary's logs between two places on it; 0 when they are not, or in other order. */
uint64_t bt_bars_between(const struct bt_bars *b, const struct bt_coordinate *from,
                         const struct bt_coordinate *to);

/* One line, indented; nothing when the places are not on the scale. */
void bt_bars_draw(const struct bt_bars *b, const struct bt_coordinate *executed,
                  const struct bt_coordinate *received, struct bt_out *out);

/* What the signs mean, and how much a whole bar is.  Nothing when no bar can be drawn. */
void bt_bars_legend(const struct bt_bars *b, struct bt_out *out);

#endif
