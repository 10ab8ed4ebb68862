/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel_tool - one request over a channel, from the command line, for the tests.
 *
 *     channel_tool [OPTION...] COMMAND [ARGUMENT...]
 *
 *     --ssh HOST --user USER --port N --options TEXT --connect-ms N    else the local host
 *     --node PATH  --workdir DIR  --timeout-ms N (each: opening, request; default 10000)
 *
 * Answers are "key value" lines; errors go to standard error, and "why NAME" before them when the
 * channel could not be had or was lost.  "survey-here" does without a channel what "survey" asks
 * the host for: the answers must be the same.
 */
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/number.h"
#include "failover/node_client.h"
#include "failover/source_node.h"

static struct bt_host host = {.name = "this host",
                              .is_local = true,
                              .ssh_host = "",
                              .ssh_user = "",
                              .ssh_options = "",
                              .node_path = "",
                              .remote_workdir = ""};
static int64_t timeout_ms = 10000;
static struct bt_arena arena;

static struct bt_deadline limit(void)
{
    return bt_deadline_in(timeout_ms);
}

static uint64_t number(const char *text)
{
    uint64_t n = 0;

    if (!bt_number_u64(bt_slice_str(text), UINT64_MAX, &n)) {
        fprintf(stderr, "\"%s\" is no number\n", text);
        exit(2);
    }
    return n;
}

static struct bt_logs_id logs_of(char **args)
{
    return (struct bt_logs_id){
        .places = args[0],
        .base = "",
        .kind = strcmp(args[1], "relay") == 0 ? BT_LOG_KIND_RELAY : BT_LOG_KIND_BINLOG};
}

static int write_out(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    (void)ctx;
    return fwrite(bytes.ptr, 1, bytes.len, stdout) == bytes.len
               ? 0
               : bt_fail_sys(err, "could not write");
}

/* ---------------------------------------------------------------- commands */

static int hello(struct bt_channel *ch, char **args, struct bt_err *err)
{
    const struct bt_hello_reply *h = bt_channel_hello(ch);

    (void)args;
    (void)err;
    printf("hostname %s\nversion %s\nbuild %s\nuid %u\npid %u\n", h->hostname, h->version, h->build,
           h->uid, h->pid);
    printf("copied %d\nmay_kill %d\nmay_network %d\nmay_read_all %d\n", bt_channel_has_copied(ch),
           h->may_kill, h->may_network, h->may_read_all);
    return 0;
}

static int ping(struct bt_channel *ch, char **args, struct bt_err *err)
{
    int64_t began = bt_clock_us();

    if (bt_channel_ping(ch, limit(), err) != 0)
        return -1;
    (void)args;
    printf("us %" PRId64 "\n", bt_clock_us() - began);
    return 0;
}

/* Says who it is, then asks once a second until something goes wrong. */
static int hold(struct bt_channel *ch, char **args, struct bt_err *err)
{
    if (hello(ch, args, err) != 0)
        return -1;
    fflush(stdout);
    while (bt_channel_ping(ch, limit(), err) == 0)
        bt_clock_pause(100, limit());
    return -1;
}

static int read_log(struct bt_channel *ch, char **args, struct bt_err *err)
{
    const struct bt_read_request request = {
        .path = args[0], .from = number(args[1]), .length = number(args[2])};
    struct bt_read_reply reply;

    return bt_node_read(ch, &request, (struct bt_sink){write_out, NULL}, limit(), &reply, err);
}

static int source(struct bt_channel *ch, char **args, struct bt_err *err)
{
    bt_auto_source struct bt_source *s = NULL;
    struct bt_slice piece = bt_slice_empty();
    size_t want = (size_t)number(args[1]);

    if (bt_source_node_open(ch, args[0], timeout_ms, &s, err) != 0)
        return -1;
    for (uint64_t pos = 0; pos < bt_source_size(s); pos += piece.len) {
        if (bt_source_view(s, pos, want, &piece, err) != 0 || write_out(NULL, piece, err) != 0)
            return -1;
        if (piece.len == 0)
            return bt_fail(err, BT_ERR_BUG, "a view at %" PRIu64 " is empty", pos);
    }
    return 0;
}

static int list(struct bt_channel *ch, char **args, struct bt_err *err)
{
    const struct bt_list_request request = {logs_of(args)};
    struct bt_list_reply r;

    if (bt_node_list(ch, &request, limit(), &arena, &r, err) != 0)
        return -1;
    printf("directory %s\nbase %s\nindexed %d\nolder %u\n", r.directory, r.base, r.indexed,
           r.older);
    for (uint32_t i = 0; i < r.count; i++)
        printf("log %s %" PRIu64 "%s\n", r.logs[i].path, r.logs[i].size,
               r.logs[i].missing ? " missing" : "");
    printf("%s", r.notes);
    return 0;
}

