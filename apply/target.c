/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/target.h"

#include "apply/feed/known.h"
#include "apply/single_run.h"
#include "base/number.h"

enum {
    STATE_TEXT_MAX = 1 << 20,
    ER_SPECIFIC_ACCESS_DENIED = 1227,
    SUPER_READ_ONLY_MIN = 50708, /* sql/sys_vars.cc, MySQL 5.7 */
};

void bt_target_close(struct bt_target *t)
{
    bt_connection_close(t->connection);
    bt_gtid_state_done(&t->binlog_state);
    bt_gtid_state_done(&t->slave_pos);
    bt_gtid_set_done(&t->executed);
    bt_arena_done(&t->collations.arena);
    *t = (struct bt_target){0};
}

/* ------------------------------------------------------------------ reading */

static int read_state(struct bt_target *t, const char *sql, struct bt_deadline deadline,
                      struct bt_gtid_state *state, struct bt_gtid_set *set, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};
    const char *text;

    if (bt_connection_query(t->connection, bt_slice_str(sql), deadline, &rows, err) < 0)
        return -1;
    text = bt_rows_text_at(&rows, 0, 0);
    if (!text || !*text)
        return 0;
    return state ? bt_gtid_state_parse(bt_slice_str(text), state, err)
                 : bt_gtid_set_parse(bt_slice_str(text), set, err);
}

static int read_states(struct bt_target *t, struct bt_deadline deadline, struct bt_err *err)
{
    char mode[64];

    if (t->server.flavor == BT_FLAVOR_MARIADB) {
        t->keeps_gtids = true;
        if (read_state(t, "SELECT @@gtid_binlog_state", deadline, &t->binlog_state, NULL, err) < 0)
            return -1;
        return read_state(t, "SELECT @@gtid_slave_pos", deadline, &t->slave_pos, NULL, err);
    }
    if (t->server.version_number < 50600)
        return 0;
    if (bt_connection_value(t->connection, "SELECT @@gtid_mode", deadline, sizeof(mode), mode,
                            err) < 0)
        return -1;
    t->keeps_gtids = strncmp(mode, "ON", 2) == 0;
    return read_state(t, "SELECT @@global.gtid_executed", deadline, NULL, &t->executed, err);
}

static int read_collations(struct bt_target *t, struct bt_deadline deadline, struct bt_err *err)
{
    bool full = t->server.flavor == BT_FLAVOR_MARIADB && t->server.version_number >= 101001;
    bt_auto_rows struct bt_rows rows = {0};
    struct bt_collations *all = &t->collations;
    const char *sql =
        full ? "SELECT id, full_collation_name, character_set_name FROM "
               "information_schema.collation_character_set_applicability WHERE id IS NOT NULL"
             : "SELECT id, collation_name, character_set_name FROM information_schema.collations";

    if (bt_connection_query(t->connection, bt_slice_str(sql), deadline, &rows, err) < 0)
        return -1;
    all->items = bt_arena_array(&all->arena, (size_t)rows.row_count, sizeof(*all->items));
    if (!all->items)
        return bt_arena_fail(&all->arena, "the names of collations", err);
    for (uint64_t i = 0; i < rows.row_count; i++) {
        struct bt_collation_name *to = &all->items[all->count];
        const char *id = bt_rows_text_at(&rows, i, 0);
        const char *collation = bt_rows_text_at(&rows, i, 1);
        const char *charset = bt_rows_text_at(&rows, i, 2);
        uint64_t number;

        if (!id || !collation || !charset || !bt_number_u64(bt_slice_str(id), 65535, &number))
            continue;
        to->id = (uint32_t)number;
        to->collation = bt_arena_str(&all->arena, bt_slice_str(collation));
        to->charset = bt_arena_str(&all->arena, bt_slice_str(charset));
        if (!to->collation || !to->charset)
            return bt_arena_fail(&all->arena, "the names of collations", err);
        all->count++;
    }
    return 0;
}

static int read_limits(struct bt_target *t, const struct bt_target_opts *opts,
                       struct bt_deadline deadline, bool *ret_read_only, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};
    uint64_t log_bin = 0, read_only = 0;

    if (bt_connection_query(t->connection,
                            bt_slice_str("SELECT @@max_allowed_packet AS packet, @@log_bin AS "
                                         "log_bin, @@global.read_only AS read_only"),
                            deadline, &rows, err) < 0)
        return -1;
    if (!bt_rows_u64(&rows, 0, "packet", &t->packet_max) ||
        !bt_rows_u64(&rows, 0, "log_bin", &log_bin))
        return bt_fail(err, BT_ERR_REMOTE, "%s did not tell its max_allowed_packet",
                       bt_connection_name(t->connection));
    /* 11.8+: OFF, ON, NO_LOCK or NO_LOCK_NO_ADMIN; before that 0 or 1. */
    *ret_read_only = bt_rows_u64(&rows, 0, "read_only", &read_only)
                         ? read_only != 0
                         : strcmp(bt_rows_text(&rows, 0, "read_only"), "OFF") != 0;
    t->has_binlog = log_bin && !opts->no_binlog;
    return 0;
}

