/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol_host.h - requests about the host: who are you, the server's process, the VIP,
 * what can be reached from there.
 *
 * Per message one put (pack) and one get (unpack), side by side in protocol_host.c.  A put
 * writes into a message begun by bt_message_begin(); a get refuses a payload that is short,
 * long or out of range (BT_ERR_CORRUPT), and its texts live in the arena.
 */
#ifndef BT_FAILOVER_NODE_PROTOCOL_HOST_H
#define BT_FAILOVER_NODE_PROTOCOL_HOST_H

#include "failover/node/fields.h"

enum { BT_NODE_PROTOCOL = 1 };

/* ------------------------------------------------------------------- hello */

struct bt_hello_request {
    uint32_t protocol;
    const char *version;   /* of the manager */
    uint32_t idle_exit_ms; /* the node ends after so long without a message; 0 = never */
};

struct bt_hello_reply {
    uint32_t protocol;
    const char *version;
    const char *build; /* content hash of its program */
    const char *hostname;
    uint32_t uid; /* effective */
    uint32_t pid;
    bool may_kill;     /* root or CAP_KILL */
    bool may_network;  /* root or CAP_NET_ADMIN and CAP_NET_RAW */
    bool may_read_all; /* root or CAP_DAC_READ_SEARCH or CAP_DAC_OVERRIDE */
};

/* ---------------------------------------------------------------- server */

/* Which server on the host: every field that is given must agree with a process, and at least
 * one must speak for it. */
struct bt_server_id {
    const char *pid_file; /* "" = not known */
    const char *datadir;  /* "" = not known */
    const char *address;  /* numeric; where its port is tried; "" = 127.0.0.1 */
    uint16_t port;        /* 0 = not known */
};

enum bt_server_port {
    BT_PORT_UNKNOWN, /* no port was given */
    BT_PORT_REFUSED, /* nobody listens */
    BT_PORT_ANSWERS, /* a server's greeting came */
    BT_PORT_SILENT,  /* it accepts, but says nothing: hung or stopped */
    BT_PORT_TIMEOUT, /* it does not even accept: backlog full, or filtered */
};

struct bt_state_request {
    struct bt_server_id server;
    uint32_t greeting_ms; /* how long to wait for the greeting; 0 = do not ask the port */
};

struct bt_state_reply {
    bool running;
    uint32_t pid;         /* 0 = none */
    char state;           /* of its main thread, as /proc says: R S D T t Z; '-' = none */
    const char *program;  /* "mariadbd" */
    const char *found_by; /* what spoke for it: "pid file", "port 3306", "datadir" */
    uint32_t safe_pid;    /* mariadbd-safe or mysqld_safe that would start it again; 0 = none */
    const char *unit;     /* systemd unit that runs it; "" = none */
    uint8_t port;         /* enum bt_server_port */
    bool listening;       /* somebody on this host listens on the port */
};

struct bt_stop_request {
    struct bt_server_id server;
    uint32_t term_ms; /* between SIGTERM and SIGKILL; 0 = SIGKILL at once */
    uint32_t kill_ms; /* between SIGKILL and giving up */
};

enum bt_stop_how {
    BT_STOP_WAS_GONE, /* no process of it when we came */
    BT_STOP_TERM,     /* it ended by SIGTERM (or its unit's stop) */
    BT_STOP_KILL,     /* SIGTERM was not enough, or it was stopped and could not have obeyed */
};

/* Only sent when it is proved: no process, nobody listens on the port. */
struct bt_stop_reply {
    uint8_t how;       /* enum bt_stop_how */
    uint32_t pid;      /* that was ended; 0 = none was there */
    bool safe_stopped; /* its mysqld_safe was ended first */
    const char *unit;  /* its unit was stopped; "" = none */
    uint32_t ms;
    const char *proof; /* sentence for the report */
};

/* -------------------------------------------------------------------- vip */

enum bt_vip_action { BT_VIP_STATUS,
                     BT_VIP_PROBE,
                     BT_VIP_UP,
                     BT_VIP_DOWN,
                     BT_VIP_ANNOUNCE,
                     BT_VIP_ACTIONS };

struct bt_vip_request {
    uint8_t action;               /* enum bt_vip_action */
    const char *vip;              /* "10.0.0.9/24" */
    const char *interface;        /* "" = DOWN: wherever it stands */
    const char *label;            /* UP: IPv4 label; "" = none */
    int32_t probe_ms;             /* UP, PROBE: 0 = 300, -1 (UP) = no probe */
    bool take_from_holder;        /* UP: go on when another host answers */
    uint32_t announce_count;      /* UP, ANNOUNCE: 0 = 5; UP sends the first before it answers */
    uint32_t announce_spacing_ms; /* 0 = 250 */
};

