/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas from dumps and from JSON. */
#include "tests/unit/suite.h"

#include <string.h>

#include "parser/schema.h"

static struct bt_schema *parsed(const char *text)
{
    struct bt_schema *schema = NULL;
    struct bt_err err = {0};

    ck_assert_msg(bt_schema_parse(bt_slice_str(text), "dump.sql", &schema, &err) == 0, "%s",
                  err.text);
    return schema;
}

static const struct bt_schema_table *found(const struct bt_schema *s, const char *db,
                                           const char *table)
{
    return bt_schema_find(s, bt_slice_str(db), bt_slice_str(table));
}

static void assert_is(struct bt_slice s, const char *want)
{
    ck_assert_msg(bt_slice_equal_str(s, want), "\"%.*s\" is not \"%s\"", BT_SLICE_ARG(s), want);
}

/* Shortened from mariadb-dump 11.8. */
static const char dump[] =
    "/*M!999999\\- enable the sandbox mode */ \n"
    "-- MariaDB dump 10.19; CREATE TABLE not_this (a int);\n"
    "/*!40101 SET @saved = @@character_set_client */;\n"
    "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;\n"
    "USE `shop`;\n"
    "DROP TABLE IF EXISTS `log`;\n"
    "CREATE TABLE `log` (\n"
    "  `id` int(10) unsigned zerofill NOT NULL AUTO_INCREMENT COMMENT 'unsigned; or not',\n"
    "  `we``ird, ) name` varchar(20) CHARACTER SET latin1 COLLATE latin1_bin DEFAULT 'it''s "
    "\\'x\\', ) ;',\n"
    "  `e` enum('a','b''c','d\\'e','f,g)') DEFAULT NULL,\n"
    "  `d` decimal(10,2) NOT NULL DEFAULT (1+(2)),\n"
    "  `t` timestamp(3) NOT NULL DEFAULT current_timestamp(3) ON UPDATE current_timestamp(3),\n"
    "  `z` text /*M!100301 COMPRESSED*/ DEFAULT NULL,\n"
    "  `g` int(11) GENERATED ALWAYS AS (`id` + 1) VIRTUAL,\n"
    "  `i` int(11) /*!80023 INVISIBLE */ DEFAULT NULL CHECK (`i` > 0),\n"
    "  PRIMARY KEY (`d`,`we``ird, ) name`(5) DESC) USING BTREE,\n"
    "  UNIQUE KEY `u` (`e`),\n"
    "  CONSTRAINT `fk` FOREIGN KEY (`g`) REFERENCES `x` (`y`) ON DELETE CASCADE\n"
    ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci COMMENT='charset=cp1250';\n"
    "/*!50001 CREATE VIEW `v` AS SELECT 1 AS `a`*/;\n"
    "DELIMITER ;;\n"
    "CREATE TRIGGER tr BEFORE INSERT ON log FOR EACH ROW BEGIN CREATE TABLE no (a int); SET "
    "@x=';'; END ;;\n"
    "DELIMITER ;\n"
    "INSERT INTO `log` VALUES ('; CREATE TABLE y (a int);');\n"
    "USE `other`;\n"
    "CREATE TABLE `log` (`a` double precision, b bigint) COLLATE utf8mb4_uca1400_ai_ci;\n";

START_TEST(a_dump_gives_its_tables)
{
    bt_auto_schema struct bt_schema *schema = parsed(dump);
    const struct bt_schema_table *t = found(schema, "shop", "log");

    ck_assert_uint_eq(bt_schema_table_count(schema), 2);
    ck_assert_ptr_nonnull(t);
    ck_assert_uint_eq(t->column_count, 8);
    assert_is(t->columns[0].name, "id");
    assert_is(t->columns[0].type, "int");
    ck_assert(t->columns[0].is_unsigned && t->columns[0].length == 10 &&
              t->columns[0].key_part == 0);
    assert_is(t->columns[1].name, "we`ird, ) name");
    assert_is(t->columns[1].charset, "latin1");
    ck_assert_uint_eq(t->columns[1].key_part, 2);
    ck_assert_uint_eq(t->columns[2].member_count, 4);
    assert_is(t->columns[2].members[1], "b'c");
    assert_is(t->columns[2].members[2], "d'e");
    assert_is(t->columns[2].members[3], "f,g)");
    assert_is(t->columns[2].charset, "utf8mb3");
    ck_assert(t->columns[3].length == 10 && t->columns[3].scale == 2 &&
              t->columns[3].key_part == 1);
    ck_assert_uint_eq(t->columns[4].length, 3);
    ck_assert(t->columns[5].is_compressed && !t->columns[4].is_compressed);
    ck_assert(t->columns[6].is_virtual && !t->columns[5].is_virtual);
    ck_assert(t->columns[7].is_invisible && !t->columns[6].is_invisible);
    assert_is(t->columns[7].charset, "");
    t = found(schema, "other", "log");
    ck_assert_uint_eq(t->column_count, 2);
    assert_is(t->columns[0].type, "double");
    ck_assert_ptr_null(found(schema, "third", "log"));
    ck_assert_ptr_null(found(schema, "shop", "no"));
}
END_TEST

