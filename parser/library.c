/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/library.h"

#include "version.h"

const char *bt_parser_version(void)
{
    return BT_VERSION;
}
