/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_html.c - the logs as one self-contained page: inline SVG, no script, no network. */
#include "base/clock.h"
#include "base/number.h"
#include "cli/inspect_summary.h"

enum { WIDTH = 1040, HEIGHT = 240, LEFT = 70, BUCKETS = 160, SERIES = 8 };

static const char style[] =
    "<style>"
    ":root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--line:#d0d7de;--soft:#57606a;"
    "--bad:#b3261e}@media(prefers-color-scheme:dark){:root{--fg:#e6edf3;--bg:#0d1117;"
    "--line:#30363d;--soft:#8b949e;--bad:#ff7b72}}"
    "body{font:14px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:1100px;"
    "margin:2em auto;padding:0 1.5em}"
    "h1{font-size:1.5em;margin:0 0 .2em}h2{font-size:1.1em;margin:2em 0 .6em}p{margin:.3em 0}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{padding:.3em .8em .3em 0;border-bottom:1px solid var(--line);"
    "text-align:left;vertical-align:top}th{color:var(--soft);font-weight:500}"
    "td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    ".soft{color:var(--soft)}.bad{color:var(--bad)}"
    "svg{width:100%;height:auto}svg text{fill:var(--soft);font-size:12px}.axis{stroke:var(--line)}"
    ".entry{margin-right:1.2em;white-space:nowrap}"
    ".grid{stroke:var(--line);stroke-dasharray:2 4}"
    ".key{display:inline-block;width:.8em;height:.8em;margin:0 .4em 0 0;border-radius:2px}"
    "</style>";

static const char *const colours[SERIES + 1] = {"#4269d0", "#efb118", "#ff725c",
                                                "#6cc5b0", "#3ca951", "#ff8ab7",
                                                "#a463f2", "#97bbf5", "#9498a0"};

static void add_text(struct bt_buf *out, struct bt_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '<': bt_buf_add_str(out, "&lt;"); break;
        case '>': bt_buf_add_str(out, "&gt;"); break;
        case '&': bt_buf_add_str(out, "&amp;"); break;
        case '"': bt_buf_add_str(out, "&quot;"); break;
        default: bt_buf_add_byte(out, text.ptr[i]); break;
        }
    }
}

static void add_str(struct bt_buf *out, const char *text)
{
    add_text(out, bt_slice_str(text));
}

static void add_size(struct bt_buf *out, uint64_t bytes)
{
    char text[BT_SIZE_TEXT_SIZE];

    bt_buf_add_str(out, bt_size_text(bytes, text));
}

static void add_time(struct bt_buf *out, uint32_t minute)
{
    char text[BT_TIME_TEXT_SIZE];

    bt_buf_add_str(out, bt_time_text((int64_t)minute * 60000000, text));
}

/* "11-22 14:30", for an axis. */
static void add_short_time(struct bt_buf *out, uint32_t minute)
{
    char text[BT_TIME_TEXT_SIZE];

    bt_time_text((int64_t)minute * 60000000, text);
    bt_buf_addf(out, "%.5s %.5s", text + 5, text + 11);
}

/* A log by its last name; the whole one shows when it is pointed at. */
static void add_log(struct bt_buf *out, const char *path)
{
    const char *slash = strrchr(path, '/');

    bt_buf_add_str(out, "<span title=\"");
    add_str(out, path);
    bt_buf_add_str(out, "\">");
    add_str(out, slash ? slash + 1 : path);
    bt_buf_add_str(out, "</span>");
}

/* Minutes in the largest unit that keeps two digits. */
static void add_span(struct bt_buf *out, uint32_t minutes)
{
    enum { HOUR = 60, DAY = 24 * 60 };

    if (minutes < 2 * HOUR)
        bt_buf_addf(out, "%u min", minutes);
    else if (minutes < 2 * DAY)
        bt_buf_addf(out, "%.1f h", (double)minutes / HOUR);
    else
        bt_buf_addf(out, "%.1f days", (double)minutes / DAY);
}

/* --------------------------------------------------- load over time, by table */

