/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed bytes of all three formats, chosen by the first byte: b, c, p. */
#include "parser/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PLAIN_MAX = 1 << 20 };

static void read_payload(struct bt_slice bytes)
{
    bt_auto_payload struct bt_payload *p = NULL;
    struct bt_payload_limits limits = {.event_size_max = PLAIN_MAX, .plain_max = 4 * PLAIN_MAX};
    struct bt_slice ev;
    struct bt_err err = {0};
    size_t total = 0;

    if (bt_payload_new(&p, &err) != 0 || bt_payload_begin(p, bytes, limits, &err) != 0)
        return;
    while (bt_payload_next(p, &ev, &err) == 0)
        total += ev.len;
    if (total > 4 * (size_t)PLAIN_MAX)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_slice rest = bt_slice(data + 1, size ? size - 1 : 0);
    bt_auto_inflater struct bt_inflater *z = NULL;
    bt_auto_buf struct bt_buf out = {0};
    struct bt_err err = {0};
    int result;

    bt_buf_init(&out, PLAIN_MAX);
    if (size == 0 || bt_inflater_new(&z, &err) != 0)
        return 0;
    if (data[0] == 'p') {
        read_payload(rest);
        return 0;
    }
    if (data[0] == 'b')
        result = bt_inflate_block(z, rest, &out, &err);
    else
        result = bt_inflate_column(z, rest, &out, &err);
    if (result == -1 && (out.len != 0 || err.kind == BT_ERR_NONE))
        __builtin_trap();
    return 0;
}
