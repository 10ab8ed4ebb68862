/* SPDX-License-Identifier: Apache-2.0 */
/* docs/exit-codes.md says what the programs do. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "tests/unit/suite.h"

enum { KINDS = BT_ERR_LIMIT + 1, LINE_SIZE = 1024 };

/* The code of the row whose second column names the kind, -1 if no row does. */
static int documented_code(const char *kind)
{
    bt_auto_file FILE *page = fopen(BT_SOURCE "/docs/exit-codes.md", "r");
    char line[LINE_SIZE], quoted[64];

    ck_assert_ptr_nonnull(page);
    snprintf(quoted, sizeof(quoted), "`%s`", kind);
    while (fgets(line, sizeof(line), page)) {
        char *kinds = strchr(line + 1, '|');
        char *end = line[0] == '|' && kinds ? strchr(kinds + 1, '|') : NULL;

        if (!end)
            continue;
        *end = '\0';
        if (strstr(kinds, quoted))
            return (int)strtol(line + 1, NULL, 10);
    }
    return -1;
}

START_TEST(every_kind_of_error_ends_with_its_documented_code)
{
    enum bt_err_kind kind = (enum bt_err_kind)_i;

    ck_assert_int_eq(bt_err_exit_code(kind), documented_code(bt_err_kind_name(kind)));
}
END_TEST

START_TEST(what_is_not_documented_is_not_found)
{
    ck_assert_int_eq(documented_code("no such kind"), -1);
}
END_TEST

BT_SUITE_MAIN("base exit codes", {every_kind_of_error_ends_with_its_documented_code, KINDS},
              {what_is_not_documented_is_not_found, 0})
