/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_ask.h - the facts of a check: everybody is asked at once, nobody for longer than its own
 * deadline.
 *
 * First every server over SQL and every host over ssh, each by a thread of its own; then, the
 * topology being known, relay logs, addresses and scripts, again all at once; then the network, who
 * has the VIP.  Nothing is changed anywhere, but for the work folder of the manager, which is made
 * when it is missing.
 */
#ifndef BT_FAILOVER_CHECK_ASK_H
#define BT_FAILOVER_CHECK_ASK_H

#include "failover/check.h"

struct bt_check_ask;

/* parts: bits of enum bt_check_part; only what they need is asked.  warnings: lines of the
 * configuration's reader.  Both texts are borrowed. */
int bt_check_ask(const struct bt_config *config, unsigned parts, const char *warnings,
                 struct bt_check_ask **ret, struct bt_err *err) BT_MUST_CHECK;

/* Borrows until free. */
const struct bt_check_facts *bt_check_asked(const struct bt_check_ask *ask);
void bt_check_ask_free(struct bt_check_ask *ask); /* accepts NULL */

#endif
