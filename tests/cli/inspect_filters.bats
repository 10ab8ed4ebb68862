# SPDX-License-Identifier: Apache-2.0
# baton inspect on recorded logs of both flavours: what is filtered is compared with what jq finds
# in the whole listing; every document has the fields that docs/json.md promises.
bats_require_minimum_version 1.5.0

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
}

inspect() { "$BATON_BIN/baton" inspect "$@"; }

# each COMMAND...: in the folder of each recorded set of rows, with the names of its logs behind.
each() {
    local set
    for set in mariadb-11.8 mysql-5.6 mysql-9.7; do
        echo "$set: $*" # seen when it fails
        cd "$BATON_SOURCE/testdata/$set/rows"
        "$@" bin.[0-9]*
    done
}

all() { inspect --"$1" --json "${@:2}"; }

# same MODE JQ_FILTER OPTIONS... -- LOG...: the options give what jq selects from the listing.
same() {
    local mode=$1 filter=$2 options=()
    shift 2
    while [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    shift
    diff <(all "$mode" "$@" | jq -c "select($filter)") \
        <(all "$mode" "${options[@]}" "$@" | jq -c .)
}

by_gtid() {
    local gtid file start
    read -r gtid file start < <(all transactions "$@" |
        jq -r 'select(.rows > 0 and .gtid != "") | "\(.gtid) \(.file) \(.start)"' | sed -n 3p) ||
        return 0 # MySQL 5.6 without gtid_mode
    same transactions ".gtid == \"$gtid\"" --gtid="$gtid" -- "$@"
    same rows ".gtid == \"$gtid\"" --gtid="$gtid" -- "$@"
    same transactions "(.file == \"$file\" and .start >= $start) or .file > \"$file\"" \
        --from="$gtid" -- "$@"
    same transactions "(.file == \"$file\" and .start <= $start) or .file < \"$file\"" \
        --to="$gtid" -- "$@"
}

@test "a GTID selects its transaction, and bounds a range that includes it" {
    each by_gtid
}

by_place() {
    local file start end
    read -r file start end < <(all transactions "$@" |
        jq -r '"\(.file) \(.start) \(.end)"' | sed -n 4p)
    same transactions "(.file == \"$file\" and .start >= $start) or .file > \"$file\"" \
        --from="$file:$start" -- "$@"
    same transactions "(.file == \"$file\" and .start < $end) or .file < \"$file\"" \
        --to="$file:$end" -- "$@"
    # A place inside a transaction begins with the next one and ends behind it.
    same transactions "(.file == \"$file\" and .start > $start) or .file > \"$file\"" \
        --from="$file:$((start + 1))" -- "$@"
    same transactions "(.file == \"$file\" and .start < $((start + 1))) or .file < \"$file\"" \
        --to="$file:$((start + 1))" -- "$@"
    same transactions ".start >= $start" --from="$start" -- "$1"
    same transactions ".start < $start" --to="$start" -- "$1"
}

@test "a place selects the transactions that begin from it on, or before it" {
    each by_place
}

by_time() {
    local time
    time=$(all transactions "$@" | jq -r .time | sort | sed -n '$p')
    same transactions ".time >= \"$time\"" --from="$time" -- "$@"
    same transactions ".time < \"$time\"" --to="$time" -- "$@"
    same transactions false --from=2038-01-01 -- "$@"
    same transactions true --from=2001-01-01 --to="2038-01-01 00:00:00" -- "$@"
}

@test "a time selects the transactions from it on, or before it" {
    each by_time
}

by_content() {
    local table db
    for table in $(all rows "$@" | jq -r '"\(.db).\(.table)"' | sort -u); do
        db=${table%%.*}
        same rows "\"\(.db).\(.table)\" == \"$table\"" --table="$table" -- "$@"
        same rows ".table == \"${table#*.}\"" --table="${table#*.}" -- "$@"
        same rows ".db == \"$db\"" --db="$db" -- "$@"
        same transactions ".tables | index(\"$table\")" --table="$table" -- "$@"
        same events ".db == \"$db\"" --db="$db" -- "$@"
    done
    same rows false --db=nowhere -- "$@"
    same transactions ".bytes >= 500" --min-bytes=500 -- "$@"
    same events ".server_id == 101" --server-id=101 -- "$@"
    same events ".server_id == 4711" --server-id=4711 -- "$@"
}

@test "databases, tables, servers and sizes select what they name" {
    each by_content
}

by_top() {
    local what field
    for what in bytes rows duration; do
        field=${what/duration/seconds}
        inspect --json --top=3 --top-by="$what" "$@" |
            jq -e ".transactions.largest | length == 3 and (map(.$field) | . == (sort | reverse))"
    done
    diff <(inspect --json --top=3 "$@" | jq -c '[.transactions.largest[].bytes]') \
        <(all transactions "$@" | jq -sc 'map(.bytes) | sort | reverse | .[:3]')
    diff <(inspect --json --top=1 --top-by=rows "$@" | jq -c '[.transactions.largest[].rows]') \
        <(all transactions "$@" | jq -sc 'map(.rows) | sort | reverse | .[:1]')
    inspect --json --top=0 "$@" | jq -e '.transactions.largest == []'
}

@test "the largest transactions are those of most bytes, rows or seconds" {
    each by_top
}

shapes() {
    inspect --json "$@" | jq -e '
        keys == ["events", "files", "gtid", "minutes", "tables", "transactions"] and
        all(.files[]; (keys - ["encrypted"]) == ["bytes", "checksum", "end", "end_reason", "events",
            "first_time", "flavor", "kind", "last_time", "path", "server_version", "transactions",
            "valid_end"]) and
        all(.events[]; (keys - ["inner"]) == ["bytes", "code", "count", "name"]) and
        all(.tables[]; keys == ["bytes", "db", "deletes", "inserts", "table", "updates"]) and
        (.transactions | keys == ["bytes", "count", "largest", "unfinished"]) and
        all(.transactions.largest[]; keys == ["bytes", "end", "file", "gtid", "rows", "seconds",
            "start"]) and
        all(.minutes[]; keys == ["bytes", "rows", "time", "transactions"]) and
        ([.minutes[].transactions] | add) == .transactions.count and
        all(.minutes[]; .time | test("^[0-9-]{10}T[0-9:]{5}:00Z$"))'
    all transactions "$@" | jq -es 'all(.[]; keys == ["bytes", "complete", "end", "end_kind",
        "events", "file", "gtid", "kind", "primary", "rows", "start", "tables", "time"] and
        (.primary | keys == ["end", "file", "start"]) and (.kind | IN("dml", "ddl", "xa_prepare",
        "xa_commit", "xa_rollback", "other")))'
    all rows "$@" | jq -es 'all(.[]; (keys - ["before", "after"]) ==
        ["db", "file", "gtid", "offset", "op", "table"] and
        has("before") == (.op != "insert") and has("after") == (.op != "delete"))'
    all events "$@" | jq -es 'all(.[]; (["code", "end_log_pos", "file", "flags", "length", "name",
        "offset", "server_id", "time"] - keys) == [])'
}

