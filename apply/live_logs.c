/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/live_logs.h"

#include <stdio.h>
#include <stdlib.h>

#include "parser/coordinate.h"
#include "parser/crc.h"

enum {
    CONNECT_MS = 10000,
    HEAD_SIZE = 4,      /* of a log, before its first event */
    BATCH = 256 * 1024, /* what is at hand is taken up to here before it is shown */
    HELD_MAX = INT32_MAX,
    FLAGS_OFFSET = 17,
    ROTATE_NAME_OFFSET = BT_EVENT_HEADER_SIZE + 8,
};

struct bt_live_logs {
    struct bt_live_logs_opts opts;
    struct bt_connection *session;
    struct bt_rows list; /* SHOW BINARY LOGS; empty when not asked or not allowed */
    bool has_list;
    size_t at;                        /* of the next log wanted */
    char active[BT_LOG_NAME_MAX + 1]; /* the log that the server writes to; "" = not known */
    /* NULL, or stands at the head of goes_on or in the source handed out */
    struct bt_dump *dump;
    char goes_on[BT_LOG_NAME_MAX + 1];
    char name[BT_LOG_NAME_MAX + 1]; /* of the log handed out last */
    char complaint[512];            /* of the server, about the log handed out last */
    bool stopped;                   /* tick() said so */
};

struct live_source {
    struct bt_source source;
    struct bt_live_logs *logs;
    char name[BT_LOG_NAME_MAX + 1];
    struct bt_buf held; /* bytes of the log; the first `passed` are given up */
    size_t passed;
    uint64_t end;         /* offset behind what is held */
    struct bt_buf behind; /* the event at source.goes_on_at; empty when that is 0 */
    bool ended;
};

/* ------------------------------------------------------------------- the list */

static const char *listed_name(const struct bt_live_logs *l, uint64_t i)
{
    const char *name = bt_rows_text(&l->list, i, "Log_name");

    return name ? name : "";
}

static const char *wanted_name(const struct bt_live_logs *l, size_t i)
{
    if (l->opts.name_count)
        return i < l->opts.name_count ? l->opts.names[i] : NULL;
    return i < l->list.row_count ? listed_name(l, i) : NULL;
}

static int list_logs(struct bt_live_logs *l, struct bt_deadline deadline, struct bt_err *err)
{
    const struct bt_server *server = bt_connection_server(l->session);
    bool is_new = server->flavor == BT_FLAVOR_MYSQL && server->version_number >= 80200;
    const char *status = is_new ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS";
    bt_auto_rows struct bt_rows rows = {0};
    struct bt_err why = {0};
    const char *file;

    if (bt_connection_query(l->session, bt_slice_str("SHOW BINARY LOGS"), deadline, &l->list,
                            &why) == 0) {
        l->has_list = true;
    } else if ((!l->opts.name_count && !l->opts.after) || bt_connection_is_lost(l->session)) {
        *err = why;
        return -1;
    }
    /* Without the privilege for it all but the mark "in use" is the same. */
    if (bt_connection_query(l->session, bt_slice_str(status), deadline, &rows, &why) == 0) {
        file = bt_rows_text(&rows, 0, "File");
        snprintf(l->active, sizeof(l->active), "%s", file ? file : "");
    }
    return 0;
}

/* A log that the server does not have is refused before anything is read. */
static int check_names(const struct bt_live_logs *l, struct bt_err *err)
{
    for (size_t i = 0; i < l->opts.name_count; i++) {
        bool is_there = !l->has_list;

        for (uint64_t k = 0; k < l->list.row_count && !is_there; k++)
            is_there = strcmp(listed_name(l, k), l->opts.names[i]) == 0;
        if (!is_there)
            return bt_fail(err, BT_ERR_REALITY, "%s has no binary log \"%s\"",
                           bt_connection_name(l->session), l->opts.names[i]);
        if (strlen(l->opts.names[i]) > BT_LOG_NAME_MAX)
            return bt_fail(err, BT_ERR_USAGE, "the name of a log has %zu bytes, allowed are %d",
                           strlen(l->opts.names[i]), BT_LOG_NAME_MAX);
    }
    return 0;
}

