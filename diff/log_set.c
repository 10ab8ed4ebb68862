/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/log_set.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/auto.h"

bool bt_log_name_split(const char *name, size_t *ret_base_len, uint64_t *ret_number)
{
    const char *dot = strrchr(name, '.');
    uint64_t number = 0;
    size_t digits;

    if (!dot || dot == name || name[0] == '#')
        return false;
    digits = strspn(dot + 1, "0123456789");
    /* Ten digits at most: the servers' counter is 31 bits (sql/log.cc, MAX_LOG_UNIQUE_FN_EXT). */
    if (digits < 6 || digits > 10 || dot[1 + digits] != '\0')
        return false;
    for (size_t i = 1; i <= digits; i++)
        number = number * 10 + (uint64_t)(dot[i] - '0');
    *ret_base_len = (size_t)(dot - name);
    *ret_number = number;
    return true;
}

int bt_log_set_open(const struct bt_log_set *set, size_t i, struct bt_source **ret,
                    struct bt_err *err)
{
    if (set->logs[i].missing)
        return 1;
    return set->opener->ops->open(set->opener, set->logs[i].path, ret, err);
}

size_t bt_log_set_index(const struct bt_log_set *set, const char *name)
{
    const char *slash = strrchr(name, '/');

    if (slash)
        name = slash + 1;
    for (size_t i = set->count; i > 0; i--) {
        if (strcmp(set->logs[i - 1].name, name) == 0)
            return i - 1;
    }
    return SIZE_MAX;
}

const struct bt_relay_info *bt_log_home_relay_info(const struct bt_log_home *home,
                                                   const struct bt_log_set *set)
{
    for (size_t i = 0; i < home->relay_info_count; i++) {
        if (strcmp(home->relay_infos[i].connection, set->connection) == 0)
            return &home->relay_infos[i];
    }
    return NULL;
}

const struct bt_source_info *bt_log_home_source_info(const struct bt_log_home *home,
                                                     const struct bt_log_set *set)
{
    for (size_t i = 0; i < home->source_info_count; i++) {
        if (strcmp(home->source_infos[i].connection, set->connection) == 0)
            return &home->source_infos[i];
    }
    return NULL;
}

const struct bt_log_set *bt_log_home_find(const struct bt_log_home *home, enum bt_log_kind kind,
                                          const char *base)
{
    const struct bt_log_set *best = NULL;

    for (size_t i = 0; i < home->set_count; i++) {
        const struct bt_log_set *set = &home->sets[i];

        if (set->kind != kind || (base && strcmp(set->base, base) != 0))
            continue;
        /* The default connection first, then what has an index: a leftover family has none. */
        if (!best || (best->connection[0] && !set->connection[0]) ||
            (!best->connection[0] == !set->connection[0] && !best->index && set->index))
            best = set;
    }
    return best;
}

void bt_log_home_close(struct bt_log_home *home)
{
    if (!home)
        return;
    if (home->opener)
        home->opener->ops->close(home->opener);
    bt_buf_done(&home->notes);
    bt_arena_done(&home->arena);
    free(home);
}
