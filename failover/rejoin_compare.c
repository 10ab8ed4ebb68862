/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the returning server has and the primary has not: from its own binary logs, against the
 * primary's GTIDs by domain and server (its transactions bear numbers that the domain has long
 * passed on the new primary).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/crash_point.h"
#include "base/log.h"
#include "failover/node_open.h"
#include "failover/rejoin_steps.h"

enum {
    STATE_MAX = 256 * 1024,
    SHOWN_MAX = 20,
    NOTE_BREAK = '\n', /* of the reversal's mark: the state before what is taken back, and behind */
};

/* --------------------------------------------------------------- what is known */

/* gtid_binlog_state names every server that ever wrote here; where the primary logs no replicated
 * transactions, gtid_slave_pos has their last. */
static int known_ask(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_database *p = bt_rj_primary(r);
    bool is_mariadb = p->facts.flavor == BT_FLAVOR_MARIADB;
    struct bt_deadline until = bt_deadline_in(BT_RJ_STEP_MS);
    bt_auto_rows struct bt_rows rows = {0};
    const char *text;

    if (bt_connection_query(p->sql,
                            bt_slice_str(is_mariadb ? "SELECT CONCAT_WS(',', NULLIF(@@GLOBAL."
                                                      "gtid_slave_pos, ''), NULLIF(@@GLOBAL."
                                                      "gtid_binlog_state, ''))"
                                                    : "SELECT @@GLOBAL.gtid_executed"),
                            until, &rows, err) != 0)
        return bt_err_wrap(err, "%s: GTIDs", p->conf->name);
    text = bt_rows_text_at(&rows, 0, 0);
    if (!text || !text[0])
        return bt_fail(err, BT_ERR_REALITY,
                       "%s has no GTIDs: whether %s has something of its own cannot be told",
                       p->conf->name, bt_rj_host(r)->conf->name);
    bt_gtid_state_done(&r->known);
    bt_gtid_set_done(&r->known_set);
    return is_mariadb ? bt_gtid_state_parse(bt_slice_str(text), &r->known, err)
                      : bt_gtid_set_parse(bt_slice_str(text), &r->known_set, err);
}

/* ----------------------------------------------------------------- its own logs */

static int logs_open(struct bt_rejoin *r, struct bt_err *err)
{
    const struct bt_database *host = bt_rj_host(r);
    const char *base = host->facts.binlog_base, *slash = strrchr(base, '/');
    char folder[4096];
    struct bt_logs_id id = {.places = folder, .kind = BT_LOG_KIND_BINLOG};
    int rc;

    if (!slash)
        return bt_fail(err, BT_ERR_REALITY, "where %s keeps its binary logs is not known",
                       host->conf->name);
    id.base = slash + 1;
    snprintf(folder, sizeof(folder), "%.*s", (int)(slash - base), base);
    if (!r->node && bt_node_open(host->conf, &r->node, &r->node_why, err) != 0)
        return bt_err_wrap(err, "%s", host->conf->name);
    rc = bt_remote_logs_open(r->node, &r->node_mutex, &id, host->conf->hostname,
                             bt_deadline_in(BT_RJ_STEP_MS), &r->logs, err);
    if (rc == 1)
        return bt_fail(err, BT_ERR_REALITY, "%s: no binary logs were found in %s", host->conf->name,
                       folder);
    return rc;
}

/* ----------------------------------------------------------------- before it left */

static bool has_extra_in(const struct bt_rejoin *r, uint32_t domain)
{
    for (size_t i = 0; i < r->extra.count; i++)
        if (r->extra.items[i].gtid.domain == domain)
            return true;
    return false;
}

/* What the primary has of a server's transactions in a domain; NULL = nothing. */
static const struct bt_gtid *known_of(const struct bt_rejoin *r, const struct bt_gtid *like)
{
    for (size_t i = 0; i < r->known.count; i++)
        if (r->known.items[i].domain == like->domain &&
            r->known.items[i].server_id == like->server_id)
            return &r->known.items[i];
    return NULL;
}

/* A server that replicates meanwhile has written to its log what the primary had not when it was
 * asked: what the primary has by now is left out. */
static int known_drop(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_missing *m = &r->extra;
    size_t kept = 0;

    if (m->count == 0)
        return 0;
    if (known_ask(r, err) != 0)
        return -1;
    m->bytes = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct bt_gtid *gtid = &m->items[i].gtid;
        const struct bt_gtid *known = known_of(r, gtid);

        if (known ? known->sequence >= gtid->sequence : bt_gtid_set_has(&r->known_set, gtid))
            continue;
        m->bytes += m->items[i].bytes;
        m->items[kept++] = m->items[i];
    }
    m->count = kept;
    return 0;
}

