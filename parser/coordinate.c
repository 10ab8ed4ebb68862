/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which events of a relay log are the replica's own (MariaDB sql/slave.cc and sql/log.cc 10.11,
 * MySQL sql/rpl_slave.cc 8.0): all flagged RELAY_LOG; those with server id 0, which the IO thread
 * writes to tell of events it skipped (its end_log_pos may be a relay log offset); and what opens
 * and closes the file.  Other events with the replica's own server id came back from the primary
 * in a ring, and have the primary's positions.
 */
#include "parser/coordinate.h"

#include <stdlib.h>

#include "parser/control.h"

/* ------------------------------------------------------------------- order */

/* The digits behind the last dot; NULL when there are none. */
static const char *suffix_of(const char *name)
{
    const char *dot = strrchr(name, '.');

    if (!dot || dot[1] == '\0' || strspn(dot + 1, "0123456789") != strlen(dot + 1))
        return NULL;
    return dot + 1;
}

static int sign_of(int n)
{
    return (n > 0) - (n < 0);
}

static int compare_digits(const char *a, const char *b)
{
    size_t a_len, b_len;

    a += strspn(a, "0");
    b += strspn(b, "0");
    a_len = strlen(a);
    b_len = strlen(b);
    if (a_len != b_len)
        return a_len < b_len ? -1 : 1;
    return sign_of(strcmp(a, b));
}

int bt_log_name_compare(const char *a, const char *b)
{
    const char *a_suffix = suffix_of(a);
    const char *b_suffix = suffix_of(b);
    int order;

    if (!a_suffix || !b_suffix || a_suffix - a != b_suffix - b ||
        memcmp(a, b, (size_t)(a_suffix - a)) != 0)
        return sign_of(strcmp(a, b));
    order = compare_digits(a_suffix, b_suffix);
    return order != 0 ? order : sign_of(strcmp(a, b));
}

int bt_coordinate_compare(const struct bt_coordinate *a, const struct bt_coordinate *b)
{
    int order = bt_log_name_compare(a->file, b->file);

    if (order != 0)
        return order;
    return (a->pos > b->pos) - (a->pos < b->pos);
}

/* ----------------------------------------------------------------- tracker */

static void set_name(char file[static BT_LOG_NAME_MAX + 1], const char *name)
{
    size_t len = strnlen(name, BT_LOG_NAME_MAX);

    memcpy(file, name, len);
    file[len] = '\0';
}

/* start and end are in the file of `last` from the next event on. */
static void follow_last(struct bt_coordinate_tracker *t)
{
    set_name(t->start.file, t->last.file);
    set_name(t->end.file, t->last.file);
    t->start.pos = t->end.pos = t->last.pos;
    t->names++;
    t->file_changed = false;
}

static void begin_again(struct bt_coordinate_tracker *t, const char *name)
{
    t->kind = BT_LOG_KIND_UNKNOWN;
    t->own_server_id = 0;
    t->has_place = false;
    t->is_first = true;
    t->keeps_place = false;
    set_name(t->last.file, name);
    t->last.pos = 0;
    follow_last(t);
}

void bt_coordinate_begin(struct bt_coordinate_tracker *t, const char *name)
{
    t->names = 0;
    begin_again(t, name);
}

void bt_coordinate_next_log(struct bt_coordinate_tracker *t, const char *name)
{
    if (t->kind != BT_LOG_KIND_RELAY) {
        begin_again(t, name);
        return;
    }
    t->is_first = true;
    t->keeps_place = true;
    t->has_place = false;
}

void bt_coordinate_resume(struct bt_coordinate_tracker *t, enum bt_log_kind kind,
                          uint32_t own_server_id, const struct bt_coordinate *place)
{
    begin_again(t, place->file);
    t->kind = kind;
    t->own_server_id = own_server_id;
    t->is_first = false;
    t->last.pos = place->pos;
    follow_last(t);
}

void bt_coordinate_name(struct bt_coordinate_tracker *t, const char *file)
{
    set_name(t->last.file, file);
    set_name(t->start.file, file);
    set_name(t->end.file, file);
}

