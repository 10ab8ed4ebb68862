/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/decode_all.h"

#include "parser/control.h"
#include "parser/gtid_set.h"
#include "parser/query.h"
#include "parser/rows.h"
#include "parser/statement.h"

static int decode_gtid_list(const struct bt_event *ev, struct bt_err *err)
{
    struct bt_gtid_state state;
    uint32_t flags;

    if (bt_gtid_list_read(ev, &state, &flags, err) != 0)
        return -1;
    bt_gtid_state_done(&state);
    return 0;
}

static int decode_previous_gtids(const struct bt_event *ev, struct bt_err *err)
{
    struct bt_gtid_set set = {0};

    if (bt_previous_gtids_read(ev, &set, err) != 0)
        return -1;
    bt_gtid_set_done(&set);
    return 0;
}

static int decode_rows(const struct bt_event *ev, struct bt_table_cache *tables,
                       struct bt_err *err)
{
    struct bt_rows_event rows;
    uint16_t partition, source;

    if (bt_rows_event_read(ev, &rows, err) != 0)
        return -1;
    (void)bt_table_cache_get(tables, ev->header.server_id, rows.table_id);
    return bt_rows_partition(&rows, &partition, &source, err) < 0 ? -1 : 0;
}

static int decode_query(const struct bt_event *ev, struct bt_err *err)
{
    struct bt_query query;

    if (bt_query_read(ev, &query, err) != 0)
        return -1;
    (void)bt_query_verb(query.text);
    return 0;
}

int bt_decode_event(const struct bt_event *ev, struct bt_table_cache *tables, struct bt_err *err)
{
    union {
        struct bt_rotate rotate;
        uint64_t xid;
        struct bt_xa_prepare xa;
        struct bt_incident incident;
        struct bt_slice slice;
        struct bt_start_encryption encryption;
        struct bt_row_fragment fragment;
        struct bt_intvar intvar;
        struct bt_rand rand;
        struct bt_user_var user_var;
        struct bt_load_block block;
        struct bt_gtid_event gtid;
        struct bt_table *table;
    } ret;

    if (bt_event_is_rows(ev->type))
        return decode_rows(ev, tables, err);
    switch (ev->type) {
    case BT_QUERY:
    case BT_EXECUTE_LOAD_QUERY: return decode_query(ev, err);
    case BT_ROTATE: return bt_rotate_read(ev, &ret.rotate, err);
    case BT_XID: return bt_xid_read(ev, &ret.xid, err);
    case BT_XA_PREPARE: return bt_xa_prepare_read(ev, &ret.xa, err);
    case BT_INCIDENT: return bt_incident_read(ev, &ret.incident, err);
    case BT_BINLOG_CHECKPOINT: return bt_binlog_checkpoint_read(ev, &ret.slice, err);
    case BT_START_ENCRYPTION: return bt_start_encryption_read(ev, &ret.encryption, err);
    case BT_PARTIAL_ROW_DATA: return bt_row_fragment_read(ev, &ret.fragment, err);
    case BT_INTVAR: return bt_intvar_read(ev, &ret.intvar, err);
    case BT_RAND: return bt_rand_read(ev, &ret.rand, err);
    case BT_USER_VAR: return bt_user_var_read(ev, &ret.user_var, err);
    case BT_ANNOTATE_ROWS:
    case BT_ROWS_QUERY: return bt_rows_text_read(ev, &ret.slice, err);
    case BT_BEGIN_LOAD_QUERY:
    case BT_APPEND_BLOCK:
    case BT_DELETE_FILE: return bt_load_block_read(ev, &ret.block, err);
    case BT_MARIADB_GTID:
    case BT_GTID:
    case BT_ANONYMOUS_GTID:
    case BT_GTID_TAGGED: return bt_gtid_event_read(ev, &ret.gtid, err);
    case BT_GTID_LIST: return decode_gtid_list(ev, err);
    case BT_PREVIOUS_GTIDS: return decode_previous_gtids(ev, err);
    case BT_TABLE_MAP: return bt_table_cache_put(tables, ev, &ret.table, err);
    default: return 0;
    }
}
