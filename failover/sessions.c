/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/sessions.h"

#include <stdio.h>

enum { BATCH_MAX = 64, NO_SUCH_THREAD = 1094 };

static const char *text_of(const struct bt_rows *rows, uint64_t i, const char *column,
                           struct bt_arena *arena)
{
    const char *text = bt_rows_text(rows, i, column);
    char *copy = text ? bt_arena_str(arena, bt_slice_str(text)) : NULL;

    return copy ? copy : "";
}

static uint64_t number_of(const struct bt_rows *rows, uint64_t i, const char *column)
{
    uint64_t value = 0;

    return bt_rows_u64(rows, i, column, &value) ? value : 0;
}

static bool is_own(uint64_t id, const uint64_t *own, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (own[i] == id)
            return true;
    return false;
}

int bt_sessions_ask(struct bt_connection *sql, const uint64_t *own, size_t own_count,
                    struct bt_deadline until, struct bt_arena *arena, struct bt_session_list *ret,
                    struct bt_err *err)
{
    /* TIME is signed: a clock that was set back makes it negative. */
    static const char ask[] =
        "SELECT p.ID AS id, p.USER AS user, p.HOST AS host, p.DB AS db, p.COMMAND AS command,"
        " p.STATE AS state, GREATEST(p.TIME, 0) AS seconds,"
        " p.INFO REGEXP '^[[:space:](]*(select|show)[[:space:]]' AS `reads`,"
        " t.trx_id IS NOT NULL AS has_transaction,"
        " GREATEST(TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), 0) AS open_seconds,"
        " t.trx_rows_modified AS rows_changed"
        " FROM information_schema.PROCESSLIST p"
        " LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID"
        " WHERE p.USER NOT IN ('system user', 'event_scheduler')"
        " AND p.COMMAND NOT IN ('Binlog Dump', 'Binlog Dump GTID', 'Daemon', 'Killed')";
    bt_auto_rows struct bt_rows rows = {0};
    struct bt_session *items;
    size_t count = 0;

    if (bt_connection_query(sql, bt_slice_str(ask), until, &rows, err) != 0)
        return bt_err_wrap(err, "%s: sessions", bt_connection_name(sql));
    items = bt_arena_array(arena, rows.row_count + 1, sizeof(*items));
    if (!items)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for %llu sessions",
                       (unsigned long long)rows.row_count);
    for (uint64_t i = 0; i < rows.row_count; i++) {
        uint64_t id = number_of(&rows, i, "id");

        if (is_own(id, own, own_count))
            continue;
        items[count++] = (struct bt_session){
            .id = id,
            .user = text_of(&rows, i, "user", arena),
            .host = text_of(&rows, i, "host", arena),
            .db = text_of(&rows, i, "db", arena),
            .command = text_of(&rows, i, "command", arena),
            .state = text_of(&rows, i, "state", arena),
            .seconds = number_of(&rows, i, "seconds"),
            .reads = number_of(&rows, i, "reads") != 0,
            .has_transaction = number_of(&rows, i, "has_transaction") != 0,
            .open_seconds = number_of(&rows, i, "open_seconds"),
            .rows_changed = number_of(&rows, i, "rows_changed"),
        };
    }
    *ret = (struct bt_session_list){items, count};
    return 0;
}

bool bt_session_any(const struct bt_session *s)
{
    (void)s;
    return true;
}

bool bt_session_is_not_committing(const struct bt_session *s)
{
    static const char *const states[] = {"commit", "semi-sync", "semi_sync"};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (strcasestr(s->state, states[i]))
            return false;
    return true;
}

/* KILL of each, sent together.  Which of them were gone already is not told apart. */
int bt_sessions_kill(struct bt_connection *sql, const struct bt_session_list *list,
                     bt_session_is *is, struct bt_deadline until, size_t *ret_killed,
                     struct bt_err *err)
{
    struct bt_slice batch[BATCH_MAX];
    char texts[BATCH_MAX][48];
    size_t count = 0;
    ptrdiff_t failed;

    *ret_killed = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (is(&list->items[i])) {
            snprintf(texts[count], sizeof(texts[count]), "KILL CONNECTION %llu",
                     (unsigned long long)list->items[i].id);
            batch[count] = bt_slice_str(texts[count]);
            count++;
        }
        if (count == 0 || (count < BATCH_MAX && i + 1 < list->count))
            continue;
        if (bt_connection_pipeline(sql, batch, count, until, &failed, err) != 0) {
            if (err->server_errno != NO_SUCH_THREAD)
                return bt_err_wrap(err, "%s: %s", bt_connection_name(sql), texts[failed]);
            bt_err_clear(err);
        }
        *ret_killed += count;
        count = 0;
    }
    return 0;
}

const char *bt_session_text(const struct bt_session *s, char out[static BT_SESSION_TEXT_SIZE])
{
    int len = snprintf(out, BT_SESSION_TEXT_SIZE, "%llu %.60s@%.80s", (unsigned long long)s->id,
                       s->user, s->host);

    if (s->has_transaction)
        snprintf(out + len, BT_SESSION_TEXT_SIZE - (size_t)len,
                 ", %.30s for %llu s, in a transaction for %llu s (%llu rows changed)", s->command,
                 (unsigned long long)s->seconds, (unsigned long long)s->open_seconds,
                 (unsigned long long)s->rows_changed);
    else
        snprintf(out + len, BT_SESSION_TEXT_SIZE - (size_t)len, ", %.30s for %llu s%s%.60s",
                 s->command, (unsigned long long)s->seconds, s->state[0] ? ", " : "", s->state);
    return out;
}