int bt_live_logs_open(const struct bt_live_logs_opts *opts, struct bt_live_logs **ret,
                      struct bt_err *err)
{
    struct bt_live_logs *l = calloc(1, sizeof(*l));
    struct bt_deadline deadline = bt_deadline_in(opts->connect_ms ? opts->connect_ms : CONNECT_MS);

    if (!l)
        return bt_fail_sys(err, "could not begin to read a server's logs");
    l->opts = *opts;
    if (!l->opts.connect_ms)
        l->opts.connect_ms = CONNECT_MS;
    if (bt_connection_open(opts->server, deadline, &l->session, err) != 0 ||
        list_logs(l, deadline, err) != 0 || check_names(l, err) != 0) {
        bt_live_logs_close(l);
        return -1;
    }
    *ret = l;
    return 0;
}

void bt_live_logs_close(struct bt_live_logs *l)
{
    if (!l)
        return;
    bt_dump_close(l->dump);
    bt_connection_close(l->session);
    if (l->has_list)
        bt_rows_done(&l->list);
    free(l);
}

const char *bt_live_logs_complaint(const struct bt_live_logs *l)
{
    return l->complaint;
}

uint64_t bt_live_logs_bytes(const struct bt_live_logs *l)
{
    uint64_t sum = 0, size;

    for (uint64_t i = 0; i < l->list.row_count; i++) {
        bool is_wanted = !l->opts.name_count &&
                         !(l->opts.from_log &&
                           bt_log_name_compare(listed_name(l, i), l->opts.from_log) < 0);

        for (size_t k = 0; k < l->opts.name_count && !is_wanted; k++)
            is_wanted = strcmp(listed_name(l, i), l->opts.names[k]) == 0;
        if (is_wanted && bt_rows_u64(&l->list, i, "File_size", &size))
            sum += size;
    }
    return sum;
}

struct bt_connection *bt_live_logs_session(struct bt_live_logs *l)
{
    return l->session;
}

/* ------------------------------------------------------------------- one event */

static bool ends_in_crc(struct bt_slice event)
{
    struct bt_cursor c = bt_cursor(event);
    size_t body = event.len - BT_CHECKSUM_SIZE;
    uint32_t crc;

    return bt_cur_skip(&c, body) && bt_cur_u32(&c, &crc) &&
           crc == bt_crc32(0, bt_slice(event.ptr, body));
}

/* Whether the event is an artificial ROTATE, which names the log that comes now.  Whether it has a
 * checksum depends on the log before it: its own CRC tells. */
static bool names_log(struct bt_slice event, char ret[static BT_LOG_NAME_MAX + 1])
{
    struct bt_cursor c = bt_cursor(event);
    struct bt_event_header header;
    size_t len = event.len;

    if (!bt_event_header_take(&c, &header) || header.type != BT_ROTATE ||
        !(header.flags & BT_FLAG_ARTIFICIAL) || len <= ROTATE_NAME_OFFSET)
        return false;
    if (len > ROTATE_NAME_OFFSET + BT_CHECKSUM_SIZE && ends_in_crc(event))
        len -= BT_CHECKSUM_SIZE;
    len -= ROTATE_NAME_OFFSET;
    if (len > BT_LOG_NAME_MAX)
        return false;
    memcpy(ret, event.ptr + ROTATE_NAME_OFFSET, len);
    ret[len] = '\0';
    return true;
}

/* How many bytes the server left out in front of the event: its own end_log_pos tells. */
static uint64_t hole_before(const struct live_source *s, const struct bt_event_header *h)
{
    uint32_t ends = (uint32_t)(s->end + h->length), gap = h->end_log_pos - ends;

    if (!s->logs->opts.after || h->end_log_pos == 0 || h->flags & BT_FLAG_ARTIFICIAL ||
        gap > INT32_MAX)
        return 0;
    return gap;
}

/* Undoes what the server changed in front of sending; `event` is our copy.  It computes the CRC of
 * a FORMAT_DESCRIPTION without the mark, and marks a START_ENCRYPTION for replicas that know none
 * (MariaDB 10.11 sql_repl.cc). */
