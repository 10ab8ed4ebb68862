/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/survey.h"

#include <inttypes.h>
#include <stdio.h>

#include "diff/survey_start.h"

enum { GTID_TEXT_MAX = 64 << 20 };

const char *bt_cut_kind_name(enum bt_cut_kind kind)
{
    static const char *const names[] = {
        [BT_CUT_NONE] = "none",
        [BT_CUT_UNFINISHED] = "unfinished",
        [BT_CUT_TORN] = "torn",
        [BT_CUT_CORRUPT] = "corrupt",
        [BT_CUT_MISSING] = "missing",
        [BT_CUT_FOREIGN] = "foreign",
    };

    return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "?";
}

void bt_survey_done(struct bt_survey *s)
{
    bt_gtid_state_done(&s->gtid);
    bt_gtid_set_done(&s->gtid_set);
    bt_buf_done(&s->gtid_text);
}

/* ------------------------------------------------------------------ the walk */

static int add_gtid(struct bt_survey *s, const struct bt_gtid *gtid, struct bt_err *err)
{
    if (gtid->kind == BT_GTID_MYSQL)
        return bt_gtid_set_add(&s->gtid_set, gtid, err);
    if (gtid->kind != BT_GTID_MARIADB)
        return 0;
    return bt_gtid_state_update(&s->gtid, gtid, err);
}

/* A GTID_LIST: the whole state in front of what follows, or what the IO thread has passed over. */
static int add_list(struct bt_survey *s, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_gtid_state list = {0};
    uint32_t flags;
    int failed = bt_gtid_list_read(ev, &list, &flags, err);

    for (size_t i = 0; !failed && i < list.count; i++)
        failed = bt_gtid_state_update(&s->gtid, &list.items[i], err);
    bt_gtid_state_done(&list);
    if (!failed && !s->has_transaction)
        s->has_gtid = true;
    return failed ? -1 : 0;
}

static int seed_gtid(struct bt_survey *s, const struct bt_survey_hints *hints, struct bt_err *err)
{
    if (!hints || !hints->gtid_executed)
        return 0;
    /* MySQL's notation has uuids in it, MariaDB's has no colon. */
    if (strchr(hints->gtid_executed, ':')) {
        if (bt_gtid_set_parse(bt_slice_str(hints->gtid_executed), &s->gtid_set, err) != 0)
            return bt_err_wrap(err, "executed GTIDs");
        s->has_gtid = true;
        return 0;
    }
    s->has_gtid = true; /* add_executed_gtids() */
    return 0;
}

/* A relay log whose list does not know what the log before it ends with: its server has thrown away
 * what stands there (relay_log_recovery; MySQL sql/rpl_replica.cc, recover_relay_log, 8.0), and no
 * applier will take it, damage and halves of transactions included.  What was received before is
 * what was executed, which the log cannot say. */
static int notice_recovery(struct bt_survey *s, const struct bt_survey_hints *hints,
                           const struct bt_log_walk_step *step, const struct bt_coordinate *last,
                           struct bt_err *err)
{
    bt_auto_gtid_set struct bt_gtid_set retrieved = {0};

    if (s->kind != BT_LOG_KIND_RELAY || s->last_gtid.kind != BT_GTID_MYSQL)
        return 0;
    if (bt_previous_gtids_read(&step->event, &retrieved, err) != 0)
        return -1;
    if (bt_gtid_set_has(&retrieved, &s->last_gtid))
        return 0;
    s->thrown_away = *last;
    s->anew = step->log;
    s->received = s->position = (struct bt_coordinate){0};
    s->has_transaction = s->ends_early = false;
    s->last_gtid = (struct bt_gtid){0};
    s->cut = (struct bt_cut){0};
    s->unfinished_bytes = 0;
    bt_gtid_set_done(&s->gtid_set);
    return seed_gtid(s, hints, err);
}

/* MySQL's: in a binary log all that was executed before it, in a relay log all that was retrieved.
 */
static int add_previous(struct bt_survey *s, const struct bt_event *ev, struct bt_err *err)
{
    bt_auto_gtid_set struct bt_gtid_set set = {0};

    if (bt_previous_gtids_read(ev, &set, err) != 0 ||
        bt_gtid_set_unite(&s->gtid_set, &set, err) != 0)
        return -1;
    s->has_gtid = true;
    return 0;
}

