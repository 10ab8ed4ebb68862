/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect.h - the options that say which server is meant, the same for every command.
 *
 *     static struct { struct bt_connect_args server; ... } opt;
 *     static const struct bt_opt opts[] = { BT_CONNECT_OPTS(opt.server), ... };
 *     bt_connect_opts(&opt.server, &connection_opts, err)
 *
 * A password never stands among them: it comes from the option file.
 */
#ifndef BT_CLI_CONNECT_H
#define BT_CLI_CONNECT_H

#include "apply/connection.h"
#include "cli/option.h"

struct bt_connect_args {
    const char *defaults_file, *defaults_group, *host, *socket, *user;
    const char *tls_ca, *tls_cert, *tls_key;
    uint64_t port;
    int tls;
};

extern const char *const bt_connect_tls_names[];

/* clang-format off */
#define BT_CONNECT_OPTS(args) \
    {"defaults-file", 0, BT_OPT_STRING, "FILE", \
     "option file with user, password, ... ([client])", NULL, &(args).defaults_file}, \
    {"defaults-group", 0, BT_OPT_STRING, "NAME", \
     "group of the option file besides [client]", NULL, &(args).defaults_group}, \
    {"host", 'H', BT_OPT_STRING, "HOST", "server to connect to over TCP", NULL, &(args).host}, \
    {"port", 'P', BT_OPT_UINT, "N", "its port (3306)", NULL, &(args).port}, \
    {"socket", 'S', BT_OPT_STRING, "PATH", \
     "unix socket of the server, wins over --host", NULL, &(args).socket}, \
    {"user", 'u', BT_OPT_STRING, "NAME", \
     "account; its password comes from the option file", NULL, &(args).user}, \
    {"tls", 0, BT_OPT_CHOICE, "HOW", \
     "default, required, or verified (certificate checked)", bt_connect_tls_names, &(args).tls}, \
    {"tls-ca", 0, BT_OPT_STRING, "FILE", \
     "certificates of the authorities that are trusted", NULL, &(args).tls_ca}, \
    {"tls-cert", 0, BT_OPT_STRING, "FILE", "our certificate", NULL, &(args).tls_cert}, \
    {"tls-key", 0, BT_OPT_STRING, "FILE", "its key", NULL, &(args).tls_key}
/* clang-format on */

/* Whether a server was named at all. */
bool bt_connect_is_given(const struct bt_connect_args *args);

/* *ret borrows from args. */
int bt_connect_opts(const struct bt_connect_args *args, struct bt_connection_opts *ret,
                    struct bt_err *err) BT_MUST_CHECK;

#endif
