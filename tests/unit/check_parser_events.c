/* SPDX-License-Identifier: Apache-2.0 */
/* Every decoder on bytes as a server writes them, and on every truncation of them. */
#include "tests/unit/suite.h"

#include <stdio.h>

#include "parser/control.h"
#include "parser/format.h"
#include "parser/query.h"
#include "parser/rows.h"
#include "parser/statement.h"
#include "tests/lib/decode_all.h"

#define BYTES(literal) literal, sizeof(literal) - 1

/* needed: no fewer bytes can be decoded. */
struct sample {
    uint8_t type;
    const char *bytes;
    size_t len;
    size_t needed;
};

static const struct sample samples[] = {
    {BT_ROTATE, BYTES("\x04\0\0\0\0\0\0\0bin.000002"), 9},
    {BT_XID, BYTES("\x07\0\0\0\0\0\0\0"), 8},
    {BT_XA_PREPARE, BYTES("\0\x01\0\0\0\x02\0\0\0\x03\0\0\0abxyz"), 18},
    {BT_INCIDENT, BYTES("\x01\0\x04lost"), 7},
    {BT_BINLOG_CHECKPOINT, BYTES("\x0a\0\0\0bin.000001"), 14},
    {BT_START_ENCRYPTION, BYTES("\x01\x02\0\0\0nonce-of-12."), 17},
    {BT_PARTIAL_ROW_DATA, BYTES("\x02\0\0\0\x01\0\0\0\x01\x09\0\0\0\0\0\0\0data"), 17},
    {BT_INTVAR, BYTES("\x02\x05\0\0\0\0\0\0\0"), 9},
    {BT_RAND, BYTES("\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0"), 16},
    {BT_USER_VAR, BYTES("\x03\0\0\0var\0\x02\x08\0\0\0\x08\0\0\0\xff\xff\xff\xff\0\0\0\0\x01"), 25},
    {BT_ANNOTATE_ROWS, BYTES("INSERT INTO t VALUES (1)"), 0},
    {BT_ROWS_QUERY, BYTES("\x03wrong length, so it is"), 1},
    {BT_BEGIN_LOAD_QUERY, BYTES("\x01\0\0\0line\n"), 4},
    {BT_APPEND_BLOCK, BYTES("\x01\0\0\0line\n"), 4},
    {BT_DELETE_FILE, BYTES("\x01\0\0\0"), 4},
    {BT_MARIADB_GTID, BYTES("\x05\0\0\0\0\0\0\0\x02\0\0\0\x0c\0\0\0\0\0\0"), 13},
    {BT_MARIADB_GTID,
     BYTES("\x05\0\0\0\0\0\0\0\x02\0\0\0\x42\x09\0\0\0\0\0\0\0\x01\0\0\0\x02\x01"
           "abc\x04\x08\0\0\0\0\0\0\0"),
     30},
    {BT_GTID,
     BYTES("\x01"
           "0123456789abcdef"
           "\x09\0\0\0\0\0\0\0\x02\x01\0\0\0\0\0\0\0\x02\0\0\0\0"
           "\0\0\0\x40\x42\x0f\0\0\0\0\xfc\x2c\x01\x3a\x38\x01\0"),
     25},
    {BT_GTID_LIST, BYTES("\x01\0\0\x20\x02\0\0\0\x65\0\0\0\x07\0\0\0\0\0\0\0"), 20},
    {BT_QUERY, BYTES("\x07\0\0\0\x01\0\0\0\x04\0\0\x05\0\0\x08\0\0\x04shop\0SELECT 1"), 23},
    {BT_EXECUTE_LOAD_QUERY,
     BYTES("\x07\0\0\0\x01\0\0\0\x01\0\0\0\0\x01\0\0\0\x05\0\0\0\x09\0\0\0\x01"
           "d\0LOAD file x"),
     37},
    {BT_TABLE_MAP,
     BYTES("\x12\0\0\0\0\0\x01\0\x01"
           "d\0\x01t\0\x02\x03\x0f\x02\x28\0\x02"),
     21},
    {BT_WRITE_ROWS_V1, BYTES("\x12\0\0\0\0\0\x01\0\x02\xff\xfc\x01\0\0\0\x01x"), 10},
    {BT_UPDATE_ROWS, BYTES("\x12\0\0\0\0\0\x01\0\x07\0\x01\x03\0\x02\0\x02\xff\xff\xfc"), 18},
};
enum { SAMPLE_COUNT = sizeof(samples) / sizeof(samples[0]) };

