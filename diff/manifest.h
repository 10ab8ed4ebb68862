/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.h - what a diff log holds: the NAME.json beside it (design.md 6).
 *
 *   {"transactions","events","bytes","first":{"gtid","file","pos","end"},"last":{...},
 *    "sources":[...],"cut":[{"source","at","reason"}],"lost":null|"...","xxh3",
 *    "server_version","checksum",
 *    "list":[{"gtid","file","pos","end","bytes","events","kind","xxh3"}]}
 *
 * bytes counts the transactions' events as they stand in the diff log.  xxh3 is XXH3-128, hex, over
 * every byte of the transactions' events as written; the xxh3 of a list entry is its content digest
 * (digest.h), which is the same whatever log the transaction was copied from.
 */
#ifndef BT_DIFF_MANIFEST_H
#define BT_DIFF_MANIFEST_H

#include "base/json.h"
#include "diff/missing.h"
#include "parser/transaction.h"

struct bt_manifest_item {
    struct bt_gtid gtid;
    uint32_t file;     /* index into files; UINT32_MAX = not known */
    uint64_t pos, end; /* the primary's */
    uint64_t bytes, events;
    uint64_t digest;
    uint8_t kind;
};

struct bt_manifest_cut {
    char *source;
    char *at; /* "log:offset" */
    char *reason;
};

struct bt_manifest {
    uint64_t transactions, events, bytes;
    struct bt_manifest_item *items; /* owned, unlike the rest */
    size_t count, room;
    char **files;
    size_t file_count;
    char **sources;
    size_t source_count;
    struct bt_manifest_cut *cuts;
    size_t cut_count;
    char *lost; /* NULL = nothing */
    char server_version[51];
    bool checksum;
    char xxh3[33];
    struct bt_arena arena; /* all texts live here */
};

void bt_manifest_init(struct bt_manifest *m);
void bt_manifest_done(struct bt_manifest *m);
#define bt_auto_manifest BT_AUTO(bt_manifest_done)

/* Appends to the list. */
int bt_manifest_add(struct bt_manifest *m, const struct bt_manifest_item *item, struct bt_err *err)
    BT_MUST_CHECK;

/* Writes it as one JSON object; with_list = false leaves "list" out (design.md's printed form). */
void bt_manifest_write(const struct bt_manifest *m, bool with_list, struct bt_json *out);

/* Reads what write() wrote (a manifest that came over a node channel or lies beside a diff log). */
int bt_manifest_parse(struct bt_slice json, struct bt_manifest *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* NAME.json for a diff log's path ("out.binlog" and "out.binlog.zst" both have "<path>.json"). */
int bt_manifest_read(const char *diff_log_path, struct bt_manifest *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* The same without the list: count is 0.  Its size does not matter then. */
int bt_manifest_read_head(const char *diff_log_path, struct bt_manifest *ret, struct bt_err *err)
    BT_MUST_CHECK;

#endif
