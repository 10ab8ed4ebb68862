/* SPDX-License-Identifier: Apache-2.0 */
/* `baton diff`: writes the smallest log that gives a replica what it lacks. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/number.h"
#include "cli/bars.h"
#include "cli/between.h"
#include "cli/cluster_config.h"
#include "cli/command.h"
#include "cli/log_keys.h"
#include "cli/output.h"
#include "cli/server_logs.h"
#include "diff/diff_log.h"

enum { FROM_RECEIVED, FROM_EXECUTED };
enum { EXIT_PARTIAL = 10 };

static const char *const from_names[] = {"received", "executed", NULL};

static struct {
    struct bt_opt_list targets, replicas;
    const char *primary;
    struct bt_opt_list outs;
    const char *connection;
    const char *conf, *global_conf;
    int from;
    bool json, dry_run, list, between;
} opt;

static const struct bt_opt opts[] = {
    {"target", 't', BT_OPT_LIST, "DIR|HOST",
     "the replica to complete: its log directory, or with --conf its name; with several, each is a"
     " source for the others",
     NULL, &opt.targets},
    {"conf", 'c', BT_OPT_STRING, "FILE",
     "take from the running servers of this configuration, and from the primary's logs even if it "
     "is"
     " dead",
     NULL, &opt.conf},
    {"global-conf", 0, BT_OPT_STRING, "FILE",
     "defaults of all clusters (/etc/masterha_default.cnf)", NULL, &opt.global_conf},
    {"replica", 'r', BT_OPT_LIST, "DIR", "another replica of the same primary", NULL,
     &opt.replicas},
    {"primary", 'p', BT_OPT_STRING, "DIR", "the primary's binary logs", NULL, &opt.primary},
    {"output", 'o', BT_OPT_LIST, "FILE",
     "write the diff log to FILE (packed when it ends in .zst) and the manifest to FILE.json; one"
     " for each target",
     NULL, &opt.outs},
    {"from", 0, BT_OPT_CHOICE, "WHAT", "count as had what the target has received or executed",
     from_names, &opt.from},
    {"connection", 0, BT_OPT_STRING, "NAME", "look at the relay logs of this named connection",
     NULL, &opt.connection},
    BT_LOG_KEYS_OPTS,
    {"between", 0, BT_OPT_FLAG, NULL, "say how two servers differ, directories or hosts", NULL,
     &opt.between},
    {"dry-run", 'n', BT_OPT_FLAG, NULL, "find out, but write nothing", NULL, &opt.dry_run},
    {"list", 0, BT_OPT_FLAG, NULL, "with --json: every transaction too", NULL, &opt.list},
    {"json", 0, BT_OPT_FLAG, NULL, "write the manifest as JSON", NULL, &opt.json},
    {0},
};

enum { SERVERS_MAX = 14, SOURCES_MAX = 2 * SERVERS_MAX + 2 };

/* What serves all targets, and what is opened for the one in hand. */
struct job {
    struct bt_arena arena; /* of the configuration */
    struct bt_config config;
    struct bt_live *live; /* NULL = directories */
    struct bt_out out;
    struct bt_json json;
    const char *name, *path; /* the target in hand, its diff log */
    struct bt_server_logs target, primary, replicas[SERVERS_MAX];
    size_t replica_count;
    struct bt_missing_want want;
    struct bt_missing_source sources[SOURCES_MAX];
    size_t source_count;
};

static void close_target(struct job *job)
{
    bt_server_logs_close(&job->target);
    bt_server_logs_close(&job->primary);
    for (size_t i = 0; i < job->replica_count; i++)
        bt_server_logs_close(&job->replicas[i]);
    job->replica_count = 0;
}

static void job_done(struct job *job)
{
    bt_live_close(job->live);
    bt_arena_done(&job->arena);
}

static void add_source(struct job *job, const struct bt_server_logs *from,
                       const struct bt_log_set *set, enum bt_source_role role, unsigned cost,
                       bool is_target)
{
    job->sources[job->source_count++] = (struct bt_missing_source){
        .name = from->dir, .role = role, .set = set, .cost = cost, .is_target = is_target};
}

static int open_replica(struct job *job, const char *dir, struct bt_err *err)
{
    struct bt_server_logs *replica = &job->replicas[job->replica_count];

    if (job->replica_count == SERVERS_MAX)
        return bt_fail(err, BT_ERR_USAGE, "more than %d replicas and targets", SERVERS_MAX);
    if (bt_server_logs_open(dir, opt.connection, replica, err) != 0)
        return -1;
    job->replica_count++;
    bt_server_logs_warn(replica);
    return 0;
}

