/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect_filter.h"

#include <stdlib.h>
#include <time.h>

#include "base/number.h"

/* "2026-11-22T14:36:30Z", "2026-11-22 14:36:30", "2026-11-22": UTC. */
static bool parse_time(const char *text, int64_t *ret)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S",
                                        "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm tm = {0};
        const char *end = strptime(text, forms[i], &tm);

        if (end && *end == '\0') {
            *ret = timegm(&tm);
            return true;
        }
    }
    return false;
}

static int place_parse(const char *text, struct bt_place *ret, struct bt_err *err)
{
    struct bt_place place = {.kind = BT_PLACE_OFFSET, .file = ""};
    const char *colon = strrchr(text, ':');
    struct bt_err ignored = {0};

    if (bt_number_size(bt_slice_str(text), UINT64_MAX, &place.offset)) {
        *ret = place;
        return 0;
    }
    if (parse_time(text, &place.time_s))
        place.kind = BT_PLACE_TIME;
    else if (bt_gtid_parse(bt_slice_str(text), &place.gtid, &ignored) == 0)
        place.kind = BT_PLACE_GTID;
    else if (colon && colon > text &&
             bt_number_u64(bt_slice_str(colon + 1), UINT64_MAX, &place.offset)) {
        place.file = strndup(text, (size_t)(colon - text)); /* for the life of the process */
        if (!place.file)
            return bt_fail_sys(err, "could not keep \"%s\"", text);
    } else {
        return bt_fail(err, BT_ERR_USAGE,
                       "\"%s\" is no place: give an offset, LOG:OFFSET, a GTID, or a time such as "
                       "2026-11-22T14:36:30Z",
                       text);
    }
    *ret = place;
    return 0;
}

int bt_filter_prepare(struct bt_filter *f, const char *from, const char *to, struct bt_err *err)
{
    if (from && place_parse(from, &f->from, err) != 0)
        return bt_err_wrap(err, "--from");
    if (to && place_parse(to, &f->to, err) != 0)
        return bt_err_wrap(err, "--to");
    for (size_t i = 0; i < f->gtids.count; i++)
        if (bt_gtid_parse(bt_slice_str(f->gtids.items[i]), &f->gtid_items[i], err) != 0) {
            err->kind = BT_ERR_USAGE;
            return bt_err_wrap(err, "--gtid");
        }
    for (size_t i = 0; i < f->server_ids.count; i++)
        if (!bt_number_u64(bt_slice_str(f->server_ids.items[i]), UINT32_MAX,
                           &f->server_id_items[i]))
            return bt_fail(err, BT_ERR_USAGE, "--server-id takes a number up to %u, not \"%s\"",
                           UINT32_MAX, f->server_ids.items[i]);
    f->started = f->from.kind == BT_PLACE_NONE;
    return 0;
}

/* Whether the event stands at or behind the place. */
static bool reached(const struct bt_place *place, const char *file, const struct bt_event *ev,
                    const struct bt_transaction *t)
{
    int order;

    switch (place->kind) {
    case BT_PLACE_NONE: return true;
    case BT_PLACE_OFFSET:
        order = *place->file ? bt_log_name_compare(file, place->file) : 0;
        return order > 0 || (order == 0 && ev->offset >= place->offset);
    case BT_PLACE_GTID: return t && bt_gtid_equal(&t->gtid, &place->gtid);
    case BT_PLACE_TIME: return ev->header.when != 0 && ev->header.when >= place->time_s;
    }
    return true;
}

bool bt_filter_in_range(struct bt_filter *f, const char *file, const struct bt_event *ev,
                        const struct bt_transaction *t, enum bt_group_step step)
{
    bool boundary = step == BT_GROUP_OUTSIDE || step == BT_GROUP_BEGIN || step == BT_GROUP_WHOLE;

    if (!f->started && boundary && reached(&f->from, file, ev, t))
        f->started = true;
    if (!f->started || f->stopped)
        return false;
    if (f->to.kind == BT_PLACE_NONE)
        return true;
    if (f->to.kind == BT_PLACE_GTID) {
        /* Inclusive: stop behind its last event. */
        f->stopped = t && bt_gtid_equal(&t->gtid, &f->to.gtid) &&
                     (step == BT_GROUP_END || step == BT_GROUP_WHOLE);
        return true;
    }
    f->stopped = boundary && reached(&f->to, file, ev, t);
    return !f->stopped;
}

bool bt_filter_wants_transaction(const struct bt_filter *f, const struct bt_gtid *gtid,
                                 uint32_t server_id)
{
    bool wanted = f->gtids.count == 0;

    for (size_t i = 0; i < f->gtids.count && !wanted; i++)
        wanted = bt_gtid_equal(&f->gtid_items[i], gtid);
    if (!wanted || f->server_ids.count == 0)
        return wanted;
    for (size_t i = 0; i < f->server_ids.count; i++)
        if (f->server_id_items[i] == server_id)
            return true;
    return false;
}

/* "t" names a table in any database, "db.t" in one. */
static bool is_named(const char *name, struct bt_slice db, struct bt_slice table)
{
    const char *dot = strchr(name, '.');

    if (!dot)
        return bt_slice_equal_str(table, name);
    return bt_slice_equal(db, bt_slice(name, (size_t)(dot - name))) &&
           bt_slice_equal_str(table, dot + 1);
}

bool bt_filter_wants_table(const struct bt_filter *f, struct bt_slice db, struct bt_slice table)
{
    bool wanted = f->databases.count == 0;

    for (size_t i = 0; i < f->databases.count && !wanted; i++)
        wanted = bt_slice_equal_str(db, f->databases.items[i]);
    if (!wanted || f->tables.count == 0)
        return wanted;
    for (size_t i = 0; i < f->tables.count; i++)
        if (is_named(f->tables.items[i], db, table))
            return true;
    return false;
}

bool bt_filter_passes_all(const struct bt_filter *f)
{
    return !bt_filter_has_range(f) && !bt_filter_has_tables(f) && f->gtids.count == 0 &&
           f->server_ids.count == 0;
}

bool bt_filter_has_tables(const struct bt_filter *f)
{
    return f->databases.count > 0 || f->tables.count > 0;
}

bool bt_filter_has_range(const struct bt_filter *f)
{
    return f->from.kind != BT_PLACE_NONE || f->to.kind != BT_PLACE_NONE;
}

bool bt_filter_has_transactions(const struct bt_filter *f)
{
    return f->gtids.count > 0 || f->server_ids.count > 0 || f->min_bytes > 0;
}
