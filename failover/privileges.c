/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/privileges.h"

#include <strings.h>

/* Where SUPER stopped being enough; MySQL still takes it in 9.7. */
enum { SPLIT = 110001,
       READ_ONLY_SPLIT = 101100,
       NAMED_BY_MARIADB = 100500,
       NAMED_BY_MYSQL = 80000 };

/* One need in the words of four families of servers; NULL = there only SUPER has it. */
struct row {
    enum bt_need_kind kind;
    const char *mariadb, *mariadb_old, *mysql, *mysql_old;
    bool by_super; /* SUPER does as well, until it was split */
    const char *why;
};

/* clang-format off */
static const struct row rows[] = {
    {BT_NEED_FAILOVER, "REPLICATION SLAVE ADMIN", NULL, "REPLICATION_SLAVE_ADMIN", NULL, true,
     "to stop, start and repoint replication"},
    {BT_NEED_FAILOVER, "RELOAD", "RELOAD", "RELOAD", "RELOAD", false,
     "to reset the replica settings of a new primary"},
    {BT_NEED_FAILOVER, "READ_ONLY ADMIN", NULL, "SYSTEM_VARIABLES_ADMIN", NULL, true,
     "to set read_only, and to write although it is set"},
    {BT_NEED_FAILOVER, "BINLOG REPLAY", NULL, "REPLICATION_APPLIER", NULL, true,
     "to apply transactions under their own GTID"},
    {BT_NEED_FAILOVER, "BINLOG ADMIN", NULL, "BINLOG_ADMIN", NULL, true,
     "to apply without logging, where disable_log_bin asks for it"},
    {BT_NEED_LOOK, "SLAVE MONITOR", "REPLICATION CLIENT", "REPLICATION CLIENT", "REPLICATION CLIENT", true,
     "to see the state of replication"},
    {BT_NEED_LOOK, "BINLOG MONITOR", "REPLICATION CLIENT", "REPLICATION CLIENT", "REPLICATION CLIENT", true,
     "to see the position of the binary log"},
    {BT_NEED_LOOK, "PROCESS", "PROCESS", "PROCESS", "PROCESS", false,
     "to see when the applier has nothing left to do"},
    {BT_NEED_LOOK, "CONNECTION ADMIN", NULL, "CONNECTION_ADMIN", NULL, true,
     "to get in where all connections are taken, and to end those of clients"},
    {BT_NEED_APPLY, "SELECT", "SELECT", "SELECT", "SELECT", false, "to apply what a replica lacks"},
    {BT_NEED_APPLY, "INSERT", "INSERT", "INSERT", "INSERT", false, "to apply what a replica lacks"},
    {BT_NEED_APPLY, "UPDATE", "UPDATE", "UPDATE", "UPDATE", false, "to apply what a replica lacks"},
    {BT_NEED_APPLY, "DELETE", "DELETE", "DELETE", "DELETE", false, "to apply what a replica lacks"},
    {BT_NEED_APPLY, "CREATE", "CREATE", "CREATE", "CREATE", false, "to apply what a replica lacks"},
    {BT_NEED_APPLY, "DROP", "DROP", "DROP", "DROP", false, "to apply what a replica lacks"},
    {BT_NEED_APPLY, "ALTER", "ALTER", "ALTER", "ALTER", false, "to apply what a replica lacks"},
    {BT_NEED_APPLY, "INDEX", "INDEX", "INDEX", "INDEX", false, "to apply what a replica lacks"},
};
/* clang-format on */

_Static_assert(sizeof(rows) / sizeof(rows[0]) <= BT_NEEDS_MAX, "room for all needs");

static bool super_will_do(enum bt_flavor flavor, uint32_t version, const struct row *r)
{
    if (!r->by_super)
        return false;
    if (flavor != BT_FLAVOR_MARIADB)
        return true;
    return version < (strcmp(r->mariadb, "READ_ONLY ADMIN") == 0 ? READ_ONLY_SPLIT : SPLIT);
}

