/* SPDX-License-Identifier: Apache-2.0 */
/* Phases 3.1 to 3.3: the facts go into the pure decision; its outcome goes into the log. */
#include "base/crash_point.h"
#include "base/log.h"
#include "failover/phrases.h"
#include "failover/steps.h"

static void log_lines(enum bt_log_level level, const struct bt_buf *lines)
{
    struct bt_slice rest = bt_buf_slice(lines);

    while (rest.len) {
        const uint8_t *newline = memchr(rest.ptr, '\n', rest.len);
        size_t len = newline ? (size_t)(newline - rest.ptr) : rest.len;

        bt_log(level, "%.*s", (int)(len > 4000 ? 4000 : len), (const char *)rest.ptr);
        len += newline ? 1 : 0;
        rest = (struct bt_slice){rest.ptr + len, rest.len - len};
    }
}

static void log_received(const struct bt_failover *f)
{
    const struct bt_plan *plan = &f->plan;

    if (plan->latest == SIZE_MAX)
        return;
    bt_info(BT_SAY_LATEST_POSITION, f->holdings[plan->latest].received.file,
            (unsigned long long)f->holdings[plan->latest].received.pos);
    bt_info(BT_SAY_LATEST_SLAVES);
    for (size_t i = 0; i < f->count; i++)
        if (plan->servers[i].latest)
            bt_info("  %s", f->config->servers[i].name);
    bt_info(BT_SAY_OLDEST_POSITION, f->holdings[plan->oldest].received.file,
            (unsigned long long)f->holdings[plan->oldest].received.pos);
    bt_info(BT_SAY_OLDEST_SLAVES);
    for (size_t i = 0; i < f->count; i++)
        if (plan->servers[i].takes_part &&
            plan->servers[i].rank == plan->servers[plan->oldest].rank)
            bt_info("  %s", f->config->servers[i].name);
}

static void log_election(const struct bt_failover *f)
{
    const struct bt_plan *plan = &f->plan;

    bt_info(BT_PHASE_3_3);
    for (size_t i = 0; i < f->count; i++)
        if (i != plan->primary && i != plan->winner)
            bt_info("  %s: %s", f->config->servers[i].name, plan->servers[i].reason);
    if (plan->winner == SIZE_MAX)
        return;
    bt_info(BT_SAY_NEW_MASTER, f->config->servers[plan->winner].name);
    bt_info("  %s", plan->servers[plan->winner].reason);
    bt_info(BT_SAY_STARTING_FAILOVER);
}

struct bt_plan_input bt_fo_plan_input(const struct bt_failover *f)
{
    return (struct bt_plan_input){
        .config = f->config,
        .facts = f->facts,
        .topology = &f->topology,
        .holdings = f->holdings,
        .dead = &f->dead,
        .forced_winner = f->wanted_winner,
        .dropped = f->dropped,
        .semisync = &f->semisync_end,
    };
}

/* A server that was ended under our eyes took no commit behind that; one that only was silent may
 * have gone on. */
static void semisync_end_find(struct bt_failover *f)
{
    int64_t gone = f->is_fenced && f->gone_ms == INT64_MAX ? bt_clock_ms() : f->gone_ms;

    bt_semisync_end(&f->semisync, gone, &f->semisync_end);
}

int bt_fo_decide(struct bt_failover *f, struct bt_err *err)
{
    struct bt_plan_input in = bt_fo_plan_input(f);
    struct bt_buf *blockers = &f->plan.blockers;
    struct bt_plan plan;

    bt_fo_step_begin(f, BT_FO_DECIDE);
    semisync_end_find(f);
    bt_plan_decide(&in, &plan);
    pthread_mutex_lock(&f->gate.mutex);
    if (f->has_plan)
        bt_plan_done(&f->plan);
    f->plan = plan;
    f->has_plan = true;
    pthread_mutex_unlock(&f->gate.mutex);
    log_received(f);
    bt_info(BT_PHASE_3_2);
    if (!f->dead.logs_found)
        bt_warning(BT_SAY_BINLOGS_LOST);
    if (f->semisync_end.state != BT_SEMISYNC_UNKNOWN && f->plan.lost.len == 0)
        bt_info("%s", f->plan.acks.unsent.text);
    log_lines(BT_LOG_WARNING, &f->plan.lost);
    log_lines(BT_LOG_WARNING, &f->plan.warnings);
    log_election(f);
    bt_fo_step_end(f, BT_FO_DECIDE);
    bt_crash_point("after-decide");
    if (!bt_plan_may_go_on(&f->plan))
        return bt_fail(err, BT_ERR_REALITY, "%.*s", (int)(blockers->len ? blockers->len - 1 : 0),
                       bt_buf_str(blockers));
    return 0;
}
