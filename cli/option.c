/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/option.h"

#include "base/nearest.h"
#include "base/number.h"

enum { NAMES_MAX = 128, WORD_MAX = 64, HELP_COLUMN = 30, WIDTH = 88 };

/* ----------------------------------------------------------------- parsing */

static const struct bt_opt *find_long(const struct bt_opt *opts, struct bt_slice name)
{
    for (; opts->name; opts++)
        if (bt_slice_equal_str(name, opts->name))
            return opts;
    return NULL;
}

static const struct bt_opt *find_letter(const struct bt_opt *opts, char letter)
{
    for (; opts->name; opts++)
        if (opts->letter == letter)
            return opts;
    return NULL;
}

static int fail_not_known(const struct bt_opt *opts, const char *typed, struct bt_err *err)
{
    const char *names[NAMES_MAX];
    const char *nearest;
    char word[WORD_MAX];
    size_t len = strcspn(typed, "="), count = 0;

    for (; count < NAMES_MAX && opts[count].name; count++)
        names[count] = opts[count].name;
    if (len >= sizeof(word))
        len = sizeof(word) - 1;
    memcpy(word, typed, len);
    word[len] = '\0';
    nearest = bt_nearest(word, names, count);
    if (nearest)
        return bt_fail(err, BT_ERR_USAGE, "there is no option --%s; did you mean --%s?", word,
                       nearest);
    return bt_fail(err, BT_ERR_USAGE, "there is no option --%s", word);
}

static int store_choice(const struct bt_opt *o, const char *text, struct bt_err *err)
{
    char names[256] = "";

    for (int i = 0; o->choices[i]; i++) {
        if (strcmp(o->choices[i], text) == 0) {
            *(int *)o->value = i;
            return 0;
        }
        strncat(names, i ? ", " : "", sizeof(names) - strlen(names) - 1);
        strncat(names, o->choices[i], sizeof(names) - strlen(names) - 1);
    }
    return bt_fail(err, BT_ERR_USAGE, "--%s takes one of %s, not \"%s\"", o->name, names, text);
}

static int store(const struct bt_opt *o, const char *text, struct bt_err *err)
{
    struct bt_slice s = bt_slice_str(text);
    struct bt_opt_list *list;

    switch (o->kind) {
    case BT_OPT_FLAG:
        *(bool *)o->value = true;
        return 0;
    case BT_OPT_STRING:
        *(const char **)o->value = text;
        return 0;
    case BT_OPT_UINT:
        if (bt_number_u64(s, UINT64_MAX, o->value))
            return 0;
        return bt_fail(err, BT_ERR_USAGE, "--%s takes a whole number, not \"%s\"", o->name, text);
    case BT_OPT_SIZE:
        if (bt_number_size(s, UINT64_MAX, o->value))
            return 0;
        return bt_fail(err, BT_ERR_USAGE, "--%s takes a size such as 4096 or 16M, not \"%s\"",
                       o->name, text);
    case BT_OPT_SECONDS:
        if (bt_number_seconds(s, UINT64_MAX / 4, o->value))
            return 0;
        return bt_fail(err, BT_ERR_USAGE, "--%s takes seconds such as 3 or 0.5, not \"%s\"",
                       o->name, text);
    case BT_OPT_CHOICE:
        return store_choice(o, text, err);
    case BT_OPT_LIST:
        list = o->value;
        if (list->count == BT_OPT_LIST_MAX)
            return bt_fail(err, BT_ERR_USAGE, "--%s is given more than %d times", o->name,
                           BT_OPT_LIST_MAX);
        list->items[list->count++] = text;
        return 0;
    }
    return bt_fail(err, BT_ERR_BUG, "option --%s has no kind", o->name);
}

