/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/log_check.h"

#include <stdio.h>
#include <unistd.h>

#include "apply/hot_rows.h"
#include "apply/row_count.h"
#include "apply/sender.h"
#include "diff/diff_log.h"
#include "parser/reader.h"

const char *bt_log_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

void bt_log_check_done(struct bt_log_check *c)
{
    bt_gtid_state_done(&c->last_missing);
    bt_gtid_set_done(&c->missing_set);
}

static int unfinished(const struct bt_transaction *t, struct bt_err *err)
{
    struct bt_sender_transaction name = {
        .gtid = t->gtid, .end = t->primary_end, .offset = t->start};

    bt_fail(err, BT_ERR_CORRUPT, "it is not finished in this log");
    return bt_sender_name(&name, NULL, err);
}

/* Whether a statement in the transaction changes data by itself. */
static bool is_statement(const struct bt_event *ev)
{
    return ev->type == BT_INTVAR || ev->type == BT_RAND || ev->type == BT_USER_VAR ||
           ev->type == BT_EXECUTE_LOAD_QUERY;
}

static bool is_plain(const struct bt_transaction *t, bool had_statement)
{
    return t->kind == BT_TRANSACTION_DDL ||
           (t->kind == BT_TRANSACTION_DML && t->rows_events > 0 && !had_statement);
}

static int count(struct bt_log_check *c, const struct bt_transaction *t, uint64_t rows,
                 const struct bt_target *target, struct bt_err *err)
{
    c->transactions++;
    c->without_gtid += t->gtid.kind == BT_GTID_NONE;
    c->last = t->gtid;
    if (strcmp(c->last_place.file, t->primary_end.file) != 0)
        c->last_place = t->primary_end;
    c->last_place.pos = t->primary_end.pos;
    if (target && bt_target_has(target, &t->gtid)) {
        if (c->missing == 0)
            c->last_there = *t;
        return 0;
    }
    if (c->missing++ == 0)
        c->first_missing = *t;
    c->missing_rows += rows;
    if (t->gtid.kind == BT_GTID_MYSQL)
        return bt_gtid_set_add(&c->missing_set, &t->gtid, err);
    if (t->gtid.kind != BT_GTID_MARIADB)
        return 0;
    return bt_gtid_state_update(&c->last_missing, &t->gtid, err);
}

/* What is known of the rows of a log, where a target is to get them. */
struct row_look {
    struct bt_row_count count;
    struct bt_hot_rows hot;
};

static int read_whole(struct bt_reader *reader, const char *path, const struct bt_target *target,
                      struct row_look *look, struct bt_log_check *c, struct bt_err *err)
{
    const struct bt_end *end;
    struct bt_grouper grouper;
    uint64_t rows = 0, missing;
    enum bt_group_step step;
    bool had_statement = false;
    struct bt_event ev;
    int status;

    bt_grouper_init(&grouper, bt_log_base_name(path));
    while ((status = bt_reader_next(reader, &ev, err)) == 0) {
        c->events++;
        c->rows_events += bt_event_is_rows(ev.type);
        c->bytes += ev.inner ? 0 : ev.raw.len;
        if (target && ev.type == BT_GTID_LIST && c->transactions == 0 &&
            bt_target_check_start(target, &ev, err) < 0)
            return -1;
        if (bt_grouper_feed(&grouper, &ev, &step, err) < 0)
            return -1;
        if (grouper.did_abandon)
            return unfinished(&grouper.abandoned, err);
        if (target) {
            rows += bt_row_count_feed(&look->count, &ev);
            bt_hot_rows_feed(&look->hot, &look->count, &ev);
        }
        had_statement |= is_statement(&ev);
        if (step != BT_GROUP_END && step != BT_GROUP_WHOLE)
            continue;
        missing = c->missing;
        if (count(c, bt_grouper_transaction(&grouper), rows, target, err) < 0)
            return -1;
        if (c->missing > missing)
            bt_hot_rows_end(&look->hot);
        c->plain_rows += is_plain(bt_grouper_transaction(&grouper), had_statement);
        had_statement = false;
        rows = 0;
    }
    end = bt_reader_end(reader);
    if (status < 0)
        return -1;
    if (end->kind == BT_END_CORRUPT || end->kind == BT_END_TORN)
        return bt_fail(err, BT_ERR_CORRUPT, "%s:%llu: %s", path, (unsigned long long)end->offset,
                       end->reason);
    return grouper.inside ? unfinished(bt_grouper_transaction(&grouper), err) : 0;
}

