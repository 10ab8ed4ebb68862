/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ini.h - reads MHA's configuration grammar (reference: MHA 0.58, which reads it
 * with Perl's Config::Tiny) and reports every mistake, not the first one.
 *
 *   - `[section]`, the same section twice merges, in order of first appearance;
 *   - `key=value`; blanks around `=` and at both ends are trimmed;
 *   - a line whose first non-blank is `#` or `;` is a comment; behind a value only
 *     `<blank>;<blank>text` is one (a `#` is part of the value);
 *   - of a value one leading ' or " and one trailing ' or " are dropped, as MHA does,
 *     but only where there is a trailing one: `key=""` is the empty value, `abc"` is
 *     abc, `"abc` stays.
 *
 * What a section or key means, and what is unknown, is the caller's to judge: it
 * has the line number of each.  Mistakes are collected as "path:line: text".
 */
#ifndef BT_BASE_INI_H
#define BT_BASE_INI_H

#include "base/arena.h"
#include "base/buf.h"

struct bt_ini_entry {
    const char *section;
    const char *key;
    const char *value; /* never NULL */
    unsigned line;     /* 1-based */
    struct bt_ini_entry *next;
};

struct bt_ini_section {
    const char *name;
    unsigned line; /* of its first appearance */
    struct bt_ini_section *next;
};

struct bt_ini {
    const char *path;
    struct bt_ini_section *sections; /* in order */
    struct bt_ini_entry *entries;    /* in order */
};

/* Mistakes found so far, one line each: "app1.cnf:12: ...\n". */
struct bt_ini_mistakes {
    struct bt_buf text;
    unsigned count;
};

void bt_ini_mistakes_init(struct bt_ini_mistakes *m);
void bt_ini_mistakes_done(struct bt_ini_mistakes *m);
void bt_ini_mistake(struct bt_ini_mistakes *m, const char *path, unsigned line, const char *fmt,
                    ...) BT_PRINTF(4, 5);

/* Parses text.  Everything in *ret lives in the arena.  Grammar mistakes are added to
 * m and parsing goes on; -1 only when there is no memory. */
int bt_ini_parse(struct bt_slice text, const char *path, struct bt_arena *arena,
                 struct bt_ini_mistakes *m, struct bt_ini *ret, struct bt_err *err) BT_MUST_CHECK;

/* Reads the file (at most 1 MiB) and parses it.  With `secret` set a file that others
 * may read is refused (BT_ERR_CONFIG): it holds passwords. */
int bt_ini_read(const char *path, bool secret, struct bt_arena *arena, struct bt_ini_mistakes *m,
                struct bt_ini *ret, struct bt_err *err) BT_MUST_CHECK;

#endif
