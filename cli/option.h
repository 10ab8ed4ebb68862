/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option.h - a command's options as one table, from which come the parser, --help,
 * the man page and the shell completion.
 *
 *     static struct { bool json; const char *out; } opt;
 *     static const struct bt_opt opts[] = {
 *         {"json", 0, BT_OPT_FLAG, NULL, "write JSON", NULL, &opt.json},
 *         {"output", 'o', BT_OPT_STRING, "FILE", "write the diff log to FILE", NULL, &opt.out},
 *         {0},
 *     };
 *
 * `--name value`, `--name=value`, `-n value`, `-nvalue`; flags also `--no-name`; `--` ends
 * the options; options and arguments may mix.  No abbreviations.
 */
#ifndef BT_CLI_OPTION_H
#define BT_CLI_OPTION_H

#include "base/buf.h"

enum bt_opt_kind {
    BT_OPT_FLAG,    /* bool */
    BT_OPT_STRING,  /* const char * */
    BT_OPT_UINT,    /* uint64_t, decimal */
    BT_OPT_SIZE,    /* uint64_t, with K M G T */
    BT_OPT_SECONDS, /* uint64_t milliseconds, from "3" or "0.25" */
    BT_OPT_CHOICE,  /* int: index into choices */
    BT_OPT_LIST,    /* struct bt_opt_list: may be given again */
};

enum { BT_OPT_LIST_MAX = 256 };

struct bt_opt_list {
    const char *items[BT_OPT_LIST_MAX]; /* borrowed from argv */
    size_t count;
};

struct bt_opt {
    const char *name; /* long name; NULL ends the table */
    char letter;      /* short name or 0 */
    enum bt_opt_kind kind;
    const char *arg;            /* name of the value in help, NULL for flags */
    const char *help;           /* one sentence, lower case, no full stop */
    const char *const *choices; /* BT_OPT_CHOICE: names, NULL at the end */
    void *value;                /* where it goes, type by kind; holds the default */
};

/* Parses argv[1..] (argv[0] is the command's name).  Arguments that are no options are moved to
 * the front of argv; *ret_count is how many.  Strings borrow from argv. */
int bt_opt_parse(const struct bt_opt *opts, int argc, char **argv, int *ret_count,
                 struct bt_err *err) BT_MUST_CHECK;

/* The table as lines of help, aligned, at most 100 columns. */
void bt_opt_help(const struct bt_opt *opts, struct bt_buf *out);

#endif