static struct bt_format format = {.header_length = BT_EVENT_HEADER_SIZE,
                                  .flavor = BT_FLAVOR_MARIADB};

static struct bt_event event_of(uint8_t type, const void *bytes, size_t len)
{
    return (struct bt_event){
        .type = type,
        .header = {.type = type, .server_id = 101},
        .format = &format,
        .body = bt_slice(bytes, len),
    };
}

static struct bt_event sample(uint8_t type)
{
    for (int i = 0; i < SAMPLE_COUNT; i++)
        if (samples[i].type == type)
            return event_of(type, samples[i].bytes, samples[i].len);
    ck_abort_msg("no sample");
}

START_TEST(every_truncation_is_refused_or_still_a_whole_event)
{
    const struct sample *s = &samples[_i];
    struct bt_table_cache *tables;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_table_cache_new(&tables, &err), 0);
    for (size_t len = 0; len <= s->len; len++) {
        uint8_t *exact = malloc(len ? len : 1); /* so that ASan guards the end */
        struct bt_event ev;
        int rc;

        memcpy(exact, s->bytes, len);
        ev = event_of(s->type, exact, len);
        rc = bt_decode_event(&ev, tables, &err);
        if (len < s->needed)
            ck_assert_msg(rc == -1 && err.kind == BT_ERR_CORRUPT, "%zu bytes of sample %d", len,
                          _i);
        if (len == s->len)
            ck_assert_msg(rc == 0, "%s", err.text);
        free(exact);
        bt_table_cache_drop_all(tables);
    }
    bt_table_cache_free(tables);
}
END_TEST

/* -------------------------------------------------------------- control */

START_TEST(control_events_say_what_their_bytes_say)
{
    struct bt_err err = {0};
    struct bt_rotate rotate;
    struct bt_xa_prepare xa;
    struct bt_incident incident;
    struct bt_start_encryption encryption;
    struct bt_row_fragment fragment;
    struct bt_slice name;
    struct bt_event ev;

    ev = sample(BT_ROTATE);
    ck_assert_int_eq(bt_rotate_read(&ev, &rotate, &err), 0);
    ck_assert(rotate.pos == 4 && bt_slice_equal_str(rotate.name, "bin.000002"));
    ev = sample(BT_XA_PREPARE);
    ck_assert_int_eq(bt_xa_prepare_read(&ev, &xa, &err), 0);
    ck_assert(!xa.one_phase && xa.format_id == 1 && bt_slice_equal_str(xa.gtrid, "ab") &&
              bt_slice_equal_str(xa.bqual, "xyz"));
    ev = sample(BT_INCIDENT);
    ck_assert_int_eq(bt_incident_read(&ev, &incident, &err), 0);
    ck_assert(incident.number == BT_INCIDENT_LOST_EVENTS &&
              bt_slice_equal_str(incident.text, "lost"));
    ev = sample(BT_BINLOG_CHECKPOINT);
    ck_assert_int_eq(bt_binlog_checkpoint_read(&ev, &name, &err), 0);
    ck_assert(bt_slice_equal_str(name, "bin.000001"));
    ev = sample(BT_START_ENCRYPTION);
    ck_assert_int_eq(bt_start_encryption_read(&ev, &encryption, &err), 0);
    ck_assert(encryption.key_version == 2 && memcmp(encryption.nonce, "nonce-of-12.", 12) == 0);
    ev = sample(BT_PARTIAL_ROW_DATA);
    ck_assert_int_eq(bt_row_fragment_read(&ev, &fragment, &err), 0);
    ck_assert(fragment.total == 2 && fragment.number == 1 && fragment.plain_size == 9 &&
              bt_slice_equal_str(fragment.data, "data"));
}
END_TEST

