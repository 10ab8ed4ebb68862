/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/log_kind.h"

#include <string.h>

#include "base/auto.h"
#include "parser/event.h"
#include "parser/reader.h"

enum { MAGIC_SIZE = 4 };

static const uint8_t magic_encrypted[MAGIC_SIZE] = {0xfd, 'b', 'i', 'n'};

/* A log's own FORMAT_DESCRIPTION. */
struct head {
    enum bt_log_kind kind; /* UNKNOWN: it cannot be read */
    uint32_t server_id;
    bool good; /* its checksum is right */
};

static struct head head_of(const struct bt_log_set *set, size_t log)
{
    bt_auto_source struct bt_source *source = NULL;
    bt_auto_reader struct bt_reader *reader = NULL;
    struct head head = {.kind = BT_LOG_KIND_UNKNOWN};
    struct bt_event_header header;
    struct bt_err err = {0};
    struct bt_slice bytes;
    struct bt_event event;

    if (bt_log_set_open(set, log, &source, &err) != 0 ||
        bt_source_view(source, MAGIC_SIZE, BT_EVENT_HEADER_SIZE, &bytes, &err) != 0 ||
        bytes.len < BT_EVENT_HEADER_SIZE ||
        bt_event_header_read(bytes, UINT32_MAX, &header, &err) != 0 ||
        header.type != BT_FORMAT_DESCRIPTION)
        return head;
    head.kind = header.flags & BT_FLAG_RELAY_LOG ? BT_LOG_KIND_RELAY : BT_LOG_KIND_BINLOG;
    head.server_id = header.server_id;
    head.good = bt_reader_open(source, (struct bt_reader_opts){0}, &reader, &err) == 0 &&
                bt_reader_next(reader, &event, &err) == 0;
    return head;
}

/* The newest good one; where none is, the newest that says anything. */
static struct head head_of_set(const struct bt_log_set *set, bool only_here)
{
    struct head best = {.kind = BT_LOG_KIND_UNKNOWN};

    for (size_t i = set->count; i > 0 && !best.good; i--) {
        struct head head;

        if (set->logs[i - 1].missing || (only_here && set->logs[i - 1].path[0] == '/'))
            continue;
        head = head_of(set, i - 1);
        if (head.good || best.kind == BT_LOG_KIND_UNKNOWN)
            best = head;
    }
    return best;
}

/* A set that nobody here can read, since MySQL has encrypted its files, is worth a word. */
static void note_encrypted(const struct bt_log_set *set, struct bt_buf *notes)
{
    bt_auto_source struct bt_source *source = NULL;
    struct bt_err err = {0};
    struct bt_slice head;

    if (set->count == 0 || bt_log_set_open(set, set->count - 1, &source, &err) != 0 ||
        bt_source_view(source, 0, MAGIC_SIZE, &head, &err) != 0 || head.len < MAGIC_SIZE ||
        memcmp(head.ptr, magic_encrypted, MAGIC_SIZE) != 0)
        return;
    bt_buf_addf(notes, "\"%s\" is encrypted by MySQL: its keyring is needed\n",
                set->logs[set->count - 1].name);
}

/* An index may name what another server wrote: what is here says who this one is. */
static void drop_strangers(struct bt_log_set *set, struct bt_buf *notes)
{
    struct head own = head_of_set(set, true);

    for (size_t i = 0; i < set->count && own.good; i++) {
        struct bt_log *log = &set->logs[i];
        struct head head;

        if (log->missing || log->path[0] != '/')
            continue;
        head = head_of(set, i);
        if (head.kind == own.kind && head.server_id == own.server_id)
            continue;
        log->missing = true;
        bt_buf_addf(notes, "\"%s\" is no log of this server and was not used\n", log->path);
    }
}

void bt_log_set_judge(struct bt_log_set *set, struct bt_buf *notes)
{
    drop_strangers(set, notes);
    set->kind = head_of_set(set, false).kind;
    if (set->kind == BT_LOG_KIND_UNKNOWN)
        note_encrypted(set, notes);
}
