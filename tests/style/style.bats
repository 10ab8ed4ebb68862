#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# scripts/check-style on small files: what it must refuse, and that it refuses nothing else.

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
    cd "$BATS_TEST_TMPDIR" || return
    mkdir -p base parser cli tests/unit tests/cluster scripts
}

# c FILE LINE...: a C file with a licence line.
c() {
    local file=$1
    shift
    printf '%s\n' '/* SPDX-License-Identifier: Apache-2.0 */' "$@" >"$file"
}

check() { run "$BATON_SOURCE/scripts/check-style" .; }

# x COUNT: that many letters.
x() { printf "%$1s" '' | tr ' ' x; }

refuses() {
    check
    assert_failure 1
    assert_output "$1"
}

@test "clean sources pass" {
    c base/a.c '#include "base/a.h"' 'int f(void)' '{' '    return 0; /* https://x.org */' '}' \
        'const char *s = "http://x.org // exit(1) strcpy(a)";' "char q = '\"'; int r = 1;"
    c cli/main.c 'int main(void)' '{' '    printf("x");' '    exit(1);' '}'
    c tests/unit/t.c "const char *s = \"sleep 5\";"
    printf '# SPDX-License-Identifier: Apache-2.0\nrun bash -c "sleep 5"\n' >tests/cluster/t.bats
    check
    assert_output ""
    assert_success
}

@test "a line may have 100 characters, whatever their bytes, and not 101" {
    c base/a.h "/* $(x 94) */" "/* $(x 80)ééééééééééöööö */"
    check
    assert_success
    c base/a.h "/* $(x 95) */"
    refuses "base/a.h:2: 101 columns, allowed are 100"
    rm base/a.h
    printf '%s\n' "# SPDX-License-Identifier: Apache-2.0" "$(x 120)" "$(x 121)" >tests/cluster/t.bats
    refuses "tests/cluster/t.bats:3: 121 columns, allowed are 120"
}

@test "a table may be wider" {
    c base/a.h '/* clang-format off */' "/* $(x 150) */" '/* clang-format on */'
    check
    assert_success
}

@test "tabs and blanks at the end of a line are refused" {
    c base/a.h "$(printf '\tint a;')" "int b; "
    check
    assert_failure 1
    assert_line "base/a.h:2: a tab"
    assert_line "base/a.h:3: a blank at the end of the line"
}

@test "a source without a licence line is refused" {
    echo 'int a;' >base/a.h
    printf '#!/bin/sh\ntrue\n' >scripts/x
    check
    assert_failure 1
    assert_line "base/a.h:1: no SPDX-License-Identifier in the first 5 lines"
    assert_line "scripts/x:1: no SPDX-License-Identifier in the first 5 lines"
}

@test "a // comment is refused" {
    c base/a.h 'int a; // why' 'const char *s = "//";' '/* // */'
    refuses "base/a.h:2: a // comment"
}

@test "banned functions are refused, and what only sounds like them is not" {
    c base/a.c 'int n = atoi(s);' 'x = my_strcpy(s) + o->gets(s);' '/* strcat(a, b) */' \
        'strtok (a, b);'
    check
    assert_failure 1
    assert_output "base/a.c:2: a banned function
base/a.c:5: a banned function"
}

@test "bytes are not cast to numbers" {
    c parser/a.c 'x = *(uint32_t *)c->at;' 'y = *(const uint16_t *)(bytes + 4);'
    check
    assert_failure 1
    assert_line "parser/a.c:2: bytes cast to a wide integer: use the cursor"
    assert_line "parser/a.c:3: bytes cast to a wide integer: use the cursor"
}

@test "numbers are not copied out of bytes but by the cursor" {
    c parser/a.c 'memcpy(&n, event.body.ptr, 4);' 'memcpy(copy, s.ptr, s.len);' 'memcpy(&a, &b, 4);'
    refuses "parser/a.c:2: a number copied out of bytes: use the cursor"
}

@test "a library neither prints nor exits" {
    c base/a.c 'printf("x");' 'exit(1);' 'fputs("x", stderr);' 'snprintf(b, 2, "x");' '_exit(1);'
    check
    assert_failure 1
    assert_output "base/a.c:2: a library neither prints nor exits
base/a.c:3: a library neither prints nor exits
base/a.c:4: a library neither prints nor exits"
}

@test "a test does not sleep" {
    c tests/unit/t.c 'usleep(10);'
    local nap=sleep # spelled so that this file itself passes
    printf '%s\n' '# SPDX-License-Identifier: Apache-2.0' "# $nap 1" "    $nap 0.1" "true; $nap 1" \
        "$nap 1 # why" "$nap 600 3>&- &" "until ready; do" "$nap 1" "done" "$nap 2" \
        >tests/cluster/t.bats
    check
    assert_failure 1
    assert_output "tests/unit/t.c:2: a test waits for a condition, it does not sleep
tests/cluster/t.bats:3: a test waits for a condition, it does not sleep
tests/cluster/t.bats:4: a test waits for a condition, it does not sleep
tests/cluster/t.bats:10: a test waits for a condition, it does not sleep"
}

@test "a function may have 70 lines and not 71" {
    local body
    mapfile -t body < <(yes '    f();' | head -n 70)
    c base/a.c 'int f(void)' '{' "${body[@]}" '}'
    check
    assert_success
    c base/a.c 'int f(void)' '{' "${body[@]}" '    f();' '}'
    refuses "base/a.c:75: a function of 71 lines, allowed are 70"
}

@test "a file may have 700 lines and not 701" {
    local body
    mapfile -t body < <(yes 'int f(void);' | head -n 699)
    c base/a.h "${body[@]}"
    check
    assert_success
    c base/a.h "${body[@]}" 'int f(void);'
    refuses "base/a.h:700: 701 lines, allowed are 700"
}

@test "what is built and what is test data is not looked at" {
    mkdir -p build testdata .hidden
    echo 'gets(' | tee build/a.c testdata/a.c .hidden/a.c
    check
    assert_success
}