static int by_sequence(const void *a, const void *b)
{
    const struct bt_gtid *x = a, *y = b;

    return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static int state_ask(struct bt_rejoin *r, struct bt_rows *ret, struct bt_err *err)
{
    struct bt_database *host = bt_rj_host(r);

    if (bt_connection_query(host->sql, bt_slice_str("SELECT @@GLOBAL.gtid_binlog_state"),
                            bt_deadline_in(BT_RJ_STEP_MS), ret, err) != 0)
        return bt_err_wrap(err, "%s: gtid_binlog_state", host->conf->name);
    return 0;
}

/* Its gtid_binlog_state in front of the first transaction that only it has: its own number goes
 * back to what the primary knows of it.  The last of a domain has to stand last. */
static int state_before(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_database *host = bt_rj_host(r);
    struct bt_gtid_state now = {0}, before = {0};
    bt_auto_rows struct bt_rows rows = {0};
    const char *text;
    int rc;

    if (state_ask(r, &rows, err) != 0)
        return -1;
    text = bt_rows_text_at(&rows, 0, 0);
    r->state_end = bt_arena_str(&r->arena, bt_slice_str(text ? text : ""));
    if (!r->state_end)
        return bt_arena_fail(&r->arena, "GTID state", err);
    rc = bt_gtid_state_parse(bt_slice_str(text ? text : ""), &now, err);
    if (rc == 0 && now.count)
        qsort(now.items, now.count, sizeof(*now.items), by_sequence);
    for (size_t i = 0; rc == 0 && i < now.count; i++) {
        const struct bt_gtid *item = &now.items[i];

        if (item->server_id == host->facts.server_id && has_extra_in(r, item->domain))
            item = known_of(r, item);
        rc = item ? bt_gtid_state_update(&before, item, err) : 0;
    }
    if (rc == 0 && before.count)
        qsort(before.items, before.count, sizeof(*before.items), by_sequence);
    bt_gtid_state_done(&now);
    bt_gtid_state_done(&r->extra.before);
    r->extra.before = before;
    return rc;
}

static void extra_show(struct bt_rejoin *r)
{
    const struct bt_missing *m = &r->extra;
    char gtid[BT_GTID_TEXT_SIZE], when[BT_TIME_TEXT_SIZE];

    if (m->count == 0) {
        bt_rj_note(r, "%s has nothing that %s has not.", bt_rj_host(r)->conf->name,
                   bt_rj_primary(r)->conf->name);
        return;
    }
    bt_rj_note(r, "%s alone has %zu transactions (%" PRIu64 " bytes):", bt_rj_host(r)->conf->name,
               m->count, m->bytes);
    for (size_t i = 0; i < m->count && i < SHOWN_MAX; i++)
        bt_rj_note(r, "  %s of %s, %" PRIu64 " rows events, %" PRIu64 " bytes",
                   bt_gtid_text(&m->items[i].gtid, gtid),
                   bt_time_text((int64_t)m->items[i].when * 1000000, when), m->items[i].rows_events,
                   m->items[i].bytes);
    if (m->count > SHOWN_MAX)
        bt_rj_note(r, "  and %zu more", m->count - SHOWN_MAX);
}

int bt_rj_still(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_database *host = bt_rj_host(r);

    if (bt_database_position(host, bt_deadline_in(BT_RJ_STEP_MS), err) != 0)
        return bt_err_wrap(err, "%s", host->conf->name);
    if (bt_coordinate_compare(&host->facts.binlog, &r->end) != 0)
        return bt_fail(err, BT_ERR_CONFLICT,
                       "somebody has written to %s meanwhile (its binary log went from %s:%" PRIu64
                       " to %s:%" PRIu64 "): a privileged session, or an event? Run it again.",
                       host->conf->name, r->end.file, r->end.pos, host->facts.binlog.file,
                       host->facts.binlog.pos);
    return 0;
}

static void compared_done(struct bt_rejoin *r)
{
    if (r->is_compared)
        bt_missing_done(&r->extra);
    r->is_compared = false;
    bt_remote_logs_close(r->logs);
    r->logs = NULL;
}

int bt_rj_compare(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_missing_want want = {0};

    compared_done(r);
    if (bt_database_position(bt_rj_host(r), bt_deadline_in(BT_RJ_STEP_MS), err) != 0)
        return bt_err_wrap(err, "%s", bt_rj_host(r)->conf->name);
    r->end = bt_rj_host(r)->facts.binlog;
    if (known_ask(r, err) != 0 || logs_open(r, err) != 0)
        return -1;
    r->source = (struct bt_missing_source){.name = bt_rj_host(r)->conf->hostname,
                                           .role = BT_SOURCE_BINLOG,
                                           .set = bt_remote_logs_set(r->logs),
                                           .with_own = true};
    want.gtid = r->known.count ? &r->known : NULL;
    want.gtid_set = r->known.count ? NULL : &r->known_set;
    if (bt_missing_find(&want, &r->source, 1, &r->extra, err) != 0)
        return bt_err_wrap(err, "what only %s has", bt_rj_host(r)->conf->name);
    r->is_compared = true;
    if (known_drop(r, err) != 0)
        return -1;
    if (r->extra.count && r->known.count && state_before(r, err) != 0)
        return -1;
    for (size_t i = 0; i < r->extra.cut_count; i++)
        bt_rj_note(r, "Its log is cut at %s:%" PRIu64 ": %s", r->extra.cuts[i].cut.log,
                   r->extra.cuts[i].cut.at, r->extra.cuts[i].cut.reason);
    extra_show(r);
    bt_crash_point("rejoin-compared");
    return 0;
}

/* -------------------------------------------------------------------- archive */

/* Named after its content, so that a second run finds the first one's. */
static void archive_name(struct bt_rejoin *r)
{
    const struct bt_conf_server *host = bt_rj_host(r)->conf;
    char first[BT_GTID_TEXT_SIZE], last[BT_GTID_TEXT_SIZE];

    bt_gtid_text(&r->extra.items[0].gtid, first);
    bt_gtid_text(&r->extra.items[r->extra.count - 1].gtid, last);
    snprintf(r->archive_path, sizeof(r->archive_path), "%.3000s/only_on_%.200s_%u_%s_to_%s.binlog",
             r->opts.archive, host->hostname, host->port, first, last);
    for (char *p = r->archive_path + strlen(r->opts.archive); *p; p++)
        *p = *p == ':' ? '_' : *p;
}

int bt_rj_archive(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_diff_log_opts opts = {0};
    struct bt_diff_log_report report;
    bt_auto_source struct bt_source *source = NULL;

    archive_name(r);
    if (mkdir(r->opts.archive, 0750) != 0 && errno != EEXIST)
        return bt_fail_sys(err, "could not make the folder \"%s\"", r->opts.archive);
    if (bt_rj_journal(r, "archive", "begin", err) != 0 ||
        bt_diff_log_save(&r->extra, &opts, r->archive_path, &r->manifest, err) != 0)
        return bt_err_wrap(err, "archive \"%s\"", r->archive_path);
    r->has_manifest = true;
    if (bt_diff_log_open(r->archive_path, &source, err) != 0 ||
        bt_diff_log_verify(source, &r->manifest, &report, err) != 0)
        return bt_err_wrap(err, "archive \"%s\"", r->archive_path);
    bt_rj_note(r, "They are in \"%s\" (XXH3 %s), verified.", r->archive_path, r->manifest.xxh3);
    bt_crash_point("rejoin-archived");
    return bt_rj_journal(r, "archive", "done", err);
}

/* -------------------------------------------------------------------- reverse */

/* gtid_binlog_state in front of the first of them: every server's last number. */
static void state_write(const struct bt_rejoin *r, struct bt_buf *out)
{
    char gtid[BT_GTID_TEXT_SIZE];

    for (size_t i = 0; i < r->extra.before.count; i++)
        bt_buf_addf(out, "%s%s", i ? "," : "", bt_gtid_text(&r->extra.before.items[i], gtid));
}

/* Its binary logs are emptied, and their state is that of before.  The state stands beside the mark
 * of the reversal until all of this is done, so that it may be cut off anywhere. */
static int forget(struct bt_rejoin *r, const char *state, struct bt_err *err)
{
    struct bt_connection_opts login = bt_database_login(bt_rj_host(r)->conf);
    bt_auto_buf struct bt_buf sql;

    bt_buf_init(&sql, STATE_MAX);
    if (bt_rj_journal(r, "forget", "begin", err) != 0)
        return -1;
    bt_buf_add_str(&sql, "RESET MASTER");
    if (bt_rj_execute(r, &sql, "RESET MASTER", err) != 0)
        return -1;
    bt_crash_point("rejoin-reset");
    bt_buf_reset(&sql);
    bt_buf_add_str(&sql, "SET GLOBAL gtid_binlog_state = ");
    bt_sql_add_text(bt_rj_host(r)->sql, &sql, bt_slice_str(state));
    if (bt_rj_execute(r, &sql, "gtid_binlog_state", err) != 0 ||
        bt_flashback_forget(&login, bt_deadline_in(BT_RJ_STEP_MS), err) != 0)
        return -1;
    bt_rj_note(r, "Its binary logs begin anew behind %s.", state);
    return bt_rj_journal(r, "forget", "done", err);
}

static bool gtid_in(const struct bt_gtid_state *s, const struct bt_gtid *gtid)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].domain == gtid->domain && s->items[i].server_id == gtid->server_id)
            return s->items[i].sequence >= gtid->sequence;
    return false;
}

