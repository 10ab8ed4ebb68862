/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol_logs.h - requests about the logs of a host: list, read, survey.
 *
 * A survey runs where the logs are, with the same functions as everywhere (diff/), so that what
 * travels is the answer and not the logs.  Put and get as in protocol_host.h.
 */
#ifndef BT_FAILOVER_NODE_PROTOCOL_LOGS_H
#define BT_FAILOVER_NODE_PROTOCOL_LOGS_H

#include "diff/missing.h"
#include "failover/node/fields.h"

/* Which set of logs on the host. */
struct bt_logs_id {
    const char
        *places;      /* directories or index files by commas; the first that has the set counts */
    const char *base; /* "bin"; "" = as bt_log_home_find() chooses */
    uint8_t kind;     /* BT_LOG_KIND_BINLOG or BT_LOG_KIND_RELAY */
};

/* -------------------------------------------------------------------- list */

struct bt_list_request {
    struct bt_logs_id logs;
};

struct bt_list_log {
    const char *name;
    const char *path; /* what a read request takes */
    uint64_t size;
    bool missing; /* the index names it and nobody has it */
};

enum { BT_LIST_LOGS_MAX = 4096 };

struct bt_list_reply {
    const char *directory;
    const char *base;
    const char *connection;
    bool indexed;   /* the order is that of an index file */
    uint32_t older; /* logs before the first one here that did not fit */
    uint32_t count;
    struct bt_list_log *logs; /* oldest first */
    const char *notes;        /* one line per stated degradation */
    uint64_t room_free;       /* bytes that a server may still fill there; 0 of 0 = not known */
    uint64_t room_total;
};

/* -------------------------------------------------------------------- read */

struct bt_read_request {
    const char *path;
    uint64_t from;
    uint64_t length; /* UINT64_MAX = to the end as it is now */
};

/* Behind a stream of exactly the bytes that are there. */
struct bt_read_reply {
    uint64_t size; /* of the file when it was opened */
};

/* ------------------------------------------------------------------ survey */

struct bt_survey_request {
    struct bt_logs_id logs;
    struct bt_survey_hints hints; /* its texts NULL where unknown */
};

struct bt_survey_reply {
    struct bt_survey survey; /* owned: bt_survey_done() */
    const char *directory;
    const char *notes;
};

void bt_put_list_request(struct bt_buf *out, const struct bt_list_request *r);
int bt_get_list_request(struct bt_slice payload, struct bt_arena *arena,
                        struct bt_list_request *ret, struct bt_err *err) BT_MUST_CHECK;
void bt_put_list_reply(struct bt_buf *out, const struct bt_list_reply *r);
int bt_get_list_reply(struct bt_slice payload, struct bt_arena *arena, struct bt_list_reply *ret,
                      struct bt_err *err) BT_MUST_CHECK;

void bt_put_read_request(struct bt_buf *out, const struct bt_read_request *r);
int bt_get_read_request(struct bt_slice payload, struct bt_arena *arena,
                        struct bt_read_request *ret, struct bt_err *err) BT_MUST_CHECK;
void bt_put_read_reply(struct bt_buf *out, const struct bt_read_reply *r);
int bt_get_read_reply(struct bt_slice payload, struct bt_arena *arena, struct bt_read_reply *ret,
                      struct bt_err *err) BT_MUST_CHECK;

void bt_put_survey_request(struct bt_buf *out, const struct bt_survey_request *r);
int bt_get_survey_request(struct bt_slice payload, struct bt_arena *arena,
                          struct bt_survey_request *ret, struct bt_err *err) BT_MUST_CHECK;
void bt_put_survey_reply(struct bt_buf *out, const struct bt_survey_reply *r);
int bt_get_survey_reply(struct bt_slice payload, struct bt_arena *arena,
                        struct bt_survey_reply *ret, struct bt_err *err) BT_MUST_CHECK;

#endif
