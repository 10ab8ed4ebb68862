/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gtid_set_read.c - GTID sets from and to text, and from PREVIOUS_GTIDS.
 *
 *   untagged   u64 count of uuids, then of each: 16 bytes uuid, u64 count of intervals, and of each
 *              i64 first, i64 last + 1
 *   tagged     byte 0 and byte 7 are 1, bytes 1 to 6 the count; behind each uuid stands its tag
 *              (variable-length integer of its length, characters)
 *   (rpl_gtid_set.cc Gtid_set::encode; tagged: MySQL 8.4, checked on 9.7 logs)
 */
#include "parser/gtid_set_priv.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/auto.h"

enum { UUID_TEXT_LEN = 36, TAG_LEN_MAX = 32 };

/* ----------------------------------------------------- put into set order */

static int compare_intervals(const void *a, const void *b)
{
    const struct bt_gtid_interval *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

static int compare_ranges(const void *a, const void *b)
{
    return bt_gtid_range_compare(a, b);
}

static void normalize_range(struct bt_gtid_range *r)
{
    size_t kept = 0;
    bool is_sorted = true;

    for (size_t i = 1; i < r->count && is_sorted; i++)
        is_sorted = r->items[i - 1].first <= r->items[i].first;
    if (!is_sorted)
        qsort(r->items, r->count, sizeof(*r->items), compare_intervals);
    for (size_t i = 0; i < r->count; i++) {
        if (kept > 0 && r->items[i].first <= r->items[kept - 1].last + 1) {
            if (r->items[i].last > r->items[kept - 1].last)
                r->items[kept - 1].last = r->items[i].last;
        } else {
            r->items[kept++] = r->items[i];
        }
    }
    r->count = kept;
}

/* Sorts and merges a set whose ranges were appended as they came. */
static int normalize(struct bt_gtid_set *s, struct bt_err *err)
{
    size_t kept = 0;

    if (s->count > 1)
        qsort(s->ranges, s->count, sizeof(*s->ranges), compare_ranges);
    for (size_t i = 0; i < s->count; i++) {
        struct bt_gtid_range *r = &s->ranges[i], *last = kept ? &s->ranges[kept - 1] : NULL;

        if (last && bt_gtid_range_compare(last, r) == 0) {
            for (size_t n = 0; n < r->count; n++)
                if (bt_gtid_range_append(last, r->items[n], err) != 0)
                    return -1;
            free(r->items);
            *r = (struct bt_gtid_range){0};
        } else if (r->count == 0) {
            free(r->items);
            *r = (struct bt_gtid_range){0};
        } else if (&s->ranges[kept] != r) {
            s->ranges[kept++] = *r;
            *r = (struct bt_gtid_range){0};
        } else {
            kept++;
        }
    }
    s->count = kept;
    for (size_t i = 0; i < s->count; i++)
        normalize_range(&s->ranges[i]);
    return 0;
}

/* -------------------------------------------------------------------- text */

static void skip_blanks(struct bt_cursor *c)
{
    while (c->left && isspace(*c->at)) {
        c->at++;
        c->left--;
    }
}

static bool accept(struct bt_cursor *c, char wanted)
{
    if (!c->left || *c->at != (uint8_t)wanted)
        return false;
    c->at++;
    c->left--;
    return true;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_uuid(struct bt_cursor *c, uint8_t uuid[static 16])
{
    struct bt_slice text;
    size_t at = 0;

    if (!bt_cur_take(c, UUID_TEXT_LEN, &text))
        return false;
    for (size_t i = 0; i < 16; i++) {
        int high, low;

        if ((i == 4 || i == 6 || i == 8 || i == 10) && text.ptr[at++] != '-')
            return false;
        high = hex_digit(text.ptr[at]);
        low = hex_digit(text.ptr[at + 1]);
        if (high < 0 || low < 0)
            return false;
        uuid[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    return true;
}

static bool is_tag_character(uint8_t c, bool is_first)
{
    return c == '_' || isalpha(c) || (!is_first && isdigit(c));
}

/* A tag and the blanks behind it; lower case as the server keeps it. */
static bool read_tag(struct bt_cursor *c, char tag[static TAG_LEN_MAX + 1])
{
    size_t len = 0;

    while (c->left && is_tag_character(*c->at, len == 0)) {
        if (len == TAG_LEN_MAX)
            return false;
        tag[len++] = (char)tolower(*c->at);
        c->at++;
        c->left--;
    }
    tag[len] = '\0';
    skip_blanks(c);
    return len > 0;
}

static bool read_number(struct bt_cursor *c, uint64_t *ret)
{
    uint64_t value = 0;
    bool any = false;

    for (; c->left && isdigit(*c->at); c->at++, c->left--) {
        if (value > BT_GTID_NUMBER_MAX / 10)
            return false;
        value = value * 10 + (uint64_t)(*c->at - '0');
        if (value > BT_GTID_NUMBER_MAX)
            return false;
        any = true;
    }
    skip_blanks(c);
    *ret = value;
    return any;
}

/* "first" or "first-last". */
static bool read_interval(struct bt_cursor *c, struct bt_gtid_interval *ret)
{
    if (!read_number(c, &ret->first) || ret->first == 0)
        return false;
    ret->last = ret->first;
    if (!accept(c, '-'))
        return true;
    skip_blanks(c);
    return read_number(c, &ret->last);
}

/* One uuid with all behind it.  1: the text does not follow the notation here. */
static int read_group(struct bt_cursor *c, struct bt_gtid_set *s, struct bt_err *err)
{
    struct bt_gtid_range key = {0};

    if (!read_uuid(c, key.uuid))
        return 1;
    if (bt_gtid_set_insert_range(s, s->count, &key, err) != 0)
        return -1;
    skip_blanks(c);
    while (accept(c, ':')) {
        struct bt_gtid_interval item;

        skip_blanks(c);
        if (c->left && is_tag_character(*c->at, true)) {
            if (!read_tag(c, key.tag))
                return 1;
            if (bt_gtid_set_insert_range(s, s->count, &key, err) != 0)
                return -1;
            continue;
        }
        if (!read_interval(c, &item))
            return 1;
        if (item.last >= item.first &&
            bt_gtid_range_append(&s->ranges[s->count - 1], item, err) != 0)
            return -1;
    }
    return 0;
}

int bt_gtid_set_parse(struct bt_slice text, struct bt_gtid_set *ret, struct bt_err *err)
{
    bt_auto_gtid_set struct bt_gtid_set s = {0};
    struct bt_cursor c = bt_cursor(text);

    skip_blanks(&c);
    while (c.left) {
        if (!accept(&c, ',')) {
            int result = read_group(&c, &s, err);

            if (result < 0)
                return -1;
            if (result == 1 || (c.left && *c.at != ','))
                return bt_fail(err, BT_ERR_USAGE, "\"%.*s\" is not a MySQL GTID set"
                                                  " (uuid:1-3:tag:5,...): stuck at character %zu",
                               (int)(text.len > 200 ? 200 : text.len), (const char *)text.ptr,
                               text.len - c.left + 1);
        }
        skip_blanks(&c);
    }
    if (normalize(&s, err) != 0)
        return -1;
    *ret = s;
    s = (struct bt_gtid_set){0};
    return 0;
}

static void add_uuid(struct bt_buf *out, const uint8_t uuid[static 16])
{
    static const char digits[] = "0123456789abcdef";
    char text[UUID_TEXT_LEN];
    size_t at = 0;

    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[at++] = '-';
        text[at++] = digits[uuid[i] >> 4];
        text[at++] = digits[uuid[i] & 15];
    }
    bt_buf_add(out, text, sizeof(text));
}

void bt_gtid_set_text(const struct bt_gtid_set *s, struct bt_buf *out)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct bt_gtid_range *r = &s->ranges[i];

        if (i == 0 || memcmp(r[-1].uuid, r->uuid, sizeof(r->uuid)) != 0) {
            if (i > 0)
                bt_buf_add_byte(out, ',');
            add_uuid(out, r->uuid);
        }
        if (r->tag[0])
            bt_buf_addf(out, ":%s", r->tag);
        for (size_t n = 0; n < r->count; n++) {
            bt_buf_addf(out, ":%llu", (unsigned long long)r->items[n].first);
            if (r->items[n].last > r->items[n].first)
                bt_buf_addf(out, "-%llu", (unsigned long long)r->items[n].last);
        }
    }
}

/* ---------------------------------------------------------- PREVIOUS_GTIDS */

/* The serialization library's unsigned integer: as many trailing 1 bits in the first byte as bytes
 * follow it (libs/mysql/serialization/readme.md, MySQL 9.x). */
static bool read_varint(struct bt_cursor *c, uint64_t *ret)
{
    struct bt_cursor saved = *c;
    uint8_t first;
    uint64_t value = 0;
    size_t more = 0;

    if (!bt_cur_u8(c, &first))
        return false;
    while (more < 8 && first >> more & 1)
        more++;
    if (more > 0 && !bt_cur_le(c, more, &value)) {
        *c = saved;
        return false;
    }
    *ret = more >= 7 ? value : value << (7 - more) | (uint64_t)(first >> (more + 1));
    return true;
}

static bool read_event_tag(struct bt_cursor *c, char tag[static TAG_LEN_MAX + 1])
{
    struct bt_slice text;
    uint64_t len;

    if (!read_varint(c, &len) || len > TAG_LEN_MAX || !bt_cur_take(c, len, &text))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_tag_character(text.ptr[i], i == 0))
            return false;
        tag[i] = (char)tolower(text.ptr[i]);
    }
    tag[text.len] = '\0';
    return true;
}

