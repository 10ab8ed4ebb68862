# SPDX-License-Identifier: Apache-2.0
#
# workload.awk - SQL of a random workload, made again from its seed.
#
#     awk -v seed=N -v count=N -v stream=0 -v load=FILE -f workload.awk | mariadb --force ...
#
# Stream 0 makes the tables; streams with other numbers work on them at the same time.  Statements
# that fail on their server are part of it.  What a seed does is the same on every machine; how
# streams meet is not.

function rnd(n) { return int(rand() * n) }
function pick(list,   a, n) { n = split(list, a, "|"); return a[1 + rnd(n)] }
function id() { return 1 + rnd(60) }
function name() {
    return pick("e|E|é|É|ab|aB|ss|ß|x y|n" rnd(9) "|N" rnd(9) "|k" rnd(40) "|\xf0\x9f\x98\x80")
}

function dml(   k, a) {
    k = rnd(17)
    a = 1 + rnd(40) * 50
    if (k == 0) return "INSERT INTO k (id, u, n) VALUES (" id() ", '" name() "', " rnd(9) ");"
    if (k == 1) return "REPLACE INTO k (id, u, n) VALUES (" id() ", '" name() "', " rnd(9) ");"
    if (k == 2) return "INSERT INTO k (id, u, n) VALUES (" id() ", '" name() \
        "', 1) ON DUPLICATE KEY UPDATE n=n+1;"
    if (k == 3) return "UPDATE k SET u='" name() "' WHERE id=" id() ";"
    if (k == 4) return "UPDATE IGNORE k SET id=id+" rnd(5) " WHERE n=" rnd(9) " ORDER BY id " \
            "DESC LIMIT 3;"
    if (k == 5) return "DELETE FROM k WHERE id=" id() ";"
    if (k == 6) return "INSERT INTO nokey VALUES (" rnd(5) ", '" name() "'), (" rnd(5) ", NULL);"
    if (k == 7) return pick("UPDATE nokey SET a=a+1 WHERE a=" rnd(9) ";|DELETE FROM nokey " \
            "WHERE a=" rnd(9) ";")
    if (k == 8) return "REPLACE INTO ci VALUES ('" name() "', " rnd(99) ");"
    if (k == 9) return "INSERT IGNORE INTO parent VALUES (" id() "); INSERT IGNORE INTO " \
            "child VALUES (" rnd(200) ", " id() ");"
    if (k == 10) return pick("DELETE FROM parent WHERE id=" id() ";|UPDATE IGNORE parent " \
            "SET id=id+60 WHERE id=" id() ";")
    if (k == 11) return "REPLACE INTO part SELECT seq, " rnd(99) ", REPEAT('b', 40) FROM " \
            "seq_" a "_to_" a + 199 ";"
    if (k == 12) return "UPDATE part SET n=n+1 WHERE id BETWEEN " a " AND " a + 150 ";"
    if (k == 13) return "DELETE FROM part WHERE id BETWEEN " a " AND " a + 30 ";"
    if (k == 14) return "INSERT INTO au (t) VALUES (NOW(3)), (RAND()), (@v := " rnd(99) ");"
    if (k == 15) return "CALL work(" rnd(99) ");"
    return "INSERT INTO my VALUES (" rnd(400) ", " rnd(9) ") ON DUPLICATE KEY UPDATE n=n+1;"
}

function unit(   k, i, n, s) {
    k = rnd(33)
    if (k < 16) return dml()
    if (k < 22) {
        s = "BEGIN; "
        n = 1 + rnd(4)
        for (i = 0; i < n; i++) {
            s = s dml()
            if (rnd(6) == 0) s = s "SAVEPOINT s; " dml() "ROLLBACK TO s;"
        }
        return s pick("COMMIT;|COMMIT;|COMMIT;|ROLLBACK;")
    }
    if (k == 22) {
        s = "'x" stream "-" ++xa "'"
        return "XA START " s "; " dml() "XA END " s "; XA PREPARE " s "; XA " \
            "" pick("COMMIT|COMMIT|ROLLBACK") " " s ";"
    }
    if (k == 23) return "CREATE TEMPORARY TABLE IF NOT EXISTS tmp (i INT); INSERT INTO tmp " \
            "VALUES (" rnd(9) "); INSERT INTO nokey SELECT i, 't' FROM tmp;"
    if (k == 24) return "LOAD DATA INFILE '" load "' INTO TABLE nokey FIELDS TERMINATED BY ',';"
    if (k == 25) return "SET SESSION binlog_format=" pick("ROW|ROW|MIXED|STATEMENT") ";"
    if (k == 26) return "SET binlog_row_image=" pick("FULL|FULL|MINIMAL|NOBLOB") ";"
    if (k == 27) return "SET @v=" rnd(9) ", time_zone='" pick("+00:00|+05:30|-08:00") "', " \
            "sql_mode='" pick("STRICT_TRANS_TABLES||ANSI_QUOTES") "';"
    if (k > 29) {
        n = 1 + rnd(40) * 50
        return "REPLACE INTO part SELECT seq, " rnd(99) ", REPEAT('c', 50) FROM " \
            "seq_" n "_to_" n + 299 ";"
    }
    if (stream) return dml()
    n = ++ddl
    return pick("ALTER TABLE k ADD c" n " INT DEFAULT " rnd(9) ";|" \
        "CREATE TABLE made" n " SELECT id, n FROM part WHERE id < 30;|" \
        "CREATE TABLE copy" n " LIKE k; INSERT INTO copy" n " SELECT * FROM k; DROP TABLE " \
            "IF EXISTS copy" n - 3 ";|" \
        "TRUNCATE TABLE my;|ALTER TABLE part ADD INDEX i" n " (n);|" \
        "RENAME TABLE ci TO ci2, ci2 TO ci;|ANALYZE TABLE k;")
}

BEGIN {
    srand(seed * 100 + stream)
    if (!stream) {
        print "CREATE DATABASE w CHARACTER SET utf8mb4; USE w;"
        print "CREATE TABLE k (id INT PRIMARY KEY, u VARCHAR(30) UNIQUE, n INT, g INT AS (n " \
            "* 2) STORED, KEY (n));"
        print "CREATE TABLE nokey (a INT, b VARCHAR(20));"
        print "CREATE TABLE ci (name VARCHAR(40) COLLATE utf8mb4_unicode_ci PRIMARY KEY, n INT);"
        print "CREATE TABLE parent (id INT PRIMARY KEY);"
        print "CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES " \
            "parent (id) ON DELETE CASCADE ON UPDATE CASCADE);"
        print "CREATE TABLE part (id INT PRIMARY KEY, n INT, b VARCHAR(60)) PARTITION BY " \
            "HASH (id) PARTITIONS 4;"
        print "CREATE TABLE my (id INT PRIMARY KEY, n INT) ENGINE=MyISAM;"
        print "CREATE TABLE au (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT);"
        print "CREATE TRIGGER tr AFTER INSERT ON au FOR EACH ROW INSERT INTO nokey VALUES " \
            "(NEW.id, 'trigger');"
        print "CREATE PROCEDURE work(IN x INT) INSERT INTO au (t) VALUES (x), (NOW(6));"
        print "INSERT INTO part SELECT seq, 0, REPEAT('a', 40) FROM seq_1_to_2200;"
        print "CREATE TABLE ready (i INT);"
    } else {
        print "USE w;"
    }
    for (i = 0; i < count; i++)
        print unit()
}
