/* SPDX-License-Identifier: Apache-2.0 */
/* Framing: how logs end and why, which FORMAT_DESCRIPTION governs, where reading may begin. */
#include "tests/unit/suite.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "parser/control.h"
#include "parser/crc.h"
#include "parser/crypt.h"
#include "parser/query.h"
#include "parser/reader.h"
#include "tests/lib/log_builder.h"

enum { PRIMARY = 1, REPLICA = 2 };

struct log {
    struct bt_source *source;
    struct bt_reader *reader;
    struct bt_event ev;
    struct bt_err err;
};

static int open_log(struct log *l, struct bt_slice bytes, struct bt_reader_opts opts)
{
    *l = (struct log){0};
    ck_assert_int_eq(bt_source_memory_open(bytes, "log", &l->source, &l->err), 0);
    return bt_reader_open(l->source, opts, &l->reader, &l->err);
}

static int next(struct log *l)
{
    return bt_reader_next(l->reader, &l->ev, &l->err);
}

static void close_log(struct log *l)
{
    bt_reader_close(l->reader);
    bt_source_close(l->source);
}

/* Reads to the end: how many events there were. */
static size_t read_out(struct log *l)
{
    size_t count = 0;
    int rc;

    while ((rc = next(l)) == 0)
        count++;
    ck_assert_msg(rc == 1, "%s", l->err.text);
    return count;
}

static void expect_end(struct bt_slice bytes, size_t events, enum bt_end_kind kind, uint64_t offset,
                       const char *reason)
{
    struct log l;
    const struct bt_end *end;

    ck_assert_int_eq(open_log(&l, bytes, (struct bt_reader_opts){0}), 0);
    ck_assert_uint_eq(read_out(&l), events);
    end = bt_reader_end(l.reader);
    ck_assert_str_eq(bt_end_kind_name(end->kind), bt_end_kind_name(kind));
    ck_assert_uint_eq(end->offset, offset);
    ck_assert_msg(strstr(end->reason, reason) != NULL, "%s", end->reason);
    ck_assert_int_eq(next(&l), 1);
    close_log(&l);
}

static struct bt_slice built(const struct bt_log_builder *b)
{
    return bt_buf_slice(&b->bytes);
}

/* ---------------------------------------------------------------- the ends */

START_TEST(a_log_that_was_closed_is_clean)
{
    struct bt_log_builder b;

    bt_build_binlog(&b, PRIMARY);
    bt_build_transaction(&b, 0, 1, 20);
    bt_build_stop(&b);
    expect_end(built(&b), 5, BT_END_CLEAN, b.bytes.len, "");
    bt_build_done(&b);
    bt_build_binlog(&b, PRIMARY);
    bt_build_rotate(&b, PRIMARY, 0, "bin.000002", 4);
    expect_end(built(&b), 2, BT_END_CLEAN, b.bytes.len, "");
    bt_build_done(&b);
}
END_TEST

START_TEST(a_log_that_was_not_closed_is_open)
{
    struct bt_log_builder b;

    bt_build_binlog(&b, PRIMARY);
    bt_build_transaction(&b, 0, 1, 20);
    expect_end(built(&b), 4, BT_END_OPEN, b.bytes.len, "no ROTATE or STOP");
    expect_end(bt_slice(b.bytes.data, 4), 0, BT_END_OPEN, 4, "no events");
    bt_build_done(&b);
}
END_TEST

START_TEST(only_the_replicas_own_rotate_closes_a_relay_log)
{
    struct bt_log_builder b;

    bt_build_relay(&b, REPLICA);
    bt_build_primary(&b, PRIMARY, "bin.000001", 4, true);
    bt_build_rotate(&b, PRIMARY, 0, "bin.000002", 4);
    expect_end(built(&b), 4, BT_END_OPEN, b.bytes.len, "no ROTATE");
    bt_build_rotate(&b, REPLICA, BT_FLAG_RELAY_LOG, "relay.000002", 4);
    expect_end(built(&b), 5, BT_END_CLEAN, b.bytes.len, "");
    bt_build_done(&b);
}
END_TEST

