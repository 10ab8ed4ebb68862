/* SPDX-License-Identifier: Apache-2.0 */
/* Logs with any bit wrong, logs that vanish at any moment, index files that lie: what is passed on
 * is a beginning of the truth, transaction by transaction, and where it ends early that is said. */
#include <stdio.h>

#include "diff/diff_log.h"
#include "tests/lib/log_builder.h"
#include "tests/unit/suite.h"

enum { PRIMARY = 1, REPLICA = 2, OTHER = 3, LOGS = 4, PER_LOG = 2, TEXT = 10 };

/* Logs of a primary (role PRIMARY) or of its replica (RELAY); their names. */
struct logs {
    enum bt_source_role role;
    size_t count;
    struct bt_log_builder built[LOGS];
    const char *const *names;
    const char *index;
    bool learns;                    /* what they give now is the truth */
    uint64_t truth[LOGS * PER_LOG]; /* contents of transactions 1, 2, .. */
};

static const char *const binlogs[] = {"bin.000001", "bin.000002", "bin.000003", "bin.000004"};
static const char *const relays[] = {"relay-bin.000001", "relay-bin.000002", "relay-bin.000003",
                                     "relay-bin.000004"};

static void build_binlog(struct bt_log_builder *b, size_t i, const char *next)
{
    const uint32_t before[1][3] = {{0, PRIMARY, (uint32_t)(i * PER_LOG)}};

    bt_build_binlog(b, PRIMARY);
    bt_build_list(b, i > 0, before);
    for (uint64_t n = 1; n <= PER_LOG; n++)
        bt_build_transaction(b, 0, i * PER_LOG + n, TEXT);
    if (next)
        bt_build_rotate(b, PRIMARY, 0, next, 4);
}

static void build_relay(struct bt_log_builder *b, size_t i, uint64_t pos, const char *next)
{
    bt_build_relay(b, REPLICA);
    bt_build_primary(b, PRIMARY, "bin.000001", pos, true);
    for (uint64_t n = 1; n <= PER_LOG; n++)
        bt_build_transaction(b, 0, i * PER_LOG + n, TEXT);
    if (next)
        bt_build_rotate(b, REPLICA, BT_FLAG_RELAY_LOG, next, 4);
}

static int discard(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    (void)ctx;
    (void)bytes;
    (void)err;
    return 0;
}

/* What these files give a target that has nothing: how many transactions, each of which must be the
 * true one.  -1 and err: nothing, and why.  ret_said: it is said that something is left out. */
static int give(struct logs *l, struct bt_built_home *files, bool by_gtid, bool *ret_said,
                struct bt_err *err)
{
    static const struct bt_gtid_state nothing;
    struct bt_missing_want want = {.is_prefix = true, .after = {.file = "bin.000001", .pos = 4}};
    struct bt_log_home *home = bt_built_open(files);
    struct bt_missing_source source = {
        .name = "s",
        .role = l->role,
        .set = bt_log_home_find(
            home, l->role == BT_SOURCE_RELAY ? BT_LOG_KIND_RELAY : BT_LOG_KIND_BINLOG, NULL)};
    struct bt_diff_log_opts opts = {0};
    struct bt_manifest manifest;
    struct bt_missing m;
    int count = -1;

    if (by_gtid)
        want = (struct bt_missing_want){.gtid = &nothing};
    *ret_said = !source.set && home->notes.len > 0;
    if (!source.set) {
        bt_log_home_close(home);
        return 0;
    }
    if (bt_missing_find(&want, &source, 1, &m, err) == 0) {
        *ret_said = m.lost.len > 0;
        if (bt_diff_log_write(&m, &opts, (struct bt_sink){discard, NULL}, &manifest, err) == 0) {
            count = (int)manifest.count;
            for (size_t i = 0; i < manifest.count; i++) {
                if (l->learns)
                    l->truth[i] = manifest.items[i].digest;
                ck_assert_msg(manifest.items[i].gtid.sequence == i + 1 &&
                                  manifest.items[i].digest == l->truth[i],
                              "transaction %zu is not the true one", i + 1);
            }
            bt_manifest_done(&manifest);
        }
        bt_missing_done(&m);
    }
    bt_log_home_close(home);
    return count;
}

static void add_logs(const struct logs *l, struct bt_built_home *files)
{
    for (size_t i = 0; i < l->count; i++)
        bt_built_add(files, l->names[i], bt_buf_slice(&l->built[i].bytes));
}

