/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - the server's side of the MySQL client protocol, as far as a replica needs it.
 *
 * Packets are length u24, sequence u8, payload; a payload of 2^24 - 1 bytes and more goes on in the
 * next packet.  Writing gathers in `out`; bt_wire_flush() sends.  Every call has a deadline; the
 * payload of a command is capped at 16 MiB.  (Protocol: MariaDB knowledge base, "Connection",
 * "Result set packets"; checked against replicas of MariaDB 10.5, 10.11, 11.8 and MySQL 5.6, 9.7.)
 */
#ifndef BT_APPLY_FEED_WIRE_H
#define BT_APPLY_FEED_WIRE_H

#include "base/buf.h"
#include "base/io.h"

enum { BT_WIRE_SCRAMBLE_SIZE = 20 };

struct bt_wire {
    int fd; /* the caller's, non-blocking */
    uint8_t sequence;
    struct bt_buf in;  /* payload of the last packet read */
    struct bt_buf out; /* packets to be sent */
};

void bt_wire_init(struct bt_wire *w, int fd);
void bt_wire_done(struct bt_wire *w);

/* Reads one packet into w->in.  1 when the peer has gone. */
int bt_wire_read(struct bt_wire *w, struct bt_deadline deadline, struct bt_err *err) BT_MUST_CHECK;
int bt_wire_flush(struct bt_wire *w, struct bt_deadline deadline, struct bt_err *err) BT_MUST_CHECK;

/* Adds a packet whose payload is `first` (0 to 255; -1 = nothing) and then bytes. */
void bt_wire_add(struct bt_wire *w, int first, struct bt_slice bytes);
void bt_wire_ok(struct bt_wire *w);
void bt_wire_error(struct bt_wire *w, unsigned number, const char *text);

/* A result of one row; names and values have `count` items; values NULL: no row. */
void bt_wire_row(struct bt_wire *w, unsigned count, const char *const *names,
                 const char *const *values);

/* The greeting of protocol 10, asking for a proof by this method; scramble holds
 * BT_WIRE_SCRAMBLE_SIZE printable bytes. */
void bt_wire_greet(struct bt_wire *w, const char *version, uint32_t thread_id, const char *method,
                   const uint8_t *scramble);

/* The answer to the greeting: user and what proves the password (borrowed from payload). */
int bt_wire_login_read(struct bt_slice payload, struct bt_slice *ret_user,
                       struct bt_slice *ret_proof, struct bt_err *err) BT_MUST_CHECK;

/* Asks to prove the password by this method with this scramble. */
void bt_wire_switch(struct bt_wire *w, const char *method, const uint8_t *scramble);

#endif
