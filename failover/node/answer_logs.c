/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/answer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/auto.h"
#include "diff/log_set.h"
#include "failover/node/protocol_logs.h"

/* A set of logs on this host and the home it lives in. */
struct logs {
    struct bt_log_home *home; /* owned */
    const struct bt_log_set *set;
    const char *directory;
};

static void logs_done(struct logs *l)
{
    bt_log_home_close(l->home);
    l->home = NULL;
}

/* Splits an entry of `places` into a directory and, for an index file, the base name of its logs
 * ("/var/lib/mysql/bin.index": "/var/lib/mysql", "bin"). */
static int split_place(struct bt_slice place, struct bt_arena *arena, const char **ret_directory,
                       const char **ret_base, struct bt_err *err)
{
    char *path = bt_arena_str(arena, place);
    struct stat st;
    char *slash, *dot;

    *ret_base = "";
    *ret_directory = path;
    if (!path)
        return bt_arena_fail(arena, "a directory name", err);
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return 0;
    slash = strrchr(path, '/');
    if (!slash)
        return bt_fail(err, BT_ERR_CONFIG, "\"%s\" is no absolute path", path);
    dot = strrchr(slash + 1, '.');
    if (!dot || strcmp(dot, ".index") != 0)
        return bt_fail(err, BT_ERR_CONFIG, "\"%s\" is neither a directory nor an index file", path);
    *slash = '\0';
    *dot = '\0';
    *ret_base = slash + 1;
    *ret_directory = path[0] ? path : "/";
    return 0;
}

/* Opens the set in one place.  1: the place is there, but not the set. */
static int open_place(struct bt_slice place, const struct bt_logs_id *id, struct bt_arena *arena,
                      struct logs *ret, struct bt_err *err)
{
    struct bt_log_opener *opener = NULL;
    struct logs l = {0};
    const char *base;

    if (split_place(place, arena, &l.directory, &base, err) != 0 ||
        bt_log_dir_open(l.directory, &opener, err) != 0 ||
        bt_log_home_open(opener, &l.home, err) != 0)
        return -1;
    if (id->base[0])
        base = id->base;
    l.set = bt_log_home_find(l.home, (enum bt_log_kind)id->kind, base[0] ? base : NULL);
    if (!l.set) {
        logs_done(&l);
        return 1;
    }
    *ret = l;
    return 0;
}

static int logs_open(const struct bt_logs_id *id, struct bt_arena *arena, struct logs *ret,
                     struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(bt_slice_str(id->places));
    struct bt_err first = {0};

    while (c.left > 0) {
        const uint8_t *comma = memchr(c.at, ',', c.left);
        size_t len = comma ? (size_t)(comma - c.at) : c.left;
        struct bt_slice place;
        struct bt_err here = {0};
        int rc;

        if (!bt_cur_take(&c, len, &place) || (comma && !bt_cur_skip(&c, 1)))
            break;
        if (place.len == 0)
            continue;
        rc = open_place(place, id, arena, ret, &here);
        if (rc == 0)
            return 0;
        if (rc < 0 && first.kind == BT_ERR_NONE)
            first = here;
    }
    if (first.kind != BT_ERR_NONE) {
        *err = first;
        return -1;
    }
    return bt_fail(err, BT_ERR_REALITY, "there are no %s logs%s%s in \"%s\"",
                   id->kind == BT_LOG_KIND_RELAY ? "relay" : "binary", id->base[0] ? " named " : "",
                   id->base, id->places);
}

/* -------------------------------------------------------------------- list */

/* Room on the file system of the logs, as a process without privileges has it. */
static void room_fill(const char *directory, struct bt_list_reply *reply)
{
    struct statvfs room;

    if (statvfs(directory, &room) != 0)
        return; /* 0 of 0: not known */
    reply->room_free = (uint64_t)room.f_bavail * room.f_frsize;
    reply->room_total = (uint64_t)room.f_blocks * room.f_frsize;
}

