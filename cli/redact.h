/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redact.h - statement texts without their secrets.
 *
 * Behind the first word that speaks of a password (IDENTIFIED, PASSWORD, anything that ends in
 * PASSWORD, as keyword, column or option) every string and hexadecimal literal is shown as
 * '<secret>'.  That hides more than it must in an INSERT INTO users (name, password), and nothing
 * less than it should.
 */
#ifndef BT_CLI_REDACT_H
#define BT_CLI_REDACT_H

#include "base/buf.h"

/* Adds the text to out, redacted. */
void bt_redact(struct bt_slice text, struct bt_buf *out);

#endif
