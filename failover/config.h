/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - the cluster as its configuration file describes it.
 *
 *     bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
 *     bt_config_load(&opts, &arena, &mistakes, &config, err)   prints nothing; mistakes has them
 * all
 *     ... config.servers[i].hostname, bt_setting_text(config.settings, BT_CONF_PING_TYPE) ...
 *
 * The file is MHA's (reference: MHA 0.58): sections [server default], [serverN], [binlogN]; the
 * keys and their scopes stand in config_keys.h; the grammar in base/ini.h.  Layers, the later
 * wins: global file [server default], application's file [server default], the output of
 * init_conf_load_script, the server's own block.  Server blocks are sorted by name, and by the
 * first number in it when every block's name has one; that order breaks ties at an election.
 *
 * Every mistake is reported, each with file:line, before anything else is done.  Names of hosts are
 * resolved here, once: a name server that dies later changes nothing.  Values marked SECRET
 * never leave this structure as text but to a connection.
 */
#ifndef BT_FAILOVER_CONFIG_H
#define BT_FAILOVER_CONFIG_H

#include "base/ini.h"
#include "failover/config_keys.h"
#include "vip/address.h"

enum bt_conf {
#define X(id, name, type, fallback, scope, inherits, meaning) BT_CONF_##id,
    BT_CONFIG_KEYS(X)
#undef X
        BT_CONF_COUNT
};

enum bt_log_level_choice { BT_CONF_LOG_DEBUG,
                           BT_CONF_LOG_INFO,
                           BT_CONF_LOG_WARNING,
                           BT_CONF_LOG_ERROR };
enum bt_ping_type { BT_PING_SELECT, BT_PING_CONNECT, BT_PING_INSERT };
enum bt_fence_policy { BT_FENCE_PROVED, BT_FENCE_BEST_EFFORT };
enum bt_apply_via { BT_APPLY_VIA_AUTO, BT_APPLY_VIA_SQL, BT_APPLY_VIA_REPLICATION };
enum bt_detection { BT_DETECTION_VOTES, BT_DETECTION_COUNT };
enum bt_node_mode { BT_NODE_AUTO, BT_NODE_SSH, BT_NODE_LOCAL, BT_NODE_NONE };

/* One row of the table of keys. */
struct bt_conf_key {
    const char *name;
    enum bt_key_type type;
    const char *fallback;
    unsigned scope; /* enum bt_key_scope */
    bool inherits;
    const char *meaning;
};

/* Row of a key; the words of a CHOICE in the order of its enum, NULL at the end. */
const struct bt_conf_key *bt_conf_key(enum bt_conf id);
const char *const *bt_conf_choices(enum bt_conf id);

/* One value and where it comes from. */
struct bt_setting {
    const char *text; /* never NULL; "" = not set */
    const char *path; /* file it stands in; NULL = the default */
    unsigned line;
    uint64_t number; /* FLAG, UINT, PORT, SIZE; SECONDS in ms; CHOICE as index */
};

enum { BT_ADDRESS_TEXT_SIZE = 46 };

struct bt_conf_server {
    const char *block; /* "server1" */
    const char *name;  /* as MHA writes it: "db1(192.0.2.1:3306)" */
    const char *hostname;
    const char *ip; /* where SQL connections go; hostname when it did not resolve */
    uint16_t port;
    const char *ssh_host;
    const char *ssh_ip;
    uint16_t ssh_port;
    const char *ssh_user; /* never "" */
    bool is_local;        /* node_mode local, or auto and the address is this host's */
    bool has_node;        /* files can be asked for: node_mode is not none */
    bool candidate_master, no_master, ignore_fail;
    struct bt_setting settings[BT_CONF_COUNT];
};

enum { BT_VIPS_MAX = 16, BT_SERVERS_MAX = 64, BT_CONFIG_ARENA_MAX = 16 << 20 };

struct bt_config {
    const char *path;
    /* base name of path without its last extension: names the state files */
    const char *app;
    struct bt_setting settings[BT_CONF_COUNT]; /* what holds for the application */
    struct bt_conf_server *servers;            /* in order */
    size_t server_count;
    struct bt_conf_server *binlog_servers;
    size_t binlog_server_count;
    struct bt_vip vips[BT_VIPS_MAX];
    size_t vip_count;
    const char *workdir;
};

/* Turns a name into one address text.  The default asks getaddrinfo, first answer. */
typedef int bt_resolve_fn(const char *host, char ret[static BT_ADDRESS_TEXT_SIZE],
                          struct bt_err *err);

struct bt_config_opts {
    const char *path;        /* the application's file */
    const char *global_path; /* NULL = /etc/masterha_default.cnf, if there is one;
                                that a named one is missing is a warning */
    const char *workdir;     /* overrides manager_workdir; NULL = as configured */
    const char *log_path;    /* overrides manager_log; NULL = as configured */
    bt_resolve_fn *resolve;  /* NULL = getaddrinfo */
};

/* What is not fatal but should be known, and what is: "path:line: text" lines. */
struct bt_config_notes {
    struct bt_ini_mistakes mistakes;
    struct bt_ini_mistakes warnings;
};

void bt_config_notes_init(struct bt_config_notes *notes);
void bt_config_notes_done(struct bt_config_notes *notes);
#define bt_auto_config_notes BT_AUTO(bt_config_notes_done)

/* Reads, layers, checks, resolves, orders.  All of *ret lives in the arena.  With mistakes it
 * returns -1 (BT_ERR_CONFIG) with their count, and notes->mistakes lists them; a file that cannot
 * be read or that others may read is an error of its own.  Runs init_conf_load_script if there is
 * one. */
int bt_config_load(const struct bt_config_opts *opts, struct bt_arena *arena,
                   struct bt_config_notes *notes, struct bt_config *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* The same from texts, without files or scripts (tests; a configuration from elsewhere). */
int bt_config_parse(const struct bt_config_opts *opts, struct bt_slice global, struct bt_slice app,
                    struct bt_arena *arena, struct bt_config_notes *notes, struct bt_config *ret,
                    struct bt_err *err) BT_MUST_CHECK;

static inline const char *bt_setting_text(const struct bt_setting *settings, enum bt_conf id)
{
    return settings[id].text;
}

static inline uint64_t bt_setting_number(const struct bt_setting *settings, enum bt_conf id)
{
    return settings[id].number;
}

static inline bool bt_setting_is_set(const struct bt_setting *settings, enum bt_conf id)
{
    return settings[id].text[0] != '\0';
}

/* The server that HOST or HOST:PORT means (hostname, address or block name); SIZE_MAX and err when
 * there is none or more than one. */
int bt_config_find(const struct bt_config *config, const char *host, size_t *ret,
                   struct bt_err *err) BT_MUST_CHECK;

#endif
