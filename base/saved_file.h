/* SPDX-License-Identifier: Apache-2.0 */
/*
 * saved_file.h - a file that gets its name only when all of it is on disk.
 *
 *     open -> write, write, ... -> commit        done() at any point forgets what is not committed
 *
 * Others may not read it: it holds logs, and logs hold the data of tables.
 */
#ifndef BT_BASE_SAVED_FILE_H
#define BT_BASE_SAVED_FILE_H

#include "base/slice.h"

struct bt_saved_file {
    char *path;
    char *tmp_path; /* path.PID.tmp, in the same folder */
    int fd;         /* -1 = not open, or committed */
    uint64_t written;
};

#define BT_SAVED_FILE_NONE ((struct bt_saved_file){.fd = -1})

/* The name is path and suffix together. */
int bt_saved_file_open(const char *path, const char *suffix, struct bt_saved_file *ret,
                       struct bt_err *err) BT_MUST_CHECK;
int bt_saved_file_write(struct bt_saved_file *s, struct bt_slice bytes, struct bt_err *err)
    BT_MUST_CHECK;

/* Makes the name point at the whole file, durably; what had the name before is gone. */
int bt_saved_file_commit(struct bt_saved_file *s, struct bt_err *err) BT_MUST_CHECK;

/* The same for two files of one folder, the first one first, with one wait less for the disk. */
int bt_saved_file_commit_pair(struct bt_saved_file *first, struct bt_saved_file *second,
                              struct bt_err *err) BT_MUST_CHECK;
void bt_saved_file_done(struct bt_saved_file *s);
#define bt_auto_saved_file BT_AUTO(bt_saved_file_done)

#endif