static bool state_in(const struct bt_gtid_state *all, const struct bt_gtid_state *some)
{
    for (size_t i = 0; i < some->count; i++)
        if (!gtid_in(all, &some->items[i]))
            return false;
    return true;
}

/* Between the reversal and now nobody wrote to it: its gtid_binlog_state is the one of then, the
 * one of before, or (behind RESET MASTER) none. */
static int unwritten_check(struct bt_rejoin *r, const char *before, const char *end,
                           struct bt_err *err)
{
    struct bt_gtid_state now = {0}, from = {0}, to = {0};
    bt_auto_rows struct bt_rows rows = {0};
    const char *text = NULL;
    int rc = state_ask(r, &rows, err);

    if (rc == 0) {
        text = bt_rows_text_at(&rows, 0, 0);
        rc = bt_gtid_state_parse(bt_slice_str(text ? text : ""), &now, err) != 0 ||
                     bt_gtid_state_parse(bt_slice_str(before), &from, err) != 0 ||
                     bt_gtid_state_parse(bt_slice_str(end), &to, err) != 0
                 ? -1
                 : 0;
    }
    if (rc == 0 && now.count && !(state_in(&now, &from) && state_in(&to, &now)))
        rc =
            bt_fail(err, BT_ERR_CONFLICT,
                    "somebody has written to %s since an earlier run took back what it alone had: "
                    "gtid_binlog_state was \"%s\" then and is \"%s\"; undo what came after by hand "
                    "and run RESET MASTER there, or give %s a copy of %s's data",
                    bt_rj_host(r)->conf->name, end, text, bt_rj_host(r)->conf->name,
                    bt_rj_primary(r)->conf->name);
    bt_gtid_state_done(&now);
    bt_gtid_state_done(&from);
    bt_gtid_state_done(&to);
    return rc;
}