static int read_event_range(struct bt_cursor *c, bool is_tagged, struct bt_gtid_set *s,
                            struct bt_err *err)
{
    struct bt_gtid_range key = {0};
    uint64_t count, end;

    if (!bt_cur_copy(c, sizeof(key.uuid), key.uuid) || (is_tagged && !read_event_tag(c, key.tag)) ||
        !bt_cur_u64(c, &count) || count > c->left / 16)
        return bt_fail(err, BT_ERR_CORRUPT, "PREVIOUS_GTIDS ends in its uuid number %zu",
                       s->count + 1);
    if (bt_gtid_set_insert_range(s, s->count, &key, err) != 0)
        return -1;
    for (; count > 0; count--) {
        struct bt_gtid_interval item;

        if (!bt_cur_u64(c, &item.first) || !bt_cur_u64(c, &end))
            return bt_fail(err, BT_ERR_BUG, "PREVIOUS_GTIDS was measured wrongly");
        item.last = end - 1;
        if (item.first < 1 || end <= item.first || item.last > BT_GTID_NUMBER_MAX)
            return bt_fail(err, BT_ERR_CORRUPT, "PREVIOUS_GTIDS has an interval from %llu to %llu",
                           (unsigned long long)item.first, (unsigned long long)item.last);
        if (bt_gtid_range_append(&s->ranges[s->count - 1], item, err) != 0)
            return -1;
    }
    return 0;
}

