/* SPDX-License-Identifier: Apache-2.0 */
/* MHA's tools for the database hosts.  Baton needs none of them there; what people and cron call by
 * hand works, the rest says what takes its place. */
#include <fcntl.h>
#include <sys/mman.h>
#include <stdio.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "cli/mha.h"
#include "cli/purge_relay_logs.h"
#include "diff/diff_log.h"
#include "diff/log_set.h"

enum { EXIT_FAILED = 1, EXIT_NOTHING = 10, EXIT_APPLY_FAILED = 22 };

#define NODE_OPTS \
    {"manager_version", true, BT_MHA_TAKEN, "not looked at"}, \
        {"client_bindir", true, BT_MHA_TAKEN, "not needed: no client program is called"}, \
        {"client_libdir", true, BT_MHA_TAKEN, "not needed: no client program is called"}, \
    { \
        "debug", false, BT_MHA_TAKEN, "not looked at" \
    }

/* ------------------------------------------------------------- purge_relay_logs */

/* clang-format off */
static const struct bt_mha_opt purge_opts[] = {
    {"user", true, BT_MHA_TAKEN, "account (root)"},
    {"password", true, BT_MHA_TAKEN, "its password; ps shows it: better --defaults_file"},
    {"host", true, BT_MHA_TAKEN, "the server (127.0.0.1)"},
    {"port", true, BT_MHA_TAKEN, "its port (3306)"},
    {"socket", true, BT_MHA_TAKEN, "its socket, wins over --host"},
    {"defaults_file", true, BT_MHA_TAKEN, "option file with user and password"},
    {"disable_relay_log_purge", false, BT_MHA_TAKEN, "where the server purges itself, switch that off"},
    {"workdir", true, BT_MHA_TAKEN, "not needed: the server deletes its files itself"},
    {"relay_log_info", true, BT_MHA_TAKEN, "not needed: the server deletes its files itself"},
    {"use_hardlink", true, BT_MHA_TAKEN, "not needed: the server deletes its files itself"},
    NODE_OPTS,
    {NULL, false, BT_MHA_TAKEN, NULL},
};
/* clang-format on */

static int purge_run(const struct bt_mha_values *values, struct bt_err *err)
{
    const char *host = bt_mha_value(values, "host"), *user = bt_mha_value(values, "user");
    const char *file = bt_mha_value(values, "defaults_file");
    struct bt_connection_opts login = {
        .host = host ? host : file ? NULL
                                   : "127.0.0.1",
        .port = (unsigned)bt_mha_number(values, "port", 0),
        .socket = bt_mha_value(values, "socket"),
        .user = user ? user : file ? NULL
                                   : "root",
        .password = bt_mha_value(values, "password"),
        .defaults_file = file,
    };
    struct bt_relay_purge_opts opts = {
        .switch_off = bt_mha_value(values, "disable_relay_log_purge") != NULL};

    return bt_purge_relay_logs(&login, &opts, err);
}

const struct bt_mha_tool bt_mha_purge_relay_logs = {
    .name = "purge_relay_logs",
    .summary = "delete the applied relay logs of a replica that keeps them",
    .opts = purge_opts,
    .run = purge_run,
};

/* ------------------------------------------------------------- save_binary_logs */

/* clang-format off */
static const struct bt_mha_opt save_opts[] = {
    {"command", true, BT_MHA_TAKEN, "test or save"},
    {"start_file", true, BT_MHA_TAKEN, "the binary log to begin with"},
    {"binlog_prefix", true, BT_MHA_TAKEN, "test: the binary logs' name without its number"},
    {"start_pos", true, BT_MHA_TAKEN, "the position there"},
    {"output_file", true, BT_MHA_TAKEN, "what is saved"},
    {"binlog_dir", true, BT_MHA_TAKEN, "folders, by commas (/var/lib/mysql)"},
    {"handle_raw_binlog", true, BT_MHA_TAKEN, "always 1 here"},
    {"relay_log_info", true, BT_MHA_REFUSED, "only binary logs are saved"},
    {"datadir", true, BT_MHA_TAKEN, "not needed"},
    {"disable_log_bin", true, BT_MHA_TAKEN, "not needed: it is for who applies"},
    {"skip_filter", true, BT_MHA_TAKEN, "not needed"},
    {"oldest_version", true, BT_MHA_TAKEN, "not needed"},
    NODE_OPTS,
    {NULL, false, BT_MHA_TAKEN, NULL},
};
/* clang-format on */

/* The binary logs in the first of the folders that has them; 1: none has. */
static int home_open(const char *dirs, const char *base, struct bt_log_home **ret_home,
                     const struct bt_log_set **ret_set)
{
    while (*dirs) {
        size_t len = strcspn(dirs, ",");
        bt_auto_free char *dir = strndup(dirs, len);
        struct bt_log_opener *opener = NULL;
        struct bt_log_home *home = NULL;
        struct bt_err err = {0};

        dirs += len + (dirs[len] == ',');
        if (!dir || bt_log_dir_open(dir, &opener, &err) != 0 ||
            bt_log_home_open(opener, &home, &err) != 0)
            continue;
        *ret_set = bt_log_home_find(home, BT_LOG_KIND_BINLOG, base[0] ? base : NULL);
        if (*ret_set) {
            *ret_home = home;
            return 0;
        }
        bt_log_home_close(home);
    }
    return 1;
}

