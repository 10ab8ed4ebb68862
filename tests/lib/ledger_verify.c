/* SPDX-License-Identifier: Apache-2.0 */
/* Compares a ledger with what is on the servers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/json.h"
#include "base/number.h"
#include "tests/lib/ledger.h"

enum { SHOWN = 10 };

struct entry {
    uint64_t id;
    bool acked;
};

struct ledger {
    bool mixed;
    size_t payload_size;
    struct entry *entries; /* by id */
    size_t count;
    size_t room;
    size_t acked;
};

/* How many, and the first few. */
struct id_list {
    uint64_t count;
    uint64_t ids[SHOWN];
};

struct finding {
    const char *host;
    uint64_t acked_present;
    uint64_t unknown_present;
    struct id_list lost;    /* acknowledged and not there */
    struct id_list extra;   /* there and never sent, or sent and refused */
    struct id_list wrong;   /* there with another payload */
    struct id_list unwhole; /* rows of ledger.slots that the commits do not explain */
    /* The last present commit of each slot, 0 for none. */
    uint64_t slots[(LEDGER_WRITERS_MAX + 1) * LEDGER_SLOTS];
};

static void remember(struct id_list *list, uint64_t id)
{
    if (list->count < SHOWN)
        list->ids[list->count] = id;
    list->count++;
}

