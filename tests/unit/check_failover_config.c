/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: MHA's grammar, its layers and order, and every mistake with its line. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "failover/config_show.h"
#include "tests/unit/suite.h"

static struct bt_arena arena;
static struct bt_config_notes notes;
static struct bt_config config;
static struct bt_err err;

static int resolve_for_test(const char *host, char ret[static BT_ADDRESS_TEXT_SIZE],
                            struct bt_err *e)
{
    if (strcmp(host, "nowhere") == 0)
        return bt_fail(e, BT_ERR_REALITY, "Name or service not known");
    snprintf(ret, BT_ADDRESS_TEXT_SIZE, "192.0.2.%d", host[strlen(host) - 1] - '0');
    return 0;
}

static int parse(const char *global, const char *app)
{
    struct bt_config_opts opts = {.path = "/etc/app1.cnf", .resolve = resolve_for_test};

    bt_arena_done(&arena);
    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    bt_config_notes_done(&notes);
    bt_config_notes_init(&notes);
    bt_err_clear(&err);
    return bt_config_parse(&opts, bt_slice_str(global), bt_slice_str(app), &arena, &notes, &config,
                           &err);
}

static const char *mistakes(void)
{
    return bt_buf_str(&notes.mistakes.text);
}

#define TWO "[server1]\nhostname=db1\n[server2]\nhostname=db2\n"

START_TEST(an_mha_file_is_read_with_its_defaults)
{
    ck_assert_int_eq(parse("", "[server default]\nuser=mha\npassword=p#w;d\n" TWO), 0);
    ck_assert_uint_eq(config.server_count, 2);
    ck_assert_str_eq(config.app, "app1");
    ck_assert_str_eq(config.servers[0].hostname, "db1");
    ck_assert_str_eq(config.servers[0].ip, "192.0.2.1");
    ck_assert_str_eq(config.servers[0].name, "db1(192.0.2.1:3306)");
    ck_assert_uint_eq(config.servers[0].port, 3306);
    ck_assert_uint_eq(config.servers[0].ssh_port, 22);
    ck_assert_str_eq(bt_setting_text(config.servers[1].settings, BT_CONF_USER), "mha");
    ck_assert_str_eq(bt_setting_text(config.servers[1].settings, BT_CONF_PASSWORD), "p#w;d");
    ck_assert_uint_eq(bt_setting_number(config.settings, BT_CONF_PING_INTERVAL), 3000);
    ck_assert_uint_eq(bt_setting_number(config.settings, BT_CONF_FENCE_POLICY),
                      BT_FENCE_BEST_EFFORT);
    ck_assert_str_eq(config.workdir, "/var/tmp");
}
END_TEST

START_TEST(the_later_layer_wins)
{
    ck_assert_int_eq(
        parse(
            "[server default]\nport=1\nuser=a\nssh_user=g\n",
            "[server "
            "default]\nport=2\nuser=b\n[server1]\nhostname=db1\nport=3\n[server2]\nhostname=db2\n"),
        0);
    ck_assert_uint_eq(config.servers[0].port, 3);
    ck_assert_uint_eq(config.servers[1].port, 2);
    ck_assert_str_eq(bt_setting_text(config.servers[1].settings, BT_CONF_USER), "b");
    ck_assert_str_eq(config.servers[0].ssh_user, "g");
    ck_assert_uint_eq(config.servers[0].settings[BT_CONF_PORT].line, 6);
}
END_TEST

START_TEST(four_keys_of_mha_are_not_inherited_and_it_is_said)
{
    ck_assert_int_eq(
        parse("", "[server default]\ncandidate_master=1\nno_master=1\nignore_fail=1\n" TWO), 0);
    ck_assert(!config.servers[0].candidate_master);
    ck_assert(!config.servers[0].no_master);
    ck_assert(!config.servers[0].ignore_fail);
    ck_assert_uint_eq(notes.warnings.count, 3);
    ck_assert_ptr_nonnull(
        strstr(bt_buf_str(&notes.warnings.text),
               "/etc/app1.cnf:2: candidate_master has no effect in [server default]"));
}
END_TEST

START_TEST(servers_are_ordered_by_number_when_all_have_one)
{
    ck_assert_int_eq(
        parse("",
              "[server10]\nhostname=db1\n[server2]\nhostname=db2\n[server_db1]\nhostname=db3\n"),
        0);
    ck_assert_str_eq(config.servers[0].block, "server_db1");
    ck_assert_str_eq(config.servers[1].block, "server2");
    ck_assert_str_eq(config.servers[2].block, "server10");
}
END_TEST