@test "every document has the fields that are promised" {
    each shapes
}

@test "the GTIDs at the end are those that had happened, also when only the last log is there" {
    cd "$BATON_SOURCE/testdata"
    run -0 jq -r .gtid <(inspect --json mysql-9.7/rows/bin.000001 mysql-9.7/rows/bin.000002)
    assert_output "992ea39e-e6b4-11f1-896e-02fc00000001:1-17:tagged:1"
    run -0 jq -r .gtid <(inspect --json mysql-9.7/rows/bin.000002)
    assert_output "992ea39e-e6b4-11f1-896e-02fc00000001:1-17:tagged:1"
    run -0 jq -r .gtid <(inspect --json mysql-9.7/rows/bin.000001)
    assert_output "992ea39e-e6b4-11f1-896e-02fc00000001:1-16:tagged:1"
    run -0 jq -r .gtid <(inspect --json mariadb-11.8/rows/bin.000002)
    assert_output "0-101-31,7-101-1"
    run -0 jq -r .gtid <(inspect --json mysql-5.6/rows/bin.000001)
    assert_output ""
}

@test "a range ends its log cleanly, where it ends" {
    cd "$BATON_SOURCE/testdata/mariadb-11.8/rows"
    run -0 jq -c '[.files[] | [.path, .end, .valid_end]]' <(inspect --json --to=0-101-4 bin.0*)
    assert_output '[["bin.000001","clean",1351]]'
}

@test "without its key an encrypted log is walked by lengths, and said to be encrypted" {
    cd "$BATON_SOURCE/testdata"
    run -0 jq -c '.files[0] | [.encrypted, .events, .valid_end]' \
        <(inspect --json mariadb-11.8/encrypted-ctr/bin.000001)
    assert_output "[true,$(all events --key-file=mariadb-11.8/encrypted-ctr/keys.txt \
        mariadb-11.8/encrypted-ctr/bin.000001 | wc -l),1459]"
    diff <(all events mariadb-11.8/encrypted-cbc/bin.000001 | jq -c '[.offset, .length]') \
        <(all events --key-file=mariadb-11.8/encrypted-cbc/keys.txt \
            mariadb-11.8/encrypted-cbc/bin.000001 | jq -c '[.offset, .length]')
    run -0 inspect mariadb-11.8/encrypted-ctr/bin.000001
    assert_output --partial "without its key: only lengths are known"
    run -0 inspect --rows mariadb-11.8/encrypted-ctr/bin.000001
    assert_output ""
    run ! inspect mysql-9.7/encrypted/bin.000001
    assert_output --partial "its keyring is needed"
}

