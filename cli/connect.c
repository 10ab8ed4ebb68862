/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect.h"

const char *const bt_connect_tls_names[] = {"default", "required", "verified", NULL};

bool bt_connect_is_given(const struct bt_connect_args *args)
{
    return args->host || args->socket || args->defaults_file;
}

int bt_connect_opts(const struct bt_connect_args *args, struct bt_connection_opts *ret,
                    struct bt_err *err)
{
    if (args->port > 65535)
        return bt_fail(err, BT_ERR_USAGE, "port %llu is over 65535",
                       (unsigned long long)args->port);
    *ret = (struct bt_connection_opts){
        .host = args->host,
        .port = (unsigned)args->port,
        .socket = args->socket,
        .user = args->user,
        .defaults_file = args->defaults_file,
        .defaults_group = args->defaults_group,
        .tls = (enum bt_tls)args->tls,
        .tls_ca = args->tls_ca,
        .tls_cert = args->tls_cert,
        .tls_key = args->tls_key,
    };
    return 0;
}