int bt_previous_gtids_read(const struct bt_event *ev, struct bt_gtid_set *ret, struct bt_err *err)
{
    bt_auto_gtid_set struct bt_gtid_set s = {0};
    struct bt_cursor c = bt_cursor(ev->body);
    bool is_tagged;
    uint64_t count;

    if (!bt_cur_u64(&c, &count))
        return bt_fail(err, BT_ERR_CORRUPT, "PREVIOUS_GTIDS of %zu bytes has no count",
                       ev->body.len);
    is_tagged = count >> 56 == 1 && (count & 0xff) == 1;
    if (is_tagged)
        count = count >> 8 & 0xffffffffffff;
    for (; count > 0; count--)
        if (read_event_range(&c, is_tagged, &s, err) != 0)
            return -1;
    if (c.left)
        return bt_fail(err, BT_ERR_CORRUPT, "PREVIOUS_GTIDS has %zu bytes behind its end", c.left);
    if (normalize(&s, err) != 0)
        return -1;
    *ret = s;
    s = (struct bt_gtid_set){0};
    return 0;
}

void bt_previous_gtids_add(const struct bt_gtid_set *set, struct bt_buf *out)
{
    bool tagged = false;

    for (size_t i = 0; i < set->count; i++)
        tagged = tagged || set->ranges[i].tag[0];
    /* Tagged: the count stands between two bytes of 1. */
    bt_buf_add_le(out, tagged ? 1 | (uint64_t)set->count << 8 | (uint64_t)1 << 56 : set->count, 8);
    for (size_t i = 0; i < set->count; i++) {
        const struct bt_gtid_range *range = &set->ranges[i];

        bt_buf_add(out, range->uuid, sizeof(range->uuid));
        if (tagged) {
            bt_buf_add_le(out, strlen(range->tag) << 1, 1);
            bt_buf_add_str(out, range->tag);
        }
        bt_buf_add_le(out, range->count, 8);
        for (size_t k = 0; k < range->count; k++) {
            bt_buf_add_le(out, range->items[k].first, 8);
            bt_buf_add_le(out, range->items[k].last + 1, 8);
        }
    }
}
