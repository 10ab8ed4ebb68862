/* SPDX-License-Identifier: Apache-2.0 */
/* Diff logs before they are applied.  CRCs are made right first, or nothing would come past them;
 * what is accepted has the counts that a plain reading gives. */
#include "diff/diff_log.h"

#include <stdlib.h>

#include "parser/crc.h"
#include "parser/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

/* Puts right the CRC of every event whose length fits, and its end_log_pos. */
static void mend(uint8_t *log, size_t size)
{
    enum { LENGTH_AT = 9, END_AT = 13 };

    for (size_t at = 4; at + BT_EVENT_HEADER_SIZE + BT_CHECKSUM_SIZE <= size;) {
        struct bt_cursor c = bt_cursor(bt_slice(log + at + LENGTH_AT, 4));
        uint32_t length, sum, end;

        if (!bt_cur_u32(&c, &length) || length < BT_EVENT_HEADER_SIZE + BT_CHECKSUM_SIZE ||
            length > size - at)
            return;
        end = htole32((uint32_t)(at + length));
        memcpy(log + at + END_AT, &end, 4);
        sum = htole32(bt_crc32(0, bt_slice(log + at, length - BT_CHECKSUM_SIZE)));
        memcpy(log + at + length - BT_CHECKSUM_SIZE, &sum, 4);
        at += length;
    }
}

/* Events of the log that are not inside of another. */
static uint64_t count_events(struct bt_source *source)
{
    bt_auto_reader struct bt_reader *reader = NULL;
    struct bt_event ev;
    struct bt_err err = {0};
    uint64_t count = 0;

    require(bt_reader_open(source, (struct bt_reader_opts){0}, &reader, &err) == 0);
    while (bt_reader_next(reader, &ev, &err) == 0)
        count += !ev.inner;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bt_auto_free uint8_t *log = malloc(size + 1);
    bt_auto_source struct bt_source *source = NULL;
    struct bt_diff_log_report report;
    struct bt_err err = {0};

    if (!log || size == 0)
        return 0;
    /* The first byte says whether the input is taken as it is. */
    memcpy(log, data + 1, size - 1);
    if (data[0] & 1)
        mend(log, size - 1);
    if (bt_source_memory_open(bt_slice(log, size - 1), "diff", &source, &err) != 0)
        return 0;
    if (bt_diff_log_verify(source, NULL, &report, &err) != 0) {
        require(err.kind != BT_ERR_NONE && err.text[0] != '\0');
        return 0;
    }
    require(report.bytes <= size);
    require(report.events <= count_events(source));
    require((report.transactions == 0) == (report.events == 0));
    return 0;
}
