/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_relay DIR LOGS MEGABYTES TAIL_MEGABYTES LARGE_MEGABYTES - relay logs to measure on.
 *
 * DIR/source gets LOGS relay logs of MEGABYTES each, one per log of the primary, filled with
 * transactions of about 2 KB of words, which zstd packs to a third.  Of those between the first and
 * the last only the beginning is real, the rest is a hole in the file: whoever reads it meets
 * damage.  DIR/target is a replica that stopped TAIL_MEGABYTES before their end, DIR/empty one that
 * has received nothing.  DIR/large is a log of one transaction of LARGE_MEGABYTES.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/log_builder.h"

enum { PRIMARY = 1, SOURCE = 2, TARGET = 3, TEXT = 2000, BLOCK = 4 << 20, WORDS = 2048 };

static const uint32_t no_gtids[1][3];

/* Bytes of the log at hand that are on disk already. */
static uint64_t flushed;

static void must(bool done, const char *what)
{
    if (done)
        return;
    perror(what);
    exit(1);
}

/* Appends what is built so far and forgets it. */
static void flush(struct bt_log_builder *b, int fd)
{
    size_t done = 0;

    while (done < b->bytes.len) {
        ssize_t put = write(fd, b->bytes.data + done, b->bytes.len - done);

        must(put > 0, "write");
        done += (size_t)put;
    }
    flushed += b->bytes.len;
    b->bytes.len = 0;
}

static int create(const char *dir, const char *who, const char *file)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", dir, who);
    must(mkdir(path, 0700) == 0 || errno == EEXIST, path);
    snprintf(path, sizeof(path), "%s/%s/%s", dir, who, file);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    must(fd >= 0, path);
    return fd;
}

static void write_text(const char *dir, const char *who, const char *file, const char *text)
{
    int fd = create(dir, who, file);

    must(write(fd, text, strlen(text)) == (ssize_t)strlen(text), file);
    close(fd);
}

/* Words that a compressor has not seen all of yet. */
static char *text(size_t len)
{
    static uint64_t state = 88172645463325252;
    static char words[WORDS][8];
    char *out = malloc(len + 1);
    size_t at = 0;

    must(out != NULL, "malloc");
    for (size_t i = 0; !words[WORDS - 1][0] && i < WORDS; i++) {
        for (size_t k = 0; k < 7; k++) {
            state = state * 6364136223846793005 + 1442695040888963407;
            words[i][k] = (char)('a' + (state >> 33) % 26);
        }
        words[i][3 + (state >> 40) % 4] = ' ';
    }
    while (at < len) {
        const char *word;

        state = state * 6364136223846793005 + 1442695040888963407;
        word = words[(state >> 33) % WORDS];
        for (size_t k = 0; k < 7 && at < len && (k == 0 || word[k - 1] != ' '); k++)
            out[at++] = word[k];
    }
    out[len] = '\0';
    return out;
}

static void build_statement(struct bt_log_builder *b, size_t len)
{
    char *sql = text(len);

    memcpy(sql, "INSERT INTO t VALUES ('", 23);
    memcpy(sql + len - 2, "')", 2);
    bt_build_query(b, "d", sql);
    free(sql);
}

static void build_transaction(struct bt_log_builder *b, uint64_t sequence)
{
    b->when++;
    bt_build_gtid(b, 0, sequence, 12); /* transactional, may run in parallel */
    build_statement(b, TEXT);
    bt_build_xid(b, sequence);
}

/* A replica whose relay log begins at file:pos and holds one transaction. */
static void write_target(const char *dir, const char *who, const char *primary_file, uint64_t pos,
                         uint64_t sequence, uint32_t when)
{
    int fd = create(dir, who, "relay-bin.000001");
    struct bt_log_builder b;

    bt_build_relay(&b, TARGET);
    bt_build_primary(&b, PRIMARY, primary_file, pos, true);
    if (pos > 4)
        b.primary_pos = pos; /* behind an artificial FORMAT_DESCRIPTION */
    b.when = when;
    if (sequence)
        build_transaction(&b, sequence);
    flush(&b, fd);
    close(fd);
    bt_build_done(&b);
    write_text(dir, who, "master.info",
               "33\nbin.000001\n4\nlocalhost\nrep\n\n3306\nusing_gtid=0\nEND_MARKER\n");
}

/* One transaction of that many statements of BLOCK bytes. */
static void write_large(const char *dir, uint64_t statements)
{
    int fd = create(dir, "large", "relay-bin.000001");
    struct bt_log_builder b;

    bt_build_relay(&b, SOURCE);
    bt_build_primary(&b, PRIMARY, "bin.000001", 4, true);
    bt_build_list(&b, 0, no_gtids);
    bt_build_gtid(&b, 0, 1, 12);
    for (uint64_t i = 0; i < statements; i++) {
        build_statement(&b, BLOCK);
        flush(&b, fd);
    }
    bt_build_xid(&b, 1);
    flush(&b, fd);
    close(fd);
    bt_build_done(&b);
}

int main(int argc, char **argv)
{
    uint64_t logs, size, tail, sequence = 1, at;

    if (argc != 6) {
        fprintf(stderr, "usage: build_relay DIR LOGS MEGABYTES TAIL_MEGABYTES LARGE_MEGABYTES\n");
        return 2;
    }
    logs = strtoull(argv[2], NULL, 10);
    size = strtoull(argv[3], NULL, 10) << 20;
    tail = strtoull(argv[4], NULL, 10) << 20;
    for (uint64_t i = 1; i <= logs; i++) {
        char name[32], primary[32], next[32];
        bool marked = i < logs;
        struct bt_log_builder b;
        int fd;

        snprintf(name, sizeof(name), "relay-bin.%06u", (unsigned)i);
        snprintf(primary, sizeof(primary), "bin.%06u", (unsigned)i);
        snprintf(next, sizeof(next), "./relay-bin.%06u", (unsigned)i + 1);
        fd = create(argv[1], "source", name);
        flushed = 0;
        bt_build_relay(&b, SOURCE);
        bt_build_primary(&b, PRIMARY, primary, 4, true);
        bt_build_list(&b, 0, no_gtids);
        while (b.primary_pos < size) {
            if (!marked && b.primary_pos + tail >= size) {
                at = flushed;
                write_target(argv[1], "target", primary, b.primary_pos, sequence,
                             b.when);
                flushed = at;
                /* Behind the one transaction that the target has beyond its place. */
                build_transaction(&b, sequence++);
                printf("%llu\n", (unsigned long long)(flushed + b.bytes.len));
                marked = true;
            }
            build_transaction(&b, sequence++);
            if (b.bytes.len > BLOCK) {
                flush(&b, fd);
                if (i > 1 && i < logs)
                    break;
            }
        }
        if (i > 1 && i < logs) {
            must(ftruncate(fd, (off_t)size) == 0, name);
            close(fd);
            bt_build_done(&b);
            continue;
        }
        if (i < logs)
            bt_build_rotate(&b, SOURCE, BT_FLAG_RELAY_LOG, next, 4);
        flush(&b, fd);
        close(fd);
        bt_build_done(&b);
    }
    write_text(argv[1], "source", "master.info",
               "33\nbin.000001\n4\nlocalhost\nrep\n\n3306\nusing_gtid=0\nEND_MARKER\n");
    write_target(argv[1], "empty", "bin.000001", 4, 0, 0);
    write_large(argv[1], (strtoull(argv[5], NULL, 10) << 20) / BLOCK);
    return 0;
}
