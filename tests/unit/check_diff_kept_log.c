/* SPDX-License-Identifier: Apache-2.0 */
/* A log from far away is fetched once, whatever is looked for in it and for whom it is copied. */
#include "diff/kept_log.h"

#include "diff/diff_log.h"
#include "tests/lib/log_builder.h"
#include "tests/unit/suite.h"

enum { PRIMARY = 1, TEXT = 500, TRANSACTIONS = 6000, PIECE = 64 << 10 };

/* ------------------------------------------------- a log that counts what it gives */

struct far_log {
    struct bt_source source;
    struct bt_slice bytes;
    uint64_t *given;
};

static int far_view(struct bt_source *source, uint64_t pos, size_t want, struct bt_slice *ret,
                    struct bt_err *err)
{
    struct far_log *f = (struct far_log *)source;
    size_t len = want > PIECE ? want : PIECE;

    (void)err;
    *ret = bt_slice_empty();
    if (pos >= f->bytes.len)
        return 0;
    if (len > f->bytes.len - pos)
        len = f->bytes.len - (size_t)pos;
    *ret = bt_slice(f->bytes.ptr + pos, len);
    *f->given += len;
    return 0;
}

static uint64_t far_size(struct bt_source *source)
{
    return ((struct far_log *)source)->bytes.len;
}

static void far_close(struct bt_source *source)
{
    free(source);
}

static struct bt_source *far_open(struct bt_slice bytes, uint64_t *given)
{
    static const struct bt_source_ops ops = {
        .view = far_view, .size = far_size, .close = far_close};
    struct far_log *f = calloc(1, sizeof(*f));

    ck_assert_ptr_nonnull(f);
    f->source = (struct bt_source){.ops = &ops, .name = "far:bin.000001", .can_go_back = true};
    f->bytes = bytes;
    f->given = given;
    return &f->source;
}

/* --------------------------------------------------------------- a primary far away */

struct far_primary {
    struct bt_log_opener opener;
    struct bt_log_builder log;
    uint64_t given;
    struct bt_kept_log *kept; /* NULL: every look fetches anew */
    struct bt_log entry;
    struct bt_log_set set;
    uint64_t places[TRANSACTIONS + 1]; /* where each transaction ends */
};

static int primary_open(struct bt_log_opener *o, const char *name, struct bt_source **ret,
                        struct bt_err *err)
{
    struct far_primary *p = (struct far_primary *)o;

    (void)name;
    if (p->kept)
        return bt_kept_log_source(p->kept, ret, err);
    *ret = far_open(bt_buf_slice(&p->log.bytes), &p->given);
    return 0;
}

static void primary_begin(struct far_primary *p, const char *folder)
{
    static const struct bt_log_opener_ops ops = {NULL, primary_open, NULL};
    static const uint32_t none[1][3];
    struct bt_err err = {0};

    *p = (struct far_primary){.opener = {.ops = &ops, .name = "far"}};
    bt_build_binlog(&p->log, PRIMARY);
    bt_build_list(&p->log, 0, none);
    p->places[0] = p->log.bytes.len;
    for (uint64_t i = 1; i <= TRANSACTIONS; i++) {
        bt_build_transaction(&p->log, 0, i, TEXT);
        p->places[i] = p->log.bytes.len;
    }
    if (folder)
        ck_assert_int_eq(bt_kept_log_open(far_open(bt_buf_slice(&p->log.bytes), &p->given), folder,
                                          &p->kept, &err),
                         0);
    p->entry = (struct bt_log){
        .name = "bin.000001", .path = "bin.000001", .size = p->log.bytes.len};
    p->set = (struct bt_log_set){.kind = BT_LOG_KIND_BINLOG,
                                 .base = "bin",
                                 .connection = "",
                                 .logs = &p->entry,
                                 .count = 1,
                                 .opener = &p->opener};
}

static void primary_done(struct far_primary *p)
{
    bt_kept_log_close(p->kept);
    bt_build_done(&p->log);
}

static int discard(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    (void)ctx;
    (void)bytes;
    (void)err;
    return 0;
}

