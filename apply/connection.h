/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.h - one session with a MariaDB or MySQL server; every wait has a deadline.
 *
 *     open -> execute / query / pipeline ... -> close
 *
 * Below it is libmariadb through its non-blocking calls and poll(2), so deadlines are in
 * milliseconds and hold against a server that accepts and then says nothing.  (Names in `host`
 * are looked up by the system's resolver, whose own time-out applies: give addresses where it
 * matters.)  When a deadline passes in mid-call the session is unusable: it is cut off, later
 * calls fail at once, and bt_connection_is_lost() is true.
 *
 * Errors carry the server's number in err->server_errno.  BT_ERR_REMOTE: the server answered with
 * an error and the session lives on.  BT_ERR_REALITY: no session (refused, lost, wrong password);
 * BT_ERR_TIMEOUT: the deadline.  No error text holds a password.
 * A connection is used by one thread at a time.
 */
#ifndef BT_APPLY_CONNECTION_H
#define BT_APPLY_CONNECTION_H

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "parser/format.h"

enum bt_tls {
    BT_TLS_AS_SERVER_LIKES, /* what libmariadb does by default and the option file says */
    BT_TLS_REQUIRED,        /* encrypted or not at all */
    BT_TLS_VERIFIED,        /* and the certificate fits ca and host name */
};

/* All strings may be NULL and are borrowed during open only.  What is set here wins over the option
 * file. */
struct bt_connection_opts {
    const char *host;   /* TCP, also for "localhost" */
    unsigned port;      /* 0 = 3306 or the option file's */
    const char *socket; /* unix socket; wins over host */
    const char *user;
    const char *password;
    const char *defaults_file;  /* the only option file that is read */
    const char *defaults_group; /* besides [client]; only with defaults_file */
    enum bt_tls tls;
    const char *tls_ca, *tls_cert, *tls_key; /* PEM files */
    /* LOAD DATA LOCAL may ask us: bt_connection_set_infile() */
    bool local_infile;
    bool multi_statements; /* one command may hold several, with ";" between them */
};

struct bt_server {
    enum bt_flavor flavor;
    uint32_t version_number; /* 101119 for 10.11.19, 50644 for 5.6.44 */
    const char *version;     /* "10.11.19-MariaDB-log" */
    uint64_t thread_id;      /* of this session: what KILL takes */
};

struct bt_connection;

/* Connects and authenticates.  *ret is closed with bt_connection_close(). */
int bt_connection_open(const struct bt_connection_opts *opts, struct bt_deadline deadline,
                       struct bt_connection **ret, struct bt_err *err) BT_MUST_CHECK;

/* Says goodbye without waiting for an answer.  Accepts NULL. */
void bt_connection_close(struct bt_connection *c);

static inline void bt_connection_release(struct bt_connection **c)
{
    bt_connection_close(*c);
    *c = NULL;
}
#define bt_auto_connection BT_AUTO(bt_connection_release)

/* Who answers.  Borrows until close. */
const struct bt_server *bt_connection_server(const struct bt_connection *c);

/* "10.0.0.1:3306" or the socket's path, for messages.  Borrows until close. */
const char *bt_connection_name(const struct bt_connection *c);

/* True after the session ended by itself or a deadline cut it off. */
bool bt_connection_is_lost(const struct bt_connection *c);

/* Its socket, for poll(2): readable between two statements only when the server has closed the
 * session. */
int bt_connection_fd(const struct bt_connection *c);

/* Whether server and we are on the same host: a unix socket or a loopback address. */
bool bt_connection_is_local(const struct bt_connection *c);

/* ------------------------------------------------------------------- rows */

/* A whole result.  Cells end in a NUL that is not counted.  Lives until bt_rows_done(). */
struct bt_rows {
    struct bt_arena arena;
    unsigned column_count;
    uint64_t row_count;
    const char **names;     /* column_count */
    struct bt_slice *cells; /* row_count * column_count, row after row; NULL is ptr == "" with
                               is_null set */
    bool *is_null;
};

void bt_rows_done(struct bt_rows *rows);
#define bt_auto_rows BT_AUTO(bt_rows_done)

/* A cell as a string; NULL when it is NULL, the row or the column does not exist. */
const char *bt_rows_text(const struct bt_rows *rows, uint64_t row, const char *column);
const char *bt_rows_text_at(const struct bt_rows *rows, uint64_t row, unsigned column);

/* A cell as a number; false when it is none. */
bool bt_rows_u64(const struct bt_rows *rows, uint64_t row, const char *column, uint64_t *ret);

/* ----------------------------------------------------------------- statements */

