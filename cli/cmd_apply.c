/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_apply.c - `baton apply FILE...`: replays diff logs or binary logs on a server. */
#include <stdio.h>
#include <unistd.h>

#include "apply/replay.h"
#include "base/json.h"
#include "base/number.h"
#include "cli/command.h"
#include "cli/output.h"

static const char *const via_names[] = {"sql", "replication", "auto", NULL};
static const char *const tls_names[] = {"default", "required", "verified", NULL};

static struct {
    const char *defaults_file, *defaults_group, *host, *socket, *user;
    const char *tls_ca, *tls_cert, *tls_key, *feed_address;
    uint64_t workers, port, deadline_ms, statement_ms;
    int tls, via;
    bool no_binlog, set_slave_pos, dry_run, json, quiet;
} opt = {.via = BT_REPLAY_AUTO};

static const struct bt_opt opts[] = {
    {"defaults-file", 0, BT_OPT_STRING, "FILE", "option file with user, password, ... ([client])",
     NULL, &opt.defaults_file},
    {"defaults-group", 0, BT_OPT_STRING, "NAME", "group of the option file besides [client]", NULL,
     &opt.defaults_group},
    {"host", 'H', BT_OPT_STRING, "HOST", "server to connect to over TCP", NULL, &opt.host},
    {"port", 'P', BT_OPT_UINT, "N", "its port (3306)", NULL, &opt.port},
    {"socket", 'S', BT_OPT_STRING, "PATH", "unix socket of the server, wins over --host", NULL,
     &opt.socket},
    {"user", 'u', BT_OPT_STRING, "NAME", "account; its password comes from the option file", NULL,
     &opt.user},
    {"tls", 0, BT_OPT_CHOICE, "HOW", "default, required, or verified (certificate checked)",
     tls_names, &opt.tls},
    {"tls-ca", 0, BT_OPT_STRING, "FILE", "certificates of the authorities that are trusted", NULL,
     &opt.tls_ca},
    {"tls-cert", 0, BT_OPT_STRING, "FILE", "our certificate", NULL, &opt.tls_cert},
    {"tls-key", 0, BT_OPT_STRING, "FILE", "its key", NULL, &opt.tls_key},
    {"via", 0, BT_OPT_CHOICE, "ROAD", "auto, sql (a session), or replication (its own threads)",
     via_names, &opt.via},
    {"workers", 'w', BT_OPT_UINT, "N",
     "parallel sessions (SQL) or threads (replication) on the server (1)", NULL, &opt.workers},
    {"feed-address", 0, BT_OPT_STRING, "IP",
     "with --via=replication: address of ours that the server reaches (127.0.0.1)", NULL,
     &opt.feed_address},
    {"no-binlog", 0, BT_OPT_FLAG, NULL, "keep out of the server's own binary log", NULL,
     &opt.no_binlog},
    {"set-slave-pos", 0, BT_OPT_FLAG, NULL,
     "MariaDB: at the end set gtid_slave_pos to what was applied", NULL, &opt.set_slave_pos},
    {"deadline", 0, BT_OPT_SECONDS, "SECONDS", "stop with an error after this long (none)", NULL,
     &opt.deadline_ms},
    {"statement-timeout", 0, BT_OPT_SECONDS, "SECONDS", "longest wait for one answer (3600)", NULL,
     &opt.statement_ms},
    {"dry-run", 'n', BT_OPT_FLAG, NULL, "read and check everything, change nothing", NULL,
     &opt.dry_run},
    {"json", 0, BT_OPT_FLAG, NULL, "write the result as JSON", NULL, &opt.json},
    {"quiet", 'q', BT_OPT_FLAG, NULL, "no progress on stderr", NULL, &opt.quiet},
    {0},
};

struct totals {
    struct bt_replay_result now, before; /* of the file under way; of those before it */
    uint64_t conflicts;
};

/* ------------------------------------------------------------------ progress */

