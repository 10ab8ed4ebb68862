/* SPDX-License-Identifier: Apache-2.0 */
/* When a primary is dead, and when it is not: stories told in samples, and the verdict behind them.
 *
 * Times are ms from the begin.  Three replicas, ping_interval 1 s, unless a test says otherwise. */
#include <stdio.h>

#include "failover/vip_watch.h"
#include "failover/watch.h"
#include "tests/unit/suite.h"

enum { REPLICAS = 3, HEARTBEAT_MS = 1000 };

static struct bt_evidence e;
static struct bt_watch_opts opts;
static struct bt_judgement j;
static uint64_t progress;

static void setup(void)
{
    progress = 1;
    opts = (struct bt_watch_opts){
        .detection = BT_DETECTION_VOTES, .interval_ms = 1000, .failures = 3};
    bt_evidence_init(&e, REPLICAS + 1, 0);
    for (size_t i = 1; i <= REPLICAS; i++)
        e.voters[i].has_vote = true;
}

static void ping(int64_t began, int64_t ended, enum bt_ping_outcome outcome)
{
    bt_evidence_asking(&e, began);
    bt_evidence_ping(&e, &(struct bt_ping){.began_ms = began,
                                           .ended_ms = ended,
                                           .outcome = outcome,
                                           .number = outcome == BT_PING_ANSWERED ? 0 : 2002,
                                           .text = "text of the ping"});
}

static void receiver(size_t i, int64_t at, enum bt_thread_state io, uint64_t has_come)
{
    bt_evidence_receiver(&e, i,
                         &(struct bt_receiver_seen){.asked_ms = at,
                                                    .answered_ms = at + 1,
                                                    .answered = true,
                                                    .io = io,
                                                    .progress = has_come,
                                                    .heartbeat_period_ms = HEARTBEAT_MS});
}

static void receivers(int64_t at, enum bt_thread_state io)
{
    for (size_t i = 1; i <= REPLICAS; i++)
        receiver(i, at, io, progress);
}

static void probe(size_t i, int64_t at, enum bt_server_port port)
{
    bt_evidence_probe(&e, i,
                      &(struct bt_probe_seen){
                          .began_ms = at, .ended_ms = at + 1, .answered = true, .port = port});
}

static void probes(int64_t at, enum bt_server_port port)
{
    for (size_t i = 1; i <= REPLICAS; i++)
        probe(i, at, port);
}

static enum bt_verdict verdict_at(int64_t at)
{
    bt_watch_judge(&opts, &e, at, &j);
    return j.verdict;
}

/* All is well until 1000. */
static void well(void)
{
    setup();
    ping(0, 1, BT_PING_ANSWERED);
    receivers(0, BT_THREAD_YES);
    progress++;
    ping(1000, 1001, BT_PING_ANSWERED);
    receivers(1000, BT_THREAD_YES);
}

START_TEST(a_primary_that_answers_is_healthy)
{
    setup();
    ck_assert_int_eq(verdict_at(10), BT_VERDICT_HEALTHY);
    well();
    ck_assert_int_eq(verdict_at(1500), BT_VERDICT_HEALTHY);
    ck_assert(!j.wants_votes);
}
END_TEST

START_TEST(refused_and_all_replicas_cut_off_is_dead_at_once)
{
    well();
    ping(1700, 1701, BT_PING_REFUSED);
    ck_assert_int_eq(verdict_at(1702), BT_VERDICT_SUSPECT);
    ck_assert(j.wants_votes);
    probes(1703, BT_PORT_REFUSED);
    ck_assert_int_eq(verdict_at(1704), BT_VERDICT_SUSPECT);
    receivers(1704, BT_THREAD_CONNECTING);
    ck_assert_int_eq(verdict_at(1706), BT_VERDICT_DEAD);
    ck_assert(!j.was_silent);
    ck_assert_uint_eq(j.unreachable, 4);
    ck_assert_uint_eq(j.parties, 4);
}
END_TEST

START_TEST(votes_from_before_the_first_failure_do_not_count)
{
    well();
    probes(1600, BT_PORT_REFUSED);
    receivers(1600, BT_THREAD_CONNECTING);
    ping(1700, 1701, BT_PING_REFUSED);
    ck_assert_int_eq(verdict_at(1702), BT_VERDICT_SUSPECT);
    ck_assert_uint_eq(j.abstains, 3);
}
END_TEST

