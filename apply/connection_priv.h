/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection_priv.h - what connection.c and rows.c share: the handle around libmariadb's.
 */
#ifndef BT_APPLY_CONNECTION_PRIV_H
#define BT_APPLY_CONNECTION_PRIV_H

#include <mysql.h>

#include "apply/connection.h"

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
};

/* The next row of a running result; *ret is NULL at its end. */
int bt_connection_fetch(struct bt_connection *c, MYSQL_RES *result, struct bt_deadline deadline,
                        MYSQL_ROW *ret, struct bt_err *err) BT_MUST_CHECK;

void bt_rows_init(struct bt_rows *rows);

/* Reads a running result to its end. */
int bt_rows_read(struct bt_connection *c, MYSQL_RES *result, struct bt_deadline deadline,
                 struct bt_rows *rows, struct bt_err *err) BT_MUST_CHECK;

#endif