static void print_survey(const struct bt_survey *s)
{
    char gtid[BT_GTID_TEXT_SIZE];
    bt_auto_buf struct bt_buf state = {.max = 1 << 20};

    bt_gtid_state_text(&s->gtid, &state);
    printf("kind %d\nflavor %d\nversion %s\nserver_id %u\n", s->kind, s->flavor, s->server_version,
           s->server_id);
    printf("received %s:%" PRIu64 "\nposition %s:%" PRIu64 "\n", s->received.file, s->received.pos,
           s->position.file, s->position.pos);
    printf("executed %s:%" PRIu64 "\noldest %s:%" PRIu64 "\n", s->executed.file, s->executed.pos,
           s->oldest.file, s->oldest.pos);
    printf("gtid %d %.*s = %s\n", s->has_gtid, BT_SLICE_ARG(bt_buf_slice(&s->gtid_text)),
           bt_buf_str(&state));
    printf("last %s\nunfinished %" PRIu64 "\nin_use %d\n", bt_gtid_text(&s->last_gtid, gtid),
           s->unfinished_bytes, s->in_use);
    printf("cut %s %s:%" PRIu64 " %" PRIu64 " %s\n", bt_cut_kind_name(s->cut.kind), s->cut.log,
           s->cut.at, s->cut.bytes, s->cut.reason);
    printf("cost %" PRIu64 " %" PRIu64 "\n", s->logs_read, s->bytes_read);
}

static int survey(struct bt_channel *ch, char **args, struct bt_err *err)
{
    const struct bt_survey_request request = {.logs = logs_of(args)};
    struct bt_survey_reply r;

    if (bt_node_survey(ch, &request, limit(), &arena, &r, err) != 0)
        return -1;
    print_survey(&r.survey);
    bt_survey_done(&r.survey);
    return 0;
}

/* The home and the set in it that arguments name, without a channel. */
static int open_here(char **args, struct bt_log_home **home, const struct bt_log_set **set,
                     struct bt_err *err)
{
    struct bt_log_opener *opener;
    struct bt_logs_id id = logs_of(args);

    if (bt_log_dir_open(id.places, &opener, err) != 0 || bt_log_home_open(opener, home, err) != 0)
        return -1;
    *set = bt_log_home_find(*home, (enum bt_log_kind)id.kind, NULL);
    return *set ? 0 : bt_fail(err, BT_ERR_REALITY, "no such logs");
}

static int survey_here(struct bt_channel *ch, char **args, struct bt_err *err)
{
    bt_auto_log_home struct bt_log_home *home = NULL;
    const struct bt_survey_hints hints = {0};
    const struct bt_log_set *set;
    struct bt_survey s;

    (void)ch;
    if (open_here(args, &home, &set, err) != 0 ||
        bt_survey_run(set, bt_log_home_relay_info(home, set), &hints, &s, err) != 0)
        return -1;
    print_survey(&s);
    bt_survey_done(&s);
    return 0;
}

/* PIDFILE DATADIR ADDRESS PORT, each "" or 0 where not known */
static struct bt_server_id server_of(char **args)
{
    return (struct bt_server_id){.pid_file = args[0],
                                 .datadir = args[1],
                                 .address = args[2],
                                 .port = (uint16_t)number(args[3])};
}

static int state(struct bt_channel *ch, char **args, struct bt_err *err)
{
    static const char *const ports[] = {"unknown", "refused", "answers", "silent", "timeout"};
    const struct bt_state_request request = {.server = server_of(args), .greeting_ms = 300};
    struct bt_state_reply r;

    if (bt_node_state(ch, &request, limit(), &arena, &r, err) != 0)
        return -1;
    printf("running %d\npid %u\nstate %c\nprogram %s\nfound_by %s\nsafe_pid %u\nunit %s\nport "
           "%s\nlistening %d\n",
           r.running, r.pid, r.state, r.program, r.found_by, r.safe_pid, r.unit, ports[r.port],
           r.listening);
    return 0;
}

/* server_of's, then TERM_MS KILL_MS */
static int stop(struct bt_channel *ch, char **args, struct bt_err *err)
{
    static const char *const ways[] = {"was-gone", "term", "kill"};
    const struct bt_stop_request request = {.server = server_of(args),
                                            .term_ms = (uint32_t)number(args[4]),
                                            .kill_ms = (uint32_t)number(args[5])};
    struct bt_stop_reply r;

    if (bt_node_stop(ch, &request, limit(), &arena, &r, err) != 0)
        return -1;
    printf("how %s\npid %u\nsafe_stopped %d\nunit %s\nms %u\nproof %s\n", ways[r.how], r.pid,
           r.safe_stopped, r.unit, r.ms, r.proof);
    return 0;
}