/* What stands behind a position goes into one file, whole transactions only. */
static int save(const struct bt_log_set *set, const char *file, uint64_t pos, const char *output,
                struct bt_err *err)
{
    struct bt_missing_source source = {
        .name = "binary logs", .role = BT_SOURCE_PRIMARY, .set = set};
    struct bt_missing_want want = {.is_prefix = true};
    struct bt_diff_log_opts opts = {0};
    struct bt_manifest manifest;
    struct bt_missing missing;
    int rc;

    snprintf(want.after.file, sizeof(want.after.file), "%s", file);
    want.after.pos = pos;
    if (bt_missing_find(&want, &source, 1, &missing, err) != 0)
        return -1;
    if (missing.count == 0) {
        printf("Event not exists.\n");
        bt_missing_done(&missing);
        return EXIT_NOTHING;
    }
    rc = bt_diff_log_save(&missing, &opts, output, &manifest, err);
    bt_missing_done(&missing);
    if (rc != 0)
        return -1;
    printf(" Saved %llu transactions, %llu bytes, to %s .\n",
           (unsigned long long)manifest.transactions, (unsigned long long)manifest.bytes, output);
    bt_manifest_done(&manifest);
    return 0;
}

static int save_run(const struct bt_mha_values *values, struct bt_err *err)
{
    const char *command = bt_mha_value(values, "command");
    const char *file = bt_mha_value(values, "start_file");
    const char *dirs = bt_mha_value(values, "binlog_dir");
    const char *output = bt_mha_value(values, "output_file");
    const char *prefix = bt_mha_value(values, "binlog_prefix");
    bool is_test = command && strcmp(command, "test") == 0;
    bt_auto_log_home struct bt_log_home *home = NULL;
    const struct bt_log_set *set;
    bt_auto_free char *base = NULL;
    uint64_t number;
    size_t len = 0;

    if (!is_test && !(command && strcmp(command, "save") == 0))
        return bt_fail(err, BT_ERR_USAGE, "--command=<test|save> must be set.");
    if (!is_test && (!file || !output))
        return bt_fail(err, BT_ERR_USAGE, "--start_file and --output_file must be set.");
    if (file && !bt_log_name_split(file, &len, &number))
        return bt_fail(err, BT_ERR_USAGE, "\"%s\" is no name of a binary log", file);
    base = file ? strndup(file, len) : strdup(prefix ? prefix : "");
    dirs = dirs ? dirs : "/var/lib/mysql";
    if (!base || home_open(dirs, base, &home, &set) != 0)
        return bt_fail(err, BT_ERR_REALITY, "Binlog not found from %s!", dirs);
    if (is_test) {
        printf(" Binlog found at %s, up to %s\n", dirs, set->logs[set->count - 1].name);
        return 0;
    }
    return save(set, file, bt_mha_number(values, "start_pos", 4), output, err);
}

const struct bt_mha_tool bt_mha_save_binary_logs = {
    .name = "save_binary_logs",
    .summary = "save what stands in binary logs behind a position (baton diff does more)",
    .opts = save_opts,
    .run = save_run,
};

/* -------------------------------------------------------- apply_diff_relay_logs */

/* clang-format off */
static const struct bt_mha_opt apply_opts[] = {
    {"command", true, BT_MHA_TAKEN, "test or apply; find and generate are done by `baton diff`"},
    {"apply_files", true, BT_MHA_TAKEN, "apply: logs, by commas"},
    {"slave_user", true, BT_MHA_TAKEN, "account (root)"},
    {"slave_pass", true, BT_MHA_TAKEN, "its password; ps shows it"},
    {"slave_host", true, BT_MHA_TAKEN, "the server (127.0.0.1)"},
    {"slave_ip", true, BT_MHA_TAKEN, "its address, used where it is given"},
    {"slave_port", true, BT_MHA_TAKEN, "its port (3306)"},
    {"disable_log_bin", true, BT_MHA_TAKEN, "1: keep out of the server's own binary log"},
    {"no_apply", false, BT_MHA_TAKEN, "check the logs, apply nothing"},
    {"target_version", true, BT_MHA_TAKEN, "not needed"},
    {"workdir", true, BT_MHA_TAKEN, "not needed"},
    {"timestamp", true, BT_MHA_TAKEN, "not needed"},
    {"relay_log_info", true, BT_MHA_TAKEN, "not needed"},
    {"relay_dir", true, BT_MHA_TAKEN, "not needed"},
    {"current_relay_log", true, BT_MHA_TAKEN, "not needed"},
    {"handle_raw_binlog", true, BT_MHA_TAKEN, "always 1 here"},
    {"scp_user", true, BT_MHA_TAKEN, "not needed"},
    {"scp_host", true, BT_MHA_TAKEN, "not needed"},
    {"scp_port", true, BT_MHA_TAKEN, "not needed"},
    NODE_OPTS,
    {NULL, false, BT_MHA_TAKEN, NULL},
};
/* clang-format on */

