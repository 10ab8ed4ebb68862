/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc_wide_priv.h - CRC-32 of events with AVX-512 and VPCLMULQDQ.
 *
 * A message is a polynomial over GF(2), its first bit the highest power; its CRC is the rest of
 * message * x^32 divided by the generator, where the first 32 bits and the rest are inverted.  The
 * bytes are taken as groups of 256, the first one filled up with zeros in front, which do not
 * change the rest:
 *
 *        |....  ......##|################|################|     four vectors a group,
 *         a   b   c   d   a   b   c   d    a   b   c   d        four lanes of 128 bits a vector
 *
 * A lane that stands D bits before the end counts as lane * x^D, for which its two halves are
 * multiplied by what x^(D+64) and x^D leave when divided (folding).  Each group is folded onto the
 * next one; the lanes of the last group are folded onto the end of the message at once, each by its
 * own constants, which hold the x^32 too.  What is left has 96 bits: one more multiplication
 * makes it 64, Barrett's method 32.
 *
 * The CRC takes bits lowest first: lanes stand bit-reversed in registers, and each product comes
 * out one bit too high, so that the constant for x^n is that of x^(n-1).
 *
 * (V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", Intel 2009.)
 */
#ifndef BT_PARSER_CRC_WIDE_PRIV_H
#define BT_PARSER_CRC_WIDE_PRIV_H

#if defined(__x86_64__)
#define BT_CRC_WIDE 1

#include <immintrin.h>

#include "base/slice.h"

#define BT_TARGET_WIDE \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,vpclmulqdq,pclmul")))

enum {
    BT_CRC_WIDE_MIN = 4, /* bytes: the 32 that are inverted */
    BT_CRC_VECTOR = 64,
    BT_CRC_GROUP = 256,
};

/* x^n divided by the generator, as the upper half of a reversed word. */
#define BT_CRC_POWER(reversed) ((uint64_t)(reversed) << 32)

/* clang-format off */
/* For each lane of a group x^(D+95) and x^(D+31), D its distance to the end of the group in bits. */
static const uint64_t bt_crc_to_end[4][8] __attribute__((aligned(64))) = {
#define K BT_CRC_POWER
    {K(0xe95c1271), K(0x0077f00d), K(0x1f0c2cdd), K(0x4a28bd43),
     K(0xfe807bbd), K(0x682bdd4f), K(0x3c656ced), K(0x596c8d81)},
    {K(0xf5e48c85), K(0x5a1bb05d), K(0xd1df2327), K(0xe3543be0),
     K(0x9026d5b1), K(0x26b70c3d), K(0x3f41287a), K(0x33fff533)},
    {K(0x910eeec1), K(0x31f8303f), K(0x0cbec0ed), K(0xdf068dc2),
     K(0x57c54819), K(0x1c279815), K(0xae0b5394), K(0x8f352d95)},
    {K(0x1d9513d7), K(0x3db1ecdc), K(0xaf449247), K(0xf1da05aa),
     K(0x81256527), K(0xae689191), K(0xccaa009e), K(0x00000001)},
};

/* The same for each lane and a whole group: x^2111 and x^2047. */
static const uint64_t bt_crc_by_group[8] __attribute__((aligned(64))) = {
    K(0x7cc8e1e7), K(0x03f9f863), K(0x7cc8e1e7), K(0x03f9f863),
    K(0x7cc8e1e7), K(0x03f9f863), K(0x7cc8e1e7), K(0x03f9f863),
};

static const uint64_t bt_crc_x63 = K(0xb8bc6765);
#undef K
static const uint64_t bt_crc_barrett[2] = {0x1f7011641, /* x^64 divided by the generator */
                                           0x1db710641}; /* the generator */

/* The bits to invert, seen through a window that begins as far before them as zeros are filled. */
static const uint8_t bt_crc_inverted[3 * BT_CRC_GROUP] = {
    [BT_CRC_GROUP] = 0xff, 0xff, 0xff, 0xff,
};
/* clang-format on */

#define BT_WIDE static inline BT_TARGET_WIDE __attribute__((always_inline))

/* lanes * powers ^ onto. */
BT_WIDE __m512i bt_crc_fold(__m512i lanes, const uint64_t powers[static 8], __m512i onto)
{
    __m512i k = _mm512_load_si512(powers);

    return _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(lanes, k, 0x00),
                                     _mm512_clmulepi64_epi128(lanes, k, 0x11), onto, 0x96);
}

