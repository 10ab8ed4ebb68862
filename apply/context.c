/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/context.h"

#include <stdarg.h>

enum {
    SET_MAX = 64 << 20, /* user variables may be long */
    UTF8MB4_GENERAL = 45,
};

static const char *const variable_names[BT_CONTEXT_COUNT] = {
#define X(name, variable) [BT_CONTEXT_##name] = variable,
    BT_CONTEXT_VARIABLES(X)
#undef X
};

void bt_context_init(struct bt_context *c, enum bt_flavor target, uint32_t target_version,
                     const struct bt_collations *collations)
{
    *c = (struct bt_context){.target = target,
                             .target_version = target_version,
                             .source = target,
                             .source_version = target_version,
                             .collations = collations};
    bt_buf_init(&c->assignments, SET_MAX);
    bt_buf_init(&c->use, 2048);
}

void bt_context_done(struct bt_context *c)
{
    bt_buf_done(&c->assignments);
    bt_buf_done(&c->use);
}

void bt_context_source(struct bt_context *c, const struct bt_format *format)
{
    c->source = format->flavor;
    c->source_version = format->version_number;
}

void bt_context_forget_db(struct bt_context *c)
{
    c->knows_db = false;
}

/* ------------------------------------------------------------------ variables */

static void add_separator(struct bt_context *c)
{
    if (c->assignments.len > 0)
        bt_buf_add_byte(&c->assignments, ',');
}

void bt_context_want_again(struct bt_context *c, enum bt_context_variable variable, uint64_t value)
{
    c->has[variable].known = true;
    c->has[variable].value = value;
    add_separator(c);
    bt_buf_addf(&c->assignments, "%s=", variable_names[variable]);
    if (variable == BT_CONTEXT_TIMESTAMP)
        bt_buf_addf(&c->assignments, "%llu.%06llu", (unsigned long long)(value / 1000000),
                    (unsigned long long)(value % 1000000));
    else if (variable == BT_CONTEXT_COLLATION_DATABASE && value == 0)
        bt_buf_add_str(&c->assignments, "DEFAULT");
    else
        bt_buf_addf(&c->assignments, "%llu", (unsigned long long)value);
}

void bt_context_want(struct bt_context *c, enum bt_context_variable variable, uint64_t value)
{
    if (!c->has[variable].known || c->has[variable].value != value)
        bt_context_want_again(c, variable, value);
}

