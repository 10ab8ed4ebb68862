/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node_client.h"

#include "failover/node/message.h"

/* What every request does with a reply that makes no sense. */
static int broken(struct bt_channel *ch, struct bt_err *err)
{
    (void)bt_err_wrap(err, "%s", bt_channel_name(ch));
    return bt_channel_break(ch, BT_CHANNEL_PROTOCOL, err);
}

struct bt_server_id bt_server_id_of(const struct bt_conf_server *conf, const char *pid_file,
                                    const char *datadir)
{
    const char *configured = bt_setting_text(conf->settings, BT_CONF_MASTER_PID_FILE);

    return (struct bt_server_id){
        .pid_file = configured[0] || !pid_file ? configured : pid_file,
        .datadir = datadir ? datadir : "",
        .address = conf->ip,
        .port = conf->port,
    };
}

int bt_node_state(struct bt_channel *ch, const struct bt_state_request *request,
                  struct bt_deadline until, struct bt_arena *arena, struct bt_state_reply *ret,
                  struct bt_err *err)
{
    struct bt_slice reply;

    bt_put_state_request(bt_channel_request(ch, BT_MESSAGE_STATE, until), request);
    if (bt_channel_call(ch, until, NULL, 0, &reply, err) != 0)
        return -1;
    return bt_get_state_reply(reply, arena, ret, err) == 0 ? 0 : broken(ch, err);
}

int bt_node_stop(struct bt_channel *ch, const struct bt_stop_request *request,
                 struct bt_deadline until, struct bt_arena *arena, struct bt_stop_reply *ret,
                 struct bt_err *err)
{
    struct bt_slice reply;

    bt_put_stop_request(bt_channel_request(ch, BT_MESSAGE_STOP, until), request);
    if (bt_channel_call(ch, until, NULL, 0, &reply, err) != 0)
        return -1;
    return bt_get_stop_reply(reply, arena, ret, err) == 0 ? 0 : broken(ch, err);
}

int bt_node_vip(struct bt_channel *ch, const struct bt_vip_request *request,
                struct bt_deadline until, struct bt_arena *arena, struct bt_vip_reply *ret,
                struct bt_err *err)
{
    struct bt_slice reply;

    bt_put_vip_request(bt_channel_request(ch, BT_MESSAGE_VIP, until), request);
    if (bt_channel_call(ch, until, NULL, 0, &reply, err) != 0)
        return -1;
    return bt_get_vip_reply(reply, arena, ret, err) == 0 ? 0 : broken(ch, err);
}

int bt_node_reach(struct bt_channel *ch, const struct bt_reach_request *request,
                  struct bt_deadline until, struct bt_reach_reply *ret, struct bt_err *err)
{
    struct bt_slice reply;

    bt_put_reach_request(bt_channel_request(ch, BT_MESSAGE_PROBE, until), request);
    if (bt_channel_call(ch, until, NULL, 0, &reply, err) != 0)
        return -1;
    return bt_get_reach_reply(reply, NULL, ret, err) == 0 ? 0 : broken(ch, err);
}

int bt_node_guard(struct bt_channel *ch, const struct bt_guard_request *request,
                  struct bt_deadline until, struct bt_err *err)
{
    struct bt_slice reply;

    bt_put_guard_request(bt_channel_request(ch, BT_MESSAGE_GUARD, until), request);
    return bt_channel_call(ch, until, NULL, 0, &reply, err);
}

int bt_node_list(struct bt_channel *ch, const struct bt_list_request *request,
                 struct bt_deadline until, struct bt_arena *arena, struct bt_list_reply *ret,
                 struct bt_err *err)
{
    struct bt_slice reply;

    bt_put_list_request(bt_channel_request(ch, BT_MESSAGE_LIST, until), request);
    if (bt_channel_call(ch, until, NULL, 0, &reply, err) != 0)
        return -1;
    return bt_get_list_reply(reply, arena, ret, err) == 0 ? 0 : broken(ch, err);
}

int bt_node_read(struct bt_channel *ch, const struct bt_read_request *request, struct bt_sink sink,
                 struct bt_deadline until, struct bt_read_reply *ret, struct bt_err *err)
{
    const struct bt_channel_stream stream = {sink.write, sink.ctx, UINT64_MAX};
    struct bt_slice reply;

    bt_put_read_request(bt_channel_request(ch, BT_MESSAGE_READ, until), request);
    if (bt_channel_call(ch, until, &stream, 1, &reply, err) != 0)
        return -1;
    return bt_get_read_reply(reply, NULL, ret, err) == 0 ? 0 : broken(ch, err);
}

int bt_node_survey(struct bt_channel *ch, const struct bt_survey_request *request,
                   struct bt_deadline until, struct bt_arena *arena, struct bt_survey_reply *ret,
                   struct bt_err *err)
{
    struct bt_slice reply;

    bt_put_survey_request(bt_channel_request(ch, BT_MESSAGE_SURVEY, until), request);
    if (bt_channel_call(ch, until, NULL, 0, &reply, err) != 0)
        return -1;
    return bt_get_survey_reply(reply, arena, ret, err) == 0 ? 0 : broken(ch, err);
}
