/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.h - exact reads and writes on pipes and sockets, each with a deadline.
 *
 * The descriptors are set non-blocking once (bt_io_nonblocking); a call then waits in
 * poll(2) and never past its deadline.  A reader that has gone is an error of the write
 * (EPIPE) and never a signal: SIGPIPE is held back for the calling thread.
 * Callable from any thread; one thread per direction of a descriptor at a time.
 */
#ifndef BT_BASE_IO_H
#define BT_BASE_IO_H

#include "base/buf.h"
#include "base/clock.h"

int bt_io_nonblocking(int fd, struct bt_err *err) BT_MUST_CHECK;

/* Reads what is there, waiting for the first byte: 1 to n bytes into out, *ret_len of them.
 * Returns 1 at the end of the stream.  -1 with BT_ERR_TIMEOUT when the deadline passed. */
int bt_io_read_some(int fd, void *out, size_t n, struct bt_deadline until, size_t *ret_len,
                    struct bt_err *err) BT_MUST_CHECK;

/* Reads exactly n bytes.  Returns 1 when the stream ended before the first of them; an end
 * in the middle is BT_ERR_CORRUPT. */
int bt_io_read(int fd, void *out, size_t n, struct bt_deadline until, struct bt_err *err)
    BT_MUST_CHECK;

/* Reads to the end of the stream.  More than the buffer's ceiling is BT_ERR_LIMIT. */
int bt_io_read_all(int fd, struct bt_buf *out, struct bt_deadline until, struct bt_err *err)
    BT_MUST_CHECK;

/* Writes all n bytes. */
int bt_io_write(int fd, const void *bytes, size_t n, struct bt_deadline until, struct bt_err *err)
    BT_MUST_CHECK;

/* Writes n bytes of a file, from offset `from` on, into fd; the file ending before that is
 * BT_ERR_CORRUPT.  The file's own position does not move. */
int bt_io_write_file(int fd, int file, uint64_t from, uint64_t n, struct bt_deadline until,
                     struct bt_err *err) BT_MUST_CHECK;

#endif
