-- Dates and times in the format before MariaDB 10.1, which only a schema can tell.
SET sql_mode="", time_zone="+00:00"; SET GLOBAL mysql56_temporal_format=OFF;
CREATE TABLE oldt (id INT PRIMARY KEY, t0 TIME, t1 TIME(1), t2 TIME(2), t3 TIME(3), t4 TIME(4), t5 TIME(5), t6 TIME(6), dt0 DATETIME, dt1 DATETIME(1), dt2 DATETIME(2), dt3 DATETIME(3), dt4 DATETIME(4), dt5 DATETIME(5), dt6 DATETIME(6), ts0 TIMESTAMP NULL, ts1 TIMESTAMP(1) NULL, ts2 TIMESTAMP(2) NULL, ts3 TIMESTAMP(3) NULL, ts4 TIMESTAMP(4) NULL, ts5 TIMESTAMP(5) NULL, ts6 TIMESTAMP(6) NULL);
INSERT INTO oldt SELECT id,t0,t1,t2,t3,t4,t5,t6,dt0,dt1,dt2,dt3,dt4,dt5,dt6,ts0,ts1,ts2,ts3,ts4,ts5,ts6 FROM times;
SET GLOBAL mysql56_temporal_format=ON;
