/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/rejoin_log.h"

#include <stdlib.h>

#include "base/auto.h"
#include "parser/reader.h"
#include "parser/transaction.h"

enum {
    HEADER = BT_RJ_LOG_HEADER,
    FORMAT_AT = 4,
    IN_USE = 1, /* LOG_EVENT_BINLOG_IN_USE_F */
};

static int open_log(const struct bt_log_set *set, size_t i, struct bt_source **ret,
                    struct bt_err *err)
{
    int got = bt_log_set_open(set, i, ret, err);

    return got > 0 ? bt_fail(err, BT_ERR_REALITY, "log \"%s\" is gone", set->logs[i].name) : got;
}

int bt_rj_log_head(const struct bt_log_set *set, size_t i, uint32_t *ret_when, bool *ret_in_use,
                   struct bt_err *err)
{
    bt_auto_source struct bt_source *source = NULL;
    struct bt_slice bytes;
    struct bt_cursor c;
    uint16_t flags = 0;

    if (open_log(set, i, &source, err) != 0 ||
        bt_source_view(source, FORMAT_AT, HEADER, &bytes, err) != 0)
        return -1;
    c = bt_cursor(bytes);
    if (!(bt_cur_u32(&c, ret_when) && bt_cur_skip(&c, HEADER - 6) && bt_cur_u16(&c, &flags)))
        return bt_fail(err, BT_ERR_CORRUPT, "%s ends in its head", set->logs[i].name);
    *ret_in_use = flags & IN_USE;
    return 0;
}

int bt_rj_log_end(const struct bt_log_set *set, size_t i, struct bt_rj_log_end *ret,
                  struct bt_err *err)
{
    bt_auto_source struct bt_source *source = NULL;
    bt_auto_reader struct bt_reader *reader = NULL;
    struct bt_grouper grouper;
    struct bt_rj_log_end end = {0};
    enum bt_group_step step;
    struct bt_event ev;
    int next;

    if (open_log(set, i, &source, err) != 0 ||
        bt_reader_open(source, (struct bt_reader_opts){0}, &reader, err) != 0)
        return -1;
    bt_grouper_init(&grouper, set->logs[i].name);
    while ((next = bt_reader_next(reader, &ev, err)) == 0) {
        if (bt_grouper_feed(&grouper, &ev, &step, err) != 0)
            return -1;
        if (step == BT_GROUP_END || step == BT_GROUP_WHOLE)
            end.whole = bt_grouper_transaction(&grouper)->end;
    }
    if (next < 0)
        return -1;
    end.is_closed = bt_reader_end(reader)->kind == BT_END_CLEAN;
    end.is_torn = grouper.inside || bt_reader_end(reader)->kind == BT_END_TORN ||
                  bt_reader_end(reader)->kind == BT_END_CORRUPT;
    *ret = end;
    return 0;
}

/* Whether one whole event begins at `from` and ends at `to`. */
static bool is_event(struct bt_source *source, uint64_t from, uint64_t to)
{
    struct bt_reader_opts opts = {.start_pos = from, .stop_pos = to};
    bt_auto_reader struct bt_reader *reader = NULL;
    struct bt_err ignored = {0};
    struct bt_event ev;

    return bt_reader_open(source, opts, &reader, &ignored) == 0 &&
           bt_reader_next(reader, &ev, &ignored) == 0 && ev.offset == from &&
           ev.raw.len == to - from;
}

/* Its header says where it ends and how long it is; one is looked for from pos backwards. */
int bt_rj_log_holds_end(const struct bt_log_set *set, size_t i, uint64_t pos, bool *ret,
                        struct bt_err *err)
{
    enum { BACK = 65536 };
    bt_auto_source struct bt_source *source = NULL;
    uint64_t first = pos > BACK + FORMAT_AT ? pos - BACK : FORMAT_AT;
    bt_auto_free uint8_t *copy = malloc(BACK);
    struct bt_slice bytes;

    *ret = false;
    if (pos < BT_RJ_LOG_FIRST)
        return 0;
    if (!copy)
        return bt_fail_sys(err, "a log's end");
    if (open_log(set, i, &source, err) != 0 ||
        bt_source_view(source, first, (size_t)(pos - first), &bytes, err) != 0)
        return -1;
    if (bytes.len < pos - first)
        return 0;
    memcpy(copy, bytes.ptr, pos - first); /* a reader's views end ours */
    for (uint64_t at = pos - HEADER + 1; at-- > first && !*ret;) {
        struct bt_cursor c = bt_cursor(bt_slice(copy + (at - first), HEADER));
        uint32_t length, end;

        *ret = bt_cur_skip(&c, 9) && bt_cur_u32(&c, &length) && bt_cur_u32(&c, &end) &&
               length == pos - at && end == (uint32_t)pos && is_event(source, at, pos);
    }
    return 0;
}
