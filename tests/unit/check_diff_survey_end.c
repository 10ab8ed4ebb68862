/* SPDX-License-Identifier: Apache-2.0 */
/* A survey that reads only near the end of large logs says what one that reads all of them says. */
#include "diff/survey.h"

#include <stdlib.h>

#include "tests/lib/log_builder.h"
#include "tests/unit/suite.h"

enum { PRIMARY = 1, REPLICA = 2, TEXT = 400, PHASES = 8, PER_PHASE = 300, DOMAINS = 4, SEEDS = 40 };

/* Relay logs of one history, built from a seed: in each phase other domains write. */
struct history {
    struct bt_log_builder logs[2];
    size_t count;
    uint64_t sequence[DOMAINS];
    bool is_listed[DOMAINS], was_seen[DOMAINS]; /* by the list, near the end */
    unsigned seed;
    struct bt_built_home files;
    struct bt_log_home *home;
};

static unsigned roll(struct history *h, unsigned sides)
{
    return (unsigned)rand_r(&h->seed) % sides;
}

static void write_phase(struct history *h, struct bt_log_builder *b, bool is_last)
{
    unsigned first = roll(h, DOMAINS), second = roll(h, 3) ? first : roll(h, DOMAINS);

    for (int i = 0; i < PER_PHASE; i++) {
        unsigned domain = roll(h, 20) ? first : second;

        bt_build_transaction(b, domain, ++h->sequence[domain], TEXT);
        h->was_seen[domain] = h->was_seen[domain] || is_last;
    }
}

static void begin_log(struct history *h, uint64_t primary_pos)
{
    struct bt_log_builder *b = &h->logs[h->count++];
    uint32_t list[DOMAINS][3];
    size_t listed = 0;

    bt_build_relay(b, REPLICA);
    bt_build_primary(b, PRIMARY, "bin.000001", primary_pos, true);
    if (primary_pos > 4) { /* a new connection in the middle of the primary's log */
        b->primary_pos = primary_pos;
        return;
    }
    for (unsigned d = 0; d < DOMAINS; d++) {
        h->is_listed[d] = roll(h, 2);
        h->sequence[d] = h->is_listed[d] ? 1 + roll(h, 1000) : 0;
        if (h->is_listed[d]) {
            list[listed][0] = d;
            list[listed][1] = 1 + roll(h, 2);
            list[listed++][2] = (uint32_t)h->sequence[d];
        }
    }
    bt_build_list(b, listed, (const uint32_t(*)[3])list);
}

static void build(struct history *h)
{
    struct bt_log_builder *b;
    unsigned split = roll(h, PHASES);
    char name[32];

    begin_log(h, 4);
    for (unsigned phase = 0; phase < PHASES; phase++) {
        if (phase && phase == split)
            begin_log(h, h->logs[0].primary_pos);
        write_phase(h, &h->logs[h->count - 1], phase == PHASES - 1);
    }
    b = &h->logs[h->count - 1];
    if (roll(h, 2))
        bt_build_gtid(b, 0, h->sequence[0] + 1, 12);
    if (roll(h, 2))
        b->bytes.len -= roll(h, 30);
    for (size_t i = 0; i < h->count; i++) {
        snprintf(name, sizeof(name), "relay-bin.%06zu", i + 1);
        bt_built_add(&h->files, strdup(name), bt_buf_slice(&h->logs[i].bytes));
    }
    h->home = bt_built_open(&h->files);
}

static void done(struct history *h)
{
    bt_log_home_close(h->home);
    for (size_t i = 0; i < h->count; i++) {
        bt_build_done(&h->logs[i]);
        free((char *)(uintptr_t)h->files.files[i].name);
    }
}

static struct bt_survey survey(struct history *h, uint64_t gtid_bytes_max)
{
    const struct bt_log_set *set = bt_log_home_find(h->home, BT_LOG_KIND_RELAY, NULL);
    const struct bt_survey_hints hints = {.gtid_bytes_max = gtid_bytes_max};
    struct bt_survey ret;
    struct bt_err err = {0};

    ck_assert_msg(bt_survey_run(set, NULL, &hints, &ret, &err) == 0, "%s", err.text);
    return ret;
}

static void check_same_place(const struct bt_survey *all, const struct bt_survey *end)
{
    ck_assert_str_eq(all->received.file, end->received.file);
    ck_assert_uint_eq(all->received.pos, end->received.pos);
    ck_assert_uint_eq(all->position.pos, end->position.pos);
    ck_assert_uint_eq(all->unfinished_bytes, end->unfinished_bytes);
    ck_assert_int_eq(all->cut.kind, end->cut.kind);
    ck_assert_uint_eq(all->cut.at, end->cut.at);
    ck_assert(bt_gtid_equal(&all->last_gtid, &end->last_gtid));
    ck_assert_uint_eq(all->server_id, end->server_id);
    ck_assert_uint_eq(all->oldest.pos, end->oldest.pos);
}

START_TEST(near_the_end_stands_the_last_gtid_of_each_domain_that_a_list_or_the_end_names)
{
    struct history h = {.seed = (unsigned)_i + 1};
    struct bt_survey all, end;

    build(&h);
    all = survey(&h, 0);
    end = survey(&h, 1);
    ck_assert(!all.gtid_from_end);
    ck_assert(all.has_gtid && end.has_gtid);
    check_same_place(&all, &end);
    for (uint32_t d = 0; d < DOMAINS; d++) {
        const struct bt_gtid *want = bt_gtid_state_last(&all.gtid, d);
        const struct bt_gtid *got = bt_gtid_state_last(&end.gtid, d);

        if (want && (h.is_listed[d] || h.was_seen[d] || !end.gtid_from_end))
            ck_assert(got && bt_gtid_equal(got, want));
        ck_assert(!got || (want && bt_gtid_equal(got, want)));
    }
    bt_survey_done(&all);
    bt_survey_done(&end);
    done(&h);
}
END_TEST

START_TEST(the_end_of_a_large_log_costs_what_is_read_of_it)
{
    struct history h = {.count = 1};
    struct bt_survey all, end;

    bt_build_relay(&h.logs[0], REPLICA);
    bt_build_primary(&h.logs[0], PRIMARY, "bin.000001", 4, true);
    bt_build_list(&h.logs[0], 1, (const uint32_t[][3]){{0, 1, 7}});
    for (uint64_t i = 0; i < PHASES * PER_PHASE; i++)
        bt_build_transaction(&h.logs[0], 0, 8 + i, TEXT);
    bt_built_add(&h.files, strdup("relay-bin.000001"), bt_buf_slice(&h.logs[0].bytes));
    h.home = bt_built_open(&h.files);
    all = survey(&h, 0);
    end = survey(&h, 1);
    ck_assert(end.gtid_from_end);
    ck_assert_uint_gt(all.bytes_read, h.logs[0].bytes.len / 2);
    ck_assert_uint_lt(end.bytes_read, 300 << 10);
    ck_assert_str_eq(bt_buf_str(&end.gtid_text), bt_buf_str(&all.gtid_text));
    check_same_place(&all, &end);
    bt_survey_done(&all);
    bt_survey_done(&end);
    done(&h);
}
END_TEST

BT_SUITE_MAIN("diff survey near the end",
              {near_the_end_stands_the_last_gtid_of_each_domain_that_a_list_or_the_end_names,
               SEEDS},
              {the_end_of_a_large_log_costs_what_is_read_of_it, 0})
