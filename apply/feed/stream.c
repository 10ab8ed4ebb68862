/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/feed/stream.h"

#include <poll.h>

#include "parser/crc.h"
#include "parser/reader.h"
#include "parser/transaction.h"

enum {
    FLUSH_AT = 64 << 10,
    SEND_MS = 60000, /* the replica's applier may be slow: its IO thread is not */
    WAKE_MS = 50,
    LOOK_EVERY = 256, /* events, for the clock */
    FIRST_POS = 4,
    FORMAT_MAX = 4096,
    CREATED_AT = BT_EVENT_HEADER_SIZE + 52,
    FLAGS_AT = 17,
};

struct run {
    struct bt_feed_stream *s;
    struct bt_wire *w;
    struct bt_feed_progress now;
    struct bt_buf format; /* the FORMAT_DESCRIPTION as it was sent */
    int64_t clock;        /* MySQL: sequence_number of the last transaction */
    uint32_t last_pos;    /* end_log_pos of the last event sent that had one */
    int64_t flushed_ms;   /* when something was sent last */
    uint64_t passed_over; /* events that the replica has */
};

/* Waits until the stream can be written, giving up when we are to end. */
static int flush(struct run *r, struct bt_err *err)
{
    int status = bt_wire_flush(r->w, bt_deadline_in(SEND_MS), err);

    r->flushed_ms = bt_clock_ms();
    r->s->told(r->s->ctx, &r->now);
    return status;
}

static void add_event(struct run *r, struct bt_slice event)
{
    bt_wire_add(r->w, 0, event);
}

/* An event of ours: its body, and the CRC where events carry one. */
static void add_made(struct run *r, uint8_t type, uint32_t pos, struct bt_slice body)
{
    bt_auto_buf struct bt_buf b = {.max = 4096};
    size_t length = BT_EVENT_HEADER_SIZE + body.len +
                    (r->s->session->checksum ? BT_CHECKSUM_SIZE : 0);

    bt_buf_add_le(&b, 0, 4);
    bt_buf_add_byte(&b, type);
    bt_buf_add_le(&b, r->s->server_id, 4);
    bt_buf_add_le(&b, length, 4);
    bt_buf_add_le(&b, pos, 4);
    bt_buf_add_le(&b, BT_FLAG_ARTIFICIAL, 2);
    bt_buf_add_slice(&b, body);
    if (r->s->session->checksum)
        bt_buf_add_le(&b, bt_crc32(0, bt_buf_slice(&b)), 4);
    add_event(r, bt_buf_slice(&b));
}

static void add_rotate(struct run *r)
{
    bt_auto_buf struct bt_buf body = {.max = 2048};

    bt_buf_add_le(&body, FIRST_POS, 8);
    bt_buf_add_str(&body, r->s->log_name);
    add_made(r, BT_ROTATE, 0, bt_buf_slice(&body));
}

/* A heartbeat names where the replica is; one before the first event of a log is taken as broken
 * and stops the receiver (Heartbeat_log_event::is_valid of sql/log_event.h, MariaDB 10.11). */
static void add_heartbeat(struct run *r)
{
    add_made(r, BT_HEARTBEAT, r->last_pos > FIRST_POS ? r->last_pos : FIRST_POS,
             bt_slice_str(r->s->log_name));
}

/* With created != 0 a replica would drop its temporary tables. */
static int add_format(struct run *r, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_buf *b = &r->format;
    size_t covered;

    bt_buf_reset(b);
    bt_buf_add_slice(b, ev->raw);
    if (bt_buf_check(b, "a FORMAT_DESCRIPTION", err) < 0)
        return -1;
    if (b->len < CREATED_AT + 4 + BT_CHECKSUM_SIZE)
        return bt_fail(err, BT_ERR_CORRUPT, "FORMAT_DESCRIPTION of %zu bytes", b->len);
    memset(b->data + FLAGS_AT, 0, 2);
    memset(b->data + CREATED_AT, 0, 4);
    if (ev->format->knows_checksums) {
        covered = b->len - BT_CHECKSUM_SIZE;
        b->len = covered;
        bt_buf_add_le(b, bt_crc32(0, bt_slice(b->data, covered)), 4);
    }
    add_event(r, bt_buf_slice(b));
    return 0;
}

/* MySQL's logical clock starts again with each log, and a step back within one stops a parallel
 * applier (sql/rpl_mta_submode.cc, MySQL 8.0.43).  A diff log may hold parts of several logs: a new
 * log is made to begin there. */
