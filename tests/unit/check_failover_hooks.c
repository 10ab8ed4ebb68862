/* SPDX-License-Identifier: Apache-2.0 */
/* MHA's hook scripts get MHA's words; the journal says what was cut off. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "failover/hooks.h"
#include "failover/journal.h"
#include "failover/resume.h"
#include "tests/unit/suite.h"

static struct bt_arena arena;
static struct bt_config_notes notes;
static struct bt_config config;
static struct bt_err err;
static char dir[] = "/tmp/bt-hooks-XXXXXX";

static int resolve_for_test(const char *host, char ret[static BT_ADDRESS_TEXT_SIZE],
                            struct bt_err *e)
{
    (void)e;
    snprintf(ret, BT_ADDRESS_TEXT_SIZE, "192.0.2.%c", host[strlen(host) - 1]);
    return 0;
}

static void configure(const char *text)
{
    struct bt_config_opts opts = {.path = "/etc/app1.cnf", .resolve = resolve_for_test};

    bt_arena_done(&arena); /* of the call before */
    bt_config_notes_done(&notes);
    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    bt_config_notes_init(&notes);
    ck_assert_int_eq(
        bt_config_parse(&opts, bt_slice_empty(), bt_slice_str(text), &arena, &notes, &config, &err),
        0);
}

static const char plain[] = "[server default]\nuser=mha\npassword=pw\nssh_user=root\n"
                            "[server1]\nhostname=db1\n[server2]\nhostname=db2\n";
static const char special[] =
    "[server default]\nuser=mha\npassword=p'#w$d\nssh_user=op\nssh_port=2222\n"
    "ssh_options=-i /k\nmaster_pid_file=/run/m.pid\n"
    "[server1]\nhostname=db1\nssh_host=adm1\n[server2]\nhostname=db2\n";

static struct bt_buf out;

#define OPTIONS(call) (bt_buf_done(&out), bt_buf_init(&out, 1 << 16), (call), bt_buf_str(&out))

START_TEST(the_address_leaves_with_mhas_options)
{
    configure(plain);
    ck_assert_str_eq(OPTIONS(bt_hook_options_stop(&config, 0, true, &out)),
                     " --orig_master_host=db1 --orig_master_ip=192.0.2.1 --orig_master_port=3306 "
                     "--command=stopssh --ssh_user=root");
    ck_assert_str_eq(OPTIONS(bt_hook_options_stop(&config, 0, false, &out)),
                     " --orig_master_host=db1 --orig_master_ip=192.0.2.1 --orig_master_port=3306 "
                     "--command=stop");
}
END_TEST

START_TEST(the_address_comes_with_mhas_options)
{
    configure(plain);
    ck_assert_str_eq(
        OPTIONS(bt_hook_options_start(&config, 0, 1, &out)),
        " --command=start --ssh_user=root --orig_master_host=db1 --orig_master_ip=192.0.2.1 "
        "--orig_master_port=3306 --new_master_host=db2 --new_master_ip=192.0.2.2 "
        "--new_master_port=3306 --new_master_user='mha' --new_master_password='pw'");
}
END_TEST

START_TEST(a_status_call_has_mhas_options)
{
    configure(plain);
    ck_assert_str_eq(
        OPTIONS(bt_hook_options_status(&config, BT_CONF_MASTER_IP_FAILOVER_SCRIPT, 0, &out)),
        " --command=status --ssh_user=root --orig_master_host=db1 --orig_master_ip=192.0.2.1 "
        "--orig_master_port=3306");
    ck_assert_str_eq(OPTIONS(bt_hook_options_status(&config, BT_CONF_SHUTDOWN_SCRIPT, 0, &out)),
                     " --command=status --ssh_user=root --host=db1 --ip=192.0.2.1");
    configure(special);
    ck_assert_str_eq(
        OPTIONS(bt_hook_options_status(&config, BT_CONF_SHUTDOWN_SCRIPT, 0, &out)),
        " --command=status --ssh_user=op --host=db1 --ip=192.0.2.1 --ssh_host=adm1 "
        "--ssh_ip=192.0.2.1 --ssh_port=2222 --ssh_options='-o StrictHostKeyChecking=no "
        "-o PasswordAuthentication=no -o BatchMode=yes -i /k'");
}
END_TEST

