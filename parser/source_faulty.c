/* SPDX-License-Identifier: Apache-2.0 */
/* Another source seen through faults: an early end, a read error, a flipped bit, short views. */
#include "parser/source.h"

#include <stdlib.h>

struct faulty_source {
    struct bt_source source;
    struct bt_source *inner; /* owned */
    struct bt_source_faults faults;
    uint8_t *copy; /* of the last view: exact size, so that a read behind its end is seen */
};

/* What of [pos, pos + want) the faults let through; 0 behind the end. */
static uint64_t let_through(const struct faulty_source *f, uint64_t pos, size_t want)
{
    uint64_t end = f->faults.end_at ? f->faults.end_at : UINT64_MAX;

    if (pos >= end)
        return 0;
    return want < end - pos ? want : end - pos;
}

static void flip(const struct faulty_source *f, uint64_t pos, size_t len)
{
    uint64_t bit = f->faults.flip_bit - 1;
    uint64_t offset = bit / 8;

    if (f->faults.flip_bit != 0 && offset >= pos && offset - pos < len)
        f->copy[offset - pos] ^= (uint8_t)(1u << (bit % 8));
}

static int faulty_view(struct bt_source *s, uint64_t pos, size_t want, struct bt_slice *ret,
                       struct bt_err *err)
{
    struct faulty_source *f = (struct faulty_source *)s;
    struct bt_slice inner;
    uint64_t len;

    want = (size_t)let_through(f, pos, want);
    if (f->faults.fail_at != 0 && pos + want > f->faults.fail_at) {
        errno = EIO;
        return bt_fail_sys(err, "could not read \"%s\" at offset %llu", s->name,
                           (unsigned long long)f->faults.fail_at);
    }
    if (bt_source_view(f->inner, pos, want, &inner, err) != 0)
        return -1;
    len = let_through(f, pos, inner.len);
    if (f->faults.view_max != 0 && len > f->faults.view_max && len > want)
        len = want > f->faults.view_max ? want : f->faults.view_max;
    if (f->faults.fail_at != 0 && len > f->faults.fail_at - pos)
        len = f->faults.fail_at - pos;
    free(f->copy);
    f->copy = malloc(len ? len : 1);
    if (!f->copy)
        return bt_fail_sys(err, "could not read \"%s\"", s->name);
    memcpy(f->copy, inner.ptr, len);
    flip(f, pos, len);
    *ret = bt_slice(f->copy, len);
    return 0;
}

static uint64_t faulty_size(struct bt_source *s)
{
    struct faulty_source *f = (struct faulty_source *)s;
    uint64_t size = bt_source_size(f->inner);

    return f->faults.end_at != 0 && f->faults.end_at < size ? f->faults.end_at : size;
}

static void faulty_close(struct bt_source *s)
{
    struct faulty_source *f = (struct faulty_source *)s;

    bt_source_close(f->inner);
    free(f->copy);
    free(f);
}

static const struct bt_source_ops faulty_ops = {
    .view = faulty_view,
    .size = faulty_size,
    .close = faulty_close,
};

int bt_source_faulty_open(struct bt_source *inner, struct bt_source_faults faults,
                          struct bt_source **ret, struct bt_err *err)
{
    struct faulty_source *f = calloc(1, sizeof(*f));

    if (!f) {
        bt_source_close(inner);
        return bt_fail_sys(err, "could not open a faulty source");
    }
    f->source = (struct bt_source){
        .ops = &faulty_ops,
        .name = inner->name,
        .can_go_back = inner->can_go_back,
    };
    f->inner = inner;
    f->faults = faults;
    *ret = &f->source;
    return 0;
}
