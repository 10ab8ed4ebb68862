/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect_scan.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/log.h"
#include "diff/log_set.h"
#include "parser/crypt.h"
#include "parser/query.h"

struct scan {
    struct bt_scan_opts *opts;
    const struct bt_scan_visitor *visitor;
    void *ctx;
    bool passes_all; /* the filter */
    struct bt_grouper grouper;
    struct bt_table_cache *tables;
    struct bt_rows_event frame; /* of the rows event at hand */
    struct bt_table *table;     /* its table */
    struct bt_keys *keys;       /* of encrypted logs of MariaDB; NULL without */
    struct bt_keys *keyring;    /* of MySQL; NULL without */
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Keeps what a TABLE_MAP says and finds the table of a rows event; 1 when the event has neither. */
static int follow_tables(struct scan *s, const struct bt_event *ev, struct bt_err *err)
{
    s->table = NULL;
    if (ev->type == BT_FORMAT_DESCRIPTION) {
        bt_table_cache_drop_all(s->tables);
        return 1;
    }
    if (ev->type == BT_TABLE_MAP) {
        if (bt_table_cache_put(s->tables, ev, &s->table, err) != 0)
            return -1;
        return 0;
    }
    if (!bt_event_is_rows(ev->type))
        return 1;
    if (bt_rows_event_read(ev, &s->frame, err) != 0)
        return -1;
    s->table = bt_table_cache_get(s->tables, ev->header.server_id, s->frame.table_id);
    return 0;
}

/* Of a statement the database it ran in counts; what names tables passes over it. */
static int is_wanted(const struct scan *s, const struct bt_event *ev, bool *ret, struct bt_err *err)
{
    const struct bt_filter *filter = &s->opts->filter;
    struct bt_query query;

    *ret = s->table && bt_filter_wants_table(filter, s->table->map.db, s->table->map.table);
    if ((ev->type != BT_QUERY && ev->type != BT_EXECUTE_LOAD_QUERY) || filter->tables.count)
        return 0;
    if (bt_query_read(ev, &query, err) != 0)
        return -1;
    *ret = query.db.len && bt_filter_wants_table(filter, query.db, bt_slice_empty());
    return 0;
}

/* Of an encrypted event without its key only place and length are known. */
static int visit_sealed(struct scan *s, const char *path, const struct bt_event *ev,
                        struct bt_err *err)
{
    struct bt_scan_event se = {.path = path, .event = ev, .wanted = true};

    if (!bt_filter_in_range(&s->opts->filter, base_name(path), ev, NULL, BT_GROUP_OUTSIDE))
        return 0;
    return s->visitor->event(s->ctx, &se, err);
}

static int visit(struct scan *s, const char *path, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_scan_event se = {.path = path, .event = ev, .wanted = true};
    struct bt_filter *filter = &s->opts->filter;

    if (ev->sealed)
        return visit_sealed(s, path, ev, err);
    if (bt_grouper_feed(&s->grouper, ev, &se.step, err) != 0 || follow_tables(s, ev, err) < 0)
        return bt_err_wrap(err, "%s:%llu", path, (unsigned long long)ev->offset);
    if (s->grouper.did_abandon && s->visitor->abandoned &&
        s->visitor->abandoned(s->ctx, path, &s->grouper.abandoned, err) != 0)
        return -1;
    se.transaction = bt_grouper_transaction(&s->grouper);
    se.table = s->table;
    if (bt_event_is_rows(ev->type))
        se.frame = &s->frame;
    if (s->passes_all)
        return s->visitor->event(s->ctx, &se, err);
    if (!bt_filter_in_range(filter, base_name(path), ev, se.transaction, se.step))
        return 0;
    if (!bt_filter_wants_transaction(filter,
                                     se.transaction ? &se.transaction->gtid : &(struct bt_gtid){0},
                                     ev->header.server_id))
        return 0;
    if (bt_filter_has_tables(filter) && is_wanted(s, ev, &se.wanted, err) != 0)
        return bt_err_wrap(err, "%s:%llu", path, (unsigned long long)ev->offset);
    return s->visitor->event(s->ctx, &se, err);
}

/* Puts the plain log in the place of one that MySQL encrypted. */
static int decrypt_source(struct scan *s, struct bt_source **source, struct bt_err *err)
{
    struct bt_slice head;

    if (!s->keyring)
        return 0;
    if (bt_source_view(*source, 0, 4, &head, err) != 0)
        return -1;
    if (!bt_mysql_is_encrypted(head))
        return 0;
    return bt_source_mysql_decrypt_open(bt_steal(*source), s->keyring, source, err);
}

/* Hands out events until the log ends, or what is wanted of it: how it ends.  An event that is
 * whole but makes no sense ends it too. */
static int walk(struct scan *s, struct bt_reader *reader, const char *path, struct bt_end *ret,
                struct bt_err *err)
{
    struct bt_scan_place place = {path, reader, &s->grouper, s->tables};
    struct bt_event ev;
    int next;

