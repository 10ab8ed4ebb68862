/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mha_options.h - options as MHA's tools take them (Perl's Getopt::Long): --name=value, --name
 * value, one dash or two, any case, any unambiguous beginning of a name.
 *
 * A tool's options are one table.  Each says what becomes of it here: it is TAKEN, it is NOTED
 * (accepted, and the reason why it has no effect is said when it is given), or it is REFUSED with
 * the reason, because ignoring it would do what the caller did not want.  What no table knows, MHA
 * ignores without a word; here it is ignored with one.
 */
#ifndef BT_CLI_MHA_OPTIONS_H
#define BT_CLI_MHA_OPTIONS_H

#include "base/buf.h"

enum bt_mha_effect { BT_MHA_TAKEN, BT_MHA_NOTED, BT_MHA_REFUSED };

struct bt_mha_opt {
    const char *names; /* "workdir|manager_workdir|w": the first is what values are asked by */
    bool has_value;
    enum bt_mha_effect effect;
    const char *why; /* of NOTED and REFUSED; for TAKEN what help says */
};

enum { BT_MHA_OPTS_MAX = 40, BT_MHA_VALUES_MAX = 32 };

struct bt_mha_values {
    const struct bt_mha_opt *opts; /* ends with names NULL */
    struct {
        const char *items[BT_MHA_VALUES_MAX]; /* borrowed from argv; "1" for a flag */
        size_t count;
    } given[BT_MHA_OPTS_MAX];
    bool wants_help, wants_version;
    struct bt_buf ignored; /* what no table knows, by blanks */
};

/* Reads argv[1..].  -1 (BT_ERR_USAGE) on a REFUSED option, an ambiguous one, one without value. */
int bt_mha_options_read(const struct bt_mha_opt *opts, int argc, char **argv,
                        struct bt_mha_values *ret, struct bt_err *err) BT_MUST_CHECK;
void bt_mha_values_done(struct bt_mha_values *values);

/* The last value given by that first name; NULL = not given.  A name that is in no table is our
 * bug. */
const char *bt_mha_value(const struct bt_mha_values *values, const char *name);

/* The same as a flag or a number: fallback when it is not given, or no number. */
uint64_t bt_mha_number(const struct bt_mha_values *values, const char *name, uint64_t fallback);

/* Every one of a repeatable option. */
size_t bt_mha_list(const struct bt_mha_values *values, const char *name,
                   const char *const **ret_items);

/* Lines of --help. */
void bt_mha_options_help(const struct bt_mha_opt *opts, struct bt_buf *out);

#endif
