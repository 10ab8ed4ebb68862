/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redact.h - statement texts without their secrets.
 *
 * Behind the first word that speaks of a secret (IDENTIFIED, or a keyword, column or option with
 * "passw", "secret", "private_key" ... in it) every string and hexadecimal literal is shown as
 * '<secret>'.  So is a literal, wherever it stands, that holds a password itself: a URL with an
 * account, or "password=..." (Federated, Spider, CONNECT).  Comments are stepped over as the server
 * does, and where a quote is ambiguous (backslashes, sql_mode) nothing more is shown.  That hides
 * more than it must in an INSERT INTO users (name, password), and nothing less than it should.
 */
#ifndef BT_CLI_REDACT_H
#define BT_CLI_REDACT_H

#include "base/buf.h"

/* Adds the text to out, redacted. */
void bt_redact(struct bt_slice text, struct bt_buf *out);

/* Whether a name (of a column, a variable) says that its value is a secret. */
bool bt_redact_is_secret(struct bt_slice word);

#endif
