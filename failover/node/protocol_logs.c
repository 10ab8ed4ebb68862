/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/protocol_logs.h"

#include "failover/node/message.h"

static int no_such_payload(struct bt_slice payload, const char *what, struct bt_err *err)
{
    return bt_fail(err, BT_ERR_CORRUPT, "%zu bytes do not make %s", payload.len, what);
}

static void put_logs_id(struct bt_buf *out, const struct bt_logs_id *l)
{
    bt_put_text(out, l->places);
    bt_put_text(out, l->base);
    bt_put_u8(out, l->kind);
}

static bool get_logs_id(struct bt_fields *f, struct bt_logs_id *ret)
{
    return bt_get_text(f, &ret->places) &&
           bt_get_text(f, &ret->base) &&
           bt_get_choice(f, BT_LOG_KIND_RELAY + 1, &ret->kind);
}

/* A text that may be unknown (NULL). */
static void put_known(struct bt_buf *out, const char *text)
{
    bt_put_u8(out, text != NULL);
    bt_put_text(out, text);
}

static bool get_known(struct bt_fields *f, const char **ret)
{
    bool known;

    if (!bt_get_bool(f, &known) || !bt_get_text(f, ret))
        return false;
    if (!known)
        *ret = NULL;
    return true;
}

static void put_gtid(struct bt_buf *out, const struct bt_gtid *gtid)
{
    char text[BT_GTID_TEXT_SIZE];

    bt_put_text(out, bt_gtid_text(gtid, text));
}

static bool get_gtid(struct bt_fields *f, struct bt_gtid *ret)
{
    struct bt_err ignored = {0};
    char text[BT_GTID_TEXT_SIZE];

    if (!bt_get_text_into(f, text, sizeof(text)))
        return false;
    if (text[0] == '\0') {
        *ret = (struct bt_gtid){.kind = BT_GTID_NONE};
        return true;
    }
    return bt_gtid_parse(bt_slice_str(text), ret, &ignored) == 0;
}

/* -------------------------------------------------------------------- list */

void bt_put_list_request(struct bt_buf *out, const struct bt_list_request *r)
{
    put_logs_id(out, &r->logs);
}

int bt_get_list_request(struct bt_slice payload, struct bt_arena *arena,
                        struct bt_list_request *ret, struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_list_request r;

    if (!(get_logs_id(&f, &r.logs) && bt_fields_end(&f)))
        return no_such_payload(payload, "a list request", err);
    *ret = r;
    return 0;
}

void bt_put_list_reply(struct bt_buf *out, const struct bt_list_reply *r)
{
    bt_put_text(out, r->directory);
    bt_put_text(out, r->base);
    bt_put_text(out, r->connection);
    bt_put_u8(out, r->indexed);
    bt_put_u32(out, r->older);
    bt_put_u32(out, r->count);
    for (uint32_t i = 0; i < r->count; i++) {
        bt_put_text(out, r->logs[i].name);
        bt_put_text(out, r->logs[i].path);
        bt_put_u64(out, r->logs[i].size);
        bt_put_u8(out, r->logs[i].missing);
    }
    bt_put_text(out, r->notes);
    bt_put_u64(out, r->room_free);
    bt_put_u64(out, r->room_total);
}

int bt_get_list_reply(struct bt_slice payload, struct bt_arena *arena, struct bt_list_reply *ret,
                      struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_list_reply r = {0};
    bool good = bt_get_text(&f, &r.directory) &&
                bt_get_text(&f, &r.base) &&
                bt_get_text(&f, &r.connection) &&
                bt_get_bool(&f, &r.indexed) &&
                bt_get_u32(&f, &r.older) &&
                bt_get_u32(&f, &r.count) &&
                r.count <= BT_LIST_LOGS_MAX;

    if (good && r.count > 0) {
        r.logs = bt_arena_array(arena, r.count, sizeof(*r.logs));
        if (!r.logs)
            return bt_arena_fail(arena, "a list of logs", err);
    }
    for (uint32_t i = 0; good && i < r.count; i++)
        good = bt_get_text(&f, &r.logs[i].name) &&
               bt_get_text(&f, &r.logs[i].path) &&
               bt_get_u64(&f, &r.logs[i].size) &&
               bt_get_bool(&f, &r.logs[i].missing);
    if (!(good &&
          bt_get_text(&f, &r.notes) &&
          bt_get_u64(&f, &r.room_free) &&
          bt_get_u64(&f, &r.room_total) &&
          bt_fields_end(&f)))
        return no_such_payload(payload, "a list of logs", err);
    *ret = r;
    return 0;
}

/* -------------------------------------------------------------------- read */

void bt_put_read_request(struct bt_buf *out, const struct bt_read_request *r)
{
    bt_put_text(out, r->path);
    bt_put_u64(out, r->from);
    bt_put_u64(out, r->length);
}

int bt_get_read_request(struct bt_slice payload, struct bt_arena *arena,
                        struct bt_read_request *ret, struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_read_request r;

    if (!(bt_get_text(&f, &r.path) &&
          bt_get_u64(&f, &r.from) &&
          bt_get_u64(&f, &r.length) &&
          bt_fields_end(&f)))
        return no_such_payload(payload, "a read request", err);
    *ret = r;
    return 0;
}

void bt_put_read_reply(struct bt_buf *out, const struct bt_read_reply *r)
{
    bt_put_u64(out, r->size);
}

int bt_get_read_reply(struct bt_slice payload, struct bt_arena *arena, struct bt_read_reply *ret,
                      struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_read_reply r;

    if (!(bt_get_u64(&f, &r.size) && bt_fields_end(&f)))
        return no_such_payload(payload, "a read reply", err);
    *ret = r;
    return 0;
}

/* ------------------------------------------------------------------ survey */

