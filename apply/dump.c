/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/dump.h"

#include <stdlib.h>
#include <sys/random.h>

#include "apply/packet.h"
#include "parser/gtid_set.h"

enum {
    DUMP_NON_BLOCK = 1,      /* at the end an EOF packet instead of waiting */
    DUMP_SENDS_ANNOTATE = 2, /* MariaDB; MySQL has another meaning for it */
    TICK_MS = 200,
    SILENCE_MS = 60000,
    HEARTBEAT_MAX_MS = 5000,
    EVENT_PACKET = 0x00,
    EOF_PACKET = 0xfe,
    EOF_PACKET_MAX = 8,
};

struct bt_dump {
    struct bt_connection *session;
    bool follows;
    bool ended;
    int64_t silence_ms;
    bt_dump_tick *tick;
    int64_t ticked_ms;
    void *ctx;
};

/* ----------------------------------------------------------------- server id */

static bool is_taken(const struct bt_rows *replicas, uint32_t id)
{
    uint64_t taken;

    for (uint64_t i = 0; i < replicas->row_count; i++)
        if (bt_rows_u64(replicas, i, "Server_Id", &taken) && taken == id)
            return true;
    return false;
}

/* Who may not ask for the list of replicas goes without it: chance is then all there is. */
static int choose_id(struct bt_connection *c, struct bt_deadline deadline, uint32_t *ret,
                     struct bt_err *err)
{
    bool is_new = bt_connection_server(c)->flavor == BT_FLAVOR_MYSQL &&
                  bt_connection_server(c)->version_number >= 80400;
    bt_auto_rows struct bt_rows replicas = {0};
    struct bt_err ignored = {0};
    char own[24];
    uint32_t id;

    if (bt_connection_value(c, "SELECT @@global.server_id", deadline, sizeof(own), own, err) < 0)
        return -1;
    if (bt_connection_query(c, bt_slice_str(is_new ? "SHOW REPLICAS" : "SHOW SLAVE HOSTS"),
                            deadline, &replicas, &ignored) != 0 &&
        bt_connection_is_lost(c)) {
        *err = ignored;
        return -1;
    }
    do {
        if (getrandom(&id, sizeof(id), 0) != sizeof(id))
            return bt_fail_sys(err, "could not get random bytes");
        id |= UINT32_C(1) << 31;
    } while (id == strtoull(own, NULL, 10) || is_taken(&replicas, id));
    *ret = id;
    return 0;
}

/* ---------------------------------------------------------------- what we ask */

/* What a replica tells before it asks for events: that it knows checksums and all of MariaDB's
 * events, and how often it wants to hear from an idle server. */
static int set_variables(struct bt_dump *d, struct bt_deadline deadline, struct bt_err *err)
{
    int64_t heartbeat = d->silence_ms / 4 < HEARTBEAT_MAX_MS ? d->silence_ms / 4 : HEARTBEAT_MAX_MS;
    unsigned long long ns = (unsigned long long)heartbeat * 1000000;

    if (bt_connection_server(d->session)->flavor == BT_FLAVOR_MARIADB)
        return bt_connection_executef(d->session, deadline, err,
                                      "SET @master_binlog_checksum='CRC32',"
                                      " @mariadb_slave_capability=4,"
                                      " @master_heartbeat_period=%llu",
                                      ns);
    /* 8.0.26 renamed them and looks for the old ones only without the new. */
    return bt_connection_executef(d->session, deadline, err,
                                  "SET @master_binlog_checksum='CRC32',"
                                  " @source_binlog_checksum='CRC32',"
                                  " @master_heartbeat_period=%llu, @source_heartbeat_period=%llu,"
                                  " @slave_uuid=UUID(), @replica_uuid=@slave_uuid",
                                  ns, ns);
}

static int ask_by_log(struct bt_dump *d, const char *log, uint32_t server_id,
                      struct bt_deadline deadline, struct bt_err *err)
{
    bool annotates = bt_connection_server(d->session)->flavor == BT_FLAVOR_MARIADB;
    bt_auto_buf struct bt_buf ask;

