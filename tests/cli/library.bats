# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# libbaton-parser as somebody else's program sees it: installed, found by pkg-config, used as documented.

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
    prefix=$BATS_TEST_TMPDIR/prefix
    cmake --install "$BATON_BIN/.." --prefix "$prefix" --component parser >/dev/null
    libdir=$(dirname "$(dirname "$(find "$prefix" -name baton-parser.pc)")")
    sed -i "s|^prefix=.*|prefix=$prefix|" "$libdir/pkgconfig/baton-parser.pc"
    export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir
}

@test "the example of docs/parser.md compiles as it stands and counts what baton inspect counts" {
    awk '/^```c$/ {inside = 1; next} /^```$/ {inside = 0} inside' \
        "$BATON_SOURCE/docs/parser.md" >"$BATS_TEST_TMPDIR/rows.c"
    # shellcheck disable=SC2046
    cc -D_GNU_SOURCE -Wall -Wextra -Werror "$BATS_TEST_TMPDIR/rows.c" ${BATON_CFLAGS-} \
        $(pkg-config --cflags --libs baton-parser) -o "$BATS_TEST_TMPDIR/rows"
    log=$(find "$BATON_SOURCE/testdata" -name 'bin.000001' -size +1k | sort | head -n 1)
    run "$BATS_TEST_TMPDIR/rows" "$log"
    assert_success
    assert_line --regexp '^ends (clean|open) at [0-9]+$'
    counted=$(awk '$2 ~ /insert|update|delete/ {n += $3} END {print n + 0}' <<<"$output")
    expected=$("$BATON_BIN/baton" inspect --json "$log" | jq '[.tables[] | .inserts + .updates + .deletes] | add')
    assert_equal "$counted" "$expected"
}
