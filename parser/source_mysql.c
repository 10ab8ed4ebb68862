/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_mysql.c - the plain bytes of a log that MySQL encrypted (sql/rpl_log_encryption.cc,
 * sql/stream_cipher.cc, 8.0.43; checked on 9.7).
 *
 *   4        fd 62 69 6e
 *   1        version 1
 *   fields   1: u8 length, id of the key in the keyring; 2: 32 bytes, the file's password encrypted
 *            by AES-256-CBC with that key; 3: 16 bytes, the IV of that; 0: no more
 *   zeros up to 512, then the log, AES-256-CTR: SHA-512 of the password gives the key (32 bytes)
 * and the upper half of the IV (8 bytes); its lower half counts blocks from 0
 */
#include "parser/keys_priv.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>

enum { BLOCK = 16, PASSWORD_SIZE = 32, CHUNK = 256 * 1024, VIEW_MAX = 1 << 30 };

struct header {
    struct bt_slice key_id, password, iv;
};

struct decrypting {
    struct bt_source base;
    struct bt_source *inner; /* owned */
    uint8_t key[32];
    uint8_t iv_high[8];
    EVP_CIPHER_CTX *ctx;
    struct bt_buf plain; /* what was viewed last */
    uint64_t plain_pos;
};

bool bt_mysql_is_encrypted(struct bt_slice head)
{
    return bt_slice_starts_with(head, "\xfd"
                                      "bin");
}

static int read_header(struct bt_slice bytes, struct header *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(bytes);
    struct header h = {bt_slice_empty(), bt_slice_empty(), bt_slice_empty()};
    uint8_t version, field;

    if (!bt_mysql_is_encrypted(bytes) || !bt_cur_skip(&c, 4) || !bt_cur_u8(&c, &version))
        return bt_fail(err, BT_ERR_CORRUPT, "the log was not encrypted by MySQL");
    if (version != 1)
        return bt_fail(err, BT_ERR_CORRUPT, "the log is encrypted in version %u, known is 1",
                       (unsigned)version);
    while (bt_cur_u8(&c, &field) && field != 0) {
        bool fine = field == 1   ? bt_cur_len8(&c, &h.key_id)
                    : field == 2 ? bt_cur_take(&c, PASSWORD_SIZE, &h.password)
                    : field == 3 ? bt_cur_take(&c, BLOCK, &h.iv)
                                 : false;

        if (!fine)
            return bt_fail(err, BT_ERR_CORRUPT,
                           "the encryption header of the log is damaged at byte %zu",
                           bytes.len - c.left - 1);
    }
    if (!h.key_id.len || !h.password.len || !h.iv.len)
        return bt_fail(err, BT_ERR_CORRUPT, "the encryption header of the log misses a field");
    *ret = h;
    return 0;
}

/* The file's key and IV from its password. */
static bool derive(struct decrypting *d, const struct key *key, const struct header *h)
{
    uint8_t password[PASSWORD_SIZE + BLOCK], digest[SHA512_DIGEST_LENGTH];
    int len = 0;
    bool fine = EVP_DecryptInit_ex(d->ctx, EVP_aes_256_cbc(), NULL, key->bytes, h->iv.ptr) == 1 &&
                EVP_CIPHER_CTX_set_padding(d->ctx, 0) == 1 &&
                EVP_DecryptUpdate(d->ctx, password, &len, h->password.ptr, PASSWORD_SIZE) == 1 &&
                len == PASSWORD_SIZE && SHA512(password, PASSWORD_SIZE, digest) != NULL;

    if (fine) {
        memcpy(d->key, digest, sizeof(d->key));
        memcpy(d->iv_high, digest + sizeof(d->key), sizeof(d->iv_high));
    }
    OPENSSL_cleanse(password, sizeof(password));
    OPENSSL_cleanse(digest, sizeof(digest));
    return fine;
}

/* Decrypts in, which begins at a whole block of the plain log. */
static bool decrypt_at(struct decrypting *d, uint64_t pos, struct bt_slice in, uint8_t *out)
{
    uint64_t counter = htobe64(pos / BLOCK);
    uint8_t iv[BLOCK];
    int len = 0;

    memcpy(iv, d->iv_high, 8);
    memcpy(iv + 8, &counter, 8);
    return EVP_DecryptInit_ex(d->ctx, EVP_aes_256_ctr(), NULL, d->key, iv) == 1 &&
           EVP_DecryptUpdate(d->ctx, out, &len, in.ptr, (int)in.len) == 1 && (size_t)len == in.len;
}

