/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/load_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/auto.h"
#include "parser/statement.h"

void bt_load_files_init(struct bt_load_files *f)
{
    *f = (struct bt_load_files){0};
}

static void drop(struct bt_load_files *f, unsigned i)
{
    if (f->items[i].used)
        close(f->items[i].fd);
    f->items[i].used = false;
}

void bt_load_files_done(struct bt_load_files *f)
{
    for (unsigned i = 0; i < BT_LOAD_FILES_MAX; i++)
        drop(f, i);
}

/* Index of the file, or of a free place; BT_LOAD_FILES_MAX when there is neither. */
static unsigned find(const struct bt_load_files *f, uint32_t id, bool or_free)
{
    unsigned spare = BT_LOAD_FILES_MAX;

    for (unsigned i = 0; i < BT_LOAD_FILES_MAX; i++) {
        if (f->items[i].used && f->items[i].id == id)
            return i;
        if (!f->items[i].used && spare == BT_LOAD_FILES_MAX)
            spare = i;
    }
    return or_free ? spare : BT_LOAD_FILES_MAX;
}

static int open_unnamed(int *ret, struct bt_err *err)
{
    const char *dir = getenv("TMPDIR");
    int fd;

    if (!dir || !*dir)
        dir = "/tmp";
    fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return bt_fail_sys(err, "could not make a temporary file in \"%s\"", dir);
    *ret = fd;
    return 0;
}

static int append(int fd, struct bt_slice data, struct bt_err *err)
{
    size_t done = 0;

    while (done < data.len) {
        ssize_t n = write(fd, data.ptr + done, data.len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bt_fail_sys(err, "could not write a temporary file");
        done += (size_t)n;
    }
    return 0;
}

int bt_load_files_feed(struct bt_load_files *f, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_load_block block;
    unsigned i;

    if (bt_load_block_read(ev, &block, err) < 0)
        return -1;
    i = find(f, block.file_id, ev->type == BT_BEGIN_LOAD_QUERY);
    if (i == BT_LOAD_FILES_MAX && ev->type == BT_DELETE_FILE)
        return 0;
    if (i == BT_LOAD_FILES_MAX && ev->type == BT_BEGIN_LOAD_QUERY)
        return bt_fail(err, BT_ERR_LIMIT, "more than %d LOAD DATA files at once",
                       BT_LOAD_FILES_MAX);
    if (i == BT_LOAD_FILES_MAX)
        return bt_fail(err, BT_ERR_CORRUPT, "block of LOAD DATA file %u, which did not begin",
                       block.file_id);
    if (ev->type != BT_APPEND_BLOCK)
        drop(f, i);
    if (ev->type == BT_DELETE_FILE)
        return 0;
    if (ev->type == BT_BEGIN_LOAD_QUERY) {
        if (open_unnamed(&f->items[i].fd, err) < 0)
            return -1;
        f->items[i].used = true;
        f->items[i].id = block.file_id;
    }
    return append(f->items[i].fd, block.data, err);
}

int bt_load_files_take(struct bt_load_files *f, uint32_t id, int *ret_fd, struct bt_err *err)
{
    unsigned i = find(f, id, false);

    if (i == BT_LOAD_FILES_MAX)
        return bt_fail(err, BT_ERR_CORRUPT, "LOAD DATA of file %u, which did not begin", id);
    if (lseek(f->items[i].fd, 0, SEEK_SET) < 0)
        return bt_fail_sys(err, "could not read a temporary file");
    f->items[i].used = false;
    *ret_fd = f->items[i].fd;
    return 0;
}

/* The server notes where " INFILE 'name' [REPLACE|IGNORE] INTO" begins and ends in the text
 * (sql/sql_load.cc, MariaDB 10.11); that stretch is written anew. */
int bt_load_file_statement(const struct bt_query *q, struct bt_buf *out, struct bt_err *err)
{
    struct bt_slice text = q->text;

    if (q->file_name_start > q->file_name_end || q->file_name_end > text.len)
        return bt_fail(err, BT_ERR_CORRUPT,
                       "file name of a LOAD DATA stands at %u to %u in a text of %zu bytes",
                       q->file_name_start, q->file_name_end, text.len);
    bt_buf_add(out, text.ptr, q->file_name_start);
    bt_buf_add_str(out, " LOCAL INFILE 'baton' ");
    if (q->duplicates == BT_LOAD_REPLACE)
        bt_buf_add_str(out, "REPLACE ");
    else if (q->duplicates == BT_LOAD_IGNORE)
        bt_buf_add_str(out, "IGNORE ");
    bt_buf_add_str(out, "INTO");
    bt_buf_add(out, text.ptr + q->file_name_end, text.len - q->file_name_end);
    return bt_buf_check(out, "a LOAD DATA statement", err);
}
