/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/protocol_host.h"

/* The error of every get: what the payload was to be. */
static int no_such_payload(struct bt_slice payload, const char *what, struct bt_err *err)
{
    return bt_fail(err, BT_ERR_CORRUPT, "%zu bytes do not make %s", payload.len, what);
}

void bt_put_hello_request(struct bt_buf *out, const struct bt_hello_request *r)
{
    bt_put_u32(out, r->protocol);
    bt_put_text(out, r->version);
    bt_put_u32(out, r->idle_exit_ms);
}

int bt_get_hello_request(struct bt_slice payload, struct bt_arena *arena,
                         struct bt_hello_request *ret, struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_hello_request r;

    if (!(bt_get_u32(&f, &r.protocol) &&
          bt_get_text(&f, &r.version) &&
          bt_get_u32(&f, &r.idle_exit_ms) &&
          bt_fields_end(&f)))
        return no_such_payload(payload, "a hello request", err);
    *ret = r;
    return 0;
}

void bt_put_hello_reply(struct bt_buf *out, const struct bt_hello_reply *r)
{
    bt_put_u32(out, r->protocol);
    bt_put_text(out, r->version);
    bt_put_text(out, r->build);
    bt_put_text(out, r->hostname);
    bt_put_u32(out, r->uid);
    bt_put_u32(out, r->pid);
    bt_put_u8(out, r->may_kill);
    bt_put_u8(out, r->may_network);
    bt_put_u8(out, r->may_read_all);
}

int bt_get_hello_reply(struct bt_slice payload, struct bt_arena *arena, struct bt_hello_reply *ret,
                       struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_hello_reply r;

    if (!(bt_get_u32(&f, &r.protocol) &&
          bt_get_text(&f, &r.version) &&
          bt_get_text(&f, &r.build) &&
          bt_get_text(&f, &r.hostname) &&
          bt_get_u32(&f, &r.uid) &&
          bt_get_u32(&f, &r.pid) &&
          bt_get_bool(&f, &r.may_kill) &&
          bt_get_bool(&f, &r.may_network) &&
          bt_get_bool(&f, &r.may_read_all) &&
          bt_fields_end(&f)))
        return no_such_payload(payload, "a hello reply", err);
    *ret = r;
    return 0;
}

static void put_server_id(struct bt_buf *out, const struct bt_server_id *s)
{
    bt_put_text(out, s->pid_file);
    bt_put_text(out, s->datadir);
    bt_put_text(out, s->address);
    bt_put_u16(out, s->port);
}

static bool get_server_id(struct bt_fields *f, struct bt_server_id *ret)
{
    return bt_get_text(f, &ret->pid_file) &&
           bt_get_text(f, &ret->datadir) &&
           bt_get_text(f, &ret->address) &&
           bt_get_u16(f, &ret->port);
}

void bt_put_state_request(struct bt_buf *out, const struct bt_state_request *r)
{
    put_server_id(out, &r->server);
    bt_put_u32(out, r->greeting_ms);
}

int bt_get_state_request(struct bt_slice payload, struct bt_arena *arena,
                         struct bt_state_request *ret, struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_state_request r;

    if (!(get_server_id(&f, &r.server) &&
          bt_get_u32(&f, &r.greeting_ms) &&
          bt_fields_end(&f)))
        return no_such_payload(payload, "a server state request", err);
    *ret = r;
    return 0;
}

void bt_put_state_reply(struct bt_buf *out, const struct bt_state_reply *r)
{
    bt_put_u8(out, r->running);
    bt_put_u32(out, r->pid);
    bt_put_u8(out, (uint8_t)r->state);
    bt_put_text(out, r->program);
    bt_put_text(out, r->found_by);
    bt_put_u32(out, r->safe_pid);
    bt_put_text(out, r->unit);
    bt_put_u8(out, r->port);
    bt_put_u8(out, r->listening);
}

