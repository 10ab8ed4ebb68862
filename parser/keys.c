/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.c - the key files of servers: MariaDB's file_key_management, MySQL's keyrings.
 *
 * MySQL's keyring_file plugin (plugin/keyring, 8.0.43):
 *
 *   text "Keyring file version:1.0" or 2.0
 *   of each key: u64 size of the whole, u64 lengths of id, type, user and key, then those four,
 * zeros up to a multiple of 8; the key is XORed with a fixed text text "EOF", and in 2.0 32 bytes
 * SHA-256
 *
 * component_keyring_file (8.0.24+): {"version":"1.0","elements":[{"user","data_id","data_type",
 * "data":hex}]}, checked on MySQL 9.7.
 */
#include "parser/keys_priv.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/json_read.h"
#include "base/number.h"

enum {
    FILE_MAX = 1 << 20,
    PASSPHRASE_MAX = 256, /* MAX_SECRET_SIZE, plugin/file_key_management/parser.h, 10.11 */
    KEYS_MAX = 4096,
    SALT_SIZE = 8,
    PBKDF2_ROUNDS = 10000, /* what `openssl enc -pbkdf2` takes when it is told nothing */
};

/* ------------------------------------------------------------------ keeping */

const struct key *keys_find(const struct bt_keys *keys, struct bt_slice name)
{
    for (size_t i = 0; i < keys->count; i++)
        if (bt_slice_equal_str(name, keys->items[i].name))
            return &keys->items[i];
    return NULL;
}

void bt_keys_free(struct bt_keys *keys)
{
    if (!keys)
        return;
    for (size_t i = 0; i < keys->count; i++) {
        free(keys->items[i].name);
        OPENSSL_cleanse(keys->items[i].bytes, sizeof(keys->items[i].bytes));
    }
    free(keys->items);
    free(keys->path);
    free(keys);
}

static const struct log_cipher_ops ops = {bt_log_cipher_open, bt_log_cipher_event,
                                          bt_log_cipher_close};

static int new_keys(const char *path, struct bt_keys **ret, struct bt_err *err)
{
    struct bt_keys *keys = calloc(1, sizeof(*keys));

    if (keys) {
        keys->ops = &ops;
        keys->path = strdup(path);
    }
    if (!keys || !keys->path) {
        free(keys);
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for keys");
    }
    *ret = keys;
    return 0;
}

static int add_key(struct bt_keys *keys, struct bt_slice name, struct bt_slice bytes,
                   struct bt_err *err)
{
    struct key *items, *key;

    if (keys->count == KEYS_MAX)
        return bt_fail(err, BT_ERR_LIMIT, "\"%s\" has more than %d keys", keys->path, KEYS_MAX);
    items = realloc(keys->items, (keys->count + 1) * sizeof(*items));
    if (!items)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for keys");
    keys->items = items;
    key = &items[keys->count];
    *key = (struct key){.name = strndup((const char *)name.ptr, name.len), .len = bytes.len};
    if (!key->name)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for keys");
    memcpy(key->bytes, bytes.ptr, bytes.len);
    keys->count++;
    return 0;
}

/* A buffer that held secrets. */
static void wipe(struct bt_buf *b)
{
    if (b->data)
        OPENSSL_cleanse(b->data, b->room);
    bt_buf_done(b);
}

/* Reads a whole file without leaving copies of it behind. */
static int read_file(const char *path, size_t max, struct bt_buf *out, struct bt_err *err)
{
    bt_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *at;
    ssize_t got;

    if (fd < 0)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    bt_buf_init(out, max + 1);
    at = bt_buf_reserve(out, max + 1);
    if (!at)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for \"%s\"", path);
    do {
        got = read(fd, at + out->len, max + 1 - out->len);
        if (got < 0)
            return bt_fail_sys(err, "could not read \"%s\"", path);
        bt_buf_commit(out, (size_t)got);
    } while (got > 0 && out->len <= max);
    if (out->len > max)
        return bt_fail(err, BT_ERR_LIMIT, "\"%s\" has more than %zu bytes", path, max);
    return 0;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 16, 24 or 32 bytes written as hex digits; their count, 0 when it is something else. */
