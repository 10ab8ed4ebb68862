/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's waits: signals, the socket that tells its state, the service manager's watchdog. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "base/notify.h"
#include "failover/manager_priv.h"
#include "failover/picture.h"
#include "failover/status.h"

enum { QUESTION_MS = 100, ANSWER_MS = 300, ANSWER_MAX = 4 << 20 };

/* ------------------------------------------------------------------- state */

static const char *primary_name(const struct bt_manager *m)
{
    return m->topology.count && m->topology.primary != SIZE_MAX
               ? m->config.servers[m->topology.primary].hostname
               : NULL;
}

void bt_manager_state(struct bt_manager *m, enum bt_health_code code)
{
    struct bt_err err = {0};

    if (m->code == code) {
        bt_health_touch(&m->config);
        return;
    }
    m->code = code;
    if (bt_health_write(&m->config, code, primary_name(m), &err) != 0)
        bt_error("%s", err.text);
    bt_notify("STATUS=%s%s%s", bt_health_name(code), primary_name(m) ? ", primary " : "",
              primary_name(m) ? primary_name(m) : "");
}

/* ------------------------------------------------------------------- questions */

int bt_manager_serve_open(struct bt_manager *m, struct bt_err *err)
{
    struct sockaddr_un address;
    char path[4096];
    bt_auto_fd int folder = -1;
    bt_auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask;
    int rc;

    if (fd < 0 || bt_status_address(&m->config, &folder, &address, err) != 0)
        return fd < 0 ? bt_fail_sys(err, "could not make a socket") : -1;
    bt_health_path(&m->config, "manager.sock", path, sizeof(path));
    (void)!unlink(path); /* we hold the lock: nobody else listens there */
    mask = umask(0177);
    rc = bind(fd, (struct sockaddr *)&address, sizeof(address));
    umask(mask);
    if (rc != 0 || listen(fd, 8) != 0)
        return bt_fail_sys(err, "could not listen at \"%s\"", path);
    m->socket_fd = bt_steal_fd(&fd);
    return 0;
}

void bt_manager_serve_close(struct bt_manager *m)
{
    char path[4096];

    if (m->socket_fd < 0)
        return;
    close(m->socket_fd);
    m->socket_fd = -1;
    bt_health_path(&m->config, "manager.sock", path, sizeof(path));
    (void)!unlink(path);
}

static void answer_fill(struct bt_manager *m, bool as_json, struct bt_buf *out)
{
    struct bt_health health = {.code = m->code, .pid = getpid()};
    bt_auto_free struct bt_sight *sights = calloc(BT_SERVERS_MAX, sizeof(*sights));
    struct bt_picture p = {.config = &m->config,
                           .health = &health,
                           .primary = m->topology.count ? m->topology.primary : SIZE_MAX,
                           .sights = sights,
                           .verdict = bt_verdict_name(m->judgement.verdict),
                           .reason = m->judgement.reason,
                           .now_ms = bt_clock_ms()};
    struct bt_json json;

    if (!sights)
        return;
    snprintf(health.primary, sizeof(health.primary), "%s", primary_name(m) ? primary_name(m) : "");
    for (size_t i = 0; i < m->config.server_count; i++) {
        bt_sight_init(&sights[i]);
        if (m->lookout)
            bt_lookout_sight(m->lookout, i, &sights[i]);
    }
    if (!as_json) {
        bt_picture_text(&p, out);
        return;
    }
    bt_json_init(&json, out);
    bt_picture_json(&p, &json);
    bt_buf_add_byte(out, '\n');
}

/* One question, one answer; who is slow gets none. */
static void question_answer(struct bt_manager *m)
{
    bt_auto_fd int fd = accept4(m->socket_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    bt_auto_buf struct bt_buf out;
    struct bt_err err = {0};
    char question[16] = "";
    size_t len = 0;

    bt_buf_init(&out, ANSWER_MAX);
    if (fd < 0 || bt_io_read_some(fd, question, sizeof(question) - 1, bt_deadline_in(QUESTION_MS),
                                  &len, &err) != 0)
        return;
    if (strncmp(question, "hold", 4) == 0) {
        if (m->hold_fd < 0)
            m->hold_fd = bt_steal_fd(&fd);
        return;
    }
    answer_fill(m, strncmp(question, "json", 4) == 0, &out);
    if (bt_io_write(fd, out.data, out.len, bt_deadline_in(ANSWER_MS), &err) != 0)
        bt_debug("%s", err.text);
}

/* --------------------------------------------------------------------- waiting */

static void signals_take(struct bt_manager *m)
{
    struct signalfd_siginfo info;

    while (read(m->signal_fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGHUP) {
            m->must_reload = true;
            continue;
        }
        m->must_stop = true;
        bt_info("Got terminate signal. Exit.");
    }
}

static void watchdog_feed(struct bt_manager *m)
{
    int64_t now = bt_clock_ms();

    if (!m->watchdog_ms || now - m->notified_ms < m->watchdog_ms)
        return;
    m->notified_ms = now;
    bt_notify("WATCHDOG=1");
}

void bt_manager_poll(struct bt_manager *m, int64_t ms)
{
    struct pollfd fds[] = {{.fd = m->signal_fd, .events = POLLIN},
                           {.fd = m->wake_fd, .events = POLLIN},
                           {.fd = m->socket_fd, .events = POLLIN}};
    uint64_t count;

    if (m->watchdog_ms && ms > m->watchdog_ms)
        ms = m->watchdog_ms;
    if (poll(fds, 3, (int)ms) > 0) {
        if (fds[0].revents)
            signals_take(m);
        if (fds[1].revents)
            (void)!read(m->wake_fd, &count, sizeof(count));
        if (fds[2].revents)
            question_answer(m);
    }
    watchdog_feed(m);
}