    bt_buf_init(&ask, 4096);
    bt_buf_add_le(&ask, 4, 4);
    bt_buf_add_le(&ask,
                  (d->follows ? 0u : DUMP_NON_BLOCK) | (annotates ? DUMP_SENDS_ANNOTATE : 0u), 2);
    bt_buf_add_le(&ask, server_id, 4);
    bt_buf_add_str(&ask, log);
    if (bt_buf_check(&ask, "name of a log", err) != 0)
        return -1;
    return bt_packet_send(d->session, BT_COMMAND_BINLOG_DUMP, bt_buf_slice(&ask), deadline, err);
}

static int refuse_gtids(struct bt_err *err)
{
    err->kind = BT_ERR_USAGE;
    return bt_err_wrap(err, "the GTIDs to be left out");
}

/* MariaDB takes the state in a variable and an empty name in the command. */
static int ask_by_state(struct bt_dump *d, const char *after, uint32_t server_id,
                        struct bt_deadline deadline, struct bt_err *err)
{
    BT_AUTO(bt_gtid_state_done)
    struct bt_gtid_state state = {0};
    bt_auto_buf struct bt_buf text;

    bt_buf_init(&text, 1 << 20);
    if (bt_gtid_state_parse(bt_slice_str(after), &state, err) != 0)
        return refuse_gtids(err);
    bt_gtid_state_text(&state, &text);
    if (bt_buf_check(&text, "GTID state", err) != 0 ||
        bt_connection_executef(d->session, deadline, err,
                               "SET @slave_connect_state='%s', @slave_gtid_strict_mode=0,"
                               " @slave_gtid_ignore_duplicates=0",
                               bt_buf_str(&text)) != 0)
        return -1;
    return ask_by_log(d, "", server_id, deadline, err);
}

static int ask_by_set(struct bt_dump *d, const char *after, uint32_t server_id,
                      struct bt_deadline deadline, struct bt_err *err)
{
    bt_auto_gtid_set struct bt_gtid_set set = {0};
    bt_auto_buf struct bt_buf ask, bytes;

    bt_buf_init(&ask, 64 << 20);
    bt_buf_init(&bytes, 64 << 20);
    if (bt_gtid_set_parse(bt_slice_str(after), &set, err) != 0)
        return refuse_gtids(err);
    bt_previous_gtids_add(&set, &bytes);
    bt_buf_add_le(&ask, d->follows ? 0 : DUMP_NON_BLOCK, 2);
    bt_buf_add_le(&ask, server_id, 4);
    bt_buf_add_le(&ask, 0, 4); /* length of a log's name */
    bt_buf_add_le(&ask, 4, 8);
    bt_buf_add_le(&ask, bytes.len, 4);
    bt_buf_add_slice(&ask, bt_buf_slice(&bytes));
    if (bt_buf_check(&bytes, "GTID set", err) != 0 || bt_buf_check(&ask, "GTID set", err) != 0)
        return -1;
    return bt_packet_send(d->session, BT_COMMAND_BINLOG_DUMP_GTID, bt_buf_slice(&ask), deadline,
                          err);
}

static int ask(struct bt_dump *d, const struct bt_dump_opts *o, struct bt_deadline deadline,
               struct bt_err *err)
{
    uint32_t id = o->follow ? o->server_id : 0;

    if (o->follow && !id && choose_id(d->session, deadline, &id, err) != 0)
        return -1;
    if (set_variables(d, deadline, err) != 0)
        return -1;
    if (!o->after)
        return ask_by_log(d, o->log, id, deadline, err);
    if (bt_connection_server(d->session)->flavor == BT_FLAVOR_MARIADB)
        return ask_by_state(d, o->after, id, deadline, err);
    return ask_by_set(d, o->after, id, deadline, err);
}