static size_t read_hex(struct bt_slice text, uint8_t bytes[static 32])
{
    if (text.len != 32 && text.len != 48 && text.len != 64)
        return 0;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = hex_digit(text.ptr[i]), low = hex_digit(text.ptr[i + 1]);

        if (high < 0 || low < 0)
            return 0;
        bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    return text.len / 2;
}

/* ------------------------------------------------------------------ MariaDB */

static struct bt_slice trim(struct bt_slice s)
{
    while (s.len && memchr(" \t\r\n", s.ptr[0], 4))
        s = bt_slice(s.ptr + 1, s.len - 1);
    while (s.len && memchr(" \t\r\n", s.ptr[s.len - 1], 4))
        s.len--;
    return s;
}

/* One line "id;hex"; 1: neither that nor empty nor a comment. */
static int read_key_line(struct bt_keys *keys, struct bt_slice line, struct bt_err *err)
{
    const uint8_t *comment = line.len ? memchr(line.ptr, '#', line.len) : NULL, *semicolon;
    uint8_t bytes[32];
    struct bt_slice id;
    uint64_t number;
    size_t len;
    int result;

    line = trim(comment ? bt_slice(line.ptr, (size_t)(comment - line.ptr)) : line);
    if (line.len == 0)
        return 0;
    semicolon = memchr(line.ptr, ';', line.len);
    if (!semicolon)
        return 1;
    id = trim(bt_slice(line.ptr, (size_t)(semicolon - line.ptr)));
    len = read_hex(trim(bt_slice(semicolon + 1, line.len - (size_t)(semicolon - line.ptr) - 1)),
                   bytes);
    if (len == 0 || !bt_number_u64(id, UINT32_MAX, &number) || number == 0)
        return 1;
    result = add_key(keys, id, bt_slice(bytes, len), err);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return result;
}

static int read_key_lines(struct bt_keys *keys, struct bt_slice text, struct bt_err *err)
{
    size_t at = 0;

    for (unsigned number = 1; at < text.len; number++) {
        const uint8_t *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t len = end ? (size_t)(end - text.ptr) - at : text.len - at;
        int result = read_key_line(keys, bt_slice(text.ptr + at, len), err);

        if (result < 0)
            return -1;
        if (result == 1)
            return bt_fail(err, BT_ERR_CONFIG,
                           "%s:%u: a key is written as \"number;hex digits\", of 32,"
                           " 48 or 64 digits",
                           keys->path, number);
        at += len + 1;
    }
    if (keys_find(keys, bt_slice_str("1")))
        return 0;
    return bt_fail(err, BT_ERR_CONFIG, "\"%s\" has no key 1, with which MariaDB encrypts its logs",
                   keys->path);
}

/* How openssl makes a key of a passphrase: what `openssl enc -md` and -pbkdf2 choose. */
struct derivation {
    const EVP_MD *digest;
    bool is_pbkdf2;
};

/* AES-256-CBC with padding, as `openssl enc`; false when the padding shows that it was not that. */
static bool try_derivation(struct derivation d, struct bt_slice file, struct bt_slice passphrase,
                           struct bt_buf *out)
{
    const uint8_t *salt = file.ptr + SALT_SIZE, *in = salt + SALT_SIZE;
    int in_len = (int)(file.len - 2 * SALT_SIZE), len = 0, last = 0;
    uint8_t both[48]; /* key, then IV */
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t *at;
    bool fine;

