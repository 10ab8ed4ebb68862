/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/manifest.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/json_read.h"
#include "base/number.h"

enum { MANIFEST_MEMORY_MAX = 256 << 20, LIST_MAX = 1 << 30 };

/* A manifest's text may be as long as its list of transactions makes it. */
#define MANIFEST_SIZE_MAX ((size_t)16 << 30)

void bt_manifest_init(struct bt_manifest *m)
{
    *m = (struct bt_manifest){0};
    bt_arena_init(&m->arena, MANIFEST_MEMORY_MAX);
}

void bt_manifest_done(struct bt_manifest *m)
{
    free(m->items);
    bt_arena_done(&m->arena);
    m->items = NULL;
    m->count = m->room = 0;
}

int bt_manifest_add(struct bt_manifest *m, const struct bt_manifest_item *item, struct bt_err *err)
{
    struct bt_manifest_item *more;

    if (m->count >= LIST_MAX)
        return bt_fail(err, BT_ERR_LIMIT, "more than %d transactions in one diff log", LIST_MAX);
    more = bt_array_grown(m->items, m->count, &m->room, sizeof(*more));
    if (!more)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to list more than %zu transactions",
                       m->count);
    m->items = more;
    m->items[m->count++] = *item;
    return 0;
}

/* ------------------------------------------------------------------- writing */

static void write_gtid(struct bt_json *out, const struct bt_gtid *gtid)
{
    char text[BT_GTID_TEXT_SIZE];

    bt_json_key_str(out, "gtid", gtid->kind == BT_GTID_NONE ? NULL : bt_gtid_text(gtid, text));
}

static const char *file_of(const struct bt_manifest *m, const struct bt_manifest_item *item)
{
    return item->file < m->file_count ? m->files[item->file] : NULL;
}

/* Where a transaction stands in the primary's logs; null where that is not known. */
static void write_place(const struct bt_manifest *m, const struct bt_manifest_item *item,
                        struct bt_json *out)
{
    const char *file = file_of(m, item);

    write_gtid(out, &item->gtid);
    bt_json_key_str(out, "file", file);
    bt_json_key(out, "pos");
    if (file)
        bt_json_u64(out, item->pos);
    else
        bt_json_null(out);
    bt_json_key(out, "end");
    if (file)
        bt_json_u64(out, item->end);
    else
        bt_json_null(out);
}

static void write_end(const struct bt_manifest *m, const char *key, size_t i, struct bt_json *out)
{
    bt_json_key(out, key);
    if (m->count == 0) {
        bt_json_null(out);
        return;
    }
    bt_json_object(out);
    write_place(m, &m->items[i], out);
    bt_json_end(out);
}

static void digest_text(uint64_t digest, char out[static 17])
{
    for (int i = 15; i >= 0; i--, digest >>= 4)
        out[i] = "0123456789abcdef"[digest & 15];
    out[16] = '\0';
}

static void write_list(const struct bt_manifest *m, struct bt_json *out)
{
    bt_json_key(out, "list");
    bt_json_array(out);
    for (size_t i = 0; i < m->count; i++) {
        const struct bt_manifest_item *item = &m->items[i];
        char digest[17];

        digest_text(item->digest, digest);
        bt_json_object(out);
        write_place(m, item, out);
        bt_json_key_u64(out, "bytes", item->bytes);
        bt_json_key_u64(out, "events", item->events);
        bt_json_key_str(out, "kind", bt_transaction_kind_name(item->kind));
        bt_json_key_str(out, "xxh3", digest);
        bt_json_end(out);
        bt_buf_between(out->out);
    }
    bt_json_end(out);
}

