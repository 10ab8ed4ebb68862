/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflate.h - everything in a log that is compressed, opened.
 *
 * Three formats, none of whose sizes is trusted: memory grows only as plain bytes
 * really come out, up to a ceiling given by the caller.
 *
 *   MariaDB log_bin_compress (QUERY_COMPRESSED, *_ROWS_COMPRESSED; sql/log_event.cc 10.11):
 *     1 byte   1aaa 0lll   a algorithm (0 zlib), l count of length bytes, 1 to 4
 *     l bytes  length of the plain bytes, big endian
 *     rest     zlib stream
 *
 *   MariaDB COMPRESSED columns (types 140 and 141; sql/field_comp.cc 10.11):
 *     nothing at all       the empty value
 *     1 byte   0000 0000   the rest is the value itself
 *     1 byte   1000 wlll   l as above; w: raw deflate, else zlib stream
 *
 *   MySQL TRANSACTION_PAYLOAD (libbinlogevents codecs/binary.cpp 8.0.43): fields of packed integers
 *   (type, length, value): 1 payload size, 2 compression (0 zstd, 255 none), 3 plain size, 0
 * (alone) ends them; then the payload, a sequence of events without checksums.
 */
#ifndef BT_PARSER_INFLATE_H
#define BT_PARSER_INFLATE_H

#include "base/auto.h"
#include "base/buf.h"

/* ------------------------------------------------- MariaDB blocks and columns */

/* The state of a decompressor, used over and over; one thread at a time. */
struct bt_inflater;

int bt_inflater_new(struct bt_inflater **ret, struct bt_err *err) BT_MUST_CHECK;
void bt_inflater_free(struct bt_inflater *z); /* accepts NULL */

static inline void bt_inflater_release(struct bt_inflater **z)
{
    bt_inflater_free(*z);
    *z = NULL;
}
#define bt_auto_inflater BT_AUTO(bt_inflater_release)

/* Appends what a log_bin_compress block holds to out, whose ceiling is the limit. */
int bt_inflate_block(struct bt_inflater *z, struct bt_slice block, struct bt_buf *out,
                     struct bt_err *err) BT_MUST_CHECK;

/* Appends what the image of a COMPRESSED column (behind its length) holds to out. */
int bt_inflate_column(struct bt_inflater *z, struct bt_slice image, struct bt_buf *out,
                      struct bt_err *err) BT_MUST_CHECK;

/* ----------------------------------------------------- MySQL TRANSACTION_PAYLOAD */

enum bt_payload_compression { BT_PAYLOAD_ZSTD = 0, BT_PAYLOAD_NONE = 255 };

/* What a TRANSACTION_PAYLOAD event says about its payload. */
struct bt_payload_header {
    uint64_t compression; /* enum bt_payload_compression; refused when it is neither */
    uint64_t plain_size;  /* as claimed by the writer, for display only; 0 when it does not say */
    struct bt_slice payload;
};

/* Reads the body of a TRANSACTION_PAYLOAD event; borrows from it. */
int bt_payload_header_read(struct bt_slice body, struct bt_payload_header *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* The events inside payloads, one after another, without holding a whole payload in memory:
 *
 *     new -> (begin -> next, next, ... until 1)* -> free */
struct bt_payload;

struct bt_payload_limits {
    uint32_t event_size_max; /* of one inner event; 0 = 1 GiB */
    /* of all plain bytes of one payload; 0 = no limit but the data's own */
    uint64_t plain_max;
};

int bt_payload_new(struct bt_payload **ret, struct bt_err *err) BT_MUST_CHECK;
void bt_payload_free(struct bt_payload *p); /* accepts NULL */

static inline void bt_payload_release(struct bt_payload **p)
{
    bt_payload_free(*p);
    *p = NULL;
}
#define bt_auto_payload BT_AUTO(bt_payload_release)

/* Begins a payload from the body of its event, which must stay until the last next(). */
int bt_payload_begin(struct bt_payload *p, struct bt_slice body, struct bt_payload_limits limits,
                     struct bt_err *err) BT_MUST_CHECK;

/* The next inner event, whole (header and body, it has no checksum).  *ret borrows until the next
 * call on p.  Returns 1 behind the last one. */
int bt_payload_next(struct bt_payload *p, struct bt_slice *ret, struct bt_err *err) BT_MUST_CHECK;

#endif
