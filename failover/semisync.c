/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/semisync.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "base/number.h"

/* ------------------------------------------------------------------------ ask */

static bool name_ends(const char *name, const char *end)
{
    size_t len = strlen(name), tail = strlen(end);

    return len >= tail && strcasecmp(name + len - tail, end) == 0;
}

/* "rpl_semi_sync_master_timeout" and "rpl_semi_sync_source_timeout" by "_timeout". */
static const char *value_of(const struct bt_rows *rows, const char *end)
{
    for (uint64_t i = 0; i < rows->row_count; i++) {
        const char *name = bt_rows_text_at(rows, i, 0);

        if (name && name_ends(name, end))
            return bt_rows_text_at(rows, i, 1);
    }
    return NULL;
}

static uint64_t number_of(const struct bt_rows *rows, const char *end)
{
    const char *text = value_of(rows, end);
    uint64_t value = 0;

    return text && bt_number_u64(bt_slice_str(text), UINT64_MAX, &value) ? value : 0;
}

static bool is_on(const struct bt_rows *rows, const char *end)
{
    const char *text = value_of(rows, end);

    return text && (strcasecmp(text, "ON") == 0 || strcmp(text, "1") == 0);
}

static int ask_variables(struct bt_connection *sql, struct bt_deadline until,
                         struct bt_semisync_sample *s, struct bt_err *err)
{
    static const char statement[] =
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN "
        "('rpl_semi_sync_master_enabled','rpl_semi_sync_source_enabled',"
        "'rpl_semi_sync_master_timeout','rpl_semi_sync_source_timeout',"
        "'rpl_semi_sync_master_wait_point','rpl_semi_sync_source_wait_point',"
        "'rpl_semi_sync_master_wait_no_slave','rpl_semi_sync_source_wait_no_replica',"
        "'rpl_semi_sync_master_wait_for_slave_count','rpl_semi_sync_source_wait_for_replica_count'"
        ")";
    bt_auto_rows struct bt_rows rows = {0};
    const char *point;

    if (bt_connection_query(sql, bt_slice_str(statement), until, &rows, err) != 0)
        return bt_err_wrap(err, "semi-sync settings");
    point = value_of(&rows, "_wait_point");
    s->is_enabled = is_on(&rows, "_enabled");
    s->timeout_ms = number_of(&rows, "_timeout");
    s->is_after_commit = point && strcasecmp(point, "AFTER_COMMIT") == 0;
    s->waits_for_nobody = is_on(&rows, "_wait_no_slave") || is_on(&rows, "_wait_no_replica");
    s->needed = number_of(&rows, "_count");
    s->needed = s->needed ? s->needed : 1;
    return 0;
}

static int ask_status(struct bt_connection *sql, struct bt_deadline until,
                      struct bt_semisync_sample *s, struct bt_err *err)
{
    static const char statement[] =
        "SHOW GLOBAL STATUS WHERE Variable_name IN "
        "('Rpl_semi_sync_master_status','Rpl_semi_sync_source_status',"
        "'Rpl_semi_sync_master_clients','Rpl_semi_sync_source_clients',"
        "'Rpl_semi_sync_master_wait_sessions','Rpl_semi_sync_source_wait_sessions',"
        "'Rpl_semi_sync_master_yes_tx','Rpl_semi_sync_source_yes_tx')";
    bt_auto_rows struct bt_rows rows = {0};

    if (bt_connection_query(sql, bt_slice_str(statement), until, &rows, err) != 0)
        return bt_err_wrap(err, "semi-sync state");
    s->is_on = is_on(&rows, "_status");
    s->clients = number_of(&rows, "_clients");
    s->waiting = number_of(&rows, "_wait_sessions");
    s->acked = number_of(&rows, "_yes_tx");
    return 0;
}

int bt_semisync_ask(struct bt_connection *sql, struct bt_deadline until,
                    struct bt_semisync_sample *ret, struct bt_err *err)
{
    struct bt_semisync_sample s = {.asked_ms = bt_clock_ms()};

    if (ask_variables(sql, until, &s, err) != 0 ||
        (s.is_enabled && ask_status(sql, until, &s, err) != 0))
        return -1;
    s.answered_ms = bt_clock_ms();
    *ret = s;
    return 0;
}

/* ----------------------------------------------------------------------- take */

