/* SPDX-License-Identifier: Apache-2.0 */
/* The program: options, and what writing and verifying have in common. */
#include "tests/lib/ledger.h"

#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

static const char usage[] =
    "Usage: ledger write --host H --defaults-file F --out LEDGER [--port P] [--threads N]\n"
    "                    [--mode insert|mixed] [--size BYTES] [--pace N]\n"
    "                    [--seconds S | --until-signal]\n"
    "                    [--connect-timeout MS] [--answer-timeout MS]\n"
    "       ledger verify --host H[,H...] --defaults-file F --ledger LEDGER [--port P] [--json]\n";

/* SplitMix64: any two ids have unlike payloads. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void ledger_payload(uint64_t id, char *out, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t bits = id;

    for (size_t i = 0; i < size; i++) {
        if (i % 16 == 0)
            bits = mix(id + i);
        out[i] = digits[bits & 15];
        bits >>= 4;
    }
}

bool ledger_deletes(uint64_t id)
{
    return (id % LEDGER_WRITER_STEP) / LEDGER_SLOTS % 3 == 2;
}

uint64_t ledger_slot(uint64_t id)
{
    return id / LEDGER_WRITER_STEP * LEDGER_SLOTS + id % LEDGER_WRITER_STEP % LEDGER_SLOTS;
}

/* Waits for what the connection asked for; tells it when the time is up. */
static int wait_for(MYSQL *mysql, int asked, struct bt_deadline deadline)
{
    struct pollfd fd = {.fd = mysql_get_socket(mysql)};
    int happened = 0;

    if (asked & MYSQL_WAIT_READ)
        fd.events |= POLLIN;
    if (asked & MYSQL_WAIT_WRITE)
        fd.events |= POLLOUT;
    if (asked & MYSQL_WAIT_EXCEPT)
        fd.events |= POLLPRI;
    if (poll(&fd, 1, bt_deadline_left(deadline)) <= 0)
        return MYSQL_WAIT_TIMEOUT;
    if (fd.revents & (POLLIN | POLLHUP | POLLERR))
        happened |= asked & MYSQL_WAIT_READ;
    if (fd.revents & (POLLOUT | POLLHUP | POLLERR))
        happened |= asked & MYSQL_WAIT_WRITE;
    if (fd.revents & POLLPRI)
        happened |= asked & MYSQL_WAIT_EXCEPT;
    return happened;
}

static int fail_server(MYSQL *mysql, struct bt_err *err)
{
    unsigned number = mysql_errno(mysql);

    bt_fail(err, BT_ERR_REMOTE, "%s", mysql_error(mysql));
    err->server_errno = number;
    return -1;
}

MYSQL *ledger_connect(const struct ledger_server *server, struct bt_err *err)
{
    MYSQL *mysql = mysql_init(NULL);
    MYSQL *connected = NULL;
    struct bt_deadline deadline = bt_deadline_in(server->connect_ms);
    int asked;

    if (!mysql) {
        bt_fail(err, BT_ERR_SYSTEM, "could not allocate a connection");
        return NULL;
    }
    mysql_options(mysql, MYSQL_OPT_NONBLOCK, 0);
    mysql_options(mysql, MYSQL_READ_DEFAULT_FILE, server->defaults_file);
    asked = mysql_real_connect_start(&connected, mysql, server->host, NULL, NULL, NULL,
                                     server->port, NULL, 0);
    while (asked)
        asked = mysql_real_connect_cont(&connected, mysql, wait_for(mysql, asked, deadline));
    if (!connected) {
        fail_server(mysql, err);
        bt_err_wrap(err, "could not connect to %s:%u", server->host, server->port);
        mysql_close(mysql);
        return NULL;
    }
    return mysql;
}

int ledger_query(MYSQL *mysql, struct bt_slice sql, int timeout_ms, struct bt_err *err)
{
    struct bt_deadline deadline = bt_deadline_in(timeout_ms);
    int failed = 0;
    int asked = mysql_real_query_start(&failed, mysql, (const char *)sql.ptr, sql.len);

    while (asked)
        asked = mysql_real_query_cont(&failed, mysql, wait_for(mysql, asked, deadline));
    return failed ? fail_server(mysql, err) : 0;
}

/* Both commands' options; 0 for what an option of the other command set. */
struct arguments {
    struct ledger_write_opts write;
    const char *ledger;
    bool json;
};

static int parse_number(const char *name, const char *text, uint64_t min, uint64_t max,
                        uint64_t *ret, struct bt_err *err)
{
    uint64_t value;

    if (!bt_number_u64(bt_slice_str(text), max, &value) || value < min)
        return bt_fail(err, BT_ERR_USAGE, "--%s is \"%s\", allowed are %llu to %llu", name, text,
                       (unsigned long long)min, (unsigned long long)max);
    *ret = value;
    return 0;
}

