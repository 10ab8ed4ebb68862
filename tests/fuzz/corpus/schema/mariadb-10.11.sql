/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: rt
-- ------------------------------------------------------
-- Server version	10.11.19-MariaDB-0+deb12u1-log

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

--
-- Table structure for table `bins`
--

DROP TABLE IF EXISTS `bins`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `bins` (
  `id` int(11) NOT NULL,
  `b1` binary(1) DEFAULT NULL,
  `b` binary(20) DEFAULT NULL,
  `b255` binary(255) DEFAULT NULL,
  `v` varbinary(10) DEFAULT NULL,
  `v2` varbinary(300) DEFAULT NULL,
  `tb` tinyblob DEFAULT NULL,
  `bl` blob DEFAULT NULL,
  `mb` mediumblob DEFAULT NULL,
  `lb` longblob DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Table structure for table `bits`
--

DROP TABLE IF EXISTS `bits`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `bits` (
  `id` int(11) NOT NULL,
  `b1` bit(1) DEFAULT NULL,
  `b7` bit(7) DEFAULT NULL,
  `b8` bit(8) DEFAULT NULL,
  `b9` bit(9) DEFAULT NULL,
  `b33` bit(33) DEFAULT NULL,
  `b64` bit(64) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Table structure for table `comp`
--

DROP TABLE IF EXISTS `comp`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `comp` (
  `id` int(11) NOT NULL,
  `v` varchar(1000) /*M!100301 COMPRESSED*/ DEFAULT NULL,
  `w` varchar(100) /*M!100301 COMPRESSED*/ CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL,
  `t` text /*M!100301 COMPRESSED*/ DEFAULT NULL,
  `b` blob /*M!100301 COMPRESSED*/ DEFAULT NULL,
  `l` longtext /*M!100301 COMPRESSED*/ DEFAULT NULL,
  `vb` varbinary(200) /*M!100301 COMPRESSED*/ DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Table structure for table `cs_armscii8`
--

DROP TABLE IF EXISTS `cs_armscii8`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `cs_armscii8` (
  `id` int(11) NOT NULL,
  `c` char(20) DEFAULT NULL,
  `v` varchar(200) DEFAULT NULL,
  `t` text DEFAULT NULL,
  `e` enum('x','Բար?') DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=armscii8 COLLATE=armscii8_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Table structure for table `cs_ascii`
--

DROP TABLE IF EXISTS `cs_ascii`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `cs_ascii` (
  `id` int(11) NOT NULL,
  `c` char(20) DEFAULT NULL,
  `v` varchar(200) DEFAULT NULL,
  `t` text DEFAULT NULL,
  `e` enum('x','abc') DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=ascii COLLATE=ascii_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Table structure for table `cs_big5`
--

DROP TABLE IF EXISTS `cs_big5`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `cs_big5` (
  `id` int(11) NOT NULL,
  `c` char(20) DEFAULT NULL,
  `v` varchar(200) DEFAULT NULL,
  `t` text DEFAULT NULL,
  `e` enum('x','中文測試') DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=big5 COLLATE=big5_chinese_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Table structure for table `cs_cp1250`
--

DROP TABLE IF EXISTS `cs_cp1250`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `cs_cp1250` (
  `id` int(11) NOT NULL,
  `c` char(20) DEFAULT NULL,
  `v` varchar(200) DEFAULT NULL,
  `t` text DEFAULT NULL,
  `e` enum('x','ŁśćÄ') DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=cp1250 COLLATE=cp1250_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Table structure for table `cs_cp1251`
--

DROP TABLE IF EXISTS `cs_cp1251`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `cs_cp1251` (
  `id` int(11) NOT NULL,
  `c` char(20) DEFAULT NULL,
  `v` varchar(200) DEFAULT NULL,
  `t` text DEFAULT NULL,
  `e` enum('x','Привет') DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=cp1251 COLLATE=cp1251_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Table structure for table `cs_cp1256`
--

DROP TABLE IF EXISTS `cs_cp1256`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `cs_cp1256` (
  `id` int(11) NOT NULL,
  `c` char(20) DEFAULT NULL,
  `v` varchar(200) DEFAULT NULL,
  `t` text DEFAULT NULL,
  `e` enum('x','سلام') DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=cp1256 COLLATE=cp1256_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Table structure for table `cs_cp1257`
--

DROP TABLE IF EXISTS `