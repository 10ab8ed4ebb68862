/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MariaDB's state: the last GTID of each domain and server.
 *
 * GTID_LIST (sql/log_event_server.cc Gtid_list_log_event, MariaDB 10.11)
 *   4   count (low 28 bits), flags (high 4: 1 UNTIL_REACHED, 2 IGN_GTIDS)
 *   16  (domain u32, server id u32, sequence number u64), `count` times
 *
 * Of one domain the entry at the highest index is the one updated last; that order is also the one
 * in which the server writes its list.
 */
#include "parser/gtid.h"

#include <stdlib.h>

enum {
    ENTRY_COUNT_MAX = 4096,
    LIST_COUNT_BITS = 28,
};

void bt_gtid_state_done(struct bt_gtid_state *s)
{
    free(s->items);
    *s = (struct bt_gtid_state){0};
}

static int make_room(struct bt_gtid_state *s, struct bt_err *err)
{
    size_t room = s->room ? s->room * 2 : 8;
    struct bt_gtid *items;

    if (s->count < s->room)
        return 0;
    if (s->count == ENTRY_COUNT_MAX)
        return bt_fail(err, BT_ERR_LIMIT, "a GTID state of more than %d domains and servers",
                       ENTRY_COUNT_MAX);
    items = reallocarray(s->items, room, sizeof(*items));
    if (!items)
        return bt_fail_sys(err, "could not keep a GTID state of %zu entries", room);
    s->items = items;
    s->room = room;
    return 0;
}

int bt_gtid_state_update(struct bt_gtid_state *s, const struct bt_gtid *gtid, struct bt_err *err)
{
    size_t at = s->count;

    if (gtid->kind != BT_GTID_MARIADB)
        return bt_fail(err, BT_ERR_BUG, "a GTID state holds MariaDB's GTIDs only");
    for (size_t i = s->count; i-- > 0;) {
        if (s->items[i].domain != gtid->domain)
            continue;
        if (s->items[i].server_id == gtid->server_id) {
            at = i;
            break;
        }
    }
    if (at == s->count) {
        if (make_room(s, err) != 0)
            return -1;
        s->items[s->count++] = *gtid;
        return 0;
    }
    if (bt_gtid_state_last(s, gtid->domain) != &s->items[at]) {
        /* Another server wrote in between: this one is the domain's last again. */
        memmove(&s->items[at], &s->items[at + 1], (s->count - at - 1) * sizeof(*s->items));
        at = s->count - 1;
    }
    s->items[at] = *gtid;
    return 0;
}

const struct bt_gtid *bt_gtid_state_last(const struct bt_gtid_state *s, uint32_t domain)
{
    for (size_t i = s->count; i-- > 0;)
        if (s->items[i].domain == domain)
            return &s->items[i];
    return NULL;
}

size_t bt_gtid_state_domains(const struct bt_gtid_state *s)
{
    size_t count = 0;

    for (size_t i = 0; i < s->count; i++)
        count += bt_gtid_state_last(s, s->items[i].domain) == &s->items[i];
    return count;
}

bool bt_gtid_state_has(const struct bt_gtid_state *s, const struct bt_gtid *gtid)
{
    const struct bt_gtid *last = bt_gtid_state_last(s, gtid->domain);

    return last && gtid->sequence <= last->sequence;
}

static int compare_domains(const void *a, const void *b)
{
    const struct bt_gtid *x = *(const struct bt_gtid *const *)a;
    const struct bt_gtid *y = *(const struct bt_gtid *const *)b;

    return (x->domain > y->domain) - (x->domain < y->domain);
}

void bt_gtid_state_text(const struct bt_gtid_state *s, struct bt_buf *out)
{
    const struct bt_gtid *lasts[ENTRY_COUNT_MAX];
    size_t count = 0;

    for (size_t i = 0; i < s->count; i++)
        if (bt_gtid_state_last(s, s->items[i].domain) == &s->items[i])
            lasts[count++] = &s->items[i];
    qsort(lasts, count, sizeof(lasts[0]), compare_domains);
    for (size_t i = 0; i < count; i++) {
        char text[BT_GTID_TEXT_SIZE];

        bt_buf_addf(out, "%s%s", i ? "," : "", bt_gtid_text(lasts[i], text));
    }
}

static struct bt_slice trim(struct bt_slice s)
{
    while (s.len && memchr(" \t\r\n", s.ptr[0], 4)) {
        s.ptr++;
        s.len--;
    }
    while (s.len && memchr(" \t\r\n", s.ptr[s.len - 1], 4))
        s.len--;
    return s;
}

static int parse_into(struct bt_slice text, struct bt_gtid_state *s, struct bt_err *err)
{
    while (text.len > 0) {
        const uint8_t *comma = memchr(text.ptr, ',', text.len);
        size_t len = comma ? (size_t)(comma - text.ptr) : text.len;
        struct bt_slice item = trim(bt_slice(text.ptr, len));
        struct bt_gtid gtid;

        if (bt_gtid_parse(item, &gtid, err) != 0)
            return -1;
        if (gtid.kind != BT_GTID_MARIADB)
            return bt_fail(err, BT_ERR_CONFIG, "\"%.*s\" is no GTID of MariaDB",
                           BT_SLICE_ARG(item));
        if (bt_gtid_state_update(s, &gtid, err) != 0)
            return -1;
        text = comma ? bt_slice(comma + 1, text.len - len - 1) : bt_slice_empty();
    }
    return 0;
}

int bt_gtid_state_parse(struct bt_slice text, struct bt_gtid_state *ret, struct bt_err *err)
{
    struct bt_gtid_state s = {0};

    if (parse_into(trim(text), &s, err) != 0) {
        bt_gtid_state_done(&s);
        return -1;
    }
    *ret = s;
    return 0;
}

static int read_entries(struct bt_cursor *c, uint32_t count, struct bt_gtid_state *s,
                        struct bt_err *err)
{
    for (uint32_t i = 0; i < count; i++) {
        struct bt_gtid gtid = {.kind = BT_GTID_MARIADB};

        if (!(bt_cur_u32(c, &gtid.domain) &&
              bt_cur_u32(c, &gtid.server_id) &&
              bt_cur_u64(c, &gtid.sequence)))
            return bt_fail(err, BT_ERR_CORRUPT, "GTID_LIST of %u GTIDs ends after %u", count, i);
        if (bt_gtid_state_update(s, &gtid, err) != 0)
            return -1;
    }
    return 0;
}

int bt_gtid_list_read(const struct bt_event *ev, struct bt_gtid_state *ret, uint32_t *ret_flags,
                      struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);
    struct bt_gtid_state s = {0};
    uint32_t count;

    if (!bt_cur_u32(&c, &count))
        return bt_fail(err, BT_ERR_CORRUPT, "GTID_LIST of %zu bytes has no count", ev->body.len);
    if (read_entries(&c, count & ((1u << LIST_COUNT_BITS) - 1), &s, err) != 0) {
        bt_gtid_state_done(&s);
        return -1;
    }
    *ret = s;
    *ret_flags = count >> LIST_COUNT_BITS;
    return 0;
}
