/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One replica's diff log out of all logs that can be read: what it has not received, in order,
 * each transaction from whoever holds a good copy.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "diff/diff_log.h"
#include "failover/steps.h"

enum { SOURCES_MAX = 32, COST_PRIMARY = 1, COST_RELAY = 2, COST_BINLOG = 9 };

struct build {
    struct bt_failover *f;
    struct bt_fo_host *target;
    bool from_executed; /* what the target received cannot be applied by itself */
    struct bt_missing_source sources[SOURCES_MAX];
    size_t count;
    struct bt_gtid_state had;
    struct bt_missing_want want;
};

static void source_add(struct build *b, const struct bt_fo_host *h, enum bt_source_role role,
                       const struct bt_remote_logs *logs, bool is_target)
{
    if (!logs || b->count == SOURCES_MAX || !h->node ||
        bt_channel_failure(h->node) != BT_CHANNEL_NONE)
        return;
    b->sources[b->count++] = (struct bt_missing_source){
        .name = h->conf->hostname,
        .role = role,
        .set = bt_remote_logs_set(logs),
        .cost = role == BT_SOURCE_PRIMARY ? COST_PRIMARY : role == BT_SOURCE_RELAY ? COST_RELAY
                                                                                   : COST_BINLOG,
        .is_target = is_target,
    };
}

static void sources_fill(struct build *b, bool with_binlogs)
{
    struct bt_failover *f = b->f;

    b->count = 0;
    source_add(b, &f->hosts[f->topology.primary], BT_SOURCE_PRIMARY,
               f->hosts[f->topology.primary].binlog, false);
    for (size_t i = 0; i < f->count; i++) {
        struct bt_fo_host *h = &f->hosts[i];

        source_add(b, h, BT_SOURCE_RELAY, h->relay, h == b->target);
        if (with_binlogs && h != b->target && h->index != f->topology.primary)
            source_add(b, h, BT_SOURCE_BINLOG, h->binlog, false);
    }
}

/* A replica's own binary logs are a second source of what it has applied and purged, by GTID. */
static void binlogs_list(struct bt_failover *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct bt_fo_host *h = &f->hosts[i];
        const struct bt_server_facts *facts = &f->facts[i];
        const char *slash = strrchr(facts->binlog_base, '/');
        char folder[4096];
        struct bt_logs_id id = {.places = folder, .kind = BT_LOG_KIND_BINLOG};
        struct bt_err err = {0};

        if (i == f->topology.primary || h->binlog || !h->node || !slash ||
            !facts->log_slave_updates || bt_channel_failure(h->node) != BT_CHANNEL_NONE)
            continue;
        id.base = slash + 1;
        snprintf(folder, sizeof(folder), "%.*s", (int)(slash - facts->binlog_base),
                 facts->binlog_base);
        if (bt_remote_logs_open(h->node, &h->node_mutex, &id, h->conf->hostname,
                                bt_deadline_in(bt_fo_step_ms(BT_FO_COLLECT)), &h->binlog, &err) < 0)
            bt_warning("binary logs of %s: %s", h->conf->name, err.text);
    }
}

/* In position mode what a replica received is everything up to a place: the sources are entered
 * right there, after what stands there was compared with what it received last.  The place alone
 * may be another one by now (RESET MASTER, a primary restored from a copy). */
static void want_place(struct build *b, const struct bt_upstream *u)
{
    const struct bt_fo_host *t = b->target;

    if (b->from_executed || !u || u->mode != BT_REPLICA_POSITION || !t->relay ||
        !b->f->holdings[t->index].from_logs)
        return;
    b->want.target = bt_remote_logs_set(t->relay);
    b->want.is_prefix = !b->want.gtid || bt_gtid_state_domains(b->want.gtid) <= 1;
}

static int want_fill(struct build *b, struct bt_err *err)
{
    const struct bt_holding *holding = &b->f->holdings[b->target->index];
    const struct bt_server_facts *facts = &b->target->db->facts;
    const struct bt_upstream *u =
        b->target->link < facts->upstream_count ? &facts->upstreams[b->target->link] : NULL;
    const char *gtid = b->from_executed ? facts->gtid_slave_pos : holding->gtid;

    b->want =
        (struct bt_missing_want){.after = b->from_executed && u ? u->executed : holding->received};
    if (gtid[0] && facts->flavor == BT_FLAVOR_MARIADB) {
        if (bt_gtid_state_parse(bt_slice_str(gtid), &b->had, err) != 0)
            return bt_err_wrap(err, "GTID state of %s", b->target->conf->name);
        b->want.gtid = &b->had;
    }
    want_place(b, u);
    return 0;
}

/* Looks through the sources; one whose host goes away meanwhile is left out and said. */
static int find_in(struct build *b, bool with_binlogs, struct bt_missing *ret, struct bt_err *err)
{
    for (;;) {
        size_t before;
        int rc;

        sources_fill(b, with_binlogs);
        before = b->count;
        rc = bt_missing_find(&b->want, b->sources, b->count, ret, err);
        if (rc == 0)
            return 0;
        sources_fill(b, with_binlogs);
        if (b->count == before)
            return rc;
        bt_fo_note(b->f, "A host went away while its logs were read: %s", err->text);
        bt_err_clear(err);
    }
}

