# SPDX-License-Identifier: Apache-2.0
#
# workload.awk - SQL of a random workload, made again from its seed.
#
#     awk -v seed=N -v count=N -v stream=0 -v load=FILE [-v abroad=1] -f workload.awk |
#         mariadb --force ...
#
# Stream 0 makes the tables; streams with other numbers work on them at the same time.  Statements
# that fail on their server are part of it.  What a seed does is the same on every machine; how
# streams meet is not.
#
# abroad: for a target of another version.  No system versioning: its rows end in 2038 before 11.5,
# in 2106 since.  No ALTER in two phases, which servers before 10.8 run twice.

function rnd(n) { return int(rand() * n) }
function pick(list,   a, n) { n = split(list, a, "|"); return a[1 + rnd(n)] }
function id() { return 1 + rnd(60) }
function name() {
    return pick("e|E|é|É|e |ab|aB|ss|ß|x y|n" rnd(9) "|N" rnd(9) "|k" rnd(40) "|\xf0\x9f\x98\x80")
}

# One row or a few.
function small(   k) {
    k = rnd(20)
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
    if (k == 9) return "INSERT INTO pre VALUES (" id() ", '" name() name() "', NULL) " \
            "ON DUPLICATE KEY UPDATE t='" name() name() "', m=" rnd(9) ";"
    if (k == 10) return "REPLACE INTO gen (id, a) VALUES (" id() ", '" name() "');"
    if (k == 11) return "UPDATE IGNORE gen SET a='" name() "' WHERE id>" id() \
            " ORDER BY id LIMIT 2;"
    if (k == 12) return "INSERT INTO au (t) VALUES (NOW(3)), (RAND()), (@v := " rnd(99) ");"
    if (k == 13) return "INSERT INTO nokey VALUES (LAST_INSERT_ID() % 9, 'last');"
    if (k == 14) return "INSERT INTO au (id, t) VALUES (NULL, '" name() "') ON DUPLICATE KEY " \
            "UPDATE t=1;"
    if (k == 15) return "SELECT counted(" rnd(9) ");"
    if (k == 16 && !abroad) return pick("INSERT INTO ver VALUES (" id() ", 1);|UPDATE ver SET " \
            "n=n+1 WHERE id<" id() ";|DELETE FROM ver WHERE id=" id() ";")
    if (k == 17) return "UPDATE k JOIN parent ON k.id=parent.id SET k.n=k.n+1 WHERE k.id<" id() ";"
    if (k == 18) return pick("CALL work(" rnd(99) ");|CALL many(" rnd(6) ");")
    return "INSERT INTO my VALUES (" rnd(400) ", " rnd(9) ") ON DUPLICATE KEY UPDATE n=n+1;"
}

# Parents, children and grandchildren.
function family(   k) {
    k = rnd(5)
    if (k < 2) return "INSERT IGNORE INTO parent VALUES (" id() "); INSERT IGNORE INTO " \
            "child VALUES (" rnd(200) ", " id() "); INSERT IGNORE INTO grandchild VALUES (" \
            rnd(400) ", " rnd(200) ");"
    if (k == 2) return "DELETE FROM parent WHERE id=" id() ";"
    if (k == 3) return "UPDATE IGNORE parent SET id=id+60 WHERE id=" id() ";"
    return pick("DELETE FROM child WHERE id=" rnd(200) ";|SET foreign_key_checks=0; REPLACE " \
            "INTO child VALUES (" rnd(200) ", " 300 + rnd(9) "); SET foreign_key_checks=1;")
}

# Many rows in one statement.
function wide(   a) {
    a = 1 + rnd(40) * 50
    return pick("REPLACE INTO part SELECT seq, " rnd(99) ", REPEAT('b', 40) FROM seq_" a "_to_" \
            a + 199 ";|UPDATE part SET n=n+1 WHERE id BETWEEN " a " AND " a + 150 ";|DELETE FROM " \
            "part WHERE id BETWEEN " a " AND " a + 30 ";|REPLACE INTO part SELECT seq, " rnd(99) \
            ", REPEAT('c', 50) FROM seq_" a "_to_" a + 299 ";|INSERT IGNORE INTO rng SELECT seq, " \
            "seq % 7 FROM seq_" a "_to_" a + 250 ";|DELETE FROM rng WHERE id > " a ";")
}

