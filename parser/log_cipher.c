/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_cipher.c - the events of an encrypted MariaDB log (sql/log_event.cc, sql/log_event_server.cc,
 * mysys_ssl/my_crypt.cc, 10.11).
 *
 *   START_ENCRYPTION   u8 scheme 1, u32 key version, 12 bytes nonce
 *   an event's IV      nonce, u32 offset of the event in its file, little endian
 *   an event           its length stands in clear at 9; what the server encrypts is the rest: the
 *                      first 4 bytes were moved over the length, then all from byte 4 encrypted
 *   CBC                without padding: the last bytes that fill no block are XORed with the IV
 *                      encrypted by ECB
 */
#include "parser/keys_priv.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "parser/crc.h"
#include "parser/event.h"

enum { NONCE_SIZE = 12, BLOCK = 16, LENGTH_OFFSET = 9, LENGTH_SIZE = 4, FLAGS_NEVER_SET = 0x3c00 };

enum mode { MODE_NOT_KNOWN, MODE_CBC, MODE_CTR };

struct bt_log_cipher {
    const struct key *key;
    uint8_t nonce[NONCE_SIZE];
    enum mode mode;
    EVP_CIPHER_CTX *ctx;
};

int bt_log_cipher_open(const struct bt_keys *keys, struct bt_slice body, struct bt_log_cipher **ret,
                       struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(body);
    struct bt_log_cipher *cipher;
    uint8_t scheme, nonce[NONCE_SIZE];
    const struct key *key = keys_find(keys, bt_slice_str("1"));
    uint32_t version;

    if (!bt_cur_u8(&c, &scheme) || !bt_cur_u32(&c, &version) || !bt_cur_copy(&c, NONCE_SIZE, nonce))
        return bt_fail(err, BT_ERR_CORRUPT, "START_ENCRYPTION ends after %zu of %d bytes", body.len,
                       5 + NONCE_SIZE);
    if (scheme != 1)
        return bt_fail(err, BT_ERR_CORRUPT, "START_ENCRYPTION has scheme %u, known is 1",
                       (unsigned)scheme);
    if (version != 1 || !key)
        return bt_fail(err, BT_ERR_CONFIG,
                       "the log is encrypted with version %u of key 1, which \"%s\""
                       " does not hold",
                       version, keys->path);
    cipher = calloc(1, sizeof(*cipher));
    if (cipher)
        cipher->ctx = EVP_CIPHER_CTX_new();
    if (!cipher || !cipher->ctx) {
        free(cipher);
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for a cipher");
    }
    cipher->key = key;
    memcpy(cipher->nonce, nonce, sizeof(nonce));
    *ret = cipher;
    return 0;
}

void bt_log_cipher_close(struct bt_log_cipher *cipher)
{
    if (!cipher)
        return;
    EVP_CIPHER_CTX_free(cipher->ctx);
    free(cipher);
}

static const EVP_CIPHER *cipher_of(enum mode mode, size_t key_len)
{
    if (mode == MODE_CTR)
        return key_len == 16 ? EVP_aes_128_ctr() : key_len == 24 ? EVP_aes_192_ctr()
                                                                 : EVP_aes_256_ctr();
    return key_len == 16 ? EVP_aes_128_cbc() : key_len == 24 ? EVP_aes_192_cbc()
                                                             : EVP_aes_256_cbc();
}

/* XORs the bytes behind the last whole block with the encrypted IV. */
static bool decrypt_tail(struct bt_log_cipher *cipher, const uint8_t iv[static BLOCK],
                         struct bt_slice in, uint8_t *out)
{
    size_t key_len = cipher->key->len;
    const EVP_CIPHER *ecb = key_len == 16 ? EVP_aes_128_ecb() : key_len == 24 ? EVP_aes_192_ecb()
                                                                              : EVP_aes_256_ecb();
    uint8_t mask[BLOCK];
    int len;

    if (EVP_EncryptInit_ex(cipher->ctx, ecb, NULL, cipher->key->bytes, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(cipher->ctx, 0) != 1 ||
        EVP_EncryptUpdate(cipher->ctx, mask, &len, iv, BLOCK) != 1 || len != BLOCK)
        return false;
    for (size_t i = 0; i < in.len; i++)
        out[i] = in.ptr[i] ^ mask[i];
    return true;
}

static bool decrypt(struct bt_log_cipher *cipher, enum mode mode, const uint8_t iv[static BLOCK],
                    struct bt_slice in, uint8_t *out)
{
    size_t whole = mode == MODE_CBC ? in.len / BLOCK * BLOCK : in.len;
    int len = 0;

