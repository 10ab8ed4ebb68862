/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_file.h - the file of a LOAD DATA statement, as the log carries it.
 *
 *     BEGIN_LOAD_QUERY (id, data), APPEND_BLOCK (id, data) ..., EXECUTE_LOAD_QUERY (id, text)
 *
 * Blocks are gathered in a temporary file without a name and handed to the server when it asks for
 * them (LOAD DATA LOCAL); nothing is left behind, whatever happens.
 */
#ifndef BT_APPLY_LOAD_FILE_H
#define BT_APPLY_LOAD_FILE_H

#include "base/buf.h"
#include "parser/query.h"

enum { BT_LOAD_FILES_MAX = 16 };

struct bt_load_files {
    struct {
        bool used;
        uint32_t id;
        int fd;
    } items[BT_LOAD_FILES_MAX];
};

void bt_load_files_init(struct bt_load_files *f);
void bt_load_files_done(struct bt_load_files *f);

/* BEGIN_LOAD_QUERY (begins; replaces one of the same id) and APPEND_BLOCK; DELETE_FILE drops. */
int bt_load_files_feed(struct bt_load_files *f, const struct bt_event *ev, struct bt_err *err)
    BT_MUST_CHECK;

/* Hands out the file, positioned at its start; the caller closes it. */
int bt_load_files_take(struct bt_load_files *f, uint32_t id, int *ret_fd, struct bt_err *err)
    BT_MUST_CHECK;

/* The statement with LOCAL INFILE in the place of the original file name. */
int bt_load_file_statement(const struct bt_query *q, struct bt_buf *out, struct bt_err *err)
    BT_MUST_CHECK;

#endif
