/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/server_stop.h"

#include <signal.h>
#include <stdio.h>

#include "failover/node/proc.h"
#include "failover/node/reach.h"
#include "failover/node/server_keeper.h"
#include "failover/node/server_process.h"
#include "failover/node/systemd.h"

enum { LOOK_MS = 10,
       SETTLE_MS = 50,
       SAFE_MS = 1000,
       REACH_MS = 500 };

static const char *address_of(const struct bt_server_id *id)
{
    return id->address[0] ? id->address : "127.0.0.1";
}

static int no_memory(const struct bt_arena *arena, struct bt_err *err)
{
    return bt_arena_fail(arena, "what is known of the server", err);
}

int bt_server_look(const struct bt_state_request *r, struct bt_deadline until,
                   struct bt_arena *arena, struct bt_state_reply *ret, struct bt_err *err)
{
    struct bt_state_reply s = {.state = '-', .port = BT_PORT_UNKNOWN};
    struct bt_server_process p;
    struct bt_reach_reply reach;

    if (bt_server_find(&r->server, &p, err) != 0)
        return -1;
    s.running = p.pid != 0;
    s.pid = p.pid;
    s.state = bt_server_state(&p);
    s.safe_pid = p.safe_pid;
    s.program = bt_arena_strf(arena, "%s", p.program);
    s.found_by = bt_arena_strf(arena, "%s", p.found_by);
    s.unit = bt_arena_strf(arena, "%s", p.unit);
    if (!s.program || !s.found_by || !s.unit)
        return no_memory(arena, err);
    if (r->server.port != 0 && bt_port_has_listener(r->server.port, &s.listening, err) != 0)
        return -1;
    if (r->server.port != 0 && r->greeting_ms != 0) {
        if (bt_reach(address_of(&r->server), r->server.port, true,
                     bt_deadline_earlier(bt_deadline_in(r->greeting_ms), until), &reach, err) != 0)
            return -1;
        s.port = reach.port;
    }
    *ret = s;
    return 0;
}

/* Waits until the process has ended: whether it has. */
static bool await_end(const struct bt_server_process *p, struct bt_deadline until)
{
    while (bt_server_exists(p)) {
        if (bt_deadline_passed(until))
            return false;
        bt_clock_pause(LOOK_MS, until);
    }
    return true;
}

static int send_signal(uint32_t pid, int number, const char *what, struct bt_err *err)
{
    if (kill((pid_t)pid, number) == 0 || errno == ESRCH)
        return 0;
    return bt_fail_sys(err, "could not send %s to %s %u", number == SIGTERM ? "SIGTERM" : "SIGKILL",
                       what, pid);
}

/* Ends whatever would start the server again. */
static int stop_keepers(const struct bt_server_process *p, struct bt_deadline until,
                        struct bt_stop_reply *reply, struct bt_err *err)
{
    struct bt_deadline safe_until = bt_deadline_earlier(bt_deadline_in(SAFE_MS), until);

    if (p->safe_pid != 0) {
        /* mysqld_safe ignores SIGTERM (scripts/mysqld_safe.sh, MariaDB 10.11). */
        if (send_signal(p->safe_pid, SIGKILL, "mysqld_safe", err) != 0)
            return -1;
        while (bt_proc_is_alive(p->safe_pid) && !bt_deadline_passed(safe_until))
            bt_clock_pause(LOOK_MS, safe_until);
        if (bt_proc_is_alive(p->safe_pid))
            return bt_fail(err, BT_ERR_REALITY, "mysqld_safe %u survived SIGKILL", p->safe_pid);
        reply->safe_stopped = true;
    }
    if (p->unit[0] && bt_systemd_stop(p->unit, err) != 0)
        return -1;
    return 0;
}

static int end_process(const struct bt_server_process *p, const struct bt_stop_request *r,
                       struct bt_deadline until, struct bt_stop_reply *reply, struct bt_err *err)
{
    char state = bt_server_state(p);

    reply->how = BT_STOP_TERM;
    if (r->term_ms > 0 && state != 'T' && state != 't') {
        if (!p->unit[0] && send_signal(p->pid, SIGTERM, p->program, err) != 0)
            return -1;
        if (await_end(p, bt_deadline_earlier(bt_deadline_in(r->term_ms), until)))
            return 0;
    }
    reply->how = BT_STOP_KILL;
    if (send_signal(p->pid, SIGKILL, p->program, err) != 0)
        return -1;
    if (await_end(p, bt_deadline_earlier(bt_deadline_in(r->kill_ms), until)))
        return 0;
    return bt_fail(err, BT_ERR_TIMEOUT, "%s %u survived SIGKILL for %u ms; its state is %c",
                   p->program, p->pid, r->kill_ms, bt_server_state(p));
}