static const struct sample nonsense[] = {
    {BT_ROTATE, BYTES("\x04\0\0\0\0\0\0\0bin\0x"), 0},
    {BT_XID, BYTES("\x07\0\0\0\0\0\0\0\0"), 0},
    {BT_XA_PREPARE,
     BYTES("\0\x01\0\0\0\x41\0\0\0\0\0\0\0"
           "0123456789012345678901234567890123456789"
           "0123456789012345678901234"),
     0},
    {BT_START_ENCRYPTION, BYTES("\x02\x02\0\0\0nonce-of-12."), 0},
    {BT_PARTIAL_ROW_DATA, BYTES("\x02\0\0\0\x03\0\0\0\0data"), 0},
    {BT_INTVAR, BYTES("\x03\x05\0\0\0\0\0\0\0"), 0},
    {BT_USER_VAR, BYTES("\xff\xff\xff\xffvar\0\x02\x08\0\0\0"), 0},
    {BT_USER_VAR, BYTES("\x01\0\0\0v\0\x02\x08\0\0\0\x02\0\0\0ab"), 0},
    {BT_USER_VAR, BYTES("\x01\0\0\0v\0\x09\x08\0\0\0\x02\0\0\0ab"), 0},
    {BT_EXECUTE_LOAD_QUERY,
     BYTES("\x07\0\0\0\x01\0\0\0\x01\0\0\0\0\x01\0\0\0\x05\0\0\0\x90\0\0\0\x01"
           "d\0LOAD file x"),
     0},
    {BT_GTID_LIST, BYTES("\xff\xff\xff\x0f\x02\0\0\0\x65\0\0\0\x07\0\0\0\0\0\0\0"), 0},
    {BT_TABLE_MAP,
     BYTES("\x12\0\0\0\0\0\x01\0\x01"
           "d\0\x01t\0\xfd\0\0\x10\x03\x0f\x02\x28\0\x02"),
     0},
    {BT_WRITE_ROWS, BYTES("\x12\0\0\0\0\0\x01\0\x01\0\x02\xff\xfc\x01"), 0},
    {BT_WRITE_ROWS_V1, BYTES("\x12\0\0\0\0\0\x01\0\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff"), 0},
};

