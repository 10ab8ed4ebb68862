/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/hooks.h"

#include "base/log.h"
#include "base/run.h"

enum { LINE_MAX_BYTES = 256 * 1024, OUTPUT_MAX_BYTES = 1 << 20 };

/* A word in single quotes for sh. */
static void quote(struct bt_buf *out, const char *word)
{
    bt_buf_add_byte(out, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            bt_buf_add_str(out, "'\\''");
        else
            bt_buf_add_byte(out, (uint8_t)*word);
    }
    bt_buf_add_byte(out, '\'');
}

/* --name=value, quoted only where a shell would touch it: MHA's scripts see the same words. */
static void option(struct bt_buf *out, const char *name, const char *value)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:,@%+";

    bt_buf_addf(out, " --%s=", name);
    if (value[strspn(value, plain)] == '\0')
        bt_buf_add_str(out, value);
    else
        quote(out, value);
}

static void option_number(struct bt_buf *out, const char *name, unsigned value)
{
    bt_buf_addf(out, " --%s=%u", name, value);
}

/* MHA names ssh's host, address, port only where they are not what one would guess. */
static void ssh_extras(struct bt_buf *out, const struct bt_conf_server *s, const char *prefix)
{
    char name[64];

    if (strcmp(s->ssh_host, s->hostname) != 0 || strcmp(s->ssh_ip, s->ip) != 0) {
        snprintf(name, sizeof(name), "%sssh_host", prefix);
        option(out, name, s->ssh_host);
        snprintf(name, sizeof(name), "%sssh_ip", prefix);
        option(out, name, s->ssh_ip);
    }
    if (s->ssh_port != 22) {
        snprintf(name, sizeof(name), "%sssh_port", prefix);
        option_number(out, name, s->ssh_port);
    }
}

static void ssh_options(struct bt_buf *out, const struct bt_conf_server *s, const char *name)
{
    const char *text = bt_setting_text(s->settings, BT_CONF_SSH_OPTIONS);
    bt_auto_buf struct bt_buf all;

    bt_buf_init(&all, LINE_MAX_BYTES);
    if (text[0] == '\0')
        return;
    bt_buf_addf(
        &all, "-o StrictHostKeyChecking=no -o PasswordAuthentication=no -o BatchMode=yes %s", text);
    bt_buf_addf(out, " --%s=", name);
    quote(out, bt_buf_str(&all));
}

static void host_of(struct bt_buf *out, const struct bt_conf_server *s, const char *prefix)
{
    char name[64];

    snprintf(name, sizeof(name), "%shost", prefix);
    option(out, name, s->hostname);
    snprintf(name, sizeof(name), "%sip", prefix);
    option(out, name, s->ip);
    snprintf(name, sizeof(name), "%sport", prefix);
    option_number(out, name, s->port);
}

/* Always in quotes, as MHA gives users and passwords. */
static void quoted(struct bt_buf *out, const char *name, const char *value)
{
    bt_buf_addf(out, " --%s=", name);
    quote(out, value);
}

void bt_hook_options_stop(const struct bt_config *config, size_t primary, bool ssh_reachable,
                          struct bt_buf *out)
{
    const struct bt_conf_server *s = &config->servers[primary];

    host_of(out, s, "orig_master_");
    option(out, "command", ssh_reachable ? "stopssh" : "stop");
    if (ssh_reachable)
        option(out, "ssh_user", s->ssh_user);
    ssh_extras(out, s, "orig_master_");
    ssh_options(out, s, "ssh_options");
}

void bt_hook_options_shutdown(const struct bt_config *config, size_t primary, bool ssh_reachable,
                              struct bt_buf *out)
{
    const struct bt_conf_server *s = &config->servers[primary];
    const char *pid_file = bt_setting_text(s->settings, BT_CONF_MASTER_PID_FILE);

    option(out, "command", ssh_reachable ? "stopssh" : "stop");
    if (ssh_reachable)
        option(out, "ssh_user", s->ssh_user);
    host_of(out, s, "");
    if (pid_file[0])
        option(out, "pid_file", pid_file);
    ssh_extras(out, s, "");
    ssh_options(out, s, "ssh_options");
}

void bt_hook_options_status(const struct bt_config *config, enum bt_conf which, size_t primary,
                            struct bt_buf *out)
{
    const struct bt_conf_server *s = &config->servers[primary];
    bool is_shutdown = which == BT_CONF_SHUTDOWN_SCRIPT;

    option(out, "command", "status");
    option(out, "ssh_user", s->ssh_user);
    if (is_shutdown) { /* without a port, as MHA gives it */
        option(out, "host", s->hostname);
        option(out, "ip", s->ip);
    } else {
        host_of(out, s, "orig_master_");
    }
    ssh_extras(out, s, is_shutdown ? "" : "orig_master_");
    ssh_options(out, s, "ssh_options");
}

void bt_hook_options_start(const struct bt_config *config, size_t primary, size_t winner,
                           struct bt_buf *out)
{
    const struct bt_conf_server *old = &config->servers[primary], *s = &config->servers[winner];

