/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login.h - a replica proves that it was given the password of this run.
 *
 *   greeting (method, scramble) -> user, proof -> [switch to the method -> proof] -> OK | denied
 *
 * mysql_native_password is what MariaDB and MySQL up to 5.7 speak; MySQL 9 has lost it and speaks
 * caching_sha2_password.  That method asks for TLS or RSA only where a server holds nothing but a
 * stored hash; we know the password itself, so the first proof decides and nothing secret travels.
 * (sql/auth/sha2_password.cc, MySQL 8.0.43: "fast authentication".)
 */
#ifndef BT_APPLY_FEED_LOGIN_H
#define BT_APPLY_FEED_LOGIN_H

#include "apply/feed/wire.h"

struct bt_feed_account {
    const char *user; /* one that begins with it and a ':' is the same (replicate.h) */
    const char *password;
    const char *version; /* that we greet with */
    bool sha2;           /* greet with caching_sha2_password */
};

/* Greets and lets in; 1 when the replica has gone or was refused. */
int bt_feed_login(struct bt_wire *w, const struct bt_feed_account *account, struct bt_err *err)
    BT_MUST_CHECK;

/* Both compare in constant time; scramble holds BT_WIRE_SCRAMBLE_SIZE bytes.
 * native: SHA1(password) XOR SHA1(scramble, SHA1(SHA1(password))).
 * sha2:   SHA256(password) XOR SHA256(SHA256(SHA256(password)), scramble). */
bool bt_feed_proves_native(struct bt_slice proof, const char *password, const uint8_t *scramble);
bool bt_feed_proves_sha2(struct bt_slice proof, const char *password, const uint8_t *scramble);

#endif
