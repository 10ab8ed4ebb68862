/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypted bytes with a known key: k key file, r keyring, e MariaDB events, m MySQL log. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "parser/crypt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Keys are read from files: one that lives in memory. */
static int load(struct bt_slice bytes, bool is_mysql, struct bt_keys **ret)
{
    int fd = memfd_create("keys", MFD_CLOEXEC), result = -1;
    struct bt_err err = {0};
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (fd >= 0 && write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len)
        result = is_mysql ? bt_keys_load_mysql(path, ret, &err)
                          : bt_keys_load_mariadb(path, path, ret, &err);
    if (fd >= 0)
        close(fd);
    return result;
}

static void read_events(const struct bt_keys *keys, struct bt_slice bytes)
{
    static const uint8_t start[17] = {1, 1};
    bt_auto_log_cipher struct bt_log_cipher *cipher = NULL;
    bt_auto_buf struct bt_buf out;
    struct bt_err err = {0};

    bt_buf_init(&out, 1 << 20);
    if (bt_log_cipher_open(keys, bytes.len < 40 ? bytes : bt_slice(start, sizeof(start)), &cipher,
                           &err) != 0)
        return;
    if (bt_log_cipher_event(cipher, 256, bytes, &out, &err) == 0 && out.len != bytes.len)
        __builtin_trap();
}

static void read_log(const struct bt_keys *keyring, struct bt_slice bytes)
{
    struct bt_source *inner;
    bt_auto_source struct bt_source *source = NULL;
    struct bt_slice view;
    struct bt_err err = {0};

    if (bt_source_memory_open(bytes, "log", &inner, &err) != 0 ||
        bt_source_mysql_decrypt_open(inner, keyring, &source, &err) != 0)
        return;
    for (uint64_t pos = 0; pos < bytes.len; pos += 113)
        if (bt_source_view(source, pos, pos % 64, &view, &err) != 0)
            return;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char key_file[] = "1;770A8A65DA156D24EE2A093277530142\n";
    static const char keyring_file[] =
        "{\"elements\":[{\"data_id\":\"MySQLReplicationKey_k\",\"data\":"
        "\"ECD57A7B11B35CFD78F5149B0962B51A63CD6C0A0C6875D579FD1FBE3BAF47DF\"}]}";
    struct bt_slice rest = bt_slice(data + 1, size ? size - 1 : 0);
    bt_auto_keys struct bt_keys *keys = NULL;
    bool is_mysql = size > 0 && (data[0] == 'r' || data[0] == 'm');

    if (size == 0)
        return 0;
    if (data[0] == 'k' || data[0] == 'r') {
        if (load(rest, is_mysql, &keys) != 0 && keys)
            __builtin_trap();
        return 0;
    }
    if (load(is_mysql ? bt_slice_str(keyring_file) : bt_slice_str(key_file), is_mysql, &keys) != 0)
        __builtin_trap();
    if (is_mysql)
        read_log(keys, rest);
    else
        read_events(keys, rest);
    return 0;
}
