/* SPDX-License-Identifier: Apache-2.0 */
/* The option table: what is accepted, what is refused and in which words. */
#include "tests/unit/suite.h"

#include "cli/option.h"

static const char *const formats[] = {"text", "json", NULL};

static struct {
    bool quiet;
    const char *from;
    uint64_t limit, wait_ms;
    int format;
    struct bt_opt_list files;
} opt;

static const struct bt_opt opts[] = {
    {"quiet", 'q', BT_OPT_FLAG, NULL, "write nothing", NULL, &opt.quiet},
    {"from", 's', BT_OPT_STRING, "POS", "start at POS", NULL, &opt.from},
    {"limit", 'n', BT_OPT_SIZE, "N", "stop after N", NULL, &opt.limit},
    {"wait", 0, BT_OPT_SECONDS, "SECONDS", "wait that long", NULL, &opt.wait_ms},
    {"format", 0, BT_OPT_CHOICE, "FORMAT", "text or json", formats, &opt.format},
    {"file", 0, BT_OPT_LIST, "FILE", "a file", NULL, &opt.files},
    {0},
};

static int parse(struct bt_err *err, int argc, char **argv)
{
    int count = -1;

    memset(&opt, 0, sizeof(opt));
    return bt_opt_parse(opts, argc, argv, &count, err) == 0 ? count : -1;
}

#define PARSE(...) \
    parse(&err, (int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)), (char *[]){__VA_ARGS__})

START_TEST(every_form_of_an_option_is_read)
{
    struct bt_err err = {0};

    ck_assert_int_eq(PARSE("cmd", "a", "--from", "4", "-q", "-n2K", "b", "--format=json",
                           "--wait=0.5", "--", "-x"),
                     3);
    ck_assert_str_eq(opt.from, "4");
    ck_assert(opt.quiet && opt.limit == 2048 && opt.format == 1 && opt.wait_ms == 500);
    ck_assert_int_eq(PARSE("cmd", "-qs", "7", "--no-quiet", "--file=a", "--file", "b"), 0);
    ck_assert_str_eq(opt.from, "7");
    ck_assert(!opt.quiet && opt.files.count == 2);
}
END_TEST

START_TEST(what_is_wrong_is_said_with_the_way_out)
{
    struct bt_err err = {0};

    ck_assert_int_eq(PARSE("cmd", "--form=json"), -1);
    ck_assert_str_eq(err.text, "there is no option --form; did you mean --from?");
    ck_assert_int_eq(PARSE("cmd", "--limit", "x"), -1);
    ck_assert_str_eq(err.text, "--limit takes a size such as 4096 or 16M, not \"x\"");
    ck_assert_int_eq(PARSE("cmd", "--format=xml"), -1);
    ck_assert_str_eq(err.text, "--format takes one of text, json, not \"xml\"");
    ck_assert_int_eq(PARSE("cmd", "--from"), -1);
    ck_assert_str_eq(err.text, "--from needs a value (POS)");
    ck_assert_int_eq(PARSE("cmd", "--quiet=1"), -1);
    ck_assert_str_eq(err.text, "--quiet takes no value");
    ck_assert_int_eq(err.kind, BT_ERR_USAGE);
}
END_TEST

START_TEST(help_stays_within_100_columns)
{
    static const struct bt_opt long_one[] = {
        {"a-rather-long-option-name", 'a', BT_OPT_STRING, "A-LONG-VALUE",
         "a sentence that goes on and on, until it has to be wrapped at the hundredth column of a "
         "screen, more than once if need be, because somebody had much to say",
         NULL, NULL},
        {0},
    };
    struct bt_buf out;
    size_t column = 0;

    bt_buf_init(&out, 4096);
    bt_opt_help(long_one, &out);
    for (size_t i = 0; i < out.len; i++) {
        column = out.data[i] == '\n' ? 0 : column + 1;
        ck_assert_uint_le(column, 101); /* a blank may hang over the edge */
    }
    bt_buf_done(&out);
}
END_TEST

BT_SUITE_MAIN("cli option",
              {every_form_of_an_option_is_read, 0},
              {what_is_wrong_is_said_with_the_way_out, 0},
              {help_stays_within_100_columns, 0})