static int by_id(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static int add_entry(struct ledger *l, uint64_t id, bool acked, struct bt_err *err)
{
    if (l->count == l->room) {
        size_t room = l->room ? l->room * 2 : 4096;
        struct entry *bigger = reallocarray(l->entries, room, sizeof(*bigger));

        if (!bigger)
            return bt_fail_sys(err, "could not hold %zu commits", room);
        l->entries = bigger;
        l->room = room;
    }
    l->entries[l->count++] = (struct entry){id, acked};
    l->acked += acked;
    return 0;
}

/* A last line cut short by a kill was written after an answer; it is an error here,
 * because nothing can be said about it. */
static int ledger_read(const char *path, struct ledger *l, struct bt_err *err)
{
    bt_auto_file FILE *file = fopen(path, "re");
    char word[16];
    uint64_t id;
    int got;

    if (!file)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    if (fscanf(file, "ledger 1 %15s %zu\n", word, &l->payload_size) != 2 ||
        l->payload_size > LEDGER_PAYLOAD_MAX)
        return bt_fail(err, BT_ERR_CORRUPT, "\"%s\" does not begin like a ledger", path);
    l->mixed = strcmp(word, "mixed") == 0;
    while ((got = fscanf(file, "%15s %" SCNu64 " %*d %*d\n", word, &id)) == 2) {
        bool acked = strcmp(word, "acked") == 0;

        if ((!acked && strcmp(word, "unknown") != 0) ||
            id / LEDGER_WRITER_STEP > LEDGER_WRITERS_MAX)
            return bt_fail(err, BT_ERR_CORRUPT, "\"%s\" has a line \"%s %" PRIu64 "\"", path, word,
                           id);
        if (add_entry(l, id, acked, err) < 0)
            return -1;
    }
    if (got != EOF || ferror(file))
        return bt_fail(err, BT_ERR_CORRUPT, "\"%s\" ends within a line", path);
    qsort(l->entries, l->count, sizeof(*l->entries), by_id);
    return 0;
}

/* Whether a column holds the payload of commit `id`. */
static bool is_payload(const struct ledger *l, uint64_t id, const char *column, size_t len)
{
    static char want[LEDGER_PAYLOAD_MAX];

    ledger_payload(id, want, l->payload_size);
    return len == l->payload_size && memcmp(column, want, len) == 0;
}

/* Runs a query; the caller reads the rows from *ret to the end and frees it. */
static int select_rows(MYSQL *mysql, const char *sql, MYSQL_RES **ret, struct bt_err *err)
{
    if (mysql_query(mysql, sql) != 0 || !(*ret = mysql_use_result(mysql)))
        return bt_fail(err, BT_ERR_REMOTE, "%s", mysql_error(mysql));
    return 0;
}

/* Both sides are in the order of ids: one walk. */
static int check_commits(MYSQL *mysql, const struct ledger *l, struct finding *f,
                         struct bt_err *err)
{
    const struct entry *e = l->entries;
    const struct entry *end = e + l->count;
    MYSQL_RES *rows;
    MYSQL_ROW row;

    if (select_rows(mysql, "SELECT id, payload FROM ledger.commits ORDER BY id", &rows, err) < 0)
        return -1;
    while ((row = mysql_fetch_row(rows))) {
        uint64_t id = strtoull(row[0], NULL, 10);

        for (; e < end && e->id < id; e++) {
            if (e->acked)
                remember(&f->lost, e->id);
        }
        if (!is_payload(l, id, row[1], mysql_fetch_lengths(rows)[1]))
            remember(&f->wrong, id);
        if (id / LEDGER_WRITER_STEP <= LEDGER_WRITERS_MAX)
            f->slots[ledger_slot(id)] = id;
        if (e == end || e->id != id) {
            remember(&f->extra, id);
            continue;
        }
        f->acked_present += e->acked;
        f->unknown_present += !e->acked;
        e++;
    }
    mysql_free_result(rows);
    for (; e < end; e++) {
        if (e->acked)
            remember(&f->lost, e->id);
    }
    return mysql_errno(mysql) ? bt_fail(err, BT_ERR_REMOTE, "%s", mysql_error(mysql)) : 0;
}

/* Every slot must be as its last present commit left it. */
static int check_slots(MYSQL *mysql, const struct ledger *l, struct finding *f, struct bt_err *err)
{
    MYSQL_RES *rows;
    MYSQL_ROW row;

    if (select_rows(mysql, "SELECT id, version, payload FROM ledger.slots", &rows, err) < 0)
        return -1;
    while ((row = mysql_fetch_row(rows))) {
        uint64_t slot = strtoull(row[0], NULL, 10);
        uint64_t version = strtoull(row[1], NULL, 10);
        bool known = slot < sizeof(f->slots) / sizeof(f->slots[0]);

        if (!known || f->slots[slot] != version || ledger_deletes(version) ||
            !is_payload(l, version, row[2], mysql_fetch_lengths(rows)[2]))
            remember(&f->unwhole, slot);
        if (known)
            f->slots[slot] = 0; /* explained, or already counted */
    }
    mysql_free_result(rows);
    for (size_t i = 0; i < sizeof(f->slots) / sizeof(f->slots[0]); i++) {
        if (f->slots[i] && !ledger_deletes(f->slots[i]))
            remember(&f->unwhole, i);
    }
    return mysql_errno(mysql) ? bt_fail(err, BT_ERR_REMOTE, "%s", mysql_error(mysql)) : 0;
}

static int check_host(const struct ledger *l, const struct ledger_server *server,
                      struct finding *ret, struct bt_err *err)
{
    struct ledger_server patient = *server;
    MYSQL *mysql;
    int status;

    patient.connect_ms = 5000;
    mysql = ledger_connect(&patient, err);
    if (!mysql)
        return -1;
    status = check_commits(mysql, l, ret, err);
    if (status == 0 && l->mixed)
        status = check_slots(mysql, l, ret, err);
    mysql_close(mysql);
    return status == 0 ? 0 : bt_err_wrap(err, "%s", server->host);
}

static void print_list(const char *host, const char *what, const struct id_list *list)
{
    if (list->count == 0)
        return;
    printf("%s: %s:", host, what);
    for (uint64_t i = 0; i < list->count && i < SHOWN; i++)
        printf(" %" PRIu64, list->ids[i]);
    puts(list->count > SHOWN ? " ..." : "");
}

static void print_text(const struct ledger *l, const struct finding *f)
{
    printf("%-15s %" PRIu64 " of %zu acknowledged commits present, %" PRIu64
           " of %zu unknown; lost %" PRIu64 ", extra %" PRIu64 ", wrong %" PRIu64
           ", half %" PRIu64 "\n",
           f->host, f->acked_present, l->acked, f->unknown_present, l->count - l->acked,
           f->lost.count, f->extra.count, f->wrong.count, f->unwhole.count);
    print_list(f->host, "lost", &f->lost);
    print_list(f->host, "extra", &f->extra);
    print_list(f->host, "wrong", &f->wrong);
    print_list(f->host, "slots with half a transaction", &f->unwhole);
}

static void json_list(struct bt_json *j, const char *key, const struct id_list *list)
{
    bt_json_key(j, key);
    bt_json_object(j);
    bt_json_key_u64(j, "count", list->count);
    bt_json_key(j, "first");
    bt_json_array(j);
    for (uint64_t i = 0; i < list->count && i < SHOWN; i++)
        bt_json_u64(j, list->ids[i]);
    bt_json_end(j);
    bt_json_end(j);
}

/* One line per host. */
static void print_json(const struct ledger *l, const struct finding *f)
{
    bt_auto_buf struct bt_buf out;
    struct bt_json j;

    bt_buf_init(&out, 1 << 16);
    bt_json_init(&j, &out);
    bt_json_object(&j);
    bt_json_key_str(&j, "host", f->host);
    bt_json_key_u64(&j, "acked", l->acked);
    bt_json_key_u64(&j, "acked_present", f->acked_present);
    bt_json_key_u64(&j, "unknown", l->count - l->acked);
    bt_json_key_u64(&j, "unknown_present", f->unknown_present);
    json_list(&j, "lost", &f->lost);
    json_list(&j, "extra", &f->extra);
    json_list(&j, "wrong", &f->wrong);
    json_list(&j, "half", &f->unwhole);
    bt_json_end(&j);
    puts(bt_buf_str(&out));
}

int ledger_verify(const char *path, const struct ledger_server *server, const char *hosts,
                  bool json, struct bt_err *err)
{
    struct ledger ledger = {0};
    bt_auto_free char *list = strdup(hosts);
    char *rest = list;
    int ret = list ? ledger_read(path, &ledger, err) : bt_fail_sys(err, "could not copy hosts");

    for (char *host; ret >= 0 && (host = strsep(&rest, ","));) {
        struct ledger_server one = *server;
        struct finding f = {.host = host};

        one.host = host;
        if (check_host(&ledger, &one, &f, err) < 0) {
            ret = -1;
            break;
        }
        if (json)
            print_json(&ledger, &f);
        else
            print_text(&ledger, &f);
        if (f.lost.count + f.extra.count + f.wrong.count + f.unwhole.count > 0)
            ret = 1;
    }
    free(ledger.entries);
    return ret;
}
