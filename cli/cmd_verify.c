/* SPDX-License-Identifier: Apache-2.0 */
/* `baton verify`: whether a diff log is whole and what its manifest says. */
#include <inttypes.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/number.h"
#include "cli/command.h"
#include "cli/output.h"
#include "diff/diff_log.h"

static struct {
    bool json, no_manifest;
} opt;

static const struct bt_opt opts[] = {
    {"json", 0, BT_OPT_FLAG, NULL, "write one JSON document", NULL, &opt.json},
    {"no-manifest", 0, BT_OPT_FLAG, NULL, "check the log against itself only", NULL,
     &opt.no_manifest},
    {0},
};

static int verify(const char *path, struct bt_diff_log_report *ret, struct bt_err *err)
{
    bt_auto_source struct bt_source *source = NULL;
    bt_auto_manifest struct bt_manifest manifest;

    bt_manifest_init(&manifest);
    if (!opt.no_manifest && bt_manifest_read(path, &manifest, err) != 0)
        return -1;
    if (bt_diff_log_open(path, &source, err) != 0)
        return -1;
    return bt_diff_log_verify(source, opt.no_manifest ? NULL : &manifest, ret, err);
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
    struct bt_err worst = {0};
    struct bt_json json;
    struct bt_out out;

    if (argc == 0)
        return bt_fail(err, BT_ERR_USAGE, "verify needs at least one diff log");
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
        bool good = verify(argv[i], &report, &fault) == 0;

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
    .group = "Logs, offline",
    .summary = "check a diff log against its manifest",
    .usage = "[OPTIONS] FILE...",
    .about = "Reads each diff log whole: framing, positions and CRC of every event, no transaction "
             "without\n"
             "an end, none twice, and, against FILE.json, the GTID, size and content of each one "
             "and the\n"
             "digest of all.\n",
    .examples = "  $ baton verify r2.binlog\n",
    .opts = opts,
    .run = run,
};