/* master_ip_failover_script that ends with _i. */
START_TEST(a_status_other_than_0_is_a_failure)
{
    enum bt_hook_result result = BT_HOOK_ABSENT;
    char text[512];

    snprintf(text, sizeof(text),
             "[server default]\nmaster_ip_failover_script=sh -c \"exit %d\" x\n"
             "[server1]\nhostname=db1\n",
             _i);
    configure(text);
    ck_assert_int_eq(
        bt_hook_status(&config, BT_CONF_MASTER_IP_FAILOVER_SCRIPT, 0, &result, &err),
        _i ? -1 : 0);
    if (_i == 0)
        ck_assert_int_eq(result, BT_HOOK_DONE);
}
END_TEST

START_TEST(ssh_extras_come_only_where_they_differ)
{
    configure(special);
    ck_assert_str_eq(OPTIONS(bt_hook_options_shutdown(&config, 0, true, &out)),
                     " --command=stopssh --ssh_user=op --host=db1 --ip=192.0.2.1 --port=3306 "
                     "--pid_file=/run/m.pid "
                     "--ssh_host=adm1 --ssh_ip=192.0.2.1 --ssh_port=2222 --ssh_options='-o "
                     "StrictHostKeyChecking=no "
                     "-o PasswordAuthentication=no -o BatchMode=yes -i /k'");
}
END_TEST

START_TEST(the_report_names_replicas_only_when_there_are_some)
{
    configure(plain);
    ck_assert_str_eq(OPTIONS(bt_hook_options_report(&config, 0, 1, "db3,db4", "s", "it's b", &out)),
                     " --orig_master_host=db1 --new_master_host=db2 --new_slave_hosts=db3,db4 "
                     "--conf=/etc/app1.cnf "
                     "--subject='s' --body='it'\\''s b'");
    ck_assert_str_eq(OPTIONS(bt_hook_options_report(&config, 0, SIZE_MAX, "", "s", "b", &out)),
                     " --orig_master_host=db1 --conf=/etc/app1.cnf --subject='s' --body='b'");
}
END_TEST

START_TEST(a_script_gets_each_word_as_it_was)
{
    enum bt_hook_result result;
    char text[2048], path[128], line[256];
    bt_auto_file FILE *file = NULL;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/words", dir);
    snprintf(text, sizeof(text),
             "[server default]\nuser=mha\npassword=p'#w$d`x`\n"
             "master_ip_failover_script=f() { for w; do echo \"$w\"; done > %s; }; f own\n"
             "[server1]\nhostname=db1\n[server2]\nhostname=db2\n",
             path);
    configure(text);
    ck_assert_int_eq(bt_hook_vip_start(&config, 0, 1, &result, &err), 0);
    ck_assert_int_eq(result, BT_HOOK_DONE);
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
    ck_assert_str_eq(line, "own\n");
    while (fgets(line, sizeof(line), file)) {
    }
    ck_assert_str_eq(line, "--new_master_password=p'#w$d`x`\n");
    unlink(path);
    rmdir(dir);
}
END_TEST

static const struct {
    const char *script;
    int rc;
    enum bt_hook_result result;
} answers[] = {
    {"exit 0;", 0, BT_HOOK_DONE},
    {"exit 10;", 0, BT_HOOK_GO_ON},
    {"exit 1;", -1, BT_HOOK_ABSENT},
    {"kill -9 $$;", -1, BT_HOOK_ABSENT},
};

START_TEST(return_codes_mean_what_they_mean_to_mha)
{
    enum bt_hook_result result = BT_HOOK_ABSENT;
    char text[512];

    snprintf(text, sizeof(text), "[server default]\nshutdown_script=%s\n[server1]\nhostname=db1\n",
             answers[_i].script);
    configure(text);
    ck_assert_int_eq(bt_hook_shutdown(&config, 0, true, &result, &err), answers[_i].rc);
    if (answers[_i].rc == 0)
        ck_assert_int_eq(result, answers[_i].result);
}
END_TEST

START_TEST(no_script_is_no_call)
{
    enum bt_hook_result result = BT_HOOK_DONE;

    configure(plain);
    ck_assert_int_eq(bt_hook_shutdown(&config, 0, true, &result, &err), 0);
    ck_assert_int_eq(result, BT_HOOK_ABSENT);
}
END_TEST

