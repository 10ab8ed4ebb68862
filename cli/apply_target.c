/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/apply_target.h"

#include <pthread.h>
#include <stdio.h>

#include "base/json.h"
#include "base/number.h"

enum { CONFLICTS_MAX = 1 << 28 };

int bt_apply_target_name(struct bt_apply_target *t, const char *name,
                         const struct bt_connection_opts *like, struct bt_err *err)
{
    bool is_v6 = name[0] == '[';
    const char *end = is_v6 ? strchr(name, ']') : NULL;
    const char *colon = end ? (end[1] == ':' ? end + 1 : NULL) : strrchr(name, ':');
    size_t len;
    uint64_t port;

    t->name = name;
    t->where = *like;
    if (strchr(name, '/')) {
        t->where.socket = name;
        return 0;
    }
    if (!is_v6 && colon && strchr(name, ':') != colon)
        colon = NULL; /* an IPv6 address by itself */
    len = end ? (size_t)(end - name - 1) : colon ? (size_t)(colon - name)
                                                 : strlen(name);
    if ((is_v6 && (!end || (end[1] && !colon))) || len == 0 || len >= sizeof(t->host))
        return bt_fail(err, BT_ERR_USAGE, "--target \"%s\" is no host, host:port or socket", name);
    memcpy(t->host, name + is_v6, len);
    t->host[len] = '\0';
    t->where.host = t->host;
    t->where.socket = NULL;
    if (!colon)
        return 0;
    if (!bt_number_u64(bt_slice_str(colon + 1), 65535, &port) || port == 0)
        return bt_fail(err, BT_ERR_USAGE, "--target \"%s\": the port is not 1 to 65535", name);
    t->where.port = (unsigned)port;
    return 0;
}

/* ------------------------------------------------------------------------- one */

void bt_apply_target_done(struct bt_apply_target *t)
{
    bt_buf_done(&t->conflict_lines);
    bt_buf_done(&t->conflict_json);
}

static void note_conflict(void *ctx, const struct bt_conflict *c)
{
    struct bt_apply_target *t = ctx;
    char gtid[BT_GTID_TEXT_SIZE];
    struct bt_json j;

    bt_gtid_text(&c->transaction->gtid, gtid);
    bt_buf_addf(&t->conflict_lines, "  %s: %s, transaction %s%sat offset %llu, %s%s%s\n",
                bt_conflict_name(c->done), c->what, gtid, gtid[0] ? " " : "",
                (unsigned long long)c->transaction->offset, c->table, c->table[0] ? ", " : "",
                c->key);
    if (t->conflict_json.len > 0)
        bt_buf_add_byte(&t->conflict_json, ',');
    bt_json_init(&j, &t->conflict_json);
    bt_json_object(&j);
    bt_json_key_str(&j, "what", c->what);
    bt_json_key_str(&j, "gtid", gtid);
    bt_json_key_u64(&j, "offset", c->transaction->offset);
    bt_json_key_str(&j, "table", c->table);
    bt_json_key_str(&j, "key", c->key);
    bt_json_key_str(&j, "done", bt_conflict_name(c->done));
    bt_json_end(&j);
}

static void add(struct bt_replay_result *sum, const struct bt_replay_result *one)
{
    sum->transactions += one->transactions;
    sum->skipped_already_there += one->skipped_already_there;
    sum->events += one->events;
    sum->rows_events += one->rows_events;
    sum->rows += one->rows;
    sum->conflicts += one->conflicts;
    sum->stopped |= one->stopped;
    sum->was_relaxed |= one->was_relaxed;
    sum->barriers += one->barriers;
    sum->ran_ahead += one->ran_ahead;
    sum->again += one->again;
    sum->bytes += one->bytes;
    sum->seconds += one->seconds;
    if (one->last_gtid.kind != BT_GTID_NONE)
        sum->last_gtid = one->last_gtid;
    if (one->last.file[0])
        sum->last = one->last;
    sum->via = one->via;
    sum->via_why = one->via_why;
    if (one->appliers_why)
        sum->appliers_why = one->appliers_why;
    memcpy(sum->digest, one->digest, sizeof(sum->digest));
}