function dml(   k) {
    k = rnd(20)
    return k < 15 ? small() : k < 17 ? family() : wide()
}

function transaction(   i, n, s) {
    s = "BEGIN; "
    n = 1 + rnd(4)
    for (i = 0; i < n; i++) {
        s = s dml()
        if (rnd(6) == 0) s = s "SAVEPOINT s; " dml() "ROLLBACK TO s;"
    }
    return s pick("COMMIT;|COMMIT;|COMMIT;|ROLLBACK;")
}

# Now and then the branch is ended by another session.
function branch(   s) {
    s = "'x" stream "-" ++xa "'"
    return "XA START " s "; " dml() "XA END " s "; XA PREPARE " s "; " \
        (rnd(3) ? "" : "\nconnect w\nDO SLEEP(0.02); ") \
        "XA " pick("COMMIT|COMMIT|ROLLBACK") " " s ";"
}

function load_data() {
    return pick("LOAD DATA INFILE '" load "' INTO TABLE nokey FIELDS TERMINATED BY ',';|" \
        "LOAD DATA INFILE '" load "' REPLACE INTO TABLE k FIELDS TERMINATED BY ',' (id, @u) SET " \
        "u=CONCAT(@u, 'é'), n=" rnd(9) ";|LOAD DATA LOCAL INFILE '" load "' IGNORE INTO " \
        "TABLE my FIELDS TERMINATED BY ',' (id, @x) SET n=LENGTH(@x);")
}

function temporary() {
    return "CREATE TEMPORARY TABLE IF NOT EXISTS tmp (i INT); INSERT INTO tmp VALUES (" rnd(9) \
        "); INSERT INTO nokey SELECT i, 't' FROM tmp;" pick("|| DROP TEMPORARY TABLE tmp;")
}

# What a session is told before it goes on.
function setting(   k) {
    k = rnd(9)
    if (k < 3) return "SET SESSION binlog_format=" pick("ROW|ROW|MIXED|STATEMENT") ";"
    if (k == 3) return "SET binlog_row_image=" pick("FULL|FULL|MINIMAL|NOBLOB") ";"
    if (k == 4) return "SET @v=" rnd(9) ", time_zone='" pick("+00:00|+05:30|-08:00") "', " \
            "sql_mode='" pick("STRICT_TRANS_TABLES||ANSI_QUOTES") "';"
    if (k == 5) return "SET NAMES latin1; INSERT INTO nokey VALUES (7, '\xe9t\xe9'); " \
            "SET NAMES utf8mb4;"
    if (k == 6) return "SET auto_increment_increment=" 1 + rnd(3) ", auto_increment_offset=1;"
    if (k == 7 && !abroad) return "SET binlog_alter_two_phase=" rnd(2) ";"
    # Fails behind its first row, which a table without transactions keeps.
    return "SET @n=" 500 + rnd(99) "; INSERT INTO my VALUES (@n, 1), (@n, 2);"
}

function ddl(   n) {
    n = ++ddls
    return pick("ALTER TABLE k ADD c" n " INT DEFAULT " rnd(9) ";|" \
        "CREATE TABLE made" n " SELECT id, n FROM part WHERE id < 30;|" \
        "CREATE TABLE copy" n " LIKE k; INSERT INTO copy" n " SELECT * FROM k; DROP TABLE " \
            "IF EXISTS copy" n - 3 ";|" \
        "TRUNCATE TABLE my;|ALTER TABLE part ADD INDEX i" n " (n);|" \
        "RENAME TABLE ci TO ci2, ci2 TO ci;|ANALYZE TABLE k;|" \
        "ALTER TABLE part ADD PARTITION PARTITIONS 1;|ALTER TABLE part COALESCE PARTITION 1;|" \
        "ALTER TABLE rng TRUNCATE PARTITION low;|CREATE OR REPLACE VIEW seen AS SELECT " n " AS x" \
            ", id FROM k;|" \
        "DROP TRIGGER IF EXISTS tr; CREATE TRIGGER tr AFTER INSERT ON au FOR EACH ROW INSERT " \
            "INTO nokey VALUES (NEW.id % 9, 'trigger " n "');|" \
        "CREATE OR REPLACE PROCEDURE work(IN x INT) INSERT INTO au (t) VALUES (x + " n \
            "), (NOW(6));|" \
        "ALTER TABLE au AUTO_INCREMENT=" n * 1000 ";|" \
        "DROP INDEX n ON k; CREATE INDEX n ON k (n, id);|" \
        "CREATE TABLE bad" n " (i INT PRIMARY KEY) SELECT 1 AS i UNION ALL SELECT 1;")
}

