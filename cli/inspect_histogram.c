/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_histogram.c - write load over time in the terminal: one column per span of minutes. */
#include "base/clock.h"
#include "base/number.h"
#include "cli/inspect_summary.h"

enum { HEIGHT = 12, COLUMNS_MAX = 240, MARGIN = 12 };

struct chart {
    uint64_t bytes[COLUMNS_MAX], transactions[COLUMNS_MAX];
    size_t columns;
    uint32_t first, span; /* minutes */
    uint64_t greatest;
};

/* Spreads the minutes over the columns there is room for. */
static void fill(struct chart *c, const struct bt_summary *s, int width)
{
    uint32_t last = s->minutes[s->minute_count - 1].minute;
    size_t room = width > MARGIN + 10 ? (size_t)(width - MARGIN) : 10;
    uint64_t minutes = (uint64_t)last - s->minutes[0].minute + 1;

    if (room > COLUMNS_MAX)
        room = COLUMNS_MAX;
    c->first = s->minutes[0].minute;
    c->span = (uint32_t)((minutes + room - 1) / room);
    c->columns = (size_t)((minutes + c->span - 1) / c->span);
    for (size_t i = 0; i < s->minute_count; i++) {
        size_t column = (s->minutes[i].minute - c->first) / c->span;

        c->bytes[column] += s->minutes[i].bytes;
        c->transactions[column] += s->minutes[i].transactions;
        if (c->bytes[column] > c->greatest)
            c->greatest = c->bytes[column];
    }
}

/* One row of the chart, from eighths of a cell. */
static void draw_row(const struct chart *c, int row, struct bt_buf *out)
{
    static const char *const blocks[] = {" ", "\u2581", "\u2582", "\u2583", "\u2584",
                                         "\u2585", "\u2586", "\u2587", "\u2588"};

    for (size_t i = 0; i < c->columns; i++) {
        uint64_t eighths = c->greatest ? c->bytes[i] * (HEIGHT * 8) / c->greatest : 0;
        uint64_t below = (uint64_t)row * 8;

        if (eighths == 0 && c->bytes[i])
            eighths = 1;
        bt_buf_add_str(out, blocks[eighths <= below       ? 0
                                   : eighths - below >= 8 ? 8
                                                          : eighths - below]);
    }
    bt_buf_add_byte(out, '\n');
}

int bt_summary_print_histogram(struct bt_summary *s, struct bt_out *out, struct bt_err *err)
{
    struct chart c = {0};
    char size[BT_SIZE_TEXT_SIZE], from[BT_TIME_TEXT_SIZE], to[BT_TIME_TEXT_SIZE];

    bt_summary_sort_minutes(s);
    if (s->minute_count == 0) {
        bt_buf_add_str(&out->buf, "no transactions\n");
        return 0;
    }
    fill(&c, s, out->width);
    bt_out_coloured(out, BT_COLOUR_BOLD, "Bytes written");
    bt_buf_addf(&out->buf, ", %u minute%s a column\n", c.span, c.span == 1 ? "" : "s");
    for (int row = HEIGHT - 1; row >= 0; row--) {
        bt_buf_addf(&out->buf, "%10s ",
                    row == HEIGHT - 1 ? bt_size_text(c.greatest, size)
                    : row == 0        ? "0"
                                      : "");
        draw_row(&c, row, &out->buf);
    }
    bt_buf_addf(&out->buf, "%11s%s .. %s\n", "", bt_time_text((int64_t)c.first * 60000000, from),
                bt_time_text(((int64_t)c.first + (int64_t)c.columns * c.span) * 60000000, to));
    return bt_buf_check(&out->buf, "histogram", err);
}