/* Findings are a failure: whoever asked wants to know by the exit code. */
static int check_rows(struct bt_apply_target *t, const struct bt_apply_job *job)
{
    const struct bt_finding *first = &t->checks.first[0];
    bool is_dry = job->how.dry_run;
    int status = is_dry ? bt_rows_foresee(&t->where, job->files, job->count, &t->checks, &t->err)
                        : bt_rows_verify(&t->where, job->files, job->count, &t->checks, &t->err);

    if (status != 0)
        return bt_err_wrap(&t->err, "asking about its rows");
    t->was_checked = true;
    if (t->checks.found == 0)
        return 0;
    return bt_fail(&t->err, BT_ERR_CONFLICT, "%llu %s; the first: %s in %s%s%s, transaction %s",
                   (unsigned long long)t->checks.found,
                   is_dry ? "conflicts are foreseen" : "rows are not as the log left them",
                   bt_finding_name(first->kind), first->table, first->key[0] ? ", " : "",
                   first->key, first->gtid[0] ? first->gtid : "without GTID");
}

static void run_one(struct bt_apply_target *t, const struct bt_apply_job *job)
{
    struct bt_replay_result one;
    struct bt_replay_opts how = job->how;

    how.note_conflict = note_conflict;
    how.conflict_ctx = t;
    bt_buf_reset(&t->conflict_lines);
    bt_buf_reset(&t->conflict_json);
    t->conflict_lines.max = t->conflict_json.max = CONFLICTS_MAX;
    t->status = 0;
    t->sum = (struct bt_replay_result){0};
    bt_err_clear(&t->err);
    for (size_t i = 0; i < job->count && t->status == 0 && !t->sum.stopped; i++) {
        t->status = bt_replay_file(&t->where, job->files[i], &how, &one, &t->err);
        add(&t->sum, &one);
    }
    if (t->status == 0 && !t->sum.stopped && (job->how.dry_run || job->verify_rows))
        t->status = check_rows(t, job);
    if (t->status != 0 && t->name)
        bt_err_wrap(&t->err, "%s", t->name);
}

/* --------------------------------------------------------------------- several */

struct thread {
    pthread_t id;
    bool has_started;
    struct bt_apply_target *target;
    const struct bt_apply_job *job;
};

static void *run_thread(void *ctx)
{
    struct thread *t = ctx;

    run_one(t->target, t->job);
    return NULL;
}

static int run_all(struct bt_apply_target *targets, size_t count, const struct bt_apply_job *job,
                   struct bt_err *err)
{
    struct thread *threads = calloc(count, sizeof(*threads));
    int status = 0;

    if (!threads)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for %zu targets", count);
    for (size_t i = 0; i < count; i++) {
        struct thread *t = &threads[i];

        t->target = &targets[i];
        t->job = job;
        t->has_started = count > 1 && pthread_create(&t->id, NULL, run_thread, t) == 0;
        if (!t->has_started)
            run_one(t->target, job);
    }
    for (size_t i = 0; i < count; i++) {
        if (threads[i].has_started)
            pthread_join(threads[i].id, NULL);
        if (targets[i].status != 0 && status == 0) {
            *err = targets[i].err;
            status = -1;
        }
    }
    free(threads);
    return status;
}

int bt_apply_targets_run(struct bt_apply_target *targets, size_t count,
                         const struct bt_apply_job *job, struct bt_err *err)
{
    struct bt_apply_job look = *job;

    look.how.dry_run = true;
    look.how.progress = NULL;
    if (count > 1 && !job->how.dry_run && run_all(targets, count, &look, err) != 0)
        return bt_err_wrap(err, "nothing was applied to any target");
    return run_all(targets, count, job, err);
}