START_TEST(what_contradicts_itself_is_corrupt)
{
    struct bt_event ev = event_of(nonsense[_i].type, nonsense[_i].bytes, nonsense[_i].len);
    struct bt_table_cache *tables;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_table_cache_new(&tables, &err), 0);
    ck_assert_int_eq(bt_decode_event(&ev, tables, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    bt_table_cache_free(tables);
}
END_TEST

/* ------------------------------------------------------------- statements */

START_TEST(user_variables_carry_type_sign_and_collation)
{
    struct bt_err err = {0};
    struct bt_user_var v;
    struct bt_event ev = sample(BT_USER_VAR);

    ck_assert_int_eq(bt_user_var_read(&ev, &v, &err), 0);
    ck_assert(bt_slice_equal_str(v.name, "var") && !v.is_null && v.type == BT_USER_VAR_INT);
    ck_assert(v.is_unsigned && v.collation == 8 && v.value.len == 8);
    ev = event_of(BT_USER_VAR, BYTES("\x01\0\0\0n\x01"));
    ck_assert_int_eq(bt_user_var_read(&ev, &v, &err), 0);
    ck_assert(v.is_null);
    ev = event_of(BT_USER_VAR, BYTES("\x01\0\0\0a\0\0\x08\0\0\0\x03\0\0\0::1\x02\x05inet6"));
    ck_assert_int_eq(bt_user_var_read(&ev, &v, &err), 0);
    ck_assert(bt_slice_equal_str(v.data_type, "inet6") && bt_slice_equal_str(v.value, "::1"));
}
END_TEST

START_TEST(the_text_of_rows_is_taken_to_its_end)
{
    struct bt_err err = {0};
    struct bt_slice text;
    struct bt_event ev = sample(BT_ROWS_QUERY);

    ck_assert_int_eq(bt_rows_text_read(&ev, &text, &err), 0);
    ck_assert(bt_slice_equal_str(text, "wrong length, so it is"));
}
END_TEST

/* ---------------------------------------------------------------- queries */

/* A QUERY with these status variables and no text. */
static int read_variables(const char *variables, size_t len, struct bt_query *ret)
{
    static uint8_t body[512];
    struct bt_err err = {0};
    struct bt_event ev;

    memset(body, 0, sizeof(body));
    body[11] = (uint8_t)len;
    memcpy(body + 13, variables, len);
    ev = event_of(BT_QUERY, body, 13 + len + 1);
    return bt_query_read(&ev, ret, &err);
}

START_TEST(every_status_variable_is_read)
{
    struct bt_query q;

    ck_assert_int_eq(
        read_variables(BYTES("\0\0\0\0\x04\x01\x02\0\0\0\x01\0\0\0\x06\x03std\x03\x02\0\x01\0"
                             "\x04\x2d\0\x2e\0\x2f\0\x05\x06+05:30\x07\x09\0\x08\x21\0"
                             "\x09\x01\0\0\0\0\0\0\0\x0a\x01\0\0\0\x0b\x01u\x02hh"
                             "\x0c\x02one\0two\0\x0d\x01\0\0\x10\x01\x11\x05\0\0\0\0\0\0\0"
                             "\x12\xff\0\x13\x01\x14\x01"),
                       &q),
        0);
    for (unsigned code = 0; code <= 20; code++)
        if (code != 2 && code != 14 && code != 15)
            ck_assert_msg(bt_query_has(&q, code), "%u", code);
    ck_assert(q.flags2 == BT_QUERY_NO_FOREIGN_KEYS);
    ck_assert(q.sql_mode == 0x100000002 && bt_slice_equal_str(q.catalog, "std"));
    ck_assert(q.auto_increment_increment == 2 && q.auto_increment_offset == 1);
    ck_assert(q.charset_client == 45 && q.collation_connection == 46 && q.collation_server == 47);
    ck_assert(bt_slice_equal_str(q.time_zone, "+05:30") && q.lc_time_names == 9);
    ck_assert(q.collation_database == 33 && q.table_map_for_update == 1);
    ck_assert(bt_slice_equal_str(q.invoker_user, "u") && bt_slice_equal_str(q.invoker_host, "hh"));
    ck_assert(q.updated_db_count == 2 && q.updated_dbs.len == 8);
    ck_assert(q.microseconds == 1 && q.explicit_defaults == 1 && q.xid == 5);
    ck_assert(q.default_collation_utf8mb4 == 255 && q.require_primary_key == 1 &&
              q.default_table_encryption == 1);
}
END_TEST

START_TEST(mariadbs_own_status_variables_are_read)
{
    struct bt_query q;

    ck_assert_int_eq(
        read_variables(BYTES("\x80\x40\xe2\x01\x81\x09\0\0\0\0\0\0\0\x82\x04\x07\0\0\0\0"
                             "\0\0\0\x83\x01\x2d\0\xe0\0\xff\xff"),
                       &q),
        0);
    ck_assert(bt_query_has(&q, BT_QUERY_HRNOW) && q.microseconds == 123456);
    ck_assert(bt_query_has(&q, BT_QUERY_XID) && q.xid == 9);
    ck_assert(bt_query_has(&q, BT_QUERY_GTID_FLAGS3) && q.alter_seq == 7);
    ck_assert(q.character_set_collations.len == 4 && bt_query_has(&q, BT_QUERY_DUMMY));
}
END_TEST

START_TEST(variables_behind_one_that_is_not_known_are_left_alone)
{
    struct bt_query q;

    ck_assert_int_eq(read_variables(BYTES("\x07\x09\0\x63\x01\x02\x03"), &q), 0);
    ck_assert(bt_query_has(&q, BT_QUERY_LC_TIME_NAMES) && q.variables.len == 7);
    ck_assert_int_eq(read_variables(BYTES("\x07\x09"), &q), -1);
    ck_assert_int_eq(read_variables(BYTES("\x0c\xfe\x07\x09\0"), &q), 0);
    ck_assert(q.updated_db_count == 254 && q.lc_time_names == 9);
    ck_assert_int_eq(read_variables(BYTES("\x0c\x02one\0two"), &q), -1);
}
END_TEST

static const struct {
    const char *text;
    enum bt_query_verb verb;
} verbs[] = {
    {"BEGIN", BT_VERB_BEGIN},
    {"begin", BT_VERB_BEGIN},
    {"START TRANSACTION", BT_VERB_BEGIN},
    {"START SLAVE", BT_VERB_OTHER},
    {"COMMIT", BT_VERB_COMMIT},
    {"COMMITTED", BT_VERB_OTHER},
    {"ROLLBACK", BT_VERB_ROLLBACK},
    {"ROLLBACK TO `a`", BT_VERB_SAVEPOINT},
    {"rollback work to a", BT_VERB_SAVEPOINT},
    {"ROLLBACK WORK", BT_VERB_ROLLBACK},
    {"SAVEPOINT a", BT_VERB_SAVEPOINT},
    {"XA START X'01',X'',1", BT_VERB_XA_START},
    {"XA END X'01',X'',1", BT_VERB_XA_END},
    {"XA PREPARE 'a'", BT_VERB_XA_PREPARE},
    {"XA COMMIT X'01',X'',1", BT_VERB_XA_COMMIT},
    {"XA ROLLBACK X'01',X'',1", BT_VERB_XA_ROLLBACK},
    {"  /* c */ -- d\n# e\n create table t (a int)", BT_VERB_DDL},
    {"/*!40000 ALTER TABLE t DISABLE KEYS */", BT_VERB_DDL},
    {"/*M!100100 DROP TABLE t */", BT_VERB_DDL},
    {"SET PASSWORD FOR a = '*'", BT_VERB_DDL},
    {"SET @a = 1", BT_VERB_OTHER},
    {"(SELECT 1)", BT_VERB_DML},
    {"INSERT INTO t VALUES (1)", BT_VERB_DML},
    {"/* never closed", BT_VERB_OTHER},
    {"", BT_VERB_OTHER},
};

START_TEST(the_first_words_tell_what_a_statement_does)
{
    ck_assert_msg(bt_query_verb(bt_slice_str(verbs[_i].text)) == verbs[_i].verb, "%s",
                  verbs[_i].text);
}
END_TEST

/* ------------------------------------------------------------------- rows */

START_TEST(the_frame_of_a_rows_event_is_cut)
{
    struct bt_err err = {0};
    struct bt_rows_event rows;
    struct bt_event ev = sample(BT_UPDATE_ROWS);
    uint16_t partition, source;

    ck_assert_int_eq(bt_rows_event_read(&ev, &rows, &err), 0);
    ck_assert(rows.op == BT_ROWS_UPDATE && rows.table_id == 0x12 && rows.flags == BT_ROWS_STMT_END);
    ck_assert(rows.column_count == 2 && rows.before_columns.len == 1 &&
              rows.after_columns.len == 1 && rows.rows.len == 1 && !rows.is_dummy);
    ck_assert_int_eq(bt_rows_partition(&rows, &partition, &source, &err), 0);
    ck_assert(partition == 3 && source == 2);
    ev = event_of(BT_UPDATE_ROWS,
                  BYTES("\x12\0\0\0\0\0\x01\0\x0b\0\0\x03\0\xaa\x01\x03\0\x02\0\x01\xff\xff"));
    ck_assert_int_eq(bt_rows_event_read(&ev, &rows, &err), 0);
    ck_assert_int_eq(bt_rows_partition(&rows, &partition, &source, &err), 0);
    ck_assert(partition == 3 && source == 2);
    ev = event_of(BT_WRITE_ROWS_V1, BYTES("\xff\xff\xff\0\0\0\x01\0\0"));
    ck_assert_int_eq(bt_rows_event_read(&ev, &rows, &err), 0);
    ck_assert(rows.is_dummy && rows.flags & BT_ROWS_STMT_END);
}
END_TEST

BT_SUITE_MAIN("parser events",
              {every_truncation_is_refused_or_still_a_whole_event, SAMPLE_COUNT},
              {control_events_say_what_their_bytes_say, 0},
              {what_contradicts_itself_is_corrupt, sizeof(nonsense) / sizeof(nonsense[0])},
              {user_variables_carry_type_sign_and_collation, 0},
              {the_text_of_rows_is_taken_to_its_end, 0},
              {every_status_variable_is_read, 0},
              {mariadbs_own_status_variables_are_read, 0},
              {variables_behind_one_that_is_not_known_are_left_alone, 0},
              {the_first_words_tell_what_a_statement_does, sizeof(verbs) / sizeof(verbs[0])},
              {the_frame_of_a_rows_event_is_cut, 0})
