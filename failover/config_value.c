/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/config_value.h"

#include <stdio.h>
#include <strings.h>

#include "base/number.h"

enum { SECONDS_MAX_MS = 86400 * 1000, PING_INTERVAL_MIN_MS = 100 };

static const struct bt_conf_key keys[BT_CONF_COUNT] = {
#define X(id, name, type, fallback, scope, inherits, meaning) \
    [BT_CONF_##id] = {name, BT_KEY_##type, fallback, BT_SCOPE_##scope, inherits, meaning},
    BT_CONFIG_KEYS(X)
#undef X
};

const struct bt_conf_key *bt_conf_key(enum bt_conf id)
{
    return &keys[id];
}

const char *const *bt_conf_choices(enum bt_conf id)
{
    static const char *const none[] = {NULL};
    static const char *const log_levels[] = {"debug", "info", "warning", "error", NULL};
    static const char *const pings[] = {"SELECT", "CONNECT", "INSERT", NULL};
    static const char *const fences[] = {"proved", "best-effort", NULL};
    static const char *const detections[] = {"votes", "count", NULL};
    static const char *const roads[] = {"auto", "sql", "replication", NULL};
    static const char *const nodes[] = {"auto", "ssh", "local", "none", NULL};

    if (id == BT_CONF_LOG_LEVEL)
        return log_levels;
    if (id == BT_CONF_PING_TYPE)
        return pings;
    if (id == BT_CONF_FENCE_POLICY)
        return fences;
    if (id == BT_CONF_APPLY_VIA)
        return roads;
    if (id == BT_CONF_DETECTION)
        return detections;
    return id == BT_CONF_NODE_MODE ? nodes : none;
}

static int choice_check(enum bt_conf id, struct bt_setting *setting, struct bt_err *err)
{
    const char *const *words = bt_conf_choices(id);
    char all[128] = "";
    size_t len = 0;

    for (size_t i = 0; words[i]; i++) {
        if (strcasecmp(words[i], setting->text) == 0) {
            setting->number = i;
            return 0;
        }
        len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i ? ", " : "", words[i]);
    }
    return bt_fail(err, BT_ERR_CONFIG, "%s is \"%s\", allowed are %s", keys[id].name, setting->text,
                   all);
}

static int number_check(enum bt_conf id, struct bt_setting *setting, uint64_t max,
                        struct bt_err *err)
{
    uint64_t least = keys[id].type == BT_KEY_PORT ? 1 : 0;

    if (bt_number_u64(bt_slice_str(setting->text), max, &setting->number) &&
        setting->number >= least)
        return 0;
    return bt_fail(err, BT_ERR_CONFIG, "%s is \"%s\", allowed are %llu to %llu", keys[id].name,
                   setting->text, (unsigned long long)least, (unsigned long long)max);
}

static int seconds_check(enum bt_conf id, struct bt_setting *setting, struct bt_err *err)
{
    uint64_t least = id == BT_CONF_PING_INTERVAL ? PING_INTERVAL_MIN_MS : 1;

    if (bt_number_seconds(bt_slice_str(setting->text), SECONDS_MAX_MS, &setting->number) &&
        setting->number >= least)
        return 0;
    return bt_fail(err, BT_ERR_CONFIG, "%s is \"%s\", allowed are %s to 86400 seconds",
                   keys[id].name, setting->text, least == 1 ? "0.001" : "0.1");
}

int bt_config_value_check(enum bt_conf id, struct bt_setting *setting, struct bt_err *err)
{
    struct bt_vip vips[BT_VIPS_MAX];
    size_t count;

    switch (keys[id].type) {
    case BT_KEY_TEXT:
    case BT_KEY_SECRET:
    case BT_KEY_COMMAND:
        return 0;
    case BT_KEY_FLAG:
    case BT_KEY_UINT:
        return number_check(id, setting, id == BT_CONF_APPLY_WORKERS ? 256 : UINT32_MAX, err);
    case BT_KEY_PORT:
        return number_check(id, setting, UINT16_MAX, err);
    case BT_KEY_SIZE:
        if (bt_number_size(bt_slice_str(setting->text), INT64_MAX, &setting->number))
            return 0;
        return bt_fail(err, BT_ERR_CONFIG,
                       "%s is \"%s\", expected a number of bytes, also with K, M or G",
                       keys[id].name, setting->text);
    case BT_KEY_SECONDS:
        return seconds_check(id, setting, err);
    case BT_KEY_VIPS:
        return bt_config_vips_parse(setting->text, vips, &count, err);
    case BT_KEY_CHOICE:
        return choice_check(id, setting, err);
    }
    return bt_fail(err, BT_ERR_BUG, "%s has no type", keys[id].name);
}

int bt_config_vips_parse(const char *text, struct bt_vip list[static BT_VIPS_MAX],
                         size_t *ret_count, struct bt_err *err)
{
    struct bt_slice rest = bt_slice_str(text);
    size_t count = 0;

    while (rest.len) {
        const uint8_t *comma = memchr(rest.ptr, ',', rest.len);
        size_t len = comma ? (size_t)(comma - rest.ptr) : rest.len;
        struct bt_slice item = {rest.ptr, len};

        rest =
            (struct bt_slice){rest.ptr + len + (comma ? 1 : 0), rest.len - len - (comma ? 1 : 0)};
        while (item.len && item.ptr[0] == ' ')
            item = (struct bt_slice){item.ptr + 1, item.len - 1};
        while (item.len && item.ptr[item.len - 1] == ' ')
            item.len--;
        if (item.len == 0)
            continue;
        if (count == BT_VIPS_MAX)
            return bt_fail(err, BT_ERR_CONFIG, "vip lists more than %d addresses", BT_VIPS_MAX);
        if (bt_vip_parse(item, &list[count], err) != 0)
            return bt_err_wrap(err, "vip");
        count++;
    }
    *ret_count = count;
    return 0;
}