/* The server that wrote the set, and the one whose events it holds. */
static void take_format(struct bt_survey *s, const struct bt_event *ev)
{
    const struct bt_format *format = ev->format;

    if (ev->header.flags & BT_FLAG_RELAY_LOG || s->kind == BT_LOG_KIND_BINLOG)
        s->server_id = ev->header.server_id;
    if (s->kind == BT_LOG_KIND_RELAY && ev->header.flags & BT_FLAG_RELAY_LOG &&
        s->server_version[0])
        return;
    s->flavor = format->flavor;
    s->in_use = format->in_use;
    snprintf(s->server_version, sizeof(s->server_version), "%s", format->server_version);
}

static int take_transaction(struct bt_survey *s, const struct bt_transaction *t, struct bt_err *err)
{
    s->has_transaction = true;
    s->last_gtid = t->gtid;
    if (t->primary_end.file[0]) {
        if (!s->oldest.file[0])
            s->oldest = t->primary_start;
        s->received = t->primary_end;
        s->position = t->primary_end;
    }
    s->unfinished_bytes = 0;
    s->cut = (struct bt_cut){0};
    return add_gtid(s, &t->gtid, err);
}

/* Whether no applier comes past this cut: damage in relay logs that is not behind it already. */
static bool cut_is_final(const struct bt_survey *s, const struct bt_applied *applied,
                         const struct bt_log_walk_step *step)
{
    if (s->kind != BT_LOG_KIND_RELAY || step->cut.kind == BT_CUT_UNFINISHED)
        return false;
    return applied->log == SIZE_MAX || step->log > applied->log ||
           (step->log == applied->log && step->cut.at + step->cut.bytes > applied->pos);
}

static int take_step(struct bt_survey *s, const struct bt_applied *applied,
                     const struct bt_survey_hints *hints, const struct bt_log_walk *w,
                     const struct bt_log_walk_step *step, struct bt_err *err)
{
    const struct bt_coordinate *last = &w->grouper.place.last;

    if (step->cut.kind == BT_CUT_NONE && step->event.type == BT_PREVIOUS_GTIDS &&
        notice_recovery(s, hints, step, last, err) != 0)
        return bt_err_wrap(err, "%s:%" PRIu64, w->set->logs[step->log].name, step->event.offset);
    if (s->ends_early) {
        s->unfinished_bytes += step->cut.kind ? step->cut.bytes : step->event.header.length;
        return 0;
    }
    /* What stands before was half when it was thrown away. */
    if (step->cut.kind != BT_CUT_NONE && bt_log_set_index(w->set, step->cut.log) < s->anew)
        return 0;
    if (step->cut.kind != BT_CUT_NONE) {
        s->cut = step->cut;
        s->unfinished_bytes += step->cut.bytes;
        s->ends_early = cut_is_final(s, applied, step);
        return 0;
    }
    /* Entered in the middle of a log: its head was not handed out. */
    if (!s->server_version[0] && step->event.type != BT_FORMAT_DESCRIPTION) {
        s->flavor = step->event.format->flavor;
        s->in_use = step->event.format->in_use;
        snprintf(s->server_version, sizeof(s->server_version), "%s",
                 step->event.format->server_version);
    }
    if (step->part == BT_GROUP_END || step->part == BT_GROUP_WHOLE)
        return take_transaction(s, w->transaction, err);
    if (step->part != BT_GROUP_OUTSIDE || w->grouper.inside)
        return 0;
    if (step->event.type == BT_FORMAT_DESCRIPTION)
        take_format(s, &step->event);
    if (step->event.type == BT_GTID_LIST && add_list(s, &step->event, err) != 0)
        return bt_err_wrap(err, "%s:%" PRIu64, w->set->logs[step->log].name, step->event.offset);
    if (step->event.type == BT_PREVIOUS_GTIDS && add_previous(s, &step->event, err) != 0)
        return bt_err_wrap(err, "%s:%" PRIu64, w->set->logs[step->log].name, step->event.offset);
    if (last->file[0] && bt_coordinate_compare(last, &s->thrown_away) != 0) {
        if (!s->oldest.file[0])
            s->oldest = *last;
        s->position = *last;
    }
    return 0;
}