static int open_dirs(struct job *job, struct bt_err *err)
{
    if (bt_server_logs_open(job->name, opt.connection, &job->target, err) != 0)
        return -1;
    bt_server_logs_warn(&job->target);
    if (!job->target.relay)
        return bt_fail(err, BT_ERR_REALITY, "there are no relay logs in \"%s\"", job->name);
    if (opt.primary) {
        if (bt_server_logs_open(opt.primary, NULL, &job->primary, err) != 0)
            return -1;
        bt_server_logs_warn(&job->primary);
        if (!job->primary.binlog)
            return bt_fail(err, BT_ERR_REALITY, "there are no binary logs in \"%s\"", opt.primary);
    }
    for (size_t i = 0; i < opt.replicas.count; i++) {
        if (open_replica(job, opt.replicas.items[i], err) != 0)
            return -1;
    }
    for (size_t i = 0; i < opt.targets.count; i++) {
        if (opt.targets.items[i] != job->name && open_replica(job, opt.targets.items[i], err) != 0)
            return -1;
    }
    return 0;
}

static int open_cluster(struct job *job, struct bt_err *err)
{
    if (opt.replicas.count || opt.primary)
        return bt_fail(err, BT_ERR_USAGE,
                       "with --conf the primary and the replicas are those of the cluster");
    return bt_cluster_open(opt.conf, opt.global_conf, opt.connection, &job->arena, &job->config,
                           &job->live, err);
}

/* The servers of a cluster: the target by its name, everybody else is a source. */
static int take_servers(struct job *job, struct bt_err *err)
{
    size_t target;

    if (bt_config_find(&job->config, job->name, &target, err) != 0)
        return -1;
    bt_server_logs_take(&job->live->servers[target], &job->target);
    if (!job->target.relay || job->target.from_words)
        return bt_fail(err, BT_ERR_REALITY, "%s: %s", job->target.dir,
                       bt_live_error(job->target.live)[0] ? bt_live_error(job->target.live)
                                                          : "it has no relay logs");
    for (size_t i = 0; i < job->live->count && job->replica_count < SERVERS_MAX; i++) {
        if (i == target)
            continue;
        if (i == job->live->topology.primary)
            bt_server_logs_take(&job->live->servers[i], &job->primary);
        else
            bt_server_logs_take(&job->live->servers[i], &job->replicas[job->replica_count++]);
    }
    return 0;
}

/* What the target has executed: by GTID where it replicates by that, since relay-log.info is not
 * kept up to date then (MariaDB sql/rpl_rli.cc, stmt_done, 10.11); else by its place. */
static int take_executed(struct job *job, struct bt_err *err)
{
    struct bt_server_logs *target = &job->target;
    bool by_place = bt_server_logs_by_position(target);

    /* Its own relay logs hold what it has received and not executed. */
    add_source(job, target, target->relay, BT_SOURCE_RELAY, 0, false);
    if (target->executed.known && !by_place) {
        job->want.gtid =
            target->survey.flavor == BT_FLAVOR_MARIADB ? &target->executed.state : NULL;
        job->want.gtid_set = job->want.gtid ? NULL : &target->executed.set;
        return 0;
    }
    if (!target->survey.executed.file[0])
        return bt_fail(
            err, BT_ERR_REALITY,
            "what \"%s\" has executed is not known: there is no relay-log.info and there are"
            " no binary logs of what it replicated",
            job->name);
    if (target->source_info && target->source_info->using_gtid > 0)
        bt_warning(
            "%s: relay-log.info may be behind, the server replicates by GTID; --conf asks it",
            target->dir);
    job->want.after = target->survey.executed;
    job->want.is_prefix = true;
    return 0;
}

/* Whether the end of a large log of the target says enough.  With one domain, what the target has
 * is everything up to a place, and each source is entered there.  A source without that place, a
 * replica's own binary logs, is entered by GTIDs, and they have to be all that there are. */
static bool may_read_end(const struct job *job)
{
    for (size_t i = 0; i < job->replica_count; i++) {
        if (job->replicas[i].binlog)
            return false;
    }
    return opt.from == FROM_RECEIVED;
}

static int survey_target(struct job *job, bool by_gtid, bool from_end, struct bt_err *err)
{
    struct bt_server_logs *target = &job->target;

    target->wants_executed = opt.from == FROM_EXECUTED;
    target->gtid_bytes_max = from_end ? BT_GTID_BYTES_MAX : 0;
    if (bt_server_logs_survey(target, target->relay, by_gtid, err) != 0)
        return -1;
    if (!target->survey.gtid_from_end || bt_gtid_state_domains(&target->survey.gtid) <= 1)
        return 0;
    target->gtid_bytes_max = 0;
    return bt_server_logs_survey(target, target->relay, by_gtid, err);
}

