/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/hold.h"

#include <poll.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "failover/manager_priv.h"
#include "failover/status.h"
#include "failover/switchover.h"

enum { LOOK_MS = 50, SAY_MS = 300 };

static const char question[] = "hold\n", answer[] = "held\n";

int bt_hold_take(const struct bt_config *config, struct bt_deadline until, int *ret_fd,
                 struct bt_err *err)
{
    bt_auto_fd int fd = -1;
    char heard[sizeof(answer)] = "";
    size_t len = 0;
    int rc;

    *ret_fd = -1;
    rc = bt_status_connect(config, &fd, err);
    if (rc != 0)
        return rc;
    if (bt_io_write(fd, question, sizeof(question) - 1, until, err) != 0 ||
        bt_io_read_some(fd, heard, sizeof(heard) - 1, until, &len, err) != 0)
        return bt_err_wrap(err, "the manager of %s does not pause", config->app);
    if (strcmp(heard, answer) != 0)
        return bt_fail(err, BT_ERR_CONFLICT, "the manager of %s does not pause: it is held already",
                       config->app);
    *ret_fd = bt_steal_fd(&fd);
    return 0;
}

/* ------------------------------------------------------------ the manager's side */

static bool is_gone(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};

    return poll(&p, 1, 0) != 0;
}

/* Whoever held us, or ran before us, may have been killed in the middle. */
void bt_hold_settle(struct bt_manager *m)
{
    struct bt_switchover_opts opts = bt_switchover_defaults();
    enum bt_switchover_outcome outcome;
    struct bt_switchover *s;
    struct bt_err err = {0};
    char path[4096];

    if (!bt_switchover_was_cut_off(&m->config, path))
        return;
    bt_warning("A switchover was cut off (%s); it is settled first.", path);
    opts.is_managed = true;
    if (bt_switchover_new(&m->config, &opts, &s, &err) != 0) {
        bt_error("%s", err.text);
        return;
    }
    if (bt_switchover_resume(s, &outcome, &err) < 0)
        bt_error("%s", err.text);
    bt_switchover_free(s);
}

void bt_hold_serve(struct bt_manager *m)
{
    struct bt_err err = {0};

    bt_manager_state(m, BT_HEALTH_RETRYING_MONITOR);
    bt_info("Planned work asks for it: the primary is not watched meanwhile.");
    if (bt_io_write(m->hold_fd, answer, sizeof(answer) - 1, bt_deadline_in(SAY_MS), &err) == 0)
        while (!is_gone(m->hold_fd) && !m->must_stop)
            bt_manager_poll(m, LOOK_MS);
    close(m->hold_fd);
    m->hold_fd = -1;
    if (m->must_stop)
        return;
    bt_hold_settle(m);
    bt_info("Planned work is over.");
}
