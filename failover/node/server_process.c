/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/server_process.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/number.h"
#include "failover/node/proc.h"
#include "failover/node/reach.h"
#include "failover/node/server_keeper.h"
#include "failover/node/systemd.h"

enum { CMDLINE_MAX = 64 << 10,
       PORT_SOCKETS_MAX = 16,
       ALL_SOCKETS_MAX = 1024 };

static const char *const programs[] = {"mariadbd", "mysqld"};

/* One search. */
struct search {
    const struct bt_server_id *id;
    uint32_t pid_in_file; /* 0 = none */
    uint64_t inodes[PORT_SOCKETS_MAX];
    size_t inode_count;
    uint64_t all_inodes[ALL_SOCKETS_MAX]; /* of every port that is listened on */
    size_t all_count;
    struct bt_server_process found;
    uint32_t second;    /* another process that fits */
    uint32_t undecided; /* nothing speaks for it and nothing against it */
    uint32_t undecided_second;
};

/* Whether the port speaks for (YES) or against (NO) the process. */
static enum bt_proc_answer ask_port(const struct search *s, uint32_t pid,
                                    const struct bt_buf *cmdline)
{
    enum bt_proc_answer owns = bt_proc_has_socket(pid, s->inodes, s->inode_count);
    const char *option;
    uint64_t number;

    if (owns == BT_PROC_YES)
        return BT_PROC_YES;
    if (owns == BT_PROC_NO &&
        (s->inode_count > 0 || bt_proc_has_socket(pid, s->all_inodes, s->all_count) == BT_PROC_YES))
        return BT_PROC_NO; /* the port is somebody else's, or it has another one */
    if (bt_proc_option(cmdline, "port", &option) &&
        bt_number_u64(bt_slice_str(option), UINT16_MAX, &number))
        return number == s->id->port ? BT_PROC_YES : BT_PROC_NO;
    return BT_PROC_UNKNOWN;
}

static enum bt_proc_answer ask_datadir(const struct search *s, uint32_t pid,
                                       const struct bt_buf *cmdline)
{
    enum bt_proc_answer answer = bt_proc_works_in(pid, s->id->datadir);
    const char *option;

    if (answer != BT_PROC_UNKNOWN || !bt_proc_option(cmdline, "datadir", &option))
        return answer;
    return bt_proc_same_file(option, s->id->datadir);
}

static void add(char found_by[static 64], size_t *len, const char *fmt, ...) BT_PRINTF(3, 4);

static void add(char found_by[static 64], size_t *len, const char *fmt, ...)
{
    va_list args;

    if (*len)
        *len += (size_t)snprintf(found_by + *len, 64 - *len, ", ");
    va_start(args, fmt);
    *len += (size_t)vsnprintf(found_by + *len, 64 - *len, fmt, args);
    va_end(args);
}

/* What speaks for the process, into found_by. */
static enum bt_proc_answer ask_all(const struct search *s, uint32_t pid, char found_by[static 64])
{
    bt_auto_buf struct bt_buf cmdline;
    enum bt_proc_answer answer;
    size_t len = 0;

    bt_buf_init(&cmdline, CMDLINE_MAX);
    found_by[0] = '\0';
    (void)bt_proc_file(pid, "cmdline", &cmdline);
    if (s->pid_in_file == pid)
        add(found_by, &len, "pid file");
    if (s->id->port != 0) {
        answer = ask_port(s, pid, &cmdline);
        if (answer == BT_PROC_NO)
            return BT_PROC_NO;
        if (answer == BT_PROC_YES)
            add(found_by, &len, "port %u", s->id->port);
    }
    if (s->id->datadir[0]) {
        answer = ask_datadir(s, pid, &cmdline);
        if (answer == BT_PROC_NO)
            return BT_PROC_NO;
        if (answer == BT_PROC_YES)
            add(found_by, &len, "datadir");
    }
    return len ? BT_PROC_YES : BT_PROC_UNKNOWN;
}

bool bt_is_server_program(const char *name)
{
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (strcmp(name, programs[i]) == 0)
            return true;
    }
    return false;
}

/* Under a loader (ld.so PROGRAM) its name is the loader's, but its program is what it executes. */
static bool runs_server_program(uint32_t pid)
{
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (bt_proc_executes(pid, programs[i]))
            return true;
    }
    return false;
}

/* Takes it for the server; false: another fits too. */
static bool take(struct search *s, uint32_t pid, const char found_by[static 64])
{
    if (s->found.pid != 0) {
        s->second = pid;
        return false;
    }
    s->found.pid = pid;
    memcpy(s->found.found_by, found_by, sizeof(s->found.found_by));
    return true;
}

static bool is_there(uint32_t pid, struct bt_proc_stat *ret)
{
    return bt_proc_stat(pid, ret) && !bt_proc_in_other_network(pid) && bt_proc_is_alive(pid);
}

static bool consider_named(void *ctx, uint32_t pid)
{
    struct search *s = ctx;
    struct bt_proc_stat stat;
    char found_by[64];

    if (!is_there(pid, &stat) || !bt_is_server_program(stat.name))
        return true;
    switch (ask_all(s, pid, found_by)) {
    case BT_PROC_NO: return true;
    case BT_PROC_UNKNOWN:
        *(s->undecided ? &s->undecided_second : &s->undecided) = pid;
        return true;
    case BT_PROC_YES: break;
    }
    return take(s, pid, found_by);
}

