/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypted logs of real servers, opened with their key files. */
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>

#include "parser/crc.h"
#include "parser/crypt.h"
#include "parser/event.h"

static struct bt_slice read_whole(const char *path)
{
    static uint8_t bytes[65536];
    FILE *f = fopen(path, "rb");
    size_t len;

    ck_assert_msg(f != NULL, "%s", path);
    len = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    return bt_slice(bytes, len);
}

static const char *write_temporary(const void *bytes, size_t len)
{
    static char path[64];
    FILE *f;
    int fd;

    snprintf(path, sizeof(path), "/tmp/check_crypt.XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    f = fdopen(fd, "wb");
    fwrite(bytes, 1, len, f);
    fclose(f);
    return path;
}

#define TOPIC(mode) BT_TESTDATA "/mariadb-11.8/encrypted-" mode "/"

static const struct {
    const char *log, *keys, *secret;
} mariadb_logs[] = {
    {TOPIC("cbc") "bin.000001", TOPIC("cbc") "keys.txt", NULL},
    {TOPIC("cbc") "bin.000001", TOPIC("cbc") "keys.enc", TOPIC("cbc") "secret"},
    {TOPIC("ctr") "bin.000001", TOPIC("ctr") "keys.txt", NULL},
    {TOPIC("ctr") "bin.000001", TOPIC("ctr") "keys.enc", TOPIC("ctr") "secret"},
};

/* The whole log event by event: lengths are in clear, START_ENCRYPTION is the second. */
static int decrypt_all(struct bt_slice log, const struct bt_keys *keys, struct bt_err *err)
{
    bt_auto_log_cipher struct bt_log_cipher *cipher = NULL;
    struct bt_buf plain;
    uint64_t offset = 4;
    int count = 0;

    bt_buf_init(&plain, 1 << 20);
    while (offset < log.len && count >= 0) {
        struct bt_slice raw = bt_slice(log.ptr + offset, log.len - offset);
        struct bt_cursor c = bt_cursor(bt_slice(raw.ptr + 9, 4));
        uint32_t length, crc;

        ck_assert(bt_cur_u32(&c, &length));
        ck_assert_uint_le(length, raw.len);
        raw.len = length;
        if (!cipher && raw.ptr[4] == BT_START_ENCRYPTION) {
            if (bt_log_cipher_open(keys, bt_slice(raw.ptr + 19, length - 23), &cipher, err) != 0)
                count = -2;
        } else if (cipher) {
            if (bt_log_cipher_event(cipher, offset, raw, &plain, err) != 0) {
                count = -2;
            } else {
                ck_assert_uint_eq(plain.len, length);
                c = bt_cursor(bt_slice(plain.data + length - 4, 4));
                ck_assert(bt_cur_u32(&c, &crc));
                ck_assert_uint_eq(crc, bt_crc32(0, bt_slice(plain.data, length - 4)));
                ck_assert_ptr_nonnull(bt_event_type_name(plain.data[4]));
            }
        }
        offset += length;
        count++;
    }
    bt_buf_done(&plain);
    return count;
}

START_TEST(every_event_of_a_mariadb_log_has_its_checksum_again)
{
    bt_auto_keys struct bt_keys *keys = NULL;
    struct bt_err err = {0};
    int count;

    ck_assert_msg(
        bt_keys_load_mariadb(mariadb_logs[_i].keys, mariadb_logs[_i].secret, &keys, &err) == 0,
        "%s", err.text);
    count = decrypt_all(read_whole(mariadb_logs[_i].log), keys, &err);
    ck_assert_msg(count > 10, "%d %s", count, err.text);
}
END_TEST

START_TEST(a_wrong_key_is_noticed_at_the_first_event)
{
    static const char wrong[] = "1;00000000000000000000000000000000\n";
    const char *path = write_temporary(wrong, sizeof(wrong) - 1);
    bt_auto_keys struct bt_keys *keys = NULL;
    struct bt_err err = {0};
    int failed = 0;

    ck_assert_int_eq(bt_keys_load_mariadb(path, NULL, &keys, &err), 0);
    remove(path);
    for (size_t i = 0; i < 3; i += 2) {
        struct bt_slice log = read_whole(mariadb_logs[i].log);
        failed += decrypt_all(log, keys, &err) < 0;
    }
    ck_assert_int_eq(failed, 2);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
}
END_TEST

static const struct {
    const char *text, *complaint;
} key_files[] = {
    {"1;00112233445566778899aabbccddeeff", NULL},
    {"# c\n\n 2 ; 00112233445566778899aabbccddeeff \r\n1;"
     "00112233445566778899aabbccddeeff0011223344556677 # x\n",
     NULL},
    {"1;"
     "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff",
     NULL},
    {"", "no key 1"},
    {"2;00112233445566778899aabbccddeeff", "no key 1"},
    {"1;0011", ":1: a key is written"},
    {"\n1:00112233445566778899aabbccddeeff", ":2: a key is written"},
    {"1;00112233445566778899aabbccddeefg", ":1: a key is written"},
    {"0;00112233445566778899aabbccddeeff", ":1: a key is written"},
    {"1;00112233445566778899aabbccddeeff00", ":1: a key is written"},
    {"Salted__12345678", "is needed"},
};

START_TEST(key_files_are_read_as_the_plugin_reads_them)
{
    const char *path = write_temporary(key_files[_i].text, strlen(key_files[_i].text));
    bt_auto_keys struct bt_keys *keys = NULL;
    struct bt_err err = {0};
    int result = bt_keys_load_mariadb(path, NULL, &keys, &err);

    remove(path);
    ck_assert_int_eq(result, key_files[_i].complaint ? -1 : 0);
    if (key_files[_i].complaint) {
        ck_assert_msg(strstr(err.text, key_files[_i].complaint) != NULL, "%s", err.text);
        ck_assert_ptr_null(strstr(err.text, "0011")); /* never the key */
    }
}
END_TEST

START_TEST(a_wrong_passphrase_is_said_so_and_not_shown)
{
    const char *path = write_temporary("open sesami\n", 12);
    bt_auto_keys struct bt_keys *keys = NULL;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_keys_load_mariadb(TOPIC("cbc") "keys.enc", path, &keys, &err), -1);
    remove(path);
    ck_assert_int_eq(err.kind, BT_ERR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "does not open"));
    ck_assert_ptr_null(strstr(err.text, "sesami"));
}
END_TEST

