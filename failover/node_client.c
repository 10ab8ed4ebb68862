/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node_client.h"

#include <unistd.h>

#include "base/auto.h"
#include "base/saved_file.h"
#include "failover/node/message.h"

enum { MANIFEST_MAX = 1 << 30 };

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

/* ----------------------------------------------------------------- extract */

static int take_manifest(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    struct bt_buf *text = ctx;

    return bt_buf_add_slice(text, bytes) ? 0 : bt_buf_check(text, "a manifest", err);
}

/* manifest_text gets the JSON as it came. */
static int extract(struct bt_channel *ch, const struct bt_extract_request *request,
                   struct bt_sink sink, struct bt_deadline until, struct bt_arena *arena,
                   struct bt_buf *manifest_text, struct bt_extract_reply *ret, struct bt_err *err)
{
    const struct bt_channel_stream streams[] = {{sink.write, sink.ctx, UINT64_MAX},
                                                {take_manifest, manifest_text, MANIFEST_MAX}};
    struct bt_slice reply;

    bt_put_extract_request(bt_channel_request(ch, BT_MESSAGE_EXTRACT, until), request);
    if (bt_channel_call(ch, until, streams, 2, &reply, err) != 0)
        return -1;
    return bt_get_extract_reply(reply, arena, ret, err) == 0 ? 0 : broken(ch, err);
}

int bt_node_extract(struct bt_channel *ch, const struct bt_extract_request *request,
                    struct bt_sink sink, struct bt_deadline until, struct bt_arena *arena,
                    struct bt_manifest *ret_manifest, struct bt_extract_reply *ret,
                    struct bt_err *err)
{
    bt_auto_buf struct bt_buf text;
    struct bt_extract_reply reply;

    bt_buf_init(&text, MANIFEST_MAX);
    if (extract(ch, request, sink, until, arena, &text, &reply, err) != 0 ||
        bt_manifest_parse(bt_buf_slice(&text), ret_manifest, err) != 0)
        return -1;
    *ret = reply;
    return 0;
}

static int save_bytes(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    return bt_saved_file_write(ctx, bytes, err);
}

int bt_node_extract_save(struct bt_channel *ch, const struct bt_extract_request *request,
                         const char *path, struct bt_deadline until, struct bt_arena *arena,
                         struct bt_manifest *ret_manifest, struct bt_extract_reply *ret,
                         struct bt_err *err)
{
    bt_auto_saved_file struct bt_saved_file log = BT_SAVED_FILE_NONE;
    bt_auto_saved_file struct bt_saved_file beside = BT_SAVED_FILE_NONE;
    bt_auto_buf struct bt_buf text;
    struct bt_manifest manifest;
    struct bt_extract_reply reply;

    bt_buf_init(&text, MANIFEST_MAX);
    if (bt_saved_file_open(path, "", &log, err) != 0 ||
        bt_saved_file_open(path, ".json", &beside, err) != 0 ||
        extract(ch, request, (struct bt_sink){save_bytes, &log}, until, arena, &text, &reply,
                err) != 0 ||
        bt_manifest_parse(bt_buf_slice(&text), &manifest, err) != 0)
        return -1;
    /* A manifest is never older or newer than its log: the old one goes before the new log comes.
     */
    if (bt_saved_file_write(&beside, bt_buf_slice(&text), err) != 0 ||
        (unlink(beside.path) != 0 && errno != ENOENT &&
         bt_fail_sys(err, "could not replace \"%s\"", beside.path) != 0) ||
        bt_saved_file_commit_pair(&log, &beside, err) != 0) {
        bt_manifest_done(&manifest);
        return -1;
    }
    *ret_manifest = manifest;
    *ret = reply;
    return 0;
}
