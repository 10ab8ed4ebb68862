/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/server_keeper.h"

#include "base/number.h"
#include "failover/node/proc.h"
#include "failover/node/server_process.h"

enum { CMDLINE_MAX = 64 << 10,
       ANCESTORS_MAX = 4,
       BUSY_MAX = 64 };

static const char *const programs[] = {"mariadbd-safe", "mysqld_safe"};

static bool runs_keeper(const struct bt_buf *cmdline)
{
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (bt_proc_runs(cmdline, programs[i]))
            return true;
    }
    return false;
}

uint32_t bt_keeper_above(uint32_t pid)
{
    bt_auto_buf struct bt_buf cmdline;
    struct bt_proc_stat stat;

    bt_buf_init(&cmdline, CMDLINE_MAX);
    for (int i = 0; i < ANCESTORS_MAX && bt_proc_stat(pid, &stat) && stat.parent > 1; i++) {
        pid = stat.parent;
        if (bt_proc_file(pid, "cmdline", &cmdline) && runs_keeper(&cmdline))
            return pid;
    }
    return 0;
}

/* One search. */
struct search {
    const struct bt_server_id *id;
    uint32_t busy[BUSY_MAX]; /* those that have a server */
    size_t busy_count;
    uint32_t found, second; /* its options or folder are those of the server */
    uint32_t undecided;     /* nothing tells whose it is */
    size_t count;           /* of all there are */
};

static bool note_busy(void *ctx, uint32_t pid)
{
    struct search *s = ctx;
    struct bt_proc_stat stat;
    uint32_t keeper;

    if (!bt_proc_stat(pid, &stat) || !bt_is_server_program(stat.name) || !bt_proc_is_alive(pid))
        return true;
    keeper = bt_keeper_above(pid);
    if (keeper != 0 && s->busy_count < BUSY_MAX)
        s->busy[s->busy_count++] = keeper;
    return true;
}

static bool is_busy(const struct search *s, uint32_t pid)
{
    for (size_t i = 0; i < s->busy_count; i++) {
        if (s->busy[i] == pid)
            return true;
    }
    return false;
}

static enum bt_proc_answer ask_port(const struct bt_server_id *id, const struct bt_buf *cmdline)
{
    const char *option;
    uint64_t port;

    if (id->port == 0 || !bt_proc_option(cmdline, "port", &option) ||
        !bt_number_u64(bt_slice_str(option), UINT16_MAX, &port))
        return BT_PROC_UNKNOWN;
    return port == id->port ? BT_PROC_YES : BT_PROC_NO;
}

static enum bt_proc_answer ask_datadir(const struct bt_server_id *id, uint32_t pid,
                                       const struct bt_buf *cmdline)
{
    const char *option;

    if (!id->datadir[0])
        return BT_PROC_UNKNOWN;
    if (bt_proc_option(cmdline, "datadir", &option))
        return bt_proc_same_file(option, id->datadir);
    /* It changes into a folder of its own choice: only being there says something. */
    return bt_proc_works_in(pid, id->datadir) == BT_PROC_YES ? BT_PROC_YES : BT_PROC_UNKNOWN;
}

static bool consider(void *ctx, uint32_t pid)
{
    struct search *s = ctx;
    bt_auto_buf struct bt_buf cmdline;
    enum bt_proc_answer port, datadir;

    bt_buf_init(&cmdline, CMDLINE_MAX);
    if (!bt_proc_file(pid, "cmdline", &cmdline) || !runs_keeper(&cmdline) ||
        !bt_proc_is_alive(pid) || bt_proc_in_other_network(pid))
        return true;
    s->count++;
    port = ask_port(s->id, &cmdline);
    datadir = ask_datadir(s->id, pid, &cmdline);
    if (is_busy(s, pid) || port == BT_PROC_NO || datadir == BT_PROC_NO)
        return true;
    if (port == BT_PROC_UNKNOWN && datadir == BT_PROC_UNKNOWN)
        s->undecided = pid;
    else
        *(s->found ? &s->second : &s->found) = pid;
    return true;
}

int bt_keeper_find(const struct bt_server_id *id, uint32_t *ret, struct bt_err *err)
{
    struct search s = {.id = id};

    if (bt_proc_each(note_busy, &s, err) != 0 || bt_proc_each(consider, &s, err) != 0)
        return -1;
    if (s.second != 0)
        return bt_fail(
            err, BT_ERR_REALITY,
            "mysqld_safe %u and %u have no server; either may start the one that is gone", s.found,
            s.second);
    if (s.found == 0 && s.undecided != 0 && s.count > 1)
        return bt_fail(
            err, BT_ERR_REALITY,
            "mysqld_safe %u has no server and may start the one that is gone, or another",
            s.undecided);
    *ret = s.found ? s.found : s.undecided;
    return 0;
}
