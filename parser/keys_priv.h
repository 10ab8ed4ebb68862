/* SPDX-License-Identifier: Apache-2.0 */
/* keys_priv.h - the keys that keys.c read, for the two ciphers. */
#ifndef BT_PARSER_KEYS_PRIV_H
#define BT_PARSER_KEYS_PRIV_H

#include "parser/crypt.h"

struct key {
    char *name;       /* MySQL: its id in the keyring; MariaDB: "1" */
    uint8_t bytes[32];
    size_t len;       /* 16, 24 or 32 */
};

struct bt_keys {
    struct key *items;
    size_t count;
    char *path; /* for messages */
};

/* The key of that name; NULL when there is none. */
const struct key *keys_find(const struct bt_keys *keys, struct bt_slice name);

#endif