    if (EVP_DecryptInit_ex(cipher->ctx, cipher_of(mode, cipher->key->len), NULL, cipher->key->bytes,
                           iv) != 1 ||
        EVP_CIPHER_CTX_set_padding(cipher->ctx, 0) != 1 ||
        EVP_DecryptUpdate(cipher->ctx, out, &len, in.ptr, (int)whole) != 1 || (size_t)len != whole)
        return false;
    return whole == in.len ||
           decrypt_tail(cipher, iv, bt_slice(in.ptr + whole, in.len - whole), out + whole);
}

/* One attempt: the plain event in plain, which has raw.len bytes. */
static bool decrypt_event(struct bt_log_cipher *cipher, enum mode mode, uint64_t offset,
                          struct bt_slice raw, uint8_t *moved, uint8_t *plain)
{
    uint8_t iv[BLOCK];
    uint32_t low = htole32((uint32_t)offset);

    memcpy(iv, cipher->nonce, NONCE_SIZE);
    memcpy(iv + NONCE_SIZE, &low, sizeof(low));
    memcpy(moved, raw.ptr, raw.len);
    memcpy(moved + LENGTH_OFFSET, raw.ptr, LENGTH_SIZE);
    if (!decrypt(cipher, mode, iv, bt_slice(moved + LENGTH_SIZE, raw.len - LENGTH_SIZE),
                 plain + LENGTH_SIZE))
        return false;
    memcpy(plain, plain + LENGTH_OFFSET, LENGTH_SIZE);
    memcpy(plain + LENGTH_OFFSET, raw.ptr + LENGTH_OFFSET, LENGTH_SIZE);
    return true;
}

/* How much the bytes look like an event: 2 its checksum is right, 1 its type and flags exist, 0. */
static int look(struct bt_slice plain)
{
    struct bt_cursor c = bt_cursor(bt_slice(plain.ptr + plain.len - 4, 4));
    struct bt_event_header h;
    struct bt_err ignored = {0};
    uint32_t crc;

    if (bt_event_header_read(plain, UINT32_MAX, &h, &ignored) != 0)
        return 0;
    if (bt_cur_u32(&c, &crc) && bt_crc32(0, bt_slice(plain.ptr, plain.len - 4)) == crc)
        return 2;
    return bt_event_type_name(h.type) && !(h.flags & FLAGS_NEVER_SET) ? 1 : 0;
}

int bt_log_cipher_event(struct bt_log_cipher *cipher, uint64_t offset, struct bt_slice raw,
                        struct bt_buf *out, struct bt_err *err)
{
    enum mode first = cipher->mode ? cipher->mode : MODE_CBC;
    enum mode last = cipher->mode ? cipher->mode : MODE_CTR, best = MODE_NOT_KNOWN;
    int best_look = 0;
    uint8_t *at;

    bt_buf_reset(out);
    if (raw.len < BT_EVENT_HEADER_SIZE || raw.len > INT32_MAX)
        return bt_fail(err, BT_ERR_CORRUPT, "encrypted event has %zu bytes", raw.len);
    at = bt_buf_reserve(out, 2 * raw.len); /* the plain event, behind it room to move bytes in */
    if (!at)
        return bt_buf_check(out, "encrypted event", err);
    for (enum mode mode = first; mode <= last && best_look < 2; mode++) {
        int looks;

        if (!decrypt_event(cipher, mode, offset, raw, at + raw.len, at))
            return bt_fail(err, BT_ERR_SYSTEM, "could not decrypt an event of %zu bytes", raw.len);
        looks = look(bt_slice(at, raw.len));
        if (looks > best_look) {
            best_look = looks;
            best = mode;
        }
    }
    if (best == MODE_NOT_KNOWN)
        return bt_fail(err, BT_ERR_CORRUPT,
                       "what was decrypted is no event: the key is another one,"
                       " or the log is damaged");
    if (first != last && best == MODE_CBC && best_look < 2 &&
        !decrypt_event(cipher, best, offset, raw, at + raw.len, at))
        return bt_fail(err, BT_ERR_SYSTEM, "could not decrypt an event of %zu bytes", raw.len);
    cipher->mode = best;
    bt_buf_commit(out, raw.len);
    return 0;
}