/* One replica's answers after the manager's own ping was refused; the other two cannot reach it. */
static const struct {
    const char *what;
    bool has_probe;
    enum bt_server_port port;
    bool has_receiver;
    enum bt_thread_state io;
    bool receives;
    enum bt_verdict verdict;
    enum bt_vote vote;
} votes[] = {
    {"refused, receiver lost it", true, BT_PORT_REFUSED, true, BT_THREAD_CONNECTING, false,
     BT_VERDICT_DEAD, BT_VOTE_UNREACHABLE},
    {"its host reaches the server", true, BT_PORT_ANSWERS, true, BT_THREAD_CONNECTING, false,
     BT_VERDICT_SUSPECT, BT_VOTE_REACHES},
    {"refused, but it still receives", true, BT_PORT_REFUSED, true, BT_THREAD_YES, true,
     BT_VERDICT_SUSPECT, BT_VOTE_REACHES},
    {"no host, it still receives", false, BT_PORT_UNKNOWN, true, BT_THREAD_YES, true,
     BT_VERDICT_SUSPECT, BT_VOTE_REACHES},
    {"no host, receiver lost it", false, BT_PORT_UNKNOWN, true, BT_THREAD_CONNECTING, false,
     BT_VERDICT_DEAD, BT_VOTE_UNREACHABLE},
    {"no host, receiver was stopped", false, BT_PORT_UNKNOWN, true, BT_THREAD_NO, false,
     BT_VERDICT_DEAD, BT_VOTE_ABSTAINS},
    {"neither server nor host answer", false, BT_PORT_UNKNOWN, false, BT_THREAD_NO, false,
     BT_VERDICT_DEAD, BT_VOTE_ABSTAINS},
    {"no greeting, receiver stopped", true, BT_PORT_SILENT, true, BT_THREAD_NO, false,
     BT_VERDICT_DEAD, BT_VOTE_UNREACHABLE},
};

START_TEST(one_replica_that_reaches_it_is_enough_to_keep_it_alive)
{
    const char *why;

    well();
    ping(1700, 1701, BT_PING_REFUSED);
    for (size_t i = 2; i <= REPLICAS; i++) {
        probe(i, 1702, BT_PORT_REFUSED);
        receiver(i, 1702, BT_THREAD_CONNECTING, progress);
    }
    if (votes[_i].has_probe)
        probe(1, 1702, votes[_i].port);
    if (votes[_i].has_receiver) {
        receiver(1, 1702, votes[_i].io, progress);
        receiver(1, 1750, votes[_i].io, progress + votes[_i].receives);
    }
    ck_assert_msg(verdict_at(1760) == votes[_i].verdict, "%s: %s", votes[_i].what, j.reason);
    ck_assert_msg(bt_watch_vote(&opts, &e, 1, 1760, &why) == votes[_i].vote, "%s: %s",
                  votes[_i].what, why);
}
END_TEST

START_TEST(half_of_the_parties_is_no_majority)
{
    well();
    ping(1700, 1701, BT_PING_REFUSED);
    probe(1, 1702, BT_PORT_REFUSED);
    receiver(1, 1702, BT_THREAD_CONNECTING, progress);
    ck_assert_int_eq(verdict_at(60000), BT_VERDICT_SUSPECT);
    ck_assert_uint_eq(j.unreachable, 2);
    ck_assert_uint_eq(j.abstains, 2);
}
END_TEST

START_TEST(a_manager_alone_decides_nothing)
{
    well();
    for (size_t i = 1; i <= REPLICAS; i++)
        e.voters[i].has_vote = false;
    ping(1700, 1701, BT_PING_REFUSED);
    ck_assert_int_eq(verdict_at(60000), BT_VERDICT_SUSPECT);
}
END_TEST

/* Silence from 1001 on; the receivers run but nothing comes, and no host gets a greeting. */
static void silence(void)
{
    well();
    bt_evidence_asking(&e, 2000);
    receivers(2510, BT_THREAD_YES);
    probes(2510, BT_PORT_SILENT);
}

START_TEST(a_ping_that_waits_makes_suspicious_before_its_time_is_up)
{
    well();
    bt_evidence_asking(&e, 2000);
    ck_assert_int_eq(verdict_at(2400), BT_VERDICT_HEALTHY);
    ck_assert_int_eq(verdict_at(2500), BT_VERDICT_SUSPECT);
    ck_assert(j.wants_votes);
    ping(2000, 2600, BT_PING_ANSWERED);
    ck_assert_int_eq(verdict_at(2601), BT_VERDICT_HEALTHY);
}
END_TEST

