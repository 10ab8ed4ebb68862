/* SPDX-License-Identifier: Apache-2.0 */
/* What the steps share: names, timings, notes, journal lines. */
#include "failover/steps.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

static const struct {
    const char *name;
    int64_t ms;
    const char *meaning;
} steps[BT_FO_STEP_COUNT] = {
#define X(id, name, deadline_ms, meaning) [BT_FO_##id] = {name, deadline_ms, meaning},
    BT_FO_STEPS(X)
#undef X
};

const char *bt_fo_step_name(enum bt_fo_step step)
{
    return steps[step].name;
}

const char *bt_fo_step_meaning(enum bt_fo_step step)
{
    return steps[step].meaning;
}

int64_t bt_fo_step_ms(enum bt_fo_step step)
{
    return steps[step].ms;
}

void bt_fo_note(struct bt_failover *f, const char *fmt, ...)
{
    char text[2048];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    bt_info("%s", text);
    pthread_mutex_lock(&f->notes_mutex);
    bt_buf_addf(&f->notes, "%s\n", text);
    pthread_mutex_unlock(&f->notes_mutex);
}

static void fill_err(struct bt_json *json, void *ctx)
{
    const struct bt_err *why = ctx;

    if (why)
        bt_json_key_str(json, "error", why->text);
}

int bt_fo_journal(struct bt_failover *f, enum bt_fo_step step, const char *state, size_t host,
                  struct bt_err *err)
{
    const char *name = host == SIZE_MAX ? NULL : f->config->servers[host].name;

    return bt_journal_write(f->journal, steps[step].name, state, name, NULL, NULL, err);
}

void bt_fo_step_begin(struct bt_failover *f, enum bt_fo_step step)
{
    int64_t now = bt_clock_ms() - f->began_ms;

    pthread_mutex_lock(&f->notes_mutex);
    if (f->timings[step].took_ms < 0)
        f->timings[step].began_ms = now;
    pthread_mutex_unlock(&f->notes_mutex);
}

void bt_fo_step_end(struct bt_failover *f, enum bt_fo_step step)
{
    int64_t now = bt_clock_ms() - f->began_ms;

    pthread_mutex_lock(&f->notes_mutex);
    if (now - f->timings[step].began_ms > f->timings[step].took_ms)
        f->timings[step].took_ms = now - f->timings[step].began_ms;
    pthread_mutex_unlock(&f->notes_mutex);
}

void bt_fo_fail(struct bt_failover *f, size_t i, enum bt_fo_step step, const struct bt_err *why)
{
    struct bt_fo_host *h = &f->hosts[i];
    struct bt_err copy = *why, err = {0};

    h->state = BT_FO_FAILED;
    h->failed_at = step;
    h->err = copy;
    bt_error("%s: %s failed: %s", h->conf->name, steps[step].name, copy.text);
    if (bt_journal_write(f->journal, steps[step].name, "failed", h->conf->name, fill_err, &copy,
                         &err) != 0)
        bt_error("%s", err.text);
}

struct bt_database *bt_fo_database(struct bt_failover *f, size_t i, struct bt_deadline until,
                                   struct bt_err *err)
{
    struct bt_database *d = f->hosts[i].db;

    if (d->sql && !bt_connection_is_lost(d->sql))
        return d;
    bt_database_ask(d, bt_deadline_left(until));
    if (d->facts.life == BT_LIFE_ALIVE)
        return d;
    bt_fail(err, BT_ERR_REALITY, "%s: %s", d->conf->name, d->facts.error);
    return NULL;
}

int bt_fo_facts_take(struct bt_failover *f, struct bt_err *err)
{
    for (size_t i = 0; i < f->count; i++)
        if (bt_facts_copy(&f->databases[i].facts, &f->facts_arena, &f->facts[i], err) != 0)
            return -1;
    return 0;
}

size_t bt_fo_winner(struct bt_failover *f)
{
    size_t winner;

    pthread_mutex_lock(&f->gate.mutex);
    winner = f->plan.winner;
    pthread_mutex_unlock(&f->gate.mutex);
    return winner;
}