int bt_get_state_reply(struct bt_slice payload, struct bt_arena *arena, struct bt_state_reply *ret,
                       struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_state_reply r;
    uint8_t state;

    if (!(bt_get_bool(&f, &r.running) &&
          bt_get_u32(&f, &r.pid) &&
          bt_get_choice(&f, 128, &state) &&
          bt_get_text(&f, &r.program) &&
          bt_get_text(&f, &r.found_by) &&
          bt_get_u32(&f, &r.safe_pid) &&
          bt_get_text(&f, &r.unit) &&
          bt_get_choice(&f, BT_PORT_TIMEOUT + 1, &r.port) &&
          bt_get_bool(&f, &r.listening) &&
          bt_fields_end(&f)))
        return no_such_payload(payload, "a server state", err);
    r.state = (char)state;
    *ret = r;
    return 0;
}

void bt_put_stop_request(struct bt_buf *out, const struct bt_stop_request *r)
{
    put_server_id(out, &r->server);
    bt_put_u32(out, r->term_ms);
    bt_put_u32(out, r->kill_ms);
}

int bt_get_stop_request(struct bt_slice payload, struct bt_arena *arena,
                        struct bt_stop_request *ret, struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_stop_request r;

    if (!(get_server_id(&f, &r.server) &&
          bt_get_u32(&f, &r.term_ms) &&
          bt_get_u32(&f, &r.kill_ms) &&
          bt_fields_end(&f)))
        return no_such_payload(payload, "a server stop request", err);
    *ret = r;
    return 0;
}

void bt_put_stop_reply(struct bt_buf *out, const struct bt_stop_reply *r)
{
    bt_put_u8(out, r->how);
    bt_put_u32(out, r->pid);
    bt_put_u8(out, r->safe_stopped);
    bt_put_text(out, r->unit);
    bt_put_u32(out, r->ms);
    bt_put_text(out, r->proof);
}

int bt_get_stop_reply(struct bt_slice payload, struct bt_arena *arena, struct bt_stop_reply *ret,
                      struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_stop_reply r;

    if (!(bt_get_choice(&f, BT_STOP_KILL + 1, &r.how) &&
          bt_get_u32(&f, &r.pid) &&
          bt_get_bool(&f, &r.safe_stopped) &&
          bt_get_text(&f, &r.unit) &&
          bt_get_u32(&f, &r.ms) &&
          bt_get_text(&f, &r.proof) &&
          bt_fields_end(&f)))
        return no_such_payload(payload, "a server stop reply", err);
    *ret = r;
    return 0;
}

void bt_put_vip_request(struct bt_buf *out, const struct bt_vip_request *r)
{
    bt_put_u8(out, r->action);
    bt_put_text(out, r->vip);
    bt_put_text(out, r->interface);
    bt_put_text(out, r->label);
    bt_put_u32(out, (uint32_t)r->probe_ms);
    bt_put_u8(out, r->take_from_holder);
    bt_put_u32(out, r->announce_count);
    bt_put_u32(out, r->announce_spacing_ms);
}

int bt_get_vip_request(struct bt_slice payload, struct bt_arena *arena, struct bt_vip_request *ret,
                       struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_vip_request r;
    uint32_t probe_ms;

    if (!(bt_get_choice(&f, BT_VIP_ACTIONS, &r.action) &&
          bt_get_text(&f, &r.vip) &&
          bt_get_text(&f, &r.interface) &&
          bt_get_text(&f, &r.label) &&
          bt_get_u32(&f, &probe_ms) &&
          bt_get_bool(&f, &r.take_from_holder) &&
          bt_get_u32(&f, &r.announce_count) &&
          bt_get_u32(&f, &r.announce_spacing_ms) &&
          bt_fields_end(&f)) ||
        (probe_ms > INT32_MAX && probe_ms != UINT32_MAX) || r.announce_count > 1000 ||
        r.announce_spacing_ms > 60000)
        return no_such_payload(payload, "a vip request", err);
    r.probe_ms = probe_ms == UINT32_MAX ? -1 : (int32_t)probe_ms;
    *ret = r;
    return 0;
}

void bt_put_vip_reply(struct bt_buf *out, const struct bt_vip_reply *r)
{
    bt_put_u32(out, r->place_count);
    for (uint32_t i = 0; i < r->place_count; i++) {
        bt_put_text(out, r->places[i].interface);
        bt_put_u8(out, r->places[i].prefix);
        bt_put_u8(out, r->places[i].usable);
    }
    bt_put_u8(out, r->was_there);
    bt_put_u8(out, r->found);
    bt_put_u8(out, r->wants);
    bt_put_text(out, r->holder);
    bt_put_u32(out, r->removed);
    bt_put_u32(out, r->announced);
}

