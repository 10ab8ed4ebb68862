/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/config.h"

#include <ctype.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/nearest.h"
#include "base/number.h"
#include "base/run.h"
#include "failover/config_value.h"

#define GLOBAL_PATH "/etc/masterha_default.cnf"
#define DEFAULT_SECTION "server default"

/* What a load works on. */
struct load {
    const struct bt_config_opts *opts;
    struct bt_arena *arena;
    struct bt_config_notes *notes;
    struct bt_config *config;
    struct bt_setting defaults[BT_CONF_COUNT]; /* what [server default] of all layers says */
    bool no_memory;
};

void bt_config_notes_init(struct bt_config_notes *notes)
{
    bt_ini_mistakes_init(&notes->mistakes);
    bt_ini_mistakes_init(&notes->warnings);
}

void bt_config_notes_done(struct bt_config_notes *notes)
{
    bt_ini_mistakes_done(&notes->mistakes);
    bt_ini_mistakes_done(&notes->warnings);
}

/* ------------------------------------------------------------- sections, keys */

enum section_kind { SECTION_DEFAULT, SECTION_SERVER, SECTION_BINLOG, SECTION_OTHER };

static bool is_block(const char *name, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(name, prefix, len) == 0 && name[len] != '\0' && !strchr(name, ' ') &&
           !strchr(name, '\t');
}

/* "server_default" is a block of a server, as for MHA: only the blank makes the defaults. */
static enum section_kind section_kind(const char *name)
{
    if (strcmp(name, DEFAULT_SECTION) == 0)
        return SECTION_DEFAULT;
    if (is_block(name, "server"))
        return SECTION_SERVER;
    return is_block(name, "binlog") ? SECTION_BINLOG : SECTION_OTHER;
}