/* ACTION VIP INTERFACE */
static int vip(struct bt_channel *ch, char **args, struct bt_err *err)
{
    static const char *const actions[BT_VIP_ACTIONS] = {"status", "probe", "up", "down",
                                                        "announce"};
    struct bt_vip_request request = {
        .vip = args[1], .interface = args[2], .announce_spacing_ms = 20};
    struct bt_vip_reply r;

    while (request.action < BT_VIP_ACTIONS && strcmp(args[0], actions[request.action]) != 0)
        request.action++;
    if (bt_node_vip(ch, &request, limit(), &arena, &r, err) != 0)
        return -1;
    for (uint32_t i = 0; i < r.place_count; i++)
        printf("place %s/%u %d\n", r.places[i].interface, r.places[i].prefix, r.places[i].usable);
    printf("was_there %d\nfound %d\nholder %s\nremoved %u\nannounced %u\n", r.was_there, r.found,
           r.holder, r.removed, r.announced);
    return 0;
}

/* ADDRESS PORT MS */
static int reach(struct bt_channel *ch, char **args, struct bt_err *err)
{
    static const char *const ports[] = {"unknown", "refused", "answers", "silent", "timeout"};
    const struct bt_reach_request request = {.address = args[0],
                                             .port = (uint16_t)number(args[1]),
                                             .timeout_ms = (uint32_t)number(args[2]),
                                             .greeting = true};
    struct bt_reach_reply r;

    if (bt_node_reach(ch, &request, limit(), &r, err) != 0)
        return -1;
    printf("port %s\nerrno %u\nms %u\n", ports[r.port], r.os_errno, r.ms);
    return 0;
}

/* PORT: takes it and serves nobody. */
static int listen_on(struct bt_channel *ch, char **args, struct bt_err *err)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(args[0]))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)ch;
    if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) != 0 || listen(fd, 1) != 0)
        return bt_fail_sys(err, "could not listen on port %s", args[0]);
    return pause();
}

static const struct command {
    const char *name;
    int args;
    bool here; /* without a channel */
    int (*run)(struct bt_channel *ch, char **args, struct bt_err *err);
} commands[] = {
    {"hello", 0, false, hello},
    {"ping", 0, false, ping},
    {"hold", 0, false, hold},
    {"read", 3, false, read_log},
    {"source", 2, false, source},
    {"list", 2, false, list},
    {"survey", 2, false, survey},
    {"survey-here", 2, true, survey_here},
    {"state", 4, false, state},
    {"stop", 6, false, stop},
    {"vip", 3, false, vip},
    {"reach", 3, false, reach},
    {"listen", 1, true, listen_on},
};

/* -------------------------------------------------------------------- main */

static void read_options(int argc, char **argv)
{
    /* clang-format off */
    static const struct option known[] = {
        {"ssh", 1, NULL, 's'},
        {"user", 1, NULL, 'u'},
        {"port", 1, NULL, 'p'},
        {"options", 1, NULL, 'o'},
        {"connect-ms", 1, NULL, 'c'},
        {"node", 1, NULL, 'n'},
        {"workdir", 1, NULL, 'w'},
        {"timeout-ms", 1, NULL, 't'},
        {0},
    };
    /* clang-format on */

    for (int c; (c = getopt_long(argc, argv, "+", known, NULL)) != -1;) {
        switch (c) {
        case 's':
            host.is_local = false;
            host.ssh_host = host.name = optarg;
            break;
        case 'u': host.ssh_user = optarg; break;
        case 'p': host.ssh_port = (uint16_t)number(optarg); break;
        case 'o': host.ssh_options = optarg; break;
        case 'c': host.connect_ms = (int64_t)number(optarg); break;
        case 'n': host.node_path = optarg; break;
        case 'w': host.remote_workdir = optarg; break;
        case 't': timeout_ms = (int64_t)number(optarg); break;
        default: exit(2);
        }
    }
}

static int run(const struct command *command, char **args)
{
    enum bt_channel_failure why = BT_CHANNEL_NONE;
    bt_auto_channel struct bt_channel *ch = NULL;
    struct bt_err err = {0};
    int rc = 0;

    if (!command->here)
        rc = bt_channel_open(&host, limit(), &ch, &why, &err);
    if (rc == 0)
        rc = command->run(ch, args, &err);
    if (rc == 0)
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    if (ch)
        why = bt_channel_failure(ch);
    fprintf(stderr, "why %s\n%s\n", bt_channel_failure_name(why), err.text);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    int rc = 2;

    bt_arena_init(&arena, 64 << 20);
    read_options(argc, argv);
    for (size_t i = 0; optind < argc && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[optind], commands[i].name) == 0 && argc - optind - 1 == commands[i].args) {
            rc = run(&commands[i], argv + optind + 1);
            bt_arena_done(&arena);
            return rc;
        }
    }
    fprintf(stderr, "channel_tool: no such command or number of arguments\n");
    bt_arena_done(&arena);
    return rc;
}