START_TEST(silence_is_death_after_interval_times_failures_and_not_before)
{
    silence();
    receivers(3600, BT_THREAD_YES);
    ck_assert_int_eq(verdict_at(3900), BT_VERDICT_SUSPECT);
    ping(2000, 3000, BT_PING_SILENT);
    ck_assert_int_eq(verdict_at(3999), BT_VERDICT_SUSPECT);
    ck_assert_int_eq(verdict_at(4001), BT_VERDICT_DEAD);
    ck_assert(j.was_silent);
}
END_TEST

START_TEST(silence_is_no_death_while_a_receiver_has_had_no_time_to_notice)
{
    silence();
    receivers(2900, BT_THREAD_YES);
    ck_assert_int_eq(verdict_at(4001), BT_VERDICT_SUSPECT);
}
END_TEST

START_TEST(silence_is_no_death_while_a_heartbeat_comes)
{
    silence();
    receivers(3600, BT_THREAD_YES);
    receiver(2, 3700, BT_THREAD_YES, progress + 1);
    ck_assert_int_eq(verdict_at(4001), BT_VERDICT_SUSPECT);
    ck_assert_uint_eq(j.reaches, 1);
}
END_TEST

START_TEST(a_replica_that_received_long_ago_does_not_keep_a_dead_primary_alive)
{
    silence();
    receiver(2, 3000, BT_THREAD_YES, progress + 1);
    ck_assert_int_eq(verdict_at(4001), BT_VERDICT_SUSPECT);
    for (size_t i = 1; i <= REPLICAS; i++)
        receiver(i, 9000, BT_THREAD_YES, i == 2 ? progress + 1 : progress);
    probes(9000, BT_PORT_SILENT);
    ck_assert_int_eq(verdict_at(9100), BT_VERDICT_DEAD);
}
END_TEST

/* Where packets are lost nobody gets through for a while, but not for so long. */
START_TEST(a_sign_of_life_that_any_replica_saw_begins_the_silence_anew)
{
    silence();
    probe(2, 3400, BT_PORT_ANSWERS);
    probes(3500, BT_PORT_TIMEOUT);
    receivers(4600, BT_THREAD_YES);
    ck_assert_int_eq(verdict_at(4700), BT_VERDICT_SUSPECT);
    ck_assert_uint_eq(j.unreachable, 4);
    ck_assert_int_eq(verdict_at(6399), BT_VERDICT_SUSPECT);
    ck_assert_int_eq(verdict_at(6401), BT_VERDICT_DEAD);
}
END_TEST

START_TEST(without_hosts_two_missed_heartbeats_are_a_vote)
{
    well();
    bt_evidence_asking(&e, 2000);
    receivers(3500, BT_THREAD_YES);
    ck_assert_int_eq(verdict_at(4100), BT_VERDICT_SUSPECT);
    receivers(4100, BT_THREAD_YES);
    ck_assert_int_eq(verdict_at(4110), BT_VERDICT_DEAD);
}
END_TEST

START_TEST(a_short_interval_does_not_make_a_short_silence_a_death)
{
    silence();
    opts.interval_ms = 100;
    e.answered_ms = 2900;
    e.survived_ms = 100;
    receivers(3600, BT_THREAD_YES);
    ck_assert_int_eq(verdict_at(3800), BT_VERDICT_SUSPECT);
    ck_assert_int_eq(verdict_at(3901), BT_VERDICT_DEAD);
}
END_TEST

START_TEST(a_primary_never_seen_alive_gets_its_time_although_it_refuses)
{
    setup();
    ping(10, 11, BT_PING_REFUSED);
    probes(20, BT_PORT_REFUSED);
    receivers(20, BT_THREAD_CONNECTING);
    ck_assert_int_eq(verdict_at(2900), BT_VERDICT_SUSPECT);
    ck_assert_int_eq(verdict_at(3001), BT_VERDICT_DEAD);
}
END_TEST

START_TEST(a_primary_never_seen_alive_that_is_silent_gets_three_times_as_long)
{
    setup();
    ping(100, 1100, BT_PING_SILENT);
    receivers(5000, BT_THREAD_CONNECTING);
    probes(5000, BT_PORT_TIMEOUT);
    ck_assert_int_eq(verdict_at(8999), BT_VERDICT_SUSPECT);
    ck_assert_int_eq(verdict_at(9001), BT_VERDICT_DEAD);
}
END_TEST