    option(out, "command", "start");
    option(out, "ssh_user", s->ssh_user);
    host_of(out, old, "orig_master_");
    host_of(out, s, "new_master_");
    quoted(out, "new_master_user", bt_setting_text(s->settings, BT_CONF_USER));
    ssh_extras(out, old, "orig_master_");
    ssh_extras(out, s, "new_master_");
    ssh_options(out, s, "ssh_options");
    quoted(out, "new_master_password", bt_setting_text(s->settings, BT_CONF_PASSWORD));
}

/* Order of MHA 0.58 (observed argv): both servers, both ssh users, extras, passwords last. */
void bt_hook_options_online_change(const struct bt_config *config, const char *command,
                                   size_t primary, size_t winner, bool is_new_replica,
                                   struct bt_buf *out)
{
    const struct bt_conf_server *old = &config->servers[primary], *s = &config->servers[winner];

    option(out, "command", command);
    host_of(out, old, "orig_master_");
    quoted(out, "orig_master_user", bt_setting_text(old->settings, BT_CONF_USER));
    host_of(out, s, "new_master_");
    quoted(out, "new_master_user", bt_setting_text(s->settings, BT_CONF_USER));
    option(out, "orig_master_ssh_user", old->ssh_user);
    option(out, "new_master_ssh_user", s->ssh_user);
    ssh_extras(out, old, "orig_master_");
    ssh_extras(out, s, "new_master_");
    ssh_options(out, s, "ssh_options");
    if (is_new_replica)
        bt_buf_add_str(out, " --orig_master_is_new_slave");
    quoted(out, "orig_master_password", bt_setting_text(old->settings, BT_CONF_PASSWORD));
    quoted(out, "new_master_password", bt_setting_text(s->settings, BT_CONF_PASSWORD));
}

void bt_hook_options_secondary(const struct bt_config *config, size_t primary, struct bt_buf *out)
{
    static const char *const types[] = {
        [BT_PING_SELECT] = "SELECT", [BT_PING_CONNECT] = "CONNECT", [BT_PING_INSERT] = "INSERT"};
    const struct bt_conf_server *s = &config->servers[primary];

    option(out, "user", s->ssh_user);
    host_of(out, s, "master_");
    option(out, "master_user", bt_setting_text(s->settings, BT_CONF_USER));
    option(out, "master_password", bt_setting_text(s->settings, BT_CONF_PASSWORD));
    option(out, "ping_type", types[bt_setting_number(config->settings, BT_CONF_PING_TYPE)]);
    ssh_options(out, s, "options");
}

void bt_hook_options_report(const struct bt_config *config, size_t primary, size_t winner,
                            const char *replicas, const char *subject, const char *body,
                            struct bt_buf *out)
{
    option(out, "orig_master_host", config->servers[primary].hostname);
    if (winner != SIZE_MAX) {
        option(out, "new_master_host", config->servers[winner].hostname);
        if (replicas[0]) /* MHA gives an empty value here, which Getopt scripts refuse (its issue
                            58) */
            option(out, "new_slave_hosts", replicas);
    }
    option(out, "conf", config->path);
    bt_buf_add_str(out, " --subject=");
    quote(out, subject);
    bt_buf_add_str(out, " --body=");
    quote(out, body);
}

/* The script's own words, a log line each. */
static void log_output(struct bt_slice out)
{
    while (out.len) {
        const uint8_t *newline = memchr(out.ptr, '\n', out.len);
        size_t len = newline ? (size_t)(newline - out.ptr) : out.len;

        if (len)
            bt_info("%.*s", (int)(len > 4000 ? 4000 : len), (const char *)out.ptr);
        len += newline ? 1 : 0;
        out = (struct bt_slice){out.ptr + len, out.len - len};
    }
}

/* Runs a hook to its end; *ret_code is its exit code. */
static int run(const struct bt_config *config, enum bt_conf which, struct bt_buf *options,
               int *ret_code, struct bt_err *err)
{
    const char *name = bt_conf_key(which)->name;
    bt_auto_buf struct bt_buf line, out;
    struct bt_run_result result;
    int rc;

    bt_buf_init(&line, LINE_MAX_BYTES);
    bt_buf_init(&out, OUTPUT_MAX_BYTES);
    bt_buf_add_str(&line, bt_setting_text(config->settings, which));
    bt_buf_add_slice(&line, bt_buf_slice(options));
    if (bt_buf_check(options, name, err) != 0 || bt_buf_check(&line, name, err) != 0)
        return -1;
    bt_info("Executing %s..", name);
    rc = bt_run(
        (struct bt_run_opts){
            .line = bt_buf_str(&line),
            .name = name,
            .out = &out,
            .timeout_ms = (int64_t)bt_setting_number(config->settings, BT_CONF_HOOK_TIMEOUT),
        },
        &result, err);
    log_output(bt_buf_slice(&out));
    if (rc == 0)
        *ret_code = result.exit_code;
    return rc;
}

