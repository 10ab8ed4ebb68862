#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The man pages and the completion that the build has made out of the program's own tables.

bats_require_minimum_version 1.5.0

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
    PATH=$BATON_BIN:$PATH
    MAN=$BATON_BIN/../man
}

# The commands of `baton --help`.
commands() {
    baton --help | awk '/^  [a-z]/ {print $1}'
}

@test "every command and every name of MHA's has a page" {
    local name
    for name in $(commands); do [[ -s $MAN/man1/baton-$name.1 ]]; done
    for name in "$BATON_BIN"/mha/*; do [[ -s $MAN/man1/${name##*/}.1 ]]; done
    [[ -s $MAN/man1/baton.1 && -s $MAN/man5/baton.conf.5 ]]
}

@test "every option of a command stands in its page, and every key in that of the configuration" {
    local name option key
    for name in $(commands); do
        for option in $(baton "$name" --help | sed -n 's/^  *\(-., \)\?--\([a-z-]*\).*/\2/p'); do
            grep -qF -- "\\-\\-${option//-/\\-}\\fR" "$MAN/man1/baton-$name.1" ||
                fail "--$option is not in the page of $name"
        done
    done
    for key in $(baton conf keys | grep '^[a-z]'); do grep -qx ".B $key" "$MAN/man5/baton.conf.5"; done
}

@test "a formatter has nothing to say against any page" {
    command -v groff >/dev/null || skip "groff is not installed"
    local page
    for page in "$MAN"/man[15]/*; do
        run -0 --separate-stderr groff -man -ww -Tutf8 "$page"
        # shellcheck disable=SC2154
        assert_equal "$stderr" ""
        [[ -n $output ]]
    done
}

@test "bash completes commands and options" {
    run -0 bash -c 'source "$1"; compopt() { :; }
        COMP_WORDS=(baton sw) COMP_CWORD=1; _baton; echo "${COMPREPLY[*]}"
        COMP_WORDS=(baton check --js) COMP_CWORD=2; _baton; echo "${COMPREPLY[*]}"' bash "$MAN/completion"
    assert_output $'switchover\n--json'
}

@test "a page that does not exist is a mistake of the command line" {
    run -2 baton help man nothing
    assert_output --partial 'there is no man page "nothing"'
}

@test "every finding of baton check stands in its document" {
    local name
    for name in $(grep -ho '"[a-z]*-[a-z-]*"' "$BATON_SOURCE"/failover/check_{server,host,repl,outlook}.c |
        tr -d '"' | sort -u); do
        grep -qF "\`$name\`" "$BATON_SOURCE/docs/check.md" || fail "$name is not in docs/check.md"
    done
}

@test "the service manager has nothing to say against the unit" {
    command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
    sed "s,^ExecStart=[^ ]*,ExecStart=$BATON_BIN/baton," "$BATON_BIN/../generated/baton@.service" \
        >"$BATS_TEST_TMPDIR/baton@app1.service"
    MANPATH=$MAN run systemd-analyze verify "$BATS_TEST_TMPDIR/baton@app1.service"
    assert_success
    assert_output ""
}
