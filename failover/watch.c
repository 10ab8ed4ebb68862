/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/watch.h"

#include <stdarg.h>
#include <stdio.h>

#include "apply/connection.h"

enum {
    SILENCE_MIN_MS = 1000, /* nobody is dead of less silence, however short the interval */
    /* a receiver that runs and gets nothing for so long is no sign of life */
    STALL_MS = 1000,
    NEVER_SEEN_TIMES = 3,
    SURVIVED_TIMES = 2, /* what it has come back from lately, it may come back from again */
    SURVIVED_MAX_TIMES = 4,
    SURVIVED_FOR_MS = 10 * 60 * 1000,
    LATE_MS = 500, /* a ping without an answer for so long makes suspicious */
};

void bt_evidence_init(struct bt_evidence *e, size_t count, int64_t now_ms)
{
    *e = (struct bt_evidence){.began_ms = now_ms, .count = count};
}

/* ---------------------------------------------------------------- evidence */

void bt_evidence_asking(struct bt_evidence *e, int64_t began_ms)
{
    e->asked_ms = began_ms;
}

static void secondary_forget(struct bt_evidence *e)
{
    if (e->secondary != BT_SECONDARY_RUNNING)
        e->secondary = BT_SECONDARY_NONE;
}

static void survived_note(struct bt_evidence *e, int64_t now_ms)
{
    int64_t gap = e->answered_ms ? now_ms - e->answered_ms : 0;

    if (gap < e->survived_ms && now_ms - e->survived_at_ms < SURVIVED_FOR_MS)
        return;
    e->survived_ms = gap;
    e->survived_at_ms = now_ms;
}

void bt_evidence_ping(struct bt_evidence *e, const struct bt_ping *ping)
{
    e->last = *ping;
    e->has_last = true;
    e->asked_ms = 0;
    snprintf(e->text, sizeof(e->text), "%s", ping->text ? ping->text : "");
    e->last.text = NULL;
    if (ping->outcome == BT_PING_ANSWERED || ping->outcome == BT_PING_REPULSED) {
        survived_note(e, ping->ended_ms);
        e->answered_ms = ping->ended_ms;
        e->suspect_since_ms = 0;
        e->failures = 0;
        secondary_forget(e);
        return;
    }
    e->failures++;
    if (!e->suspect_since_ms)
        e->suspect_since_ms = ping->began_ms;
}

void bt_evidence_receiver(struct bt_evidence *e, size_t i, const struct bt_receiver_seen *seen)
{
    struct bt_evidence_voter *v = &e->voters[i];

    if (seen->answered && v->receiver.answered && v->receiver.progress != seen->progress)
        v->moved_since_ms = v->receiver.asked_ms;
    if (!v->receiver.answered || v->receiver.progress != seen->progress)
        v->still_since_ms = seen->asked_ms;
    v->receiver = *seen;
}

void bt_evidence_probe(struct bt_evidence *e, size_t i, const struct bt_probe_seen *seen)
{
    e->voters[i].probe = *seen;
    if (seen->answered && seen->port == BT_PORT_ANSWERS)
        e->voters[i].answered_probe_ms = seen->began_ms;
}

/* -------------------------------------------------------------------- votes */

/* Since when the primary has been silent: the first ping that failed, or the one under way when it
 * takes too long.  0: it is not. */
static int64_t suspect_since(const struct bt_watch_opts *opts, const struct bt_evidence *e,
                             int64_t now_ms)
{
    int64_t late = opts->interval_ms / 2 > LATE_MS ? opts->interval_ms / 2 : LATE_MS;

    if (e->suspect_since_ms)
        return e->suspect_since_ms;
    return e->asked_ms && now_ms - e->asked_ms >= late ? e->asked_ms : 0;
}

static bool heartbeat_is_overdue(const struct bt_evidence_voter *v)
{
    const struct bt_receiver_seen *r = &v->receiver;

    return r->heartbeat_period_ms > 0 &&
           r->asked_ms - v->still_since_ms > 2 * r->heartbeat_period_ms + STALL_MS;
}

/* What the receiver alone says, of an answer behind the suspicion. */
static enum bt_vote receiver_vote(const struct bt_evidence_voter *v, const char **ret_why)
{
    const struct bt_receiver_seen *r = &v->receiver;

    if (r->io == BT_THREAD_CONNECTING && bt_server_errno_is_alive(r->io_errno)) {
        *ret_why = "its receiver is turned away by it";
        return BT_VOTE_REACHES;
    }
    if (r->io == BT_THREAD_CONNECTING) {
        *ret_why = "its receiver has lost it";
        return BT_VOTE_UNREACHABLE;
    }
    if (r->io == BT_THREAD_YES && heartbeat_is_overdue(v)) {
        *ret_why = "its receiver misses two heartbeats";
        return BT_VOTE_UNREACHABLE;
    }
    *ret_why = r->io == BT_THREAD_YES ? "its receiver waits" : "its receiver is stopped";
    return BT_VOTE_ABSTAINS;
}