void bt_manifest_write(const struct bt_manifest *m, bool with_list, struct bt_json *out)
{
    bt_json_object(out);
    bt_json_key_u64(out, "transactions", m->transactions);
    bt_json_key_u64(out, "events", m->events);
    bt_json_key_u64(out, "bytes", m->bytes);
    write_end(m, "first", 0, out);
    write_end(m, "last", m->count - 1, out);
    bt_json_key(out, "sources");
    bt_json_array(out);
    for (size_t i = 0; i < m->source_count; i++)
        bt_json_str(out, m->sources[i]);
    bt_json_end(out);
    bt_json_key(out, "cut");
    bt_json_array(out);
    for (size_t i = 0; i < m->cut_count; i++) {
        bt_json_object(out);
        bt_json_key_str(out, "source", m->cuts[i].source);
        bt_json_key_str(out, "at", m->cuts[i].at);
        bt_json_key_str(out, "reason", m->cuts[i].reason);
        bt_json_end(out);
    }
    bt_json_end(out);
    bt_json_key_str(out, "lost", m->lost);
    bt_json_key_str(out, "xxh3", m->xxh3);
    bt_json_key_str(out, "server_version", m->server_version);
    bt_json_key_str(out, "checksum", m->checksum ? "crc32" : "none");
    if (with_list)
        write_list(m, out);
    bt_json_end(out);
}

/* ------------------------------------------------------------------- reading */

/* A manifest while it is read; the first mistake is kept. */
struct parse {
    struct bt_manifest *m;
    struct bt_err *err;
    bool without_list;
};

static int miss(struct parse *p, const char *what)
{
    return bt_fail(p->err, BT_ERR_CORRUPT, "the manifest has no valid \"%s\"", what);
}

static int get_u64(struct parse *p, struct bt_json_value from, const char *key, uint64_t *ret)
{
    struct bt_json_value value;

    if (!bt_json_member(from, key, &value) || !bt_json_get_u64(value, ret))
        return miss(p, key);
    return 0;
}

/* A string or null (then NULL). */
static int get_str(struct parse *p, struct bt_json_value from, const char *key, char **ret)
{
    struct bt_json_value value;

    if (!bt_json_member(from, key, &value) ||
        (value.kind != BT_JSON_STRING && value.kind != BT_JSON_NULL))
        return miss(p, key);
    *ret = NULL;
    if (value.kind == BT_JSON_NULL)
        return 0;
    *ret = bt_json_get_str(value, &p->m->arena);
    return *ret ? 0 : bt_arena_fail(&p->m->arena, "a manifest", p->err);
}

static size_t count_children(struct bt_json_value value)
{
    struct bt_json_children c = bt_json_children(value);
    struct bt_json_value child;
    struct bt_slice key;
    size_t count = 0;

    while (bt_json_next(&c, &key, &child))
        count++;
    return count;
}

static int parse_sources(struct parse *p, struct bt_json_value root)
{
    struct bt_manifest *m = p->m;
    struct bt_json_children c;
    struct bt_json_value list, value;
    struct bt_slice key;

    if (!bt_json_member(root, "sources", &list) || list.kind != BT_JSON_ARRAY)
        return miss(p, "sources");
    m->sources = bt_arena_array(&m->arena, count_children(list), sizeof(*m->sources));
    if (!m->sources)
        return bt_arena_fail(&m->arena, "a manifest", p->err);
    for (c = bt_json_children(list); bt_json_next(&c, &key, &value); m->source_count++) {
        m->sources[m->source_count] = bt_json_get_str(value, &m->arena);
        if (!m->sources[m->source_count])
            return miss(p, "sources");
    }
    return 0;
}

static int parse_cuts(struct parse *p, struct bt_json_value root)
{
    struct bt_manifest *m = p->m;
    struct bt_json_children c;
    struct bt_json_value list, value;
    struct bt_slice key;

    if (!bt_json_member(root, "cut", &list) || list.kind != BT_JSON_ARRAY)
        return miss(p, "cut");
    m->cuts = bt_arena_array(&m->arena, count_children(list), sizeof(*m->cuts));
    if (!m->cuts)
        return bt_arena_fail(&m->arena, "a manifest", p->err);
    for (c = bt_json_children(list); bt_json_next(&c, &key, &value); m->cut_count++) {
        struct bt_manifest_cut *cut = &m->cuts[m->cut_count];

        if (get_str(p, value, "source", &cut->source) != 0 ||
            get_str(p, value, "at", &cut->at) != 0 ||
            get_str(p, value, "reason", &cut->reason) != 0)
            return -1;
    }
    return 0;
}

