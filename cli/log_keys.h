/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_keys.h - the keys with which rank and diff open encrypted logs.
 *
 *     static const struct bt_opt opts[] = {..., BT_LOG_KEYS_OPTS, {0}};
 *     bt_log_keys_use(&opener, err)       each opener of logs; without the options it stays as it
 * is bt_log_keys_forget()                at the end of the command: wipes
 *
 * MariaDB's logs are decrypted event by event by the reader, which takes the keys from the opener;
 * MySQL's as whole files, by an opener around the one given.
 */
#ifndef BT_CLI_LOG_KEYS_H
#define BT_CLI_LOG_KEYS_H

#include "diff/log_set.h"

/* As given on the command line. */
struct bt_log_key_paths {
    const char *key_file, *passphrase, *keyring;
};

extern struct bt_log_key_paths bt_log_key_paths;

/* clang-format off */
#define BT_LOG_KEYS_OPTS \
    {"key-file", 0, BT_OPT_STRING, "FILE", \
     "open encrypted logs of MariaDB with this key file of file_key_management", NULL, \
     &bt_log_key_paths.key_file}, \
    {"key-passphrase", 0, BT_OPT_STRING, "FILE", \
     "the file with the passphrase of an encrypted key file", NULL, \
     &bt_log_key_paths.passphrase}, \
    {"keyring", 0, BT_OPT_STRING, "FILE", \
     "open encrypted logs of MySQL with this keyring (plugin or component)", NULL, \
     &bt_log_key_paths.keyring}
/* clang-format on */

/* Gives the opener the keys, which are read at the first call.  *opener is owned as before, also
 * after a failure. */
int bt_log_keys_use(struct bt_log_opener **opener, struct bt_err *err) BT_MUST_CHECK;
void bt_log_keys_forget(void);

#endif