struct load {
    uint64_t bytes[SERIES + 1][BUCKETS]; /* the last series: everything else */
    uint64_t total[BUCKETS];
    uint32_t first, span;
    size_t buckets, series;
    uint64_t greatest;
};

static void load_fill(struct load *l, const struct bt_summary *s,
                      struct bt_table_stats *const *tables)
{
    uint64_t minutes = (uint64_t)s->minutes[s->minute_count - 1].minute - s->minutes[0].minute + 1;

    l->first = s->minutes[0].minute;
    l->span = (uint32_t)((minutes + BUCKETS - 1) / BUCKETS);
    l->buckets = (size_t)((minutes + l->span - 1) / l->span);
    l->series = s->tables.count < SERIES ? s->tables.count : SERIES;
    for (size_t i = 0; i < s->minute_count; i++)
        l->total[(s->minutes[i].minute - l->first) / l->span] += s->minutes[i].bytes;
    for (size_t t = 0; t < l->series; t++)
        for (size_t n = 0; n < tables[t]->minute_count; n++) {
            uint32_t minute = tables[t]->minutes[n].minute;

            if (minute >= l->first && (minute - l->first) / l->span < l->buckets)
                l->bytes[t][(minute - l->first) / l->span] += tables[t]->minutes[n].bytes;
        }
    for (size_t b = 0; b < l->buckets; b++) {
        uint64_t named = 0;

        for (size_t t = 0; t < l->series; t++)
            named += l->bytes[t][b];
        l->bytes[SERIES][b] = l->total[b] > named ? l->total[b] - named : 0;
        if (l->total[b] < named)
            l->total[b] = named;
        if (l->total[b] > l->greatest)
            l->greatest = l->total[b];
    }
}

static void load_bar(const struct load *l, size_t bucket, struct bt_buf *out)
{
    double width = (double)(WIDTH - LEFT) / (double)l->buckets, y = HEIGHT;

    for (size_t t = 0; t <= SERIES; t++) {
        double height =
            (double)l->bytes[t][bucket] * HEIGHT / (double)(l->greatest ? l->greatest : 1);

        if (height <= 0)
            continue;
        y -= height;
        bt_buf_addf(
            out, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\"><title>",
            LEFT + (double)bucket * width, y, width > 2 ? width - 1 : width, height, colours[t]);
        add_time(out, l->first + (uint32_t)bucket * l->span);
        bt_buf_add_str(out, ": ");
        add_size(out, l->bytes[t][bucket]);
        bt_buf_add_str(out, "</title></rect>");
    }
}

static void load_key(const struct load *l, struct bt_table_stats *const *tables, struct bt_buf *out)
{
    bt_buf_add_str(out, "<p>");
    for (size_t t = 0; t < l->series; t++) {
        bt_buf_addf(out, "<span class=entry><span class=key style=\"background:%s\"></span>",
                    colours[t]);
        add_text(out, tables[t]->db);
        bt_buf_add_byte(out, '.');
        add_text(out, tables[t]->table);
        bt_buf_add_str(out, "</span>\n");
    }
    bt_buf_addf(
        out,
        "<span class=entry><span class=key style=\"background:%s\"></span>"
        "statements, frames and other tables</span></p>\n",
        colours[SERIES]);
}

/* Dotted lines at quarters of the height, and times below. */
static void load_axes(const struct load *l, struct bt_buf *out)
{
    enum { TICKS_MAX = 6, QUARTERS = 4 };
    uint32_t minutes = (uint32_t)l->buckets * l->span;
    uint32_t last = minutes < TICKS_MAX ? minutes : TICKS_MAX - 1; /* tick */

    for (int i = 0; i < QUARTERS; i++)
        bt_buf_addf(out, "<line class=grid x1=%d y1=%d x2=%d y2=%d />", LEFT,
                    HEIGHT * i / QUARTERS, WIDTH, HEIGHT * i / QUARTERS);
    bt_buf_addf(out, "<line class=axis x1=%d y1=%d x2=%d y2=%d />", LEFT, HEIGHT, WIDTH, HEIGHT);
    bt_buf_add_str(out, "<text x=0 y=12>");
    add_size(out, l->greatest);
    bt_buf_add_str(out, "</text><text x=0 y=28>per ");
    add_span(out, l->span);
    bt_buf_addf(out, "</text><text x=0 y=%d>", HEIGHT / 2 + 4);
    add_size(out, l->greatest / 2);
    bt_buf_add_str(out, "</text>");
    for (uint32_t i = 0; i <= last; i++) {
        bt_buf_addf(out, "<text x=%u y=%d text-anchor=%s>",
                    LEFT + (unsigned)(WIDTH - LEFT) * i / last, HEIGHT + 18,
                    i == 0      ? "start"
                    : i == last ? "end"
                                : "middle");
        add_short_time(out, l->first + minutes * i / last);
        bt_buf_add_str(out, "</text>");
    }
}

