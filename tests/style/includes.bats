#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# scripts/check-includes on small trees: what it must refuse, and that it refuses nothing else.

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
    cd "$BATS_TEST_TMPDIR" || return
    mkdir -p cmake low high cli tests/unit
    cat >cmake/modules.cmake <<'END'
# bt_module(comment USES nothing)
bt_module(low SOURCES a.c LINKS m)
bt_module(high
  SOURCES b.c
  USES low LINKS PkgConfig::ZSTD)
END
    echo 'int a(void);' >low/a.h
    printf '#include "low/a.h"\n#include <stdio.h>\n' >low/a.c
    printf '#include "low/a.h"\n' >high/b.h
    printf '#include "high/b.h"\n#include "low/a.h"\n' >high/b.c
    printf '#include "version.h"\n#include "high/b.h"\n' >cli/main.c
    printf '#include <check.h>\n' >tests/unit/t.c
    printf '#include "tests/unit/suite.h"\n#include "high/b.h"\n' >>tests/unit/t.c
}

check() { run "$BATON_SOURCE/scripts/check-includes" .; }

@test "a tree that keeps to its graph passes" {
    check
    assert_success
    assert_output ""
}

@test "a room may not reach up" {
    echo '#include "high/b.h"' >>low/a.c
    check
    assert_failure 1
    assert_output "low/a.c:3: low may not use high (cmake/modules.cmake)"
}

@test "a room may not use what is not in its USES, headers included" {
    echo 'bt_module(side SOURCES s.c)' >>cmake/modules.cmake
    mkdir side
    echo '#  include "low/a.h"' >side/s.h
    check
    assert_failure 1
    assert_output "side/s.h:1: side may not use low (cmake/modules.cmake)"
}

@test "a room may not use the command line or the tests" {
    printf '#include "cli/main.h"\n#include "tests/unit/suite.h"\n' >>high/b.c
    check
    assert_failure 1
    assert_line "high/b.c:3: high may not use cli (cmake/modules.cmake)"
    assert_line "high/b.c:4: high may not use tests (cmake/modules.cmake)"
}

@test "the command line may not use the tests" {
    echo '#include "tests/unit/suite.h"' >>cli/main.c
    check
    assert_failure 1
    assert_output "cli/main.c:3: cli may not use tests"
}

@test "a private header stays in its folder" {
    touch low/a_priv.h
    echo '#include "low/a_priv.h"' >>low/a.c
    check
    assert_success
    echo '#include "low/a_priv.h"' >>high/b.c
    echo '#include "low/a_priv.h"' >>tests/unit/t.c
    check
    assert_failure 1
    assert_line "high/b.c:3: \"low/a_priv.h\" is private to low/"
    assert_line "tests/unit/t.c:4: \"low/a_priv.h\" is private to low/"
}

@test "a source begins with its own header" {
    printf '#include <stdio.h>\n#include "low/a.h"\n' >low/a.c
    check
    assert_failure 1
    assert_output "low/a.c:1: the first include is not \"low/a.h\""
}

@test "a header is named from the root" {
    echo '#include "a.h"' >>low/a.c
    check
    assert_failure 1
    assert_output "low/a.c:3: \"a.h\" is not named from the root"
}

@test "a folder that is no room is refused" {
    mkdir util
    echo '#include "util/x.h"' >>low/a.c
    touch util/x.h
    check
    assert_failure 1
    assert_line "util/x.h: stands in no room of cmake/modules.cmake"
    assert_line "low/a.c:3: \"util/x.h\" is in no room"
}

@test "a room that uses one that does not exist, or itself through others, is refused" {
    echo 'bt_module(odd SOURCES o.c USES nowhere)' >>cmake/modules.cmake
    check
    assert_failure 1
    assert_output "cmake/modules.cmake: odd uses \"nowhere\", which is no room"
    sed -i 's/SOURCES a.c/& USES high/; /odd/d' cmake/modules.cmake
    check
    assert_failure 1
    assert_line "cmake/modules.cmake: low uses itself through others"
    assert_line "cmake/modules.cmake: high uses itself through others"
}

@test "a room can be a folder within another, which it may not reach into" {
    echo 'bt_module(inner FOLDER high/inner SOURCES i.c USES low)' >>cmake/modules.cmake
    mkdir high/inner
    printf '#include "high/inner/i.h"\n#include "low/a.h"\n' >high/inner/i.c
    touch high/inner/i.h
    check
    assert_success
    echo '#include "high/b.h"' >>high/inner/i.c
    echo '#include "high/inner/i.h"' >>high/b.c
    check
    assert_failure 1
    assert_line "high/inner/i.c:3: inner may not use high (cmake/modules.cmake)"
    assert_line "high/b.c:3: high may not use inner (cmake/modules.cmake)"
}
