/* SPDX-License-Identifier: Apache-2.0 */
/* A diff log on its way out: blocks, the thread that sends them, large transactions, failures. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diff/block_sender.h"
#include "diff/diff_log.h"
#include "tests/lib/log_builder.h"
#include "tests/unit/suite.h"

enum { PRIMARY = 1, STATEMENTS = 40, STATEMENT_SIZE = 5000 };

/* A primary's log and what a replica without any of it lacks. */
struct fixture {
    struct bt_log_builder log;
    struct bt_built_home files;
    struct bt_log_home *home;
    struct bt_missing_source source;
    struct bt_missing missing;
};

static void fixture_begin(struct fixture *f)
{
    static const uint32_t none[1][3];

    *f = (struct fixture){0};
    bt_build_binlog(&f->log, PRIMARY);
    bt_build_list(&f->log, 0, none);
}

static void fixture_end(struct fixture *f, size_t transactions)
{
    struct bt_missing_want want = {.is_prefix = true};
    struct bt_err err = {0};

    bt_built_add(&f->files, "bin.000001", bt_buf_slice(&f->log.bytes));
    f->home = bt_built_open(&f->files);
    f->source = (struct bt_missing_source){
        .name = "p",
        .role = BT_SOURCE_PRIMARY,
        .set = bt_log_home_find(f->home, BT_LOG_KIND_BINLOG, NULL)};
    snprintf(want.after.file, sizeof(want.after.file), "bin.000001");
    want.after.pos = 4;
    ck_assert_int_eq(bt_missing_find(&want, &f->source, 1, &f->missing, &err), 0);
    ck_assert_uint_eq(f->missing.count, transactions);
}

/* A small transaction, one of many events, and a small one behind it. */
static void fixture_make(struct fixture *f)
{
    static char text[STATEMENT_SIZE];

    fixture_begin(f);
    bt_build_transaction(&f->log, 0, 1, 40);
    bt_build_gtid(&f->log, 0, 2, 0);
    for (int i = 0; i < STATEMENTS; i++) {
        snprintf(text, sizeof(text), "INSERT INTO t VALUES ('%0*d')", STATEMENT_SIZE - 100, i);
        bt_build_query(&f->log, "d", text);
    }
    bt_build_xid(&f->log, 2);
    bt_build_transaction(&f->log, 0, 3, 40);
    fixture_end(f, 3);
}

static void fixture_done(struct fixture *f)
{
    bt_missing_done(&f->missing);
    bt_log_home_close(f->home);
    bt_build_done(&f->log);
}

static int collect(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    bt_buf_add_slice(ctx, bytes);
    return bt_buf_check(ctx, "a diff log", err);
}

static struct bt_buf written(const struct fixture *f, size_t block_size, char ret_xxh3[33])
{
    struct bt_diff_log_opts opts = {.block_size = block_size};
    struct bt_manifest manifest;
    struct bt_err err = {0};
    struct bt_buf log;

    bt_buf_init(&log, 64 << 20);
    ck_assert_msg(bt_diff_log_write(&f->missing, &opts, (struct bt_sink){collect, &log}, &manifest,
                                    &err) == 0,
                  "%s", err.text);
    memcpy(ret_xxh3, manifest.xxh3, 33);
    bt_manifest_done(&manifest);
    return log;
}

START_TEST(a_transaction_many_times_larger_than_a_block_is_written_the_same)
{
    static const size_t sizes[] = {1, 19, 64, 4096, 70000};
    struct fixture f;
    struct bt_buf whole;
    char want[33];

    fixture_make(&f);
    whole = written(&f, 0, want);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char have[33];
        struct bt_buf log = written(&f, sizes[i], have);

        ck_assert_uint_eq(log.len, whole.len);
        ck_assert_mem_eq(log.data, whole.data, whole.len);
        ck_assert_str_eq(have, want);
        bt_buf_done(&log);
    }
    bt_buf_done(&whole);
    fixture_done(&f);
}
END_TEST

