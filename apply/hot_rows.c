/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/hot_rows.h"

#include <stdlib.h>
#include <xxhash.h>

enum {
    ROUND = 2048,   /* of so many transactions */
    BURST = 128,    /* so many in a row are looked at, */
    ROWS_MAX = 32,  /* and so many rows of each */
    IMAGES = 16384, /* twice what a burst can have */
    SAMPLE_MIN = 32,
};

_Static_assert(IMAGES >= 2 * BURST * ROWS_MAX * 2, "the table is never more than half full");

struct bt_hot_rows_image {
    uint64_t hash;
    uint64_t number; /* of the last transaction that had it, + 1; 0 = free */
};

int bt_hot_rows_init(struct bt_hot_rows *h, struct bt_err *err)
{
    *h = (struct bt_hot_rows){.images = calloc(IMAGES, sizeof(*h->images))};
    return h->images ? 0 : bt_fail(err, BT_ERR_SYSTEM, "out of memory");
}

void bt_hot_rows_done(struct bt_hot_rows *h)
{
    free(h->images);
    h->images = NULL;
}

/* Notes that the transaction at hand has the image; found: it was there before. */
static void note_image(struct bt_hot_rows *h, uint64_t table, struct bt_slice columns,
                       struct bt_slice image, bool found)
{
    uint64_t hash = XXH3_64bits_withSeed(columns.ptr, columns.len, table);
    struct bt_hot_rows_image *slot;
    size_t at;

    hash = XXH3_64bits_withSeed(image.ptr, image.len, hash);
    for (at = hash & (IMAGES - 1); h->images[at].number && h->images[at].hash != hash;)
        at = (at + 1) & (IMAGES - 1);
    slot = &h->images[at];
    if (found && slot->number && slot->number - 1 != h->number &&
        h->number - (slot->number - 1) <= BT_HOT_ROWS_BACK)
        h->meets = true;
    *slot = (struct bt_hot_rows_image){hash, h->number + 1};
}

static uint64_t table_hash(const struct bt_table_map *map)
{
    uint64_t db = XXH3_64bits(map->db.ptr, map->db.len);

    return XXH3_64bits_withSeed(map->table.ptr, map->table.len, db);
}

void bt_hot_rows_feed(struct bt_hot_rows *h, const struct bt_row_count *rows,
                      const struct bt_event *ev)
{
    struct bt_slice before, after;
    const struct bt_table *table;
    const struct bt_plan *plan;
    struct bt_rows_event frame;
    struct bt_err ignored = {0};
    struct bt_row row;
    uint64_t name;

    if (h->number % ROUND >= BURST || h->rows >= ROWS_MAX ||
        !bt_row_count_frame(rows, ev, &frame, &table, &plan) ||
        bt_row_reader_begin(rows->rows, plan, &frame, &ignored) < 0)
        return;
    name = table_hash(&table->map);
    while (h->rows < ROWS_MAX && bt_row_reader_next(rows->rows, &row, &ignored) == 0) {
        bt_row_reader_images(rows->rows, &before, &after);
        if (row.before)
            note_image(h, name, frame.before_columns, before, true);
        if (row.after)
            note_image(h, name, frame.after_columns, after, false);
        h->rows++;
    }
}

void bt_hot_rows_end(struct bt_hot_rows *h)
{
    if (h->number % ROUND < BURST) {
        h->sampled++;
        h->meeting += h->meets;
    }
    h->meets = false;
    h->rows = 0;
    if (++h->number % ROUND == BURST)
        memset(h->images, 0, IMAGES * sizeof(*h->images));
}

unsigned bt_hot_rows_percent(const struct bt_hot_rows *h)
{
    return h->sampled < SAMPLE_MIN ? 0 : (unsigned)(h->meeting * 100 / h->sampled);
}