/* -------------------------------------------------------------------- privileges */

static bool any_grant(const struct bt_rows *rows, const char *privilege)
{
    for (uint64_t i = 0; i < rows->row_count; i++) {
        const char *grant = bt_rows_text_at(rows, i, 0);

        if (grant && strstr(grant, " ON *.* ") &&
            (strstr(grant, privilege) || strstr(grant, "ALL PRIVILEGES")))
            return true;
    }
    return false;
}

static int check_grants(struct bt_target *t, const struct bt_target_opts *opts, bool read_only,
                        struct bt_deadline deadline, struct bt_err *err)
{
    bool mariadb = t->server.flavor == BT_FLAVOR_MARIADB;
    uint32_t version = t->server.version_number;
    bt_auto_rows struct bt_rows rows = {0};
    const char *needed;

    if (!read_only && !opts->set_slave_pos)
        return 0;
    if (bt_connection_query(t->connection, bt_slice_str("SHOW GRANTS"), deadline, &rows, err) < 0)
        return -1;
    needed = mariadb ? "READ_ONLY ADMIN" : "CONNECTION_ADMIN";
    if (read_only && !any_grant(&rows, needed) &&
        !((!mariadb || version < 101100) && any_grant(&rows, "SUPER")))
        return bt_fail(err, BT_ERR_REALITY,
                       "%s is read-only, and the account lacks the privilege %s that writes anyway",
                       bt_connection_name(t->connection), needed);
    if (opts->set_slave_pos && mariadb && !any_grant(&rows, "REPLICATION SLAVE ADMIN") &&
        !any_grant(&rows, "SUPER"))
        return bt_fail(err, BT_ERR_REALITY,
                       "the account on %s lacks the privilege REPLICATION SLAVE ADMIN, which "
                       "setting gtid_slave_pos needs",
                       bt_connection_name(t->connection));
    return 0;
}

/* MySQL: then nobody writes by SQL, whatever he may do otherwise. */
static int check_super(struct bt_target *t, struct bt_deadline deadline, struct bt_err *err)
{
    char text[16];

    if (t->server.flavor != BT_FLAVOR_MYSQL || t->server.version_number < SUPER_READ_ONLY_MIN)
        return 0;
    if (bt_connection_value(t->connection, "SELECT @@global.super_read_only", deadline,
                            sizeof(text), text, err) < 0)
        return -1;
    if (strcmp(text, "0") == 0)
        return 0;
    return bt_fail(err, BT_ERR_REALITY,
                   "%s is super_read_only: no session writes there (its own replication threads "
                   "do: --via=replication)",
                   bt_connection_name(t->connection));
}

/* Runs a SET that needs a privilege; 1 when it is refused and may be done without. */
static int try_set(struct bt_target *t, const char *sql, bool needed, const char *why,
                   struct bt_deadline deadline, struct bt_err *err)
{
    struct bt_err refused = {0};

    if (bt_connection_execute(t->connection, bt_slice_str(sql), deadline, NULL, &refused) == 0)
        return 0;
    if (!needed && refused.server_errno == ER_SPECIFIC_ACCESS_DENIED)
        return 1;
    *err = refused;
    if (refused.server_errno == ER_SPECIFIC_ACCESS_DENIED)
        err->kind = BT_ERR_REALITY;
    return bt_err_wrap(err, "%s", why);
}

/* The target's own log takes rows as BINLOG statements only when it may log rows. */
static int set_binlog_format(struct bt_target *t, struct bt_deadline deadline, struct bt_err *err)
{
    char format[32];

    if (!t->has_binlog)
        return 0;
    if (bt_connection_value(t->connection, "SELECT @@binlog_format", deadline, sizeof(format),
                            format, err) < 0)
        return -1;
    if (strcmp(format, "STATEMENT") != 0)
        return 0;
    return try_set(t, "SET binlog_format=MIXED", true,
                   "the target logs statements only and takes no rows", deadline, err);
}

static int set_up_session(struct bt_target *t, const struct bt_target_opts *opts,
                          struct bt_deadline deadline, struct bt_err *err)
{
    bool mariadb = t->server.flavor == BT_FLAVOR_MARIADB;

    if (try_set(t, "SET autocommit=1, completion_type=0, wait_timeout=604800", true,
                "setting up the session", deadline, err) < 0)
        return -1;
    if ((mariadb || t->server.version_number >= 50600) &&
        try_set(t, "SET pseudo_slave_mode=1", !mariadb, "setting up the session", deadline, err) <
            0)
        return -1;
    if (opts->no_binlog && try_set(t, "SET sql_log_bin=0", true,
                                   "the account may not keep out of the target's binary log",
                                   deadline, err) < 0)
        return -1;
    if (mariadb && try_set(t, "SET max_statement_time=0", true, "setting up the session", deadline,
                           err) < 0)
        return -1;
    /* Otherwise the target's log keeps the text of our BINLOG statements. */
    if (mariadb && t->has_binlog &&
        try_set(t, "SET binlog_annotate_row_events=0", false, "setting up the session", deadline,
                err) < 0)
        return -1;
    if (mariadb && t->keeps_gtids &&
        try_set(t, "SET server_id=@@server_id, gtid_domain_id=@@gtid_domain_id", true,
                "the account may not replay under original GTIDs", deadline, err) < 0)
        return -1;
    return set_binlog_format(t, deadline, err);
}