/* _i: how many bytes of "\xfe" "bin". */
START_TEST(less_than_a_log_header_is_torn_at_its_begin)
{
    expect_end(bt_slice("\xfe"
                        "bin",
                        (size_t)_i),
               0, BT_END_TORN, 0, "of a log header");
}
END_TEST

START_TEST(zeros_that_a_lost_host_leaves_are_a_torn_tail)
{
    static const uint8_t zeros[5000];
    struct bt_log_builder b;
    size_t len;

    bt_build_binlog(&b, PRIMARY);
    bt_build_transaction(&b, 0, 1, 20);
    len = b.bytes.len;
    bt_buf_add(&b.bytes, zeros, sizeof(zeros));
    expect_end(built(&b), 4, BT_END_TORN, len, "zero bytes");
    bt_buf_add(&b.bytes, "x", 1);
    expect_end(built(&b), 4, BT_END_CORRUPT, len, "zero bytes");
    bt_build_done(&b);
}
END_TEST

/* Lengths that lie: below a header, over the limit. */
static const struct {
    uint32_t length;
    const char *reason;
} lies[] = {
    {0, "allowed are 23"},
    {18, "allowed are 23"},
    {22, "allowed are 23"},
    {(1u << 30) + 1, "to 1073741824"},
    {UINT32_MAX, "to 1073741824"},
};

START_TEST(a_length_that_lies_is_corrupt_there)
{
    struct bt_log_builder b;
    size_t at;

    bt_build_binlog(&b, PRIMARY);
    at = b.bytes.len;
    bt_build_xid(&b, 7);
    for (int i = 0; i < 4; i++)
        b.bytes.data[at + 9 + (size_t)i] = (uint8_t)(lies[_i].length >> (8 * i));
    expect_end(built(&b), 1, BT_END_CORRUPT, at, lies[_i].reason);
    bt_build_done(&b);
}
END_TEST

START_TEST(a_log_must_begin_with_its_format)
{
    struct bt_log_builder b;

    bt_build_binlog(&b, PRIMARY);
    b.bytes.len = 4;
    bt_build_xid(&b, 7);
    expect_end(built(&b), 0, BT_END_CORRUPT, 4, "the first event is XID");
    bt_build_done(&b);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
    const char *text;
} strangers[] = {
    {"\xfd"
     "bin",
     4, "encrypted by MySQL"},
    {"\xfe\xfe\x0d\x01", 4, "InnoDB binary log"},
    {"PK\x03\x04", 4, "is not a binary log"},
    {"\xfe"
     "bin"
     "\0\0\0\0\x01\0\0\0\0\x45\0\0\0\0\0\0\0\0\0",
     23, "MySQL 4.1 or older"},
};

START_TEST(what_is_no_log_of_version_4_is_named)
{
    struct log l;

    ck_assert_int_eq(open_log(&l, bt_slice(strangers[_i].bytes, strangers[_i].len),
                              (struct bt_reader_opts){0}),
                     -1);
    ck_assert_int_eq(l.err.kind, BT_ERR_CORRUPT);
    ck_assert_msg(strstr(l.err.text, strangers[_i].text) != NULL, "%s", l.err.text);
    close_log(&l);
}
END_TEST

/* ----------------------------------------------------- without checksums */

START_TEST(without_checksums_positions_and_types_are_the_proof)
{
    struct bt_log_builder b;
    size_t at;

    bt_build_binlog(&b, PRIMARY);
    b.bytes.len = 4;
    b.checksum = false;
    bt_build_format(&b, PRIMARY, 0, UINT64_MAX, false);
    at = b.bytes.len;
    bt_build_xid(&b, 7);
    bt_build_xid(&b, 8);
    expect_end(built(&b), 3, BT_END_OPEN, b.bytes.len, "");
    b.bytes.data[at + 9] = (uint8_t)(b.bytes.data[at + 9] + 1);
    expect_end(built(&b), 1, BT_END_CORRUPT, at, "claims to end at");
    b.bytes.data[at + 9] = (uint8_t)(b.bytes.data[at + 9] - 1);
    b.bytes.data[at + 4] = 100;
    expect_end(built(&b), 1, BT_END_CORRUPT, at, "of type 100 is not known");
    b.bytes.data[at + 17] = BT_FLAG_IGNORABLE;
    expect_end(built(&b), 3, BT_END_OPEN, b.bytes.len, "");
    bt_build_done(&b);
}
END_TEST

