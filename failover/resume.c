/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/resume.h"

#include <stdio.h>

#include "base/auto.h"
#include "base/json_read.h"

/* One line, being read. */
struct line {
    struct bt_json_value object;
    struct bt_arena *arena;
    const char *step, *state, *host;
};

static const char *text_of(const struct line *l, const char *key)
{
    struct bt_json_value value;
    char *text = bt_json_member(l->object, key, &value) ? bt_json_get_str(value, l->arena) : NULL;

    return text ? text : "";
}

static bool flag_of(const struct line *l, const char *key)
{
    struct bt_json_value value;

    return bt_json_member(l->object, key, &value) && value.kind == BT_JSON_TRUE;
}

static uint64_t number_of(const struct line *l, const char *key)
{
    struct bt_json_value value;
    uint64_t number;

    return bt_json_member(l->object, key, &value) && bt_json_get_u64(value, &number) ? number : 0;
}

static struct bt_resume_host *host_of(struct bt_resume *r, const char *name)
{
    for (size_t i = 0; i < r->host_count; i++)
        if (strcmp(r->hosts[i].name, name) == 0)
            return &r->hosts[i];
    if (r->host_count == BT_SERVERS_MAX)
        return NULL;
    r->hosts[r->host_count] = (struct bt_resume_host){.name = name};
    return &r->hosts[r->host_count++];
}

/* How a replica was found when it was frozen.  A failover that was resumed froze it again: then
 * what the first one had found counts. */
static void freeze_take(struct bt_resume *r, const struct line *l)
{
    struct bt_resume_host *h;

    struct bt_json_value semisync;

    if (!l->host[0]) {
        /* A failover that was resumed has none of its own. */
        if (bt_json_member(l->object, "semisync", &semisync))
            bt_semisync_read(semisync, &r->semisync, &r->gone_ms);
        if (!r->primary[0])
            r->primary = text_of(l, "primary");
        return;
    }
    h = host_of(r, l->host);
    if (!h)
        return;
    h->relay_log_purge = h->relay_log_purge || flag_of(l, "relay_log_purge");
    h->super_read_only = h->super_read_only || flag_of(l, "super_read_only");
    h->io_running = h->io_running || flag_of(l, "io_running");
    h->sql_running = h->sql_running || flag_of(l, "sql_running");
    h->semisync_primary = h->semisync_primary || flag_of(l, "semisync_primary");
    h->acknowledges = h->acknowledges || flag_of(l, "acknowledges");
}

static void promote_take(struct bt_resume *r, const struct line *l)
{
    if (!flag_of(l, "read_only_off"))
        return;
    r->winner = l->host;
    snprintf(r->position.file, sizeof(r->position.file), "%s", text_of(l, "file"));
    r->position.pos = number_of(l, "pos");
    r->gtid = text_of(l, "gtid");
    r->slave_gtid = text_of(l, "slave_gtid");
    r->statement = text_of(l, "statement");
}

static void line_take(struct bt_resume *r, const struct line *l)
{
    bool is_done = strcmp(l->state, "done") == 0;
    struct bt_resume_host *h;

    if (strcmp(l->step, "freeze") == 0 && strcmp(l->state, "begin") == 0)
        freeze_take(r, l);
    else if (strcmp(l->step, "promote") == 0)
        promote_take(r, l);
    else if (strcmp(l->step, "vip") == 0 && r->winner[0])
        r->is_certain = true;
    else if (strcmp(l->step, "repoint") == 0 && is_done && (h = host_of(r, l->host)))
        h->follows = true;
    else if (strcmp(l->step, "end") == 0) {
        r->has_failed = strcmp(l->state, "failed") == 0;
        r->how = r->has_failed ? BT_RESUME_AGAIN : BT_RESUME_NOTHING;
        return;
    }
    r->has_failed = false;
    r->how = r->winner[0] ? BT_RESUME_FORWARD : BT_RESUME_AGAIN;
}

int bt_resume_read(const char *path, struct bt_arena *arena, struct bt_resume *ret,
                   struct bt_err *err)
{
    bt_auto_file FILE *file = fopen(path, "re");
    bt_auto_free char *text = NULL;
    size_t room = 0;
    ssize_t len;

    *ret = (struct bt_resume){
        .gone_ms = INT64_MAX,
        .primary = "",
        .winner = "",
        .gtid = "",
        .slave_gtid = "",
        .statement = ""};
    if (!file && errno == ENOENT)
        return 0;
    if (!file)
        return bt_fail_sys(err, "could not open the journal \"%s\"", path);
    while ((len = getline(&text, &room, file)) > 0) {
        const char *copy = bt_arena_str(arena, bt_slice(text, (size_t)len));
        struct line l = {.arena = arena};
        struct bt_err torn = {0};

        if (!copy)
            return bt_arena_fail(arena, "the journal", err);
        if (bt_json_parse(bt_slice_str(copy), &l.object, &torn) != 0)
            continue;
        l.step = text_of(&l, "step");
        l.state = text_of(&l, "state");
        l.host = text_of(&l, "host");
        line_take(ret, &l);
    }
    if (ferror(file))
        return bt_fail_sys(err, "could not read the journal \"%s\"", path);
    return 0;
}

const struct bt_resume_host *bt_resume_host(const struct bt_resume *r, const char *name)
{
    for (size_t i = 0; i < r->host_count; i++)
        if (strcmp(r->hosts[i].name, name) == 0)
            return &r->hosts[i];
    return NULL;
}
