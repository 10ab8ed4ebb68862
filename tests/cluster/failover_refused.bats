#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Where going on could make two primaries, or the manager or a replica dies on the way.

load ../lib/cluster
load ../lib/ledger
load ../lib/failover

setup() {
    bats_require_minimum_version 1.5.0
    bats_load_library bats-support
    bats_load_library bats-assert
    export CLUSTER_NAME=fr$$
}

teardown() {
    [[ -n ${BATS_TEST_COMPLETED:-} ]] || cluster_logs
    cluster_down
}

@test "a server that still answers at the VIP, on a host without ssh, is not replaced" {
    failover_cluster 3 gtid
    failover_insert 1 3
    failover_wait db2 db3
    host_stop db1 -9
    host_ssh_break db1
    # It lives, but at the address of the applications only.
    host_start db1 --bind-address="$VIP"
    failover_run --dead-primary="$(host_address db1)"
    assert_not_equal "$status" 0
    grep -q "clients still write there" "$CLUSTER_DIR/manager.log"
    assert_equal "$(vip_holder)" db1
    for host in db2 db3; do
        assert_equal "$(host_sql "$host" "SELECT @@GLOBAL.read_only, @@GLOBAL.relay_log_purge")" $'1\t1'
        assert_equal "$(replica_status "$host" Master_Host)" "$(host_address db1)"
        # What the freeze had stopped runs again, or tries to.
        assert_not_equal "$(replica_status "$host" Slave_IO_Running)" No
        assert_equal "$(replica_status "$host" Slave_SQL_Running)" Yes
    done
}

@test "a manager killed anywhere before the promotion leaves no second primary, and the next one ends it" {
    local point
    for point in after-check after-freeze after-fence after-decide after-build after-apply; do
        failover_cluster 3 gtid
        failover_stages_of_three
        run host_exec manager env BATON_CRASH_AT=$point "$BATON_BIN/baton" failover \
            --conf="$CLUSTER_DIR/app1.cnf"
        assert_equal "$point $status" "$point 137"
        assert_equal "$(host_sql db2 "SELECT @@GLOBAL.read_only")" 1
        assert_equal "$(host_sql db3 "SELECT @@GLOBAL.read_only")" 1
        failover_run
        assert_equal "$point $status" "$point 0"
        # Killed when both were complete already, the first in the configuration wins.
        if [[ $point == after-apply && $(failover_winner) == "$(host_address db2)" ]]; then
            failover_done db2 db3
        else
            failover_done db3 db2
        fi
        assert_equal "$(failover_rows db2)" "1-6,100000"
        cluster_down
    done
}

# Rows 1-2 everywhere, 3-4 on db3, 5-6 only on the dead db1.
failover_stages_of_three() {
    failover_insert 1 2
    failover_wait db2 db3
    replica_stop_io db2
    failover_insert 3 4
    failover_wait db3
    replica_stop_io db3
    failover_insert 5 6
    host_stop db1 -9
}

@test "a replica that dies behind the promotion is named, and the others follow" {
    failover_cluster 4 gtid
    failover_stages
    # The site's script is called when the new primary takes writes: there db2 is killed.
    cat >"$CLUSTER_DIR/kill" <<END
#!/bin/bash
case "\$*" in *--command=start*)
    ssh -F $CLUSTER_DIR/ssh/config root@$(host_address db2) 'kill -9 \$(cat /run/mysqld/mysqld.pid)' ;;
esac
END
    chmod 755 "$CLUSTER_DIR/kill"
    conf_write "$CLUSTER_DIR/app1.cnf" master_ip_failover_script="$CLUSTER_DIR/kill"
    host_stop db1 -9
    failover_run
    assert_equal "$status" 10
    failover_done db4 db3
    assert_equal "$(failover_rows db3)" "1-20,100000"
    assert_equal "$(jq -r '.servers[] | select(.host | endswith(".2")) | .state' <<<"$report")" failed
}

@test "of two failovers with work folders of their own the slower one finds the other's new primary, and stops" {
    failover_cluster 3 gtid
    failover_insert 1 3
    failover_wait db2 db3
    host_stop db1 -9
    mkdir "$CLUSTER_DIR/slow"
    # It has asked everybody, and waits; then it goes on with what it knew.
    nsenter --net="/run/netns/$(host_netns manager)" -- env BATON_PAUSE_AT=before-lock \
        "$BATON_BIN/baton" failover --conf="$CLUSTER_DIR/app1.cnf" --workdir="$CLUSTER_DIR/slow" \
        --new-primary="$(host_address db3)" >"$CLUSTER_DIR/slow.log" 2>&1 3>&- 4>&- &
    local slow=$!
    cluster_wait "the slow one to have asked" 20 is_stopped "$slow"
    failover_run
    assert_equal "$status" 0
    kill -CONT "$slow"
    run wait "$slow"
    assert_not_equal "$status" 0
    grep -q "does not replicate from $(host_address db1).* any more" "$CLUSTER_DIR/slow.log"
    assert_equal "$(vip_holder)" db2
    assert_equal "$(host_sql db2 "SELECT @@GLOBAL.read_only") $(host_sql db3 "SELECT @@GLOBAL.read_only")" "0 1"
    cluster_wait "db3 to follow" 10 replica_caught_up db3 db2
}

is_stopped() { [[ $(awk '{print $3}' "/proc/$1/stat") == T ]]; }
