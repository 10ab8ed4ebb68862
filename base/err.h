/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - what went wrong, told once where it is known.
 *
 * Every function that can fail takes a caller-owned `struct bt_err *err` as its
 * last parameter and returns 0 (done), 1 (only where its header defines it) or
 * -1 (failed, err filled, no output written).  On 0 and 1 err is untouched.
 * The innermost message says what and which value; every layer on the way up
 * may add where with bt_err_wrap().  Nothing here allocates.
 */
#ifndef BT_BASE_ERR_H
#define BT_BASE_ERR_H

#include <errno.h>
#include <stdbool.h>

#define BT_MUST_CHECK __attribute__((warn_unused_result))
/* For the steps of inner loops that the compiler would rather call: measured where it is used. */
#define BT_INLINE static inline __attribute__((always_inline))
#define BT_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/* What kind of thing went wrong: decides the exit code and who must act. */
enum bt_err_kind {
    BT_ERR_NONE = 0,
    BT_ERR_BUG,      /* an invariant of ours does not hold */
    BT_ERR_USAGE,    /* the command line makes no sense */
    BT_ERR_CONFIG,   /* the configuration contradicts itself or cannot be read */
    BT_ERR_REALITY,  /* the configuration does not match what is there */
    BT_ERR_SYSTEM,   /* a system call failed; os_errno says why */
    BT_ERR_CORRUPT,  /* bytes we were given do not follow their format */
    BT_ERR_REMOTE,   /* a server or host answered with an error */
    BT_ERR_CONFLICT, /* the data differs from what the log says */
    BT_ERR_TIMEOUT,  /* a deadline passed */
    BT_ERR_LIMIT,    /* something from outside is larger than we allow */
};

struct bt_err {
    enum bt_err_kind kind;
    int os_errno;          /* errno when it happened, 0 if none */
    unsigned server_errno; /* MariaDB/MySQL error number, 0 if none */
    const char *file;      /* where it was raised, for --verbose */
    int line;
    bool is_told;    /* it stands in the log already (bt_log_error) */
    char text[1024]; /* "outermost: ...: innermost", no newline */
};

/* What every failing function returns; inline, so that the compiler knows it too and does not take
 * the outputs of a failed call for used. */
static inline int bt_failed(int ignored)
{
    (void)ignored;
    return -1;
}

/* Raises: `return bt_fail(err, BT_ERR_CORRUPT, "...")`.  Always -1. */
#define bt_fail(err, kind, ...) \
    bt_failed(bt_err_set_at((err), (kind), 0, __FILE__, __LINE__, __VA_ARGS__))

/* Raises with errno, read before anything else can change it.  Always -1. */
#define bt_fail_sys(err, ...) \
    bt_failed(bt_err_set_at((err), BT_ERR_SYSTEM, errno, __FILE__, __LINE__, __VA_ARGS__))

int bt_err_set_at(struct bt_err *err, enum bt_err_kind kind, int os_errno, const char *file,
                  int line, const char *fmt, ...) BT_PRINTF(6, 7);

/* Puts "text: " before the message.  Always -1. */
#define bt_err_wrap(err, ...) bt_failed(bt_err_wrap_with((err), __VA_ARGS__))

int bt_err_wrap_with(struct bt_err *err, const char *fmt, ...) BT_PRINTF(2, 3);

/* Forgets the error, so that the struct can be used again. */
void bt_err_clear(struct bt_err *err);

/* The process exit code for a kind; the one table of it is docs/exit-codes.md. */
int bt_err_exit_code(enum bt_err_kind kind);

/* A short lower-case name of a kind for logs and JSON, never NULL. */
const char *bt_err_kind_name(enum bt_err_kind kind);

#endif
