/* SPDX-License-Identifier: Apache-2.0 */
/* ssh's command line and its last words. */
#include "tests/unit/suite.h"

#include "failover/ssh.h"

static struct bt_host host(void)
{
    return (struct bt_host){.name = "db1",
                            .ssh_host = "192.0.2.1",
                            .ssh_user = "",
                            .ssh_options = "",
                            .node_path = "",
                            .remote_workdir = ""};
}

/* argv as one text. */
static const char *joined(const struct bt_host *h, struct bt_arena *arena)
{
    const char *const *argv;
    const char *text = "";
    struct bt_err err = {0};

    ck_assert_msg(bt_ssh_argv(h, "COMMAND", arena, &argv, &err) == 0, "%s", err.text);
    for (size_t i = 0; argv[i]; i++)
        text = bt_arena_strf(arena, "%s%s[%s]", text, i ? " " : "", argv[i]);
    return text;
}

START_TEST(options_split_as_a_shell_splits_them)
{
    bt_auto_arena struct bt_arena arena;
    struct bt_err err = {0};
    const char **words;
    size_t count;

    bt_arena_init(&arena, 1 << 20);
    ck_assert_int_eq(
        bt_ssh_words("  -i \"/root/a key\"  -o 'X=1 2'\\ 3 \"\"\t-v", &arena, &words, &count, &err),
        0);
    ck_assert_uint_eq(count, 6);
    ck_assert_str_eq(words[0], "-i");
    ck_assert_str_eq(words[1], "/root/a key");
    ck_assert_str_eq(words[3], "X=1 2 3");
    ck_assert_str_eq(words[4], "");
    ck_assert_str_eq(words[5], "-v");
    ck_assert_ptr_null(words[6]);
    ck_assert_int_eq(bt_ssh_words("-i 'open", &arena, &words, &count, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CONFIG);
}
END_TEST

START_TEST(ssh_never_asks_and_gives_up_in_time)
{
    bt_auto_arena struct bt_arena arena;
    struct bt_host h = host();

    bt_arena_init(&arena, 1 << 20);
    ck_assert_str_eq(joined(&h, &arena),
                     "[ssh] [-T] [-o] [BatchMode=yes] [-o] [ConnectTimeout=5] "
                     "[-o] [ServerAliveInterval=5] [-o] [ServerAliveCountMax=3] [--] [192.0.2.1] "
                     "[COMMAND]");
}
END_TEST

START_TEST(the_sites_options_stand_before_ours_and_the_user_and_port_are_given)
{
    bt_auto_arena struct bt_arena arena;
    struct bt_host h = host();

    bt_arena_init(&arena, 1 << 20);
    h.ssh_options = "-F cfg";
    h.ssh_user = "mha";
    h.ssh_port = 2222;
    h.connect_ms = 1500;
    ck_assert_str_eq(
        joined(&h, &arena),
        "[ssh] [-T] [-o] [BatchMode=yes] [-F] [cfg] [-o] [ConnectTimeout=2] "
        "[-o] [ServerAliveInterval=5] [-o] [ServerAliveCountMax=3] [-p] [2222] [-l] [mha] "
        "[--] [192.0.2.1] [COMMAND]");
}
END_TEST

START_TEST(a_host_that_looks_like_an_option_is_refused)
{
    bt_auto_arena struct bt_arena arena;
    const char *const *argv;
    struct bt_host h = host();
    struct bt_err err = {0};

    bt_arena_init(&arena, 1 << 20);
    h.ssh_host = "-oProxyCommand=x";
    ck_assert_int_eq(bt_ssh_argv(&h, "c", &arena, &argv, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CONFIG);
}
END_TEST

START_TEST(a_word_for_the_shell_is_quoted)
{
    bt_auto_arena struct bt_arena arena;

    bt_arena_init(&arena, 1 << 20);
    ck_assert_str_eq(bt_shell_quote("a b", &arena), "'a b'");
    ck_assert_str_eq(bt_shell_quote("it's $x", &arena), "'it'\\''s $x'");
    ck_assert_str_eq(bt_shell_quote("", &arena), "''");
}
END_TEST

static const struct {
    const char *said;
    enum bt_channel_failure why;
} last_words[] = {
    {"ssh: connect to host 10.0.0.1 port 22: Connection refused\r\n", BT_CHANNEL_REFUSED},
    {"ssh: connect to host 10.0.0.1 port 22: Connection timed out", BT_CHANNEL_TIMEOUT},
    {"Connection timed out during banner exchange\r\nConnection to 10.77.0.2 port 22 timed out",
     BT_CHANNEL_TIMEOUT},
    {"Timeout, server db1 not responding.", BT_CHANNEL_TIMEOUT},
    {"ssh: connect to host 10.0.0.1 port 22: No route to host", BT_CHANNEL_UNREACHABLE},
    {"ssh: connect to host 10.0.0.1 port 22: Network is unreachable", BT_CHANNEL_UNREACHABLE},
    {"ssh: Could not resolve hostname nosuch: Name or service not known", BT_CHANNEL_UNRESOLVED},
    {"No ED25519 host key is known for db1.\r\nHost key verification failed.", BT_CHANNEL_HOST_KEY},
    {"root@db1: Permission denied (publickey,password).", BT_CHANNEL_DENIED},
    {"command-line: line 0: Bad configuration option: x", BT_CHANNEL_CONFIG},
    {"something nobody has heard of", BT_CHANNEL_CLOSED},
    {"", BT_CHANNEL_CLOSED},
};

/* _i: an index into last_words. */
START_TEST(what_ssh_says_is_told_apart)
{
    ck_assert_int_eq(bt_ssh_failure(bt_slice_str(last_words[_i].said)), last_words[_i].why);
}
END_TEST

BT_SUITE_MAIN("failover ssh",
              {options_split_as_a_shell_splits_them, 0},
              {ssh_never_asks_and_gives_up_in_time, 0},
              {the_sites_options_stand_before_ours_and_the_user_and_port_are_given, 0},
              {a_host_that_looks_like_an_option_is_refused, 0},
              {a_word_for_the_shell_is_quoted, 0},
              {what_ssh_says_is_told_apart, sizeof(last_words) / sizeof(last_words[0])})
