/* SPDX-License-Identifier: Apache-2.0 */
/*
 * phrases.h - the log phrases of MHA that runbooks and monitoring grep for, in one table.
 *
 * They are facts of MHA 0.58's log, kept letter for letter, words as they were then.  What Baton
 * says beyond them is said in its own words where it happens.
 */
#ifndef BT_FAILOVER_PHRASES_H
#define BT_FAILOVER_PHRASES_H

/* Phases, in this order. */
#define BT_PHASE_1 "* Phase 1: Configuration Check Phase.."
#define BT_PHASE_1_DONE "** Phase 1: Configuration Check Phase completed."
#define BT_PHASE_2 "* Phase 2: Dead Master Shutdown Phase.."
#define BT_PHASE_2_DONE "* Phase 2: Dead Master Shutdown Phase completed."
#define BT_PHASE_3 "* Phase 3: Master Recovery Phase.."
#define BT_PHASE_3_1 "* Phase 3.1: Getting Latest Slaves Phase.."
#define BT_PHASE_3_2 "* Phase 3.2: Saving Dead Master's Binlog Phase.."
#define BT_PHASE_3_3 "* Phase 3.3: Determining New Master Phase.."
#define BT_PHASE_3_4 "* Phase 3.4: New Master Diff Log Generation Phase.."
#define BT_PHASE_3_5 "* Phase 3.5: Master Log Apply Phase.."
#define BT_PHASE_3_RECOVERED "** Finished master recovery successfully."
#define BT_PHASE_3_DONE "* Phase 3: Master Recovery Phase completed."
#define BT_PHASE_4 "* Phase 4: Slaves Recovery Phase.."
#define BT_PHASE_4_1 "* Phase 4.1: Starting Parallel Slave Diff Log Generation Phase.."
#define BT_PHASE_4_2 "* Phase 4.2: Starting Parallel Slave Log Apply Phase.."
#define BT_PHASE_4_DONE "* Phase 4: Slaves Recovery Phase completed."
#define BT_PHASE_5 "* Phase 5: New master cleanup phase.."

/* With values. */
#define BT_SAY_STARTING "Starting master failover."
#define BT_SAY_MODE_POSITION "Starting Non-GTID based failover."
#define BT_SAY_MODE_GTID "Starting GTID based failover."
#define BT_SAY_DEAD_SERVERS "Dead Servers:"
#define BT_SAY_ALIVE_SERVERS "Alive Servers:"
#define BT_SAY_CO_PRIMARIES \
    "Multi-master configuration is detected. Current primary(writable) master is %s"
#define BT_SAY_ALIVE_SLAVES "Alive Slaves:"
#define BT_SAY_NOT_DEAD "The master %s is not dead. Stop failover."
#define BT_SAY_REACHABLE "The master %s is reachable via MySQL (error=%u) ! Stop failover."
#define BT_SAY_NOT_IDENTIFIED \
    "Detected dead master %s does not match with specified dead master %s"
#define BT_SAY_TOO_EARLY \
    "Last failover was done at %s. Current time is too early to do failover again. If you want " \
    "to do failover, " \
    "manually remove %s and run this script again."
#define BT_SAY_ERROR_FLAG \
    "Failover error flag file %s exists. This means the last failover failed. Check error logs " \
    "for detail, " \
    "fix problems, remove %s, and restart this script."
#define BT_SAY_LOCKED \
    "%s: the advisory lock 'MHA_Master_High_Availability_Failover' is already held by someone. " \
    "Please check whether another failover or purge_relay_logs is running."
#define BT_SAY_FORCING_SHUTDOWN \
    "Forcing shutdown so that applications never connect to the current master.."
#define BT_SAY_SSH_REACHABLE "SSH is reachable."
#define BT_SAY_SSH_NOT_REACHABLE "SSH is NOT reachable."
#define BT_SAY_LATEST_POSITION "The latest binary log file/position on all slaves is %s:%llu"
#define BT_SAY_OLDEST_POSITION "The oldest binary log file/position on all slaves is %s:%llu"
#define BT_SAY_LATEST_SLAVES "Latest slaves (Slaves that received relay log files to the latest):"
#define BT_SAY_OLDEST_SLAVES "Oldest slaves:"
#define BT_SAY_BINLOGS_LOST \
    "Dead Master is not SSH reachable. Could not save it's binlogs. Transactions that were not " \
    "sent to the " \
    "latest slave (Read_Master_Log_Pos to the tail of the dead master's binlog) were lost."
