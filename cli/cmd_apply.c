/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_apply.c - `baton apply FILE...`: replays diff logs or binary logs on a server. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "base/number.h"
#include "cli/apply_target.h"
#include "cli/command.h"
#include "cli/connect.h"
#include "cli/output.h"
#include "cli/progress.h"

enum { INTERRUPTED = 130 }; /* docs/exit-codes.md */

static const char *const via_names[] = {"sql", "replication", "auto", NULL};
static const char *const conflict_names[] = {"stop", "skip", "overwrite", NULL};
static const char *const durability_names[] = {"as-found", "relaxed", NULL};

static struct {
    struct bt_connect_args server;
    const char *feed_address;
    uint64_t workers, deadline_ms, statement_ms;
    int via, on_conflict, durability;
    struct bt_opt_list targets;
    bool no_binlog, set_slave_pos, dry_run, verify_rows, json, quiet;
} opt = {.via = BT_REPLAY_AUTO};

static const struct bt_opt opts[] = {
    BT_CONNECT_OPTS(opt.server),
    {"target", 't', BT_OPT_LIST, "WHERE",
     "one of several servers: host, host:port or the path of a socket; may be given again", NULL,
     &opt.targets},
    {"via", 0, BT_OPT_CHOICE, "ROAD", "auto, sql (a session), or replication (its own threads)",
     via_names, &opt.via},
    {"workers", 'w', BT_OPT_UINT, "N",
     "parallel sessions (SQL; 1) or appliers of the server (replication; as it has them)", NULL,
     &opt.workers},
    {"feed-address", 0, BT_OPT_STRING, "IP",
     "with --via=replication: address of ours that the server reaches (127.0.0.1)", NULL,
     &opt.feed_address},
    {"on-conflict", 0, BT_OPT_CHOICE, "WHAT",
     "SQL: of a row that is missing or in the way: stop, skip, or overwrite (stop)",
     conflict_names, &opt.on_conflict},
    {"durability", 0, BT_OPT_CHOICE, "HOW",
     "SQL: as-found, or relaxed: the server syncs nothing meanwhile, everything at the end",
     durability_names, &opt.durability},
    {"no-binlog", 0, BT_OPT_FLAG, NULL, "keep out of the server's own binary log", NULL,
     &opt.no_binlog},
    {"set-slave-pos", 0, BT_OPT_FLAG, NULL,
     "MariaDB: at the end set gtid_slave_pos to what was applied", NULL, &opt.set_slave_pos},
    {"deadline", 0, BT_OPT_SECONDS, "SECONDS", "stop with an error after this long (none)", NULL,
     &opt.deadline_ms},
    {"statement-timeout", 0, BT_OPT_SECONDS, "SECONDS", "longest wait for one answer (3600)", NULL,
     &opt.statement_ms},
    {"dry-run", 'n', BT_OPT_FLAG, NULL,
     "read and check everything, ask the server about its rows, change nothing", NULL,
     &opt.dry_run},
    {"verify-rows", 0, BT_OPT_FLAG, NULL,
     "behind it compare each touched row with its last image in the logs, by primary key", NULL,
     &opt.verify_rows},
    {"json", 0, BT_OPT_FLAG, NULL, "write the result as JSON", NULL, &opt.json},
    {"quiet", 'q', BT_OPT_FLAG, NULL, "no progress on stderr", NULL, &opt.quiet},
    {0},
};

/* ------------------------------------------------------------------ progress */

static struct bt_progress progress;
static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* The first ^C stops between two transactions and puts back what was changed; the second ends us.
 */
static void catch_signals(void)
{
    struct sigaction act = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};

    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
}

static int on_progress(const struct bt_replay_result *so_far, uint64_t log_bytes, void *ctx)
{
    double rate = so_far->seconds > 0 ? (double)so_far->transactions / so_far->seconds : 0;
    char what[80];

    (void)ctx;
    if (!opt.quiet) {
        snprintf(what, sizeof(what), "%llu transactions at %.0f/s, ",
                 (unsigned long long)so_far->transactions, rate);
        bt_progress_show(&progress, so_far->bytes, log_bytes, what);
    }
    return interrupted;
}

/* -------------------------------------------------------------------- result */