START_TEST(an_unknown_type_with_a_right_checksum_is_handed_out)
{
    struct bt_log_builder b;
    struct log l;

    bt_build_binlog(&b, PRIMARY);
    bt_build_event(&b, 200, PRIMARY, 0, UINT64_MAX, "body", 4);
    ck_assert_int_eq(open_log(&l, built(&b), (struct bt_reader_opts){0}), 0);
    ck_assert(next(&l) == 0 && next(&l) == 0);
    ck_assert_uint_eq(l.ev.type, 200);
    ck_assert(bt_event_type_name(l.ev.type) == NULL);
    ck_assert(bt_slice_equal_str(l.ev.body, "body"));
    close_log(&l);
    bt_build_done(&b);
}
END_TEST

/* ----------------------------------------------------------------- formats */

/* The replica checks, the primary does not, then does: _i tells which begins. */
START_TEST(the_last_format_description_says_whether_events_have_checksums)
{
    struct bt_log_builder b;
    struct log l;

    bt_build_relay(&b, REPLICA);
    bt_build_primary(&b, PRIMARY, "bin.000001", 4, _i == 0);
    bt_build_transaction(&b, 0, 1, 30);
    bt_build_primary(&b, PRIMARY, "bin.000002", 4, _i != 0);
    bt_build_transaction(&b, 0, 2, 30);
    bt_build_rotate(&b, REPLICA, BT_FLAG_RELAY_LOG, "relay.000002", 4);
    expect_end(built(&b), 12, BT_END_CLEAN, b.bytes.len, "");
    ck_assert_int_eq(open_log(&l, built(&b), (struct bt_reader_opts){0}), 0);
    while (next(&l) == 0)
        if (l.ev.type == BT_XID)
            ck_assert_uint_eq(l.ev.body.len, 8);
    close_log(&l);
    bt_build_done(&b);
}
END_TEST

START_TEST(longer_headers_are_skipped_except_those_of_rotate)
{
    struct bt_log_builder b;
    struct log l;
    struct bt_rotate rotate;
    uint64_t xid;
    size_t crc_at;
    uint32_t crc;

    bt_build_binlog(&b, PRIMARY);
    b.bytes.data[4 + 19 + 56] = 27;
    crc_at = b.bytes.len - 4;
    b.bytes.len = crc_at;
    crc = (uint32_t)bt_crc32(0, bt_slice(b.bytes.data + 4, crc_at - 4));
    bt_buf_add_le(&b.bytes, crc, 4);
    bt_build_event(&b, BT_XID, PRIMARY, 0, UINT64_MAX, "--------\x05\0\0\0\0\0\0\0", 16);
    bt_build_rotate(&b, PRIMARY, 0, "bin.000002", 4);
    ck_assert_int_eq(open_log(&l, built(&b), (struct bt_reader_opts){0}), 0);
    ck_assert(next(&l) == 0 && next(&l) == 0);
    ck_assert_int_eq(bt_xid_read(&l.ev, &xid, &l.err), 0);
    ck_assert_uint_eq(xid, 5);
    ck_assert_int_eq(next(&l), 0);
    ck_assert_int_eq(bt_rotate_read(&l.ev, &rotate, &l.err), 0);
    ck_assert(bt_slice_equal_str(rotate.name, "bin.000002"));
    close_log(&l);
    bt_build_done(&b);
}
END_TEST

/* ------------------------------------------------------------------- start */

