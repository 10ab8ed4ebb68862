/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded logs cut at every byte, with every bit inverted, and read through sources that fail: the
 * reader never leaves its bytes, always ends, and says where. */
#include "tests/unit/suite.h"

#include <stdio.h>

#include "parser/crc.h"
#include "parser/crypt.h"
#include "parser/reader.h"
#include "parser/transaction.h"
#include "tests/lib/decode_all.h"
#include "tests/lib/log_builder.h"

/* Small ones of each kind: checksums and none, compressed, payloads, relay logs, encrypted ones
 * with and without their key. */
static const struct {
    const char *name;
    const char *keys;    /* of MariaDB; NULL = read without */
    const char *keyring; /* of MySQL */
    bool is_unchecked;   /* some of its events have no checksum that we could verify */
} logs[] = {
    {.name = "mariadb-10.11/plain-checksum/bin.000001", .is_unchecked = true},
    {.name = "mariadb-10.11/compressed/bin.000001"},
    {.name = "mariadb-10.11/relay-file/relay.000002"},
    {.name = "mariadb-10.11/relay-file/relay.000008", .is_unchecked = true},
    {.name = "mariadb-11.8/relay-gtid/relay.000004"},
    {.name = "mariadb-11.8/encrypted-cbc/bin.000002", .is_unchecked = true},
    {.name = "mariadb-11.8/encrypted-cbc/bin.000002",
     .keys = "mariadb-11.8/encrypted-cbc/keys.txt"},
    {.name = "mariadb-11.8/encrypted-ctr/bin.000002",
     .keys = "mariadb-11.8/encrypted-ctr/keys.txt"},
    {.name = "mysql-9.7/encrypted/bin.000002", .keyring = "mysql-9.7/encrypted/keyring"},
    {.name = "mysql-9.7/payload/bin.000001"},
    {.name = "mysql-9.7/relay/relay.000004"},
    {.name = "mysql-5.6/rows/bin.000001"},
};
enum { LOG_COUNT = sizeof(logs) / sizeof(logs[0]),
       EVENTS_MAX = 400 };

/* What reading a log gave. */
struct outcome {
    int rc; /* of the last call: 1 = end, -1 = error */
    size_t count;
    uint64_t offsets[EVENTS_MAX];
    struct bt_end end;
    struct bt_err err;
};

/* The log under test, with its keys, and how many bytes stand in front of the plain log. */
static struct bt_keys *keys, *keyring;
static size_t front;

static void load_keys(int i)
{
    char path[512];
    struct bt_err err = {0};

    keys = keyring = NULL;
    front = logs[i].keyring ? BT_MYSQL_ENCRYPTION_HEADER_SIZE : 0;
    snprintf(path, sizeof(path), "%s/%s", BT_TESTDATA,
             logs[i].keys ? logs[i].keys : logs[i].keyring ? logs[i].keyring
                                                           : "");
    if (logs[i].keys)
        ck_assert_int_eq(bt_keys_load_mariadb(path, NULL, &keys, &err), 0);
    if (logs[i].keyring)
        ck_assert_int_eq(bt_keys_load_mysql(path, &keyring, &err), 0);
}

static void unload(uint8_t *bytes)
{
    bt_keys_free(keys);
    bt_keys_free(keyring);
    free(bytes);
}

static void load(int i, uint8_t **ret, size_t *ret_len)
{
    const char *name = logs[i].name;
    char path[512];
    FILE *file;

    load_keys(i);
    snprintf(path, sizeof(path), "%s/%s", BT_TESTDATA, name);
    file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    *ret_len = (size_t)ftell(file);
    rewind(file);
    *ret = malloc(*ret_len);
    ck_assert_uint_eq(fread(*ret, 1, *ret_len, file), *ret_len);
    fclose(file);
}

/* Reads and decodes all there is; closes source. */
static struct outcome read_all(struct bt_source *source)
{
    struct outcome o = {0};
    struct bt_table_cache *tables;
    struct bt_reader *r = NULL;
    struct bt_grouper *grouper = malloc(sizeof(*grouper));
    struct bt_event ev;