static void write_checks(const struct bt_apply_target *t, struct bt_json *j)
{
    bt_json_key(j, opt.dry_run ? "foreseen" : "verified");
    bt_json_object(j);
    bt_json_key_u64(j, "rows", t->checks.rows);
    bt_json_key_u64(j, "not_checked", t->checks.not_checked);
    bt_json_key(j, "not_checked_why");
    bt_json_object(j);
    for (unsigned i = 0; i < BT_UNCHECKED_COUNT; i++)
        bt_json_key_u64(j, bt_unchecked_name(i), t->checks.why[i]);
    bt_json_end(j);
    bt_json_key_u64(j, "found", t->checks.found);
    bt_json_key(j, "first");
    bt_json_array(j);
    for (size_t i = 0; i < t->checks.count; i++) {
        const struct bt_finding *f = &t->checks.first[i];

        bt_json_object(j);
        bt_json_key_str(j, "kind", bt_finding_name(f->kind));
        bt_json_key_str(j, "gtid", f->gtid);
        bt_json_key_str(j, "table", f->table);
        bt_json_key_str(j, "key", f->key);
        bt_json_end(j);
    }
    bt_json_end(j);
    bt_json_end(j);
}

/* One target's result; several stand in a document of their own, each with its name. */
static void write_json(const struct bt_apply_target *t, struct bt_json *json)
{
    uint64_t conflicts = t->checks.found + t->sum.conflicts;
    const struct bt_replay_result *r = &t->sum;
    char gtid[BT_GTID_TEXT_SIZE];

    bt_json_object(json);
    if (t->name) {
        bt_json_key_str(json, "target", t->name);
        bt_json_key_bool(json, "ok", t->status == 0);
        bt_json_key_str(json, "error", t->status == 0 ? "" : t->err.text);
    }
    bt_json_key_u64(json, "transactions", r->transactions);
    bt_json_key_u64(json, "rows", r->rows);
    bt_json_key(json, "seconds");
    bt_json_f64(json, r->seconds);
    bt_json_key_u64(json, "workers", opt.workers || r->via != BT_REPLAY_SQL ? opt.workers : 1);
    bt_json_key_u64(json, "barriers", r->barriers);
    bt_json_key_u64(json, "ran_ahead", r->ran_ahead);
    bt_json_key_u64(json, "ran_again", r->again);
    if (conflicts == 0 && t->status != 0 && t->err.kind == BT_ERR_CONFLICT)
        conflicts = 1;
    bt_json_key_u64(json, "conflicts", conflicts);
    bt_json_key(json, "conflict_list");
    bt_json_array(json);
    if (t->conflict_json.len > 0)
        bt_json_raw(json, bt_buf_slice(&t->conflict_json));
    bt_json_end(json);
    bt_json_key_bool(json, "stopped", r->stopped);
    bt_json_key_bool(json, "relaxed", r->was_relaxed);
    bt_json_key_str(json, "digest", r->digest);
    bt_json_key_u64(json, "skipped_already_there", r->skipped_already_there);
    bt_json_key_u64(json, "events", r->events);
    bt_json_key_u64(json, "bytes", r->bytes);
    bt_json_key_str(json, "via", via_names[r->via]);
    bt_json_key_str(json, "via_why", r->via_why ? r->via_why : "");
    bt_json_key_str(json, "appliers_why", r->appliers_why ? r->appliers_why : "");
    bt_json_key_bool(json, "dry_run", opt.dry_run);
    bt_json_key_str(json, "gtid", bt_gtid_text(&r->last_gtid, gtid));
    bt_json_key_str(json, "file", r->last.file);
    bt_json_key_u64(json, "pos", r->last.pos);
    if (t->was_checked)
        write_checks(t, json);
    bt_json_end(json);
}

