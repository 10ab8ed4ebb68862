/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the log sets of a directory (log_set.h). */
#include "diff/log_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/auto.h"
#include "diff/log_kind.h"
#include "parser/event.h"

enum {
    HOME_MEMORY_MAX = 256 << 20,
    NAMES_MAX = 1 << 20,
    INDEX_SIZE_MAX = 64 << 20,
    INFO_SIZE_MAX = 1 << 20,
    NOTES_MAX = 1 << 20,
    MAGIC_SIZE = 4,
};

static const uint8_t magic_plain[MAGIC_SIZE] = {0xfe, 'b', 'i', 'n'};
static const uint8_t magic_encrypted[MAGIC_SIZE] = {0xfd, 'b', 'i', 'n'};

/* One listed file whose name looks like a log's. */
struct listed {
    const char *name;
    size_t base_len;
    uint64_t number;
    uint64_t size;
    bool used; /* stands in a set */
};

struct finder {
    struct bt_log_home *home;
    struct listed *files;
    size_t file_count, file_room;
    const char **others; /* *.index and *.info */
    size_t other_count, other_room;
    size_t set_room;
};

static bool has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), want = strlen(suffix);

    return len > want && strcmp(name + len - want, suffix) == 0;
}

/* Room for one more element in an arena array that doubles; NULL without memory. */
static void *grown(struct bt_arena *a, void *array, size_t count, size_t *room, size_t size)
{
    void *more;

    if (count < *room)
        return array;
    more = bt_arena_array(a, *room ? *room * 2 : 16, size);
    if (!more)
        return NULL;
    if (count)
        memcpy(more, array, count * size);
    *room = *room ? *room * 2 : 16;
    return more;
}

static int take_name(void *ctx, const char *name, uint64_t size, struct bt_err *err)
{
    struct finder *f = ctx;
    struct bt_arena *arena = &f->home->arena;
    struct listed file = {.size = size};
    bool is_log = bt_log_name_split(name, &file.base_len, &file.number);

    if (!is_log && !has_suffix(name, ".index") && !has_suffix(name, ".info"))
        return 0;
    if (f->file_count + f->other_count >= NAMES_MAX)
        return bt_fail(err, BT_ERR_LIMIT, "\"%s\" holds more than %d logs", f->home->opener->name,
                       NAMES_MAX);
    file.name = bt_arena_str(arena, bt_slice_str(name));
    if (!file.name)
        return bt_arena_fail(arena, "the list of logs", err);
    if (is_log) {
        f->files = grown(arena, f->files, f->file_count, &f->file_room, sizeof(*f->files));
        if (!f->files)
            return bt_arena_fail(arena, "the list of logs", err);
        f->files[f->file_count++] = file;
        return 0;
    }
    f->others = grown(arena, f->others, f->other_count, &f->other_room, sizeof(*f->others));
    if (!f->others)
        return bt_arena_fail(arena, "the list of logs", err);
    f->others[f->other_count++] = file.name;
    return 0;
}

/* By base name, then number. */
static int compare_listed(const void *x, const void *y)
{
    const struct listed *a = x, *b = y;
    size_t shorter = a->base_len < b->base_len ? a->base_len : b->base_len;
    int order = memcmp(a->name, b->name, shorter);

    if (order == 0 && a->base_len != b->base_len)
        order = a->base_len < b->base_len ? -1 : 1;
    if (order == 0 && a->number != b->number)
        order = a->number < b->number ? -1 : 1;
    return order;
}

static int compare_names(const void *x, const void *y)
{
    const char *const *a = x, *const *b = y;

    return strcmp(*a, *b);
}

static struct listed *find_listed(struct finder *f, const char *name)
{
    struct listed key = {.name = name};

    if (!bt_log_name_split(name, &key.base_len, &key.number) || f->file_count == 0)
        return NULL;
    return bsearch(&key, f->files, f->file_count, sizeof(*f->files), compare_listed);
}

/* Reads a small file whole; 1: it is not there (any more). */
static int read_small(struct finder *f, const char *name, size_t size_max, struct bt_buf *out,
                      struct bt_err *err)
{
    bt_auto_source struct bt_source *source = NULL;
    struct bt_slice bytes;
    int got = f->home->opener->ops->open(f->home->opener, name, &source, err);