void bt_context_assign(struct bt_context *c, const char *fmt, ...)
{
    char text[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    add_separator(c);
    bt_buf_add_str(&c->assignments, text);
}

/* ----------------------------------------------------------------- versions */

/* Bits that MySQL 8 removed and answers with an error: POSTGRESQL to MYSQL40 and
 * NO_AUTO_CREATE_USER (sql/system_variables.h, MySQL 8.0). */
static const uint64_t mysql8_removed = 0x3ff00u | 1u << 28;
static const uint64_t time_round_fractional = 1ull << 34;    /* MariaDB */
static const uint64_t time_truncate_fractional = 1ull << 32; /* MySQL 8 */

uint64_t bt_context_sql_mode(const struct bt_context *c, uint64_t mode)
{
    bool truncates = mode & time_truncate_fractional;

    if (c->source == c->target)
        return c->target == BT_FLAVOR_MYSQL && c->target_version >= 80000 ? mode & ~mysql8_removed
                                                                          : mode;
    if (c->target == BT_FLAVOR_MYSQL)
        return mode & UINT32_MAX & (c->target_version >= 80000 ? ~mysql8_removed : UINT64_MAX);
    /* MySQL rounds fractions of seconds where MariaDB cuts them, unless told otherwise. */
    mode &= UINT32_MAX;
    if (c->source_version >= 50600 && !truncates && c->target_version >= 100400)
        mode |= time_round_fractional;
    return mode;
}

/* A collation of the other flavour's own (uca 9.0.0 of MySQL 8, MariaDB's 576 and up) has no number
 * here: its character set is what matters to a statement. */
static uint64_t collation(const struct bt_context *c, uint16_t id)
{
    if (c->source != c->target && id >= 255)
        return UTF8MB4_GENERAL;
    return id;
}

/* Which server writes explicit_defaults_for_timestamp into FLAGS2, and which has it as a session
 * variable: the same ones (sql/log_event.h deduct_options_written_to_bin_log, MariaDB 10.11). */
static bool knows_explicit_defaults(uint32_t version)
{
    static const uint32_t first[] = {100517, 100610, 100706, 100805, 100903};

    if (version >= 101000)
        return true;
    for (unsigned i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        if (version / 100 == first[i] / 100)
            return version >= first[i];
    }
    return false;
}

static bool both_mariadb(const struct bt_context *c, uint32_t version)
{
    return c->source == BT_FLAVOR_MARIADB && c->target == BT_FLAVOR_MARIADB &&
           c->source_version >= version && c->target_version >= version;
}

/* ------------------------------------------------------------------ statement */

static void want_flags(struct bt_context *c, uint32_t flags)
{
    bt_context_want(c, BT_CONTEXT_FOREIGN_KEYS, !(flags & BT_QUERY_NO_FOREIGN_KEYS));
    bt_context_want(c, BT_CONTEXT_AUTO_IS_NULL, !!(flags & BT_QUERY_AUTO_IS_NULL));
    bt_context_want(c, BT_CONTEXT_UNIQUE, !(flags & BT_QUERY_RELAXED_UNIQUE));
    if (both_mariadb(c, 100200))
        bt_context_want(c, BT_CONTEXT_CHECKS, !(flags & BT_QUERY_NO_CHECK_CONSTRAINTS));
    if (both_mariadb(c, 100502))
        bt_context_want(c, BT_CONTEXT_IF_EXISTS, !!(flags & BT_QUERY_IF_EXISTS));
    if (both_mariadb(c, 100502) && knows_explicit_defaults(c->source_version) &&
        knows_explicit_defaults(c->target_version))
        bt_context_want(c, BT_CONTEXT_EXPLICIT_DEFAULTS, !!(flags & BT_QUERY_EXPLICIT_DEFAULTS));
    if (both_mariadb(c, 101101))
        bt_context_want(c, BT_CONTEXT_INSERT_HISTORY, !!(flags & BT_QUERY_INSERT_HISTORY));
}

static void want_charsets(struct bt_context *c, const struct bt_query *q)
{
    if (bt_query_has(q, BT_QUERY_CHARSET)) {
        bt_context_want(c, BT_CONTEXT_CHARSET_CLIENT, collation(c, q->charset_client));
        bt_context_want(c, BT_CONTEXT_COLLATION_CONNECTION, collation(c, q->collation_connection));
        bt_context_want(c, BT_CONTEXT_COLLATION_SERVER, collation(c, q->collation_server));
    }
    bt_context_want(c, BT_CONTEXT_COLLATION_DATABASE,
                    bt_query_has(q, BT_QUERY_CHARSET_DATABASE)
                        ? collation(c, q->collation_database)
                        : 0);
}

static void want_mysql(struct bt_context *c, const struct bt_query *q)
{
    if (c->target != BT_FLAVOR_MYSQL || c->target_version < 80011)
        return;
    if (bt_query_has(q, BT_QUERY_DEFAULT_COLLATION_UTF8MB4))
        bt_context_want(c, BT_CONTEXT_COLLATION_UTF8MB4, q->default_collation_utf8mb4);
    if (bt_query_has(q, BT_QUERY_SQL_REQUIRE_PRIMARY_KEY))
        bt_context_want(c, BT_CONTEXT_REQUIRE_PRIMARY_KEY, q->require_primary_key);
}

static void want_db(struct bt_context *c, const struct bt_event *ev, const struct bt_query *q)
{
    if (q->db.len == 0 || (ev->header.flags & BT_FLAG_SUPPRESS_USE))
        return;
    if (c->knows_db && bt_slice_equal_str(q->db, c->db))
        return;
    bt_buf_reset(&c->use);
    bt_buf_add_str(&c->use, "USE ");
    bt_sql_add_name(&c->use, q->db);
    snprintf(c->db, sizeof(c->db), "%.*s", BT_SLICE_ARG(q->db));
    c->knows_db = q->db.len < sizeof(c->db);
    /* USE makes collation_database the new database's. */
    c->has[BT_CONTEXT_COLLATION_DATABASE].known = true;
    c->has[BT_CONTEXT_COLLATION_DATABASE].value = 0;
}

static void want_time_zone(struct bt_context *c, const struct bt_query *q)
{
    if (!bt_query_has(q, BT_QUERY_TIME_ZONE) || q->time_zone.len == 0 ||
        bt_slice_equal_str(q->time_zone, c->time_zone))
        return;
    snprintf(c->time_zone, sizeof(c->time_zone), "%.*s", BT_SLICE_ARG(q->time_zone));
    add_separator(c);
    bt_buf_add_str(&c->assignments, "time_zone=");
    bt_sql_add_hex(&c->assignments, q->time_zone);
}

static const struct bt_collation_name *find_collation(const struct bt_context *c, uint32_t id)
{
    for (size_t i = 0; c->collations && i < c->collations->count; i++) {
        if (c->collations->items[i].id == id)
            return &c->collations->items[i];
    }
    return NULL;
}

/* MariaDB 11.2+: which collation a bare CHARACTER SET means.  An older source does not say, and
 * means the compiled-in ones: an empty list (the server takes it so too,
 * sql/log_event_server.cc 11.8). */
static int want_charset_collations(struct bt_context *c, const struct bt_query *q,
                                   struct bt_err *err)
{
    struct bt_cursor at = bt_cursor(q->character_set_collations);
    char text[sizeof(c->charset_collations)] = "";
    uint16_t charset, coll;
    size_t len = 0;

    if (c->target != BT_FLAVOR_MARIADB || c->target_version < 110200)
        return 0;
    while (bt_query_has(q, BT_QUERY_CHARACTER_SET_COLLATIONS) && bt_cur_u16(&at, &charset) &&
           bt_cur_u16(&at, &coll)) {
        const struct bt_collation_name *name = find_collation(c, coll);

        if (!name)
            return bt_fail(err, BT_ERR_REALITY, "the target has no collation %u", coll);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s=%s", len ? "," : "",
                                name->charset, name->collation);
        if (len >= sizeof(text))
            return bt_fail(err, BT_ERR_LIMIT, "character_set_collations of over %zu bytes",
                           sizeof(text));
    }
    if (c->knows_charset_collations && strcmp(text, c->charset_collations) == 0)
        return 0;
    memcpy(c->charset_collations, text, sizeof(text));
    c->knows_charset_collations = true;
    add_separator(c);
    bt_buf_addf(&c->assignments, "character_set_collations='%s'", text);
    return 0;
}

