/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a whole log: every event read, decoded, grouped; the end named; twice the same. */
#include <stdlib.h>
#include <string.h>

#include "parser/reader.h"
#include "parser/transaction.h"
#include "tests/lib/decode_all.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        __builtin_trap();
}

/* How many events; the reader must end and stay there. */
static size_t read_log(struct bt_slice bytes, struct bt_reader_opts opts, struct bt_end *ret)
{
    struct bt_source *source = NULL;
    struct bt_reader *reader = NULL;
    struct bt_table_cache *tables = NULL;
    struct bt_grouper grouper;
    struct bt_event ev;
    struct bt_err err;
    size_t count = 0;
    int rc;

    *ret = (struct bt_end){0};
    check(bt_source_memory_open(bytes, "fuzz", &source, &err) == 0);
    check(bt_table_cache_new(&tables, &err) == 0);
    bt_grouper_init(&grouper, "fuzz.000001");
    rc = bt_reader_open(source, opts, &reader, &err);
    while (rc == 0 && (rc = bt_reader_next(reader, &ev, &err)) == 0) {
        struct bt_err ignored;
        enum bt_group_step step;

        count++;
        check(ev.offset + ev.raw.len <= bytes.len);
        (void)!bt_grouper_feed(&grouper, &ev, &step, &ignored);
        if (!ev.sealed)
            (void)!bt_decode_event(&ev, tables, &ignored);
    }
    if (rc == 1) {
        *ret = *bt_reader_end(reader);
        check(ret->kind != BT_END_NOT_YET && ret->offset <= bytes.len);
        check(bt_reader_next(reader, &ev, &err) == 1);
    }
    bt_reader_close(reader);
    bt_source_close(source);
    bt_table_cache_free(tables);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_reader_opts opts = {.inflate_max = 1 << 20, .event_size_max = 1 << 24};
    struct bt_end first, again;
    struct bt_slice bytes = bt_slice(data, size);
    size_t count = read_log(bytes, opts, &first);

    check(read_log(bytes, opts, &again) == count && again.offset == first.offset);
    opts.skip_crc = true; /* so that mutations reach what stands behind the checksums */
    read_log(bytes, opts, &first);
    return 0;
}
