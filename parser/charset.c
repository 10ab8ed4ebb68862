/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/charset.h"

#include <iconv.h>
#include <stdlib.h>
#include <strings.h>

#include "base/quote.h"

/* clang-format off */
#define CHARSETS(X) \
    X(BINARY,   "binary",   BINARY, true,  1, NULL)                \
    X(ASCII,    "ascii",    SINGLE, true,  1, "ASCII")             \
    X(LATIN1,   "latin1",   SINGLE, true,  1, "CP1252")            \
    X(LATIN2,   "latin2",   SINGLE, true,  1, "ISO-8859-2")        \
    X(LATIN5,   "latin5",   SINGLE, true,  1, "ISO-8859-9")        \
    X(LATIN7,   "latin7",   SINGLE, true,  1, "ISO-8859-13")       \
    X(GREEK,    "greek",    SINGLE, true,  1, "ISO-8859-7")        \
    X(HEBREW,   "hebrew",   SINGLE, true,  1, "ISO-8859-8")        \
    X(CP1250,   "cp1250",   SINGLE, true,  1, "CP1250")            \
    X(CP1251,   "cp1251",   SINGLE, true,  1, "CP1251")            \
    X(CP1256,   "cp1256",   SINGLE, true,  1, "CP1256")            \
    X(CP1257,   "cp1257",   SINGLE, true,  1, "CP1257")            \
    X(CP850,    "cp850",    SINGLE, true,  1, "CP850")             \
    X(CP852,    "cp852",    SINGLE, true,  1, "CP852")             \
    X(CP866,    "cp866",    SINGLE, true,  1, "CP866")             \
    X(KOI8R,    "koi8r",    SINGLE, true,  1, "KOI8-R")            \
    X(KOI8U,    "koi8u",    SINGLE, true,  1, "KOI8-U")            \
    X(DEC8,     "dec8",     SINGLE, true,  1, "DEC-MCS")           \
    X(HP8,      "hp8",      SINGLE, true,  1, "HP-ROMAN8")         \
    X(SWE7,     "swe7",     SINGLE, false, 1, "SEN_850200_C")      \
    X(TIS620,   "tis620",   SINGLE, true,  1, "TIS-620")           \
    X(ARMSCII8, "armscii8", SINGLE, true,  1, "ARMSCII-8")         \
    X(GEOSTD8,  "geostd8",  SINGLE, true,  1, "GEORGIAN-PS")       \
    X(KEYBCS2,  "keybcs2",  SINGLE, true,  1, NULL)                \
    X(MACCE,    "macce",    SINGLE, true,  1, "MAC-CENTRALEUROPE") \
    X(MACROMAN, "macroman", SINGLE, true,  1, "MACINTOSH")         \
    X(BIG5,     "big5",     MULTI,  true,  2, "BIG5")              \
    X(CP932,    "cp932",    MULTI,  true,  2, "CP932")             \
    X(SJIS,     "sjis",     MULTI,  true,  2, "SJIS")              \
    X(UJIS,     "ujis",     MULTI,  true,  3, "EUC-JP")            \
    X(EUCJPMS,  "eucjpms",  MULTI,  true,  3, "EUC-JP-MS")         \
    X(EUCKR,    "euckr",    MULTI,  true,  2, "UHC")               \
    X(GB2312,   "gb2312",   MULTI,  true,  2, "EUC-CN")            \
    X(GBK,      "gbk",      MULTI,  true,  2, "GBK")               \
    X(GB18030,  "gb18030",  MULTI,  true,  4, "GB18030")           \
    X(UTF8MB3,  "utf8mb3",  UTF8,   true,  3, NULL)                \
    X(UTF8MB4,  "utf8mb4",  UTF8,   true,  4, NULL)                \
    X(UCS2,     "ucs2",     WIDE,   false, 2, NULL)                \
    X(UTF16,    "utf16",    WIDE,   false, 4, NULL)                \
    X(UTF16LE,  "utf16le",  WIDE,   false, 4, NULL)                \
    X(UTF32,    "utf32",    WIDE,   false, 4, NULL)