static int decrypting_view(struct bt_source *s, uint64_t pos, size_t want, struct bt_slice *ret,
                           struct bt_err *err)
{
    struct decrypting *d = (struct decrypting *)s;
    uint64_t begin = pos / BLOCK * BLOCK;
    size_t skip = (size_t)(pos - begin), need;
    struct bt_slice inner;
    uint8_t *at;

    if (pos >= d->plain_pos && pos - d->plain_pos <= d->plain.len &&
        d->plain.len - (pos - d->plain_pos) >= want && want > 0) {
        *ret = bt_slice(d->plain.data + (pos - d->plain_pos),
                        d->plain.len - (size_t)(pos - d->plain_pos));
        return 0;
    }
    if (want > VIEW_MAX || begin > UINT64_MAX - BT_MYSQL_ENCRYPTION_HEADER_SIZE)
        return bt_fail(err, BT_ERR_LIMIT, "a view of %zu bytes is larger than %d", want, VIEW_MAX);
    need = want + skip < CHUNK ? CHUNK : want + skip;
    if (bt_source_view(d->inner, begin + BT_MYSQL_ENCRYPTION_HEADER_SIZE, need, &inner, err) != 0)
        return -1;
    if (inner.len > need)
        inner.len = need;
    bt_buf_reset(&d->plain);
    at = bt_buf_reserve(&d->plain, inner.len + 1);
    if (!at)
        return bt_buf_check(&d->plain, "decrypted log", err);
    if (inner.len > 0 && !decrypt_at(d, begin, inner, at))
        return bt_fail(err, BT_ERR_SYSTEM, "could not decrypt %zu bytes of \"%s\"", inner.len,
                       s->name);
    bt_buf_commit(&d->plain, inner.len);
    d->plain_pos = begin;
    *ret = inner.len > skip ? bt_slice(at + skip, inner.len - skip) : bt_slice_empty();
    return 0;
}

static uint64_t decrypting_size(struct bt_source *s)
{
    const struct decrypting *d = (const struct decrypting *)s;
    uint64_t size = bt_source_size(d->inner);

    if (size == UINT64_MAX)
        return size;
    return size > BT_MYSQL_ENCRYPTION_HEADER_SIZE ? size - BT_MYSQL_ENCRYPTION_HEADER_SIZE : 0;
}

static void decrypting_close(struct bt_source *s)
{
    struct decrypting *d = (struct decrypting *)s;

    bt_source_close(d->inner);
    EVP_CIPHER_CTX_free(d->ctx);
    bt_buf_done(&d->plain);
    OPENSSL_cleanse(d->key, sizeof(d->key));
    free(d);
}

static const struct bt_source_ops ops = {
    .view = decrypting_view, .size = decrypting_size, .close = decrypting_close};

static int prepare(struct decrypting *d, const struct bt_keys *keys, struct bt_err *err)
{
    const struct key *key;
    struct bt_slice head;
    struct header h;

    if (!d->ctx)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for a cipher");
    if (bt_source_view(d->inner, 0, BT_MYSQL_ENCRYPTION_HEADER_SIZE, &head, err) != 0)
        return -1;
    if (head.len > BT_MYSQL_ENCRYPTION_HEADER_SIZE)
        head.len = BT_MYSQL_ENCRYPTION_HEADER_SIZE;
    if (read_header(head, &h, err) != 0)
        return bt_err_wrap(err, "\"%s\"", d->inner->name);
    key = keys_find(keys, h.key_id);
    if (!key || key->len != 32)
        return bt_fail(err, BT_ERR_CONFIG,
                       "\"%s\" is encrypted with key \"%.*s\", which \"%s\" does not"
                       " hold",
                       d->inner->name, BT_SLICE_ARG(h.key_id), keys->path);
    if (!derive(d, key, &h))
        return bt_fail(err, BT_ERR_SYSTEM, "could not decrypt the password of \"%s\"",
                       d->inner->name);
    return 0;
}

int bt_source_mysql_decrypt_open(struct bt_source *inner, const struct bt_keys *keys,
                                 struct bt_source **ret, struct bt_err *err)
{
    struct decrypting *d = calloc(1, sizeof(*d));

    if (!d) {
        bt_source_close(inner);
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for a decrypted log");
    }
    d->base.ops = &ops;
    d->base.name = inner->name;
    d->base.can_go_back = inner->can_go_back;
    d->inner = inner;
    d->ctx = EVP_CIPHER_CTX_new();
    bt_buf_init(&d->plain, (size_t)VIEW_MAX + 2 * (size_t)CHUNK);
    if (prepare(d, keys, err) != 0) {
        decrypting_close(&d->base);
        return -1;
    }
    *ret = &d->base;
    return 0;
}