void bt_semisync_take(struct bt_semisync *s, const struct bt_semisync_sample *sample)
{
    const struct bt_semisync_sample *before = &s->last;
    bool waited_before = s->is_known && before->is_enabled && before->is_on;

    if (!sample->is_enabled || !sample->is_on) {
        s->fresh_ms = 0;
        s->off_ms = !sample->is_enabled ? 0 : s->off_ms ? s->off_ms
                                                        : sample->asked_ms;
    } else {
        s->off_ms = 0;
        if (sample->waiting == 0)
            s->fresh_ms = sample->asked_ms;
        else if (waited_before && sample->acked >= before->acked &&
                 sample->acked - before->acked > before->waiting)
            s->fresh_ms = before->asked_ms;
    }
    s->last = *sample;
    s->is_known = true;
}

/* ------------------------------------------------------------------------ end */

static void because(struct bt_semisync_end *end, enum bt_semisync_state state, const char *fmt, ...)
    BT_PRINTF(3, 4);

static void because(struct bt_semisync_end *end, enum bt_semisync_state state, const char *fmt, ...)
{
    va_list args;

    end->state = state;
    va_start(args, fmt);
    vsnprintf(end->text, sizeof(end->text), fmt, args);
    va_end(args);
}

static double ago(int64_t ms)
{
    return (double)(bt_clock_ms() - ms) / 1000;
}

void bt_semisync_end(const struct bt_semisync *s, int64_t gone_ms, struct bt_semisync_end *ret)
{
    const struct bt_semisync_sample *last = &s->last;
    double timeout = (double)last->timeout_ms / 1000;

    *ret = (struct bt_semisync_end){.is_after_commit = last->is_after_commit,
                                    .clients = last->clients,
                                    .needed = last->needed};
    if (!s->is_known)
        because(ret, BT_SEMISYNC_UNKNOWN, "nobody watched the primary while it lived");
    else if (!last->is_enabled)
        because(ret, BT_SEMISYNC_OFF, "replication was asynchronous");
    else if (!last->is_on)
        because(ret, BT_SEMISYNC_FELL_BACK,
                "semi-sync had fallen back to asynchronous replication, %.1f s ago at the latest",
                ago(s->off_ms));
    else if (!last->waits_for_nobody)
        because(ret, BT_SEMISYNC_MAY_HAVE_FALLEN_BACK,
                "semi-sync was in force %.1f s ago, but with wait_no_slave=OFF it falls back at "
                "once when no replica is connected",
                ago(last->asked_ms));
    else if (s->fresh_ms && gone_ms - s->fresh_ms < (int64_t)last->timeout_ms)
        because(ret, BT_SEMISYNC_IN_FORCE,
                "semi-sync was in force %.1f s ago, and a commit waits %.1f s for a receipt",
                ago(last->asked_ms), timeout);
    else if (gone_ms == INT64_MAX)
        because(ret, BT_SEMISYNC_MAY_HAVE_FALLEN_BACK,
                "semi-sync was in force %.1f s ago, but it falls back after %.1f s and it is not "
                "proved that the primary does not run on, seen by nobody",
                ago(last->asked_ms), timeout);
    else
        because(
            ret, BT_SEMISYNC_MAY_HAVE_FALLEN_BACK,
            "semi-sync was in force %.1f s ago, but a commit may have waited for %.1f s by then "
            "or since, and it falls back after that",
            ago(last->asked_ms), timeout);
}

/* ---------------------------------------------------------------------- judge */

static void say(struct bt_semisync_acks *acks, enum bt_acked unsent, const char *fmt, ...)
    BT_PRINTF(3, 4);

static void say(struct bt_semisync_acks *acks, enum bt_acked unsent, const char *fmt, ...)
{
    va_list args;

    acks->unsent = unsent;
    va_start(args, fmt);
    vsnprintf(acks->text, sizeof(acks->text), fmt, args);
    va_end(args);
}

