/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crash_point.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_wanted(const char *variable, const char *name)
{
    const char *wanted = getenv(variable);

    return wanted && strcmp(wanted, name) == 0;
}

void bt_crash_point(const char *name)
{
    if (is_wanted("BATON_CRASH_AT", name))
        raise(SIGKILL);
    if (is_wanted("BATON_PAUSE_AT", name))
        raise(SIGSTOP);
}
