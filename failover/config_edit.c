/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/config_edit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/saved_file.h"
#include "failover/config_value.h"

enum { FILE_MAX = 1 << 20, BLOCK_NAME_MAX = 200 };

/* -------------------------------------------------------------------- lines */

/* The first line of text, its newline included. */
static struct bt_slice line_of(struct bt_slice text)
{
    const uint8_t *newline = memchr(text.ptr, '\n', text.len);

    return bt_slice(text.ptr, newline ? (size_t)(newline - text.ptr) + 1 : text.len);
}

static struct bt_slice trimmed(struct bt_slice s)
{
    while (s.len && strchr(" \t\r\n", s.ptr[0]) && s.ptr[0])
        s = bt_slice(s.ptr + 1, s.len - 1);
    while (s.len && strchr(" \t\r\n", s.ptr[s.len - 1]) && s.ptr[s.len - 1])
        s.len--;
    return s;
}

static bool is_header(struct bt_slice line)
{
    struct bt_slice t = trimmed(line);

    return t.len >= 2 && t.ptr[0] == '[' && t.ptr[t.len - 1] == ']';
}

static bool is_header_of(struct bt_slice line, const char *block)
{
    struct bt_slice t = trimmed(line);

    return is_header(line) && bt_slice_equal_str(trimmed(bt_slice(t.ptr + 1, t.len - 2)), block);
}

static bool is_idle(struct bt_slice line)
{
    struct bt_slice t = trimmed(line);

    return t.len == 0 || t.ptr[0] == '#' || t.ptr[0] == ';';
}

static bool has_block(struct bt_slice text, const char *block)
{
    while (text.len) {
        struct bt_slice line = line_of(text);

        if (is_header_of(line, block))
            return true;
        text = bt_slice(text.ptr + line.len, text.len - line.len);
    }
    return false;
}

/* --------------------------------------------------------------------- name */

static bool begins_like_a_block(const char *name)
{
    return strncmp(name, "server", 6) == 0 || strncmp(name, "binlog", 6) == 0;
}

int bt_config_block_name(const char *block, const char *hostname, struct bt_buf *ret,
                         struct bt_err *err)
{
    const char *name = block && block[0] ? block : hostname;

    if (!name || !name[0])
        return bt_fail(err, BT_ERR_USAGE, "a block or a hostname must be given");
    if (strlen(name) > BLOCK_NAME_MAX || strpbrk(name, "[] \t\r\n"))
        return bt_fail(err, BT_ERR_USAGE,
                       "\"%.100s\" is no name of a block: at most %d characters, no blanks, no "
                       "brackets",
                       name, BLOCK_NAME_MAX);
    if (name == hostname)
        bt_buf_addf(ret, "server_%s", name);
    else
        bt_buf_addf(ret, "%s%s", begins_like_a_block(name) ? "" : "server", name);
    return bt_buf_check(ret, "name of a block", err);
}

/* ---------------------------------------------------------------------- add */

static int param_add(struct bt_slice param, struct bt_buf *out, struct bt_err *err)
{
    const uint8_t *equals = memchr(param.ptr, '=', param.len);
    struct bt_slice key = trimmed(bt_slice(param.ptr, equals ? (size_t)(equals - param.ptr) : 0));
    char value[4096];
    struct bt_setting setting = {.text = value};
    enum bt_conf id = BT_CONF_COUNT;

    if (!equals)
        return bt_fail(err, BT_ERR_USAGE, "--params is \"key=value;key=value\", not \"%.*s\"",
                       (int)(param.len > 60 ? 60 : param.len), (const char *)param.ptr);
    for (int i = 0; i < BT_CONF_COUNT; i++)
        if (bt_slice_equal_str(key, bt_conf_key((enum bt_conf)i)->name))
            id = (enum bt_conf)i;
    if (id == BT_CONF_COUNT)
        return bt_fail(err, BT_ERR_USAGE, "there is no parameter \"%.*s\"",
                       (int)(key.len > 60 ? 60 : key.len), (const char *)key.ptr);
    param = trimmed(bt_slice(equals + 1, param.len - (size_t)(equals + 1 - param.ptr)));
    if (param.len >= sizeof(value) || memchr(param.ptr, '\n', param.len))
        return bt_fail(err, BT_ERR_USAGE, "the value of %s is no line of at most %zu bytes",
                       bt_conf_key(id)->name, sizeof(value) - 1);
    memcpy(value, param.ptr, param.len);
    value[param.len] = '\0';
    if (value[0] && bt_config_value_check(id, &setting, err) != 0) {
        err->kind = BT_ERR_USAGE;
        return -1;
    }
    bt_buf_addf(out, "%s=%s\n", bt_conf_key(id)->name, value);
    return 0;
}

