/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection_priv.h - what connection.c and rows.c share: the handle around libmariadb's.
 */
#ifndef BT_APPLY_CONNECTION_PRIV_H
#define BT_APPLY_CONNECTION_PRIV_H

#include <mysql.h>

#include "apply/connection.h"

struct bt_packets;

struct bt_connection {
    MYSQL mysql;
    char *name; /* owned */
    struct bt_server server;
    bool connected; /* mysql has a socket */
    bool lost;      /* no further calls */
    bool timed_out; /* lost because a deadline passed */
    uint64_t affected;
    bt_infile_read *infile;
    void *infile_ctx;
    struct bt_packets *packets; /* owned (packet.c); NULL while only statements were sent */
};

/* Waits for what a suspended libmariadb call wants and returns what it got; once the deadline has
 * passed that is "timed out", and the session is lost. */
int bt_connection_wait(struct bt_connection *c, int want, struct bt_deadline deadline);

/* The error that libmariadb holds, as ours; sql ("" = none) decides whether it may be quoted. */
int bt_connection_fail(struct bt_connection *c, struct bt_slice sql, struct bt_err *err);

/* Refuses further calls on a lost session. */
int bt_connection_refuse_lost(const struct bt_connection *c, struct bt_err *err);

/* The next row of a running result; *ret is NULL at its end. */
int bt_connection_fetch(struct bt_connection *c, MYSQL_RES *result, struct bt_deadline deadline,
                        MYSQL_ROW *ret, struct bt_err *err) BT_MUST_CHECK;

void bt_rows_init(struct bt_rows *rows);

/* Reads a running result to its end. */
int bt_rows_read(struct bt_connection *c, MYSQL_RES *result, struct bt_deadline deadline,
                 struct bt_rows *rows, struct bt_err *err) BT_MUST_CHECK;

#endif