/* What the target has.  by_gtid: read as much as it takes to know every domain's GTID, not only the
 * coordinate. */
static int take_target(struct job *job, bool by_gtid, bool from_end, struct bt_err *err)
{
    struct bt_server_logs *target = &job->target;
    const struct bt_survey *survey = &target->survey;

    if (survey_target(job, by_gtid, from_end, err) != 0)
        return -1;
    if (opt.from == FROM_EXECUTED)
        return take_executed(job, err);
    job->want.after = survey->received;
    job->want.target = target->relay;
    if (survey->has_gtid && survey->flavor == BT_FLAVOR_MARIADB)
        job->want.gtid = &survey->gtid;
    if (by_gtid && survey->has_gtid && survey->flavor == BT_FLAVOR_MYSQL)
        job->want.gtid_set = &survey->gtid_set;
    job->want.is_prefix =
        !job->want.gtid_set && (!job->want.gtid || bt_gtid_state_domains(&survey->gtid) <= 1);
    if (!survey->received.file[0] && !job->want.gtid && !job->want.gtid_set)
        return bt_fail(err, BT_ERR_REALITY,
                       "what \"%s\" has received is not known: its relay logs name no place in a"
                       " primary's log",
                       job->name);
    add_source(job, target, target->relay, BT_SOURCE_RELAY, 0, true);
    return 0;
}

static int take_sources(struct job *job, bool by_content, struct bt_err *err)
{
    if (job->primary.binlog)
        add_source(job, &job->primary, job->primary.binlog, BT_SOURCE_PRIMARY, 1, false);
    for (size_t i = 0; i < job->replica_count; i++) {
        const struct bt_server_logs *replica = &job->replicas[i];

        if (replica->relay)
            add_source(job, replica, replica->relay, BT_SOURCE_RELAY, 2, false);
        /* What a replica has applied it may have logged too: found by GTID, or by content. */
        if (replica->binlog && (job->want.gtid || job->want.gtid_set || by_content))
            add_source(job, replica, replica->binlog, BT_SOURCE_BINLOG, 3, false);
    }
    if (!job->primary.binlog && job->replica_count == 0 && opt.from == FROM_RECEIVED)
        return bt_fail(err, BT_ERR_USAGE, "diff needs --primary or --replica to take from");
    return 0;
}

/* Whether more has to be known of the target than the end of its log says: something of a domain
 * is to be passed on that the end says nothing of, or something is missing. */
static bool needs_more_than_end(const struct job *job, const struct bt_missing *m)
{
    const struct bt_survey *survey = &job->target.survey;
    bool needs = m->lost.len > 0;

    for (size_t i = 0; survey->gtid_from_end && !needs && i < m->count; i++)
        needs = m->items[i].gtid.kind == BT_GTID_MARIADB &&
                !bt_gtid_state_last(&survey->gtid, m->items[i].gtid.domain);
    return survey->gtid_from_end && needs;
}

/* In file mode the coordinate says all, and finding it reads the tail only.  When that leaves a
 * gap, the GTIDs may close it out of a replica's own binary logs, or, without GTIDs, what they
 * hold. */
static int find(struct job *job, struct bt_missing *ret, struct bt_err *err)
{
    bool by_gtid = !bt_server_logs_by_position(&job->target);
    bool from_end = may_read_end(job), by_content = false;

    for (;;) {
        job->source_count = 0;
        job->want = (struct bt_missing_want){0};
        if (take_target(job, by_gtid, from_end, err) != 0 ||
            take_sources(job, by_content, err) != 0 ||
            bt_missing_find(&job->want, job->sources, job->source_count, ret, err) != 0)
            return -1;
        bt_debug("read %" PRIu64 " bytes of logs", ret->bytes_read);
        if (by_content || opt.from == FROM_EXECUTED ||
            (!needs_more_than_end(job, ret) &&
             ((by_gtid && (job->want.gtid || job->want.gtid_set)) ||
              (ret->lost.len == 0 && job->source_count > 1))))
            return 0;
        bt_missing_done(ret);
        by_gtid = by_content = true;
        from_end = false;
    }
}

static int discard(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    (void)ctx;
    (void)bytes;
    (void)err;
    return 0;
}

