/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.h - the content of a transaction as 64 bits that do not depend on which log holds it.
 *
 * Two copies of one transaction differ from log to log in the checksum, in end_log_pos, in
 * whether the IO thread has decompressed it, in flags that only matter to the log, in table ids,
 * and (MariaDB) in whether ANNOTATE_ROWS came along.  The digest is XXH3-64 over the rest: type,
 * time, server_id, and the decompressed body with those fields taken out.
 */
#ifndef BT_DIFF_DIGEST_H
#define BT_DIFF_DIGEST_H

#include "parser/event.h"

struct bt_digest;

/* One digest can be used again and again; NULL without memory. */
struct bt_digest *bt_digest_new(void);
void bt_digest_free(struct bt_digest *d);

static inline void bt_digest_release(struct bt_digest **d)
{
    bt_digest_free(*d);
    *d = NULL;
}
#define bt_auto_digest BT_AUTO(bt_digest_release)

void bt_digest_reset(struct bt_digest *d); /* before the first event of a transaction */
void bt_digest_event(struct bt_digest *d, const struct bt_event *ev);
/* Of the events since the reset.  More may follow. */
uint64_t bt_digest_value(struct bt_digest *d);

#endif