/* Something came behind the suspicion, and not so long ago that it says nothing any more. */
static bool is_receiving(const struct bt_evidence_voter *v, int64_t since, int64_t now_ms)
{
    const struct bt_receiver_seen *r = &v->receiver;

    return r->answered && r->io == BT_THREAD_YES && v->moved_since_ms &&
           v->moved_since_ms >= since &&
           now_ms - v->still_since_ms <= 2 * r->heartbeat_period_ms + 2 * STALL_MS;
}

enum bt_vote bt_watch_vote(const struct bt_watch_opts *opts, const struct bt_evidence *e, size_t i,
                           int64_t now_ms, const char **ret_why)
{
    const struct bt_evidence_voter *v = &e->voters[i];
    int64_t since = suspect_since(opts, e, now_ms);
    bool has_receiver = v->receiver.answered && v->receiver.asked_ms >= since;
    bool has_probe = v->probe.answered && v->probe.began_ms >= since;
    bool is_asked = v->receiver.asked_ms >= since;

    *ret_why = "it has not answered yet";
    if (is_receiving(v, since, now_ms)) {
        *ret_why = "it still receives";
        return BT_VOTE_REACHES;
    }
    if (has_probe && v->probe.port == BT_PORT_ANSWERS) {
        *ret_why = "the server answers its host";
        return BT_VOTE_REACHES;
    }
    if (!has_probe)
        return has_receiver ? receiver_vote(v, ret_why) : BT_VOTE_ABSTAINS;
    /* New connections may be refused by a filter while the replica's own goes on: its receiver
     * is given time to show that. */
    if (!is_asked)
        return BT_VOTE_ABSTAINS;
    if (has_receiver && v->receiver.io == BT_THREAD_YES &&
        v->receiver.asked_ms - (v->still_since_ms > since ? v->still_since_ms : since) < STALL_MS) {
        *ret_why = "its receiver has not noticed yet";
        return BT_VOTE_ABSTAINS;
    }
    if (has_receiver && receiver_vote(v, ret_why) == BT_VOTE_REACHES)
        return BT_VOTE_REACHES;
    *ret_why = v->probe.port == BT_PORT_REFUSED   ? "its host is refused"
               : v->probe.port == BT_PORT_TIMEOUT ? "its host gets no connection"
                                                  : "its host gets no greeting";
    return BT_VOTE_UNREACHABLE;
}

/* ------------------------------------------------------------------- verdict */

static void because(struct bt_judgement *j, enum bt_verdict verdict, const char *fmt, ...)
    BT_PRINTF(3, 4);

static void because(struct bt_judgement *j, enum bt_verdict verdict, const char *fmt, ...)
{
    va_list args;

    j->verdict = verdict;
    va_start(args, fmt);
    vsnprintf(j->reason, sizeof(j->reason), fmt, args);
    va_end(args);
}

static void votes_count(const struct bt_watch_opts *opts, const struct bt_evidence *e,
                        int64_t now_ms, struct bt_judgement *j, const char **ret_reached_why)
{
    const char *why;

    j->parties = 1; /* the manager, who cannot reach it */
    j->unreachable = 1;
    for (size_t i = 0; i < e->count; i++) {
        if (!e->voters[i].has_vote)
            continue;
        j->parties++;
        switch (bt_watch_vote(opts, e, i, now_ms, &why)) {
        case BT_VOTE_ABSTAINS: j->abstains++; break;
        case BT_VOTE_UNREACHABLE: j->unreachable++; break;
        case BT_VOTE_REACHES:
            j->reaches++;
            *ret_reached_why = why;
            break;
        }
    }
}

/* How long it has given no sign.  One that has never answered is given its time from the begin.
 * What any replica has seen of it since it is suspect counts as well: on a noisy network somebody
 * gets something through now and then, of a dead server nobody does. */
static int64_t silent_ms(const struct bt_evidence *e, int64_t since, int64_t now_ms)
{
    int64_t sign = e->answered_ms ? e->answered_ms : e->began_ms;

    for (size_t i = 0; i < e->count; i++) {
        const struct bt_evidence_voter *v = &e->voters[i];

        if (!v->has_vote)
            continue;
        if (v->moved_since_ms >= since && v->moved_since_ms > sign)
            sign = v->moved_since_ms;
        if (v->answered_probe_ms >= since && v->answered_probe_ms > sign)
            sign = v->answered_probe_ms;
    }
    return now_ms - sign;
}

