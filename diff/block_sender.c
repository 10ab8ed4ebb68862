/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/block_sender.h"

#include <signal.h>

static void *run(void *arg)
{
    struct bt_block_sender *s = arg;

    pthread_mutex_lock(&s->mutex);
    for (;;) {
        struct bt_err failure = {0};
        int failed;

        while (s->block.len == 0 && !s->has_to_stop)
            pthread_cond_wait(&s->changed, &s->mutex);
        if (s->block.len == 0)
            break;
        pthread_mutex_unlock(&s->mutex);
        /* Nobody else changes the block while it is under way. */
        failed = s->send(s->ctx, s->block, &failure);
        pthread_mutex_lock(&s->mutex);
        s->block = bt_slice_empty();
        if (failed) {
            s->has_failed = true;
            s->failure = failure;
        }
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

int bt_block_sender_start(struct bt_block_sender *s, bt_block_fn *send, void *ctx,
                          struct bt_err *err)
{
    sigset_t all, before;

    *s = (struct bt_block_sender){.send = send, .ctx = ctx, .block = bt_slice_empty()};
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&s->thread, NULL, run, s);
    s->is_running = errno == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return s->is_running ? 0 : bt_fail_sys(err, "could not start a thread to send blocks");
}

/* Waits until nothing is under way; the mutex is held. */
static int wait_idle(struct bt_block_sender *s, struct bt_err *err)
{
    while (s->block.len)
        pthread_cond_wait(&s->changed, &s->mutex);
    if (!s->has_failed)
        return 0;
    *err = s->failure;
    return -1;
}

int bt_block_sender_put(struct bt_block_sender *s, struct bt_slice block, struct bt_err *err)
{
    int failed;

    pthread_mutex_lock(&s->mutex);
    failed = wait_idle(s, err);
    if (!failed && block.len) {
        s->block = block;
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->mutex);
    return failed;
}

int bt_block_sender_end(struct bt_block_sender *s, struct bt_err *err)
{
    int failed;

    if (!s->is_running)
        return 0;
    pthread_mutex_lock(&s->mutex);
    failed = wait_idle(s, err);
    s->has_to_stop = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->mutex);
    s->is_running = false;
    return failed;
}