int bt_context_query(struct bt_context *c, const struct bt_event *ev, const struct bt_query *q,
                     struct bt_err *err)
{
    want_db(c, ev, q);
    bt_context_want(c, BT_CONTEXT_TIMESTAMP,
                    (uint64_t)ev->header.when * 1000000 + q->microseconds % 1000000);
    if (ev->header.flags & BT_FLAG_THREAD_SPECIFIC)
        bt_context_want(c, BT_CONTEXT_PSEUDO_THREAD_ID, q->thread_id);
    if (bt_query_has(q, BT_QUERY_FLAGS2))
        want_flags(c, q->flags2);
    if (bt_query_has(q, BT_QUERY_SQL_MODE))
        bt_context_want(c, BT_CONTEXT_SQL_MODE, bt_context_sql_mode(c, q->sql_mode));
    bt_context_want(c, BT_CONTEXT_AUTO_INCREMENT,
                    bt_query_has(q, BT_QUERY_AUTO_INCREMENT) ? q->auto_increment_increment : 1);
    bt_context_want(c, BT_CONTEXT_AUTO_OFFSET,
                    bt_query_has(q, BT_QUERY_AUTO_INCREMENT) ? q->auto_increment_offset : 1);
    want_time_zone(c, q);
    bt_context_want(c, BT_CONTEXT_LC_TIME_NAMES,
                    bt_query_has(q, BT_QUERY_LC_TIME_NAMES) ? q->lc_time_names : 0);
    want_mysql(c, q);
    want_charsets(c, q);
    return want_charset_collations(c, q, err);
}

/* ----------------------------------------------------------------- user variables */

/* DECIMAL as in a row (strings/decimal.c, MariaDB 10.11): base 10^9 groups, big endian, the first
 * bit inverted, all bits inverted when negative. */
static int add_decimal(struct bt_buf *out, struct bt_slice value, struct bt_err *err)
{
    static const uint8_t digit_bytes[] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
    struct bt_cursor c = bt_cursor(value);
    uint8_t precision = 0, scale = 0, raw[40] = {0};
    unsigned whole, groups[2], size, at = 0;
    bool negative, started = false;

    if (!(bt_cur_u8(&c, &precision) && bt_cur_u8(&c, &scale)) || precision > 65 ||
        scale > precision)
        return bt_fail(err, BT_ERR_CORRUPT, "DECIMAL(%u,%u) of a user variable", precision, scale);
    whole = precision - scale;
    groups[0] = whole % 9;
    groups[1] = scale % 9;
    size = whole / 9 * 4 + digit_bytes[groups[0]] + scale / 9 * 4 + digit_bytes[groups[1]];
    if (size == 0 || size > sizeof(raw) || !bt_cur_copy(&c, size, raw))
        return bt_fail(err, BT_ERR_CORRUPT, "DECIMAL(%u,%u) in %zu bytes", precision, scale,
                       value.len);
    negative = !(raw[0] & 0x80);
    raw[0] ^= 0x80;
    if (negative)
        bt_buf_add_byte(out, '-');
    for (unsigned part = 0; part < 2; part++) {
        unsigned left = part == 0 ? whole : scale;

        if (part == 1 && scale > 0)
            bt_buf_add_byte(out, '.');
        while (left > 0) {
            /* the odd group stands first in the whole part and last in the fraction */
            unsigned digits = part == 0 && left % 9 ? left % 9 : left < 9 ? left
                                                                          : 9;
            uint32_t number = 0;

            for (unsigned i = 0; i < digit_bytes[digits]; i++)
                number = number << 8 | (uint8_t)(negative ? ~raw[at++] : raw[at++]);
            if (part == 0 && !started && number > 0) {
                bt_buf_addf(out, "%u", number);
                started = true;
            } else if (part == 1 || started) {
                bt_buf_addf(out, "%0*u", (int)digits, number);
            }
            left -= digits;
        }
        if (part == 0 && !started)
            bt_buf_add_byte(out, '0');
    }
    return 0;
}

