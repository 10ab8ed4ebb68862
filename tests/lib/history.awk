# SPDX-License-Identifier: Apache-2.0
#
# history.awk - everything that a seed decides about one random history (history.bash).
#
#     awk -v seed=7 -v dir=DIR -f history.awk
#
# Writes DIR/settings (shell variables), DIR/work.ROUND.CLIENT (SQL for p), DIR/work.ROUND.q (for
# q) and DIR/trouble.ROUND: lines "PERCENT WHO WHAT", in the order of the percent of p's work behind
# which they come.  The numbers are made here (Park and Miller), so that every awk gives the same
# history for a seed.

function draw(n) {
    state = (state * 16807) % 2147483647
    return int(state / 2147483647 * n)
}

function chance(n) { return draw(n) == 0 }

function pick(list, words, n) {
    n = split(list, words, " ")
    return words[draw(n) + 1]
}

# ------------------------------------------------------------------------ servers

function common_options() {
    return " --binlog-checksum=" pick("CRC32 CRC32 NONE") \
        " --max-binlog-size=" pick("8192 65536 1048576 1073741824")
}

function replica_options(o) {
    o = common_options() " --max-relay-log-size=" pick("4096 32768 262144 1048576") \
        " --slave-parallel-threads=" pick("0 0 3 8") \
        " --slave-parallel-mode=" pick("optimistic conservative") \
        " --relay-log-purge=" pick("OFF OFF ON") \
        " --sync-relay-log=" pick("0 1 10000")
    return o
}

function logs_updates(choices, w) {
    w = pick(choices)
    replicas_log = replicas_log || w == "ON"
    return " --log-slave-updates=" w
}

function settings(file) {
    mode = pick("no slave_pos")
    multi = chance(3) ? "yes" : ""
    chain = chance(2) ? "yes" : ""
    clients = chance(3) ? 2 : 1
    # A server that dies keeps rows of MyISAM tables that its log has not: none are written then.
    p_dies = chance(2) ? "yes" : ""
    rounds = draw(3) + 1
    road = clients == 2 ? "apply" : pick("apply dba")
    print "MODE=" mode " MULTI=" multi " CHAIN=" chain " CLIENTS=" clients > file
    print "P_DIES=" p_dies " ROUNDS=" rounds " ROAD=" road > file
    print "P_OPTIONS='--binlog-format=" pick("ROW STATEMENT MIXED") " --binlog-row-image=" \
        pick("FULL FULL MINIMAL NOBLOB") " --log-bin-compress-min-len=200" common_options() \
        "'" > file
    print "R1_OPTIONS='" replica_options() logs_updates(chain ? "ON" : "ON OFF") "'" > file
    print "R2_OPTIONS='" replica_options() logs_updates("ON OFF") "'" > file
    print "C_OPTIONS='" replica_options() "'" > file
    print "M_OPTIONS='" replica_options() " --log-slave-updates=" pick("ON OFF") "'" > file
}

# --------------------------------------------------------------------------- work

function plain(k) { return "INSERT INTO t VALUES (" k ", 'plain " k "');" }

function xa(k, how) {
    return "XA START 'x" k "'; INSERT INTO t VALUES (" k ", 'xa'); XA END 'x" k "'; XA PREPARE 'x" \
        k "'; XA " how " 'x" k "';"
}

# Many events of 8 KB: a receiver that is stopped stops within it.
function big(k) {
    return "BEGIN; INSERT INTO t SELECT " k " * 1000 + seq, REPEAT('big ', " (draw(800) + 1) \
        ") FROM n WHERE seq <= " (draw(600) + 50) \
        "; UPDATE t SET b = CONCAT(b, 'u') WHERE a BETWEEN " k \
        " * 1000 AND " k " * 1000 + 30; COMMIT;"
}

function several(k) {
    return "BEGIN; INSERT INTO t VALUES (" k ", 'a'); SAVEPOINT s; INSERT INTO t VALUES (" k \
        " * 1000, 'not kept'); ROLLBACK TO s; UPDATE t SET b = CONCAT(b, 'u') WHERE a = " k \
        "; INSERT INTO nokey VALUES (" k " % 7), (" k " % 5); COMMIT;"
}

