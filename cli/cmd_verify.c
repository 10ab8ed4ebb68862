/* SPDX-License-Identifier: Apache-2.0 */
/* `baton verify`: whether a diff log is whole and what its manifest says. */
#include <inttypes.h>
#include <stdio.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/number.h"
#include "cli/cluster_config.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/server_logs.h"
#include "diff/diff_log.h"
#include "diff/had.h"

static struct {
    bool json, no_manifest;
    const char *target, *connection, *conf, *global_conf;
} opt;

static const struct bt_opt opts[] = {
    {"json", 0, BT_OPT_FLAG, NULL, "write one JSON document", NULL, &opt.json},
    {"no-manifest", 0, BT_OPT_FLAG, NULL, "check the log against itself only", NULL,
     &opt.no_manifest},
    {"target", 't', BT_OPT_STRING, "DIR|HOST",
     "and whether it goes on exactly where this replica has stopped receiving", NULL, &opt.target},
    {"conf", 'c', BT_OPT_STRING, "FILE", "the target is a running server of this configuration",
     NULL, &opt.conf},
    {"global-conf", 0, BT_OPT_STRING, "FILE",
     "defaults of all clusters (/etc/masterha_default.cnf)", NULL, &opt.global_conf},
    {"connection", 0, BT_OPT_STRING, "NAME", "of the target's relay logs", NULL, &opt.connection},
    {0},
};

/* ------------------------------------------------------------------ the target */

/* The replica that a diff log is meant for. */
struct target {
    struct bt_arena arena; /* of the configuration */
    struct bt_config config;
    struct bt_live *live;
    struct bt_server_logs logs;
    struct bt_had had;
};

static void target_done(struct target *t)
{
    bt_had_done(&t->had);
    bt_server_logs_close(&t->logs);
    bt_live_close(t->live);
    bt_arena_done(&t->arena);
}

static int target_open(struct target *t, struct bt_err *err)
{
    const struct bt_survey *survey = &t->logs.survey;
    size_t index;

    if (opt.conf) {
        if (bt_cluster_open(opt.conf, opt.global_conf, opt.connection, &t->arena, &t->config,
                            &t->live, err) != 0 ||
            bt_config_find(&t->config, opt.target, &index, err) != 0)
            return -1;
        bt_server_logs_take(&t->live->servers[index], &t->logs);
    } else if (bt_server_logs_open(opt.target, opt.connection, &t->logs, err) != 0) {
        return -1;
    }
    if (!t->logs.relay)
        return bt_fail(err, BT_ERR_REALITY, "there are no relay logs of %s", t->logs.dir);
    if (bt_server_logs_survey(&t->logs, t->logs.relay, true, err) != 0)
        return -1;
    if (!survey->has_gtid)
        return 0;
    return bt_had_copy(&t->had, survey->flavor == BT_FLAVOR_MARIADB ? &survey->gtid : NULL,
                       survey->flavor == BT_FLAVOR_MYSQL ? &survey->gtid_set : NULL, err);
}

/* Where an item of a manifest begins; file "" = not known. */
static struct bt_coordinate place_of(const struct bt_manifest *m, const struct bt_manifest_item *i)
{
    struct bt_coordinate place = {.pos = i->pos};

    if (i->file < m->file_count)
        snprintf(place.file, sizeof(place.file), "%s", m->files[i->file]);
    return place;
}

/* Nothing in it that the target has, and nothing missing between the two. */
static int fits(const struct target *t, const struct bt_manifest *m, struct bt_err *err)
{
    const struct bt_survey *survey = &t->logs.survey;
    struct bt_coordinate place;
    char gtid[BT_GTID_TEXT_SIZE];
    bool by_gtid = t->had.known, follows;

    for (size_t i = 0; i < m->count; i++) {
        const struct bt_manifest_item *item = &m->items[i];
        bool has_gtid = by_gtid && item->gtid.kind != BT_GTID_NONE;

        place = place_of(m, item);
        if (has_gtid ? bt_had_has(&t->had, &item->gtid)
                     : place.file[0] && survey->received.file[0] &&
                           bt_coordinate_compare(&place, &survey->received) < 0)
            return bt_fail(err, BT_ERR_CONFLICT, "%s has transaction %s already", t->logs.dir,
                           bt_gtid_text(&item->gtid, gtid));
    }
    if (m->count == 0)
        return 0;
    place = place_of(m, &m->items[0]);
    follows = by_gtid && bt_had_is_next(&t->had, &m->items[0].gtid);
    if (!follows && place.file[0] && survey->received.file[0])
        follows = bt_coordinate_compare(&place, &survey->position) <= 0 &&
                  bt_coordinate_compare(&place, &survey->received) >= 0;
    if (!follows)
        return bt_fail(err, BT_ERR_CONFLICT,
                       "it begins with %s at %s:%" PRIu64
                       ", which is not known to follow on what %s has received (%s:%" PRIu64 ")",
                       bt_gtid_text(&m->items[0].gtid, gtid), place.file, place.pos, t->logs.dir,
                       survey->received.file, survey->received.pos);
    return 0;
}

