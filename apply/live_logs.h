/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_logs.h - the binary logs of a running server as sources (parser/source.h), one after the
 * other.
 *
 *     bt_live_logs_open(&opts, &logs, err)                asks which there are
 *     bt_live_logs_next(logs, &source, &name, err) ...    0 a log, 1 no more
 *     bt_source_close(source)                             before the next one
 *     bt_live_logs_close(logs)
 *
 * A source gives the bytes of the log's file from its first on, forward only, as they are sent
 * (dump.h); one stream of events serves all logs that follow each other.  What is not as in the
 * file:
 *   - a server clears the mark "in use" of the FORMAT_DESCRIPTION that it sends.  It is put back
 *     for the log that the server says it writes to; in a log left open by a crash it is missing;
 *   - encrypted logs come decrypted, START_ENCRYPTION or MySQL's head gone or meaningless: the
 *     source is marked is_decrypted;
 *   - with `after`, what the server leaves out are holes (bt_source.goes_on_at), and offsets stay
 * those of the file.  (Beyond 4 GiB only their low 32 bits are on the wire: a hole is taken to be
 *     smaller than 2 GiB.)
 */
#ifndef BT_APPLY_LIVE_LOGS_H
#define BT_APPLY_LIVE_LOGS_H

#include "apply/dump.h"
#include "parser/source.h"

struct bt_live_logs_opts {
    const struct bt_connection_opts *server; /* must outlive the logs, as must all pointers here */
    const char *const *names;                /* the logs wanted; none = all that there are */
    size_t name_count;
    const char *from_log; /* NULL, or: of all logs those before this one are passed over */
    const char *after;    /* dump.h; with it no names are taken */
    bool follow;          /* at the end of the last log wait for more, and for the next log */
    uint32_t server_id;   /* dump.h */
    int64_t connect_ms;   /* of connecting and asking; 0 = 10 s */
    int64_t silence_ms;   /* dump.h */
    bt_dump_tick *tick;   /* dump.h; after it said "end here" there are no more logs */
    void *ctx;
};

struct bt_live_logs;

int bt_live_logs_open(const struct bt_live_logs_opts *opts, struct bt_live_logs **ret,
                      struct bt_err *err) BT_MUST_CHECK;
void bt_live_logs_close(struct bt_live_logs *l); /* accepts NULL */

/* What the server said where it could not read on in the log handed out last (error 1236: a crash
 * tore it, say); "" = nothing.  The log ends there.  Borrows until next. */
const char *bt_live_logs_complaint(const struct bt_live_logs *l);

/* Bytes of the logs wanted, as the server listed them; 0 where it did not say. */
uint64_t bt_live_logs_bytes(const struct bt_live_logs *l);

/* A session with the server that is free for statements.  Borrows until close. */
struct bt_connection *bt_live_logs_session(struct bt_live_logs *l);

/* The next log; the one before it must be closed.  1: there is no other.  *ret_name borrows until
 * the next call; the source is the caller's and must not outlive l. */
int bt_live_logs_next(struct bt_live_logs *l, struct bt_source **ret, const char **ret_name,
                      struct bt_err *err) BT_MUST_CHECK;

#endif
