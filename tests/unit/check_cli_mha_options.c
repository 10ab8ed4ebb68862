/* SPDX-License-Identifier: Apache-2.0 */
/* Options as Perl's Getopt::Long reads them for MHA's tools. */
#include <stdio.h>

#include "cli/mha_options.h"
#include "tests/unit/suite.h"

static const struct bt_mha_opt opts[] = {
    {"conf", true, BT_MHA_TAKEN, "a file"},
    {"workdir|manager_workdir", true, BT_MHA_TAKEN, "a folder"},
    {"ignore_last_failover", false, BT_MHA_TAKEN, "a flag"},
    {"ignore_fail_on_start", false, BT_MHA_NOTED, "it always is"},
    {"secondary_host|s", true, BT_MHA_TAKEN, "a list"},
    {"port", true, BT_MHA_TAKEN, "a number"},
    {"skip_change_master", false, BT_MHA_REFUSED, "that is not wanted"},
    {NULL, false, BT_MHA_TAKEN, NULL},
};

static struct bt_mha_values values;
static struct bt_err err;

/* The words behind the tool's name, NULL at the end. */
static int read_words(const char *const *words)
{
    char *argv[16] = {NULL};
    static char room[16][64];
    int argc = 1;

    snprintf(room[0], sizeof(room[0]), "masterha_manager");
    argv[0] = room[0];
    for (; words[argc - 1]; argc++) {
        snprintf(room[argc], sizeof(room[argc]), "%s", words[argc - 1]);
        argv[argc] = room[argc];
    }
    bt_err_clear(&err);
    return bt_mha_options_read(opts, argc, argv, &values, &err);
}

#define READ(...) read_words((const char *const[]){__VA_ARGS__, NULL})

START_TEST(values_stand_behind_an_equals_sign_or_in_the_next_word)
{
    ck_assert_int_eq(READ("--conf=a=b", "--workdir", "/w", "-port", "7"), 0);
    ck_assert_str_eq(bt_mha_value(&values, "conf"), "a=b");
    ck_assert_str_eq(bt_mha_value(&values, "workdir"), "/w");
    ck_assert_uint_eq(bt_mha_number(&values, "port", 3306), 7);
    bt_mha_values_done(&values);
}
END_TEST

START_TEST(an_alias_is_the_option_and_the_last_value_counts)
{
    ck_assert_int_eq(READ("--workdir=/a", "--manager_workdir=/b"), 0);
    ck_assert_str_eq(bt_mha_value(&values, "workdir"), "/b");
    bt_mha_values_done(&values);
}
END_TEST

START_TEST(a_beginning_will_do_when_it_means_one_option)
{
    ck_assert_int_eq(READ("--ignore_last", "--man=/w", "--CONF=x"), 0);
    ck_assert_ptr_nonnull(bt_mha_value(&values, "ignore_last_failover"));
    ck_assert_str_eq(bt_mha_value(&values, "workdir"), "/w");
    ck_assert_str_eq(bt_mha_value(&values, "conf"), "x");
    bt_mha_values_done(&values);
    ck_assert_int_eq(READ("--ignore"), -1);
    ck_assert_str_eq(err.text, "--ignore is the beginning of several options");
}
END_TEST

START_TEST(a_whole_name_wins_over_longer_ones)
{
    const char *const *hosts;

    ck_assert_int_eq(READ("-s", "h1", "--secondary_host=h2"), 0);
    ck_assert_uint_eq(bt_mha_list(&values, "secondary_host", &hosts), 2);
    ck_assert_str_eq(hosts[1], "h2");
    bt_mha_values_done(&values);
}
END_TEST

START_TEST(what_no_table_knows_is_kept_by_name_without_its_value)
{
    ck_assert_int_eq(READ("--password=secret", "word", "--conf=x"), 0);
    ck_assert_str_eq(bt_buf_str(&values.ignored), "--password word");
    ck_assert_str_eq(bt_mha_value(&values, "conf"), "x");
    bt_mha_values_done(&values);
}
END_TEST

START_TEST(a_refused_option_ends_it_unless_it_is_switched_off)
{
    ck_assert_int_eq(READ("--skip_change_master"), -1);
    ck_assert_str_eq(err.text, "--skip_change_master is not supported: that is not wanted");
    ck_assert_int_eq(READ("--skip_change_master=0"), 0);
    bt_mha_values_done(&values);
}
END_TEST

START_TEST(a_missing_value_is_said_and_a_wrong_number_is_the_default)
{
    ck_assert_int_eq(READ("--conf"), -1);
    ck_assert_str_eq(err.text, "--conf needs a value");
    ck_assert_int_eq(READ("--port=many"), 0);
    ck_assert_uint_eq(bt_mha_number(&values, "port", 3306), 3306);
    ck_assert_ptr_null(bt_mha_value(&values, "conf"));
    bt_mha_values_done(&values);
}
END_TEST

BT_SUITE_MAIN("cli mha options", {values_stand_behind_an_equals_sign_or_in_the_next_word, 0},
              {an_alias_is_the_option_and_the_last_value_counts, 0},
              {a_beginning_will_do_when_it_means_one_option, 0},
              {a_whole_name_wins_over_longer_ones, 0},
              {what_no_table_knows_is_kept_by_name_without_its_value, 0},
              {a_refused_option_ends_it_unless_it_is_switched_off, 0},
              {a_missing_value_is_said_and_a_wrong_number_is_the_default, 0})
