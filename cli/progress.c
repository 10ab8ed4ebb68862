/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"

enum { FIRST_MS = 1000, EVERY_MS = 100, BAR_WIDTH = 24, LINE_MAX_SIZE = 256 };

void bt_progress_begin(struct bt_progress *p, uint64_t total)
{
    p->shows = isatty(STDERR_FILENO);
    p->total = total;
    p->began_ms = bt_clock_ms();
    atomic_init(&p->done, 0);
    atomic_init(&p->next_ms, p->began_ms + FIRST_MS);
    atomic_init(&p->drawn, false);
}

/* "[=====>      ]  42%" */
static int add_bar(char *line, size_t room, uint64_t done, uint64_t total)
{
    double part = (double)done / (double)total;
    int filled = (int)(part * BAR_WIDTH);
    char bar[BAR_WIDTH + 1];

    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '=' : i == filled ? '>'
                                                : ' ';
    bar[BAR_WIDTH] = '\0';
    return snprintf(line, room, " [%s] %3d%%", bar, (int)(part * 100));
}

static void draw(struct bt_progress *p, uint64_t done, uint64_t total, int64_t now,
                 const char *what)
{
    char line[LINE_MAX_SIZE], all[BT_SIZE_TEXT_SIZE], size[BT_SIZE_TEXT_SIZE];
    double seconds = (double)(now - p->began_ms) / 1000, rate = (double)done / seconds;
    bool knows_total = total != 0 && total != UINT64_MAX && done <= total;
    int64_t left = knows_total && rate > 0 ? (int64_t)((double)(total - done) / rate) : 0;
    int len = snprintf(line, sizeof(line), "\r%.80s%s", what, bt_size_text(done, size));

    if (knows_total) {
        len += snprintf(line + len, sizeof(line) - (size_t)len, " of %s", bt_size_text(total, all));
        len += add_bar(line + len, sizeof(line) - (size_t)len, done, total);
    }
    len += snprintf(line + len, sizeof(line) - (size_t)len, "  %s/s",
                    bt_size_text((uint64_t)rate, size));
    if (knows_total)
        len += snprintf(line + len, sizeof(line) - (size_t)len, "  %lld:%02lld left",
                        (long long)left / 60, (long long)left % 60);
    len += snprintf(line + len, sizeof(line) - (size_t)len, "\033[K");
    atomic_store(&p->drawn, true);
    (void)!write(STDERR_FILENO, line, (size_t)len);
}

/* Whether it is time to draw, and ours to do. */
static bool is_due(struct bt_progress *p, int64_t now)
{
    int_fast64_t next = atomic_load(&p->next_ms);

    return p->shows && now >= next &&
           atomic_compare_exchange_strong(&p->next_ms, &next, now + EVERY_MS);
}

void bt_progress_add(struct bt_progress *p, uint64_t bytes)
{
    uint64_t done = atomic_fetch_add(&p->done, bytes) + bytes;
    int64_t now = bt_clock_ms();

    if (is_due(p, now))
        draw(p, done, p->total, now, "");
}

void bt_progress_show(struct bt_progress *p, uint64_t done, uint64_t total, const char *what)
{
    int64_t now = bt_clock_ms();

    if (is_due(p, now))
        draw(p, done, total, now, what);
}

void bt_progress_end(struct bt_progress *p)
{
    if (atomic_load(&p->drawn))
        (void)!write(STDERR_FILENO, "\r\033[K", 4);
    p->shows = false;
}

/* ------------------------------------------------------------- watched source */

static int watched_view(struct bt_source *source, uint64_t pos, size_t want, struct bt_slice *ret,
                        struct bt_err *err)
{
    struct bt_watched_source *w = (struct bt_watched_source *)source;
    int rc = bt_source_view(w->inner, pos, want, ret, err);

    w->source.goes_on_at = w->inner->goes_on_at;
    if (pos > w->seen) {
        bt_progress_add(w->progress, pos - w->seen);
        w->seen = pos;
    }
    return rc;
}

static uint64_t watched_size(struct bt_source *source)
{
    return bt_source_size(((struct bt_watched_source *)source)->inner);
}

static void watched_forget(struct bt_source *source)
{
    bt_source_forget(((struct bt_watched_source *)source)->inner);
}

/* It is nobody's to free. */
static void watched_close(struct bt_source *source)
{
    (void)source;
}

struct bt_source *bt_progress_watch(struct bt_progress *p, struct bt_source *inner, uint64_t start,
                                    struct bt_watched_source *w)
{
    static const struct bt_source_ops ops = {
        .view = watched_view,
        .size = watched_size,
        .forget = watched_forget,
        .close = watched_close,
    };

    if (!p || !p->shows)
        return inner;
    *w = (struct bt_watched_source){
        .source = *inner, .inner = inner, .progress = p, .seen = start};
    w->source.ops = &ops;
    return &w->source;
}
