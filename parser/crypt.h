/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypt.h - encrypted logs of both flavours, opened with the server's key file.
 *
 * MariaDB encrypts event by event behind a START_ENCRYPTION event; lengths stay readable:
 *
 *     bt_keys_load_mariadb(path, ...) -> START_ENCRYPTION: bt_log_cipher_open(keys, body)
 *       -> each later event: bt_log_cipher_event(cipher, offset, raw, &plain)
 *
 * MySQL encrypts the whole file behind a header of 512 bytes; a source filter opens it:
 *
 *     bt_keys_load_mysql(path) -> bt_source_mysql_decrypt_open(inner, keys, &source)
 *
 * Keys are wiped when freed and never stand in an error text.
 */
#ifndef BT_PARSER_CRYPT_H
#define BT_PARSER_CRYPT_H

#include "base/auto.h"
#include "base/buf.h"
#include "parser/source.h"

/* -------------------------------------------------------------------- keys */

struct bt_keys;

void bt_keys_free(struct bt_keys *keys); /* accepts NULL; wipes */

static inline void bt_keys_release(struct bt_keys **keys)
{
    bt_keys_free(*keys);
    *keys = NULL;
}
#define bt_auto_keys BT_AUTO(bt_keys_release)

/* Reads the key file of MariaDB's file_key_management: lines "id;hex" with keys of 16, 24 or 32
 * bytes, or the same encrypted by `openssl enc -aes-256-cbc` (it begins with "Salted__"), which
 * needs passphrase_path, the file that file_key_management_filekey names (NULL without). */
int bt_keys_load_mariadb(const char *path, const char *passphrase_path, struct bt_keys **ret,
                         struct bt_err *err) BT_MUST_CHECK;

/* Reads a MySQL keyring: the file of the keyring_file plugin (formats 1.0 and 2.0) or of
 * component_keyring_file (JSON).  Only the keys of binary logs are kept. */
int bt_keys_load_mysql(const char *path, struct bt_keys **ret, struct bt_err *err) BT_MUST_CHECK;

/* ----------------------------------------------------------------- MariaDB */

/* Decrypts the events of one log behind one START_ENCRYPTION. */
struct bt_log_cipher;

/* body: of the START_ENCRYPTION event.  keys must outlive the cipher. */
int bt_log_cipher_open(const struct bt_keys *keys, struct bt_slice body, struct bt_log_cipher **ret,
                       struct bt_err *err) BT_MUST_CHECK;
void bt_log_cipher_close(struct bt_log_cipher *cipher); /* accepts NULL */

static inline void bt_log_cipher_release(struct bt_log_cipher **cipher)
{
    bt_log_cipher_close(*cipher);
    *cipher = NULL;
}
#define bt_auto_log_cipher BT_AUTO(bt_log_cipher_release)

/* Decrypts one event as it stands in the log at offset, checksum included, into out (emptied
 * first): header, body and checksum as they were before encryption.  CBC or CTR is found out at the
 * first event.  A result that is no event means a wrong key or damage: BT_ERR_CORRUPT. */
int bt_log_cipher_event(struct bt_log_cipher *cipher, uint64_t offset, struct bt_slice raw,
                        struct bt_buf *out, struct bt_err *err) BT_MUST_CHECK;

/* ------------------------------------------------------------------- MySQL */

enum { BT_MYSQL_ENCRYPTION_HEADER_SIZE = 512 };

/* Whether these first bytes of a file are those of a log that MySQL encrypted. */
bool bt_mysql_is_encrypted(struct bt_slice head);

/* The plain log behind an encrypted one.  inner is owned from here on, also after a failure. */
int bt_source_mysql_decrypt_open(struct bt_source *inner, const struct bt_keys *keys,
                                 struct bt_source **ret, struct bt_err *err) BT_MUST_CHECK;

#endif