/* Finds; and once more with the replicas' own binary logs when the first answer has a hole. */
static int find(struct build *b, struct bt_missing *ret, struct bt_err *err)
{
    if (find_in(b, false, ret, err) != 0)
        return -1;
    if (ret->lost.len == 0 || !b->want.gtid)
        return 0;
    binlogs_list(b->f);
    bt_missing_done(ret);
    b->want.is_prefix = false;
    return find_in(b, true, ret, err);
}

static void lack_fill(struct bt_plan_lack *lack, const struct bt_missing *m)
{
    const struct bt_missing_item *first = m->count ? &m->items[0] : NULL;
    const struct bt_missing_item *last = m->count ? &m->items[m->count - 1] : NULL;
    char gtid[BT_GTID_TEXT_SIZE];
    uint32_t seen = 0;

    *lack = (struct bt_plan_lack){.known = true, .transactions = m->count, .bytes = m->bytes};
    for (size_t i = 0; i < m->count; i++) {
        size_t len = strlen(lack->sources);

        if (!(seen & 1u << m->items[i].source))
            snprintf(lack->sources + len, sizeof(lack->sources) - len, "%s%.80s", len ? ", " : "",
                     m->sources[m->items[i].source].name);
        seen |= 1u << m->items[i].source;
    }
    if (!first || !last)
        return;
    snprintf(lack->first, sizeof(lack->first), "%.103s", bt_gtid_text(&first->gtid, gtid));
    snprintf(lack->last, sizeof(lack->last), "%.103s", bt_gtid_text(&last->gtid, gtid));
    if (first->gtid.kind == BT_GTID_NONE && first->file != UINT32_MAX)
        snprintf(lack->first, sizeof(lack->first), "%.80s:%" PRIu64, m->files[first->file],
                 first->pos);
    if (last->gtid.kind == BT_GTID_NONE && last->file != UINT32_MAX)
        snprintf(lack->last, sizeof(lack->last), "%.80s:%" PRIu64, m->files[last->file],
                 last->end_pos);
}

static void cuts_say(struct build *b, const struct bt_missing *m)
{
    for (size_t i = 0; i < m->cut_count; i++)
        bt_info("  cut: %s of %s at %s:%" PRIu64 ": %s", bt_cut_kind_name(m->cuts[i].cut.kind),
                m->sources[m->cuts[i].source].name, m->cuts[i].cut.log, m->cuts[i].cut.at,
                m->cuts[i].cut.reason);
    if (m->lost.len)
        snprintf(b->target->lost, sizeof(b->target->lost), "%.*s", (int)m->lost.len,
                 (const char *)m->lost.data);
}

/* The diff log and its manifest, checked once more as they lie on the disk. */
static int save(struct build *b, const struct bt_missing *m, struct bt_err *err)
{
    struct bt_fo_host *t = b->target;
    struct bt_diff_log_opts opts = {0};
    struct bt_diff_log_report report;
    bt_auto_source struct bt_source *source = NULL;

    snprintf(t->diff_path, sizeof(t->diff_path), "%s/diff_for_%s_%u_%lld.binlog",
             b->f->config->workdir, t->conf->hostname, t->conf->port,
             (long long)(b->f->began_wall_us / 1000000));
    if (t->has_manifest)
        bt_manifest_done(&t->manifest);
    t->has_manifest = false;
    if (bt_diff_log_save(m, &opts, t->diff_path, &t->manifest, err) != 0)
        return -1;
    t->has_manifest = true;
    if (bt_diff_log_open(t->diff_path, &source, err) != 0 ||
        bt_diff_log_verify(source, &t->manifest, &report, err) != 0)
        return bt_err_wrap(err, "diff log \"%s\"", t->diff_path);
    return 0;
}

static int build(struct build *b, bool measure, struct bt_err *err)
{
    struct bt_missing m;
    int rc = 0;

    if (want_fill(b, err) != 0 || find(b, &m, err) != 0)
        return bt_err_wrap(err, "what %s lacks", b->target->conf->name);
    lack_fill(&b->target->lack, &m);
    cuts_say(b, &m);
    if (!measure && m.count)
        rc = save(b, &m, err);
    bt_missing_done(&m);
    return rc;
}

static int build_for(struct bt_failover *f, size_t i, bool from_executed, bool measure,
                     struct bt_err *err)
{
    struct build *b = calloc(1, sizeof(*b));
    int64_t began = bt_clock_ms();
    int rc;

    if (!b)
        return bt_fail_sys(err, "diff log");
    b->f = f;
    b->target = &f->hosts[i];
    b->from_executed = from_executed || f->hosts[i].cannot_drain;
    pthread_mutex_lock(&f->build_mutex);
    rc = build(b, measure, err);
    pthread_mutex_unlock(&f->build_mutex);
    pthread_mutex_lock(&f->gate.mutex);
    f->plan.servers[i].lack = f->hosts[i].lack;
    pthread_mutex_unlock(&f->gate.mutex);
    bt_gtid_state_done(&b->had);
    free(b);
    f->hosts[i].build_ms += bt_clock_ms() - began;
    return rc;
}

int bt_fo_build(struct bt_failover *f, size_t i, bool from_executed, struct bt_err *err)
{
    return build_for(f, i, from_executed, false, err);
}

int bt_fo_measure(struct bt_failover *f, struct bt_err *err)
{
    bt_fo_step_begin(f, BT_FO_BUILD);
    for (size_t i = 0; i < f->count; i++)
        if (f->plan.servers[i].takes_part && f->holdings[i].known &&
            build_for(f, i, false, true, err) != 0)
            return -1;
    bt_fo_step_end(f, BT_FO_BUILD);
    return 0;
}