START_TEST(a_packed_log_sent_in_blocks_reads_back_whole)
{
    struct bt_diff_log_opts opts = {.block_size = 3000};
    char path[] = "/tmp/check-diff-log.XXXXXX", name[64];
    struct bt_manifest manifest, read;
    struct bt_diff_log_report report;
    struct bt_source *source;
    struct bt_err err = {0};
    struct fixture f;

    fixture_make(&f);
    ck_assert_ptr_nonnull(mkdtemp(path));
    snprintf(name, sizeof(name), "%s/out.binlog.zst", path);
    ck_assert_msg(bt_diff_log_save(&f.missing, &opts, name, &manifest, &err) == 0, "%s", err.text);
    ck_assert_int_eq(bt_manifest_read(name, &read, &err), 0);
    ck_assert_int_eq(bt_diff_log_open(name, &source, &err), 0);
    ck_assert_msg(bt_diff_log_verify(source, &read, &report, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(report.transactions, 3);
    bt_source_close(source);
    bt_manifest_done(&manifest);
    bt_manifest_done(&read);
    ck_assert_int_eq(unlink(name), 0);
    snprintf(name, sizeof(name), "%s/out.binlog.zst.json", path);
    ck_assert_int_eq(unlink(name), 0);
    ck_assert_int_eq(rmdir(path), 0); /* and no temporary file is left */
    fixture_done(&f);
}
END_TEST

/* Takes `left` bytes, then has no room for more. */
struct full_disk {
    size_t left;
};

static int fill(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    struct full_disk *d = ctx;

    if (bytes.len > d->left)
        return bt_fail(err, BT_ERR_SYSTEM, "the disk is full");
    d->left -= bytes.len;
    return 0;
}

START_TEST(a_disk_that_is_full_at_any_block_ends_the_writing_with_its_words)
{
    struct fixture f;

    fixture_make(&f);
    for (size_t room = 0; room < STATEMENTS * (size_t)STATEMENT_SIZE; room += 20000) {
        struct bt_diff_log_opts opts = {.block_size = 4096, .zstd = room % 40000 != 0};
        struct full_disk disk = {opts.zstd ? room / 1000 : room};
        struct bt_manifest manifest;
        struct bt_err err = {0};

        ck_assert_int_eq(bt_diff_log_write(&f.missing, &opts, (struct bt_sink){fill, &disk},
                                           &manifest, &err),
                         -1);
        ck_assert_str_eq(err.text, "the disk is full");
    }
    fixture_done(&f);
}
END_TEST

/* Blocks arrive in order, and each while it is still what it was. */
static int count_up(void *ctx, struct bt_slice block, struct bt_err *err)
{
    unsigned *next = ctx;

    if (block.len != sizeof(*next) || memcmp(block.ptr, next, sizeof(*next)) != 0)
        return bt_fail(err, BT_ERR_BUG, "block %u is not the next one", *next);
    (*next)++;
    return 0;
}

START_TEST(blocks_are_sent_in_order_out_of_two_buffers)
{
    struct bt_block_sender sender;
    struct bt_err err = {0};
    unsigned next = 0, blocks[2];

    ck_assert_int_eq(bt_block_sender_start(&sender, count_up, &next, &err), 0);
    for (unsigned i = 0; i < 1000; i++) {
        blocks[i % 2] = i;
        ck_assert_int_eq(bt_block_sender_put(&sender, bt_slice(&blocks[i % 2], sizeof(i)), &err),
                         0);
    }
    ck_assert_int_eq(bt_block_sender_end(&sender, &err), 0);
    ck_assert_uint_eq(next, 1000);
    ck_assert_int_eq(bt_block_sender_end(&sender, &err), 0); /* once more does nothing */
}
END_TEST

START_TEST(the_failure_of_the_last_block_is_told_at_the_end)
{
    struct bt_block_sender sender;
    struct bt_err err = {0};
    unsigned next = 0, wrong = 7;

    ck_assert_int_eq(bt_block_sender_start(&sender, count_up, &next, &err), 0);
    ck_assert_int_eq(bt_block_sender_put(&sender, bt_slice(&wrong, sizeof(wrong)), &err), 0);
    ck_assert_int_eq(bt_block_sender_end(&sender, &err), -1);
    ck_assert_str_eq(err.text, "block 0 is not the next one");
}
END_TEST

/* It goes to its file in pieces of 256 KiB. */
START_TEST(a_manifest_of_many_pieces_reads_back_whole)
{
    enum { TRANSACTIONS = 7000 };
    char folder[] = "/tmp/baton-check.XXXXXX", path[64], beside[80];
    struct bt_diff_log_opts opts = {0};
    struct bt_manifest saved, back;
    struct bt_err err = {0};
    struct stat st;
    struct fixture f;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/diff.binlog", folder);
    snprintf(beside, sizeof(beside), "%s.json", path);
    fixture_begin(&f);
    for (uint64_t i = 1; i <= TRANSACTIONS; i++)
        bt_build_transaction(&f.log, 0, i, 10);
    fixture_end(&f, TRANSACTIONS);
    ck_assert_msg(bt_diff_log_save(&f.missing, &opts, path, &saved, &err) == 0, "%s", err.text);
    ck_assert_int_eq(stat(beside, &st), 0);
    ck_assert_int_gt(st.st_size, 3 * (256 << 10));
    bt_manifest_init(&back);
    ck_assert_msg(bt_manifest_read(path, &back, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(back.count, TRANSACTIONS);
    for (size_t i = 0; i < TRANSACTIONS; i++) {
        ck_assert_uint_eq(back.items[i].gtid.sequence, i + 1);
        ck_assert_uint_eq(back.items[i].digest, saved.items[i].digest);
        ck_assert_uint_eq(back.items[i].end, saved.items[i].end);
    }
    bt_manifest_done(&back);
    bt_manifest_done(&saved);
    fixture_done(&f);
    ck_assert_int_eq(unlink(path) | unlink(beside) | rmdir(folder), 0);
}
END_TEST

BT_SUITE_MAIN("diff log write",
              {a_manifest_of_many_pieces_reads_back_whole, 0},
              {a_transaction_many_times_larger_than_a_block_is_written_the_same, 0},
              {a_packed_log_sent_in_blocks_reads_back_whole, 0},
              {a_disk_that_is_full_at_any_block_ends_the_writing_with_its_words, 0},
              {blocks_are_sent_in_order_out_of_two_buffers, 0},
              {the_failure_of_the_last_block_is_told_at_the_end, 0})