void bt_semisync_judge(const struct bt_semisync_end *end,
                       const struct bt_semisync_receipts *receipts, struct bt_semisync_acks *ret)
{
    size_t absent = end->clients > receipts->known ? (size_t)end->clients - receipts->known : 0;

    if (end->state == BT_SEMISYNC_UNKNOWN)
        say(ret, BT_ACKED_UNKNOWN,
            "Whether what no replica has received was acknowledged to clients is not known: %s.",
            end->text);
    else if (end->state != BT_SEMISYNC_IN_FORCE)
        say(ret, BT_ACKED_MAYBE,
            "What no replica has received may have been acknowledged to clients: %s.", end->text);
    else if (absent >= end->needed)
        say(ret, BT_ACKED_MAYBE,
            "What none of these replicas has received may have been acknowledged to clients: %s, "
            "but of %llu replicas that acknowledged, %zu cannot be asked what it has received.",
            end->text, (unsigned long long)end->clients, absent);
    else
        say(ret, BT_ACKED_NO,
            "What no replica has received was acknowledged to no client%s: %s.",
            end->is_after_commit ? " (AFTER_COMMIT: others may have read it)" : "", end->text);
}

/* -------------------------------------------------------------------- journal */

static void time_write(struct bt_json *out, const char *key, int64_t ms)
{
    int64_t wall_us = bt_clock_wall_us() - (bt_clock_ms() - ms) * 1000;

    bt_json_key_u64(out, key, ms && ms != INT64_MAX && wall_us > 0 ? (uint64_t)wall_us : 0);
}

void bt_semisync_json(const struct bt_semisync *s, int64_t gone_ms, struct bt_json *out)
{
    const struct bt_semisync_sample *last = &s->last;

    bt_json_object(out);
    bt_json_key_bool(out, "enabled", last->is_enabled);
    bt_json_key_bool(out, "on", last->is_on);
    bt_json_key_bool(out, "after_commit", last->is_after_commit);
    bt_json_key_bool(out, "waits_for_nobody", last->waits_for_nobody);
    bt_json_key_u64(out, "clients", last->clients);
    bt_json_key_u64(out, "needed", last->needed);
    bt_json_key_u64(out, "timeout_ms", last->timeout_ms);
    time_write(out, "seen_us", last->asked_ms);
    time_write(out, "fresh_us", s->fresh_ms);
    time_write(out, "off_us", s->off_ms);
    time_write(out, "gone_us", gone_ms);
    bt_json_end(out);
}

static bool flag_read(struct bt_json_value object, const char *key)
{
    struct bt_json_value value;

    return bt_json_member(object, key, &value) && value.kind == BT_JSON_TRUE;
}

static uint64_t number_read(struct bt_json_value object, const char *key)
{
    struct bt_json_value value;
    uint64_t number;

    return bt_json_member(object, key, &value) && bt_json_get_u64(value, &number) ? number : 0;
}

/* 0 stays 0: not known. */
static int64_t time_read(struct bt_json_value object, const char *key)
{
    uint64_t wall_us = number_read(object, key);

    return wall_us && wall_us < INT64_MAX
               ? bt_clock_ms() - (bt_clock_wall_us() - (int64_t)wall_us) / 1000
               : 0;
}

void bt_semisync_read(struct bt_json_value object, struct bt_semisync *ret, int64_t *ret_gone_ms)
{
    int64_t gone = time_read(object, "gone_us");

    *ret = (struct bt_semisync){.is_known = true,
                                .fresh_ms = time_read(object, "fresh_us"),
                                .off_ms = time_read(object, "off_us")};
    ret->last = (struct bt_semisync_sample){
        .is_enabled = flag_read(object, "enabled"),
        .is_on = flag_read(object, "on"),
        .is_after_commit = flag_read(object, "after_commit"),
        .waits_for_nobody = flag_read(object, "waits_for_nobody"),
        .clients = number_read(object, "clients"),
        .needed = number_read(object, "needed"),
        .timeout_ms = number_read(object, "timeout_ms"),
        .asked_ms = time_read(object, "seen_us"),
    };
    *ret_gone_ms = gone ? gone : INT64_MAX;
}

const char *bt_semisync_state_name(enum bt_semisync_state state)
{
    switch (state) {
    case BT_SEMISYNC_UNKNOWN: return "unknown";
    case BT_SEMISYNC_OFF: return "off";
    case BT_SEMISYNC_FELL_BACK: return "fell-back";
    case BT_SEMISYNC_MAY_HAVE_FALLEN_BACK: return "may-have-fallen-back";
    case BT_SEMISYNC_IN_FORCE: return "in-force";
    }
    return "unknown";
}

const char *bt_acked_name(enum bt_acked acked)
{
    switch (acked) {
    case BT_ACKED_UNKNOWN: return "unknown";
    case BT_ACKED_MAYBE: return "maybe";
    case BT_ACKED_NO: return "no";
    }
    return "unknown";
}