START_TEST(reading_may_begin_at_any_event_and_gives_the_same_from_there)
{
    struct bt_log_builder b;
    uint64_t offsets[64];
    size_t count = 0;
    struct log l;

    bt_build_relay(&b, REPLICA);
    bt_build_primary(&b, PRIMARY, "bin.000001", 4, true);
    bt_build_transaction(&b, 0, 1, 30);
    bt_build_primary(&b, PRIMARY, "bin.000002", 4, false);
    bt_build_transaction(&b, 0, 2, 30);
    ck_assert_int_eq(open_log(&l, built(&b), (struct bt_reader_opts){0}), 0);
    while (next(&l) == 0)
        offsets[count++] = l.ev.offset;
    close_log(&l);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(
            open_log(&l, built(&b), (struct bt_reader_opts){.start_pos = offsets[i]}), 0);
        for (size_t n = i; n < count; n++) {
            ck_assert_int_eq(next(&l), 0);
            ck_assert_uint_eq(l.ev.offset, offsets[n]);
        }
        ck_assert_int_eq(next(&l), 1);
        close_log(&l);
    }
    bt_build_done(&b);
}
END_TEST

START_TEST(an_offset_inside_an_event_of_a_relay_log_is_refused)
{
    struct bt_log_builder b;
    struct log l;

    bt_build_relay(&b, REPLICA);
    bt_build_primary(&b, PRIMARY, "bin.000001", 4, true);
    bt_build_transaction(&b, 0, 1, 30);
    ck_assert_int_eq(
        open_log(&l, built(&b), (struct bt_reader_opts){.start_pos = b.bytes.len - 3}), -1);
    ck_assert_int_eq(l.err.kind, BT_ERR_REALITY);
    ck_assert(strstr(l.err.text, "is inside the event at") != NULL);
    close_log(&l);
    bt_build_done(&b);
}
END_TEST

START_TEST(reading_stops_clean_at_the_position_asked_for)
{
    struct bt_log_builder b;
    struct log l;
    uint64_t at;

    bt_build_binlog(&b, PRIMARY);
    at = bt_build_event(&b, BT_XID, PRIMARY, 0, UINT64_MAX, "12345678", 8);
    bt_build_xid(&b, 2);
    ck_assert_int_eq(open_log(&l, built(&b), (struct bt_reader_opts){.stop_pos = at + 1}), 0);
    ck_assert_uint_eq(read_out(&l), 2);
    ck_assert_int_eq(bt_reader_end(l.reader)->kind, BT_END_CLEAN);
    close_log(&l);
    bt_build_done(&b);
}
END_TEST

/* ------------------------------------------------------------------- files */

/* A sparse file whose one event is 200 MiB: its CRC is not right, and saying so costs windows. */
START_TEST(an_event_larger_than_memory_allows_is_checked_in_pieces)
{
    char path[] = "/tmp/check_parser_reader.XXXXXX";
    int fd = mkstemp(path);
    struct bt_log_builder b;
    struct rusage before, after;
    struct log l = {0};
    uint32_t size = 200u << 20;
    size_t at;

    ck_assert_int_ge(fd, 0);
    bt_build_binlog(&b, PRIMARY);
    at = b.bytes.len;
    bt_build_event(&b, BT_ANNOTATE_ROWS, PRIMARY, 0, UINT64_MAX, "text", 4);
    for (int i = 0; i < 4; i++)
        b.bytes.data[at + 9 + (size_t)i] = (uint8_t)(size >> (8 * i));
    ck_assert_int_eq(write(fd, b.bytes.data, b.bytes.len), (ssize_t)b.bytes.len);
    ck_assert_int_eq(ftruncate(fd, (off_t)(at + size)), 0);
    getrusage(RUSAGE_SELF, &before);
    ck_assert_int_eq(bt_source_file_open(path, &l.source, &l.err), 0);
    ck_assert_int_eq(bt_reader_open(l.source, (struct bt_reader_opts){0}, &l.reader, &l.err), 0);
    ck_assert_uint_eq(read_out(&l), 1);
    getrusage(RUSAGE_SELF, &after);
    ck_assert_int_eq(bt_reader_end(l.reader)->kind, BT_END_CORRUPT);
    ck_assert_uint_eq(bt_reader_end(l.reader)->offset, at);
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 24 * 1024);
    close_log(&l);
    bt_build_done(&b);
    close(fd);
    unlink(path);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    struct bt_source *source;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_source_file_open("/no/such/log", &source, &err), -1);
    ck_assert_int_eq(err.os_errno, ENOENT);
    ck_assert_int_eq(bt_source_file_open("/tmp", &source, &err), -1);
    ck_assert(strstr(err.text, "is not a regular file") != NULL);
}
END_TEST

