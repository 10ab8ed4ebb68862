/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/each.h"

#include <pthread.h>
#include <stdbool.h>

#include "failover/config.h"

struct call {
    bt_each_fn *fn;
    void *ctx;
    size_t i;
    pthread_t thread;
    bool started;
};

static void *call_run(void *arg)
{
    struct call *c = arg;

    c->fn(c->i, c->ctx);
    return NULL;
}

void bt_each(size_t count, bt_each_fn *fn, void *ctx)
{
    struct call calls[BT_SERVERS_MAX];

    for (size_t from = 0; from < count; from += BT_SERVERS_MAX) {
        size_t n = count - from < BT_SERVERS_MAX ? count - from : BT_SERVERS_MAX;

        for (size_t k = 0; k < n; k++) {
            calls[k] = (struct call){.fn = fn, .ctx = ctx, .i = from + k};
            calls[k].started =
                n > 1 && pthread_create(&calls[k].thread, NULL, call_run, &calls[k]) == 0;
        }
        for (size_t k = 0; k < n; k++)
            if (!calls[k].started)
                call_run(&calls[k]);
        for (size_t k = 0; k < n; k++)
            if (calls[k].started)
                pthread_join(calls[k].thread, NULL);
    }
}
