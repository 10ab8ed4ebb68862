/* SPDX-License-Identifier: Apache-2.0 */
/* GTID sets: the first byte chooses text or PREVIOUS_GTIDS; what was read must survive its own
 * notation, and the algebra must hold. */
#include "parser/gtid_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bt_auto_gtid_set struct bt_gtid_set s = {0}, again = {0};
    bt_auto_buf struct bt_buf text = {0};
    struct bt_slice rest = bt_slice(data + 1, size ? size - 1 : 0);
    struct bt_event ev = {.body = rest};
    struct bt_err err = {0};
    int result;

    if (size == 0)
        return 0;
    if (data[0] == 't')
        result = bt_gtid_set_parse(rest, &s, &err);
    else
        result = bt_previous_gtids_read(&ev, &s, &err);
    if (result != 0)
        return 0;
    bt_buf_init(&text, 64 << 20);
    bt_gtid_set_text(&s, &text);
    require(bt_gtid_set_parse(bt_buf_slice(&text), &again, &err) == 0);
    require(bt_gtid_set_equal(&s, &again));
    require(bt_gtid_set_contains(&s, &again) && bt_gtid_set_contains(&again, &s));
    require(bt_gtid_set_intersects(&s, &again) == !bt_gtid_set_is_empty(&s));
    require(bt_gtid_set_unite(&again, &s, &err) == 0 && bt_gtid_set_equal(&s, &again));
    require(bt_gtid_set_subtract(&again, &s, &err) == 0 && bt_gtid_set_is_empty(&again));
    return 0;
}
