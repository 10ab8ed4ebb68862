#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# rank, diff and verify over the relay logs of MySQL 9.7 replicas, recorded (testdata/mysql-9.7/relay):
# seven transactions with GTIDs out of two logs of the primary, the sixth one packed.  Replicas that
# received less are made by cutting.

bats_require_minimum_version 1.5.0

UUID=6e689b8f-e6b4-11f1-8079-02fc00000001

setup() {
    PATH=$BATON_BIN:$PATH
    cd "$BATS_TEST_TMPDIR"
    OUT=out.binlog
    replica whole
}

# A replica that received all; or that stopped receiving at an offset of relay.00000LOG.
replica() { # NAME [LOG OFFSET]
    local i
    mkdir "$1"
    for i in 1 2 3 4; do
        ((i > ${2:-4})) || cp "$BATON_SOURCE/testdata/mysql-9.7/relay/relay.00000$i" "$1/"
    done
    [[ ! ${2:-} ]] || truncate -s "$3" "$1/relay.00000$2"
}

gtids_of() { baton inspect --transactions --json "$@" | jq -r .gtid; }

numbers_of() { gtids_of "$@" | sed 's/.*://' | paste -sd ' '; }

rows_of() {
    baton inspect --rows --json "$@" | jq -c 'del(.file, .offset)'
}

@test "MySQL: replicas are ranked by what they received whole" {
    replica less 2 1319
    replica torn 2 1500
    run -0 baton rank --json less whole torn
    jq -e --arg uuid "$UUID" '(.replicas | map(.dir) | .[0] == "whole") and
        (.replicas | map(.rank) == [1, 2, 2]) and
        (.replicas | map(.gtid_received) == [$uuid + ":1-7", $uuid + ":1-4", $uuid + ":1-4"]) and
        (.replicas | map(.received.file) == ["bin.000002", "bin.000001", "bin.000001"]) and
        ([.replicas[] | select(.dir == "torn") | .unfinished_bytes] == [181])' <<<"$output"
}

@test "MySQL: a diff log holds exactly what a replica lacks, as it was received" {
    local cut
    for cut in "2 363 1 2 3 4 5 6 7" "2 1319 5 6 7" "2 1500 5 6 7" "2 1680 6 7" "4 403 6 7" \
        "4 500 6 7" "4 733 7" "4 1000 7"; do
        read -r -a cut <<<"$cut"
        rm -rf less
        replica less "${cut[@]:0:2}"
        run -0 --separate-stderr baton diff --target less --replica whole -o "$OUT" --json
        jq -e '.lost == null' <<<"$output"
        [[ $(numbers_of "$OUT") == "${cut[*]:2}" ]]
        diff <(rows_of "$OUT") <(rows_of whole/relay.* | grep -F "$(gtids_of "$OUT")")
        baton verify "$OUT"
    done
    run -0 baton diff --target whole --replica less -o "$OUT" --json
    jq -e '.transactions == 0' <<<"$output"
}

@test "MySQL: what is cut or damaged is not passed on, and taken from another replica" {
    local at
    replica less 2 911
    for at in 735 800 900 1000 1087; do
        rm -rf source
        replica source 4 "$at"
        baton diff --target less --replica source -o "$OUT" --json >said
        [[ $(numbers_of "$OUT") == "3 4 5 6" ]]
        jq -e '(.cut | length) == 1 and .cut[0].at == "relay.000004:733" and .lost != null' said
    done
    # A bit of the packed transaction.
    rm -rf source
    replica source
    printf '\377' | dd of=source/relay.000004 bs=1 seek=600 conv=notrunc status=none
    baton diff --target less --replica source -o "$OUT" --json >said
    [[ $(numbers_of "$OUT") == "3 4 5" ]]
    jq -e '.cut[0].at == "relay.000004:403" and (.lost | test(":6"))' said
    # The other one has that, and its own last one torn: behind the damage the first is read on.
    replica other 4 900
    baton diff --target less --replica source --replica other -o "$OUT" --json >said
    [[ $(numbers_of "$OUT") == "3 4 5 6 7" ]]
    jq -e '.lost == null and (.sources | length) == 2' said
    baton verify "$OUT"
}

@test "MySQL: a relay log that is gone from the middle is a hole, whatever the index says" {
    replica less 2 683
    rm whole/relay.000002
    printf './relay.00000%d\n' 1 3 4 >whole/relay.index
    baton diff --target less --replica whole -o "$OUT" --json >said
    jq -e '.transactions == 0 and (.lost | test("relay.000002")) and .cut[0].at == "relay.000002:0"' \
        said
}

@test "MySQL: a diff log with a flipped bit is refused" {
    replica less 2 911
    baton diff --target less --replica whole -o "$OUT"
    baton verify "$OUT"
    printf '\377' | dd of="$OUT" bs=1 seek=$(($(stat -c %s "$OUT") - 100)) conv=notrunc status=none
    run ! baton verify "$OUT"
}