int bt_answer_list(struct bt_work *w, struct bt_err *err)
{
    struct bt_list_request request;
    struct bt_list_reply reply = {0};
    BT_AUTO(logs_done)
    struct logs l = {0};
    size_t from;

    if (bt_get_list_request(w->payload, w->arena, &request, err) != 0 ||
        logs_open(&request.logs, w->arena, &l, err) != 0)
        return -1;
    from = l.set->count > BT_LIST_LOGS_MAX ? l.set->count - BT_LIST_LOGS_MAX : 0;
    reply = (struct bt_list_reply){.directory = l.directory,
                                   .base = l.set->base,
                                   .connection = l.set->connection,
                                   .indexed = l.set->index != NULL,
                                   .older = (uint32_t)from,
                                   .count = (uint32_t)(l.set->count - from),
                                   .notes = bt_buf_str(&l.home->notes)};
    reply.logs = bt_arena_array(w->arena, reply.count, sizeof(*reply.logs));
    if (!reply.logs)
        return bt_arena_fail(w->arena, "a list of logs", err);
    for (size_t i = 0; i < reply.count; i++) {
        const struct bt_log *log = &l.set->logs[from + i];
        const char *path = log->path[0] == '/'
                               ? log->path
                               : bt_arena_strf(w->arena, "%s/%s", l.directory, log->path);

        if (!path)
            return bt_arena_fail(w->arena, "a list of logs", err);
        reply.logs[i] = (struct bt_list_log){
            .name = log->name, .path = path, .size = log->size, .missing = log->missing};
    }
    room_fill(l.directory, &reply);
    bt_put_list_reply(w->reply, &reply);
    return 0;
}

/* -------------------------------------------------------------------- read */

static int send_file(struct bt_work *w, int fd, uint64_t from, uint64_t length, struct bt_err *err)
{
    enum { CHUNK = 256 << 10 };
    bt_auto_stream_sender struct bt_stream_sender stream = {0};
    uint8_t *chunk = bt_arena_alloc(w->arena, CHUNK);

    if (!chunk)
        return bt_arena_fail(w->arena, "a piece of a log", err);
    if (bt_stream_sender_init(&stream, w->id, w->send, w->send_ctx, err) != 0)
        return -1;
    while (length > 0) {
        ssize_t got = pread(fd, chunk, length < CHUNK ? (size_t)length : CHUNK, (off_t)from);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return bt_fail_sys(err, "could not read at %" PRIu64, from);
        if (got == 0)
            break; /* it was cut while we read: the stream says how much there was */
        if (bt_deadline_passed(w->until))
            return bt_fail(err, BT_ERR_TIMEOUT, "the time was up at %" PRIu64, from);
        if (bt_stream_write(&stream, bt_slice(chunk, (size_t)got), err) != 0)
            return -1;
        from += (uint64_t)got;
        length -= (uint64_t)got;
    }
    return bt_stream_sender_end(&stream, err);
}

int bt_answer_read(struct bt_work *w, struct bt_err *err)
{
    struct bt_read_request request;
    bt_auto_fd int fd = -1;
    struct stat st;
    uint64_t length;

    if (bt_get_read_request(w->payload, w->arena, &request, err) != 0)
        return -1;
    fd = open(request.path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        return bt_fail_sys(err, "could not open \"%s\"", request.path);
    if (!S_ISREG(st.st_mode))
        return bt_fail(err, BT_ERR_REALITY, "\"%s\" is no regular file", request.path);
    length = (uint64_t)st.st_size > request.from ? (uint64_t)st.st_size - request.from : 0;
    if (length > request.length)
        length = request.length;
    if (send_file(w, fd, request.from, length, err) != 0)
        return bt_err_wrap(err, "\"%s\"", request.path);
    bt_put_read_reply(w->reply, &(struct bt_read_reply){.size = (uint64_t)st.st_size});
    return 0;
}

/* ------------------------------------------------------------------ survey */

int bt_answer_survey(struct bt_work *w, struct bt_err *err)
{
    struct bt_survey_request request;
    struct bt_survey_reply reply = {0};
    BT_AUTO(logs_done)
    struct logs l = {0};

    if (bt_get_survey_request(w->payload, w->arena, &request, err) != 0 ||
        logs_open(&request.logs, w->arena, &l, err) != 0 ||
        bt_survey_run(l.set, bt_log_home_relay_info(l.home, l.set), &request.hints, &reply.survey,
                      err) != 0)
        return -1;
    reply.directory = l.directory;
    reply.notes = bt_buf_str(&l.home->notes);
    bt_put_survey_reply(w->reply, &reply);
    bt_survey_done(&reply.survey);
    return 0;
}
