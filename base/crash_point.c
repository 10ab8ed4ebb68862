/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crash_point.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

void bt_crash_point(const char *name)
{
    const char *wanted = getenv("BATON_CRASH_AT");

    if (wanted && strcmp(wanted, name) == 0)
        raise(SIGKILL);
}
