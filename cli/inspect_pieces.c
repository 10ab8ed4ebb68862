/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect_pieces.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "diff/log_set.h"
#include "parser/crc.h"

enum {
    PIECE_MIN = 8 << 20,    /* smaller ones are not worth a thread */
    SEARCH_MAX = 64 << 20,  /* how far a transaction's begin is looked for */
    GTID_LENGTH_MAX = 4096, /* of a GTID event */
    TYPE_AT = 4,            /* in the header of an event: when 4, type 1, ... */
};

void bt_pieces_done(struct bt_pieces *pieces)
{
    for (size_t i = 0; i < pieces->path_count; i++)
        free(pieces->paths[i]);
    free(pieces->paths);
    free(pieces->items);
    free(pieces->runs);
    *pieces = (struct bt_pieces){0};
}

static int add_piece(struct bt_pieces *p, const char *path, uint64_t start, struct bt_err *err)
{
    if (p->count == p->room) {
        size_t room = p->room ? p->room * 2 : 64;
        struct bt_scan_piece *items = realloc(p->items, room * sizeof(*items));

        if (!items)
            return bt_fail_sys(err, "could not share \"%s\" among threads", path);
        p->items = items;
        p->room = room;
    }
    p->items[p->count++] = (struct bt_scan_piece){.path = path, .start = start};
    return 0;
}

/* --------------------------------------------------------- one log as a whole */

/* A log that may be counted on its own: a regular file with the head of a binary log; 1 if not. */
static int is_binary_log(const char *path, struct bt_format *ret, struct bt_err *err)
{
    bt_auto_source struct bt_source *source = NULL;
    bt_auto_reader struct bt_reader *reader = NULL;
    struct bt_event ev;
    int next;

    if (bt_source_open(path, &source, err) != 0)
        return -1;
    if (!source->can_go_back)
        return 1;
    if (bt_reader_open(source, (struct bt_reader_opts){.skip_crc = true}, &reader, err) != 0)
        return bt_err_wrap(err, "%s", path);
    next = bt_reader_next(reader, &ev, err);
    if (next != 0)
        return next;
    *ret = *ev.format;
    return ev.header.flags & BT_FLAG_RELAY_LOG ? 1 : 0;
}

static int add_log(struct bt_pieces *p, const char *path, struct bt_err *err)
{
    struct bt_format format;
    int result = is_binary_log(path, &format, err);
    char **paths;

    if (result != 0)
        return result;
    paths = realloc(p->paths, (p->path_count + 1) * sizeof(*paths));
    if (paths)
        p->paths = paths;
    if (!paths || !(paths[p->path_count] = strdup(path)))
        return bt_fail_sys(err, "could not share \"%s\" among threads", path);
    return add_piece(p, paths[p->path_count++], 0, err);
}

static int add_folder(struct bt_pieces *p, const char *path, struct bt_err *err)
{
    bt_auto_log_home struct bt_log_home *home = NULL;
    struct bt_log_opener *opener = NULL;
    int result = 0;

    if (bt_log_dir_open(path, &opener, err) != 0 || bt_log_home_open(opener, &home, err) != 0)
        return -1;
    if (home->set_count == 0 || home->notes.len)
        return 1;
    for (size_t i = 0; i < home->set_count; i++)
        for (size_t n = 0; n < home->sets[i].count && result == 0; n++) {
            char log[4096];

            snprintf(log, sizeof(log), "%s/%s", path, home->sets[i].logs[n].name);
            result = add_log(p, log, err);
        }
    return result;
}

/* ------------------------------------------------------------- cuts in a log */

static const bool begins_transaction[256] = {
    [BT_MARIADB_GTID] = true,
    [BT_GTID] = true,
    [BT_ANONYMOUS_GTID] = true,
    [BT_GTID_TAGGED] = true,
};

/* Whether a GTID event with a right CRC stands at the first of these bytes, which stand at
 * `offset`: a copy of one in the value of a column says another place. */
static bool is_begin(struct bt_slice bytes, uint64_t offset)
{
    struct bt_event_header header;
    struct bt_err ignored = {0};
    struct bt_cursor stored_at;
    uint32_t stored;

    if (bt_event_header_read(bytes, GTID_LENGTH_MAX, &header, &ignored) != 0 ||
        header.length > bytes.len || header.length < BT_EVENT_HEADER_SIZE + BT_CHECKSUM_SIZE ||
        header.end_log_pos != (uint32_t)(offset + header.length))
        return false;
    stored_at = bt_cursor(bt_slice(bytes.ptr + header.length - BT_CHECKSUM_SIZE, BT_CHECKSUM_SIZE));
    return bt_cur_u32(&stored_at, &stored) &&
           stored == bt_crc32(0, bt_slice(bytes.ptr, header.length - BT_CHECKSUM_SIZE));
}