/* Runs one statement; a result, if any, is thrown away.  *ret_affected may be NULL. */
int bt_connection_execute(struct bt_connection *c, struct bt_slice sql, struct bt_deadline deadline,
                          uint64_t *ret_affected, struct bt_err *err) BT_MUST_CHECK;

/* The same, formatted.  Put names and texts in by bt_sql_add_* only. */
int bt_connection_executef(struct bt_connection *c, struct bt_deadline deadline, struct bt_err *err,
                           const char *fmt, ...) BT_PRINTF(4, 5) BT_MUST_CHECK;

/* Runs one statement and keeps its rows (at most 256 MiB); *ret is to be done with.  A statement
 * without a result gives 0 columns. */
int bt_connection_query(struct bt_connection *c, struct bt_slice sql, struct bt_deadline deadline,
                        struct bt_rows *ret, struct bt_err *err) BT_MUST_CHECK;
int bt_connection_queryf(struct bt_connection *c, struct bt_deadline deadline, struct bt_rows *ret,
                         struct bt_err *err, const char *fmt, ...) BT_PRINTF(5, 6) BT_MUST_CHECK;

/* First column of the first row as a string in *ret (bounded copy, NUL at its end); 1 when there is
 * no row or it is NULL (*ret is then ""). */
int bt_connection_value(struct bt_connection *c, const char *sql, struct bt_deadline deadline,
                        size_t room, char *ret, struct bt_err *err) BT_MUST_CHECK;

/* Sends all statements at once and reads their answers: one round trip.  All of them run whatever
 * becomes of the earlier ones, so the caller only sends together what may be run after a failure.
 * *ret_failed is the index of the first that failed, -1 when all went well; the return value is -1
 * with its error then.  When the session was lost, it is the first without an answer. */
int bt_connection_pipeline(struct bt_connection *c, const struct bt_slice *sql, size_t count,
                           struct bt_deadline deadline, ptrdiff_t *ret_failed, struct bt_err *err)
    BT_MUST_CHECK;

/* The same; affected[i] is how many rows statement i changed, 0 where it failed. */
int bt_connection_pipeline_counted(struct bt_connection *c, const struct bt_slice *sql,
                                   size_t count, struct bt_deadline deadline, uint64_t *affected,
                                   ptrdiff_t *ret_failed, struct bt_err *err) BT_MUST_CHECK;

/* Sends one command and does not wait for its answers, which bt_connection_answer() reads: one for
 * each statement in it up to the first that fails, which ends the command.  Several commands may be
 * on their way; their answers come in order. */
int bt_connection_send(struct bt_connection *c, struct bt_slice sql, struct bt_deadline deadline,
                       struct bt_err *err) BT_MUST_CHECK;

/* Reads the next answer; is_first: of a command.  Rows are thrown away.  sql is the statement it
 * answers, for the error. */
int bt_connection_answer(struct bt_connection *c, bool is_first, struct bt_slice sql,
                         struct bt_deadline deadline, struct bt_err *err) BT_MUST_CHECK;

/* Whether an answer has begun to arrive, waited for at most ms.  True when the
 * session is lost. */
bool bt_connection_has_answer(struct bt_connection *c, int64_t ms);

/* Where LOAD DATA LOCAL takes its data from, whatever file the statement names: read gives up to
 * room bytes, 0 at the end, -1 on failure.  NULL: such statements are refused. */
typedef int bt_infile_read(void *ctx, uint8_t *to, unsigned room);
void bt_connection_set_infile(struct bt_connection *c, bt_infile_read *read, void *ctx);

/* ------------------------------------------------------------------ error numbers */

/* The session is gone: it broke, was killed or shut down (client errors 2000-2999 and the server's
 * 1053, 1079, 1152-1161 1184 1927 4031). */
bool bt_server_errno_is_lost(unsigned server_errno);

/* The server is alive but will not let us in: too many connections, access denied, host blocked ...
 * Never a sign of death (MHA's list, MHA::HealthCheck, and what newer servers added). */
bool bt_server_errno_is_alive(unsigned server_errno);

/* ------------------------------------------------------------------ building SQL */

/* `name`, with backticks inside doubled. */
bool bt_sql_add_name(struct bt_buf *out, struct bt_slice name);

/* 'text', quoted as this session's sql_mode wants it (as of its last answer). */
bool bt_sql_add_text(const struct bt_connection *c, struct bt_buf *out, struct bt_slice text);

/* 0x..., or '' when empty: bytes in an expression, whatever sql_mode and character set. */
bool bt_sql_add_hex(struct bt_buf *out, struct bt_slice bytes);

#endif