/* The minute with most bytes. */
static void add_busiest(const struct bt_summary *s, struct bt_buf *out)
{
    const struct bt_minute *busiest = &s->minutes[0];

    for (size_t i = 1; i < s->minute_count; i++)
        if (s->minutes[i].bytes > busiest->bytes)
            busiest = &s->minutes[i];
    bt_buf_add_str(out, "<p class=soft>Times are UTC. The busiest minute was ");
    add_short_time(out, busiest->minute);
    bt_buf_add_str(out, ": ");
    add_size(out, busiest->bytes);
    bt_buf_addf(out, ", %llu transactions, %llu rows.</p>\n",
                (unsigned long long)busiest->transactions, (unsigned long long)busiest->rows);
}

static void section_load(struct bt_summary *s, struct bt_table_stats *const *tables,
                         struct bt_buf *out)
{
    struct load l = {0};

    bt_buf_add_str(out, "<h2>Write load over time</h2>\n");
    if (s->minute_count == 0) {
        bt_buf_add_str(out, "<p class=soft>There are no transactions.</p>\n");
        return;
    }
    load_fill(&l, s, tables);
    bt_buf_addf(out, "<svg viewBox=\"0 0 %d %d\" role=img aria-label=\"bytes written over time\">",
                WIDTH, HEIGHT + 24);
    load_axes(&l, out);
    for (size_t b = 0; b < l.buckets; b++)
        load_bar(&l, b, out);
    bt_buf_add_str(out, "</svg>\n");
    load_key(&l, tables, out);
    add_busiest(s, out);
}

/* --------------------------------------------------------- size distribution */

/* A power of two, short. */
static void add_class(struct bt_buf *out, unsigned i)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};

    bt_buf_addf(out, "%u %s", 1u << i % 10, units[i / 10]);
}

static void size_bar(const struct bt_summary *s, unsigned i, double x, double width,
                     uint64_t greatest, struct bt_buf *out)
{
    double height = (double)s->sizes[i] * 130 / (double)greatest;

    if (s->sizes[i] == 0)
        return;
    if (height < 1)
        height = 1;
    bt_buf_addf(out,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\" />"
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=middle>%llu</text>",
                x, 150 - height, width - 3, height, colours[0], x + width / 2, 145 - height,
                (unsigned long long)s->sizes[i]);
}

static void section_sizes(const struct bt_summary *s, struct bt_buf *out)
{
    unsigned first = BT_SIZE_CLASSES, last = 0;
    uint64_t greatest = 1;
    double width;

    for (unsigned i = 0; i < BT_SIZE_CLASSES; i++)
        if (s->sizes[i]) {
            first = i < first ? i : first;
            last = i;
            greatest = s->sizes[i] > greatest ? s->sizes[i] : greatest;
        }
    if (first == BT_SIZE_CLASSES)
        return;
    width = (double)(WIDTH - LEFT) / (double)(last - first + 1);
    if (width > 90)
        width = 90;
    bt_buf_add_str(out, "<h2>Transactions by size</h2>\n");
    bt_buf_addf(out, "<svg viewBox=\"0 0 %d %d\" role=img aria-label=\"transactions by size\">",
                WIDTH, 180);
    for (unsigned i = first; i <= last; i++) {
        double x = LEFT + width * (i - first);

        size_bar(s, i, x, width, greatest, out);
        if (width < 56 && (i - first) % 2)
            continue; /* no room for every label */
        bt_buf_addf(out, "<text x=\"%.1f\" y=170 text-anchor=middle>", x + width / 2);
        add_class(out, i);
        bt_buf_add_str(out, "</text>");
    }
    bt_buf_add_str(out,
                   "</svg><p class=soft>Each bar: from the size below it up to twice that.</p>\n");
}

