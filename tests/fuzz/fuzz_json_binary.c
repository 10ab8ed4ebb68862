/* SPDX-License-Identifier: Apache-2.0 */
/* MySQL's binary JSON (first byte j), its differences (d), WKB (g): text comes out or an error, and
 * text of a document is never more than a small multiple of it. */
#include "base/json_read.h"
#include "parser/geometry.h"
#include "parser/json_binary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_slice rest = bt_slice(data + 1, size ? size - 1 : 0);
    bt_auto_buf struct bt_buf out = {0};
    struct bt_json_value root;
    struct bt_err err = {0};

    if (size == 0)
        return 0;
    bt_buf_init(&out, 16 << 20);
    if (data[0] == 'g') {
        if (bt_geometry_text(rest, size % 2 ? BT_FLAVOR_MYSQL : BT_FLAVOR_MARIADB, &out, &err) == 0)
            for (size_t i = 0; i < out.len; i++)
                require(out.data[i] >= 0x20 && out.data[i] < 0x7f);
        return 0;
    }
    if (data[0] == 'd') {
        if (bt_json_diff_text(rest, &out, &err) == 0 && out.len < 65536 &&
            bt_json_parse(bt_buf_slice(&out), &root, &err) != 0)
            require(strstr(err.text, "deep") != NULL);
        return 0;
    }
    if (bt_json_binary_text(rest, &out, &err) != 0)
        return 0;
    require(out.len <= 64 + 32 * rest.len);
    if (out.len < 65536 && bt_json_parse(bt_buf_slice(&out), &root, &err) != 0)
        require(strstr(err.text, "deep") != NULL);
    return 0;
}