enum {
#define X(id, name, form, ascii, max, iconv) id,
    CHARSETS(X)
#undef X
    CHARSET_COUNT
};

static const struct bt_charset charsets[CHARSET_COUNT] = {
#define X(id, name, form, ascii, max, iconv) {name, BT_CHARSET_##form, ascii, max, iconv},
    CHARSETS(X)
#undef X
};

/* Collation numbers under 1024: information_schema.collations of MariaDB 10.5, 10.11, 11.8 and
 * MySQL 5.6, 9.7 together.  MariaDB: plus 1024 is the NOPAD twin, and from 2048 on stand the UCA
 * 14.0.0 collations in blocks of 256 (include/m_ctype.h, 11.8). */
static const struct {
    uint16_t first, last;
    uint8_t charset;
} ranges[] = {
    {1, 1, BIG5}, {2, 2, LATIN2}, {3, 3, DEC8}, {4, 4, CP850}, {5, 5, LATIN1}, {6, 6, HP8},
    {7, 7, KOI8R}, {8, 8, LATIN1}, {9, 9, LATIN2}, {10, 10, SWE7}, {11, 11, ASCII}, {12, 12, UJIS},
    {13, 13, SJIS}, {14, 14, CP1251}, {15, 15, LATIN1}, {16, 16, HEBREW}, {17, 17, LATIN1},
    {18, 18, TIS620}, {19, 19, EUCKR}, {20, 20, LATIN7}, {21, 21, LATIN2}, {22, 22, KOI8U},
    {23, 23, CP1251}, {24, 24, GB2312}, {25, 25, GREEK}, {26, 26, CP1250}, {27, 27, LATIN2},
    {28, 28, GBK}, {29, 29, CP1257}, {30, 30, LATIN5}, {31, 31, LATIN1}, {32, 32, ARMSCII8},
    {33, 33, UTF8MB3}, {34, 34, CP1250}, {35, 35, UCS2}, {36, 36, CP866}, {37, 37, KEYBCS2},
    {38, 38, MACCE}, {39, 39, MACROMAN}, {40, 40, CP852}, {41, 42, LATIN7}, {43, 43, MACCE},
    {44, 44, CP1250}, {45, 46, UTF8MB4}, {47, 49, LATIN1}, {50, 52, CP1251}, {53, 53, MACROMAN},
    {54, 55, UTF16}, {56, 56, UTF16LE}, {57, 57, CP1256}, {58, 59, CP1257}, {60, 61, UTF32},
    {62, 62, UTF16LE}, {63, 63, BINARY}, {64, 64, ARMSCII8}, {65, 65, ASCII}, {66, 66, CP1250},
    {67, 67, CP1256}, {68, 68, CP866}, {69, 69, DEC8}, {70, 70, GREEK}, {71, 71, HEBREW},
    {72, 72, HP8}, {73, 73, KEYBCS2}, {74, 74, KOI8R}, {75, 75, KOI8U}, {76, 76, UTF8MB3},
    {77, 77, LATIN2}, {78, 78, LATIN5}, {79, 79, LATIN7}, {80, 80, CP850}, {81, 81, CP852},
    {82, 82, SWE7}, {83, 83, UTF8MB3}, {84, 84, BIG5}, {85, 85, EUCKR}, {86, 86, GB2312},
    {87, 87, GBK}, {88, 88, SJIS}, {89, 89, TIS620}, {90, 90, UCS2}, {91, 91, UJIS},
    {92, 93, GEOSTD8}, {94, 94, LATIN1}, {95, 96, CP932}, {97, 98, EUCJPMS}, {99, 99, CP1250},
    {101, 124, UTF16}, {128, 151, UCS2}, {159, 159, UCS2}, {160, 183, UTF32}, {192, 215, UTF8MB3},
    {223, 223, UTF8MB3}, {224, 247, UTF8MB4}, {248, 250, GB18030}, {255, 323, UTF8MB4},
    {576, 607, UTF8MB3}, {608, 639, UTF8MB4}, {640, 671, UCS2}, {672, 703, UTF16}, {736, 767, UTF32},
};
static const uint8_t uca_1400_blocks[] = {UTF8MB3, UTF8MB4, UCS2, UTF16, UTF32};
/* clang-format on */