@test "what is no v4 log is named as what it is" {
    local bytes=$BATS_TEST_TMPDIR/log
    # START_EVENT_V3 in a log of version 1 (13-byte headers) and 3 (19)
    printf '\xfebin\x10\x20\x30\x40\x01\x01\x00\x00\x00\x45\x00\x00\x00%056d' 0 >"$bytes"
    run ! inspect "$bytes"
    assert_output --partial "MySQL 4.1 or older (version 1 or 3)"
    printf '\xfe\xfe\x0d\x01%0512d' 0 >"$bytes"
    run ! inspect "$bytes"
    assert_output --partial "InnoDB binary log (.ibb, MariaDB 12.3)"
    printf 'CREATE TABLE t (i INT);' >"$bytes"
    run ! inspect "$bytes"
    assert_output --partial "is not a binary log"
}

@test "on a terminal a bar shows while work lasts, and is gone behind it" {
    local fifo=$BATS_TEST_TMPDIR/fifo log=$BATON_SOURCE/testdata/mariadb-11.8/rows/bin.000001
    local out=$BATS_TEST_TMPDIR/out terminal=$BATS_TEST_TMPDIR/terminal at size pid
    size=$(stat -c %s "$log")
    mkfifo "$fifo"
    script -qec "'$BATON_BIN/baton' inspect --json '$fifo' >'$out'" /dev/null >"$terminal" 3>&- &
    pid=$!
    exec 7>"$fifo"
    for ((at = 0; at < size; at += 50)); do
        tail -c "+$((at + 1))" "$log" | head -c 50 >&7
        ! grep -q 'B/s' "$terminal" || break
        read -rt 0.05 <> <(:) || true
    done
    tail -c "+$((at + 51))" "$log" >&7
    exec 7>&-
    wait "$pid"
    grep -q '[0-9] [KMi]*B  [0-9.]* [KMi]*B/s' "$terminal"
    assert_equal "$(tail -c 4 "$terminal")" $'\r\033[K'
    diff <(jq -c '[.events, .tables, .transactions.count]' "$out") \
        <(inspect --json "$log" | jq -c '[.events, .tables, .transactions.count]')
    # Nobody is told where nobody looks.
    run -0 --separate-stderr inspect --json "$log"
    assert_equal "$stderr" ""
}

le() { # VALUE BYTES
    local i
    for ((i = 0; i < $2; i++)); do printf '%b' "$(printf '\\x%02x' $((($1 >> 8 * i) & 255)))"; done
}

# append FILE TYPE FLAGS BODY: an event behind the last one of a log without checksums.
append() {
    local at length
    at=$(stat -c %s "$1")
    length=$((19 + ${#4}))
    {
        le 1790000000 4
        le "$2" 1
        le 101 4
        le "$length" 4
        le $((at + length)) 4
        le "$3" 2
        printf '%s' "$4"
    } >>"$1"
}

@test "what a server lost is told, and what only its group understands is counted by name" {
    local log=$BATS_TEST_TMPDIR/bin.000001
    cp "$BATON_SOURCE/testdata/mariadb-10.11/plain-checksum/bin.000001" "$log"
    [[ $(inspect --json "$log" | jq -r '.files[0].checksum') == none ]]
    append "$log" 36 0 "context of a transaction"
    append "$log" 37 0 "change of a view"
    append "$log" 43 128 "header of a large transaction"
    append "$log" 200 128 "something of tomorrow"
    # INCIDENT: number 1, a text with its length in one byte
    append "$log" 26 0 "$(printf '\x01_\x0elost by a test')"
    printf '\x00' | dd of="$log" bs=1 seek=$(($(stat -c %s "$log") - 16)) conv=notrunc status=none
    run -0 --separate-stderr inspect --json "$log"
    assert_regex "$stderr" "INCIDENT 1, events may be missing here: lost by a test"
    run -0 jq -rc '.events[] | select(.code | IN(26, 36, 37, 43, 200)) | "\(.name) \(.count)"' <<<"$output"
    assert_output "INCIDENT 1
TRANSACTION_CONTEXT 1
VIEW_CHANGE 1
LARGE_TRANSACTION_HEADER 1
TYPE_200 1"
    run -0 jq -r 'select(.name == "INCIDENT").message' <(all events "$log")
    assert_output "lost by a test"
}