/* The value of an option: behind "=" or in the next argument. */
static int take_value(const struct bt_opt *o, const char *attached, int argc, char **argv, int *at,
                      struct bt_err *err)
{
    if (o->kind == BT_OPT_FLAG && attached)
        return bt_fail(err, BT_ERR_USAGE, "--%s takes no value", o->name);
    if (o->kind == BT_OPT_FLAG)
        return store(o, "", err);
    if (attached)
        return store(o, attached, err);
    if (*at + 1 >= argc)
        return bt_fail(err, BT_ERR_USAGE, "--%s needs a value (%s)", o->name,
                       o->arg ? o->arg : "VALUE");
    (*at)++;
    return store(o, argv[*at], err);
}

static int parse_long(const struct bt_opt *opts, int argc, char **argv, int *at, struct bt_err *err)
{
    const char *text = argv[*at] + 2;
    const char *equals = strchr(text, '=');
    struct bt_slice name = bt_slice(text, equals ? (size_t)(equals - text) : strlen(text));
    const struct bt_opt *o = find_long(opts, name);

    if (!o && !equals && bt_slice_starts_with(name, "no-")) {
        o = find_long(opts, bt_slice(name.ptr + 3, name.len - 3));
        if (o && o->kind == BT_OPT_FLAG) {
            *(bool *)o->value = false;
            return 0;
        }
        o = NULL;
    }
    if (!o)
        return fail_not_known(opts, text, err);
    return take_value(o, equals ? equals + 1 : NULL, argc, argv, at, err);
}

/* A cluster of letters; the first that takes a value takes the rest. */
static int parse_letters(const struct bt_opt *opts, int argc, char **argv, int *at,
                         struct bt_err *err)
{
    for (const char *p = argv[*at] + 1; *p; p++) {
        const struct bt_opt *o = find_letter(opts, *p);

        if (!o)
            return bt_fail(err, BT_ERR_USAGE, "there is no option -%c", *p);
        if (o->kind != BT_OPT_FLAG)
            return take_value(o, p[1] ? p + 1 : NULL, argc, argv, at, err);
        if (store(o, "", err) != 0)
            return -1;
    }
    return 0;
}

int bt_opt_parse(const struct bt_opt *opts, int argc, char **argv, int *ret_count,
                 struct bt_err *err)
{
    int count = 0;
    bool options_end = false;

    for (int at = 1; at < argc; at++) {
        const char *text = argv[at];

        if (options_end || text[0] != '-' || text[1] == '\0')
            argv[count++] = argv[at];
        else if (strcmp(text, "--") == 0)
            options_end = true;
        else if (text[1] == '-' ? parse_long(opts, argc, argv, &at, err) != 0
                                : parse_letters(opts, argc, argv, &at, err) != 0)
            return -1;
    }
    *ret_count = count;
    return 0;
}

/* -------------------------------------------------------------------- help */

/* Adds text wrapped at WIDTH, continuation lines indented to HELP_COLUMN. */
static void add_wrapped(struct bt_buf *out, const char *text)
{
    size_t column = HELP_COLUMN;

    while (*text) {
        size_t len = strcspn(text, " ");

        if (column + 1 + len > WIDTH) {
            bt_buf_addf(out, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        } else if (column > HELP_COLUMN) {
            bt_buf_add_byte(out, ' ');
            column++;
        }
        bt_buf_add(out, text, len);
        column += len;
        text += len;
        text += strspn(text, " ");
    }
    bt_buf_add_byte(out, '\n');
}

void bt_opt_help(const struct bt_opt *opts, struct bt_buf *out)
{
    for (; opts->name; opts++) {
        size_t begin = out->len;

        if (opts->letter)
            bt_buf_addf(out, "  -%c, --%s", opts->letter, opts->name);
        else
            bt_buf_addf(out, "      --%s", opts->name);
        if (opts->arg)
            bt_buf_addf(out, "=%s", opts->arg);
        if (out->len - begin + 2 > HELP_COLUMN)
            bt_buf_addf(out, "\n%*s", HELP_COLUMN, "");
        else
            bt_buf_addf(out, "%*s", (int)(HELP_COLUMN - (out->len - begin)), "");
        add_wrapped(out, opts->help);
    }
}
