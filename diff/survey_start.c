/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/survey_start.h"

#include "diff/log_tail.h"

/* How far from the end a second look for the listed domains begins. */
enum { FAR = 16 << 20 };

void bt_survey_start_done(struct bt_survey_start *start)
{
    bt_gtid_state_done(&start->listed);
}

bool bt_survey_start_saw_all(const struct bt_survey_start *start, const struct bt_gtid_state *seen)
{
    for (size_t i = 0; i < start->listed.count; i++) {
        const struct bt_gtid *item = &start->listed.items[i];
        const struct bt_gtid *last = bt_gtid_state_last(seen, item->domain);

        if (item == bt_gtid_state_last(&start->listed, item->domain) &&
            (!last || bt_gtid_equal(last, item)))
            return false;
    }
    return true;
}

static struct bt_applied find_applied(const struct bt_log_set *set)
{
    const struct bt_relay_info *info = set->kind == BT_LOG_KIND_RELAY ? set->info : NULL;
    struct bt_applied a = {.log = SIZE_MAX};

    if (!info || !info->executed.file[0])
        return a;
    a.log = bt_log_set_index(set, info->relay_log);
    a.pos = info->relay_pos;
    a.place = &info->executed;
    return a;
}

/* Behind which place of the primary nothing may begin, in the log with that head. */
static uint64_t not_behind(const struct bt_applied *applied, size_t log,
                           const struct bt_log_head *head)
{
    if (log != applied->log)
        return UINT64_MAX;
    return strcmp(head->place.file, applied->place->file) == 0 ? applied->place->pos : 0;
}

/* Whether the log says where it stands and has a transaction that begins in it. */
static bool is_entry(const struct bt_log_head *head)
{
    return head->readable && head->has_transaction && head->begins_whole && head->place.file[0];
}

/* Goes back to the newest log that can be entered, is not behind the applier, and, if wanted,
 * opens with a GTID_LIST.  At the oldest log reading begins whatever it says. */
static int find_log(const struct bt_log_set *set, bool wants_list, bool may_jump,
                    struct bt_survey *s, struct bt_survey_start *ret, struct bt_err *err)
{
    const struct bt_applied *applied = &ret->applied;
    size_t i = applied->log == SIZE_MAX ? set->count : applied->log + 1;
    int got = 1;

    while (i > 0) {
        struct bt_log_tail_goal goal = {0};
        struct bt_log_head head;
        bool good;

        i--;
        if (bt_log_head_read(set, i, &head, err) != 0)
            return -1;
        s->logs_read++;
        good = is_entry(&head) && (head.list.known || !wants_list);
        ret->opts = (struct bt_log_walk_opts){.log = i};
        goal.at = not_behind(applied, i, &head);
        if (good && !wants_list && may_jump)
            got = bt_log_tail_find(set, i, &head, goal, &ret->opts, &s->bytes_read, err);
        bt_log_head_done(&head);
        if (got < 0)
            return -1;
        if (good)
            break;
    }
    ret->jumped = got == 0;
    return 0;
}

/* The newest list, and the newest log that can be entered.  1: between list and end there is no
 * more to read than the hints allow, or there is no list of MariaDB's. */
static int find_list(const struct bt_log_set *set, uint64_t bytes_max, struct bt_survey *s,
                     struct bt_survey_start *ret, size_t *ret_entry, struct bt_err *err)
{
    size_t i = ret->applied.log == SIZE_MAX ? set->count : ret->applied.log + 1;
    bool found = false;
    uint64_t bytes = 0;

    *ret_entry = SIZE_MAX;
    while (i > 0 && !found) {
        struct bt_log_head head;
        int failed = 0;

        i--;
        if (bt_log_head_read(set, i, &head, err) != 0)
            return -1;
        s->logs_read++;
        bytes += set->logs[i].size;
        if (is_entry(&head) && *ret_entry == SIZE_MAX)
            *ret_entry = i;
        found = is_entry(&head) && head.list.known && head.flavor == BT_FLAVOR_MARIADB;
        for (size_t k = 0; !failed && found && k < head.list.state.count; k++)
            failed = bt_gtid_state_update(&ret->listed, &head.list.state.items[k], err);
        bt_log_head_done(&head);
        if (failed)
            return -1;
    }
    return found && bytes > bytes_max ? 0 : 1;
}

/* 1: the state has to be read from its list on. */
static int find_end(const struct bt_log_set *set, uint64_t bytes_max, uint64_t back,
                    struct bt_survey *s, struct bt_survey_start *ret, struct bt_err *err)
{
    struct bt_log_tail_goal goal = {.back = back};
    struct bt_log_head head;
    size_t entry;
    int got = find_list(set, bytes_max, s, ret, &entry, err);

    if (got == 0 && bt_log_head_read(set, entry, &head, err) != 0)
        return -1;
    if (got == 0) {
        goal.at = not_behind(&ret->applied, entry, &head);
        got = bt_log_tail_find(set, entry, &head, goal, &ret->opts, &s->bytes_read, err);
        bt_log_head_done(&head);
    }
    ret->from_end = ret->jumped = got == 0;
    return got;
}

/* Whether a hint names a place in the set that the walk may begin at. */
static bool take_hint(const struct bt_log_set *set, const struct bt_survey_hints *hints,
                      struct bt_survey_start *ret)
{
    size_t i;

    if (!hints->relay_log || !hints->executed.file[0])
        return false;
    i = bt_log_set_index(set, hints->relay_log);
    if (i == SIZE_MAX || set->logs[i].missing || hints->relay_pos < 4 ||
        hints->relay_pos > set->logs[i].size)
        return false;
    ret->opts = (struct bt_log_walk_opts){
        .log = i, .pos = hints->relay_pos, .place = hints->executed, .in_order = true};
    ret->applied = (struct bt_applied){i, hints->relay_pos, &hints->executed};
    ret->is_hint = true;
    return true;
}

int bt_survey_start_find(const struct bt_log_set *set, const struct bt_survey_hints *hints,
                         enum bt_survey_trust trust, struct bt_survey *s,
                         struct bt_survey_start *ret, struct bt_err *err)
{
    static const struct bt_survey_hints none;
    struct bt_survey_start start = {.applied = find_applied(set)};
    int got = 1;

    if (!hints)
        hints = &none;
    if (trust == BT_TRUST_ALL && take_hint(set, hints, &start)) {
        *ret = start;
        return 0;
    }
    if (hints->gtid_bytes_max && !hints->skip_gtid && trust <= BT_TRUST_FAR)
        got = find_end(set, hints->gtid_bytes_max, trust == BT_TRUST_FAR ? FAR : 0, s, &start,
                       err);
    if (got == 1) {
        bt_gtid_state_done(&start.listed);
        got = find_log(set, !hints->skip_gtid, trust != BT_TRUST_HEADS, s, &start, err);
    }
    if (got != 0) {
        bt_survey_start_done(&start);
        return -1;
    }
    *ret = start;
    return 0;
}
