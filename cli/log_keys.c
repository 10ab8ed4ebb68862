/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log_keys.h"

#include <stdlib.h>

#include "parser/crypt.h"

struct bt_log_key_paths bt_log_key_paths;

static struct bt_keys *mariadb_keys, *mysql_keys;

/* An opener whose files may be encrypted by MySQL. */
struct keyring_opener {
    struct bt_log_opener base;
    struct bt_log_opener *inner; /* owned */
};

static struct bt_log_opener *inner_of(struct bt_log_opener *o)
{
    return ((struct keyring_opener *)o)->inner;
}

static int keyring_list(struct bt_log_opener *o, bt_log_name_fn *each, void *ctx,
                        struct bt_err *err)
{
    return inner_of(o)->ops->list(inner_of(o), each, ctx, err);
}

static int keyring_open(struct bt_log_opener *o, const char *name, struct bt_source **ret,
                        struct bt_err *err)
{
    bt_auto_source struct bt_source *source = NULL;
    struct bt_slice head;
    int got = inner_of(o)->ops->open(inner_of(o), name, &source, err);

    if (got != 0)
        return got;
    if (bt_source_view(source, 0, 4, &head, err) != 0)
        return -1;
    if (bt_mysql_is_encrypted(head))
        return bt_source_mysql_decrypt_open(bt_steal(source), mysql_keys, ret, err);
    *ret = bt_steal(source);
    return 0;
}

static void keyring_close(struct bt_log_opener *o)
{
    inner_of(o)->ops->close(inner_of(o));
    free(o);
}

static int load(struct bt_err *err)
{
    const struct bt_log_key_paths *p = &bt_log_key_paths;

    if (p->passphrase && !p->key_file)
        return bt_fail(err, BT_ERR_USAGE, "--key-passphrase is of use with --key-file only");
    if (p->key_file && !mariadb_keys &&
        bt_keys_load_mariadb(p->key_file, p->passphrase, &mariadb_keys, err) != 0)
        return -1;
    if (p->keyring && !mysql_keys && bt_keys_load_mysql(p->keyring, &mysql_keys, err) != 0)
        return -1;
    return 0;
}

int bt_log_keys_use(struct bt_log_opener **opener, struct bt_err *err)
{
    static const struct bt_log_opener_ops ops = {keyring_list, keyring_open, keyring_close};
    struct keyring_opener *o;

    if (load(err) != 0)
        return -1;
    (*opener)->keys = mariadb_keys;
    if (!mysql_keys)
        return 0;
    o = calloc(1, sizeof(*o));
    if (!o)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to open \"%s\"", (*opener)->name);
    o->base = (struct bt_log_opener){.ops = &ops, .name = (*opener)->name, .keys = mariadb_keys};
    o->inner = *opener;
    *opener = &o->base;
    return 0;
}

void bt_log_keys_forget(void)
{
    bt_keys_free(mariadb_keys);
    bt_keys_free(mysql_keys);
    mariadb_keys = mysql_keys = NULL;
}
