/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.h - what a command writes: results to stdout, checked, with colour only where
 * a person looks.
 *
 * Text is collected in one buffer and written in large pieces; bt_out_finish() makes sure
 * that all of it arrived, because a full disk must not exit 0.  A closed pipe ends the
 * program quietly, as for every filter.
 */
#ifndef BT_CLI_OUTPUT_H
#define BT_CLI_OUTPUT_H

#include "base/buf.h"

struct bt_out {
    struct bt_buf buf;
    int fd;
    bool is_terminal;
    bool colour; /* terminal, not NO_COLOR, not TERM=dumb */
    int width;   /* columns; 100 when it is no terminal */
};

void bt_out_init(struct bt_out *out, int fd);

/* Writes what is collected when it is more than a block.  Call after each line. */
int bt_out_line(struct bt_out *out, struct bt_err *err) BT_MUST_CHECK;

/* Writes the first *n bytes of what is collected, for whoever looks on now; the rest stays, and *n
 * is 0 then. */
int bt_out_flush(struct bt_out *out, size_t *n, struct bt_err *err) BT_MUST_CHECK;

/* Writes all that is left and releases. */
int bt_out_finish(struct bt_out *out, struct bt_err *err) BT_MUST_CHECK;

enum bt_colour {
    BT_COLOUR_BOLD,
    BT_COLOUR_DIM,
    BT_COLOUR_RED,
    BT_COLOUR_GREEN,
    BT_COLOUR_YELLOW,
    BT_COLOUR_CYAN,
};

/* Adds text in a colour, plain where there is none. */
void bt_out_coloured(struct bt_out *out, enum bt_colour colour, const char *text);

#endif