static void mistake_unknown_key(struct load *l, const char *path, const struct bt_ini_entry *e)
{
    const char *names[BT_CONF_COUNT];
    const char *near;

    for (int i = 0; i < BT_CONF_COUNT; i++)
        names[i] = bt_conf_key((enum bt_conf)i)->name;
    near = bt_nearest(e->key, names, BT_CONF_COUNT);
    bt_ini_mistake(&l->notes->mistakes, path, e->line, "there is no parameter \"%s\"%s%s%s", e->key,
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static bool key_find(const char *name, enum bt_conf *ret)
{
    for (int i = 0; i < BT_CONF_COUNT; i++)
        if (strcmp(bt_conf_key((enum bt_conf)i)->name, name) == 0) {
            *ret = (enum bt_conf)i;
            return true;
        }
    return false;
}

/* Keys of MHA that are accepted and change nothing here; said only where a value asks for it. */
static void warn_no_effect(struct load *l, const char *path, const struct bt_ini_entry *e,
                           enum bt_conf id, const struct bt_setting *setting)
{
    if (id == BT_CONF_CLIENT_BINDIR || id == BT_CONF_CLIENT_LIBDIR)
        bt_ini_mistake(&l->notes->warnings, path, e->line,
                       "%s has no effect: Baton calls no client program", e->key);
    else if (id == BT_CONF_USE_GTID_AUTO_POS && setting->number == 0)
        bt_ini_mistake(&l->notes->warnings, path, e->line,
                       "%s=0 has no effect: each replica keeps the mode it replicates in", e->key);
    else if (id == BT_CONF_HANDLE_RAW_BINLOG && setting->number == 0)
        bt_ini_mistake(&l->notes->warnings, path, e->line,
                       "%s=0 has no effect: Baton works on the events, never on their text",
                       e->key);
}

/* A key where it has no effect is no mistake for MHA, which ignores it: it is said. */
static void warn_scope(struct load *l, const char *path, const struct bt_ini_entry *e,
                       enum bt_conf id, enum section_kind section, bool is_global)
{
    unsigned here = section == SECTION_SERVER   ? BT_SCOPE_S
                    : section == SECTION_BINLOG ? BT_SCOPE_B
                    : is_global                 ? BT_SCOPE_G
                                                : BT_SCOPE_A;

    if (!(bt_conf_key(id)->scope & here))
        bt_ini_mistake(&l->notes->warnings, path, e->line, "%s has no effect in [%s]", e->key,
                       e->section);
}

/* ssh_options loses all its quotes, as in MHA. */
static const char *value_text(struct load *l, enum bt_conf id, const char *value)
{
    char *copy;
    size_t n = 0;

    if (id != BT_CONF_SSH_OPTIONS)
        return value;
    copy = bt_arena_str(l->arena, bt_slice_str(value));
    if (!copy) {
        l->no_memory = true;
        return "";
    }
    for (const char *p = value; *p; p++)
        if (*p != '"' && *p != '\'')
            copy[n++] = *p;
    copy[n] = '\0';
    return copy;
}

/* Puts one entry into settings after checking it. */
static void entry_take(struct load *l, const char *path, const struct bt_ini_entry *e,
                       enum section_kind section, bool is_global, struct bt_setting *settings)
{
    struct bt_setting setting = {.path = path, .line = e->line};
    struct bt_err err = {0};
    enum bt_conf id;

    if (!key_find(e->key, &id)) {
        mistake_unknown_key(l, path, e);
        return;
    }
    warn_scope(l, path, e, id, section, is_global);
    setting.text = value_text(l, id, e->value);
    if (setting.text[0] == '\0') /* key="" means: as if it were not there */
        setting.text = bt_conf_key(id)->fallback;
    if (setting.text[0] != '\0' && bt_config_value_check(id, &setting, &err) != 0) {
        bt_ini_mistake(&l->notes->mistakes, path, e->line, "%s", err.text);
        return;
    }
    warn_no_effect(l, path, e, id, &setting);
    settings[id] = setting;
}

static void settings_reset(struct bt_setting *settings)
{
    for (int i = 0; i < BT_CONF_COUNT; i++) {
        struct bt_err err = {0};

        settings[i] = (struct bt_setting){.text = bt_conf_key((enum bt_conf)i)->fallback};
        if (settings[i].text[0] && bt_config_value_check((enum bt_conf)i, &settings[i], &err) != 0)
            abort(); /* our own table: a test reads it */
    }
}

static void defaults_take(struct load *l, const struct bt_ini *ini, bool is_global)
{
    for (const struct bt_ini_entry *e = ini->entries; e; e = e->next)
        if (section_kind(e->section) == SECTION_DEFAULT)
            entry_take(l, ini->path, e, SECTION_DEFAULT, is_global, l->defaults);
}

/* ---------------------------------------------------------------- the servers */

static void server_settings(struct load *l, const struct bt_ini *ini,
                            const struct bt_ini_section *s, struct bt_conf_server *server)
{
    settings_reset(server->settings);
    for (int i = 0; i < BT_CONF_COUNT; i++)
        if (bt_conf_key((enum bt_conf)i)->inherits)
            server->settings[i] = l->defaults[i];
    /* check_repl_delay of the application holds for each candidate that does not say otherwise. */
    for (const struct bt_ini_entry *e = ini->entries; e; e = e->next)
        if (strcmp(e->section, s->name) == 0)
            entry_take(l, ini->path, e, section_kind(s->name), false, server->settings);
}

static int resolve_by_libc(const char *host, char ret[static BT_ADDRESS_TEXT_SIZE],
                           struct bt_err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(host, NULL, &hints, &list);

    if (rc != 0)
        return bt_fail(err, BT_ERR_REALITY, "%s", gai_strerror(rc));
    rc = getnameinfo(list->ai_addr, list->ai_addrlen, ret, BT_ADDRESS_TEXT_SIZE, NULL, 0,
                     NI_NUMERICHOST);
    freeaddrinfo(list);
    if (rc != 0)
        return bt_fail(err, BT_ERR_REALITY, "%s", gai_strerror(rc));
    return 0;
}

static const char *resolve(struct load *l, const struct bt_ini *ini, unsigned line,
                           const char *host)
{
    char address[BT_ADDRESS_TEXT_SIZE];
    struct bt_err err = {0};
    char *copy;

    if ((l->opts->resolve ? l->opts->resolve : resolve_by_libc)(host, address, &err) != 0) {
        bt_ini_mistake(&l->notes->mistakes, ini->path, line, "could not resolve host \"%s\": %s",
                       host, err.text);
        return host;
    }
    copy = bt_arena_str(l->arena, bt_slice_str(address));
    l->no_memory = l->no_memory || !copy;
    return copy ? copy : "";
}

/* Whether the address is one of this host's. */
static bool is_our_address(const char *address)
{
    struct ifaddrs *list = NULL;
    bool found = false;

    if (getifaddrs(&list) != 0)
        return false;
    for (struct ifaddrs *i = list; i && !found; i = i->ifa_next) {
        char text[BT_ADDRESS_TEXT_SIZE];
        socklen_t len = 0;

        if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET)
            len = sizeof(struct sockaddr_in);
        else if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET6)
            len = sizeof(struct sockaddr_in6);
        found = len &&
                getnameinfo(i->ifa_addr, len, text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0 &&
                strcmp(text, address) == 0;
    }
    freeifaddrs(list);
    return found;
}

static const char *login_name(struct load *l)
{
    struct passwd pw, *found = NULL;
    char room[4096];
    char *copy;

    if (getpwuid_r(getuid(), &pw, room, sizeof(room), &found) != 0 || !found)
        return "root";
    copy = bt_arena_str(l->arena, bt_slice_str(pw.pw_name));
    l->no_memory = l->no_memory || !copy;
    return copy ? copy : "root";
}

/* Names, addresses and flags out of the settings. */
static void server_fill(struct load *l, const struct bt_ini *ini, const struct bt_ini_section *s,
                        struct bt_conf_server *server)
{
    const struct bt_setting *set = server->settings;
    enum bt_node_mode mode = (enum bt_node_mode)set[BT_CONF_NODE_MODE].number;
    char *name;

    server->hostname = set[BT_CONF_HOSTNAME].text;
    if (server->hostname[0] == '\0') {
        bt_ini_mistake(&l->notes->mistakes, ini->path, s->line, "[%s] has no hostname", s->name);
        return;
    }
    server->ip = bt_setting_is_set(set, BT_CONF_IP)
                     ? set[BT_CONF_IP].text
                     : resolve(l, ini, set[BT_CONF_HOSTNAME].line, server->hostname);
    server->port = (uint16_t)set[BT_CONF_PORT].number;
    server->ssh_host =
        bt_setting_is_set(set, BT_CONF_SSH_HOST) ? set[BT_CONF_SSH_HOST].text : server->hostname;
    if (bt_setting_is_set(set, BT_CONF_SSH_IP))
        server->ssh_ip = set[BT_CONF_SSH_IP].text;
    else if (bt_setting_is_set(set, BT_CONF_SSH_HOST))
        server->ssh_ip = resolve(l, ini, set[BT_CONF_SSH_HOST].line, server->ssh_host);
    else
        server->ssh_ip = server->ip;
    server->ssh_port = (uint16_t)set[BT_CONF_SSH_PORT].number;
    server->ssh_user =
        bt_setting_is_set(set, BT_CONF_SSH_USER) ? set[BT_CONF_SSH_USER].text : login_name(l);
    server->has_node = mode != BT_NODE_NONE;
    server->is_local =
        mode == BT_NODE_LOCAL || (mode == BT_NODE_AUTO && is_our_address(server->ssh_ip));
    server->candidate_master = set[BT_CONF_CANDIDATE_MASTER].number > 0;
    server->no_master = set[BT_CONF_NO_MASTER].number > 0;
    server->ignore_fail = set[BT_CONF_IGNORE_FAIL].number > 0;
    name = bt_arena_strf(l->arena, "%s(%s:%u)", server->hostname, server->ip, server->port);
    l->no_memory = l->no_memory || !name;
    server->name = name ? name : "";
}

/* The first number behind "server"; false when the name has none. */
static bool block_number(const char *block, uint64_t *ret)
{
    size_t from = strcspn(block, "0123456789");
    size_t len = strspn(block + from, "0123456789");

    return len > 0 && bt_number_u64(bt_slice(block + from, len), UINT64_MAX, ret);
}

static int by_name(const void *a, const void *b)
{
    const struct bt_conf_server *left = a, *right = b;

    return strcmp(left->block, right->block);
}

static int by_number(const void *a, const void *b)
{
    const struct bt_conf_server *left = a, *right = b;
    uint64_t x = 0, y = 0;

    block_number(left->block, &x);
    block_number(right->block, &y);
    return x != y ? (x < y ? -1 : 1) : strcmp(left->block, right->block);
}

static void servers_sort(struct bt_conf_server *servers, size_t count)
{
    bool all_numbered = true;
    uint64_t number;

    for (size_t i = 0; i < count; i++)
        all_numbered = all_numbered && block_number(servers[i].block, &number);
    if (count)
        qsort(servers, count, sizeof(*servers), all_numbered ? by_number : by_name);
}

static void check_duplicates(struct load *l, const struct bt_ini *ini)
{
    const struct bt_conf_server *s = l->config->servers;

    for (size_t i = 0; i < l->config->server_count; i++)
        for (size_t j = 0; j < i; j++)
            if (s[i].ip && s[j].ip && s[i].port == s[j].port && strcmp(s[i].ip, s[j].ip) == 0)
                bt_ini_mistake(&l->notes->mistakes, ini->path, s[i].settings[BT_CONF_HOSTNAME].line,
                               "[%s] is the same server as [%s]: %s:%u", s[i].block, s[j].block,
                               s[i].ip, s[i].port);
}

static size_t blocks_take(struct load *l, const struct bt_ini *ini, enum section_kind kind,
                          struct bt_conf_server **ret)
{
    struct bt_conf_server *list;
    size_t count = 0, room = 0;

    for (const struct bt_ini_section *s = ini->sections; s; s = s->next)
        room += section_kind(s->name) == kind;
    if (room > BT_SERVERS_MAX) {
        bt_ini_mistake(&l->notes->mistakes, ini->path, 0,
                       "%zu servers are described, allowed are %d", room, BT_SERVERS_MAX);
        return 0;
    }
    list = bt_arena_array(l->arena, room, sizeof(*list));
    if (!list) {
        l->no_memory = true;
        return 0;
    }
    for (const struct bt_ini_section *s = ini->sections; s; s = s->next) {
        if (section_kind(s->name) != kind)
            continue;
        list[count].block = s->name;
        server_settings(l, ini, s, &list[count]);
        server_fill(l, ini, s, &list[count]);
        count++;
    }
    servers_sort(list, count);
    *ret = list;
    return count;
}

/* ---------------------------------------------------------------------- load */

static void check_sections(struct load *l, const struct bt_ini *ini, bool is_global)
{
    for (const struct bt_ini_section *s = ini->sections; s; s = s->next) {
        enum section_kind kind = section_kind(s->name);

        if (kind == SECTION_OTHER)
            bt_ini_mistake(
                &l->notes->mistakes, ini->path, s->line,
                "[%s] is no section; allowed are [server default], [serverNAME] and [binlogNAME]",
                s->name);
        else if (!is_global && kind == SECTION_BINLOG)
            bt_ini_mistake(&l->notes->warnings, ini->path, s->line,
                           "[%s] is not asked by a failover, which reads the logs of the servers "
                           "themselves",
                           s->name);
        else if (is_global && kind != SECTION_DEFAULT)
            bt_ini_mistake(&l->notes->warnings, ini->path, s->line,
                           "[%s] has no effect in the global file: only [server default] is read",
                           s->name);
    }
}

static char *app_name(struct bt_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');

    return bt_arena_str(arena,
                        bt_slice(base, dot && dot != base ? (size_t)(dot - base) : strlen(base)));
}

/* The script prints what stands only in another place (a vault): name=value lines. */
static int script_take(struct load *l, struct bt_err *err)
{
    const char *command = l->defaults[BT_CONF_INIT_CONF_LOAD_SCRIPT].text;
    bt_auto_buf struct bt_buf out, errors;
    struct bt_ini ini;
    struct bt_run_result result;
    struct bt_run_opts opts = {
        .line = command,
        .name = "init_conf_load_script",
        .out = &out,
        .errors = &errors,
        .timeout_ms = (int64_t)l->defaults[BT_CONF_HOOK_TIMEOUT].number,
    };

    bt_buf_init(&out, 1 << 20);
    bt_buf_init(&errors, 1 << 16);
    bt_buf_add_str(&out, "[" DEFAULT_SECTION "]\n");
    if (bt_run(opts, &result, err) != 0)
        return bt_err_wrap(err, "init_conf_load_script");
    if (result.exit_code != 0)
        return bt_fail(err, BT_ERR_CONFIG, "init_conf_load_script ended with %d", result.exit_code);
    if (bt_ini_parse(bt_buf_slice(&out), "init_conf_load_script", l->arena, &l->notes->mistakes,
                     &ini, err) != 0)
        return -1;
    defaults_take(l, &ini, false);
    return 0;
}

static void application_fill(struct load *l, const struct bt_ini *app)
{
    struct bt_config *c = l->config;
    struct bt_err err = {0};

    memcpy(c->settings, l->defaults, sizeof(c->settings));
    if (l->opts->workdir)
        c->settings[BT_CONF_MANAGER_WORKDIR] =
            (struct bt_setting){.text = l->opts->workdir, .path = "--workdir"};
    if (l->opts->log_path)
        c->settings[BT_CONF_MANAGER_LOG] =
            (struct bt_setting){.text = l->opts->log_path, .path = "--log-output"};
    c->workdir = c->settings[BT_CONF_MANAGER_WORKDIR].text;
    if (bt_config_vips_parse(c->settings[BT_CONF_VIP].text, c->vips, &c->vip_count, &err) != 0)
        c->vip_count = 0; /* said when the entry was read */
    c->server_count = blocks_take(l, app, SECTION_SERVER, &c->servers);
    c->binlog_server_count = blocks_take(l, app, SECTION_BINLOG, &c->binlog_servers);
    if (c->server_count == 0)
        bt_ini_mistake(&l->notes->mistakes, app->path, 0, "there is no [serverN] section");
    check_duplicates(l, app);
    for (size_t i = 0; i < c->server_count && c->vip_count; i++)
        if (c->servers[i].hostname[0] &&
            !bt_setting_is_set(c->servers[i].settings, BT_CONF_VIP_INTERFACE))
            bt_ini_mistake(&l->notes->mistakes, app->path, c->settings[BT_CONF_VIP].line,
                           "vip is set, but there is no vip_interface for [%s]",
                           c->servers[i].block);
}

static int load(struct load *l, const struct bt_ini *global, const struct bt_ini *app, bool may_run,
                struct bt_err *err)
{
    unsigned count;

    settings_reset(l->defaults);
    check_sections(l, global, true);
    check_sections(l, app, false);
    defaults_take(l, global, true);
    defaults_take(l, app, false);
    if (may_run && l->defaults[BT_CONF_INIT_CONF_LOAD_SCRIPT].text[0] && script_take(l, err) != 0)
        return -1;
    l->config->path = l->opts->path;
    l->config->app = app_name(l->arena, l->opts->path);
    application_fill(l, app);
    if (l->no_memory || !l->config->app)
        return bt_arena_fail(l->arena, "the configuration", err);
    count = l->notes->mistakes.count;
    if (count)
        return bt_fail(err, BT_ERR_CONFIG, "\"%s\" has %u mistake%s", l->opts->path, count,
                       count == 1 ? "" : "s");
    return 0;
}

int bt_config_parse(const struct bt_config_opts *opts, struct bt_slice global, struct bt_slice app,
                    struct bt_arena *arena, struct bt_config_notes *notes, struct bt_config *ret,
                    struct bt_err *err)
{
    struct load *l = bt_arena_alloc(arena, sizeof(*l));
    struct bt_config config = {0};
    struct bt_ini global_ini, app_ini;

    if (!l)
        return bt_arena_fail(arena, "the configuration", err);
    *l = (struct load){.opts = opts, .arena = arena, .notes = notes, .config = &config};
    if (bt_ini_parse(global, GLOBAL_PATH, arena, &notes->mistakes, &global_ini, err) != 0 ||
        bt_ini_parse(app, opts->path, arena, &notes->mistakes, &app_ini, err) != 0 ||
        load(l, &global_ini, &app_ini, false, err) != 0)
        return -1;
    *ret = config;
    return 0;
}

int bt_config_load(const struct bt_config_opts *opts, struct bt_arena *arena,
                   struct bt_config_notes *notes, struct bt_config *ret, struct bt_err *err)
{
    const char *global_path = opts->global_path ? opts->global_path : GLOBAL_PATH;
    struct load *l = bt_arena_alloc(arena, sizeof(*l));
    struct bt_config config = {0};
    struct bt_ini global = {.path = global_path}, app;

    if (!l)
        return bt_arena_fail(arena, "the configuration", err);
    *l = (struct load){.opts = opts, .arena = arena, .notes = notes, .config = &config};
    if (access(global_path, F_OK) == 0) {
        if (bt_ini_read(global_path, true, arena, &notes->mistakes, &global, err) != 0)
            return bt_err_wrap(err, "global configuration");
    } else if (opts->global_path) {
        bt_ini_mistake(&notes->warnings, global_path, 0,
                       "Global configuration file %s not found. Skipping.", global_path);
    }
    if (bt_ini_read(opts->path, true, arena, &notes->mistakes, &app, err) != 0) {
        err->kind = BT_ERR_CONFIG; /* that it cannot be read is the file's mistake */
        return bt_err_wrap(err, "configuration");
    }
    if (load(l, &global, &app, true, err) != 0)
        return -1;
    *ret = config;
    return 0;
}

/* ------------------------------------------------------------------------ find */

int bt_config_find(const struct bt_config *config, const char *host, size_t *ret,
                   struct bt_err *err)
{
    const char *colon = strrchr(host, ':');
    uint64_t port = 0;
    size_t len = strlen(host), found = SIZE_MAX;

    /* An IPv6 address has colons of its own: a port is only what follows the single one. */
    if (colon && strchr(host, ':') == colon &&
        bt_number_u64(bt_slice_str(colon + 1), UINT16_MAX, &port))
        len = (size_t)(colon - host);
    for (size_t i = 0; i < config->server_count; i++) {
        const struct bt_conf_server *s = &config->servers[i];
        struct bt_slice name = bt_slice(host, len);

        if (!(bt_slice_equal_str(name, s->hostname) || bt_slice_equal_str(name, s->ip) ||
              bt_slice_equal_str(name, s->block)) ||
            (port && port != s->port))
            continue;
        if (found != SIZE_MAX)
            return bt_fail(err, BT_ERR_USAGE, "\"%s\" is more than one server of %s; add :PORT",
                           host, config->path);
        found = i;
    }
    if (found == SIZE_MAX)
        return bt_fail(err, BT_ERR_USAGE, "\"%s\" is no server of %s", host, config->path);
    *ret = found;
    return 0;
}