int bt_get_vip_reply(struct bt_slice payload, struct bt_arena *arena, struct bt_vip_reply *ret,
                     struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_vip_reply r = {0};
    bool good = bt_get_u32(&f, &r.place_count) && r.place_count <= BT_VIP_PLACES_MAX;

    for (uint32_t i = 0; good && i < r.place_count; i++)
        good = bt_get_text(&f, &r.places[i].interface) &&
               bt_get_u8(&f, &r.places[i].prefix) &&
               bt_get_bool(&f, &r.places[i].usable);
    if (!(good &&
          bt_get_bool(&f, &r.was_there) &&
          bt_get_bool(&f, &r.found) &&
          bt_get_bool(&f, &r.wants) &&
          bt_get_text(&f, &r.holder) &&
          bt_get_u32(&f, &r.removed) &&
          bt_get_u32(&f, &r.announced) &&
          bt_fields_end(&f)))
        return no_such_payload(payload, "a vip reply", err);
    *ret = r;
    return 0;
}

void bt_put_reach_request(struct bt_buf *out, const struct bt_reach_request *r)
{
    bt_put_text(out, r->address);
    bt_put_u16(out, r->port);
    bt_put_u32(out, r->timeout_ms);
    bt_put_u8(out, r->greeting);
}

int bt_get_reach_request(struct bt_slice payload, struct bt_arena *arena,
                         struct bt_reach_request *ret, struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_reach_request r;

    if (!(bt_get_text(&f, &r.address) &&
          bt_get_u16(&f, &r.port) &&
          bt_get_u32(&f, &r.timeout_ms) &&
          bt_get_bool(&f, &r.greeting) &&
          bt_fields_end(&f)))
        return no_such_payload(payload, "a probe request", err);
    *ret = r;
    return 0;
}

void bt_put_reach_reply(struct bt_buf *out, const struct bt_reach_reply *r)
{
    bt_put_u8(out, r->port);
    bt_put_u32(out, r->os_errno);
    bt_put_u32(out, r->ms);
}

int bt_get_reach_reply(struct bt_slice payload, struct bt_arena *arena, struct bt_reach_reply *ret,
                       struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_reach_reply r;

    (void)arena;
    if (!(bt_get_choice(&f, BT_PORT_TIMEOUT + 1, &r.port) &&
          bt_get_u32(&f, &r.os_errno) &&
          bt_get_u32(&f, &r.ms) &&
          bt_fields_end(&f)))
        return no_such_payload(payload, "a probe reply", err);
    *ret = r;
    return 0;
}

/* ------------------------------------------------------------------ guard */

void bt_put_guard_request(struct bt_buf *out, const struct bt_guard_request *r)
{
    bt_put_u32(out, r->vip_count);
    for (uint32_t i = 0; i < r->vip_count; i++)
        bt_put_text(out, r->vips[i]);
    bt_put_u32(out, r->peer_count);
    for (uint32_t i = 0; i < r->peer_count; i++) {
        bt_put_text(out, r->peers[i].address);
        bt_put_u16(out, r->peers[i].port);
    }
    bt_put_u32(out, r->silence_ms);
}

int bt_get_guard_request(struct bt_slice payload, struct bt_arena *arena,
                         struct bt_guard_request *ret, struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_guard_request r = {0};
    bool good = bt_get_u32(&f, &r.vip_count) && r.vip_count <= BT_GUARD_MAX;

    for (uint32_t i = 0; good && i < r.vip_count; i++)
        good = bt_get_text(&f, &r.vips[i]);
    good = good && bt_get_u32(&f, &r.peer_count) && r.peer_count <= BT_GUARD_MAX;
    for (uint32_t i = 0; good && i < r.peer_count; i++)
        good = bt_get_text(&f, &r.peers[i].address) && bt_get_u16(&f, &r.peers[i].port);
    if (!(good && bt_get_u32(&f, &r.silence_ms) && bt_fields_end(&f)))
        return no_such_payload(payload, "a guard request", err);
    *ret = r;
    return 0;
}