    ck_assert_int_eq(bt_table_cache_new(&tables, &o.err), 0);
    bt_grouper_init(grouper, "log.000001");
    o.rc = bt_reader_open(source, (struct bt_reader_opts){.inflate_max = 1 << 20, .keys = keys}, &r,
                          &o.err);
    while (o.rc == 0 && (o.rc = bt_reader_next(r, &ev, &o.err)) == 0) {
        struct bt_err ignored;
        enum bt_group_step step;

        ck_assert_uint_lt(o.count, EVENTS_MAX);
        o.offsets[o.count++] = ev.offset;
        (void)!bt_grouper_feed(grouper, &ev, &step, &ignored);
        if (!ev.sealed)
            (void)!bt_decode_event(&ev, tables, &ignored);
    }
    if (r) {
        o.end = *bt_reader_end(r);
        if (o.rc == 1)
            ck_assert_int_eq(bt_reader_next(r, &ev, &o.err), 1);
    }
    bt_reader_close(r);
    bt_source_close(source);
    bt_table_cache_free(tables);
    free(grouper);
    return o;
}

static struct outcome read_faulty(struct bt_slice bytes, struct bt_source_faults faults)
{
    struct bt_source *memory, *faulty;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_source_memory_open(bytes, "log", &memory, &err), 0);
    ck_assert_int_eq(bt_source_faulty_open(memory, faults, &faulty, &err), 0);
    if (keyring) {
        struct outcome o = {.rc = -1};

        if (bt_source_mysql_decrypt_open(faulty, keyring, &faulty, &o.err) != 0)
            return o;
    }
    return read_all(faulty);
}

static bool is_prefix(const struct outcome *part, const struct outcome *whole)
{
    return part->count <= whole->count &&
           memcmp(part->offsets, whole->offsets, part->count * sizeof(part->offsets[0])) == 0;
}

START_TEST(a_log_cut_at_any_byte_ends_where_its_last_whole_event_does)
{
    struct outcome whole;
    uint8_t *bytes;
    size_t len;

    load(_i, &bytes, &len);
    whole = read_faulty(bt_slice(bytes, len), (struct bt_source_faults){0});
    ck_assert_int_eq(whole.rc, 1);
    for (size_t cut = front + 1; cut < len; cut++) {
        struct outcome o = read_faulty(bt_slice(bytes, len),
                                       (struct bt_source_faults){.end_at = cut});

        ck_assert_msg(o.rc == 1, "%s cut at %zu: %s", logs[_i].name, cut, o.err.text);
        ck_assert_msg(is_prefix(&o, &whole), "%s cut at %zu", logs[_i].name, cut);
        ck_assert_uint_le(o.end.offset, cut - front);
        if (o.end.offset < cut - front)
            ck_assert_msg(o.end.kind == BT_END_TORN, "%s cut at %zu: %s", logs[_i].name, cut,
                          o.end.reason);
        else
            ck_assert_int_ne(o.end.kind, BT_END_TORN);
    }
    unload(bytes);
}
END_TEST

/* The flag that closing a log clears in place, which no checksum covers. */
static bool is_in_use_bit(const struct outcome *whole, const uint8_t *bytes, uint64_t bit)
{
    if (front) /* a stream cipher: bits stand where they stood; the only format is the first event
                */
        return bit == 8 * (front + whole->offsets[0] + 17);
    for (size_t i = 0; i < whole->count; i++)
        if (bytes[whole->offsets[i] + 4] == BT_FORMAT_DESCRIPTION &&
            bit == 8 * (whole->offsets[i] + 17))
            return true;
    return false;
}

/* In a log with checksums every flip is seen at the event that holds it, and nothing of that event
 * or behind it is handed out. */
START_TEST(any_inverted_bit_is_survived_and_under_a_checksum_seen)
{
    bool is_checked = !logs[_i].is_unchecked;
    struct outcome whole;
    uint8_t *bytes;
    size_t len;

    load(_i, &bytes, &len);
    whole = read_faulty(bt_slice(bytes, len), (struct bt_source_faults){0});
    for (uint64_t bit = 0; bit < 8 * len; bit++) {
        struct outcome o = read_faulty(
            bt_slice(bytes, len), (struct bt_source_faults){.flip_bit = bit + 1, .view_max = 512});

        if (bit < 8 * front)
            continue; /* the head of an encrypted log has bytes that mean nothing */
        if (bit < 8 * front + 32) {
            ck_assert_int_eq(o.rc, -1); /* no log at all */
            continue;
        }
        if (!is_checked || is_in_use_bit(&whole, bytes, bit))
            continue;
        ck_assert_msg(o.rc == 1, "%s bit %llu: %s", logs[_i].name, (unsigned long long)bit,
                      o.err.text);
        ck_assert_msg(is_prefix(&o, &whole) && o.count < whole.count, "%s bit %llu", logs[_i].name,
                      (unsigned long long)bit);
        ck_assert_msg(o.end.kind == BT_END_CORRUPT || o.end.kind == BT_END_TORN, "%s bit %llu: %s",
                      logs[_i].name, (unsigned long long)bit, bt_end_kind_name(o.end.kind));
        ck_assert_uint_eq(o.end.offset, whole.offsets[o.count]);
        ck_assert_uint_le(o.end.offset, bit / 8 - front);
    }
    unload(bytes);
}
END_TEST

