# SPDX-License-Identifier: Apache-2.0
#
# history_mysql.awk - what a seed decides about a random history of MySQL servers
# (history_mysql.bash).  Used as history.awk is, and writes the same files; kind is mysql56 or
# mysql9.

function draw(n) {
    state = (state * 16807) % 2147483647
    return int(state / 2147483647 * n)
}

function chance(n) { return draw(n) == 0 }

function pick(list, words, n) {
    n = split(list, words, " ")
    return words[draw(n) + 1]
}

function options(o) {
    o = " --max-binlog-size=" pick("8192 65536 1073741824") " --binlog-checksum=" \
        pick("CRC32 CRC32 NONE") " --gtid-mode=" (mode == "off" ? "OFF" : "ON") \
        " --enforce-gtid-consistency=" (mode == "off" ? "OFF" : "ON") " --binlog-format=ROW"
    return o (old ? " --log-slave-updates" : " --log-replica-updates=ON")
}

function replica(o) {
    o = options() " --max-relay-log-size=" pick("8192 262144 1048576") " --relay-log-recovery=" \
        (recovery ? "ON" : "OFF")
    if (old)
        return o " --slave-parallel-workers=" pick("0 0 2")
    return o " --replica-parallel-workers=" pick("1 4") " --sync-relay-log=" pick("0 1 10000")
}

function settings(file) {
    mode = pick("off positions auto auto")
    recovery = mode == "auto" ? pick("yes no") == "yes" : 1
    chain = chance(2) ? "yes" : ""
    p_dies = chance(2) ? "yes" : ""
    rounds = draw(2) + 1
    print "MODE=" mode " CHAIN=" chain " CLIENTS=1 MULTI= RECOVERY=" (recovery ? "yes" : "") > file
    print "P_DIES=" p_dies " ROUNDS=" rounds > file
    road = pick("apply dba")
    # 5.6 comes without tools here, and does not know all that mariadb-binlog sets.
    print "ROAD=" (old ? "apply" : road) > file
    print "P_OPTIONS='" options() " --binlog-row-image=" pick("FULL FULL MINIMAL NOBLOB") \
        " --binlog-rows-query-log-events=" pick("ON OFF") "'" > file
    print "R1_OPTIONS='" replica() "'" > file
    print "R2_OPTIONS='" replica() "'" > file
    print "C_OPTIONS='" replica() "'" > file
}

function plain(k) { return "INSERT INTO t VALUES (" k ", 'plain " k "');" }

function big(k) {
    return "BEGIN; INSERT INTO t SELECT " k " * 1000 + seq, REPEAT('big ', " (draw(800) + 1) \
        ") FROM n WHERE seq <= " (draw(600) + 50) \
        "; UPDATE t SET b = CONCAT(b, 'u') WHERE a BETWEEN " k \
        " * 1000 AND " k " * 1000 + 30; COMMIT;"
}

function kind_of(k, kind) {
    kind = draw(20)
    if (kind == 0 && !old && mode != "off")
        return "SET gtid_next = 'AUTOMATIC:" pick("blue green") "'; " plain(k) \
            " SET gtid_next = 'AUTOMATIC';"
    if (kind == 1 && !p_dies)
        return "INSERT INTO m VALUES (" k ");"
    if (kind == 2 && !(old && mode != "off"))
        return "CREATE TABLE c" k " AS SELECT a FROM t WHERE a < 20; DROP TABLE c" k ";"
    if (kind == 3)
        return "INSERT INTO t VALUES (" k ", REPEAT('large ', " draw(200000) "));"
    if (kind == 4)
        return "XA START 'x" k "'; INSERT INTO t VALUES (" k ", 'xa'); XA END 'x" k \
            "'; XA PREPARE 'x" k "'; XA " pick("COMMIT COMMIT ROLLBACK") " 'x" k "';"
    if (kind == 5)
        return "BEGIN; INSERT INTO t VALUES (" k ", 'a'); SAVEPOINT s; INSERT INTO t VALUES (" k \
            " * 1000, 'not kept'); ROLLBACK TO s; UPDATE t SET b = CONCAT(b, 'u') WHERE a = " k \
            "; INSERT INTO nokey VALUES (" k " % 7), (" k " % 5); COMMIT;"
    if (kind == 6)
        return chance(2) ? "FLUSH LOGS;" : plain(k)
    if (kind == 7 && !old)
        return "SET binlog_transaction_compression = " draw(2) "; " plain(k)
    if (kind == 8)
        return chance(4) ? "SET GLOBAL binlog_checksum = " pick("NONE CRC32") ";" : plain(k)
    if (kind == 9)
        return "SET binlog_format = " pick("STATEMENT MIXED ROW") "; " plain(k)
    if (kind == 10)
        return "SET GLOBAL max_binlog_size = " pick("4096 20480 1048576") ";"
    if (kind == 11)
        return "SET @v = 'value " k "'; INSERT INTO auto (b) VALUES (@v), (CONCAT(@v, RAND(" \
            k ")));"
    if (kind == 12)
        return "SET binlog_rows_query_log_events = " draw(2) "; " plain(k)
    if (kind <= 14)
        return big(k)
    if (kind == 15 && !old)
        return "SET binlog_row_value_options = PARTIAL_JSON; UPDATE doc SET j = " \
            "JSON_SET(j, '$.a[0]', " \
            k "); SET binlog_row_value_options = '';"
    if (kind == 16)
        return "DELETE FROM t WHERE a > 1000 AND a % 7 = " draw(7) " ORDER BY a LIMIT 50;"
    if (kind == 17)
        return "ALTER TABLE shape ADD COLUMN x" k " INT; ALTER TABLE shape DROP COLUMN x" k ";"
    return plain(k)
}

function work(file, count, i) {
    print "USE d;" > file
    for (i = 0; i < count; i++)
        print kind_of(++key) > file
    close(file)
}

function trouble(file, lines, i, who) {
    lines = draw(5) + 1
    percent = 0
    for (i = 0; i < lines; i++) {
        percent += draw(100 / lines)
        who = chance(12) ? "p" : pick("r1 r1 r2 r2" (chain ? " c" : ""))
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
    old = kind == "mysql56"
    settings(dir "/settings")
    for (round = 1; round <= rounds; round++) {
        work(dir "/work." round ".1", draw(100) + 30)
        trouble(dir "/trouble." round)
    }
}
