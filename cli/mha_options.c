/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/mha_options.h"

#include <assert.h>
#include <stdio.h>
#include <strings.h>

#include "base/number.h"

/* ------------------------------------------------------------------- names */

enum match { MATCH_NONE, MATCH_BEGINNING, MATCH_WHOLE };

/* How name, of len bytes, fits one of "a|b|c". */
static enum match names_match(const char *names, const char *name, size_t len)
{
    enum match best = MATCH_NONE;

    while (*names) {
        size_t n = strcspn(names, "|");

        if (n == len && strncasecmp(names, name, len) == 0)
            return MATCH_WHOLE;
        if (n > len && strncasecmp(names, name, len) == 0)
            best = MATCH_BEGINNING;
        names += n + (names[n] == '|');
    }
    return best;
}

static size_t first_name_length(const struct bt_mha_opt *o)
{
    return strcspn(o->names, "|");
}

/* The option meant; -1 none, -2 several. */
static int option_find(const struct bt_mha_opt *opts, const char *name, size_t len)
{
    int found = -1;

    for (int i = 0; opts[i].names; i++) {
        enum match match = names_match(opts[i].names, name, len);

        if (match == MATCH_WHOLE)
            return i;
        if (match == MATCH_BEGINNING)
            found = found == -1 ? i : -2;
    }
    return found;
}

static int index_of(const struct bt_mha_values *values, const char *name)
{
    int i = 0;

    while (values->opts[i].names &&
           !(first_name_length(&values->opts[i]) == strlen(name) &&
             strncmp(values->opts[i].names, name, strlen(name)) == 0))
        i++;
    assert(values->opts[i].names); /* the tool asks for what is in its own table */
    return i;
}

/* ----------------------------------------------------------------- reading */

static int refuse(const struct bt_mha_opt *o, struct bt_err *err)
{
    return bt_fail(err, BT_ERR_USAGE, "--%.*s is not supported: %s", (int)first_name_length(o),
                   o->names, o->why);
}

static int take(struct bt_mha_values *v, int i, const char *value, struct bt_err *err)
{
    const struct bt_mha_opt *o = &v->opts[i];

    if (o->effect == BT_MHA_REFUSED && strcmp(value, "0") != 0)
        return refuse(o, err);
    if (v->given[i].count == BT_MHA_VALUES_MAX)
        return bt_fail(err, BT_ERR_USAGE, "--%.*s is given more than %d times",
                       (int)first_name_length(o), o->names, BT_MHA_VALUES_MAX);
    v->given[i].items[v->given[i].count++] = value;
    return 0;
}

static int read_one(struct bt_mha_values *v, int argc, char **argv, int *at, struct bt_err *err)
{
    const char *name = argv[*at] + (argv[*at][1] == '-' ? 2 : 1);
    size_t len = strcspn(name, "=");
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    int i = option_find(v->opts, name, len);

    if (i == -2)
        return bt_fail(err, BT_ERR_USAGE, "--%.*s is the beginning of several options", (int)len,
                       name);
    if (i == -1 && len == 4 && strncasecmp(name, "help", 4) == 0) {
        v->wants_help = true;
        return 0;
    }
    if (i == -1 && len == 7 && strncasecmp(name, "version", 7) == 0) {
        v->wants_version = true;
        return 0;
    }
    if (i == -1) { /* its value may be a secret */
        bt_buf_addf(&v->ignored, "%s--%.*s", v->ignored.len ? " " : "", (int)len, name);
        return 0;
    }
    if (!v->opts[i].has_value)
        return take(v, i, value ? value : "1", err);
    if (!value && *at + 1 >= argc)
        return bt_fail(err, BT_ERR_USAGE, "--%.*s needs a value", (int)len, name);
    return take(v, i, value ? value : argv[++*at], err);
}

int bt_mha_options_read(const struct bt_mha_opt *opts, int argc, char **argv,
                        struct bt_mha_values *ret, struct bt_err *err)
{
    *ret = (struct bt_mha_values){.opts = opts};
    bt_buf_init(&ret->ignored, 1 << 16);
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "--") == 0)
            break;
        if (argv[at][0] != '-' || argv[at][1] == '\0')
            bt_buf_addf(&ret->ignored, "%s%s", ret->ignored.len ? " " : "", argv[at]);
        else if (read_one(ret, argc, argv, &at, err) != 0) {
            bt_mha_values_done(ret);
            return -1;
        }
    }
    return 0;
}

void bt_mha_values_done(struct bt_mha_values *values)
{
    bt_buf_done(&values->ignored);
}

/* ------------------------------------------------------------------- asking */

const char *bt_mha_value(const struct bt_mha_values *values, const char *name)
{
    int i = index_of(values, name);
    size_t count = values->given[i].count;

    return count ? values->given[i].items[count - 1] : NULL;
}

uint64_t bt_mha_number(const struct bt_mha_values *values, const char *name, uint64_t fallback)
{
    const char *text = bt_mha_value(values, name);
    uint64_t number;

    return text && bt_number_u64(bt_slice_str(text), UINT64_MAX, &number) ? number : fallback;
}

size_t bt_mha_list(const struct bt_mha_values *values, const char *name,
                   const char *const **ret_items)
{
    int i = index_of(values, name);

    *ret_items = values->given[i].items;
    return values->given[i].count;
}

/* --------------------------------------------------------------------- help */

void bt_mha_options_help(const struct bt_mha_opt *opts, struct bt_buf *out)
{
    for (; opts->names; opts++) {
        bt_buf_addf(out, "  --%.*s%s\n", (int)first_name_length(opts), opts->names,
                    opts->has_value ? "=VALUE" : "");
        if (opts->names[first_name_length(opts)])
            bt_buf_addf(out, "        also: %s\n", opts->names + first_name_length(opts) + 1);
        bt_buf_addf(out, "        %s%s\n",
                    opts->effect == BT_MHA_NOTED     ? "no effect: "
                    : opts->effect == BT_MHA_REFUSED ? "refused: "
                                                     : "",
                    opts->why);
    }
}