# Nothing that is not the same when it is applied again: no temporary tables, no UUID().
function kind_of(k, kind) {
    kind = draw(24)
    if (kind == 0)
        return "SET gtid_domain_id = 7; INSERT INTO seven VALUES (" k "); SET gtid_domain_id = 0;"
    if (kind == 1 && !p_dies)
        return "INSERT INTO m VALUES (" k ");"
    if (kind == 2)
        return "CREATE TABLE c" k " (a INT) AS SELECT a FROM t WHERE a < 20; DROP TABLE c" k ";"
    if (kind == 3)
        return "INSERT INTO t VALUES (" k ", REPEAT('large ', " draw(200000) "));"
    if (kind == 4)
        return xa(k, pick("COMMIT COMMIT ROLLBACK"))
    if (kind == 5)
        return several(k)
    if (kind == 6)
        return chance(3) ? "FLUSH LOGS;" : plain(k)
    if (kind == 7)
        return "SET GLOBAL log_bin_compress = " draw(2) ";"
    if (kind == 8)
        return chance(4) ? "SET GLOBAL binlog_checksum = " pick("NONE CRC32") ";" : plain(k)
    if (kind == 9)
        return "LOAD DATA LOCAL INFILE '" dir "/rows' INTO TABLE loaded (b);"
    if (kind == 10)
        return "SET GLOBAL max_binlog_size = " pick("4096 20480 1048576") ";"
    if (kind == 11)
        return "SET @v = 'value " k "'; INSERT INTO auto (b) VALUES (@v), (CONCAT(@v, RAND(" \
            k ")));"
    # A replica applies it, but does not log it: its binary log cannot give it to others.
    if (kind == 12 && !p_dies && !replicas_log)
        return "BEGIN; INSERT INTO t VALUES (" k ", 'gone'); INSERT INTO m VALUES (-" k \
            "); ROLLBACK;"
    if (kind <= 14)
        return big(k)
    if (kind == 15)
        return "SET binlog_annotate_row_events = " draw(2) "; " plain(k)
    if (kind == 16 && clients == 1)
        return "SET gtid_seq_no = " (k * 1000) "; " plain(k)
    if (kind == 17)
        return "SET server_id = 77; " plain(k) " SET server_id = DEFAULT;"
    if (kind == 18)
        return "DELETE FROM t WHERE a > 1000 AND a % 7 = " draw(7) " ORDER BY a LIMIT 50;"
    if (kind == 19)
        return "ALTER TABLE shape ADD COLUMN x" k " INT; ALTER TABLE shape DROP COLUMN x" k ";"
    return plain(k)
}

function work(file, count, i) {
    print "USE d;" > file
    for (i = 0; i < count; i++) {
        key++
        if (chance(3))
            print "SET binlog_format = " pick("ROW STATEMENT MIXED") ";" > file
        print kind_of(key) > file
    }
    close(file)
}

function work_of_q(file, count, i) {
    print "USE q;" > file
    for (i = 0; i < count; i++) {
        key++
        if (chance(10))
            print "FLUSH LOGS;" > file
        else
            print "INSERT INTO q VALUES (" key ", REPEAT('q', " draw(5000) "));" > file
    }
    close(file)
}

# ------------------------------------------------------------------------ trouble

function trouble(file, last, lines, i, who, servers) {
    servers = "r1 r1 r2 r2" (chain ? " c" : "") (multi ? " m m" : "")
    lines = draw(6) + 1
    percent = 0
    for (i = 0; i < lines; i++) {
        percent += draw(100 / lines)
        who = chance(12) ? "p" : pick(servers)
        if (who == "p")
            print percent, who, pick("flush restart") > file
        else
            print percent, who, pick("receiver receiver receiver3 flush both kill restart stop " \
                "stop look") > file
    }
    close(file)
}

BEGIN {
    state = seed % 2147483646 + 1
    for (i = 0; i < 10; i++)
        draw(2)
    settings(dir "/settings")
    for (round = 1; round <= rounds; round++) {
        for (client = 1; client <= clients; client++)
            work(dir "/work." round "." client, draw(120) + 30)
        if (multi)
            work_of_q(dir "/work." round ".q", draw(40) + 10)
        trouble(dir "/trouble." round)
    }
    print "LAST_KEY=" key > (dir "/settings")
}
