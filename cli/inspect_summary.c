/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_summary.c - counting; the printing stands in inspect_print.c. */
#include "cli/inspect_summary.h"

#include <stdlib.h>

enum { MEMORY_MAX = 256 << 20, MINUTES_MAX = 4 << 20 };

int bt_summary_init(struct bt_summary *s, size_t largest_max, enum bt_summary_order order,
                    struct bt_err *err)
{
    *s = (struct bt_summary){
        .order = order,
        .largest_max = largest_max < BT_SUMMARY_LARGEST_MAX ? largest_max : BT_SUMMARY_LARGEST_MAX,
    };
    bt_arena_init(&s->arena, MEMORY_MAX);
    s->largest = calloc(s->largest_max + 1, sizeof(*s->largest));
    if (!s->largest)
        return bt_fail_sys(err, "could not begin a summary");
    return bt_table_stats_init(&s->tables, err);
}

void bt_summary_done(struct bt_summary *s)
{
    bt_table_stats_done(&s->tables);
    bt_gtid_state_done(&s->first_gtids);
    bt_gtid_state_done(&s->gtid_state);
    bt_gtid_set_done(&s->gtid_set);
    free(s->files);
    free(s->largest);
    free(s->minutes);
    free(s->gaps);
    bt_arena_done(&s->arena);
    *s = (struct bt_summary){0};
}

/* Room for one more element of an owned array; the array's new place, or NULL. */
static void *make_room(void *array, size_t count, size_t *room, size_t size, size_t max)
{
    size_t more = *room ? *room * 2 : 16;
    void *grown;

    if (count < *room)
        return array;
    if (more > max)
        return NULL;
    grown = realloc(array, more * size);
    if (grown)
        *room = more;
    return grown;
}

struct bt_summary_file *bt_summary_add_file(struct bt_summary *s, const char *path,
                                            struct bt_err *err)
{
    struct bt_summary_file *files =
        make_room(s->files, s->file_count, &s->file_room, sizeof(*files), 1 << 20);

    const char *kept = bt_arena_str(&s->arena, bt_slice_str(path));

    if (!files || !kept) {
        bt_fail(err, BT_ERR_LIMIT, "\"%s\" is one log too many", path);
        return NULL;
    }
    s->files = files;
    files[s->file_count] = (struct bt_summary_file){.path = kept};
    return &files[s->file_count++];
}

/* ------------------------------------------------- the largest transactions */

static uint64_t weight(const struct bt_summary *s, const struct bt_summary_transaction *t)
{
    switch (s->order) {
    case BT_ORDER_BYTES: return t->bytes;
    case BT_ORDER_ROWS: return t->rows;
    case BT_ORDER_DURATION: return t->duration_s;
    }
    return 0;
}

/* Whether a transaction of that weight is among the largest. */
static inline bool is_large(const struct bt_summary *s, uint64_t transaction_weight)
{
    return s->largest_count < s->largest_max ||
           (s->largest_max && s->largest_weight < transaction_weight);
}

/* Greatest first, one place for each; the last one falls off the end. */
static void keep_large(struct bt_summary *s, const struct bt_summary_transaction *t)
{
    size_t at = s->largest_count;

    if (at < s->largest_max)
        s->largest_count++;
    else
        at--;
    for (; at > 0 && weight(s, &s->largest[at - 1]) < weight(s, t); at--)
        s->largest[at] = s->largest[at - 1];
    s->largest[at] = *t;
    s->largest_weight = weight(s, &s->largest[s->largest_count - 1]);
}

/* ------------------------------------------------------------ load by minute */

/* The minute's counters, where they are not the last ones. */
static struct bt_minute *find_minute(struct bt_summary *s, uint32_t minute)
{
    struct bt_minute *minutes;

    for (size_t back = 1; back < 16 && back < s->minute_count; back++)
        if (s->minutes[s->minute_count - 1 - back].minute == minute)
            return &s->minutes[s->minute_count - 1 - back];
    minutes =
        make_room(s->minutes, s->minute_count, &s->minute_room, sizeof(*minutes), MINUTES_MAX);
    if (!minutes)
        return NULL;
    s->minutes = minutes;
    minutes[s->minute_count] = (struct bt_minute){.minute = minute};
    return &minutes[s->minute_count++];
}

