/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_inspect.c - `baton inspect`: what stands in binary and relay logs, without a server. */
#include <fcntl.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/inspect_modes.h"
#include "cli/inspect_count.h"
#include "cli/inspect_origin.h"
#include "cli/inspect_summary.h"

enum { EXIT_DAMAGED = 5, TOP_DEFAULT = 10 };

static const char *const orders[] = {"bytes", "rows", "duration", NULL};

static struct {
    bool json, events, transactions, rows, histogram, verify, show_secrets;
    const char *from, *to, *key_file, *key_passphrase, *keyring, *html;
    uint64_t top, threads;
    int top_by;
    struct bt_inspect in;
    struct bt_origin_args origin;
} opt = {.verify = true, .top = TOP_DEFAULT, .threads = 1};

static const struct bt_opt opts[] = {
    {"json", 'j', BT_OPT_FLAG, NULL,
     "write JSON: one document, or JSON Lines with --events, --transactions, --rows", NULL,
     &opt.json},
    {"events", 'e', BT_OPT_FLAG, NULL, "list every event", NULL, &opt.events},
    {"transactions", 't', BT_OPT_FLAG, NULL, "list every transaction", NULL, &opt.transactions},
    {"rows", 'r', BT_OPT_FLAG, NULL, "list every row change with its values", NULL, &opt.rows},
    {"schema", 0, BT_OPT_STRING, "FILE",
     "column names and types from `mariadb-dump --no-data`, or JSON", NULL, &opt.in.schema},
    {"histogram", 0, BT_OPT_FLAG, NULL, "draw the write load over time", NULL, &opt.histogram},
    {"html", 0, BT_OPT_STRING, "FILE", "write one page about the logs to FILE", NULL, &opt.html},
    {"from", 0, BT_OPT_STRING, "PLACE",
     "begin there: an offset, LOG:OFFSET, a GTID or a time in UTC (inclusive)", NULL, &opt.from},
    {"to", 0, BT_OPT_STRING, "PLACE", "end there: as --from; exclusive, but for a GTID", NULL,
     &opt.to},
    {"db", 0, BT_OPT_LIST, "DB",
     "only rows and statements of this database (may be given again)", NULL,
     &opt.in.scan.filter.databases},
    {"table", 0, BT_OPT_LIST, "TABLE",
     "only rows of this table, TABLE or DB.TABLE (may be given again)", NULL,
     &opt.in.scan.filter.tables},
    {"gtid", 0, BT_OPT_LIST, "GTID", "only this transaction (may be given again)", NULL,
     &opt.in.scan.filter.gtids},
    {"server-id", 0, BT_OPT_LIST, "N", "only what this server wrote (may be given again)", NULL,
     &opt.in.scan.filter.server_ids},
    {"min-bytes", 0, BT_OPT_SIZE, "SIZE", "only transactions of at least this size", NULL,
     &opt.in.scan.filter.min_bytes},
    {"top", 'n', BT_OPT_UINT, "N", "list the N largest transactions in the summary (10)", NULL,
     &opt.top},
    {"top-by", 0, BT_OPT_CHOICE, "WHAT", "what makes a transaction large: bytes, rows or duration",
     orders, &opt.top_by},
    {"key-file", 0, BT_OPT_STRING, "FILE",
     "open encrypted logs of MariaDB with this key file of file_key_management", NULL,
     &opt.key_file},
    {"key-passphrase", 0, BT_OPT_STRING, "FILE",
     "the file with the passphrase of an encrypted key file", NULL, &opt.key_passphrase},
    {"keyring", 0, BT_OPT_STRING, "FILE",
     "open encrypted logs of MySQL with this keyring (plugin or component)", NULL, &opt.keyring},
    {"threads", 0, BT_OPT_UINT, "N", "count with N threads (summary only; 1)", NULL, &opt.threads},
    {"verify", 0, BT_OPT_FLAG, NULL, "check every checksum (default; --no-verify to skip)", NULL,
     &opt.verify},
    {"show-secrets", 0, BT_OPT_FLAG, NULL, "do not hide passwords in statement texts", NULL,
     &opt.show_secrets},
    BT_CONNECT_OPTS(opt.origin.server),
    {"follow", 'f', BT_OPT_FLAG, NULL, "with a server: wait for more until ^C", NULL,
     &opt.origin.follow},
    {"after", 0, BT_OPT_STRING, "GTIDS",
     "with a server: leave out what this GTID state (MariaDB) or set (MySQL) covers", NULL,
     &opt.origin.after},
    {"dump-server-id", 0, BT_OPT_UINT, "N",
     "with --follow: the server id we give; no replica may have it (random, from 2147483648 up)",
     NULL, &opt.origin.dump_server_id},
    {"schema-from-server", 0, BT_OPT_FLAG, NULL,
     "the logs are files here; the server only tells names and types of columns", NULL,
     &opt.origin.schema_only},
    {"conf", 'c', BT_OPT_STRING, "FILE", "with --node: the cluster's configuration", NULL,
     &opt.origin.conf},
    {"global-conf", 0, BT_OPT_STRING, "FILE",
     "defaults of all clusters (/etc/masterha_default.cnf)", NULL, &opt.origin.global_conf},
    {"node", 0, BT_OPT_STRING, "HOST", "read the logs on this host of the configuration", NULL,
     &opt.origin.node},
    {"relay-logs", 0, BT_OPT_FLAG, NULL, "with --node: its relay logs, not its binary logs", NULL,
     &opt.origin.relay_logs},
    {0},
};

