/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QUERY and EXECUTE_LOAD_QUERY; the byte table of the event stands in query.h.
 *
 * Status variables (sql/log_event.cc MariaDB 10.11 and 11.8, libbinlogevents MySQL 8.0.43):
 *     0 FLAGS2                    4
 *     1 SQL_MODE                  8
 *     2 CATALOG_NUL               length 1, bytes, NUL      MySQL 5.0.0 to 5.0.3
 *     3 AUTO_INCREMENT            increment 2, offset 2
 *     4 CHARSET                   client 2, connection 2, server 2
 *     5 TIME_ZONE                 length 1, bytes
 *     6 CATALOG                   length 1, bytes
 *     7 LC_TIME_NAMES             2
 *     8 CHARSET_DATABASE          2
 *     9 TABLE_MAP_FOR_UPDATE      8
 *    10 DATA_WRITTEN              4
 *    11 INVOKER                   length 1, user, length 1, host
 *    12 UPDATED_DB_NAMES          count 1 (254: too many, no names), NUL-ended names    MySQL
 *    13 MICROSECONDS              3                         MySQL
 *    16 EXPLICIT_DEFAULTS_TS      1                         MySQL
 *    17 DDL_XID                   8                         MySQL
 *    18 DEFAULT_COLLATION_UTF8MB4 2                         MySQL
 *    19 SQL_REQUIRE_PRIMARY_KEY   1                         MySQL
 *    20 DEFAULT_TABLE_ENCRYPTION  1                         MySQL
 *   128 HRNOW                     3                         MariaDB
 *   129 XID                       8                         MariaDB
 *   130 GTID_FLAGS3               1, and 8 with COMMIT_ALTER or ROLLBACK_ALTER    MariaDB
 *   131 CHARACTER_SET_COLLATIONS  count 1, (charset 2, collation 2)*    MariaDB 11.2
 *   255 DUMMY                     nothing                   MariaDB
 */
#include "parser/query.h"

#include "parser/gtid.h"

enum { UPDATED_DBS_MANY = 254 };

/* --------------------------------------------------------------- variables */

static bool take_updated_dbs(struct bt_cursor *c, struct bt_query *q)
{
    struct bt_cursor start;
    struct bt_slice name;

    if (!bt_cur_u8(c, &q->updated_db_count))
        return false;
    start = *c;
    if (q->updated_db_count != UPDATED_DBS_MANY)
        for (int i = 0; i < q->updated_db_count; i++)
            if (!bt_cur_cstring(c, &name))
                return false;
    q->updated_dbs = bt_slice(start.at, start.left - c->left);
    return true;
}

static bool take_gtid_flags3(struct bt_cursor *c, struct bt_query *q)
{
    return bt_cur_u8(c, &q->gtid_flags3) &&
           (!(q->gtid_flags3 & (BT_GTID_COMMIT_ALTER | BT_GTID_ROLLBACK_ALTER)) ||
            bt_cur_u64(c, &q->alter_seq));
}

static bool take_collations(struct bt_cursor *c, struct bt_query *q)
{
    uint8_t count;

    return bt_cur_u8(c, &count) && bt_cur_take(c, count * 4u, &q->character_set_collations);
}

static bool take_microseconds(struct bt_cursor *c, struct bt_query *q)
{
    uint64_t us;

    if (!bt_cur_le(c, 3, &us))
        return false;
    q->microseconds = (uint32_t)us;
    return true;
}

static bool take_catalog_nul(struct bt_cursor *c, struct bt_query *q)
{
    return bt_cur_len8(c, &q->catalog) && bt_cur_skip(c, 1);
}