START_TEST(an_event_cut_short_is_refused)
{
    bt_auto_keys struct bt_keys *keys = NULL;
    bt_auto_log_cipher struct bt_log_cipher *cipher = NULL;
    uint8_t body[17] = {1, 1}, *exact = calloc(1, (size_t)_i + 1);
    bt_auto_buf struct bt_buf plain;
    struct bt_err err = {0};

    bt_buf_init(&plain, 1 << 20);
    ck_assert_int_eq(bt_keys_load_mariadb(TOPIC("cbc") "keys.txt", NULL, &keys, &err), 0);
    if (_i < (int)sizeof(body))
        ck_assert_int_eq(
            bt_log_cipher_open(keys, (struct bt_slice){exact, (size_t)_i}, &cipher, &err), -1);
    ck_assert_int_eq(bt_log_cipher_open(keys, bt_slice(body, sizeof(body)), &cipher, &err), 0);
    if (_i < 19)
        ck_assert_int_eq(
            bt_log_cipher_event(cipher, 4, (struct bt_slice){exact, (size_t)_i}, &plain, &err), -1);
    else if (bt_log_cipher_event(cipher, 4, (struct bt_slice){exact, (size_t)_i}, &plain, &err) ==
             0)
        ck_assert_uint_eq(plain.len, (size_t)_i);
    free(exact);
}
END_TEST

/* ------------------------------------------------------------------- MySQL */

#define MYSQL BT_TESTDATA "/mysql-9.7/encrypted/"

static int open_mysql(struct bt_slice log, const struct bt_keys *keys, struct bt_source **ret,
                      struct bt_err *err)
{
    struct bt_source *inner;

    ck_assert_int_eq(bt_source_memory_open(log, "bin", &inner, err), 0);
    return bt_source_mysql_decrypt_open(inner, keys, ret, err);
}