static void build(struct logs *l, enum bt_source_role role, size_t count)
{
    struct bt_built_home files = {0};
    struct bt_err err = {0};
    bool said;

    *l = (struct logs){.role = role,
                       .count = count,
                       .names = role == BT_SOURCE_RELAY ? relays : binlogs,
                       .index = role == BT_SOURCE_RELAY ? "relay-bin.index" : "bin.index"};
    for (size_t i = 0; i < count; i++) {
        const char *next = i + 1 < count ? l->names[i + 1] : NULL;

        if (role == BT_SOURCE_RELAY)
            build_relay(&l->built[i], i, i ? l->built[i - 1].primary_pos : 4, next);
        else
            build_binlog(&l->built[i], i, next);
    }
    add_logs(l, &files);
    l->learns = true;
    ck_assert_int_eq(give(l, &files, false, &said, &err), (int)count * PER_LOG);
    l->learns = false;
    ck_assert(!said);
}

static void logs_done(struct logs *l)
{
    for (size_t i = 0; i < l->count; i++)
        bt_build_done(&l->built[i]);
}

/* Gives a beginning, and says so where it is not all. */
static void check_honest(struct logs *l, struct bt_built_home *files, bool by_gtid,
                         const char *what, size_t at)
{
    struct bt_err err = {0};
    bool said;
    int count = give(l, files, by_gtid, &said, &err);

    ck_assert_msg(count >= 0 || err.text[0], "%s %zu: no word", what, at);
    ck_assert_msg(count < 0 || said || count == (int)l->count * PER_LOG,
                  "%s %zu, by %s: %d transactions, and nothing is said to be lost", what, at,
                  by_gtid ? "GTID" : "position", count);
}

START_TEST(with_any_bit_of_any_log_flipped_nothing_wrong_is_passed_on)
{
    struct logs l;

    build(&l, _i % 2 ? BT_SOURCE_RELAY : BT_SOURCE_PRIMARY, 2);
    for (size_t log = 0; log < l.count; log++) {
        for (size_t bit = (size_t)_i / 2; bit < l.built[log].bytes.len * 8; bit += 8) {
            struct bt_built_home files = {0};

            add_logs(&l, &files);
            files.files[log].flip_bit = bit + 1;
            check_honest(&l, &files, (bit / 8 + bit) % 2, l.names[log], bit);
        }
    }
    logs_done(&l);
}
END_TEST

START_TEST(a_log_that_vanishes_at_any_opening_leaves_the_rest_right)
{
    struct logs l;

    build(&l, _i % 2 ? BT_SOURCE_RELAY : BT_SOURCE_PRIMARY, 3);
    for (size_t log = 0; log < l.count; log++) {
        unsigned opened = 0, last;

        do {
            struct bt_built_home files = {0};

            add_logs(&l, &files);
            files.gone = l.names[log];
            files.gone_behind = opened++;
            check_honest(&l, &files, _i / 2, l.names[log], opened);
            last = files.opened;
        } while (opened <= last);
        ck_assert_uint_ge(last, 3);
    }
    logs_done(&l);
}
END_TEST

START_TEST(whatever_an_index_says_the_order_is_true_and_no_hole_is_passed_over)
{
    enum { WORDS = LOGS + 2 };
    const char *elsewhere = _i % 2 ? "/elsewhere/relay-bin.000005" : "/elsewhere/bin.000005";
    struct logs l;
    struct bt_log_builder foreign;

    build(&l, _i % 2 ? BT_SOURCE_RELAY : BT_SOURCE_PRIMARY, LOGS);
    if (_i % 2)
        bt_build_relay(&foreign, OTHER);
    else
        bt_build_binlog(&foreign, OTHER);
    foreign.server_id = OTHER;
    for (uint64_t n = 1; n <= PER_LOG; n++)
        bt_build_transaction(&foreign, 0, LOGS * PER_LOG + n, TEXT);
    /* Every row of up to LOGS words: its logs, one that is not there, one of another server. */
    for (size_t row = 1; row < WORDS * WORDS * WORDS * WORDS; row++) {
        struct bt_built_home files = {0};
        char text[512];
        size_t len = 0;

        for (size_t rest = row; rest > 0; rest /= WORDS) {
            size_t word = rest % WORDS;
            const char *name = word < LOGS ? l.names[word] : word == LOGS ? "bin.000009"
                                                                          : elsewhere;

            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s\n",
                                    name[0] == '/' ? "" : "./", name);
        }
        add_logs(&l, &files);
        bt_built_add(&files, l.index, bt_slice(text, len));
        bt_built_add(&files, elsewhere, bt_buf_slice(&foreign.bytes));
        check_honest(&l, &files, _i / 2, text, row);
    }
    bt_build_done(&foreign);
    logs_done(&l);
}
END_TEST

BT_SUITE_MAIN("diff lies",
              {with_any_bit_of_any_log_flipped_nothing_wrong_is_passed_on, 16},
              {a_log_that_vanishes_at_any_opening_leaves_the_rest_right, 4},
              {whatever_an_index_says_the_order_is_true_and_no_hole_is_passed_over, 4})