/* --------------------------------------------------------------- encrypted */

static const char *const ciphers[] = {"encrypted-cbc", "encrypted-ctr"};

static size_t read_encrypted(const char *folder, const struct bt_keys *keys, size_t *ret_sealed,
                             struct bt_end *ret_end)
{
    char path[512];
    struct log l = {0};
    size_t count = 0;

    snprintf(path, sizeof(path), "%s/mariadb-11.8/%s/bin.000001", BT_TESTDATA, folder);
    *ret_sealed = 0;
    ck_assert_int_eq(bt_source_file_open(path, &l.source, &l.err), 0);
    ck_assert_int_eq(
        bt_reader_open(l.source, (struct bt_reader_opts){.keys = keys}, &l.reader, &l.err), 0);
    while (next(&l) == 0) {
        count++;
        *ret_sealed += l.ev.sealed;
    }
    *ret_end = *bt_reader_end(l.reader);
    close_log(&l);
    return count;
}

START_TEST(an_encrypted_log_is_read_with_its_key_and_walked_without)
{
    char path[512];
    bt_auto_keys struct bt_keys *keys = NULL;
    struct bt_err err = {0};
    struct bt_end open_end, sealed_end;
    size_t sealed, with_key, without;

    snprintf(path, sizeof(path), "%s/mariadb-11.8/%s/keys.txt", BT_TESTDATA, ciphers[_i]);
    ck_assert_msg(bt_keys_load_mariadb(path, NULL, &keys, &err) == 0, "%s", err.text);
    with_key = read_encrypted(ciphers[_i], keys, &sealed, &open_end);
    ck_assert_uint_eq(sealed, 0);
    ck_assert_int_eq(open_end.kind, BT_END_CLEAN);
    without = read_encrypted(ciphers[_i], NULL, &sealed, &sealed_end);
    ck_assert_uint_eq(without, with_key);
    ck_assert_uint_eq(sealed, without - 2);
    ck_assert_int_eq(sealed_end.kind, BT_END_OPEN);
    ck_assert_uint_eq(sealed_end.offset, open_end.offset);
    ck_assert(strstr(sealed_end.reason, "encrypted") != NULL);
}
END_TEST

/* ------------------------------------------------------------------ wrapped */

START_TEST(compressed_events_come_out_plain_unless_kept)
{
    char path[512];
    size_t compressed = 0;

    snprintf(path, sizeof(path), "%s/mariadb-10.11/compressed/bin.000001", BT_TESTDATA);
    for (int keep = 0; keep < 2; keep++) {
        struct log l = {0};

        ck_assert_int_eq(bt_source_file_open(path, &l.source, &l.err), 0);
        ck_assert_int_eq(bt_reader_open(l.source,
                                        (struct bt_reader_opts){.keep_compressed = keep},
                                        &l.reader, &l.err),
                         0);
        while (next(&l) == 0) {
            if (l.ev.header.type < BT_QUERY_COMPRESSED)
                continue;
            compressed++;
            ck_assert_uint_eq(l.ev.raw.len, l.ev.header.length);
            if (keep)
                ck_assert_uint_eq(l.ev.type, l.ev.header.type);
            else
                ck_assert_uint_lt(l.ev.type, BT_QUERY_COMPRESSED);
            if (l.ev.type == BT_QUERY) {
                struct bt_slice text;

                ck_assert_int_eq(bt_query_text_read(&l.ev, &text, &l.err), 0);
                ck_assert(memmem(text.ptr, text.len, "item", 4) != NULL);
            }
        }
        ck_assert_int_eq(bt_reader_end(l.reader)->kind, BT_END_CLEAN);
        close_log(&l);
    }
    ck_assert_uint_gt(compressed, 6);
    ck_assert_uint_eq(compressed % 2, 0);
}
END_TEST