    bt_buf_reset(out);
    at = bt_buf_reserve(out, file.len);
    if (d.is_pbkdf2)
        fine = PKCS5_PBKDF2_HMAC((const char *)passphrase.ptr, (int)passphrase.len, salt, SALT_SIZE,
                                 PBKDF2_ROUNDS, d.digest, sizeof(both), both) == 1;
    else
        fine = EVP_BytesToKey(EVP_aes_256_cbc(), d.digest, salt, passphrase.ptr,
                              (int)passphrase.len, 1, both, both + 32) == 32;
    fine = fine && ctx && at &&
           EVP_DecryptInit_ex(ctx, EVP_aes_256_cbc(), NULL, both, both + 32) == 1 &&
           EVP_DecryptUpdate(ctx, at, &len, in, in_len) == 1 &&
           EVP_DecryptFinal_ex(ctx, at + len, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    OPENSSL_cleanse(both, sizeof(both));
    if (fine)
        bt_buf_commit(out, (size_t)(len + last));
    return fine;
}

/* Text of keys has only these characters: what a wrong derivation does not give. */
static bool is_text(struct bt_slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((s.ptr[i] < 0x20 && !memchr("\t\r\n", s.ptr[i], 3)) || s.ptr[i] > 0x7e)
            return false;
    return true;
}

/* "Salted__", 8 bytes of salt, AES-256-CBC.  The server is told the digest (sha1 unless
 * file_key_management_digest says so, 11.8) and we are not: the right one shows itself. */
static int decrypt_key_file(const char *path, struct bt_slice file, const char *passphrase_path,
                            struct bt_buf *out, struct bt_err *err)
{
    const EVP_MD *digests[] = {EVP_sha1(), EVP_sha256(), EVP_sha512(),
                               EVP_sha384(), EVP_sha224(), EVP_md5()};
    struct bt_buf secret;
    struct bt_slice passphrase;
    bool found = false;
    int result;

    if (!passphrase_path)
        return bt_fail(err, BT_ERR_CONFIG, "\"%s\" is encrypted: the file with its passphrase"
                                           " (file_key_management_filekey) is needed",
                       path);
    if (file.len <= 2 * SALT_SIZE || file.len % 16)
        return bt_fail(err, BT_ERR_CONFIG, "\"%s\" is cut off after %zu bytes", path, file.len);
    bt_buf_init(&secret, PASSPHRASE_MAX + 2);
    result = read_file(passphrase_path, PASSPHRASE_MAX + 2, &secret, err);
    passphrase = bt_buf_slice(&secret);
    while (passphrase.len && memchr("\r\n", passphrase.ptr[passphrase.len - 1], 2))
        passphrase.len--;
    for (size_t i = 0; result == 0 && !found && i < 2 * sizeof(digests) / sizeof(digests[0]); i++) {
        struct derivation d = {digests[i / 2], i % 2 == 1};

        found = try_derivation(d, file, passphrase, out) && is_text(bt_buf_slice(out));
    }
    wipe(&secret);
    if (result == 0 && !found)
        return bt_fail(err, BT_ERR_CONFIG, "the passphrase in \"%s\" does not open \"%s\"",
                       passphrase_path, path);
    return result;
}

static int parse_mariadb(struct bt_keys *keys, struct bt_slice file, const char *passphrase_path,
                         struct bt_err *err)
{
    struct bt_buf plain;
    int result;

    if (!bt_slice_starts_with(file, "Salted__"))
        return read_key_lines(keys, file, err);
    bt_buf_init(&plain, FILE_MAX + 64);
    result = decrypt_key_file(keys->path, file, passphrase_path, &plain, err);
    if (result == 0)
        result = read_key_lines(keys, bt_buf_slice(&plain), err);
    wipe(&plain);
    return result;
}

int bt_keys_load_mariadb(const char *path, const char *passphrase_path, struct bt_keys **ret,
                         struct bt_err *err)
{
    bt_auto_keys struct bt_keys *keys = NULL;
    struct bt_buf file;
    int result;