/* Applied, received, and what the diff log gives. */
static void draw_bar(const struct job *job, const struct bt_manifest *m, struct bt_out *out)
{
    const struct bt_survey *survey = &job->target.survey;
    const struct bt_manifest_item *last = m->count ? &m->items[m->count - 1] : NULL;
    struct bt_coordinate end = {.pos = last ? last->end : 0};
    struct bt_bars bars;

    bt_bars_begin(&bars, job->primary.binlog);
    bt_bars_add(&bars, &survey->executed, &survey->received);
    if (last && last->file < m->file_count) {
        snprintf(end.file, sizeof(end.file), "%s", m->files[last->file]);
        bt_bars_add(&bars, &end, &end);
    }
    bt_bars_draw(&bars, &survey->executed, &survey->received, out);
    bt_bars_legend(&bars, out);
}

/* What the target had, what it lacks, and from where it comes: for people. */
static void write_text(const struct job *job, const struct bt_manifest *m, struct bt_out *out)
{
    char place[BT_COORDINATE_TEXT_SIZE], gtid[BT_GTID_TEXT_SIZE], size[BT_SIZE_TEXT_SIZE];

    if (job->want.after.file[0])
        bt_buf_addf(&out->buf, "target   %s has all up to %s\n", job->name,
                    bt_coordinate_text(&job->want.after, place));
    else
        bt_buf_addf(&out->buf, "target   %s, at which coordinate is not known\n", job->name);
    bt_buf_addf(&out->buf, "missing  %" PRIu64 " transactions, %" PRIu64 " events, %s\n",
                m->transactions, m->events, bt_size_text(m->bytes, size));
    draw_bar(job, m, out);
    for (size_t i = 0; i < 2 && m->count; i++) {
        const struct bt_manifest_item *item = &m->items[i ? m->count - 1 : 0];

        bt_buf_addf(&out->buf, "%-8s %s %s:%" PRIu64 "\n", i ? "last" : "first",
                    bt_gtid_text(&item->gtid, gtid),
                    item->file < m->file_count ? m->files[item->file] : "-", item->pos);
    }
    for (size_t i = 0; i < m->source_count; i++)
        bt_buf_addf(&out->buf, "source   %s\n", m->sources[i]);
    for (size_t i = 0; i < m->cut_count; i++)
        bt_buf_addf(&out->buf, "cut      %s %s: %s\n", m->cuts[i].source, m->cuts[i].at,
                    m->cuts[i].reason);
    if (m->lost) {
        bt_out_coloured(out, BT_COLOUR_RED, "lost     ");
        bt_buf_addf(&out->buf, "%s\n", m->lost);
    }
    if (!opt.dry_run)
        bt_buf_addf(&out->buf, "written  %s and %s.json\n", job->path, job->path);
}

static void print(struct job *job, const struct bt_manifest *m)
{
    bool several = opt.targets.count > 1;

    if (!opt.json) {
        write_text(job, m, &job->out);
        return;
    }
    if (several) {
        bt_json_object(&job->json);
        bt_json_key_str(&job->json, "target", job->name);
        bt_json_key(&job->json, "manifest");
    }
    bt_manifest_write(m, opt.list, &job->json);
    if (several)
        bt_json_end(&job->json);
}

static int write_log(struct job *job, struct bt_err *err)
{
    struct bt_diff_log_opts how = {0};
    bt_auto_manifest struct bt_manifest manifest;
    struct bt_missing missing;
    char gtid[BT_GTID_TEXT_SIZE];
    int failed;

    bt_manifest_init(&manifest);
    if (find(job, &missing, err) != 0)
        return -1;
    if (missing.errant)
        bt_warning(
            "%s: %zu %s written there and never came from the primary, first %s; not passed on",
            job->sources[missing.errant_source].name, missing.errant,
            missing.errant == 1 ? "transaction was" : "transactions were",
            bt_gtid_text(&missing.errant_first, gtid));
    for (size_t i = 0; i < missing.source_count; i++) {
        if (missing.aligned >> i & 1)
            bt_warning("%s counts in other positions than the target: joined by what it holds",
                       job->sources[i].name);
    }
    if (opt.dry_run)
        failed = bt_diff_log_write(&missing, &how, (struct bt_sink){discard, NULL}, &manifest, err);
    else
        failed = bt_diff_log_save(&missing, &how, job->path, &manifest, err);
    bt_missing_done(&missing);
    if (!failed)
        print(job, &manifest);
    return failed;
}