/* The first event of a log tells what kind it is. */
static void open_log(struct bt_coordinate_tracker *t, const struct bt_event *ev)
{
    bool is_relay = ev->header.flags & BT_FLAG_RELAY_LOG;

    t->is_first = false;
    t->kind = is_relay ? BT_LOG_KIND_RELAY : BT_LOG_KIND_BINLOG;
    t->own_server_id = ev->header.server_id;
    if (is_relay && !t->keeps_place) {
        t->last = (struct bt_coordinate){.file = ""};
        follow_last(t);
    }
}

static bool is_gtid(uint8_t type)
{
    return type == BT_MARIADB_GTID || type == BT_GTID || type == BT_ANONYMOUS_GTID ||
           type == BT_GTID_TAGGED;
}

static bool is_replicas_own(const struct bt_coordinate_tracker *t, const struct bt_event *ev)
{
    if (ev->header.flags & BT_FLAG_RELAY_LOG || ev->header.server_id == 0)
        return true;
    if (ev->header.server_id != t->own_server_id)
        return false;
    return ev->type == BT_FORMAT_DESCRIPTION || ev->type == BT_ROTATE || ev->type == BT_STOP ||
           ev->type == BT_PREVIOUS_GTIDS || ev->type == BT_GTID_LIST ||
           ev->type == BT_START_ENCRYPTION;
}

/* A ROTATE that tells of the primary's logs: its next event stands there. */
static int follow_rotate(struct bt_coordinate_tracker *t, const struct bt_event *ev,
                         struct bt_err *err)
{
    struct bt_rotate rotate;
    const uint8_t *slash;

    if (bt_rotate_read(ev, &rotate, err) != 0)
        return -1;
    slash = memrchr(rotate.name.ptr, '/', rotate.name.len);
    if (slash)
        rotate.name = bt_slice(slash + 1, (size_t)(rotate.name.ptr + rotate.name.len - slash) - 1);
    memcpy(t->last.file, rotate.name.ptr, rotate.name.len);
    t->last.file[rotate.name.len] = '\0';
    t->last.pos = rotate.pos;
    t->file_changed = true;
    return 0;
}

static int feed_relay(struct bt_coordinate_tracker *t, const struct bt_event *ev,
                      struct bt_err *err)
{
    bool is_own = is_replicas_own(t, ev);
    uint32_t end_log_pos = ev->header.end_log_pos;
    uint64_t end;

    if (t->file_changed)
        follow_last(t);
    t->start.pos = t->end.pos = t->last.pos;
    t->has_place = false;
    if (!is_own && end_log_pos != 0 && !(ev->header.flags & BT_FLAG_ARTIFICIAL)) {
        if (ev->type == BT_FORMAT_DESCRIPTION && end_log_pos < t->last.pos)
            return 0; /* a copy, sent again before a place further on */
        end = bt_coordinate_widen(t->last.pos, end_log_pos);
        if (is_gtid(ev->type) && end >= ev->header.length)
            t->start.pos = end - ev->header.length;
        t->end.pos = t->last.pos = end;
        t->has_place = t->last.file[0] != '\0';
    }
    if (ev->type == BT_ROTATE && !(ev->header.flags & BT_FLAG_RELAY_LOG) &&
        (ev->header.server_id != t->own_server_id || ev->header.flags & BT_FLAG_ARTIFICIAL))
        return follow_rotate(t, ev, err);
    return 0;
}

int bt_coordinate_feed(struct bt_coordinate_tracker *t, const struct bt_event *ev,
                       struct bt_err *err)
{
    if (ev->inner)
        return 0; /* at the place of the payload around it, which was fed before */
    if (t->is_first)
        open_log(t, ev);
    if (t->kind == BT_LOG_KIND_RELAY)
        return feed_relay(t, ev, err);
    t->start.pos = ev->offset;
    t->end.pos = t->last.pos = ev->offset + ev->raw.len;
    t->has_place = true;
    return 0;
}