    if (got != 0)
        return got;
    if (bt_source_view(source, 0, size_max + 1, &bytes, err) != 0)
        return -1;
    if (bytes.len > size_max)
        return bt_fail(err, BT_ERR_LIMIT, "\"%s\" is larger than %zu bytes", name, size_max);
    bt_buf_init(out, size_max + 1);
    bt_buf_add_slice(out, bytes);
    return bt_buf_check(out, name, err);
}

static struct bt_log_set *add_set(struct finder *f)
{
    struct bt_log_home *home = f->home;

    home->sets = grown(&home->arena, home->sets, home->set_count, &f->set_room,
                       sizeof(*home->sets));
    if (!home->sets)
        return NULL;
    home->sets[home->set_count] = (struct bt_log_set){.connection = "", .opener = home->opener};
    return &home->sets[home->set_count++];
}

/* --------------------------------------------------------------- the index */

/* Whether the logs named in an index rise; servers only ever append the next number. */
static bool index_rises(const struct bt_log_set *set)
{
    for (size_t i = 1; i < set->count; i++) {
        if (bt_log_name_compare(set->logs[i - 1].name, set->logs[i].name) >= 0)
            return false;
    }
    return true;
}

static int compare_logs(const void *x, const void *y)
{
    const struct bt_log *a = x, *b = y;

    return bt_log_name_compare(a->name, b->name);
}

/* Puts a disordered index into numeric order and drops what it names twice. */
static void sort_logs(struct bt_log_set *set)
{
    size_t kept = 0;

    qsort(set->logs, set->count, sizeof(*set->logs), compare_logs);
    for (size_t i = 0; i < set->count; i++) {
        if (kept == 0 || strcmp(set->logs[kept - 1].name, set->logs[i].name) != 0)
            set->logs[kept++] = set->logs[i];
    }
    set->count = kept;
}

/* One line of an index: by base name among the listed files, else by its own path. */
static int add_indexed(struct finder *f, struct bt_log_set *set, size_t *room, struct bt_slice line,
                       struct bt_err *err)
{
    struct bt_arena *arena = &f->home->arena;
    char *path = bt_arena_str(arena, line);
    struct bt_log log = {.path = path};
    struct listed *file;
    size_t base_len;
    uint64_t number;

    if (!path)
        return bt_arena_fail(arena, "a log index", err);
    log.name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    if (!bt_log_name_split(log.name, &base_len, &number)) {
        bt_buf_addf(&f->home->notes, "\"%s\" names \"%.200s\", which is no log's name\n",
                    set->index, path);
        return 0;
    }
    file = find_listed(f, log.name);
    if (file) {
        log.path = file->name;
        log.size = file->size;
        file->used = true;
    } else {
        bt_auto_source struct bt_source *source = NULL;
        struct bt_err ignored = {0};
        bool elsewhere = path[0] == '/' &&
                         set->opener->ops->open(set->opener, path, &source, &ignored) == 0;

        log.missing = !elsewhere;
        if (elsewhere)
            log.size = bt_source_size(source);
        else
            bt_buf_addf(&f->home->notes, "\"%s\" names \"%.200s\", which is not there\n",
                        set->index, path);
    }
    set->logs = grown(arena, set->logs, set->count, room, sizeof(*set->logs));
    if (!set->logs)
        return bt_arena_fail(arena, "a log index", err);
    set->logs[set->count++] = log;
    return 0;
}

static int read_index(struct finder *f, const char *name, struct bt_err *err)
{
    struct bt_log_set set = {.index = name, .connection = "", .opener = f->home->opener};
    bt_auto_buf struct bt_buf text = {.max = INDEX_SIZE_MAX + 1};
    struct bt_log_set *kept;
    size_t room = 0, base_len;
    uint64_t number;
    int got = read_small(f, name, INDEX_SIZE_MAX, &text, err);

    if (got != 0)
        return got < 0 ? bt_err_wrap(err, "index \"%s\"", name) : 0;
    for (size_t at = 0; at < text.len;) {
        const uint8_t *end = memchr(text.data + at, '\n', text.len - at);
        size_t len = end ? (size_t)(end - (text.data + at)) : text.len - at;
        struct bt_slice line = bt_slice(text.data + at, len);

        at += len + 1;
        while (line.len && (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == ' '))
            line.len--;
        if (line.len && add_indexed(f, &set, &room, line, err) != 0)
            return -1;
    }
    if (set.count == 0)
        return 0;
    if (!index_rises(&set)) {
        bt_buf_addf(&f->home->notes, "\"%s\" is not in numeric order; numeric order is used\n",
                    name);
        sort_logs(&set);
    }
    if (!bt_log_name_split(set.logs[set.count - 1].name, &base_len, &number))
        return bt_fail(err, BT_ERR_BUG, "a log without a number came into \"%s\"", name);
    set.base = bt_arena_str(&f->home->arena, bt_slice(set.logs[set.count - 1].name, base_len));
    kept = add_set(f);
    if (!kept || !set.base)
        return bt_arena_fail(&f->home->arena, "the log sets", err);
    *kept = set;
    return 0;
}

