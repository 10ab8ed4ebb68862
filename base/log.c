/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

enum { LINE_MAX_BYTES = 64 * 1024 };

static struct bt_log_opts sink = {.level = BT_LOG_INFO, .format = BT_LOG_TERSE};

void bt_log_setup(struct bt_log_opts opts)
{
    sink = opts;
}

static const char *level_name(enum bt_log_level level)
{
    switch (level) {
    case BT_LOG_DEBUG: return "debug";
    case BT_LOG_INFO: return "info";
    case BT_LOG_WARNING: return "warning";
    case BT_LOG_ERROR: return "error";
    }
    return "error";
}

static void line_mha(struct bt_buf *line, enum bt_log_level level, const char *text)
{
    time_t now = time(NULL);
    struct tm local;
    char when[64];

    localtime_r(&now, &local);
    strftime(when, sizeof(when), "%a %b %e %H:%M:%S %Y", &local);
    bt_buf_addf(line, "%s - [%s] %s\n", when, level_name(level), text);
}

static void line_json(struct bt_buf *line, enum bt_log_level level, const char *text)
{
    char when[BT_TIME_TEXT_SIZE];
    struct bt_json j;

    bt_json_init(&j, line);
    bt_json_object(&j);
    bt_json_key_str(&j, "time", bt_time_text(bt_clock_wall_us(), when));
    bt_json_key_str(&j, "level", level_name(level));
    bt_json_key_str(&j, "text", text);
    bt_json_end(&j);
    bt_buf_add_byte(line, '\n');
}

static void line_terse(struct bt_buf *line, enum bt_log_level level, const char *text)
{
    if (level == BT_LOG_INFO)
        bt_buf_addf(line, "baton: %s\n", text);
    else
        bt_buf_addf(line, "baton: %s: %s\n", level_name(level), text);
}

/* The file is opened per line: a rotated log needs no signal. */
static void line_write(const char *path, const struct bt_buf *line)
{
    bt_auto_fd int opened = -1;
    ssize_t ignored;

    if (path)
        opened = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    ignored = write(opened >= 0 ? opened : STDERR_FILENO, line->data, line->len);
    (void)ignored;
}

void bt_log(enum bt_log_level level, const char *fmt, ...)
{
    char text[8192];
    struct bt_buf line;
    va_list args;

    if (level < sink.level)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    bt_buf_init(&line, LINE_MAX_BYTES);
    switch (sink.format) {
    case BT_LOG_MHA: line_mha(&line, level, text); break;
    case BT_LOG_JSON: line_json(&line, level, text); break;
    case BT_LOG_TERSE: line_terse(&line, level, text); break;
    }
    line_write(sink.path, &line);
    if (sink.json_path) {
        bt_buf_reset(&line);
        line_json(&line, level, text);
        line_write(sink.json_path, &line);
    }
    bt_buf_done(&line);
}

void bt_log_error(struct bt_err *err)
{
    bt_log(BT_LOG_ERROR, "%s", err->text);
    err->is_told = true;
}
