/* SPDX-License-Identifier: Apache-2.0 */
/* A log that stands in memory. */
#include "parser/source.h"

#include <stdlib.h>

struct memory_source {
    struct bt_source source;
    struct bt_slice bytes; /* borrowed */
    char name[];
};

static int memory_view(struct bt_source *s, uint64_t pos, size_t want, struct bt_slice *ret,
                       struct bt_err *err)
{
    const struct memory_source *m = (const struct memory_source *)s;

    (void)want;
    (void)err;
    if (pos >= m->bytes.len)
        *ret = bt_slice_empty();
    else
        *ret = bt_slice(m->bytes.ptr + pos, m->bytes.len - (size_t)pos);
    return 0;
}

static uint64_t memory_size(struct bt_source *s)
{
    return ((const struct memory_source *)s)->bytes.len;
}

static void memory_close(struct bt_source *s)
{
    free(s);
}

static const struct bt_source_ops memory_ops = {
    .view = memory_view,
    .size = memory_size,
    .close = memory_close,
};

int bt_source_memory_open(struct bt_slice bytes, const char *name, struct bt_source **ret,
                          struct bt_err *err)
{
    size_t name_size = strlen(name) + 1;
    struct memory_source *m = calloc(1, sizeof(*m) + name_size);

    if (!m)
        return bt_fail_sys(err, "could not open \"%s\"", name);
    memcpy(m->name, name, name_size);
    m->source = (struct bt_source){.ops = &memory_ops, .name = m->name, .can_go_back = true};
    m->bytes = bytes;
    *ret = &m->source;
    return 0;
}
