/* SPDX-License-Identifier: Apache-2.0 */
/* vip/vip.h from the command line, for tests/net/vip.bats.  Not installed. */
#include <inttypes.h>
#include <stdio.h>

#include "base/number.h"
#include "vip/packet.h"
#include "vip/vip.h"

static const char usage[] =
    "vip_tool up IFACE VIP [PROBE_MS|none] [COUNT SPACING_MS] [--force] [--label L]\n"
    "vip_tool down IFACE|any VIP\n"
    "vip_tool status VIP\n"
    "vip_tool probe IFACE VIP LISTEN_MS\n"
    "vip_tool announce IFACE VIP COUNT SPACING_MS\n"
    "vip_tool capture IFACE VIP COUNT     frames about VIP, in hex, one a line\n";

static struct bt_deadline deadline;

static int number(const char *text)
{
    uint64_t value;

    if (!text || !bt_number_u64(bt_slice_str(text), 1000000, &value)) {
        fputs(usage, stderr);
        exit(2);
    }
    return (int)value;
}

static void print_probe(const struct bt_probe_result *p)
{
    char mac[BT_MAC_TEXT_SIZE];

    if (p->found)
        printf("%s %s\n", p->wants ? "wanted by" : "held by", bt_mac_text(p->mac, mac));
    else
        printf("nobody\n");
}

static int run_up(char **args, const struct bt_vip *vip, struct bt_err *err)
{
    struct bt_vip_up_opts opts = {.announce = {.count = 1}};
    struct bt_vip_up_result result;
    const char *interface = args[0];

    args += 2;
    if (*args && **args != '-') {
        opts.probe_ms = strcmp(*args, "none") == 0 ? -1 : number(*args);
        args++;
    }
    if (*args && **args != '-') {
        opts.announce.count = number(args[0]);
        opts.announce.spacing_ms = number(args[1]);
        args += 2;
    }
    for (; *args; args++) {
        if (strcmp(*args, "--force") == 0)
            opts.take_from_holder = true;
        else if (strcmp(*args, "--label") == 0 && args[1])
            opts.label = *++args;
    }
    if (bt_vip_up(interface, vip, opts, deadline, &result, err) < 0)
        return -1;
    printf("%s, announced %d, ", result.was_there ? "was there" : "added", result.announced);
    print_probe(&result.probe);
    return 0;
}

static int run_down(char **args, const struct bt_vip *vip, struct bt_err *err)
{
    const char *interface = strcmp(args[0], "any") == 0 ? NULL : args[0];
    int removed;

    if (bt_vip_down(interface, vip, deadline, &removed, err) < 0)
        return -1;
    printf("removed %d\n", removed);
    return 0;
}

static int run_status(const struct bt_vip *vip, struct bt_err *err)
{
    struct bt_place_list places;

    if (bt_vip_status(vip, deadline, &places, err) < 0)
        return -1;
    for (size_t i = 0; i < places.count; i++)
        printf("%s/%u%s%s\n", places.at[i].interface, places.at[i].prefix,
               places.at[i].tentative ? " tentative" : "", places.at[i].failed ? " failed" : "");
    return 0;
}

static int run_probe(char **args, const struct bt_vip *vip, struct bt_err *err)
{
    struct bt_probe_result result;

    if (bt_vip_probe(args[0], vip, number(args[2]), deadline, &result, err) < 0)
        return -1;
    print_probe(&result);
    return 0;
}

static int run_announce(char **args, const struct bt_vip *vip, struct bt_err *err)
{
    struct bt_announce_opts opts = {.count = number(args[2])};
    int sent;

    opts.spacing_ms = number(args[3]);
    if (bt_vip_announce(args[0], vip, opts, deadline, &sent, err) < 0)
        return -1;
    printf("announced %d\n", sent);
    return 0;
}

static bool is_about(struct bt_slice frame, const struct bt_vip *vip)
{
    struct bt_err err = {0};
    struct bt_claim claim;

    return bt_claim_read(frame, &claim, &err) == 0 && bt_vip_same_address(&claim.who, vip);
}

/* Says "listening" once it is, so that a test can wait for it.  Time and frame are raw: what
 * the network delivered. */
static int run_capture(char **args, const struct bt_vip *vip, struct bt_err *err)
{
    uint8_t buffer[BT_PACKET_SIZE_MAX];
    struct bt_interface interface;
    struct bt_slice frame;
    bt_auto_fd int fd = -1;
    int left = number(args[2]), got;

    if (bt_interface_find(args[0], deadline, &interface, err) < 0 ||
        bt_packet_open(&interface, vip->family, &fd, err) < 0)
        return -1;
    printf("listening\n");
    fflush(stdout);
    while (left > 0) {
        got = bt_packet_receive(fd, &interface, deadline, buffer, &frame, err);
        if (got != 0)
            return got < 0 ? -1 : bt_fail(err, BT_ERR_TIMEOUT, "%d frames did not come", left);
        if (!is_about(frame, vip))
            continue;
        printf("%" PRId64 " ", bt_clock_ms());
        for (size_t i = 0; i < frame.len; i++)
            printf("%02x", frame.ptr[i]);
        printf("\n");
        left--;
    }
    return 0;
}

static int run(int count, char **args, struct bt_err *err)
{
    const char *verb = args[0];
    bool is_status = strcmp(verb, "status") == 0;
    struct bt_vip vip;

    if (bt_vip_parse(bt_slice_str(args[is_status ? 1 : 2]), &vip, err) < 0)
        return -1;
    if (is_status)
        return run_status(&vip, err);
    if (strcmp(verb, "up") == 0)
        return run_up(args + 1, &vip, err);
    if (strcmp(verb, "down") == 0)
        return run_down(args + 1, &vip, err);
    if (strcmp(verb, "probe") == 0 && count == 4)
        return run_probe(args + 1, &vip, err);
    if (strcmp(verb, "announce") == 0 && count == 5)
        return run_announce(args + 1, &vip, err);
    if (strcmp(verb, "capture") == 0 && count == 4)
        return run_capture(args + 1, &vip, err);
    return bt_fail(err, BT_ERR_USAGE, "%s", usage);
}

int main(int argc, char **argv)
{
    struct bt_err err = {0};

    deadline = bt_deadline_in(10000);
    if (argc < 3 || (argc < 4 && strcmp(argv[1], "status") != 0))
        bt_fail(&err, BT_ERR_USAGE, "%s", usage);
    else if (run(argc - 1, argv + 1, &err) == 0)
        return fflush(stdout) == 0 ? 0 : 1;
    fprintf(stderr, "%s: %s\n", bt_err_kind_name(err.kind), err.text);
    return bt_err_exit_code(err.kind);
}