static int on_progress(const struct bt_replay_result *so_far, uint64_t log_bytes, void *ctx)
{
    char done[BT_SIZE_TEXT_SIZE], all[BT_SIZE_TEXT_SIZE];
    double rate = so_far->seconds > 0 ? (double)so_far->transactions / so_far->seconds : 0;

    (void)ctx;
    if (log_bytes == UINT64_MAX)
        fprintf(stderr, "\r%llu transactions, %s, %.0f/s \033[K",
                (unsigned long long)so_far->transactions, bt_size_text(so_far->bytes, done), rate);
    else
        fprintf(stderr, "\r%llu transactions, %s of %s, %.0f/s \033[K",
                (unsigned long long)so_far->transactions, bt_size_text(so_far->bytes, done),
                bt_size_text(log_bytes, all), rate);
    return 0;
}

/* -------------------------------------------------------------------- result */

static void add(struct bt_replay_result *sum, const struct bt_replay_result *one)
{
    sum->transactions += one->transactions;
    sum->skipped_already_there += one->skipped_already_there;
    sum->events += one->events;
    sum->rows_events += one->rows_events;
    sum->rows += one->rows;
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
    memcpy(sum->digest, one->digest, sizeof(sum->digest));
}

static void write_json(const struct bt_replay_result *r, uint64_t conflicts, struct bt_buf *out)
{
    char gtid[BT_GTID_TEXT_SIZE];
    struct bt_json j;

    bt_json_init(&j, out);
    bt_json_object(&j);
    bt_json_key_u64(&j, "transactions", r->transactions);
    bt_json_key_u64(&j, "rows", r->rows);
    bt_json_key(&j, "seconds");
    bt_json_f64(&j, r->seconds);
    bt_json_key_u64(&j, "workers", opt.workers ? opt.workers : 1);
    bt_json_key_u64(&j, "barriers", r->barriers);
    bt_json_key_u64(&j, "ran_ahead", r->ran_ahead);
    bt_json_key_u64(&j, "ran_again", r->again);
    bt_json_key_u64(&j, "conflicts", conflicts);
    bt_json_key_str(&j, "digest", r->digest);
    bt_json_key_u64(&j, "skipped_already_there", r->skipped_already_there);
    bt_json_key_u64(&j, "events", r->events);
    bt_json_key_u64(&j, "bytes", r->bytes);
    bt_json_key_str(&j, "via", via_names[r->via]);
    bt_json_key_str(&j, "via_why", r->via_why ? r->via_why : "");
    bt_json_key_bool(&j, "dry_run", opt.dry_run);
    bt_json_key_str(&j, "gtid", bt_gtid_text(&r->last_gtid, gtid));
    bt_json_key_str(&j, "file", r->last.file);
    bt_json_key_u64(&j, "pos", r->last.pos);
    bt_json_end(&j);
    bt_buf_add_byte(out, '\n');
}

static void write_text(const struct bt_replay_result *r, struct bt_buf *out)
{
    char gtid[BT_GTID_TEXT_SIZE], size[BT_SIZE_TEXT_SIZE];

    bt_buf_addf(out, "%s %llu transactions (%llu rows, %s) in %.3f s by %s",
                opt.dry_run ? "would apply" : "applied", (unsigned long long)r->transactions,
                (unsigned long long)r->rows, bt_size_text(r->bytes, size), r->seconds,
                r->via == BT_REPLAY_SQL ? "SQL" : "replication");
    if (r->skipped_already_there)
        bt_buf_addf(out, ", %llu were there already",
                    (unsigned long long)r->skipped_already_there);
    bt_buf_add_byte(out, '\n');
    if (bt_gtid_text(&r->last_gtid, gtid)[0])
        bt_buf_addf(out, "last: %s", gtid);
    if (r->last.file[0])
        bt_buf_addf(out, "%s%s:%llu", gtid[0] ? " at " : "last: ", r->last.file,
                    (unsigned long long)r->last.pos);
    if (gtid[0] || r->last.file[0])
        bt_buf_add_byte(out, '\n');
}