/* The rest of the four lanes' sum, of 96 bits each. */
BT_WIDE uint32_t bt_crc_rest(__m512i lanes)
{
    const __m128i low = _mm_set_epi64x(0, 0xffffffff);
    const __m128i barrett = _mm_loadu_si128((const void *)bt_crc_barrett);
    __m256i two = _mm256_xor_si256(_mm512_castsi512_si256(lanes),
                                   _mm512_extracti64x4_epi64(lanes, 1));
    __m128i sum = _mm_xor_si128(_mm256_castsi256_si128(two), _mm256_extracti128_si256(two, 1));
    __m128i top = _mm_clmulepi64_si128(sum, _mm_loadu_si64(&bt_crc_x63), 0x00);
    __m128i left = _mm_srli_si128(_mm_xor_si128(sum, top), 8);
    __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(left, low), barrett, 0x00);
    __m128i product = _mm_clmulepi64_si128(_mm_and_si128(quotient, low), barrett, 0x10);

    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(left, product), 1);
}

/* Vector i of a group in which the first `filled` bytes are zeros instead of memory: a masked load
 * touches no byte of those. */
BT_WIDE __m512i bt_crc_load_filled(uintptr_t group, int i, size_t filled)
{
    size_t begin = (size_t)i * BT_CRC_VECTOR;
    size_t zeros = filled < begin ? 0 : filled - begin;
    __mmask64 there = zeros < BT_CRC_VECTOR ? UINT64_MAX << zeros : 0;
    const uint8_t *inverted = bt_crc_inverted + BT_CRC_GROUP - filled + begin;

    return _mm512_xor_si512(_mm512_maskz_loadu_epi8(there, (const void *)(group + begin)),
                            _mm512_loadu_si512(inverted));
}

/* At most one vector: at least BT_CRC_WIDE_MIN bytes. */
BT_WIDE uint32_t bt_crc32_vector(struct bt_slice bytes)
{
    uintptr_t group = (uintptr_t)bytes.ptr + bytes.len - BT_CRC_GROUP;

    return bt_crc_rest(bt_crc_fold(bt_crc_load_filled(group, 3, BT_CRC_GROUP - bytes.len),
                                   bt_crc_to_end[3], _mm512_setzero_si512()));
}

/* bytes.len is at least BT_CRC_WIDE_MIN. */
BT_WIDE uint32_t bt_crc32_groups(struct bt_slice bytes)
{
    size_t filled = (0 - bytes.len) % BT_CRC_GROUP;
    uintptr_t group = (uintptr_t)bytes.ptr - filled, end = (uintptr_t)bytes.ptr + bytes.len;
    __m512i a = bt_crc_load_filled(group, 0, filled), b = bt_crc_load_filled(group, 1, filled),
            c = bt_crc_load_filled(group, 2, filled), d = bt_crc_load_filled(group, 3, filled);
    /* Where the zeros leave less than 4 bytes of the first group, the next one's are inverted. */
    __m512i inverted = _mm512_loadu_si512(bt_crc_inverted + 2 * BT_CRC_GROUP - filled);

    for (group += BT_CRC_GROUP; group < end; group += BT_CRC_GROUP) {
        const uint8_t *at = (const uint8_t *)group;

        a = bt_crc_fold(a, bt_crc_by_group, _mm512_xor_si512(inverted, _mm512_loadu_si512(at)));
        b = bt_crc_fold(b, bt_crc_by_group, _mm512_loadu_si512(at + 64));
        c = bt_crc_fold(c, bt_crc_by_group, _mm512_loadu_si512(at + 128));
        d = bt_crc_fold(d, bt_crc_by_group, _mm512_loadu_si512(at + 192));
        inverted = _mm512_setzero_si512();
    }
    a = bt_crc_fold(a, bt_crc_to_end[0], _mm512_setzero_si512());
    c = bt_crc_fold(c, bt_crc_to_end[2], _mm512_setzero_si512());
    a = bt_crc_fold(b, bt_crc_to_end[1], a);
    c = bt_crc_fold(d, bt_crc_to_end[3], c);
    return bt_crc_rest(_mm512_xor_si512(a, c));
}

/* The CRC of at least BT_CRC_WIDE_MIN bytes. */
BT_WIDE uint32_t bt_crc32_wide(struct bt_slice bytes)
{
    return ~(bytes.len <= BT_CRC_VECTOR ? bt_crc32_vector(bytes) : bt_crc32_groups(bytes));
}

#undef BT_WIDE

#endif
#endif
