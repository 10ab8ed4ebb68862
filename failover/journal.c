/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/journal.h"

#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/auto.h"

enum { LINE_MAX_BYTES = 1 << 20 };

struct bt_journal {
    pthread_mutex_t mutex;
    int fd;
    int64_t began_ms;
    char *path; /* NULL = nothing is written */
};

/* The name itself must survive a power cut too. */
static int sync_folder(const char *path, struct bt_err *err)
{
    bt_auto_free char *copy = strdup(path);
    bt_auto_fd int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd < 0 || fsync(fd) != 0)
        return bt_fail_sys(err, "could not sync the folder of \"%s\"", path);
    return 0;
}

int bt_journal_open(const char *path, struct bt_journal **ret, struct bt_err *err)
{
    struct bt_journal *j = calloc(1, sizeof(*j));
    char old[4096 + 2];

    if (!j)
        return bt_fail_sys(err, "journal");
    pthread_mutex_init(&j->mutex, NULL);
    j->fd = -1;
    j->began_ms = bt_clock_ms();
    if (path) {
        snprintf(old, sizeof(old), "%s.1", path);
        j->path = strdup(path);
        if (!j->path || (rename(path, old) != 0 && errno != ENOENT) ||
            (j->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0640)) < 0 ||
            flock(j->fd, LOCK_EX | LOCK_NB) != 0) {
            bt_fail_sys(err, "could not begin the journal \"%s\"", path);
            bt_journal_close(j);
            return -1;
        }
        if (sync_folder(path, err) != 0) {
            bt_journal_close(j);
            return -1;
        }
    }
    *ret = j;
    return 0;
}

/* A line that was not written whole is ended, so that the next one stands by itself. */
static int line_end(struct bt_journal *j, struct bt_err *err)
{
    off_t size = lseek(j->fd, 0, SEEK_END);
    char last = '\n';

    if (size > 0 && pread(j->fd, &last, 1, size - 1) != 1)
        return bt_fail_sys(err, "could not read the journal \"%s\"", j->path);
    if (last != '\n' && write(j->fd, "\n", 1) != 1)
        return bt_fail_sys(err, "could not write the journal \"%s\"", j->path);
    return 0;
}

int bt_journal_continue(const char *path, struct bt_journal **ret, struct bt_err *err)
{
    struct bt_journal *j = calloc(1, sizeof(*j));

    if (!j)
        return bt_fail_sys(err, "journal");
    pthread_mutex_init(&j->mutex, NULL);
    j->began_ms = bt_clock_ms();
    j->path = strdup(path);
    j->fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
    if (!j->path || j->fd < 0 || flock(j->fd, LOCK_EX | LOCK_NB) != 0 || line_end(j, err) != 0) {
        if (!err->text[0])
            bt_fail_sys(err, "could not go on with the journal \"%s\"", path);
        bt_journal_close(j);
        return -1;
    }
    *ret = j;
    return 0;
}

void bt_journal_close(struct bt_journal *j)
{
    if (!j)
        return;
    if (j->fd >= 0)
        close(j->fd);
    pthread_mutex_destroy(&j->mutex);
    free(j->path);
    free(j);
}

bool bt_journal_is_in_use(const char *path)
{
    bt_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
}

static int write_line(struct bt_journal *j, const struct bt_buf *line, struct bt_err *err)
{
    size_t done = 0;

    while (done < line->len) {
        ssize_t n = write(j->fd, line->data + done, line->len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bt_fail_sys(err, "could not write the journal \"%s\"", j->path);
        done += (size_t)n;
    }
    if (fdatasync(j->fd) != 0)
        return bt_fail_sys(err, "could not sync the journal \"%s\"", j->path);
    return 0;
}

int bt_journal_write(struct bt_journal *j, const char *step, const char *state, const char *host,
                     bt_journal_fill *fill, void *ctx, struct bt_err *err)
{
    char when[BT_TIME_TEXT_SIZE];
    bt_auto_buf struct bt_buf line;
    struct bt_json json;
    int rc;

    bt_buf_init(&line, LINE_MAX_BYTES);
    if (j->fd < 0)
        return 0;
    bt_json_init(&json, &line);
    bt_json_object(&json);
    bt_json_key_str(&json, "time", bt_time_text(bt_clock_wall_us(), when));
    bt_json_key_i64(&json, "at_ms", bt_clock_ms() - j->began_ms);
    bt_json_key_str(&json, "step", step);
    bt_json_key_str(&json, "state", state);
    if (host)
        bt_json_key_str(&json, "host", host);
    if (fill)
        fill(&json, ctx);
    bt_json_end(&json);
    bt_buf_add_byte(&line, '\n');
    if (bt_buf_check(&line, "journal line", err) != 0)
        return -1;
    pthread_mutex_lock(&j->mutex);
    rc = write_line(j, &line, err);
    pthread_mutex_unlock(&j->mutex);
    return rc;
}