int bt_rj_forget_rest(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_connection_opts login = bt_database_login(bt_rj_host(r)->conf);
    bt_auto_buf struct bt_buf note;
    const char *end;
    char *before;
    int rc;

    bt_buf_init(&note, STATE_MAX);
    rc = bt_flashback_find(&login, bt_deadline_in(BT_RJ_STEP_MS), &note, err);
    if (rc < 0)
        return bt_err_wrap(err, "%s", bt_rj_host(r)->conf->name);
    if (rc == 1)
        return 0;
    bt_rj_note(r, "An earlier run took back what %s alone had, and was cut off behind that.",
               bt_rj_host(r)->conf->name);
    r->is_reversed = true;
    end = strchr(bt_buf_str(&note), NOTE_BREAK);
    before = end ? bt_arena_str(&r->arena,
                                bt_slice(bt_buf_str(&note), (size_t)(end - bt_buf_str(&note))))
                 : NULL;
    if (!before)
        return bt_fail(err, BT_ERR_CORRUPT, "%s: the mark of a reversal says \"%.200s\"",
                       bt_rj_host(r)->conf->name, bt_buf_str(&note));
    if (unwritten_check(r, before, end + 1, err) != 0)
        return -1;
    return forget(r, before, err);
}

int bt_rj_reverse(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_connection_opts login = bt_database_login(bt_rj_host(r)->conf);
    bt_auto_buf struct bt_buf before, note;
    struct bt_flashback_opts opts = {0};

    bt_buf_init(&before, STATE_MAX);
    bt_buf_init(&note, STATE_MAX);
    if (r->extra.before.count == 0)
        return bt_fail(err, BT_ERR_REALITY,
                       "%s: where its history left the primary's is not known, so it cannot be "
                       "taken back",
                       bt_rj_host(r)->conf->name);
    state_write(r, &before);
    bt_buf_addf(&note, "%s%c%s", bt_buf_str(&before), NOTE_BREAK, r->state_end);
    opts.note = bt_buf_str(&note);
    if (bt_buf_check(&note, "GTID state", err) != 0 || bt_rj_still(r, err) != 0 ||
        bt_rj_journal(r, "reverse", "begin", err) != 0)
        return -1;
    r->is_reversing = true;
    if (bt_flashback_file(&login, r->archive_path, &opts, &r->reversed, err) != 0) {
        r->is_reversing = err->kind != BT_ERR_CONFLICT;
        return bt_err_wrap(err, "%s", bt_rj_host(r)->conf->name);
    }
    r->is_reversing = false;
    bt_rj_note(r, "%" PRIu64 " transactions, %" PRIu64 " rows were taken back.",
               r->reversed.transactions, r->reversed.rows);
    r->is_reversed = true;
    bt_crash_point("rejoin-reversed");
    if (bt_rj_still(r, err) != 0)
        return -1;
    return forget(r, bt_buf_str(&before), err);
}