/* Logs run forward in time, so it is nearly always the last one. */
static inline struct bt_minute *minute_of(struct bt_summary *s, uint32_t minute)
{
    if (s->minute_count && s->minutes[s->minute_count - 1].minute == minute)
        return &s->minutes[s->minute_count - 1];
    return find_minute(s, minute);
}

static inline int add_minute(struct bt_summary *s, struct bt_minute add, struct bt_err *err)
{
    struct bt_minute *minute = minute_of(s, add.minute);

    if (!minute)
        return bt_fail(err, BT_ERR_LIMIT, "the logs span more than %d minutes", MINUTES_MAX);
    minute->transactions += add.transactions;
    minute->rows += add.rows;
    minute->bytes += add.bytes;
    return 0;
}

static int by_minute(const void *left, const void *right)
{
    const struct bt_minute *a = left, *b = right;

    return (a->minute > b->minute) - (a->minute < b->minute);
}

void bt_summary_sort_minutes(struct bt_summary *s)
{
    size_t kept = 0;

    if (s->minute_count == 0)
        return;
    qsort(s->minutes, s->minute_count, sizeof(*s->minutes), by_minute);
    for (size_t i = 0; i < s->minute_count; i++) {
        struct bt_minute *last = kept ? &s->minutes[kept - 1] : NULL;

        if (!last || last->minute != s->minutes[i].minute) {
            s->minutes[kept++] = s->minutes[i];
            continue;
        }
        last->transactions += s->minutes[i].transactions;
        last->rows += s->minutes[i].rows;
        last->bytes += s->minutes[i].bytes;
    }
    s->minute_count = kept;
}

/* ------------------------------------------------------------------- gaps */

static int add_gap(struct bt_summary *s, struct bt_gtid_gap gap, struct bt_err *err)
{
    struct bt_gtid_gap *gaps;

    if (s->gap_count == BT_GAPS_MAX || s->is_filtered)
        return 0;
    gaps = make_room(s->gaps, s->gap_count, &s->gap_room, sizeof(*gaps), 2 * BT_GAPS_MAX);
    if (!gaps)
        return bt_fail(err, BT_ERR_LIMIT, "there is no memory for %zu gaps", s->gap_count + 1);
    s->gaps = gaps;
    gaps[s->gap_count++] = gap;
    return 0;
}

/* Whether it is simply the next one, as ever when one server writes. */
static inline bool goes_on(struct bt_summary *s, const struct bt_gtid *gtid)
{
    struct bt_gtid *newest =
        s->gtid_state.count ? &s->gtid_state.items[s->gtid_state.count - 1] : NULL;

    if (!newest || newest->domain != gtid->domain || newest->server_id != gtid->server_id ||
        newest->sequence + 1 != gtid->sequence)
        return false;
    newest->sequence++;
    return true;
}

/* Follows the sequence numbers of the transaction's domain. */
static int follow_gtid(struct bt_summary *s, const struct bt_transaction *t, size_t file,
                       struct bt_err *err)
{
    const struct bt_gtid *before = bt_gtid_state_last(&s->gtid_state, t->gtid.domain);
    struct bt_gtid_gap gap;

    if (!before && bt_gtid_state_update(&s->first_gtids, &t->gtid, err) != 0)
        return -1;
    if (before && t->gtid.sequence > before->sequence + 1) {
        gap = (struct bt_gtid_gap){
            .domain = t->gtid.domain,
            .first = before->sequence + 1,
            .last = t->gtid.sequence - 1,
            .file = file,
            .offset = t->start,
        };
        if (add_gap(s, gap, err) != 0)
            return -1;
    }
    return bt_gtid_state_update(&s->gtid_state, &t->gtid, err);
}

/* What a log's GTID_LIST says of a domain: gtid, its last, was written before the log was begun. */
static int follow_list(struct bt_summary *s, const struct bt_gtid *gtid, struct bt_err *err)
{
    const struct bt_gtid *before = bt_gtid_state_last(&s->gtid_state, gtid->domain);
    struct bt_gtid_gap gap = {
        .domain = gtid->domain, .file = s->file_count - 1, .last = gtid->sequence};
    struct bt_gtid goes_on = *gtid;

    goes_on.sequence++;
    if (!before && bt_gtid_state_update(&s->first_gtids, &goes_on, err) != 0)
        return -1;
    if (before && gtid->sequence > before->sequence) {
        gap.first = before->sequence + 1;
        if (add_gap(s, gap, err) != 0)
            return -1;
    }
    return bt_gtid_state_update(&s->gtid_state, gtid, err);
}

