/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_modes.h - the ways `baton inspect` shows what a scan finds; each is one visitor. */
#ifndef BT_CLI_INSPECT_MODES_H
#define BT_CLI_INSPECT_MODES_H

#include "apply/connection.h"
#include "cli/inspect_scan.h"
#include "cli/output.h"

struct bt_inspect {
    struct bt_out out;
    struct bt_scan_opts scan;
    bool json;
    const char *schema;           /* --schema; NULL without */
    struct bt_connection *server; /* NULL, or who can be asked for a schema */
    bool show_secrets;            /* do not redact statement texts */
    bool damaged;                 /* out: a log ended torn or corrupt */
    /* output behind here belongs to a transaction that may be too small */
    size_t held_from;
};

/* Says on stderr how a damaged log ended and remembers it for the exit code. */
void bt_inspect_note_end(struct bt_inspect *in, const char *path, const struct bt_end *end);

/* A line about se was added to the output: writes it out, or holds it back until the transaction
 * turns out to have --min-bytes. */
int bt_inspect_line(struct bt_inspect *in, const struct bt_scan_event *se,
                    struct bt_err *err) BT_MUST_CHECK;

/* A transaction ended, or will never end: what was held back of it stays or goes. */
void bt_inspect_settle(struct bt_inspect *in, const struct bt_transaction *t);

/* Every event, a line each. */
int bt_inspect_events(struct bt_inspect *in, const char *const *paths, size_t count,
                      struct bt_err *err);

/* Every transaction, a line each. */
int bt_inspect_transactions(struct bt_inspect *in, const char *const *paths, size_t count,
                            struct bt_err *err);

/* Every row change, a line each. */
int bt_inspect_rows(struct bt_inspect *in, const char *const *paths, size_t count,
                    struct bt_err *err);

#endif