static int set_option(struct arguments *a, const char *name, const char *value, struct bt_err *err)
{
    uint64_t number = 0;
    int ret = 0;

    if (strcmp(name, "host") == 0) {
        a->write.server.host = value;
    } else if (strcmp(name, "defaults-file") == 0) {
        a->write.server.defaults_file = value;
    } else if (strcmp(name, "out") == 0) {
        a->write.path = value;
    } else if (strcmp(name, "ledger") == 0) {
        a->ledger = value;
    } else if (strcmp(name, "json") == 0) {
        a->json = true;
    } else if (strcmp(name, "until-signal") == 0) {
        a->write.run_ms = 0;
    } else if (strcmp(name, "mode") == 0) {
        if (strcmp(value, "insert") != 0 && strcmp(value, "mixed") != 0)
            return bt_fail(err, BT_ERR_USAGE, "--mode is \"%s\", allowed are insert and mixed",
                           value);
        a->write.mode = strcmp(value, "mixed") == 0 ? LEDGER_MIXED : LEDGER_INSERT;
    } else if (strcmp(name, "port") == 0) {
        ret = parse_number(name, value, 1, 65535, &number, err);
        a->write.server.port = (unsigned)number;
    } else if (strcmp(name, "threads") == 0) {
        ret = parse_number(name, value, 1, LEDGER_WRITERS_MAX, &number, err);
        a->write.writers = (unsigned)number;
    } else if (strcmp(name, "size") == 0) {
        ret = parse_number(name, value, 0, LEDGER_PAYLOAD_MAX, &a->write.payload_size, err);
    } else if (strcmp(name, "pace") == 0) {
        ret = parse_number(name, value, 0, 1000000, &a->write.pace, err);
    } else if (strcmp(name, "seconds") == 0) {
        ret = parse_number(name, value, 1, 86400, &number, err);
        a->write.run_ms = (int64_t)number * 1000;
    } else if (strcmp(name, "connect-timeout") == 0) {
        ret = parse_number(name, value, 1, 600000, &number, err);
        a->write.server.connect_ms = (int)number;
    } else {
        ret = parse_number(name, value, 1, 600000, &number, err);
        a->write.server.answer_ms = (int)number;
    }
    return ret;
}

static int parse(int argc, char **argv, struct arguments *a, struct bt_err *err)
{
    static const struct option options[] = {
        {"host", required_argument, NULL, 1},
        {"port", required_argument, NULL, 1},
        {"defaults-file", required_argument, NULL, 1},
        {"out", required_argument, NULL, 1},
        {"ledger", required_argument, NULL, 1},
        {"mode", required_argument, NULL, 1},
        {"threads", required_argument, NULL, 1},
        {"size", required_argument, NULL, 1},
        {"pace", required_argument, NULL, 1},
        {"seconds", required_argument, NULL, 1},
        {"until-signal", no_argument, NULL, 1},
        {"connect-timeout", required_argument, NULL, 1},
        {"answer-timeout", required_argument, NULL, 1},
        {"json", no_argument, NULL, 1},
        {0},
    };
    int which;

    for (int got; (got = getopt_long(argc, argv, "", options, &which)) != -1;) {
        if (got != 1)
            return bt_fail(err, BT_ERR_USAGE, "see the usage");
        if (set_option(a, options[which].name, optarg, err) < 0)
            return -1;
    }
    if (optind != argc)
        return bt_fail(err, BT_ERR_USAGE, "\"%s\" is too much", argv[optind]);
    if (!a->write.server.host || !a->write.server.defaults_file)
        return bt_fail(err, BT_ERR_USAGE, "--host and --defaults-file are needed");
    return 0;
}

int main(int argc, char **argv)
{
    struct arguments a = {.write = {.server = {.port = 3306, .connect_ms = 200, .answer_ms = 1000},
                                    .mode = LEDGER_INSERT,
                                    .writers = 1,
                                    .payload_size = 100}};
    struct bt_err err = {0};
    const char *command = argc > 1 ? argv[1] : "";
    int status = -1;

    if (mysql_library_init(0, NULL, NULL) != 0)
        return 3;
    if (parse(argc - 1, argv + 1, &a, &err) == 0) {
        if (strcmp(command, "write") == 0 && a.write.path)
            status = ledger_write(&a.write, &err);
        else if (strcmp(command, "verify") == 0 && a.ledger)
            status = ledger_verify(a.ledger, &a.write.server, a.write.server.host, a.json, &err);
        else
            bt_fail(&err, BT_ERR_USAGE, "write with --out, or verify with --ledger");
    }
    mysql_library_end();
    if (status >= 0)
        return status;
    fprintf(stderr, "ledger: %s\n%s", err.text, err.kind == BT_ERR_USAGE ? usage : "");
    return err.kind == BT_ERR_USAGE ? 2 : 3;
}