static void restore(const struct live_source *s, uint8_t type, uint8_t *event, size_t len)
{
    size_t body = len - BT_CHECKSUM_SIZE;
    bool has_crc;

    if (type == BT_FORMAT_DESCRIPTION && strcmp(s->name, s->logs->active) == 0)
        event[FLAGS_OFFSET] |= BT_FLAG_IN_USE;
    if (type != BT_START_ENCRYPTION)
        return;
    has_crc = ends_in_crc(bt_slice(event, len));
    event[FLAGS_OFFSET] &= (uint8_t)~BT_FLAG_IGNORABLE;
    for (size_t i = 0, crc = bt_crc32(0, bt_slice(event, body)); has_crc && i < 4; i++, crc >>= 8)
        event[body + i] = (uint8_t)crc;
}

static int keep(struct live_source *s, struct bt_slice event, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(event);
    struct bt_buf *to = &s->held;
    struct bt_event_header h;
    uint64_t hole;
    size_t begins;

    if (!bt_event_header_take(&c, &h))
        return bt_fail(err, BT_ERR_BUG, "an event lost its header");
    /* What the server made for us: MariaDB tells with a GTID_LIST where the holes begin. */
    if (h.flags & BT_FLAG_ARTIFICIAL && h.type != BT_FORMAT_DESCRIPTION)
        return 0;
    hole = hole_before(s, &h);
    if (hole) {
        to = &s->behind;
        s->source.goes_on_at = s->end + hole;
    }
    begins = to->len;
    bt_buf_add_slice(to, event);
    if (bt_buf_check(to, "event", err) != 0)
        return -1;
    restore(s, h.type, to->data + begins, event.len);
    if (!hole)
        s->end += event.len;
    return 0;
}

/* A server stops where it cannot read on: a log that a crash tore ends there, and the next one is
 * asked for anew.  Anything else is a failure. */
static int end_by_complaint(struct live_source *s, struct bt_err *err)
{
    enum { ER_CANNOT_READ_ON = 1236 };
    struct bt_live_logs *l = s->logs;

    if (err->server_errno != ER_CANNOT_READ_ON)
        return -1;
    snprintf(l->complaint, sizeof(l->complaint), "%.500s", err->text);
    bt_err_clear(err);
    s->ended = true;
    bt_dump_close(l->dump);
    l->dump = NULL;
    return 0;
}

/* Takes one event of the log from the server.  2: none is at hand. */
static int take(struct live_source *s, bool waits, struct bt_err *err)
{
    struct bt_live_logs *l = s->logs;
    char name[BT_LOG_NAME_MAX + 1];
    struct bt_slice event;
    int rc = bt_dump_next(l->dump, waits, &event, err);

    if (rc < 0)
        return s->end > HEAD_SIZE ? end_by_complaint(s, err) : -1;
    if (rc == 2)
        return 2;
    if (rc == 1) {
        s->ended = true;
        l->stopped = l->opts.follow;
        bt_dump_close(l->dump);
        l->dump = NULL;
        return 0;
    }
    if (!names_log(event, name))
        return keep(s, event, err);
    if (strcmp(name, s->name) != 0) {
        s->ended = true;
        if (l->opts.follow && strcmp(s->name, l->active) == 0)
            memcpy(l->active, name, sizeof(name));
        memcpy(l->goes_on, name, sizeof(name));
    }
    return 0;
}

/* ----------------------------------------------------------------- the source */

/* Gives up what stands before pos, and moves the rest to the front when that is worth it. */
static void pass(struct live_source *s, uint64_t pos)
{
    size_t left = (size_t)(s->end - pos);

    s->passed = s->held.len - left;
    if (s->passed < s->held.len / 2 && left)
        return;
    if (left)
        memmove(s->held.data, s->held.data + s->passed, left);
    s->held.len = left;
    s->passed = 0;
}

static void cross_hole(struct live_source *s)
{
    struct bt_buf empty = s->held;

    empty.len = 0;
    s->held = s->behind;
    s->behind = empty;
    s->passed = 0;
    s->end = s->source.goes_on_at + s->held.len;
    s->source.goes_on_at = 0;
}

static int view(struct bt_source *source, uint64_t pos, size_t want, struct bt_slice *ret,
                struct bt_err *err)
{
    struct live_source *s = (struct live_source *)source;
    int rc = 0;

