/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sql.c - building blocks of SQL text, and what the servers' error numbers mean for a session.
 */
#include "apply/connection.h"

#include <mysql.h>

#include "apply/connection_priv.h"

bool bt_sql_add_name(struct bt_buf *out, struct bt_slice name)
{
    bt_buf_add_byte(out, '`');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '`')
            bt_buf_add_byte(out, '`');
        bt_buf_add_byte(out, name.ptr[i]);
    }
    return bt_buf_add_byte(out, '`');
}

bool bt_sql_add_text(const struct bt_connection *c, struct bt_buf *out, struct bt_slice text)
{
    bool backslash = !(c->mysql.server_status & SERVER_STATUS_NO_BACKSLASH_ESCAPES);

    bt_buf_add_byte(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t b = text.ptr[i];

        if (b == '\'' || (b == '\\' && backslash))
            bt_buf_add_byte(out, b);
        bt_buf_add_byte(out, b);
    }
    return bt_buf_add_byte(out, '\'');
}

bool bt_sql_add_hex(struct bt_buf *out, struct bt_slice bytes)
{
    static const char digits[] = "0123456789ABCDEF";
    uint8_t *to;

    if (bytes.len == 0)
        return bt_buf_add_str(out, "''");
    if (bytes.len > SIZE_MAX / 4)
        return false;
    to = bt_buf_reserve(out, 2 + bytes.len * 2);
    if (!to)
        return false;
    *to++ = '0';
    *to++ = 'x';
    for (size_t i = 0; i < bytes.len; i++) {
        *to++ = (uint8_t)digits[bytes.ptr[i] >> 4];
        *to++ = (uint8_t)digits[bytes.ptr[i] & 15];
    }
    bt_buf_commit(out, 2 + bytes.len * 2);
    return true;
}

/* Numbers: include/mysqld_error.h and errmsg.h of MariaDB 10.11. */
bool bt_server_errno_is_lost(unsigned server_errno)
{
    switch (server_errno) {
    case 1053: /* ER_SERVER_SHUTDOWN */
    case 1077: /* ER_NORMAL_SHUTDOWN */
    case 1079: /* ER_SHUTDOWN_COMPLETE */
    case 1080: /* ER_FORCING_CLOSE */
    case 1152: /* ER_ABORTING_CONNECTION */
    case 1153: /* ER_NET_PACKET_TOO_LARGE: the server hangs up behind it */
    case 1154: /* ER_NET_READ_ERROR_FROM_PIPE */
    case 1155: /* ER_NET_FCNTL_ERROR */
    case 1156: /* ER_NET_PACKETS_OUT_OF_ORDER */
    case 1157: /* ER_NET_UNCOMPRESS_ERROR */
    case 1158: /* ER_NET_READ_ERROR */
    case 1159: /* ER_NET_READ_INTERRUPTED */
    case 1160: /* ER_NET_ERROR_ON_WRITE */
    case 1161: /* ER_NET_WRITE_INTERRUPTED */
    case 1184: /* ER_NEW_ABORTING_CONNECTION */
    case 1927: /* ER_CONNECTION_KILLED */
    case 4031: /* ER_CLIENT_INTERACTION_TIMEOUT, MySQL 8 */
        return true;
    case 2027: /* CR_MALFORMED_PACKET: we no longer know where we are */
        return true;
    default:
        return server_errno >= 2000 && server_errno < 3000;
    }
}

bool bt_server_errno_is_alive(unsigned server_errno)
{
    switch (server_errno) {
    /* MHA 0.58, MHA::HealthCheck */
    case 1040: /* ER_CON_COUNT_ERROR */
    case 1042: /* ER_BAD_HOST_ERROR */
    case 1043: /* ER_HANDSHAKE_ERROR */
    case 1044: /* ER_DBACCESS_DENIED_ERROR */
    case 1045: /* ER_ACCESS_DENIED_ERROR */
    case 1129: /* ER_HOST_IS_BLOCKED */
    case 1130: /* ER_HOST_NOT_PRIVILEGED */
    case 1203: /* ER_TOO_MANY_USER_CONNECTIONS */
    case 1226: /* ER_USER_LIMIT_REACHED */
    case 1251: /* ER_NOT_SUPPORTED_AUTH_MODE */
    case 1275: /* ER_SERVER_IS_IN_SECURE_AUTH_MODE */
    /* newer servers, and the client's own refusals after the server spoke */
    case 1227: /* ER_SPECIFIC_ACCESS_DENIED_ERROR */
    case 1524: /* ER_PLUGIN_IS_NOT_LOADED */
    case 1698: /* ER_ACCESS_DENIED_NO_PASSWORD_ERROR */
    case 1820: /* ER_MUST_CHANGE_PASSWORD */
    case 1862: /* ER_MUST_CHANGE_PASSWORD_LOGIN */
    case 1873: /* ER_ACCESS_DENIED_CHANGE_USER_ERROR */
    case 3032: /* ER_SERVER_OFFLINE_MODE, MySQL */
    case 3118: /* ER_ACCOUNT_HAS_BEEN_LOCKED, MySQL */
    case 3159: /* ER_SECURE_TRANSPORT_REQUIRED, MySQL */
    case 3955: /* ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK, MySQL */
    case 4151: /* ER_ACCOUNT_HAS_BEEN_LOCKED, MariaDB */
    case 2026: /* CR_SSL_CONNECTION_ERROR */
    case 2059: /* CR_AUTH_PLUGIN_CANNOT_LOAD */
    case 2061: /* CR_AUTH_PLUGIN_ERR */
        return true;
    default:
        return false;
    }
}
