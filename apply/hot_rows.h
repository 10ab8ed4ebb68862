/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hot_rows.h - how often a log's transactions change a row that one right before them changed.
 *
 *     bt_hot_rows_init(&h, err)
 *     per event of a transaction   bt_hot_rows_feed(&h, &rows, ev)   bt_hot_rows_end(&h) behind its
 *     ... h.sampled, h.meeting ...                                   last one
 *     bt_hot_rows_done(&h)
 *
 * Appliers that run transactions of one row side by side wait for each other and roll back: with
 * one hot row a MariaDB 10.11 with 8 optimistic appliers takes four times as long as with one
 * (tests/bench/apply hot).  What meets is seen without knowing any key: the image that a
 * transaction finds (an UPDATE's before image, a DELETE's) is one that another has found or left.
 *
 * Looked at are 128 transactions in a row out of every 2,048, and their first rows: it tells how
 * fast to go, and whoever runs what stays right is the server.
 */
#ifndef BT_APPLY_HOT_ROWS_H
#define BT_APPLY_HOT_ROWS_H

#include "apply/row_count.h"

/* How many transactions back a row counts as met: as many run side by side. */
enum { BT_HOT_ROWS_BACK = 8 };

struct bt_hot_rows_image;

struct bt_hot_rows {
    uint64_t sampled, meeting; /* transactions */

    uint64_t number; /* of the transaction at hand */
    bool meets;
    unsigned rows;                    /* of it that were looked at */
    struct bt_hot_rows_image *images; /* owned: who had which, by hash */
};

int bt_hot_rows_init(struct bt_hot_rows *h, struct bt_err *err) BT_MUST_CHECK;
void bt_hot_rows_done(struct bt_hot_rows *h);

/* An event of the transaction at hand, which `rows` was fed before (its tables are used). */
void bt_hot_rows_feed(struct bt_hot_rows *h, const struct bt_row_count *rows,
                      const struct bt_event *ev);

/* The transaction ends. */
void bt_hot_rows_end(struct bt_hot_rows *h);

/* How many of 100 transactions meet one of the 8 before them; 0 when too few were looked at. */
unsigned bt_hot_rows_percent(const struct bt_hot_rows *h);

#endif