static int verify(const char *path, const struct target *target,
                  struct bt_diff_log_report *ret, struct bt_err *err)
{
    bt_auto_source struct bt_source *source = NULL;
    bt_auto_manifest struct bt_manifest manifest;

    bt_manifest_init(&manifest);
    if (bt_diff_log_open(path, &source, err) != 0 ||
        (!opt.no_manifest && bt_manifest_read(path, &manifest, err) != 0))
        return -1;
    if (bt_diff_log_verify(source, opt.no_manifest ? NULL : &manifest, ret, err) != 0)
        return -1;
    return target ? fits(target, &manifest, err) : 0;
}

static void write_text(const char *path, const struct bt_diff_log_report *r, struct bt_buf *out)
{
    char size[BT_SIZE_TEXT_SIZE];

    bt_buf_addf(out, "%s: good: %" PRIu64 " transactions, %" PRIu64 " events, %s\n", path,
                r->transactions, r->events, bt_size_text(r->bytes, size));
}

static void write_json(const char *path, const struct bt_diff_log_report *r,
                       const struct bt_err *fault, struct bt_json *j)
{
    char first[BT_GTID_TEXT_SIZE], last[BT_GTID_TEXT_SIZE];

    bt_json_object(j);
    bt_json_key_str(j, "path", path);
    bt_json_key_bool(j, "good", fault == NULL);
    bt_json_key_str(j, "error", fault ? fault->text : NULL);
    if (!fault) {
        bt_json_key_u64(j, "transactions", r->transactions);
        bt_json_key_u64(j, "events", r->events);
        bt_json_key_u64(j, "bytes", r->bytes);
        bt_json_key_str(j, "first",
                        r->first.kind == BT_GTID_NONE ? NULL : bt_gtid_text(&r->first, first));
        bt_json_key_str(j, "last",
                        r->last.kind == BT_GTID_NONE ? NULL : bt_gtid_text(&r->last, last));
        bt_json_key_str(j, "xxh3", r->xxh3);
    }
    bt_json_end(j);
}

static int run(int argc, char **argv, struct bt_err *err)
{
    BT_AUTO(target_done)
    struct target target = {0};
    struct bt_err worst = {0};
    struct bt_json json;
    struct bt_out out;

    if (argc == 0)
        return bt_fail(err, BT_ERR_USAGE, "verify needs at least one diff log");
    if (opt.target && opt.no_manifest)
        return bt_fail(err, BT_ERR_USAGE, "--target needs the manifest");
    if (opt.conf && !opt.target)
        return bt_fail(err, BT_ERR_USAGE, "--conf says where the --target is, which is not given");
    bt_arena_init(&target.arena, BT_CONFIG_ARENA_MAX);
    if (opt.target && target_open(&target, err) != 0)
        return -1;
    bt_out_init(&out, STDOUT_FILENO);
    bt_json_init(&json, &out.buf);
    if (opt.json) {
        bt_json_object(&json);
        bt_json_key(&json, "files");
        bt_json_array(&json);
    }
    for (int i = 0; i < argc; i++) {
        struct bt_diff_log_report report = {0};
        struct bt_err fault = {0};
        bool good = verify(argv[i], opt.target ? &target : NULL, &report, &fault) == 0;

        if (!good && worst.kind == BT_ERR_NONE)
            worst = fault;
        if (opt.json)
            write_json(argv[i], &report, good ? NULL : &fault, &json);
        else if (good)
            write_text(argv[i], &report, &out.buf);
        else
            bt_error("%s: %s", argv[i], fault.text);
    }
    if (opt.json) {
        bt_json_end(&json);
        bt_json_end(&json);
        bt_buf_add_byte(&out.buf, '\n');
    }
    if (bt_out_finish(&out, err) != 0)
        return -1;
    return worst.kind == BT_ERR_NONE ? 0 : bt_err_exit_code(worst.kind);
}

const struct bt_command bt_cmd_verify = {
    .name = "verify",
    .group = "Logs",
    .summary = "check a diff log against its manifest",
    .usage = "[OPTIONS] FILE...",
    .about =
        "Reads each diff log whole: framing, positions and CRC of every event, no transaction\n"
        "without an end, none twice, and, against FILE.json, the GTID, size and content of\n"
        "each one and the digest of all.\n"
        "\n"
        "With --target also: nothing in it that the replica has, and no gap between what it\n"
        "has received and the first transaction; of a directory, or with --conf of a running\n"
        "server.\n",
    .examples = "  $ baton verify r2.binlog\n"
                "  $ baton verify --conf /etc/app1.cnf --target db3 db3.binlog\n",
    .opts = opts,
    .run = run,
};
