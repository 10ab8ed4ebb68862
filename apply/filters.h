/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filters.h - the replication filters of a MariaDB target, for a connection of ours.
 *
 * What is fed to a server must pass the filters that its own replication has.  Filters of the
 * command line hold for every connection; those of SET GLOBAL replicate_do_db and its likes belong
 * to one connection and are not inherited by a new one (seen with 10.5, 10.11, 11.8).  MySQL gives
 * its filters to new channels by itself.
 *
 * Not taken over: DO_DOMAIN_IDS, IGNORE_DOMAIN_IDS and IGNORE_SERVER_IDS of CHANGE MASTER.  They
 * drop transactions in the receiver, so that nobody could wait for their GTIDs.
 */
#ifndef BT_APPLY_FILTERS_H
#define BT_APPLY_FILTERS_H

#include "apply/connection.h"

/* Gives the connection `to` (an identifier, stopped) the filters of the target's only other
 * connection, or of the default one where there are none or several.  They end when the connection
 * is removed. */
int bt_filters_copy(struct bt_connection *c, const char *to, struct bt_deadline until,
                    struct bt_err *err) BT_MUST_CHECK;

#endif