START_TEST(a_hanging_script_is_ended)
{
    enum bt_hook_result result;

    configure(
        "[server default]\nhook_timeout=0.2\nshutdown_script=sleep 30;\n[server1]\nhostname=db1\n");
    ck_assert_int_eq(bt_hook_shutdown(&config, 0, true, &result, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_TIMEOUT);
}
END_TEST

/* ------------------------------------------------------------------- journal */

static void freeze_line(struct bt_json *json, void *ctx)
{
    (void)ctx;
    bt_json_key_bool(json, "relay_log_purge", true);
}

static void promote_line(struct bt_json *json, void *ctx)
{
    (void)ctx;
    bt_json_key_bool(json, "read_only_off", true);
}

START_TEST(a_journal_without_an_end_tells_what_was_changed)
{
    struct bt_arena texts;
    struct bt_resume r;
    char path[128], old[160];
    struct bt_journal *j;
    struct stat st;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/app1.failover.journal", dir);
    snprintf(old, sizeof(old), "%s.1", path);
    bt_arena_init(&texts, 1 << 20);
    ck_assert_int_eq(bt_resume_read(path, &texts, &r, &err), 0);
    ck_assert_int_eq(r.how, BT_RESUME_NOTHING);
    ck_assert_int_eq(bt_journal_open(path, &j, &err), 0);
    ck_assert_int_eq(bt_journal_write(j, "freeze", "begin", "db2", freeze_line, NULL, &err), 0);
    ck_assert_int_eq(bt_resume_read(path, &texts, &r, &err), 0);
    ck_assert_int_eq(r.how, BT_RESUME_AGAIN);
    ck_assert(bt_resume_host(&r, "db2")->relay_log_purge);
    ck_assert_ptr_null(bt_resume_host(&r, "db3"));
    ck_assert_int_eq(bt_journal_write(j, "promote", "begin", "db2", promote_line, NULL, &err), 0);
    ck_assert_int_eq(bt_resume_read(path, &texts, &r, &err), 0);
    ck_assert_int_eq(r.how, BT_RESUME_FORWARD);
    ck_assert_str_eq(r.winner, "db2");
    ck_assert(!r.is_certain);
    ck_assert_int_eq(bt_journal_write(j, "vip", "begin", "db2", NULL, NULL, &err), 0);
    ck_assert_int_eq(bt_resume_read(path, &texts, &r, &err), 0);
    ck_assert(r.is_certain);
    ck_assert_int_eq(bt_journal_write(j, "end", "done", NULL, NULL, NULL, &err), 0);
    ck_assert_int_eq(bt_resume_read(path, &texts, &r, &err), 0);
    ck_assert_int_eq(r.how, BT_RESUME_NOTHING);
    bt_arena_done(&texts);
    bt_journal_close(j);
    ck_assert_int_eq(bt_journal_open(path, &j, &err), 0);
    bt_journal_close(j);
    ck_assert_int_eq(stat(old, &st), 0);
    ck_assert_int_gt(st.st_size, 0);
    unlink(path);
    unlink(old);
    rmdir(dir);
}
END_TEST

START_TEST(a_journal_that_cannot_be_begun_is_an_error)
{
    struct bt_journal *j;

    ck_assert_int_eq(bt_journal_open("/nonexistent/x.journal", &j, &err), -1);
    ck_assert_str_eq(
        err.text,
        "could not begin the journal \"/nonexistent/x.journal\": No such file or directory");
}
END_TEST

BT_SUITE_MAIN("failover hooks", {the_address_leaves_with_mhas_options, 0},
              {the_address_comes_with_mhas_options, 0}, {a_status_call_has_mhas_options, 0},
              {a_status_other_than_0_is_a_failure, 11}, {ssh_extras_come_only_where_they_differ, 0},
              {the_report_names_replicas_only_when_there_are_some, 0},
              {a_script_gets_each_word_as_it_was, 0},
              {return_codes_mean_what_they_mean_to_mha,
               (int)(sizeof(answers) / sizeof(answers[0]))},
              {no_script_is_no_call, 0}, {a_hanging_script_is_ended, 0},
              {a_journal_without_an_end_tells_what_was_changed, 0},
              {a_journal_that_cannot_be_begun_is_an_error, 0})
