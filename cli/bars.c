/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bars.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>

#include "base/number.h"

enum { INDENT = 6, NUMBERS = 42, COLUMNS = 80, BAR_MAX = 72 };

static bool locale_is_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    bool is_utf8 = false;

    if (locale) {
        is_utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
        freelocale(locale);
    }
    return is_utf8;
}

void bt_bars_begin(struct bt_bars *b, const struct bt_log_set *primary)
{
    *b = (struct bt_bars){.primary = primary, .utf8 = locale_is_utf8()};
}

/* ------------------------------------------------------------------- scale */

static bool is_on(const struct bt_bars *b, const struct bt_coordinate *place)
{
    uint64_t number;
    size_t len;

    return b->base[0] && bt_log_name_split(place->file, &len, &number) && strlen(b->base) == len &&
           strncmp(place->file, b->base, len) == 0;
}

/* A place as one number, counted from the beginning of the first log on the scale. */
static uint64_t line_of(const struct bt_bars *b, const struct bt_coordinate *place)
{
    uint64_t first = 0, number = 0, sum = 0;
    size_t len, at, until;

    if (!bt_log_name_split(b->low.file, &len, &first) ||
        !bt_log_name_split(place->file, &len, &number) || number < first)
        return 0;
    at = b->primary ? bt_log_set_index(b->primary, b->low.file) : SIZE_MAX;
    until = b->primary ? bt_log_set_index(b->primary, place->file) : SIZE_MAX;
    if (at == SIZE_MAX || until == SIZE_MAX)
        return (number - first) * b->log_size + place->pos;
    for (; at < until; at++)
        sum += b->primary->logs[at].size;
    return sum + place->pos;
}

static void widen(struct bt_bars *b, const struct bt_coordinate *place)
{
    uint64_t number;
    size_t len;

    if (!b->base[0] && bt_log_name_split(place->file, &len, &number)) {
        snprintf(b->base, sizeof(b->base), "%.*s", (int)len, place->file);
        b->low = b->high = *place;
    }
    if (!is_on(b, place))
        return;
    if (place->pos > b->log_size)
        b->log_size = place->pos;
    if (bt_coordinate_compare(place, &b->low) < 0)
        b->low = *place;
    if (bt_coordinate_compare(place, &b->high) > 0)
        b->high = *place;
}

void bt_bars_add(struct bt_bars *b, const struct bt_coordinate *executed,
                 const struct bt_coordinate *received)
{
    widen(b, received);
    widen(b, executed);
}

uint64_t bt_bars_between(const struct bt_bars *b, const struct bt_coordinate *from,
                         const struct bt_coordinate *to)
{
    uint64_t begin, end;

    if (!is_on(b, from) || !is_on(b, to))
        return 0;
    begin = line_of(b, from);
    end = line_of(b, to);
    return end > begin ? end - begin : 0;
}

/* ----------------------------------------------------------------- drawing */

static bool draws(const struct bt_bars *b)
{
    return b->base[0] && bt_coordinate_compare(&b->low, &b->high) < 0;
}

static uint64_t bar_width(const struct bt_out *out)
{
    int columns = out->is_terminal ? out->width : COLUMNS;
    int width = columns - INDENT - NUMBERS;

    return (uint64_t)(width < 8 ? 8 : width > BAR_MAX ? BAR_MAX
                                                      : width);
}

static void add_signs(const struct bt_bars *b, struct bt_out *out, enum bt_colour colour,
                      const char *sign, char plain, uint64_t count)
{
    char text[4 * BAR_MAX];
    size_t at = 0, len = b->utf8 ? strlen(sign) : 1;

    if (count == 0)
        return;
    for (uint64_t i = 0; i < count && at + len < sizeof(text); i++, at += len)
        memcpy(text + at, b->utf8 ? sign : &plain, len);
    text[at] = '\0';
    bt_out_coloured(out, colour, text);
}

static void add_numbers(uint64_t waits, uint64_t lacks, struct bt_buf *out)
{
    char size[BT_SIZE_TEXT_SIZE];

    if (waits)
        bt_buf_addf(out, "  %s to apply", bt_size_text(waits, size));
    if (lacks)
        bt_buf_addf(out, "%s missing %s", waits ? "," : " ", bt_size_text(lacks, size));
    if (!waits && !lacks)
        bt_buf_add_str(out, "  all applied");
    bt_buf_add_byte(out, '\n');
}

void bt_bars_draw(const struct bt_bars *b, const struct bt_coordinate *executed,
                  const struct bt_coordinate *received, struct bt_out *out)
{
    uint64_t width = bar_width(out), span, applied, had;
    uint64_t waits = bt_bars_between(b, executed, received);
    uint64_t lacks = bt_bars_between(b, received, &b->high);

    if (!draws(b) || !is_on(b, received))
        return;
    span = bt_bars_between(b, &b->low, &b->high);
    if (span == 0)
        return;
    had = (span - lacks) * width / span;
    /* Of what there is at all, at least one sign is drawn. */
    if (lacks && had == width)
        had--;
    applied = (span - lacks - (waits > span - lacks ? span - lacks : waits)) * width / span;
    if (waits && had == 0)
        had = 1;
    if (waits && applied >= had)
        applied = had - 1;
    if (!waits)
        applied = had;
    bt_buf_addf(&out->buf, "%*s%s", INDENT, "", b->utf8 ? "" : "[");
    add_signs(b, out, BT_COLOUR_GREEN, "\u2588", '#', applied);
    add_signs(b, out, BT_COLOUR_YELLOW, "\u2592", '=', had - applied);
    add_signs(b, out, BT_COLOUR_RED, "\u2591", '.', width - had);
    if (!b->utf8)
        bt_buf_add_byte(&out->buf, ']');
    if (waits || lacks || is_on(b, executed))
        add_numbers(waits, lacks, &out->buf);
    else
        bt_buf_add_byte(&out->buf, '\n');
}

void bt_bars_legend(const struct bt_bars *b, struct bt_out *out)
{
    char size[BT_SIZE_TEXT_SIZE];
    uint64_t span;

    if (!draws(b) || (span = bt_bars_between(b, &b->low, &b->high)) == 0)
        return;
    bt_buf_addf(&out->buf, "%*s", INDENT, "");
    add_signs(b, out, BT_COLOUR_GREEN, "\u2588", '#', 1);
    bt_buf_add_str(&out->buf, " applied  ");
    add_signs(b, out, BT_COLOUR_YELLOW, "\u2592", '=', 1);
    bt_buf_add_str(&out->buf, " received  ");
    add_signs(b, out, BT_COLOUR_RED, "\u2591", '.', 1);
    bt_buf_addf(&out->buf, " missing; a whole bar is %s%s\n", b->primary ? "" : "about ",
                bt_size_text(span, size));
}