const struct bt_charset *bt_charset_of_collation(uint32_t collation)
{
    if (collation >= 2048) {
        uint32_t block = (collation - 2048) / 256;

        return block < sizeof(uca_1400_blocks) ? &charsets[uca_1400_blocks[block]] : NULL;
    }
    collation %= 1024;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (ranges[i].first <= collation && collation <= ranges[i].last)
            return &charsets[ranges[i].charset];
    return NULL;
}

const struct bt_charset *bt_charset_by_name(struct bt_slice name)
{
    const uint8_t *end = name.len ? memchr(name.ptr, '_', name.len) : NULL;
    size_t len = end ? (size_t)(end - name.ptr) : name.len;

    if (len == 4 && strncasecmp((const char *)name.ptr, "utf8", 4) == 0)
        return &charsets[UTF8MB3];
    for (size_t i = 0; i < CHARSET_COUNT; i++)
        if (strlen(charsets[i].name) == len &&
            strncasecmp((const char *)name.ptr, charsets[i].name, len) == 0)
            return &charsets[i];
    return NULL;
}

/* ------------------------------------------------------------------- UTF-8 */

bool bt_utf8_is_valid(struct bt_slice text)
{
    size_t at = 0;

    while (at < text.len) {
        size_t n;

        while (text.len - at >= 8) {
            if (bt_bytes8(text.ptr + at) & 0x8080808080808080)
                break;
            at += 8;
        }
        if (at == text.len)
            break;
        n = bt_utf8_length(text.ptr + at, text.len - at);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

uint8_t *bt_utf8_put(uint8_t *at, uint32_t c)
{
    if (c < 0x80) {
        *at++ = (uint8_t)c;
        return at;
    }
    if (c < 0x800) {
        *at++ = (uint8_t)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *at++ = (uint8_t)(0xe0 | c >> 12);
        } else {
            *at++ = (uint8_t)(0xf0 | (c >> 18 & 7));
            *at++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        }
        *at++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    }
    *at++ = (uint8_t)(0x80 | (c & 0x3f));
    return at;
}

/* ----------------------------------------------------------------- readers */

enum { NO_CHARACTER = UINT16_MAX };

/* keybcs2 from 0x80 on, as MariaDB 10.11 converts it: iconv does not know the set. */
/* clang-format off */
static const uint16_t keybcs2[128] = {
    0x010C, 0x00FC, 0x00E9, 0x010F, 0x00E4, 0x010E, 0x0164, 0x010D, 0x011B, 0x011A, 0x0139,
    0x00CD, 0x013E, 0x013A, 0x00C4, 0x00C1, 0x00C9, 0x017E, 0x017D, 0x00F4, 0x00F6, 0x00D3,
    0x016F, 0x00DA, 0x00FD, 0x00D6, 0x00DC, 0x0160, 0x013D, 0x00DD, 0x0158, 0x0165, 0x00E1,
    0x00ED, 0x00F3, 0x00FA, 0x0148, 0x0147, 0x016E, 0x00D4, 0x0161, 0x0159, 0x0155, 0x0154,
    0x00BC, 0x00A1, 0x00AB, 0x00BB, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562,
    0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255D, 0x255C, 0x255B, 0x2510, 0x2514, 0x2534,
    0x252C, 0x251C, 0x2500, 0x253C, 0x255E, 0x255F, 0x255A, 0x2554, 0x2569, 0x2566, 0x2560,
    0x2550, 0x256C, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256B,
    0x256A, 0x2518, 0x250C, 0x2588, 0x2584, 0x258C, 0x2590, 0x2580, 0x03B1, 0x00DF, 0x0393,
    0x03C0, 0x03A3, 0x03C3, 0x00B5, 0x03C4, 0x03A6, 0x0398, 0x03A9, 0x03B4, 0x221E, 0x03C6,
    0x03B5, 0x2229, 0x2261, 0x00B1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00F7, 0x2248, 0x00B0,
    0x2219, 0x00B7, 0x221A, 0x207F, 0x00B2, 0x25A0, 0x00A0

};
/* clang-format on */

struct bt_charset_reader {
    const struct bt_charset *charset;
    iconv_t converter;   /* MULTI; (iconv_t)-1 else */
    uint16_t table[256]; /* SINGLE: character of each byte */
};

/* The character that one byte is, NO_CHARACTER if none. */
static uint16_t single_character(iconv_t converter, uint8_t byte)
{
    char in[1], out[8];
    char *from = in, *to = out;
    size_t in_left = 1, out_left = sizeof(out);

    in[0] = (char)byte;
    iconv(converter, NULL, NULL, NULL, NULL);
    if (iconv(converter, &from, &in_left, &to, &out_left) == (size_t)-1 ||
        out_left != sizeof(out) - 2)
        return NO_CHARACTER;
    return (uint16_t)((uint8_t)out[0] << 8 | (uint8_t)out[1]);
}

static void fill_table(struct bt_charset_reader *r)
{
    iconv_t converter = r->charset->iconv_name ? iconv_open("UTF-16BE", r->charset->iconv_name)
                                               : (iconv_t)-1;

    for (unsigned byte = 0; byte < 256; byte++) {
        r->table[byte] = byte < 0x80 && r->charset->extends_ascii ? (uint16_t)byte : NO_CHARACTER;
        if (converter != (iconv_t)-1 && r->table[byte] == NO_CHARACTER)
            r->table[byte] = single_character(converter, (uint8_t)byte);
        if (r->charset == &charsets[KEYBCS2] && byte >= 0x80)
            r->table[byte] = keybcs2[byte - 0x80];
        /* The servers' latin1 is cp1252 with its five holes filled (strings/ctype-latin1.c). */
        if (r->table[byte] == NO_CHARACTER && r->charset == &charsets[LATIN1])
            r->table[byte] = (uint16_t)byte;
    }
    if (converter != (iconv_t)-1)
        iconv_close(converter);
}

int bt_charset_reader_new(const struct bt_charset *charset, struct bt_charset_reader **ret,
                          struct bt_err *err)
{
    struct bt_charset_reader *r = malloc(sizeof(*r));

    if (!r)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for a charset");
    r->charset = charset;
    r->converter = (iconv_t)-1;
    if (charset->form == BT_CHARSET_SINGLE)
        fill_table(r);
    else if (charset->form == BT_CHARSET_MULTI)
        r->converter = iconv_open("UTF-8", charset->iconv_name); /* absent: every value is bytes */
    *ret = r;
    return 0;
}

void bt_charset_reader_free(struct bt_charset_reader *r)
{
    if (!r)
        return;
    if (r->converter != (iconv_t)-1)
        iconv_close(r->converter);
    free(r);
}

static bool is_ascii(struct bt_slice text)
{
    uint8_t all = 0;

    for (size_t i = 0; i < text.len; i++)
        all |= text.ptr[i];
    return all < 0x80;
}

/* One character of a WIDE charset. */
static bool wide_character(const struct bt_charset *charset, struct bt_cursor *c, uint32_t *ret)
{
    bool is_little = charset == &charsets[UTF16LE];
    uint64_t unit, low;

    if (charset == &charsets[UTF32]) {
        if (!bt_cur_be(c, 4, &unit) || unit > 0x10ffff || (unit >= 0xd800 && unit <= 0xdfff))
            return false;
        *ret = (uint32_t)unit;
        return true;
    }
    if (!(is_little ? bt_cur_le(c, 2, &unit) : bt_cur_be(c, 2, &unit)))
        return false;
    if (unit >= 0xd800 && unit <= 0xdbff && charset != &charsets[UCS2]) {
        if (!(is_little ? bt_cur_le(c, 2, &low) : bt_cur_be(c, 2, &low)) || low < 0xdc00 ||
            low > 0xdfff)
            return false;
        unit = 0x10000 + ((unit - 0xd800) << 10 | (low - 0xdc00));
    } else if (unit >= 0xd800 && unit <= 0xdfff) {
        return false;
    }
    *ret = (uint32_t)unit;
    return true;
}

/* The following two write at `at`, which has room for all, and return the end or NULL. */

static uint8_t *read_wide(const struct bt_charset *charset, struct bt_slice text, uint8_t *at)
{
    struct bt_cursor c = bt_cursor(text);

    while (c.left) {
        uint32_t character;

        if (!wide_character(charset, &c, &character))
            return NULL;
        at = bt_utf8_put(at, character);
    }
    return at;
}

static uint8_t *read_single(const struct bt_charset_reader *r, struct bt_slice text, uint8_t *at)
{
    for (size_t i = 0; i < text.len; i++) {
        uint16_t character = r->table[text.ptr[i]];

        if (character == NO_CHARACTER)
            return NULL;
        at = bt_utf8_put(at, character);
    }
    return at;
}

/* Where the servers' sjis (strings/ctype-sjis.c, MariaDB 10.11) is not iconv's: the byte 0x7e is
 * "~", and the wide backslash is how "\\" is written. */
static void mend_sjis(uint8_t *at, uint8_t **end)
{
    uint8_t *to = at;

    for (uint8_t *p = at; p < *end;) {
        size_t left = (size_t)(*end - p);

        if (left >= 3 && memcmp(p, "\xe2\x80\xbe", 3) == 0) {
            *to++ = '~';
            p += 3;
        } else if (left >= 3 && memcmp(p, "\xef\xbc\xbc", 3) == 0) {
            *to++ = '\\';
            p += 3;
        } else {
            *to++ = *p++;
        }
    }
    *end = to;
}

static uint8_t *read_multi(iconv_t converter, struct bt_slice text, uint8_t *at, size_t room)
{
    /* iconv does not write to its input; its prototype is older than const. */
    union {
        const uint8_t *borrowed;
        char *old;
    } from = {text.ptr};
    char *to = (char *)at;
    size_t left = text.len;

    if (converter == (iconv_t)-1)
        return NULL;
    iconv(converter, NULL, NULL, NULL, NULL);
    if (iconv(converter, &from.old, &left, &to, &room) == (size_t)-1 || left != 0)
        return NULL;
    return (uint8_t *)to;
}

int bt_charset_read(struct bt_charset_reader *r, struct bt_slice text, struct bt_buf *out,
                    struct bt_err *err)
{
    enum bt_charset_form form = r->charset->form;
    uint8_t *at, *end = NULL;
    size_t room;

    if ((r->charset->extends_ascii && is_ascii(text)) ||
        (form == BT_CHARSET_UTF8 && bt_utf8_is_valid(text))) {
        bt_buf_add_slice(out, text);
        return bt_buf_check(out, "text", err);
    }
    if (form == BT_CHARSET_BINARY || form == BT_CHARSET_UTF8)
        return 1;
    if (__builtin_mul_overflow(text.len, 3u, &room)) /* no byte becomes more than three */
        return bt_fail(err, BT_ERR_LIMIT, "text of %zu bytes is too long to convert", text.len);
    at = bt_buf_reserve(out, room + 4);
    if (!at)
        return bt_buf_check(out, "text", err);
    if (form == BT_CHARSET_WIDE)
        end = read_wide(r->charset, text, at);
    else if (form == BT_CHARSET_SINGLE)
        end = read_single(r, text, at);
    else
        end = read_multi(r->converter, text, at, room);
    if (end && r->charset == &charsets[SJIS])
        mend_sjis(at, &end);
    if (!end)
        return 1;
    bt_buf_commit(out, (size_t)(end - at));
    return 0;
}