    for (;;) {
        if (s->passes_all && s->visitor->ahead && s->visitor->ahead(s->ctx, &place, err) != 0)
            return -1;
        next = bt_reader_next(reader, &ev, err);
        if (next != 0)
            break;
        if (s->opts->filter.stopped) {
            *ret = (struct bt_end){.kind = BT_END_CLEAN, .offset = ev.offset};
            return 0;
        }
        if (visit(s, path, &ev, err) == 0)
            continue;
        if (err->kind != BT_ERR_CORRUPT)
            return -1;
        *ret = (struct bt_end){.kind = BT_END_CORRUPT, .offset = ev.offset};
        snprintf(ret->reason, sizeof(ret->reason), "%.250s", err->text);
        bt_err_clear(err);
        return 0;
    }
    if (next < 0)
        return bt_err_wrap(err, "%s", path);
    *ret = *bt_reader_end(reader);
    return 0;
}

/* Walks one open log, or a part of it. */
static int scan_source(struct scan *s, struct bt_source *source, const struct bt_scan_piece *piece,
                       struct bt_err *err)
{
    bt_auto_reader struct bt_reader *reader = NULL;
    struct bt_reader_opts opts = {.skip_crc = s->opts->skip_crc,
                                  .keys = s->keys,
                                  .start_pos = piece->start,
                                  .stop_pos = piece->stop};
    const char *path = piece->path;
    struct bt_scan_log log = {.path = path, .start = piece->start, .source = source};
    struct bt_watched_source watched;
    struct bt_end end;