/* -------------------------------------------------------------------- tables */

/* Rows by table, those with most bytes first. */
static void section_tables(const struct bt_summary *s, struct bt_table_stats *const *tables,
                           struct bt_buf *out)
{
    enum { SHOWN = 30 };

    if (s->tables.count == 0)
        return;
    bt_buf_add_str(out, "<h2>Rows by table</h2>\n<table><tr><th>Table<th class=n>Inserted"
                        "<th class=n>Updated<th class=n>Deleted<th class=n>Size</tr>\n");
    for (size_t i = 0; i < s->tables.count && i < SHOWN; i++) {
        bt_buf_add_str(out, "<tr><td>");
        add_text(out, tables[i]->db);
        bt_buf_add_byte(out, '.');
        add_text(out, tables[i]->table);
        bt_buf_addf(out, "<td class=n>%llu<td class=n>%llu<td class=n>%llu<td class=n>",
                    (unsigned long long)tables[i]->rows[BT_ROWS_INSERT],
                    (unsigned long long)tables[i]->rows[BT_ROWS_UPDATE],
                    (unsigned long long)tables[i]->rows[BT_ROWS_DELETE]);
        add_size(out, tables[i]->bytes);
        bt_buf_add_str(out, "</tr>\n");
    }
    bt_buf_add_str(out, "</table>\n");
    if (s->tables.count > SHOWN)
        bt_buf_addf(out, "<p class=soft>And %zu more.</p>\n", s->tables.count - SHOWN);
}

static void section_largest(const struct bt_summary *s, struct bt_buf *out)
{
    char gtid[BT_GTID_TEXT_SIZE];

    if (s->largest_count == 0)
        return;
    bt_buf_add_str(out, "<h2>Biggest transactions</h2>\n<table><tr><th>GTID<th>Log<th class=n>From"
                        "<th class=n>Size<th class=n>Rows<th class=n>Seconds</tr>\n");
    for (size_t i = 0; i < s->largest_count; i++) {
        const struct bt_summary_transaction *t = &s->largest[i];

        bt_buf_add_str(out, "<tr><td>");
        add_str(out, bt_gtid_text(&t->gtid, gtid));
        bt_buf_add_str(out, "<td>");
        add_log(out, s->files[t->file].path);
        bt_buf_addf(out, "<td class=n>%llu<td class=n>", (unsigned long long)t->start);
        add_size(out, t->bytes);
        bt_buf_addf(out, "<td class=n>%llu<td class=n>%u</tr>\n", (unsigned long long)t->rows,
                    t->duration_s);
    }
    bt_buf_add_str(out, "</table>\n");
}

static int section_gtids(struct bt_summary *s, struct bt_buf *out, struct bt_err *err)
{
    bt_auto_buf struct bt_buf state;

    bt_buf_init(&state, 1 << 24);
    if (bt_summary_gtid_text(s, &state, err) != 0)
        return -1;
    bt_buf_add_str(out, "<h2>GTIDs</h2>\n");
    if (state.len == 0)
        bt_buf_add_str(out, "<p class=soft>The logs hold no GTIDs, so gaps do not show.</p>\n");
    else
        bt_buf_add_str(out, "<p>At the end: <code>");
    add_text(out, bt_buf_slice(&state));
    if (state.len)
        bt_buf_add_str(out, "</code></p>\n");
    return bt_buf_check(out, "page", err);
}

