-- SPDX-License-Identifier: Apache-2.0
-- One of everything that a log can hold, in whatever binlog_format the server has.  Some statements
-- fail on purpose or by the format: run with --force.
create database w; use w;
set names utf8mb4;
create table t (id int auto_increment primary key, a varchar(40), b datetime(6), d decimal(20,6), x double, key(a)) engine=innodb;
create table m (id int auto_increment primary key, a varchar(40)) engine=myisam;
insert into t (a,b,d,x) values ('é', now(6), 1.5, rand()), ('b', '2020-01-01', -3.25, rand());
set @v:=cast(1234567890.123456 as decimal(20,6)), @u:=_utf8mb4'ünï', @n:=null, @i:=-5, @r:=1.25e0, @big:=18446744073709551615;
insert into t (a,d,x) values (@u, @v, @r);
insert into t (a,d,x) values (concat('x',@n), @i, @big);
insert into m (a) values ('m1'),(last_insert_id());
begin; insert into t (a) values ('tx1'); savepoint s1; insert into t (a) values ('tx2'); rollback to s1; insert into m (a) values ('in trx'); insert into t(a) values (last_insert_id()); commit;
begin; insert into t (a) values ('gone'); insert into m (a) values ('kept'); rollback;
set time_zone='+05:00', lc_time_names='de_DE', sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES', timestamp=1000000000.25;
insert into t (a,b) values (date_format(now(),'%M %W \'), now(6));
set timestamp=default, time_zone='SYSTEM', sql_mode=default, lc_time_names='en_US';
set auto_increment_increment=5, auto_increment_offset=3; insert into t (a) values ('ai1'),('ai2'); set auto_increment_increment=1, auto_increment_offset=1;
set names latin1; insert into t (a) values ('é as latin1'); set names utf8mb4;
create temporary table tt (i int primary key); insert into tt values (1),(2); insert into t (a) select concat('tmp',i) from tt; drop temporary table tt;
create table cs engine=innodb select id,a from t where id<4;
create table fk_p (id int primary key) engine=innodb; create table fk_c (id int primary key, p int, foreign key (p) references fk_p(id) on delete cascade) engine=innodb;
set foreign_key_checks=0; insert into fk_c values (9,99); set foreign_key_checks=1; insert into fk_p values (1); insert into fk_c values (1,1),(2,1); delete from fk_p where id=1;
delimiter //
create procedure p1(n int) begin declare i int default 0; while i<n do insert into t (a) values (concat('p',i,uuid_short()>0)); set i=i+1; end while; end//
create trigger tr1 after insert on m for each row insert into t (a) values (concat('trg ',new.a))//
create function f1(x int) returns int begin insert into t (a) values (concat('f',x)); return x; end//
delimiter ;
call p1(3); insert into m (a) values ('fires'); set @ignored=f1(7);
load data infile '@LOAD@' into table t fields terminated by ',' (d,a);
load data infile '@LOAD@' replace into table m fields terminated by ',' (id,a);
xa start 'x1','b',7; insert into t (a) values ('xa1'); xa end 'x1','b',7; xa prepare 'x1','b',7; xa commit 'x1','b',7;
xa start 'x2'; insert into t (a) values ('xa2'); xa end 'x2'; xa prepare 'x2'; xa rollback 'x2';
xa start 'x3'; insert into t (a) values ('xa3'); xa end 'x3'; xa commit 'x3' one phase;
set session binlog_alter_two_phase=1; alter table t add column extra int default 5; set session binlog_alter_two_phase=0;
alter table t add column g int as (extra*2) stored, add unique key (id,a);
update t set a=concat(a,'!') where id%2=0; delete from t where id%7=0;
create table nokey (a int, b text) engine=innodb; insert into nokey values (1,repeat('z',5000)),(1,repeat('z',5000)); update nokey set a=2 limit 1; delete from nokey where a=1;
create table `we ird``ü` (`ö` int primary key); insert into `we ird``ü` values (1);
create database `dü`; use `dü`; create table q (i int); insert into q values (1); use w; drop database `dü`;
set gtid_domain_id=7; insert into t (a) values ('domain 7'); set gtid_domain_id=0;
insert ignore into t (id,a) values (1,'dup'),(1000,'ok'); 
create table dupm (i int primary key) engine=myisam; insert into dupm values (1),(2),(1);
truncate table nokey; create view v1 as select * from t; create or replace sequence sq start with 5; select nextval(sq); insert into t (a) values (nextval(sq));
create table part (i int primary key, j int) partition by hash(i) partitions 4; insert into part select seq, seq from seq_1_to_50; alter table part drop column j;
create table sv (i int primary key, j int) with system versioning; insert into sv values (1,1); update sv set j=2; delete from sv;
create user if not exists 'zz'@'localhost' identified by 'secret'; grant select on w.* to 'zz'@'localhost'; drop user 'zz'@'localhost';
flush tables; analyze table t; optimize table m;
rename table fk_c to fk_d; 
create table blobt (i int primary key, b longblob); insert into blobt values (1, repeat('q', 3000000)); update blobt set b=concat(b,'x');