static int follow_clock(struct run *r, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_gtid_event gtid;

    if (ev->type != BT_GTID && ev->type != BT_ANONYMOUS_GTID && ev->type != BT_GTID_TAGGED)
        return 0;
    if (bt_gtid_event_read(ev, &gtid, err) < 0)
        return -1;
    if (gtid.sequence_number <= r->clock && r->clock > 0) {
        add_rotate(r);
        add_event(r, bt_buf_slice(&r->format));
    }
    r->clock = gtid.sequence_number;
    return 0;
}

static bool is_sent(const struct run *r, const struct bt_event *ev)
{
    switch ((int)ev->header.type) {
    case BT_ROTATE:
    case BT_STOP:
    case BT_GTID_LIST:
    case BT_PREVIOUS_GTIDS:
    case BT_BINLOG_CHECKPOINT:
    case BT_START_ENCRYPTION:
        return false;
    case BT_ANNOTATE_ROWS:
        return r->s->sends_annotate;
    default:
        return true;
    }
}

static bool replica_has(const struct run *r, const struct bt_gtid *gtid)
{
    return bt_had_has(&r->s->session->has, gtid) ||
           (r->s->has && r->s->has(r->s->has_ctx, gtid));
}

/* While much is left out nothing is sent, and a replica with a short slave_net_timeout would hang
 * up, connect again, and wait for the same again. */
static int keep_waiting(struct run *r, struct bt_err *err)
{
    int64_t every = r->s->session->heartbeat_ms;

    if (every == 0 || ++r->passed_over % LOOK_EVERY != 0 ||
        bt_clock_ms() - r->flushed_ms < every)
        return 0;
    add_heartbeat(r);
    return flush(r, err);
}

static int send_log(struct run *r, struct bt_reader *reader, struct bt_err *err)
{
    struct bt_grouper grouper;
    enum bt_group_step step;
    bool left_out = false;
    struct bt_event ev;
    int status;

    bt_grouper_init(&grouper, r->s->log_name);
    while ((status = bt_reader_next(reader, &ev, err)) == 0 && !r->s->stopped(r->s->ctx)) {
        if (bt_grouper_feed(&grouper, &ev, &step, err) < 0)
            return -1;
        if (step == BT_GROUP_BEGIN || step == BT_GROUP_WHOLE)
            left_out = replica_has(r, &bt_grouper_transaction(&grouper)->gtid);
        if (ev.type == BT_FORMAT_DESCRIPTION) {
            if (add_format(r, &ev, err) < 0)
                return -1;
        } else if (!left_out && is_sent(r, &ev)) {
            if (follow_clock(r, &ev, err) < 0)
                return -1;
            add_event(r, ev.raw);
            r->now.events++;
            r->now.bytes += ev.raw.len;
            r->now.rows_events += bt_event_is_rows(ev.type);
            if (ev.header.end_log_pos)
                r->last_pos = ev.header.end_log_pos;
        }
        if (step == BT_GROUP_END || step == BT_GROUP_WHOLE) {
            r->now.transactions += !left_out;
            r->now.skipped += left_out;
            left_out = false;
        }
        if (left_out ? keep_waiting(r, err) < 0 : r->w->out.len >= FLUSH_AT && flush(r, err) < 0)
            return -1;
    }
    return status < 0 ? -1 : flush(r, err);
}

/* Nothing more to send: heartbeats, until somebody goes. */
static int keep_alive(struct run *r, struct bt_err *err)
{
    int64_t every = r->s->session->heartbeat_ms, next = bt_clock_ms() + every;
    struct pollfd p = {.fd = r->w->fd, .events = POLLIN};

    while (!r->s->stopped(r->s->ctx)) {
        if (poll(&p, 1, WAKE_MS) > 0)
            return 0; /* it sends nothing now: it hung up */
        if (every == 0 || bt_clock_ms() < next)
            continue;
        add_heartbeat(r);
        if (flush(r, err) < 0)
            return -1;
        next = bt_clock_ms() + every;
    }
    return 0;
}

int bt_feed_stream_run(struct bt_feed_stream *s, struct bt_wire *w, struct bt_err *err)
{
    bt_auto_reader struct bt_reader *reader = NULL;
    struct run r = {.s = s, .w = w, .flushed_ms = bt_clock_ms()};
    int status = -1;

    if (bt_reader_open(s->log, (struct bt_reader_opts){.keep_compressed = true}, &reader, err) < 0)
        return -1;
    w->sequence = 1;
    bt_buf_init(&r.format, FORMAT_MAX);
    add_rotate(&r);
    if (send_log(&r, reader, err) == 0) {
        r.now.reached_end = true;
        s->told(s->ctx, &r.now);
        status = keep_alive(&r, err);
    }
    bt_buf_done(&r.format);
    return status;
}