/* The primary's file names are few: the last one met is nearly always the next one too. */
static int parse_file(struct parse *p, char *name, uint32_t *ret)
{
    struct bt_manifest *m = p->m;
    char **files;

    for (size_t i = m->file_count; i > 0; i--) {
        if (strcmp(m->files[i - 1], name) == 0) {
            *ret = (uint32_t)(i - 1);
            return 0;
        }
    }
    files = bt_arena_array(&m->arena, m->file_count + 1, sizeof(*files));
    if (!files)
        return bt_arena_fail(&m->arena, "a manifest", p->err);
    if (m->file_count)
        memcpy(files, m->files, m->file_count * sizeof(*files));
    files[m->file_count] = name;
    m->files = files;
    *ret = (uint32_t)m->file_count++;
    return 0;
}

static int parse_kind(struct parse *p, const char *name, uint8_t *ret)
{
    for (int kind = BT_TRANSACTION_DML; kind <= BT_TRANSACTION_OTHER; kind++) {
        if (name && strcmp(name, bt_transaction_kind_name((enum bt_transaction_kind)kind)) == 0) {
            *ret = (uint8_t)kind;
            return 0;
        }
    }
    return miss(p, "kind");
}

static int parse_digest(struct parse *p, const char *text, uint64_t *ret)
{
    uint64_t value = 0;

    if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
        return miss(p, "xxh3");
    for (int i = 0; i < 16; i++)
        value = value << 4 | (uint64_t)(text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
    *ret = value;
    return 0;
}

static int parse_item(struct parse *p, struct bt_json_value value)
{
    struct bt_manifest_item item = {.file = UINT32_MAX};
    char *gtid, *file, *kind, *digest;

    if (get_str(p, value, "gtid", &gtid) != 0 ||
        get_str(p, value, "file", &file) != 0 ||
        get_str(p, value, "kind", &kind) != 0 ||
        get_str(p, value, "xxh3", &digest) != 0 ||
        get_u64(p, value, "bytes", &item.bytes) != 0 ||
        get_u64(p, value, "events", &item.events) != 0 ||
        parse_kind(p, kind, &item.kind) != 0 ||
        parse_digest(p, digest, &item.digest) != 0)
        return -1;
    if (gtid && bt_gtid_parse(bt_slice_str(gtid), &item.gtid, p->err) != 0)
        return bt_err_wrap(p->err, "manifest");
    if (file && (parse_file(p, file, &item.file) != 0 ||
                 get_u64(p, value, "pos", &item.pos) != 0 ||
                 get_u64(p, value, "end", &item.end) != 0))
        return -1;
    return bt_manifest_add(p->m, &item, p->err);
}

static int parse_list(struct parse *p, struct bt_json_value root)
{
    struct bt_json_children c;
    struct bt_json_value list, value;
    struct bt_slice key;

    if (!bt_json_member(root, "list", &list) || list.kind != BT_JSON_ARRAY)
        return miss(p, "list");
    for (c = bt_json_children(list); bt_json_next(&c, &key, &value);) {
        if (parse_item(p, value) != 0)
            return -1;
    }
    if (p->m->count != p->m->transactions)
        return bt_fail(p->err, BT_ERR_CORRUPT,
                       "the manifest lists %zu transactions and counts %llu", p->m->count,
                       (unsigned long long)p->m->transactions);
    return 0;
}

static int parse_all(struct parse *p, struct bt_slice json)
{
    struct bt_manifest *m = p->m;
    struct bt_json_value root;
    char *xxh3, *version, *checksum;

    if (bt_json_parse(json, &root, p->err) != 0)
        return bt_err_wrap(p->err, "manifest");
    if (get_u64(p, root, "transactions", &m->transactions) != 0 ||
        get_u64(p, root, "events", &m->events) != 0 ||
        get_u64(p, root, "bytes", &m->bytes) != 0 ||
        get_str(p, root, "lost", &m->lost) != 0 ||
        get_str(p, root, "xxh3", &xxh3) != 0 ||
        get_str(p, root, "server_version", &version) != 0 ||
        get_str(p, root, "checksum", &checksum) != 0)
        return -1;
    if (!xxh3 || strlen(xxh3) != sizeof(m->xxh3) - 1 ||
        strspn(xxh3, "0123456789abcdef") != sizeof(m->xxh3) - 1)
        return miss(p, "xxh3");
    memcpy(m->xxh3, xxh3, sizeof(m->xxh3));
    snprintf(m->server_version, sizeof(m->server_version), "%.50s", version ? version : "");
    m->checksum = checksum && strcmp(checksum, "crc32") == 0;
    if (parse_sources(p, root) != 0 || parse_cuts(p, root) != 0)
        return -1;
    return p->without_list ? 0 : parse_list(p, root);
}

int bt_manifest_parse(struct bt_slice json, struct bt_manifest *ret, struct bt_err *err)
{
    struct bt_manifest m;
    struct parse p = {.m = &m, .err = err};

    bt_manifest_init(&m);
    if (parse_all(&p, json) != 0) {
        bt_manifest_done(&m);
        return -1;
    }
    *ret = m;
    return 0;
}

/* The manifest's text without its list, which stands last; all of it where there is none.  Inside a
 * string the quotes would have backslashes. */
static int cut_list(struct bt_slice text, struct bt_buf *out, struct bt_err *err)
{
    static const char list[] = ",\"list\":[";
    const uint8_t *at = memmem(text.ptr, text.len, list, sizeof(list) - 1);

    bt_buf_add(out, text.ptr, at ? (size_t)(at - text.ptr) : text.len);
    if (at)
        bt_buf_add_byte(out, '}');
    return bt_buf_check(out, "a manifest without its list", err);
}

static int read_text(const char *path, bool without_list, struct bt_manifest *ret,
                     struct bt_err *err)
{
    bt_auto_source struct bt_source *source = NULL;
    bt_auto_buf struct bt_buf head = {.max = MANIFEST_SIZE_MAX};
    struct bt_manifest m;
    struct parse p = {.m = &m, .err = err, .without_list = without_list};
    struct bt_slice text;

    if (bt_source_file_open(path, &source, err) != 0)
        return -1;
    if (bt_source_size(source) > MANIFEST_SIZE_MAX)
        return bt_fail(err, BT_ERR_LIMIT, "\"%s\" is larger than %zu bytes", path,
                       MANIFEST_SIZE_MAX);
    if (bt_source_view(source, 0, (size_t)bt_source_size(source), &text, err) != 0)
        return -1;
    if (without_list && cut_list(text, &head, err) != 0)
        return -1;
    bt_manifest_init(&m);
    if (parse_all(&p, without_list ? bt_buf_slice(&head) : text) != 0) {
        bt_manifest_done(&m);
        return bt_err_wrap(err, "\"%s\"", path);
    }
    *ret = m;
    return 0;
}

static int read_beside(const char *diff_log_path, bool without_list, struct bt_manifest *ret,
                       struct bt_err *err)
{
    bt_auto_free char *path = NULL;

    if (asprintf(&path, "%s.json", diff_log_path) < 0) {
        path = NULL;
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for the path of \"%s\"", diff_log_path);
    }
    return read_text(path, without_list, ret, err);
}

int bt_manifest_read(const char *diff_log_path, struct bt_manifest *ret, struct bt_err *err)
{
    return read_beside(diff_log_path, false, ret, err);
}

int bt_manifest_read_head(const char *diff_log_path, struct bt_manifest *ret, struct bt_err *err)
{
    return read_beside(diff_log_path, true, ret, err);
}
