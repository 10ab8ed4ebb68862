/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/position_file.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/number.h"

/* Takes the next line without its end; false when there is none left. */
static bool next_line(struct bt_slice *text, struct bt_slice *ret)
{
    const uint8_t *end;

    if (text->len == 0)
        return false;
    end = memchr(text->ptr, '\n', text->len);
    *ret = bt_slice(text->ptr, end ? (size_t)(end - text->ptr) : text->len);
    *text = end ? bt_slice(end + 1, text->len - ret->len - 1) : bt_slice_empty();
    if (ret->len && ret->ptr[ret->len - 1] == '\r')
        ret->len--;
    return true;
}

/* The part behind the last slash, as a string; false when it does not fit. */
static bool copy_base_name(struct bt_slice path, char out[static BT_LOG_NAME_MAX + 1])
{
    const uint8_t *slash = path.len ? memrchr(path.ptr, '/', path.len) : NULL;
    size_t skip = slash ? (size_t)(slash - path.ptr) + 1 : 0;

    if (path.len - skip > BT_LOG_NAME_MAX)
        return false;
    memcpy(out, path.ptr + skip, path.len - skip);
    out[path.len - skip] = '\0';
    return true;
}

/* Reads the first line: in the new format it is the count of lines and is dropped. */
static bool first_field(struct bt_slice *text, struct bt_slice *ret)
{
    uint64_t lines;

    if (!next_line(text, ret))
        return false;
    if (bt_number_u64(*ret, 1000, &lines))
        return next_line(text, ret);
    return true;
}

int bt_relay_info_parse(struct bt_slice text, struct bt_relay_info *ret, struct bt_err *err)
{
    struct bt_relay_info info = {0};
    struct bt_slice relay_log, relay_pos, file, pos;

    if (!(first_field(&text, &relay_log) &&
          next_line(&text, &relay_pos) &&
          next_line(&text, &file) &&
          next_line(&text, &pos)))
        return bt_fail(err, BT_ERR_CORRUPT, "relay log info ends before the primary's position");
    if (!bt_number_u64(relay_pos, UINT64_MAX, &info.relay_pos))
        return bt_fail(err, BT_ERR_CORRUPT, "\"%.*s\" is no relay log position",
                       BT_SLICE_ARG(relay_pos));
    if (!bt_number_u64(pos, UINT64_MAX, &info.executed.pos))
        return bt_fail(err, BT_ERR_CORRUPT, "\"%.*s\" is no position of the primary",
                       BT_SLICE_ARG(pos));
    if (!copy_base_name(relay_log, info.relay_log) || !copy_base_name(file, info.executed.file))
        return bt_fail(err, BT_ERR_LIMIT, "a log name is longer than %d bytes", BT_LOG_NAME_MAX);
    *ret = info;
    return 0;
}

/* MariaDB says using_gtid=N near the end; MySQL's 23rd line is auto_position. */
static int read_gtid_mode(struct bt_slice rest, unsigned line)
{
    struct bt_slice s;

    while (next_line(&rest, &s)) {
        line++;
        if (bt_slice_starts_with(s, "using_gtid=") && s.len == 12)
            return s.ptr[11] >= '0' && s.ptr[11] <= '2' ? s.ptr[11] - '0' : -1;
        if (line == 23 && s.len == 1 && (s.ptr[0] == '0' || s.ptr[0] == '1'))
            return s.ptr[0] - '0';
    }
    return -1;
}

int bt_source_info_parse(struct bt_slice text, struct bt_source_info *ret, struct bt_err *err)
{
    struct bt_source_info info = {.using_gtid = -1};
    struct bt_slice file, pos, host, user, password, port;
    uint64_t port_number = 0;

    if (!(first_field(&text, &file) &&
          next_line(&text, &pos) &&
          next_line(&text, &host) &&
          next_line(&text, &user) &&
          next_line(&text, &password) &&
          next_line(&text, &port)))
        return bt_fail(err, BT_ERR_CORRUPT, "replica settings end before the primary's port");
    if (!bt_number_u64(pos, UINT64_MAX, &info.received.pos))
        return bt_fail(err, BT_ERR_CORRUPT, "\"%.*s\" is no position of the primary",
                       BT_SLICE_ARG(pos));
    if (!bt_number_u64(port, UINT16_MAX, &port_number))
        return bt_fail(err, BT_ERR_CORRUPT, "the primary's port is no number up to %d", UINT16_MAX);
    if (!copy_base_name(file, info.received.file))
        return bt_fail(err, BT_ERR_LIMIT, "a log name is longer than %d bytes", BT_LOG_NAME_MAX);
    if (host.len >= sizeof(info.host) || user.len >= sizeof(info.user))
        return bt_fail(err, BT_ERR_LIMIT, "a host or user name is longer than %zu bytes",
                       sizeof(info.host) - 1);
    memcpy(info.host, host.ptr, host.len);
    memcpy(info.user, user.ptr, user.len);
    info.port = (uint32_t)port_number;
    info.using_gtid = read_gtid_mode(text, 7);
    *ret = info;
    return 0;
}
