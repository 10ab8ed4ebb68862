/* SPDX-License-Identifier: Apache-2.0 */
/* keys_priv.h - the keys that keys.c read, for the two ciphers. */
#ifndef BT_PARSER_KEYS_PRIV_H
#define BT_PARSER_KEYS_PRIV_H

#include "parser/crypt.h"

struct key {
    char *name; /* MySQL: its id in the keyring; MariaDB: "1" */
    uint8_t bytes[32];
    size_t len; /* 16, 24 or 32 */
};

/* The cipher of MariaDB's logs.  The reader reaches it through the keys only, so that a program
 * that is never given keys (baton-node) links no libcrypto. */
struct log_cipher_ops {
    int (*open)(const struct bt_keys *keys, struct bt_slice body, struct bt_log_cipher **ret,
                struct bt_err *err);
    int (*event)(struct bt_log_cipher *cipher, uint64_t offset, struct bt_slice raw,
                 struct bt_buf *out, struct bt_err *err);
    void (*close)(struct bt_log_cipher *cipher);
};

struct bt_keys {
    const struct log_cipher_ops *ops;
    struct key *items;
    size_t count;
    char *path; /* for messages */
};

/* The key of that name; NULL when there is none. */
const struct key *keys_find(const struct bt_keys *keys, struct bt_slice name);

#endif
