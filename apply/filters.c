/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/filters.h"

enum { REWRITE_MIN = 101100 }; /* MariaDB: replicate_rewrite_db is a variable */

static const char *const names[] = {"do_db", "ignore_db", "do_table",
                                    "ignore_table", "wild_do_table", "wild_ignore_table",
                                    "rewrite_db"};

/* "`its name`." of the connection whose filters count; nothing for the default one. */
static int add_owner(struct bt_connection *c, const char *not_this, struct bt_deadline until,
                     struct bt_buf *to, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};
    const char *found = "";
    uint64_t count = 0;

    if (bt_connection_query(c, bt_slice_str("SHOW ALL SLAVES STATUS"), until, &rows, err) < 0)
        return -1;
    for (uint64_t i = 0; i < rows.row_count; i++) {
        const char *name = bt_rows_text(&rows, i, "Connection_name");

        if (!name || strcmp(name, not_this) == 0)
            continue;
        found = name;
        count++;
    }
    if (count == 1 && *found) {
        bt_sql_add_name(to, bt_slice_str(found));
        bt_buf_add_byte(to, '.');
    }
    return bt_buf_check(to, "the name of a replication connection", err);
}

int bt_filters_copy(struct bt_connection *c, const char *to, struct bt_deadline until,
                    struct bt_err *err)
{
    bool has_rewrite = bt_connection_server(c)->version_number >= REWRITE_MIN;
    bt_auto_buf struct bt_buf owner = {.max = 512}, sql = {.max = 8192};
    size_t count = sizeof(names) / sizeof(names[0]) - (has_rewrite ? 0 : 1);

    if (add_owner(c, to, until, &owner, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        bt_buf_addf(&sql, "%s%s.replicate_%s=@@GLOBAL.%sreplicate_%s",
                    i == 0 ? "SET GLOBAL " : ", GLOBAL ", to, names[i], bt_buf_str(&owner),
                    names[i]);
    if (bt_buf_check(&sql, "the replication filters", err) < 0 ||
        bt_connection_execute(c, bt_buf_slice(&sql), until, NULL, err) < 0)
        return bt_err_wrap(err, "taking over its replication filters");
    return 0;
}