static int print(const struct bt_replay_result *r, uint64_t conflicts, struct bt_err *err)
{
    struct bt_out out;

    bt_out_init(&out, STDOUT_FILENO);
    if (opt.json)
        write_json(r, conflicts, &out.buf);
    else
        write_text(r, &out.buf);
    return bt_out_finish(&out, err);
}

/* ----------------------------------------------------------------------- run */

static int run(int argc, char **argv, struct bt_err *err)
{
    struct bt_connection_opts target = {.host = opt.host,
                                        .port = (unsigned)opt.port,
                                        .socket = opt.socket,
                                        .user = opt.user,
                                        .defaults_file = opt.defaults_file,
                                        .defaults_group = opt.defaults_group,
                                        .tls = (enum bt_tls)opt.tls,
                                        .tls_ca = opt.tls_ca,
                                        .tls_cert = opt.tls_cert,
                                        .tls_key = opt.tls_key};
    struct bt_replay_opts how = {.via = (enum bt_replay_via)opt.via,
                                 .workers = (unsigned)opt.workers,
                                 .feed_address = opt.feed_address,
                                 .statement_ms = (int64_t)opt.statement_ms,
                                 .no_binlog = opt.no_binlog,
                                 .set_slave_pos = opt.set_slave_pos,
                                 .dry_run = opt.dry_run};
    struct bt_replay_result sum = {0}, one;
    bool shows = !opt.quiet && isatty(STDERR_FILENO);
    struct bt_err ignored = {0};
    int status = 0;

    if (argc == 0)
        return bt_fail(err, BT_ERR_USAGE, "which log is to be applied? Give at least one FILE");
    if (opt.port > 65535)
        return bt_fail(err, BT_ERR_USAGE, "port %llu is over 65535", (unsigned long long)opt.port);
    if (opt.workers > 1024)
        return bt_fail(err, BT_ERR_USAGE, "--workers=%llu, allowed are 1 to 1024",
                       (unsigned long long)opt.workers);
    if (!opt.host && !opt.socket && !opt.defaults_file)
        return bt_fail(err, BT_ERR_USAGE,
                       "which server? Give --host, --socket or --defaults-file");
    if (opt.deadline_ms)
        how.deadline = bt_deadline_in((int64_t)opt.deadline_ms);
    if (shows)
        how.progress = on_progress;
    for (int i = 0; i < argc && status == 0; i++) {
        status = bt_replay_file(&target, argv[i], &how, &one, err);
        add(&sum, &one);
        if (shows)
            fputs("\r\033[K", stderr);
    }
    if (status < 0) {
        (void)!print(&sum, err->kind == BT_ERR_CONFLICT, &ignored);
        return -1;
    }
    return print(&sum, 0, err);
}

const struct bt_command bt_cmd_apply = {
    .name = "apply",
    .group = "Servers",
    .summary = "replay a diff log or binary logs on a server",
    .usage = "[OPTIONS] FILE...",
    .about =
        "Each log is verified whole (events, checksums, its manifest FILE.json if there is one)\n"
        "before its first event is sent.  Every transaction becomes one transaction there,\n"
        "in order and under its original GTID where both sides are MariaDB, or both MySQL with\n"
        "gtid_mode=ON.  What the server already has by its GTID state is passed over, so the same\n"
        "file can be applied again.  It stops at the first error and rolls the open transaction\n"
        "back; the message names its GTID, its place and the table.\n\n"
        "The account needs BINLOG REPLAY (MariaDB 10.5 or newer; SUPER before, BINLOG_ADMIN and\n"
        "SESSION_VARIABLES_ADMIN on MySQL), what the statements in the log need, and READ_ONLY\n"
        "ADMIN when the server is read-only.\n",
    .examples =
        "  $ baton apply --defaults-file=my.cnf --socket=/run/mysqld/mysqld.sock diff.binlog\n"
        "  $ baton apply --defaults-file=my.cnf --host=10.0.0.3 --dry-run diff.binlog.zst\n",
    .opts = opts,
    .run = run,
};