int bt_summary_add_before(struct bt_summary *s, const struct bt_event *ev, struct bt_err *err)
{
    BT_AUTO(bt_gtid_state_done)
    struct bt_gtid_state list = {0};
    bt_auto_gtid_set struct bt_gtid_set set = {0};
    uint32_t flags;

    if (ev->type == BT_PREVIOUS_GTIDS)
        return bt_previous_gtids_read(ev, &set, err) != 0 ? -1
                                                          : bt_gtid_set_unite(&s->gtid_set, &set,
                                                                              err);
    if (bt_gtid_list_read(ev, &list, &flags, err) != 0)
        return -1;
    for (size_t i = 0; i < list.count; i++) {
        const struct bt_gtid *gtid = &list.items[i];

        if (bt_gtid_state_last(&list, gtid->domain) == gtid && follow_list(s, gtid, err) != 0)
            return -1;
    }
    return 0;
}

/* Puts the numbers of the run into the set. */
static int end_run(struct bt_summary *s, struct bt_err *err)
{
    struct bt_gtid_interval interval = {s->gtid_run.first, s->gtid_run.gtid.sequence};
    struct bt_gtid_range range = {.items = &interval, .count = 1};
    struct bt_gtid_set run = {.ranges = &range, .count = 1};

    if (s->gtid_run.gtid.kind == BT_GTID_NONE)
        return 0;
    memcpy(range.uuid, s->gtid_run.gtid.uuid, sizeof(range.uuid));
    memcpy(range.tag, s->gtid_run.gtid.tag, sizeof(range.tag));
    s->gtid_run = (struct bt_gtid_run){0};
    return bt_gtid_set_unite(&s->gtid_set, &run, err);
}

static int follow_run(struct bt_summary *s, const struct bt_gtid *gtid, struct bt_err *err)
{
    struct bt_gtid_run *run = &s->gtid_run;

    if (run->gtid.kind != BT_GTID_NONE && gtid->sequence == run->gtid.sequence + 1 &&
        memcmp(gtid->uuid, run->gtid.uuid, sizeof(gtid->uuid)) == 0 &&
        strcmp(gtid->tag, run->gtid.tag) == 0) {
        run->gtid.sequence++;
        return 0;
    }
    if (end_run(s, err) != 0)
        return -1;
    s->gtid_run = (struct bt_gtid_run){.gtid = *gtid, .first = gtid->sequence};
    return 0;
}

int bt_summary_gtid_text(struct bt_summary *s, struct bt_buf *out, struct bt_err *err)
{
    if (end_run(s, err) != 0)
        return -1;
    bt_gtid_set_text(&s->gtid_set, out);
    if (s->gtid_state.count && out->len)
        bt_buf_add_byte(out, ',');
    bt_gtid_state_text(&s->gtid_state, out);
    return bt_buf_check(out, "GTID state", err);
}

static unsigned size_class(uint64_t bytes)
{
    unsigned bits = bytes ? 63u - (unsigned)__builtin_clzll(bytes) : 0;

    return bits < BT_SIZE_CLASSES ? bits : BT_SIZE_CLASSES - 1;
}

int bt_summary_add_transaction(struct bt_summary *s, const struct bt_transaction *t,
                               const struct bt_transaction_work *work, struct bt_err *err)
{
    uint64_t weights[] = {
        [BT_ORDER_BYTES] = t->bytes,
        [BT_ORDER_ROWS] = work->rows,
        [BT_ORDER_DURATION] = work->duration_s,
    };

    s->transactions++;
    s->transaction_bytes += t->bytes;
    s->sizes[size_class(t->bytes)]++;
    if (is_large(s, weights[s->order]))
        keep_large(s, &(struct bt_summary_transaction){
                          .gtid = t->gtid,
                          .file = work->file,
                          .start = t->start,
                          .end = t->end,
                          .bytes = t->bytes,
                          .rows = work->rows,
                          .duration_s = work->duration_s,
                      });
    if (t->gtid.kind == BT_GTID_MARIADB && !goes_on(s, &t->gtid) &&
        follow_gtid(s, t, work->file, err) != 0)
        return -1;
    if (t->gtid.kind == BT_GTID_MYSQL && follow_run(s, &t->gtid, err) != 0)
        return -1;
    if (t->when == 0)
        return 0;
    return add_minute(s, (struct bt_minute){t->when / 60, 1, work->rows, t->bytes}, err);
}

