/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/check_priv.h"

#include <stdarg.h>
#include <stdio.h>

enum { FINDINGS_FIRST = 32, TEXT_ROOM = 2048 };

static const struct {
    const char *name, *title;
} parts[BT_CHECK_PART_COUNT] = {
#define X(id, name, title) [BT_CHECK_##id] = {name, title},
    BT_CHECK_PARTS(X)
#undef X
};

const char *bt_check_part_name(enum bt_check_part part)
{
    return parts[part].name;
}

const char *bt_check_part_title(enum bt_check_part part)
{
    return parts[part].title;
}

const char *bt_check_level_name(enum bt_check_level level)
{
    static const char *const names[] = {"ok", "note", "warning", "error"};

    return names[level];
}

/* ----------------------------------------------------------------- findings */

/* "text" into the report's arena; "" without memory (noted). */
static const char *keep(struct bt_check_report *report, const char *text)
{
    const char *copy = text && text[0] ? bt_arena_str(report->arena, bt_slice_str(text)) : "";

    report->no_memory = report->no_memory || !copy;
    return copy ? copy : "";
}

/* Room for one more; the old ones stay in the arena until its end. */
static bool room_for_one(struct bt_check_report *r)
{
    size_t room = r->room ? 2 * r->room : FINDINGS_FIRST;
    struct bt_check_finding *more;

    if (r->count < r->room)
        return true;
    more = bt_arena_array(r->arena, room, sizeof(*more));
    if (!more) {
        r->no_memory = true;
        return false;
    }
    if (r->count)
        memcpy(more, r->findings, r->count * sizeof(*more));
    r->findings = more;
    r->room = room;
    return true;
}

void bt_check_add(struct bt_check_finder *f, enum bt_check_level level, const char *name,
                  size_t server, const char *fix, const char *fmt, ...)
{
    struct bt_check_report *r = f->report;
    char text[TEXT_ROOM];
    va_list args;

    if (!room_for_one(r))
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    r->findings[r->count++] = (struct bt_check_finding){.part = f->part,
                                                        .level = level,
                                                        .name = name,
                                                        .server = server,
                                                        .text = keep(r, text),
                                                        .fix = keep(r, fix)};
}

static void (*const finders[BT_CHECK_PART_COUNT])(struct bt_check_finder *f) = {
    [BT_CHECK_MANAGER] = bt_check_find_manager,
    [BT_CHECK_SSH] = bt_check_find_ssh,
    [BT_CHECK_SERVERS] = bt_check_find_servers,
    [BT_CHECK_REPL] = bt_check_find_repl,
    [BT_CHECK_PRIVILEGES] = bt_check_find_privileges,
    [BT_CHECK_SETTINGS] = bt_check_find_settings,
    [BT_CHECK_LOGS] = bt_check_find_logs,
    [BT_CHECK_DISK] = bt_check_find_disk,
    [BT_CHECK_CLOCKS] = bt_check_find_clocks,
    [BT_CHECK_VIP] = bt_check_find_vip,
    [BT_CHECK_HOOKS] = bt_check_find_hooks,
    [BT_CHECK_FAILOVER] = bt_check_find_failover,
};

int bt_check_find(const struct bt_check_facts *facts, const struct bt_check_opts *opts,
                  struct bt_arena *arena, struct bt_check_report *ret, struct bt_err *err)
{
    struct bt_check_finder f = {.facts = facts, .opts = opts, .report = ret};

    *ret = (struct bt_check_report){.arena = arena};
    for (int part = 0; part < BT_CHECK_PART_COUNT; part++) {
        f.part = (enum bt_check_part)part;
        if (facts->parts & 1U << part)
            finders[part](&f);
    }
    if (ret->no_memory) {
        bt_check_done(ret);
        return bt_arena_fail(arena, "the findings", err);
    }
    return 0;
}

void bt_check_done(struct bt_check_report *report)
{
    if (report->outlook.known)
        bt_plan_done(&report->outlook.plan);
    *report = (struct bt_check_report){0};
}

enum bt_check_level bt_check_worst(const struct bt_check_report *report, enum bt_check_part part)
{
    enum bt_check_level worst = BT_CHECK_OK;

    for (size_t i = 0; i < report->count; i++)
        if ((part == BT_CHECK_PART_COUNT || report->findings[i].part == part) &&
            report->findings[i].level > worst)
            worst = report->findings[i].level;
    return worst;
}

size_t bt_check_count(const struct bt_check_report *report, enum bt_check_level level)
{
    size_t count = 0;

    for (size_t i = 0; i < report->count; i++)
        count += report->findings[i].level == level;
    return count;
}
