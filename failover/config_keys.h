/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_keys.h - every key of the configuration file in one table: MHA 0.58's keys with
 * their defaults and scopes, and ours.  The reader, the man page and `conf show` come from it.
 *
 * X(ID, name, type, default, scope, inherits, meaning)
 *   scope     where it may stand: S a [serverN] block, A [server default] of the application's
 *             file, G [server default] of the global file, B a [binlogN] block
 *   inherits  whether [server default] gives the servers their value; four keys of MHA's and the
 *             names of a host do not
 */
#ifndef BT_FAILOVER_CONFIG_KEYS_H
#define BT_FAILOVER_CONFIG_KEYS_H

enum bt_key_type {
    BT_KEY_TEXT,
    BT_KEY_SECRET,  /* text that is never shown */
    BT_KEY_COMMAND, /* a shell command line, may hold arguments */
    BT_KEY_FLAG,    /* 0 or a positive number */
    BT_KEY_UINT,    /* a number, 0 allowed */
    BT_KEY_PORT,    /* 1..65535 */
    BT_KEY_SECONDS, /* > 0, up to three digits of fraction; the number is milliseconds */
    BT_KEY_SIZE,    /* bytes, with K M G */
    BT_KEY_VIPS,    /* address/prefix, more of them by commas */
    BT_KEY_CHOICE,  /* one of the words in bt_key_choices(), any case */
};

enum bt_key_scope {
    BT_SCOPE_S = 1,
    BT_SCOPE_A = 2,
    BT_SCOPE_G = 4,
    BT_SCOPE_B = 8,
    BT_SCOPE_SB = BT_SCOPE_S | BT_SCOPE_B,
    BT_SCOPE_AG = BT_SCOPE_A | BT_SCOPE_G,
    BT_SCOPE_SAG = BT_SCOPE_S | BT_SCOPE_A | BT_SCOPE_G,
    BT_SCOPE_ALL = BT_SCOPE_SAG | BT_SCOPE_B,
};