    if (s->behind.len && pos == s->source.goes_on_at)
        cross_hole(s);
    if (pos < s->end - (s->held.len - s->passed))
        return bt_fail(err, BT_ERR_USAGE, "\"%s\" can only be read forward", s->name);
    if (pos > s->end) {
        *ret = bt_slice_empty();
        return 0;
    }
    pass(s, pos);
    while (rc == 0 && !s->ended && !s->behind.len &&
           (s->end - pos < BATCH || s->end - pos < want))
        rc = take(s, s->end - pos < want, err);
    if (rc < 0)
        return -1;
    *ret = bt_slice(s->held.data + s->passed, (size_t)(s->end - pos));
    return 0;
}

static uint64_t size(struct bt_source *source)
{
    struct live_source *s = (struct live_source *)source;

    return s->ended ? s->end : UINT64_MAX;
}

/* The stream serves the next log only when it stands at its head. */
static void close_source(struct bt_source *source)
{
    struct live_source *s = (struct live_source *)source;

    if (!s->ended) {
        bt_dump_close(s->logs->dump);
        s->logs->dump = NULL;
    }
    bt_buf_done(&s->held);
    bt_buf_done(&s->behind);
    free(s);
}

static const struct bt_source_ops ops = {
    .view = view,
    .size = size,
    .close = close_source,
};

/* ------------------------------------------------------------------ log by log */

/* Begins a stream; its first event names the log. */
static int begin(struct bt_live_logs *l, const char *name, struct bt_err *err)
{
    struct bt_dump_opts o = {
        .server = l->opts.server,
        .log = name,
        .after = *name ? NULL : l->opts.after,
        .follow = l->opts.follow,
        .server_id = l->opts.server_id,
        .silence_ms = l->opts.silence_ms,
        .tick = l->opts.tick,
        .ctx = l->opts.ctx,
    };
    struct bt_slice event;
    int rc;

    bt_dump_close(bt_steal(l->dump));
    if (bt_dump_open(&o, bt_deadline_in(l->opts.connect_ms), &l->dump, err) != 0)
        return -1;
    rc = bt_dump_next(l->dump, true, &event, err);
    if (rc != 0) {
        l->stopped = true;
        return rc;
    }
    if (!names_log(event, l->goes_on))
        return bt_fail(err, BT_ERR_CORRUPT, "%s did not say which log it sends",
                       bt_connection_name(l->session));
    if (*name && strcmp(name, l->goes_on) != 0)
        return bt_fail(err, BT_ERR_REALITY, "%s sends \"%s\" instead of \"%s\"",
                       bt_connection_name(l->session), l->goes_on, name);
    return 0;
}

/* The log to be read next; NULL when there is none. */
static const char *choose(struct bt_live_logs *l)
{
    const char *name = l->opts.after ? NULL : wanted_name(l, l->at);

    if (l->stopped)
        return NULL;
    while (name && !l->opts.name_count && l->opts.from_log && *name &&
           bt_log_name_compare(name, l->opts.from_log) < 0)
        name = wanted_name(l, ++l->at);
    if (name) {
        l->at++;
        return name;
    }
    if (l->dump) /* the server goes on by itself */
        return l->opts.after || l->opts.follow ? l->goes_on : NULL;
    return l->opts.after && l->at++ == 0 ? "" : NULL;
}

int bt_live_logs_next(struct bt_live_logs *l, struct bt_source **ret, const char **ret_name,
                      struct bt_err *err)
{
    static const uint8_t head[HEAD_SIZE] = {0xfe, 'b', 'i', 'n'};
    const char *name = choose(l);
    struct live_source *s;
    int rc;

    l->complaint[0] = '\0';
    if (!name)
        return 1;
    if (!l->dump || strcmp(name, l->goes_on) != 0) {
        rc = begin(l, name, err);
        if (rc != 0)
            return rc;
    }
    s = calloc(1, sizeof(*s));
    if (!s)
        return bt_fail_sys(err, "could not read \"%s\"", name);
    s->logs = l;
    memcpy(s->name, l->goes_on, sizeof(s->name));
    memcpy(l->name, l->goes_on, sizeof(l->name));
    s->source = (struct bt_source){.ops = &ops, .name = s->name, .is_decrypted = true};
    bt_buf_init(&s->held, HELD_MAX);
    bt_buf_init(&s->behind, HELD_MAX);
    bt_buf_add(&s->held, head, sizeof(head));
    s->end = sizeof(head);
    *ret = &s->source;
    *ret_name = l->name;
    return 0;
}
