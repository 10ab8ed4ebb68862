#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# scripts/format on small files.

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
    cd "$BATS_TEST_TMPDIR" || return
    mkdir scripts
    cp "$BATON_SOURCE/scripts/format" scripts/
    cp "$BATON_SOURCE/.clang-format" .
}

@test "a file in the house format is left alone" {
    cat >a.c <<'END'
enum { A = 1, B = 2 }; /* one line */
enum kind { KIND_X, KIND_Y };

static int f(int a)
{
    return a == A ||
           a == B;
}
END
    run scripts/format --check
    assert_output ""
    assert_success
}

@test "what would change is shown, nothing is changed, and the status is 1" {
    printf 'int f( int a ){\n  return a;}\n' >a.c
    cp a.c before
    run scripts/format --check
    assert_failure 1
    assert_line "+int f(int a)"
    cmp a.c before
}

@test "formatting twice is formatting once" {
    printf 'int f( int a ){\n  return a;}\nenum{A,B};\n' >a.c
    scripts/format
    cp a.c once
    scripts/format
    cmp a.c once
    run scripts/format --check
    assert_success
}

@test "only a line that is too long is broken" {
    local long
    long=$(printf 'a_rather_long_name%d + ' 1 2 3 4 5 6)
    printf 'int f(void)\n{\n    return a &&\n           b;\n    return %s1;\n}\n' "$long" >a.c
    scripts/format
    run awk 'length($0) > 100' a.c
    assert_output ""
    run sed -n 3,4p a.c
    assert_output "    return a &&
           b;"
}

@test "an enum that fills its line to the last column stays as it is" {
    printf 'enum kind_of_thing { %s, %s };\n' "$(printf '%50s' '' | tr ' ' A)" \
        "$(printf '%24s' '' | tr ' ' B)" >a.c
    [[ $(awk '{print length($0)}' a.c) == 100 ]]
    run scripts/format --check
    assert_output ""
}

@test "the comment of a line that is too long moves above it" {
    printf 'struct s {\n    int %s; /* %s */\n};\n' "$(printf '%50s' '' | tr ' ' a)" \
        "$(printf '%50s' '' | tr ' ' b)" >a.c
    scripts/format
    run sed -n 2,3p a.c
    assert_output "    /* $(printf '%50s' '' | tr ' ' b) */
    int $(printf '%50s' '' | tr ' ' a);"
}