/* Finds and copies what a target lacks that has the first `had` transactions; its digest. */
static void complete(struct far_primary *p, uint64_t had, char ret_xxh3[static 33])
{
    const struct bt_missing_source source = {
        .name = "primary", .role = BT_SOURCE_PRIMARY, .set = &p->set};
    struct bt_missing_want want = {.after = {.file = "bin.000001", .pos = p->places[had]},
                                   .is_prefix = true};
    const struct bt_diff_log_opts opts = {0};
    struct bt_manifest manifest;
    struct bt_missing missing;
    struct bt_err err = {0};

    ck_assert_msg(bt_missing_find(&want, &source, 1, &missing, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(missing.count, TRANSACTIONS - had);
    ck_assert_msg(bt_diff_log_write(&missing, &opts, (struct bt_sink){discard, NULL}, &manifest,
                                    &err) == 0,
                  "%s", err.text);
    memcpy(ret_xxh3, manifest.xxh3, 33);
    bt_manifest_done(&manifest);
    bt_missing_done(&missing);
}

START_TEST(two_targets_with_overlapping_gaps_cost_the_bytes_of_the_larger_one)
{
    struct far_primary far, near;
    char want[2][33], got[2][33];
    uint64_t larger;

    primary_begin(&near, NULL);
    primary_begin(&far, "/tmp");
    larger = far.places[TRANSACTIONS] - far.places[2000];
    complete(&near, 4000, want[0]);
    complete(&near, 2000, want[1]);
    complete(&far, 4000, got[0]);
    complete(&far, 2000, got[1]);
    ck_assert_str_eq(got[0], want[0]);
    ck_assert_str_eq(got[1], want[1]);
    ck_assert_uint_gt(near.given, 3 * larger); /* found and copied, twice */
    ck_assert_uint_ge(far.given, larger);
    ck_assert_uint_le(far.given, larger + 4 * PIECE);
    ck_assert_uint_le(bt_kept_log_fetched(far.kept), far.given);
    primary_done(&far);
    primary_done(&near);
}
END_TEST

START_TEST(a_log_that_cannot_be_kept_is_fetched_as_often_as_it_is_looked_at)
{
    struct far_primary far, near;
    char want[33], got[33];

    primary_begin(&near, NULL);
    primary_begin(&far, "/nonexistent");
    complete(&near, 100, want);
    complete(&far, 100, got);
    ck_assert_str_eq(got, want);
    primary_done(&far);
    primary_done(&near);
}
END_TEST

START_TEST(any_views_in_any_order_give_the_logs_bytes)
{
    struct bt_kept_log *kept;
    struct bt_source *looks[2];
    struct bt_err err = {0};
    unsigned seed = (unsigned)_i + 1;
    uint64_t given = 0;
    uint8_t *bytes = malloc(1 << 20);
    size_t size = (size_t)rand_r(&seed) % (1 << 20);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)rand_r(&seed);
    ck_assert_int_eq(
        bt_kept_log_open(far_open(bt_slice(bytes, size), &given), "/tmp", &kept, &err), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(bt_kept_log_source(kept, &looks[i], &err), 0);
    for (int i = 0; i < 200; i++) {
        uint64_t pos = (uint64_t)rand_r(&seed) % (size + 100);
        size_t want = (size_t)rand_r(&seed) % (i % 2 ? 100 : 200000);
        size_t there = pos < size ? size - (size_t)pos : 0;
        struct bt_slice got;

        ck_assert_int_eq(bt_source_view(looks[i % 2], pos, want, &got, &err), 0);
        ck_assert_uint_ge(got.len, want < there ? want : there);
        ck_assert_uint_le(got.len, there);
        ck_assert(got.len == 0 || memcmp(got.ptr, bytes + pos, got.len) == 0);
    }
    ck_assert_uint_le(bt_kept_log_fetched(kept), given);
    for (int i = 0; i < 2; i++)
        bt_source_close(looks[i]);
    bt_kept_log_close(kept);
    free(bytes);
}
END_TEST

START_TEST(a_log_that_was_cut_meanwhile_ends_where_it_was_cut)
{
    static const char text[] = "0123456789";
    struct bt_kept_log *kept;
    struct bt_source *look, *inner;
    struct bt_err err = {0};
    struct bt_slice got;
    uint64_t given = 0;

    inner = far_open(bt_slice(text, 10), &given);
    ck_assert_int_eq(bt_kept_log_open(inner, "/tmp", &kept, &err), 0);
    ck_assert_int_eq(bt_kept_log_source(kept, &look, &err), 0);
    ((struct far_log *)inner)->bytes.len = 6;
    ck_assert_int_eq(bt_source_view(look, 2, 8, &got, &err), 0);
    ck_assert_uint_eq(got.len, 4);
    ck_assert_int_eq(memcmp(got.ptr, "2345", 4), 0);
    ck_assert_uint_eq(bt_source_size(look), 6);
    bt_source_close(look);
    bt_kept_log_close(kept);
}
END_TEST

BT_SUITE_MAIN("diff kept log",
              {two_targets_with_overlapping_gaps_cost_the_bytes_of_the_larger_one, 0},
              {a_log_that_cannot_be_kept_is_fetched_as_often_as_it_is_looked_at, 0},
              {any_views_in_any_order_give_the_logs_bytes, 30},
              {a_log_that_was_cut_meanwhile_ends_where_it_was_cut, 0})