static int walk(const struct bt_log_set *set, const struct bt_survey_start *start,
                const struct bt_survey_hints *hints, struct bt_survey *s, struct bt_err *err)
{
    struct bt_log_walk_step step;
    struct bt_log_walk w;
    int got;

    bt_log_walk_begin(&w, set, start->opts);
    while ((got = bt_log_walk_next(&w, &step, err)) == 0) {
        if (take_step(s, &start->applied, hints, &w, &step, err) != 0) {
            got = -1;
            break;
        }
    }
    s->logs_read += w.logs_read;
    s->bytes_read += w.bytes_read;
    if (s->server_id == 0)
        s->server_id = w.grouper.place.own_server_id;
    bt_log_walk_end(&w);
    return got < 0 ? -1 : 0;
}

/* ------------------------------------------------------------------- results */

/* What a replica has executed it has received, even when the relay logs of it are purged.  Only
 * positions in logs of one base name can be compared. */
static bool same_base(const struct bt_coordinate *a, const struct bt_coordinate *b)
{
    size_t a_len, b_len;
    uint64_t number;

    return bt_log_name_split(a->file, &a_len, &number) &&
           bt_log_name_split(b->file, &b_len, &number) && a_len == b_len &&
           memcmp(a->file, b->file, a_len) == 0;
}

/* applied: where in these logs the applier stands.  With that place at hand the logs behind it say
 * how far it can have come.  The server says more than is true when it was shut down with only the
 * beginning of a transaction received: MariaDB 10.11.19 takes the offset of the STOP event of its
 * own relay log for the primary's coordinate (Exec_Master_Log_Pos and relay-log.info). */
static void take_executed(struct bt_survey *s, const struct bt_applied *applied,
                          const struct bt_relay_info *info, const struct bt_survey_hints *hints)
{
    const struct bt_coordinate *limit = NULL;

    if (s->kind == BT_LOG_KIND_BINLOG) {
        s->executed = s->received;
        return;
    }
    if (hints && hints->executed.file[0])
        s->executed = hints->executed;
    else if (info && info->executed.file[0])
        s->executed = info->executed;
    if (!s->executed.file[0])
        return;
    if (s->cut.kind != BT_CUT_NONE && s->cut.place.file[0])
        limit = &s->cut.place;
    else if (s->has_transaction)
        limit = &s->position;
    if (applied->log != SIZE_MAX && limit && same_base(&s->executed, limit) &&
        bt_coordinate_compare(&s->executed, limit) > 0)
        s->executed = *limit;
    /* Behind the last transaction the primary may have written events outside of any: having
     * executed those is not having more. */
    if (!s->received.file[0] || (same_base(&s->executed, &s->position) &&
                                 bt_coordinate_compare(&s->executed, &s->position) > 0))
        s->received = s->executed;
    if (!s->position.file[0] || (same_base(&s->received, &s->position) &&
                                 bt_coordinate_compare(&s->received, &s->position) > 0))
        s->position = s->received;
}

/* The transaction whose end was not received cannot have been executed, whatever the server says:
 * MariaDB 10.11.19 in position mode counts it into gtid_slave_pos when its receiver is stopped and
 * started in the middle of it (found by tests/soak/history). */
static bool was_not_executed(const struct bt_survey *s, const struct bt_gtid *gtid)
{
    return s->kind == BT_LOG_KIND_RELAY && s->cut.kind != BT_CUT_NONE &&
           bt_gtid_equal(&s->cut.gtid, gtid);
}

/* What was executed was received, even when the relay logs of it are gone. */
static int add_executed_gtids(struct bt_survey *s, const struct bt_survey_hints *hints,
                              struct bt_err *err)
{
    struct bt_gtid_state executed = {0};
    int failed = 0;

    if (!hints || !hints->gtid_executed || strchr(hints->gtid_executed, ':'))
        return 0;
    if (bt_gtid_state_parse(bt_slice_str(hints->gtid_executed), &executed, err) != 0)
        return bt_err_wrap(err, "executed GTIDs");
    for (size_t i = 0; !failed && i < executed.count; i++) {
        if (was_not_executed(s, &executed.items[i]) && executed.items[i].sequence-- < 2)
            continue;
        if (!bt_gtid_state_has(&s->gtid, &executed.items[i]))
            failed = bt_gtid_state_update(&s->gtid, &executed.items[i], err);
    }
    bt_gtid_state_done(&executed);
    return failed;
}

