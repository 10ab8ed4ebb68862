/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/tally.h"

#include <stdio.h>

#include "diff/digest.h"
#include "parser/reader.h"
#include "parser/transaction.h"

static int read_identity(struct bt_source *log, struct bt_tally *p, struct bt_err *err)
{
    bt_auto_digest struct bt_digest *digest = bt_digest_new();
    bt_auto_reader struct bt_reader *reader = NULL;
    struct bt_grouper grouper;
    enum bt_group_step step;
    struct bt_event ev;
    int status;

    if (!digest)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    bt_digest_reset(digest);
    bt_grouper_init(&grouper, log->name);
    if (bt_reader_open(log, (struct bt_reader_opts){0}, &reader, err) < 0)
        return -1;
    while ((status = bt_reader_next(reader, &ev, err)) == 0) {
        if (bt_grouper_feed(&grouper, &ev, &step, err) < 0)
            return -1;
        if (step != BT_GROUP_OUTSIDE)
            bt_digest_event(digest, &ev);
        if (step == BT_GROUP_END || step == BT_GROUP_WHOLE)
            break;
    }
    if (status != 0)
        return status;
    snprintf(p->log, sizeof(p->log), "%016llx", (unsigned long long)bt_digest_value(digest));
    return 0;
}

static int read_row(struct bt_tally *p, struct bt_connection *c, struct bt_deadline deadline,
                    struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};
    uint64_t doing = 0;

    if (bt_connection_queryf(c, deadline, &rows, err,
                             "SELECT done, COALESCE(doing, 0) AS doing FROM baton.progress "
                             "WHERE log='%s'",
                             p->log) < 0)
        return -1;
    (void)!bt_rows_u64(&rows, 0, "done", &p->done);
    (void)!bt_rows_u64(&rows, 0, "doing", &doing);
    if (doing <= p->done)
        return 0;
    return bt_fail(err, BT_ERR_CONFLICT,
                   "a run was cut off in transaction %llu of this log, a statement that commits by "
                   "itself: whether it was done has to be seen on the target.  Then UPDATE "
                   "baton.progress SET %s WHERE log='%s' if it was, doing=NULL if not",
                   (unsigned long long)doing, "done=doing", p->log);
}

int bt_tally_open(struct bt_source *log, struct bt_connection *c, struct bt_deadline deadline,
                  struct bt_tally *ret, struct bt_err *err)
{
    struct bt_tally p = {0};
    int status = read_identity(log, &p, err);

    if (status != 0)
        return status;
    if (bt_connection_executef(c, deadline, err, "CREATE DATABASE IF NOT EXISTS baton") < 0 ||
        bt_connection_executef(c, deadline, err,
                               "CREATE TABLE IF NOT EXISTS baton.progress "
                               "(log CHAR(16) CHARACTER SET ascii PRIMARY KEY, "
                               "done BIGINT UNSIGNED NOT NULL DEFAULT 0, "
                               "doing BIGINT UNSIGNED) ENGINE=InnoDB") < 0 ||
        bt_connection_executef(c, deadline, err,
                               "INSERT IGNORE INTO baton.progress (log) VALUES ('%s')", p.log) < 0)
        return bt_err_wrap(err, "the target keeps no GTIDs of what is applied, and how far it came "
                                "cannot be noted there");
    if (read_row(&p, c, deadline, err) < 0)
        return -1;
    *ret = p;
    return 0;
}

const char *bt_tally_mark(const struct bt_tally *p, uint64_t number,
                          char out[static BT_TALLY_SQL_SIZE])
{
    snprintf(out, BT_TALLY_SQL_SIZE, "UPDATE baton.progress SET done=%llu WHERE log='%s'",
             (unsigned long long)number + 1, p->log);
    return out;
}

const char *bt_tally_announce(const struct bt_tally *p, uint64_t number,
                              char out[static BT_TALLY_SQL_SIZE])
{
    snprintf(out, BT_TALLY_SQL_SIZE, "UPDATE baton.progress SET doing=%llu WHERE log='%s'",
             (unsigned long long)number + 1, p->log);
    return out;
}
