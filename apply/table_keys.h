/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_keys.h - what makes two rows of a table of the target the same row, or rivals for a key.
 *
 *     open -> find(db, table) ... -> forget (behind a DDL) -> find ... -> close
 *
 * Asked from the target's information_schema, once per table, over a session of its own.  Whatever
 * is not understood for certain makes the answer coarser, never finer: a key whose equality we
 * cannot compute makes the whole table one key (is_whole), a table whose rows may change others, or
 * that cannot be rolled back, is a barrier.
 */
#ifndef BT_APPLY_TABLE_KEYS_H
#define BT_APPLY_TABLE_KEYS_H

#include "apply/connection.h"

enum bt_key_text {
    BT_KEY_EXACT,  /* equal when the bytes are: numbers, times, binary strings */
    BT_KEY_PADDED, /* _bin: trailing blanks do not count */
    BT_KEY_FOLDED, /* _ci: of printable ASCII, the case and trailing blanks do not count */
};

struct bt_index_part {
    uint16_t column; /* from 0 */
    uint16_t prefix; /* characters that the index holds; 0 = all */
    uint8_t text;    /* enum bt_key_text */
};

enum { BT_KEY_PARTS_MAX = 32, BT_KEY_NAME_MAX = 64 * 4 };

struct bt_table_key {
    char name[BT_KEY_NAME_MAX + 1];
    bool is_nullable; /* some part is */
    unsigned part_count;
    struct bt_index_part parts[BT_KEY_PARTS_MAX];
};

struct bt_table_keys {
    uint64_t id;     /* XXH3 of db and table */
    bool is_barrier; /* foreign keys, other engines, views, not there or not to be seen */
    bool is_whole;   /* no key to tell its rows apart by: one at a time */
    uint32_t column_count;
    const char **columns;  /* names */
    const char **charsets; /* of each column; "" where it has none */
    bool is_transactional; /* InnoDB: a ROLLBACK takes its changes back */
    struct bt_table_key *keys;
    size_t key_count;
};

struct bt_key_source;

/* c stays the caller's and outlives the source; nothing else uses it meanwhile. */
int bt_key_source_open(struct bt_connection *c, struct bt_key_source **ret, struct bt_err *err)
    BT_MUST_CHECK;
void bt_key_source_close(struct bt_key_source *s); /* accepts NULL */

/* The keys of a table; borrows until forget or close. */
int bt_key_source_find(struct bt_key_source *s, struct bt_slice db, struct bt_slice table,
                       struct bt_deadline deadline, const struct bt_table_keys **ret,
                       struct bt_err *err) BT_MUST_CHECK;

/* Tables may be others now. */
void bt_key_source_forget(struct bt_key_source *s);

#endif