/* The first transaction that begins at or behind `from`; 0 when none is found. */
static int find_begin(const char *path, uint64_t from, uint64_t *ret, struct bt_err *err)
{
    enum { WINDOW = 1 << 20 };
    bt_auto_source struct bt_source *source = NULL;
    struct bt_format format;

    *ret = 0;
    if (is_binary_log(path, &format, err) != 0 || !format.checksum || format.header_length != 19)
        return 0;
    if (bt_source_file_open(path, &source, err) != 0)
        return -1;
    for (uint64_t at = from; at < from + SEARCH_MAX; at += WINDOW) {
        struct bt_slice view;

        if (bt_source_view(source, at, WINDOW + GTID_LENGTH_MAX, &view, err) != 0)
            return -1;
        for (size_t i = 0; i + BT_EVENT_HEADER_SIZE <= view.len && i < WINDOW; i++)
            if (begins_transaction[view.ptr[i + TYPE_AT]] &&
                is_begin((struct bt_slice){view.ptr + i, view.len - i}, at + i)) {
                *ret = at + i;
                return 0;
            }
        if (view.len < WINDOW)
            return 0;
    }
    return 0;
}

/* Divides the logs among runs of about `share` bytes, cutting the log that is on the border. */
static int divide(struct bt_pieces *whole, struct bt_pieces *ret, uint64_t share, unsigned threads,
                  struct bt_err *err)
{
    uint64_t taken = 0;

    ret->runs[ret->run_count++] = 0;
    for (size_t i = 0; i < whole->count; i++) {
        struct stat st;
        uint64_t start = 0, size, cut;

        if (stat(whole->items[i].path, &st) != 0)
            return bt_fail_sys(err, "could not open \"%s\"", whole->items[i].path);
        size = (uint64_t)st.st_size;
        if (add_piece(ret, whole->items[i].path, 0, err) != 0)
            return -1;
        while (ret->run_count < threads && taken + (size - start) >= share) {
            cut = 0;
            if (size - start > share - taken + PIECE_MIN &&
                find_begin(whole->items[i].path, start + (share - taken), &cut, err) != 0)
                return -1;
            if (!cut) /* the border is the end of this log */
                break;
            ret->items[ret->count - 1].stop = cut;
            if (add_piece(ret, whole->items[i].path, cut, err) != 0)
                return -1;
            ret->runs[ret->run_count++] = ret->count - 1;
            start = cut;
            taken = 0;
        }
        taken += size - start;
        if (taken >= share && ret->run_count < threads && i + 1 < whole->count) {
            ret->runs[ret->run_count++] = ret->count;
            taken = 0;
        }
    }
    ret->runs[ret->run_count] = ret->count;
    return ret->run_count > 1 ? 0 : 1;
}

static int total_size(const struct bt_pieces *p, uint64_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct stat st;

        if (stat(p->items[i].path, &st) != 0)
            return 1;
        *ret += (uint64_t)st.st_size;
    }
    return *ret < 2 * PIECE_MIN;
}

int bt_pieces_cut(struct bt_pieces *pieces, const char *const *paths, size_t count,
                  unsigned threads, struct bt_err *err)
{
    struct bt_pieces whole = {0};
    uint64_t total = 0;
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++) {
        struct stat st;

        if (stat(paths[i], &st) != 0)
            result = 1; /* "-", or nothing there: the plain way tells */
        else
            result = S_ISDIR(st.st_mode) ? add_folder(&whole, paths[i], err)
                                         : add_log(&whole, paths[i], err);
    }
    if (result == 0)
        result = total_size(&whole, &total);
    if (result == 0) {
        pieces->runs = calloc(threads + 1u, sizeof(*pieces->runs));
        result = pieces->runs
                     ? divide(&whole, pieces, (total + threads - 1) / threads, threads, err)
                     : bt_fail_sys(err, "could not share the work among threads");
    }
    pieces->paths = whole.paths; /* both name them; one frees them */
    pieces->path_count = whole.path_count;
    whole.path_count = 0;
    whole.paths = NULL;
    bt_pieces_done(&whole);
    return result;
}
