/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas, SQL or JSON: every table that was read is found again. */
#include "parser/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bt_auto_schema struct bt_schema *schema = NULL;
    struct bt_err err = {0};

    if (bt_schema_parse(bt_slice(data, size), "schema", &schema, &err) != 0) {
        if (err.kind == BT_ERR_NONE || err.kind == BT_ERR_BUG)
            __builtin_trap();
        return 0;
    }
    if (bt_schema_find(schema, bt_slice_str("db"), bt_slice_str("t")) &&
        bt_schema_table_count(schema) == 0)
        __builtin_trap();
    return 0;
}