/* clang-format off */
#define BT_CONFIG_KEYS(X) \
    /* ------------------------------------------------------------------ MHA's */ \
    X(HOSTNAME, "hostname", TEXT, "", SB, false, "name of the host; what MASTER_HOST is set to unless replicas use addresses") \
    X(IP, "ip", TEXT, "", SB, false, "address for SQL connections; default: hostname, resolved once") \
    X(PORT, "port", PORT, "3306", ALL, true, "port of the server") \
    X(SSH_HOST, "ssh_host", TEXT, "", SB, false, "name for ssh; default: hostname") \
    X(SSH_IP, "ssh_ip", TEXT, "", SB, false, "address for ssh; default: ssh_host, resolved once") \
    X(SSH_PORT, "ssh_port", PORT, "22", ALL, true, "port of sshd") \
    X(SSH_CONNECTION_TIMEOUT, "ssh_connection_timeout", SECONDS, "5", ALL, true, "seconds for an ssh connection to stand") \
    X(SSH_OPTIONS, "ssh_options", TEXT, "", ALL, true, "further options for ssh, split at blanks") \
    X(SSH_USER, "ssh_user", TEXT, "", ALL, true, "user for ssh; default: who runs the manager") \
    X(NODE_LABEL, "node_label", TEXT, "", S, false, "label of the server in the drawn topology") \
    X(CANDIDATE_MASTER, "candidate_master", FLAG, "0", S, false, "prefer this server as the new primary") \
    X(NO_MASTER, "no_master", FLAG, "0", S, false, "never make this server the primary") \
    X(IGNORE_FAIL, "ignore_fail", FLAG, "0", S, false, "this server may be dead or broken when a failover begins") \
    X(SKIP_INIT_SSH_CHECK, "skip_init_ssh_check", FLAG, "0", S, false, "leave this server out of the ssh check at start") \
    X(SKIP_RESET_SLAVE, "skip_reset_slave", FLAG, "0", SAG, true, "keep the new primary's replica settings") \
    X(USER, "user", TEXT, "root", ALL, true, "user for SQL connections") \
    X(PASSWORD, "password", SECRET, "", ALL, true, "password of that user") \
    X(REPL_USER, "repl_user", TEXT, "", SAG, true, "user the replicas connect as; default: the one they use now") \
    X(REPL_PASSWORD, "repl_password", SECRET, "", SAG, true, "password of that user; default: the one they use now") \
    X(DISABLE_LOG_BIN, "disable_log_bin", FLAG, "0", SAG, true, "do not log recovered transactions in the target's binary log") \
    X(HANDLE_RAW_BINLOG, "handle_raw_binlog", FLAG, "1", ALL, true, "accepted; Baton always works on the events themselves") \
    X(MASTER_PID_FILE, "master_pid_file", TEXT, "", SAG, true, "passed to shutdown_script as --pid_file") \
    X(REMOTE_WORKDIR, "remote_workdir", TEXT, "/var/tmp", ALL, true, "folder for work files on the database hosts") \
    X(MASTER_BINLOG_DIR, "master_binlog_dir", TEXT, "/var/lib/mysql,/var/log/mysql", ALL, true, "folders that may hold the primary's binary logs, by commas") \
    X(LOG_LEVEL, "log_level", CHOICE, "info", AG, false, "debug, info, warning or error") \
    X(MANAGER_WORKDIR, "manager_workdir", TEXT, "/var/tmp", AG, false, "folder for state files, rescued logs and the journal") \
    X(MANAGER_LOG, "manager_log", TEXT, "", AG, false, "file the manager logs to; default: the screen") \
    X(CLIENT_BINDIR, "client_bindir", TEXT, "", ALL, true, "accepted; Baton calls no client program") \
    X(CLIENT_LIBDIR, "client_libdir", TEXT, "", ALL, true, "accepted; Baton calls no client program") \
    X(CHECK_REPL_DELAY, "check_repl_delay", FLAG, "1", SAG, true, "refuse a candidate that is far behind; taken from the candidate's own block") \
    X(CHECK_REPL_FILTER, "check_repl_filter", FLAG, "1", AG, false, "refuse servers whose replication filters differ") \
    X(LATEST_PRIORITY, "latest_priority", FLAG, "1", AG, false, "prefer the replica that received most; 0: configuration order alone") \
    X(MULTI_TIER_SLAVE, "multi_tier_slave", FLAG, "0", AG, false, "replicas of replicas are allowed and left alone") \
    X(PING_INTERVAL, "ping_interval", SECONDS, "3", AG, false, "seconds between two checks of the primary, from 0.1") \
    X(PING_TYPE, "ping_type", CHOICE, "SELECT", AG, false, "SELECT, CONNECT or INSERT") \
    X(SECONDARY_CHECK_SCRIPT, "secondary_check_script", COMMAND, "", AG, false, "second opinion on the primary's death") \
    X(MASTER_IP_FAILOVER_SCRIPT, "master_ip_failover_script", COMMAND, "", AG, false, "moves the writer address at a failover") \
    X(MASTER_IP_ONLINE_CHANGE_SCRIPT, "master_ip_online_change_script", COMMAND, "", AG, false, "moves the writer address at a switchover") \
    X(SHUTDOWN_SCRIPT, "shutdown_script", COMMAND, "", AG, false, "makes sure the dead primary stays dead") \
    X(REPORT_SCRIPT, "report_script", COMMAND, "", AG, false, "is called with the report of a failover") \
    X(INIT_CONF_LOAD_SCRIPT, "init_conf_load_script", COMMAND, "", AG, false, "prints further name=value lines, over the application's defaults") \
    X(USE_GTID_AUTO_POS, "use_gtid_auto_pos", FLAG, "1", AG, false, "accepted; each replica keeps the mode it replicates in") \
    /* ------------------------------------------------------------------- ours */ \
    X(VIP, "vip", VIPS, "", AG, false, "writer address with prefix length (192.0.2.9/24), more by commas; v4 and v6") \
    X(VIP_INTERFACE, "vip_interface", TEXT, "", SAG, true, "interface the writer address goes on") \
    X(FENCE_POLICY, "fence_policy", CHOICE, "best-effort", AG, false, "proved: stop unless the old primary is proved off; best-effort: go on and say what is not proved") \
    X(PING_FAILURES, "ping_failures", UINT, "0", AG, false, "intervals of silence after which a primary is dead; with detection=count failed pings in a row; 0: 3, and 4") \
    X(DETECTION, "detection", CHOICE, "votes", AG, false, "votes: own checks and the replicas'; count: four failed pings, as MHA") \
    X(NODE_MODE, "node_mode", CHOICE, "auto", ALL, true, "how files of the host are reached: ssh, local, none, or auto: local where the address is this host's") \
    X(NODE_PATH, "node_path", TEXT, "", ALL, true, "the baton-node program to run or copy; default: beside baton") \
    X(CONNECT_TIMEOUT, "connect_timeout", SECONDS, "4", ALL, true, "seconds for an SQL connection to stand") \
    X(DRAIN_TIMEOUT, "drain_timeout", SECONDS, "600", SAG, true, "seconds a replica may take to apply what it has received") \
    X(HOOK_TIMEOUT, "hook_timeout", SECONDS, "60", AG, false, "seconds a hook script may run") \
    X(APPLY_WORKERS, "apply_workers", UINT, "4", SAG, true, "sessions that apply a diff log at once") \
    X(APPLY_VIA, "apply_via", CHOICE, "auto", SAG, true, "who applies a diff log: replication (the server's own threads, fed by the node on its host), sql (sessions of ours), or auto")
/* clang-format on */

#endif
