/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/config_show.h"

#include <stdio.h>

static bool is_shown(enum bt_conf id, const struct bt_setting *s, unsigned scope)
{
    return s->text[0] && (bt_conf_key(id)->scope & scope);
}

static const char *value_of(enum bt_conf id, const struct bt_setting *s)
{
    return bt_conf_key(id)->type == BT_KEY_SECRET ? "xxx" : s->text;
}

/* "app1.cnf:3", "--workdir", "default". */
static const char *origin_of(const struct bt_setting *s, struct bt_buf *room)
{
    room->len = 0;
    if (!s->path)
        bt_buf_add_str(room, "default");
    else if (s->line)
        bt_buf_addf(room, "%s:%u", s->path, s->line);
    else
        bt_buf_add_str(room, s->path);
    return bt_buf_str(room);
}

/* What is not set, but follows from something else, with that as its origin. */
static void effective(const struct bt_conf_server *s, struct bt_setting ret[static BT_CONF_COUNT])
{
    const struct {
        enum bt_conf id;
        const char *text, *from;
    } derived[] = {{BT_CONF_IP, s->ip, "hostname"},
                   {BT_CONF_SSH_HOST, s->ssh_host, "hostname"},
                   {BT_CONF_SSH_IP, s->ssh_ip, "ssh_host"},
                   {BT_CONF_SSH_USER, s->ssh_user, "who runs baton"}};

    memcpy(ret, s->settings, sizeof(s->settings));
    for (size_t i = 0; i < sizeof(derived) / sizeof(derived[0]); i++)
        if (ret[derived[i].id].text[0] == '\0')
            ret[derived[i].id] =
                (struct bt_setting){.text = derived[i].text, .path = derived[i].from};
}

/* --------------------------------------------------------------------- text */

static void show(const struct bt_setting *settings, unsigned scope, struct bt_buf *out)
{
    bt_auto_buf struct bt_buf origin;

    bt_buf_init(&origin, 8192);
    for (int i = 0; i < BT_CONF_COUNT; i++) {
        const struct bt_setting *s = &settings[i];

        if (is_shown((enum bt_conf)i, s, scope))
            bt_buf_addf(out, "%s=%s  ; %s\n", bt_conf_key((enum bt_conf)i)->name,
                        value_of((enum bt_conf)i, s), origin_of(s, &origin));
    }
}

static void show_blocks(const struct bt_conf_server *servers, size_t count, unsigned scope,
                        struct bt_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        struct bt_setting settings[BT_CONF_COUNT];

        effective(&servers[i], settings);
        bt_buf_addf(out, "\n[%s]\n", servers[i].block);
        show(settings, scope, out);
    }
}

void bt_config_show(const struct bt_config *config, struct bt_buf *out)
{
    bt_buf_add_str(out, "[server default]\n");
    show(config->settings, BT_SCOPE_AG, out);
    show_blocks(config->servers, config->server_count, BT_SCOPE_S, out);
    show_blocks(config->binlog_servers, config->binlog_server_count, BT_SCOPE_B, out);
}

/* --------------------------------------------------------------------- JSON */

static void settings_json(const struct bt_setting *settings, unsigned scope, struct bt_json *j)
{
    bt_auto_buf struct bt_buf origin;

    bt_buf_init(&origin, 8192);
    for (int i = 0; i < BT_CONF_COUNT; i++) {
        const struct bt_setting *s = &settings[i];

        if (!is_shown((enum bt_conf)i, s, scope))
            continue;
        bt_json_key(j, bt_conf_key((enum bt_conf)i)->name);
        bt_json_object(j);
        bt_json_key_str(j, "value", value_of((enum bt_conf)i, s));
        bt_json_key_str(j, "origin", origin_of(s, &origin));
        bt_json_end(j);
    }
}

static void blocks_json(const char *key, const struct bt_conf_server *servers, size_t count,
                        unsigned scope, struct bt_json *j)
{
    bt_json_key(j, key);
    bt_json_array(j);
    for (size_t i = 0; i < count; i++) {
        struct bt_setting settings[BT_CONF_COUNT];

        effective(&servers[i], settings);
        bt_json_object(j);
        bt_json_key_str(j, "block", servers[i].block);
        bt_json_key_str(j, "name", servers[i].name);
        bt_json_key(j, "settings");
        bt_json_object(j);
        settings_json(settings, scope, j);
        bt_json_end(j);
        bt_json_end(j);
    }
    bt_json_end(j);
}

void bt_config_show_json(const struct bt_config *config, struct bt_json *out)
{
    bt_json_object(out);
    bt_json_key_str(out, "path", config->path);
    bt_json_key_str(out, "app", config->app);
    bt_json_key(out, "default");
    bt_json_object(out);
    settings_json(config->settings, BT_SCOPE_AG, out);
    bt_json_end(out);
    blocks_json("servers", config->servers, config->server_count, BT_SCOPE_S, out);
    blocks_json("binlog_servers", config->binlog_servers, config->binlog_server_count, BT_SCOPE_B,
                out);
    bt_json_end(out);
}

