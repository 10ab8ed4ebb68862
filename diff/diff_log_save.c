/* SPDX-License-Identifier: Apache-2.0 */
/* A diff log as a file with its manifest beside it (diff_log.h). */
#include "diff/diff_log.h"

#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/saved_file.h"

enum { PIECE_SIZE = 256 << 10, PIECE_MAX = 64 << 20 };

static int sink_to_file(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    return bt_saved_file_write(ctx, bytes, err);
}

/* A manifest's text on its way to its file. */
struct saving {
    struct bt_saved_file *file;
    struct bt_buf text;
    struct bt_err *err;
    bool failed;
};

static void save_text(struct saving *s)
{
    if (!s->failed)
        s->failed = bt_buf_check(&s->text, "a manifest", s->err) != 0 ||
                    bt_saved_file_write(s->file, bt_buf_slice(&s->text), s->err) != 0;
    bt_buf_reset(&s->text);
}

static void save_piece(void *ctx)
{
    struct saving *s = ctx;

    if (s->text.len >= PIECE_SIZE)
        save_text(s);
}

/* In pieces: it has a line for each transaction. */
static int save_manifest(struct bt_saved_file *file, const struct bt_manifest *m,
                         struct bt_err *err)
{
    struct saving s = {.file = file, .err = err};
    struct bt_json json;

    bt_buf_init(&s.text, PIECE_MAX);
    s.text.between = save_piece;
    s.text.between_ctx = &s;
    bt_json_init(&json, &s.text);
    bt_manifest_write(m, true, &json);
    bt_buf_add_byte(&s.text, '\n');
    save_text(&s);
    bt_buf_done(&s.text);
    return s.failed ? -1 : 0;
}

int bt_diff_log_save(const struct bt_missing *m, const struct bt_diff_log_opts *opts,
                     const char *path, struct bt_manifest *ret, struct bt_err *err)
{
    bt_auto_saved_file struct bt_saved_file log = BT_SAVED_FILE_NONE;
    bt_auto_saved_file struct bt_saved_file manifest = BT_SAVED_FILE_NONE;
    struct bt_diff_log_opts how = *opts;
    size_t len = strlen(path);
    struct bt_manifest written;

    if (len > 4 && strcmp(path + len - 4, ".zst") == 0)
        how.zstd = true;
    if (bt_saved_file_open(path, "", &log, err) != 0 ||
        bt_saved_file_open(path, ".json", &manifest, err) != 0)
        return -1;
    if (bt_diff_log_write(m, &how, (struct bt_sink){sink_to_file, &log}, &written, err) != 0)
        return bt_err_wrap(err, "diff log \"%s\"", path);
    /* A manifest is never older or newer than its log: the old one goes before the new log comes.
     */
    if (save_manifest(&manifest, &written, err) != 0 ||
        (unlink(manifest.path) != 0 && errno != ENOENT &&
         bt_fail_sys(err, "could not replace \"%s\"", manifest.path) != 0) ||
        bt_saved_file_commit_pair(&log, &manifest, err) != 0) {
        bt_manifest_done(&written);
        return -1;
    }
    *ret = written;
    return 0;
}

int bt_diff_log_open(const char *path, struct bt_source **ret, struct bt_err *err)
{
    return bt_source_open(path, ret, err);
}