/* ------------------------------------------------------ files without index */

/* 1: begins like a log, or is too short to say.  0: something else.  -1 never. */
static bool looks_like_log(struct finder *f, const struct listed *file)
{
    bt_auto_source struct bt_source *source = NULL;
    struct bt_err err = {0};
    struct bt_slice head;

    if (f->home->opener->ops->open(f->home->opener, file->name, &source, &err) != 0 ||
        bt_source_view(source, 0, MAGIC_SIZE, &head, &err) != 0)
        return false;
    return head.len < MAGIC_SIZE || memcmp(head.ptr, magic_plain, MAGIC_SIZE) == 0 ||
           memcmp(head.ptr, magic_encrypted, MAGIC_SIZE) == 0;
}

/* Whether the last event of the set's last log is a ROTATE to that name.  Reads only the tail: a
 * ROTATE is header, position, name and perhaps a checksum. */
static bool rotates_to(const struct bt_log_set *set, const char *name)
{
    size_t name_len = strlen(name);
    uint64_t size;
    bt_auto_source struct bt_source *source = NULL;
    struct bt_err err = {0};

    if (bt_log_set_open(set, set->count - 1, &source, &err) != 0)
        return false;
    size = bt_source_size(source);
    for (size_t sum = 0; sum <= BT_CHECKSUM_SIZE; sum += BT_CHECKSUM_SIZE) {
        /* Relay logs write the name with the directory in front ("./"), so look from the end. */
        size_t want = name_len + sum;
        struct bt_slice tail;

        if (size < want + BT_EVENT_HEADER_SIZE + 8 ||
            bt_source_view(source, size - want, want, &tail, &err) != 0 || tail.len < want)
            continue;
        if (memcmp(tail.ptr, name, name_len) == 0)
            return true;
    }
    return false;
}

static int add_log(struct finder *f, struct bt_log_set *set, size_t *room, struct bt_log log,
                   struct bt_err *err)
{
    set->logs = grown(&f->home->arena, set->logs, set->count, room, sizeof(*set->logs));
    if (!set->logs)
        return bt_arena_fail(&f->home->arena, "the log sets", err);
    set->logs[set->count++] = log;
    return 0;
}

/* A server's numbers have no gaps, and it purges from the oldest log on: where one is missing
 * between two, a log is.  One entry says so, also for several. */
static int fill_gaps(struct finder *f, struct bt_log_set *set, struct bt_err *err)
{
    struct bt_log_set with = *set;
    size_t room = 0, base_len, last_len = 0;
    uint64_t number, last = 0;

    with.logs = NULL;
    with.count = 0;
    for (size_t i = 0; i < set->count; i++) {
        const char *name = set->logs[i].name;

        if (!bt_log_name_split(name, &base_len, &number))
            return bt_fail(err, BT_ERR_BUG, "a log without a number came into \"%s\"", set->base);
        if (i > 0 && number > last + 1 && base_len == last_len && !set->logs[i].missing &&
            !set->logs[i - 1].missing &&
            memcmp(name, set->logs[i - 1].name, base_len) == 0) {
            char gap[BT_LOG_NAME_MAX + 1];
            struct bt_log log = {.missing = true};

            snprintf(gap, sizeof(gap), "%.*s.%06" PRIu64, (int)base_len, name, last + 1);
            log.name = log.path = bt_arena_str(&f->home->arena, bt_slice_str(gap));
            if (!log.name || add_log(f, &with, &room, log, err) != 0)
                return bt_arena_fail(&f->home->arena, "the log sets", err);
            bt_buf_addf(&f->home->notes, "\"%s\" is not there, but logs before and behind it\n",
                        gap);
        }
        if (add_log(f, &with, &room, set->logs[i], err) != 0)
            return -1;
        last = number;
        last_len = base_len;
    }
    *set = with;
    return 0;
}