/* The same of a process of another name: what its command line says counts for nothing, a client's
 * --port is not a server's. */
static enum bt_proc_answer ask_unnamed(const struct search *s, uint32_t pid,
                                       char found_by[static 64])
{
    enum bt_proc_answer answer;
    size_t len = 0;

    found_by[0] = '\0';
    if (s->pid_in_file == pid)
        add(found_by, &len, "pid file");
    if (s->id->datadir[0]) {
        answer = bt_proc_works_in(pid, s->id->datadir);
        if (answer == BT_PROC_NO)
            return BT_PROC_NO;
        if (answer == BT_PROC_YES)
            add(found_by, &len, "datadir");
    }
    if (s->inode_count > 0) {
        answer = bt_proc_has_socket(pid, s->inodes, s->inode_count);
        if (answer == BT_PROC_NO)
            return BT_PROC_NO;
        if (answer == BT_PROC_YES)
            add(found_by, &len, "port %u", s->id->port);
    }
    return len ? BT_PROC_YES : BT_PROC_UNKNOWN;
}

/* A pid file outlives its server, a proxy may listen on its port, a backup may work in its data
 * directory: one of them alone says too little about a process of another name. */
static bool consider_unnamed(void *ctx, uint32_t pid)
{
    struct search *s = ctx;
    struct bt_proc_stat stat;
    char found_by[64];

    if (!is_there(pid, &stat) || bt_is_server_program(stat.name) ||
        ask_unnamed(s, pid, found_by) != BT_PROC_YES)
        return true;
    return strchr(found_by, ',') || runs_server_program(pid) ? take(s, pid, found_by) : true;
}

/* Nothing speaks for any process.  A server that is starting or shutting down listens nowhere;
 * calling it gone would be a lie, so the only one there is is taken for it. */
static int take_undecided(struct search *s, struct bt_err *err)
{
    if (s->undecided_second != 0)
        return bt_fail(
            err, BT_ERR_REALITY,
            "processes %u and %u may both be the server: neither listens, and no pid file "
            "or data directory tells them apart",
            s->undecided, s->undecided_second);
    s->found.pid = s->undecided;
    if (s->undecided != 0)
        snprintf(s->found.found_by, sizeof(s->found.found_by),
                 "the only server program here");
    return 0;
}

/* The rest of what is told about the process. */
static void describe(struct bt_server_process *p)
{
    struct bt_proc_stat stat;

    if (!bt_proc_stat(p->pid, &stat)) {
        p->pid = 0; /* it has just ended */
        return;
    }
    p->started = stat.started;
    p->state = stat.state;
    snprintf(p->program, sizeof(p->program), "%s", stat.name);
    p->safe_pid = bt_keeper_above(p->pid);
    bt_systemd_unit(p->pid, p->safe_pid, p->unit, sizeof(p->unit));
}

/* The number in a pid file, 0 when there is none: then the file says nothing. */
static uint32_t pid_in_file(const char *path)
{
    bt_auto_fd int fd = path[0] ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;
    char text[32] = "";
    uint64_t pid;
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

    while (got > 0 && (text[got - 1] == '\n' || text[got - 1] == ' '))
        got--;
    return got > 0 && bt_number_u64(bt_slice(text, (size_t)got), INT32_MAX, &pid) ? (uint32_t)pid
                                                                                  : 0;
}

int bt_server_find(const struct bt_server_id *id, struct bt_server_process *ret, struct bt_err *err)
{
    struct search s = {.id = id};

    if (!id->pid_file[0] && !id->datadir[0] && id->port == 0)
        return bt_fail(err, BT_ERR_USAGE,
                       "neither pid file, data directory nor port of the server is known");
    s.pid_in_file = pid_in_file(id->pid_file);
    if (id->port != 0 &&
        (bt_port_inodes(id->port, s.inodes, PORT_SOCKETS_MAX, &s.inode_count, err) != 0 ||
         bt_port_inodes(0, s.all_inodes, ALL_SOCKETS_MAX, &s.all_count, err) != 0))
        return -1;
    if (bt_proc_each(consider_named, &s, err) != 0 ||
        (s.found.pid == 0 && bt_proc_each(consider_unnamed, &s, err) != 0))
        return -1;
    if (s.second != 0)
        return bt_fail(err, BT_ERR_REALITY,
                       "processes %u and %u may both be the server; found by %s", s.found.pid,
                       s.second, s.found.found_by);
    if (s.found.pid == 0 && take_undecided(&s, err) != 0)
        return -1;
    if (s.found.pid != 0)
        describe(&s.found);
    *ret = s.found;
    return 0;
}

bool bt_server_exists(const struct bt_server_process *p)
{
    struct bt_proc_stat stat;

    return p->pid != 0 && bt_proc_stat(p->pid, &stat) && stat.started == p->started &&
           bt_proc_is_alive(p->pid);
}

char bt_server_state(const struct bt_server_process *p)
{
    struct bt_proc_stat stat;

    return p->pid != 0 && bt_proc_stat(p->pid, &stat) && stat.started == p->started ? stat.state
                                                                                    : '-';
}
