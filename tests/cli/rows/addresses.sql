-- What the log cannot tell from BINARY.
SET sql_mode="";
CREATE TABLE net (id INT PRIMARY KEY, a INET4, b INET6, u UUID);
INSERT INTO net VALUES (1,'0.0.0.0','::','00000000-0000-0000-0000-000000000000'),(2,'255.255.255.255','2001:db8::ff00:42:8329','123e4567-e89b-12d3-a456-426614174000'),(3,NULL,NULL,NULL),(4,'10.0.0.0','::ffff:192.0.2.1','ffffffff-ffff-ffff-ffff-ffffffffffff'),(5,'1.2.3.0','1::','550e8400-e29b-41d4-a716-446655440000'),(6,'1.2.3.4','::1.2.3.4','018f4e3c-7b1a-7cc2-98c4-dc0c0c07398f');
