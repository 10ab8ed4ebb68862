/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/remote_logs.h"

#include <stdlib.h>

#include "diff/kept_log.h"
#include "failover/source_node.h"

enum { ARENA_MAX = 16 << 20, READ_MS = 30000 };

struct bt_remote_logs {
    struct bt_log_opener opener;
    struct bt_channel *channel;
    pthread_mutex_t *mutex;
    struct bt_arena arena;
    struct bt_list_reply list;
    struct bt_log_set set;
    struct bt_kept_log **kept; /* one for each of the list; NULL = not opened yet */
    pthread_mutex_t kept_mutex;
    char *name;
};

/* ------------------------------------------------------------------- one log */

/* A log of the host; the channel is held only while bytes are on their way. */
struct locked_source {
    struct bt_source source;
    struct bt_source *inner;
    pthread_mutex_t *mutex;
};

static int locked_view(struct bt_source *source, uint64_t pos, size_t want, struct bt_slice *ret,
                       struct bt_err *err)
{
    struct locked_source *s = (struct locked_source *)source;
    int rc;

    pthread_mutex_lock(s->mutex);
    rc = bt_source_view(s->inner, pos, want, ret, err);
    pthread_mutex_unlock(s->mutex);
    return rc;
}

static uint64_t locked_size(struct bt_source *source)
{
    return bt_source_size(((struct locked_source *)source)->inner);
}

static void locked_close(struct bt_source *source)
{
    struct locked_source *s = (struct locked_source *)source;

    bt_source_close(s->inner);
    free(s);
}

static const struct bt_source_ops source_ops = {
    .view = locked_view, .size = locked_size, .close = locked_close};

/* ------------------------------------------------------------------- the set */

/* Its index in the list; UINT32_MAX when it is not there. */
static uint32_t log_find(const struct bt_remote_logs *logs, const char *path)
{
    for (uint32_t i = 0; i < logs->list.count; i++)
        if (!logs->list.logs[i].missing && strcmp(logs->list.logs[i].path, path) == 0)
            return i;
    return UINT32_MAX;
}

static int locked_open(struct bt_remote_logs *logs, const char *path, struct bt_source **ret,
                       struct bt_err *err)
{
    struct locked_source *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return bt_fail_sys(err, "%s", path);
    pthread_mutex_lock(logs->mutex);
    rc = bt_source_node_open(logs->channel, path, READ_MS, &s->inner, err);
    pthread_mutex_unlock(logs->mutex);
    if (rc != 0) {
        free(s);
        return rc;
    }
    s->mutex = logs->mutex;
    s->source = (struct bt_source){
        .ops = &source_ops, .name = s->inner->name, .can_go_back = s->inner->can_go_back};
    *ret = &s->source;
    return 0;
}

/* Where to keep what came: not in memory, it may be much. */
static const char *folder_for_logs(void)
{
    const char *folder = getenv("TMPDIR");

    return folder && folder[0] == '/' ? folder : "/var/tmp";
}

static int opener_open(struct bt_log_opener *o, const char *path, struct bt_source **ret,
                       struct bt_err *err)
{
    struct bt_remote_logs *logs = (struct bt_remote_logs *)o;
    uint32_t i = log_find(logs, path);
    struct bt_source *source;
    int rc = 0;

    if (i == UINT32_MAX)
        return 1;
    pthread_mutex_lock(&logs->kept_mutex);
    if (!logs->kept[i]) {
        rc = locked_open(logs, path, &source, err);
        if (rc == 0)
            rc = bt_kept_log_open(source, folder_for_logs(), &logs->kept[i], err);
    }
    if (rc == 0)
        rc = bt_kept_log_source(logs->kept[i], ret, err);
    pthread_mutex_unlock(&logs->kept_mutex);
    return rc;
}

