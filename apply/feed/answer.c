/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/feed/answer.h"

#include <stdio.h>
#include <strings.h>
#include <time.h>

#include "base/number.h"

enum { ER_UNKNOWN_SYSTEM_VARIABLE = 1193, HEARTBEAT_MAX_MS = 60000, HEARTBEAT_MIN_MS = 10 };

static bool starts(struct bt_slice sql, const char *prefix)
{
    size_t len = strlen(prefix);

    return sql.len >= len && strncasecmp((const char *)sql.ptr, prefix, len) == 0;
}

static void answer_one(struct bt_wire *w, const char *name, const char *value)
{
    bt_wire_row(w, 1, &name, &value);
}

static void answer_variable(struct bt_feed_session *s, struct bt_slice sql, struct bt_wire *w)
{
    static const char *const names[] = {"Variable_name", "Value"};
    char number[24];
    const char *const values[] = {"server_id", number};

    snprintf(number, sizeof(number), "%u", s->server_id);
    bt_wire_row(w, 2, names, starts(sql, "SHOW VARIABLES LIKE 'SERVER_ID'") ? values : NULL);
}

static void answer_select(struct bt_feed_session *s, struct bt_slice sql, struct bt_wire *w)
{
    char number[24];

    if (starts(sql, "SELECT UNIX_TIMESTAMP()")) {
        snprintf(number, sizeof(number), "%lld", (long long)time(NULL));
        answer_one(w, "UNIX_TIMESTAMP()", number);
    } else if (starts(sql, "SELECT @@GLOBAL.SERVER_ID")) {
        snprintf(number, sizeof(number), "%u", s->server_id);
        answer_one(w, "@@GLOBAL.SERVER_ID", number);
    } else if (starts(sql, "SELECT @master_binlog_checksum") ||
               starts(sql, "SELECT @source_binlog_checksum")) {
        answer_one(w, "checksum", s->checksum ? "CRC32" : "NONE");
    } else if (starts(sql, "SELECT @@GLOBAL.GTID_MODE")) {
        answer_one(w, "@@GLOBAL.GTID_MODE", "ON");
    } else if (starts(sql, "SELECT @@GLOBAL.SERVER_UUID")) {
        answer_one(w, "@@GLOBAL.SERVER_UUID", s->uuid);
    } else if (starts(sql, "SELECT @@GLOBAL.gtid_domain_id")) {
        answer_one(w, "@@GLOBAL.gtid_domain_id", "0");
    } else if (starts(sql, "SELECT binlog_gtid_pos(")) {
        answer_one(w, "binlog_gtid_pos", "");
    } else {
        /* What the IO thread can do without it asks for expecting this. */
        bt_wire_error(w, ER_UNKNOWN_SYSTEM_VARIABLE, "Unknown system variable");
    }
}

/* The value behind the first '=' and before a comma outside of quotes, without quotes and blanks
 * (MySQL sets two variables at once). */
static struct bt_slice value_of(struct bt_slice sql)
{
    const uint8_t *equals = memchr(sql.ptr, '=', sql.len);
    struct bt_slice v = bt_slice_empty();

    if (!equals)
        return v;
    v = bt_slice(equals + 1, sql.len - (size_t)(equals + 1 - sql.ptr));
    while (v.len > 0 && v.ptr[0] == ' ') {
        v.ptr++;
        v.len--;
    }
    for (size_t i = v.len > 0 && v.ptr[0] == '\'' ? v.len : 0; i < v.len; i++)
        if (v.ptr[i] == ',')
            v.len = i;
    while (v.len > 0 && (v.ptr[0] == ' ' || v.ptr[0] == '\'')) {
        v.ptr++;
        v.len--;
    }
    while (v.len > 0 && (v.ptr[v.len - 1] == ' ' || v.ptr[v.len - 1] == '\''))
        v.len--;
    return v;
}

static int take_state(struct bt_feed_session *s, struct bt_slice text, struct bt_err *err)
{
    struct bt_gtid_state state = {0};
    int status;

    bt_had_done(&s->has);
    s->has = (struct bt_had){0};
    if (text.len == 0)
        return 0;
    if (bt_gtid_state_parse(text, &state, err) < 0)
        return bt_err_wrap(err, "the replica's GTID state");
    status = bt_had_copy(&s->has, &state, NULL, err);
    bt_gtid_state_done(&state);
    return status;
}

static int take_set(struct bt_feed_session *s, struct bt_slice sql, struct bt_err *err)
{
    struct bt_slice value = value_of(sql);
    uint64_t ns;

    if (starts(sql, "SET @slave_connect_state"))
        return take_state(s, value, err);
    if (starts(sql, "SET @master_heartbeat_period") && bt_number_u64(value, UINT64_MAX, &ns)) {
        s->heartbeat_ms = (int64_t)(ns / 1000000);
        if (s->heartbeat_ms > HEARTBEAT_MAX_MS)
            s->heartbeat_ms = HEARTBEAT_MAX_MS;
        if (s->heartbeat_ms > 0 && s->heartbeat_ms < HEARTBEAT_MIN_MS)
            s->heartbeat_ms = HEARTBEAT_MIN_MS;
    }
    return 0;
}

int bt_feed_answer(struct bt_feed_session *s, struct bt_slice sql, struct bt_wire *w,
                   struct bt_err *err)
{
    if (starts(sql, "SET ")) {
        if (take_set(s, sql, err) < 0)
            return -1;
        bt_wire_ok(w);
    } else if (starts(sql, "SHOW VARIABLES LIKE ")) {
        answer_variable(s, sql, w);
    } else {
        answer_select(s, sql, w);
    }
    return 0;
}
