/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc.h - the checksum at the end of an event: CRC-32 as in zlib (polynomial 0xedb88320).
 *
 * Two ways give the same numbers.  The portable one is libdeflate's, which folds 16 bytes at a time
 * where the processor can.  The wide one folds 64 (AVX-512 with VPCLMULQDQ: Intel since Ice Lake,
 * AMD since Zen 4) and is made for events: few instructions for up to 256 bytes, no table.
 * On events of 138 bytes in the cache: zlib 1 GB/s, portable 14, wide 25 (docs/decisions/0003).
 */
#ifndef BT_PARSER_CRC_H
#define BT_PARSER_CRC_H

#include "base/slice.h"

/* The CRC of bytes that follow those whose CRC is `before`; 0 for the first ones. */
uint32_t bt_crc32(uint32_t before, struct bt_slice bytes);

/* Whether this processor has the wide way, and bt_crc32() and the reader take it. */
bool bt_crc32_is_wide(void);

/* For tests: from now on the portable way (false), or again the best one (true). */
void bt_crc32_allow_wide(bool allowed);

#endif