/* Against the manifest with or without its list. */
static int verify(const char *path, bool with_list, struct bt_log_check *c, struct bt_err *err)
{
    bt_auto_source struct bt_source *log = NULL;
    bt_auto_manifest struct bt_manifest manifest;
    struct bt_diff_log_report report;
    int status;

    bt_manifest_init(&manifest);
    status = with_list ? bt_manifest_read(path, &manifest, err)
                       : bt_manifest_read_head(path, &manifest, err);
    if (status < 0 || bt_diff_log_open(path, &log, err) < 0 ||
        bt_diff_log_verify(log, &manifest, &report, err) < 0)
        return -1;
    memcpy(c->digest, report.xxh3, sizeof(c->digest));
    return 0;
}

/* 1: there is none.  The digest of all bytes is enough to know that every one of them is as it was
 * written; the list, which takes as long to read as the log, only to name a transaction that is
 * not. */
static int check_manifest(const char *path, struct bt_log_check *c, struct bt_err *err)
{
    bt_auto_free char *beside = NULL;
    struct bt_err not_named = {0};

    if (asprintf(&beside, "%s.json", path) < 0) {
        beside = NULL;
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    }
    if (access(beside, F_OK) != 0)
        return 1;
    if (verify(path, false, c, &not_named) == 0)
        return 0;
    if (verify(path, true, c, err) < 0)
        return -1;
    *err = not_named;
    return -1;
}

int bt_log_check(const char *path, const struct bt_target *target, struct bt_log_check *ret,
                 struct bt_err *err)
{
    bt_auto_source struct bt_source *log = NULL;
    bt_auto_reader struct bt_reader *reader = NULL;
    struct bt_log_check c = {0};
    struct row_look look = {0};
    int status;

    if (bt_row_count_init(&look.count, err) < 0)
        return -1;
    if (bt_hot_rows_init(&look.hot, err) < 0) {
        bt_row_count_done(&look.count);
        return -1;
    }
    status = check_manifest(path, &c, err);
    /* What a manifest does not tell: what the target lacks of it. */
    if (status == 1 || (status == 0 && target)) {
        status = -1;
        if (bt_diff_log_open(path, &log, err) == 0 &&
            bt_reader_open(log, (struct bt_reader_opts){0}, &reader, err) == 0)
            status = read_whole(reader, path, target, &look, &c, err);
    }
    c.hot_percent = bt_hot_rows_percent(&look.hot);
    bt_hot_rows_done(&look.hot);
    bt_row_count_done(&look.count);
    if (status < 0) {
        bt_log_check_done(&c);
        return bt_err_wrap(err, "\"%s\" is not applied", path);
    }
    *ret = c;
    return 0;
}

int bt_log_flavor(const char *path, enum bt_flavor *ret, struct bt_err *err)
{
    bt_auto_source struct bt_source *log = NULL;
    bt_auto_reader struct bt_reader *reader = NULL;
    struct bt_event ev;
    int status;

    if (bt_diff_log_open(path, &log, err) < 0 ||
        bt_reader_open(log, (struct bt_reader_opts){0}, &reader, err) < 0)
        return -1;
    status = bt_reader_next(reader, &ev, err);
    if (status < 0)
        return -1;
    *ret = status == 0 ? ev.format->flavor : BT_FLAVOR_MYSQL;
    return 0;
}