START_TEST(servers_are_ordered_as_text_when_one_has_no_number)
{
    ck_assert_int_eq(
        parse("", "[server10]\nhostname=db1\n[server2]\nhostname=db2\n[serverx]\nhostname=db3\n"),
        0);
    ck_assert_str_eq(config.servers[0].block, "server10");
    ck_assert_str_eq(config.servers[1].block, "server2");
    ck_assert_str_eq(config.servers[2].block, "serverx");
}
END_TEST

START_TEST(the_grammar_traps_of_mha_hold)
{
    ck_assert_int_eq(
        parse("",
              "; comment\n  # another\n[server default]\n user = mha ; the admin\n"
              "password=\"a b\"\nremote_workdir=/x;y\nssh_options=\"-o 'A=b'\"\nmanager_log=abc\"\n"
              "repl_user=\"abc\nrepl_password=\"\"\nssh_user=root # not a comment\n" TWO),
        0);
    ck_assert_str_eq(bt_setting_text(config.settings, BT_CONF_USER), "mha");
    ck_assert_str_eq(bt_setting_text(config.settings, BT_CONF_PASSWORD), "a b");
    ck_assert_str_eq(bt_setting_text(config.settings, BT_CONF_REMOTE_WORKDIR), "/x;y");
    ck_assert_str_eq(bt_setting_text(config.settings, BT_CONF_SSH_OPTIONS), "-o A=b");
    ck_assert_str_eq(bt_setting_text(config.settings, BT_CONF_MANAGER_LOG), "abc");
    ck_assert_str_eq(bt_setting_text(config.settings, BT_CONF_REPL_USER), "\"abc");
    ck_assert_str_eq(bt_setting_text(config.settings, BT_CONF_REPL_PASSWORD), "");
    ck_assert_str_eq(bt_setting_text(config.settings, BT_CONF_SSH_USER), "root # not a comment");
}
END_TEST

START_TEST(a_hash_behind_a_port_is_part_of_it_and_refused)
{
    ck_assert_int_eq(parse("", "[server1]\nhostname=db1\nport=3306 # main\n"), -1);
    ck_assert_str_eq(mistakes(),
                     "/etc/app1.cnf:3: port is \"3306 # main\", allowed are 1 to 65535\n");
}
END_TEST

START_TEST(server_default_with_an_underscore_is_a_server_without_hostname)
{
    ck_assert_int_eq(parse("", "[server_default]\nuser=x\n" TWO), -1);
    ck_assert_str_eq(mistakes(), "/etc/app1.cnf:1: [server_default] has no hostname\n");
}
END_TEST

START_TEST(the_same_section_twice_merges)
{
    ck_assert_int_eq(
        parse("", "[server1]\nhostname=db1\n[server2]\nhostname=db2\n[server1]\nport=77\n"), 0);
    ck_assert_uint_eq(config.server_count, 2);
    ck_assert_uint_eq(config.servers[0].port, 77);
}
END_TEST

START_TEST(every_mistake_is_reported_at_once_with_its_line)
{
    ck_assert_int_eq(
        parse("",
              "user=early\n[server default]\nuserr=x\nping_type=PONG\nping_interval=0\nno equals\n"
              "vip=192.0.2.9\nvip_interface=eth0\n[database1]\nhostname=x\n[server1]\nhostname="
              "nowhere\n[server2]\nport=0\n"),
        -1);
    ck_assert_str_eq(
        mistakes(),
        "/etc/app1.cnf:1: \"user\" stands before the first [section]\n"
        "/etc/app1.cnf:6: expected key=value or [section], found \"no equals\"\n"
        "/etc/app1.cnf:9: [database1] is no section; allowed are [server default], [serverNAME] "
        "and "
        "[binlogNAME]\n"
        "/etc/app1.cnf:3: there is no parameter \"userr\"; did you mean \"user\"?\n"
        "/etc/app1.cnf:4: ping_type is \"PONG\", allowed are SELECT, CONNECT, INSERT\n"
        "/etc/app1.cnf:5: ping_interval is \"0\", allowed are 0.1 to 86400 seconds\n"
        "/etc/app1.cnf:7: vip: \"192.0.2.9\" has no prefix length, write it as ADDRESS/PREFIX "
        "(10.0.0.9/24)\n"
        "/etc/app1.cnf:12: could not resolve host \"nowhere\": Name or service not known\n"
        "/etc/app1.cnf:14: port is \"0\", allowed are 1 to 65535\n"
        "/etc/app1.cnf:13: [server2] has no hostname\n");
    ck_assert_int_eq(err.kind, BT_ERR_CONFIG);
    ck_assert_str_eq(err.text, "\"/etc/app1.cnf\" has 10 mistakes");
}
END_TEST

START_TEST(two_blocks_of_one_server_are_refused)
{
    ck_assert_int_eq(parse("", "[server1]\nhostname=db1\n[server2]\nhostname=db1\n"), -1);
    ck_assert_str_eq(
        mistakes(), "/etc/app1.cnf:4: [server2] is the same server as [server1]: 192.0.2.1:3306\n");
}
END_TEST

