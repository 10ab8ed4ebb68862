/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sessions.h - the client sessions of a server: who would be in the way of a planned change, and
 * how they are ended.
 *
 *     bt_sessions_ask(sql, own, own_count, until, &arena, &list, err)
 *     bt_session_text(&list.items[0], out)            "4711 app@10.0.0.5, in a transaction for 3 s"
 *     bt_sessions_kill(sql, &list, bt_session_any, until, &killed, err)
 *
 * Replication's own sessions (dump threads, appliers), the event scheduler and the caller's are
 * never in the list.  Statement texts are not kept: they hold other people's data.
 */
#ifndef BT_FAILOVER_SESSIONS_H
#define BT_FAILOVER_SESSIONS_H

#include "apply/connection.h"

struct bt_session {
    uint64_t id; /* what KILL takes */
    const char *user, *host, *db, *command, *state;
    uint64_t seconds;      /* in this command */
    bool reads;            /* the statement begins with SELECT or SHOW */
    bool has_transaction;  /* of InnoDB, open */
    uint64_t open_seconds; /* since it began */
    uint64_t rows_changed; /* in it */
};

struct bt_session_list {
    const struct bt_session *items;
    size_t count;
};

enum { BT_SESSION_TEXT_SIZE = 320 };

/* information_schema.PROCESSLIST and INNODB_TRX, without the sessions of ids own[].  Needs PROCESS,
 * else only the caller's own user is seen.  Lives in the arena. */
int bt_sessions_ask(struct bt_connection *sql, const uint64_t *own, size_t own_count,
                    struct bt_deadline until, struct bt_arena *arena, struct bt_session_list *ret,
                    struct bt_err *err) BT_MUST_CHECK;

typedef bool bt_session_is(const struct bt_session *s);

/* Every one. */
bool bt_session_any(const struct bt_session *s);

/* Those that are not on their way through COMMIT: it is decided there already, and to be waited
 * for.  (States of sql/handler.cc and the semi-sync plugin, MariaDB 10.11 and MySQL 8.0.) */
bool bt_session_is_not_committing(const struct bt_session *s);

/* KILLs those that `is` holds for, many in a round trip; one that has ended by itself is no error
 * and counts too. */
int bt_sessions_kill(struct bt_connection *sql, const struct bt_session_list *list,
                     bt_session_is *is, struct bt_deadline until, size_t *ret_killed,
                     struct bt_err *err) BT_MUST_CHECK;

/* One line for people.  Writes into out and returns it. */
const char *bt_session_text(const struct bt_session *s, char out[static BT_SESSION_TEXT_SIZE]);

#endif