void bt_put_survey_request(struct bt_buf *out, const struct bt_survey_request *r)
{
    put_logs_id(out, &r->logs);
    bt_put_coordinate(out, &r->hints.executed);
    put_known(out, r->hints.gtid_executed);
    put_known(out, r->hints.relay_log);
    bt_put_u64(out, r->hints.relay_pos);
    bt_put_u8(out, r->hints.skip_gtid);
}

int bt_get_survey_request(struct bt_slice payload, struct bt_arena *arena,
                          struct bt_survey_request *ret, struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_survey_request r = {0};

    if (!(get_logs_id(&f, &r.logs) &&
          bt_get_coordinate(&f, &r.hints.executed) &&
          get_known(&f, &r.hints.gtid_executed) &&
          get_known(&f, &r.hints.relay_log) &&
          bt_get_u64(&f, &r.hints.relay_pos) &&
          bt_get_bool(&f, &r.hints.skip_gtid) &&
          bt_fields_end(&f)))
        return no_such_payload(payload, "a survey request", err);
    *ret = r;
    return 0;
}

static void put_cut(struct bt_buf *out, const struct bt_cut *cut)
{
    bt_put_u8(out, (uint8_t)cut->kind);
    bt_put_text(out, cut->log);
    bt_put_u64(out, cut->at);
    bt_put_u64(out, cut->bytes);
    put_gtid(out, &cut->gtid);
    bt_put_coordinate(out, &cut->place);
    bt_put_text(out, cut->reason);
}

static bool get_cut(struct bt_fields *f, struct bt_cut *ret)
{
    uint8_t kind;

    if (!(bt_get_choice(f, BT_CUT_FOREIGN + 1, &kind) &&
          bt_get_text_into(f, ret->log, sizeof(ret->log)) &&
          bt_get_u64(f, &ret->at) &&
          bt_get_u64(f, &ret->bytes) &&
          get_gtid(f, &ret->gtid) &&
          bt_get_coordinate(f, &ret->place) &&
          bt_get_text_into(f, ret->reason, sizeof(ret->reason))))
        return false;
    ret->kind = (enum bt_cut_kind)kind;
    return true;
}

void bt_put_survey_reply(struct bt_buf *out, const struct bt_survey_reply *r)
{
    const struct bt_survey *s = &r->survey;

    bt_put_u8(out, (uint8_t)s->kind);
    bt_put_u8(out, (uint8_t)s->flavor);
    bt_put_text(out, s->server_version);
    bt_put_u32(out, s->server_id);
    bt_put_u8(out, s->has_transaction);
    bt_put_coordinate(out, &s->received);
    bt_put_coordinate(out, &s->position);
    bt_put_coordinate(out, &s->executed);
    bt_put_coordinate(out, &s->oldest);
    bt_put_u8(out, s->has_gtid);
    bt_put_u32(out, (uint32_t)s->gtid_text.len);
    bt_buf_add_slice(out, bt_buf_slice(&s->gtid_text));
    put_gtid(out, &s->last_gtid);
    bt_put_u64(out, s->unfinished_bytes);
    put_cut(out, &s->cut);
    bt_put_u8(out, s->in_use);
    bt_put_u64(out, s->logs_read);
    bt_put_u64(out, s->bytes_read);
    bt_put_text(out, r->directory);
    bt_put_text(out, r->notes);
}

/* The GTID text, as text and as state or set; s owns them. */
static bool get_gtid_state(struct bt_fields *f, struct bt_survey *s)
{
    struct bt_err ignored = {0};
    const char *text;

    if (!bt_get_text(f, &text))
        return false;
    bt_buf_init(&s->gtid_text, BT_MESSAGE_PAYLOAD_MAX);
    if (!bt_buf_add_str(&s->gtid_text, text))
        return false;
    if (s->flavor == BT_FLAVOR_MARIADB)
        return bt_gtid_state_parse(bt_slice_str(text), &s->gtid, &ignored) == 0;
    return bt_gtid_set_parse(bt_slice_str(text), &s->gtid_set, &ignored) == 0;
}

int bt_get_survey_reply(struct bt_slice payload, struct bt_arena *arena,
                        struct bt_survey_reply *ret, struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_survey_reply r = {0};
    struct bt_survey *s = &r.survey;
    uint8_t kind, flavor;
    bool good = bt_get_choice(&f, BT_LOG_KIND_RELAY + 1, &kind) &&
                bt_get_choice(&f, BT_FLAVOR_MARIADB + 1, &flavor);

    if (good) {
        s->kind = (enum bt_log_kind)kind;
        s->flavor = (enum bt_flavor)flavor;
    }
    if (good &&
        bt_get_text_into(&f, s->server_version, sizeof(s->server_version)) &&
        bt_get_u32(&f, &s->server_id) &&
        bt_get_bool(&f, &s->has_transaction) &&
        bt_get_coordinate(&f, &s->received) &&
        bt_get_coordinate(&f, &s->position) &&
        bt_get_coordinate(&f, &s->executed) &&
        bt_get_coordinate(&f, &s->oldest) &&
        bt_get_bool(&f, &s->has_gtid) &&
        get_gtid_state(&f, s) &&
        get_gtid(&f, &s->last_gtid) &&
        bt_get_u64(&f, &s->unfinished_bytes) &&
        get_cut(&f, &s->cut) &&
        bt_get_bool(&f, &s->in_use) &&
        bt_get_u64(&f, &s->logs_read) &&
        bt_get_u64(&f, &s->bytes_read) &&
        bt_get_text(&f, &r.directory) &&
        bt_get_text(&f, &r.notes) &&
        bt_fields_end(&f)) {
        *ret = r;
        return 0;
    }
    bt_survey_done(s);
    return no_such_payload(payload, "a survey", err);
}