/* --------------------------------------------------------------------------- open */

static int look_around(struct bt_target *t, const struct bt_target_opts *opts,
                       struct bt_deadline deadline, struct bt_err *err)
{
    bool read_only = false;

    if (opts->alone_until.at_ms) {
        int left_ms = bt_deadline_left(deadline);

        if (bt_single_run_begin(t->connection, opts->alone_until, err) < 0)
            return -1;
        deadline = bt_deadline_in(left_ms);
    }
    if (read_limits(t, opts, deadline, &read_only, err) < 0 ||
        read_states(t, deadline, err) < 0 || read_collations(t, deadline, err) < 0)
        return -1;
    if (opts->dry_run)
        return 0;
    if (check_grants(t, opts, read_only, deadline, err) < 0 ||
        (read_only && check_super(t, deadline, err) < 0))
        return -1;
    return set_up_session(t, opts, deadline, err);
}

int bt_target_open(const struct bt_connection_opts *where, enum bt_flavor source,
                   const struct bt_target_opts *opts, struct bt_deadline deadline,
                   struct bt_target *ret, struct bt_err *err)
{
    struct bt_connection_opts with_files = *where;
    struct bt_target t = {0};

    with_files.local_infile = true;
    with_files.multi_statements = true;
    bt_arena_init(&t.collations.arena, 8 << 20);
    if (bt_connection_open(&with_files, deadline, &t.connection, err) < 0) {
        bt_target_close(&t);
        return -1;
    }
    t.server = *bt_connection_server(t.connection);
    if (look_around(&t, opts, deadline, err) < 0) {
        bt_target_close(&t);
        return -1;
    }
    t.keeps_gtids = t.keeps_gtids && source == t.server.flavor;
    *ret = t;
    return 0;
}

int bt_target_open_beside(const struct bt_connection_opts *where, const struct bt_target *t,
                          const struct bt_target_opts *opts, unsigned number,
                          struct bt_deadline deadline, struct bt_connection **ret,
                          struct bt_err *err)
{
    struct bt_connection_opts with_files = *where;
    struct bt_target beside = *t;

    with_files.local_infile = true;
    with_files.multi_statements = true;
    if (bt_connection_open(&with_files, deadline, &beside.connection, err) < 0)
        return -1;
    if (bt_single_run_join(beside.connection, number, deadline, err) < 0 ||
        set_up_session(&beside, opts, deadline, err) < 0) {
        bt_connection_close(beside.connection);
        return -1;
    }
    *ret = beside.connection;
    return 0;
}

/* ----------------------------------------------------------------------------- has */

bool bt_target_has(const struct bt_target *t, const struct bt_gtid *gtid)
{
    return t->keeps_gtids &&
           bt_feed_is_known(&t->binlog_state, &t->slave_pos, &t->executed, gtid);
}

/* --------------------------------------------------------------------------- gaps */

/* What the target has last of a domain, by either state; NULL when it knows nothing of it. */
static const struct bt_gtid *last_of(const struct bt_target *t, uint32_t domain)
{
    const struct bt_gtid *log = bt_gtid_state_last(&t->binlog_state, domain);
    const struct bt_gtid *pos = bt_gtid_state_last(&t->slave_pos, domain);

    if (!log || !pos)
        return log ? log : pos;
    return log->sequence > pos->sequence ? log : pos;
}

int bt_target_check_start(const struct bt_target *t, const struct bt_event *ev, struct bt_err *err)
{
    char have[BT_GTID_TEXT_SIZE], before[BT_GTID_TEXT_SIZE];
    struct bt_gtid_state start = {0};
    uint32_t flags;

    if (!t->keeps_gtids || t->server.flavor != BT_FLAVOR_MARIADB)
        return 0;
    if (bt_gtid_list_read(ev, &start, &flags, err) < 0)
        return -1;
    for (size_t i = 0; i < start.count; i++) {
        const struct bt_gtid *needs = bt_gtid_state_last(&start, start.items[i].domain);
        const struct bt_gtid *last = last_of(t, start.items[i].domain);

        if (needs == &start.items[i] && last && last->sequence < needs->sequence) {
            bt_fail(err, BT_ERR_CONFLICT,
                    "transactions are missing between: the target has %s, the log begins behind %s",
                    bt_gtid_text(last, have), bt_gtid_text(needs, before));
            bt_gtid_state_done(&start);
            return -1;
        }
    }
    bt_gtid_state_done(&start);
    return 0;
}