    source = bt_progress_watch(s->opts->progress, source, piece->start, &watched);
    if (bt_reader_open(source, opts, &reader, err) != 0)
        return bt_err_wrap(err, "%s", path);
    log.reader = reader;
    if (s->visitor->begin_log && s->visitor->begin_log(s->ctx, &log, err) != 0)
        return -1;
    if (walk(s, reader, path, &end, err) != 0)
        return -1;
    return s->visitor->end_log ? s->visitor->end_log(s->ctx, &log, &end, err) : 0;
}

/* An open transaction at the end of a run of logs will never end. */
static int finish_run(struct scan *s, const char *path, struct bt_err *err)
{
    if (!s->grouper.inside || !s->visitor->abandoned || s->opts->filter.stopped)
        return 0;
    s->grouper.inside = false;
    return s->visitor->abandoned(s->ctx, path, &s->grouper.current, err);
}

static int scan_file(struct scan *s, const char *path, struct bt_err *err)
{
    bt_auto_source struct bt_source *source = NULL;

    if (bt_source_open(path, &source, err) != 0 || decrypt_source(s, &source, err) != 0)
        return -1;
    return scan_source(s, source, &(struct bt_scan_piece){.path = path}, err);
}

/* The logs of one set, in order; a transaction may go on in the next one. */
static int scan_set(struct scan *s, const char *folder, const struct bt_log_set *set,
                    struct bt_err *err)
{
    for (size_t i = 0; i < set->count && !s->opts->filter.stopped; i++) {
        bt_auto_source struct bt_source *source = NULL;
        char path[4096];
        int opened = bt_log_set_open(set, i, &source, err);

        if (opened < 0)
            return -1;
        if (opened > 0 && !set->logs[i].missing) /* else the home's notes name it */
            bt_warning("%s: \"%s\" has been purged meanwhile", folder, set->logs[i].name);
        if (opened > 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, set->logs[i].name);
        if (i == 0)
            bt_grouper_init(&s->grouper, set->logs[i].name);
        else
            bt_grouper_next_log(&s->grouper, set->logs[i].name);
        if (decrypt_source(s, &source, err) != 0 ||
            scan_source(s, source, &(struct bt_scan_piece){.path = path}, err) != 0)
            return -1;
    }
    return finish_run(s, folder, err);
}

static int scan_folder(struct scan *s, const char *path, struct bt_err *err)
{
    bt_auto_log_home struct bt_log_home *home = NULL;
    struct bt_log_opener *opener = NULL;

    if (bt_log_dir_open(path, &opener, err) != 0 || bt_log_home_open(opener, &home, err) != 0)
        return -1;
    if (home->set_count == 0)
        return bt_fail(err, BT_ERR_REALITY, "there are no binary or relay logs in \"%s\"", path);
    if (home->notes.len && s->visitor->note)
        s->visitor->note(s->ctx, bt_buf_slice(&home->notes));
    for (size_t i = 0; i < home->set_count && !s->opts->filter.stopped; i++)
        if (scan_set(s, path, &home->sets[i], err) != 0)
            return -1;
    return 0;
}

/* Whether b is the log that follows a, as in `baton inspect relay.000004 relay.000005`. */
static bool follows(const char *a, const char *b)
{
    size_t a_len, b_len;
    uint64_t a_number, b_number;

    return bt_log_name_split(a, &a_len, &a_number) && bt_log_name_split(b, &b_len, &b_number) &&
           a_len == b_len && memcmp(a, b, a_len) == 0 && b_number == a_number + 1;
}

/* One path that is no folder; the open transaction of the log before it may go on here. */
static int scan_named(struct scan *s, const char *before, const char *path, struct bt_err *err)
{
    if (before && follows(base_name(before), base_name(path))) {
        bt_grouper_next_log(&s->grouper, base_name(path));
    } else {
        if (before && finish_run(s, before, err) != 0)
            return -1;
        bt_grouper_init(&s->grouper, base_name(path));
    }
    return scan_file(s, path, err);
}

/* Logs from elsewhere; a transaction may go on in the log that follows. */
static int scan_feed(struct scan *s, const struct bt_scan_feed *feed, struct bt_err *err)
{
    char before[4096] = "";
    int rc = 0;

    while (rc == 0 && !s->opts->filter.stopped) {
        bt_auto_source struct bt_source *source = NULL;
        const char *path;

        rc = feed->next(feed->ctx, &source, &path, err);
        if (rc != 0)
            break;
        if (*before && follows(base_name(before), base_name(path))) {
            bt_grouper_next_log(&s->grouper, base_name(path));
        } else {
            if (*before && finish_run(s, before, err) != 0)
                return -1;
            bt_grouper_init(&s->grouper, base_name(path));
        }
        snprintf(before, sizeof(before), "%s", path);
        if (decrypt_source(s, &source, err) != 0)
            return -1;
        rc = scan_source(s, source, &(struct bt_scan_piece){.path = path}, err);
    }
    if (rc < 0)
        return -1;
    return *before ? finish_run(s, before, err) : 0;
}

int bt_scan_pieces(const struct bt_scan_piece *pieces, size_t count, struct bt_scan_opts *opts,
                   const struct bt_scan_visitor *visitor, void *ctx, struct bt_err *err)
{
    struct scan s = {.opts = opts,
                     .passes_all = bt_filter_passes_all(&opts->filter),
                     .visitor = visitor,
                     .ctx = ctx};
    int result = 0;

    if (bt_table_cache_new(&s.tables, err) != 0)
        return -1;
    for (size_t i = 0; i < count && result == 0; i++) {
        bt_auto_source struct bt_source *source = NULL;

        bt_grouper_init(&s.grouper, base_name(pieces[i].path));
        result = bt_source_open(pieces[i].path, &source, err);
        if (result == 0)
            result = scan_source(&s, source, &pieces[i], err);
        if (result == 0)
            result = finish_run(&s, pieces[i].path, err);
    }
    bt_table_cache_free(s.tables);
    return result;
}

int bt_scan_paths(const char *const *paths, size_t count, struct bt_scan_opts *opts,
                  const struct bt_scan_visitor *visitor, void *ctx, struct bt_err *err)
{
    struct scan s = {.opts = opts,
                     .passes_all = bt_filter_passes_all(&opts->filter),
                     .visitor = visitor,
                     .ctx = ctx};
    const char *before = NULL; /* the last path that was no folder */
    int result = 0;

    if (bt_table_cache_new(&s.tables, err) != 0)
        return -1;
    if (opts->key_file)
        result = bt_keys_load_mariadb(opts->key_file, opts->key_passphrase, &s.keys, err);
    if (opts->keyring && result == 0)
        result = bt_keys_load_mysql(opts->keyring, &s.keyring, err);
    if (opts->feed && result == 0) {
        result = scan_feed(&s, opts->feed, err);
        count = 0;
    }
    for (size_t i = 0; i < count && result == 0 && !opts->filter.stopped; i++) {
        struct stat st = {0};

        if (strcmp(paths[i], "-") != 0 && stat(paths[i], &st) != 0) {
            result = bt_fail_sys(err, "could not open \"%s\"", paths[i]);
        } else if (S_ISDIR(st.st_mode)) {
            result = before ? finish_run(&s, before, err) : 0;
            before = NULL;
            if (result == 0)
                result = scan_folder(&s, paths[i], err);
        } else {
            result = scan_named(&s, before, paths[i], err);
            before = paths[i];
        }
    }
    if (result == 0 && before)
        result = finish_run(&s, before, err);
    bt_table_cache_free(s.tables);
    bt_keys_free(s.keys);
    bt_keys_free(s.keyring);
    return result;
}

static uint64_t folder_bytes(const char *path)
{
    bt_auto_log_home struct bt_log_home *home = NULL;
    struct bt_log_opener *opener = NULL;
    struct bt_err ignored = {0};
    uint64_t sum = 0;

    if (bt_log_dir_open(path, &opener, &ignored) != 0 ||
        bt_log_home_open(opener, &home, &ignored) != 0)
        return 0;
    for (size_t i = 0; i < home->set_count; i++)
        for (size_t n = 0; n < home->sets[i].count; n++)
            sum += home->sets[i].logs[n].size;
    return sum;
}

uint64_t bt_scan_bytes(const char *const *paths, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        struct stat st;
        uint64_t bytes = 0;

        if (strcmp(paths[i], "-") != 0 && stat(paths[i], &st) == 0)
            bytes = S_ISDIR(st.st_mode) ? folder_bytes(paths[i]) : (uint64_t)st.st_size;
        if (bytes == 0)
            return 0;
        sum += bytes;
    }
    return sum;
}
