/* SPDX-License-Identifier: Apache-2.0 */
/* The plain functions: EVP would make baton-node, which is static and is sent to hosts, 3 MB
 * larger, and look for providers in files of a host that has another version. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "apply/feed/login.h"

#include <openssl/sha.h>
#include <sys/random.h>

enum {
    LOGIN_MS = 10000,
    SHA1_SIZE = 20,
    SHA256_SIZE = 32,
    ER_ACCESS_DENIED = 1045,
    FAST_AUTH_OK = 3, /* caching_sha2_password: the proof was enough */
};

static const char native[] = "mysql_native_password", sha2[] = "caching_sha2_password";

static void sha1(struct bt_slice a, struct bt_slice b, uint8_t *to)
{
    SHA_CTX ctx;

    SHA1_Init(&ctx);
    SHA1_Update(&ctx, a.ptr, a.len);
    SHA1_Update(&ctx, b.ptr, b.len);
    SHA1_Final(to, &ctx);
}

static void sha256(struct bt_slice a, struct bt_slice b, uint8_t *to)
{
    SHA256_CTX ctx;

    SHA256_Init(&ctx);
    SHA256_Update(&ctx, a.ptr, a.len);
    SHA256_Update(&ctx, b.ptr, b.len);
    SHA256_Final(to, &ctx);
}

/* Whether proof is once XOR salted. */
static bool is_mask(struct bt_slice proof, const uint8_t *once, const uint8_t *salted, size_t size)
{
    uint8_t differs = 0;

    for (size_t i = 0; i < size; i++)
        differs |= (uint8_t)(proof.ptr[i] ^ once[i] ^ salted[i]);
    return differs == 0;
}

bool bt_feed_proves_native(struct bt_slice proof, const char *password, const uint8_t *scramble)
{
    uint8_t once[SHA1_SIZE], twice[SHA1_SIZE], salted[SHA1_SIZE];

    if (proof.len != SHA1_SIZE)
        return false;
    sha1(bt_slice_str(password), bt_slice_empty(), once);
    sha1(bt_slice(once, SHA1_SIZE), bt_slice_empty(), twice);
    sha1(bt_slice(scramble, BT_WIRE_SCRAMBLE_SIZE), bt_slice(twice, SHA1_SIZE), salted);
    return is_mask(proof, once, salted, SHA1_SIZE);
}

bool bt_feed_proves_sha2(struct bt_slice proof, const char *password, const uint8_t *scramble)
{
    uint8_t once[SHA256_SIZE], twice[SHA256_SIZE], salted[SHA256_SIZE];

    if (proof.len != SHA256_SIZE)
        return false;
    sha256(bt_slice_str(password), bt_slice_empty(), once);
    sha256(bt_slice(once, SHA256_SIZE), bt_slice_empty(), twice);
    sha256(bt_slice(twice, SHA256_SIZE), bt_slice(scramble, BT_WIRE_SCRAMBLE_SIZE), salted);
    return is_mask(proof, once, salted, SHA256_SIZE);
}

static int make_scramble(uint8_t *to, struct bt_err *err)
{
    if (getrandom(to, BT_WIRE_SCRAMBLE_SIZE, 0) != BT_WIRE_SCRAMBLE_SIZE)
        return bt_fail_sys(err, "could not get random bytes");
    for (int i = 0; i < BT_WIRE_SCRAMBLE_SIZE; i++)
        to[i] = (uint8_t)('!' + to[i] % 90); /* printable, no NUL; '$' has no meaning here */
    return 0;
}

static bool is_user(struct bt_slice said, const char *user)
{
    size_t len = strlen(user);

    return said.len >= len && memcmp(said.ptr, user, len) == 0 &&
           (said.len == len || said.ptr[len] == ':');
}

static int ask_again(struct bt_wire *w, const char *method, const uint8_t *scramble,
                     struct bt_deadline until, struct bt_slice *ret_proof, struct bt_err *err)
{
    int status;

    bt_wire_switch(w, method, scramble);
    if (bt_wire_flush(w, until, err) < 0)
        return -1;
    status = bt_wire_read(w, until, err);
    *ret_proof = bt_buf_slice(&w->in);
    return status;
}

int bt_feed_login(struct bt_wire *w, const struct bt_feed_account *account, struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(LOGIN_MS);
    const char *method = account->sha2 ? sha2 : native;
    uint8_t scramble[BT_WIRE_SCRAMBLE_SIZE];
    struct bt_slice user, proof;
    bool knows_user;
    int status;

    if (make_scramble(scramble, err) < 0)
        return -1;
    bt_wire_greet(w, account->version, 1, method, scramble);
    if (bt_wire_flush(w, until, err) < 0)
        return -1;
    status = bt_wire_read(w, until, err);
    if (status != 0)
        return status;
    if (bt_wire_login_read(bt_buf_slice(&w->in), &user, &proof, err) < 0)
        return -1;
    knows_user = is_user(user, account->user);
    if (proof.len != SHA1_SIZE && proof.len != SHA256_SIZE) { /* it guessed another method */
        status = ask_again(w, method, scramble, until, &proof, err);
        if (status != 0)
            return status;
    }
    if (knows_user && bt_feed_proves_sha2(proof, account->password, scramble)) {
        bt_wire_add(w, 1, bt_slice(&(uint8_t){FAST_AUTH_OK}, 1));
        bt_wire_ok(w);
        return bt_wire_flush(w, until, err);
    }
    if (knows_user && bt_feed_proves_native(proof, account->password, scramble)) {
        bt_wire_ok(w);
        return bt_wire_flush(w, until, err);
    }
    bt_wire_error(w, ER_ACCESS_DENIED, "Access denied");
    return bt_wire_flush(w, until, err) < 0 ? -1 : 1;
}
