/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - the small events about logs and transactions rather than data.
 *
 * ROTATE names the next log, XID and XA_PREPARE end a transaction, INCIDENT says that events were
 * lost on the server, BINLOG_CHECKPOINT names the oldest log a crash recovery needs,
 * START_ENCRYPTION begins the encrypted part of a MariaDB log, PARTIAL_ROW_DATA carries a piece of
 * a rows event (TRANSACTION_PAYLOAD: parser/inflate.h).  Layouts stand above each reader in
 * control.c.
 */
#ifndef BT_PARSER_CONTROL_H
#define BT_PARSER_CONTROL_H

#include "parser/event.h"

struct bt_rotate {
    uint64_t pos;         /* where the next log's events begin */
    struct bt_slice name; /* of the next log, as the server wrote it; up to 512 bytes */
};
int bt_rotate_read(const struct bt_event *ev, struct bt_rotate *ret, struct bt_err *err)
    BT_MUST_CHECK;

int bt_xid_read(const struct bt_event *ev, uint64_t *ret, struct bt_err *err) BT_MUST_CHECK;

struct bt_xa_prepare {
    bool one_phase; /* XA COMMIT .. ONE PHASE: this is the commit */
    uint32_t format_id;
    struct bt_slice gtrid, bqual; /* at most 64 bytes each */
};
int bt_xa_prepare_read(const struct bt_event *ev, struct bt_xa_prepare *ret, struct bt_err *err)
    BT_MUST_CHECK;

enum { BT_INCIDENT_LOST_EVENTS = 1 };

struct bt_incident {
    uint16_t number; /* BT_INCIDENT_LOST_EVENTS is the only one there is */
    struct bt_slice text;
};
int bt_incident_read(const struct bt_event *ev, struct bt_incident *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* The log's name in a BINLOG_CHECKPOINT. */
int bt_binlog_checkpoint_read(const struct bt_event *ev, struct bt_slice *ret, struct bt_err *err)
    BT_MUST_CHECK;

struct bt_start_encryption {
    uint8_t scheme; /* 1 */
    uint32_t key_version;
    uint8_t nonce[12];
};
int bt_start_encryption_read(const struct bt_event *ev, struct bt_start_encryption *ret,
                             struct bt_err *err) BT_MUST_CHECK;

/* A piece of a rows event that was too large for one (MariaDB 12.3). */
struct bt_row_fragment {
    uint32_t total, number; /* number from 1 to total */
    uint64_t plain_size;    /* of the whole event as the first piece claims; 0 = not said */
    struct bt_slice data;
};
int bt_row_fragment_read(const struct bt_event *ev, struct bt_row_fragment *ret, struct bt_err *err)
    BT_MUST_CHECK;

#endif
