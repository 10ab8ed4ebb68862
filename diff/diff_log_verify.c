/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a diff log is what its manifest says (diff_log.h). */
#define XXH_STATIC_LINKING_ONLY
#include "diff/diff_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/auto.h"
#include "diff/diff_log_priv.h"
#include "diff/digest.h"
#include "diff/had.h"

struct verify {
    const char *name;
    const struct bt_manifest *manifest; /* NULL = none */
    struct bt_grouper grouper;
    struct bt_digest *digest;
    XXH3_state_t *xxh3;
    struct bt_had had;      /* what the log says stands before it, and what came since */
    uint64_t bytes, events; /* of the open transaction */
    uint64_t raw_end;       /* of the event hashed last */
    struct bt_diff_log_report report;
};

/* Each event stands where its header says. */
static int check_place(const struct verify *v, const struct bt_event *ev, struct bt_err *err)
{
    uint64_t end = ev->offset + ev->raw.len;

    if (ev->header.end_log_pos != (uint32_t)end)
        return bt_fail(err, BT_ERR_CORRUPT,
                       "%s:%" PRIu64 ": the event ends at %" PRIu64 ", its header says %u", v->name,
                       ev->offset, end, ev->header.end_log_pos);
    return 0;
}

/* Whether there is something to hold single transactions against. */
static bool has_list(const struct verify *v)
{
    return v->manifest && v->manifest->count > 0;
}

static int check_against_manifest(const struct verify *v, const struct bt_transaction *t,
                                  struct bt_err *err)
{
    uint64_t index = v->report.transactions;
    const struct bt_manifest_item *want;
    char have_text[BT_GTID_TEXT_SIZE], want_text[BT_GTID_TEXT_SIZE];

    if (!has_list(v))
        return 0;
    if (index >= v->manifest->count)
        return bt_fail(err, BT_ERR_CONFLICT,
                       "%s:%" PRIu64 ": transaction %" PRIu64
                       " is one more than the manifest's %zu",
                       v->name, t->start, index + 1, v->manifest->count);
    want = &v->manifest->items[index];
    bt_gtid_text(&t->gtid, have_text);
    bt_gtid_text(&want->gtid, want_text);
    if (strcmp(have_text, want_text) != 0)
        return bt_fail(err, BT_ERR_CONFLICT, "%s:%" PRIu64 ": transaction \"%s\", the manifest has"
                                             " \"%s\" there",
                       v->name, t->start, have_text, want_text);
    if (v->bytes != want->bytes || v->events != want->events)
        return bt_fail(err, BT_ERR_CONFLICT,
                       "%s:%" PRIu64 ": transaction %s has %" PRIu64 " events of %" PRIu64
                       " bytes, the manifest says %" PRIu64 " of %" PRIu64,
                       v->name, t->start, have_text, v->events, v->bytes, want->events,
                       want->bytes);
    if (bt_digest_value(v->digest) != want->digest)
        return bt_fail(err, BT_ERR_CONFLICT, "%s:%" PRIu64 ": the content of transaction %s is not"
                                             " what the manifest says",
                       v->name, t->start, have_text);
    return 0;
}

/* No transaction twice: per domain and server the numbers rise, and nothing comes that the log
 * itself says stands before it. */
static int check_sequence(struct verify *v, const struct bt_transaction *t, struct bt_err *err)
{
    char text[BT_GTID_TEXT_SIZE];

    if (t->gtid.kind == BT_GTID_MYSQL && bt_had_has(&v->had, &t->gtid))
        return bt_fail(err, BT_ERR_CONFLICT, "%s:%" PRIu64 ": transaction %s comes a second time",
                       v->name, t->start, bt_gtid_text(&t->gtid, text));
    for (size_t i = 0; i < v->had.state.count && t->gtid.kind == BT_GTID_MARIADB; i++) {
        const struct bt_gtid *had = &v->had.state.items[i];

        if (had->domain == t->gtid.domain && had->server_id == t->gtid.server_id &&
            had->sequence >= t->gtid.sequence)
            return bt_fail(err, BT_ERR_CONFLICT, "%s:%" PRIu64 ": transaction %s comes behind"
                                                 " number %" PRIu64 " of its domain and server",
                           v->name, t->start,
                           bt_gtid_text(&t->gtid, text), had->sequence);
    }
    return bt_had_add(&v->had, &t->gtid, err);
}

static int end_transaction(struct verify *v, struct bt_err *err)
{
    const struct bt_transaction *t = bt_grouper_transaction(&v->grouper);

    if (check_sequence(v, t, err) != 0 || check_against_manifest(v, t, err) != 0)
        return -1;
    if (v->report.transactions == 0)
        v->report.first = t->gtid;
    v->report.last = t->gtid;
    v->report.transactions++;
    v->report.events += v->events;
    v->report.bytes += v->bytes;
    return 0;
}