/* What was compared with what, how much, what came of it; then what was not, and why. */
static void write_checks_text(const struct bt_apply_target *t, struct bt_buf *out)
{
    static const char *const why[BT_UNCHECKED_COUNT] = {
        [BT_UNCHECKED_NO_KEY] = "row changes of tables without a primary key",
        [BT_UNCHECKED_STATEMENT] = "statements (logged as text: rows not known)",
        [BT_UNCHECKED_OTHER] = "changes whose row the log or its key does not tell for sure",
    };
    const struct bt_row_checks *checks = &t->checks;
    unsigned long long rows = checks->rows, found = checks->found;

    if (opt.dry_run)
        bt_buf_addf(out, "foreseen: %llu rows asked about by primary key, %llu conflicts\n", rows,
                    found);
    else
        bt_buf_addf(out,
                    "verified: %llu rows compared with their last image in the logs, %llu "
                    "differ\n",
                    rows, found);
    for (size_t i = 0; i < checks->count; i++)
        bt_buf_addf(out, "  %s %s: %s %s\n", checks->first[i].gtid, checks->first[i].table,
                    bt_finding_name(checks->first[i].kind), checks->first[i].key);
    for (unsigned i = 0; i < BT_UNCHECKED_COUNT; i++) {
        const char *what = why[i]        ? why[i]
                           : opt.dry_run ? "row changes behind DDL that has not run yet"
                                         : "rows that a later statement or DDL may have "
                                           "changed again";

        if (checks->why[i])
            bt_buf_addf(out, "  not %s: %llu %s\n", opt.dry_run ? "asked about" : "compared",
                        (unsigned long long)checks->why[i], what);
    }
}

static void write_text(const struct bt_apply_target *t, struct bt_buf *out)
{
    const struct bt_replay_result *r = &t->sum;
    char gtid[BT_GTID_TEXT_SIZE], size[BT_SIZE_TEXT_SIZE];

    if (t->name)
        bt_buf_addf(out, "%s: %s", t->name, t->status == 0 ? "" : "FAILED, ");
    bt_buf_addf(out, "%s %llu transactions (%llu rows, %s) in %.3f s by %s",
                opt.dry_run ? "would apply" : "applied", (unsigned long long)r->transactions,
                (unsigned long long)r->rows, bt_size_text(r->bytes, size), r->seconds,
                r->via == BT_REPLAY_SQL ? "SQL" : "replication");
    if (r->skipped_already_there)
        bt_buf_addf(out, ", %llu were there already",
                    (unsigned long long)r->skipped_already_there);
    bt_buf_add_byte(out, '\n');
    if (r->appliers_why)
        bt_buf_addf(out, "%s\n", r->appliers_why);
    if (bt_gtid_text(&r->last_gtid, gtid)[0])
        bt_buf_addf(out, "last: %s", gtid);
    if (r->last.file[0])
        bt_buf_addf(out, "%s%s:%llu", gtid[0] ? " at " : "last: ", r->last.file,
                    (unsigned long long)r->last.pos);
    if (gtid[0] || r->last.file[0])
        bt_buf_add_byte(out, '\n');
    if (r->stopped)
        bt_buf_add_str(out, "stopped by a signal: nothing behind the last one was applied\n");
    if (r->was_relaxed)
        bt_buf_add_str(out,
                       "durability was relaxed meanwhile; it is as it was found, and flushed\n");
    bt_buf_add_slice(out, bt_buf_slice(&t->conflict_lines));
    if (!t->was_checked)
        return;
    write_checks_text(t, out);
}

static void write_all_json(const struct bt_apply_target *targets, size_t count, struct bt_buf *out)
{
    struct bt_json j;

    bt_json_init(&j, out);
    if (!targets[0].name) {
        write_json(&targets[0], &j);
    } else {
        bt_json_object(&j);
        bt_json_key(&j, "targets");
        bt_json_array(&j);
        for (size_t i = 0; i < count; i++)
            write_json(&targets[i], &j);
        bt_json_end(&j);
        bt_json_end(&j);
    }
    bt_buf_add_byte(out, '\n');
}

static int print(const struct bt_apply_target *targets, size_t count, struct bt_err *err)
{
    struct bt_out out;

    bt_out_init(&out, STDOUT_FILENO);
    if (opt.json)
        write_all_json(targets, count, &out.buf);
    for (size_t i = 0; !opt.json && i < count; i++)
        write_text(&targets[i], &out.buf);
    return bt_out_finish(&out, err);
}

/* ----------------------------------------------------------------------- run */

static int check_usage(int argc, struct bt_err *err)
{
    if (argc == 0)
        return bt_fail(err, BT_ERR_USAGE, "which log is to be applied? Give at least one FILE");
    if (opt.workers > 1024)
        return bt_fail(err, BT_ERR_USAGE, "--workers=%llu, allowed are 1 to 1024",
                       (unsigned long long)opt.workers);
    if (opt.targets.count > 0 && (opt.server.host || opt.server.socket))
        return bt_fail(err, BT_ERR_USAGE, "--target names servers, so do --host and --socket");
    if (!bt_connect_is_given(&opt.server) && opt.targets.count == 0)
        return bt_fail(err, BT_ERR_USAGE,
                       "which server? Give --host, --socket, --target or --defaults-file");
    return 0;
}

