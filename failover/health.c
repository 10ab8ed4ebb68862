/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/health.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"

enum { PATH_SIZE = 4096, LIMIT_S = 10 };

static const char file_suffix[] = "master_status.health";

const char *bt_health_name(enum bt_health_code code)
{
    switch (code) {
#define X(name, number, text) \
    case BT_HEALTH_##name: return #name;
        BT_HEALTH_CODES(X)
#undef X
    }
    return "NOT_RUNNING";
}

static const char *text_of(enum bt_health_code code)
{
    switch (code) {
#define X(name, number, text) \
    case BT_HEALTH_##name: return text;
        BT_HEALTH_CODES(X)
#undef X
    }
    return "";
}

void bt_health_path(const struct bt_config *config, const char *suffix, char *out, size_t room)
{
    snprintf(out, room, "%s/%s.%s", config->workdir, config->app, suffix);
}

int bt_health_write(const struct bt_config *config, enum bt_health_code code, const char *primary,
                    struct bt_err *err)
{
    char path[PATH_SIZE], text[512];
    bt_auto_fd int fd = -1;
    int len;

    bt_health_path(config, file_suffix, path, sizeof(path));
    len = snprintf(text, sizeof(text), "%d\t%d:%s%s%.300s", (int)getpid(), (int)code,
                   bt_health_name(code), primary ? "\tmaster:" : "", primary ? primary : "");
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    /* A reader takes the lock too, and sees one state or the other. */
    if (flock(fd, LOCK_EX) != 0 || ftruncate(fd, 0) != 0 || write(fd, text, (size_t)len) != len)
        return bt_fail_sys(err, "could not write \"%s\"", path);
    return 0;
}

void bt_health_touch(const struct bt_config *config)
{
    char path[PATH_SIZE];

    bt_health_path(config, file_suffix, path, sizeof(path));
    (void)!utimensat(AT_FDCWD, path, NULL, 0);
}

void bt_health_remove(const struct bt_config *config)
{
    char path[PATH_SIZE];

    bt_health_path(config, file_suffix, path, sizeof(path));
    (void)!unlink(path);
}

static bool is_alive(pid_t pid)
{
    return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

static int64_t limit_of(const struct bt_config *config, int64_t ping_limit_s)
{
    int64_t twice = (int64_t)bt_setting_number(config->settings, BT_CONF_PING_INTERVAL) * 2 / 1000;

    if (ping_limit_s)
        return ping_limit_s;
    return twice > LIMIT_S ? twice : LIMIT_S;
}

int bt_health_read(const struct bt_config *config, int64_t ping_limit_s, struct bt_health *ret,
                   struct bt_err *err)
{
    char path[PATH_SIZE], text[512] = "";
    bt_auto_fd int fd = -1;
    struct stat st;
    int pid = 0, code = 0;
    ssize_t len;

    *ret = (struct bt_health){.code = BT_HEALTH_NOT_RUNNING};
    bt_health_path(config, file_suffix, path, sizeof(path));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || flock(fd, LOCK_SH) != 0 || (len = read(fd, text, sizeof(text) - 1)) < 0 ||
        fstat(fd, &st) != 0)
        return bt_fail_sys(err, "could not read \"%s\"", path);
    if (sscanf(text, "%d\t%d:%*[A-Z_]\tmaster:%255s", &pid, &code, ret->primary) < 2)
        return bt_fail(err, BT_ERR_CORRUPT, "\"%s\" is not a manager's status: \"%.100s\"", path,
                       text);
    if (!is_alive(pid))
        return 0;
    ret->pid = pid;
    ret->code = (enum bt_health_code)code;
    if (code == BT_HEALTH_PING_OK && time(NULL) - st.st_mtime > limit_of(config, ping_limit_s))
        ret->code = BT_HEALTH_TIMESTAMP_OLD;
    return 0;
}

void bt_health_line(const struct bt_config *config, const struct bt_health *h, struct bt_buf *out)
{
    bt_buf_add_str(out, config->app);
    if (h->code == BT_HEALTH_PING_OK)
        bt_buf_addf(out, " (pid:%d)", (int)h->pid);
    bt_buf_addf(out, " %s", text_of(h->code));
    if (h->primary[0] && h->code != BT_HEALTH_NOT_RUNNING)
        bt_buf_addf(out, "%s master:%s", h->code == BT_HEALTH_PING_OK ? "," : "", h->primary);
    bt_buf_add_byte(out, '\n');
}

int bt_health_lock(const struct bt_config *config, int *ret_fd, pid_t *ret_pid, struct bt_err *err)
{
    char path[PATH_SIZE], text[32] = "";
    bt_auto_fd int fd = -1;
    int len, pid = 0;

    if (mkdir(config->workdir, 0750) != 0 && errno != EEXIST)
        return bt_fail_sys(err, "could not make the work folder \"%s\"", config->workdir);
    bt_health_path(config, "manager.lock", path, sizeof(path));
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return bt_fail_sys(err, "could not lock \"%s\"", path);
        *ret_pid = read(fd, text, sizeof(text) - 1) > 0 && sscanf(text, "%d", &pid) == 1 ? pid : 0;
        return 1;
    }
    len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || write(fd, text, (size_t)len) != len)
        return bt_fail_sys(err, "could not write \"%s\"", path);
    *ret_fd = bt_steal_fd(&fd);
    return 0;
}