START_TEST(a_payload_is_handed_out_and_then_what_is_in_it)
{
    char path[512];
    struct log l = {0};
    size_t payloads = 0, inner = 0;
    uint64_t payload_at = 0;

    snprintf(path, sizeof(path), "%s/mysql-9.7/payload/bin.000001", BT_TESTDATA);
    ck_assert_int_eq(bt_source_file_open(path, &l.source, &l.err), 0);
    ck_assert_int_eq(bt_reader_open(l.source, (struct bt_reader_opts){0}, &l.reader, &l.err), 0);
    while (next(&l) == 0) {
        if (l.ev.type == BT_TRANSACTION_PAYLOAD) {
            ck_assert(l.ev.opened && !l.ev.inner);
            payload_at = l.ev.offset;
            payloads++;
        } else if (l.ev.inner) {
            ck_assert_uint_eq(l.ev.offset, payload_at);
            inner++;
        }
    }
    ck_assert_uint_eq(payloads, 2);
    ck_assert_uint_ge(inner, 8);
    ck_assert_int_eq(bt_reader_end(l.reader)->kind, BT_END_CLEAN);
    close_log(&l);
}
END_TEST

/* A WRITE_ROWS_V1 in three PARTIAL_ROW_DATA: _i = 1 leaves the second one out. */
START_TEST(pieces_of_a_rows_event_are_put_together_in_order_only)
{
    static const uint8_t rows[19 + 12] = {
        [4] = BT_WRITE_ROWS_V1, [9] = 31, [19] = 77, [27] = 1, [28] = 1, [30] = 9};
    struct bt_log_builder b;
    struct log l;

    bt_build_binlog(&b, PRIMARY);
    for (uint8_t piece = 0; piece < 3; piece++) {
        uint8_t body[9 + 11] = {3, 0, 0, 0, (uint8_t)(piece + 1)};
        size_t len = piece == 2 ? 9 : 11;

        memcpy(body + 9, rows + piece * 11, len);
        if (_i != 1 || piece != 1)
            bt_build_event(&b, BT_PARTIAL_ROW_DATA, PRIMARY, 0, UINT64_MAX, body, 9 + len);
    }
    ck_assert_int_eq(open_log(&l, built(&b), (struct bt_reader_opts){0}), 0);
    ck_assert(next(&l) == 0 && next(&l) == 0);
    ck_assert_uint_eq(l.ev.type, BT_PARTIAL_ROW_DATA);
    if (_i == 1) {
        ck_assert_int_eq(next(&l), 1);
        ck_assert_int_eq(bt_reader_end(l.reader)->kind, BT_END_CORRUPT);
        ck_assert(strstr(bt_reader_end(l.reader)->reason, "piece 3 of 3") != NULL);
    } else {
        ck_assert(next(&l) == 0 && next(&l) == 0);
        ck_assert_uint_eq(l.ev.type, BT_WRITE_ROWS_V1);
        ck_assert_uint_eq(l.ev.body.len, 12);
        ck_assert_uint_eq(l.ev.body.ptr[0], 77);
    }
    close_log(&l);
    bt_build_done(&b);
}
END_TEST

/* The offsets that next() hands out, in the order it does. */
static size_t offsets_by_next(struct bt_slice bytes, uint64_t *ret, size_t max)
{
    struct log l;
    size_t count = 0;

    ck_assert_int_eq(open_log(&l, bytes, (struct bt_reader_opts){0}), 0);
    while (next(&l) == 0 && count < max)
        ret[count++] = l.ev.offset;
    close_log(&l);
    return count;
}

/* _i: how many events of a run are passed before next() is asked; 0: whole runs.  Odd: without the
 * wide CRC. */
