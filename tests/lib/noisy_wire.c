/* SPDX-License-Identifier: Apache-2.0 */
/*
 * noisy_wire BRIDGE PORT LOSS DELAY_MS JITTER_MS SEED - a cable that loses and delays what its host
 * sends, until SIGTERM.
 *
 * Not every kernel has netem.  PORT, the far end of a host's cable, is taken off BRIDGE; a TAP
 * device takes its place, and frames go through us: those from the host are lost with LOSS percent
 * and wait DELAY_MS plus up to JITTER_MS, in order; those to it pass.  Both ends carry the header
 * of virtio, so that frames whose checksum or segments are still to be made stay as they are.
 * Runs in the network namespace of the bridge.  Prints "ready" when it stands.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <time.h>
#include <unistd.h>

#ifndef SIOCBRADDIF
#define SIOCBRADDIF 0x89a2
#define SIOCBRDELIF 0x89a3
#endif

enum { FRAME_MAX = 70000,
       WAITING_MAX = 20000 };

struct frame {
    struct frame *next;
    int64_t due_ms;
    size_t len;
    uint8_t bytes[];
};

struct wire {
    const char *bridge, *port;
    char tap_name[IFNAMSIZ];
    int control, tap, host;
    unsigned loss, delay_ms, jitter_ms;
    uint64_t random;
    struct frame *first, **last;
    size_t waiting;
    uint8_t buffer[FRAME_MAX];
};

static volatile sig_atomic_t is_over;

static void end(int signal)
{
    (void)signal;
    is_over = 1;
}

static void die(const char *what)
{
    fprintf(stderr, "noisy_wire: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* xorshift64*: the same seed loses the same frames. */
static unsigned random_below(struct wire *w, unsigned limit)
{
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return (unsigned)((w->random * UINT64_C(2685821657736338717)) >> 33) % limit;
}

static void port_set(struct wire *w, unsigned long request, const char *name)
{
    struct ifreq r = {0};

    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", w->bridge);
    r.ifr_ifindex = (int)if_nametoindex(name);
    if (ioctl(w->control, request, &r) != 0)
        die(name);
}

static void tap_open(struct wire *w)
{
    struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

    w->tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    snprintf(r.ifr_name, sizeof(r.ifr_name), "n%.10s", w->port);
    snprintf(w->tap_name, sizeof(w->tap_name), "%s", r.ifr_name);
    if (w->tap < 0 || ioctl(w->tap, TUNSETIFF, &r) != 0 ||
        ioctl(w->tap, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) != 0)
        die("tap");
    r.ifr_flags = IFF_UP;
    if (ioctl(w->control, SIOCSIFFLAGS, &r) != 0)
        die("tap up");
}

static void host_open(struct wire *w)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETH_P_ALL),
                                  .sll_ifindex = (int)if_nametoindex(w->port)};
    struct packet_mreq all = {.mr_ifindex = address.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
    int one = 1;

    w->host = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (w->host < 0 ||
        setsockopt(w->host, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) != 0 ||
        setsockopt(w->host, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) != 0 ||
        setsockopt(w->host, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) != 0 ||
        bind(w->host, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("packet socket");
}

/* From the host: lost, or kept until it is due. */
static void take(struct wire *w, size_t len)
{
    struct frame *f;

    if (random_below(w, 100) < w->loss || w->waiting == WAITING_MAX)
        return;
    f = malloc(sizeof(*f) + len);
    if (!f)
        return;
    *f = (struct frame){.due_ms = now_ms() + w->delay_ms +
                                  (w->jitter_ms ? random_below(w, w->jitter_ms) : 0),
                        .len = len};
    memcpy(f->bytes, w->buffer, len);
    *w->last = f;
    w->last = &f->next;
    w->waiting++;
}

static void deliver(struct wire *w)
{
    while (w->first && w->first->due_ms <= now_ms()) {
        struct frame *f = w->first;
        ssize_t ignored = write(w->tap, f->bytes, f->len); /* a full queue loses it */

        (void)ignored;
        w->first = f->next;
        if (!w->first)
            w->last = &w->first;
        w->waiting--;
        free(f);
    }
}

static void pump(struct wire *w)
{
    struct pollfd fds[] = {{.fd = w->host, .events = POLLIN}, {.fd = w->tap, .events = POLLIN}};
    int64_t left = w->first ? w->first->due_ms - now_ms() : 1000;
    ssize_t got;

    (void)poll(fds, 2, left < 0 ? 0 : (int)left);
    while ((got = read(w->host, w->buffer, sizeof(w->buffer))) > 0)
        take(w, (size_t)got);
    while ((got = read(w->tap, w->buffer, sizeof(w->buffer))) > 0) {
        ssize_t ignored = write(w->host, w->buffer, (size_t)got);

        (void)ignored;
    }
    deliver(w);
}

int main(int argc, char **argv)
{
    static struct wire w;
    struct sigaction action = {.sa_handler = end};

    if (argc != 7) {
        fprintf(stderr, "usage: noisy_wire BRIDGE PORT LOSS DELAY_MS JITTER_MS SEED\n");
        return 2;
    }
    w.bridge = argv[1];
    w.port = argv[2];
    w.loss = (unsigned)strtoul(argv[3], NULL, 10);
    w.delay_ms = (unsigned)strtoul(argv[4], NULL, 10);
    w.jitter_ms = (unsigned)strtoul(argv[5], NULL, 10);
    w.random = strtoull(argv[6], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) + 1;
    w.last = &w.first;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    w.control = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    tap_open(&w);
    host_open(&w);
    port_set(&w, SIOCBRDELIF, w.port);
    port_set(&w, SIOCBRADDIF, w.tap_name);
    puts("ready");
    fflush(stdout);
    while (!is_over)
        pump(&w);
    port_set(&w, SIOCBRDELIF, w.tap_name);
    port_set(&w, SIOCBRADDIF, w.port);
    return 0;
}