#define BT_SAY_NOTHING_TO_SAVE \
    "Additional events were not found from the orig master. No need to save."
#define BT_SAY_NEW_MASTER "New master is %s"
#define BT_SAY_STARTING_FAILOVER "Starting master failover.."
#define BT_SAY_NOTICE \
    "*NOTICE: If any error happens from this phase, manual recovery is needed."
#define BT_SAY_APPLYING "Starting recovery on %s.."
#define BT_SAY_NO_DIFF " This server has all relay logs. Waiting all logs to be applied.. "
#define BT_SAY_APPLIED " Applying log files succeeded."
#define BT_SAY_GETTING_POSITION "Getting new master's binlog name and position.."
#define BT_SAY_STATEMENT \
    " All other slaves should start replication from here. Statement should be: %s"
#define BT_SAY_READ_ONLY_OFF "Setting read_only=0 on %s.. ok."
#define BT_SAY_SLAVE_STARTED " Slave started."
#define BT_SAY_ALL_RECOVERED "All new slave servers recovered successfully."
#define BT_SAY_RESETTING "Resetting slave info on the new master.."
#define BT_SAY_RESET_DONE " %s: Resetting slave info succeeded."
#define BT_SAY_COMPLETED "Master failover to %s completed successfully."
#define BT_SAY_PARTIAL "Master failover to %s done, but recovery on slave partially failed."
/* Watching (MHA::HealthCheck, MHA::MasterMonitor). */
#define BT_SAY_STARTING_PING "Starting ping health check on %s.."
#define BT_SAY_PING_OK "Ping(%s) succeeded, waiting until MySQL doesn't respond.."
#define BT_SAY_PING_ERROR "Got error on MySQL %s ping: %u (%s)"
#define BT_SAY_CONNECT_ERROR "Got error on MySQL connect: %u (%s)"
#define BT_SAY_CONNECT_FAILED "Connection failed %u time(s).."
#define BT_SAY_REFUSING \
    "Got MySQL error when connecting: %u (%s), but this is not a MySQL crash. Continue health " \
    "check.."
#define BT_SAY_NOT_REACHABLE_CHECKER "Master is not reachable from health checker!"
#define BT_SAY_NOT_REACHABLE "Master %s is not reachable!"
#define BT_SAY_EXIT_DEAD "Got exit code 20 (Master dead)."
#define BT_SAY_ALIVE_AGAIN "master is actually alive. starting monitoring again."
#define BT_SAY_MONITOR_LOCKED \
    "Target master's advisory lock is already held by someone. Please check whether you monitor " \
    "the same master from multiple monitoring processes."
#define BT_SAY_CHECK_ERROR "Error happened on checking configurations."
#define BT_SAY_MONITOR_ERROR "Error happened on monitoring servers."
#define BT_SAY_EXIT_NOT_DEAD "Got exit code 1 (Not master dead)."

#define BT_SAY_BLOCK_DELETED "Deleted %s entry from %s ."
#define BT_SAY_REPORT "----- Failover Report -----"

/* Of an online switch. */
#define BT_SAY_SWITCH_STARTING "Starting online master switch.."
#define BT_PHASE_2_ONLINE "* Phase 2: Rejecting updates Phase.."
#define BT_SAY_LOCKING \
    "Locking all tables on the orig master to reject updates from everybody (including root):"
#define BT_SAY_FTWRL "Executing FLUSH TABLES WITH READ LOCK.."
#define BT_SAY_OLD_POSITION "Orig master binlog:pos is %s:%llu."
#define BT_SAY_WAITING " Waiting to execute all relay logs on %s.."
#define BT_SAY_SWITCHING "* Switching slaves in parallel.."
#define BT_SAY_MONITOR_RUNS \
    "%s: getting the advisory lock failed: MHA Monitor runs on the current master. Stop MHA " \
    "Manager/Monitor and try again."
#define BT_SAY_SWITCHED "Switching master to %s completed successfully."
#define BT_SAY_SWITCHED_PARTIAL \
    "Switching master to %s done, but switching slaves partially failed."

#endif