static int opener_list(struct bt_log_opener *o, bt_log_name_fn *each, void *ctx, struct bt_err *err)
{
    struct bt_remote_logs *logs = (struct bt_remote_logs *)o;

    for (uint32_t i = 0; i < logs->list.count; i++)
        if (!logs->list.logs[i].missing &&
            each(ctx, logs->list.logs[i].name, logs->list.logs[i].size, err) != 0)
            return -1;
    return 0;
}

static void opener_close(struct bt_log_opener *o)
{
    bt_remote_logs_close((struct bt_remote_logs *)o);
}

static const struct bt_log_opener_ops opener_ops = {opener_list, opener_open, opener_close};

static int set_fill(struct bt_remote_logs *logs, const struct bt_logs_id *id, struct bt_err *err)
{
    struct bt_log *list = bt_arena_array(&logs->arena, logs->list.count, sizeof(*list));

    logs->kept = bt_arena_array(&logs->arena, logs->list.count, sizeof(*logs->kept));
    if (!list || !logs->kept)
        return bt_arena_fail(&logs->arena, "list of logs", err);
    for (uint32_t i = 0; i < logs->list.count; i++)
        list[i] = (struct bt_log){
            .name = logs->list.logs[i].name,
            .path = logs->list.logs[i].path,
            .size = logs->list.logs[i].size,
            .missing = logs->list.logs[i].missing,
        };
    logs->set = (struct bt_log_set){
        .kind = (enum bt_log_kind)id->kind,
        .base = logs->list.base,
        .connection = logs->list.connection,
        .index = logs->list.indexed ? "" : NULL,
        .logs = list,
        .count = logs->list.count,
        .opener = &logs->opener,
    };
    return 0;
}

static int list(struct bt_remote_logs *logs, const struct bt_logs_id *id, struct bt_deadline until,
                struct bt_err *err)
{
    struct bt_list_request request = {.logs = *id};
    int rc;

    pthread_mutex_lock(logs->mutex);
    rc = bt_node_list(logs->channel, &request, until, &logs->arena, &logs->list, err);
    pthread_mutex_unlock(logs->mutex);
    return rc == 0 ? set_fill(logs, id, err) : -1;
}

int bt_remote_logs_open(struct bt_channel *channel, pthread_mutex_t *mutex,
                        const struct bt_logs_id *id, const char *host, struct bt_deadline until,
                        struct bt_remote_logs **ret, struct bt_err *err)
{
    struct bt_remote_logs *logs = calloc(1, sizeof(*logs));

    if (!logs)
        return bt_fail_sys(err, "logs of %s", host);
    bt_arena_init(&logs->arena, ARENA_MAX);
    pthread_mutex_init(&logs->kept_mutex, NULL);
    logs->channel = channel;
    logs->mutex = mutex;
    logs->name = strdup(host);
    logs->opener = (struct bt_log_opener){.ops = &opener_ops, .name = logs->name};
    if (!logs->name || list(logs, id, until, err) != 0) {
        bt_remote_logs_close(logs);
        return -1;
    }
    if (logs->list.count == 0) {
        bt_remote_logs_close(logs);
        return 1;
    }
    *ret = logs;
    return 0;
}

void bt_remote_logs_close(struct bt_remote_logs *logs)
{
    if (!logs)
        return;
    for (uint32_t i = 0; logs->kept && i < logs->list.count; i++)
        bt_kept_log_close(logs->kept[i]);
    pthread_mutex_destroy(&logs->kept_mutex);
    bt_arena_done(&logs->arena);
    free(logs->name);
    free(logs);
}

const struct bt_log_set *bt_remote_logs_set(const struct bt_remote_logs *logs)
{
    return &logs->set;
}

void bt_remote_logs_set_info(struct bt_remote_logs *logs, const struct bt_relay_info *info)
{
    logs->set.info = info;
}

const char *bt_remote_logs_notes(const struct bt_remote_logs *logs)
{
    return logs->list.notes ? logs->list.notes : "";
}
