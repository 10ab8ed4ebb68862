/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Appends to text from position at; returns the new end, never past the last byte. */
static size_t BT_PRINTF(3, 0) append(struct bt_err *err, size_t at, const char *fmt, va_list args)
{
    int n = vsnprintf(err->text + at, sizeof(err->text) - at, fmt, args);

    if (n < 0)
        return at;
    return (size_t)n < sizeof(err->text) - at ? at + (size_t)n : sizeof(err->text) - 1;
}

static size_t append_string(struct bt_err *err, size_t at, const char *string)
{
    size_t room = sizeof(err->text) - 1 - at;
    size_t len = strlen(string);

    if (len > room)
        len = room;
    memcpy(err->text + at, string, len);
    err->text[at + len] = '\0';
    return at + len;
}

int bt_err_set_at(struct bt_err *err, enum bt_err_kind kind, int os_errno, const char *file,
                  int line, const char *fmt, ...)
{
    va_list args;
    size_t at;

    err->kind = kind;
    err->os_errno = os_errno;
    err->server_errno = 0;
    err->file = file;
    err->line = line;
    err->is_told = false;
    va_start(args, fmt);
    at = append(err, 0, fmt, args);
    va_end(args);
    if (os_errno != 0) {
        at = append_string(err, at, ": ");
        append_string(err, at, strerrordesc_np(os_errno) ? strerrordesc_np(os_errno) : "errno");
    }
    return -1;
}

int bt_err_wrap_with(struct bt_err *err, const char *fmt, ...)
{
    char inner[sizeof(err->text)];
    va_list args;
    size_t at;

    memcpy(inner, err->text, sizeof(inner));
    va_start(args, fmt);
    at = append(err, 0, fmt, args);
    va_end(args);
    at = append_string(err, at, ": ");
    append_string(err, at, inner);
    return -1;
}

void bt_err_clear(struct bt_err *err)
{
    *err = (struct bt_err){0};
}

int bt_err_exit_code(enum bt_err_kind kind)
{
    switch (kind) {
    case BT_ERR_NONE: return 0;
    case BT_ERR_USAGE: return 2;
    case BT_ERR_CONFIG:
    case BT_ERR_REALITY: return 3;
    case BT_ERR_SYSTEM:
    case BT_ERR_LIMIT: return 4;
    case BT_ERR_CORRUPT: return 5;
    case BT_ERR_REMOTE:
    case BT_ERR_TIMEOUT: return 6;
    case BT_ERR_CONFLICT: return 7;
    case BT_ERR_BUG: break;
    }
    return 70;
}

const char *bt_err_kind_name(enum bt_err_kind kind)
{
    switch (kind) {
    case BT_ERR_NONE: return "none";
    case BT_ERR_BUG: return "bug";
    case BT_ERR_USAGE: return "usage";
    case BT_ERR_CONFIG: return "config";
    case BT_ERR_REALITY: return "reality";
    case BT_ERR_SYSTEM: return "system";
    case BT_ERR_CORRUPT: return "corrupt";
    case BT_ERR_REMOTE: return "remote";
    case BT_ERR_CONFLICT: return "conflict";
    case BT_ERR_TIMEOUT: return "timeout";
    case BT_ERR_LIMIT: return "limit";
    }
    return "bug";
}