static struct bt_connection_opts login_of(const struct bt_mha_values *v)
{
    const char *ip = bt_mha_value(v, "slave_ip"), *host = bt_mha_value(v, "slave_host");
    const char *user = bt_mha_value(v, "slave_user");

    return (struct bt_connection_opts){
        .host = ip ? ip : host ? host
                               : "127.0.0.1",
        .port = (unsigned)bt_mha_number(v, "slave_port", 3306),
        .user = user ? user : "root",
        .password = bt_mha_value(v, "slave_pass"),
    };
}

/* MHA writes to a table of the server here; that it lets us in is what can be known beforehand. */
static int apply_test(const struct bt_mha_values *v, struct bt_err *err)
{
    struct bt_connection_opts login = login_of(v);
    bt_auto_connection struct bt_connection *sql = NULL;

    if (bt_connection_open(&login, bt_deadline_in(5000), &sql, err) != 0)
        return -1;
    printf("  Opened a session to %s, version %s.\n", bt_connection_name(sql),
           bt_connection_server(sql)->version);
    return 0;
}

/* The command takes its password from an option file, so that is what it gets: one in memory. */
static int apply_call(const struct bt_mha_values *v, struct bt_err *err)
{
    struct bt_connection_opts login = login_of(v);
    bt_auto_fd int file = memfd_create("login", MFD_CLOEXEC);
    bt_auto_buf struct bt_buf text;
    bt_auto_mha_words struct bt_mha_words w;
    const char *files = bt_mha_value(v, "apply_files");

    bt_mha_words_init(&w, "apply");
    bt_buf_init(&text, 16384);
    bt_buf_add_str(&text, "[client]\npassword=\"");
    for (const char *p = login.password ? login.password : ""; *p; p++) {
        if (*p == '"' || *p == '\\')
            bt_buf_add_byte(&text, '\\');
        bt_buf_add_byte(&text, (uint8_t)*p);
    }
    bt_buf_add_str(&text, "\"\n");
    if (file < 0 || bt_buf_check(&text, "password", err) != 0 ||
        write(file, text.data, text.len) != (ssize_t)text.len)
        return bt_fail_sys(err, "could not prepare the login");
    bt_mha_word(&w, "--defaults-file=/proc/self/fd/%d", file);
    bt_mha_word(&w, "--host=%s", login.host);
    bt_mha_word(&w, "--port=%u", login.port);
    bt_mha_word(&w, "--user=%s", login.user);
    bt_mha_word(&w, "--quiet");
    if (bt_mha_value(v, "no_apply"))
        bt_mha_word(&w, "--dry-run");
    if (bt_mha_number(v, "disable_log_bin", 0))
        bt_mha_word(&w, "--no-binlog");
    while (files && *files) {
        size_t len = strcspn(files, ",");

        bt_mha_word(&w, "%.*s", (int)len, files);
        files += len + (files[len] == ',');
    }
    return bt_mha_call(&bt_cmd_apply, &w) == 0 ? 0 : EXIT_APPLY_FAILED;
}

static int apply_run(const struct bt_mha_values *values, struct bt_err *err)
{
    const char *command = bt_mha_value(values, "command");

    if (command && strcmp(command, "test") == 0)
        return apply_test(values, err);
    if (command && strcmp(command, "apply") == 0 && bt_mha_value(values, "apply_files"))
        return apply_call(values, err);
    if (command && strcmp(command, "apply") == 0)
        return bt_fail(err, BT_ERR_USAGE, "--apply_files=<file1,file2> must be set.");
    return bt_fail(err, BT_ERR_USAGE,
                   "--command is test or apply here; logs are compared by `baton rank` and `baton "
                   "diff`");
}

const struct bt_mha_tool bt_mha_apply_diff_relay_logs = {
    .name = "apply_diff_relay_logs",
    .summary = "apply logs to a server (baton apply does more)",
    .opts = apply_opts,
    .run = apply_run,
};

/* ----------------------------------------------------------- filter_mysqlbinlog */

static const struct bt_mha_opt filter_opts[] = {
    NODE_OPTS,
    {NULL, false, BT_MHA_TAKEN, NULL},
};

static int filter_run(const struct bt_mha_values *values, struct bt_err *err)
{
    (void)values;
    return bt_fail(err, BT_ERR_USAGE,
                   "filter_mysqlbinlog works on the text of binary logs (handle_raw_binlog=0), "
                   "which Baton never does; use `baton diff` and `baton apply`");
}

const struct bt_mha_tool bt_mha_filter_mysqlbinlog = {
    .name = "filter_mysqlbinlog",
    .summary = "not needed any more: says what takes its place",
    .opts = filter_opts,
    .run = filter_run,
};