/* --------------------------------------------------------------------- keys */

static const char *type_name(const struct bt_conf_key *key, enum bt_conf id, char *out, size_t room)
{
    const char *const *words = bt_conf_choices(id);
    size_t len = 0;

    switch (key->type) {
    case BT_KEY_TEXT: return "text";
    case BT_KEY_SECRET: return "secret";
    case BT_KEY_COMMAND: return "command";
    case BT_KEY_FLAG: return "0 or 1";
    case BT_KEY_UINT: return "number";
    case BT_KEY_PORT: return "port";
    case BT_KEY_SECONDS: return "seconds";
    case BT_KEY_SIZE: return "size";
    case BT_KEY_VIPS: return "addresses";
    case BT_KEY_CHOICE: break;
    }
    out[0] = '\0';
    for (size_t i = 0; words[i] && len < room; i++)
        len += (size_t)snprintf(out + len, room - len, "%s%s", i ? ", " : "", words[i]);
    return out;
}

/* Where it may stand: server, app, global, binlog. */
static const char *scope_name(unsigned scope, char *out, size_t room)
{
    snprintf(out, room, "%s%s%s%s", scope & BT_SCOPE_S ? ", server" : "",
             scope & BT_SCOPE_B ? ", binlog" : "", scope & BT_SCOPE_A ? ", app" : "",
             scope & BT_SCOPE_G ? ", global" : "");
    return out + 2;
}

static void key_text(const struct bt_conf_key *key, const char *type, const char *scope,
                     struct bt_buf *out)
{
    bt_buf_addf(out, "%s\n    %s\n    %s; in: %s", key->name, key->meaning, type, scope);
    if (key->fallback[0])
        bt_buf_addf(out, "; default: %s", key->fallback);
    bt_buf_add_byte(out, '\n');
}

static void key_markdown(const struct bt_conf_key *key, const char *type, const char *scope,
                         struct bt_buf *out)
{
    const char *quote = key->fallback[0] ? "`" : "";

    bt_buf_addf(out, "| `%s` | %s | %s%s%s | %s | %s |\n", key->name, type, quote, key->fallback,
                quote, scope, key->meaning);
}

static void roff_add(const char *text, struct bt_buf *out)
{
    for (; *text; text++) {
        if (*text == '\\')
            bt_buf_add_str(out, "\\e");
        else if (*text == '-')
            bt_buf_add_str(out, "\\-");
        else
            bt_buf_add_byte(out, (uint8_t)*text);
    }
}

static void key_roff(const struct bt_conf_key *key, const char *type, const char *scope,
                     struct bt_buf *out)
{
    bt_buf_addf(out, ".TP\n.B %s\n", key->name);
    roff_add(key->meaning, out);
    bt_buf_add_str(out, ".\nType: ");
    roff_add(type, out);
    bt_buf_addf(out, "; in: %s", scope);
    if (key->fallback[0]) {
        bt_buf_add_str(out, "; default: ");
        roff_add(key->fallback, out);
    }
    bt_buf_add_str(out, ".\n");
}

static void headline(enum bt_config_keys_format format, const char *text, struct bt_buf *out)
{
    if (format == BT_CONFIG_KEYS_MARKDOWN)
        bt_buf_addf(out,
                    "%s### %s\n\n| key | value | default | may stand in | meaning |\n"
                    "| --- | --- | --- | --- | --- |\n",
                    out->len ? "\n" : "", text);
    else if (format == BT_CONFIG_KEYS_ROFF)
        bt_buf_addf(out, ".SS %s\n", text);
    else
        bt_buf_addf(out, "%s%s\n\n", out->len ? "\n" : "", text);
}

void bt_config_keys(enum bt_config_keys_format format, struct bt_buf *out)
{
    headline(format, "MHA's keys", out);
    for (int i = 0; i < BT_CONF_COUNT; i++) {
        const struct bt_conf_key *key = bt_conf_key((enum bt_conf)i);
        char type_room[128], scope_room[64];
        const char *type = type_name(key, (enum bt_conf)i, type_room, sizeof(type_room));
        const char *scope = scope_name(key->scope, scope_room, sizeof(scope_room));

        if (i == BT_CONF_VIP)
            headline(format, "Baton's keys", out);
        if (format == BT_CONFIG_KEYS_MARKDOWN)
            key_markdown(key, type, scope, out);
        else if (format == BT_CONFIG_KEYS_ROFF)
            key_roff(key, type, scope, out);
        else
            key_text(key, type, scope, out);
    }
}