/* One target after the other, up to the first that fails. */
static int write_logs(struct job *job, struct bt_err *err)
{
    bool several = opt.targets.count > 1;
    int failed = opt.conf ? open_cluster(job, err) : 0;
    struct bt_err ignored = {0};

    bt_out_init(&job->out, STDOUT_FILENO);
    bt_json_init(&job->json, &job->out.buf);
    if (opt.json && several && !failed) {
        bt_json_object(&job->json);
        bt_json_key(&job->json, "targets");
        bt_json_array(&job->json);
    }
    for (size_t i = 0; !failed && i < opt.targets.count; i++) {
        job->name = opt.targets.items[i];
        job->path = opt.dry_run ? NULL : opt.outs.items[i];
        failed = (opt.conf ? take_servers(job, err) : open_dirs(job, err)) != 0 ||
                 write_log(job, err) != 0;
        close_target(job);
    }
    if (opt.json && several && !failed) {
        bt_json_end(&job->json);
        bt_json_end(&job->json);
    }
    if (opt.json && !failed)
        bt_buf_add_byte(&job->out.buf, '\n');
    /* What was written before is said nevertheless. */
    if (failed && opt.json)
        bt_buf_reset(&job->out.buf);
    return bt_out_finish(&job->out, failed ? &ignored : err) != 0 || failed ? -1 : 0;
}

static int run(int argc, char **argv, struct bt_err *err)
{
    bt_auto_free struct job *memory = calloc(1, sizeof(*memory));
    struct job *job = memory;
    size_t unreachable;
    int failed;

    if (opt.between && argc != 2)
        return bt_fail(err, BT_ERR_USAGE, "diff --between takes two directories or hosts");
    if (opt.between)
        return bt_between_run(&(struct bt_between_opts){.a = argv[0],
                                                        .b = argv[1],
                                                        .connection = opt.connection,
                                                        .conf = opt.conf,
                                                        .global_conf = opt.global_conf,
                                                        .json = opt.json},
                              err);
    if (argc > 0)
        return bt_fail(err, BT_ERR_USAGE, "\"%s\": diff takes options only", argv[0]);
    if (opt.targets.count == 0)
        return bt_fail(err, BT_ERR_USAGE, "diff needs --target");
    if (opt.outs.count == 0 && !opt.dry_run)
        return bt_fail(err, BT_ERR_USAGE, "diff needs --output or --dry-run");
    if (opt.outs.count != opt.targets.count && !opt.dry_run)
        return bt_fail(err, BT_ERR_USAGE, "--target is given %zu times, --output %zu times",
                       opt.targets.count, opt.outs.count);
    if (!job)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for a diff");
    bt_arena_init(&job->arena, BT_CONFIG_ARENA_MAX);
    failed = write_logs(job, err);
    unreachable = job->live ? bt_cluster_say_unreachable(job->live) : 0;
    job_done(job);
    bt_log_keys_forget();
    return failed ? -1 : unreachable ? EXIT_PARTIAL
                                     : 0;
}

const struct bt_command bt_cmd_diff = {
    .name = "diff",
    .group = "Logs",
    .summary = "write the log of what a replica lacks",
    .usage =
        "--target DIR [--replica DIR]... [--primary DIR] -o FILE\n"
        "       baton diff --conf FILE --target HOST -o FILE\n"
        "       baton diff [--conf FILE] --between A B",
    .about =
        "Finds every transaction that the target lacks and that some other log holds whole,\n"
        "and writes them, in order, as one valid binary log that mariadb-binlog and `baton\n"
        "apply` read.  A transaction without its end and anything behind damage is left out;\n"
        "the manifest says where and why (\"cut\"), and which transactions nobody holds whole\n"
        "(\"lost\").  A diff log of encrypted logs is in clear (mode 600): keep it where the\n"
        "data may be.\n"
        "\n"
        "Several targets, each with its own -o, are done one after the other; logs of other\n"
        "hosts are fetched once for all of them.\n"
        "\n"
        "With --conf the logs are those of running servers, and of a dead primary whose host\n"
        "can be reached.  Nothing is stopped or changed there.  A server that cannot be\n"
        "reached is named, the rest is done, and the exit code is 10.\n",
    .examples = "  $ baton diff --target r2 --replica r1 --primary dead -o r2.binlog\n"
                "  $ baton diff --target r2 --primary dead --dry-run\n"
                "  $ baton diff -t r2 -o r2.binlog -t r3 -o r3.binlog --primary dead\n"
                "  $ baton diff --conf /etc/app1.cnf --target db3 --dry-run\n"
                "  $ baton diff --between r1 r2\n"
                "  $ baton diff --conf /etc/app1.cnf --between db2 db3\n",
    .opts = opts,
    .run = run,
};
