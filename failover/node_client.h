/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_client.h - the requests a manager makes over a channel, each one call.
 *
 * What a request and its reply hold stands in failover/node/protocol_host.h and
 * protocol_logs.h.  Texts of a reply live in the caller's arena.  All wait for at most
 * the deadline; a timeout closes the channel (channel.h).
 */
#ifndef BT_FAILOVER_NODE_CLIENT_H
#define BT_FAILOVER_NODE_CLIENT_H

#include "diff/diff_log.h"
#include "failover/channel.h"
#include "failover/config.h"
#include "failover/node/protocol_logs.h"

/* Which server on that host: by the master_pid_file of its block, else by the pid file and the data
 * directory that it named itself ("" or NULL = not known), and by its port.  Borrows all texts. */
struct bt_server_id bt_server_id_of(const struct bt_conf_server *conf, const char *pid_file,
                                    const char *datadir);

int bt_node_state(struct bt_channel *ch, const struct bt_state_request *request,
                  struct bt_deadline until, struct bt_arena *arena, struct bt_state_reply *ret,
                  struct bt_err *err) BT_MUST_CHECK;

/* 0 only with the host's proof that the server is gone. */
int bt_node_stop(struct bt_channel *ch, const struct bt_stop_request *request,
                 struct bt_deadline until, struct bt_arena *arena, struct bt_stop_reply *ret,
                 struct bt_err *err) BT_MUST_CHECK;

int bt_node_vip(struct bt_channel *ch, const struct bt_vip_request *request,
                struct bt_deadline until, struct bt_arena *arena, struct bt_vip_reply *ret,
                struct bt_err *err) BT_MUST_CHECK;

/* A vote: can that host reach the address? */
int bt_node_reach(struct bt_channel *ch, const struct bt_reach_request *request,
                  struct bt_deadline until, struct bt_reach_reply *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* The host gives the VIPs up by itself when it is cut off, as long as the channel is open. */
int bt_node_guard(struct bt_channel *ch, const struct bt_guard_request *request,
                  struct bt_deadline until, struct bt_err *err) BT_MUST_CHECK;

int bt_node_list(struct bt_channel *ch, const struct bt_list_request *request,
                 struct bt_deadline until, struct bt_arena *arena, struct bt_list_reply *ret,
                 struct bt_err *err) BT_MUST_CHECK;

/* Bytes of one log, handed to sink as they come.  They are verified at the end: on -1 what the sink
 * got is not to be used. */
int bt_node_read(struct bt_channel *ch, const struct bt_read_request *request, struct bt_sink sink,
                 struct bt_deadline until, struct bt_read_reply *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* ret->survey is the caller's: bt_survey_done(). */
int bt_node_survey(struct bt_channel *ch, const struct bt_survey_request *request,
                   struct bt_deadline until, struct bt_arena *arena, struct bt_survey_reply *ret,
                   struct bt_err *err) BT_MUST_CHECK;

#endif
