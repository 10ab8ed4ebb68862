-- What only MariaDB has.
SET sql_mode="", time_zone="+00:00";
CREATE TABLE comp (id INT PRIMARY KEY, v VARCHAR(1000) COMPRESSED, w VARCHAR(100) COMPRESSED CHARACTER SET latin1, t TEXT COMPRESSED, b BLOB COMPRESSED, l LONGTEXT COMPRESSED, vb VARBINARY(200) COMPRESSED) CHARACTER SET utf8mb4;
INSERT INTO comp VALUES (1,'','','','','',''),(2,'abc','ä','x','y','z','q'),(3,NULL,NULL,NULL,NULL,NULL,NULL),(4,repeat('äb',400),repeat('é',100),repeat('t',5000),repeat(x'00ff',5000),repeat('lo',100000),repeat(x'00',200));
CREATE TABLE js (id INT PRIMARY KEY, j JSON); INSERT INTO js VALUES (1,'{"a": [1, 2]}'),(2,NULL);
CREATE TABLE gen (id INT PRIMARY KEY, a INT, b INT AS (a+1) VIRTUAL, c INT AS (a+2) STORED, d INT INVISIBLE DEFAULT 7);
INSERT INTO gen(id,a) VALUES (1,10),(2,NULL);