static int params_add(const char *params, struct bt_buf *out, struct bt_err *err)
{
    struct bt_slice rest = bt_slice_str(params ? params : "");

    while (rest.len) {
        const uint8_t *semicolon = memchr(rest.ptr, ';', rest.len);
        size_t len = semicolon ? (size_t)(semicolon - rest.ptr) : rest.len;
        struct bt_slice param = trimmed(bt_slice(rest.ptr, len));

        if (param.len && param_add(param, out, err) != 0)
            return -1;
        len += semicolon ? 1 : 0;
        rest = bt_slice(rest.ptr + len, rest.len - len);
    }
    return 0;
}

static int block_add(struct bt_slice text, const char *block, const char *hostname,
                     const char *params, struct bt_buf *out, struct bt_err *err)
{
    if (has_block(text, block))
        return 1;
    bt_buf_add_slice(out, text);
    if (text.len && text.ptr[text.len - 1] != '\n')
        bt_buf_add_byte(out, '\n');
    bt_buf_addf(out, "\n[%s]\n", block);
    if (hostname && hostname[0])
        bt_buf_addf(out, "hostname=%s\n", hostname);
    if (params_add(params, out, err) != 0)
        return -1;
    return bt_buf_check(out, "the configuration", err);
}

/* ------------------------------------------------------------------- delete */

static int block_delete(struct bt_slice text, const char *block, struct bt_buf *out,
                        struct bt_err *err)
{
    bool inside = false;
    size_t keep = SIZE_MAX; /* where blank lines and comments began that may be the next block's */
    const uint8_t *start = text.ptr;

    if (!has_block(text, block))
        return 1;
    while (text.len) {
        struct bt_slice line = line_of(text);
        size_t at = (size_t)(text.ptr - start);

        if (inside && is_header(line) && !is_header_of(line, block)) {
            inside = false;
            if (keep != SIZE_MAX)
                bt_buf_add(out, start + keep, at - keep);
        }
        if (is_header_of(line, block)) {
            inside = true;
            keep = SIZE_MAX;
        } else if (inside) {
            keep = !is_idle(line) ? SIZE_MAX : keep == SIZE_MAX ? at
                                                                : keep;
        } else {
            bt_buf_add_slice(out, line);
        }
        text = bt_slice(text.ptr + line.len, text.len - line.len);
    }
    return bt_buf_check(out, "the configuration", err);
}

/* --------------------------------------------------------------------- file */

static int file_read(const char *path, struct bt_buf *text, struct stat *st, struct bt_err *err)
{
    bt_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    char piece[16384];
    ssize_t got;

    if (fd < 0 || fstat(fd, st) != 0)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    while ((got = read(fd, piece, sizeof(piece))) > 0)
        bt_buf_add(text, piece, (size_t)got);
    if (got < 0)
        return bt_fail_sys(err, "could not read \"%s\"", path);
    return bt_buf_check(text, path, err);
}

/* The same name, owner and mode; a link stays a link. */
static int file_replace(const char *path, const struct stat *st, struct bt_slice text,
                        struct bt_err *err)
{
    bt_auto_free char *real = realpath(path, NULL);
    bt_auto_saved_file struct bt_saved_file file = BT_SAVED_FILE_NONE;

    if (!real)
        return bt_fail_sys(err, "could not find \"%s\"", path);
    if (bt_saved_file_open(real, "", &file, err) != 0)
        return -1;
    if (fchown(file.fd, st->st_uid, st->st_gid) != 0 || fchmod(file.fd, st->st_mode & 07777) != 0)
        return bt_fail_sys(err, "could not give the owner and mode of \"%s\" to its successor",
                           path);
    if (bt_saved_file_write(&file, text, err) != 0)
        return -1;
    return bt_saved_file_commit(&file, err);
}

int bt_config_file_add(const char *path, const char *block, const char *hostname,
                       const char *params, struct bt_err *err)
{
    bt_auto_buf struct bt_buf text, changed;
    struct stat st;
    int rc;

    bt_buf_init(&text, FILE_MAX);
    bt_buf_init(&changed, FILE_MAX);
    if (file_read(path, &text, &st, err) != 0)
        return -1;
    rc = block_add(bt_buf_slice(&text), block, hostname, params, &changed, err);
    return rc ? rc : file_replace(path, &st, bt_buf_slice(&changed), err);
}

int bt_config_file_delete(const char *path, const char *block, struct bt_err *err)
{
    bt_auto_buf struct bt_buf text, changed;
    struct stat st;
    int rc;

    bt_buf_init(&text, FILE_MAX);
    bt_buf_init(&changed, FILE_MAX);
    if (file_read(path, &text, &st, err) != 0)
        return -1;
    rc = block_delete(bt_buf_slice(&text), block, &changed, err);
    return rc ? rc : file_replace(path, &st, bt_buf_slice(&changed), err);
}