/* Who refuses is gone at once; who is silent, or was never seen alive, when the time is up. */
static bool time_is_up(const struct bt_watch_opts *opts, const struct bt_evidence *e,
                       int64_t silent)
{
    int64_t limit = opts->interval_ms * (int64_t)opts->failures, most;

    if (e->has_last && e->last.outcome == BT_PING_REFUSED && e->answered_ms && e->failures)
        return true;
    limit = limit > SILENCE_MIN_MS ? limit : SILENCE_MIN_MS;
    most = SURVIVED_MAX_TIMES * limit;
    if (e->survived_ms >= 2 * opts->interval_ms && SURVIVED_TIMES * e->survived_ms > limit)
        limit = SURVIVED_TIMES * e->survived_ms < most ? SURVIVED_TIMES * e->survived_ms : most;
    /* Silent from the first look on: nobody has had the time to see a sign of it. */
    if (!e->answered_ms && !(e->has_last && e->last.outcome == BT_PING_REFUSED))
        limit *= NEVER_SEEN_TIMES;
    return silent >= limit;
}

static void judge_votes(const struct bt_watch_opts *opts, const struct bt_evidence *e,
                        int64_t now_ms, struct bt_judgement *j)
{
    int64_t silent = silent_ms(e, suspect_since(opts, e, now_ms), now_ms);
    const char *why = "";

    votes_count(opts, e, now_ms, j, &why);
    j->wants_votes = true;
    if (j->reaches)
        because(j, BT_VERDICT_SUSPECT, "%u of %u replicas reach it (%s)", j->reaches,
                j->parties - 1, why);
    else if (j->unreachable * 2 <= j->parties || j->unreachable < 2)
        because(j, BT_VERDICT_SUSPECT, "%u of %u cannot reach it, more than half are needed",
                j->unreachable, j->parties);
    else if (!time_is_up(opts, e, silent))
        because(j, BT_VERDICT_SUSPECT, "%u of %u cannot reach it, silent for %lld ms",
                j->unreachable, j->parties, (long long)silent);
    else
        because(j, BT_VERDICT_DEAD, "%u of %u cannot reach it, nobody does: %s", j->unreachable,
                j->parties, e->failures && e->text[0] ? e->text : "no answer");
}

static void judge_count(const struct bt_watch_opts *opts, const struct bt_evidence *e,
                        struct bt_judgement *j)
{
    bool enough = e->failures >= opts->failures;

    because(j, enough ? BT_VERDICT_DEAD : BT_VERDICT_SUSPECT, "%u of %u pings failed: %s",
            e->failures, opts->failures, e->text[0] ? e->text : "no answer");
}

/* The site's script has the last word, as with MHA; it is asked from the first failure on. */
static void judge_secondary(const struct bt_watch_opts *opts, const struct bt_evidence *e,
                            int64_t since, int64_t now_ms, struct bt_judgement *j)
{
    bool is_fresh = e->secondary != BT_SECONDARY_NONE && e->secondary_began_ms >= since;
    bool is_old = now_ms - e->secondary_began_ms >= opts->interval_ms * (int64_t)opts->failures;

    j->wants_secondary = e->secondary != BT_SECONDARY_RUNNING &&
                         (!is_fresh || (e->secondary != BT_SECONDARY_DEAD && is_old));
    if (j->verdict != BT_VERDICT_DEAD)
        return;
    if (!is_fresh || e->secondary == BT_SECONDARY_RUNNING)
        because(j, BT_VERDICT_SUSPECT, "secondary_check_script has not answered yet");
    else if (e->secondary != BT_SECONDARY_DEAD)
        because(j, BT_VERDICT_SUSPECT, "secondary_check_script %s",
                e->secondary == BT_SECONDARY_ALIVE     ? "reaches it"
                : e->secondary == BT_SECONDARY_NETWORK ? "could not reach its own hosts"
                                                       : "ended with an error");
}

void bt_watch_judge(const struct bt_watch_opts *opts, const struct bt_evidence *e, int64_t now_ms,
                    struct bt_judgement *ret)
{
    int64_t since = suspect_since(opts, e, now_ms);

    *ret = (struct bt_judgement){.verdict = BT_VERDICT_HEALTHY};
    if (!since) {
        if (e->has_last && e->last.outcome == BT_PING_REPULSED)
            because(ret, BT_VERDICT_REFUSING, "it is alive but refuses: %s", e->text);
        else
            because(ret, BT_VERDICT_HEALTHY, "%s",
                    e->has_last ? "it answers" : "it was not asked yet");
        return;
    }
    ret->was_silent = !(e->has_last && e->last.outcome == BT_PING_REFUSED && e->failures);
    if (opts->detection == BT_DETECTION_COUNT)
        judge_count(opts, e, ret);
    else
        judge_votes(opts, e, now_ms, ret);
    if (opts->has_secondary)
        judge_secondary(opts, e, since, now_ms, ret);
}

const char *bt_verdict_name(enum bt_verdict verdict)
{
    switch (verdict) {
    case BT_VERDICT_HEALTHY: return "healthy";
    case BT_VERDICT_REFUSING: return "refusing";
    case BT_VERDICT_SUSPECT: return "suspect";
    case BT_VERDICT_DEAD: return "dead";
    }
    return "dead";
}