void bt_inspect_note_end(struct bt_inspect *in, const char *path, const struct bt_end *end)
{
    if (end->kind != BT_END_TORN && end->kind != BT_END_CORRUPT)
        return;
    in->damaged = true;
    bt_warning("%s:%llu: %s: %s", path, (unsigned long long)end->offset,
               bt_end_kind_name(end->kind), end->reason);
}

void bt_inspect_settle(struct bt_inspect *in, const struct bt_transaction *t)
{
    if (t->bytes < in->scan.filter.min_bytes)
        in->out.buf.len = in->held_from;
    in->held_from = in->out.buf.len;
}

int bt_inspect_line(struct bt_inspect *in, const struct bt_scan_event *se, struct bt_err *err)
{
    if (se->transaction && se->transaction->bytes < in->scan.filter.min_bytes)
        return 0;
    if (bt_out_line(&in->out, err) != 0)
        return -1;
    in->held_from = in->out.buf.len;
    return 0;
}

/* ----------------------------------------------------------------- summary */

static int write_page(struct bt_summary *s, const char *path, struct bt_err *err)
{
    bt_auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    struct bt_out out;

    if (fd < 0)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    bt_out_init(&out, fd);
    if (bt_summary_print_html(s, &out, err) != 0) {
        bt_buf_done(&out.buf);
        return -1;
    }
    return bt_out_finish(&out, err);
}

static int run_summary(struct bt_inspect *in, const char *const *paths, size_t count,
                       struct bt_err *err)
{
    struct bt_summary summary;
    int result = bt_summary_init(&summary, opt.top, (enum bt_summary_order)opt.top_by, err);

    if (result == 0)
        result = bt_inspect_count(in, paths, count, (unsigned)opt.threads, &summary, err);
    if (result == 0 && opt.html)
        result = write_page(&summary, opt.html, err);
    else if (result == 0)
        result = opt.histogram ? bt_summary_print_histogram(&summary, &in->out, err)
                 : in->json    ? bt_summary_print_json(&summary, &in->out, err)
                               : bt_summary_print_text(&summary, &in->out, err);
    bt_summary_done(&summary);
    return result;
}

/* ----------------------------------------------------------------- command */

static struct bt_progress progress;

