/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_builder.h - logs for tests, event by event, as a MariaDB server or its replica writes them.
 *
 *     struct bt_log_builder b;
 *     bt_build_binlog(&b, 1);                 magic, FORMAT_DESCRIPTION
 *     bt_build_list(&b, ...); bt_build_transaction(&b, 0, 1, 7); ... bt_build_stop(&b);
 *     b.bytes.data, b.bytes.len
 *
 * A relay log: bt_build_relay(&b, replica_id), then bt_build_primary(&b, file, pos), which writes
 * the artificial ROTATE and the primary's FORMAT_DESCRIPTION; from then on end_log_pos counts in
 * the primary's log.  Nothing here fails softly: it aborts without memory.
 */
#ifndef BT_TESTS_LOG_BUILDER_H
#define BT_TESTS_LOG_BUILDER_H

#include "base/buf.h"
#include "diff/log_set.h"
#include "parser/event.h"

struct bt_log_builder {
    struct bt_buf bytes;
    uint32_t server_id; /* of the events that follow */
    uint32_t own_id;    /* of who writes the log */
    bool checksum;      /* of the events that follow */
    bool relay;
    uint64_t primary_pos; /* relay: end of the last event in the primary's log */
    uint32_t when;
};

void bt_build_binlog(struct bt_log_builder *b, uint32_t server_id);
void bt_build_relay(struct bt_log_builder *b, uint32_t replica_id);
void bt_build_done(struct bt_log_builder *b);

/* Any event; returns its offset.  end_log_pos: UINT64_MAX = where it ends. */
uint64_t bt_build_event(struct bt_log_builder *b, uint8_t type, uint32_t server_id, uint16_t flags,
                        uint64_t end_log_pos, const void *body, size_t len);

/* What FORMAT_DESCRIPTIONs say from now on: 10.11.19-MariaDB-log; up to 49 bytes. */
extern const char *bt_build_version;

/* A FORMAT_DESCRIPTION of that version with the checksum setting given. */
void bt_build_format(struct bt_log_builder *b, uint32_t server_id, uint16_t flags,
                     uint64_t end_log_pos, bool checksum);
/* The primary's stream (again): artificial ROTATE to file:pos, its FORMAT_DESCRIPTION. */
void bt_build_primary(struct bt_log_builder *b, uint32_t primary_id, const char *file, uint64_t pos,
                      bool checksum);

void bt_build_gtid(struct bt_log_builder *b, uint32_t domain, uint64_t sequence, uint8_t flags);
void bt_build_list(struct bt_log_builder *b, size_t count, const uint32_t (*gtids)[3]);
/* Relay log, connected by GTID: the primary passed over what stands in front of pos, as far as the
 * replica had it. */
void bt_build_resumption(struct bt_log_builder *b, size_t count, const uint32_t (*gtids)[3],
                         uint64_t pos);
void bt_build_query(struct bt_log_builder *b, const char *db, const char *sql);
void bt_build_xid(struct bt_log_builder *b, uint64_t xid);
void bt_build_stop(struct bt_log_builder *b);
/* A ROTATE: the primary's own (flags 0), or the replica's to its next relay log (RELAY_LOG). */
void bt_build_rotate(struct bt_log_builder *b, uint32_t server_id, uint16_t flags, const char *file,
                     uint64_t pos);

/* GTID, INSERT of a text of `size` bytes, XID. */
void bt_build_transaction(struct bt_log_builder *b, uint32_t domain, uint64_t sequence,
                          size_t size);

/* ------------------------------------------------------------------ a home in memory */

enum { BT_BUILT_LOGS_MAX = 32 };

/* Files of a directory that does not exist.  Bytes are borrowed. */
struct bt_built_home {
    struct {
        const char *name;
        struct bt_slice bytes;
        uint64_t flip_bit; /* see source.h; 0 = none */
    } files[BT_BUILT_LOGS_MAX];
    size_t count;
    unsigned opened;      /* how often a file was opened */
    const char *gone;     /* this one is, */
    unsigned gone_behind; /* once that many have been opened */
};

void bt_built_add(struct bt_built_home *h, const char *name, struct bt_slice bytes);
/* Opens it as a log home; aborts the test when that fails. */
struct bt_log_home *bt_built_open(struct bt_built_home *h);

#endif
