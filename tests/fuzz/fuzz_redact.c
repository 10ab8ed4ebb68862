/* SPDX-License-Identifier: Apache-2.0 */
/* A statement of anybody: it is redacted whole, and what the server takes for the password of a
 * CREATE USER behind it never shows. */
#include <stdint.h>
#include <string.h>

#include "cli/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char tail[] = " IDENTIFIED BY 'Hush~Hush'";
    struct bt_buf text, out;

    bt_buf_init(&text, 1 << 20);
    bt_buf_init(&out, 1 << 24);
    if (bt_buf_add(&text, data, size)) {
        bt_redact(bt_buf_slice(&text), &out);
        /* Only where nothing in front leaves a quote or a comment open. */
        if (!memchr(data, '\'', size) && !memchr(data, '"', size) && !memchr(data, '`', size) &&
            !memchr(data, '/', size) && !memchr(data, '#', size) && !memchr(data, '-', size) &&
            !memmem(data, size, "Hush", 4)) {
            bt_buf_reset(&out);
            bt_buf_add_str(&text, tail);
            bt_redact(bt_buf_slice(&text), &out);
            if (!out.failed && memmem(out.data, out.len, "Hush", 4))
                __builtin_trap();
        }
    }
    bt_buf_done(&text);
    bt_buf_done(&out);
    return 0;
}
