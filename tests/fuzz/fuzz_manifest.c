/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: what was read is written again and reads back as the same, whatever it says. */
#include "diff/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void write_text(const struct bt_manifest *m, struct bt_buf *ret)
{
    struct bt_json json;

    bt_buf_init(ret, 64 << 20);
    bt_json_init(&json, ret);
    bt_manifest_write(m, true, &json);
}

static bool is_ascii(const char *s)
{
    while (*s && (unsigned char)*s < 0x80)
        s++;
    return *s == '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bt_auto_buf struct bt_buf text = {0}, again = {0};
    struct bt_manifest m, read;
    struct bt_err err = {0};

    if (bt_manifest_parse(bt_slice(data, size), &m, &err) != 0) {
        require(err.kind != BT_ERR_NONE && err.text[0] != '\0');
        return 0;
    }
    require(m.count == m.transactions);
    for (size_t i = 0; i < m.count; i++)
        require(m.items[i].file == UINT32_MAX || m.items[i].file < m.file_count);
    write_text(&m, &text);
    require(bt_manifest_parse(bt_buf_slice(&text), &read, &err) == 0);
    write_text(&read, &again);
    /* A version is cut at 50 bytes, and bytes that are no UTF-8 grow when they are written. */
    require(!is_ascii(m.server_version) ||
            (text.len == again.len && memcmp(text.data, again.data, text.len) == 0));
    bt_manifest_done(&m);
    bt_manifest_done(&read);
    return 0;
}