/* Looks until neither a process nor a listener is left, or says what is. */
static int prove(const struct bt_server_id *id, struct bt_deadline until, struct bt_err *err)
{
    struct bt_deadline settle = bt_deadline_earlier(bt_deadline_in(SETTLE_MS), until);
    struct bt_reach_reply reach = {.port = BT_PORT_REFUSED};
    struct bt_server_process p;
    bool listening = false;

    do {
        if (bt_server_find(id, &p, err) != 0)
            return -1;
        if (id->port != 0 && bt_port_has_listener(id->port, &listening, err) != 0)
            return -1;
        if (p.pid == 0 && !listening)
            break;
        bt_clock_pause(LOOK_MS, settle);
    } while (!bt_deadline_passed(settle));
    if (p.pid != 0)
        return bt_fail(err, BT_ERR_REALITY,
                       "the server is back as %s %u: something starts it again", p.program, p.pid);
    if (listening)
        return bt_fail(err, BT_ERR_REALITY,
                       "no server process is left, but something still listens on port %u",
                       id->port);
    if (id->port != 0 &&
        bt_reach(address_of(id), id->port, false,
                 bt_deadline_earlier(bt_deadline_in(REACH_MS), until), &reach, err) != 0)
        return -1;
    if (reach.port == BT_PORT_ANSWERS)
        return bt_fail(err, BT_ERR_REALITY,
                       "no server process is left, but %s port %u still accepts", address_of(id),
                       id->port);
    return 0;
}

/* A server that is gone may be about to come back: finds who would start it. */
static int find_keepers_of_gone(const struct bt_server_id *id, struct bt_server_process *p,
                                struct bt_err *err)
{
    if (bt_keeper_find(id, &p->safe_pid, err) != 0)
        return -1;
    bt_systemd_restarting(p->unit, sizeof(p->unit));
    return 0;
}

static int stop(const struct bt_stop_request *r, struct bt_deadline until,
                struct bt_server_process *p, struct bt_stop_reply *reply, struct bt_err *err)
{
    if (bt_server_find(&r->server, p, err) != 0 ||
        (p->pid == 0 && find_keepers_of_gone(&r->server, p, err) != 0) ||
        stop_keepers(p, until, reply, err) != 0)
        return -1;
    if (p->pid == 0 && (p->safe_pid != 0 || p->unit[0])) {
        struct bt_server_process started;

        if (bt_server_find(&r->server, &started, err) != 0)
            return -1;
        if (started.pid != 0)
            *p = started; /* before its keeper was ended */
    }
    reply->pid = p->pid;
    return p->pid != 0 ? end_process(p, r, until, reply, err) : 0;
}

int bt_server_stop(const struct bt_stop_request *r, struct bt_deadline until,
                   struct bt_arena *arena, struct bt_stop_reply *ret, struct bt_err *err)
{
    struct bt_stop_reply reply = {.how = BT_STOP_WAS_GONE};
    struct bt_server_process p = {0};
    int64_t began = bt_clock_ms();
    const char *port = "";

    if (stop(r, until, &p, &reply, err) != 0 || prove(&r->server, until, err) != 0)
        return -1;
    if (r->server.port != 0)
        port = bt_arena_strf(arena, ", nothing listens on port %u", r->server.port);
    if (!port)
        return no_memory(arena, err);
    if (reply.how == BT_STOP_WAS_GONE)
        reply.proof = bt_arena_strf(arena, "no server process%s%s",
                                    reply.safe_stopped ? ", its mysqld_safe was ended" : "", port);
    else
        reply.proof = bt_arena_strf(arena, "%s %u (found by %s) has ended%s", p.program, p.pid,
                                    p.found_by, port);
    reply.unit = bt_arena_strf(arena, "%s", p.unit);
    if (!reply.unit || !reply.proof)
        return no_memory(arena, err);
    reply.ms = (uint32_t)(bt_clock_ms() - began);
    *ret = reply;
    return 0;
}
