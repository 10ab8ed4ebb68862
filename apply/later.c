/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/later.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/array.h"

enum { TEXT_MAX = 256 << 20 };

void bt_later_init(struct bt_later *l)
{
    *l = (struct bt_later){0};
    bt_buf_init(&l->text, TEXT_MAX);
}

void bt_later_done(struct bt_later *l)
{
    bt_buf_done(&l->text);
    free(l->ddl);
    l->ddl = NULL;
}

int bt_later_add_ddl(struct bt_later *l, uint64_t at, struct bt_slice sql, struct bt_err *err)
{
    struct bt_later_ddl *more = bt_array_grown(l->ddl, l->count, &l->room, sizeof(*more));

    if (!more)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for more than %zu DDL statements",
                       l->count);
    l->ddl = more;
    l->ddl[l->count++] = (struct bt_later_ddl){.at = at, .from = l->text.len, .len = sql.len};
    bt_buf_add_slice(&l->text, sql);
    return bt_buf_check(&l->text, "the DDL of the logs", err);
}

static bool in_name(uint8_t c)
{
    return isalnum(c) || c == '_' || c == '$' || c >= 0x80;
}

static bool has_word(struct bt_slice text, struct bt_slice word)
{
    for (size_t i = 0; word.len > 0 && i + word.len <= text.len; i++) {
        const char *at = (const char *)text.ptr + i;
        size_t end = i + word.len;

        if (strncasecmp(at, (const char *)word.ptr, word.len) == 0 &&
            (i == 0 || !in_name(text.ptr[i - 1])) && (end == text.len || !in_name(text.ptr[end])))
            return true;
    }
    return false;
}

uint64_t bt_later_ddl_of(const struct bt_later *l, struct bt_slice db, struct bt_slice table)
{
    for (size_t i = l->count; i-- > 0;) {
        struct bt_slice sql = bt_slice(l->text.data + l->ddl[i].from, l->ddl[i].len);

        if (has_word(sql, table) ||
            ((has_word(sql, bt_slice_str("DATABASE")) || has_word(sql, bt_slice_str("SCHEMA"))) &&
             has_word(sql, db)))
            return l->ddl[i].at;
    }
    return 0;
}
