/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/systemd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/number.h"
#include "base/run.h"
#include "failover/node/proc.h"

enum { SYSTEMCTL_MS = 3000,
       OUTPUT_MAX = 4096 };

/* A line of /proc/PID/cgroup is "0::/system.slice/mariadb.service" or, on old systems,
 * "1:name=systemd:/system.slice/mysqld.service"; the last part of the path counts. */
static bool service_of(uint32_t pid, char *out, size_t size)
{
    bt_auto_buf struct bt_buf text;
    const char *suffix = ".service";
    char *rest = NULL;

    bt_buf_init(&text, OUTPUT_MAX);
    if (!bt_proc_file(pid, "cgroup", &text) || !bt_buf_add_byte(&text, '\0'))
        return false;
    for (char *line = strtok_r((char *)text.data, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *name = strrchr(line, '/');
        size_t len = name ? strlen(++name) : 0;

        if ((strstr(line, "name=systemd") || strncmp(line, "0::", 3) == 0) &&
            len > strlen(suffix) && len < size &&
            strcmp(name + len - strlen(suffix), suffix) == 0) {
            memcpy(out, name, len + 1);
            return true;
        }
    }
    return false;
}

/* systemd's own word for the unit's main process; 0 when it cannot be had. */
static uint64_t main_pid(const char *unit)
{
    const char *const argv[] = {"systemctl", "show", "--property=MainPID", "--", unit, NULL};
    bt_auto_buf struct bt_buf out;
    struct bt_run_result r;
    struct bt_err ignored = {0};
    struct bt_slice text;
    uint64_t pid;

    bt_buf_init(&out, OUTPUT_MAX);
    if (bt_run((struct bt_run_opts){.argv = argv, .out = &out, .timeout_ms = SYSTEMCTL_MS}, &r,
               &ignored) != 0 ||
        r.exit_code != 0)
        return 0;
    text = bt_buf_slice(&out);
    if (!bt_slice_starts_with(text, "MainPID=") || text.ptr[text.len - 1] != '\n')
        return 0;
    text = bt_slice(text.ptr + strlen("MainPID="), text.len - strlen("MainPID=") - 1);
    return bt_number_u64(text, INT32_MAX, &pid) ? pid : 0;
}

void bt_systemd_unit(uint32_t pid, uint32_t safe_pid, char *out, size_t size)
{
    uint64_t named;

    out[0] = '\0';
    if (access("/run/systemd/system", F_OK) != 0 || !service_of(pid, out, size))
        return;
    named = main_pid(out);
    if (named == 0 || (named != pid && named != safe_pid))
        out[0] = '\0';
}

void bt_systemd_restarting(char *out, size_t size)
{
    static const char *const names[] = {"mariadb.service", "mysqld.service", "mysql.service"};

    out[0] = '\0';
    if (access("/run/systemd/system", F_OK) != 0)
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !out[0]; i++) {
        const char *const argv[] = {"systemctl", "show", "--property=ActiveState",
                                    "--", names[i], NULL};
        bt_auto_buf struct bt_buf text;
        struct bt_run_result r;
        struct bt_err ignored = {0};

        bt_buf_init(&text, OUTPUT_MAX);
        if (bt_run((struct bt_run_opts){.argv = argv, .out = &text, .timeout_ms = SYSTEMCTL_MS}, &r,
                   &ignored) == 0 &&
            r.exit_code == 0 && bt_slice_equal_str(bt_buf_slice(&text), "ActiveState=activating\n"))
            snprintf(out, size, "%s", names[i]);
    }
}

int bt_systemd_stop(const char *unit, struct bt_err *err)
{
    const char *const argv[] = {"systemctl", "stop", "--no-block", "--", unit, NULL};
    bt_auto_buf struct bt_buf out;
    struct bt_run_result r;

    bt_buf_init(&out, OUTPUT_MAX);
    if (bt_run((struct bt_run_opts){.argv = argv, .out = &out, .timeout_ms = SYSTEMCTL_MS}, &r,
               err) != 0)
        return -1;
    if (r.exit_code != 0)
        return bt_fail(err, BT_ERR_REMOTE,
                       "could not stop the unit \"%s\": systemctl ended with %d: %s", unit,
                       r.exit_code, bt_buf_str(&out));
    return 0;
}
