/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/crc.h"

#include <libdeflate.h>
#include <stdatomic.h>

#include "parser/crc_wide_priv.h"

enum way { NOT_ASKED_YET, PORTABLE, WIDE };

static _Atomic(enum way) chosen = NOT_ASKED_YET;

static enum way best_way(void)
{
#ifdef BT_CRC_WIDE
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("vpclmulqdq"))
        return WIDE;
#endif
    return PORTABLE;
}

bool bt_crc32_is_wide(void)
{
    enum way way = atomic_load_explicit(&chosen, memory_order_relaxed);

    if (way == NOT_ASKED_YET) {
        way = best_way();
        atomic_store_explicit(&chosen, way, memory_order_relaxed);
    }
    return way == WIDE;
}

void bt_crc32_allow_wide(bool allowed)
{
    atomic_store_explicit(&chosen, allowed ? best_way() : PORTABLE, memory_order_relaxed);
}

#ifdef BT_CRC_WIDE
static BT_TARGET_WIDE uint32_t crc32_wide(struct bt_slice bytes)
{
    return bt_crc32_wide(bytes);
}
#endif

uint32_t bt_crc32(uint32_t before, struct bt_slice bytes)
{
#ifdef BT_CRC_WIDE
    if (before == 0 && bytes.len >= BT_CRC_WIDE_MIN && bt_crc32_is_wide())
        return crc32_wide(bytes);
#endif
    return libdeflate_crc32(before, bytes.ptr, bytes.len);
}
