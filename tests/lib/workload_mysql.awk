# SPDX-License-Identifier: Apache-2.0
#
# workload_mysql.awk - SQL of a random workload for MySQL, made again from its seed.
#
#     awk -v seed=N -v format=ROW -v load=FILE -v generated=1 -f workload_mysql.awk | mysql --force
#
# Statements that fail on their server are part of it.  generated: the server has such columns.

function rnd(n) { return int(rand() * n) }
function pick(list,   a, n) { n = split(list, a, "|"); return a[1 + rnd(n)] }
function id() { return 1 + rnd(40) }
function name() { return "'" pick("e|E|é|É|ab|aB|x" rnd(9)) "'" }

function dml(   k) {
    k = rnd(12)
    if (k == 0) return "INSERT INTO k (id, u, n) VALUES (" id() ", " name() ", " rnd(9) ");"
    if (k == 1) return "REPLACE INTO k (id, u, n) VALUES (" id() ", " name() ", " rnd(9) ");"
    if (k == 2) return "UPDATE k SET n=n+1 WHERE id<" id() ";"
    if (k == 3) return "DELETE FROM k WHERE id=" id() ";"
    if (k == 4) return "INSERT INTO nokey VALUES (" rnd(5) ", " name() "), (" rnd(5) ", NULL);"
    if (k == 5) return "UPDATE nokey SET a=a+1 WHERE a=" rnd(6) ";"
    if (k == 6) return "INSERT IGNORE INTO parent VALUES (" id() "); INSERT IGNORE INTO child " \
            "VALUES (" rnd(99) ", " id() ");"
    if (k == 7) return "DELETE FROM parent WHERE id=" id() ";"
    if (k == 8) return "INSERT INTO au (t) VALUES (NOW()), (RAND());"
    if (k == 9) return "CALL work(" rnd(9) ");"
    if (k == 10) return "INSERT INTO part SELECT id+" rnd(9) * 100 ", n, 'b' FROM k ON DUPLICATE " \
            "KEY UPDATE part.n=part.n+1;"
    return "UPDATE IGNORE parent SET id=id+50 WHERE id=" id() ";"
}

function unit(   k, x) {
    k = rnd(24)
    if (k < 12) return dml()
    if (k < 17) return "BEGIN; " dml() "SAVEPOINT s; " dml() pick("ROLLBACK TO s;|") dml() \
            pick("COMMIT;|COMMIT;|COMMIT;|ROLLBACK;")
    if (k == 17) {
        x = "'x" ++xa "'"
        return "XA START " x "; " dml() "XA END " x "; XA PREPARE " x "; XA " \
            pick("COMMIT|ROLLBACK") " " x ";"
    }
    if (k == 18) return "LOAD DATA LOCAL INFILE '" load "' INTO TABLE nokey FIELDS TERMINATED " \
            "BY ',';"
    if (k == 19) return "ALTER TABLE k ADD c" ++columns " INT DEFAULT " rnd(9) ";"
    if (k == 20) return "CREATE TEMPORARY TABLE IF NOT EXISTS tmp (i INT); INSERT INTO tmp " \
            "VALUES (1); INSERT INTO nokey SELECT i, 't' FROM tmp; DROP TEMPORARY TABLE tmp;"
    if (k == 21) return "SET @v=" rnd(9) "; INSERT INTO nokey VALUES (@v, 'v'); SET SESSION " \
            "sql_mode=''; SET SESSION time_zone='+05:30';"
    if (k == 22) return "INSERT INTO k (id, u, n) SELECT 1000 + id * " rnd(99) ", CONCAT(u, id), " \
            "n FROM k LIMIT 20;"
    return "TRUNCATE TABLE nokey;"
}

BEGIN {
    srand(seed)
    print "SET SESSION binlog_format=" format "; CREATE DATABASE w; USE w;"
    print "CREATE TABLE k (id INT PRIMARY KEY, u VARCHAR(30) UNIQUE, n INT, g INT " \
        (generated ? "GENERATED ALWAYS AS (n * 2) STORED" : "DEFAULT 3") ");"
    print "CREATE TABLE nokey (a INT, b VARCHAR(20)); CREATE TABLE parent (id INT PRIMARY KEY);"
    print "CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) " \
        "ON DELETE CASCADE ON UPDATE CASCADE);"
    print "CREATE TABLE part (id INT PRIMARY KEY, n INT, b VARCHAR(60)) PARTITION BY HASH (id) " \
        "PARTITIONS 4;"
    print "CREATE TABLE au (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT);"
    print "CREATE TRIGGER tr AFTER INSERT ON au FOR EACH ROW INSERT INTO nokey VALUES " \
        "(NEW.id % 9, 'trigger');"
    print "CREATE PROCEDURE work(x INT) INSERT INTO au (t) VALUES (x), (NOW());"
    for (i = 0; i < 250; i++)
        print unit()
}