START_TEST(a_file_without_servers_is_refused)
{
    ck_assert_int_eq(parse("", "[server default]\nuser=x\n"), -1);
    ck_assert_str_eq(mistakes(), "/etc/app1.cnf: there is no [serverN] section\n");
}
END_TEST

START_TEST(vips_are_several_of_both_families)
{
    char text[BT_VIP_TEXT_SIZE];

    ck_assert_int_eq(
        parse("",
              "[server default]\nvip=192.0.2.9/24, 2001:db8::0009/64\nvip_interface=ens34\n" TWO),
        0);
    ck_assert_uint_eq(config.vip_count, 2);
    ck_assert_str_eq(bt_vip_text(&config.vips[0], text), "192.0.2.9/24");
    ck_assert_str_eq(bt_vip_text(&config.vips[1], text), "2001:db8::9/64");
    ck_assert_str_eq(bt_setting_text(config.servers[1].settings, BT_CONF_VIP_INTERFACE), "ens34");
}
END_TEST

START_TEST(a_vip_needs_an_interface_on_every_server)
{
    ck_assert_int_eq(
        parse("", "[server default]\nvip=192.0.2.9/24\n[server1]\nhostname=db1\nvip_interface=a\n"
                  "[server2]\nhostname=db2\n"),
        -1);
    ck_assert_str_eq(mistakes(),
                     "/etc/app1.cnf:2: vip is set, but there is no vip_interface for [server2]\n");
}
END_TEST

static const char *const wrong_vips[] = {"192.0.2.9/33", "192.0.2.9/0", "192.0.2/24",
                                         "2001:db8::1/129", "x/8", "/24"};

START_TEST(a_wrong_vip_is_refused)
{
    char text[256];

    snprintf(text, sizeof(text), "[server default]\nvip=%s\nvip_interface=a\n" TWO, wrong_vips[_i]);
    ck_assert_int_eq(parse("", text), -1);
    ck_assert_uint_eq(notes.mistakes.count, 1);
    ck_assert_ptr_nonnull(strstr(mistakes(), "/etc/app1.cnf:2: vip: "));
}
END_TEST

START_TEST(a_fraction_of_a_ping_interval_is_ours_and_accepted)
{
    ck_assert_int_eq(parse("", "[server default]\nping_interval=0.1\n" TWO), 0);
    ck_assert_uint_eq(bt_setting_number(config.settings, BT_CONF_PING_INTERVAL), 100);
}
END_TEST

START_TEST(check_repl_delay_is_the_candidates_own)
{
    ck_assert_int_eq(
        parse("", "[server1]\nhostname=db1\ncheck_repl_delay=0\n[server2]\nhostname=db2\n"), 0);
    ck_assert_uint_eq(bt_setting_number(config.servers[0].settings, BT_CONF_CHECK_REPL_DELAY), 0);
    ck_assert_uint_eq(bt_setting_number(config.servers[1].settings, BT_CONF_CHECK_REPL_DELAY), 1);
    ck_assert_uint_eq(notes.warnings.count, 0);
}
END_TEST

START_TEST(a_server_is_found_by_name_address_or_block)
{
    size_t found = 99;

    ck_assert_int_eq(parse("", TWO), 0);
    ck_assert_int_eq(bt_config_find(&config, "db2", &found, &err), 0);
    ck_assert_uint_eq(found, 1);
    ck_assert_int_eq(bt_config_find(&config, "192.0.2.1:3306", &found, &err), 0);
    ck_assert_uint_eq(found, 0);
    ck_assert_int_eq(bt_config_find(&config, "server2", &found, &err), 0);
    ck_assert_uint_eq(found, 1);
    ck_assert_int_eq(bt_config_find(&config, "db2:3307", &found, &err), -1);
    ck_assert_int_eq(bt_config_find(&config, "db9", &found, &err), -1);
    ck_assert_str_eq(err.text, "\"db9\" is no server of /etc/app1.cnf");
}
END_TEST

START_TEST(a_host_with_two_servers_needs_a_port)
{
    size_t found = 99;

    ck_assert_int_eq(parse("", "[server1]\nhostname=db1\n[server2]\nhostname=db1\nport=3307\n"), 0);
    ck_assert_int_eq(bt_config_find(&config, "db1", &found, &err), -1);
    ck_assert_int_eq(bt_config_find(&config, "db1:3307", &found, &err), 0);
    ck_assert_uint_eq(found, 1);
}
END_TEST

