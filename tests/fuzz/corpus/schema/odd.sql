DELIMITER ;;
CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN SELECT ';'; END;;
DELIMITER ;
USE `db`; CREATE TABLE IF NOT EXISTS t (a serial, b double precision(10,2) zerofill, c varchar(3) character set latin1 collate latin1_bin default 'x''y\'z' comment 'c', d int generated always as (a+(1)) virtual, e set('a','b'), key (a), constraint pk primary key using btree (a,c(2) desc), unique u (b), check (a > 0), period for system_time(a,b)) engine=x default charset=utf8mb4 collate utf8mb4_bin; # end
/*!50001 CREATE VIEW v AS SELECT 1 */;
INSERT INTO t VALUES ('a;b', "c\"d");
