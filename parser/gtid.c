/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/gtid.h"

#include <ctype.h>
#include <string.h>

#include "base/digits.h"
#include "base/number.h"

enum {
    UUID_TEXT_SIZE = 36,
    TAG_SIZE_MAX = 32, /* MySQL libs/mysql/gtid/gtid_constants.h, 9.x */
};

static char *put_uuid(const uint8_t uuid[static 16], char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = digits[uuid[i] >> 4];
        *out++ = digits[uuid[i] & 15];
    }
    return out;
}

const char *bt_gtid_text(const struct bt_gtid *gtid, char out[static BT_GTID_TEXT_SIZE])
{
    char *at = out;

    switch (gtid->kind) {
    case BT_GTID_NONE: break;
    case BT_GTID_MARIADB:
        at = bt_put_u64(at, gtid->domain);
        *at++ = '-';
        at = bt_put_u64(at, gtid->server_id);
        *at++ = '-';
        at = bt_put_u64(at, gtid->sequence);
        break;
    case BT_GTID_MYSQL:
        at = put_uuid(gtid->uuid, at);
        if (gtid->tag[0]) {
            *at++ = ':';
            memcpy(at, gtid->tag, strnlen(gtid->tag, TAG_SIZE_MAX));
            at += strnlen(gtid->tag, TAG_SIZE_MAX);
        }
        *at++ = ':';
        at = bt_put_u64(at, gtid->sequence);
        break;
    }
    *at = '\0';
    return out;
}

bool bt_gtid_equal(const struct bt_gtid *a, const struct bt_gtid *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case BT_GTID_NONE: return true;
    case BT_GTID_MARIADB:
        return a->domain == b->domain && a->server_id == b->server_id &&
               a->sequence == b->sequence;
    case BT_GTID_MYSQL:
        return a->sequence == b->sequence && memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0 &&
               strcmp(a->tag, b->tag) == 0;
    }
    return false;
}

/* ----------------------------------------------------------------- parsing */

/* Cuts off what stands before the next `separator`; false when there is none. */
static bool cut_at(struct bt_slice *rest, char separator, struct bt_slice *ret)
{
    const uint8_t *at = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;

    if (!at)
        return false;
    *ret = bt_slice(rest->ptr, (size_t)(at - rest->ptr));
    *rest = bt_slice(at + 1, rest->len - ret->len - 1);
    return true;
}

static bool parse_mariadb(struct bt_slice text, struct bt_gtid *ret)
{
    struct bt_slice domain, server, rest = text;
    uint64_t domain_id, server_id, sequence;

    if (!(cut_at(&rest, '-', &domain) &&
          cut_at(&rest, '-', &server) &&
          bt_number_u64(domain, UINT32_MAX, &domain_id) &&
          bt_number_u64(server, UINT32_MAX, &server_id) &&
          bt_number_u64(rest, UINT64_MAX, &sequence)))
        return false;
    *ret = (struct bt_gtid){
        .kind = BT_GTID_MARIADB,
        .domain = (uint32_t)domain_id,
        .server_id = (uint32_t)server_id,
        .sequence = sequence,
    };
    return true;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_uuid(struct bt_slice text, uint8_t ret[static 16])
{
    size_t at = 0;

    if (text.len != UUID_TEXT_SIZE)
        return false;
    for (int i = 0; i < 16; i++, at += 2) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && text.ptr[at++] != '-')
            return false;
        if (hex_digit(text.ptr[at]) < 0 || hex_digit(text.ptr[at + 1]) < 0)
            return false;
        ret[i] = (uint8_t)(hex_digit(text.ptr[at]) << 4 | hex_digit(text.ptr[at + 1]));
    }
    return true;
}

/* A letter or underscore, then those or digits; the server folds it to lower case. */
static bool parse_tag(struct bt_slice text, char ret[static TAG_SIZE_MAX + 1])
{
    if (text.len == 0 || text.len > TAG_SIZE_MAX || isdigit(text.ptr[0]))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!isalnum(text.ptr[i]) && text.ptr[i] != '_')
            return false;
        ret[i] = (char)tolower(text.ptr[i]);
    }
    ret[text.len] = '\0';
    return true;
}

static bool parse_mysql(struct bt_slice text, struct bt_gtid *ret)
{
    struct bt_gtid gtid = {.kind = BT_GTID_MYSQL};
    struct bt_slice uuid, tag, rest = text;

    if (!cut_at(&rest, ':', &uuid) || !parse_uuid(uuid, gtid.uuid))
        return false;
    if (cut_at(&rest, ':', &tag) && !parse_tag(tag, gtid.tag))
        return false;
    if (!bt_number_u64(rest, INT64_MAX, &gtid.sequence) || gtid.sequence == 0)
        return false;
    *ret = gtid;
    return true;
}

int bt_gtid_parse(struct bt_slice text, struct bt_gtid *ret, struct bt_err *err)
{
    if (parse_mariadb(text, ret) || parse_mysql(text, ret))
        return 0;
    return bt_fail(err, BT_ERR_CONFIG,
                   "\"%.*s\" is no GTID: \"domain-server-number\" or \"uuid:number\" is wanted",
                   BT_SLICE_ARG(text));
}
