CREATE DATABASE shop;
USE shop;
CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(1000), a INT, b INT, c VARCHAR(10) DEFAULT 'a default') COMMENT 'a statement that is long enough to be compressed, compressed, compressed';
INSERT INTO item (id, name) VALUES (1, REPEAT('statement ', 50));
SET SESSION binlog_format=ROW;
INSERT INTO item (id, name) VALUES (2, REPEAT('x', 900)), (3, REPEAT('y', 900));
UPDATE item SET name = REPEAT('z', 1000);
DELETE FROM item;
INSERT INTO item (id, name) SELECT seq, REPEAT(seq, 20) FROM seq_1_to_50;
