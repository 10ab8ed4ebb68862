/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/source_node.h"

#include <stdio.h>
#include <stdlib.h>

#include "failover/node_client.h"

#define VIEW_MAX ((size_t)2 << 30) /* of one view: over the largest event */

enum { AHEAD_FIRST = 64 << 10,
       AHEAD_MAX = 4 << 20 };

struct source_node {
    struct bt_source source;
    struct bt_channel *ch;
    char *path, *name;
    int64_t request_ms;
    uint64_t size;      /* as of the last request */
    struct bt_buf held; /* bytes of the log from held_pos on */
    uint64_t held_pos;
    size_t ahead; /* doubles while the log is read in order */
};

static int take(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    struct bt_buf *held = ctx;

    return bt_buf_add_slice(held, bytes) ? 0 : bt_buf_check(held, "a piece of a log", err);
}

/* Replaces what is held by `length` bytes from pos on, or fewer at the end of the log. */
static int fetch(struct source_node *s, uint64_t pos, size_t length, struct bt_err *err)
{
    const struct bt_read_request request = {.path = s->path, .from = pos, .length = length};
    struct bt_read_reply reply;

    bt_buf_reset(&s->held);
    s->held_pos = pos;
    if (bt_node_read(s->ch, &request, (struct bt_sink){take, &s->held},
                     bt_deadline_in(s->request_ms), &reply, err) != 0) {
        bt_buf_reset(&s->held);
        return -1;
    }
    s->size = reply.size;
    return 0;
}

static int view(struct bt_source *source, uint64_t pos, size_t want, struct bt_slice *ret,
                struct bt_err *err)
{
    struct source_node *s = (struct source_node *)source;
    bool is_held = pos >= s->held_pos && pos - s->held_pos <= s->held.len;
    size_t skip = is_held ? (size_t)(pos - s->held_pos) : 0;

    if (!is_held || s->held.len - skip < want) {
        s->ahead = is_held && s->ahead < AHEAD_MAX ? s->ahead * 2 : is_held ? AHEAD_MAX
                                                                            : AHEAD_FIRST;
        if (fetch(s, pos, want > s->ahead ? want : s->ahead, err) != 0)
            return -1;
        skip = 0;
    }
    *ret = bt_slice(s->held.data + skip, s->held.len - skip);
    return 0;
}

static uint64_t size(struct bt_source *source)
{
    return ((struct source_node *)source)->size;
}

static void close_source(struct bt_source *source)
{
    struct source_node *s = (struct source_node *)source;

    bt_buf_done(&s->held);
    free(s->path);
    free(s->name);
    free(s);
}

int bt_source_node_open(struct bt_channel *ch, const char *path, int64_t request_ms,
                        struct bt_source **ret, struct bt_err *err)
{
    static const struct bt_source_ops ops = {.view = view, .size = size, .close = close_source};
    struct source_node *s = calloc(1, sizeof(*s));

    if (!s)
        return bt_fail_sys(err, "could not allocate a source");
    s->source.ops = &ops;
    s->ch = ch;
    s->request_ms = request_ms;
    s->ahead = AHEAD_FIRST;
    bt_buf_init(&s->held, VIEW_MAX);
    s->path = strdup(path);
    if (asprintf(&s->name, "%s:%s", bt_channel_name(ch), path) < 0)
        s->name = NULL;
    s->source.name = s->name;
    if (!s->path || !s->name) {
        close_source(&s->source);
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for the path of \"%s\"", path);
    }
    if (fetch(s, 0, AHEAD_FIRST, err) != 0) {
        close_source(&s->source);
        return -1;
    }
    *ret = &s->source;
    return 0;
}