START_TEST(secrets_are_not_shown)
{
    bt_auto_buf struct bt_buf out;

    bt_buf_init(&out, 1 << 20);
    ck_assert_int_eq(parse("", "[server default]\npassword=geheim1\nrepl_password=geheim2\n" TWO),
                     0);
    bt_config_show(&config, &out);
    ck_assert_ptr_null(strstr(bt_buf_str(&out), "geheim"));
    ck_assert_ptr_nonnull(strstr(bt_buf_str(&out), "password=xxx  ; /etc/app1.cnf:2\n"));
    ck_assert_ptr_nonnull(strstr(bt_buf_str(&out), "ping_interval=3  ; default\n"));
}
END_TEST

START_TEST(a_mistake_near_a_secret_does_not_show_it)
{
    ck_assert_int_eq(parse("", "[server default]\npasswordd=geheim\n" TWO), -1);
    ck_assert_ptr_null(strstr(mistakes(), "geheim"));
    ck_assert_ptr_nonnull(strstr(mistakes(), "did you mean \"password\"?"));
}
END_TEST

/* ------------------------------------------------------------------ real files */

static int load_file(const char *text, mode_t mode)
{
    char path[] = "/tmp/bt-config-XXXXXX";
    struct bt_config_opts opts = {
        .path = path, .global_path = "/nonexistent/x.cnf", .resolve = resolve_for_test};
    int fd = mkstemp(path);
    int rc;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    bt_config_notes_init(&notes);
    rc = bt_config_load(&opts, &arena, &notes, &config, &err);
    unlink(path);
    return rc;
}

START_TEST(a_file_that_everybody_may_read_is_refused)
{
    ck_assert_int_eq(load_file(TWO, 0644), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "can be read by everybody and holds passwords"));
}
END_TEST

START_TEST(a_missing_global_file_is_only_said)
{
    ck_assert_int_eq(load_file(TWO, 0600), 0);
    ck_assert_uint_eq(notes.warnings.count, 1);
    ck_assert_ptr_nonnull(strstr(bt_buf_str(&notes.warnings.text),
                                 "Global configuration file /nonexistent/x.cnf not found"));
}
END_TEST

START_TEST(a_missing_file_is_refused)
{
    struct bt_config_opts opts = {.path = "/nonexistent/app1.cnf",
                                  .global_path = "/nonexistent/x.cnf"};

    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    bt_config_notes_init(&notes);
    ck_assert_int_eq(bt_config_load(&opts, &arena, &notes, &config, &err), -1);
    ck_assert_str_eq(
        err.text,
        "configuration: could not open \"/nonexistent/app1.cnf\": No such file or directory");
}
END_TEST

START_TEST(the_load_script_lies_over_the_applications_defaults)
{
    ck_assert_int_eq(
        load_file(
            "[server default]\nuser=a\npassword=b\ninit_conf_load_script=echo password=c\n" TWO,
            0600),
        0);
    ck_assert_str_eq(bt_setting_text(config.settings, BT_CONF_USER), "a");
    ck_assert_str_eq(bt_setting_text(config.settings, BT_CONF_PASSWORD), "c");
}
END_TEST

START_TEST(a_failing_load_script_is_an_error)
{
    ck_assert_int_eq(load_file("[server default]\ninit_conf_load_script=exit 3\n" TWO, 0600), -1);
    ck_assert_str_eq(err.text, "init_conf_load_script ended with 3");
}
END_TEST

BT_SUITE_MAIN("failover config",
              {an_mha_file_is_read_with_its_defaults, 0},
              {the_later_layer_wins, 0},
              {four_keys_of_mha_are_not_inherited_and_it_is_said, 0},
              {servers_are_ordered_by_number_when_all_have_one, 0},
              {servers_are_ordered_as_text_when_one_has_no_number, 0},
              {the_grammar_traps_of_mha_hold, 0},
              {a_hash_behind_a_port_is_part_of_it_and_refused, 0},
              {server_default_with_an_underscore_is_a_server_without_hostname, 0},
              {the_same_section_twice_merges, 0},
              {every_mistake_is_reported_at_once_with_its_line, 0},
              {two_blocks_of_one_server_are_refused, 0},
              {a_file_without_servers_is_refused, 0},
              {vips_are_several_of_both_families, 0},
              {a_vip_needs_an_interface_on_every_server, 0},
              {a_wrong_vip_is_refused, (int)(sizeof(wrong_vips) / sizeof(wrong_vips[0]))},
              {a_fraction_of_a_ping_interval_is_ours_and_accepted, 0},
              {check_repl_delay_is_the_candidates_own, 0},
              {a_server_is_found_by_name_address_or_block, 0},
              {a_host_with_two_servers_needs_a_port, 0},
              {secrets_are_not_shown, 0},
              {a_mistake_near_a_secret_does_not_show_it, 0},
              {a_file_that_everybody_may_read_is_refused, 0},
              {a_missing_global_file_is_only_said, 0},
              {a_missing_file_is_refused, 0},
              {the_load_script_lies_over_the_applications_defaults, 0},
              {a_failing_load_script_is_an_error, 0})