/* Silent from 1001 on; back at `until`, and well for as long as `calm` says; then gone. */
static int64_t dead_after_coming_back(int64_t until, int64_t calm)
{
    int64_t gone = until + calm;

    well();
    ping(2000, 3000, BT_PING_SILENT);
    ping(until - 1, until, BT_PING_ANSWERED);
    for (int64_t at = until + 1000; at <= gone; at += 1000)
        ping(at - 1, at, BT_PING_ANSWERED);
    ping(gone + 100, gone + 600, BT_PING_SILENT);
    for (int64_t at = gone + 700; at < gone + 60000; at += 100) {
        receivers(at, BT_THREAD_CONNECTING);
        probes(at, BT_PORT_TIMEOUT);
        if (verdict_at(at + 1) == BT_VERDICT_DEAD)
            return at - gone;
    }
    return 0;
}

START_TEST(what_it_has_come_back_from_lately_is_no_death)
{
    ck_assert_int_eq(dead_after_coming_back(2900, 5000), 3000); /* nothing was missed */
    ck_assert_int_eq(dead_after_coming_back(6001, 5000), 10000);
    /* four times what is configured */
    ck_assert_int_eq(dead_after_coming_back(30001, 5000), 12000);
    ck_assert_int_eq(dead_after_coming_back(6001, 700000), 3000); /* long ago */
}
END_TEST

START_TEST(an_error_of_the_server_is_no_death)
{
    well();
    ping(1700, 1701, BT_PING_REPULSED);
    ck_assert_int_eq(verdict_at(60000), BT_VERDICT_REFUSING);
    ck_assert(!j.wants_votes);
    ping(2700, 2701, BT_PING_ANSWERED);
    ck_assert_int_eq(verdict_at(2800), BT_VERDICT_HEALTHY);
}
END_TEST

START_TEST(counting_asks_nobody_and_needs_its_failures_in_a_row)
{
    well();
    opts.detection = BT_DETECTION_COUNT;
    opts.failures = 4;
    for (int64_t n = 0; n < 3; n++) {
        ping(2000 + n * 1000, 2001 + n * 1000, BT_PING_REFUSED);
        ck_assert_int_eq(verdict_at(2002 + n * 1000), BT_VERDICT_SUSPECT);
        ck_assert(!j.wants_votes);
    }
    ping(5000, 5001, BT_PING_REFUSED);
    ck_assert_int_eq(verdict_at(5002), BT_VERDICT_DEAD);
    ping(6000, 6001, BT_PING_ANSWERED);
    ping(7000, 7001, BT_PING_REFUSED);
    ck_assert_int_eq(verdict_at(7002), BT_VERDICT_SUSPECT);
}
END_TEST

static const struct {
    enum bt_secondary result;
    enum bt_verdict verdict;
    bool again;
} opinions[] = {
    {BT_SECONDARY_NONE, BT_VERDICT_SUSPECT, true},
    {BT_SECONDARY_RUNNING, BT_VERDICT_SUSPECT, false},
    {BT_SECONDARY_DEAD, BT_VERDICT_DEAD, false},
    {BT_SECONDARY_NETWORK, BT_VERDICT_SUSPECT, true},
    {BT_SECONDARY_ALIVE, BT_VERDICT_SUSPECT, true},
    {BT_SECONDARY_ERROR, BT_VERDICT_SUSPECT, true},
};

START_TEST(the_sites_second_opinion_has_the_last_word)
{
    well();
    opts.has_secondary = true;
    ping(1700, 1701, BT_PING_REFUSED);
    probes(1702, BT_PORT_REFUSED);
    receivers(1702, BT_THREAD_CONNECTING);
    e.secondary = opinions[_i].result;
    e.secondary_began_ms = 1703;
    ck_assert_int_eq(verdict_at(1800), opinions[_i].verdict);
    ck_assert(!j.wants_secondary || opinions[_i].result == BT_SECONDARY_NONE);
    (void)verdict_at(9000);
    ck_assert_int_eq(j.wants_secondary, opinions[_i].again);
    /* One from before the first failure says nothing. */
    e.secondary_began_ms = 1600;
    if (opinions[_i].result != BT_SECONDARY_RUNNING) {
        ck_assert_int_eq(verdict_at(1800), BT_VERDICT_SUSPECT);
        ck_assert(j.wants_secondary);
    }
}
END_TEST

