/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger.h - what a client was promised, and whether the servers keep it.
 *
 *     ledger write    commits through an address and notes every answer
 *     ledger verify   compares the notes with what is on the servers
 *
 * Commit n of writer w has the id w * 10^9 + n and is one transaction: it inserts
 * the row `id` into ledger.commits, and in mixed mode also writes slot n % 16 of
 * its writer in ledger.slots: an upsert that sets `version` to the id, or, every
 * third round, a delete.  So ledger.slots is a function of ledger.commits, and
 * half a transaction, a lost one or one applied twice shows.  Payloads are a
 * function of the id.
 *
 * The ledger is a text file; its first line says how it was made, each further
 * one is written by a single write(2) right after the server's answer:
 *
 *     ledger 1 mixed 100              format, mode, payload size
 *     acked ID WALL_US MONOTONIC_US   the server said OK
 *     unknown ID WALL_US MONOTONIC_US the answer to the COMMIT got lost: both
 *                                     outcomes are right, half of it is not
 */
#ifndef BT_TESTS_LIB_LEDGER_H
#define BT_TESTS_LIB_LEDGER_H

#include <mysql.h>

#include "base/buf.h"
#include "base/clock.h"

enum {
    LEDGER_WRITERS_MAX = 64,
    LEDGER_SLOTS = 16,
    LEDGER_PAYLOAD_MAX = 60000,
};

#define LEDGER_WRITER_STEP UINT64_C(1000000000)

enum ledger_mode {
    LEDGER_INSERT, /* one autocommitted INSERT */
    LEDGER_MIXED,  /* BEGIN, INSERT, upsert or DELETE, COMMIT */
};

struct ledger_server {
    const char *host;
    unsigned port;
    const char *defaults_file; /* user and password, group [client] */
    int connect_ms;
    int answer_ms; /* for each statement */
};

struct ledger_write_opts {
    struct ledger_server server;
    const char *path; /* must not exist yet */
    enum ledger_mode mode;
    unsigned writers;
    uint64_t payload_size;
    uint64_t pace;  /* commits a second each writer does not exceed; 0: as fast as it goes */
    int64_t run_ms; /* 0: until SIGTERM or SIGINT */
};

/* Writes the payload of a commit: size hexadecimal digits, no NUL. */
void ledger_payload(uint64_t id, char *out, size_t size);

/* Whether commit `id` empties its slot instead of filling it. */
bool ledger_deletes(uint64_t id);

/* The row of ledger.slots that commit `id` writes. */
uint64_t ledger_slot(uint64_t id);

/* Connects with the server's deadline.  NULL with err filled; mysql_close ends it. */
MYSQL *ledger_connect(const struct ledger_server *server, struct bt_err *err);

/* Runs one statement without a result within the deadline.  On -1, err->server_errno
 * tells an answer of the server (below 2000) from a broken or silent connection. */
int ledger_query(MYSQL *mysql, struct bt_slice sql, int timeout_ms, struct bt_err *err);

/* Commits until told to stop; prints one line of JSON about it. */
int ledger_write(const struct ledger_write_opts *opts, struct bt_err *err);

/* Compares the ledger with each host of the comma-separated list.  0: nothing is
 * lost, too much or wrong; 1: something is, and has been printed. */
int ledger_verify(const char *path, const struct ledger_server *server, const char *hosts,
                  bool json, struct bt_err *err);

#endif