START_TEST(tables_before_any_use_are_found_in_every_database)
{
    bt_auto_schema struct bt_schema *schema =
        parsed("create table t (a int); create table d2.t (a int, b int)");

    ck_assert_uint_eq(found(schema, "any", "t")->column_count, 1);
    ck_assert_uint_eq(found(schema, "d2", "t")->column_count, 2);
    ck_assert_ptr_null(found(schema, "any", "T"));
}
END_TEST

START_TEST(json_of_ours_gives_the_same)
{
    bt_auto_schema struct bt_schema *schema = parsed(
        " {\"tables\":[{\"db\":\"shop\",\"table\":\"log\",\"charset\":\"utf8mb4\",\"columns\":["
        "{\"name\":\"id\",\"type\":\"int(11) "
        "unsigned\"},{\"name\":\"\\u00fc\",\"type\":\"varchar(3)\",\"charset\":\"latin1\"},"
        "{\"name\":\"e\",\"type\":\"ENUM('a','b')\"}]}]}");
    const struct bt_schema_table *t = found(schema, "shop", "log");

    ck_assert_uint_eq(t->column_count, 3);
    ck_assert(t->columns[0].is_unsigned);
    assert_is(t->columns[1].name, "ü");
    assert_is(t->columns[1].charset, "latin1");
    assert_is(t->columns[2].type, "enum");
    assert_is(t->columns[2].members[1], "b");
    assert_is(t->columns[2].charset, "utf8mb4");
}
END_TEST

static const struct {
    const char *text, *complaint;
} broken[] = {
    {"create table t", "dump.sql:1: the columns of a table"},
    {"\n\ncreate table t like u;", "dump.sql:3: the columns of a table"},
    {"create table t (a int", "are not closed"},
    {"create table t (a)", "a column has no type"},
    {"create table t ()", "a column or key is expected"},
    {"create table t (a int,)", "a column or key is expected"},
    {"create table t (key x (a))", "a table has no columns"},
    {"create table t (a enum)", "ENUM and SET want members"},
    {"create table t (a enum(1))", "ENUM and SET want strings"},
    {"create table t (a int(x))", "a number is expected"},
    {"create table t (a int(1)", "are not closed"},
    {"create table t (a int default (1", "a parenthesis is not closed"},
    {"create table t (a varchar(1) default 'x", "a quoted text has no end"},
    {"create table (a int)", "a table has no name"},
    {"{\"tables\":3}", "no list \"tables\""},
    {"{\"tables\":[{}]}", "has no \"table\""},
    {"{\"tables\":[{\"table\":\"t\"}]}", "has no list of columns"},
    {"{\"tables\":[{\"table\":\"t\",\"columns\":[{\"name\":\"a\"}]}]}", "has no \"type\""},
    {"{\"tables\":[{\"table\":\"t\",\"columns\":[{\"name\":\"a\",\"type\":\"int, b int\"}]}]}",
     "something behind it"},
    {"{\"tables\":", "dump.sql"},
};

START_TEST(what_is_not_understood_is_an_error_with_its_line)
{
    struct bt_schema *schema = NULL;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_schema_parse(bt_slice_str(broken[_i].text), "dump.sql", &schema, &err), -1);
    ck_assert_msg(strstr(err.text, broken[_i].complaint) != NULL, "%s", err.text);
}
END_TEST

START_TEST(a_dump_cut_anywhere_does_no_harm)
{
    for (size_t len = 0; len < sizeof(dump); len++) {
        char *exact = malloc(len + 1);
        struct bt_schema *schema = NULL;
        struct bt_err err = {0};

        memcpy(exact, dump, len);
        if (bt_schema_parse((struct bt_slice){(uint8_t *)exact, len}, "dump.sql", &schema, &err) !=
            0)
            ck_assert_int_eq(err.kind, BT_ERR_CONFIG);
        bt_schema_free(schema);
        free(exact);
    }
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
    struct bt_schema *schema = NULL;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_schema_load("/no/such.sql", &schema, &err), -1);
    ck_assert_str_eq(err.text, "could not open \"/no/such.sql\": No such file or directory");
}
END_TEST

BT_SUITE_MAIN("parser schema", {a_dump_gives_its_tables, 0},
              {tables_before_any_use_are_found_in_every_database, 0},
              {json_of_ours_gives_the_same, 0},
              {what_is_not_understood_is_an_error_with_its_line,
               sizeof(broken) / sizeof(broken[0])},
              {a_dump_cut_anywhere_does_no_harm, 0}, {a_file_that_is_not_there_is_named, 0})