size_t bt_privileges_needed(enum bt_flavor flavor, uint32_t version,
                            struct bt_need ret[static BT_NEEDS_MAX])
{
    size_t count = sizeof(rows) / sizeof(rows[0]);

    for (size_t i = 0; i < count; i++) {
        const struct row *r = &rows[i];
        const char *word;

        if (flavor == BT_FLAVOR_MARIADB)
            word = version >= NAMED_BY_MARIADB ? r->mariadb : r->mariadb_old;
        else
            word = version >= NAMED_BY_MYSQL ? r->mysql : r->mysql_old;
        ret[i] = (struct bt_need){.kind = r->kind,
                                  .word = word ? word : "SUPER",
                                  .super_will_do = super_will_do(flavor, version, r),
                                  .why = r->why};
    }
    return count;
}

/* Whether the list "A, B, C" in front of ON *.* names it. */
static bool list_has(struct bt_slice list, const char *privilege)
{
    size_t len = strlen(privilege);

    while (list.len) {
        const uint8_t *comma = memchr(list.ptr, ',', list.len);
        size_t n = comma ? (size_t)(comma - list.ptr) : list.len;
        const char *word = (const char *)list.ptr;

        if ((n == len && strncasecmp(word, privilege, n) == 0) ||
            (n == strlen("ALL PRIVILEGES") && strncasecmp(word, "ALL PRIVILEGES", n) == 0))
            return true;
        n += comma ? 1 : 0;
        while (n < list.len && list.ptr[n] == ' ')
            n++;
        list = bt_slice(list.ptr + n, list.len - n);
    }
    return false;
}

bool bt_grants_have(struct bt_slice lines, const char *privilege)
{
    static const char begin[] = "GRANT ", all[] = " ON *.* TO ";

    while (lines.len) {
        const uint8_t *newline = memchr(lines.ptr, '\n', lines.len);
        size_t len = newline ? (size_t)(newline - lines.ptr) : lines.len;
        const uint8_t *end = memmem(lines.ptr, len, all, sizeof(all) - 1);

        if (end && bt_slice_starts_with(lines, begin)) {
            const uint8_t *from = lines.ptr + sizeof(begin) - 1;

            if (from < end && list_has(bt_slice(from, (size_t)(end - from)), privilege))
                return true;
        }
        len += newline ? 1 : 0;
        lines = bt_slice(lines.ptr + len, lines.len - len);
    }
    return false;
}

bool bt_grants_have_idle_role(struct bt_slice lines)
{
    bool has_role = false;

    while (lines.len) {
        const uint8_t *newline = memchr(lines.ptr, '\n', lines.len);
        size_t len = newline ? (size_t)(newline - lines.ptr) : lines.len;

        if (bt_slice_starts_with(bt_slice(lines.ptr, len), "SET DEFAULT ROLE "))
            return false;
        has_role = has_role || (bt_slice_starts_with(bt_slice(lines.ptr, len), "GRANT `") &&
                                !memmem(lines.ptr, len, " ON ", 4));
        len += newline ? 1 : 0;
        lines = bt_slice(lines.ptr + len, lines.len - len);
    }
    return has_role;
}

bool bt_need_is_met(const struct bt_need *need, struct bt_slice lines)
{
    return bt_grants_have(lines, need->word) ||
           (need->super_will_do && bt_grants_have(lines, "SUPER"));
}

static bool is_named(const struct bt_buf *out, size_t from, const char *word)
{
    return list_has(bt_slice(out->data + from, out->len - from), word);
}

void bt_privileges_missing(enum bt_flavor flavor, uint32_t version, struct bt_slice lines,
                           unsigned kinds, struct bt_buf *out)
{
    struct bt_need needs[BT_NEEDS_MAX];
    size_t count = bt_privileges_needed(flavor, version, needs);
    size_t from = out->len;

    for (size_t i = 0; i < count; i++) {
        const struct bt_need *n = &needs[i];

        if (!(n->kind & kinds) || bt_need_is_met(n, lines) ||
            (out->len > from && is_named(out, from, n->word)))
            continue;
        bt_buf_addf(out, "%s%s", out->len > from ? ", " : "", n->word);
    }
}
