/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/proc.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/number.h"

enum { PATH_SIZE = 64,
       FILE_MAX = 64 << 10 };

bool bt_proc_file(uint32_t pid, const char *name, struct bt_buf *out)
{
    char path[PATH_SIZE];
    bt_auto_fd int fd = -1;
    ssize_t got = 1;

    snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bt_buf_reset(out);
    while (got > 0 && out->len < out->max && out->len < FILE_MAX) {
        size_t room = out->max - out->len < 4096 ? out->max - out->len : 4096;
        uint8_t *to = bt_buf_reserve(out, room);

        if (!to)
            return false;
        got = read(fd, to, room);
        if (got > 0)
            bt_buf_commit(out, (size_t)got);
    }
    return got >= 0;
}

/* "PID (name) S PPID ...", the start time is field 22 (proc(5)).  The name may hold blanks and
 * brackets, so the last bracket ends it. */
static bool read_stat(const char *text, struct bt_proc_stat *ret)
{
    const char *open_bracket = strchr(text, '(');
    const char *close_bracket = strrchr(text, ')');
    struct bt_proc_stat s = {0};
    size_t len;

    if (!open_bracket || !close_bracket || close_bracket < open_bracket)
        return false;
    len = (size_t)(close_bracket - open_bracket - 1);
    if (len >= sizeof(s.name))
        len = sizeof(s.name) - 1;
    memcpy(s.name, open_bracket + 1, len);
    if (sscanf(close_bracket + 1,
               " %c %" SCNu32
               " %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
               &s.state, &s.parent, &s.started) != 3)
        return false;
    *ret = s;
    return true;
}

bool bt_proc_stat(uint32_t pid, struct bt_proc_stat *ret)
{
    bt_auto_buf struct bt_buf text;

    bt_buf_init(&text, 4096);
    return bt_proc_file(pid, "stat", &text) && read_stat(bt_buf_str(&text), ret);
}

bool bt_proc_is_alive(uint32_t pid)
{
    struct bt_proc_stat s;
    bt_auto_dir DIR *tasks = NULL;
    char path[PATH_SIZE];
    int count = 0;

    if (!bt_proc_stat(pid, &s) || s.state == 'X')
        return false;
    if (s.state != 'Z')
        return true;
    snprintf(path, sizeof(path), "/proc/%u/task", pid);
    tasks = opendir(path);
    for (const struct dirent *e; tasks && (e = readdir(tasks)) != NULL;)
        count += e->d_name[0] != '.';
    return count > 1;
}

/* The word of a command line at *at, which moves behind it; NULL after the last. */
static const char *next_word(const struct bt_buf *cmdline, size_t *at)
{
    const char *word = (const char *)cmdline->data + *at;
    const char *end = *at < cmdline->len ? memchr(word, '\0', cmdline->len - *at) : NULL;

    if (!end)
        return NULL;
    *at += (size_t)(end - word) + 1;
    return word;
}

bool bt_proc_option(const struct bt_buf *cmdline, const char *name, const char **ret)
{
    size_t len = strlen(name), at = 0;
    bool found = false;

    /* The last one counts, as it does for the server. */
    for (const char *word; (word = next_word(cmdline, &at)) != NULL;) {
        if (strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, len) == 0 &&
            word[2 + len] == '=') {
            *ret = word + 3 + len;
            found = true;
        }
    }
    return found;
}

bool bt_proc_runs(const struct bt_buf *cmdline, const char *name)
{
    size_t at = 0;

    for (int i = 0; i < 2; i++) {
        const char *word = next_word(cmdline, &at);
        const char *base = word ? strrchr(word, '/') : NULL;

        if (!word)
            return false;
        if (strcmp(base ? base + 1 : word, name) == 0)
            return true;
    }
    return false;
}

enum bt_proc_answer bt_proc_works_in(uint32_t pid, const char *path)
{
    char cwd[PATH_SIZE], inside[4096 + PATH_SIZE];
    enum bt_proc_answer here, there;

    snprintf(cwd, sizeof(cwd), "/proc/%u/cwd", pid);
    here = bt_proc_same_file(cwd, path);
    if (here == BT_PROC_YES || path[0] != '/' ||
        snprintf(inside, sizeof(inside), "/proc/%u/root%s", pid, path) >= (int)sizeof(inside))
        return here;
    there = bt_proc_same_file(cwd, inside);
    return there == BT_PROC_UNKNOWN ? here : there;
}

bool bt_proc_executes(uint32_t pid, const char *name)
{
    char path[PATH_SIZE], line[4096 + 128];
    bt_auto_file FILE *maps = NULL;

    snprintf(path, sizeof(path), "/proc/%u/maps", pid);
    maps = fopen(path, "re");
    while (maps && fgets(line, sizeof(line), maps)) {
        const char *base = strrchr(line, '/');
        size_t len = base ? strcspn(base + 1, " \n") : 0; /* " (deleted)": upgraded meanwhile */
        char mode[5];

        if (len == strlen(name) && strncmp(base + 1, name, len) == 0 &&
            sscanf(line, "%*s %4s", mode) == 1 && mode[2] == 'x')
            return true;
    }
    return false;
}

enum bt_proc_answer bt_proc_same_file(const char *a, const char *b)
{
    struct stat one, other;

    if (stat(a, &one) != 0 || stat(b, &other) != 0)
        return BT_PROC_UNKNOWN;
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino ? BT_PROC_YES : BT_PROC_NO;
}

bool bt_proc_in_other_network(uint32_t pid)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
    return bt_proc_same_file(path, "/proc/self/ns/net") == BT_PROC_NO;
}

enum bt_proc_answer bt_proc_has_socket(uint32_t pid, const uint64_t *inodes, size_t count)
{
    char path[PATH_SIZE], target[PATH_SIZE];
    bt_auto_dir DIR *fds = NULL;

    snprintf(path, sizeof(path), "/proc/%u/fd", pid);
    fds = opendir(path);
    if (!fds)
        return BT_PROC_UNKNOWN;
    for (const struct dirent *e; (e = readdir(fds)) != NULL;) {
        ssize_t len = readlinkat(dirfd(fds), e->d_name, target, sizeof(target) - 1);
        uint64_t inode;

        if (len <= 0)
            continue;
        target[len] = '\0';
        if (sscanf(target, "socket:[%" SCNu64 "]", &inode) != 1)
            continue;
        for (size_t i = 0; i < count; i++) {
            if (inodes[i] == inode)
                return BT_PROC_YES;
        }
    }
    return BT_PROC_NO;
}

int bt_proc_each(bt_proc_each_fn *each, void *ctx, struct bt_err *err)
{
    bt_auto_dir DIR *proc = opendir("/proc");

    if (!proc)
        return bt_fail_sys(err, "could not open \"/proc\"");
    for (const struct dirent *e; (e = readdir(proc)) != NULL;) {
        uint64_t pid;

        if (bt_number_u64(bt_slice_str(e->d_name), INT32_MAX, &pid) && !each(ctx, (uint32_t)pid))
            return 0;
    }
    return 0;
}