/* ----------------------------------------------------------------- merging */

/* A later part of a log whose record stands last. */
static void continue_file(struct bt_summary_file *file, const struct bt_summary_file *part)
{
    file->events += part->events;
    file->transactions += part->transactions;
    if (!file->first_time)
        file->first_time = part->first_time;
    if (part->last_time)
        file->last_time = part->last_time;
    file->end = part->end;
}

static int merge_files(struct bt_summary *s, const struct bt_summary *other, struct bt_err *err)
{
    for (size_t i = 0; i < other->file_count; i++) {
        const struct bt_summary_file *part = &other->files[i];
        struct bt_summary_file *file;
        const char *path;

        if (part->continued && s->file_count) {
            continue_file(&s->files[s->file_count - 1], part);
            continue;
        }
        file = bt_summary_add_file(s, part->path, err);
        if (!file)
            return -1;
        path = file->path;
        *file = *part;
        file->path = path;
    }
    return 0;
}

/* Sequence numbers that are missing between the two, then other's own gaps. */
static int merge_gtids(struct bt_summary *s, const struct bt_summary *other, size_t first_file,
                       struct bt_err *err)
{
    for (size_t i = 0; i < other->first_gtids.count; i++) {
        const struct bt_gtid *first = &other->first_gtids.items[i];
        const struct bt_gtid *before = bt_gtid_state_last(&s->gtid_state, first->domain);
        struct bt_gtid_gap gap = {.domain = first->domain, .file = first_file};

        if (!before && bt_gtid_state_update(&s->first_gtids, first, err) != 0)
            return -1;
        if (!before || first->sequence <= before->sequence + 1)
            continue;
        gap.first = before->sequence + 1;
        gap.last = first->sequence - 1;
        if (add_gap(s, gap, err) != 0)
            return -1;
    }
    for (size_t i = 0; i < other->gap_count; i++) {
        struct bt_gtid_gap gap = other->gaps[i];

        gap.file += first_file;
        if (add_gap(s, gap, err) != 0)
            return -1;
    }
    for (size_t i = 0; i < other->gtid_state.count; i++)
        if (bt_gtid_state_update(&s->gtid_state, &other->gtid_state.items[i], err) != 0)
            return -1;
    return bt_gtid_set_unite(&s->gtid_set, &other->gtid_set, err);
}

int bt_summary_merge(struct bt_summary *s, struct bt_summary *other, struct bt_err *err)
{
    bool continues = s->file_count && other->file_count && other->files[0].continued;
    size_t first_file = s->file_count - continues;

    if (merge_files(s, other, err) != 0 || end_run(other, err) != 0)
        return -1;
    for (int inner = 0; inner < 2; inner++)
        for (int code = 0; code < 256; code++) {
            s->events[inner][code].count += other->events[inner][code].count;
            s->events[inner][code].bytes += other->events[inner][code].bytes;
        }
    s->transactions += other->transactions;
    s->transaction_bytes += other->transaction_bytes;
    s->unfinished += other->unfinished;
    for (size_t i = 0; i < BT_SIZE_CLASSES; i++)
        s->sizes[i] += other->sizes[i];
    for (size_t i = 0; i < other->largest_count; i++) {
        struct bt_summary_transaction t = other->largest[i];

        t.file += first_file;
        if (is_large(s, weight(s, &t)))
            keep_large(s, &t);
    }
    for (size_t i = 0; i < other->minute_count; i++)
        if (add_minute(s, other->minutes[i], err) != 0)
            return -1;
    if (merge_gtids(s, other, first_file, err) != 0)
        return -1;
    return bt_table_stats_merge(&s->tables, &other->tables, err);
}