static void section_gaps(const struct bt_summary *s, struct bt_buf *out)
{
    if (s->gtid_state.count == 0 || s->is_filtered)
        return;
    if (s->gap_count == 0) {
        bt_buf_add_str(out,
                       "<p class=soft>No GTID is missing between the first and the last.</p>\n");
        return;
    }
    bt_buf_add_str(out,
                   "<table><tr><th class=n>Domain<th class=n>Missing<th>Seen in front of</tr>\n");
    for (size_t i = 0; i < s->gap_count; i++) {
        const struct bt_gtid_gap *g = &s->gaps[i];

        bt_buf_addf(out, "<tr><td class=n>%u<td class=n>%llu to %llu<td>", g->domain,
                    (unsigned long long)g->first, (unsigned long long)g->last);
        add_log(out, s->files[g->file].path);
        bt_buf_addf(out, ":%llu</tr>\n", (unsigned long long)g->offset);
    }
    bt_buf_add_str(out, "</table>\n");
}

static void section_logs(const struct bt_summary *s, struct bt_buf *out)
{
    bt_buf_add_str(out,
                   "<h2>Logs and where they end</h2>\n<table><tr><th>Log<th>Server<th class=n>Size"
                   "<th class=n>Events<th class=n>Transactions<th>End</tr>\n");
    for (size_t i = 0; i < s->file_count; i++) {
        const struct bt_summary_file *f = &s->files[i];
        bool bad = f->end.kind == BT_END_TORN || f->end.kind == BT_END_CORRUPT;

        bt_buf_add_str(out, "<tr><td>");
        add_str(out, f->path);
        bt_buf_add_str(out, "<td>");
        add_str(out, f->has_format ? f->format.server_version : "?");
        bt_buf_add_str(out, "<td class=n>");
        add_size(out, f->bytes);
        bt_buf_addf(out, "<td class=n>%llu<td class=n>%llu<td%s>%s", (unsigned long long)f->events,
                    (unsigned long long)f->transactions, bad ? " class=bad" : "",
                    bt_end_kind_name(f->end.kind));
        if (f->end.kind != BT_END_CLEAN)
            bt_buf_addf(out, " at %llu", (unsigned long long)f->end.offset);
        if (*f->end.reason) {
            bt_buf_add_str(out, "<br><span class=soft>");
            add_str(out, f->end.reason);
            bt_buf_add_str(out, "</span>");
        }
        bt_buf_add_str(out, "</tr>\n");
    }
    bt_buf_add_str(out, "</table>\n");
}

int bt_summary_print_html(struct bt_summary *s, struct bt_out *out, struct bt_err *err)
{
    struct bt_table_stats **tables = bt_table_stats_sorted(&s->tables);
    struct bt_buf *page = &out->buf;

    if (!tables)
        return bt_arena_fail(&s->tables.arena, "list of tables", err);
    bt_summary_sort_minutes(s);
    bt_buf_add_str(
        page, "<!doctype html>\n<html lang=en><meta charset=utf-8>"
              "<meta name=viewport content=\"width=device-width\"><title>baton inspect</title>\n");
    bt_buf_add_str(page, style);
    bt_buf_addf(page, "\n<h1>Binary logs</h1>\n<p class=soft>%zu log%s, %llu transactions, ",
                s->file_count, s->file_count == 1 ? "" : "s", (unsigned long long)s->transactions);
    add_size(page, s->transaction_bytes);
    if (s->unfinished)
        bt_buf_addf(page, ", %llu unfinished", (unsigned long long)s->unfinished);
    if (s->minute_count) {
        bt_buf_add_str(page, ", from ");
        add_time(page, s->minutes[0].minute);
        bt_buf_add_str(page, " to ");
        add_time(page, s->minutes[s->minute_count - 1].minute);
    }
    bt_buf_add_str(page, "</p>\n");
    section_load(s, tables, page);
    section_sizes(s, page);
    section_largest(s, page);
    section_tables(s, tables, page);
    if (section_gtids(s, page, err) != 0)
        return -1;
    section_gaps(s, page);
    section_logs(s, page);
    bt_buf_add_str(page, "</html>\n");
    return bt_buf_check(page, "page", err);
}
