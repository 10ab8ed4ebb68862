CREATE DATABASE shop;
USE shop;
CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(100));
INSERT INTO item VALUES (1,'one'),(2,'two');
UPDATE item SET name='three' WHERE id=2;
DELETE FROM item;
SET GLOBAL binlog_checksum=CRC32;
INSERT INTO item VALUES (3,'checked');