/* What is there but not in the index: what stands between two that are, and the next log if the
 * last one rotates to it. */
static int add_extras(struct finder *f, struct bt_log_set *set, struct bt_err *err)
{
    size_t base_len = strlen(set->base), room = set->count;
    const struct bt_log first = set->logs[0];

    for (size_t i = 0; i < f->file_count; i++) {
        struct listed *file = &f->files[i];
        bool between;

        if (file->used || file->base_len != base_len ||
            memcmp(file->name, set->base, base_len) != 0)
            continue;
        file->used = true;
        between = bt_log_name_compare(file->name, set->logs[set->count - 1].name) < 0;
        if (between ? bt_log_name_compare(file->name, first.name) < 0
                    : !rotates_to(set, file->name)) {
            bt_buf_addf(&f->home->notes, "\"%s\" is not in \"%s\" and was not used\n", file->name,
                        set->index);
            continue;
        }
        bt_buf_addf(&f->home->notes, "\"%s\" is not in \"%s\", but %s\n", file->name, set->index,
                    between ? "logs before and behind it are"
                            : "the log before it leads to it");
        if (add_log(f, set, &room,
                    (struct bt_log){.name = file->name, .path = file->name, .size = file->size},
                    err) != 0)
            return -1;
        if (between)
            sort_logs(set);
    }
    return 0;
}

/* Files of one base name without index: a set in numeric order.  One that does not begin like a log
 * among others that do is a damaged one. */
static int add_family(struct finder *f, size_t from, size_t to, struct bt_err *err)
{
    struct bt_log_set *set;
    size_t room = 0, at = from;

    while (at < to && !looks_like_log(f, &f->files[at]))
        at++;
    if (at == to) {
        for (size_t i = from; i < to; i++)
            bt_buf_addf(&f->home->notes, "\"%s\" is no log or cannot be read\n", f->files[i].name);
        return 0;
    }
    set = add_set(f);
    if (!set)
        return bt_arena_fail(&f->home->arena, "the log sets", err);
    set->base = bt_arena_str(&f->home->arena,
                             bt_slice(f->files[from].name, f->files[from].base_len));
    if (!set->base)
        return bt_arena_fail(&f->home->arena, "the log sets", err);
    for (size_t i = from; i < to; i++) {
        const struct listed *file = &f->files[i];

        if (add_log(f, set, &room,
                    (struct bt_log){.name = file->name, .path = file->name, .size = file->size},
                    err) != 0)
            return -1;
    }
    return 0;
}

/* Files of no index. */
static int add_unindexed(struct finder *f, struct bt_err *err)
{
    size_t to;

    for (size_t from = 0; from < f->file_count; from = to) {
        const struct listed *file = &f->files[from];

        to = from + 1;
        /* Aria's own logs lie in every MariaDB data directory and are named alike. */
        if (file->used || (file->base_len == strlen("aria_log") &&
                           memcmp(file->name, "aria_log", file->base_len) == 0))
            continue;
        while (to < f->file_count && !f->files[to].used &&
               f->files[to].base_len == file->base_len &&
               memcmp(f->files[to].name, file->name, file->base_len) == 0)
            to++;
        if (add_family(f, from, to, err) != 0)
            return -1;
    }
    return 0;
}

/* -------------------------------------------------------- kinds, connections */

/* "relay-log-conn2.info" -> "conn2"; false when the name is not of that pattern. */
static bool connection_of(const char *name, const char *prefix, struct bt_slice *ret)
{
    size_t len = strlen(name), prefix_len = strlen(prefix), suffix_len = strlen(".info");

    if (len < prefix_len + suffix_len || strncmp(name, prefix, prefix_len) != 0 ||
        !has_suffix(name, ".info"))
        return false;
    len -= prefix_len + suffix_len;
    if (len == 0) {
        *ret = bt_slice_empty();
        return true;
    }
    if (name[prefix_len] != '-' || len < 2)
        return false;
    *ret = bt_slice(name + prefix_len + 1, len - 1);
    return true;
}

static void set_connection(char *out, size_t room, struct bt_slice name)
{
    size_t len = name.len < room - 1 ? name.len : room - 1;

    memcpy(out, name.ptr, len);
    out[len] = '\0';
}

