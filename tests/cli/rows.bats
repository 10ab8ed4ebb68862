# SPDX-License-Identifier: Apache-2.0
# Rows read from a log are the rows that the server that wrote it shows, before and after.
bats_require_minimum_version 1.5.0

setup_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_template "$(mktemp -d "${TMPDIR:-/tmp}/baton-rows.XXXXXX")"
    server_start source --binlog-format=ROW --innodb-strict-mode=OFF
    WANT=$SERVER_DIR/want
    mkdir "$WANT"
    export WANT LOGS=$SERVER_DIR/source/data
}

teardown_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_remove
}

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
    source "$BATON_SOURCE/tests/lib/server.bash"
}

client() { mariadb --no-defaults -uroot -S "$(server_socket source)" --default-character-set=utf8mb4 -NB "$@"; }

# All columns of a table as print_rows -t shows them.
columns_of() {
    client -e "SELECT GROUP_CONCAT(
            CASE WHEN data_type IN ('binary','varbinary','tinyblob','blob','mediumblob','longblob')
                 THEN CONCAT('CONCAT(\"0x\",HEX(', column_name, '))')
                 WHEN data_type = 'bit' THEN CONCAT(column_name, '+0')
                 WHEN data_type IN ('geometry','point') THEN CONCAT('ST_AsText(', column_name, ')')
                 ELSE column_name END ORDER BY ordinal_position)
        FROM information_schema.columns WHERE table_schema='rt' AND table_name='$1'"
}

# What every table holds now, in $WANT/TABLE.WHEN.
remember() {
    local table
    for table in $(client rt -e "SHOW TABLES"); do
        client rt -e "SET time_zone='+00:00'; SET group_concat_max_len=65536;
            SELECT $(columns_of "$table") FROM $table ORDER BY id" >"$WANT/$table.$1"
    done
}

# Fills tables from files of tests/cli/rows, moves every row, removes every row; one log each time.
write_and_remember() { # METADATA FILE...
    local table file
    rm -f "$WANT"/*
    client -e "SET GLOBAL binlog_row_metadata=$1; FLUSH BINARY LOGS;
        DROP DATABASE IF EXISTS rt; CREATE DATABASE rt CHARACTER SET utf8mb4"
    shift
    for file; do client rt <"$BATON_SOURCE/tests/cli/rows/$file.sql"; done
    remember first
    for table in $(client rt -e "SHOW TABLES"); do client rt -e "UPDATE $table SET id=id+1000"; done
    remember moved
    mariadb-dump --no-defaults -uroot -S "$(server_socket source)" --no-data rt >"$SERVER_DIR/schema.sql"
    for table in $(client rt -e "SHOW TABLES"); do client rt -e "DELETE FROM $table"; done
    LOG=$(server_logs source | tail -n 1)
}

assert_side() { # ROWS TABLE OP SIDE WHEN
    diff "$WANT/$2.$5" <(awk -F '\t' -v OFS='\t' -v t="$2" -v o="$3" -v s="$4" \
        '$1 == t && $2 == o && $3 == s' "$1" | cut -f 4-) ||
        fail "table $2: $3, image $4, is not what the server showed"
}

assert_all_tables() { # ROWS
    local path table count=0
    for path in "$WANT"/*.first; do
        table=$(basename "$path" .first)
        [[ -s $path ]] || fail "table $table is empty"
        assert_side "$1" "$table" insert after first
        assert_side "$1" "$table" update before first
        assert_side "$1" "$table" update after moved
        assert_side "$1" "$table" delete before moved
        count=$((count + 1))
    done
    [[ $count -ge $2 ]] || fail "only $count tables"
}

@test "every type and charset reads as the server shows it, from the log's own metadata" {
    write_and_remember FULL types charsets mariadb
    "$BATON_BIN/print_rows" -t "$LOG" >"$SERVER_DIR/rows"
    assert_all_tables "$SERVER_DIR/rows" 44
}

@test "every type and charset reads as the server shows it, from a schema" {
    write_and_remember NO_LOG types charsets mariadb addresses old_temporal
    "$BATON_BIN/print_rows" -t -s "$SERVER_DIR/schema.sql" "$LOG" >"$SERVER_DIR/rows"
    assert_all_tables "$SERVER_DIR/rows" 46
}

@test "the JSON of every row is JSON" {
    write_and_remember FULL types charsets mariadb
    run -0 "$BATON_BIN/print_rows" "$LOG"
    run -0 jq -es 'length > 300 and all(.[]; .before or .after)' <<<"$output"
}

@test "images hold the columns that binlog_row_image says" {
    client -e "SET GLOBAL binlog_row_metadata=FULL; FLUSH BINARY LOGS; CREATE DATABASE img;
        CREATE TABLE img.t (id INT PRIMARY KEY, a INT, b TEXT);
        INSERT INTO img.t VALUES (1, 2, 'three');
        SET binlog_row_image=MINIMAL; UPDATE img.t SET a=5; SET binlog_row_image=NOBLOB;
        UPDATE img.t SET a=6; SET binlog_row_image=FULL; UPDATE img.t SET a=7;
        SET binlog_row_image=MINIMAL; DELETE FROM img.t"
    run -0 "$BATON_BIN/print_rows" "$(server_logs source | tail -n 1)"
    run -0 jq -c '[.op, .before, .after]' <<<"$output"
    assert_line --index 0 '["insert",null,{"id":1,"a":2,"b":"three"}]'
    assert_line --index 1 '["update",{"id":1},{"a":5}]'
    assert_line --index 2 '["update",{"id":1,"a":5},{"id":1,"a":6}]'
    assert_line --index 3 '["update",{"id":1,"a":6,"b":"three"},{"id":1,"a":7,"b":"three"}]'
    assert_line --index 4 '["delete",{"id":1},null]'
}