int bt_dump_open(const struct bt_dump_opts *opts, struct bt_deadline deadline, struct bt_dump **ret,
                 struct bt_err *err)
{
    struct bt_dump *d = calloc(1, sizeof(*d));

    if (!d)
        return bt_fail_sys(err, "could not begin to read a server's logs");
    d->follows = opts->follow;
    d->silence_ms = opts->silence_ms ? opts->silence_ms : SILENCE_MS;
    d->tick = opts->tick;
    d->ctx = opts->ctx;
    if (bt_connection_open(opts->server, deadline, &d->session, err) != 0 ||
        ask(d, opts, deadline, err) != 0) {
        bt_dump_close(d);
        return -1;
    }
    *ret = d;
    return 0;
}

void bt_dump_close(struct bt_dump *d)
{
    if (!d)
        return;
    bt_connection_close(d->session);
    free(d);
}

/* ------------------------------------------------------------------- packets */

static int tick(struct bt_dump *d, bool waits, struct bt_err *err)
{
    d->ticked_ms = bt_clock_ms();
    return d->tick ? d->tick(d->ctx, waits, err) : 0;
}

/* Until a packet is there; 1: tick() wants no more. */
static int wait_for_packet(struct bt_dump *d, struct bt_slice *ret, struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(0);
    int rc;

    for (;;) {
        rc = bt_packet_next(d->session, until, ret, err);
        if (rc != 1)
            return rc;
        if (bt_clock_ms() - bt_packet_heard_ms(d->session) > d->silence_ms)
            return bt_fail(err, BT_ERR_TIMEOUT, "%s has sent nothing for %lld ms",
                           bt_connection_name(d->session), (long long)d->silence_ms);
        rc = tick(d, true, err);
        if (rc != 0)
            return rc;
        until = bt_deadline_in(TICK_MS);
    }
}

/* The event in a packet; 1: the stream ends; 2: a heartbeat. */
static int open_packet(struct bt_dump *d, struct bt_slice packet, struct bt_slice *ret,
                       struct bt_err *err)
{
    struct bt_event_header header;
    uint8_t kind = packet.len ? packet.ptr[0] : EOF_PACKET;

    if (kind == EOF_PACKET && packet.len <= EOF_PACKET_MAX && d->follows)
        return bt_fail(err, BT_ERR_REMOTE, "%s ended the stream of events",
                       bt_connection_name(d->session));
    if (kind == EOF_PACKET && packet.len <= EOF_PACKET_MAX)
        return 1;
    if (kind != EVENT_PACKET)
        return bt_fail(err, BT_ERR_CORRUPT, "%s sent a packet of kind %u instead of an event",
                       bt_connection_name(d->session), kind);
    packet = bt_slice(packet.ptr + 1, packet.len - 1);
    if (bt_event_header_read(packet, BT_EVENT_SIZE_MAX, &header, err) != 0)
        return bt_err_wrap(err, "%s", bt_connection_name(d->session));
    if (header.length != packet.len)
        return bt_fail(err, BT_ERR_CORRUPT, "%s sent %zu bytes for an event of %u",
                       bt_connection_name(d->session), packet.len, header.length);
    if (header.type == BT_HEARTBEAT || header.type == BT_HEARTBEAT_V2)
        return 2;
    *ret = packet;
    return 0;
}

int bt_dump_next(struct bt_dump *d, bool waits, struct bt_slice *ret, struct bt_err *err)
{
    struct bt_slice packet;
    int rc;

    if (d->ended)
        return 1;
    if (bt_clock_ms() - d->ticked_ms > TICK_MS && (rc = tick(d, false, err)) != 0) {
        d->ended = true;
        return rc;
    }
    do {
        rc = waits ? wait_for_packet(d, &packet, err)
                   : bt_packet_next(d->session, bt_deadline_in(0), &packet, err);
        if (rc == 1 && !waits)
            return 2;
        if (rc == 0)
            rc = open_packet(d, packet, ret, err);
    } while (rc == 2);
    d->ended = rc != 0;
    return rc;
}
