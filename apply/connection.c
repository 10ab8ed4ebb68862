/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/connection.h"

#include <mysql.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>

#include "apply/connection_priv.h"

#include <ma_pvio.h> /* needs mysql.h before it */
#include "apply/packet.h"

enum {
    /* libmariadb runs a suspended call on a stack of its own; name look-up, TLS run there too. */
    CALL_STACK_SIZE = 256 * 1024,
    STATEMENT_MAX = 1 << 24, /* of a formatted statement */
};

/* ------------------------------------------------------------------ waiting */

/* Waits for what a suspended libmariadb call wants.  After the deadline the socket is shut and any
 * further wait answers "timed out" at once, so that the call unwinds and frees what it holds. */
int bt_connection_wait(struct bt_connection *c, int want, struct bt_deadline deadline)
{
    struct pollfd p = {.fd = mysql_get_socket(&c->mysql)};
    int got;

    if (want & MYSQL_WAIT_READ)
        p.events |= POLLIN;
    if (want & MYSQL_WAIT_WRITE)
        p.events |= POLLOUT;
    if (want & MYSQL_WAIT_EXCEPT)
        p.events |= POLLPRI;
    while (!c->timed_out) {
        got = poll(&p, 1, bt_deadline_left(deadline));
        if (got > 0)
            break;
        if (got == 0 && bt_deadline_passed(deadline)) {
            c->timed_out = true;
            c->lost = true;
            if (p.fd >= 0)
                shutdown(p.fd, SHUT_RDWR);
        } else if (got < 0 && errno != EINTR) {
            return MYSQL_WAIT_TIMEOUT;
        }
    }
    if (c->timed_out)
        return MYSQL_WAIT_TIMEOUT;
    if (p.revents & (POLLERR | POLLHUP | POLLNVAL))
        return want & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE | MYSQL_WAIT_EXCEPT);
    return ((p.revents & POLLIN) ? MYSQL_WAIT_READ : 0) |
           ((p.revents & POLLOUT) ? MYSQL_WAIT_WRITE : 0) |
           ((p.revents & POLLPRI) ? MYSQL_WAIT_EXCEPT : 0);
}

/* ------------------------------------------------------------------- errors */

static bool holds_secret(struct bt_slice sql)
{
    return memmem(sql.ptr, sql.len, "PASSWORD", 8) || memmem(sql.ptr, sql.len, "IDENTIFIED", 10) ||
           memmem(sql.ptr, sql.len, "password", 8) || memmem(sql.ptr, sql.len, "identified", 10);
}

/* The error that libmariadb holds, as ours.  A syntax error quotes the statement: not where the
 * statement may hold a password. */
int bt_connection_fail(struct bt_connection *c, struct bt_slice sql, struct bt_err *err)
{
    unsigned number = mysql_errno(&c->mysql);
    enum { ER_PARSE = 1064 };

    if (c->timed_out) {
        bt_fail(err, BT_ERR_TIMEOUT, "%s did not answer before the deadline", c->name);
    } else if (bt_server_errno_is_lost(number)) {
        c->lost = true;
        bt_fail(err, BT_ERR_REALITY, "lost the session with %s: %s", c->name,
                mysql_error(&c->mysql));
    } else if (number == ER_PARSE && holds_secret(sql)) {
        bt_fail(err, BT_ERR_REMOTE, "%s: syntax error in a statement with a password (%u)", c->name,
                number);
    } else {
        bt_fail(err, BT_ERR_REMOTE, "%s: %s (%u)", c->name, mysql_error(&c->mysql), number);
    }
    err->server_errno = number;
    return -1;
}

int bt_connection_refuse_lost(const struct bt_connection *c, struct bt_err *err)
{
    bt_fail(err, c->timed_out ? BT_ERR_TIMEOUT : BT_ERR_REALITY, "the session with %s is gone",
            c->name);
    err->server_errno = 2013;
    return -1;
}

/* ------------------------------------------------------------- open and close */

/* LOAD DATA LOCAL: the server names a file, we never open one. */
static int infile_init(void **ret, const char *name, void *ctx)
{
    (void)name;
    *ret = ctx;
    return ((struct bt_connection *)ctx)->infile ? 0 : 1;
}