static int call(const struct bt_config *config, enum bt_conf which, struct bt_buf *options,
                enum bt_hook_result *ret, struct bt_err *err)
{
    int code;

    if (run(config, which, options, &code, err) != 0)
        return -1;
    if (code != 0 && code != 10)
        return bt_fail(err, BT_ERR_REMOTE, "%s ended with %d%s", bt_conf_key(which)->name, code,
                       code == 127   ? ": the shell does not find its program"
                       : code == 126 ? ": the shell may not execute its program"
                                     : "");
    *ret = code == 10 ? BT_HOOK_GO_ON : BT_HOOK_DONE;
    return 0;
}

static bool is_absent(const struct bt_config *config, enum bt_conf which, enum bt_hook_result *ret)
{
    *ret = BT_HOOK_ABSENT;
    return !bt_setting_is_set(config->settings, which);
}

int bt_hook_vip_stop(const struct bt_config *config, size_t primary, bool ssh_reachable,
                     enum bt_hook_result *ret, struct bt_err *err)
{
    bt_auto_buf struct bt_buf options;

    bt_buf_init(&options, LINE_MAX_BYTES);
    if (is_absent(config, BT_CONF_MASTER_IP_FAILOVER_SCRIPT, ret))
        return 0;
    bt_hook_options_stop(config, primary, ssh_reachable, &options);
    return call(config, BT_CONF_MASTER_IP_FAILOVER_SCRIPT, &options, ret, err);
}

int bt_hook_shutdown(const struct bt_config *config, size_t primary, bool ssh_reachable,
                     enum bt_hook_result *ret, struct bt_err *err)
{
    bt_auto_buf struct bt_buf options;

    bt_buf_init(&options, LINE_MAX_BYTES);
    if (is_absent(config, BT_CONF_SHUTDOWN_SCRIPT, ret))
        return 0;
    bt_hook_options_shutdown(config, primary, ssh_reachable, &options);
    return call(config, BT_CONF_SHUTDOWN_SCRIPT, &options, ret, err);
}

int bt_hook_vip_start(const struct bt_config *config, size_t primary, size_t winner,
                      enum bt_hook_result *ret, struct bt_err *err)
{
    bt_auto_buf struct bt_buf options;

    bt_buf_init(&options, LINE_MAX_BYTES);
    if (is_absent(config, BT_CONF_MASTER_IP_FAILOVER_SCRIPT, ret))
        return 0;
    bt_hook_options_start(config, primary, winner, &options);
    return call(config, BT_CONF_MASTER_IP_FAILOVER_SCRIPT, &options, ret, err);
}

int bt_hook_online_change(const struct bt_config *config, const char *command, size_t primary,
                          size_t winner, bool is_new_replica, enum bt_hook_result *ret,
                          struct bt_err *err)
{
    bt_auto_buf struct bt_buf options;

    bt_buf_init(&options, LINE_MAX_BYTES);
    if (is_absent(config, BT_CONF_MASTER_IP_ONLINE_CHANGE_SCRIPT, ret))
        return 0;
    bt_hook_options_online_change(config, command, primary, winner, is_new_replica, &options);
    return call(config, BT_CONF_MASTER_IP_ONLINE_CHANGE_SCRIPT, &options, ret, err);
}

int bt_hook_secondary(const struct bt_config *config, size_t primary, int *ret_code,
                      struct bt_err *err)
{
    bt_auto_buf struct bt_buf options;

    bt_buf_init(&options, LINE_MAX_BYTES);
    bt_hook_options_secondary(config, primary, &options);
    return run(config, BT_CONF_SECONDARY_CHECK_SCRIPT, &options, ret_code, err);
}

int bt_hook_report(const struct bt_config *config, size_t primary, size_t winner,
                   const char *replicas, const char *subject, const char *body,
                   enum bt_hook_result *ret, struct bt_err *err)
{
    bt_auto_buf struct bt_buf options;

    bt_buf_init(&options, LINE_MAX_BYTES);
    if (is_absent(config, BT_CONF_REPORT_SCRIPT, ret))
        return 0;
    bt_hook_options_report(config, primary, winner, replicas, subject, body, &options);
    return call(config, BT_CONF_REPORT_SCRIPT, &options, ret, err);
}

int bt_hook_status(const struct bt_config *config, enum bt_conf which, size_t primary,
                   enum bt_hook_result *ret, struct bt_err *err)
{
    bt_auto_buf struct bt_buf options;

    bt_buf_init(&options, LINE_MAX_BYTES);
    if (is_absent(config, which, ret))
        return 0;
    bt_hook_options_status(config, which, primary, &options);
    if (call(config, which, &options, ret, err) != 0)
        return -1;
    if (*ret == BT_HOOK_GO_ON) /* 10 means nothing here: MHA wants a 0 */
        return bt_fail(err, BT_ERR_REMOTE, "%s ended with 10", bt_conf_key(which)->name);
    return 0;
}