START_TEST(a_read_error_anywhere_is_told_with_its_place)
{
    struct outcome whole;
    uint8_t *bytes;
    size_t len;

    load(_i, &bytes, &len);
    whole = read_faulty(bt_slice(bytes, len), (struct bt_source_faults){0});
    for (size_t at = 1; at < len; at++) {
        struct outcome o = read_faulty(bt_slice(bytes, len),
                                       (struct bt_source_faults){.fail_at = at});

        ck_assert_int_eq(o.rc, -1);
        ck_assert_int_eq(o.err.os_errno, EIO);
        ck_assert(strstr(o.err.text, "\"log\" at offset") != NULL);
        ck_assert(is_prefix(&o, &whole));
    }
    unload(bytes);
}
END_TEST

START_TEST(views_of_any_size_give_the_same_events)
{
    struct outcome whole;
    uint8_t *bytes;
    size_t len;

    load(_i, &bytes, &len);
    whole = read_faulty(bt_slice(bytes, len), (struct bt_source_faults){0});
    for (size_t view = 1; view < 400; view += 7) {
        struct outcome o = read_faulty(bt_slice(bytes, len),
                                       (struct bt_source_faults){.view_max = view});

        ck_assert_int_eq(o.rc, 1);
        ck_assert_uint_eq(o.count, whole.count);
        ck_assert(is_prefix(&o, &whole));
        ck_assert_int_eq(o.end.kind, whole.end.kind);
        ck_assert_uint_eq(o.end.offset, len - front);
    }
    unload(bytes);
}
END_TEST

/* A MariaDB primary without checksums blanks two fields and leaves the CRC as it was: nothing but
 * that is forgiven. */
START_TEST(a_primarys_blanked_format_is_taken_with_its_old_crc)
{
    enum { WHEN = 0, END_LOG_POS = 13, CREATED = BT_EVENT_HEADER_SIZE + 2 + 50 };
    struct bt_log_builder b;
    struct bt_source *source;
    struct bt_reader *reader;
    struct bt_err err = {0};
    struct bt_event ev;
    uint8_t *format;
    uint32_t crc;

    bt_build_binlog(&b, 1);
    b.bytes.len = 4;
    bt_build_format(&b, 1, 0, UINT64_MAX, false);
    format = b.bytes.data + 4;
    memcpy(format + CREATED, format + WHEN, 4); /* the first log of a server that has started */
    crc = bt_crc32(0, bt_slice(format, b.bytes.len - 4 - BT_CHECKSUM_SIZE));
    for (int i = 0; i < 4; i++)
        format[b.bytes.len - 4 - BT_CHECKSUM_SIZE + (size_t)i] = (uint8_t)(crc >> 8 * i);
    memset(format + CREATED, 0, 4);
    if (_i & 1)
        memset(format + END_LOG_POS, 0, 4);
    if (_i & 2)
        format[BT_EVENT_HEADER_SIZE + 4] ^= 1; /* in the version's text */
    ck_assert_int_eq(bt_source_memory_open(bt_buf_slice(&b.bytes), "log", &source, &err), 0);
    ck_assert_int_eq(bt_reader_open(source, (struct bt_reader_opts){0}, &reader, &err), 0);
    while (bt_reader_next(reader, &ev, &err) == 0)
        ;
    ck_assert_int_eq(bt_reader_end(reader)->kind, _i & 2 ? BT_END_CORRUPT : BT_END_OPEN);
    bt_reader_close(reader);
    bt_source_close(source);
    bt_build_done(&b);
}
END_TEST

BT_SUITE_MAIN(
    "parser damage",
    {a_primarys_blanked_format_is_taken_with_its_old_crc, 4},
    {a_log_cut_at_any_byte_ends_where_its_last_whole_event_does, LOG_COUNT},
    {any_inverted_bit_is_survived_and_under_a_checksum_seen, LOG_COUNT},
    {a_read_error_anywhere_is_told_with_its_place, LOG_COUNT},
    {views_of_any_size_give_the_same_events, LOG_COUNT})