static int infile_read(void *ctx, char *to, unsigned room)
{
    struct bt_connection *c = ctx;

    return c->infile ? c->infile(c->infile_ctx, (uint8_t *)to, room) : -1;
}

static void infile_end(void *ctx)
{
    (void)ctx;
}

static int infile_error(void *ctx, char *to, unsigned room)
{
    (void)ctx;
    snprintf(to, room, "no data stands ready for this LOAD DATA LOCAL");
    return 2000;
}

static void set_options(struct bt_connection *c, const struct bt_connection_opts *o,
                        struct bt_deadline deadline)
{
    MYSQL *m = &c->mysql;
    unsigned seconds = (unsigned)(bt_deadline_left(deadline) / 1000 + 2);
    unsigned protocol = o->socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    unsigned infile = o->local_infile;
    my_bool yes = 1, no = 0;

    mysql_options(m, MYSQL_OPT_NONBLOCK, &(size_t){CALL_STACK_SIZE});
    mysql_options(m, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_options(m, MYSQL_OPT_RECONNECT, &no);
    mysql_options(m, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(m, MYSQL_OPT_LOCAL_INFILE, &infile);
    mysql_set_local_infile_handler(m, infile_init, infile_read, infile_end, infile_error, c);
    if (o->defaults_file) {
        mysql_options(m, MYSQL_READ_DEFAULT_FILE, o->defaults_file);
        mysql_options(m, MYSQL_READ_DEFAULT_GROUP,
                      o->defaults_group ? o->defaults_group : "client");
    }
    if (o->socket || o->host)
        mysql_options(m, MYSQL_OPT_PROTOCOL, &protocol);
    if (o->tls_ca || o->tls_cert || o->tls_key)
        mysql_ssl_set(m, o->tls_key, o->tls_cert, o->tls_ca, NULL, NULL);
    if (o->tls != BT_TLS_AS_SERVER_LIKES)
        mysql_options(m, MYSQL_OPT_SSL_ENFORCE, &yes);
    if (o->tls == BT_TLS_VERIFIED)
        mysql_options(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
}

static int name_it(struct bt_connection *c, const struct bt_connection_opts *o, struct bt_err *err)
{
    int len;

    if (o->socket)
        len = asprintf(&c->name, "%s", o->socket);
    else if (o->host && strchr(o->host, ':'))
        len = asprintf(&c->name, "[%s]:%u", o->host, o->port ? o->port : 3306);
    else if (o->host)
        len = asprintf(&c->name, "%s:%u", o->host, o->port ? o->port : 3306);
    else
        len = asprintf(&c->name, "the server of \"%s\"", o->defaults_file ? o->defaults_file : "");
    if (len < 0) {
        c->name = NULL;
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    }
    return 0;
}

/* libmariadb puts the errno of a failed connect(2) into its text alone: "... on 'db1' (111)". */
static int errno_in(const char *text)
{
    const char *open = strrchr(text, '(');
    int number;

    return open && sscanf(open, "(%d)", &number) == 1 ? number : 0;
}

static int fail_open(struct bt_connection *c, struct bt_err *err)
{
    unsigned number = mysql_errno(&c->mysql);

    if (c->timed_out)
        bt_fail(err, BT_ERR_TIMEOUT, "could not connect to %s before the deadline", c->name);
    else
        bt_fail(err, BT_ERR_REALITY, "could not connect to %s: %s (%u)", c->name,
                mysql_error(&c->mysql), number);
    if (number == 2002 || number == 2003)
        err->os_errno = errno_in(mysql_error(&c->mysql));
    err->server_errno = number;
    return -1;
}

int bt_connection_open(const struct bt_connection_opts *opts, struct bt_deadline deadline,
                       struct bt_connection **ret, struct bt_err *err)
{
    bt_auto_connection struct bt_connection *c = calloc(1, sizeof(*c));
    MYSQL *got = NULL;
    int status;

    if (!c || !mysql_init(&c->mysql)) {
        free(bt_steal(c));
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    }
    if (name_it(c, opts, err) < 0)
        return -1;
    if (opts->defaults_file && access(opts->defaults_file, R_OK) < 0)
        return bt_fail_sys(err, "could not read option file \"%s\"", opts->defaults_file);
    set_options(c, opts, deadline);
    status = mysql_real_connect_start(&got, &c->mysql, opts->host, opts->user, opts->password, NULL,
                                      opts->port, opts->socket,
                                      opts->multi_statements ? CLIENT_MULTI_STATEMENTS : 0);
    while (status)
        status = mysql_real_connect_cont(&got, &c->mysql, bt_connection_wait(c, status, deadline));
    if (!got || c->timed_out)
        return fail_open(c, err);
    c->connected = true;
    c->server.version = mysql_get_server_info(&c->mysql);
    c->server.version_number = (uint32_t)mysql_get_server_version(&c->mysql);
    c->server.flavor =
        strstr(c->server.version, "MariaDB") ? BT_FLAVOR_MARIADB : BT_FLAVOR_MYSQL;
    c->server.thread_id = mysql_thread_id(&c->mysql);
    *ret = bt_steal(c);
    return 0;
}

void bt_connection_close(struct bt_connection *c)
{
    if (!c)
        return;
    if (c->connected && c->lost)
        shutdown(mysql_get_socket(&c->mysql), SHUT_RDWR);
    bt_packets_free(c);
    mysql_close(&c->mysql);
    free(c->name);
    free(c);
}

const struct bt_server *bt_connection_server(const struct bt_connection *c)
{
    return &c->server;
}

const char *bt_connection_name(const struct bt_connection *c)
{
    return c->name;
}

bool bt_connection_is_lost(const struct bt_connection *c)
{
    return c->lost;
}

int bt_connection_fd(const struct bt_connection *c)
{
    return c->mysql.net.fd;
}

bool bt_connection_is_local(const struct bt_connection *c)
{
    struct sockaddr_storage peer = {0};
    socklen_t size = sizeof(peer);
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&peer;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&peer;
    struct bt_slice host = bt_slice(&v6->sin6_addr, 16);

    /* mysql_get_socket() only reads, but does not say so. */
    if (getpeername(c->mysql.net.fd, (struct sockaddr *)&peer, &size) < 0)
        return false;
    if (peer.ss_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    if (peer.ss_family == AF_INET6)
        return bt_slice_equal(host, bt_slice(&in6addr_loopback, 16));
    return peer.ss_family == AF_UNIX;
}

void bt_connection_set_infile(struct bt_connection *c, bt_infile_read *read, void *ctx)
{
    c->infile = read;
    c->infile_ctx = ctx;
}

/* -------------------------------------------------------------- send and receive */

static int send_one(struct bt_connection *c, struct bt_slice sql, struct bt_deadline deadline,
                    struct bt_err *err)
{
    int failed = 0;
    int status =
        mysql_send_query_start(&failed, &c->mysql, (const char *)sql.ptr, (unsigned long)sql.len);

    while (status)
        status = mysql_send_query_cont(&failed, &c->mysql, bt_connection_wait(c, status, deadline));
    return failed || c->timed_out ? bt_connection_fail(c, sql, err) : 0;
}

/* Reads the first packet of an answer: 0, or -1 with the error.  is_first: of its command. */
static int receive_head(struct bt_connection *c, bool is_first, struct bt_slice sql,
                        struct bt_deadline deadline, struct bt_err *err)
{
    my_bool failed = 0;
    int status;

    /* The answers to a command begin a packet sequence; after several commands were sent ahead only
     * we know that (libmariadb counts from the last command or answer). */
    if (is_first)
        c->mysql.net.pkt_nr = 1;
    status = mysql_read_query_result_start(&failed, &c->mysql);
    while (status)
        status = mysql_read_query_result_cont(&failed, &c->mysql,
                                              bt_connection_wait(c, status, deadline));
    return failed || c->timed_out ? bt_connection_fail(c, sql, err) : 0;
}

int bt_connection_fetch(struct bt_connection *c, MYSQL_RES *result, struct bt_deadline deadline,
                        MYSQL_ROW *ret, struct bt_err *err)
{
    MYSQL_ROW row = NULL;
    int status = mysql_fetch_row_start(&row, result);

    while (status)
        status = mysql_fetch_row_cont(&row, result, bt_connection_wait(c, status, deadline));
    if (c->timed_out || (!row && mysql_errno(&c->mysql)))
        return bt_connection_fail(c, bt_slice_empty(), err);
    *ret = row;
    return 0;
}

/* Takes the result that stands ready: into rows, or nowhere. */
static int take_result(struct bt_connection *c, struct bt_slice sql, struct bt_deadline deadline,
                       struct bt_rows *rows, struct bt_err *err)
{
    MYSQL_RES *result;
    MYSQL_ROW row;
    int status;

    if (mysql_field_count(&c->mysql) == 0)
        return 0;
    result = mysql_use_result(&c->mysql);
    if (!result)
        return bt_connection_fail(c, sql, err);
    if (rows) {
        status = bt_rows_read(c, result, deadline, rows, err);
        if (status < 0) /* rows may be on their way still: this session cannot go on */
            c->lost = true;
    } else {
        do
            status = bt_connection_fetch(c, result, deadline, &row, err);
        while (status == 0 && row);
    }
    if (c->lost && !c->timed_out)
        shutdown(mysql_get_socket(&c->mysql), SHUT_RDWR);
    mysql_free_result(result);
    return status;
}

/* The whole answer to one statement; rows of its first result go to rows (may be NULL). */
static int receive(struct bt_connection *c, struct bt_slice sql, struct bt_deadline deadline,
                   struct bt_rows *rows, struct bt_err *err)
{
    int status, more;

    if (receive_head(c, true, sql, deadline, err) < 0 ||
        take_result(c, sql, deadline, rows, err) < 0)
        return -1;
    c->affected = mysql_affected_rows(&c->mysql);
    while (mysql_more_results(&c->mysql)) {
        more = 0;
        status = mysql_next_result_start(&more, &c->mysql);
        while (status)
            status = mysql_next_result_cont(&more, &c->mysql,
                                            bt_connection_wait(c, status, deadline));
        if (more > 0 || c->timed_out)
            return bt_connection_fail(c, sql, err);
        if (more < 0)
            break;
        if (take_result(c, sql, deadline, NULL, err) < 0)
            return -1;
    }
    return 0;
}

/* ---------------------------------------------------------------- statements */

int bt_connection_execute(struct bt_connection *c, struct bt_slice sql, struct bt_deadline deadline,
                          uint64_t *ret_affected, struct bt_err *err)
{
    if (c->lost)
        return bt_connection_refuse_lost(c, err);
    if (send_one(c, sql, deadline, err) < 0 || receive(c, sql, deadline, NULL, err) < 0)
        return -1;
    if (ret_affected)
        *ret_affected = c->affected;
    return 0;
}

int bt_connection_send(struct bt_connection *c, struct bt_slice sql, struct bt_deadline deadline,
                       struct bt_err *err)
{
    return c->lost ? bt_connection_refuse_lost(c, err) : send_one(c, sql, deadline, err);
}

int bt_connection_answer(struct bt_connection *c, bool is_first, struct bt_slice sql,
                         struct bt_deadline deadline, struct bt_err *err)
{
    if (c->lost)
        return bt_connection_refuse_lost(c, err);
    if (receive_head(c, is_first, sql, deadline, err) < 0)
        return -1;
    return take_result(c, sql, deadline, NULL, err);
}

bool bt_connection_has_answer(struct bt_connection *c, int64_t ms)
{
    struct pollfd p = {.fd = mysql_get_socket(&c->mysql), .events = POLLIN};
    struct bt_deadline deadline = bt_deadline_in(ms);
    int got;
    const MARIADB_PVIO *pvio = c->mysql.net.pvio;

    if (c->lost || !pvio || (pvio->cache && pvio->cache_pos < pvio->cache + pvio->cache_size))
        return true;
    do
        got = poll(&p, 1, bt_deadline_left(deadline));
    while (got < 0 && errno == EINTR);
    return got != 0;
}

int bt_connection_query(struct bt_connection *c, struct bt_slice sql, struct bt_deadline deadline,
                        struct bt_rows *ret, struct bt_err *err)
{
    struct bt_rows rows = {0};

    if (c->lost)
        return bt_connection_refuse_lost(c, err);
    bt_rows_init(&rows);
    if (send_one(c, sql, deadline, err) < 0 || receive(c, sql, deadline, &rows, err) < 0) {
        bt_rows_done(&rows);
        return -1;
    }
    *ret = rows;
    return 0;
}

BT_PRINTF(2, 0)
static int format(struct bt_buf *sql, const char *fmt, va_list args, struct bt_err *err)
{
    bt_auto_free char *text = NULL;

    if (vasprintf(&text, fmt, args) < 0) {
        text = NULL;
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    }
    bt_buf_add_str(sql, text);
    return bt_buf_check(sql, "a statement", err);
}

int bt_connection_executef(struct bt_connection *c, struct bt_deadline deadline, struct bt_err *err,
                           const char *fmt, ...)
{
    bt_auto_buf struct bt_buf sql;
    va_list args;
    int status;

    bt_buf_init(&sql, STATEMENT_MAX);
    va_start(args, fmt);
    status = format(&sql, fmt, args, err);
    va_end(args);
    return status < 0 ? -1 : bt_connection_execute(c, bt_buf_slice(&sql), deadline, NULL, err);
}

int bt_connection_queryf(struct bt_connection *c, struct bt_deadline deadline, struct bt_rows *ret,
                         struct bt_err *err, const char *fmt, ...)
{
    bt_auto_buf struct bt_buf sql;
    va_list args;
    int status;

    bt_buf_init(&sql, STATEMENT_MAX);
    va_start(args, fmt);
    status = format(&sql, fmt, args, err);
    va_end(args);
    return status < 0 ? -1 : bt_connection_query(c, bt_buf_slice(&sql), deadline, ret, err);
}

int bt_connection_value(struct bt_connection *c, const char *sql, struct bt_deadline deadline,
                        size_t room, char *ret, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};
    const char *text;

    if (bt_connection_query(c, bt_slice_str(sql), deadline, &rows, err) < 0)
        return -1;
    text = bt_rows_text_at(&rows, 0, 0);
    if (text && strlen(text) >= room)
        return bt_fail(err, BT_ERR_LIMIT, "%s: the answer to \"%s\" is longer than %zu bytes",
                       c->name, sql, room - 1);
    memcpy(ret, text ? text : "", text ? strlen(text) + 1 : 1);
    return text ? 0 : 1;
}

static int pipeline(struct bt_connection *c, const struct bt_slice *sql, size_t count,
                    struct bt_deadline deadline, uint64_t *affected, ptrdiff_t *ret_failed,
                    struct bt_err *err)
{
    struct bt_err broken = {0}, first = {0}, later = {0};
    size_t sent = 0;

    *ret_failed = -1;
    if (c->lost) {
        *ret_failed = 0;
        return bt_connection_refuse_lost(c, err);
    }
    while (sent < count && send_one(c, sql[sent], deadline, &broken) == 0)
        sent++;
    /* A send that failed leaves the answers of those before it to be read. */
    for (size_t i = 0; i < sent && !c->timed_out && mysql_get_socket(&c->mysql) >= 0; i++) {
        if (affected)
            affected[i] = 0;
        if (receive(c, sql[i], deadline, NULL, *ret_failed < 0 ? &first : &later) == 0) {
            if (affected)
                affected[i] = mysql_affected_rows(&c->mysql);
        } else if (*ret_failed < 0) {
            *ret_failed = (ptrdiff_t)i;
        }
        if (c->lost)
            break;
    }
    if (*ret_failed >= 0) {
        *err = first;
        return -1;
    }
    if (sent == count)
        return 0;
    *ret_failed = (ptrdiff_t)sent;
    *err = broken;
    return -1;
}

int bt_connection_pipeline(struct bt_connection *c, const struct bt_slice *sql, size_t count,
                           struct bt_deadline deadline, ptrdiff_t *ret_failed, struct bt_err *err)
{
    return pipeline(c, sql, count, deadline, NULL, ret_failed, err);
}

int bt_connection_pipeline_counted(struct bt_connection *c, const struct bt_slice *sql,
                                   size_t count, struct bt_deadline deadline, uint64_t *affected,
                                   ptrdiff_t *ret_failed, struct bt_err *err)
{
    return pipeline(c, sql, count, deadline, affected, ret_failed, err);
}
