/* SPDX-License-Identifier: Apache-2.0 */
/* masterha_secondary_check: can a host elsewhere reach the primary? */
#include <stdio.h>
#include <unistd.h>

#include "cli/mha.h"
#include <netdb.h>

#include "failover/config.h"
#include "failover/each.h"
#include "failover/node_client.h"

/* MHA's codes. */
enum { SAYS_DEAD = 0, IS_NOT_REACHED = 2, SAYS_ALIVE = 3 };

enum { TIMEOUT_SECONDS = 5, SSH_PORT = 22 };

/* clang-format off */
static const struct bt_mha_opt opts[] = {
    {"secondary_host|s", true, BT_MHA_TAKEN, "host that looks; may be given again"},
    {"user", true, BT_MHA_TAKEN, "user for ssh (root)"},
    {"port", true, BT_MHA_TAKEN, "port of its sshd (22)"},
    {"options", true, BT_MHA_TAKEN, "further options for ssh"},
    {"master_host", true, BT_MHA_TAKEN, "the primary's name"},
    {"master_ip", true, BT_MHA_TAKEN, "its address, used where it is given"},
    {"master_port", true, BT_MHA_TAKEN, "its port (3306)"},
    {"master_user", true, BT_MHA_TAKEN, "not needed: the server's greeting tells that it answers"},
    {"master_password", true, BT_MHA_TAKEN, "not needed: the server's greeting tells that it answers"},
    {"ping_type", true, BT_MHA_TAKEN, "not needed, for the same reason"},
    {"timeout", true, BT_MHA_TAKEN, "seconds for each connection (5)"},
    {NULL, false, BT_MHA_TAKEN, NULL},
};
/* clang-format on */

struct asking {
    const struct bt_mha_values *values;
    const char *const *hosts;
    char address[BT_ADDRESS_TEXT_SIZE]; /* of the primary */
    int codes[BT_MHA_VALUES_MAX];
};

/* A node on that host tries the primary's port, and waits for the server's greeting: one that
 * accepts and says nothing does not serve either. */
static int ask(const struct bt_mha_values *v, const char *address, const char *name)
{
    int64_t timeout_ms = (int64_t)bt_mha_number(v, "timeout", TIMEOUT_SECONDS) * 1000;
    const char *user = bt_mha_value(v, "user");
    const char *options = bt_mha_value(v, "options");
    struct bt_host host = {.name = name,
                           .ssh_host = name,
                           .ssh_user = user ? user : "root",
                           .ssh_port = (uint16_t)bt_mha_number(v, "port", SSH_PORT),
                           .ssh_options = options ? options : "",
                           .connect_ms = timeout_ms,
                           .node_path = "",
                           .remote_workdir = ""};
    struct bt_reach_request request = {.address = address,
                                       .port = (uint16_t)bt_mha_number(v, "master_port", 3306),
                                       .timeout_ms = (uint32_t)timeout_ms,
                                       .greeting = true};
    bt_auto_channel struct bt_channel *channel = NULL;
    struct bt_reach_reply reply = {0};
    enum bt_channel_failure why;
    struct bt_err err = {0};

    if (bt_channel_open(&host, bt_deadline_in(timeout_ms), &channel, &why, &err) != 0 ||
        bt_node_reach(channel, &request, bt_deadline_in(timeout_ms * 2), &reply, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return IS_NOT_REACHED;
    }
    return reply.port == BT_PORT_ANSWERS ? SAYS_ALIVE : SAYS_DEAD;
}

static void ask_one(size_t i, void *ctx)
{
    struct asking *a = ctx;

    a->codes[i] = ask(a->values, a->address, a->hosts[i]);
}

/* Where the primary is: --master_ip, else its name as it resolves here. */
static int address_find(const struct bt_mha_values *v, char ret[static BT_ADDRESS_TEXT_SIZE],
                        struct bt_err *err)
{
    const char *host = bt_mha_value(v, "master_ip");
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int rc;

    host = host ? host : bt_mha_value(v, "master_host");
    if (!host)
        return bt_fail(err, BT_ERR_USAGE, "--master_host=<host> must be set.");
    rc = getaddrinfo(host, NULL, &hints, &list);
    if (rc == 0) {
        rc = getnameinfo(list->ai_addr, list->ai_addrlen, ret, BT_ADDRESS_TEXT_SIZE, NULL, 0,
                         NI_NUMERICHOST);
        freeaddrinfo(list);
    }
    if (rc != 0)
        return bt_fail(err, BT_ERR_REALITY, "could not resolve host \"%s\": %s", host,
                       gai_strerror(rc));
    return 0;
}

static int run(const struct bt_mha_values *values, struct bt_err *err)
{
    struct asking a = {.values = values};
    size_t count = bt_mha_list(values, "secondary_host", &a.hosts);

    if (count == 0)
        return bt_fail(err, BT_ERR_USAGE, "--secondary_host=<host> must be set.");
    if (address_find(values, a.address, err) != 0)
        return -1;
    bt_each(count, ask_one, &a);
    for (size_t i = 0; i < count; i++) { /* in the order given, as MHA asks them */
        if (a.codes[i] == IS_NOT_REACHED)
            printf("Monitoring server %s is NOT reachable!\n", a.hosts[i]);
        else if (a.codes[i] == SAYS_ALIVE)
            printf("Master is reachable from %s!\n", a.hosts[i]);
        else
            printf("Monitoring server %s is reachable, Master is not reachable from %s. OK.\n",
                   a.hosts[i], a.hosts[i]);
        if (a.codes[i] != SAYS_DEAD)
            return a.codes[i];
    }
    printf("Master is not reachable from all other monitoring servers. Failover should start.\n");
    return SAYS_DEAD;
}

const struct bt_mha_tool bt_mha_secondary_check = {
    .name = "masterha_secondary_check",
    .summary =
        "can hosts elsewhere reach the primary?  0: none can; 2: one cannot be asked; 3: yes",
    .opts = opts,
    .run = run,
};
