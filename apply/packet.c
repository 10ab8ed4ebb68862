/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How it is done: mysql_send_query() and mysql_read_query_result() do nothing but call
 * methods->db_command and methods->db_read_query_result, and the table of methods is part of the
 * public header.  For the length of a call ours stands in its place: it sends another command code,
 * and reads one packet.  So both run suspended, as every call of connection.c.
 */
#include "apply/packet.h"

#include <errno.h>
#include <mysql.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "apply/connection_priv.h"

struct bt_packets {
    struct st_mariadb_methods methods;       /* libmariadb's, but for the two of ours */
    const struct st_mariadb_methods *theirs; /* in place between calls */
    enum bt_command_code code;               /* of the command being sent */
    size_t len;                              /* of the packet read last */
    bool is_reading;                         /* a read is suspended, waiting for `waits_for` */
    int waits_for;
    int64_t heard_ms;
};

static int send_command(MYSQL *mysql, enum enum_server_command ignored, const char *payload,
                        size_t len, my_bool skip_check, void *opt)
{
    struct bt_packets *p = ((struct bt_connection *)mysql)->packets;

    (void)ignored;
    return p->theirs->db_command(mysql, (enum enum_server_command)p->code, payload, len, skip_check,
                                 opt);
}

static int read_packet(MYSQL *mysql)
{
    struct bt_packets *p = ((struct bt_connection *)mysql)->packets;
    unsigned long len = mysql_net_read_packet(mysql);

    p->len = len;
    return len == packet_error;
}

_Static_assert(offsetof(struct bt_connection, mysql) == 0, "callbacks find us by their MYSQL");

static int begin(struct bt_connection *c, struct bt_err *err)
{
    struct bt_packets *p;

    if (c->packets)
        return 0;
    p = calloc(1, sizeof(*p));
    if (!p)
        return bt_fail_sys(err, "could not talk to %s", c->name);
    p->theirs = c->mysql.methods;
    p->methods = *p->theirs;
    p->methods.db_command = send_command;
    p->methods.db_read_query_result = read_packet;
    p->heard_ms = bt_clock_ms();
    c->packets = p;
    return 0;
}

int bt_packet_send(struct bt_connection *c, enum bt_command_code code, struct bt_slice payload,
                   struct bt_deadline deadline, struct bt_err *err)
{
    int failed = 0, status;

    if (c->lost)
        return bt_connection_refuse_lost(c, err);
    if (begin(c, err) != 0)
        return -1;
    c->packets->code = code;
    c->mysql.methods = &c->packets->methods;
    status = mysql_send_query_start(&failed, &c->mysql, (const char *)payload.ptr,
                                    (unsigned long)payload.len);
    while (status)
        status = mysql_send_query_cont(&failed, &c->mysql, bt_connection_wait(c, status, deadline));
    c->mysql.methods = c->packets->theirs;
    return failed || c->timed_out ? bt_connection_fail(c, bt_slice_empty(), err) : 0;
}

/* Waits for what the suspended read wants: what it got, 0 when `until` passed. */
static int wait_for_bytes(struct bt_connection *c, struct bt_deadline until)
{
    int want = c->packets->waits_for;
    struct pollfd fd = {.fd = mysql_get_socket(&c->mysql)};
    int got;

    /* A TLS layer may have to write in order to read. */
    fd.events = (short)((want & MYSQL_WAIT_READ ? POLLIN : 0) |
                        (want & MYSQL_WAIT_WRITE ? POLLOUT : 0));
    do
        got = poll(&fd, 1, bt_deadline_left(until));
    while (got < 0 && errno == EINTR && !bt_deadline_passed(until));
    if (got <= 0)
        return 0;
    c->packets->heard_ms = bt_clock_ms();
    return want & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE);
}

int bt_packet_next(struct bt_connection *c, struct bt_deadline until, struct bt_slice *ret,
                   struct bt_err *err)
{
    struct bt_packets *p = c->packets;
    my_bool failed = 0;
    int got;

    if (c->lost || !p)
        return bt_connection_refuse_lost(c, err);
    c->mysql.methods = &p->methods;
    if (!p->is_reading)
        p->waits_for = mysql_read_query_result_start(&failed, &c->mysql);
    p->is_reading = p->waits_for != 0;
    while (p->is_reading) {
        got = wait_for_bytes(c, until);
        if (!got)
            return 1;
        p->waits_for = mysql_read_query_result_cont(&failed, &c->mysql, got);
        p->is_reading = p->waits_for != 0;
    }
    c->mysql.methods = p->theirs;
    if (failed)
        return bt_connection_fail(c, bt_slice_empty(), err);
    *ret = bt_slice(c->mysql.net.read_pos, p->len);
    return 0;
}

int64_t bt_packet_heard_ms(const struct bt_connection *c)
{
    return c->packets ? c->packets->heard_ms : bt_clock_ms();
}

void bt_packets_free(struct bt_connection *c)
{
    struct bt_packets *p = c->packets;
    my_bool failed;

    if (!p)
        return;
    shutdown(mysql_get_socket(&c->mysql), SHUT_RDWR); /* no goodbye in the middle of an answer */
    for (int i = 0; p->is_reading && i < 100; i++)
        p->is_reading = mysql_read_query_result_cont(&failed, &c->mysql, MYSQL_WAIT_TIMEOUT) != 0;
    c->mysql.methods = p->theirs;
    c->packets = NULL;
    free(p);
}