/* 1: taken.  0: a code that we do not know.  -1: cut short. */
static int take_variable(struct bt_cursor *c, uint8_t code, struct bt_query *q)
{
    uint32_t data_written;
    bool taken = false;

    switch ((enum bt_query_variable)code) {
    case BT_QUERY_FLAGS2: taken = bt_cur_u32(c, &q->flags2); break;
    case BT_QUERY_SQL_MODE: taken = bt_cur_u64(c, &q->sql_mode); break;
    case BT_QUERY_CATALOG_NUL: taken = take_catalog_nul(c, q); break;
    case BT_QUERY_AUTO_INCREMENT:
        taken = bt_cur_u16(c, &q->auto_increment_increment) &&
                bt_cur_u16(c, &q->auto_increment_offset);
        break;
    case BT_QUERY_CHARSET:
        taken = bt_cur_u16(c, &q->charset_client) &&
                bt_cur_u16(c, &q->collation_connection) &&
                bt_cur_u16(c, &q->collation_server);
        break;
    case BT_QUERY_TIME_ZONE: taken = bt_cur_len8(c, &q->time_zone); break;
    case BT_QUERY_CATALOG: taken = bt_cur_len8(c, &q->catalog); break;
    case BT_QUERY_LC_TIME_NAMES: taken = bt_cur_u16(c, &q->lc_time_names); break;
    case BT_QUERY_CHARSET_DATABASE: taken = bt_cur_u16(c, &q->collation_database); break;
    case BT_QUERY_TABLE_MAP_FOR_UPDATE: taken = bt_cur_u64(c, &q->table_map_for_update); break;
    case BT_QUERY_DATA_WRITTEN: taken = bt_cur_u32(c, &data_written); break;
    case BT_QUERY_INVOKER:
        taken = bt_cur_len8(c, &q->invoker_user) && bt_cur_len8(c, &q->invoker_host);
        break;
    case BT_QUERY_UPDATED_DB_NAMES: taken = take_updated_dbs(c, q); break;
    case BT_QUERY_MICROSECONDS:
    case BT_QUERY_HRNOW: taken = take_microseconds(c, q); break;
    case BT_QUERY_EXPLICIT_DEFAULTS_TS: taken = bt_cur_u8(c, &q->explicit_defaults); break;
    case BT_QUERY_DDL_XID:
    case BT_QUERY_XID: taken = bt_cur_u64(c, &q->xid); break;
    case BT_QUERY_DEFAULT_COLLATION_UTF8MB4:
        taken = bt_cur_u16(c, &q->default_collation_utf8mb4);
        break;
    case BT_QUERY_SQL_REQUIRE_PRIMARY_KEY: taken = bt_cur_u8(c, &q->require_primary_key); break;
    case BT_QUERY_DEFAULT_TABLE_ENCRYPTION:
        taken = bt_cur_u8(c, &q->default_table_encryption);
        break;
    case BT_QUERY_GTID_FLAGS3: taken = take_gtid_flags3(c, q); break;
    case BT_QUERY_CHARACTER_SET_COLLATIONS: taken = take_collations(c, q); break;
    case BT_QUERY_DUMMY: taken = true; break;
    default: return 0;
    }
    return taken ? 1 : -1;
}

static int read_variables(struct bt_query *q, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(q->variables);
    uint8_t code;

    while (bt_cur_u8(&c, &code)) {
        int taken = take_variable(&c, code, q);

        if (taken < 0)
            return bt_fail(err, BT_ERR_CORRUPT, "status variable %u of a statement is cut short",
                           code);
        if (taken == 0)
            break;
        q->present[code / 64] |= UINT64_C(1) << (code % 64);
    }
    return 0;
}

/* ------------------------------------------------------------------- event */

static bool take_load(struct bt_cursor *c, struct bt_query *q)
{
    uint8_t duplicates;

    if (!(bt_cur_u32(c, &q->file_id) &&
          bt_cur_u32(c, &q->file_name_start) &&
          bt_cur_u32(c, &q->file_name_end) &&
          bt_cur_u8(c, &duplicates) &&
          duplicates <= BT_LOAD_REPLACE))
        return false;
    q->is_load = true;
    q->duplicates = duplicates;
    return true;
}

/* All but what the status variables mean. */
static int read_frame(const struct bt_event *ev, struct bt_query *q, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);
    uint8_t db_len, nul;
    uint16_t variables_len;

    if (!(bt_cur_u32(&c, &q->thread_id) &&
          bt_cur_u32(&c, &q->exec_seconds) &&
          bt_cur_u8(&c, &db_len) &&
          bt_cur_u16(&c, &q->error_code) &&
          bt_cur_u16(&c, &variables_len) &&
          (ev->type != BT_EXECUTE_LOAD_QUERY || take_load(&c, q)) &&
          bt_cur_take(&c, variables_len, &q->variables) &&
          bt_cur_take(&c, db_len, &q->db) &&
          bt_cur_u8(&c, &nul)))
        return bt_fail(err, BT_ERR_CORRUPT, "%s of %zu bytes ends before its text",
                       ev->type == BT_QUERY ? "QUERY" : "EXECUTE_LOAD_QUERY", ev->body.len);
    q->text = bt_cur_rest(&c);
    if (q->is_load &&
        (q->file_name_start > q->file_name_end || q->file_name_end > q->text.len))
        return bt_fail(err, BT_ERR_CORRUPT,
                       "EXECUTE_LOAD_QUERY has its file name at %u to %u in a text of %zu bytes",
                       q->file_name_start, q->file_name_end, q->text.len);
    return 0;
}

int bt_query_read(const struct bt_event *ev, struct bt_query *ret, struct bt_err *err)
{
    struct bt_query q = {
        .time_zone = bt_slice_empty(),
        .catalog = bt_slice_empty(),
        .invoker_user = bt_slice_empty(),
        .invoker_host = bt_slice_empty(),
        .updated_dbs = bt_slice_empty(),
        .character_set_collations = bt_slice_empty(),
    };

    if (read_frame(ev, &q, err) != 0 || read_variables(&q, err) != 0)
        return -1;
    *ret = q;
    return 0;
}

int bt_query_text_read(const struct bt_event *ev, struct bt_slice *ret, struct bt_err *err)
{
    struct bt_query q;

    q.is_load = false;
    if (read_frame(ev, &q, err) != 0)
        return -1;
    *ret = q.text;
    return 0;
}
