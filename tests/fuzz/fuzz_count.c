/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a log: the summary that goes ahead through plain events counts what the one that has
 * each event looked at by itself counts, and says the same of the log's end. */
#include "base/log.h"
#include "cli/inspect_count.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        __builtin_trap();
}

/* The bytes, as the one log of a feed. */
struct one_log {
    struct bt_slice bytes;
    bool was_given;
};

static int next_log(void *ctx, struct bt_source **ret, const char **ret_path, struct bt_err *err)
{
    struct one_log *log = ctx;

    if (log->was_given)
        return 1;
    log->was_given = true;
    *ret_path = "fuzz.000001";
    return bt_source_memory_open(log->bytes, *ret_path, ret, err);
}

/* What the summary prints, or the error; ret is empty before. */
static void count(struct bt_slice bytes, bool skip_crc, const char *from, struct bt_buf *ret)
{
    struct one_log log = {.bytes = bytes};
    struct bt_scan_feed feed = {.next = next_log, .ctx = &log};
    struct bt_inspect in = {.json = true, .scan = {.skip_crc = skip_crc, .feed = &feed}};
    struct bt_summary summary;
    struct bt_err err = {0};
    struct bt_out out;

    check(bt_filter_prepare(&in.scan.filter, from, NULL, &err) == 0);
    check(bt_summary_init(&summary, 5, BT_ORDER_BYTES, &err) == 0);
    bt_out_init(&out, -1);
    if (bt_inspect_count(&in, NULL, 0, 1, &summary, &err) == 0 &&
        bt_summary_print_json(&summary, &out, &err) == 0)
        bt_buf_add(ret, out.buf.data, out.buf.len);
    bt_buf_addf(ret, "%s %d", err.text, in.damaged);
    bt_buf_done(&out.buf);
    bt_summary_done(&summary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bt_log_setup((struct bt_log_opts){.level = BT_LOG_ERROR});
    for (int skip_crc = 0; skip_crc < 2; skip_crc++) {
        struct bt_buf ahead, each;

        bt_buf_init(&ahead, 1 << 24);
        bt_buf_init(&each, 1 << 24);
        count(bt_slice(data, size), skip_crc, NULL, &ahead);
        count(bt_slice(data, size), skip_crc, "4", &each); /* a filter that lets all pass */
        check(ahead.len == each.len && memcmp(ahead.data, each.data, ahead.len) == 0);
        bt_buf_done(&ahead);
        bt_buf_done(&each);
    }
    return 0;
}