/* ------------------------------------------------------------------------ VIP */

enum { HOSTS = 3 };

/* Where the VIP is seen on three hosts ("1" yes, "0" no, "?" not known), db1 being the primary, and
 * what is to be done: host and order, in the round that the row stands for. */
static const struct {
    const char *what, *seen[4], *todo;
} places[] = {
    {"where it belongs", {"100", "100", "100", "100"}, "- - - -"},
    {"missing for one look only", {"000", "100", "000", "100"}, "- - - -"},
    {"missing: put back, later again", {"000", "000", "000", "000"}, "- 0T - 0T"},
    {"on the wrong host too", {"110", "100", "100", "100"}, "1D0A - - -"},
    {"on the wrong host only", {"010", "010", "000", "100"}, "1D 1D0T - -"},
    {"the primary's host does not say", {"?00", "?00", "?00", "?00"}, "- - - -"},
    {"a host that does not say is left alone", {"1?1", "1?0", "1?0", "1?0"}, "2D0A - - -"},
};

START_TEST(a_vip_is_put_back_and_taken_off_where_it_does_not_belong)
{
    static const char letters[] = {[BT_VIP_ORDER_TAKE] = 'T',
                                   [BT_VIP_ORDER_DROP] = 'D',
                                   [BT_VIP_ORDER_ANNOUNCE] = 'A'};
    static struct bt_vip_todo todo[BT_VIP_TODO_MAX];
    struct bt_config config = {.server_count = HOSTS, .vip_count = 1};
    struct bt_vip_watch watch = {0};
    char done[64] = "";

    for (int round = 0; round < 4; round++) {
        struct bt_sight sights[HOSTS] = {0};
        size_t count, len = strlen(done);

        for (size_t i = 0; i < HOSTS; i++) {
            sights[i].vips_known = places[_i].seen[round][i] != '?';
            sights[i].has_vip[0] = places[_i].seen[round][i] == '1';
        }
        count = bt_vip_watch_round(&watch, &config, 0, sights, todo);
        len += (size_t)snprintf(done + len, sizeof(done) - len, "%s%s", round ? " " : "",
                                count ? "" : "-");
        for (size_t n = 0; n < count; n++)
            len += (size_t)snprintf(done + len, sizeof(done) - len, "%zu%c", todo[n].host,
                                    letters[todo[n].order]);
    }
    ck_assert_msg(strcmp(done, places[_i].todo) == 0, "%s: %s", places[_i].what, done);
}
END_TEST

#define TABLE(table) (int)(sizeof(table) / sizeof((table)[0]))

BT_SUITE_MAIN("failover watch", {a_primary_that_answers_is_healthy, 0},
              {refused_and_all_replicas_cut_off_is_dead_at_once, 0},
              {votes_from_before_the_first_failure_do_not_count, 0},
              {one_replica_that_reaches_it_is_enough_to_keep_it_alive, TABLE(votes)},
              {half_of_the_parties_is_no_majority, 0}, {a_manager_alone_decides_nothing, 0},
              {a_ping_that_waits_makes_suspicious_before_its_time_is_up, 0},
              {silence_is_death_after_interval_times_failures_and_not_before, 0},
              {silence_is_no_death_while_a_receiver_has_had_no_time_to_notice, 0},
              {silence_is_no_death_while_a_heartbeat_comes, 0},
              {a_replica_that_received_long_ago_does_not_keep_a_dead_primary_alive, 0},
              {a_sign_of_life_that_any_replica_saw_begins_the_silence_anew, 0},
              {without_hosts_two_missed_heartbeats_are_a_vote, 0},
              {a_short_interval_does_not_make_a_short_silence_a_death, 0},
              {a_primary_never_seen_alive_gets_its_time_although_it_refuses, 0},
              {a_primary_never_seen_alive_that_is_silent_gets_three_times_as_long, 0},
              {what_it_has_come_back_from_lately_is_no_death, 0},
              {an_error_of_the_server_is_no_death, 0},
              {counting_asks_nobody_and_needs_its_failures_in_a_row, 0},
              {the_sites_second_opinion_has_the_last_word, TABLE(opinions)},
              {a_vip_is_put_back_and_taken_off_where_it_does_not_belong, TABLE(places)})
