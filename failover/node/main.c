/* SPDX-License-Identifier: Apache-2.0 */
/*
 * baton-node: what the manager runs on a database host.
 *
 *     baton-node serve       answers requests on standard input until it ends (serve.h)
 *     baton-node --build-id  the hash of this program, which is also its file name's end
 *     baton-node --version
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failover/node/build_id.h"
#include "failover/node/serve.h"
#include "version.h"

static int complain(const struct bt_err *err)
{
    fprintf(stderr, "baton-node: %s\n", err->text);
    return bt_err_exit_code(err->kind);
}

static int usage(FILE *to, int code)
{
    fprintf(to, "Usage: baton-node serve | --build-id | --version\n"
                "The manager starts it over ssh; it answers on standard output what is asked on "
                "standard input.\n");
    return code;
}

int main(int argc, char **argv)
{
    char build[BT_BUILD_ID_SIZE];
    struct bt_err err = {0};

    if (argc != 2)
        return usage(stderr, bt_err_exit_code(BT_ERR_USAGE));
    if (strcmp(argv[1], "serve") == 0)
        return bt_node_serve(STDIN_FILENO, STDOUT_FILENO, &err) == 0 ? EXIT_SUCCESS
                                                                     : complain(&err);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return usage(stdout, EXIT_SUCCESS);
    if (bt_build_id_of_self(build, &err) != 0)
        return complain(&err);
    if (strcmp(argv[1], "--build-id") == 0)
        printf("%s\n", build);
    else if (strcmp(argv[1], "--version") == 0)
        printf("baton-node %s (build %s)\n", BT_VERSION, build);
    else
        return usage(stderr, bt_err_exit_code(BT_ERR_USAGE));
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