/* Lines that go to the same terminal leave no room for a bar. */
static void begin_progress(struct bt_inspect *in, const char *const *paths, size_t count,
                           uint64_t bytes)
{
    bool lists = opt.events || opt.transactions || opt.rows;

    if (!isatty(STDERR_FILENO) || opt.origin.follow || (lists && in->out.is_terminal))
        return;
    bt_progress_begin(&progress, in->scan.feed ? bytes : bt_scan_bytes(paths, count));
    in->scan.progress = &progress;
}

static int run_mode(struct bt_inspect *in, const char *const *paths, size_t count,
                    struct bt_err *err)
{
    return opt.events         ? bt_inspect_events(in, paths, count, err)
           : opt.transactions ? bt_inspect_transactions(in, paths, count, err)
           : opt.rows         ? bt_inspect_rows(in, paths, count, err)
                              : run_summary(in, paths, count, err);
}

/* Logs that are no arguments. */
static bool has_origin(void)
{
    return opt.origin.node ||
           (bt_connect_is_given(&opt.origin.server) && !opt.origin.schema_only);
}

static int run(int argc, char **argv, struct bt_err *err)
{
    struct bt_inspect *in = &opt.in;
    const char *const *paths = (const char *const *)argv;
    size_t count = (size_t)argc;
    struct bt_origin *origin;
    uint64_t bytes;
    int result;

    if (argc == 0 && !has_origin())
        return bt_fail(err, BT_ERR_USAGE, "name a log, a folder of logs, or - for standard input");
    if (opt.events + opt.transactions + opt.rows > 1)
        return bt_fail(err, BT_ERR_USAGE, "--events, --transactions and --rows exclude each other");
    if (bt_filter_prepare(&in->scan.filter, opt.from, opt.to, err) != 0)
        return -1;
    in->json = opt.json;
    in->show_secrets = opt.show_secrets;
    in->scan.skip_crc = !opt.verify;
    in->scan.key_file = opt.key_file;
    in->scan.key_passphrase = opt.key_passphrase;
    in->scan.keyring = opt.keyring;
    bt_out_init(&in->out, STDOUT_FILENO);
    result = bt_origin_open(&opt.origin, paths, count, in, &origin, &bytes, err);
    if (result == 0) {
        begin_progress(in, paths, count, bytes);
        result = run_mode(in, paths, count, err);
        bt_progress_end(&progress);
    }
    bt_origin_close(origin);
    if (bt_out_finish(&in->out, result == 0 ? err : &(struct bt_err){0}) != 0 || result != 0)
        return -1;
    return in->damaged ? EXIT_DAMAGED : 0;
}

const struct bt_command bt_cmd_inspect = {
    .name = "inspect",
    .group = "Logs",
    .summary = "what stands in binary and relay logs",
    .usage = "[OPTIONS] FILE|DIR... | [OPTIONS] --host=H|--socket=S|--defaults-file=F [LOG...]\n"
             "       baton inspect [OPTIONS] --conf=FILE --node=HOST [LOG...]",
    .about =
        "Reads binary and relay logs of MySQL 5.0 to 9.x and MariaDB 5.3 to 12.x from files,\n"
        "a server or another host, checks every checksum, and counts. A folder is read as the\n"
        "logs of one server, in order.  With a server named, it sends its binary logs (all,\n"
        "or the LOGs given), and the same is shown as of its files; --follow waits for more.\n"
        "With --node, baton-node reads them on that host.\n"
        "\n"
        "Exit code 5: a log is torn or corrupt; what could be read is shown all the same.\n",
    .examples = "  $ baton inspect /var/lib/mysql/bin.000042\n"
                "  $ baton inspect --transactions --json --min-bytes=1M /var/lib/mysql\n"
                "  $ baton inspect --events --from=0-1-77 bin.000042\n"
                "  $ baton inspect --defaults-file=my.cnf --rows --follow\n",
    .opts = opts,
    .run = run,
};
