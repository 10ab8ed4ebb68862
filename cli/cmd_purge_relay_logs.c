/* SPDX-License-Identifier: Apache-2.0 */
/* baton purge-relay-logs - a replica that keeps its relay logs deletes those it has applied. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/number.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/purge_relay_logs.h"

enum { CONNECT_MS = 5000 };

static struct {
    const char *defaults_file, *host, *socket, *user;
    uint64_t port, wait_ms, lock_ms;
    bool disable;
} opt;

static const struct bt_opt opts[] = {
    {"defaults-file", 0, BT_OPT_STRING, "FILE", "option file with user, password, ... ([client])",
     NULL, &opt.defaults_file},
    {"host", 'H', BT_OPT_STRING, "HOST", "server to connect to over TCP (127.0.0.1)", NULL,
     &opt.host},
    {"port", 'P', BT_OPT_UINT, "N", "its port (3306)", NULL, &opt.port},
    {"socket", 'S', BT_OPT_STRING, "PATH", "unix socket of the server, wins over --host", NULL,
     &opt.socket},
    {"user", 'u', BT_OPT_STRING, "NAME", "account; its password comes from the option file", NULL,
     &opt.user},
    {"disable-relay-log-purge", 0, BT_OPT_FLAG, NULL,
     "where the server purges by itself, switch that off", NULL, &opt.disable},
    {"lock-wait", 0, BT_OPT_SECONDS, "SECONDS", "how long to wait for a failover's lock (200)",
     NULL, &opt.lock_ms},
    {"wait", 0, BT_OPT_SECONDS, "SECONDS", "how long the applier gets to move on (3)", NULL,
     &opt.wait_ms},
    {0},
};

static const char *now(char out[static 32])
{
    time_t seconds = time(NULL);
    struct tm local;

    localtime_r(&seconds, &local);
    strftime(out, 32, "%Y-%m-%d %H:%M:%S", &local);
    return out;
}

/* MHA's lines; what was gained stands between them. */
static void say(const struct bt_relay_purge_opts *purge, const struct bt_relay_purge_result *r,
                struct bt_buf *out)
{
    char before[BT_SIZE_TEXT_SIZE], after[BT_SIZE_TEXT_SIZE];

    if (r->was_on) {
        bt_buf_addf(out, " relay_log_purge is enabled on this server.%s\n",
                    purge->switch_off ? " Disabling it.." : " Nothing to do.");
        if (!purge->switch_off)
            return;
    }
    bt_buf_addf(out,
                " Executing SET GLOBAL relay_log_purge=1; FLUSH LOGS; sleeping a few seconds so "
                "that SQL thread can delete older relay log files (if it keeps up); SET GLOBAL "
                "relay_log_purge=0; .. ok.\n Relay logs: %s before, %s now%s.\n",
                bt_size_text(r->before, before), bt_size_text(r->after, after),
                r->moved_on ? "" : "; the applier is behind or stopped, and keeps what it needs");
}

int bt_purge_relay_logs(const struct bt_connection_opts *login,
                        const struct bt_relay_purge_opts *purge, struct bt_err *err)
{
    bt_auto_connection struct bt_connection *sql = NULL;
    struct bt_relay_purge_result result;
    struct bt_out out;
    char time_text[32];
    int rc;

    bt_out_init(&out, STDOUT_FILENO);
    bt_buf_addf(&out.buf, "%s: purge_relay_logs script started.\n", now(time_text));
    rc = bt_connection_open(login, bt_deadline_in(CONNECT_MS), &sql, err);
    if (rc == 0)
        rc = bt_relay_purge(sql, purge, &result, err);
    if (rc == 0) {
        say(purge, &result, &out.buf);
        bt_buf_addf(&out.buf, "%s: All relay log purging operations succeeded.\n", now(time_text));
    }
    if (rc != 0) {
        struct bt_err ignored = {0};

        (void)!bt_out_finish(&out, &ignored);
        return -1;
    }
    return bt_out_finish(&out, err);
}

static int run(int argc, char **argv, struct bt_err *err)
{
    struct bt_connection_opts login = {
        .host = opt.socket || opt.host || opt.defaults_file ? opt.host : "127.0.0.1",
        .port = (unsigned)opt.port,
        .socket = opt.socket,
        .user = opt.user,
        .defaults_file = opt.defaults_file};
    struct bt_relay_purge_opts purge = {.switch_off = opt.disable,
                                        .lock_ms = (int64_t)opt.lock_ms,
                                        .wait_ms = (int64_t)opt.wait_ms};

    if (argc > 0)
        return bt_fail(err, BT_ERR_USAGE, "purge-relay-logs takes no argument, but there is \"%s\"",
                       argv[0]);
    if (opt.port > UINT16_MAX)
        return bt_fail(err, BT_ERR_USAGE, "--port is %llu, allowed are 1 to 65535",
                       (unsigned long long)opt.port);
    return bt_purge_relay_logs(&login, &purge, err);
}

const struct bt_command bt_cmd_purge_relay_logs = {
    .name = "purge-relay-logs",
    .group = "Cluster",
    .summary = "delete the applied relay logs of a replica that keeps them",
    .usage = "[--defaults-file=FILE] [--host=HOST|--socket=PATH] [OPTIONS]",
    .about =
        "For cron, at another time on each replica, where relay_log_purge=0 keeps applied\n"
        "relay logs so that they can complete a slower replica.  Under the lock that a\n"
        "failover takes too, the server itself deletes what its applier has left behind;\n"
        "nothing is done to files from here, so it need not run on that host.\n"
        "\n"
        "Exit code: 0 done, or nothing to do; 3 the server is no replica; 7 a failover is\n"
        "running.\n",
    .examples = "  $ baton purge-relay-logs --defaults-file=/etc/mha/purge.cnf --host=db2\n",
    .opts = opts,
    .run = run,
};