START_TEST(a_mysql_log_is_plain_behind_its_header)
{
    bt_auto_keys struct bt_keys *keys = NULL;
    bt_auto_source struct bt_source *source = NULL;
    struct bt_slice log = read_whole(MYSQL "bin.000001"), view, again;
    static uint8_t plain[65536];
    struct bt_err err = {0};
    uint64_t pos = 4;

    ck_assert(bt_mysql_is_encrypted(log));
    ck_assert_msg(bt_keys_load_mysql(MYSQL "keyring", &keys, &err) == 0, "%s", err.text);
    ck_assert_msg(open_mysql(log, keys, &source, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(bt_source_size(source), log.len - 512);
    ck_assert_int_eq(bt_source_view(source, 0, log.len, &view, &err), 0);
    ck_assert_uint_eq(view.len, log.len - 512);
    memcpy(plain, view.ptr, view.len);
    ck_assert_mem_eq(plain, "\xfe"
                            "bin",
                     4);
    while (pos < view.len) { /* a chain of events to the last byte */
        struct bt_event_header h;

        ck_assert_msg(
            bt_event_header_read(bt_slice(plain + pos, view.len - pos), 65536, &h, &err) == 0, "%s",
            err.text);
        pos += h.length;
    }
    ck_assert_uint_eq(pos, log.len - 512);
    for (pos = 0; pos < log.len - 512; pos += 37) { /* any place, any length */
        ck_assert_int_eq(bt_source_view(source, pos, 1 + pos % 50, &again, &err), 0);
        ck_assert_uint_ge(again.len,
                          log.len - 512 - pos < 1 + pos % 50 ? log.len - 512 - pos : 1 + pos % 50);
        ck_assert_mem_eq(again.ptr, plain + pos, again.len);
    }
}
END_TEST

/* _i: every length a header can be cut to. */
START_TEST(a_mysql_header_cut_anywhere_is_refused)
{
    bt_auto_keys struct bt_keys *keys = NULL;
    struct bt_source *source = NULL;
    struct bt_slice log = read_whole(MYSQL "bin.000001");
    uint8_t *exact = malloc((size_t)_i + 1);
    struct bt_err err = {0};

    memcpy(exact, log.ptr, (size_t)_i);
    ck_assert_int_eq(bt_keys_load_mysql(MYSQL "keyring", &keys, &err), 0);
    ck_assert_int_eq(open_mysql((struct bt_slice){exact, (size_t)_i}, keys, &source, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    free(exact);
}
END_TEST

/* A keyring_file of MySQL 8.0 holding one key: lengths, texts, and the key XORed. */
START_TEST(the_plugins_keyring_file_is_read)
{
    static const char mask[] = "*305=Ljt0*!@$Hnm(*-9-w;:";
    static const char id[] = "MySQLReplicationKey_1_1";
    bt_auto_keys struct bt_keys *keys = NULL;
    bt_auto_buf struct bt_buf file;
    struct bt_err err = {0};
    size_t size = 40 + sizeof(id) - 1 + 3 + 32, padded = (size + 7) / 8 * 8, whole;

    bt_buf_init(&file, 4096);
    bt_buf_add_str(&file, "Keyring file version:2.0");
    bt_buf_add_le(&file, padded, 8);
    bt_buf_add_le(&file, sizeof(id) - 1, 8);
    bt_buf_add_le(&file, 3, 8);
    bt_buf_add_le(&file, 0, 8);
    bt_buf_add_le(&file, 32, 8);
    bt_buf_add_str(&file, id);
    bt_buf_add_str(&file, "AES");
    for (size_t i = 0; i < 32; i++)
        bt_buf_add_byte(&file, (uint8_t)(i ^ (uint8_t)mask[i % 24]));
    for (size_t i = size; i < padded; i++)
        bt_buf_add_byte(&file, 0);
    whole = file.len;
    bt_buf_add_str(&file, "EOF");
    for (size_t len = 0; len <= file.len; len++) {
        const char *path = write_temporary(file.data, len);
        int result = bt_keys_load_mysql(path, &keys, &err);

        remove(path);
        ck_assert_msg(result == (len >= whole ? 0 : -1), "%zu of %zu: %s", len, whole, err.text);
        bt_keys_free(keys);
        keys = NULL;
    }
}
END_TEST

START_TEST(a_keyring_without_log_keys_is_refused)
{
    static const char *const files[] = {"",
                                        "{}",
                                        "{\"elements\":[]}",
                                        "{\"elements\":[{\"data_id\":1}]}",
                                        "nonsense",
                                        "Keyring file version:2.0EOF",
                                        "{\"elements\":3}"};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        const char *path = write_temporary(files[i], strlen(files[i]));
        struct bt_keys *keys = NULL;
        struct bt_err err = {0};

        ck_assert_int_eq(bt_keys_load_mysql(path, &keys, &err), -1);
        ck_assert_int_eq(err.kind, BT_ERR_CONFIG);
        remove(path);
    }
}
END_TEST

BT_SUITE_MAIN("parser crypt",
              {every_event_of_a_mariadb_log_has_its_checksum_again,
               sizeof(mariadb_logs) / sizeof(mariadb_logs[0])},
              {a_wrong_key_is_noticed_at_the_first_event, 0},
              {key_files_are_read_as_the_plugin_reads_them,
               sizeof(key_files) / sizeof(key_files[0])},
              {a_wrong_passphrase_is_said_so_and_not_shown, 0}, {an_event_cut_short_is_refused, 60},
              {a_mysql_log_is_plain_behind_its_header, 0},
              {a_mysql_header_cut_anywhere_is_refused, 115}, {the_plugins_keyring_file_is_read, 0},
              {a_keyring_without_log_keys_is_refused, 0})