    bt_buf_init(&file, 0);
    if (new_keys(path, &keys, err) != 0)
        return -1;
    result = read_file(path, FILE_MAX, &file, err);
    if (result == 0)
        result = parse_mariadb(keys, bt_buf_slice(&file), passphrase_path, err);
    wipe(&file);
    if (result == 0)
        *ret = bt_steal(keys);
    return result;
}

/* -------------------------------------------------------------------- MySQL */

static bool is_log_key(struct bt_slice id)
{
    return bt_slice_starts_with(id, "MySQLReplicationKey_");
}

static int read_keyring_json(struct bt_keys *keys, struct bt_slice text, struct bt_err *err)
{
    struct bt_json_value root, list, element, id, data;
    struct bt_json_children c;
    struct bt_slice key;

    if (bt_json_parse(text, &root, err) != 0 || !bt_json_member(root, "elements", &list))
        return bt_fail(err, BT_ERR_CONFIG, "\"%s\" is not a keyring in JSON", keys->path);
    c = bt_json_children(list);
    while (bt_json_next(&c, &key, &element)) {
        uint8_t bytes[32];
        struct bt_slice name;
        size_t len;
        int result;

        if (!bt_json_member(element, "data_id", &id) || id.kind != BT_JSON_STRING ||
            !bt_json_member(element, "data", &data) || data.kind != BT_JSON_STRING)
            continue;
        name = bt_slice(id.text.ptr + 1, id.text.len - 2);
        len = read_hex(bt_slice(data.text.ptr + 1, data.text.len - 2), bytes);
        if (!is_log_key(name) || len != 32) /* beside the keys stands the number of the newest */
            continue;
        result = add_key(keys, name, bt_slice(bytes, len), err);
        OPENSSL_cleanse(bytes, sizeof(bytes));
        if (result != 0)
            return -1;
    }
    return 0;
}

/* One key of a keyring_file; 1 when there is none but the end. */
static int read_keyring_record(struct bt_keys *keys, struct bt_cursor *c, struct bt_err *err)
{
    static const char mask[] = "*305=Ljt0*!@$Hnm(*-9-w;:";
    struct bt_slice record, id, type, user, data;
    uint64_t size, id_len, type_len, user_len, data_len;
    uint8_t bytes[32];
    struct bt_cursor r;
    int result;

    if (c->left < 8 || bt_slice_starts_with(bt_cur_rest(c), "EOF"))
        return 1;
    if (!bt_cur_u64(c, &size) || size < 8 || !bt_cur_take(c, size - 8, &record))
        return bt_fail(err, BT_ERR_CONFIG, "\"%s\" is not a whole keyring", keys->path);
    r = bt_cursor(record);
    if (!bt_cur_u64(&r, &id_len) || !bt_cur_u64(&r, &type_len) || !bt_cur_u64(&r, &user_len) ||
        !bt_cur_u64(&r, &data_len) || !bt_cur_take(&r, id_len, &id) ||
        !bt_cur_take(&r, type_len, &type) || !bt_cur_take(&r, user_len, &user) ||
        !bt_cur_take(&r, data_len, &data))
        return bt_fail(err, BT_ERR_CONFIG, "\"%s\" is not a whole keyring", keys->path);
    if (!is_log_key(id) || data.len != sizeof(bytes))
        return 0;
    for (size_t i = 0; i < data.len; i++)
        bytes[i] = data.ptr[i] ^ (uint8_t)mask[i % (sizeof(mask) - 1)];
    result = add_key(keys, id, bt_slice(bytes, sizeof(bytes)), err);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return result;
}

static int read_keyring_file(struct bt_keys *keys, struct bt_slice file, struct bt_err *err)
{
    static const char version[] = "Keyring file version:";
    struct bt_cursor c = bt_cursor(file);
    int result = 0;

    if (!bt_slice_starts_with(file, version) || !bt_cur_skip(&c, sizeof(version) - 1 + 3))
        return bt_fail(err, BT_ERR_CONFIG, "\"%s\" is neither a keyring_file nor a"
                                           " component_keyring_file",
                       keys->path);
    while (result == 0)
        result = read_keyring_record(keys, &c, err);
    return result < 0 ? -1 : 0;
}

int bt_keys_load_mysql(const char *path, struct bt_keys **ret, struct bt_err *err)
{
    bt_auto_keys struct bt_keys *keys = NULL;
    struct bt_buf file;
    int result;

    bt_buf_init(&file, 0);
    if (new_keys(path, &keys, err) != 0)
        return -1;
    result = read_file(path, FILE_MAX, &file, err);
    if (result == 0 && bt_slice_starts_with(trim(bt_buf_slice(&file)), "{"))
        result = read_keyring_json(keys, trim(bt_buf_slice(&file)), err);
    else if (result == 0)
        result = read_keyring_file(keys, bt_buf_slice(&file), err);
    wipe(&file);
    if (result == 0 && keys->count == 0)
        return bt_fail(err, BT_ERR_CONFIG, "\"%s\" holds no key of a binary log", path);
    if (result == 0)
        *ret = bt_steal(keys);
    return result;
}
