/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/answer.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "failover/node/build_id.h"
#include "failover/node/guard.h"
#include "failover/node/proc.h"
#include "failover/node/protocol_host.h"
#include "failover/node/reach.h"
#include "failover/node/server_stop.h"
#include "version.h"

/* Bits of CapEff in /proc/PID/status (include/uapi/linux/capability.h). */
enum {
    CAP_DAC_OVERRIDE_BIT = 1,
    CAP_DAC_READ_SEARCH_BIT = 2,
    CAP_KILL_BIT = 5,
    CAP_NET_ADMIN_BIT = 12,
    CAP_NET_RAW_BIT = 13,
};

static uint64_t capabilities(void)
{
    bt_auto_buf struct bt_buf status;
    unsigned long long caps = 0;
    const char *line;

    bt_buf_init(&status, 16384);
    if (!bt_proc_file((uint32_t)getpid(), "status", &status))
        return 0;
    line = strstr(bt_buf_str(&status), "\nCapEff:");
    if (!line || sscanf(line, "\nCapEff: %llx", &caps) != 1)
        return 0;
    return caps;
}

static bool has(uint64_t caps, int bit)
{
    return (caps >> bit & 1) != 0;
}

int bt_answer_hello(struct bt_work *w, struct bt_err *err)
{
    struct bt_hello_request request;
    char build[BT_BUILD_ID_SIZE];
    uint64_t caps = capabilities();
    struct utsname host;

    if (bt_get_hello_request(w->payload, w->arena, &request, err) != 0 ||
        bt_build_id_of_self(build, err) != 0)
        return -1;
    if (uname(&host) != 0)
        return bt_fail_sys(err, "could not ask for the host's name");
    bt_put_hello_reply(
        w->reply,
        &(struct bt_hello_reply){
            .protocol = BT_NODE_PROTOCOL,
            .version = BT_VERSION,
            .build = build,
            .hostname = host.nodename,
            .uid = (uint32_t)geteuid(),
            .pid = (uint32_t)getpid(),
            .may_kill = has(caps, CAP_KILL_BIT),
            .may_network = has(caps, CAP_NET_ADMIN_BIT) && has(caps, CAP_NET_RAW_BIT),
            .may_read_all = has(caps, CAP_DAC_OVERRIDE_BIT) || has(caps, CAP_DAC_READ_SEARCH_BIT)});
    return 0;
}

int bt_answer_state(struct bt_work *w, struct bt_err *err)
{
    struct bt_state_request request;
    struct bt_state_reply reply;

    if (bt_get_state_request(w->payload, w->arena, &request, err) != 0 ||
        bt_server_look(&request, w->until, w->arena, &reply, err) != 0)
        return -1;
    bt_put_state_reply(w->reply, &reply);
    return 0;
}

int bt_answer_stop(struct bt_work *w, struct bt_err *err)
{
    struct bt_stop_request request;
    struct bt_stop_reply reply;

    if (bt_get_stop_request(w->payload, w->arena, &request, err) != 0 ||
        bt_server_stop(&request, w->until, w->arena, &reply, err) != 0)
        return -1;
    bt_put_stop_reply(w->reply, &reply);
    return 0;
}

int bt_answer_reach(struct bt_work *w, struct bt_err *err)
{
    struct bt_reach_request request;
    struct bt_reach_reply reply;

    if (bt_get_reach_request(w->payload, w->arena, &request, err) != 0 ||
        bt_reach(request.address, request.port, request.greeting,
                 bt_deadline_earlier(bt_deadline_in(request.timeout_ms), w->until), &reply,
                 err) != 0)
        return -1;
    bt_put_reach_reply(w->reply, &reply);
    return 0;
}

int bt_answer_guard(struct bt_work *w, struct bt_err *err)
{
    struct bt_guard_request request;

    if (bt_get_guard_request(w->payload, w->arena, &request, err) != 0)
        return -1;
    return bt_guard_set(&request, err);
}
