/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/server_logs.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/log_keys.h"

/* The relay set of a named connection. */
static const struct bt_log_set *find_connection(const struct bt_log_home *home,
                                                const char *connection)
{
    for (size_t i = 0; i < home->set_count; i++) {
        if (home->sets[i].kind == BT_LOG_KIND_RELAY &&
            strcmp(home->sets[i].connection, connection) == 0)
            return &home->sets[i];
    }
    return NULL;
}

int bt_server_logs_open(const char *dir, const char *connection, struct bt_server_logs *ret,
                        struct bt_err *err)
{
    struct bt_server_logs s = {.dir = dir};
    struct bt_log_opener *opener;

    if (bt_log_dir_open(dir, &opener, err) != 0)
        return -1;
    if (bt_log_keys_use(&opener, err) != 0) {
        opener->ops->close(opener);
        return -1;
    }
    if (bt_log_home_open(opener, &s.home, err) != 0)
        return -1;
    s.relay = connection ? find_connection(s.home, connection)
                         : bt_log_home_find(s.home, BT_LOG_KIND_RELAY, NULL);
    s.binlog = bt_log_home_find(s.home, BT_LOG_KIND_BINLOG, NULL);
    if (connection && !s.relay) {
        bt_log_home_close(s.home);
        return bt_fail(err, BT_ERR_REALITY,
                       "there are no relay logs of connection \"%s\" in \"%s\"", connection, dir);
    }
    if (!s.relay && !s.binlog) {
        (void)bt_fail(err, BT_ERR_REALITY, "there is no binary or relay log in \"%s\"%s%.200s", dir,
                      s.home->notes.len ? ": " : "", bt_buf_str(&s.home->notes));
        bt_log_home_close(s.home);
        return -1;
    }
    if (s.relay) {
        s.relay_info = bt_log_home_relay_info(s.home, s.relay);
        s.source_info = bt_log_home_source_info(s.home, s.relay);
    }
    *ret = s;
    return 0;
}

/* What a server says of itself where its logs cannot be read: bytes, not whole transactions. */
static void take_words(struct bt_server_logs *s)
{
    const struct bt_upstream *u = bt_live_upstream(s->live);
    const struct bt_server_facts *facts = &s->live->db->facts;
    struct bt_survey *survey = &s->survey;
    const char *gtid = u ? u->gtid_io_pos : facts->gtid_binlog_pos;
    struct bt_err ignored = {0};

    bt_buf_init(&survey->gtid_text, 1 << 20);
    survey->kind = u ? BT_LOG_KIND_RELAY : BT_LOG_KIND_BINLOG;
    survey->flavor = facts->flavor;
    survey->received = u ? u->read : facts->binlog;
    survey->position = survey->received;
    survey->executed = u ? u->executed : facts->binlog;
    if (facts->flavor == BT_FLAVOR_MARIADB && gtid[0] &&
        bt_gtid_state_parse(bt_slice_str(gtid), &survey->gtid, &ignored) == 0) {
        survey->has_gtid = true;
        bt_gtid_state_text(&survey->gtid, &survey->gtid_text);
    }
    s->from_words = s->surveyed = true;
}

static void take_executed(struct bt_server_logs *s)
{
    struct bt_slice text = bt_slice_str(s->live->gtid_executed);
    bool is_mysql = s->live->db->facts.flavor == BT_FLAVOR_MYSQL;
    struct bt_err ignored = {0};

    if (text.len)
        s->executed.known =
            (is_mysql ? bt_gtid_set_parse(text, &s->executed.set, &ignored)
                      : bt_gtid_state_parse(text, &s->executed.state, &ignored)) == 0;
}

void bt_server_logs_take(const struct bt_live_server *server, struct bt_server_logs *ret)
{
    struct bt_server_logs s = {.dir = server->conf->port == 3306 ? server->conf->hostname
                                                                 : server->conf->name,
                               .live = server};

    s.relay = server->relay ? bt_remote_logs_set(server->relay) : NULL;
    s.binlog = server->binlog ? bt_remote_logs_set(server->binlog) : NULL;
    s.relay_info = server->relay ? &server->info : NULL;
    if (bt_facts_is_alive(&server->db->facts))
        take_executed(&s);
    if (server->surveyed) {
        s.survey = server->survey.survey;
        s.surveyed = true;
    } else if (bt_facts_is_alive(&server->db->facts)) {
        take_words(&s);
    }
    *ret = s;
}

bool bt_server_logs_by_position(const struct bt_server_logs *s)
{
    const struct bt_upstream *u = s->live ? bt_live_upstream(s->live) : NULL;

    return u ? u->mode == BT_REPLICA_POSITION : s->source_info && s->source_info->using_gtid == 0;
}