static int add_string(struct bt_context *c, const struct bt_user_var *var, struct bt_err *err)
{
    const struct bt_collation_name *name = find_collation(c, var->collation);

    if (!name)
        return bt_fail(err, BT_ERR_REALITY,
                       "the target has no collation %u, which user variable \"%.*s\" has",
                       var->collation, BT_SLICE_ARG(var->name));
    bt_buf_addf(&c->assignments, "_%s ", name->charset);
    bt_sql_add_hex(&c->assignments, var->value);
    bt_buf_addf(&c->assignments, " COLLATE `%s`", name->collation);
    return 0;
}

static int add_value(struct bt_context *c, const struct bt_user_var *var, struct bt_err *err)
{
    struct bt_cursor at = bt_cursor(var->value);
    uint64_t bits;
    double real;

    if (var->is_null) {
        bt_buf_add_str(&c->assignments, "NULL");
        return 0;
    }
    switch (var->type) {
    case BT_USER_VAR_STRING:
        return add_string(c, var, err);
    case BT_USER_VAR_DECIMAL:
        return add_decimal(&c->assignments, var->value, err);
    case BT_USER_VAR_REAL:
    case BT_USER_VAR_INT:
        break;
    default:
        return bt_fail(err, BT_ERR_REALITY, "user variable \"%.*s\" is of type %u",
                       BT_SLICE_ARG(var->name), var->type);
    }
    if (!bt_cur_u64(&at, &bits))
        return bt_fail(err, BT_ERR_CORRUPT, "number of %zu bytes in user variable \"%.*s\"",
                       var->value.len, BT_SLICE_ARG(var->name));
    memcpy(&real, &bits, sizeof(real));
    if (var->type == BT_USER_VAR_REAL)
        bt_buf_addf(&c->assignments, "%.17e", real);
    else if (var->is_unsigned)
        bt_buf_addf(&c->assignments, "%llu", (unsigned long long)bits);
    else
        bt_buf_addf(&c->assignments, "%lld", (long long)bits);
    return 0;
}

int bt_context_user_var(struct bt_context *c, const struct bt_user_var *var, struct bt_err *err)
{
    add_separator(c);
    bt_buf_add_byte(&c->assignments, '@');
    bt_sql_add_name(&c->assignments, var->name);
    bt_buf_add_str(&c->assignments, ":=");
    return add_value(c, var, err);
}

/* --------------------------------------------------------------------- taking */

static bool is_ascii(struct bt_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] & 0x80)
            return false;
    }
    return true;
}

int bt_context_take(struct bt_context *c, bool *ret_utf8, struct bt_buf *use,
                    struct bt_buf *set, struct bt_err *err)
{
    bool plain = is_ascii(bt_buf_slice(&c->use)) && is_ascii(bt_buf_slice(&c->assignments));

    if (bt_buf_check(&c->use, "a database name", err) < 0 ||
        bt_buf_check(&c->assignments, "the context of a statement", err) < 0)
        return -1;
    *ret_utf8 = !plain && !(c->has[BT_CONTEXT_CHARSET_CLIENT].known &&
                            c->has[BT_CONTEXT_CHARSET_CLIENT].value == UTF8MB4_GENERAL &&
                            !memmem(c->assignments.data, c->assignments.len, "character_set_client",
                                    20));
    bt_buf_add_slice(use, bt_buf_slice(&c->use));
    bt_buf_reset(&c->use);
    if (c->assignments.len > 0) {
        bt_buf_add_str(set, "SET ");
        bt_buf_add_slice(set, bt_buf_slice(&c->assignments));
        /* The detour over utf8mb4 is undone in the same SET. */
        if (*ret_utf8 && c->has[BT_CONTEXT_CHARSET_CLIENT].known)
            bt_buf_addf(set, ",character_set_client=%llu",
                        (unsigned long long)c->has[BT_CONTEXT_CHARSET_CLIENT].value);
    } else if (*ret_utf8 && c->has[BT_CONTEXT_CHARSET_CLIENT].known) {
        bt_buf_addf(set, "SET character_set_client=%llu",
                    (unsigned long long)c->has[BT_CONTEXT_CHARSET_CLIENT].value);
    }
    bt_buf_reset(&c->assignments);
    return bt_buf_check(set, "the context of a statement", err);
}