static void read_info(struct finder *f, const char *name)
{
    struct bt_log_home *home = f->home;
    bt_auto_buf struct bt_buf text = {.max = INFO_SIZE_MAX + 1};
    struct bt_err why = {0};
    struct bt_slice connection;
    bool relay = connection_of(name, "relay-log", &connection);
    struct bt_relay_info relay_info;
    struct bt_source_info source_info;
    int got;

    if (!relay && !connection_of(name, "master", &connection))
        return;
    got = read_small(f, name, INFO_SIZE_MAX, &text, &why);
    if (got == 0)
        got = relay ? bt_relay_info_parse(bt_buf_slice(&text), &relay_info, &why)
                    : bt_source_info_parse(bt_buf_slice(&text), &source_info, &why);
    if (got != 0) {
        bt_buf_addf(&home->notes, "\"%s\" was not used: %s\n", name,
                    got > 0 ? "it is gone" : why.text);
        return;
    }
    if (relay) {
        set_connection(relay_info.connection, sizeof(relay_info.connection), connection);
        home->relay_infos[home->relay_info_count++] = relay_info;
    } else {
        set_connection(source_info.connection, sizeof(source_info.connection), connection);
        home->source_infos[home->source_info_count++] = source_info;
    }
}

/* A relay set belongs to the connection whose name ends its base name. */
static void match_connections(struct bt_log_home *home)
{
    for (size_t i = 0; i < home->set_count; i++) {
        struct bt_log_set *set = &home->sets[i];
        size_t base_len = strlen(set->base);

        for (size_t k = 0; set->kind == BT_LOG_KIND_RELAY && k < home->relay_info_count; k++) {
            const char *name = home->relay_infos[k].connection;
            size_t len = strlen(name);

            if (len && base_len > len + 1 && set->base[base_len - len - 1] == '-' &&
                strcmp(set->base + base_len - len, name) == 0)
                set->connection = name;
        }
        if (set->kind == BT_LOG_KIND_RELAY)
            set->info = bt_log_home_relay_info(home, set);
    }
}

static int find_sets(struct finder *f, struct bt_err *err)
{
    struct bt_log_home *home = f->home;
    size_t indexed;

    if (home->opener->ops->list(home->opener, take_name, f, err) != 0)
        return -1;
    if (f->file_count)
        qsort(f->files, f->file_count, sizeof(*f->files), compare_listed);
    if (f->other_count)
        qsort(f->others, f->other_count, sizeof(*f->others), compare_names);
    home->relay_infos = bt_arena_array(&home->arena, f->other_count, sizeof(*home->relay_infos));
    home->source_infos = bt_arena_array(&home->arena, f->other_count, sizeof(*home->source_infos));
    if (!home->relay_infos || !home->source_infos)
        return bt_arena_fail(&home->arena, "the log sets", err);
    for (size_t i = 0; i < f->other_count; i++) {
        if (has_suffix(f->others[i], ".index") && read_index(f, f->others[i], err) != 0)
            return -1;
        if (has_suffix(f->others[i], ".info"))
            read_info(f, f->others[i]);
    }
    indexed = home->set_count;
    for (size_t i = 0; i < indexed; i++) {
        if (add_extras(f, &home->sets[i], err) != 0)
            return -1;
    }
    if (add_unindexed(f, err) != 0)
        return -1;
    for (size_t i = 0; i < home->set_count; i++) {
        if (fill_gaps(f, &home->sets[i], err) != 0)
            return -1;
        bt_log_set_judge(&home->sets[i], &home->notes);
    }
    match_connections(home);
    return 0;
}

int bt_log_home_open(struct bt_log_opener *opener, struct bt_log_home **ret, struct bt_err *err)
{
    struct bt_log_home *home = calloc(1, sizeof(*home));
    struct finder f = {.home = home};

    if (!home) {
        opener->ops->close(opener);
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for the list of logs");
    }
    home->opener = opener;
    bt_arena_init(&home->arena, HOME_MEMORY_MAX);
    bt_buf_init(&home->notes, NOTES_MAX);
    if (find_sets(&f, err) != 0) {
        bt_err_wrap(err, "logs of \"%s\"", opener->name);
        bt_log_home_close(home);
        return -1;
    }
    *ret = home;
    return 0;
}
