/* SPDX-License-Identifier: Apache-2.0 */
/*
 * man_page.h - the man pages and the shell's completion, out of the same tables as --help.
 *
 * `baton help man NAME` writes a page, `baton help completion` the completion for bash; the build
 * writes all of them beside the program and installs them, so none can differ from it.
 */
#ifndef BT_CLI_MAN_PAGE_H
#define BT_CLI_MAN_PAGE_H

#include "base/buf.h"

/* NAME: "baton", "baton-COMMAND", "baton.conf", or one of MHA's names.  BT_ERR_USAGE when there is
 * no such page. */
int bt_man_page(const char *name, struct bt_buf *out, struct bt_err *err) BT_MUST_CHECK;

/* Every page's file name, "baton-check.1", a line each. */
void bt_man_page_names(struct bt_buf *out);

void bt_bash_completion(struct bt_buf *out);

#endif