enum { BT_VIP_PLACES_MAX = 16 };

struct bt_vip_reply {
    uint32_t place_count; /* STATUS: where it stands */
    struct {
        const char *interface;
        uint8_t prefix;
        bool usable; /* duplicate detection did not refuse it and is over */
    } places[BT_VIP_PLACES_MAX];
    bool was_there;     /* UP */
    bool found;         /* UP, PROBE: another host answered */
    bool wants;         /* it only probes for it too */
    const char *holder; /* MAC of who answered; "" = nobody */
    uint32_t removed;   /* DOWN: places it stood on */
    uint32_t announced; /* ANNOUNCE: how many; UP: sent before the answer */
};

/* ------------------------------------------------------------------ probe */

struct bt_reach_request {
    const char *address; /* numeric */
    uint16_t port;
    uint32_t timeout_ms;
    bool greeting; /* wait for the first byte too: a hung server accepts and says nothing */
};

struct bt_reach_reply {
    uint8_t port;      /* enum bt_server_port */
    uint32_t os_errno; /* why not; 0 = reached, or timeout */
    uint32_t ms;
};

/* ------------------------------------------------------------------ guard */

enum { BT_GUARD_MAX = 64 };

/* What the primary's host is to watch over by itself (guard.h).  Its reply is empty. */
struct bt_guard_request {
    uint32_t vip_count;
    const char *vips[BT_GUARD_MAX]; /* "10.0.0.9/24" */
    uint32_t peer_count;
    struct {
        const char *address; /* numeric */
        uint16_t port;
    } peers[BT_GUARD_MAX];
    uint32_t silence_ms; /* without a message before it looks around */
};

void bt_put_hello_request(struct bt_buf *out, const struct bt_hello_request *r);
int bt_get_hello_request(struct bt_slice payload, struct bt_arena *arena,
                         struct bt_hello_request *ret, struct bt_err *err) BT_MUST_CHECK;
void bt_put_hello_reply(struct bt_buf *out, const struct bt_hello_reply *r);
int bt_get_hello_reply(struct bt_slice payload, struct bt_arena *arena, struct bt_hello_reply *ret,
                       struct bt_err *err) BT_MUST_CHECK;

void bt_put_state_request(struct bt_buf *out, const struct bt_state_request *r);
int bt_get_state_request(struct bt_slice payload, struct bt_arena *arena,
                         struct bt_state_request *ret, struct bt_err *err) BT_MUST_CHECK;
void bt_put_state_reply(struct bt_buf *out, const struct bt_state_reply *r);
int bt_get_state_reply(struct bt_slice payload, struct bt_arena *arena, struct bt_state_reply *ret,
                       struct bt_err *err) BT_MUST_CHECK;

void bt_put_stop_request(struct bt_buf *out, const struct bt_stop_request *r);
int bt_get_stop_request(struct bt_slice payload, struct bt_arena *arena,
                        struct bt_stop_request *ret, struct bt_err *err) BT_MUST_CHECK;
void bt_put_stop_reply(struct bt_buf *out, const struct bt_stop_reply *r);
int bt_get_stop_reply(struct bt_slice payload, struct bt_arena *arena, struct bt_stop_reply *ret,
                      struct bt_err *err) BT_MUST_CHECK;

void bt_put_vip_request(struct bt_buf *out, const struct bt_vip_request *r);
int bt_get_vip_request(struct bt_slice payload, struct bt_arena *arena, struct bt_vip_request *ret,
                       struct bt_err *err) BT_MUST_CHECK;
void bt_put_vip_reply(struct bt_buf *out, const struct bt_vip_reply *r);
int bt_get_vip_reply(struct bt_slice payload, struct bt_arena *arena, struct bt_vip_reply *ret,
                     struct bt_err *err) BT_MUST_CHECK;

void bt_put_reach_request(struct bt_buf *out, const struct bt_reach_request *r);
int bt_get_reach_request(struct bt_slice payload, struct bt_arena *arena,
                         struct bt_reach_request *ret, struct bt_err *err) BT_MUST_CHECK;
void bt_put_reach_reply(struct bt_buf *out, const struct bt_reach_reply *r);
int bt_get_reach_reply(struct bt_slice payload, struct bt_arena *arena, struct bt_reach_reply *ret,
                       struct bt_err *err) BT_MUST_CHECK;

void bt_put_guard_request(struct bt_buf *out, const struct bt_guard_request *r);
int bt_get_guard_request(struct bt_slice payload, struct bt_arena *arena,
                         struct bt_guard_request *ret, struct bt_err *err) BT_MUST_CHECK;

#endif