static int run_on(struct bt_apply_target *targets, size_t count, const struct bt_apply_job *job,
                  struct bt_err *err)
{
    struct bt_connection_opts like;
    struct bt_err ignored = {0};
    int status;

    if (bt_connect_opts(&opt.server, &like, err) != 0)
        return -1;
    targets[0].where = like;
    for (size_t i = 0; i < opt.targets.count; i++)
        if (bt_apply_target_name(&targets[i], opt.targets.items[i], &like, err) != 0)
            return -1;
    bt_progress_begin(&progress, 0);
    status = bt_apply_targets_run(targets, count, job, err);
    bt_progress_end(&progress);
    if (status == 0) {
        if (print(targets, count, err) < 0)
            return -1;
        return interrupted && targets[0].sum.stopped ? INTERRUPTED : 0;
    }
    (void)!print(targets, count, &ignored);
    return -1;
}

static int run(int argc, char **argv, struct bt_err *err)
{
    struct bt_apply_job job = {.files = (const char *const *)argv,
                               .count = (size_t)argc,
                               .how = {.via = (enum bt_replay_via)opt.via,
                                       .workers = (unsigned)opt.workers,
                                       .feed_address = opt.feed_address,
                                       .statement_ms = (int64_t)opt.statement_ms,
                                       .no_binlog = opt.no_binlog,
                                       .set_slave_pos = opt.set_slave_pos,
                                       .dry_run = opt.dry_run,
                                       .on_conflict = (enum bt_on_conflict)opt.on_conflict,
                                       .relaxed = opt.durability == 1,
                                       .progress = on_progress},
                               .verify_rows = opt.verify_rows};
    size_t count = opt.targets.count ? opt.targets.count : 1;
    struct bt_apply_target *targets;
    int status;

    if (check_usage(argc, err) != 0)
        return -1;
    if (opt.deadline_ms)
        job.how.deadline = bt_deadline_in((int64_t)opt.deadline_ms);
    targets = calloc(count, sizeof(*targets));
    if (!targets)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for %zu targets", count);
    catch_signals();
    status = run_on(targets, count, &job, err);
    for (size_t i = 0; i < count; i++)
        bt_apply_target_done(&targets[i]);
    free(targets);
    return status;
}

const struct bt_command bt_cmd_apply = {
    .name = "apply",
    .group = "Servers",
    .summary = "replay a diff log or binary logs on a server",
    .usage = "[OPTIONS] FILE...",
    .about =
        "Each log is verified whole (events, checksums, its manifest FILE.json if there is\n"
        "one) before its first event is sent.  Every transaction becomes one transaction\n"
        "there, in order and under its original GTID where both sides are MariaDB, or both\n"
        "MySQL with gtid_mode=ON.  What the server already has by its GTID state is passed\n"
        "over, so the same file can be applied again.  It stops at the first error and rolls\n"
        "the open transaction back; the message names its GTID, its place and the table.  ^C\n"
        "stops between two transactions.\n"
        "\n"
        "With several --target all are verified first; then each gets its transactions at the\n"
        "same time, whatever becomes of the others.  --dry-run asks each server whether the\n"
        "rows that are touched first are there, or their keys free; what does not fit is\n"
        "named, and is a failure.\n"
        "\n"
        "The account needs BINLOG REPLAY (MariaDB 10.5 or newer; SUPER before, BINLOG_ADMIN\n"
        "and SESSION_VARIABLES_ADMIN on MySQL), what the statements in the log need, and\n"
        "READ_ONLY ADMIN when the server is read-only.\n",
    .examples =
        "  $ baton apply --defaults-file=my.cnf --socket=/run/mysqld/mysqld.sock diff.binlog\n"
        "  $ baton apply --defaults-file=my.cnf --host=10.0.0.3 --dry-run diff.binlog.zst\n"
        "  $ baton apply --defaults-file=my.cnf -t 10.0.0.3 -t 10.0.0.4:3307 --verify-rows "
        "x.binlog\n",
    .opts = opts,
    .run = run,
};