START_TEST(events_passed_in_runs_are_those_that_next_hands_out)
{
    struct bt_log_builder b;
    struct bt_event_run run;
    uint64_t want[1000];
    size_t want_count, count = 0;
    struct log l;

    bt_build_binlog(&b, PRIMARY);
    for (uint64_t n = 1; n <= 200; n++)
        bt_build_transaction(&b, 0, n, (size_t)(n * n % 700));
    bt_build_stop(&b);
    bt_crc32_allow_wide(_i % 2 == 0);
    want_count = offsets_by_next(built(&b), want, sizeof(want) / sizeof(want[0]));
    ck_assert_int_eq(open_log(&l, built(&b), (struct bt_reader_opts){0}), 0);
    do {
        while (bt_reader_run(l.reader, &run)) {
            size_t pass = _i && (size_t)_i < run.count ? (size_t)_i : run.count;

            for (size_t i = 0; i < pass; i++)
                ck_assert_uint_eq(run.offset + (i ? run.ends[i - 1] : run.begin),
                                  want[count + i]);
            bt_reader_pass(l.reader, pass);
            count += pass;
            if (_i)
                break;
        }
        if (next(&l) != 0)
            break;
        ck_assert_uint_eq(l.ev.offset, want[count]);
        count++;
    } while (count <= want_count);
    ck_assert_uint_eq(count, want_count);
    ck_assert_int_eq(bt_reader_end(l.reader)->kind, BT_END_CLEAN);
    bt_crc32_allow_wide(true);
    close_log(&l);
    bt_build_done(&b);
}
END_TEST

/* _i: which bit of each byte. */
START_TEST(no_run_holds_an_event_with_a_flipped_bit)
{
    struct bt_log_builder b;
    struct bt_event_run run;

    bt_build_binlog(&b, PRIMARY);
    for (uint64_t n = 1; n <= 3; n++)
        bt_build_transaction(&b, 0, n, 100);
    bt_crc32_allow_wide(_i % 2 == 0);
    for (size_t at = 4; at < b.bytes.len; at++) {
        struct log l;

        b.bytes.data[at] ^= (uint8_t)(1 << _i);
        if (open_log(&l, built(&b), (struct bt_reader_opts){0}) == 0) {
            do
                while (bt_reader_run(l.reader, &run)) {
                    ck_assert_uint_ge(run.offset + run.begin, 4);
                    ck_assert(at < run.offset + run.begin ||
                              at >= run.offset + run.ends[run.count - 1]);
                    bt_reader_pass(l.reader, run.count);
                }
            while (next(&l) == 0);
        }
        close_log(&l);
        b.bytes.data[at] ^= (uint8_t)(1 << _i);
    }
    bt_crc32_allow_wide(true);
    bt_build_done(&b);
}
END_TEST

BT_SUITE_MAIN("parser reader",
              {events_passed_in_runs_are_those_that_next_hands_out, 12},
              {no_run_holds_an_event_with_a_flipped_bit, 8},
              {a_log_that_was_closed_is_clean, 0},
              {a_log_that_was_not_closed_is_open, 0},
              {only_the_replicas_own_rotate_closes_a_relay_log, 0},
              {less_than_a_log_header_is_torn_at_its_begin, 4},
              {zeros_that_a_lost_host_leaves_are_a_torn_tail, 0},
              {a_length_that_lies_is_corrupt_there, sizeof(lies) / sizeof(lies[0])},
              {a_log_must_begin_with_its_format, 0},
              {what_is_no_log_of_version_4_is_named, sizeof(strangers) / sizeof(strangers[0])},
              {without_checksums_positions_and_types_are_the_proof, 0},
              {an_unknown_type_with_a_right_checksum_is_handed_out, 0},
              {the_last_format_description_says_whether_events_have_checksums, 2},
              {longer_headers_are_skipped_except_those_of_rotate, 0},
              {reading_may_begin_at_any_event_and_gives_the_same_from_there, 0},
              {an_offset_inside_an_event_of_a_relay_log_is_refused, 0},
              {reading_stops_clean_at_the_position_asked_for, 0},
              {an_event_larger_than_memory_allows_is_checked_in_pieces, 0},
              {what_is_no_file_is_refused, 0},
              {an_encrypted_log_is_read_with_its_key_and_walked_without, 2},
              {compressed_events_come_out_plain_unless_kept, 0},
              {a_payload_is_handed_out_and_then_what_is_in_it, 0},
              {pieces_of_a_rows_event_are_put_together_in_order_only, 2})