/* Where the logs at hand begin, and who wrote them: the walk has seen only their end. */
static int look_at_oldest(const struct bt_log_set *set, struct bt_survey *s, struct bt_err *err)
{
    struct bt_log_head head;

    if (set->count == 0)
        return 0;
    if (bt_log_head_read(set, 0, &head, err) != 0)
        return -1;
    s->logs_read++;
    if (head.place.file[0])
        s->oldest = head.place;
    if (!s->server_version[0] && head.readable) { /* nothing stood behind the place of a hint */
        s->flavor = head.flavor;
        memcpy(s->server_version, head.server_version, sizeof(s->server_version));
    }
    bt_log_head_done(&head);
    return 0;
}

static int say_gtids(struct bt_survey *s, struct bt_err *err)
{
    /* With gtid_mode=OFF the set is there and empty: it says nothing. */
    if (s->flavor == BT_FLAVOR_MYSQL && bt_gtid_set_is_empty(&s->gtid_set))
        s->has_gtid = false;
    if (s->has_gtid && s->flavor == BT_FLAVOR_MYSQL)
        bt_gtid_set_text(&s->gtid_set, &s->gtid_text);
    else if (s->has_gtid)
        bt_gtid_state_text(&s->gtid, &s->gtid_text);
    return bt_buf_check(&s->gtid_text, "the GTID state", err);
}

/* The state in front of a start near the end: the list of the newest log that has one. */
static int seed_list(const struct bt_survey_start *start, struct bt_survey *s, struct bt_err *err)
{
    s->gtid_from_end = start->from_end;
    s->has_gtid = s->has_gtid || start->from_end;
    for (size_t i = 0; i < start->listed.count; i++) {
        if (bt_gtid_state_update(&s->gtid, &start->listed.items[i], err) != 0)
            return -1;
    }
    return 0;
}

/* Reads from the start on.  1: what spared reading cannot be trusted. */
static int read_on(const struct bt_log_set *set, const struct bt_survey_start *start,
                   const struct bt_survey_hints *hints, struct bt_survey *s, struct bt_err *err)
{
    if (seed_list(start, s, err) != 0)
        return -1;
    if (walk(set, start, hints, s, err) != 0)
        return start->is_hint && err->kind == BT_ERR_REALITY ? 1 : -1;
    if (start->jumped && (!s->has_transaction || s->cut.kind == BT_CUT_CORRUPT ||
                          s->cut.kind == BT_CUT_TORN))
        return 1;
    return start->from_end && !bt_survey_start_saw_all(start, &s->gtid);
}

static int run(const struct bt_log_set *set, const struct bt_relay_info *info,
               const struct bt_survey_hints *hints, enum bt_survey_trust trust,
               struct bt_survey *s, struct bt_err *err)
{
    struct bt_survey_start start;
    int got;

    if (seed_gtid(s, hints, err) != 0 ||
        bt_survey_start_find(set, hints, trust, s, &start, err) != 0)
        return -1;
    got = read_on(set, &start, hints, s, err);
    if (got == 0) {
        if (!s->received.file[0])
            s->received = s->position;
        take_executed(s, &start.applied, info, hints);
        got = look_at_oldest(set, s, err);
    }
    bt_survey_start_done(&start);
    if (got != 0)
        return got;
    return add_executed_gtids(s, hints, err) != 0 ? -1 : say_gtids(s, err);
}

int bt_survey_run(const struct bt_log_set *set, const struct bt_relay_info *info,
                  const struct bt_survey_hints *hints, struct bt_survey *ret, struct bt_err *err)
{
    struct bt_err why = {0};
    struct bt_survey s = {0};
    uint64_t logs_read = 0, bytes_read = 0;
    int got = 1;

    for (enum bt_survey_trust trust = BT_TRUST_ALL; got == 1 && trust <= BT_TRUST_HEADS; trust++) {
        if (trust == BT_TRUST_FAR && !s.gtid_from_end)
            continue;
        s = (struct bt_survey){
            .kind = set->kind, .logs_read = logs_read, .bytes_read = bytes_read};
        bt_buf_init(&s.gtid_text, GTID_TEXT_MAX);
        bt_err_clear(&why);
        got = run(set, info, hints, trust, &s, &why);
        logs_read = s.logs_read;
        bytes_read = s.bytes_read;
        if (got != 0)
            bt_survey_done(&s);
    }
    if (got != 0) {
        *err = why;
        return bt_err_wrap(err, "logs \"%s\" of \"%s\"", set->base, set->opener->name);
    }
    *ret = s;
    return 0;
}
