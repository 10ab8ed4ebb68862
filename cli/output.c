/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BLOCK = 256 * 1024, BUFFER_MAX = 1 << 30, WIDTH_DEFAULT = 100 };

static int terminal_width(int fd)
{
    struct winsize size;

    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col < 40)
        return WIDTH_DEFAULT;
    return size.ws_col;
}

void bt_out_init(struct bt_out *out, int fd)
{
    const char *term = getenv("TERM");

    *out = (struct bt_out){.fd = fd, .is_terminal = isatty(fd), .width = WIDTH_DEFAULT};
    bt_buf_init(&out->buf, BUFFER_MAX);
    if (out->is_terminal) {
        out->width = terminal_width(fd);
        out->colour = !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
    }
}

static int write_bytes(struct bt_out *out, struct bt_slice left, struct bt_err *err)
{
    if (bt_buf_check(&out->buf, "output", err) != 0)
        return -1;
    while (left.len) {
        ssize_t n = write(out->fd, left.ptr, left.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EPIPE)
            _exit(0);
        if (n < 0)
            return bt_fail_sys(err, "could not write the result");
        left = (struct bt_slice){left.ptr + n, left.len - (size_t)n};
    }
    return 0;
}

static int write_all(struct bt_out *out, struct bt_err *err)
{
    if (write_bytes(out, bt_buf_slice(&out->buf), err) != 0)
        return -1;
    bt_buf_reset(&out->buf);
    return 0;
}

int bt_out_flush(struct bt_out *out, size_t *n, struct bt_err *err)
{
    size_t len = *n;

    if (len == 0)
        return 0;
    if (write_bytes(out, bt_slice(out->buf.data, len), err) != 0)
        return -1;
    memmove(out->buf.data, out->buf.data + len, out->buf.len - len);
    out->buf.len -= len;
    *n = 0;
    return 0;
}

int bt_out_line(struct bt_out *out, struct bt_err *err)
{
    return out->buf.len < BLOCK && !out->buf.failed ? 0 : write_all(out, err);
}

int bt_out_finish(struct bt_out *out, struct bt_err *err)
{
    int result = write_all(out, err);

    bt_buf_done(&out->buf);
    return result;
}

void bt_out_coloured(struct bt_out *out, enum bt_colour colour, const char *text)
{
    static const char *const codes[] = {"1", "2", "31", "32", "33", "36"};

    if (out->colour)
        bt_buf_addf(&out->buf, "\033[%sm%s\033[0m", codes[colour], text);
    else
        bt_buf_add_str(&out->buf, text);
}