static int take_event(struct verify *v, const struct bt_event *ev, struct bt_err *err)
{
    enum bt_group_step part;

    if (!ev->inner && check_place(v, ev, err) != 0)
        return -1;
    if (bt_grouper_feed(&v->grouper, ev, &part, err) != 0)
        return bt_err_wrap(err, "%s:%" PRIu64, v->name, ev->offset);
    if (v->grouper.did_abandon)
        return bt_fail(err, BT_ERR_CORRUPT, "%s:%" PRIu64 ": the transaction before has no end",
                       v->name, ev->offset);
    if (part == BT_GROUP_OUTSIDE) {
        bool is_frame = ev->type == BT_FORMAT_DESCRIPTION || ev->type == BT_GTID_LIST ||
                        ev->type == BT_PREVIOUS_GTIDS || ev->type == BT_STOP;

        if (!is_frame)
            return bt_fail(err, BT_ERR_CORRUPT, "%s:%" PRIu64 ": an event of type %u stands outside"
                                                " any transaction",
                           v->name, ev->offset, ev->type);
        if (ev->type == BT_GTID_LIST || ev->type == BT_PREVIOUS_GTIDS)
            return bt_had_read(&v->had, ev, err);
        return 0;
    }
    if (part == BT_GROUP_BEGIN || part == BT_GROUP_WHOLE) {
        bt_digest_reset(v->digest);
        v->bytes = v->events = 0;
    }
    if (has_list(v))
        bt_digest_event(v->digest, ev);
    if (ev->offset + ev->raw.len > v->raw_end) {
        v->raw_end = ev->offset + ev->raw.len;
        v->bytes += ev->raw.len;
        v->events++;
        XXH3_128bits_update(v->xxh3, ev->raw.ptr, ev->raw.len);
    }
    return part == BT_GROUP_END || part == BT_GROUP_WHOLE ? end_transaction(v, err) : 0;
}

static int check_totals(struct verify *v, const struct bt_end *end, struct bt_err *err)
{
    const struct bt_manifest *m = v->manifest;

    if (end->kind != BT_END_CLEAN)
        return bt_fail(err, BT_ERR_CORRUPT, "%s:%" PRIu64 ": the log is %s: %s", v->name,
                       end->offset, bt_end_kind_name(end->kind), end->reason);
    if (v->grouper.inside)
        return bt_fail(err, BT_ERR_CORRUPT, "%s:%" PRIu64 ": the last transaction has no end",
                       v->name, end->offset);
    bt_xxh3_text(v->xxh3, v->report.xxh3);
    if (!m)
        return 0;
    if (v->report.transactions != m->transactions || v->report.events != m->events ||
        v->report.bytes != m->bytes)
        return bt_fail(err, BT_ERR_CONFLICT,
                       "\"%s\" holds %" PRIu64 " transactions of %" PRIu64
                       " bytes, its manifest says %" PRIu64 " of %" PRIu64,
                       v->name, v->report.transactions, v->report.bytes, m->transactions, m->bytes);
    if (strcmp(v->report.xxh3, m->xxh3) != 0)
        return bt_fail(err, BT_ERR_CONFLICT, "the digest of \"%s\" is %s, its manifest says %s",
                       v->name, v->report.xxh3, m->xxh3);
    return 0;
}

static int read_all(struct verify *v, struct bt_source *source, struct bt_err *err)
{
    bt_auto_reader struct bt_reader *reader = NULL;
    struct bt_event ev;
    int got;

    if (bt_reader_open(source, (struct bt_reader_opts){0}, &reader, err) != 0)
        return -1;
    while ((got = bt_reader_next(reader, &ev, err)) == 0) {
        if (take_event(v, &ev, err) != 0)
            return -1;
    }
    return got < 0 ? -1 : check_totals(v, bt_reader_end(reader), err);
}

int bt_diff_log_verify(struct bt_source *source, const struct bt_manifest *manifest,
                       struct bt_diff_log_report *ret, struct bt_err *err)
{
    bt_auto_digest struct bt_digest *digest = bt_digest_new();
    bt_auto_free XXH3_state_t *xxh3 = aligned_alloc(64, (sizeof(*xxh3) + 63) / 64 * 64);
    struct verify v = {
        .name = source->name, .manifest = manifest, .digest = digest, .xxh3 = xxh3};
    int failed;

    if (!digest || !xxh3)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to verify \"%s\"", source->name);
    XXH3_128bits_reset(xxh3);
    bt_grouper_init(&v.grouper, source->name);
    failed = read_all(&v, source, err);
    bt_had_done(&v.had);
    if (failed)
        return -1;
    *ret = v.report;
    return 0;
}