function unit(   k) {
    k = rnd(36)
    if (k < 16) return dml()
    if (k < 22) return transaction()
    if (k == 22) return branch()
    if (k == 23) return seed % 4 ? temporary() : dml() # 10.11 pins them to one domain
    if (k == 24) return load_data()
    if (k < 29) return setting()
    if (k < 32) return wide()
    return stream ? dml() : ddl()
}

function tables() {
    print "CREATE DATABASE w CHARACTER SET utf8mb4; USE w;"
    print "CREATE TABLE k (id INT PRIMARY KEY, u VARCHAR(30) UNIQUE, n INT, g INT AS (n " \
        "* 2) STORED, KEY n (n));"
    print "CREATE TABLE nokey (a INT, b VARCHAR(20));"
    print "CREATE TABLE ci (name VARCHAR(40) COLLATE utf8mb4_unicode_ci PRIMARY KEY, n INT);"
    print "CREATE TABLE pre (id INT PRIMARY KEY, t TEXT, m INT, UNIQUE (t(2)), UNIQUE (m, id));"
    print "CREATE TABLE gen (id INT PRIMARY KEY, a VARCHAR(20), v VARCHAR(20) AS (LOWER(a)) " \
        "VIRTUAL, UNIQUE (v));"
    print "CREATE TABLE parent (id INT PRIMARY KEY);"
    print "CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES " \
        "parent (id) ON DELETE CASCADE ON UPDATE CASCADE);"
    print "CREATE TABLE grandchild (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES " \
        "child (id) ON DELETE SET NULL ON UPDATE CASCADE);"
    print "CREATE TABLE part (id INT PRIMARY KEY, n INT, b VARCHAR(60)) PARTITION BY " \
        "HASH (id) PARTITIONS 4;"
    print "CREATE TABLE rng (id INT PRIMARY KEY, n INT) PARTITION BY RANGE (id) (PARTITION low " \
        "VALUES LESS THAN (700), PARTITION rest VALUES LESS THAN MAXVALUE);"
    print "CREATE TABLE my (id INT PRIMARY KEY, n INT) ENGINE=MyISAM;"
    if (!abroad) print "CREATE TABLE ver (id INT PRIMARY KEY, n INT) WITH SYSTEM VERSIONING;"
    print "CREATE TABLE au (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT);"
    print "CREATE TRIGGER tr AFTER INSERT ON au FOR EACH ROW INSERT INTO nokey VALUES " \
        "(NEW.id, 'trigger');"
    print "CREATE PROCEDURE work(IN x INT) INSERT INTO au (t) VALUES (x), (NOW(6));"
    print "DELIMITER //"
    print "CREATE PROCEDURE many(IN x INT) BEGIN WHILE x > 0 DO INSERT INTO nokey VALUES (x, " \
        "'many'); SET x = x - 1; END WHILE; END//"
    print "CREATE FUNCTION counted(x INT) RETURNS INT BEGIN INSERT INTO nokey VALUES (x, " \
        "'function'); RETURN x; END//"
    print "DELIMITER ;"
    print "INSERT INTO part SELECT seq, 0, REPEAT('a', 40) FROM seq_1_to_2200;"
    print "CREATE TABLE ready (i INT);"
}

BEGIN {
    srand(seed * 100 + stream)
    if (stream) print "USE w;"
    else tables()
    # Streams in two domains, now and then.
    if (seed % 4 == 0 && stream) print "SET gtid_domain_id=1;"
    for (i = 0; i < count; i++)
        print unit()
    # XA branches that did nothing are not logged: they must not be the last ones.
    print "INSERT INTO nokey VALUES (0, 'end');"
}