void bt_server_logs_close(struct bt_server_logs *s)
{
    if (s->surveyed && (!s->live || s->from_words))
        bt_survey_done(&s->survey);
    bt_had_done(&s->executed);
    bt_log_home_close(s->home);
    *s = (struct bt_server_logs){0};
}

/* Whether the binary logs hold what others wrote, so that they say what was executed. */
static bool logs_updates(const struct bt_survey *binlog)
{
    if (binlog->flavor == BT_FLAVOR_MYSQL)
        return !bt_gtid_set_is_empty(&binlog->gtid_set);
    for (size_t i = 0; i < binlog->gtid.count; i++) {
        if (binlog->gtid.items[i].server_id != binlog->server_id)
            return true;
    }
    return false;
}

/* What a directory says by GTID beside its relay logs.  A MySQL server keeps no other record in
 * files, and its relay logs know only what was retrieved since the last CHANGE: both together are
 * what it has. */
static int add_executed(struct bt_server_logs *s, struct bt_err *err)
{
    struct bt_survey binlog;
    int failed = 0;

    bt_had_done(&s->executed);
    if (!s->relay || !s->binlog ||
        (s->survey.flavor == BT_FLAVOR_MARIADB && !s->wants_executed))
        return 0;
    if (bt_survey_run(s->binlog, NULL, NULL, &binlog, err) != 0)
        return -1;
    if (binlog.has_gtid && logs_updates(&binlog))
        failed = bt_had_copy(&s->executed, &binlog.gtid, &binlog.gtid_set, err);
    if (!failed && s->executed.known && s->survey.flavor == BT_FLAVOR_MYSQL) {
        failed = bt_gtid_set_unite(&s->survey.gtid_set, &binlog.gtid_set, err);
        s->survey.has_gtid = true;
        bt_buf_reset(&s->survey.gtid_text);
        bt_gtid_set_text(&s->survey.gtid_set, &s->survey.gtid_text);
    }
    bt_survey_done(&binlog);
    return failed;
}

int bt_server_logs_survey(struct bt_server_logs *s, const struct bt_log_set *set, bool by_gtid,
                          struct bt_err *err)
{
    const struct bt_relay_info *info = set->kind == BT_LOG_KIND_RELAY ? s->relay_info : NULL;
    struct bt_survey_hints hints = {.skip_gtid = !by_gtid, .gtid_bytes_max = s->gtid_bytes_max};

    if (s->live)
        return s->surveyed ? 0
                           : bt_fail(err, BT_ERR_REMOTE, "%s: %s", s->dir, bt_live_error(s->live));
    if (s->surveyed)
        bt_survey_done(&s->survey);
    s->surveyed = false;
    if (bt_survey_run(set, info, &hints, &s->survey, err) != 0)
        return -1;
    s->surveyed = true;
    if (s->survey.thrown_away.file[0])
        bt_warning("%s: its server has thrown away what it had received and not executed, up to %s"
                   ":%llu (relay_log_recovery)",
                   s->dir, s->survey.thrown_away.file,
                   (unsigned long long)s->survey.thrown_away.pos);
    return by_gtid && set->kind == BT_LOG_KIND_RELAY ? add_executed(s, err) : 0;
}

void bt_json_coordinate(struct bt_json *j, const char *key, const struct bt_coordinate *place)
{
    bt_json_key(j, key);
    if (!place->file[0]) {
        bt_json_null(j);
        return;
    }
    bt_json_object(j);
    bt_json_key_str(j, "file", place->file);
    bt_json_key_u64(j, "pos", place->pos);
    bt_json_end(j);
}

const char *bt_coordinate_text(const struct bt_coordinate *place,
                               char out[static BT_COORDINATE_TEXT_SIZE])
{
    if (place->file[0])
        snprintf(out, BT_COORDINATE_TEXT_SIZE, "%s:%" PRIu64, place->file, place->pos);
    else
        snprintf(out, BT_COORDINATE_TEXT_SIZE, "-");
    return out;
}

void bt_server_logs_warn(const struct bt_server_logs *s)
{
    const struct bt_buf *notes = s->home ? &s->home->notes : NULL;

    if (!notes)
        return;
    for (size_t at = 0; at < notes->len;) {
        const uint8_t *end = memchr(notes->data + at, '\n', notes->len - at);
        size_t len = end ? (size_t)(end - (notes->data + at)) : notes->len - at;

        bt_warning("%s: %.*s", s->dir, BT_SLICE_ARG(bt_slice(notes->data + at, len)));
        at += len + 1;
    }
}
